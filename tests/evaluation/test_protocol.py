"""Choosing C and setting: honestly over training trials, and as the oracle does."""

import numpy as np
import pytest

from emogan.data.members import members
from emogan.evaluation import protocol
from emogan.evaluation.plan import INNER, build
from emogan.evaluation.svm import Predictions


def made_up(plan, rates: np.ndarray, y: np.ndarray, seed: int):
    """Predictions of every fit that are right with the given probability at each value, (C,)."""
    random = np.random.default_rng(seed)
    paths = {}
    for i, fit in enumerate(plan.fits):
        right = random.random((len(rates), len(fit.predicted))) < rates[:, None]
        paths[i] = Predictions(np.where(right, y[fit.predicted], (y[fit.predicted] + 1) % 3), None)
    return paths


@pytest.mark.parametrize("inner", INNER)
def test_rates_are_those_of_the_windows_held_out_and_the_best_inner_one_chooses(make_features, inner):
    features = make_features(experiments=1, windows=20)
    plan = build(features, members(features), inner=inner, n_inner_folds=4, fit_on="train")
    y = features.y
    candidates = [made_up(plan, np.array(rates), y, s) for s, rates in enumerate([(0.3, 0.5), (0.9, 0.4)])]
    for number, split in enumerate(plan.splits):
        scores = protocol.gather(number, plan, candidates, features)
        assert scores.chosen == (1, 0)
        for s, c in np.ndindex(2, 2):
            hits = [candidates[s][i].predictions[c] == y[plan.fits[i].predicted] for i in range(len(plan.fits))]
            by_window = [dict(zip(plan.fits[i].predicted, hit, strict=True)) for i, hit in enumerate(hits)]
            expected = [by_window[number][w] for w in split.member.test]
            assert scores.accuracy[s, c] == pytest.approx(np.mean(expected))
            votes = [
                max(range(3), key=list(labels).count) == features.y[features.trial == trial][0]
                for trial in np.unique(features.trial[split.member.test])
                for labels in [scores.predictions[s, c, features.trial[split.member.test] == trial]]
            ]
            assert scores.trial_accuracy[s, c] == pytest.approx(np.mean(votes))
            inner_hits = [by_window[i][w] for i, held_out in split.inner for w in held_out]
            assert scores.inner_accuracy[s, c] == pytest.approx(np.mean(inner_hits))


@pytest.mark.parametrize("folds", ["paper", "leave_subject_out"])
def test_pooled_choices_rest_on_training_sets_without_the_test_windows_alone(make_features, folds):
    features = make_features(experiments=3, windows=20)
    plan = build(features, members(features, folds), inner="refit", n_inner_folds=4, fit_on="train")
    candidates = [made_up(plan, np.array([0.4, 0.6, 0.5]), features.y, 0)]
    found = [protocol.gather(i, plan, candidates, features) for i in range(len(plan.splits))]
    for split, own, pooled in zip(plan.splits, found, protocol.pool(found, plan.poolable), strict=True):
        assert np.array_equal(pooled.accuracy, own.accuracy)
        mates = [
            other.inner_accuracy
            for one, other in zip(plan.splits, found, strict=True)
            if one is split or not set(one.member.train) & set(split.member.test)
        ]
        assert len(mates) == (1 if folds == "leave_subject_out" else 1 + 2 * len(plan.splits) // 3)
        np.testing.assert_allclose(pooled.inner_accuracy, np.mean(mates, axis=0), atol=1e-12)
    alone = sum(len(mates) == 1 for mates in plan.poolable)
    assert alone == (len(plan.splits) if folds == "leave_subject_out" else 0)


def test_a_classifier_is_told_which_trial_each_window_is_of_and_no_real_trial_is_a_synthetic_one(make_features):
    features = make_features(experiments=2, windows=5)
    plan = build(features, members(features), inner="refit", n_inner_folds=4, fit_on="train")
    synthetic = protocol.Synthetic(np.zeros((6, 4), dtype=np.float32), np.arange(6) % 3, np.arange(6) // 2)
    for fit in plan.fits:
        found = protocol.fit_data(plan.sets[fit.training_set], fit, features, synthetic)
        rows = plan.sets[fit.training_set].rows[fit.kept]
        real, drawn = found.trial[: found.n_real], found.trial[found.n_real :]
        for told, true in (
            (real, features.trial_ids()[rows]),
            (found.trial_held_out, features.trial_ids()[fit.predicted]),
        ):
            assert ((told[:, None] == told) == (true[:, None] == true)).all()
        assert not set(real) & set(drawn)
        assert ((drawn[:, None] == drawn) == (np.arange(6)[:, None] // 2 == np.arange(6) // 2)).all()
        np.testing.assert_array_equal(found.y, [*features.y[rows], 0, 1, 2, 0, 1, 2])


def test_of_equal_choices_the_first_setting_and_the_smallest_c_win(make_features):
    features = make_features(experiments=1)
    plan = build(features, members(features), inner="refit", n_inner_folds=4, fit_on="train")
    same = made_up(plan, np.array([1.0, 1.0]), features.y, 0)
    assert protocol.gather(0, plan, [same, same], features).chosen == (0, 0)


def test_the_bound_told_is_the_first_of_any_fit_of_the_member(make_features):
    features = make_features(experiments=1)
    plan = build(features, members(features), inner="refit", n_inner_folds=4, fit_on="train")
    paths = made_up(plan, np.array([1.0, 1.0, 1.0]), features.y, 0)
    split = plan.splits[0]
    paths[split.inner[0][0]] = paths[split.inner[0][0]]._replace(first_not_converged=2)
    paths[0] = paths[0]._replace(first_not_converged=1)
    assert protocol.gather(0, plan, [paths], features).first_not_converged == 1


def test_the_oracle_takes_the_best_mean_over_an_experiments_folds():
    def scores(accuracy):
        return protocol.Scores(np.zeros((2, 2, 1)), np.array(accuracy), np.zeros((2, 2)), np.zeros((2, 2)), None)

    folds = [scores([[0.1, 0.9], [0.6, 0.5]]), scores([[0.1, 0.2], [0.7, 0.71]])]
    assert protocol.oracle_choice([scores([[0.3, 0.1], [0, 0]]), scores([[0.0, 0.2], [0, 0]])]) == (0, 0)  # equal means
    assert protocol.oracle_choice(folds[:1]) == (0, 1)
    assert protocol.oracle_choice(folds[1:]) == (1, 1)
    assert protocol.oracle_choice(folds) == (1, 0)  # means 0.1, 0.55; 0.65, 0.605
