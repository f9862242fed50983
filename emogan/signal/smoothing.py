"""Smoothing of a trial's features: a linear dynamic system per feature, all features at once, and moving averages.

The system is the scalar random walk x_t = x_(t-1) + N(0, q), y_t = x_t + N(0, r), x_0 = N(mean, v0), with y the
features and x what is kept of them (Shi and Lu 2010; the equations are those of Bishop 2006, section 13.3). Every
function takes one trial: features (W, F) in order of time; `smooth_trials` takes several. The defaults are those of
the code that is in use with the SEED data sets. They are not free of scale: entropies in log2 and in nats, which
differ by a factor of 2.885, ask for q and r that differ by its square.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

Q, R, V0 = 1e-4, 1.0, 0.01


class Fit(NamedTuple):
    """Variances that expectation maximisation found, one per feature, and how it came there."""

    q: np.ndarray  # (F,)
    r: np.ndarray  # (F,)
    log_likelihood: np.ndarray  # (iterations + 1, F), before the first iteration and after each


def kalman_filter(features, q=Q, r=R, v0=V0, mean=None) -> np.ndarray:
    """Mean (W, F) of each window's state given the windows up to it.

    q, r, v0 and mean are numbers or (F,); mean is the trial's if not given, which lets later windows shift the first.

    Raises
    ------
    ValueError
        If the features are not (W, F), not finite or none, r is not positive, or q or v0 is negative.
    """
    return _forward(*_checked(features, q, r, v0, mean))[0]


def rts_smoother(features, q=Q, r=R, v0=V0, mean=None) -> np.ndarray:
    """Mean (W, F) of each window's state given the whole trial (Rauch, Tung and Striebel 1965).

    Arguments and errors are those of `kalman_filter`.
    """
    features, q, r, v0, mean = _checked(features, q, r, v0, mean)
    filtered, variance, _ = _forward(features, q, r, v0, mean)
    return _backward(filtered, variance, q)[0]


def expectation_maximisation(features, q=None, r=None, v0=V0, mean=None, iterations: int = 30) -> Fit:
    """The q and r of each feature that make the trial likelier with each iteration (Bishop, section 13.3.2).

    Where q and r are not given the search starts from a third of the mean squared step between windows, whose
    expectation is q + 2 r; from a q far too small, as the default of the others mostly is, it hardly moves. v0 and mean
    stay as they are. A trial of one window says nothing of q, which then stays too. Other arguments and errors are
    those of `kalman_filter`.
    """
    features, _, _, v0, mean = _checked(features, Q, R, v0, mean)
    steps = (np.diff(features, axis=0) ** 2).mean(0) / 3 if len(features) > 1 else np.zeros(features.shape[1])
    q = np.where(steps > 0, steps, Q) if q is None else q
    r = np.where(steps > 0, steps, R) if r is None else r
    features, q, r, v0, mean = _checked(features, q, r, v0, mean)
    likelihood = []
    for _ in range(iterations):
        filtered, variance, log_likelihood = _forward(features, q, r, v0, mean)
        likelihood.append(log_likelihood)
        smoothed, spread, gain = _backward(filtered, variance, q)
        if len(features) > 1:
            steps = np.diff(smoothed, axis=0) ** 2 + spread[1:] + spread[:-1] - 2 * gain * spread[1:]
            q = steps.mean(0)
        r = ((features - smoothed) ** 2 + spread).mean(0)
    likelihood.append(_forward(features, q, r, v0, mean)[2])
    return Fit(q, r, np.array(likelihood))


def moving_average(features, windows: int = 5) -> np.ndarray:
    """Mean (W, F) of as many windows around each as given, an odd number; of those there are at the trial's ends."""
    if windows < 1 or windows % 2 == 0:
        raise ValueError(f"expected an odd number of windows around each, got {windows}")
    return pd.DataFrame(features).rolling(windows, center=True, min_periods=1).mean().to_numpy()


def smooth_trials(features, trial, smoother: Callable[[np.ndarray], np.ndarray] = rts_smoother) -> np.ndarray:
    """Features (W, F) smoothed trial by trial: windows with equal number ``trial`` (W,) belong together, in order.

    Numbers must be unique over all sessions and subjects in ``features``.
    """
    features, trial = np.asarray(features, dtype=float), np.asarray(trial)
    if trial.shape != features.shape[:1]:
        raise ValueError(f"expected one trial number per window, got {trial.shape} for features {features.shape}")
    smoothed = np.empty_like(features)
    for number in np.unique(trial):
        smoothed[trial == number] = smoother(features[trial == number])
    return smoothed


def _forward(features, q, r, v0, mean) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Filtered means and variances (W, F) and the log likelihood (F,) of the trial."""
    means, variances, likelihood = np.empty_like(features), np.empty_like(features), np.zeros(features.shape[1])
    predicted = v0
    for t, observed in enumerate(features):
        total = predicted + r
        surprise = observed - mean
        likelihood -= 0.5 * (np.log(2 * np.pi * total) + surprise**2 / total)
        gain = predicted / total
        mean = means[t] = mean + gain * surprise
        variances[t] = gain * r  # (1 - gain) * predicted, never negative
        predicted = variances[t] + q
    return means, variances, likelihood


def _backward(means, variances, q) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Smoothed means and variances (W, F) and the gains (W - 1, F) that lead from each window back."""
    means, spread = means.copy(), variances.copy()
    predicted = variances[:-1] + q
    gain = np.divide(variances[:-1], predicted, out=np.ones_like(predicted), where=predicted > 0)
    for t in range(len(means) - 2, -1, -1):
        means[t] += gain[t] * (means[t + 1] - means[t])
        spread[t] += gain[t] ** 2 * (spread[t + 1] - predicted[t])
    return means, spread, gain


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
