"""The SVM path against scikit-learn's own fits."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import SVC

from emogan.evaluation import LinearSVM
from emogan.evaluation.svm import gram, path

GRID = 2.0 ** np.arange(-10, 11)


def blobs(distance: float, n: int = 90, features: int = 6, seed: int = 0):
    random = np.random.default_rng(seed)
    y = np.arange(n) % 3
    return (random.normal(size=(n, features)) + distance * np.eye(features)[y]).astype(np.float32), y


@pytest.mark.parametrize("distance", [0.5, 3.0, 12.0])
def test_every_prediction_is_that_of_a_fit_from_the_features(distance):
    x, y = blobs(distance)
    x_test, _ = blobs(distance, seed=1)
    found = path(gram(x, x), y, gram(x_test, x), GRID, 10**7)
    assert found.bounded_from is None
    expected = [SVC(C=c, kernel="linear").fit(x, y).predict(x_test) for c in GRID]
    assert (found.predictions == expected).mean() > 0.998  # the tolerance leaves a window on a boundary open


def test_inner_products_are_those_of_numpy_and_keep_their_bits_whatever_follows():
    x, _ = blobs(1.0, n=700, features=40)
    whole = gram(x, x)
    np.testing.assert_allclose(whole, x.astype(np.float64) @ x.astype(np.float64).T, rtol=1e-12)
    for n in (1, 255, 256, 257, 450, 601):
        np.testing.assert_array_equal(gram(x[:n], x[:n]), whole[:n, :n])


def test_a_hard_margin_is_not_fitted_again_for_larger_c(monkeypatch):
    x, y = blobs(12.0)
    fitted = []
    fit = SVC.fit
    monkeypatch.setattr(SVC, "fit", lambda self, *data: fitted.append(self.C) or fit(self, *data))
    found = path(gram(x, x), y, gram(x, x), GRID, 10**7)
    assert len(fitted) < len(GRID)
    machine = SVC(C=fitted[-1], kernel="linear").fit(x, y)
    assert np.abs(machine.dual_coef_).max() < machine.C
    np.testing.assert_array_equal(found.predictions[-1], SVC(C=GRID[-1], kernel="linear").fit(x, y).predict(x))


def test_a_fit_that_meets_the_bound_stands_for_larger_c_and_is_told():
    x, y = blobs(0.1)
    with pytest.warns(ConvergenceWarning):
        found = path(gram(x, x), y, gram(x, x), GRID, 200)
    assert 0 < found.bounded_from < len(GRID)
    assert (found.predictions[found.bounded_from :] == found.predictions[-1]).all()


def test_paths_of_several_lengths_are_those_of_each_alone():
    x, y = blobs(1.0)
    x_test, _ = blobs(1.0, seed=1)
    classifier = LinearSVM("linear_svm", [-2, 3], 10**7)
    for n, found in zip((40, 90), classifier.paths(x, y, [40, 90], x_test), strict=True):
        (alone,) = classifier.paths(x[:n], y[:n], [n], x_test)
        np.testing.assert_array_equal(found.predictions, alone.predictions)
