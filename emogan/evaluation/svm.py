"""Linear support vector machine over a grid of C, from Gram matrices (paper, 3.3)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn.svm import SVC

BLOCK = 256  # windows


class Predictions(NamedTuple):
    """What a classifier predicts at every value of its parameter, C of them."""

    predictions: np.ndarray  # (C, n_test) int64
    bounded_from: int | None  # index of the first value whose fit hit the iteration bound, if any


def gram(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Inner products (n_a, n_b) of two sets of windows (n, F), in float64.

    They are computed in blocks of one shape, so that those of some windows have the same bits whatever follows them.
    """
    blocks_a, blocks_b = _blocks(a), _blocks(b)
    products = np.empty((len(blocks_a) * BLOCK, len(blocks_b) * BLOCK))
    for i, rows in enumerate(blocks_a):
        for j, columns in enumerate(blocks_b):
            products[i * BLOCK : (i + 1) * BLOCK, j * BLOCK : (j + 1) * BLOCK] = rows @ columns.T
    return products[: len(a), : len(b)]


def _blocks(x: np.ndarray) -> np.ndarray:
    padded = np.zeros((-(-len(x) // BLOCK) * BLOCK, x.shape[1]))
    padded[: len(x)] = x
    return padded.reshape(-1, BLOCK, x.shape[1])


def path(
    gram_train: np.ndarray, y: np.ndarray, gram_test: np.ndarray, c_values: Sequence[float], max_iterations: int
) -> Predictions:
    """Predictions of scikit-learn's SVC (one against one, linear kernel) at every C, in rising order.

    Two rules save the fits that bring nothing or never end. Where every dual coefficient lies below C the margin is
    hard: a larger C has the same solution, so it is not fitted again. Where libsvm reaches ``max_iterations`` (per pair
    of classes) before its tolerance, larger C would only get further from a solution: the one reached stands for
    them too, and ``bounded_from`` says where that began; scikit-learn's ConvergenceWarning comes through.

    Parameters
    ----------
    gram_train, gram_test
        (n, n) and (n_test, n) inner products with the training windows.
    y
        Training labels (n,), at least two classes.
    c_values
        Rising.
    """
    predictions = np.empty((len(c_values), len(gram_test)), dtype=np.int64)
    for i, c in enumerate(c_values):
        machine = SVC(C=c, kernel="precomputed", cache_size=500, max_iter=max_iterations)
        machine.fit(gram_train, y)
        predictions[i:] = machine.predict(gram_test)
        if machine.fit_status_ or np.abs(machine.dual_coef_).max() < c:
            return Predictions(predictions, i if machine.fit_status_ else None)
    return Predictions(predictions, None)
