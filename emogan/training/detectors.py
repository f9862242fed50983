"""Detectors of mode collapse, ignored labels, divergence and other trouble, by a few figures of a GAN's windows."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from emogan.wording import Wording, words

COLLAPSED = 0.5  # a quarter of the variance: the spread of the paper's cBEGAN is 0.02 to 0.3, of cWGAN 0.6 and more
IGNORED = 0.25  # a generator that ignores the label is at 0, as all classes have the same noise; others end near 1
EXPLODED = 3.0  # real windows reach 1 at most, good synthetic ones 1.3; an untrained generator gives 1.4
FROZEN = 0.002  # a generator that is held where it starts still moves its windows by 0.01 to 0.1, others by 2 and more
HELD = 1.0  # not one iteration between the bounds
FAR = 1e9  # where windows are that are not finite
PREMATURE = 2  # a figure may still recover: during training it must be this many times beyond its limit


class Real(NamedTuple):
    """What the real windows of M members are like; float64."""

    spread: Tensor  # (M, K) root of the trace of each class's covariance; NaN for a class with fewer than two windows
    present: Tensor  # (M, K) whether a class has any windows
    means: Tensor  # (M, K, F) of each class; 0 for one that is not present
    middle: Tensor  # (M, F) between the lowest and the highest value
    half: Tensor  # (M, F) from there to either

    @classmethod
    def of(cls, x: Tensor, y: Tensor, classes: int) -> "Real":
        """Of one member, from windows (N, F) in scaled units and labels (N,) in 0..K-1, without padding."""
        x = x.double()
        groups = [x[y == k] for k in range(classes)]
        present = torch.tensor([len(group) > 0 for group in groups])
        nothing = torch.tensor(math.nan, dtype=torch.float64)
        spread = torch.stack([group.var(0).sum().sqrt() if len(group) > 1 else nothing for group in groups])
        means = torch.stack([group.mean(0) if len(group) else x.new_zeros(x.shape[1]) for group in groups])
        low, high = x.aminmax(dim=0)
        return cls(*(part[None] for part in (spread, present, means, (low + high) / 2, (high - low) / 2)))

    @classmethod
    def stacked(cls, members: Sequence["Real"]) -> "Real":
        """Of several members."""
        return cls(*(torch.cat(parts) for parts in zip(*members, strict=True)))

    def to(self, device: torch.device) -> "Real":
        """The same on a device."""
        return Real(*(part.to(device) for part in self))


def measure(real: Real, windows: Tensor, begun: Tensor) -> list[dict[str, float]]:
    """Figures of each member's synthetic windows (M, K, n, F), n of each class, of the same noise for all classes.

    ``begun`` are those of the untrained generators for this noise. All is computed at once, and so that no member's
    figures depend on the others. Figures, where they are defined:

    spread
        Root of the trace of a class's covariance, over that of the real windows (`emogan.analysis.quality`); of the
        class whose windows vary least.
    separation
        Root mean square distance of the class means from their mean, over that of the real windows: 0 where the label
        is ignored.
    mean_error
        Root mean square distance of the class means from the real ones, over that of these from their mean: at 1 the
        error is as large as what tells the classes apart.
    reach
        How far out windows lie: the root mean square distance of values from the middle of the real ones, over half
        the range of these; or the spread ratio of the class whose windows vary most, if that is more.
    moved
        Root mean square distance between windows and those of the untrained generator, over the real windows' spread.
    """
    windows = windows.double()
    varies, ranges = real.spread > 0, real.half > 0  # not NaN, not 0
    columns = windows.transpose(-1, -2).contiguous()  # sums along other axes than the last depend on their neighbours
    ratios = columns.var(-1).sum(-1).sqrt() / real.spread
    lowest = ratios.masked_fill(~varies, math.inf).amin(1)
    farthest = ratios.nan_to_num(FAR, FAR).masked_fill(~varies, 0).amax(1)
    flat = windows.flatten(1, 2)
    out = (flat - real.middle[:, None]).div_(real.half.masked_fill(~ranges, math.inf)[:, None])
    out = _mean(out.square_().sum(-1).mean(-1), ranges.sum(1)).sqrt().nan_to_num(FAR, FAR)
    moved = (flat - begun.flatten(1, 2)).square_().sum(-1).mean(-1).sqrt()
    spread = _mean(real.spread.square().masked_fill(~varies, 0).sum(1), varies.sum(1)).sqrt()
    means, apart = columns.mean(-1), _scatter(real.means, real.present)
    error = (means - real.means).masked_fill(~real.present[..., None], 0)
    figures = {
        "spread": lowest,
        "separation": _scatter(means, real.present) / apart,
        "mean_error": _mean(error.square().sum(-1).sum(-1), real.present.sum(1)).sqrt() / apart,
        "reach": torch.maximum(out, farthest).masked_fill(~ranges.any(1), math.nan),
        "moved": moved / spread,
    }
    values = torch.stack(list(figures.values()), dim=1).tolist()
    return [{name: v for name, v in zip(figures, own, strict=True) if math.isfinite(v)} for own in values]


def balance(k: Tensor) -> dict[str, float]:
    """Share of the last half of the iterations in which k_t (T,) was at 0 and at 1."""
    last = k[len(k) // 2 :]
    return {"k_at_0": float((last == 0).double().mean()), "k_at_1": float((last == 1).double().mean())}


def _scatter(means: Tensor, present: Tensor) -> Tensor:
    """Root mean square distance (M,) of the present classes' means (M, K, F) from their mean."""
    count, absent = present.sum(1), ~present[..., None]
    middle = _mean(means.masked_fill(absent, 0).transpose(1, 2).contiguous().sum(-1), count[:, None])
    apart = (means - middle[:, None]).masked_fill(absent, 0).square()
    return _mean(apart.sum(-1).sum(-1), count).sqrt()


def _mean(total: Tensor, count: Tensor) -> Tensor:
    return total / count.to(total.dtype)


@dataclass(frozen=True)
class Detector:
    """A kind of trouble: the figure that shows it, beyond which limits, what was seen and what to try."""

    kind: str
    figure: str
    seen: str  # with {} where the figures stand
    advice: Callable[[Wording], str]
    below: float = -math.inf
    above: float = math.inf
    lasts: bool = False  # whether it may warn during training: most other kinds are healed by further training
    warns: bool = True  # False: no trouble by itself, and in the report alone

    def fires(self, figures: Mapping[str, float], margin: float = 1) -> bool:
        """Whether a GAN's figure lies beyond the limit, by a factor if a margin is given."""
        value = figures.get(self.figure)
        return value is not None and (value < self.below / margin or value >= self.above * margin)


DETECTORS = (
    Detector(
        "collapse", "spread", "the within-class spread of synthetic windows is {} of the real one",
        lambda say: (
            f"Windows of a class are nearly copies of one another: try {say.model('trial_cbegan')}, which starts at "
            f"the real spread and is held there by {say.setting('anchor', 'trial_cbegan')}."
        ),
        below=COLLAPSED, lasts=True,
    ),
    Detector(
        "label ignored", "separation",
        "the means of synthetic classes lie {} times as far apart as those of the real ones",
        lambda say: (
            f"Windows look alike whatever their label: raise {say.setting('iterations')}, or try "
            f"{say.model('trial_cbegan')}, which starts with windows of each class."
        ),
        below=IGNORED,
    ),
    Detector(
        "exploding generator", "reach", "synthetic windows lie {} times as far out as real ones",
        lambda say: f"No recording gives such windows: lower {say.setting('learning_rate')}.",
        above=EXPLODED, lasts=True,
    ),
    Detector(
        "frozen generator", "moved", "training has moved windows by {} of the real spread",
        lambda say: (
            f"They are those of an untrained generator: raise {say.setting('learning_rate')} or "
            f"{say.setting('iterations')}."
        ),
        below=FROZEN,
    ),
    Detector(
        "k_t held at 1", "k_at_1", "k_t was at 1 for a share of {} of the last half of the iterations",
        lambda say: (
            "Synthetic windows are too easy to reconstruct and the discriminator cannot change that: lower "
            f"{say.setting('learning_rate')} or {say.setting('gamma')}."
        ),
        above=HELD,
    ),
    Detector(
        "k_t held at 0", "k_at_0", "k_t was at 0 for a share of {} of the last half of the iterations",
        lambda say: (
            "The discriminator learned from real windows alone, as synthetic ones stayed harder to reconstruct than "
            f"{say.setting('gamma')} asks for. That is normal early, and where {say.setting('anchor', 'trial_cbegan')} "
            f"holds the windows; else raise {say.setting('iterations')} or {say.setting('gamma')}."
        ),
        above=HELD, warns=False,
    ),
)  # fmt: skip


def findings(figures: Mapping[str, float]) -> dict[str, float]:
    """What is wrong with one GAN: kinds, and the figure that shows each."""
    return {one.kind: figures[one.figure] for one in DETECTORS if one.fires(figures)}


def lasting(figures: Collection[Mapping[str, float]]) -> list[Detector]:
    """Detectors of lasting trouble that may warn during training: in at least one GAN it is far beyond the limit."""
    return [one for one in DETECTORS if one.lasts and any(one.fires(f, PREMATURE) for f in figures)]


def messages(
    figures: Collection[Mapping[str, float]],
    name: str,
    when: str,
    detectors: Iterable[Detector] = DETECTORS,
    advise: bool = True,
) -> dict[str, str]:
    """One message for each kind of trouble that is worth a warning, by kind; it counts the GANs with this trouble.

    Parameters
    ----------
    figures
        Those of each GAN, see `measure`.
    name, when
        The name of the GANs and the time of the measurement, as the message gives them.
    detectors
        The kinds of trouble to look for.
    advise
        Whether a message says what to try.
    """
    texts = {}
    for one in detectors:
        values = [f[one.figure] for f in figures if one.fires(f)]
        if values and one.warns:
            seen = one.seen.format(span(values))
            advice = f" {one.advice(words())}" if advise else ""
            found = f"{one.kind} in {len(values)} of {len(figures)} generators of {name} {when}"
            texts[one.kind] = f"{found}: {seen}.{advice}"
    return texts


def span(values: Collection[float]) -> str:
    """Lowest to highest of some figures, as text."""
    return " to ".join(dict.fromkeys(f"{value:.2g}" for value in (min(values), max(values))))
