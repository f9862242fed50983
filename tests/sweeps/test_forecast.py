"""How long a sweep still takes, on folders written by hand."""

import json

import pytest
import yaml

from emogan.sweeps.forecast import UNKNOWN, forecast, in_words

JOBS = [
    ("model=cbegan", "data.subjects=[1,2]"), ("model=cbegan", "data.subjects=[3,4]"), ("model=cbegan", "data.subjects=[5]"),
    ("model=cwgan", "data.subjects=[1,2]"), ("model=cwgan", "data.subjects=[3,4]"),
]  # fmt: skip


@pytest.fixture
def finish(tmp_path):
    """``finish(job, seconds, computed)``: its folder as a finished job leaves it."""

    def write(job, seconds, computed=True):
        folder = tmp_path / "_".join(job)
        (folder / ".hydra").mkdir(parents=True)
        (folder / ".hydra/overrides.yaml").write_text(yaml.safe_dump(list(job)))
        run = {"computed": computed, "seconds": {"fit": seconds * 0.75, "score": seconds * 0.25}}
        (folder / "run.json").write_text(json.dumps(run))
        (folder / "scores.csv").write_text("")
        return folder

    return write


def test_nothing_is_said_before_something_is_measured(tmp_path, finish):
    assert forecast(tmp_path, JOBS, 1) == "0 of 5 jobs are done; time left: known when a job has ended"


def test_jobs_that_found_their_gans_in_the_store_give_a_lower_bound_until_one_has_trained_its_own(tmp_path, finish):
    finish(JOBS[0], 200, computed=False)  # 100 s a subject
    told = forecast(tmp_path, JOBS, 1)
    assert told.startswith(f"1 of 5 jobs are done; time left: at least {in_words((2 + 1 + 2 + 2) * 100)}, as those")
    finish(JOBS[1], 1000)  # 500 s a subject
    assert forecast(tmp_path, JOBS[:3], 1) == f"2 of 3 jobs are done; time left: about {in_words(500)}"


def test_jobs_of_a_kind_take_as_long_per_subject_and_other_kinds_the_mean_of_what_is_known(tmp_path, finish):
    finish(JOBS[0], 1000)  # 500 s a subject
    told = forecast(tmp_path, JOBS, 1)
    expected = "with the mean of the finished jobs for 2 of other kinds"
    assert told == f"1 of 5 jobs are done; time left: roughly {in_words((2 + 1 + 2 + 2) * 500)}, {expected}"
    finish(JOBS[3], 4000)  # 2000 s a subject
    assert forecast(tmp_path, JOBS, 1) == f"2 of 5 jobs are done; time left: about {in_words(3 * 500 + 2 * 2000)}"
    assert forecast(tmp_path, JOBS, 2).endswith(in_words((3 * 500 + 2 * 2000) / 2))
    assert forecast(tmp_path, JOBS, 99).endswith(in_words((3 * 500 + 2 * 2000) / 3))


def test_a_sweep_with_one_job_of_each_kind_has_a_forecast_after_the_first(tmp_path, finish):
    jobs = [(f"model={name}",) for name in ("none", "noise", "cbegan")]
    finish(jobs[0], 60)
    assert "time left: roughly 2 min, with the mean of" in forecast(tmp_path, jobs, 1)
    finish(jobs[1], 300)
    assert "time left: roughly 3 min, with the mean of" in forecast(tmp_path, jobs, 1)


def test_other_modalities_are_a_rough_guess_until_their_own_are_measured(tmp_path, finish):
    jobs = [("modality=eye", "model=cwgan"), ("modality=eeg", "model=cwgan"), ("modality=eeg", "model=cbegan")]
    finish(jobs[0], 900)
    assert forecast(tmp_path, jobs[:2], 1) == "1 of 2 jobs are done; time left: roughly 15 min"
    told = forecast(tmp_path, jobs, 1)
    expected = "with the mean of the finished jobs for 1 of other kinds"
    assert told == f"1 of 3 jobs are done; time left: roughly 30 min, {expected}"
    finish(jobs[1], 1800)
    finish(("modality=eye", "model=cbegan"), 600)
    assert forecast(tmp_path, jobs, 1) == "2 of 3 jobs are done; time left: roughly 10 min"
    finish(("modality=eeg", "model=cbegan", "seed=1"), 1200)
    assert forecast(tmp_path, jobs, 1) == "2 of 3 jobs are done; time left: about 20 min"


def test_jobs_of_other_sweeps_in_the_folder_and_damaged_ones_do_not_count(tmp_path, finish):
    finish(("model=cgan", "data.subjects=[1,2]"), 200)
    (finish(JOBS[0], 1000) / "run.json").write_text("{")
    assert forecast(tmp_path, JOBS, 1) == f"0 of 5 jobs are done; time left: {UNKNOWN}"


def test_a_finished_sweep_has_nothing_left(tmp_path, finish):
    for job in JOBS:
        finish(job, 10)
    assert forecast(tmp_path, JOBS, 1) == "5 of 5 jobs are done"


@pytest.mark.parametrize(
    ("seconds", "words"), [(3, "3 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (5400, "1 h 30 min"), (11100, "3 h 05 min")]
)  # fmt: skip
def test_durations_are_said_in_words(seconds, words):
    assert in_words(seconds) == words


def test_jobs_in_folders_of_folders_count(tmp_path, finish):
    (tmp_path / "deep").mkdir()
    finish(JOBS[0], 200).rename(tmp_path / "deep" / "0")
    assert forecast(tmp_path, JOBS, 1).startswith("1 of 5 jobs are done")
