"""Where `TrialCBEGAN` starts: a Gaussian per class for windows of new trials, and its whitening."""

from typing import NamedTuple

import numpy as np
from sklearn.covariance import ledoit_wolf_shrinkage

from emogan.data.sequences import evenly_spread, numbered_trials
from emogan.wording import words

FLOOR = 1e-6  # of the variance along an axis, in parts of the largest: float32 resolves no less
NOTHING = 1e-10  # of the norm of rows: a singular value below is rounding
MOST = 32  # trials of a class are kept, evenly spread over those there are


class Start(NamedTuple):
    """x = centre + v @ colour and v = (x - centre) @ white; windows of a new trial are v ~ N(one of means[y], I).

    Axes are sorted by falling variance of the standardised features.
    """

    centre: np.ndarray  # (F,) mean of all windows
    white: np.ndarray  # (F, F)
    colour: np.ndarray  # (F, F)
    means: np.ndarray  # (K, MOST, F) of the trials of each class, in whitened axes
    counts: np.ndarray  # (K,) how many there are


def trial_means(x: np.ndarray, y: np.ndarray, trial: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`numbered_trials` of windows (N, F), labels (J,) and the trial (N,) of each window, and their means (J, F)."""
    labels, number = numbered_trials(y, trial)
    return labels, number, np.stack([x[number == j].mean(0) for j in range(len(labels))])


class Trials(NamedTuple):
    """The trials of some windows, and how the mean of each differs from that of its class: float64."""

    labels: np.ndarray  # (J,)
    number: np.ndarray  # (N,) the trial of each window, in 0..J-1
    means: np.ndarray  # (J, F)
    centres: dict[int, np.ndarray]  # (F,) of each class: the mean of its trials' means
    effects: np.ndarray  # (J, F) what the means of trials differ by from those of their classes

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the effects: trials less classes, 1 at least."""
        return max(len(self.means) - len(self.centres), 1)


def trials_of(x: np.ndarray, y: np.ndarray, trial: np.ndarray) -> Trials:
    """Trials of windows x (N, F) with labels y (N,) and trials (N,)."""
    labels, number, means = trial_means(x, y, trial)
    centres = {int(c): means[labels == c].mean(0) for c in np.unique(labels)}
    return Trials(labels, number, means, centres, means - np.stack([centres[c] for c in labels.tolist()]))


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
    found = estimate(x, y, trial)
    within = found.residuals.T @ found.residuals / len(x)
    within *= 1 - found.shrinkage
    within[found.varying, found.varying] += found.own
    trials = found.trials
    between = trials.effects.T @ trials.effects / trials.freedom
    covariance = within + strength**2 * len(trials.centres) / len(trials.means) * between

    sd = np.sqrt(np.where(found.varying, np.diag(covariance), 0))
    refuse_without_spread(x, sd, trials.labels)
    inverse = np.divide(1, sd, out=np.zeros_like(sd), where=sd > 0)
    variances, axes = np.linalg.eigh(covariance * np.outer(inverse, inverse))
    variances, axes = np.maximum(variances[::-1], FLOOR * variances[-1]), axes[:, ::-1]
    white = inverse[:, None] * axes / np.sqrt(variances)
    colour = (axes * np.sqrt(variances)).T * sd
    return Start(found.centre, white, colour, *_trials_kept(found, white, classes))


class LowRankStart(NamedTuple):
    """`start` in few axes: x = centre + v @ colour + e - e @ white @ colour, e ~ N(0, diag(own^2)).

    In the axes kept, v = mean + u @ mixing + e @ white with u ~ N(0, I), so that windows of a new trial have the
    covariance colour' mixing^2 colour + diag(own^2): axes with a variance of their own for every feature beside them.
    Where there are fewer axes than asked for, the others are 0.
    """

    centre: np.ndarray  # (F,)
    white: np.ndarray  # (F, Q)
    colour: np.ndarray  # (Q, F)
    means: np.ndarray  # (K, MOST, Q)
    counts: np.ndarray  # (K,)
    mixing: np.ndarray  # (Q, Q)
    own: np.ndarray  # (F,) standard deviation
    axes: int  # how many there are


def low_rank_start(
    x: np.ndarray, y: np.ndarray, trial: np.ndarray, classes: int, strength: float, kept: int
) -> LowRankStart:
    """Estimate `start` without a matrix of F x F numbers; arguments as there, and Q axes to keep.

    N windows have a covariance of a rank below N, to which shrinkage adds a variance that all features share. The axes
    span the means of the trials and then what varies most about them. Up to Q + 1 windows they hold all of it, and
    windows are distributed exactly as those of `start`; of more, the variance beyond the axes is added to each
    feature's own. It takes O(F N^2 + F Q^2) time and O(F (N + Q)) memory.
    """
    found = estimate(x, y, trial)
    trials = found.trials
    weight = strength**2 * len(trials.centres) / len(trials.means) / trials.freedom
    share = (1 - found.shrinkage) / len(x)
    # rows' rows is what they add to the covariance
    rows = np.concatenate([np.sqrt(share) * found.residuals, np.sqrt(weight) * trials.effects])
    own = np.where(found.varying, found.own, 0)
    sd = np.sqrt((rows**2).sum(0) + own)
    refuse_without_spread(x, sd, trials.labels)
    inverse = np.divide(1, sd, out=np.zeros_like(sd), where=sd > 0)
    rows, own = rows * inverse, own * inverse**2

    axes = directions((trials.means - found.centre) * inverse, rows, kept)
    along = rows @ axes.T
    held = along @ axes
    own = np.sqrt(np.maximum(own + (rows**2).sum(0) - (held**2).sum(0), 0))
    variances, turn = np.linalg.eigh(along.T @ along + (axes * own) @ (axes * own).T)
    variances, axes = np.maximum(variances[::-1], FLOOR * variances[-1]), turn[:, ::-1].T @ axes
    rooted = np.sqrt(variances)[:, None]
    shared, vectors = np.linalg.eigh(np.eye(len(axes)) - (axes / rooted * own) @ (axes / rooted * own).T)

    count, features = axes.shape
    white, colour, mixing = np.zeros((features, kept)), np.zeros((kept, features)), np.zeros((kept, kept))
    white[:, :count], colour[:count] = (axes / rooted * inverse).T, axes * rooted * sd
    mixing[:count, :count] = (vectors * np.sqrt(np.maximum(shared, 0))) @ vectors.T
    means, counts = _trials_kept(found, white, classes)
    return LowRankStart(found.centre, white, colour, means, counts, mixing, own * sd, count)


def directions(first: np.ndarray, second: np.ndarray, most: int) -> np.ndarray:
    """Orthonormal axes (Q, F), at most a given number, that span rows (n, F): of the first kind, then of the second."""
    axes = np.zeros((0, first.shape[1]))
    for rows in (first, second):
        rest = rows - rows @ axes.T @ axes
        _, values, found = np.linalg.svd(rest, full_matrices=False)
        axes = np.concatenate([axes, found[values > NOTHING * max(np.linalg.norm(rows), 1e-300)]])[:most]
    return axes


class Estimate(NamedTuple):
    """What the two starts are made of: float64."""

    centre: np.ndarray  # (F,)
    trials: Trials
    residuals: np.ndarray  # (N, F) of windows about the means of their trials
    varying: np.ndarray  # (F,) which features vary
    shrinkage: float
    own: float  # variance that shrinkage adds to every feature that varies


def estimate(x: np.ndarray, y: np.ndarray, trial: np.ndarray) -> Estimate:
    """Trials' means, what windows and trials differ by, and the shrinkage of their covariance."""
    x = x.astype(np.float64)
    trials = trials_of(x, y, trial)
    residuals = x - trials.means[trials.number]
    shrinkage = ledoit_wolf_shrinkage(residuals, assume_centered=True)
    own = shrinkage * (residuals**2).mean()
    return Estimate(x.mean(0), trials, residuals, np.ptp(x, axis=0) > 0, shrinkage, own)


def _trials_kept(found: Estimate, white: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Means of trials in whitened axes, class by class (K, MOST, Q), and how many there are."""
    means, counts = np.zeros((classes, MOST, white.shape[1])), np.ones(classes, dtype=np.int64)
    for c in found.trials.centres:
        own = (found.trials.means[found.trials.labels == c] - found.centre) @ white
        kept = evenly_spread(len(own), MOST)
        means[c, : len(kept)], counts[c] = own[kept], len(kept)
    return means, counts


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
