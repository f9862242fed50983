"""What synthetic windows reveal of the people that a generator learned from: two measures, with held-out people.

Both ask whether synthetic windows lie closer to the people whose windows were learned from, the donors, than to other
people. A generator that knows what people have in common lies equally close to both.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import pairwise_distances_argmin

DRAWS = 100  # of as many people as the other side has
RESAMPLES = 9999  # of the people


@dataclass(frozen=True)
class ClosestRecord:
    """Median distances from a synthetic window to the closest window of some donors and of some held-out people."""

    donors: float
    held_out: float
    ratio: float | None  # donors / held_out; None where the latter is 0
    people: int  # of either kind


@dataclass(frozen=True)
class Area:
    """An area under the ROC curve and its bootstrap 95 % interval over people."""

    auc: float
    low: float
    high: float


@dataclass(frozen=True)
class Membership:
    """How well donors are distinguished from held-out people, by one of a person's windows and by all of them."""

    window: Area
    person: Area


def closest(x: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Euclidean distance (n,) from each window of x (n, F) to the closest one of others (m, F); of a copy it is 0."""
    x, others = x.astype(np.float64), others.astype(np.float64)
    # found by products, which are fast, but measured by differences, so that a copy lies at exactly 0
    return np.linalg.norm(x - others[pairwise_distances_argmin(x, others)], axis=1)


def closest_record(
    synthetic: np.ndarray,
    donors: np.ndarray,
    donor: np.ndarray,
    held_out: np.ndarray,
    stranger: np.ndarray,
    random: np.random.Generator,
) -> ClosestRecord:
    """Distance to the closest record, of donors against people who were held out (Platzer and Reutterer 2021).

    The closest of many people is closer than the closest of few, so equal numbers of both are compared: from the larger
    side as many people as the smaller side has are drawn at random, and the median distances are means over `DRAWS`
    draws. With few held-out people, each draw can find only few donors copied: `membership` uses all of them. The
    privacy loss of Yale et al. (2020, "Generation and evaluation of privacy preserving synthetic health data") also
    compares distances to the training set with distances to other people.

    Parameters
    ----------
    synthetic, donors, held_out : arrays (n, F), in the same units
    donor, stranger : arrays (n,)
        Whose windows ``donors`` and ``held_out`` are.
    """
    sides = [
        np.stack([closest(synthetic, x[person == one]) for one in np.unique(person)])
        for x, person in ((donors, donor), (held_out, stranger))
    ]
    n = min(map(len, sides))
    drawn = [[side[random.permutation(len(side))[:n]].min(0) for _ in range(DRAWS)] for side in sides]
    ours, theirs = (float(np.mean(np.median(side, axis=1))) for side in drawn)
    return ClosestRecord(ours, theirs, ours / theirs if theirs else None, n)


def membership(
    synthetic: np.ndarray,
    donors: np.ndarray,
    donor: np.ndarray,
    held_out: np.ndarray,
    stranger: np.ndarray,
    random: np.random.Generator,
) -> Membership:
    """Membership inference: whoever has a person's windows guesses whether the person was a donor.

    The score is minus the distance from a window to the closest synthetic one, the full black-box attack of Chen et
    al. (2020, "GAN-Leaks"); that a generator's own windows suffice for such attacks is due to Hayes et al. (2019,
    "LOGAN"). The area under the ROC curve is the probability that a donor's window has a higher score than a held-out
    person's, ties counted half: 0.5 is guessing, 1 tells all. It is the mean over all pairs of a donor and a held-out
    person, so that people count alike, and the interval resamples donors and held-out people, as windows of one person
    resemble each other. Few people make any bootstrap too narrow. For the person the median score of all windows is
    taken.

    Parameters
    ----------
    synthetic, donors, held_out : arrays (n, F), in the same units
    donor, stranger : arrays (n,)
        Whose windows ``donors`` and ``held_out`` are.
    """
    ours, theirs = (
        [distance[person == one] for one in np.unique(person)]
        for distance, person in ((closest(donors, synthetic), donor), (closest(held_out, synthetic), stranger))
    )
    typical = [[np.median(distance, keepdims=True) for distance in side] for side in (ours, theirs)]
    return Membership(_area(ours, theirs, random), _area(*typical, random))


def _closer(a: np.ndarray, b: np.ndarray) -> float:
    """Probability that a distance of a (n,) is below one of b (m,), ties counted half."""
    b = np.sort(b)
    return float((2 * len(b) - np.searchsorted(b, a, "left") - np.searchsorted(b, a, "right")).mean() / (2 * len(b)))


def _area(ours: list[np.ndarray], theirs: list[np.ndarray], random: np.random.Generator) -> Area:
    """The mean over pairs of people, by the distances of each, and its interval over both kinds of people."""
    pairs = np.array([[_closer(a, b) for b in theirs] for a in ours])
    drawn = [random.multinomial(n, np.full(n, 1 / n), size=RESAMPLES) / n for n in pairs.shape]
    areas = (drawn[0] @ pairs * drawn[1]).sum(1)
    low, high = np.quantile(areas, [0.025, 0.975])
    return Area(float(pairs.mean()), float(low), float(high))
