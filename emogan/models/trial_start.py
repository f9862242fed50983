"""Where `TrialCBEGAN` starts: a Gaussian per class for windows of new trials, and the axes in which it is white."""

from typing import NamedTuple

import numpy as np
from sklearn.covariance import ledoit_wolf_shrinkage

from emogan.wording import words

FLOOR = 1e-6  # of the variance along an axis, in parts of the largest: float32 tells no less
MOST = 32  # trials of a class are kept, evenly spread over those there are


class Start(NamedTuple):
    """x = centre + v @ colour and v = (x - centre) @ white; windows of a new trial are v ~ N(one of means[y], I).

    Axes are sorted by falling variance of the standardised features.
    """

    centre: np.ndarray  # (F,) mean of all windows
    white: np.ndarray  # (F, F)
    colour: np.ndarray  # (F, F)
    means: np.ndarray  # (K, MOST, F) of the trials of each class, in white axes
    counts: np.ndarray  # (K,) how many there are


def trial_means(x: np.ndarray, y: np.ndarray, trial: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels (J,) of the trials of windows (N, F), the trial (N,) in 0..J-1 of each window, and their means (J, F).

    A trial is told by its label too: a clip that is rated in parts has windows of several classes.
    """
    (labels, _), number = np.unique(np.stack([y, trial]), axis=1, return_inverse=True)
    number = number.ravel()  # NumPy 2.0 gives it a second axis
    return labels, number, np.stack([x[number == j].mean(0) for j in range(len(labels))])


def start(x: np.ndarray, y: np.ndarray, trial: np.ndarray, classes: int, strength: float) -> Start:
    """Estimate the start from one member's windows.

    The model is the linear mixed one of Laird and Ware 1982, x_i = m_c + d_j + r_i, with trial effects d_j and window
    residuals r_i whose covariances S_b and S_w are common to all classes, as a class has few trials. S_w is that of
    all windows about the means of their trials, with the shrinkage of Ledoit and Wolf 2004. A new trial is a real one
    of its class, moved: a smoothed bootstrap (Silverman 1986) of trials with the kernel strength^2 S_b / n, n trials in
    a class. The means of n trials spread by (1 - 1/n) S_b about their own mean, so that at strength 1 new trials have
    the spread S_b that trials have. Windows about a moved trial have the covariance strength^2 S_b / n + S_w, which is
    white in the axes given. With one trial per class S_b is 0.

    Parameters
    ----------
    x, y, trial
        Windows (N, F) in scaled units, labels (N,) in 0..K-1 and trial numbers (N,).
    classes
        K. A class without windows has one trial, in the centre.
    strength
        Width of the kernel, in parts of the one above.

    Raises
    ------
    ValueError
        If windows do not vary within classes, so that there is no covariance to estimate.
    """
    x = x.astype(np.float64)
    labels, number, means_of_trials = trial_means(x, y, trial)
    centre = x.mean(0)

    residuals = x - means_of_trials[number]
    shrinkage = ledoit_wolf_shrinkage(residuals, assume_centered=True)
    within = residuals.T @ residuals / len(x)
    within *= 1 - shrinkage
    varying = np.ptp(x, axis=0) > 0
    within[varying, varying] += shrinkage * (residuals**2).mean()
    effects = means_of_trials - np.stack([means_of_trials[labels == c].mean(0) for c in labels])
    trials, present = len(labels), len(np.unique(labels))
    between = effects.T @ effects / max(trials - present, 1)
    covariance = within + strength**2 * present / trials * between

    sd = np.sqrt(np.where(varying, np.diag(covariance), 0))
    refuse_without_spread(x, sd, labels)
    inverse = np.divide(1, sd, out=np.zeros_like(sd), where=sd > 0)
    variances, axes = np.linalg.eigh(covariance * np.outer(inverse, inverse))
    variances, axes = np.maximum(variances[::-1], FLOOR * variances[-1]), axes[:, ::-1]
    white = inverse[:, None] * axes / np.sqrt(variances)
    colour = (axes * np.sqrt(variances)).T * sd

    means, counts = np.zeros((classes, MOST, x.shape[1])), np.ones(classes, dtype=np.int64)
    for c in np.unique(labels):
        own = (means_of_trials[labels == c] - centre) @ white
        kept = np.unique(np.linspace(0, len(own) - 1, min(len(own), MOST)).round().astype(int))
        means[c, : len(kept)], counts[c] = own[kept], len(kept)
    return Start(centre, white, colour, means, counts)


def refuse_without_spread(x: np.ndarray, sd: np.ndarray, labels: np.ndarray) -> None:
    """Raise ValueError if features vary in windows x (N, F), but none, or not all, within classes: sd (F,).

    Training would divide by their spread, and end with losses that are not finite.
    """
    extent, say = np.ptp(x, axis=0), words()
    alike = sd <= np.finfo(np.float32).eps * extent
    if alike.all() or (alike & (extent > 0)).any():
        names = ", ".join(say.label(c) for c in np.unique(labels).tolist())
        what = "all windows are alike" if alike.all() else f"{(alike & (extent > 0)).sum()} features are constant"
        raise ValueError(
            f"expected windows that differ within a class, but within each of {names} {what}: there is no spread to "
            f"learn. Are they copies of one another? {say.model('duplicate')} appends further copies"
        )
