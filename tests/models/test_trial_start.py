"""The start of TrialCBEGAN against covariances computed trial by trial, and its edge cases."""

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf

from emogan.models.trial_start import MOST, low_rank_start, start


def windows(trials_per_class=4, per_trial=30, features=6, classes=3, seed=0):
    """Correlated windows of trials of different lengths; labels and trial numbers."""
    random = np.random.default_rng(seed)
    mixing = random.normal(size=(features, features))
    x, y, trial = [], [], []
    for j in range(trials_per_class * classes):
        n = per_trial + j % 5
        x.append(random.normal(size=features) + 0.5 * random.normal(size=(n, features)) @ mixing + j % classes)
        y += [j % classes] * n
        trial += [10 + j] * n
    return np.concatenate(x), np.array(y), np.array(trial)


def trial_means(x, y, trial):
    return {(int(y[trial == j][0]), int(j)): x[trial == j].mean(0) for j in np.unique(trial)}


@pytest.mark.parametrize("strength", [0.0, 0.3, 2.0])
def test_windows_of_a_new_trial_are_white_about_the_mean_of_a_real_one(strength):
    x, y, trial = windows()
    found = start(x, y, trial, 3, strength)
    means = trial_means(x, y, trial)
    residuals = np.concatenate([x[trial == j] - mean for (_, j), mean in means.items()])
    within = LedoitWolf(assume_centered=True).fit(residuals).covariance_
    effects = [
        mean - np.mean([other for (k, _), other in means.items() if k == c], axis=0) for (c, _), mean in means.items()
    ]
    between = sum(np.outer(effect, effect) for effect in effects) / (len(effects) - 3)
    kernel = strength**2 / 4 * between
    np.testing.assert_allclose(found.white.T @ (within + kernel) @ found.white, np.eye(6), atol=1e-9)
    for c in range(3):
        expected = [(mean - x.mean(0)) @ found.white for (k, _), mean in means.items() if k == c]
        assert found.counts[c] == len(expected) == 4
        np.testing.assert_allclose(found.means[c, :4], expected, atol=1e-9)


def test_white_axes_lead_there_and_back_and_are_sorted_by_variance():
    x, y, trial = windows()
    found = start(x, y, trial, 3, 0.5)
    np.testing.assert_allclose(found.centre + (x - found.centre) @ found.white @ found.colour, x, atol=1e-9)
    sd = np.sqrt((found.colour**2).sum(0))
    variances = ((found.colour / sd) ** 2).sum(1)
    assert (np.diff(variances) <= 0).all()


def test_a_constant_feature_stays_constant():
    x, y, trial = windows()
    x[:, 2] = 0.25
    found = start(x, y, trial, 3, 0.5)
    drawn = found.centre + np.random.default_rng(1).normal(size=(50, 6)) @ found.colour
    assert (drawn[:, 2] == 0.25).all()
    assert np.ptp(drawn[:, [0, 1, 3, 4, 5]], axis=0).min() > 0


def test_at_strength_1_new_trials_have_the_spread_of_trials():
    """S_b, the variance that trials were drawn with, over many draws of few trials."""
    random, spreads = np.random.default_rng(0), []
    for _ in range(300):
        trials = random.normal(size=6) * 2
        x = np.concatenate([trial + 1e-3 * random.normal(size=(20, 1)) for trial in trials])
        found = start(x, np.repeat([0, 1], 60), np.repeat(np.arange(6), 20), 2, 1.0)
        means = (found.means[0, :3] @ found.colour)[:, 0]
        spreads.append(means.var() + found.colour[0, 0] ** 2)
    assert np.mean(spreads) == pytest.approx(4, rel=0.1)


def test_trials_of_a_single_window_will_do():
    x, y, _ = windows()
    found = start(x, y, np.arange(len(x)), 3, 1.0)
    np.testing.assert_allclose(found.white @ found.colour, np.eye(6), atol=1e-6)


def test_fewer_windows_than_features_are_enough():
    x, y, trial = windows(trials_per_class=2, per_trial=3, features=80)
    found = start(x, y, trial, 3, 0.3)
    assert all(np.isfinite(part).all() for part in found)


def test_with_one_trial_per_class_the_strength_does_not_matter():
    x, y, trial = windows(trials_per_class=1)
    weak, strong = (start(x, y, trial, 3, strength) for strength in (0.0, 5.0))
    for one, other in zip(weak, strong, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_class_without_windows_has_one_trial_in_the_centre():
    x, y, trial = windows(classes=2)
    found = start(x, y, trial, 3, 0.3)
    assert found.counts.tolist() == [4, 4, 1]
    assert (found.means[2] == 0).all()


def test_a_trial_with_windows_of_two_classes_counts_for_both():
    x, y, trial = windows()
    y[np.flatnonzero(trial == 10)[::2]] = 1
    assert start(x, y, trial, 3, 0.3).counts.tolist() == [4, 5, 4]


def test_of_many_trials_some_are_kept_evenly_spread():
    x, y, trial = windows(trials_per_class=100, per_trial=2)
    found = start(x, y, trial, 3, 0.3)
    assert found.counts.tolist() == [MOST] * 3
    means = [mean for (c, _), mean in trial_means(x, y, trial).items() if c == 1]
    whole = (np.array(means) - x.mean(0)) @ found.white
    rows = [int(np.abs(whole - kept).sum(1).argmin()) for kept in found.means[1]]
    assert (rows[0], rows[-1]) == (0, 99)
    assert set(np.diff(rows)) <= {3, 4}


FEW = {"trials_per_class": 3, "per_trial": 2, "features": 40}  # 34 windows


def covariance(found):
    """Of windows of a new trial about the mean of a real one."""
    spread = found.mixing @ found.colour
    return spread.T @ spread + np.diag(found.own**2)


@pytest.mark.parametrize("strength", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("kept", [33, 60])
def test_few_axes_hold_the_whole_covariance_and_the_means_of_few_windows(strength, kept):
    data = (*windows(**FEW), 3, strength)
    assert len(data[0]) == 34
    found, whole = low_rank_start(*data, kept), start(*data)
    np.testing.assert_allclose(covariance(found), whole.colour.T @ whole.colour, atol=1e-9)
    np.testing.assert_allclose(found.means @ found.colour, whole.means @ whole.colour, atol=1e-9)
    assert found.counts.tolist() == whole.counts.tolist()


@pytest.mark.parametrize("kept", [12, 60])
def test_windows_are_white_in_the_axes_kept_which_lead_there_and_back(kept):
    data = (*windows(**FEW), 3, 0.5)
    found = low_rank_start(*data, kept)
    there = np.diag(np.arange(kept) < found.axes).astype(float)
    np.testing.assert_allclose(found.colour @ found.white, there, atol=1e-9)
    np.testing.assert_allclose(found.white.T @ covariance(found) @ found.white, there, atol=1e-9)
    sd = np.sqrt(np.diag(covariance(found)))
    assert (np.diff(np.linalg.norm(found.colour / sd, axis=1)) <= 1e-12).all(), "sorted by variance"
    if kept == 60:
        x = data[0]
        np.testing.assert_allclose(found.centre + (x - found.centre) @ found.white @ found.colour, x, atol=1e-9)


@pytest.mark.parametrize("kept", [9, 20])
def test_what_the_axes_do_not_hold_of_many_windows_is_each_features_own(kept):
    data = (*windows(trials_per_class=3, per_trial=30, features=40), 3, 0.5)
    found, whole = low_rank_start(*data, kept), start(*data)
    assert found.axes == kept
    np.testing.assert_allclose(np.diag(covariance(found)), np.diag(whole.colour.T @ whole.colour), atol=1e-9)
    np.testing.assert_allclose(found.means @ found.colour, whole.means @ whole.colour, atol=1e-9)


def test_a_constant_feature_has_no_part_in_the_axes_kept():
    x, y, trial = windows(**FEW)
    x[:, 2] = 0.25
    found = low_rank_start(x, y, trial, 3, 0.5, 50)
    assert (found.own[2], found.centre[2]) == (0, 0.25)
    assert not found.colour[:, 2].any()
    assert not found.white[2].any()


@pytest.mark.parametrize("find", [start, lambda *data: low_rank_start(*data, 20)], ids=["whole", "low rank"])
@pytest.mark.parametrize("spread", [0.0, 1e-9])
def test_windows_that_do_not_vary_within_classes_are_refused_by_their_classes(find, spread):
    x = np.repeat(np.random.default_rng(0).normal(size=(3, 7)), 9, axis=0)
    x += spread * np.random.default_rng(1).normal(size=x.shape)
    with pytest.raises(
        ValueError, match=r"within each of class 0, class 1, class 2 all windows are alike: .* model=dup"
    ):
        find(x, np.repeat([0, 1, 2], 9), np.arange(27) // 3, 3, 1.0)
