"""Slurm: what a sweep needs of it, and how its jobs end."""

import logging
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from hydra.core.utils import JobReturn, JobStatus
from hydra.errors import CompactHydraException
from omegaconf import DictConfig

log = logging.getLogger(__name__)

LAUNCHER = "submitit_slurm"
PROGRAMS = ("sbatch", "srun", "squeue", "scontrol", "sacct")


def check(config: DictConfig) -> None:
    """Refuse a sweep that cannot run, or that would wait for dead jobs for ever.

    Raises
    ------
    ModuleNotFoundError
        If the launcher is not installed.
    OSError
        If programs of Slurm are missing, its accounting does not answer or the sweep's folder or the store cannot be
        written.
    """
    if "_target_" not in config.hydra.launcher:
        raise ModuleNotFoundError("machine=slurm needs hydra-submitit-launcher: pip install 'emogan[slurm]'")
    absent = [program for program in PROGRAMS if not shutil.which(program)]
    if absent:
        raise OSError(
            f"machine=slurm expects Slurm's programs, but {', '.join(absent)} cannot be found: start the sweep where "
            "sbatch works, such as the cluster's login node, or choose machine=laptop"
        )
    try:  # sacct alone knows of a job that died without a message
        subprocess.run(["sacct", "--noheader", "--allocations"], check=True, capture_output=True, text=True, timeout=20)
    except subprocess.SubprocessError as error:
        message = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1]
        raise OSError(
            f"machine=slurm needs Slurm's accounting, or the sweep would wait for a dead job for ever. sacct says: "
            f"{message}. Ask the cluster's administrators for slurmdbd, or run the sweep in one job with machine=laptop"
        ) from error
    for folder in map(Path, (config.hydra.sweep.dir, config.store)):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as error:
            raise OSError(f"cannot write to {folder}: {error.strerror}. Choose another output=FOLDER") from error


def wait_for_every_job(fail: bool = False) -> None:
    """Have submitit log a job that died and wait for the others, where it would raise an error at once.

    The sweeper gets no result from a job that died; with ``fail`` it learns that the job failed. A job whose node was
    lost is waited for: submitit takes it for dead, but Slurm has put it into the queue again.
    """
    from submitit import SlurmJob
    from submitit.core.utils import FailedJobError, UncompletedJobError

    results = SlurmJob.results

    def patient(job: SlurmJob) -> list:
        while True:
            try:
                return results(job)
            except FailedJobError:
                break
            except UncompletedJobError:  # after 15 s of waiting for what it may have left
                if not state(job.job_id):
                    break
                job.watcher.clear()  # which would not ask again
        overrides = job.submission().args[0]
        log.error(
            "Slurm's job %s (%s) ended as %s, without a result: %s",
            job.job_id, " ".join(overrides), job.state, job.paths.stderr,
        )  # fmt: skip
        died = JobReturn(overrides=overrides, status=JobStatus.FAILED if fail else JobStatus.COMPLETED)
        if fail:
            died.return_value = CompactHydraException(f"Slurm's job {job.job_id} ended as {job.state}")
        return [died]  # the end of the sweep names what is not done

    SlurmJob.results = patient


def state(job: str) -> str:
    """What Slurm calls a job that it still has, such as RUNNING; empty if it has it no longer or does not answer."""
    try:
        return subprocess.run(
            ["squeue", "--noheader", f"--jobs={job}", "--format=%T"],
            check=True, capture_output=True, text=True, timeout=60,
        ).stdout.strip()  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""


def requeue_if_preempted() -> None:
    """Requeue this process's job if it was asked to end while Slurm counts it as running.

    That is the grace period before a preemption: a job that ends in it has failed to Slurm, and would not be requeued.
    A job that was cancelled, met its time limit or was requeued already is completing by now.
    """
    job = os.environ.get("SLURM_JOB_ID")
    if not job or os.environ.get("SUBMITIT_EXECUTOR") != "slurm":
        return
    if state(job) == "RUNNING":
        log.warning("Slurm preempts this job: it is requeued")
        subprocess.run(["scontrol", "requeue", job], timeout=60)
