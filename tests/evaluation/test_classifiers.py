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
from sklearn.svm import SVC

from emogan.evaluation import Estimator, FitData, LinearSVM, TrialVote


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
        assert found.first_not_converged is None


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
    assert found.first_not_converged == 1


def test_values_are_passed_on_as_they_are_given(windows):
    x, y = windows
    forest = partial(RandomForestClassifier, n_estimators=3, random_state=0)
    one_or_all = Estimator("forest", forest, "max_features", [1, 1.0])
    (found,) = one_or_all.paths(FitData(x, y, [120], x))
    for one, predicted in zip([1, None], found.predictions, strict=True):
        np.testing.assert_array_equal(predicted, forest(max_features=one).fit(x, y).predict(x))


def test_a_number_of_trees_is_no_limit_of_iterations(windows):
    x, y = windows
    (found,) = Estimator("boosted", HistGradientBoostingClassifier, "max_iter", [3]).paths(FitData(x, y, [120], x))
    assert found.first_not_converged is None


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


def made(vote: str) -> TrialVote:
    return TrialVote("trial_vote", vote, LinearSVM("linear_svm", [-3, 3], 10**7))


def in_trials(windows, lengths=(60, 90)) -> FitData:
    """The first windows train, and the last 30 are held out, in trials that come in turn."""
    x, y = windows
    return FitData(x[:90], y[:90], lengths, x[90:], np.arange(90) // 5, np.arange(30) % 7)


def test_the_majority_of_a_trials_windows_decides_for_all_of_them_at_every_value(windows):
    data = in_trials(windows)
    alone = made("majority").classifier.paths(data)
    for found, single in zip(made("majority").paths(data), alone, strict=True):
        for c, trial in np.ndindex(7, 7):
            own = data.trial_held_out == trial
            assert set(found.predictions[c, own]) == {np.bincount(single.predictions[c, own]).argmax()}
        assert (found.predictions != single.predictions).any()


def test_the_mean_decision_of_a_trial_is_that_of_scikit_learns_machines_of_each_pair(windows):
    data = in_trials(windows, [90])
    (found,) = made("mean").paths(data)
    for c, value in enumerate(2.0 ** np.arange(-3, 4)):
        machine = SVC(kernel="linear", C=value, decision_function_shape="ovo").fit(data.x, data.y)
        decisions = machine.decision_function(data.x_held_out)  # of the pairs 0-1, 0-2, 1-2: positive for the first
        for trial in range(7):
            own = data.trial_held_out == trial
            mean = decisions[own].mean(0) > 0
            votes = np.bincount([0 if mean[0] else 1, 0 if mean[1] else 2, 1 if mean[2] else 2], minlength=3)
            assert set(found.predictions[c, own]) == {votes.argmax()}


def test_a_trial_vote_of_several_fits_is_that_of_each_alone(windows):
    several = [in_trials(windows), in_trials(windows, [40])]
    for vote in ("majority", "mean"):
        for data, found in zip(several, made(vote).paths_of_several(several), strict=True):
            for one, other in zip(found, made(vote).paths(data), strict=True):
                np.testing.assert_array_equal(one.predictions, other.predictions)


def test_another_vote_is_refused_by_name():
    with pytest.raises(ValueError, match=r"^classifier\.vote: expected majority \| mean, got 'median'"):
        made("median")
