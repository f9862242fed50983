"""The leakage audit: planted leaks of every kind are found and named."""

import re
from dataclasses import replace

import numpy as np
import pytest

from emogan.data.folds import members
from emogan.data.scaling import MinMaxScaler
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
