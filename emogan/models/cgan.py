"""cGAN: the standard conditional GAN (Goodfellow et al. 2014; Mirza and Osindero 2014; paper, equation 1)."""

from collections.abc import Sequence
from typing import Unpack

import torch
from torch import Tensor, nn

from emogan.models.conditional_gan import ConditionalGAN, frozen
from emogan.models.conditional_generator import Batch, CommonAndNoise
from emogan.models.stacked import StackedMLP, softplus, with_label


class CGAN(ConditionalGAN):
    """The minimax game of equation 1: D maximises E[log D(x)] + E[log(1 - D(G(z)))], G minimises it.

    Parameters
    ----------
    saturating
        True: the generator minimises E[log(1 - D(G(z)))], as equation 1 stands. False: it maximises E[log D(G(z))],
        whose gradient does not vanish while D wins (Goodfellow et al. 2014, section 3).
    """

    kind = "cgan"
    metrics = ("d_loss", "g_loss")
    convergence = "d_loss"

    def __init__(
        self,
        features: int,
        classes: int,
        members: int = 1,
        *,
        saturating: bool = True,
        **common: Unpack[CommonAndNoise],
    ):
        super().__init__(features, classes, members, **common)
        self.saturating = saturating

    def build_discriminator(self, hidden: Sequence[int]) -> nn.Module:
        return StackedMLP(self.members, [self.stretch * self.features + self.classes, *hidden, 1])

    def logit(self, x: Tensor, y: Tensor) -> Tensor:
        """log D / (1 - D) of each window: (M, N, F) and (M, N) -> (M, N)."""
        return self.discriminator(with_label(x, y, self.classes)).squeeze(-1)

    def realism(self, z: Tensor, y: Tensor) -> Tensor:
        return self.logit(self.generate(z, y), y)

    def iterate(self, batch: Batch) -> Tensor:
        y = batch.y[0]
        fake = self.imitate(batch.z[0], y)
        both = self.discriminator(batch.with_synthetic(fake.detach())).squeeze(-1)
        real, synthetic = both.split(y.shape[1], dim=1)
        # -log sigmoid(a) = softplus(-a) and -log(1 - sigmoid(a)) = softplus(a)
        d_loss = softplus(-real).mean(-1) + softplus(synthetic).mean(-1)
        self.update(self.discriminator, d_loss)
        with frozen(self.discriminator):
            logit = self.logit(fake, y)
            g_loss = (-softplus(logit) if self.saturating else softplus(-logit)).mean(-1)
            self.update(self.generator, g_loss)
        return torch.stack([d_loss, g_loss]).detach()
