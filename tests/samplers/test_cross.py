"""A whole cross-validation gives the windows of a loop of fit_resample over its folds."""

import warnings

import numpy as np
import pandas as pd
import pytest
from represented import represented
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, StratifiedKFold
from with_trials import with_trials

import emogan
from emogan import (
    CBEGANSampler,
    CGANSampler,
    CVAESampler,
    CWGANSampler,
    DiffusionSampler,
    NoiseSampler,
    RandomEffectsSampler,
    RecurrentCWGANSampler,
    TrialCBEGANSampler,
)
from emogan.augmenters import GANAugmenter


def assert_same(one, other):
    pd.testing.assert_frame_equal(pd.DataFrame(one), pd.DataFrame(other))


def loop(sampler, x, y, folds, trial):
    return [clone(sampler).fit_resample(x[train], y[train], **with_trials(sampler, trial[train])) for train, _ in folds]


@pytest.mark.parametrize(
    "kind",
    represented(
        [
            CBEGANSampler,
            CWGANSampler,
            CGANSampler,
            TrialCBEGANSampler,
            CVAESampler,
            DiffusionSampler,
            RecurrentCWGANSampler,
            NoiseSampler,
        ],
        by=[CBEGANSampler, RecurrentCWGANSampler, NoiseSampler],
    ),
)
def test_the_windows_are_those_of_a_loop_over_the_folds(kind, windows, tiny):
    x, y, trial = windows
    sampler = kind(n_aug=30, random_state=3, **({} if kind is NoiseSampler else tiny))
    cv = StratifiedGroupKFold(4)
    folds = list(cv.split(x, y, trial))
    found = list(emogan.cross_augment(x, y, cv, trial, sampler, **with_trials(sampler, trial)))
    for fold, expected, (_, test) in zip(found, loop(sampler, x, y, folds, trial), folds, strict=True):
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
    for fold, (windows_, labels) in zip(found, loop(sampler, x, y, folds, trial), strict=True):
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
            x.iloc[train], y.iloc[train], trials=trial[train]
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


def test_what_is_wrong_with_gans_is_said_once_for_all_folds(windows, tiny, tmp_path):
    x, y, trial = windows
    sampler = CBEGANSampler(n_aug=6, random_state=0, store=tmp_path, **tiny)
    folds = list(StratifiedGroupKFold(3).split(x, y, trial))
    folds.append((folds[0][0][y[folds[0][0]] != "joy"], folds[0][1]))  # trained apart, as it has other classes
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        list(emogan.cross_augment(x, y, folds, sampler=sampler))
    (text,) = [str(one.message) for one in told if "label ignored" in str(one.message)]
    assert text.startswith("label ignored in 4 of 4 generators of CBEGANSampler after training")
    assert {one.filename for one in told} == {__file__}
    kinds = [str(one.message).split(" in ")[0] for one in told]
    assert len(kinds) == len(set(kinds))


@pytest.mark.parametrize("stored", [True, False])
def test_a_gan_from_the_store_is_warned_about_once_and_one_that_is_trained_again_again(stored, windows, tiny, tmp_path):
    sampler = CBEGANSampler(n_aug=6, random_state=4, store=tmp_path if stored else None, **tiny)
    told = []
    for _ in range(3):
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            sampler.fit_resample(*windows[:2])
        told.append("label ignored" in str([one.message for one in found]))
    assert told == [True, not stored, not stored]


def test_a_gan_that_another_process_has_trained_is_warned_about(windows, tiny, tmp_path, monkeypatch):
    sampler = CBEGANSampler(n_aug=6, random_state=5, store=tmp_path, **tiny)
    sampler.fit_resample(*windows[:2])
    monkeypatch.setattr("emogan.samplers.gans._known", set())  # of this process
    with pytest.warns(UserWarning, match="label ignored in 1 of 1 generators of CBEGANSampler after training"):
        sampler.fit_resample(*windows[:2])


def test_balanced_folds_are_warned_about_once(windows):
    x, y, _ = windows
    folds = [(np.arange(45), np.arange(45, 90)), (np.arange(45, 90), np.arange(45))]
    with pytest.warns(UserWarning, match="NoiseSampler has appended nothing") as told:
        list(emogan.cross_augment(x, y, folds, sampler=NoiseSampler()))
    assert len(told) == 1


def test_trials_that_span_groups_are_warned_about(windows):
    x, y, trial = windows
    people = trial // 9
    numbers = trial % 9  # anew for each person
    sampler = RandomEffectsSampler(n_aug=9, random_state=0)
    expected = r"^cross_augment: 9 of 9 trials hold windows of several groups, such as trial 0 of 0 and 1\. Give"
    with pytest.warns(UserWarning, match=expected):
        list(emogan.cross_augment(x, y, GroupKFold(2), people, sampler, trials=numbers))
    names = [*zip(people.tolist(), numbers.tolist(), strict=True)]
    list(emogan.cross_augment(x, y, GroupKFold(2), people, sampler, trials=names))


def test_trials_are_refused_for_a_sampler_that_does_not_learn_from_them(windows):
    x, y, trial = windows
    with pytest.raises(ValueError, match="expected no trials=, as NoiseSampler does not learn from trials"):
        next(emogan.cross_augment(x, y, 3, sampler=NoiseSampler(n_aug=3), trials=trial))
    with pytest.raises(ValueError, match="RandomEffectsSampler learns from trials: expected trials="):
        next(emogan.cross_augment(x, y, 3, sampler=RandomEffectsSampler(n_aug=3)))


def test_trials_on_both_sides_of_a_fold_are_warned_about(windows):
    x, y, trial = windows
    sampler = RandomEffectsSampler(n_aug=9, random_state=0)
    with pytest.warns(UserWarning, match=r"^cross_augment: the training windows and the held-out ones .* share up to"):
        list(emogan.cross_augment(x, y, StratifiedKFold(3, shuffle=True), sampler=sampler, trials=trial))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(emogan.cross_augment(x, y, GroupKFold(3), trial, sampler, trials=trial))


def test_what_is_no_sampler_is_refused(windows):
    x, y, _ = windows
    with pytest.raises(TypeError, match=r"^sampler: expected a sampler, such as CBEGANSampler\(.*got 'smote'"):
        next(emogan.cross_augment(x, y, 3, sampler="smote"))
