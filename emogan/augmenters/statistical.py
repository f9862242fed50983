"""Controls that draw from a statistical model of a member's windows: a Gaussian per class, and random trial effects."""

import numpy as np
from sklearn.covariance import ledoit_wolf_shrinkage

from emogan.augmenters.control import Control
from emogan.checks import OneOrSeveral, PositiveFloat
from emogan.models.trial_start import trial_means


class Gaussian(Control):
    """Windows of a Gaussian with the class's mean and Ledoit-Wolf covariance, (1 - s) S + s tr(S)/F I.

    S is the covariance of the class's N windows and s the shrinkage of Ledoit and Wolf 2004. With X the windows less
    their mean, sqrt(1 - s) X' u / sqrt(N) + sqrt(s tr(S)/F) v has that covariance if u and v are standard normal: the
    F x F matrix is never formed.

    Parameters
    ----------
    name
        What the scores call it.
    """

    kind = "gaussian"
    least = 2

    def __init__(self, *, name: str):
        super().__init__(name)

    def draw(self, windows, label, n, random):
        own = windows.of_class(label)
        mean = own.mean(0)
        deviations = own - mean
        shrinkage = ledoit_wolf_shrinkage(own)
        along = random.standard_normal((n, len(own))) @ deviations / np.sqrt(len(own))
        around = random.standard_normal((n, own.shape[1])) * np.sqrt(np.mean(deviations**2))
        return mean + np.sqrt(1 - shrinkage) * along + np.sqrt(shrinkage) * around


class RandomEffects(Control):
    """Windows of new trials: class mean + effect of the trial + residual of a real window of the class.

    A linear mixed model with random trials (Laird and Ware 1982), x_i = m_c + d_j + r_i: d_j is what the mean of
    trial j differs by from its class mean m_c, the mean over the class's trials, and r_i what a window differs by from
    its trial's mean. A new trial's effect is strength * sum_j w_j d_j over all J trials of all K classes,
    w_j ~ N(0, 1/(J - K)), whose covariance at strength 1 is the trials' pooled covariance. Every synthetic window is
    of a trial of its own: trials, not windows, are what training data are short of. With one trial per class there are
    no deviations to combine, and real windows come out.

    Parameters
    ----------
    name
        What the scores call it.
    strength
        Factor of the trials' effects; a list holds values to choose from.
    """

    kind = "random_effects"
    needs = ("trial",)

    def __init__(self, *, name: str, strength: OneOrSeveral[PositiveFloat]):
        super().__init__(name, strength=strength)

    def draw(self, windows, label, n, random):
        x = windows.x.astype(np.float64)
        labels, trial, means = trial_means(x, windows.y, windows.trial)
        centres = {c: means[labels == c].mean(0) for c in np.unique(labels)}
        deviations = means - np.stack([centres[c] for c in labels])
        weights = random.standard_normal((n, len(means))) / np.sqrt(max(len(means) - len(centres), 1))
        own = np.flatnonzero(windows.y == label)
        drawn = own[random.integers(len(own), size=n)]
        return centres[label] + self.settings["strength"] * weights @ deviations + x[drawn] - means[trial[drawn]]
