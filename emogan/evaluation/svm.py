"""Linear support vector machine over a grid of C (paper, 3.3): libsvm on Gram matrices, else interior points."""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn import config_context
from sklearn.svm import SVC

from emogan.evaluation.interior_point import Machine

BLOCK = 256  # windows
HARD = 0.9  # if all dual coefficients are below this fraction of C, none is at its bound: the margin is hard


class Predictions(NamedTuple):
    """What a classifier predicts at every value of its parameter, C of them.

    Parameters
    ----------
    predictions : array (C, n_test) of int64
        Class indices.
    first_not_converged : int or None
        Index of the first value whose fit did not converge, if any.
    """

    predictions: np.ndarray
    first_not_converged: int | None = None


def gram(a: np.ndarray, b: np.ndarray | None = None) -> np.ndarray:
    """Inner products (n_a, n_b) of two sets of windows (n, F), or of one with itself (n_a, n_a), in float64.

    They are computed in blocks of one shape, so that those of some windows have the same bits whatever follows them.
    """
    blocks_a = _blocks(a)
    blocks_b = blocks_a if b is None else _blocks(b)
    products = np.empty((len(blocks_a), BLOCK, len(blocks_b), BLOCK))
    for i, rows in enumerate(blocks_a):
        for j, columns in enumerate(blocks_b[: i + 1] if b is None else blocks_b):
            products[i, :, j] = rows @ columns.T
            if b is None:
                products[j, :, i] = products[i, :, j].T
    products = products.reshape(len(blocks_a) * BLOCK, -1)
    return products[: len(a), : len(a if b is None else b)]


def _blocks(x: np.ndarray) -> np.ndarray:
    padded = np.zeros((-(-len(x) // BLOCK) * BLOCK, x.shape[1]))
    padded[: len(x)] = x
    return padded.reshape(-1, BLOCK, x.shape[1])


@config_context(assume_finite=True)  # the windows were checked when they were loaded
def path(
    x: np.ndarray,
    y: np.ndarray,
    x_held_out: np.ndarray,
    products: np.ndarray,
    products_held_out: np.ndarray,
    c_values: Sequence[float],
    libsvm_iterations: int,
) -> Predictions:
    """Predictions of scikit-learn's SVC (one against one, linear kernel) at every C, in rising order.

    libsvm solves the small C fast. From the first C on at which it does not converge within ``libsvm_iterations`` (per
    pair of classes; scikit-learn warns of it) the pairs are solved by the interior-point method, each C from the one
    before: see `emogan.evaluation.interior_point` for its stopping rule. Where every dual coefficient lies below C the
    margin is hard: a larger C has the same solution and is not solved again.

    Parameters
    ----------
    x, y
        Training windows (n, F) and labels (n,), at least two classes.
    x_held_out
        Windows to predict (n_held_out, F).
    products, products_held_out
        (n, n) and (n_held_out, n) inner products with the training windows.
    c_values
        Rising.
    """
    predictions = np.empty((len(c_values), len(x_held_out)), dtype=np.int64)
    products, products_held_out = map(np.ascontiguousarray, (products, products_held_out))  # or every fit copies them
    for i, c in enumerate(c_values):
        machine = SVC(C=c, kernel="precomputed", cache_size=500, max_iter=libsvm_iterations).fit(products, y)
        if machine.fit_status_:
            predictions[i:], unsolved = _interior_path(x, y, x_held_out, c_values[i:])
            return Predictions(predictions, None if unsolved is None else i + unsolved)
        predictions[i:] = machine.predict(products_held_out)
        if np.abs(machine.dual_coef_).max() < HARD * c:
            break
    return Predictions(predictions, None)


def _interior_path(
    x: np.ndarray, y: np.ndarray, x_held_out: np.ndarray, c_values: Sequence[float]
) -> tuple[np.ndarray, int | None]:
    """Predictions (C, n_held_out) and the index of the first C that was not solved, if any."""
    classes = np.unique(y)
    votes = np.zeros((len(c_values), len(x_held_out), len(classes)), dtype=np.int64)
    unsolved = []
    for first, second in itertools.combinations(range(len(classes)), 2):
        pair = np.isin(y, classes[[first, second]])
        machine, solution = Machine(x[pair].astype(np.float64), np.where(y[pair] == classes[first], 1.0, -1.0)), None
        for i, c in enumerate(c_values):
            if solution is None or solution.dual.max() >= HARD * solution.c:
                solution = machine.solve(c, solution)
                decision = x_held_out @ solution.weights[:-1] + solution.weights[-1]
                if not solution.converged:
                    unsolved.append(i)
            votes[i, np.arange(len(x_held_out)), np.where(decision > 0, first, second)] += 1
    return classes[votes.argmax(-1)], min(unsolved, default=None)  # of equal votes the first class, as libsvm
