"""TrialCBEGAN: a cBEGAN that starts from windows of new trials and learns what they lack."""

from collections.abc import Sequence
from typing import Unpack

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from emogan.checks import BelowOne, NonNegativeFloat, PositiveInt, UnitFloat
from emogan.models.cbegan import Autoencoder
from emogan.models.conditional_gan import ConditionalGAN, frozen
from emogan.models.conditional_generator import CLOSEST, Batch, Common, normal
from emogan.models.stacked import StackedLinear, StackedMLP, class_sums, follow, of_class, with_label
from emogan.models.trial_start import MOST, LowRankStart, Start, low_rank_start, start

MANY = 1024  # features: eigenvectors of more take seconds and gigabytes a member, as their cost grows with F^3
KEPT = 512  # axes kept of more features than that: all that vary in up to 513 windows


class Generator(nn.Module):
    """G(z | y) = centre + (v + h(v | y)) colour, v = m_j + z: a start, and a learned residual h.

    z ~ N(0, I), and m_j is the mean of a real trial of class y. Without ``residual`` it is centre + h(z | y) colour.
    h sees and moves the first P whitened axes, those of most variance.
    """

    def __init__(
        self, members: int, features: int, classes: int, axes: int, hidden: Sequence[int], residual: bool,
        kept: int | None = None,
    ):  # fmt: skip
        super().__init__()
        kept = kept or features
        self.classes, self.axes, self.residual = classes, axes, residual
        self.deviation = StackedMLP(members, [axes + classes, *hidden, axes])
        self.average = StackedMLP(members, [axes + classes, *hidden, axes]).requires_grad_(False)
        self.colour = StackedLinear(members, kept, features).requires_grad_(False)  # its bias is the centre
        self.register_buffer("means", torch.zeros(members, classes * MOST, kept))  # of trials, class by class
        self.register_buffer("counts", torch.ones(members, classes, dtype=torch.int64))  # how many trials there are

    def take(self, m: int, found: Start | LowRankStart) -> None:
        """Have a member start where it was found to."""
        weight, bias = self.colour.weight_and_bias()
        self.means[m] = torch.from_numpy(found.means).flatten(0, 1)
        self.counts[m] = torch.from_numpy(found.counts)
        weight[m], bias[m, 0] = torch.from_numpy(found.colour), torch.from_numpy(found.centre)

    def start(self, z: Tensor, trial: Tensor, y: Tensor) -> Tensor:
        """The start v = m_j + z in as many whitened axes as the noise z (M, N, P) has: (M, N, P).

        The trial j of each window's class is chosen by ``trial`` in [0, 1); trials and labels are (M, N).
        """
        number = (trial * self.counts.gather(1, y)).long() + y * MOST
        means = self.means[..., : z.shape[-1]]
        return z + means.gather(1, number[..., None].expand(-1, -1, means.shape[-1]))

    def with_residual(self, network: nn.Module, z: Tensor, v: Tensor, y: Tensor) -> Tensor:
        """Windows in the first P whitened axes from noise z and start v, both (M, N, P)."""
        if self.residual:
            return v + network(with_label(v, y, self.classes))
        return network(with_label(z, y, self.classes))

    def in_first_axes(self, z: Tensor, trial: Tensor, y: Tensor) -> Tensor:
        """Windows in the first P whitened axes, those in which the residual h is added: (M, N, P)."""
        z = z[..., : self.axes]
        return self.with_residual(self.average, z, self.start(z, trial, y), y)

    def forward(self, z: Tensor, trial: Tensor, y: Tensor) -> Tensor:
        """(M, N, F) standard normal noise, trials in [0, 1) and labels, both (M, N) -> (M, N, F) in scaled units."""
        rest = self.start(z, trial, y)[..., self.axes :]
        return self.colour(torch.cat([self.in_first_axes(z, trial, y), rest], dim=-1))


class LowRankGenerator(Generator):
    """A `Generator` for many features: few whitened axes, and noise of each feature's own beside (`LowRankStart`)."""

    def __init__(
        self, members: int, features: int, classes: int, axes: int, hidden: Sequence[int], residual: bool, kept: int
    ):
        super().__init__(members, features, classes, axes, hidden, residual, kept)
        self.kept = kept
        self.white = StackedLinear(members, features, kept).requires_grad_(False)
        self.mixing = StackedLinear(members, kept, kept).requires_grad_(False)
        self.register_buffer("own", torch.zeros(members, features))
        self.register_buffer("there", torch.zeros(members, kept))  # 1 for an axis that there is

    def take(self, m, found):
        super().take(m, found)
        for layer, value in ((self.white, found.white), (self.mixing, found.mixing)):
            weight, bias = layer.weight_and_bias()
            weight[m], bias[m] = torch.from_numpy(value), 0
        self.own[m], self.there[m, : found.axes] = torch.from_numpy(found.own), 1

    def start(self, z, trial, y):
        return super().start(z * self.there[:, None, : z.shape[-1]], trial, y)

    def noise(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Noise (M, N, Q) in the axes kept, and the features' own (M, N, F), of (M, N, Q + F) standard normal."""
        own = z[..., self.kept :] * self.own[:, None]
        return self.mixing(z[..., : self.kept]) + self.white(own), own

    def in_first_axes(self, z, trial, y):
        return super().in_first_axes(self.noise(z)[0], trial, y)

    def forward(self, z, trial, y):
        along, own = self.noise(z)
        v = torch.cat([super().in_first_axes(along, trial, y), self.start(along, trial, y)[..., self.axes :]], dim=-1)
        return self.colour(v - self.white(own)) + own


class TrialCBEGAN(ConditionalGAN):
    """A cBEGAN whose generator adds a learned residual to windows of new trials from a smoothed bootstrap.

    Trials, not windows, are what training sets are short of. `start` estimates from the few there are what windows of
    new trials are like: in whitened axes, normal about the mean of a real trial. The generator adds a residual h to
    such windows, 0 at first, and the auto-encoder of a cBEGAN (`CBEGAN`, equations 3 and 7 to 10) trains it there. The
    generator minimises

        L(G(z)) + anchor (|E[h | y]|^2 + |var(v + h | y) - var(v | y)|^2)

    with means over classes and axes, both moments over one batch: the start's own error in them cancels. k_t moves by
    lambda_k (gamma - L(G(z)) / L(x)), whatever the scale of the loss. The noise has as many features as the windows.

    Parameters
    ----------
    components
        Number P of whitened axes that the networks see, those of most variance; None for all. Of more than 1,024
        features 512 axes are kept at most, see `low_rank_start`.
    trial_strength
        Factor of the trials' covariance in the start, see `start`.
    residual
        False makes the generator's network give the window itself, from noise and label.
    anchor
        Weight of the moments of each class, to which the generator is held.
    ema_decay
        EMA decay (exponential moving average) of the weights of h that windows are drawn with; 0 for none.
    gamma, lambda_k
        Equilibrium L(G(z)) / L(x) in [0, 1], and the step of the balance k_t.
    """

    kind = "trial_cbegan"
    metrics = ("m_global", "k", "loss_real", "loss_fake", "moments")
    convergence = "m_global"
    derived = ("noise_features",)
    needs_trials = True

    def __init__(
        self,
        features: int,
        classes: int,
        members: int = 1,
        *,
        components: PositiveInt | None = 64,
        trial_strength: NonNegativeFloat = 1.0,
        residual: bool = True,
        anchor: NonNegativeFloat = 1.0,
        ema_decay: BelowOne = 0.99,
        gamma: UnitFloat = 1.0,
        lambda_k: NonNegativeFloat = 1e-3,
        **common: Unpack[Common],
    ):
        self.kept = KEPT if features > MANY else features
        self.axes = min(components or features, self.kept)
        self.trial_strength, self.residual, self.anchor, self.ema_decay = trial_strength, residual, anchor, ema_decay
        self.gamma, self.lambda_k = gamma, lambda_k
        noise = features + 1 + (self.kept if features > MANY else 0)
        super().__init__(features, classes, members, noise_features=noise, **common)
        self.register_buffer("k", torch.zeros(members))

    @classmethod
    def revision(cls, features: int) -> dict:
        return super().revision(features) | ({"start": "low rank"} if features > MANY else {})

    @property
    def batch_noise(self) -> int:
        return self.axes + 1

    def build_generator(self, hidden: Sequence[int]) -> Generator:
        sizes = self.members, self.features, self.classes, self.axes, hidden, self.residual
        return LowRankGenerator(*sizes, self.kept) if self.features > MANY else Generator(*sizes)

    def build_discriminator(self, hidden: Sequence[int]) -> Autoencoder:
        return Autoencoder(self.members, self.axes, self.classes, hidden)

    @torch.no_grad()
    def prepare(self, x: Tensor, y: Tensor, n: Tensor, trial: Tensor | None) -> Tensor:
        """Find every member's start; its windows in the P whitened axes that the networks see, (M, N, P)."""
        generator, white = self.generator, x.new_zeros(*x.shape[:2], self.axes)
        for m, length in enumerate(n.tolist()):
            windows = x[m, :length].numpy()
            data = windows, y[m, :length].numpy(), trial[m, :length].numpy(), self.classes, self.trial_strength
            found = low_rank_start(*data, self.kept) if self.features > MANY else start(*data)
            generator.take(m, found)
            white[m, :length] = torch.from_numpy((windows - found.centre) @ found.white[:, : self.axes])
        if self.residual:  # the deviation is 0 at first
            generator.deviation[-1].packed.zero_()
        generator.average.load_state_dict(generator.deviation.state_dict())
        return white

    def generate(self, z: Tensor, y: Tensor) -> Tensor:
        """Synthetic windows G(z | y): (M, N, noise_features) uniform noise and (M, N) -> (M, N, F)."""
        return self.generator(*normal_and_trial(z), y)

    def reconstruction_loss(self, v: Tensor, y: Tensor) -> Tensor:
        """L(v | y) of each window, |v - D(v)| over axes: (M, N, P) and (M, N) -> (M, N)."""
        return (v - self.discriminator(v, y)).abs().mean(-1)

    def realism(self, z: Tensor, y: Tensor) -> Tensor:
        return -self.reconstruction_loss(self.generator.in_first_axes(*normal_and_trial(z), y), y)

    def moments(self, windows: Tensor, started: Tensor, v: Tensor, y: Tensor) -> Tensor:
        """What the anchor holds to 0: squared differences of windows' class means and variances to the start's, (M,).

        Without ``residual`` they are held to those of the real windows ``v``.
        """
        (mean, variance), (mean_held, variance_held) = (
            class_moments(one, y, self.classes) for one in (windows, started if self.residual else v)
        )
        return ((mean - mean_held).square() + (variance - variance_held).square()).flatten(1).mean(-1)

    def iterate(self, batch: Batch) -> Tensor:
        y, generator = batch.y[0], self.generator
        z, trial = normal_and_trial(batch.z[0])
        started = generator.start(z, trial, y)
        fake = generator.with_residual(generator.deviation, z, started, y)
        both = batch.with_synthetic(fake.detach())
        seen = both[..., : -self.classes]
        losses = (seen - self.discriminator.reconstruct(both)).abs().mean(-1)
        loss_real, loss_fake = (half.mean(-1) for half in losses.split(y.shape[1], dim=1))
        self.update(self.discriminator, loss_real - self.k * loss_fake)
        with frozen(self.discriminator):
            moments = self.moments(fake, started, seen[:, : y.shape[1]], y)
            self.update(generator, self.reconstruction_loss(fake, y).mean(-1) + self.anchor * moments)
        follow(generator.average, generator.deviation, self.ema_decay)
        with torch.no_grad():
            balance = self.gamma * loss_real - loss_fake
            self.k.add_(self.lambda_k * balance / loss_real).clamp_(0, 1)
            return torch.stack([loss_real + balance.abs(), self.k, loss_real, loss_fake, moments])


def normal_and_trial(uniform: Tensor) -> tuple[Tensor, Tensor]:
    """Standard normal noise (M, N, Z) and choices of a trial in [0, 1) (M, N), from uniform noise (M, N, Z + 1)."""
    return normal(uniform[..., 1:]), (uniform[..., 0].clamp(-CLOSEST, CLOSEST) + 1) / 2


def class_moments(x: Tensor, y: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Mean and variance of each class's windows, (M, N, P) and (M, N) -> (M, K, P) twice; 0 for a class without any."""
    mask = one_hot(y, classes).to(x.dtype)
    counts = mask.sum(1).clamp_min(1)[..., None]
    mean = class_sums(x, mask) / counts
    deviation = x - of_class(mean, mask)
    return mean, class_sums(deviation.square(), mask) / counts
