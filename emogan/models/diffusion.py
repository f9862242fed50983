"""Class-conditional denoising diffusion of feature vectors (Karras, Aittala, Aila and Laine 2022, "EDM")."""

import math
from collections.abc import Callable, Sequence
from typing import Annotated, Unpack

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from emogan.checks import BelowOne, InsideUnit, NonNegativeFloat, PositiveInt, UnitFloat, at_least
from emogan.models.conditional_generator import Batch, ConditionalGenerator, Networks, normal
from emogan.models.stacked import StackedLinear, StackedMLP, follow
from emogan.threads import one_thread
from emogan.wording import words

DATA = 0.5  # standard deviation sigma_data along every whitened axis (Karras et al., table 1)
LEVEL_MEAN, LEVEL_SPREAD = -1.2, 1.2  # of ln sigma in training (table 1)
# Noise levels sigma of the sampler: 40 times the data's deviation, which leaves class means 2.5 % short at most, to a
# hundredth of it.
HIGHEST, LOWEST = 20.0, 0.005
KEPT = 512  # whitened axes at most: all that vary in up to 513 windows
FLAT = 1e-3  # of the largest deviation: what varies less along an axis does not vary
FREQUENCIES = (1.0, 2.0, 4.0, 8.0)  # of ln(sigma) / 4, which is between -1.4 and 0.8: the first has no second period


class Denoiser(nn.Module):
    """D(x; sigma, y), the window without its noise of standard deviation sigma, and windows sampled by it.

    x is in the first P whitened axes of the training windows, along which these have the standard deviation `DATA`.
    Along the others, up to Q, windows are normal about the means of their classes.
    """

    def __init__(
        self, members: int, features: int, classes: int, axes: int, kept: int, hidden: Sequence[int], steps: int,
        guidance: float,
    ):  # fmt: skip
        super().__init__()
        self.classes, self.axes, self.kept, self.steps, self.guidance = classes, axes, kept, steps, guidance
        widths = [axes + classes + 2 * len(FREQUENCIES), *hidden, axes]
        self.network = StackedMLP(members, widths)
        self.average = StackedMLP(members, widths).requires_grad_(False)
        # From whitened axes and one-hot labels to features; its bias is the mean of all windows
        self.colour = StackedLinear(members, kept + classes, features).requires_grad_(False)

    @torch.no_grad()
    def whiten(self, m: int, x: Tensor, y: Tensor) -> Tensor:
        """Find the whitened axes of a member's windows (N, F) with labels (N,); the windows in the first, (N, P).

        The first P axes are those in which the windows vary most. Of what is left, the means of the classes are kept
        and, as further axes, those in which windows vary most about them.
        """
        weight, bias = self.colour.weight_and_bias()
        mean = x.mean(0)
        deviation, directions = principal_axes(x - mean, self.axes)
        least = FLAT * deviation[0]
        first = (x - mean) @ directions.T
        left = x - mean - first @ directions
        label = one_hot(y, self.classes).to(x.dtype)
        class_means = label.T @ left / label.sum(0).clamp_min(1)[:, None]
        further, others = principal_axes(left - label @ class_means, self.kept - self.axes)
        weight[m] = 0
        for start, spread, axes in ((0, deviation, directions), (self.axes, further, others)):
            weight[m, start : start + len(axes)] = axes * (spread * (spread > least) / DATA)[:, None]
        weight[m, self.kept :] = class_means
        bias[m, 0] = mean
        white = x.new_zeros(len(x), self.axes)
        white[:, : len(deviation)] = first * torch.where(deviation > least, DATA / deviation, 0)
        return white

    def denoise(self, network: nn.Module, x: Tensor, level: Tensor, label: Tensor) -> Tensor:
        """D of windows (M, N, P) at levels ln sigma, (M, N, 1) or one for all, with one-hot labels (M, N, K)."""
        sigma = level.exp()
        total = (sigma.square() + DATA**2).sqrt()
        angles = torch.cat([level / 4 * frequency for frequency in FREQUENCIES], dim=-1)
        time = torch.cat([angles.sin(), angles.cos()], dim=-1).expand(*x.shape[:2], -1)
        output = network(torch.cat([x / total, label, time], dim=-1))
        return x * (DATA / total).square() + output * (sigma * DATA / total)

    def guided(self, x: Tensor, level: Tensor, label: Tensor) -> Tensor:
        """The averaged network's D(x | y), led away from D(x) by guidance w: (1 + w) D(x | y) - w D(x)."""
        found = self.denoise(self.average, x, level, label)
        if self.guidance:
            without = self.denoise(self.average, x, level, torch.zeros_like(label))
            found = found + self.guidance * (found - without)
        return found

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Windows (M, N, F) in scaled units from standard normal noise (M, N, Q) and labels (M, N)."""
        label = one_hot(y, self.classes).to(z.dtype)

        def denoise(x: Tensor, sigma: float) -> Tensor:
            return self.guided(x, x.new_full((1, 1, 1), math.log(sigma)), label)

        first = sampled(denoise, z[..., : self.axes] * HIGHEST, self.steps)
        return self.colour(torch.cat([first, z[..., self.axes :] * DATA, label], dim=-1))


class Diffusion(ConditionalGenerator):
    """A denoiser D of windows with noise of any level, and windows by taking noise away step by step.

    It minimises E[lambda(sigma) |D(x + n; sigma, y) - x|^2], n ~ N(0, sigma^2 I), ln sigma ~ N(-1.2, 1.2^2), where
    D = c_skip x + c_out F(c_in x, ln(sigma) / 4, y) and lambda = 1 / c_out^2 (Karras et al. 2022, equations 7 and 8 and
    table 1), F the network. Windows are sampled without further noise along dx / dsigma = (x - D(x; sigma, y)) / sigma
    from sigma = 20 to 0.005, by DPM-Solver++(2M) (Lu et al. 2022): with 20 evaluations of D the spread of Gaussian data
    comes out to 3 %, with the 35 of Karras et al. to 14 %. EDM, not DDPM: the noise levels of training and of sampling
    are chosen apart, and no weights depend on a schedule.

    x is a window in the whitened axes of most variance, where D with F = 0 is the best for Gaussian windows: features
    as they are vary together, and their spread came out 1.4 times too large. Along further axes windows are Gaussian,
    with the mean of each class and the covariance within classes.

    Parameters
    ----------
    components
        Number P of whitened axes that the network sees, those of most variance; None for all, up to 512.
    steps
        Noise levels of the sampler, and evaluations of the network for each window; twice as many with guidance.
    guidance
        Strength w of classifier-free guidance (Ho and Salimans 2022, equation 6): windows become more typical of their
        class, and less diverse. 0 is off.
    label_dropout
        Share of the training windows whose label is hidden, for guidance; none are without it.
    ema_decay
        EMA decay (exponential moving average) of the weights that windows are sampled with; 0 for none.

    Raises
    ------
    ValueError
        If there is guidance without ``label_dropout``.
    """

    kind = "diffusion"
    metrics = ("loss",)
    convergence = "loss"
    derived = ("noise_features",)

    def __init__(
        self,
        features: int,
        classes: int,
        members: int = 1,
        *,
        components: PositiveInt | None = 16,
        steps: Annotated[int, at_least(2)] = 20,
        guidance: NonNegativeFloat = 0.0,
        label_dropout: UnitFloat = 0.1,
        ema_decay: BelowOne = 0.99,
        learning_rate: InsideUnit = 1e-3,
        **networks: Unpack[Networks],
    ):
        if guidance and not label_dropout:
            say = words().setting
            raise ValueError(
                f"{say('label_dropout')}: expected more than 0 with {say('guidance')}, which compares with a denoiser "
                "that has learned without labels, got 0"
            )
        self.steps, self.guidance, self.ema_decay = steps, guidance, ema_decay
        self.label_dropout = label_dropout if guidance else 0.0
        kept = min(features, KEPT)
        self.axes = min(components or kept, kept)
        super().__init__(features, classes, members, noise_features=kept, learning_rate=learning_rate, **networks)
        self.generator.average.load_state_dict(self.generator.network.state_dict())

    @property
    def batch_noise(self) -> int:
        return self.axes + (self.label_dropout > 0)

    def build_generator(self, hidden: Sequence[int]) -> Denoiser:
        sizes = self.members, self.features, self.classes, self.axes, self.noise_features
        return Denoiser(*sizes, hidden, self.steps, self.guidance)

    @torch.no_grad()
    def prepare(self, x: Tensor, y: Tensor, n: Tensor, trial: Tensor | None) -> Tensor:
        """Find every member's whitened axes; its windows in the first of them, (M, N, P)."""
        white = x.new_zeros(*x.shape[:2], self.axes)
        for m, length in enumerate(n.tolist()):
            white[m, :length] = self.generator.whiten(m, x[m, :length], y[m, :length])
        return white

    def generate(self, z: Tensor, y: Tensor) -> Tensor:
        """Synthetic windows of labels (M, N) from uniform noise (M, N, Q): (M, N, F)."""
        return self.generator(normal(z), y)

    def iterate(self, batch: Batch) -> Tensor:
        x, y, generator = batch.x[0], batch.y[0], self.generator
        label = one_hot(y, self.classes).to(x.dtype)
        if self.label_dropout:
            label = label * ((batch.z[0][..., self.axes :] + 1) / 2 >= self.label_dropout)
        level = LEVEL_MEAN + LEVEL_SPREAD * normal(2 * batch.u[0] - 1)
        sigma = level.exp()
        noise = sigma * normal(batch.z[0][..., : self.axes])
        errors = (generator.denoise(generator.network, x + noise, level, label) - x).square().mean(-1)
        loss = (errors * (1 / sigma.square() + 1 / DATA**2).squeeze(-1)).mean(-1)
        self.descend(loss)
        follow(generator.average, generator.network, self.ema_decay)
        return loss.detach()[None]


def principal_axes(x: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """Deviations (P,) of centred windows (N, F) along the axes in which they vary most, at most P, and these (P, F)."""
    with one_thread():
        _, spread, directions = torch.linalg.svd(x, full_matrices=False)
    spread, directions = spread[:most], directions[:most]
    sign = directions.gather(1, directions.abs().argmax(1, keepdim=True)).sign()  # else LAPACK's choice
    return spread / len(x) ** 0.5, directions * sign


def sampled(denoise: Callable[[Tensor, float], Tensor], x: Tensor, steps: int) -> Tensor:
    """What noise x of the highest level becomes at the lowest, by DPM-Solver++(2M) (Lu et al. 2022, algorithm 2).

    Levels fall by the same ratio, so that each step takes one and a half of its own denoised windows, less half of
    those of the step before. The first step is one of DDIM.
    """
    ratio, before = (LOWEST / HIGHEST) ** (1 / (steps - 1)), None
    for step in range(steps - 1):
        found = denoise(x, HIGHEST * ratio**step)
        x = ratio * x + (1 - ratio) * (found if before is None else 1.5 * found - 0.5 * before)
        before = found
    return denoise(x, LOWEST)
