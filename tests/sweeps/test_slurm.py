"""What is asked of Slurm, with programs that stand in for it; tests/slurm has the real one."""

import subprocess
import sys
from pathlib import Path

import pytest
from hydra.core.utils import JobReturn
from hydra.errors import CompactHydraException
from omegaconf import OmegaConf

from emogan.sweeps import slurm


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """``programs(name="script", ...)`` are all that can be found; what is called is written to tmp_path/called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def write(**scripts):
        for name, script in scripts.items():
            (folder / name).write_text(f'#!/bin/sh\necho {name} "$@" >> {tmp_path}/called\n{script}\n')
            (folder / name).chmod(0o755)

    return write


def called(folder: Path) -> list[str]:
    return (folder / "called").read_text().splitlines()


def config(folder: Path):
    return OmegaConf.create(
        {"hydra": {"launcher": {"_target_": "SlurmLauncher"}, "sweep": {"dir": str(folder / "sweep")}},
         "store": str(folder / "store")}
    )  # fmt: skip


ALL = dict.fromkeys(slurm.PROGRAMS, "exit 0")


def test_a_sweep_where_slurm_answers_is_not_refused_and_leaves_nothing_but_its_folders(programs, tmp_path):
    programs(**ALL)
    slurm.check(config(tmp_path))
    assert {path.name for path in tmp_path.rglob("*") if path.parent.name != "bin"} == {
        "bin", "called", "sweep", "store"
    }  # fmt: skip


def test_what_is_missing_of_slurm_is_named(programs, tmp_path):
    programs(**{name: script for name, script in ALL.items() if name not in ("sacct", "sbatch")})
    with pytest.raises(OSError, match=r"but sbatch, sacct cannot be found: start the sweep where sbatch works"):
        slurm.check(config(tmp_path))


@pytest.mark.parametrize(
    ("script", "said"),
    [("echo starting >&2; echo no accounting >&2; exit 1", "no accounting"), ("exit 1", "exit status 1")],
)
def test_a_sweep_without_accounting_is_refused(programs, tmp_path, script, said):
    programs(**ALL | {"sacct": script})
    with pytest.raises(
        OSError, match=rf"needs Slurm's accounting, .*sacct says: .*{said}.*\. Ask the cluster's administrators"
    ):
        slurm.check(config(tmp_path))


@pytest.mark.parametrize("name", ["sweep", "store"])
def test_a_sweep_that_cannot_write_is_refused(programs, tmp_path, name):
    programs(**ALL)
    (tmp_path / name).touch()
    with pytest.raises(OSError, match=rf"cannot write to {tmp_path}/{name}: .*\. Choose another output=FOLDER"):
        slurm.check(config(tmp_path))


@pytest.mark.slow
def test_machine_slurm_without_its_launcher_says_what_to_install(tmp_path):
    without = "import sys; sys.modules['hydra_plugins.hydra_submitit_launcher'] = None; import emogan.train as t; "
    arguments = ["-m", "machine=slurm", "hydra.launcher.partition=gpu", "hydra.launcher.timeout_min=9"]
    refused = subprocess.run(
        [sys.executable, "-c", without + "t.command()", *arguments], cwd=tmp_path, capture_output=True, text=True
    )
    assert refused.returncode == 1
    assert refused.stderr == "machine=slurm needs hydra-submitit-launcher: pip install 'emogan[slurm]'\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("state", "requeued"), [("RUNNING", True), ("COMPLETING", False), ("PENDING", False), ("", False)]
)
def test_a_job_that_is_told_to_end_while_it_counts_as_running_is_requeued(
    programs, tmp_path, monkeypatch, state, requeued
):
    programs(squeue=f"echo {state}", scontrol="exit 0")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SUBMITIT_EXECUTOR", "slurm")
    slurm.requeue_if_preempted()
    assert called(tmp_path) == ["squeue --noheader --jobs=7 --format=%T", *["scontrol requeue 7"] * requeued]


def test_no_job_but_one_of_a_slurm_sweep_is_requeued(programs, tmp_path, monkeypatch):
    programs(squeue="echo RUNNING", scontrol="exit 0")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.delenv("SUBMITIT_EXECUTOR", raising=False)
    slurm.requeue_if_preempted()
    assert not (tmp_path / "called").exists()


class Job:
    """Stands in for submitit's: raises what it is given, one after the other, and then has a result."""

    job_id, state = "5_2", "NODE_FAIL"

    def __init__(self, *errors):
        self.errors, self.watcher, self.cleared = list(errors), self, 0
        self.paths = type("Paths", (), {"stderr": "log.err"})

    def results(self):
        if self.errors:
            raise self.errors.pop(0)
        return ["result"]

    def clear(self):
        self.cleared += 1

    def submission(self):
        return type("Submission", (), {"args": [["model=cbegan", "seed=1"]]})


@pytest.fixture
def patient(monkeypatch):
    """`wait_for_every_job` for the stand-in."""
    submitit = pytest.importorskip("submitit")
    monkeypatch.setattr(submitit.SlurmJob, "results", Job.results)
    slurm.wait_for_every_job()
    return submitit.SlurmJob.results


def test_a_job_whose_node_was_lost_is_waited_for_while_slurm_has_it_in_its_queue(patient, programs):
    from submitit.core.utils import UncompletedJobError

    programs(squeue="echo PENDING")
    job = Job(UncompletedJobError("lost"), UncompletedJobError("lost"))
    assert patient(job) == ["result"]
    assert job.cleared == 2


@pytest.mark.parametrize("error", ["UncompletedJobError", "FailedJobError"])
def test_a_job_that_died_is_told_and_does_not_end_the_wait_for_others(patient, programs, caplog, error):
    import submitit.core.utils

    programs(squeue="echo slurm_load_jobs error: Invalid job id specified >&2; exit 1")
    (found,) = patient(Job(getattr(submitit.core.utils, error)("killed")))
    assert isinstance(found, JobReturn)
    assert found.return_value is None  # raises nothing
    assert caplog.messages == ["Slurm's job 5_2 (model=cbegan seed=1) ended as NODE_FAIL, without a result: log.err"]


def test_a_job_that_died_has_failed_to_a_sweeper_that_looks_at_results(monkeypatch, programs):
    submitit = pytest.importorskip("submitit")
    monkeypatch.setattr(submitit.SlurmJob, "results", Job.results)
    slurm.wait_for_every_job(fail=True)
    (found,) = submitit.SlurmJob.results(Job(submitit.core.utils.FailedJobError("killed")))
    with pytest.raises(CompactHydraException, match="5_2 ended as NODE_FAIL"):
        _ = found.return_value
