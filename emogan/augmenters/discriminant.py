"""Linear discriminant analysis of one member's training windows, and the whitening of a covariance."""

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from emogan.models.trial_start import refuse_without_spread

FLOOR = 1e-9  # of the variance along an axis, in parts of the largest


def discriminant(x: np.ndarray, y: np.ndarray) -> LinearDiscriminantAnalysis:
    """A Gaussian per class about its mean, all of one covariance, with the shrinkage of Ledoit and Wolf 2004.

    Windows of class c are N(means_[c], covariance_); x (N, F) and y (N,) are without padding.

    Raises
    ------
    ValueError
        If the windows of every class are all alike.
    """
    refuse_equal_windows(x, y)
    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(x.astype(np.float64), y)


def refuse_equal_windows(x: np.ndarray, y: np.ndarray) -> None:
    """Raise a ValueError if the windows of every class are all alike."""
    widest = max(np.ptp(x[y == c], axis=0).max() for c in np.unique(y))  # shrinkage gives some of it to every feature
    refuse_without_spread(x, np.full(x.shape[1], widest), y)


def whitening(covariance: np.ndarray) -> np.ndarray:
    """The matrix W (F, F) that whitens a covariance S (F, F): W' S W = I."""
    variances, axes = np.linalg.eigh(covariance)
    return axes / np.sqrt(np.maximum(variances, FLOOR * variances[-1]))
