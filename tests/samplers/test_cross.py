"""A whole cross-validation gives the windows of a loop of fit_resample over its folds."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold

import emogan
from emogan import (
    CBEGANSampler,
    CGANSampler,
    CVAESampler,
    CWGANSampler,
    DiffusionSampler,
    NoiseSampler,
    RandomEffectsSampler,
    TrialCBEGANSampler,
)
from emogan.augmenters import GANAugmenter


def assert_same(one, other):
    pd.testing.assert_frame_equal(pd.DataFrame(one), pd.DataFrame(other))


def loop(sampler, x, y, folds):
    return [clone(sampler).fit_resample(x[train], y[train]) for train, _ in folds]


@pytest.mark.parametrize(
    "kind", [CBEGANSampler, CWGANSampler, CGANSampler, TrialCBEGANSampler, CVAESampler, DiffusionSampler, NoiseSampler]
)
def test_the_windows_are_those_of_a_loop_over_the_folds(kind, windows, tiny):
    x, y, trial = windows
    sampler = kind(n_aug=30, random_state=3, **({} if kind is NoiseSampler else tiny))
    cv = StratifiedGroupKFold(4)
    folds = list(cv.split(x, y, trial))
    found = list(emogan.cross_augment(x, y, cv, trial, sampler))
    for fold, expected, (_, test) in zip(found, loop(sampler, x, y, folds), folds, strict=True):
        np.testing.assert_array_equal(fold.X, expected[0])
        np.testing.assert_array_equal(fold.y, expected[1])
        np.testing.assert_array_equal(fold.test, test)


def test_folds_that_lack_a_class_are_those_of_a_loop_too(windows, tiny):
    x, y, trial = windows
    sampler = CBEGANSampler(n_aug=6, random_state=0, **tiny)
    rows, part = np.arange(len(y)), trial // 3
    folds = [(rows[(part != i) & (y != without)], rows[part == i]) for i, without in enumerate(["joy", "", "calm"])]
    assert [len(set(y[train])) for train, _ in folds] == [2, 3, 2]
    found = emogan.cross_augment(x, y, folds, sampler=sampler)
    for fold, (windows_, labels) in zip(found, loop(sampler, x, y, folds), strict=True):
        np.testing.assert_array_equal(fold.X, windows_)
        np.testing.assert_array_equal(fold.y, labels)


def test_the_gans_of_all_folds_are_trained_at_once_and_only_once(windows, tiny, monkeypatch, tmp_path):
    x, y, trial = windows
    stacked, fit = [], GANAugmenter.fit

    def watched(self, windows_, *arguments, **options):
        stacked.append(len(windows_))
        return fit(self, windows_, *arguments, **options)

    monkeypatch.setattr(GANAugmenter, "fit", watched)
    options = {"cv": StratifiedGroupKFold(4), "groups": trial, "n_aug": 9, "random_state": 0}
    kept = CBEGANSampler(store=tmp_path, **tiny)
    first = list(emogan.cross_augment(x, y, sampler=kept, **options))
    assert stacked == [4]
    more = list(emogan.cross_augment(x, y, sampler=kept, **options | {"n_aug": 30}))
    assert stacked == [4], "the store holds them"
    for small, large in zip(first, more, strict=True):
        np.testing.assert_array_equal(small.X, large.X[: len(small.X)])
    list(emogan.cross_augment(x, y, sampler=CBEGANSampler(**tiny), **options | {"n_aug": 0}))
    assert stacked == [4], "nothing to append, nothing to train"


def test_dataframes_come_out_with_their_columns_and_trials_reach_the_sampler(frame, windows):
    x, y = frame
    trial = windows[2]
    for fold in emogan.cross_augment(x, y, 3, None, RandomEffectsSampler(n_aug=9, random_state=0), trials=trial):
        train = np.setdiff1d(np.arange(len(x)), fold.test)
        expected = RandomEffectsSampler(n_aug=9, random_state=0).fit_resample(
            x.iloc[train], y.iloc[train], groups=trial[train]
        )
        assert_same(fold.X, expected[0])
        assert_same(fold.y, expected[1])


def test_the_sampler_that_was_given_is_left_as_it_was(windows, tiny):
    x, y, _ = windows
    sampler = CBEGANSampler(**tiny)
    before = sampler.get_params()
    list(emogan.cross_augment(x, y, 2, sampler=sampler, n_aug=3, random_state=1))
    assert sampler.get_params() == before
    assert not hasattr(sampler, "fitted_")


def test_a_random_state_that_draws_gives_each_fold_its_own_seed(windows, tiny):
    x, y, _ = windows
    sampler = CBEGANSampler(n_aug=3, **tiny)
    found = list(emogan.cross_augment(x, y, 2, None, sampler, random_state=np.random.RandomState(0)))
    state = np.random.RandomState(0)
    seeds = [state.randint(2**31 - 1) for _ in found]
    for fold, seed in zip(found, seeds, strict=True):
        train = np.setdiff1d(np.arange(len(x)), fold.test)
        expected, _ = CBEGANSampler(n_aug=3, random_state=seed, **tiny).fit_resample(x[train], y[train])
        np.testing.assert_array_equal(fold.X, expected)
