"""python -m emogan.train: train GANs, append their synthetic windows, score the gain on held-out trials."""

import contextlib
import logging
import signal
import sys
import traceback
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException
from hydra.types import RunMode
from omegaconf import DictConfig

from emogan import command_line
from emogan.environment import config_dir, let_waiting_threads_sleep
from emogan.sweeps import callback, expected, slurm

log = logging.getLogger(__name__)

let_waiting_threads_sleep()


def run(cfg: DictConfig) -> float | None:
    """Run one job (`emogan.jobs.job.run`) and return the metric that `optimized_metric` names.

    A SIGTERM ends the job with exit code 143. An error of the input is shown as its message alone; HYDRA_FULL_ERROR=1
    adds the traceback. In a sweep the message is logged at once, and the summary at the end of the sweep lists all jobs
    that failed. A failed job returns None to Hydra's basic sweeper, so that the others still run; any other sweeper
    gets the error, and decides.
    """
    from emogan.jobs import job, outputs, scores  # here, so that tab completion need not wait for torch

    end_on_sigterm()
    command_line.let_output_be_written()  # of a process that a launcher started
    in_sweep = HydraConfig.initialized() and HydraConfig.get().mode is RunMode.MULTIRUN
    folder = Path(cfg.folder).expanduser()
    try:
        table = outputs.with_inner_accuracy(job.run(cfg), folder)
        if not in_sweep:
            log.info("report: %s", command_line.command("emogan.report", folder))
        return scores.objective(table, cfg.optimized_metric)
    except Exception as error:
        with contextlib.suppress(OSError):  # outputs that cannot be written may be why it failed
            outputs.write_failure(folder, error, traceback.format_exc())
        if in_sweep:
            log.error("%s: %s", type(error).__name__, error)
            if expected.is_basic(HydraConfig.get()):
                return None
            raise CompactHydraException(f"{type(error).__name__}: {error}") from error
        if isinstance(error, command_line.INPUT_ERRORS):
            raise CompactHydraException(str(error)) from error
        raise


def end_on_sigterm() -> None:
    """Let a SIGTERM end this process as an exit with code 143 does; a job that Slurm preempts is requeued."""

    def end(*_) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # one is enough
        slurm.requeue_if_preempted()
        sys.exit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)


@hydra.main(version_base="1.3", config_path=config_dir(), config_name="train")
def main(cfg: DictConfig) -> float | None:
    return __import__("emogan.train").train.run(cfg)


def command() -> None:
    """The command line: `main`, and at the end of a sweep what became of its jobs; exit code 0 if all are done."""
    end_on_sigterm()
    code = 0
    try:
        command_line.run(main, explained="train")
    except BaseException as error:
        ended = isinstance(error, SystemExit) and error.code == 128 + signal.SIGTERM
        if callback.begun is None and not ended and not isinstance(error, KeyboardInterrupt):
            raise
        code = exit_code(error)
    if callback.begun is not None:
        code = end_sweep(callback.begun, code)
    elif code:
        print("interrupted; the same command again resumes what was being trained", file=sys.stderr)
    sys.exit(code)


def end_sweep(sweep: callback.Sweep, code: int) -> int:
    """Print what became of a sweep's jobs, how its models compare and what to type next; the exit code."""
    found = sweep.collect()
    code = sweep.end(found, code)
    if len(found.jobs) > 1:
        from emogan.report.overview import overview

        try:
            print(f"\n{overview([job.folder for job in found.jobs])}\n")
        except ValueError as error:  # the jobs are what they are
            print(f"no comparison of the models: {error}")
    if found.jobs:
        print(f"report: {command_line.command('emogan.report', sweep.folder)}")
    if code and found.problems:
        print(f"what is not done: {command_line.command('emogan.status', sweep.folder)}")
    return code


def exit_code(error: BaseException) -> int:
    """What Python would exit with; what it would print is printed."""
    if isinstance(error, SystemExit) and isinstance(error.code, int):
        return error.code
    if isinstance(error, KeyboardInterrupt):
        return 128 + signal.SIGINT
    traceback.print_exception(error)
    return 1


if __name__ == "__main__":
    command()
