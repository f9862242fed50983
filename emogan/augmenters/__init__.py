"""Augmenters: whatever draws labelled artificial windows after having seen training windows."""

from emogan.augmenters.augmenter import Augmenter, NoAugmentation, balanced_labels
from emogan.augmenters.gan import GANAugmenter

__all__ = ["Augmenter", "GANAugmenter", "NoAugmentation", "balanced_labels"]
