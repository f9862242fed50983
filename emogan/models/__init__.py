"""Conditional GANs and other trained generators, each a stack of independent members trained at once."""

from emogan.models.cbegan import CBEGAN
from emogan.models.cgan import CGAN
from emogan.models.conditional_gan import ConditionalGAN, frozen
from emogan.models.conditional_generator import Batch, ConditionalGenerator
from emogan.models.cvae import CVAE
from emogan.models.cwgan import CWGAN
from emogan.models.diffusion import Diffusion
from emogan.models.recurrent_cbegan import RecurrentCBEGAN
from emogan.models.recurrent_cwgan import RecurrentCWGAN
from emogan.models.stacked import StackedLinear, StackedMLP, with_label
from emogan.models.stacked_gru import StackedGRU
from emogan.models.trial_cbegan import TrialCBEGAN

__all__ = [
    "CBEGAN",
    "CGAN",
    "CVAE",
    "CWGAN",
    "Batch",
    "ConditionalGAN",
    "ConditionalGenerator",
    "Diffusion",
    "RecurrentCBEGAN",
    "RecurrentCWGAN",
    "StackedGRU",
    "StackedLinear",
    "StackedMLP",
    "TrialCBEGAN",
    "frozen",
    "with_label",
]
