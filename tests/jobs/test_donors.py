"""Jobs whose generators learn from donors: what is trained, drawn, scored and written."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from composed import composed
from represented import represented

import emogan
from emogan.jobs import job
from emogan.jobs.identity import job_inputs
from emogan.jobs.settings import construct
from emogan.simulation import people

SMALL = [
    "data=synthetic_seed_v", "modality=eye", "data.subjects=[1,2]", "donors=others", "donors.subjects=[1,2,3,4]",
    "evaluation.inner_folds=2", "evaluation.c_exponents=[-3,-2]", "n_aug=[0,60]", "quality=false", "machine.threads=1",
]  # fmt: skip


def run(folder, *overrides, name="job"):
    gan = ["model.iterations=20", "model.hidden=50"] if "model=cbegan" in overrides else []
    places = [f"folder={folder / name}", f"store={folder / 'store'}"]
    return job.run(composed(*SMALL, *gan, *places, *overrides)), json.loads((folder / name / "run.json").read_text())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("donors")


@pytest.fixture(scope="module")
def done(folder):
    return run(folder, "model=cbegan", "quality=true")


def test_targets_alone_are_scored_and_without_windows_as_ever(done, folder):
    scores, run_of = done
    assert set(scores.subject) == {1, 2}
    assert set(scores.model) == {"cbegan+others"}
    own, own_run = run(folder, "model=none", "donors=none", name="own")
    columns = ["subject", "fold", "accuracy", "accuracy_oracle", "c", "n_train", "n_test"]
    pd.testing.assert_frame_equal(scores[scores.n_aug == 0][columns].reset_index(drop=True), own[columns])
    assert run_of["data"] == own_run["data"]
    assert run_of["donors"]["subjects"] == [1, 2, 3, 4]
    assert "donors" not in own_run
    assert set(run_of["files"]) >= {"scores.csv", "checkpoint.ckpt", "quality.csv", "windows.npz"} - {"scores.csv"}


def test_what_generators_saw_are_windows_of_the_donors_without_the_clips_of_the_fold(done):
    _, run_of = done
    features = people.load("seed_v", modality="eye", subjects=[1, 2, 3, 4], sessions=[1])
    first = run_of["members"][0]
    shown = features.stimulus[(features.subject == 1) & (features.trial <= 5)]  # fold 0 tests the first trial of each
    expected = (features.subject != 1) & ~np.isin(features.stimulus, shown)
    assert first["augmenter_saw"]["windows"] == expected.sum()
    assert run_of["audit"]["verdict"] == "no test window was seen"


@pytest.fixture
def drawn(monkeypatch):
    """The windows (n, F) that a job appends to each training set, in the units of the target."""
    found, sample = [], job.sample

    def watched(*given):
        synthetic, plan = sample(*given), given[-1]
        found.extend(plan.sets[i].scaler.inverse(synthetic.x[i]) for i in plan.of_splits)
        return synthetic

    monkeypatch.setattr(job, "sample", watched)
    return found


def test_a_checkpoint_draws_the_windows_that_the_job_appended_in_the_units_of_the_target(folder, drawn):
    _, run_of = run(folder, "model=cbegan", name="watched")
    for member, windows in zip(run_of["members"], drawn, strict=True):
        place = {name: member[name] for name in ("subject", "session", "fold")}
        x, _ = emogan.load(folder / "watched" / "checkpoint.ckpt", **place).sample(60)
        np.testing.assert_allclose(x, windows, rtol=1e-3, atol=1e-4)


def test_targets_that_share_their_donors_share_their_generators_but_not_their_windows(folder, drawn):
    _, run_of = run(folder, "model=cbegan", "donors.subjects=[3,4]", name="shared")
    windows = {
        (m["subject"], m["fold"]): (x - x.mean(0)) / x.std(0) for m, x in zip(run_of["members"], drawn, strict=True)
    }
    keys = {(m["subject"], m["fold"]): m["key"] for m in run_of["members"]}
    assert len(set(keys.values())) == 3
    for fold in range(3):
        assert keys[1, fold] == keys[2, fold]
        assert not np.allclose(windows[1, fold], windows[2, fold], atol=0.1), "other units, and the same noise"


@pytest.mark.parametrize(
    "model",
    represented(["donor_windows", "gaussian", "smote", "random_effects"], by=["donor_windows", "random_effects"]),
)
def test_controls_learn_from_donors_too(folder, model, drawn):
    scores, _ = run(folder, f"model={model}", name=model)
    assert set(scores.model) == {f"{model}+others"}
    again, _ = run(folder, f"model={model}", name=f"{model}_again")
    pd.testing.assert_frame_equal(scores, again)
    run(folder, f"model={model}", "donors.subjects=[3]", name=f"{model}_fewer")
    n = len(drawn) // 3  # of training sets, at each strength
    for first, same, fewer in zip(drawn[:n], drawn[n : 2 * n], drawn[2 * n :], strict=True):
        np.testing.assert_array_equal(first, same)
        assert not np.allclose(first, fewer)


def test_a_generator_is_fine_tuned_on_the_targets_own_training_windows(folder, done):
    scores, run_of = run(folder, "model=cbegan", "donors.fine_tuning=0.5", name="tuned")
    assert set(scores.model) == {"cbegan+others+fine_tuned"}
    assert run_of["donors"]["fine_tuning"] == 0.5
    assert "fine_tuning" not in done[1]["donors"]
    assert run_of["audit"]["verdict"] == "no test window was seen"
    own = {(member["subject"], member["fold"]): member for member in done[1]["members"]}
    for member in run_of["members"]:
        alone = own[member["subject"], member["fold"]]
        assert member["augmenter_saw"]["windows"] == (
            alone["augmenter_saw"]["windows"] + member["scaler_saw"]["windows"]
        )
        assert member["key"] != alone["key"]
    less, _ = run(folder, "model=cbegan", "donors.fine_tuning=0.25", name="less")
    assert not less.accuracy.equals(scores.accuracy)


def test_without_fine_tuning_the_key_of_a_job_is_that_of_versions_without_it():
    def inputs(*overrides):
        cfg = composed(*SMALL, "folder=f", "store=s", *overrides)
        features = people.load("seed_v", modality="eye", subjects=[1, 2], sessions=[1])
        return job_inputs(cfg, features, np.arange(len(features.y)), construct(cfg.donors), {})

    assert "donors.fine_tuning" not in inputs()
    assert "donors.fine_tuning" not in inputs("~donors.fine_tuning")
    assert inputs("donors.fine_tuning=0.5")["donors.fine_tuning"] == 0.5


def test_a_job_of_another_target_with_the_same_donors_is_another_job(folder):
    for session in (1, 2):
        scores, _ = run(
            folder,
            "model=gaussian",
            "donors=own_sessions",
            "data.subjects=[1]",
            f"data.sessions=[{session}]",
            name="own",
        )
        assert set(scores.session) == {session}


def test_person_effects_learn_from_both(folder):
    scores, _ = run(folder, "model=person_effects", "donors.learn_from=both", name="person_effects")
    assert set(scores.model) == {"person_effects+others+own"}


@pytest.mark.parametrize(
    ("overrides", "label"),
    [
        (["donors=own_sessions"], "own_sessions"),
        (["donors=both", "donors.sessions=[1,2]"], "others+own_sessions"),
        (["donors.stimuli=any"], "others_same_clips"),
        (["donors.learn_from=both"], "others+own"),
        (["donors.alignment=covariance"], "others"),
    ],
)
def test_kinds_of_donors_have_names_of_their_own(folder, overrides, label):
    name = re.sub(r"\W", "_", "_".join(overrides))
    scores, run_of = run(folder, "model=gaussian", *overrides, name=name)
    assert set(scores.model) == {f"gaussian+{label}"}
    clips = run_of["audit"]["test_windows_of_clips_that_occur_in_training"]
    assert (clips > 0) == ("same_clips" in label)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model=none"], "model: expected one that learns from donors, got none. model=donor_windows"),
        (["model=donor_windows", "donors=none"], "donors: expected others, own_sessions or both"),
        (["model=gaussian", "evaluation.folds=leave_subject_out"], "expected folds within an experiment"),
        (["model=gaussian", "data.preset=seed_vii", "data.sessions=[1,2]"], "with donors, got quarters"),
        (["model=person_effects"], "donors.learn_from: expected both with model=person_effects, got donors"),
        (["model=person_effects", "donors.learn_from=both", "donors.alignment=covariance"], "one of single features"),
        (["model=gaussian", "evaluation=paper"], "evaluation.inner: expected refit"),
        (["model=gaussian", "data.subjects=[1,99]", "donors.subjects=null"], "data.subjects: expected some of 1, 2, "),
        (["model=gaussian", "data.sessions=[1,7]", "donors=own_sessions"], "data.sessions: expected some of 1, 2, 3, "),
        (
            ["model=gaussian", "data.subjects=null", "donors.subjects=[1,2,99]"],
            "donors.subjects: expected some of 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, ... (16 in all), which were loaded, got 99",
        ),
        (["model=gaussian", "donors.subjects=[1]"], "none of disgust, fear, sad, neutral, happy"),
        (
            ["model=gaussian", "donors.fine_tuning=0.2"],
            "fine_tuning: expected 0 with model=gaussian, which is not trained",
        ),
        (
            ["model=person_effects", "donors.fine_tuning=0.2"],
            "expected 0 with model=person_effects, which is not trained",
        ),
        (["model=trial_cbegan", "donors.fine_tuning=0.2"], "expected 0 with model=trial_cbegan, which is held to"),
        (
            ["model=cvae", "gan.plateau_window=9", "donors.fine_tuning=0.2"],
            "model.plateau_window: expected 0 with donors",
        ),
        (["model=cbegan", "donors.learn_from=both", "donors.fine_tuning=0.2"], "Choose one of the two"),
        (["model=gaussian", "donors.alignment=rotate"], "donors.alignment: expected none | z_score"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_work(folder, overrides, message):
    with pytest.raises(ValueError, match=r"\w") as refused:
        run(folder, *overrides, name="refused")
    assert message in str(refused.value)
    assert not (folder / "refused" / "scores.csv").exists()


def test_donors_that_are_set_up_and_not_taken_are_told_of(folder, caplog):
    run(folder, "model=noise", "donors.others=false", "donors.subjects=[2]", "donors.stimuli=any", name="idle")
    assert "donors.subjects, donors.stimuli: no effect, as no donors are taken" in caplog.text


def test_all_n_aug_are_chosen_on_the_same_training_sets(folder, monkeypatch):
    by, pool = [], job.protocol.pool
    monkeypatch.setattr(job.protocol, "pool", lambda found, poolable: by.append(poolable) or pool(found, poolable))
    run(folder, "model=donor_windows", "evaluation.choice=pooled", "donors.stimuli=any", name="pooled")
    without, augmented = by
    assert without == augmented
    assert all(len(splits) < 6 for splits in without)  # the other person's donors hold the test windows
