"""The interior-point method against the proof that dual coefficients give, and against libsvm."""

import numpy as np
import pytest
from sklearn.svm import SVC

from emogan.evaluation import interior_point
from emogan.evaluation.interior_point import GAP, Machine

GRID = 2.0 ** np.arange(-10, 11, 2)


def two_classes(distance: float, n: int = 120, features: int = 5, seed: int = 0):
    random = np.random.default_rng(seed)
    sign = np.where(random.random(n) < 0.4, 1.0, -1.0)
    x = random.normal(size=(n, features))
    x[:, 0] += distance * sign
    return x, sign


def objective(x, sign, weights, c) -> float:
    w, b = weights[:-1], weights[-1]
    return w @ w / 2 + c * np.maximum(0, 1 - sign * (x @ w + b)).sum()


def assert_solved(x, sign, solution, c) -> None:
    """The dual coefficients prove it: no primal objective lies below the dual's, and the best is equal to it."""
    a = solution.dual
    assert solution.converged
    assert a.min() >= 0
    assert a.max() <= c
    assert abs(sign @ a) < 1e-4 * a.sum()
    dual = a.sum() - ((sign * a) @ x @ ((sign * a) @ x)) / 2 - abs(sign @ a * solution.weights[-1])
    assert objective(x, sign, solution.weights, c) == pytest.approx(dual, rel=2 * GAP)


@pytest.mark.parametrize("distance", [0.0, 0.3, 1.0, 5.0])
def test_the_objectives_of_primal_and_dual_meet_at_every_c_from_nothing_and_from_a_neighbour(distance):
    x, sign = two_classes(distance)
    machine, near = Machine(x, sign), None
    for c in GRID:
        near = machine.solve(c, near)
        assert_solved(x, sign, near, c)
        assert_solved(x, sign, machine.solve(c), c)


@pytest.mark.parametrize("c", [2.0**-10, 0.25, 2.0])
def test_the_objective_is_libsvms(c):
    x, sign = two_classes(0.3)
    machine = SVC(C=c, kernel="linear", tol=1e-5, max_iter=10**6).fit(x, sign)
    expected = objective(x, sign, np.append(machine.coef_[0], machine.intercept_[0]), c)
    assert objective(x, sign, Machine(x, sign).solve(c).weights, c) == pytest.approx(expected, rel=2 * GAP)


def test_windows_that_are_equal_or_constant_or_alone_in_their_class_are_solved_too():
    x, sign = two_classes(0.5, n=40)
    x[20:] = x[:20]
    sign[20:] = -sign[:20]  # every window stands in both classes
    x[:, 3] = 0.0
    for solution, c in ((Machine(x, sign).solve(c), c) for c in GRID):
        assert solution.converged
        assert objective(x, sign, solution.weights, c) == pytest.approx(40 * c, rel=1e-3)  # w = 0 is best
    alone = np.where(np.arange(40) == 7, 1.0, -1.0)
    x += np.arange(40)[:, None]
    assert_solved(x, alone, Machine(x, alone).solve(4.0), 4.0)


def test_what_is_not_solved_is_told(monkeypatch):
    monkeypatch.setattr(interior_point, "MAX_STEPS", 3)
    assert not Machine(*two_classes(0.3)).solve(1.0).converged


def test_a_neighbour_saves_steps(monkeypatch):
    x, sign = two_classes(0.1, n=600, features=60)
    machine, steps = Machine(x, sign), []
    step = Machine._step
    monkeypatch.setattr(Machine, "_step", lambda self, *state: steps.append(1) or step(self, *state))
    near = machine.solve(64.0)
    steps.clear()
    machine.solve(128.0)
    from_nothing = len(steps)
    steps.clear()
    machine.solve(128.0, near)
    assert len(steps) < from_nothing
