"""Controls as over-samplers, EmoGAN's and a user's own; sources and choices of strength are in conf/model/."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from emogan import kinds
from emogan.augmenters import (
    Augmenter,
    Autoregressive,
    Control,
    Duplicate,
    Gaussian,
    Mixup,
    Noise,
    RandomEffects,
    Smote,
    TrialBootstrap,
)
from emogan.data.training_set import TrainingSet
from emogan.samplers.sampler import Sampler, TrialSampler, with_settings
from emogan.samplers.training import windows_of
from emogan.wording import words


@dataclass(kw_only=True, eq=False, repr=False)
class FormulaSampler(Sampler):
    """What all samplers that draw by a formula have in common."""

    control: type[Control] = field(init=False)
    settings: Mapping[str, Any] | None = field(default=None, init=False)

    def _augmenter(self, settings: dict[str, Any]) -> Control:
        kinds.check_class(self.control, Control, words().setting("control"))
        if "layout" in self.control.needs:
            raise ValueError(
                f"{words().setting('control')}: expected a control that learns from windows, labels and trials alone, "
                f"got {self.control.__name__}, which needs to know the electrode of each column. Use it with "
                "python -m emogan.train"
            )
        given = {name: value for name, value in settings.items() if name not in ("control", "settings")}
        own = with_settings(self, given, self.settings)
        for name, value in own.items():
            if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str):
                raise ValueError(
                    f"{words().setting(name)}: expected one value, got {value!r}. A GridSearchCV chooses among several"
                )
        return self.control(name=type(self).__name__, **own)

    def _tensors(self, augmenter: Augmenter, data: TrainingSet, classes: int, seed: int) -> dict[str, Tensor]:
        return windows_of(data)


@dataclass(kw_only=True, eq=False, repr=False)
class ControlSampler(TrialSampler, FormulaSampler):
    """Appends windows that a formula makes of the training windows: any `Control`.

    What it saves holds the training windows.

    Parameters
    ----------
    control
        The class, a subclass of `Control`. To read what `save` writes, `emogan.load` finds it by its ``kind`` once its
        module is imported.
    settings
        Settings of this class, by name, each one value.

    Raises
    ------
    ValueError
        When fitted: if the class lacks something that `Control` asks for, or a setting is impossible.
    """

    control: type[Control]
    settings: Mapping[str, Any] | None = None

    _parameter_constraints: ClassVar[dict] = {**FormulaSampler._parameter_constraints, "settings": [Mapping, None]}


@dataclass(kw_only=True, eq=False, repr=False)
class DuplicateSampler(FormulaSampler):
    """Appends real windows once more: what a larger training set alone gains."""

    control: type[Control] = field(default=Duplicate, init=False)


@dataclass(kw_only=True, eq=False, repr=False)
class NoiseSampler(FormulaSampler):
    """Appends real windows plus noise, see `Noise`.

    Parameters
    ----------
    strength
        Standard deviation of the noise, in units of the features scaled to [0, 1].
    """

    strength: float = 0.1

    control: type[Control] = field(default=Noise, init=False)


@dataclass(kw_only=True, eq=False, repr=False)
class MixupSampler(FormulaSampler):
    """Appends mixtures of two windows of a class, see `Mixup`.

    Parameters
    ----------
    strength
        Parameter a of the Beta(a, a) distribution of the shares of the two windows.
    """

    strength: float = 0.2

    control: type[Control] = field(default=Mixup, init=False)


@dataclass(kw_only=True, eq=False, repr=False)
class SMOTESampler(FormulaSampler):
    """Appends points between a window and a neighbour of its class, of scaled features, see `Smote`.

    Parameters
    ----------
    k_neighbors
        How many neighbours there are to choose from; all other windows of a class that has fewer.
    """

    k_neighbors: int = 5

    control: type[Control] = field(default=Smote, init=False)


@dataclass(kw_only=True, eq=False, repr=False)
class GaussianSampler(FormulaSampler):
    """Appends windows of a Gaussian per class, see `Gaussian`."""

    control: type[Control] = field(default=Gaussian, init=False)


@dataclass(kw_only=True, eq=False, repr=False)
class RandomEffectsSampler(TrialSampler, FormulaSampler):
    """Appends windows of new trials, see `RandomEffects`; needs trials=, the trial of each window.

    Parameters
    ----------
    strength
        Factor of the trials' effects; 1 is that of the trials given.
    """

    strength: float = 1.0

    control: type[Control] = field(default=RandomEffects, init=False)


@dataclass(kw_only=True, eq=False, repr=False)
class TrialBootstrapSampler(TrialSampler, FormulaSampler):
    """Appends whole real trials, moved by random effects, see `TrialBootstrap`; needs trials=.

    Parameters
    ----------
    strength
        Width of the kernel; 1 gives new trials the spread that real trials have.
    """

    strength: float = 1.0

    control: type[Control] = field(default=TrialBootstrap, init=False)


@dataclass(kw_only=True, eq=False, repr=False)
class AutoregressiveSampler(TrialSampler, FormulaSampler):
    """Appends whole trials of an autoregressive Gaussian per class, see `Autoregressive`; needs trials=."""

    control: type[Control] = field(default=Autoregressive, init=False)
