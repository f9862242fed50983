"""cVAE: conditional variational auto-encoder (Kingma and Welling 2014; Sohn et al. 2015)."""

import math
from collections.abc import Sequence
from typing import Unpack

import torch
from torch import Tensor, nn

from emogan.checks import InsideUnit, NonNegativeFloat, PositiveFloat, PositiveInt
from emogan.models.conditional_generator import Batch, ConditionalGenerator, Networks, normal
from emogan.models.stacked import StackedMLP, with_label

# The variance at first, many times that of features scaled to [0, 1]: while it falls the divergence weighs more. From
# 1/12 on, the class means of EEG came out more than twice as far from the real ones after 1,000 updates.
START = 1.0
DECAY = 0.99  # of the running mean of the squared errors: it follows the decoder within some hundred iterations
LEAST = 1e-6  # variance: features are scaled to [0, 1], and a constant one is reconstructed without any error


class Decoder(nn.Module):
    """p(x | z, y) = N(mean(z, y), diag(variance)), the variance of each feature common to all windows."""

    def __init__(self, members: int, features: int, classes: int, latent: int, hidden: Sequence[int], variance: float):
        super().__init__()
        self.classes, self.latent = classes, latent
        self.mean = StackedMLP(members, [latent + classes, *hidden, features])
        self.register_buffer("variance", torch.full((members, features), variance))
        self.register_buffer("start_weight", torch.ones(members, 1))  # of `START` in a running mean of the variance

    def follow(self, errors: Tensor) -> None:
        """Take squared errors (M, F) into the running mean of the variances."""
        self.variance.lerp_(errors, 1 - DECAY).clamp_min_(LEAST)
        self.start_weight.mul_(DECAY)

    def drawn_variance(self) -> Tensor:
        """The variances (M, F) of windows that are drawn: the running mean without `START`."""
        learned = (self.variance - self.start_weight * START) / (1 - self.start_weight)
        return torch.where(self.start_weight < 1, learned.clamp_min(LEAST), self.variance)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Windows from standard normal noise (M, N, Z): the latent's and behind it, if it is there, the decoder's."""
        mean, noise = self.mean(with_label(z[..., : self.latent], y, self.classes)), z[..., self.latent :]
        return mean + noise * self.drawn_variance().sqrt()[:, None] if noise.shape[-1] else mean


class CVAE(ConditionalGenerator):
    """A conditional variational auto-encoder with a Gaussian decoder: it minimises the negative ELBO

        -E_q[log p(x | z, y)] + beta KL(q(z | x, y) | N(0, I)),

    q(z | x, y) = N(m(x, y), diag(s(x, y)^2)) the encoder and p(x | z, y) = N(D(z, y), diag(v)) the decoder (Kingma and
    Welling 2014, equation 10; with the label Sohn et al. 2015, equation 4), with one z for each window. Luo, Zhu, Wan
    and Lu (2020) augment EEG features so (sVAE). The variances v that maximise the ELBO are the mean squared errors of
    D (Rybkin, Daniilidis and Levine 2021, equation 5): their running means are taken. A window is D(z, y) for
    z ~ N(0, I), plus noise of the variances v.

    Parameters
    ----------
    latent
        Length Z of the latent vector z.
    beta
        Weight of the divergence; 1 is the ELBO, others are those of Higgins et al. 2017.
    variance
        A fixed variance v of all features, in the scaled units of training; learned for each feature if not given.
    decoder_noise
        Whether windows are drawn from the decoder's distribution. False gives its mean, whose windows spread less.
    """

    kind = "cvae"
    metrics = ("loss", "reconstruction", "divergence")
    convergence = "loss"
    derived = ("noise_features",)

    def __init__(
        self,
        features: int,
        classes: int,
        members: int = 1,
        *,
        latent: PositiveInt = 16,
        beta: NonNegativeFloat = 1.0,
        variance: PositiveFloat | None = None,
        decoder_noise: bool = True,
        learning_rate: InsideUnit = 1e-3,
        **networks: Unpack[Networks],
    ):
        self.latent, self.beta, self.variance = latent, beta, variance
        noise = latent + (features if decoder_noise else 0)
        super().__init__(features, classes, members, noise_features=noise, learning_rate=learning_rate, **networks)

    @property
    def batch_noise(self) -> int:
        return self.latent

    def build_networks(self, hidden: Sequence[int], others: Sequence[int]) -> None:
        super().build_networks(hidden, others)
        self.encoder = StackedMLP(self.members, [self.features + self.classes, *others, 2 * self.latent])

    def build_generator(self, hidden: Sequence[int]) -> Decoder:
        sizes = self.members, self.features, self.classes, self.latent
        return Decoder(*sizes, hidden, START if self.variance is None else self.variance)

    @property
    def networks(self) -> tuple[nn.Module, ...]:
        return self.generator, self.encoder

    def generate(self, z: Tensor, y: Tensor) -> Tensor:
        """Synthetic windows of labels (M, N) from uniform noise (M, N, noise_features): (M, N, F)."""
        return self.generator(normal(z), y)

    def encode(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of q(z | x, y): (M, N, F) and (M, N) -> (M, N, Z) twice."""
        return self.encoder(with_label(x, y, self.classes)).chunk(2, dim=-1)

    def iterate(self, batch: Batch) -> Tensor:
        x, y, decoder = batch.x[0], batch.y[0], self.generator
        mean, log_variance = self.encode(x, y)
        z = mean + (log_variance / 2).exp() * normal(batch.z[0])
        errors = (x - decoder(z, y)).square()
        errors = errors.transpose(1, 2).contiguous().mean(-1)  # of each feature, (M, F)
        if self.variance is None:
            decoder.follow(errors.detach())
        reconstruction = (errors / decoder.variance + (2 * math.pi * decoder.variance).log()).sum(-1) / 2
        divergence = (mean.square() + log_variance.exp() - log_variance - 1).sum(-1).mean(-1) / 2
        loss = reconstruction + self.beta * divergence
        self.descend(loss)
        return torch.stack([loss, reconstruction, divergence]).detach()
