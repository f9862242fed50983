"""Alignment: what takes the windows of one person in one session into units that all people share, and back."""

from abc import ABC, abstractmethod
from typing import Self

import numpy as np
from sklearn.covariance import ledoit_wolf


class Alignment(ABC):
    """Fitted on windows of one person in one session, without their labels.

    Windows of a donor go into the shared units by the donor's alignment, and from there into the units of the person
    that is classified by the inverse of that person's. All is computed in float64.
    """

    @classmethod
    @abstractmethod
    def fit(cls, x: np.ndarray) -> Self:
        """Take what is needed of windows x (n, F)."""

    @abstractmethod
    def transform(self, x: np.ndarray) -> np.ndarray:
        """Windows x (n, F) in the shared units."""

    @abstractmethod
    def inverse(self, z: np.ndarray) -> np.ndarray:
        """Windows z (n, F) of the shared units in the units of this person and session."""

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """What its constructor takes, by name."""
        return dict(vars(self))

    @property
    def numbers(self) -> list[np.ndarray]:
        """All that it has learned: equal for equal alignments."""
        return list(self.arrays.values())


class Affine(Alignment):
    """(x - centre) / scale, feature by feature; a feature that does not vary in the fitted windows becomes 0."""

    def __init__(self, centre: np.ndarray, scale: np.ndarray):
        self.centre, self.scale = centre, scale

    def transform(self, x):
        varies = self.scale > 0
        return np.where(varies, x - self.centre, 0) / np.where(varies, self.scale, 1)

    def inverse(self, z):
        return z * self.scale + self.centre


class Unaligned(Affine):
    """Windows as they are."""

    @classmethod
    def fit(cls, x):
        return cls(np.zeros(x.shape[1]), np.ones(x.shape[1]))


class ZScore(Affine):
    """Less the mean, over the standard deviation of each feature."""

    @classmethod
    def fit(cls, x):
        x = x.astype(np.float64)
        spread = x.std(0)
        return cls(x.mean(0), np.where(spread > _rounding(x), spread, 0))


class MinMax(Affine):
    """To [0, 1] by the minimum and maximum of each feature."""

    @classmethod
    def fit(cls, x):
        x = x.astype(np.float64)
        span = np.ptp(x, axis=0)
        return cls(x.min(0), np.where(span > _rounding(x), span, 0))


class Covariance(Alignment):
    """z-scores times C^(-1/2), with C their covariance in the shrinkage of Ledoit and Wolf 2004.

    To whiten the donor and to colour by the person that is classified is CORAL (Sun, Feng and Saenko 2016), here with
    the means aligned as well. Euclidean alignment (He and Wu 2020) is the whitening alone, of signals.
    """

    def __init__(self, centre: np.ndarray, scale: np.ndarray, whitening: np.ndarray, colouring: np.ndarray):
        self.scores, self.whitening, self.colouring = ZScore(centre, scale), whitening, colouring

    @classmethod
    def fit(cls, x):
        scores = ZScore.fit(x)
        covariance, _ = ledoit_wolf(scores.transform(x), assume_centered=True)
        variances, axes = np.linalg.eigh(covariance)
        if variances[0] <= 0:
            raise ValueError(f"donors.alignment=covariance takes features that vary, got {len(x)} windows all alike")
        return cls(**scores.arrays, whitening=(axes / np.sqrt(variances)) @ axes.T,
                   colouring=(axes * np.sqrt(variances)) @ axes.T)  # fmt: skip

    def transform(self, x):
        return self.scores.transform(x) @ self.whitening

    def inverse(self, z):
        return self.scores.inverse(z @ self.colouring)

    @property
    def arrays(self):
        return {**self.scores.arrays, "whitening": self.whitening, "colouring": self.colouring}

    @property
    def numbers(self):
        return [*self.scores.numbers, self.colouring]


def _rounding(x: np.ndarray) -> np.ndarray:
    """What float32 features of this size may vary by without a difference: (F,)."""
    return np.finfo(np.float32).eps * np.abs(x).max(0)


ALIGNMENTS: dict[str, type[Alignment]] = {
    "none": Unaligned,
    "z_score": ZScore,
    "min_max": MinMax,
    "covariance": Covariance,
}
