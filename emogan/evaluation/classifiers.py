"""Classifiers that are trained with and without synthetic windows, each over a grid of one parameter."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Annotated

import numpy as np
from sklearn.base import BaseEstimator

from emogan.checks import NOT_EMPTY, Checked, PositiveInt, Rule
from emogan.evaluation import svm
from emogan.evaluation.svm import Predictions

ASCENDING_PAIR = Rule("(two, the lower one first)", lambda pair: len(pair) == 2 and pair[0] <= pair[1])
Exponents = Annotated[Sequence[int], ASCENDING_PAIR]


class Classifier(Checked, ABC):
    """A classifier and the values of its parameter to choose from.

    Attributes
    ----------
    name : str
        What the scores call it.
    values : array (C,)
        Of the parameter, what the column c of the scores holds; of two equally good ones the first is chosen.
    """

    _group = "classifier"
    name: str
    values: np.ndarray

    @abstractmethod
    def paths(self, x: np.ndarray, y: np.ndarray, lengths: Sequence[int], x_held_out: np.ndarray) -> list[Predictions]:
        """Train on the first windows of x (n, F), of each length, and predict x_held_out (n_held_out, F)."""


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

    def paths(self, x, y, lengths, x_held_out):
        x = x[: max(lengths)]
        products, held_out = svm.gram(x), svm.gram(x_held_out, x)
        return [
            svm.path(x[:n], y[:n], x_held_out, products[:n, :n], held_out[:, :n], self.values, self.libsvm_iterations)
            for n in lengths
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

    def paths(self, x, y, lengths, x_held_out):
        return [self._path(x[:n], y[:n], x_held_out) for n in lengths]

    def _path(self, x, y, x_held_out) -> Predictions:
        predictions, bounded = [], []
        for i, value in enumerate(self.given):
            machine = self._machine(value).fit(x, y)
            predictions.append(machine.predict(x_held_out))
            boosted = hasattr(machine, "do_early_stopping_")  # its max_iter is a number of trees
            if not boosted and 0 < getattr(machine, "max_iter", -1) <= np.max(getattr(machine, "n_iter_", 0)):
                bounded.append(i)
        return Predictions(np.stack(predictions), min(bounded, default=None))

    def _machine(self, value: int | float) -> BaseEstimator:
        return self.estimator(**{self.parameter: value} if self.parameter else {})


def powers(exponents: Sequence[int]) -> np.ndarray:
    """2^low, ..., 2^high."""
    low, high = exponents
    return 2.0 ** np.arange(low, high + 1)
