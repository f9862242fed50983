"""Whether a job is done already, and what is said of what has changed."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from composed import composed
from hydra.errors import CompactHydraException

from emogan import train
from emogan.jobs import identity, job
from emogan.sweeps.collect import collect

SHORT = ["n_aug=50", "evaluation.inner=reuse"]


@pytest.fixture
def configure(configure):
    """A job of the first subject's three members."""
    return lambda folder, *overrides: configure(folder, "data.subjects=[1]", *overrides)


@pytest.fixture
def said(caplog):
    def said() -> str:
        text = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("emogan"))
        caplog.clear()
        return text

    caplog.set_level("INFO")
    return said


def test_a_job_that_is_done_in_its_folder_is_not_done_again(configure, tmp_path, said, monkeypatch):
    first = job.run(configure(tmp_path, *SHORT))
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "job").iterdir()}
    assert "done already" not in said()
    monkeypatch.setattr(job, "prepare", None)
    again = job.run(configure(tmp_path, *SHORT, "machine.threads=2"))
    assert f"done already: {tmp_path / 'job'}" in said()
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "job").iterdir()} == written
    assert again.equals(first)


def test_what_has_changed_since_the_most_similar_job_is_named(configure, tmp_path, said):
    for name, overrides in (("plain", []), ("other", ["seed=3", "model.gamma=0.5"])):
        job.run(configure(tmp_path, *SHORT, *overrides, f"folder={tmp_path / name}"))
    said()
    job.run(configure(tmp_path, *SHORT, "model.gamma=0.25"))
    assert f"changed since {tmp_path / 'plain'}: model.gamma 0.75 -> 0.25" in said()
    job.run(configure(tmp_path, *SHORT, f"folder={tmp_path / 'copy'}"))
    assert f"the same job was done in {tmp_path / 'plain'}" in said()


def test_a_setting_given_to_gans_makes_the_job_that_it_makes_as_one_of_the_model(configure, tmp_path, said):
    job.run(configure(tmp_path, *SHORT, "model.iterations=15"))
    said()
    job.run(configure(tmp_path, *SHORT, "gan.iterations=15"))
    assert "done already" in said()


def test_changed_data_are_named_and_a_changed_path_alone_is_not(configure, tmp_path, table, said):
    content = dict(np.load(table))
    np.savez(tmp_path / "copy.npz", **content)
    content["x"] = content["x"] + 0.001
    np.savez(tmp_path / "moved.npz", **content)
    job.run(configure(tmp_path, *SHORT))
    said()
    job.run(configure(tmp_path, *SHORT, f"data.path={tmp_path / 'copy.npz'}"))
    assert "done already" in said()
    job.run(configure(tmp_path, *SHORT, f"data.path={tmp_path / 'moved.npz'}"))
    told = said()
    assert "changed since" in told
    assert " data " in told
    assert "data.path" in told


def test_folds_that_auto_stands_for_make_the_same_job_as_their_name(configure, tmp_path, said):
    job.run(configure(tmp_path, *SHORT, "model=none"))
    assert json.loads((tmp_path / "job/run.json").read_text())["evaluation"]["folds"] == "trials"
    said()
    job.run(configure(tmp_path, *SHORT, "model=none", "evaluation.folds=trials"))
    assert "done already" in said()
    job.run(configure(tmp_path, *SHORT, "model=none", "evaluation.folds=paper"))
    assert 'evaluation.folds "trials" -> "paper"' in said()


@pytest.mark.parametrize("metric", ["accuracy_inner", "accuracy_oracle"])
def test_what_is_optimized_is_of_the_n_aug_that_is_best_by_it_and_makes_no_other_job(configure, tmp_path, said, metric):
    job.run(configure(tmp_path, *SHORT, "model=noise", "n_aug=[0,50,200]"))
    said()
    found = train.run(configure(tmp_path, *SHORT, "model=noise", "n_aug=[0,50,200]", f"optimized_metric={metric}"))
    assert "done already" in said()
    scores = pd.read_csv(tmp_path / "job/scores.csv").merge(pd.read_csv(tmp_path / "job/selection.csv"))
    if metric == "accuracy_inner":  # each training set for itself
        best = scores.groupby(["subject", "session", "fold"])[metric].max().groupby(["subject", "session"]).mean()
    else:  # each experiment, over its folds
        best = scores.groupby(["subject", "session", "n_aug"])[metric].mean().groupby(["subject", "session"]).max()
    assert found == pytest.approx(best.mean(), abs=1e-12)


def test_a_foreign_file_among_the_jobs_is_passed_over(configure, tmp_path, said):
    job.run(configure(tmp_path, *SHORT))
    for name, content in (("a.json", "{"), ("b.json", "[]"), ("c.json", "{}")):
        (tmp_path / "store/jobs/cbegan" / name).write_text(content)
    job.run(configure(tmp_path, *SHORT, "seed=4"))
    assert "seed 0 -> 4" in said()


def test_of_many_jobs_the_last_are_compared(configure, tmp_path, said, monkeypatch):
    monkeypatch.setattr(identity, "COMPARED", 1)
    for seed in (5, 6):
        job.run(configure(tmp_path, *SHORT, f"seed={seed}", f"folder={tmp_path / str(seed)}"))
    assert "seed 5 -> 6" in said()
    job.run(configure(tmp_path, *SHORT, "seed=5", "model.gamma=0.5"))
    assert "seed 6 -> 5, model.gamma 0.75 -> 0.5" in said()


def test_a_job_is_compared_with_one_of_its_data_set_and_five_changes_are_named(configure, tmp_path, table, said):
    short = ["data.subjects=[1]", "modality=eye", "evaluation.folds=front_back", "evaluation.c_exponents=[0,0]"]
    simulated = composed("model=none", *short, f"folder={tmp_path / 'simulated'}", f"store={tmp_path / 'store'}")
    job.run(configure(tmp_path, *SHORT, "model=none"))
    said()
    job.run(simulated)
    assert "changed since" not in said()
    changed = ["seed=3", "evaluation.n_folds=2", "evaluation.inner=refit", "evaluation.c_exponents=[-1,1]", "n_aug=7"]
    more = ["quality=true", "evaluation.choice=pooled", f"folder={tmp_path / 'changed'}"]
    job.run(configure(tmp_path, "model=none", *changed, *more))
    told = re.search(r"^changed since (.*?): (.*)$", said(), re.M)
    assert told[1] == str(tmp_path / "job")
    assert told[2].count(" -> ") == 5
    assert told[2].endswith(", ... (7 in all)")


@pytest.mark.parametrize("names", [("01", "1"), ("007", "NA"), ("1e3", "nan")])
def test_subjects_whose_names_look_like_numbers_keep_them(configure, tmp_path, table, names):
    content = dict(np.load(table))
    content["subject"] = np.array(names)[content["subject"] - 1]
    np.savez(tmp_path / "named.npz", **content)
    cfg = configure(tmp_path, *SHORT, "model=none", f"data.path={tmp_path / 'named.npz'}", "data.subjects=null")
    first, again = job.run(cfg), job.run(cfg)
    assert again.equals(first)
    assert set(again.subject) == set(names)
    assert set(collect([tmp_path / "job"]).jobs[0].scores.subject) == set(names)


def test_a_job_that_is_refused_in_a_done_folder_loses_nothing_and_is_done_again_with_the_right_command(
    configure, tmp_path, table
):
    right = configure(tmp_path, *SHORT)
    first = job.run(right)
    scores = (tmp_path / "job/scores.csv").read_bytes()
    with pytest.raises(CompactHydraException, match=r"\.absent"):
        train.run(configure(tmp_path, *SHORT, f"data.path={table}.absent"))
    assert (tmp_path / "job/failed.json").exists()
    assert not (tmp_path / "job/scores.csv").exists(), "they are not those of the job that was refused"
    again = train.run(right)
    inner = pd.read_csv(tmp_path / "job/selection.csv").groupby(["subject", "fold"]).accuracy_inner.max()
    assert again == pytest.approx(inner.groupby("subject").mean().mean(), abs=1e-12)
    assert job.run(right).equals(first)
    assert (tmp_path / "job/scores.csv").read_bytes() == scores
    assert not (tmp_path / "job/failed.json").exists()


@pytest.mark.parametrize("again", ["seed=0", "seed=1"])
def test_a_job_that_was_dismissed_stays_so_until_one_succeeds_in_its_folder(configure, tmp_path, table, again):
    job.run(configure(tmp_path, *SHORT, "model=none"))
    refused = configure(tmp_path, *SHORT, f"data.path={table}.absent")
    for _ in range(2):
        with pytest.raises(CompactHydraException, match=r"\.absent"):
            train.run(refused)
        (tmp_path / "job/dismissed.txt").touch()
        assert [problem.kind for problem in collect([tmp_path / "job"]).problems] == ["dismissed"]
    job.run(configure(tmp_path, *SHORT, "model=none", again))
    assert not (tmp_path / "job/dismissed.txt").exists()
    assert not collect([tmp_path / "job"]).problems


@pytest.mark.parametrize("name", ["selection.csv", "checkpoint.ckpt", "run.json"])
def test_a_folder_that_lacks_a_file_is_not_done(configure, tmp_path, said, name):
    job.run(configure(tmp_path, *SHORT))
    (tmp_path / "job" / name).unlink()
    job.run(configure(tmp_path, *SHORT))
    assert "done already" not in said()
    assert (tmp_path / "job" / name).exists()
