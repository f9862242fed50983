"""EmoGAN: conditional GAN augmentation of EEG and eye movement features for emotion recognition."""

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from emogan.data.table import table
    from emogan.models import CBEGAN, CGAN, CVAE, CWGAN, Diffusion, RecurrentCBEGAN, RecurrentCWGAN, TrialCBEGAN
    from emogan.samplers.controls import (
        AutoregressiveSampler,
        ControlSampler,
        DuplicateSampler,
        GaussianSampler,
        MixupSampler,
        NoiseSampler,
        RandomEffectsSampler,
        SMOTESampler,
        TrialBootstrapSampler,
    )
    from emogan.samplers.cross import cross_augment
    from emogan.samplers.files import load
    from emogan.samplers.fitted import FittedSampler
    from emogan.samplers.gans import (
        CBEGANSampler,
        CGANSampler,
        CVAESampler,
        CWGANSampler,
        DiffusionSampler,
        GANSampler,
        RecurrentCBEGANSampler,
        RecurrentCWGANSampler,
        TrialCBEGANSampler,
    )
    from emogan.training.datamodules import (
        AMIGOSDataModule,
        DEAPDataModule,
        DREAMERDataModule,
        FACEDDataModule,
        MAHNOBDataModule,
        SEEDDataModule,
        SEEDFRADataModule,
        SEEDGERDataModule,
        SEEDIVDataModule,
        SEEDVDataModule,
        SEEDVIIDataModule,
        SyntheticDataModule,
        TableDataModule,
    )
    from emogan.training.experiment_datamodule import ExperimentDataModule

__all__ = [
    "CBEGAN",
    "CGAN",
    "CVAE",
    "CWGAN",
    "AMIGOSDataModule",
    "AutoregressiveSampler",
    "CBEGANSampler",
    "CGANSampler",
    "CVAESampler",
    "CWGANSampler",
    "ControlSampler",
    "DEAPDataModule",
    "DREAMERDataModule",
    "Diffusion",
    "DiffusionSampler",
    "DuplicateSampler",
    "ExperimentDataModule",
    "FACEDDataModule",
    "FittedSampler",
    "GANSampler",
    "GaussianSampler",
    "MAHNOBDataModule",
    "MixupSampler",
    "NoiseSampler",
    "RandomEffectsSampler",
    "RecurrentCBEGAN",
    "RecurrentCBEGANSampler",
    "RecurrentCWGAN",
    "RecurrentCWGANSampler",
    "SEEDDataModule",
    "SEEDFRADataModule",
    "SEEDGERDataModule",
    "SEEDIVDataModule",
    "SEEDVDataModule",
    "SEEDVIIDataModule",
    "SMOTESampler",
    "SyntheticDataModule",
    "TableDataModule",
    "TrialBootstrapSampler",
    "TrialCBEGAN",
    "TrialCBEGANSampler",
    "cross_augment",
    "load",
    "table",
]

# What is imported on first use: torch, Lightning and scikit-learn take seconds, and imbalanced-learn is an extra.
_PLACES = {
    "data.table": ("table",),
    "models": ("CBEGAN", "CGAN", "CVAE", "CWGAN", "Diffusion", "RecurrentCBEGAN", "RecurrentCWGAN", "TrialCBEGAN"),
    "samplers.cross": ("cross_augment",),
    "samplers.files": ("load",),
    "samplers.fitted": ("FittedSampler",),
    "samplers.gans": (
        "CBEGANSampler", "CGANSampler", "CVAESampler", "CWGANSampler", "DiffusionSampler", "GANSampler",
        "RecurrentCBEGANSampler", "RecurrentCWGANSampler", "TrialCBEGANSampler",
    ),
    "training.experiment_datamodule": ("ExperimentDataModule",),
    "training.datamodules": tuple(name for name in __all__ if name.endswith("DataModule")),
}  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = next((place for place, names in _PLACES.items() if name in names), "samplers.controls")
    return getattr(importlib.import_module(f"emogan.{module}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
