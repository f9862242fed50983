"""A sweep over n_aug against a single n_aug, as whole commands: three n_aug should not mean three trainings."""

import argparse
import subprocess
import sys
import tempfile
import time

from emogan.benchmark.record import Record, alternately

JOB = ("model=cbegan", "data.subjects=[1]")  # 15 GANs
SHORT = ("model.iterations=20", "model.hidden=50")  # for --quick
TURNS = 2  # at most: each takes minutes


def train(*arguments: str) -> None:
    """Run python -m emogan.train to its end.

    Raises
    ------
    RuntimeError
        If it fails; with what it said.
    """
    command = [sys.executable, "-m", "emogan.train", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with exit code {done.returncode}:\n{done.stdout}")


def seconds(*arguments: str) -> float:
    """How long `train` takes, from its start to its end, with a store of its own."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        train(*arguments, f"output={folder}")
        return time.perf_counter() - start


def measure(record: Record, options: argparse.Namespace) -> None:
    """The sweep and the single job turn by turn."""
    job = JOB + SHORT if options.quick else JOB
    sweep, single = alternately(
        min(TURNS, options.repeats),
        lambda: seconds("-m", "n_aug=50,200,2000", *job),
        lambda: seconds("n_aug=2000", *job),
    )
    record.add("n_aug_sweep_s", sweep, "s, three jobs")
    record.add("n_aug_single_s", single, "s, one job")
    record.add_ratio("n_aug_sweep_vs_single", sweep, single)
