"""Autocorrelation of windows within trials: how similar windows a given number of windows apart are."""

import numpy as np
import numpy.typing as npt

LAGS = 10


def autocorrelation(
    x: npt.NDArray, y: npt.NDArray, trial: npt.NDArray, lags: int = LAGS
) -> npt.NDArray[np.float64]:  # fmt: skip
    """Autocorrelation of each feature at the lags 0 to ``lags``, in windows: (lags + 1, F).

    r(l) = E[c_t c_{t+l}] / E[c_t^2], where c are windows less the mean of their class, and the means go over all
    windows, and over all pairs of windows l apart in one trial. It does not fall to 0 where trials differ: what all
    windows of a trial share remains. The class means are estimated from the same windows, and this bias is not
    corrected: compare only sets of about equally many trials of about equal lengths.

    Parameters
    ----------
    x
        Windows (N, F); those of a trial stand in order.
    y, trial
        Labels and trials (N,).
    lags
        The largest lag. Where no trial is that long, and for features that do not vary, it is NaN.
    """
    x = x.astype(np.float64)
    centred = np.empty_like(x)
    for c in np.unique(y):
        centred[y == c] = x[y == c] - x[y == c].mean(0)
    sums, pairs = np.zeros((lags + 1, x.shape[1])), np.zeros(lags + 1)
    for number in np.unique(trial):
        own = centred[trial == number]
        for lag in range(min(lags + 1, len(own))):
            sums[lag] += (own[lag:] * own[: len(own) - lag]).sum(0)
            pairs[lag] += len(own) - lag
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = sums / pairs[:, None]
        return np.asarray(covariance / covariance[0])
