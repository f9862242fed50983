"""cWGAN: conditional Wasserstein GAN (Luo and Lu 2018; Arjovsky et al. 2017; Gulrajani et al. 2017)."""

from collections.abc import Sequence
from typing import Unpack

import torch
from torch import Tensor, nn

from emogan.checks import NonNegativeFloat, PositiveFloat, PositiveInt
from emogan.models.conditional_gan import ConditionalGAN, frozen
from emogan.models.conditional_generator import Batch, CommonAndNoise
from emogan.models.stacked import StackedMLP, input_gradient, with_label


class CWGAN(ConditionalGAN):
    """cWGAN: a critic D estimates the Wasserstein distance E[D(x)] - E[D(G(z))], which the generator lowers.

    Per iteration the critic takes ``critic_steps`` steps down d_loss = E[D(G(z))] - E[D(x)] + penalty, then the
    generator one down g_loss = -E[D(G(z))]. d_loss is what the paper's Fig. 2 (a) shows.

    Parameters
    ----------
    penalty
        Weight of (|grad D(x^)|_2 - 1)^2 at x^ between real and synthetic windows (Gulrajani et al. 2017).
    clip
        If not None, the critic's weights are clipped to [-clip, clip] instead (Arjovsky et al. 2017).
    critic_steps
        Critic steps per generator step.
    """

    kind = "cwgan"
    metrics = ("d_loss", "g_loss", "wasserstein")
    convergence = "wasserstein"

    def __init__(
        self,
        features: int,
        classes: int,
        members: int = 1,
        *,
        penalty: NonNegativeFloat = 10.0,
        clip: PositiveFloat | None = None,
        critic_steps: PositiveInt = 5,
        **common: Unpack[CommonAndNoise],
    ):
        super().__init__(features, classes, members, **common)
        self.penalty, self.clip, self.critic_steps = penalty, clip, critic_steps

    @property
    def draws(self) -> int:
        return self.critic_steps + 1

    def build_discriminator(self, hidden: Sequence[int]) -> nn.Module:
        return StackedMLP(self.members, [self.stretch * self.features + self.classes, *hidden, 1])

    def critic(self, x: Tensor, y: Tensor) -> Tensor:
        """D(x | y): (M, N, F) and (M, N) -> (M, N)."""
        return self.discriminator(with_label(x, y, self.classes)).squeeze(-1)

    def gradient_penalty(self, between: Tensor) -> Tensor:
        """Mean of (|grad D(x^)|_2 - 1)^2 of each member (M,), x^ between real and synthetic windows, labelled.

        x^ has the shape (M, N, F + K).
        """
        gradient = input_gradient(self.discriminator, between)
        gradient = gradient[..., : -self.classes]  # the label is given
        return (gradient.norm(dim=-1) - 1).square().mean(-1)

    def realism(self, z: Tensor, y: Tensor) -> Tensor:
        return self.critic(self.generate(z, y), y)

    def iterate(self, batch: Batch) -> Tensor:
        y = batch.y
        for step in range(self.critic_steps):
            d_loss, wasserstein = self.critic_step(batch, y, step)
        with frozen(self.discriminator):
            g_loss = -self.critic(self.imitate(batch.z[-1], y[-1]), y[-1]).mean(-1)
            self.update(self.generator, g_loss)
        return torch.stack([d_loss, g_loss, wasserstein]).detach()

    def critic_step(self, batch: Batch, y: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """One step of the critic, with a mini-batch of its own; returns d_loss and the Wasserstein estimate, each (M,).

        y (S, M, B) are the labels of the batch.
        """
        with torch.no_grad():
            both = batch.with_synthetic(self.imitate(batch.z[step], y[step]), step)
        windows = both.split(y.shape[-1], dim=1)
        scores = self.discriminator(both).squeeze(-1)
        real, synthetic = (half.mean(-1) for half in scores.split(y.shape[-1], dim=1))
        wasserstein = real - synthetic
        d_loss = -wasserstein
        if self.clip is None and self.penalty > 0:
            d_loss = d_loss + self.penalty * self.gradient_penalty(torch.lerp(windows[1], windows[0], batch.u[step]))
        self.update(self.discriminator, d_loss)
        if self.clip is not None:
            with torch.no_grad():
                for parameter in self.discriminator.parameters():
                    parameter.clamp_(-self.clip, self.clip)
        return d_loss, wasserstein
