"""The leakage audit: planted leaks of every kind are found and named."""

from dataclasses import replace

import numpy as np
import pytest

from emogan.data.folds import members
from emogan.evaluation.audit import LeakageError, audit, audit_artificial
from emogan.evaluation.plan import INNER, build


def plan_of(features, found=None, inner="refit", fit_on="train"):
    return build(features, found or members(features), inner=inner, n_inner_folds=4, fit_on=fit_on)


def check(features, plan, leaks=False, equal_windows="refuse"):
    return audit(features, plan, scaling_leaks=leaks, equal_windows=equal_windows)


@pytest.mark.parametrize("inner", INNER)
def test_a_clean_plan_passes(make_features, inner):
    features = make_features()
    verdict = check(features, plan_of(features, inner=inner))
    assert verdict == {"verdict": "no test window was seen", "equal_windows_on_both_sides": 0}


def test_a_test_window_in_training_is_found(make_features):
    features = make_features()
    found = members(features)
    planted = int(found[2].test[1])
    found[2] = replace(found[2], train=np.sort(np.append(found[2].train, planted)))
    with pytest.raises(LeakageError, match="subject 1, session 1, fold 2: 1 of the 9 windows of its test were seen"):
        check(features, plan_of(features, found))


def test_a_scaler_that_saw_a_test_window_is_found_unless_that_was_asked_for(make_features):
    features = make_features()
    plan = plan_of(features, fit_on="all")
    with pytest.raises(LeakageError, match="9 of the 9 windows of its test"):
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
        plan.sets[fit.training_set] = replace(data, rows=np.append(data.rows, held_out[0]))
        plan.fits[i] = replace(fit, kept=np.arange(len(data.rows) + 1))
    with pytest.raises(LeakageError, match="windows of its inner fold 1 were seen"):
        check(features, plan)


def test_a_trial_stored_twice_under_another_name_is_found_by_its_content(make_features):
    features = make_features()
    x = features.x.copy()
    first, other = members(features)[0].test[:3], members(features)[1].test[:3]
    x[other] = x[first]
    copied = replace(features, x=x)
    with pytest.raises(LeakageError, match=r"3 of 9 with exactly the features of a training window.*subject 1"):
        check(copied, plan_of(copied))
    assert check(copied, plan_of(copied), equal_windows="report")["equal_windows_on_both_sides"] > 0


def test_artificial_windows_that_copy_test_windows_are_found(make_features):
    features = make_features()
    plan = plan_of(features)
    honest = [data.x[:5] for data in plan.outer_sets]  # copies of training windows are no leak
    assert audit_artificial(plan, features.x, honest, "duplicate") == 5 * len(plan.splits)
    split = plan.splits[4]
    planted = plan.outer_sets[4].scaler.transform(features.x[split.member.test[:2]])
    leaking = [*honest[:4], planted, *honest[5:]]
    with pytest.raises(LeakageError, match=r"subject 2, session 1, fold 0: 2 artificial windows of model=gan"):
        audit_artificial(plan, features.x, leaking, "gan")
