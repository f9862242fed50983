"""Controls that draw whole trials, whose windows follow one another: autoregressive ones, and moved real ones."""

import itertools
from abc import abstractmethod
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.covariance import ledoit_wolf_shrinkage

from emogan.augmenters.control import Control
from emogan.checks import OneOrSeveral, PositiveFloat
from emogan.data.sequences import in_trials, trial_lengths, trial_numbers, trial_rows
from emogan.data.training_set import TrainingSet
from emogan.models.trial_start import trials_of

LONGEST = 0.98  # coefficient: with a larger one windows hardly leave the mean of their trial


class WholeTrials(Control):
    """Base of the controls that draw whole trials, one after the other, each as long as the real ones in turn.

    The t-th trial of a class depends on the member's windows, its generator, the class and t alone. The last trial is
    cut off where the number of windows that was asked for is reached.

    Parameters
    ----------
    name
        What the scores call it.
    **settings
        Plain values; a list holds the values to choose from (see `candidates`).
    """

    needs = ("trial",)
    in_blocks = False  # trials do not end where blocks do
    _looked: tuple = (None, None)  # the windows that were looked at last, and what that gave

    @abstractmethod
    def look(self, windows: TrainingSet) -> Any:
        """What `draw_trial` takes of a member's windows."""

    @abstractmethod
    def draw_trial(self, found: Any, windows: TrainingSet, rows: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """The windows of a synthetic trial (n, F), as many as the windows at ``rows`` of a real one."""

    def draw(self, windows, label, n, random):
        if self._looked[0] is not windows:  # draws come member by member
            self._looked = windows, self.look(windows)
        drawn, left = [], n
        for rows in itertools.cycle(
            rows for rows in trial_rows(windows.y, windows.trial) if windows.y[rows[0]] == label
        ):
            if left <= 0:
                return np.concatenate(drawn)[:n]
            drawn.append(self.draw_trial(self._looked[1], windows, rows, random))
            left -= len(rows)

    def synthetic_trials(self, y):
        classes = 1 + max(int(y.max()) if y.numel() else 0, *(int(windows.y.max()) for windows in self.members))
        found = [trial_lengths(windows.y, windows.trial, classes) for windows in self.members]
        longest = max(lengths.shape[1] for lengths, _ in found)
        lengths = np.stack([np.pad(own, ((0, 0), (0, longest - own.shape[1]))) for own, _ in found])
        counts = np.stack([own for _, own in found])
        return trial_numbers(y, in_trials(y, torch.from_numpy(lengths), torch.from_numpy(counts))[0], classes)


class TrialBootstrap(WholeTrials):
    """Real trials of the class in turn, each moved as a whole: x_i + strength * sum_j w_j d_j / sqrt(n).

    A smoothed bootstrap of trials (Silverman 1986), as what `TrialCBEGAN` starts from: d_j is what the mean of trial j
    differs by from the mean of its class, over all J trials of all K classes, w_j ~ N(0, 1/(J - K)), and n the trials
    that each class has on the average. The means of n trials spread by (1 - 1/n) of the trials' covariance, so that at
    strength 1 new trials have all of it. What is moved is a whole trial: its windows follow one another as real ones.

    Parameters
    ----------
    name
        What the scores call it.
    strength
        Width of the kernel; a list holds values to choose from.
    """

    kind = "trial_bootstrap"

    def __init__(self, *, name: str, strength: OneOrSeveral[PositiveFloat]):
        super().__init__(name, strength=strength)

    def look(self, windows):
        x = windows.x.astype(np.float64)
        trials = trials_of(x, windows.y, windows.trial)
        return x, trials.effects * np.sqrt(len(trials.centres) / len(trials.means) / trials.freedom)

    def draw_trial(self, found, windows, rows, random):
        x, effects = found
        return x[rows] + self.settings["strength"] * random.standard_normal(len(effects)) @ effects


class Autoregressive(WholeTrials):
    """A Gaussian per class whose windows follow one another: class mean + effect of the trial + AR(1) residuals.

        x_i = m_c + d + e_i,  e_i = a e_{i-1} + sqrt(1 - a^2) u_i,  u_i ~ N(0, S), e_0 ~ N(0, S)

    feature by feature, with the covariance S of windows about their trial, shrunken (Ledoit and Wolf 2004), and trial
    effects d as in `RandomEffects`, both common to all classes, as a class has few trials. All is in closed form.

    The coefficients are those of the variogram, in which trial effects cancel: with V(l) = E|x_{i+l} - x_i|^2 / 2,
    V(2) / V(1) = 1 + a. Each is drawn towards the mean of all features by empirical Bayes (Efron and Morris 1975), by
    the share of their variance that the number of windows explains, and lies in [0, 0.98]. The mean of n windows of a
    trial varies by v times their variance even without trial effects, v = sum_ij a^|i-j| / n^2: residuals have that
    much more variance than they show about the trial's mean, and trial effects that much less.

    Parameters
    ----------
    name
        What the scores call it.
    """

    kind = "autoregressive"

    def __init__(self, *, name: str):
        super().__init__(name)

    def look(self, windows):
        return autoregression(windows)

    def draw_trial(self, found, windows, rows, random):
        n, features = len(rows), windows.features
        innovations = random.standard_normal((n, len(found.residuals))) @ found.residuals
        innovations += found.own * random.standard_normal((n, features))
        e = innovations
        for i in range(1, n):
            e[i] = found.coefficients * e[i - 1] + np.sqrt(1 - found.coefficients**2) * innovations[i]
        effect = random.standard_normal(len(found.effects)) @ found.effects
        return found.centres[windows.y[rows[0]]] + effect + e


class Autoregression(NamedTuple):
    """What `Autoregressive` draws from."""

    centres: dict[int, np.ndarray]  # of each class
    coefficients: np.ndarray  # (F,)
    effects: np.ndarray  # (J, F): weighted by standard normal numbers, their sum is a trial's effect
    residuals: np.ndarray  # (N, F): the same of a window, but for its features' own noise
    own: np.ndarray  # (F,) standard deviation of that


def autoregression(windows: TrainingSet) -> Autoregression:
    """Fit `Autoregressive` to a member's windows."""
    x = windows.x.astype(np.float64)
    trials = trials_of(x, windows.y, windows.trial)
    residuals = x - trials.means[trials.number]
    a = coefficients(x, trial_rows(windows.y, windows.trial))

    lengths = np.bincount(trials.number)
    of_means = np.stack([variance_of_mean(a, n) for n in lengths])  # (J, F), of a variance of 1
    seen = (lengths[:, None] * (1 - of_means)).sum(0) / len(x)  # share of the variance that residuals have
    scale = np.where(seen > 0, 1 / np.sqrt(np.where(seen > 0, seen, 1)), 0)
    variance = (residuals**2).mean(0) * scale**2
    spread = (trials.effects**2).sum(0) / trials.freedom
    left = np.maximum(spread - of_means.mean(0) * variance, 0)
    share = np.sqrt(np.divide(left, spread, out=np.zeros_like(left), where=spread > 0))

    shrinkage = ledoit_wolf_shrinkage(residuals, assume_centered=True) if residuals.any() else 0.0
    own = np.sqrt(shrinkage * (residuals**2).mean()) * scale
    residuals = residuals * scale * np.sqrt((1 - shrinkage) / len(x))
    return Autoregression(trials.centres, a, trials.effects * share / np.sqrt(trials.freedom), residuals, own)


def coefficients(x: np.ndarray, trials: list[np.ndarray]) -> np.ndarray:
    """Coefficient a of each feature (F,), by the variogram of windows x (N, F) of trials, given by their rows."""
    one, two = (np.concatenate([x[rows[lag:]] - x[rows[:-lag]] for rows in trials]) for lag in (1, 2))
    steps = (one**2).mean(0) if len(one) else np.zeros(x.shape[1])
    varies = steps > 0
    if not len(two) or not varies.any():
        return np.zeros(x.shape[1])
    ratios = (two**2).mean(0)[varies] / steps[varies] - 1
    common = ratios.mean()
    noise = (1 - min(common**2, 1)) / len(one)
    weight = max(0.0, 1 - noise / spread) if (spread := ratios.var()) > 0 else 0.0
    found = np.full(x.shape[1], common)
    found[varies] += weight * (ratios - common)
    return np.clip(found, 0, LONGEST)


def variance_of_mean(a: np.ndarray, n: int) -> np.ndarray:
    """Of n successive values with variance 1 and autocorrelation a^l at lag l: sum_ij a^|i-j| / n^2, (F,)."""
    lags = np.arange(1, n)[:, None]
    return np.asarray((n + 2 * ((n - lags) * a**lags).sum(0)) / n**2)
