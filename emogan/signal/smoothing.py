"""Smoothing of a trial's features: a linear dynamic system per feature, all features at once, and moving averages.

The system is the scalar random walk x_t = x_(t-1) + N(0, q), y_t = x_t + N(0, r), x_0 = N(mean, v0), with y the
features and x what is kept of them (Shi and Lu 2010; the equations are those of Bishop 2006, section 13.3). Every
function takes one trial: features (W, F) in order of time. The defaults are those of the code that is in use with the
SEED data sets. Only the ratios q / r and v0 / r matter, so that the same values serve entropies in log2 and in nats.
"""

import numpy as np
import pandas as pd

Q, R, V0 = 1e-4, 1.0, 0.01


def kalman_filter(features, q=Q, r=R, v0=V0, mean=None) -> np.ndarray:
    """Mean (W, F) of each window's state given the windows up to it.

    q, r, v0 and mean are numbers or (F,); mean is the trial's if not given, which lets later windows shift the first.

    Raises
    ------
    ValueError
        If the features are not (W, F), not finite or none, r is not positive, or q or v0 is negative.
    """
    means, _ = _forward(*_checked(features, q, r, v0, mean))
    return means


def rts_smoother(features, q=Q, r=R, v0=V0, mean=None) -> np.ndarray:
    """Mean (W, F) of each window's state given the whole trial (Rauch, Tung and Striebel 1965).

    Arguments and errors are those of `kalman_filter`.
    """
    features, q, r, v0, mean = _checked(features, q, r, v0, mean)
    means, variances = _forward(features, q, r, v0, mean)
    predicted = variances[:-1] + q
    gain = np.divide(variances[:-1], predicted, out=np.ones_like(predicted), where=predicted > 0)
    for t in range(len(means) - 2, -1, -1):
        means[t] += gain[t] * (means[t + 1] - means[t])
    return means


def moving_average(features, windows: int = 5) -> np.ndarray:
    """Mean (W, F) of as many windows around each as given, an odd number; of those there are at the trial's ends."""
    if windows < 1 or windows % 2 == 0:
        raise ValueError(f"expected an odd number of windows around each, got {windows}")
    return pd.DataFrame(features).rolling(windows, center=True, min_periods=1).mean().to_numpy()


def _forward(features, q, r, v0, mean) -> tuple[np.ndarray, np.ndarray]:
    """Filtered means and variances (W, F)."""
    means, variances = np.empty_like(features), np.empty_like(features)
    predicted = v0
    for t, observed in enumerate(features):
        gain = predicted / (predicted + r)
        mean = means[t] = mean + gain * (observed - mean)
        variances[t] = gain * r  # (1 - gain) * predicted, never negative
        predicted = variances[t] + q
    return means, variances


def _checked(features, q, r, v0, mean) -> tuple[np.ndarray, ...]:
    """Features in float64 and the others as (F,)."""
    features = np.asarray(features, dtype=float)
    if features.ndim != 2 or not len(features):
        raise ValueError(f"expected features (windows, features) of one trial, got {features.shape}")
    if not np.isfinite(features).all():
        bad = np.flatnonzero(~np.isfinite(features).all(0)).tolist()
        raise ValueError(f"features {bad} (counted from 0) hold values that are not finite")
    mean = features.mean(0) if mean is None else mean
    q, r, v0, mean = (np.broadcast_to(np.asarray(value, dtype=float), features.shape[1:]) for value in (q, r, v0, mean))
    if not ((q >= 0).all() and (r > 0).all() and (v0 >= 0).all()):
        raise ValueError(f"expected q >= 0, r > 0 and v0 >= 0, got {q.min()}, {r.min()} and {v0.min()}")
    return features, q, r, v0, mean
