"""A sweep: what is checked before it starts, and what it says and exits with at its end."""

import contextlib
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.utils import JobReturn
from hydra.errors import CompactHydraException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from emogan.environment import available_cores
from emogan.sweeps import expected, forecast, slurm
from emogan.sweeps.collect import Collection, collect_sweep
from emogan.sweeps.summary import ASKED, summary

log = logging.getLogger(__name__)

if "submitit_slurm.yaml" not in ConfigStore.instance().repo.get("hydra", {}).get("launcher", {}):
    # Stands in for the launcher of Slurm where that is not installed, so that machine=slurm can say what it needs.
    ConfigStore.instance().store("submitit_slurm", {}, group="hydra/launcher")


def joined(values: object) -> str:
    """A list as part of a folder's name; what should be one and is not is refused by the job."""
    return "-".join(map(str, values)) if isinstance(values, Sequence) else str("all" if values is None else values)


OmegaConf.register_new_resolver("joined", joined, replace=True)


@dataclass(frozen=True)
class Sweep:
    """What a sweep asks for: the overrides of its jobs, in a folder that may hold jobs of earlier sweeps.

    ``jobs`` is None with a sweeper that chooses them as it goes: which are missing and what is left is then not known.
    """

    folder: Path
    store: str
    jobs: list[tuple[str, ...]] | None
    launcher: str

    def collect(self) -> Collection:
        """What became of its jobs."""
        return collect_sweep(self.folder, self.jobs)

    def end(self, found: Collection, code: int) -> int:
        """Print what became of its jobs; 0 if all are done or dismissed, else ``code`` or 1."""
        kinds = {problem.kind for problem in found.problems}
        if not found.jobs and kinds <= {"missing"}:
            print(f"none of {len(found.problems)} jobs was started" if kinds else "no job was started")
            return code or 1
        if not kinds & {*ASKED}:
            others = f" and {len(found.problems)} dismissed" if kinds else ""
            print(f"all {len(found.jobs)} jobs are done{others}: {self.folder}")
            return 0 if self.jobs is not None else code  # what the sweeper itself ended with
        print(f"\n{self.folder}:\n{summary(found, traceback=True)}")
        if self.launcher == slurm.LAUNCHER and code > 128:  # a signal ended the wait for them
            print("what Slurm has of these jobs goes on: squeue --me shows it, scancel ends it")
        if kinds - {"failed", "dismissed"}:
            print(f"the same command again does what is not done, with the finished GANs of {self.store}")
        return code or 1


begun: Sweep | None = None  # in this process


class SweepCallback(Callback):
    """Called by Hydra before the first job of a sweep and after each."""

    def on_multirun_start(self, config: DictConfig, **kwargs) -> None:
        """Check a sweep before its first job, and remember it as `begun`.

        It is refused for unknown keys, impossible values, folders that jobs share, or a Slurm that cannot run it.
        """
        from emogan.jobs.settings import check_sweep  # here, so that tab completion need not wait for torch

        global begun
        loader = GlobalHydra.instance().config_loader()
        try:
            sweep = Sweep(
                Path(config.hydra.sweep.dir).resolve(),
                config.store,
                expected.expand(config.hydra, loader),
                config.hydra.runtime.choices["hydra/launcher"],
            )
            expected.refuse_shared_folders(
                OmegaConf.to_container(config.hydra.sweep, resolve=False)["subdir"], sweep.jobs
            )
            if sweep.launcher == slurm.LAUNCHER:
                slurm.check(config)
            check_sweep(config, sweep.jobs, loader)
            sweep.folder.mkdir(parents=True, exist_ok=True)
            # That of an earlier sweep is removed: its jobs are not this one's. The basic sweeper writes its own.
            (sweep.folder / "multirun.yaml").unlink(missing_ok=True)
            if sweep.jobs is None:
                OmegaConf.save(config, sweep.folder / "multirun.yaml")
        except (ValueError, OSError, ImportError, CompactHydraException) as error:
            sys.exit(str(error))  # all else that a callback raises is a mere warning to Hydra
        if sweep.launcher == slurm.LAUNCHER:
            slurm.wait_for_every_job(fail=sweep.jobs is None)
        begun = sweep
        if sweep.jobs is not None:
            log.info("%s", forecast.forecast(sweep.folder, sweep.jobs, jobs_at_once(config.hydra.launcher)))

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs) -> None:
        """Say how much of a sweep is left; its jobs may run in other processes than the one that began it."""
        folder = Path(config.hydra.sweep.dir)
        if config.hydra.mode is RunMode.MULTIRUN and (folder / "multirun.yaml").exists():
            with contextlib.suppress(ValueError):  # a glob, which cannot be expanded here
                jobs = expected.combinations(folder / "multirun.yaml")
                if jobs is not None:
                    log.info("%s", forecast.forecast(folder, jobs, jobs_at_once(config.hydra.launcher)))


def jobs_at_once(launcher: DictConfig) -> int:
    """How many jobs of a sweep a launcher runs at the same time, at most."""
    if "n_jobs" in launcher:
        return launcher.n_jobs if launcher.n_jobs and launcher.n_jobs > 0 else available_cores()
    return launcher.get("array_parallelism") or 1
