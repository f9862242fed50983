"""The controls as over-samplers: what a GAN has to beat. Sources and choices of strength stand in conf/model/."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from emogan.augmenters import Augmenter, Control, Duplicate, Gaussian, Mixup, Noise, RandomEffects, Smote
from emogan.data.training_set import TrainingSet
from emogan.samplers.sampler import Sampler
from emogan.samplers.training import windows_of
from emogan.wording import words


@dataclass(kw_only=True, eq=False, repr=False)
class ControlSampler(Sampler):
    """Appends windows that a formula makes of the training windows. What it saves holds the training windows."""

    _control: ClassVar[type[Control]]

    def _augmenter(self, settings: dict[str, Any]) -> Control:
        for name, value in settings.items():
            if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str):
                raise ValueError(
                    f"{words().setting(name)}: expected one value, got {value!r}. A GridSearchCV chooses among several"
                )
        return self._control(name=type(self).__name__, **settings)

    def _tensors(self, augmenter: Augmenter, data: TrainingSet, classes: int, seed: int) -> dict[str, Tensor]:
        return windows_of(data)


@dataclass(kw_only=True, eq=False, repr=False)
class DuplicateSampler(ControlSampler):
    """Appends real windows once more: what a larger training set alone gains. Parameters: see `Sampler`."""

    _control = Duplicate


@dataclass(kw_only=True, eq=False, repr=False)
class NoiseSampler(ControlSampler):
    """Appends real windows plus noise; parameters: see `Noise` and `Sampler`."""

    strength: float = 0.1

    _control = Noise


@dataclass(kw_only=True, eq=False, repr=False)
class MixupSampler(ControlSampler):
    """Appends mixtures of two windows of a class; parameters: see `Mixup` and `Sampler`."""

    strength: float = 0.2

    _control = Mixup


@dataclass(kw_only=True, eq=False, repr=False)
class SMOTESampler(ControlSampler):
    """Appends points between a window and a neighbour of its class, of scaled features; see `Smote` and `Sampler`."""

    k_neighbors: int = 5

    _control = Smote


@dataclass(kw_only=True, eq=False, repr=False)
class GaussianSampler(ControlSampler):
    """Appends windows of a Gaussian per class; parameters: see `Gaussian` and `Sampler`."""

    _control = Gaussian


@dataclass(kw_only=True, eq=False, repr=False)
class RandomEffectsSampler(ControlSampler):
    """Appends windows of new trials; needs groups=, the trial of each window. See `RandomEffects` and `Sampler`."""

    strength: float = 1.0

    _control = RandomEffects
