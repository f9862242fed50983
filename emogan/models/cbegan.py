"""cBEGAN: conditional boundary-equilibrium GAN (Luo, Zhu and Lu 2019, 2.2; Berthelot et al. 2017)."""

from collections.abc import Sequence
from typing import Literal, Unpack

import torch
from torch import Tensor, nn

from emogan.checks import NonNegativeFloat, UnitFloat
from emogan.models.conditional_gan import ConditionalGAN, frozen
from emogan.models.conditional_generator import Batch, CommonAndNoise
from emogan.models.stacked import StackedMLP, with_label


class Autoencoder(nn.Module):
    """Stacked auto-encoder; the label enters the encoder and the decoder, the features alone are reconstructed."""

    def __init__(self, members: int, features: int, classes: int, hidden: Sequence[int]):
        super().__init__()
        self.classes = classes
        self.encoder = StackedMLP(members, [features + classes, *hidden])
        self.decoder = StackedMLP(members, [hidden[-1] + classes, *reversed(hidden[:-1]), features])

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """(M, N, F) and (M, N) -> (M, N, F)."""
        return self.reconstruct(with_label(x, y, self.classes))

    def reconstruct(self, labelled: Tensor) -> Tensor:
        """Windows with their one-hot labels (M, N, F + K) -> (M, N, F)."""
        code = torch.relu(self.encoder(labelled))
        return self.decoder(torch.cat([code, labelled[..., -self.classes :]], dim=-1))


class CBEGAN(ConditionalGAN):
    """cBEGAN as in the paper: an auto-encoder discriminator whose balance with the generator k_t keeps.

    With L(x) = |x - D(x)|^eta (equation 3), D minimises L(x) - k_t L(G(z)) (7), G minimises L(G(z)) (8),
    k_{t+1} = k_t + lambda_k (gamma L(x) - L(G(z))), clipped to [0, 1], k_0 = 0 (9), and
    M_global = L(x) + |gamma L(x) - L(G(z))| (10) tells how far training has come.

    Parameters
    ----------
    gamma
        Equilibrium E[L(G(z))] / E[L(x)], in [0, 1] (equation 6).
    lambda_k
        Step of the balance k_t.
    eta
        Exponent of the loss |x - D(x)|^eta, 1 or 2.
    reduction
        "mean" or "sum" of the loss over the features; the sum moves k_t faster by the factor F.
    """

    kind = "cbegan"
    metrics = ("m_global", "k", "loss_real", "loss_fake")
    convergence = "m_global"

    def __init__(
        self,
        features: int,
        classes: int,
        members: int = 1,
        *,
        gamma: UnitFloat = 0.75,
        lambda_k: NonNegativeFloat = 1e-3,
        eta: Literal[1, 2] = 1,
        reduction: Literal["mean", "sum"] = "mean",
        **common: Unpack[CommonAndNoise],
    ):
        super().__init__(features, classes, members, **common)
        self.gamma, self.lambda_k, self.eta, self.reduction = gamma, lambda_k, eta, reduction
        self.register_buffer("k", torch.zeros(members))

    def build_discriminator(self, hidden: Sequence[int]) -> Autoencoder:
        return Autoencoder(self.members, self.stretch * self.features, self.classes, hidden)

    def reconstruction_loss(self, x: Tensor, y: Tensor) -> Tensor:
        """L(x | y) of each window (equation 3): (M, N, F) and (M, N) -> (M, N)."""
        return self._distance(x, self.discriminator(x, y))

    def _distance(self, x: Tensor, reconstructed: Tensor) -> Tensor:
        distance = (x - reconstructed).abs()
        if self.eta == 2:
            distance = distance.square()
        return distance.mean(-1) if self.reduction == "mean" else distance.sum(-1)

    def realism(self, z: Tensor, y: Tensor) -> Tensor:
        return -self.reconstruction_loss(self.generate(z, y), y)

    def iterate(self, batch: Batch) -> Tensor:
        y = batch.y[0]
        fake = self.imitate(batch.z[0], y)
        both = batch.with_synthetic(fake.detach())
        losses = self._distance(both[..., : -self.classes], self.discriminator.reconstruct(both))
        loss_real, loss_fake = (half.mean(-1) for half in losses.split(y.shape[1], dim=1))
        self.update(self.discriminator, loss_real - self.k * loss_fake)
        with frozen(self.discriminator):
            self.update(self.generator, self.reconstruction_loss(fake, y).mean(-1))
        with torch.no_grad():
            balance = self.gamma * loss_real - loss_fake
            self.k.add_(self.lambda_k * balance).clamp_(0, 1)
            return torch.stack([loss_real + balance.abs(), self.k, loss_real, loss_fake])
