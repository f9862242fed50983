"""Finding jobs: the done are read, all others are named, and nothing is mixed that must not be."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from emogan.report.sections import sections
from emogan.sweeps.collect import collect, collect_sweep


def kinds(collection):
    return [problem.kind for problem in collection.problems]


def test_a_sweep_is_read_and_its_failed_and_missing_jobs_are_named(sweep, fake):
    found = collect([sweep])
    assert [job.folder.name for job in sorted(found.jobs, key=lambda job: job.folder)] == [
        f"{i}_{modality}_{model}"
        for i, (modality, model) in enumerate((a, b) for a in fake.MODALITIES for b in (*fake.MODELS, "cgan"))
        if model != "cgan"
    ]
    failed, missing = found.problems
    assert (failed.kind, Path(failed.where).name) == ("failed", "4_eeg_cgan")
    assert failed.what == "FloatingPointError: losses are not finite"
    assert (missing.kind, missing.where) == ("missing", str(sweep))
    assert missing.what.startswith("modality=eeg_eye model=cgan n_aug=[0,50,200]:")


def test_a_folder_above_and_one_given_twice_give_the_same_jobs_once(sweep):
    above, twice = collect([sweep.parent]), collect([sweep, sweep / "0_eeg_none"])
    assert [job.folder for job in above.jobs] == [job.folder for job in twice.jobs]
    assert above.problems == twice.problems


def test_store_and_report_are_not_looked_into(tmp_path, fake):
    for name in ("job", "store/job", "report/job", "mine/job"):
        fake.write_job(tmp_path / name, "eeg", "none", seed=len(name))
    found = collect([tmp_path], skip=tmp_path / "mine")
    assert [job.folder for job in found.jobs] == [tmp_path / "job"]


def test_a_job_without_scores_or_failure_is_unfinished(tmp_path, fake):
    fake.write_job(tmp_path / "done", "eeg", "none")
    (tmp_path / "killed" / ".hydra").mkdir(parents=True)
    (problem,) = collect([tmp_path]).problems
    assert (problem.kind, problem.where) == ("unfinished", str(tmp_path / "killed"))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("run.json", lambda path: path.write_text("{"), "Expecting"),
        ("run.json", lambda path: path.write_text("{}"), "no 'augmenter' in run.json"),
        ("scores.csv", lambda path: path.write_text("a,b\n1,2\n"), "expected rows of dataset, subject"),
        ("scores.csv", lambda path: path.write_text(path.read_text().replace("0.25", "few")), "few"),
        (
            "scores.csv",
            lambda path: path.write_text(path.read_text().replace("none,0,0,0.62", "none,0,0,62")),
            "rates in",
        ),
        ("selection.csv", Path.unlink, "selection.csv"),
        ("selection.csv", lambda path: path.write_text(path.read_text()[:150] + "\n"), "selection.csv"),
        (".hydra/config.yaml", lambda path: path.write_text("[1"), "configuration"),
    ],
)
def test_files_that_are_not_a_jobs_are_named_and_not_trusted(tmp_path, name, change, message, fake):
    fake.write_job(tmp_path / "bad", "eeg", "none")
    fake.write_job(tmp_path / "good", "eeg_eye", "none")
    change(tmp_path / "bad" / name)
    found = collect([tmp_path])
    assert [job.folder.name for job in found.jobs] == ["good"]
    (problem,) = found.problems
    assert problem.kind == "unreadable"
    assert message in problem.what


def test_windows_that_need_a_pickle_are_not_loaded(tmp_path, fake):
    fake.write_job(tmp_path / "bad", "eeg", "gaussian")
    np.savez(tmp_path / "bad" / "windows.npz", feature_names=np.array([print], dtype=object))
    (problem,) = collect([tmp_path]).problems
    assert "windows.npz" in problem.what


def test_of_equal_cells_those_of_the_job_finished_last_count(tmp_path, fake):
    for age, (name, shift) in enumerate((("new", 0.05), ("old", 0.0))):
        fake.write_job(tmp_path / name, "eeg", "gaussian", shift=shift)
        os.utime(tmp_path / name / "scores.csv", (1e9 - age, 1e9 - age))
    found = collect([tmp_path])
    assert [job.folder.name for job in found.jobs] == ["new"]
    (problem,) = found.problems
    assert (problem.kind, Path(problem.where).name) == ("superseded", "old")
    assert problem.what.startswith("24 of its 24 rows")
    (section,) = sections(found.jobs)
    assert len(section.scores[section.scores.model == "gaussian"]) == len(found.jobs[0].scores) == 24


def test_a_job_that_adds_sizes_keeps_those_that_the_newer_one_lacks(tmp_path, fake):
    for age, name in enumerate(("new", "old")):
        fake.write_job(tmp_path / name, "eeg", "gaussian")
        for file in ("scores", "selection"):
            frame = pd.read_csv(tmp_path / name / f"{file}.csv")
            kept = frame[frame.n_aug.isin([0, 200] if name == "new" else [0, 50])]
            kept.to_csv(tmp_path / name / f"{file}.csv", index=False)
        os.utime(tmp_path / name / "scores.csv", (1e9 - age, 1e9 - age))
    found = collect([tmp_path])
    (section,) = sections(found.jobs)
    assert sorted(section.scores.n_aug.unique()) == [0, 50, 200]
    assert not section.scores.duplicated(fake.KEY).any()


def test_jobs_on_data_that_have_changed_since_are_left_out(tmp_path, fake):
    for age, name in enumerate(("new", "old")):
        fake.write_job(tmp_path / name, "eeg", "none" if age else "gaussian", fingerprint=name)
        os.utime(tmp_path / name / "scores.csv", (1e9 - age, 1e9 - age))
    found = collect([tmp_path])
    assert [job.folder.name for job in found.jobs] == ["new"]
    assert "the data have changed since" in found.problems[0].what


@pytest.mark.parametrize("empty", [True, False])
def test_without_any_job_the_error_says_what_was_expected(tmp_path, empty):
    path = tmp_path if empty else tmp_path / "nowhere"
    with pytest.raises(ValueError, match="found no job" if empty else "is not a folder"):
        collect([path])


def test_simulated_real_and_permuted_results_and_other_evaluations_never_share_a_section(tmp_path, fake):
    fake.write_job(tmp_path / "simulated", "eeg", "none")
    fake.write_job(tmp_path / "real", "eeg", "none", dataset="seed")
    fake.write_job(tmp_path / "permuted", "eeg", "none", permute_labels=True)
    fake.write_job(tmp_path / "reuse", "eeg", "none", inner="reuse")
    fake.write_job(tmp_path / "grid", "eeg", "none", c_exponents=[-2, 2])
    found = sections(collect([tmp_path]).jobs)
    assert [len(section.jobs) for section in found] == [1] * 5
    assert [section.warnings for section in found] == [
        (), ("SIMULATED",), ("SIMULATED",), ("SIMULATED",), ("SIMULATED", "PERMUTED LABELS"),
    ]  # fmt: skip
    assert found[0].label == "seed, folds=paper, linear_svm, inner=refit"
    assert found[1].title == "synthetic_seed, folds=paper, linear_svm, inner=refit, c_exponents=[-10, 10]"
    assert len({section.label for section in found}) == 5


def test_jobs_on_blocks_of_subjects_form_one_section(tmp_path, fake):
    for number, subjects in enumerate([(1, 2), (3, 4)]):
        fake.write_job(tmp_path / str(number), "eeg", "none", subjects=subjects, fingerprint=f"of block {number}")
    found = collect([tmp_path])
    assert not found.problems
    (section,) = sections(found.jobs)
    assert sorted(set(section.scores.subject)) == ["1", "2", "3", "4"]


def test_jobs_whose_experiments_have_other_classes_do_not_share_a_section(tmp_path, fake):
    fake.write_job(tmp_path / "a", "eeg", "none", subjects=(1, 2))
    fake.write_job(tmp_path / "b", "eeg", "none", subjects=(3, 4))
    confusion = pd.read_csv(tmp_path / "b" / "confusion.csv")
    two = confusion[~(confusion[["label", "predicted"]] == "neutral").any(axis=1)]
    two.to_csv(tmp_path / "b" / "confusion.csv", index=False)
    found = sections(collect([tmp_path]).jobs)
    assert [section.scores.subject.unique().tolist() for section in found] == [["1", "2"], ["3", "4"]]
    assert found[0].title.endswith("classes=negative / neutral / positive")
    assert found[1].title.endswith("classes=negative / positive")


def test_jobs_with_other_settings_of_a_classifier_do_not_share_a_section(tmp_path, fake):
    for number, values in enumerate([[1, 10], [1]]):
        fake.write_job(tmp_path / str(number), "eeg", "none")
        run = json.loads((tmp_path / str(number) / "run.json").read_text())
        run["classifier_settings"] = {"parameter": "C", "values": values}
        (tmp_path / str(number) / "run.json").write_text(json.dumps(run))
    assert len(sections(collect([tmp_path]).jobs)) == 2


def test_scores_of_an_earlier_job_do_not_count_where_a_later_one_in_the_folder_failed(tmp_path, fake):
    fake.write_job(tmp_path / "job", "eeg", "none")
    (tmp_path / "job/failed.json").write_text(json.dumps({"error": "ValueError", "message": "n_aug", "traceback": ""}))
    found = collect([tmp_path])
    assert not found.jobs
    assert [problem.kind for problem in found.problems] == ["failed"]


def test_test_windows_that_occur_in_training_are_said_beside_every_number(tmp_path, fake):
    fake.write_job(tmp_path / "job", "eeg", "none")
    run = json.loads((tmp_path / "job/run.json").read_text())
    run["audit"] = {"verdict": "LEAKS: 6 test windows occur in training, as allowed"}
    (tmp_path / "job/run.json").write_text(json.dumps(run))
    (section,) = sections(collect([tmp_path]).jobs)
    assert "LEAKS: test windows occur in training" in section.label


def test_scaling_with_test_windows_is_a_section_of_its_own_and_said_to_leak(tmp_path, fake):
    for name, fit_on in (("honest", "train"), ("leaking", "all")):
        fake.write_job(tmp_path / name, "eeg", "none")
        run = json.loads((tmp_path / name / "run.json").read_text())
        run["scaling"]["fit_on"] = fit_on
        (tmp_path / name / "run.json").write_text(json.dumps(run))
    assert sorted("LEAKS" in section.label for section in sections(collect([tmp_path]).jobs)) == [False, True]


def test_jobs_that_differ_in_training_trials_form_one_section_with_a_learning_curve(tmp_path, fake):
    for n in (1, 2, None):
        fake.write_job(tmp_path / str(n), "eeg", "none", trials_per_class=n)
    (section,) = sections(collect([tmp_path]).jobs)
    assert [job.folder.name for job in section.jobs] == ["None"]
    assert sorted(section.all_scores.trials_per_class.unique()) == [1, 2, np.inf]
    assert set(section.scores.trials_per_class) == {np.inf}


def test_a_job_of_an_earlier_sweep_does_not_pass_for_one_that_was_not_started(tmp_path, fake):
    fake.write_job(tmp_path / "job", "eeg", "none")
    asked = ("modality=eeg", "model=none", "n_aug=[0,50,200]")
    (tmp_path / "multirun.yaml").touch()
    overrides = tmp_path / "job/.hydra/overrides.yaml"
    now = (tmp_path / "multirun.yaml").stat().st_mtime
    os.utime(overrides, (now + 1, now + 1))
    assert len(collect_sweep(tmp_path, [asked]).jobs) == 1
    os.utime(overrides, (now - 1, now - 1))
    found = collect_sweep(tmp_path, [asked, asked])
    assert not found.jobs
    assert [(problem.kind, problem.what) for problem in found.problems] == [
        ("missing", "modality=eeg model=none n_aug=[0,50,200]: not started")
    ]


def test_a_folder_without_a_sweep_holds_none_of_its_jobs(tmp_path):
    assert [problem.kind for problem in collect_sweep(tmp_path, [("a=1",), ("a=2",)]).problems] == ["missing"] * 2


@pytest.mark.parametrize(("folds", "apart"), [("paper", 1), ("leave_session_out", 1), ("leave_subject_out", 2)])
def test_folds_across_people_are_compared_among_jobs_of_the_same_people(tmp_path, fake, folds, apart):
    fake.write_job(tmp_path / "none", "eeg", "none", folds=folds)
    fake.write_job(tmp_path / "few", "eeg", "gaussian", folds=folds, subjects=[1, 2])
    assert len(sections(collect([tmp_path]).jobs)) == apart


def test_a_gain_is_known_of_jobs_whose_n_aug_does_not_hold_0(tmp_path, fake):
    fake.write_job(tmp_path / "job", "eeg", "gaussian")
    (both,) = sections(collect([tmp_path]).jobs)
    scores = pd.read_csv(tmp_path / "job/scores.csv")
    selection = pd.read_csv(tmp_path / "job/selection.csv")
    for name, frame in (("scores", scores), ("selection", selection)):
        frame[frame.n_aug > 0].to_csv(tmp_path / f"job/{name}.csv", index=False)
    scores.merge(selection)[scores.n_aug == 0].to_csv(tmp_path / "job/baseline.csv", index=False)
    (section,) = sections(collect([tmp_path]).jobs)
    none = section.scores.model == "none"
    assert set(section.scores.n_aug[none]) == {0}
    assert set(section.scores.n_aug[~none]) == {50, 200}  # 0 is no choice
    pd.testing.assert_frame_equal(
        section.scores[none].reset_index(drop=True), both.scores[both.scores.model == "none"].reset_index(drop=True)
    )


def test_the_same_data_under_two_names_are_one_section(tmp_path, fake):
    for name, path in (("none", "tables/mine.csv"), ("gaussian", str(tmp_path / "tables/mine.csv"))):
        fake.write_job(tmp_path / name, "eeg", name)
        with (tmp_path / name / ".hydra/config.yaml").open("a") as file:
            file.write(f"  path: {path}\n  jobs: {len(name)}\n")
        (tmp_path / name / ".hydra/hydra.yaml").write_text(f"hydra:\n  runtime:\n    cwd: {tmp_path}\n")
    assert len(sections(collect([tmp_path]).jobs)) == 1


def test_a_job_has_its_own_accuracy_without_augmentation_where_its_scores_hold_it(tmp_path, fake):
    fake.write_job(tmp_path / "job", "eeg", "gaussian")
    (before,) = sections(collect([tmp_path]).jobs)
    scores = pd.read_csv(tmp_path / "job/scores.csv").merge(pd.read_csv(tmp_path / "job/selection.csv"))
    scores[scores.n_aug == 0].assign(accuracy=0.1).to_csv(tmp_path / "job/baseline.csv", index=False)
    (section,) = sections(collect([tmp_path]).jobs)
    pd.testing.assert_frame_equal(section.scores, before.scores)


def test_experiments_whose_data_have_changed_are_not_compared_with_what_they_were(tmp_path, fake):
    for name, subjects, content in (("none", (1, 2, 3, 4), "old"), ("gaussian", (1, 2), "new")):
        fake.write_job(tmp_path / name, "eeg", name, subjects=subjects)
        run = json.loads((tmp_path / name / "run.json").read_text())
        run["data"] |= {
            "fingerprint": name,
            "experiments": {f"{s}, 1": f"{content if s == 2 else ''}{s}" for s in subjects},
        }
        (tmp_path / name / "run.json").write_text(json.dumps(run))
        later = (tmp_path / name / "scores.csv").stat().st_mtime + (name == "gaussian")
        os.utime(tmp_path / name / "scores.csv", (later, later))
    found = collect([tmp_path])
    assert [job.folder.name for job in found.jobs] == ["gaussian"]
    assert [problem.what.partition(":")[0] for problem in found.problems] == ["the data have changed since"]


def test_a_path_that_goes_up_and_down_is_the_same_place(tmp_path, fake):
    for name, path in (("none", "mine.csv"), ("gaussian", "../here/mine.csv")):
        fake.write_job(tmp_path / name, "eeg", name)
        with (tmp_path / name / ".hydra/config.yaml").open("a") as file:
            file.write(f"  path: {path}\n")
        (tmp_path / name / ".hydra/hydra.yaml").write_text(f"hydra:\n  runtime:\n    cwd: {tmp_path}/here\n")
    assert len(sections(collect([tmp_path]).jobs)) == 1
