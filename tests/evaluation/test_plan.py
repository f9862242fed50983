"""The plan of a job's fits: who is fitted on what, and predicts what."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from emogan.data.donors import Donors
from emogan.data.features import FeatureSet
from emogan.data.members import Member, members, thin
from emogan.evaluation.plan import INNER, build, inner_folds
from emogan.evaluation.protocol import gather
from emogan.evaluation.svm import Predictions
from emogan.simulation import people


def plan_of(features, folds="paper", *, inner="refit", n_inner_folds=4, fit_on="train", n_folds=3):
    return build(features, members(features, folds, n_folds), inner=inner, n_inner_folds=n_inner_folds, fit_on=fit_on)


@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("folds", ["paper", "trials", "leave_subject_out"])
def test_inner_folds_hold_every_training_window_out_once_and_never_a_test_window(make_features, inner, folds):
    features = make_features()
    plan = plan_of(features, folds, inner=inner)
    trials = features.trial_ids()
    for number, split in enumerate(plan.splits):
        held_out = np.sort(np.concatenate([rows for _, rows in split.inner]))
        np.testing.assert_array_equal(held_out, split.member.train)
        outer = plan.fits[number]
        np.testing.assert_array_equal(plan.sets[outer.training_set].rows[outer.kept], split.member.train)
        assert np.isin(split.member.test, outer.predicted).all()
        for i, rows in split.inner:
            fit = plan.fits[i]
            seen = plan.sets[fit.training_set].rows[fit.kept]
            np.testing.assert_array_equal(np.sort(np.concatenate([seen, rows])), split.member.train)
            assert not np.intersect1d(trials[seen], trials[rows]).size
            assert np.isin(rows, fit.predicted).all()


def test_a_transductive_alignment_is_fitted_to_the_held_out_windows_of_its_own_member():
    features = people.load("seed", modality="eye", subjects=[1, 2, 3, 4], sessions=[1])
    donors = Donors(others=True, stimuli="any", transductive=True)
    few = [thin(features, member, 3, 0) for member in members(features, "paper")]  # some of them share inner sets
    plan = build(features, few, inner="refit", n_inner_folds=3, fit_on="train", donors=donors)
    for split in plan.splits:
        for fit, validated in split.inner:
            i = plan.fits[fit].training_set
            expected = np.unique(np.concatenate([plan.sets[i].rows, validated, split.member.test]))
            assert np.array_equal(plan.learned[i].aligned_by, expected)


def test_refitting_scales_each_inner_training_set_by_its_own_windows(make_features):
    features = make_features()
    plan = plan_of(features)
    for data in plan.sets:
        np.testing.assert_array_equal(data.scaled_by, data.rows)
        np.testing.assert_array_equal(data.scaler.minimum, features.x[data.rows].min(0))
        np.testing.assert_allclose(data.x.max(0), 1, atol=1e-6)
        np.testing.assert_array_equal(data.y, features.y[data.rows])


def test_reusing_leaves_the_members_scaler_and_augmenter_in_the_inner_folds(make_features):
    plan = plan_of(make_features(), inner="reuse")
    assert len(plan.sets) == len(plan.splits)
    for number, split in enumerate(plan.splits):
        assert {plan.fits[i].training_set for i, _ in split.inner} == {number}


@pytest.mark.parametrize("inner", INNER)
def test_inner_fits_get_as_many_synthetic_windows_for_each_real_one_as_the_splits_they_choose_for(make_features, inner):
    features = make_features(experiments=2, trials_per_class=4)
    plan = plan_of(features, inner=inner)
    served = [[] for _ in plan.fits]
    for number, split in enumerate(plan.splits):
        assert plan.fits[number].appended(1000) == 1000
        for i, _ in split.inner:
            served[i].append(len(split.member.train))
    for fit, wholes in zip(plan.fits, served, strict=True):
        if wholes:
            assert fit.appended(1000) == pytest.approx(1000 * len(fit.kept) / np.mean(wholes), abs=0.5)
            assert 0 < fit.appended(1000) < 1000


def test_an_inner_set_without_two_folds_is_fitted_once_for_both_members(make_features):
    plan = plan_of(make_features(experiments=3, trials_per_class=5))
    pairs = len(list(itertools.combinations(range(5), 2)))
    assert len(plan.splits) == 3 * 5
    assert len(plan.sets) == len(plan.fits) == 3 * (5 + pairs)


def test_the_first_sets_are_those_of_the_splits_even_if_two_have_the_same_windows(make_features):
    features = make_features(experiments=1, trials_per_class=4)
    found = [thin(features, member, 1, seed) for member in members(features) for seed in range(20)]
    plan = build(features, found, inner="refit", n_inner_folds=4, fit_on="train")
    assert len({member.train.tobytes() for member in found}) < len(found)
    for split, data in zip(plan.splits, plan.outer_sets, strict=True):
        np.testing.assert_array_equal(data.rows, split.member.train)


def test_scaling_on_all_windows_takes_those_that_are_held_out_too(make_features):
    features = make_features()
    plan = plan_of(features, fit_on="all")
    for subject, _, rows in features.experiments():
        own = [data for data in plan.sets if features.subject[data.rows[0]] == subject]
        assert all(np.array_equal(data.scaled_by, rows) for data in own)


def fold_of(features, member, n_folds):
    """The inner fold that validates each training window, where each is validated once and trained on in all others."""
    pairs, halved = inner_folds(features, member, n_folds)
    fold = np.full(len(member.train), -1)
    for k, (trained, validated) in enumerate(pairs):
        assert (fold[validated] == -1).all()
        fold[validated] = k
        np.testing.assert_array_equal(np.setdiff1d(np.arange(len(fold)), validated), trained)
    assert (fold >= 0).all()
    return fold, halved


def test_inner_folds_share_out_the_trials_of_each_class_in_turn(make_features):
    features = make_features(experiments=1, trials_per_class=6, windows=2)
    first = members(features)[0]  # trains on trials 4 to 18: five of each class
    fold, halved = fold_of(features, first, 3)
    np.testing.assert_array_equal(fold, np.repeat([0, 1, 2, 0, 1], 3 * 2))
    assert not halved
    assert fold_of(features, first, 10)[0].max() + 1 == 5


@pytest.mark.parametrize(("folds", "unit"), [("leave_subject_out", "subject"), ("leave_session_out", "session")])
def test_inner_folds_hold_out_what_the_outer_folds_do(make_features, folds, unit):
    features = make_features(experiments=5)
    if unit == "session":
        features = replace(features, session=features.subject, subject=np.ones_like(features.subject))
    for member in members(features, folds):
        fold, _ = fold_of(features, member, 3)
        units = getattr(features, unit)[member.train]
        assert len({*zip(units.tolist(), fold.tolist(), strict=True)}) == 4
        assert sorted(np.bincount(fold)) == [12 * 3, 12 * 3, 2 * 12 * 3]


def test_with_a_single_other_subject_trials_are_held_out(make_features):
    features = make_features(experiments=2)
    fold, _ = fold_of(features, members(features, "leave_subject_out")[0], 4)
    assert fold.max() + 1 == 4


def test_with_one_trial_of_a_class_its_halves_are_the_folds(make_features):
    features = make_features(experiments=1, trials_per_class=2, windows=4)
    fold, halved = fold_of(features, members(features)[0], 4)
    assert halved
    np.testing.assert_array_equal(fold, [0, 0, 1, 1] * 3)
    assert plan_of(features).halved == 2
    assert plan_of(make_features(trials_per_class=3)).halved == 0
    with pytest.raises(
        ValueError, match=r"subject 1, session 1, fold 0: .*none of a, b, c.*two windows in every trial"
    ):
        plan_of(make_features(trials_per_class=2, windows=1))


def test_a_class_that_an_inner_training_set_would_lack_is_named(make_features):
    features = make_features(experiments=1, trials_per_class=4)
    y = features.y.copy()
    y[y == 2] = 0
    y[(features.trial == 6) & (np.arange(len(y)) % 3 == 0)] = 2  # a trial of mixed labels
    y[(features.trial == 9) & (np.arange(len(y)) % 3 == 0)] = 2
    mixed = replace(features, y=y)
    member = Member(1, 1, 0, np.flatnonzero(features.trial != 9), np.flatnonzero(features.trial == 9))
    with pytest.raises(ValueError, match="one has none of c"):
        inner_folds(mixed, member, 4)


def test_a_learning_curves_smaller_training_sets_are_parts_of_the_larger_ones(make_features):
    features = make_features(trials_per_class=5)
    for member in members(features):
        before = np.array([], dtype=int)
        for n in (1, 2, 3, 4):
            thinned = thin(features, member, n, seed=3)
            np.testing.assert_array_equal(thinned.test, member.test)
            assert np.isin(before, thinned.train).all()
            assert np.isin(thinned.train, member.train).all()
            trials = {(features.y[i], features.trial[i]) for i in thinned.train}
            assert sorted(y for y, _ in trials) == sorted([0, 1, 2] * n)
            assert len(thinned.train) == 3 * n * 3  # whole trials
            before = thinned.train
        np.testing.assert_array_equal(before, member.train)
        with pytest.raises(ValueError, match="at most 4, the training trials of a in subject"):
            thin(features, member, 5, seed=3)
    alone = features.subject == 2
    two = FeatureSet(
        features.x[alone], features.y[alone], features.trial[alone], features.session[alone], features.subject[alone],
        features.feature_names, features.class_names, dict(features.modalities),
    )  # fmt: skip
    for one, other in zip(members(two), members(features)[5:], strict=True):
        shift = np.flatnonzero(alone)[0]
        np.testing.assert_array_equal(thin(two, one, 2, 3).train + shift, thin(features, other, 2, 3).train)
    drawn = {thin(features, members(features)[0], 1, seed).train.tobytes() for seed in range(30)}
    assert len(drawn) > 10


@pytest.mark.parametrize("folds", ["leave_subject_out", "leave_session_out", "paper"])
def test_no_inner_training_set_shows_a_clip_that_it_validates_if_they_are_to_be_unseen(make_features, folds):
    features = make_features(experiments=6)
    if folds == "leave_session_out":
        features = replace(features, session=features.subject, subject=np.ones_like(features.subject))
    features = replace(features, stimulus=features.trial)
    found = members(features, folds, stimuli="unseen")
    plan = build(features, found, inner="refit", n_inner_folds=3, fit_on="train", stimuli="unseen")
    shown, unit = features.stimulus, features.experiment_ids()
    for split in plan.splits:
        assert len(split.inner) == 3
        for fit, validated in split.inner:
            trained = plan.sets[plan.fits[fit].training_set].rows
            assert len(validated)
            assert not np.isin(shown[trained], np.union1d(shown[validated], shown[split.member.test])).any()
            assert folds == "paper" or not np.isin(unit[trained], unit[validated]).any()
    assert plan.clips_shared == 0


def test_where_clips_are_too_few_the_parameter_is_chosen_on_clips_that_are_trained_on(make_features):
    features = make_features(experiments=4, trials_per_class=2)
    features = replace(features, stimulus=features.trial)
    found = members(features, "leave_subject_out", stimuli="unseen")
    plan = build(features, found, inner="refit", n_inner_folds=3, fit_on="train", stimuli="unseen")
    assert plan.clips_shared == len(plan.splits) == 4 * 2
    for split in plan.splits:
        trained = split.member.train
        assert len(np.unique(features.stimulus[trained])) == 3  # a clip of each class
        assert not np.isin(features.stimulus[trained], features.stimulus[split.member.test]).any()
        assert [np.unique(features.subject[rows]).size for _, rows in split.inner] == [1, 1, 1]  # people, as with any
        np.testing.assert_array_equal(np.sort(np.concatenate([rows for _, rows in split.inner])), trained)
    assert plan_of(features, "leave_subject_out").clips_shared == 0  # nothing is to be unseen


def test_inner_accuracy_counts_the_windows_that_are_validated(make_features):
    features = make_features(experiments=6)
    features = replace(features, stimulus=features.trial)
    found = members(features, "leave_subject_out", stimuli="unseen")
    plan = build(features, found, inner="refit", n_inner_folds=2, fit_on="train", stimuli="unseen")
    right = {i: Predictions(features.y[fit.predicted][None]) for i, fit in enumerate(plan.fits)}
    assert gather(0, plan, [right], features).inner_accuracy == 1
    assert sum(len(held_out) for _, held_out in plan.splits[0].inner) < len(plan.splits[0].member.train)
