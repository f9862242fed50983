"""Where `TrialCBEGAN` starts: a Gaussian per class for windows of new trials, and the axes in which it is white."""

from typing import NamedTuple

import numpy as np
from sklearn.covariance import ledoit_wolf_shrinkage

FLOOR = 1e-6  # of the variance along an axis, in parts of the largest: float32 tells no less


class Start(NamedTuple):
    """x = centre + v @ colour and v = (x - centre) @ white; v is N(means[y], I) for windows of new trials.

    Axes are sorted by falling variance of the standardised features.
    """

    centre: np.ndarray  # (F,) mean of all windows
    white: np.ndarray  # (F, F)
    colour: np.ndarray  # (F, F)
    means: np.ndarray  # (K, F) of the classes, over their trials, in white axes


def start(x: np.ndarray, y: np.ndarray, trial: np.ndarray, classes: int, strength: float) -> Start:
    """Estimate the start from one member's windows.

    The model is the linear mixed one of Laird and Ware 1982, x_i = m_c + d_j + r_i, with trial effects d_j and window
    residuals r_i whose covariances S_b and S_w are common to all classes, as a class has few trials. S_w is that of all
    windows about the means of their trials, with the shrinkage of Ledoit and Wolf 2004. The covariance of windows of new
    trials is strength^2 S_b + S_w; with one trial per class S_b is 0.

    Parameters
    ----------
    x, y, trial
        Windows (N, F) in scaled units, labels (N,) in 0..K-1 and trial numbers (N,).
    classes
        K. A class without windows has the mean of all.
    strength
        Factor of the trials' effects: 1 gives new trials the spread of the training trials.
    """
    x = x.astype(np.float64)
    # a trial is told by its label too: a clip that is rated in parts has windows of several classes
    (labels, _), number = np.unique(np.stack([y, trial]), axis=1, return_inverse=True)
    number = number.ravel()  # NumPy 2.0 gives it a second axis
    trial_means = np.stack([x[number == j].mean(0) for j in range(len(labels))])
    centre = x.mean(0)
    means = np.stack([trial_means[labels == c].mean(0) if (labels == c).any() else centre for c in range(classes)])

    residuals = x - trial_means[number]
    shrinkage = ledoit_wolf_shrinkage(residuals, assume_centered=True)
    within = residuals.T @ residuals / len(x)
    within *= 1 - shrinkage
    varying = np.ptp(x, axis=0) > 0
    within[varying, varying] += shrinkage * (residuals**2).mean()
    effects = trial_means - means[labels]
    covariance = within + strength**2 * effects.T @ effects / max(len(labels) - len(np.unique(labels)), 1)

    sd = np.sqrt(np.where(varying, np.diag(covariance), 0))
    inverse = np.divide(1, sd, out=np.zeros_like(sd), where=sd > 0)
    variances, axes = np.linalg.eigh(covariance * np.outer(inverse, inverse))
    variances, axes = np.maximum(variances[::-1], FLOOR * variances[-1]), axes[:, ::-1]
    white = inverse[:, None] * axes / np.sqrt(variances)
    colour = (axes * np.sqrt(variances)).T * sd
    return Start(centre, white, colour, (means - centre) @ white)
