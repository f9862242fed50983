"""The leakage audit: planted leaks of every kind are found and named."""

import copy
import re
from dataclasses import replace

import numpy as np
import pytest

from emogan.data.alignment import ALIGNMENTS
from emogan.data.donors import Donors, Pools
from emogan.data.members import members
from emogan.data.scaling import MinMaxScaler
from emogan.data.training_set import FineTuning, TrainingSet
from emogan.evaluation.audit import LeakageError, audit, audit_synthetic
from emogan.evaluation.plan import INNER, build


def plan_of(features, found=None, inner="refit", fit_on="train"):
    return build(features, found or members(features), inner=inner, n_inner_folds=4, fit_on=fit_on)


def check(features, plan, leaks=False, equal_windows="refuse"):
    return audit(features, plan, scaling_leaks=leaks, equal_windows=equal_windows)


@pytest.mark.parametrize("inner", INNER)
def test_a_clean_plan_passes(make_features, inner):
    features = make_features()
    verdict = check(features, plan_of(features, inner=inner))
    assert verdict == {
        "verdict": "no test window was seen",
        "test_windows_that_occur_in_training": 0,
        "test_windows_of_clips_that_occur_in_training": None,
    }


def test_a_part_of_the_test_windows_in_standardising_is_told(make_features):
    features = make_features()
    verdict = audit(features, plan_of(features), scaling_leaks=False, equal_windows="refuse", standardised=True)
    assert re.fullmatch("no test window was seen; all of a subject's windows.* standardised.*", verdict["verdict"])


def test_a_test_window_in_training_is_found(make_features):
    features = make_features()
    found = members(features)
    planted = int(found[2].test[1])
    found[2] = replace(found[2], train=np.sort(np.append(found[2].train, planted)))
    with pytest.raises(
        LeakageError, match="subject 1, session 1, fold 2: 1 of the 9 windows held out from its test were seen"
    ):
        check(features, plan_of(features, found))


def test_a_scaler_that_saw_a_test_window_is_found_unless_that_was_asked_for(make_features):
    features = make_features()
    plan = plan_of(features, fit_on="all")
    with pytest.raises(LeakageError, match="9 of the 9 windows held out from its test"):
        check(features, plan)
    assert "LEAKS" in check(features, plan, leaks=True)["verdict"]


@pytest.mark.parametrize("inner", INNER)
def test_a_validation_window_in_an_inner_fold_is_found(make_features, inner):
    features = make_features()
    plan = plan_of(features, inner=inner)
    i, held_out = plan.splits[0].inner[1]
    fit = plan.fits[i]
    if inner == "reuse":
        plan.fits[i] = replace(fit, kept=np.arange(len(plan.sets[fit.training_set].rows)))
    else:
        data = plan.sets[fit.training_set]
        rows = np.append(data.rows, held_out[0])
        plan.sets[fit.training_set] = replace(data, rows=rows, x=data.scaler.transform(features.x[rows]))
        plan.fits[i] = replace(fit, kept=np.arange(len(data.rows) + 1))
    n = 9 if inner == "reuse" else 1
    with pytest.raises(LeakageError, match=f"{n} of the 18 windows held out from its inner fold 1 were seen"):
        check(features, plan)


def test_a_trial_stored_twice_under_another_name_is_found_by_its_content(make_features):
    features = make_features()
    x = features.x.copy()
    first, other = members(features)[0].test[:3], members(features)[1].test[:3]
    x[other] = x[first]
    copied = replace(features, x=x)
    with pytest.raises(LeakageError, match=r"3 of 9 with exactly the features of a training window.*subject 1"):
        check(copied, plan_of(copied))
    verdict = check(copied, plan_of(copied), equal_windows="report")
    assert verdict["test_windows_that_occur_in_training"] == 6  # three windows and their copies, each tested once
    assert verdict["verdict"] == "LEAKS: 6 test windows occur in training, as allowed"


@pytest.mark.parametrize("inner", INNER)
def test_a_test_window_in_an_inner_fold_is_found(make_features, inner):
    features = make_features()
    plan = plan_of(features, inner=inner)
    i, _ = plan.splits[0].inner[0]
    data = plan.sets[plan.fits[i].training_set]
    rows = np.append(data.rows, plan.splits[0].member.test[0])
    planted = replace(data, rows=rows, x=data.scaler.transform(features.x[rows]))
    plan.sets[plan.fits[i].training_set] = planted
    plan.fits[i] = replace(plan.fits[i], kept=np.append(plan.fits[i].kept, len(rows) - 1))
    name = "inner fold 0" if inner == "refit" else "test"  # where the augmenter is that of the member
    with pytest.raises(LeakageError, match=f"{name} were seen"):
        check(features, plan)


@pytest.mark.parametrize("outer", [True, False])
def test_a_scaler_that_was_fitted_on_more_than_it_says_is_found(make_features, outer):
    features = make_features()
    plan = plan_of(features)
    i = 0 if outer else len(plan.sets) - 1
    scaler = MinMaxScaler.fit(features.x)
    plan.sets[i] = replace(plan.sets[i], scaler=scaler, x=scaler.transform(features.x[plan.sets[i].rows]))
    with pytest.raises(LeakageError, match="scaled by other windows than it says"):
        check(features, plan)


def test_synthetic_windows_that_copy_test_windows_are_found(make_features):
    features = make_features()
    plan = plan_of(features)
    honest = [data.x[:5] for data in plan.outer_sets]  # copies of training windows are no leak
    audit_synthetic(plan, features.x, honest, "duplicate")
    split = plan.splits[4]
    planted = plan.outer_sets[4].scaler.transform(features.x[split.member.test[:2]])
    leaking = [*honest[:4], planted, *honest[5:]]
    with pytest.raises(LeakageError, match=r"subject 2, session 1, fold 0: 2 synthetic windows of model=gan"):
        audit_synthetic(plan, features.x, leaking, "gan")


def test_test_windows_of_clips_that_are_trained_on_are_counted(make_features):
    features = make_features()
    features = replace(features, stimulus=features.trial)
    assert "clips" not in check(features, plan_of(features))["verdict"]
    plan = plan_of(features, found=members(features, "leave_subject_out"))
    n = len(features.y)
    verdict = check(features, plan)
    assert verdict["verdict"] == f"no test window was seen; {n} test windows show clips that were trained on"
    assert verdict["test_windows_of_clips_that_occur_in_training"] == n


def donors_plan(make_features, **settings):
    features = make_features(experiments=3)
    features = replace(features, stimulus=features.trial)
    donors = Donors(others=True, **settings)
    targets = [one for one in members(features) if one.subject == 1]
    return features, build(features, targets, inner="refit", n_inner_folds=4, fit_on="train", donors=donors)


@pytest.mark.parametrize("alignment", ALIGNMENTS)
@pytest.mark.parametrize("learned", [{}, {"learn_from": "both"}, {"fine_tuning": 0.2}])
def test_a_clean_plan_with_donors_passes(make_features, alignment, learned):
    verdict = check(*donors_plan(make_features, alignment=alignment, **learned))
    assert verdict["verdict"] == "no test window was seen"
    assert verdict["test_windows_of_clips_that_occur_in_training"] == 0


def test_the_clips_that_donors_were_asked_to_show_are_counted(make_features):
    features, plan = donors_plan(make_features, stimuli="any")
    tested = sum(len(split.member.test) for split in plan.splits)
    assert check(features, plan)["verdict"].endswith(f"; {tested} test windows show clips that were trained on")


def plant(plan, i, donor_rows=None, aligned_by=None, features=None):
    """Have what is learned from in place of training set i hold other windows, or be aligned by others."""
    pools, data, old = Pools(features, plan.donors), plan.sets[i], plan.learned[i]
    donor_rows = old.data.rows if donor_rows is None else donor_rows
    aligned_by = old.aligned_by if aligned_by is None else aligned_by
    plan.learned[i] = pools.learned(data, donor_rows, aligned_by)


@pytest.mark.parametrize("fit", ["outer", "inner"])
def test_a_test_window_among_the_donors_is_found(make_features, fit):
    features, plan = donors_plan(make_features, stimuli="any")
    split = plan.splits[1]
    i = plan.fits[split.fit if fit == "outer" else split.inner[0][0]].training_set
    plant(plan, i, np.append(plan.learned[i].data.rows, split.member.test[:1]), features=features)
    with pytest.raises(LeakageError, match=r"subject 1, session 1, fold \d: 1 of the .* \(donors\) were seen there"):
        check(features, plan)


@pytest.mark.parametrize("fit", ["outer", "inner"])
def test_a_clip_that_is_held_out_from_donors_is_found(make_features, fit):
    features, plan = donors_plan(make_features)
    split = plan.splits[1]
    i, held_out = split.fit, split.member.test
    if fit == "inner":
        i, held_out = split.inner[0]
    i = plan.fits[i].training_set
    watched = np.flatnonzero((features.subject == 2) & (features.stimulus == features.stimulus[held_out[0]]))
    plant(plan, i, np.union1d(plan.learned[i].data.rows, watched), features=features)
    with pytest.raises(LeakageError, match=r"donors have windows of the film clip \d+, which is held out"):
        check(features, plan)


def test_an_alignment_that_saw_test_windows_is_found_unless_that_was_asked_for(make_features):
    features, plan = donors_plan(make_features)
    i = plan.fits[plan.splits[0].fit].training_set
    seen = np.union1d(plan.sets[i].rows, plan.splits[0].member.test)
    plant(plan, i, aligned_by=seen, features=features)
    with pytest.raises(LeakageError, match=r"9 of the 9 windows held out from its test \(alignment\) were seen"):
        check(features, plan)
    features, plan = donors_plan(make_features, transductive=True)
    assert "test windows, without labels, took part in the alignment" in check(features, plan)["verdict"]
    for split in plan.splits:
        for fit in (split.fit, *(fit for fit, _ in split.inner)):
            aligned_by = plan.learned[plan.fits[fit].training_set].aligned_by
            assert np.isin(split.member.test, aligned_by).all()


def test_an_alignment_by_other_windows_than_it_says_is_found(make_features):
    features, plan = donors_plan(make_features)
    plan.learned[2] = replace(plan.learned[2], alignment=plan.learned[3].alignment)
    with pytest.raises(LeakageError, match="donors are aligned by other windows than they say"):
        check(features, plan)
    features, plan = donors_plan(make_features)
    other = copy.copy(plan.learned[2].data)
    object.__setattr__(other, "shift", other.shift + np.float32(1e-3))
    plan.learned[2] = replace(plan.learned[2], data=other)
    with pytest.raises(LeakageError, match="donors are aligned by other windows than they say"):
        check(features, plan)


def test_generators_are_fine_tuned_on_the_training_windows_of_their_own_fold_alone(make_features):
    _, plan = donors_plan(make_features, fine_tuning=0.2)
    assert len(plan.sets) > len(plan.splits)  # inner folds have generators of their own
    for data, learned in zip(plan.sets, plan.learned, strict=True):
        np.testing.assert_array_equal(learned.data.ending.rows, data.rows)
    for split in plan.splits:
        for fit, validated in split.inner:
            rows = plan.learned[plan.fits[fit].training_set].data.rows
            assert not np.isin(np.union1d(validated, split.member.test), rows).any()


def test_fine_tuning_on_windows_that_are_held_out_or_on_the_donors_is_found(make_features):
    features, plan = donors_plan(make_features, fine_tuning=0.2)
    split, pools = plan.splits[1], Pools(features, plan.donors)
    fit, validated = split.inner[0]
    i = plan.fits[fit].training_set
    rows = plan.learned[i].data.rows[: plan.learned[i].data.fine_tuning.first]
    leaking = TrainingSet.of(features, np.union1d(plan.sets[i].rows, validated), plan.sets[i].rows)
    plan.learned[i] = pools.learned(leaking, rows, plan.learned[i].aligned_by)
    with pytest.raises(LeakageError, match=r"held out from its inner fold 0 \(donors\) were seen there"):
        check(features, plan)
    features, plan = donors_plan(make_features, fine_tuning=0.2)
    other = copy.copy(plan.learned[2].data)
    object.__setattr__(other, "fine_tuning", FineTuning(other.fine_tuning.first - 1, 0.2))
    plan.learned[2] = replace(plan.learned[2], data=other)
    with pytest.raises(LeakageError, match="donors are aligned by other windows than they say"):
        check(features, plan)


def test_pooled_choices_leave_out_whoever_had_the_test_windows_from_donors(make_features):
    features = make_features(experiments=3)
    features = replace(features, stimulus=features.trial)
    plan = build(
        features, members(features), inner="refit", n_inner_folds=4, fit_on="train", donors=Donors(others=True)
    )
    for i, (split, mates) in enumerate(zip(plan.splits, plan.poolable, strict=True)):
        assert i in mates
        same_fold = [k for k, other in enumerate(plan.splits) if other.member.fold == split.member.fold]
        assert mates == same_fold  # whose donors show no clip of that fold
    alone = build(features, members(features), inner="refit", n_inner_folds=4, fit_on="train")
    assert all(len(mates) == 9 for mates in alone.poolable)
