"""A linear support vector machine by a primal-dual interior-point method, for what libsvm takes too long over."""

from typing import NamedTuple

import numpy as np
from scipy.linalg import blas, lapack

GAP = 1e-4  # of the objectives of primal and dual, relative: the stopping rule
MAX_STEPS = 100  # a problem takes about 8 from a neighbouring C, up to 20 from nothing
INTERIOR = 0.02  # smallest distance of a start from the bounds of the dual, as a fraction of C
BACK = 0.995  # of the way to the nearest bound


class Solution(NamedTuple):
    """A pair of classes apart: the decision value of x is x @ weights[:-1] + weights[-1]."""

    weights: np.ndarray  # (F + 1,), the intercept last
    dual: np.ndarray  # (n,) in (0, C)
    c: float
    converged: bool


class Machine:
    """The soft margin of two classes, min |w|^2 / 2 + C sum_i max(0, 1 - s_i (w x_i + b)), at any C.

    Mehrotra's predictor-corrector steps on the optimality conditions of the dual, whose linear systems reduce to F + 1
    unknowns (Ferris and Munson 2002, Interior-point methods for massive support vector machines): a step costs n F^2
    operations, and their number hardly depends on C. Classes that overlap, which cost libsvm millions of its cheap
    steps, cost nothing extra.

    Parameters
    ----------
    x
        Windows (n, F).
    sign
        Their class, +1 or -1 (n,).
    """

    def __init__(self, x: np.ndarray, sign: np.ndarray):
        self.signed = np.column_stack([x, np.ones(len(x))]) * sign[:, None]  # rows s_i (x_i, 1)
        self.ridge = np.append(np.ones(x.shape[1]), 0.0)  # the intercept is free

    def solve(self, c: float, near: Solution | None = None) -> Solution:
        """The solution at C, sooner from one at another C that is ``near``.

        It ends when the gap between the objectives is below `GAP`, or not ``converged`` after `MAX_STEPS` steps.
        """
        n, size = self.signed.shape
        a, w = np.full(n, c / 2), np.zeros(size)
        if near is not None:
            a, w = np.clip(near.dual * (c / near.c), INTERIOR * c, (1 - INTERIOR) * c), near.weights
        excess = self.signed @ w - 1  # of the margins over 1
        low, high = np.maximum(excess, 0) + 0.1, np.maximum(-excess, 0) + 0.1  # multipliers of a >= 0 and a <= C
        for _ in range(MAX_STEPS):
            excess, combined = self.signed @ w - 1, self.signed.T @ a
            if self._gap(a, w, excess, combined, c) < GAP:
                return Solution(self._centred(w), a, c, True)
            step = self._step(a, w, low, high, excess, combined, c)
            if step is None:
                break
            a, w, low, high = (value + change for value, change in zip((a, w, low, high), step, strict=True))
        return Solution(self._centred(w), a, c, False)

    def _centred(self, w: np.ndarray) -> np.ndarray:
        """The weights with the best intercept; of several (all windows within the margin) the middle, as libsvm.

        The slope of the objective in b is the number of windows that meet their margin at a smaller b, less the number
        of those of class +1.
        """
        sign = self.signed[:, -1]
        meets = np.sort(sign - sign * (self.signed[:, :-1] @ w[:-1]))
        below = int((sign > 0).sum())
        return np.append(w[:-1], (meets[below - 1] + meets[below]) / 2)

    def _gap(self, a, w, excess, combined, c) -> float:
        """Relative difference of the objectives; what the dual's equality constraint is off counts against it."""
        primal = (self.ridge * w) @ w / 2 + c * np.maximum(-excess, 0).sum()
        dual = a.sum() - (self.ridge * combined) @ combined / 2
        return (primal - dual + abs(combined[-1] * w[-1])) / primal

    def _step(self, a, w, low, high, excess, combined, c):
        """Changes of a, w and the multipliers; None where rounding leaves no direction."""
        room = c - a
        scale = 1 / (low / a + high / room)
        weighted = self.signed * np.sqrt(scale)[:, None]
        system = blas.dsyrk(1.0, weighted.T, lower=1)
        system[np.diag_indices_from(system)] += self.ridge
        factor, failed = lapack.dpotrf(system, lower=1, overwrite_a=1)
        if failed:
            return None
        residual, rest = excess - low + high, combined - self.ridge * w

        def direction(for_low, for_high):
            right = for_low / a - for_high / room - residual
            change_w, _ = lapack.dpotrs(factor, self.signed.T @ (scale * right) + rest, lower=1)
            change_a = scale * (right - self.signed @ change_w)
            return change_a, change_w, (for_low - low * change_a) / a, (for_high + high * change_a) / room

        def length(change_a, _, change_low, change_high) -> float:
            pairs = (a, change_a), (room, -change_a), (low, change_low), (high, change_high)
            return min(1.0, *(1 / max(1.0, np.max(-change / value)) for value, change in pairs))

        predicted = direction(-low * a, -high * room)
        ahead = length(*predicted)
        change_a, _, change_low, change_high = predicted
        gap = low @ a + high @ room
        gap_ahead = (low + ahead * change_low) @ (a + ahead * change_a)
        gap_ahead += (high + ahead * change_high) @ (room - ahead * change_a)
        target = (gap_ahead / gap) ** 3 * gap / (2 * len(a))
        corrected = direction(target - low * a - change_a * change_low, target - high * room + change_a * change_high)
        ahead = BACK * length(*corrected)
        return [ahead * change for change in corrected]
