"""Slurm: what a sweep needs of it, and how its jobs end."""

import logging
import shutil
import subprocess
import tempfile
from pathlib import Path

from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig

log = logging.getLogger(__name__)

LAUNCHER = "submitit_slurm"
PROGRAMS = ("sbatch", "srun", "squeue", "scontrol", "sacct")


def check(config: DictConfig) -> None:
    """Refuse a sweep that cannot run, or whose dead jobs would be waited for for ever.

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
    _check_accounting()
    for folder in (config.hydra.sweep.dir, config.store):
        _check_writable(Path(folder))


def _check_accounting() -> None:
    """sacct alone tells that a job died without a word."""
    try:
        subprocess.run(["sacct", "--noheader", "--allocations"], check=True, capture_output=True, text=True, timeout=20)
    except subprocess.SubprocessError as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1]
        raise OSError(
            f"machine=slurm needs Slurm's accounting, without which a dead job is waited for for ever. sacct says: "
            f"{said}. Ask who runs the cluster for slurmdbd, or start the sweep with machine=laptop in one job of Slurm"
        ) from error


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(f"cannot write to {folder}: {error.strerror}. Choose another output=FOLDER") from error


def wait_for_every_job() -> None:
    """Have a job that died told at once while the others are waited for, where submitit would end at the first."""
    from submitit import SlurmJob
    from submitit.core.utils import FailedJobError, UncompletedJobError

    results = SlurmJob.results

    def patient(job: SlurmJob) -> list:
        try:
            return results(job)
        except (FailedJobError, UncompletedJobError):
            overrides = job.submission().args[0]
            log.error(
                "Slurm's job %s (%s) ended as %s, without a result: %s",
                job.job_id, " ".join(overrides), job.state, job.paths.stderr,
            )  # fmt: skip
            return [JobReturn(overrides=overrides, status=JobStatus.COMPLETED)]  # what is not done is told at the end

    SlurmJob.results = patient
