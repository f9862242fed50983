"""Augmenters: whatever draws labelled synthetic windows after having seen training windows."""

from emogan.augmenters.augmenter import Augmenter, Layout, NoAugmentation, balanced_labels
from emogan.augmenters.control import Control
from emogan.augmenters.gan import GANAugmenter
from emogan.augmenters.resampling import DonorWindows, Duplicate, Mixup, Noise, Recombination, Smote
from emogan.augmenters.rotation import Rotation
from emogan.augmenters.statistical import Gaussian, PersonEffects, RandomEffects

__all__ = [
    "Augmenter",
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
    "balanced_labels",
]
