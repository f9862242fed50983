"""Smoothing against pykalman and a plain loop."""

import numpy as np
import pytest
from pykalman import KalmanFilter

from emogan.signal.smoothing import (
    kalman_filter,
    moving_average,
    rts_smoother,
)


def walk(windows=40, features=4, seed=0):
    random = np.random.default_rng(seed)
    steps = random.normal(size=(windows, features)) * np.linspace(0.1, 2, features)
    return 20 + steps.cumsum(0) + random.normal(size=(windows, features))


def reference(series, q=1e-4, r=1.0, v0=0.01):
    return KalmanFilter(
        transition_matrices=1, observation_matrices=1, transition_covariance=q, observation_covariance=r,
        initial_state_mean=series.mean(), initial_state_covariance=v0,
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


def test_the_filter_looks_at_no_later_window_and_the_smoother_does():
    features = walk()
    changed = features.copy()
    changed[30:] += 5
    mean = features.mean(0)
    for smoother, same in ((kalman_filter, True), (rts_smoother, False)):
        before, after = smoother(features, q=0.5, mean=mean), smoother(changed, q=0.5, mean=mean)
        assert np.array_equal(before[:30], after[:30]) is same
        assert not np.array_equal(before[30:], after[30:])


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
        (lambda: kalman_filter(walk(), q=-1.0), "q >= 0"),
        (lambda: moving_average(walk(), 4), "odd number of windows around each, got 4"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
