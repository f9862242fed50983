"""Augmenters: whatever draws labelled synthetic windows after having seen training windows."""

from emogan.augmenters.augmenter import Augmenter, Layout, NoAugmentation, balanced_labels
from emogan.augmenters.control import Control
from emogan.augmenters.gan import GANAugmenter
from emogan.augmenters.resampling import DonorWindows, Duplicate, Mixup, Noise, Recombination, Smote
from emogan.augmenters.rotation import Rotation
from emogan.augmenters.statistical import Gaussian, PersonEffects, RandomEffects
from emogan.augmenters.whole_trials import Autoregressive, TrialBootstrap, WholeTrials

__all__ = [
    "Augmenter",
    "Autoregressive",
    "Control",
    "DonorWindows",
    "Duplicate",
    "GANAugmenter",
    "Gaussian",
    "Layout",
    "Mixup",
    "NoAugmentation",
    "Noise",
    "PersonEffects",
    "RandomEffects",
    "Recombination",
    "Rotation",
    "Smote",
    "TrialBootstrap",
    "WholeTrials",
    "balanced_labels",
]
