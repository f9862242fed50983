"""What one training set, with or without artificial windows, scores on its held-out trials."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import accuracy_score, f1_score

from emogan.evaluation import svm


@dataclass(frozen=True)
class TrainingSet:
    """One member's scaled windows: x (n, F), y (n,), trial numbers (n,) of the training side, and the test side."""

    x: np.ndarray
    y: np.ndarray
    trial: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


@dataclass(frozen=True)
class Scores:
    """Rates in [0, 1] at every C of the grid, each (C,)."""

    accuracy: np.ndarray  # on the test trials
    macro_f1: np.ndarray  # on the test trials
    inner_accuracy: np.ndarray  # by cross-validation over the training trials
    bounded_from: int | None  # index of the first C at which any fit hit the iteration bound

    @property
    def chosen(self) -> int:
        """Index of the C chosen by cross-validation over the training trials; the smallest of equals."""
        return int(self.inner_accuracy.argmax())


def inner_folds(y: np.ndarray, trial: np.ndarray, n_folds: int) -> np.ndarray:
    """Inner fold (n,) of each window: the rank of its trial among the trials of its class, modulo the folds.

    Used are ``n_folds`` or as many as the rarest class has trials, whichever is less.

    Raises
    ------
    ValueError
        If a class has fewer than two training trials: C cannot be cross-validated over trials then.
    """
    fold = np.empty(len(y), dtype=np.int64)
    _, first, number = np.unique(trial, return_index=True, return_inverse=True)
    label = np.array([np.bincount(y[number == i]).argmax() for i in range(len(first))])
    counts = np.bincount(label)
    counts = counts[counts > 0]
    if counts.min() < 2 or n_folds < 2:
        raise ValueError(
            "choosing C by cross-validation over training trials needs at least two of them per class and two inner "
            f"folds, got {counts.tolist()} trials per class and {n_folds} folds"
        )
    k = min(n_folds, int(counts.min()))
    for c in np.unique(label):
        trials = np.flatnonzero(label == c)
        for rank, i in enumerate(trials[np.argsort(first[trials])]):
            fold[number == i] = rank % k
    return fold


def score(
    data: TrainingSet,
    x_artificial: np.ndarray,
    y_artificial: np.ndarray,
    *,
    c_values: Sequence[float],
    n_inner_folds: int,
    max_iterations: int,
) -> Scores:
    """Append artificial windows (n, F), train linear SVMs over the grid of C and score them.

    In the inner cross-validation the artificial windows join every inner training set and no inner validation set.
    """
    x = np.concatenate([data.x, x_artificial])
    y = np.concatenate([data.y, y_artificial])
    products = svm.gram(x, x)
    outer = svm.path(products, y, svm.gram(data.x_test, x), c_values, max_iterations)
    bounds = [outer.bounded_from]

    fold = np.concatenate([inner_folds(data.y, data.trial, n_inner_folds), np.full(len(y_artificial), -1)])
    correct = np.zeros(len(c_values))
    for k in range(fold.max() + 1):
        train, validation = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        inner = svm.path(
            products[np.ix_(train, train)], y[train], products[np.ix_(validation, train)], c_values, max_iterations
        )
        correct += (inner.predictions == y[validation]).sum(1)
        bounds.append(inner.bounded_from)

    return Scores(
        accuracy=np.array([accuracy_score(data.y_test, p) for p in outer.predictions]),
        macro_f1=np.array([f1_score(data.y_test, p, average="macro", zero_division=0) for p in outer.predictions]),
        inner_accuracy=correct / len(data.y),
        bounded_from=min((b for b in bounds if b is not None), default=None),
    )


def oracle_choice(folds: Sequence[Scores]) -> int:
    """Index of the C with the highest mean test accuracy over an experiment's folds; the smallest of equals.

    This is how the paper's figures are best explained, and it looks at the test trials: never a choice for honest use.
    """
    return int(np.mean([scores.accuracy for scores in folds], axis=0).argmax())
