"""The SVM path against scikit-learn's own fits."""

import numpy as np
import pytest
from sklearn.svm import SVC

from emogan.evaluation import FitData, LinearSVM, interior_point, svm
from emogan.evaluation.svm import gram

GRID = 2.0 ** np.arange(-10, 11)


def blobs(distance: float, n: int = 90, features: int = 6, seed: int = 0):
    random = np.random.default_rng(seed)
    y = np.arange(n) % 3
    return (random.normal(size=(n, features)) + distance * np.eye(features)[y]).astype(np.float32), y


def path(x, y, x_test, libsvm_iterations=10**7):
    return svm.path(x, y, x_test, gram(x), gram(x_test, x), GRID, libsvm_iterations)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("libsvm_iterations", [10**7, 100, 1])
@pytest.mark.parametrize("distance", [0.5, 3.0, 12.0])
def test_every_prediction_is_that_of_a_fit_from_the_features(distance, libsvm_iterations):
    x, y = blobs(distance)
    x_test, y_test = blobs(distance, n=900, seed=1)
    found = path(x, y, x_test, libsvm_iterations)
    assert found.first_not_converged is None
    expected = np.array([SVC(C=c, kernel="linear").fit(x, y).predict(x_test) for c in GRID])
    assert (found.predictions == expected).mean() > 0.998  # the tolerance leaves a window on a boundary open
    assert abs((found.predictions == y_test).mean(1) - (expected == y_test).mean(1)).mean() < 0.002


def test_inner_products_are_those_of_numpy_and_keep_their_bits_whatever_follows():
    x, _ = blobs(1.0, n=700, features=40)
    whole = gram(x)
    np.testing.assert_allclose(whole, x.astype(np.float64) @ x.astype(np.float64).T, rtol=1e-12)
    np.testing.assert_allclose(gram(x[:300], x), whole[:300], rtol=1e-12)
    for n in (1, 255, 256, 257, 450, 601):
        np.testing.assert_array_equal(gram(x[:n]), whole[:n, :n])
        np.testing.assert_array_equal(gram(x[600:], x[:n]), gram(x[600:], x)[:, :n])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("libsvm_iterations", [10**7, 1])
def test_a_hard_margin_is_not_fitted_again_for_larger_c(monkeypatch, libsvm_iterations):
    x, y = blobs(12.0)
    solved = []
    fit, solve = SVC.fit, interior_point.Machine.solve
    monkeypatch.setattr(SVC, "fit", lambda self, *data: solved.append(self.C) or fit(self, *data))
    monkeypatch.setattr(interior_point.Machine, "solve", lambda self, c, near: solved.append(c) or solve(self, c, near))
    found = path(x, y, x, libsvm_iterations)
    assert max(solved) < GRID[-1]
    machine = SVC(C=max(solved), kernel="linear").fit(x, y)
    assert np.abs(machine.dual_coef_).max() < machine.C
    np.testing.assert_array_equal(found.predictions[-1], SVC(C=GRID[-1], kernel="linear").fit(x, y).predict(x))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_fits_that_do_not_converge_are_told(monkeypatch):
    monkeypatch.setattr(interior_point, "MAX_STEPS", 4)
    x, y = blobs(0.1)
    assert path(x, y, x, 1).first_not_converged == 5  # C = 2^-5


def test_paths_of_several_lengths_are_those_of_each_alone():
    x, y = blobs(1.0)
    x_test, _ = blobs(1.0, seed=1)
    classifier = LinearSVM("linear_svm", [-2, 3], 10**7)
    for n, found in zip((40, 90), classifier.paths(FitData(x, y, [40, 90], x_test)), strict=True):
        (alone,) = classifier.paths(FitData(x[:n], y[:n], [n], x_test))
        np.testing.assert_array_equal(found.predictions, alone.predictions)
