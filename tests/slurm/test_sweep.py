"""Sweeps through machine=slurm: the scores of a serial sweep, whatever happens to nodes and jobs."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slurm

FOLDER = ["hydra.sweep.dir=sweep"]
TRAINING = ["model.hidden=50", "model.iterations=600", "seed=0,1,2,3"]  # long enough to be met while training
SLURM = ["machine=slurm", "hydra.launcher.mem_gb=1"]


class Sweep:
    """A running python -m emogan.train -m on a cluster; ``start`` is another way to start it."""

    def __init__(self, cluster, folder: Path, *overrides: str, start=("-m", "emogan.train"), **environment: str):
        folder.mkdir(exist_ok=True)
        self.folder, self.output = folder / "sweep", folder / "said.txt"
        with self.output.open("w") as said:
            self.process = subprocess.Popen(
                [sys.executable, *start, "-m", *SLURM, *FOLDER, *overrides], cwd=folder,
                env={**cluster.environment, "OMP_NUM_THREADS": "1", **environment}, stdout=said, stderr=said,
            )  # fmt: skip

    @property
    def said(self) -> str:
        return self.output.read_text()

    def exit_code(self) -> int:
        return self.process.wait(timeout=600)

    def errors(self) -> list[str]:
        """What each of its jobs said to the standard error."""
        return [path.read_text() for path in self.folder.glob(".submitit/*/*.err")]

    def training(self) -> int:
        """How many of its jobs are past the first tenth of their training."""
        return sum(bool(re.search(r" [1-9]\d%", said)) for said in self.errors())


def scores(folder: Path) -> dict[str, bytes]:
    return {path.parent.name: path.read_bytes() for path in folder.rglob("scores.csv")}


@pytest.fixture(scope="module")
def serial(command, small, tmp_path_factory):
    """The folder of a serial sweep of the long jobs."""
    folder = tmp_path_factory.mktemp("serial")
    sweep = command(folder, "-m", *small, *FOLDER, *TRAINING)
    assert sweep.exit_code() == 0, sweep.said
    return folder


def test_every_machine_gives_the_same_scores(cluster, command, small, tmp_path):
    quick = [*small, "model.hidden=50", "model.iterations=20", "evaluation.n_folds=2,3"]
    for machine in ("here", "laptop"):
        sweep = command(tmp_path / machine, "-m", *quick, *FOLDER, f"machine={machine}")
        assert sweep.exit_code() == 0, sweep.said
    console_script = "-c", "from emogan.train import command; command()"
    sweep = Sweep(cluster, tmp_path / "slurm", *quick, start=console_script)
    assert sweep.exit_code() == 0, sweep.said
    assert len(scores(tmp_path / "here")) == 2
    assert scores(tmp_path / "here") == scores(tmp_path / "laptop") == scores(tmp_path / "slurm")


def test_a_job_with_bad_input_stops_neither_the_others_nor_the_next_array(cluster, small, tmp_path):
    sweep = Sweep(
        cluster, tmp_path, *small, "model.hidden=50", "model.iterations=20", "evaluation.n_folds=2,9,3", "hydra.sweeper.max_batch_size=2",
        "hydra.sweep.dir=sweep/${now:%f}",
    )  # fmt: skip
    assert sweep.exit_code() == 1
    assert set(scores(tmp_path)) == {"0_eeg_eye_cbegan", "2_eeg_eye_cbegan"}
    assert re.search(r"^Traceback .*\n(.*\n)+?ValueError: evaluation.folds=trials with n_folds=9", sweep.said, re.M)
    assert "\n2 done, 1 failed\n" in sweep.said


def test_lost_preempted_and_timed_out_jobs_start_over_and_a_cancelled_one_with_the_same_command(
    cluster, serial, small, tmp_path
):
    # A time limit of 10 minutes or less makes any of submitit's signals a time-out.
    asked = [*small, *TRAINING, "hydra.launcher.partition=graceful", "hydra.launcher.timeout_min=10"]
    sweep = Sweep(cluster, tmp_path, *asked)
    cluster.wait(lambda: sweep.training() == 4)
    jobs = cluster.run("squeue", "-h", "-o", "%N %i").split()
    on = {
        node: [job for place, job in zip(jobs[::2], jobs[1::2], strict=True) if place == node] for node in ("n1", "n2")
    }
    cancelled, preempted = on["n1"]
    timed_out, lost = on["n2"]
    cluster.run("scancel", cancelled)
    cluster.run("scancel", "--signal=USR2", timed_out)
    cluster.run("sbatch", "--partition=urgent", "--nodelist=n1", "--exclusive", "--output=/dev/null", "--wrap=sleep 1")
    cluster.wait(lambda: "n2" not in cluster.run("squeue", "-h", f"--jobs={timed_out}", "-o", "%N"))
    cluster.cut_off("n2")
    assert sweep.exit_code() == 1, sweep.said
    assert f"job {cancelled} (" in sweep.said
    assert "ended as CANCELLED" in sweep.said
    assert "\n3 done, 1 unfinished\n" in sweep.said
    history = cluster.run("sacct", "-nXD", "-o", "JobID,State", f"--jobs={lost.split('_')[0]}")
    for job, state in ((preempted, "PREEMPTED|REQUEUED"), (timed_out, "REQUEUED"), (lost, "NODE_FAIL")):
        assert re.search(rf"^{job} +({state})\W*$", history, re.M), history
    assert re.search(rf"^{cancelled} +CANCELLED", history, re.M), history

    cluster.start_node("n2")
    cluster.wait_for_nodes()
    earlier = set(sweep.folder.glob(".submitit/*/*.out"))
    again = Sweep(cluster, tmp_path, *asked)
    assert again.exit_code() == 0, again.said
    assert len(scores(serial)) == 4
    assert scores(serial) == scores(tmp_path)
    logs = [path.read_text() for path in set(again.folder.glob(".submitit/*/*.out")) - earlier]
    assert len(logs) == 4
    assert sum("done already" in log for log in logs) >= 3  # all but the cancelled one, if not all


def test_a_sweep_without_accounting_is_refused_at_once(cluster, small, tmp_path):
    text = Path(cluster.environment["SLURM_CONF"]).read_text()
    (tmp_path / "slurm.conf").write_text(re.sub(r"AccountingStorage.*\n", "", text))
    refused = Sweep(cluster, tmp_path / "here", *small, "seed=0,1", SLURM_CONF=str(tmp_path / "slurm.conf"))
    assert refused.exit_code() == 1
    assert re.fullmatch(r"machine=slurm needs Slurm's accounting, .* sacct says: .*disabled.*\n", refused.said)
    assert {path.name for path in (tmp_path / "here").iterdir()} == {"said.txt"}


def test_an_interrupted_sweep_leaves_its_jobs_to_slurm_where_they_end_at_once_when_cancelled(cluster, small, tmp_path):
    # Minutes of scoring: in training, Lightning ends at a SIGTERM too.
    scoring = ["model=duplicate", "n_aug=12000", "evaluation.c_exponents=[-10,10]", "evaluation.n_folds=4", "seed=0,1"]
    sweep = Sweep(cluster, tmp_path, *small, *scoring)
    cluster.wait(lambda: "".join(sweep.errors()).count("linear_svm:") >= 2)
    sweep.process.send_signal(signal.SIGINT)
    assert sweep.exit_code() == 130
    assert "0 done, 2 unfinished\nwhat Slurm has of these jobs goes on: squeue --me shows it" in sweep.said
    assert cluster.run("squeue", "-h", "-o", "%T").split() == ["RUNNING"] * 2
    cluster.run("scancel", "--user=root")
    cluster.wait_for_nodes(limit_s=cluster.kill_wait_s - 20)  # they ended by themselves: Slurm has not yet killed them
