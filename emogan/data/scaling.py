"""Min-max scaling to [0, 1] by the statistics of a member's training windows, and standardising within subjects."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from emogan.checks import checked

FitOn = Literal["train", "all"]


def standardise_within(x: np.ndarray, subject: np.ndarray) -> np.ndarray:
    """Windows x (N, F) less the mean of their subject, over its standard deviation, feature by feature.

    People differ by more than what they feel does. All windows of a subject take part, without their labels: those
    that are tested too, as they would if a person's recording is at hand before it is classified. A feature that does
    not vary within a subject becomes 0. Computed in float64; the result has the type of x.

    Parameters
    ----------
    subject : (N,)
    """
    standardised = np.empty_like(x, dtype=_float_type(x))
    for one in np.unique(subject):
        own = x[subject == one].astype(np.float64)
        rounding = np.finfo(_float_type(x)).eps * np.abs(own).max(0)
        spread = np.where(np.ptp(own, axis=0) <= rounding, np.inf, own.std(0))
        standardised[subject == one] = (own - own.mean(0)) / spread
    return standardised


@checked("scaling")
def scaling_windows(train: np.ndarray, held_out: np.ndarray, fit_on: FitOn = "train") -> np.ndarray:
    """Indices of the windows whose extremes scale a member's features, rising.

    Parameters
    ----------
    train, held_out : window indices of the member
    fit_on : "train", or "all" for training and held-out windows together. "all" is one reading of the paper's "we
        normalize ... by min-max normalization"; it LEAKS the extremes of the test windows into training.

    Raises
    ------
    ValueError
        If fit_on is neither.
    """
    return np.unique(train) if fit_on == "train" else np.union1d(train, held_out)


@dataclass(frozen=True, eq=False)
class MinMaxScaler:
    """z = (x - minimum) / span per feature: in [0, 1] for the windows it was fitted on, for others anything.

    A feature that does not vary in the fitted windows, beyond the rounding of its own type, has an infinite span: z is
    0 for whatever x, so that a test window cannot become an outlier of arbitrary size, and its inverse is the constant.

    Statistics are float64, which holds the differences of float32 features to 1 part in 2^52; results have the type
    of the input (float32 z resolves 2^-24 of the span).

    Parameters
    ----------
    minimum, span : arrays (F,), float64
    """

    minimum: np.ndarray
    span: np.ndarray

    @classmethod
    def fit(cls, x: np.ndarray) -> "MinMaxScaler":
        """Take minimum and span of x (N, F)."""
        if x.ndim != 2 or not len(x):
            raise ValueError(f"expected at least one window to fit the scaling on, (windows, features), got {x.shape}")
        minimum, maximum = x.min(0).astype(np.float64), x.max(0).astype(np.float64)
        span = maximum - minimum
        rounding = np.finfo(_float_type(x)).eps * np.maximum(abs(minimum), abs(maximum))
        return cls(minimum, np.where(span <= rounding, np.inf, span))

    @property
    def constant(self) -> np.ndarray:
        """Indices of the features that do not vary in the fitted windows."""
        return np.flatnonzero(np.isinf(self.span))

    def transform(self, x: np.ndarray) -> np.ndarray:
        """Scale x (..., F)."""
        return ((x - self.minimum) / self.span).astype(_float_type(x))

    def inverse(self, z: np.ndarray) -> np.ndarray:
        """Undo `transform` for z (..., F)."""
        span = np.where(np.isinf(self.span), 0, self.span)
        return (z * span + self.minimum).astype(_float_type(z))


def _float_type(x: np.ndarray) -> np.dtype:
    return x.dtype if np.issubdtype(x.dtype, np.floating) else np.dtype(np.float64)
