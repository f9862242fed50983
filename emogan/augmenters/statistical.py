"""Controls that draw from a statistical model of a member's windows: a Gaussian per class, and random trial effects."""

from typing import NamedTuple

import numpy as np
from sklearn.covariance import ledoit_wolf_shrinkage

from emogan.augmenters.control import Control
from emogan.checks import OneOrSeveral, PositiveFloat
from emogan.data.training_set import TrainingSet
from emogan.models.trial_start import trial_means, trials_of
from emogan.wording import words


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
        trials = trials_of(x, windows.y, windows.trial)
        weights = random.standard_normal((n, len(trials.means))) / np.sqrt(trials.freedom)
        own = np.flatnonzero(windows.y == label)
        drawn = own[random.integers(len(own), size=n)]
        effects = self.settings["strength"] * weights @ trials.effects
        return trials.centres[label] + effects + x[drawn] - trials.means[trials.number[drawn]]


class PersonEffects(RandomEffects):
    """Windows of new trials of the target, whose class means are drawn towards those of other people.

    Random effects with a level for the person: a window of person i and class c is m_c + p_ic + d_j + r, with the mean
    m_c of all people, a person's own p_ic, trial effects d_j and residuals r. A target's class mean is known from a few
    trials; by empirical Bayes (Efron and Morris 1975) it is taken as w times its own estimate and 1 - w times m_c,
    w = V_p / (V_p + V_d / n), feature by feature, with the variances V_p between people and V_d between trials, and n
    own trials of the class. Trial effects are combined from those of all people as in `RandomEffects`, and residuals
    are those of the target's own windows of the class.

    Parameters
    ----------
    name
        What the scores call it.
    strength
        Factor of the trials' effects; a list holds values to choose from.
    """

    kind = "person_effects"
    _estimated: tuple = (None, None)  # the windows that were looked at last, and what they gave

    def fit(self, sets, seeds=None, *, layout=None):
        """See `Augmenter.fit`; the sets are those of a target and its donors (`emogan.data.donors.PooledSet`)."""
        if any(getattr(data, "target", None) is None for data in sets):
            raise ValueError(
                f"{words().model(self.name)} expects windows of a target and of its donors, got training sets that do "
                "not say which person each window is of"
            )
        return super().fit(sets, seeds, layout=layout)

    def draw(self, windows, label, n, random):
        if self._estimated[0] is not windows:  # draws come member by member
            self._estimated = windows, _people(windows)
        people = self._estimated[1]
        weights = random.standard_normal((n, len(people.effects))) / np.sqrt(people.freedom)
        rows = people.own[windows.y[people.own] == label]
        residuals = people.residuals[rows[random.integers(len(rows), size=n)]]
        return people.centres[label] + self.settings["strength"] * weights @ people.effects + residuals


class _People(NamedTuple):
    """What `PersonEffects` estimates from the windows of a target and its donors."""

    own: np.ndarray  # positions of the target's windows
    centres: dict[int, np.ndarray]  # of each class, for the target
    effects: np.ndarray  # (J, F) of all trials
    freedom: int  # of the trials' effects
    residuals: np.ndarray  # (n, F)


def _people(windows: TrainingSet) -> _People:
    x = windows.x.astype(np.float64)
    labels, trial, means = trial_means(x, windows.y, windows.trial)
    person = np.empty(len(means), dtype=np.int64)
    person[trial] = windows.group
    cells, of_cell = np.unique(np.stack([person, labels]), axis=1, return_inverse=True)  # a person and a class each
    of_cell = of_cell.ravel()
    count = np.bincount(of_cell)
    estimates = np.stack([means[of_cell == i].mean(0) for i in range(len(count))])
    effects = means - estimates[of_cell]
    freedom = max(len(means) - len(count), 1)
    between_trials = (effects**2).sum(0) / freedom
    centres = {}
    donors = cells[0] != windows.target
    everyone = {c: estimates[donors & (cells[1] == c)] for c in np.unique(labels)}
    spread = np.sum([((own - own.mean(0)) ** 2).sum(0) for own in everyone.values()], axis=0)
    spread /= max(sum(len(own) - 1 for own in everyone.values()), 1)
    between_people = np.maximum(spread - between_trials * np.mean(1 / count[donors]), 0)
    for c, others in everyone.items():
        i = int(np.flatnonzero(~donors & (cells[1] == c))[0])
        noise = between_trials / count[i]
        total = between_people + noise
        weight = np.where(total > 0, between_people / np.where(total > 0, total, 1), 0)
        centres[int(c)] = weight * estimates[i] + (1 - weight) * others.mean(0)
    return _People(np.flatnonzero(windows.group == windows.target), centres, effects, freedom, x - means[trial])
