"""Classifiers that are trained with and without synthetic windows, each over a grid of one parameter."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from sklearn.base import BaseEstimator

from emogan.checks import NOT_EMPTY, Checked, PositiveInt, Rule
from emogan.evaluation import svm
from emogan.evaluation.svm import Predictions
from emogan.evaluation.vote import majority

ASCENDING_PAIR = Rule("(two, the lower one first)", lambda pair: len(pair) == 2 and pair[0] <= pair[1])
Exponents = Annotated[Sequence[int], ASCENDING_PAIR]


@dataclass(frozen=True, eq=False)
class FitData:
    """What a classifier is trained on, and the windows that it predicts.

    Windows of a trial are in the order of time. Trials are numbered in no particular order.

    Parameters
    ----------
    x, y : arrays (n, F) and (n,)
        Training windows and their labels: real ones, then synthetic ones.
    lengths
        How many of them, from the first on, train in each fit.
    x_held_out : array (n_held_out, F)
        The windows to predict.
    trial, trial_held_out : arrays (n,) and (n_held_out,) of int64
        Which trial each window is of; without them each is a trial of its own. No real window is of the trial of a
        synthetic one.
    n_synthetic
        How many of the training windows, the last ones, are synthetic.
    feature_names
        Of the F columns, where they have names.
    """

    x: np.ndarray
    y: np.ndarray
    lengths: Sequence[int]
    x_held_out: np.ndarray
    trial: np.ndarray | None = None
    trial_held_out: np.ndarray | None = None
    n_synthetic: int = 0
    feature_names: Sequence[str] = ()

    def __post_init__(self):
        for name, windows in (("trial", self.x), ("trial_held_out", self.x_held_out)):
            if getattr(self, name) is None:
                object.__setattr__(self, name, np.arange(len(windows)))

    @property
    def n_real(self) -> int:
        return len(self.y) - self.n_synthetic


class Classifier(Checked, ABC):
    """A classifier and the values of its parameter to choose from.

    Attributes
    ----------
    name : str
        What the scores call it.
    values : array (C,)
        Of the parameter, what the column c of the scores holds; of two equally good ones the first is chosen.
    uses_trials : bool
        Whether predictions depend on which trial a window is of, or on the features' names.
    at_once : int
        How many fits `paths_of_several` is given at a time, as a rule.
    """

    _group = "classifier"
    name: str
    values: np.ndarray
    uses_trials = False
    at_once = 1

    @abstractmethod
    def paths(self, data: FitData) -> list[Predictions]:
        """Train on the first windows, of each length, and predict those that are held out."""

    def paths_of_several(self, several: Sequence[FitData]) -> list[list[Predictions]]:
        """The `paths` of several fits, which are the same whichever others are given with them."""
        return [self.paths(data) for data in several]


class LinearSVM(Classifier):
    """Linear support vector machine, C = 2^low .. 2^high (paper, 3.3: 2^-10 to 2^10), see `emogan.evaluation.svm`.

    Parameters
    ----------
    name
        What the scores call it.
    c_exponents
        The lowest and the highest exponent of C.
    libsvm_iterations
        How many iterations libsvm may take before interior points take its place.
    """

    def __init__(self, name: str, c_exponents: Exponents, libsvm_iterations: PositiveInt):
        self.name, self.libsvm_iterations = name, libsvm_iterations
        self.values = powers(c_exponents)

    def paths(self, data):
        x, y, x_held_out = data.x[: max(data.lengths)], data.y, data.x_held_out
        products, held_out = svm.gram(x), svm.gram(x_held_out, x)
        return [
            svm.path(x[:n], y[:n], x_held_out, products[:n, :n], held_out[:, :n], self.values, self.libsvm_iterations)
            for n in data.lengths
        ]


class Estimator(Classifier):
    """Any of scikit-learn's classifiers over a grid of one of its parameters.

    Parameters
    ----------
    name
        What the scores call it.
    estimator
        Makes an untrained classifier, given the parameter by name.
    parameter
        Its name; null for a classifier without one, whose column c is then 0.
    values
        To choose from.

    Raises
    ------
    ValueError
        If there are no values, or the estimator does not take the parameter or one of the values.
    """

    def __init__(
        self,
        name: str,
        estimator: Callable[..., BaseEstimator],
        parameter: str | None,
        values: Annotated[Sequence[float], NOT_EMPTY] = (0,),
    ):
        self.name, self.estimator, self.parameter, self.given = name, estimator, parameter, values
        self.values = np.array(values, dtype=float)
        try:
            machines = [self._machine(value) for value in values]
        except TypeError as error:
            raise ValueError(
                f"classifier.parameter: expected one that {name} has, got {parameter!r} ({error})"
            ) from None
        try:
            for machine in machines:
                machine._validate_params()
        except ValueError as error:
            raise ValueError(f"classifier.values: expected values that {name} takes, got {values}: {error}") from None

    def paths(self, data):
        return [self._path(data.x[:n], data.y[:n], data.x_held_out) for n in data.lengths]

    def _path(self, x, y, x_held_out) -> Predictions:
        predictions, not_converged = [], []
        for i, value in enumerate(self.given):
            machine = self._machine(value).fit(x, y)
            predictions.append(machine.predict(x_held_out))
            boosted = hasattr(machine, "do_early_stopping_")  # its max_iter is a number of trees
            if not boosted and 0 < getattr(machine, "max_iter", -1) <= np.max(getattr(machine, "n_iter_", 0)):
                not_converged.append(i)
        return Predictions(np.stack(predictions), min(not_converged, default=None))

    def _machine(self, value: int | float) -> BaseEstimator:
        return self.estimator(**{self.parameter: value} if self.parameter else {})


class TrialVote(Classifier):
    """A classifier of whole trials: the windows of a held-out trial decide together, by another classifier.

    All windows of the trial get its class. The parameter of the other classifier is chosen by such decisions too.

    Parameters
    ----------
    name
        What the scores call it.
    vote
        "majority": the most frequent class, of equally frequent ones the first. "mean": the class of the trial's mean
        window. To linear decision functions, as those of the linear SVM for each pair of classes, the decision at the
        mean window is the mean of the decisions at the windows.
    classifier
        The classifier that decides window by window.
    """

    uses_trials = True

    def __init__(self, name: str, vote: Literal["majority", "mean"], classifier: Classifier):
        self.name, self.vote, self.classifier = name, vote, classifier
        self.values, self.at_once = classifier.values, classifier.at_once

    def paths(self, data):
        return self.paths_of_several([data])[0]

    def paths_of_several(self, several):
        asked = several if self.vote == "majority" else [_of_mean_windows(data) for data in several]
        found = self.classifier.paths_of_several(asked)
        return [[self._decided(path, data) for path in paths] for paths, data in zip(found, several, strict=True)]

    def _decided(self, path: Predictions, data: FitData) -> Predictions:
        decisions = path.predictions
        if self.vote == "majority":
            decisions = majority(decisions, data.trial_held_out)
        number = np.unique(data.trial_held_out, return_inverse=True)[1]
        return path._replace(predictions=decisions[:, number])


def _of_mean_windows(data: FitData) -> FitData:
    """The same fit, to predict the mean window of each held-out trial, trials by number."""
    trials = np.unique(data.trial_held_out)
    means = [data.x_held_out[data.trial_held_out == one].mean(0, dtype=np.float64) for one in trials]
    return replace(data, x_held_out=np.stack(means).astype(data.x_held_out.dtype), trial_held_out=trials)


def powers(exponents: Sequence[int]) -> np.ndarray:
    """2^low, ..., 2^high."""
    low, high = exponents
    return 2.0 ** np.arange(low, high + 1)
