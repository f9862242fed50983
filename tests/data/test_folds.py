"""Tests of the splits: partitions of whole trials, the folds of the paper, and what cannot be split."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emogan.data.features import FeatureSet
from emogan.data.folds import (
    SPLITTERS,
    front_back,
    leave_session_out,
    leave_subject_out,
    one_of_each,
    paper,
    quarters,
    random_9_3_3,
    resolve,
    trials,
)
from emogan.data.members import members

SEED = [2, 1, 0, 0, 1, 2, 0, 1, 2, 2, 1, 0, 1, 2, 0]
SEED_V = [
    [4, 1, 3, 2, 0, 4, 1, 3, 2, 0, 4, 1, 3, 2, 0],
    [2, 1, 3, 0, 4, 4, 0, 3, 2, 1, 3, 4, 1, 2, 0],
    [2, 1, 3, 0, 4, 4, 0, 3, 2, 1, 3, 4, 1, 2, 0],
]
SEED_IV = [
    [1, 2, 3, 0, 2, 0, 0, 1, 0, 1, 2, 1, 1, 1, 2, 3, 2, 2, 3, 3, 0, 3, 0, 3],
    [2, 1, 3, 0, 0, 2, 0, 2, 3, 3, 2, 3, 2, 0, 1, 1, 2, 1, 0, 3, 0, 1, 3, 1],
    [1, 2, 2, 1, 3, 3, 3, 1, 1, 2, 1, 0, 2, 3, 3, 0, 2, 3, 0, 0, 2, 0, 1, 0],
]


def build(experiments: dict, n_classes: int, first_trial: int = 1, windows=lambda trial: 2 + trial % 3) -> FeatureSet:
    """A set with the given trial labels per (subject, session); trials differ in their number of windows."""
    rows = [
        (subject, session, trial, label)
        for (subject, session), labels in experiments.items()
        for trial, label in enumerate(labels, first_trial)
        for _ in range(windows(trial))
    ]
    subject, session, trial, y = map(np.array, zip(*rows, strict=True))
    x = np.random.default_rng(0).normal(size=(len(y), 2))
    return FeatureSet(x, y, trial, session, subject, ("a", "b"), tuple("abcdefg"[:n_classes]))


def shuffled(features: FeatureSet, order) -> FeatureSet:
    columns = {name: getattr(features, name)[order] for name in ("x", "y", "trial", "session", "subject")}
    return FeatureSet(**columns, feature_names=features.feature_names, class_names=features.class_names)


def relabelled(features: FeatureSet, **columns) -> FeatureSet:
    fields = {name: getattr(features, name) for name in ("x", "y", "trial", "session", "subject")}
    return FeatureSet(**(fields | columns), feature_names=features.feature_names, class_names=features.class_names)


def seed(n_subjects: int = 2) -> FeatureSet:
    return build({(subject, session): SEED for subject in range(1, n_subjects + 1) for session in (1, 2, 3)}, 3)


def seed_v(n_subjects: int = 1) -> FeatureSet:
    return build({(s, t + 1): SEED_V[t] for s in range(1, n_subjects + 1) for t in range(3)}, 5, first_trial=0)


@pytest.mark.parametrize("folds", SPLITTERS)
@pytest.mark.parametrize("features", [seed(), seed_v(2)], ids=["seed", "seed_v"])
def test_no_trial_is_in_both_train_and_test_and_windows_are_sorted(folds, features):
    found = members(features, folds, n_folds=3)
    assert found
    for member in found:
        for rows in (member.train, member.test):
            assert (np.diff(rows) > 0).all()
        train, test = (
            {(features.subject[i], features.session[i], features.trial[i]) for i in rows}
            for rows in (member.train, member.test)
        )
        assert not train & test


@pytest.mark.parametrize("folds", ["paper", "trials", "one_of_each"])
@pytest.mark.parametrize("features", [seed(), seed_v()], ids=["seed", "seed_v"])
def test_the_test_sets_of_an_experiment_partition_its_windows(folds, features):
    found = members(features, folds, n_folds=3)
    for subject, session, rows in features.experiments():
        own = [member for member in found if (member.subject, member.session) == (subject, session)]
        np.testing.assert_array_equal(np.sort(np.concatenate([member.test for member in own])), rows)
        for member in own:
            np.testing.assert_array_equal(np.sort(np.concatenate([member.train, member.test])), rows)


@pytest.mark.parametrize(
    ("folds", "whole"), [("leave_session_out", "subject"), ("leave_subject_out", None)], ids=["session", "subject"]
)
def test_the_test_sets_of_leave_out_splits_partition_all_windows(folds, whole):
    features = seed(3)
    found = members(features, folds)
    np.testing.assert_array_equal(np.sort(np.concatenate([m.test for m in found])), np.arange(len(features.y)))
    for member in found:
        everything = np.arange(len(features.y)) if whole is None else np.flatnonzero(features.subject == member.subject)
        np.testing.assert_array_equal(np.union1d(member.train, member.test), everything)


@pytest.mark.parametrize(
    ("features", "n_folds", "n_classes"),
    [
        (seed(), 5, 3),
        (seed_v(), 3, 5),
        (build({(1, t + 1): SEED_IV[t] for t in range(3)}, 4), 6, 4),
    ],
    ids=["seed", "seed_v", "seed_iv"],
)
def test_each_paper_fold_holds_one_trial_of_each_class(features, n_folds, n_classes):
    found = members(features, "paper")
    assert len(found) == n_folds * len(list(features.experiments()))
    for member in found:
        held_out = {(features.trial[i], features.y[i]) for i in member.test}
        assert sorted(label for _, label in held_out) == list(range(n_classes))


def test_paper_folds_of_seed_v_are_trials_0_to_4_5_to_9_and_10_to_14():
    features = seed_v()
    held_out = [sorted(set(features.trial[test].tolist())) for _, test in paper(features)]
    assert held_out == [list(range(5)), list(range(5, 10)), list(range(10, 15))] * 3


def test_paper_folds_of_seed_hold_the_fth_clip_of_each_class():
    features = build({(1, 1): SEED}, 3)
    clips = [[number for number, label in enumerate(SEED, 1) if label == k] for k in range(3)]  # by hand, per class
    held_out = [sorted(set(features.trial[test].tolist())) for _, test in paper(features)]
    assert held_out == [sorted(fold) for fold in zip(*clips, strict=True)]
    assert held_out[0] == [1, 2, 3]


def test_paper_folds_follow_the_order_of_appearance_not_the_trial_number():
    features = build({(1, 1): [0, 1, 0, 1]}, 2)
    backwards = relabelled(features, trial=10 - features.trial)
    for (_, one), (_, other) in zip(paper(features), paper(backwards), strict=True):
        np.testing.assert_array_equal(one, other)


def test_paper_refuses_classes_with_different_numbers_of_trials_and_recommends_trials():
    features = build({(1, 1): [0, 1, 0, 1], (7, 2): [0, 1, 0, 1, 1]}, 2)
    with pytest.raises(ValueError, match=r"\{'a': 2, 'b': 3\} in subject 7, session 2.*evaluation\.folds=trials"):
        list(paper(features))


def test_one_of_each_deals_the_trials_of_each_class_to_as_many_folds_as_the_rarest_has():
    features = build({(1, 1): [0, 0, 1, 1, 1, 2, 2, 2, 2, 2], (2, 1): [0, 1, 2] * 3}, 3)
    tested = [sorted(set(features.trial[test].tolist())) for _, test in one_of_each(features)]
    assert tested == [[1, 3, 5, 6, 8, 10], [2, 4, 7, 9], [1, 2, 3], [4, 5, 6], [7, 8, 9]]
    for (_, own), (_, other) in zip(one_of_each(seed()), paper(seed()), strict=True):
        np.testing.assert_array_equal(own, other)
    with pytest.raises(ValueError, match=r"at least 2 trials of every class, got 1 of one in subject 7, session 2"):
        list(one_of_each(build({(7, 2): [0, 1, 1]}, 2)))


@pytest.mark.parametrize("folds", SPLITTERS)
def test_folds_that_are_named_are_taken_as_they_are(folds):
    assert resolve(folds, seed()) == folds


@pytest.mark.parametrize(
    ("labels", "own_folds", "expected"),
    [
        (SEED, "paper", "paper"), (SEED[1:], "paper", "trials"), ([0, 1, 2], "paper", "trials"),
        (SEED[1:], "quarters", "quarters"), ([0, 1, 2], "quarters", "trials"), (SEED, None, "trials"),
    ],
    ids=["the release", "a clip is missing", "a single clip of each class", "quarters", "too few clips", "a table"],
)  # fmt: skip
def test_auto_stands_for_the_data_set_s_own_folds_where_it_has_them(labels, own_folds, expected, caplog):
    features = replace(build({(1, 1): SEED, (1, 2): labels}, 3), own_folds=own_folds)
    assert resolve("auto", features) == expected
    lost = own_folds is not None and expected != own_folds
    assert ("evaluation.folds=auto stands for trials: " in caplog.text) == lost


def test_quarters_test_the_same_quarter_of_every_session_in_the_order_of_the_trials_numbers():
    features = build({(1, 1): [0, 1] * 4, (1, 2): [0, 1] * 3, (2, 1): [0, 1] * 4}, 2)
    backwards = relabelled(features, trial=10 - features.trial)
    found = members(backwards, "quarters")
    assert [(m.subject, m.session, m.fold) for m in found] == [
        *((1, "all", f) for f in range(4)), *((2, 1, f) for f in range(4))
    ]  # fmt: skip
    tested = [{(features.session[i], features.trial[i]) for i in m.test.tolist()} for m in found[:4]]
    assert tested == [
        {(1, 7), (1, 8), (2, 6)}, {(1, 5), (1, 6), (2, 4), (2, 5)},
        {(1, 3), (1, 4), (2, 3)}, {(1, 1), (1, 2), (2, 1), (2, 2)},
    ]  # fmt: skip
    for member in found:
        own = np.flatnonzero(features.subject == member.subject)
        np.testing.assert_array_equal(np.sort(np.concatenate([member.train, member.test])), own)


def test_quarters_refuse_a_session_with_fewer_than_four_trials():
    with pytest.raises(ValueError, match="at least 4 trials in every session, got 3 in subject 1, session 2"):
        list(quarters(build({(1, 1): [0, 1] * 2, (1, 2): [0, 1, 0]}, 2)))


@pytest.mark.parametrize(
    ("labels", "classes", "train", "test"),
    [
        (SEED, 3, [3] * 3, [1] * 3), (SEED_IV[0], 4, [4] * 4, [1] * 4), ([0, 1] * 12, 2, [8, 8], [2, 2]),
        ([0] * 5 + [1] * 5 + [0, 0, 1], 2, [5, 4], [1, 1]),
    ],
    ids=["seed", "seed_iv", "twelve trials a class", "unequal classes"],
)  # fmt: skip
def test_random_9_3_3_trains_on_three_fifths_and_tests_on_one_of_the_trials_of_each_class(labels, classes, train, test):
    features = build({(subject, 1): labels for subject in range(1, 9)}, classes)
    number = features.trial_ids()
    found = members(features, "random_9_3_3")
    assert [(m.subject, m.session, m.fold) for m in found] == [(subject, 1, 0) for subject in range(1, 9)]
    for member in found:
        for rows, expected in ((member.train, train), (member.test, test)):
            of_trials = [features.y[number == i][0] for i in np.unique(number[rows])]
            assert np.bincount(of_trials).tolist() == expected
    draws = {tuple(np.unique(features.trial[member.test]).tolist()) for member in found}
    assert len(draws) > 1  # each experiment has one of its own
    alone = features.take(np.flatnonzero(features.subject == 8))
    tested = members(alone, "random_9_3_3")[0].test
    np.testing.assert_array_equal(alone.trial[tested], features.trial[found[-1].test])


def test_random_9_3_3_refuses_fewer_than_five_trials():
    with pytest.raises(ValueError, match="at least 5 trials in an experiment, got 4 in subject 1, session 1"):
        list(random_9_3_3(build({(1, 1): [0, 1] * 2}, 2)))


def test_paper_refuses_one_trial_per_class():
    with pytest.raises(ValueError, match=r"at least 2, of every class, got \{'a': 1, 'b': 1\}"):
        list(paper(build({(1, 1): [0, 1]}, 2)))


def test_paper_refuses_a_trial_with_windows_of_two_classes():
    features = build({(1, 1): [0, 1, 0, 1]}, 2, windows=lambda trial: 2)
    y = features.y.copy()
    y[4] = 1 - y[4]
    with pytest.raises(ValueError, match=r"one label per trial, got 2 in subject 1, session 1, trial 3"):
        list(paper(relabelled(features, y=y)))


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)], ids=["in order", "backwards"])
def test_front_back_trains_on_the_first_nine_of_seeds_trials_and_tests_on_the_last_six(order):
    features = shuffled(seed(), order)
    pairs = list(front_back(features))
    assert len(pairs) == 6
    for train, test in pairs:
        assert set(features.trial[train]) == set(range(1, 10))
        assert set(features.trial[test]) == set(range(10, 16))


def test_front_back_trains_on_three_fifths_of_the_trials_to_the_nearest():
    for n_trials in range(2, 20):
        features = build({(1, 1): [trial % 2 for trial in range(n_trials)]}, 2, windows=lambda trial: 1)
        [(train, test)] = front_back(features)
        assert len(train) == round(0.6 * n_trials)
        assert train.max() < test.min()


def test_front_back_takes_text_trials_in_order_of_appearance():
    features = build({(1, 1): [0, 1] * 5}, 2, windows=lambda trial: 1)
    named = relabelled(features, trial=np.array([f"clip {11 - trial}" for trial in features.trial]))
    [(train, test)] = front_back(named)
    assert (train.tolist(), test.tolist()) == ([0, 1, 2, 3, 4, 5], [6, 7, 8, 9])


def test_front_back_refuses_an_experiment_of_one_trial():
    features = build({(1, 1): [0, 1], (1, 2): [0]}, 2)
    with pytest.raises(ValueError, match="at least 2 trials in an experiment, got 1 in subject 1, session 2"):
        list(front_back(features))


def test_leave_session_out_trains_on_the_other_sessions_of_the_same_subject():
    features = seed()
    pairs = list(leave_session_out(features))
    assert len(pairs) == 6
    for train, test in pairs:
        assert set(features.subject[train]) == set(features.subject[test])
        assert len(set(features.subject[test])) == len(set(features.session[test])) == 1
        assert set(features.session[train]) == {1, 2, 3} - set(features.session[test])


def test_leave_session_out_refuses_a_subject_with_one_session():
    features = build({(1, 1): [0, 1], (1, 2): [0, 1], (2, 3): [0, 1]}, 2)
    with pytest.raises(ValueError, match="at least 2 sessions of every subject, subject 2 has only session 3"):
        list(leave_session_out(features))


def test_leave_subject_out_tests_each_subject_in_all_its_sessions():
    found = members(seed(3), "leave_subject_out")
    assert [(member.subject, member.session, member.fold) for member in found] == [(s, "all", 0) for s in (1, 2, 3)]


def test_leave_subject_out_names_the_session_where_there_is_one():
    found = members(build({(1, 4): [0, 1], (2, 4): [0, 1]}, 2), "leave_subject_out")
    assert [(member.subject, member.session) for member in found] == [(1, 4), (2, 4)]


def test_leave_subject_out_refuses_a_single_subject():
    with pytest.raises(ValueError, match="at least 2 subjects, got only subject 1"):
        list(leave_subject_out(seed(1)))


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 4), st.lists(st.integers(0, 3), min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_trials_makes_disjoint_folds_of_whole_trials_for_any_table(n_folds, extra, random):
    labels = [k for k, more in enumerate(extra) for _ in range(n_folds + more)]
    random.shuffle(labels)
    features = build({("x", 1): labels}, len(extra), windows=lambda trial: 3)
    number = features.trial_ids()
    pairs = list(trials(features, n_folds))
    assert len(pairs) == n_folds
    np.testing.assert_array_equal(np.sort(np.concatenate([test for _, test in pairs])), np.arange(len(number)))
    for train, test in pairs:
        assert not set(number[train]) & set(number[test])
        assert set(features.y[train]) == set(range(len(extra)))


def test_trials_are_stratified_where_each_class_has_as_many_trials_as_folds():
    features = seed(1)
    for _, test in trials(features, 5):
        assert sorted(label for _, label in {(features.trial[i], features.y[i]) for i in test}) == [0, 1, 2]


def test_trials_of_an_experiment_do_not_depend_on_the_other_experiments():
    features, alone = seed(2), seed(1)
    together = [member for member in members(features, "trials") if member.subject == 1]
    for one, other in zip(members(alone, "trials"), together, strict=True):
        np.testing.assert_array_equal(one.test, other.test)


def test_trials_depend_on_the_seed_alone():
    features = seed(1)
    first, same, other = ([test.tolist() for _, test in trials(features, 5, seed=s)] for s in (0, 0, 1))
    assert first == same
    assert first != other


def test_trials_names_the_experiment_class_and_counts_where_there_are_too_few():
    features = build({(1, 1): [0, 1] * 5, (3, 2): [0] * 6 + [1] * 4}, 2)
    with pytest.raises(
        ValueError,
        match=r"at least 5 trials of every class, got 4 of b in subject 3, session 2.*smaller evaluation\.n_folds",
    ):
        list(trials(features, 5))


def test_folds_count_from_0_within_each_experiment():
    found = members(seed(), "paper")
    assert [(member.subject, member.session, member.fold) for member in found] == [
        (subject, session, fold) for subject in (1, 2) for session in (1, 2, 3) for fold in range(5)
    ]
    assert {type(member.subject) for member in found} == {int}


@pytest.mark.parametrize("folds", SPLITTERS)
def test_the_split_of_trials_does_not_depend_on_the_order_of_windows_within_them(folds):
    features = seed()
    number = features.trial_ids()
    order = np.lexsort((np.random.default_rng(0).random(len(number)), number))  # only within trials
    for one, other in zip(members(features, folds), members(shuffled(features, order), folds), strict=True):
        assert set(number[one.test]) == set(number[order][other.test])
        assert set(number[one.train]) == set(number[order][other.train])


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(
        ValueError,
        match=r"paper \| front_back \| leave_session_out \| leave_subject_out \| trials \| quarters \| random_9_3_3 \| one_of_each, got 'k'",
    ):
        members(seed(), "k")


def test_a_class_missing_from_training_names_subject_session_fold_and_class():
    features = build({(1, 1): [0, 1] * 5, (4, 2): [0] * 6 + [1, 0, 1, 0]}, 2)
    with pytest.raises(
        ValueError,
        match="every class in training, got none of b in the training set whose test windows are of subject 4, session 2, fold 0",
    ):
        members(features, "front_back")


def test_a_splitter_that_cuts_a_trial_is_refused(monkeypatch):
    monkeypatch.setitem(SPLITTERS, "half", lambda features: [(np.arange(1, len(features.y)), np.arange(1))])
    with pytest.raises(
        ValueError, match=r"one side, got subject 1, session 1, trial 1 in training and test of subj.*fold 0"
    ):
        members(seed(), "half")


def test_a_splitter_with_an_empty_test_set_is_refused(monkeypatch):
    empty = np.array([], dtype=np.int64)
    monkeypatch.setitem(SPLITTERS, "none", lambda features: [(np.arange(len(features.y)), empty)])
    with pytest.raises(ValueError, match="expected test windows in every fold, got none"):
        members(seed(), "none")


def with_clips(features: FeatureSet, same_in_all_sessions: bool) -> FeatureSet:
    clips = features.trial if same_in_all_sessions else 100 * features.session + features.trial
    return replace(features, stimulus=clips)


@pytest.mark.parametrize("folds", SPLITTERS)
@pytest.mark.parametrize("features", [with_clips(seed(3), True), with_clips(seed_v(2), False)], ids=["seed", "seed_v"])
def test_no_training_set_shows_a_clip_that_is_tested_if_they_are_to_be_unseen(folds, features):
    found = members(features, folds, n_folds=3, stimuli="unseen")
    for member in found:
        assert not np.isin(features.stimulus[member.train], features.stimulus[member.test]).any()
        assert not np.isin(member.train, member.test).any()
    tested = np.concatenate([member.test for member in found])
    assert sorted(tested) == sorted(np.concatenate([one.test for one in members(features, folds, n_folds=3)]))


def test_where_clips_are_not_shared_unseen_changes_nothing():
    features = with_clips(seed_v(2), False)
    for folds in ("paper", "leave_session_out"):
        for one, other in zip(members(features, folds), members(features, folds, stimuli="unseen"), strict=True):
            np.testing.assert_array_equal(one.train, other.train)
            np.testing.assert_array_equal(one.test, other.test)


def test_people_who_watch_the_same_clips_are_tested_clip_by_clip():
    features = with_clips(seed(3), True)
    found = members(features, "leave_subject_out", stimuli="unseen")
    assert [(one.subject, one.fold) for one in found] == [(s, f) for s in (1, 2, 3) for f in range(5)]
    first = found[0]
    assert sorted(set(features.stimulus[first.test].tolist())) == [1, 2, 3]  # the first clip of each class
    trained = (features.subject != 1) & ~np.isin(features.stimulus, [1, 2, 3])
    np.testing.assert_array_equal(first.train, np.flatnonzero(trained))
    assert len(members(features, "leave_subject_out", n_folds=2, stimuli="unseen")) == 2 * 3
    assert len(members(features, "leave_subject_out", n_folds=9, stimuli="unseen")) == 5 * 3  # clips of a class


def test_clips_that_are_not_known_cannot_be_unseen():
    with pytest.raises(
        ValueError, match=r"evaluation.stimuli=unseen: expected .* got features without a stimulus. Add"
    ):
        members(seed(), "leave_subject_out", stimuli="unseen")
