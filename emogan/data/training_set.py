"""TrainingSet: the windows that a scaler, an augmenter and classifiers are fitted on."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Self

import numpy as np

from emogan.data.features import FeatureSet
from emogan.data.scaling import MinMaxScaler
from emogan.store import fingerprint


@dataclass(frozen=True)
class FineTuning:
    """A training set is learned from in two parts: its first windows, and from some iteration on the others alone.

    Attributes
    ----------
    first : int
        How many windows training begins with.
    share : float
        Of the iterations that train on the others.
    """

    first: int
    share: float

    def begins(self, iterations: int) -> int:
        """The first iteration, out of a number of them, that trains on the others."""
        return round((1 - self.share) * iterations)


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Scaled training windows, their labels and the trials that they come from.

    Trials count from 0 within the set: what is learned from it must not depend on which other data were loaded.

    Attributes
    ----------
    x : array (n, F) of float32
        Scaled windows.
    y, trial : arrays (n,) of int64
    scaler : MinMaxScaler
    rows, scaled_by : arrays of int64
        Of which windows of the data the set consists, and which the scaler has seen.
    fine_tuning : FineTuning, or None
        Whether training ends on the last windows of the set.
    """

    rows: np.ndarray
    scaled_by: np.ndarray
    scaler: MinMaxScaler
    x: np.ndarray
    y: np.ndarray
    trial: np.ndarray
    fine_tuning: FineTuning | None = None

    @classmethod
    def of(cls, features: FeatureSet, rows: np.ndarray, scaled_by: np.ndarray) -> Self:
        """The windows at some rows of a data set, scaled by the extremes of those at others, as a rule the same."""
        scaler = MinMaxScaler.fit(features.x[scaled_by])
        trial = np.unique(features.trial_ids()[rows], return_inverse=True)[1]
        return cls(rows, scaled_by, scaler, scaler.transform(features.x[rows]), features.y[rows], trial)

    @classmethod
    def scaled(cls, x: np.ndarray, y: np.ndarray, trial: np.ndarray | None = None) -> Self:
        """Windows (n, F), scaled by their own extremes, and labels (n,) in 0..K-1; without trials all are of one.

        A feature that is constant in these windows counts as 0.
        """
        rows, scaler = np.arange(len(y)), MinMaxScaler.fit(x)
        number = np.zeros(len(y)) if trial is None else np.unique(trial, return_inverse=True)[1]
        z = scaler.transform(x).astype(np.float32)
        return cls(rows, rows, scaler, z, np.asarray(y, dtype=np.int64), number.astype(np.int64))

    @property
    def features(self) -> int:
        """Number F."""
        return self.x.shape[1]

    @property
    def parts(self) -> list[slice]:
        """Of the set's windows, those that training begins with and those of fine-tuning; all without it."""
        first = [self.fine_tuning.first] if self.fine_tuning else []
        return [slice(*edges) for edges in pairwise([0, *first, len(self.y)])]

    @property
    def ending(self) -> "TrainingSet":
        """What training ends on: the windows of fine-tuning, or the set itself without it."""
        if self.fine_tuning is None:
            return self
        last = self.parts[-1]
        return TrainingSet(self.rows[last], self.scaled_by, self.scaler, self.x[last], self.y[last], self.trial[last])

    @cached_property
    def fingerprint(self) -> str:
        """sha256 (hex) over windows and labels."""
        return fingerprint(self.x, self.y)

    def of_class(self, label: int) -> np.ndarray:
        """The windows (m, F) of one class, in float64."""
        return self.x[self.y == label].astype(np.float64)
