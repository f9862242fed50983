"""Conditional GANs, each a stack of independent members trained at once."""

from emogan.models.cbegan import CBEGAN
from emogan.models.cgan import CGAN
from emogan.models.conditional_gan import Batch, ConditionalGAN, frozen
from emogan.models.cwgan import CWGAN
from emogan.models.stacked import StackedLinear, StackedMLP, with_label
from emogan.models.trial_cbegan import TrialCBEGAN

__all__ = [
    "CBEGAN",
    "CGAN",
    "CWGAN",
    "Batch",
    "ConditionalGAN",
    "StackedLinear",
    "StackedMLP",
    "TrialCBEGAN",
    "frozen",
    "with_label",
]
