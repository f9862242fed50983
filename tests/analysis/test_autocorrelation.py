"""Autocorrelation within trials, by hand and of processes that have a known one."""

import numpy as np
import pytest

from emogan.analysis.autocorrelation import autocorrelation


def test_pairs_of_windows_of_one_trial_are_counted_and_no_others():
    x = np.array([1.0, 3.0, -2.0, 0.0, -5.0, 3.0])[:, None]  # of mean 0
    trial = np.array([0, 0, 0, 1, 1, 1])
    found = autocorrelation(x, np.zeros(6), trial, lags=3)[:, 0]
    variance = (x**2).mean()
    assert found[:3] == pytest.approx([1, (3 - 6 + 0 - 15) / 4 / variance, (-2 + 0) / 2 / variance])
    assert np.isnan(found[3])


def test_windows_of_a_trial_may_stand_apart_and_classes_have_means_of_their_own():
    random = np.random.default_rng(0)
    x, y, trial = random.normal(size=(60, 2)), np.repeat([0, 1], 30), np.repeat(np.arange(6), 10)
    order = np.argsort(np.tile(np.arange(10), 6), kind="stable")
    assert autocorrelation(x, y, trial) == pytest.approx(autocorrelation(x[order], y[order], trial[order]), nan_ok=True)
    assert autocorrelation(x + 9 * y[:, None], y, trial) == pytest.approx(autocorrelation(x, y, trial), nan_ok=True)


@pytest.mark.parametrize(("memory", "effect"), [(0.0, 0.0), (0.7, 0.0), (0.7, 1.0)])
def test_it_is_that_of_an_autoregression_with_trial_effects(memory, effect):
    random = np.random.default_rng(0)
    e = random.normal(size=(600, 20))
    for i in range(1, 20):
        e[:, i] = memory * e[:, i - 1] + (1 - memory**2) ** 0.5 * e[:, i]
    x = (e + effect * random.normal(size=(600, 1))).reshape(-1, 1)
    found = autocorrelation(x, np.zeros(len(x)), np.repeat(np.arange(600), 20))[:, 0]
    assert found == pytest.approx((memory ** np.arange(11) + effect**2) / (1 + effect**2), abs=0.06)


def test_a_feature_that_does_not_vary_has_none():
    assert np.isnan(autocorrelation(np.ones((6, 1)), np.zeros(6), np.zeros(6), lags=2)).all()
