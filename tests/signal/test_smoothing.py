"""Smoothing against pykalman, a plain loop and what likelihoods must do."""

import numpy as np
import pytest
from pykalman import KalmanFilter

from emogan.signal.smoothing import (
    expectation_maximisation,
    kalman_filter,
    moving_average,
    rts_smoother,
    smooth_trials,
)


def walk(windows=40, features=4, seed=0):
    random = np.random.default_rng(seed)
    steps = random.normal(size=(windows, features)) * np.linspace(0.1, 2, features)
    return 20 + steps.cumsum(0) + random.normal(size=(windows, features))


def reference(series, q=1e-4, r=1.0, v0=0.01, **options):
    return KalmanFilter(
        transition_matrices=1, observation_matrices=1, transition_covariance=q, observation_covariance=r,
        initial_state_mean=series.mean(), initial_state_covariance=v0, **options,
    )  # fmt: skip


@pytest.mark.parametrize(("q", "r", "v0"), [(1e-4, 1.0, 0.01), (0.3, 2.0, 5.0), (10.0, 0.01, 1e-6)])
def test_filter_and_smoother_equal_pykalmans(q, r, v0):
    features = walk()
    filtered, smoothed = kalman_filter(features, q, r, v0), rts_smoother(features, q, r, v0)
    for f, series in enumerate(features.T):
        model = reference(series, q, r, v0)
        np.testing.assert_allclose(filtered[:, f], model.filter(series)[0][:, 0], atol=1e-6)
        np.testing.assert_allclose(smoothed[:, f], model.smooth(series)[0][:, 0], atol=1e-6)


def test_defaults_are_those_in_use_with_the_seed_data_sets():
    series = walk(features=1)
    np.testing.assert_allclose(kalman_filter(series)[:, 0], reference(series[:, 0]).filter(series)[0][:, 0], atol=1e-6)


def test_each_feature_can_have_its_own_variances():
    features, q, r = walk(), np.array([1e-4, 0.1, 1, 3]), np.array([1, 0.5, 2, 0.1])
    together = rts_smoother(features, q, r)
    alone = [rts_smoother(features[:, [f]], q[f], r[f])[:, 0] for f in range(4)]
    np.testing.assert_allclose(together, np.stack(alone, axis=1), rtol=1e-12)


def test_fitted_variances_and_likelihoods_equal_pykalmans():
    features = walk()
    fit = expectation_maximisation(features, q=0.5, r=1.5, v0=0.3, iterations=5)
    for f, series in enumerate(features.T):
        model = reference(series, 0.5, 1.5, 0.3, em_vars=["transition_covariance", "observation_covariance"])
        assert fit.log_likelihood[0, f] == pytest.approx(model.loglikelihood(series), abs=1e-6)
        model.em(series, n_iter=5)
        assert fit.q[f] == pytest.approx(model.transition_covariance.item(), abs=1e-6)
        assert fit.r[f] == pytest.approx(model.observation_covariance.item(), abs=1e-6)
        assert fit.log_likelihood[-1, f] == pytest.approx(model.loglikelihood(series), abs=1e-6)


@pytest.mark.parametrize("windows", [1, 2, 3, 60])
@pytest.mark.parametrize("seed", range(5))
def test_likelihood_never_falls(windows, seed):
    features = np.column_stack([walk(windows, 6, seed), np.full(windows, 3.0), np.arange(windows)])
    for start in ({}, {"q": 1e-4, "r": 1.0}, {"q": 50.0, "r": 1e-3}):
        fit = expectation_maximisation(features, **start, iterations=60)
        assert np.isfinite(fit.log_likelihood).all()
        assert (np.diff(fit.log_likelihood, axis=0) > -1e-9).all()


def test_fitted_variances_are_those_that_made_a_long_trial():
    random = np.random.default_rng(0)
    states = random.normal(size=(1000, 60)).cumsum(0) * 0.5
    fit = expectation_maximisation(states + random.normal(size=states.shape) * 2, q=0.4, r=3.0, v0=1e4, iterations=80)
    np.testing.assert_allclose(fit.q.mean(), 0.25, rtol=0.1)
    np.testing.assert_allclose(fit.r.mean(), 4, rtol=0.05)


def test_the_filter_looks_at_no_later_window_and_the_smoother_does():
    features = walk()
    changed = features.copy()
    changed[30:] += 5
    mean = features.mean(0)
    for smoother, same in ((kalman_filter, True), (rts_smoother, False)):
        before, after = smoother(features, q=0.5, mean=mean), smoother(changed, q=0.5, mean=mean)
        assert np.array_equal(before[:30], after[:30]) is same
        assert not np.array_equal(before[30:], after[30:])


@pytest.mark.parametrize("smoother", [kalman_filter, rts_smoother, moving_average])
def test_trials_are_never_mixed(smoother):
    features, trial = walk(60), np.repeat([7, 3, 7], [20, 25, 15])
    changed = features.copy()
    changed[trial == 3] += np.random.default_rng(1).normal(size=(25, 4)) * 100
    smoothed, other = smooth_trials(features, trial, smoother), smooth_trials(changed, trial, smoother)
    np.testing.assert_array_equal(smoothed[trial == 7], other[trial == 7])
    np.testing.assert_array_equal(smoothed[trial == 7], smoother(features[trial == 7]))
    np.testing.assert_array_equal(smoothed[trial == 3], smoother(features[trial == 3]))


@pytest.mark.parametrize("windows", [1, 3, 5])
def test_moving_average_is_the_mean_of_the_windows_around(windows):
    features, half = walk(12), windows // 2
    expected = [features[max(0, w - half) : w + half + 1].mean(0) for w in range(12)]
    np.testing.assert_allclose(moving_average(features, windows), expected, rtol=1e-12)


def test_constant_features_and_single_windows_stay_as_they_are():
    for features in (np.full((9, 2), 3.0), walk(1)):
        for smoother in (kalman_filter, rts_smoother, moving_average):
            np.testing.assert_allclose(smoother(features), features, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kalman_filter(np.zeros(5)), r"\(windows, features\) of one trial, got \(5,\)"),
        (lambda: rts_smoother(np.zeros((0, 3))), r"got \(0, 3\)"),
        (lambda: kalman_filter([[1.0, np.nan]]), r"features \[1\] .* not finite"),
        (lambda: rts_smoother(walk(), r=0.0), "r > 0"),
        (lambda: expectation_maximisation(walk(), q=-1.0), "q >= 0"),
        (lambda: moving_average(walk(), 4), "odd number of windows around each, got 4"),
        (lambda: smooth_trials(walk(), np.zeros(3)), "one trial number per window"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
