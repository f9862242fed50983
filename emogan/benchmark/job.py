"""Whole jobs with worker processes against jobs in a single process, and against their matrix products alone."""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from emogan.benchmark.record import Record, alternately
from emogan.benchmark.sweep import train
from emogan.benchmark.training import CLASSES, Case, limit_ms, products
from emogan.environment import available_cores

SHAPES = ((33, 100, 100), (351, 100, 100), (351, 300, 30))  # features, hidden nodes, iterations
SUBJECTS, TRIALS, WINDOWS = 3, 15, 56  # of each trial, as SEED's
GANS = 25 * SUBJECTS  # five folds, and four inner ones of each
QUICK = 3  # iterations
TURNS = 3  # at most: each job takes up to a minute


def write_table(path: Path, features: int) -> None:
    """Windows of one experiment of each subject, as one's own table; what they hold does not matter here."""
    random = np.random.default_rng(0)
    number = np.repeat(np.arange(SUBJECTS * TRIALS), WINDOWS)
    subject, trial = np.divmod(number, TRIALS)
    x = random.normal(size=(len(number), features)) + random.normal(size=(SUBJECTS * TRIALS, features))[number]
    kinds = np.array(["eeg"] * features)
    np.savez(path, x=x, y=trial % CLASSES, trial=trial, subject=subject + 1, modality=kinds)


def seconds(table: Path, hidden: int, iterations: int, *options: str) -> dict[str, float]:
    """Seconds that a new job takes from loading to its scores, by stage."""
    with tempfile.TemporaryDirectory() as folder:
        train(
            "data=features", f"data.path={table}", f"folder={folder}", f"output={folder}", "modality=eeg",
            "model=cbegan", f"model.iterations={iterations}", f"model.hidden={hidden}", "n_aug=[0,200]",
            "evaluation.c_exponents=[-10,2]", "quality=false", *options,
        )  # fmt: skip
        return json.loads(Path(folder, "run.json").read_text(encoding="utf-8"))["seconds"]


def measure_shape(record: Record, options: argparse.Namespace, table: Path, case: Case, iterations: int) -> None:
    """Jobs in one process and in a worker for each core, and the products, turn by turn."""
    cores = available_cores()
    counts = products(case)
    alone, together, limit = alternately(
        min(TURNS, options.repeats),
        lambda: seconds(table, case.hidden, iterations, "machine.workers=1"),
        lambda: seconds(table, case.hidden, iterations, f"machine.workers={cores}"),
        lambda: limit_ms(case, counts, GANS) * GANS * iterations / 1000,
    )
    for workers, jobs in ((1, alone), (cores, together)):
        for stage in ("fit", "score"):
            record.add(f"job_{stage}_s_{case.key}_workers_{workers}", [job[stage] for job in jobs], "s")
        record.add(f"job_s_{case.key}_workers_{workers}", [sum(job.values()) for job in jobs], "s", gans=GANS)
    whole = [[sum(job.values()) for job in jobs] for jobs in (alone, together)]
    record.add_ratio(f"job_vs_single_process_{case.key}", *whole)
    training = [[job["fit"] for job in jobs] for jobs in (alone, together)]  # nearly all of a job of full length
    record.add_ratio(f"job_training_vs_single_process_{case.key}", *training)
    record.add_ratio(f"job_share_of_limit_{case.key}", limit, [job["fit"] for job in together])


def measure(record: Record, options: argparse.Namespace) -> None:
    """Each shape; the share of the limit is that of the stage in which GANs train, as in the section training."""
    with tempfile.TemporaryDirectory() as folder:
        for features, hidden, iterations in SHAPES:
            table = Path(folder, f"{features}.npz")
            write_table(table, features)
            case = Case("cbegan", features, hidden)
            measure_shape(record, options, table, case, QUICK if options.quick else iterations)
