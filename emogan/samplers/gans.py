"""The GANs as over-samplers; defaults and their reasons stand in conf/model/."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sklearn.utils._param_validation import StrOptions
from torch import Tensor

from emogan.augmenters import Augmenter, GANAugmenter
from emogan.augmenters.fit import fit
from emogan.data.training_set import TrainingSet
from emogan.environment import quiet_lightning
from emogan.models import CBEGAN, CGAN, CWGAN, ConditionalGAN, TrialCBEGAN
from emogan.samplers.sampler import Sampler
from emogan.samplers.wording import SamplerWording
from emogan.store import Store
from emogan.training.isolation import default_torch
from emogan.training.trainer import TrainerSettings
from emogan.wording import worded


@dataclass(kw_only=True, eq=False, repr=False)
class GANSampler(Sampler):
    """Appends windows that a conditional GAN draws; another GAN takes a class with its own settings.

    Parameters
    ----------
    iterations, batch_size, plateau_window, plateau_tolerance, selection, oversample
        See `GANAugmenter`.
    layers, hidden, architecture_seed, learning_rate, optimizer
        See `ConditionalGAN`.
    accelerator
        "cpu", "gpu" or "auto", as Lightning calls them.
    store
        Folder where fitted GANs are kept and found again, so that a grid of n_aug and of a classifier's settings
        trains each GAN once; jobs of `emogan.train` share it. None keeps nothing.
    **others
        See `Sampler`.
    """

    iterations: int = 1000
    batch_size: int = 128
    layers: int = 2
    hidden: int | Sequence[int] = 100
    architecture_seed: int | None = None
    learning_rate: float = 1e-4
    optimizer: Callable | None = None
    plateau_window: int = 0
    plateau_tolerance: float = 0.01
    selection: str | None = None
    oversample: int = 4
    accelerator: str = "cpu"
    store: str | os.PathLike | None = None

    _gan: ClassVar[type[ConditionalGAN]]
    _parameter_constraints: ClassVar[dict] = {
        **Sampler._parameter_constraints,
        "accelerator": [StrOptions({"cpu", "gpu", "auto"})],
        "store": [str, os.PathLike, None],
    }

    def _augmenter(self, settings: dict[str, Any]) -> GANAugmenter:
        del settings["accelerator"], settings["store"]
        return GANAugmenter(self._gan, name=type(self).__name__, **settings)

    def train(self, parts: Iterable[tuple[Any, Any, Any]], seeds: Sequence[int]) -> None:
        """Train the GANs of several (windows, labels, trials), stacked, into the store, where fit_resample finds them.

        Those with other classes are trained apart: their networks have another shape, or their labels other names.
        """
        by_classes: dict[tuple, list[tuple[TrainingSet, int]]] = {}
        for (X, y, groups), seed in zip(parts, seeds, strict=True):
            x, labels, _ = self.checked(X, y)
            if any(self.sampling_strategy_.values()):
                augmenter, data, classes = self.prepared(x, labels, groups)
                by_classes.setdefault(tuple(classes.tolist()), []).append((data, seed))
        for own_classes, members in by_classes.items():
            sets, own_seeds = zip(*members, strict=True)
            with worded(SamplerWording(type(self).__name__, own_classes)):
                self._trained(augmenter, sets, len(own_classes), own_seeds)

    def _trained(
        self, augmenter: Augmenter, sets: Sequence[TrainingSet], classes: int, seeds: Sequence[int]
    ) -> list[dict[str, Tensor]]:
        assert isinstance(augmenter, GANAugmenter)
        store = None if self.store is None else Store(Path(self.store))
        with default_torch(), quiet_lightning():
            trainer = TrainerSettings({"accelerator": self.accelerator})
            fits = fit(augmenter, sets, classes, seeds, store, trainer=trainer)
        return [{f"generator.{name}": value for name, value in one.items()} for one in fits.generators]

    def _tensors(self, augmenter: Augmenter, data: TrainingSet, classes: int, seed: int) -> dict[str, Tensor]:
        return self._trained(augmenter, [data], classes, [seed])[0]


@dataclass(kw_only=True, eq=False, repr=False)
class CBEGANSampler(GANSampler):
    """Appends windows of a cBEGAN (Luo, Zhu and Lu 2019); parameters: see `CBEGAN`, `GANSampler` and `Sampler`."""

    noise_features: int = 100
    gamma: float = 0.75
    lambda_k: float = 0.001
    eta: int = 1
    reduction: str = "mean"

    _gan = CBEGAN


@dataclass(kw_only=True, eq=False, repr=False)
class CWGANSampler(GANSampler):
    """Appends windows of a cWGAN (Luo and Lu 2018); parameters: see `CWGAN`, `GANSampler` and `Sampler`."""

    noise_features: int = 100
    penalty: float = 10.0
    clip: float | None = None
    critic_steps: int = 5

    _gan = CWGAN


@dataclass(kw_only=True, eq=False, repr=False)
class CGANSampler(GANSampler):
    """Appends windows of a conditional GAN (Mirza and Osindero 2014); see `CGAN`, `GANSampler` and `Sampler`."""

    noise_features: int = 100
    saturating: bool = True

    _gan = CGAN


@dataclass(kw_only=True, eq=False, repr=False)
class TrialCBEGANSampler(GANSampler):
    """Appends windows of a `TrialCBEGAN`, which starts from moved trials; see there, `GANSampler` and `Sampler`.

    ``groups`` are the trials; without them the windows of a class count as one trial.
    """

    iterations: int = 500
    components: int | None = 64
    trial_strength: float = 1.0
    residual: bool = True
    anchor: float = 1.0
    average: float = 0.99
    gamma: float = 1.0
    lambda_k: float = 0.001

    _gan = TrialCBEGAN
