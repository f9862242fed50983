"""Classifiers of scikit-learn over a grid of one parameter."""

import warnings
from functools import partial

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from emogan.evaluation import Estimator, FitData


@pytest.fixture
def windows():
    """x (120, 4) and y (120,) of three overlapping classes."""
    y = np.arange(120) % 3
    return (np.random.default_rng(0).normal(size=(120, 4)) + np.eye(4)[y]).astype(np.float32), y


def test_every_prediction_is_that_of_the_estimator_with_this_value(windows):
    x, y = windows
    classifier = Estimator("logistic_regression", LogisticRegression, "C", [0.01, 1, 100])
    for n, found in zip((40, 90), classifier.paths(FitData(x, y, [40, 90], x[90:])), strict=True):
        expected = [LogisticRegression(C=c).fit(x[:n], y[:n]).predict(x[90:]) for c in (0.01, 1, 100)]
        np.testing.assert_array_equal(found.predictions, expected)
        assert found.bounded_from is None


def test_counts_are_handed_over_as_whole_numbers(windows):
    x, y = windows
    (found,) = Estimator("knn", KNeighborsClassifier, "n_neighbors", [1, 5]).paths(FitData(x, y, [120], x))
    np.testing.assert_array_equal(found.predictions[0], y)


def test_a_classifier_without_a_parameter_has_one_value(windows):
    x, y = windows
    classifier = Estimator("lda", LinearDiscriminantAnalysis, None)
    (found,) = classifier.paths(FitData(x, y, [120], x))
    np.testing.assert_array_equal(found.predictions, [LinearDiscriminantAnalysis().fit(x, y).predict(x)])
    assert classifier.values.tolist() == [0]


def test_a_fit_that_meets_its_iteration_limit_is_told(windows):
    x, y = windows
    classifier = Estimator("short", lambda C: LogisticRegression(C=C, max_iter=3), "C", [1e-6, 1e6])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        (found,) = classifier.paths(FitData(x, y, [120], x))
    assert found.bounded_from == 1


def test_values_are_passed_on_as_they_are_given(windows):
    x, y = windows
    forest = partial(RandomForestClassifier, n_estimators=3, random_state=0)
    (found,) = Estimator("forest", forest, "max_features", [1, 1.0]).paths(
        FitData(x, y, [120], x)
    )  # one feature, all features
    for one, predicted in zip([1, None], found.predictions, strict=True):
        np.testing.assert_array_equal(predicted, forest(max_features=one).fit(x, y).predict(x))


def test_a_number_of_trees_is_no_limit_of_iterations(windows):
    x, y = windows
    (found,) = Estimator("boosted", HistGradientBoostingClassifier, "max_iter", [3]).paths(FitData(x, y, [120], x))
    assert found.bounded_from is None


@pytest.mark.parametrize(
    ("parameter", "values", "named"),
    [
        ("C", [], "classifier.values"),
        ("C", 1, "classifier.values"),
        ("C", [1, -1], "classifier.values"),
        ("solver", ["lbfgs"], "classifier.values"),
        ("nonsense", [1], "classifier.parameter"),
    ],
)
def test_impossible_settings_are_refused_by_name_before_anything_is_fitted(parameter, values, named):
    with pytest.raises(ValueError, match=rf"^{named}: expected"):
        Estimator("logistic_regression", LogisticRegression, parameter, values)
