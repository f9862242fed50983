"""GANs and other trained generators as over-samplers; defaults and their reasons are in conf/model/."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from sklearn.utils._param_validation import StrOptions
from torch import Tensor

from emogan.augmenters import Augmenter, GANAugmenter
from emogan.augmenters.fit import Fits, fit
from emogan.data.training_set import TrainingSet
from emogan.environment import quiet_lightning
from emogan.models import (
    CBEGAN,
    CGAN,
    CVAE,
    CWGAN,
    ConditionalGenerator,
    Diffusion,
    RecurrentCBEGAN,
    RecurrentCWGAN,
    TrialCBEGAN,
)
from emogan.samplers.sampler import Sampler, TrialSampler, with_settings
from emogan.samplers.warn import once, warn
from emogan.samplers.wording import SamplerWording
from emogan.store import Store
from emogan.training.detectors import messages
from emogan.training.isolation import default_torch
from emogan.training.trainer import TrainerSettings
from emogan.wording import worded

NOT_OF_THE_AUGMENTER = ("gan", "settings", "accelerator", "store")
# Keys of GANs that this process has looked at: a grid takes them from the store again and again.
_known: set[str] = set()


@dataclass(kw_only=True, eq=False, repr=False)
class TrainedSampler(Sampler):
    """What all samplers that train a GAN have in common.

    Parameters
    ----------
    iterations
        Training length, in updates of the generator.
    batch_size
        Windows per mini-batch.
    plateau_window, plateau_tolerance
        Training stops early once the mean of the GAN's convergence measure over this window of iterations differs from
        that over the window before by no more than this fraction; a window of 0 never stops early.
    selection
        "discriminator", "density" or "classifier" makes each window the best of several candidates
        (`emogan.augmenters.selection`); None takes them as they come.
    oversample
        Number of these candidates.
    accelerator
        "cpu", "gpu" or "auto", as Lightning calls them.
    store
        Folder where fitted GANs are kept and found again, so that a grid of n_aug and of a classifier's settings
        trains each GAN once; jobs of `emogan.train` share it. None keeps nothing.
    """

    gan: type[ConditionalGenerator] = field(init=False)
    settings: Mapping[str, Any] | None = field(default=None, init=False)
    iterations: int = 3000
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

    _parameter_constraints: ClassVar[dict] = {
        **Sampler._parameter_constraints,
        "accelerator": [StrOptions({"cpu", "gpu", "auto"})],
        "store": [str, os.PathLike, None],
    }

    @classmethod
    def _described_by(cls) -> tuple[type, ...]:
        gan = getattr(vars(cls).get("gan"), "default", None)
        return (gan if isinstance(gan, type) else ConditionalGenerator,)

    def _augmenter(self, settings: dict[str, Any]) -> GANAugmenter:
        shared = {name: value for name, value in settings.items() if name not in NOT_OF_THE_AUGMENTER}
        return GANAugmenter(self.gan, name=type(self).__name__, **with_settings(self, shared, self.settings))

    def train(self, parts: Iterable[tuple[Any, Any, Any]], seeds: Sequence[int]) -> None:
        """Train the GANs of several training sets, stacked, into the store, where fit_resample finds them.

        Those with other classes are trained apart: their networks have another shape, or their labels other names.

        Parameters
        ----------
        parts
            Windows, labels and trials of each training set; trials may be None where the GAN does not need them.
        seeds
            One for each of them.
        """
        by_classes: dict[tuple, list[tuple[TrainingSet, int]]] = {}
        fits: list[Fits] = []
        with once():
            for (X, y, trials), seed in zip(parts, seeds, strict=True):
                x, labels, _ = self._checked(X, y)
                if any(self.sampling_strategy_.values()):
                    augmenter, data, classes = self._prepared(x, labels, trials)
                    by_classes.setdefault(tuple(classes.tolist()), []).append((data, seed))
            for own_classes, members in by_classes.items():
                sets, own_seeds = zip(*members, strict=True)
                with worded(SamplerWording(type(self).__name__, own_classes)):
                    fits.append(self._fits(augmenter, sets, len(own_classes), own_seeds))
            self._warn_of(fits)

    def _fits(self, augmenter: Augmenter, sets: Sequence[TrainingSet], classes: int, seeds: Sequence[int]) -> Fits:
        assert isinstance(augmenter, GANAugmenter)
        store = None if self.store is None else Store(Path(self.store))
        with default_torch(), quiet_lightning():
            trainer = TrainerSettings({"accelerator": self.accelerator})
            return fit(augmenter, sets, classes, seeds, store, trainer=trainer, warns=False)

    def _tensors(self, augmenter: Augmenter, data: TrainingSet, classes: int, seed: int) -> dict[str, Tensor]:
        fits = self._fits(augmenter, [data], classes, [seed])
        self._warn_of([fits])
        return {f"generator.{name}": value for name, value in fits.generators[0].items()}

    def _warn_of(self, fits: Sequence[Fits]) -> None:
        """Warn of what is wrong with GANs that were trained now, or come from the store for the first time."""
        name, figures = type(self).__name__, []
        for one in fits:
            trained = {one.keys[m] for m in one.trained}
            found = zip(one.keys, one.figures, strict=True)
            figures += [own for key, own in found if own is not None and (key in trained or key not in _known)]
            _known.update(one.keys)
        with worded(SamplerWording(name)):
            for kind, message in messages(figures, name, "after training").items():
                warn(kind, message)


@dataclass(kw_only=True, eq=False, repr=False)
class GANSampler(TrialSampler, TrainedSampler):
    """Appends windows that a conditional GAN, or any other subclass of `ConditionalGenerator`, draws.

    Parameters
    ----------
    gan
        The class. To read what `save` writes, `emogan.load` finds it by its ``kind`` once its module is imported.
    settings
        Settings of this class, by name, besides those that all GANs have.

    Raises
    ------
    ValueError
        When fitted: if the class lacks something that `ConditionalGenerator` asks for, or a setting is impossible.
    """

    gan: type[ConditionalGenerator]
    settings: Mapping[str, Any] | None = None

    _parameter_constraints: ClassVar[dict] = {**TrainedSampler._parameter_constraints, "settings": [Mapping, None]}


@dataclass(kw_only=True, eq=False, repr=False)
class CBEGANSampler(TrainedSampler):
    """Appends windows of a cBEGAN (Luo, Zhu and Lu 2019), see `CBEGAN`."""

    noise_features: int = 100
    gamma: float = 0.75
    lambda_k: float = 0.001
    eta: int = 1
    reduction: str = "mean"

    gan: type[ConditionalGenerator] = field(default=CBEGAN, init=False)


@dataclass(kw_only=True, eq=False, repr=False)
class CWGANSampler(TrainedSampler):
    """Appends windows of a cWGAN (Luo and Lu 2018), see `CWGAN`."""

    iterations: int = 5000
    noise_features: int = 100
    penalty: float = 10.0
    clip: float | None = None
    critic_steps: int = 5

    gan: type[ConditionalGenerator] = field(default=CWGAN, init=False)


@dataclass(kw_only=True, eq=False, repr=False)
class CGANSampler(TrainedSampler):
    """Appends windows of a conditional GAN (Mirza and Osindero 2014), see `CGAN`."""

    iterations: int = 17000
    noise_features: int = 100
    saturating: bool = True

    gan: type[ConditionalGenerator] = field(default=CGAN, init=False)


@dataclass(kw_only=True, eq=False, repr=False)
class TrialCBEGANSampler(TrialSampler, TrainedSampler):
    """Appends windows of a `TrialCBEGAN`, which starts from moved trials; needs trials=, the trial of each window."""

    iterations: int = 500
    components: int | None = 64
    trial_strength: float = 1.0
    residual: bool = True
    anchor: float = 1.0
    ema_decay: float = 0.99
    gamma: float = 1.0
    lambda_k: float = 0.001

    gan: type[ConditionalGenerator] = field(default=TrialCBEGAN, init=False)


@dataclass(kw_only=True, eq=False, repr=False)
class CVAESampler(TrainedSampler):
    """Appends windows of a conditional variational auto-encoder (Kingma and Welling 2014), see `CVAE`."""

    iterations: int = 1000
    learning_rate: float = 1e-3
    latent: int = 16
    beta: float = 1.0
    variance: float | None = None
    decoder_noise: bool = True

    gan: type[ConditionalGenerator] = field(default=CVAE, init=False)


@dataclass(kw_only=True, eq=False, repr=False)
class DiffusionSampler(TrainedSampler):
    """Appends windows of class-conditional denoising diffusion (Karras et al. 2022), see `Diffusion`."""

    iterations: int = 1000
    learning_rate: float = 1e-3
    components: int | None = 16
    steps: int = 20
    guidance: float = 0.0
    label_dropout: float = 0.1
    ema_decay: float = 0.99

    gan: type[ConditionalGenerator] = field(default=Diffusion, init=False)


@dataclass(kw_only=True, eq=False, repr=False)
class RecurrentSampler(TrialSampler, TrainedSampler):
    """What the samplers of `emogan.models.recurrent.Recurrent` GANs have in common."""

    stretch: int = 4
    rollout: int = 8
    trial_noise: int = 32
    window_noise: int = 32


@dataclass(kw_only=True, eq=False, repr=False)
class RecurrentCBEGANSampler(RecurrentSampler):
    """Appends whole trials of a `RecurrentCBEGAN`, windows that follow one another; needs trials=, the trial of
    each window.

    Windows of a class that follow one another in what is drawn are those of a trial, and then of the next one.
    """

    iterations: int = 600
    learning_rate: float = 3e-4
    gamma: float = 0.75
    lambda_k: float = 0.001
    eta: int = 1
    reduction: str = "mean"

    gan: type[ConditionalGenerator] = field(default=RecurrentCBEGAN, init=False)


@dataclass(kw_only=True, eq=False, repr=False)
class RecurrentCWGANSampler(RecurrentSampler):
    """Appends whole trials of a `RecurrentCWGAN`, windows that follow one another; needs trials=, the trial of
    each window.

    Windows of a class that follow one another in what is drawn are those of a trial, and then of the next one.
    """

    iterations: int = 600
    learning_rate: float = 1e-3
    penalty: float = 10.0
    clip: float | None = None
    critic_steps: int = 5

    gan: type[ConditionalGenerator] = field(default=RecurrentCWGAN, init=False)
