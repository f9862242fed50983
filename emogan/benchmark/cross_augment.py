"""cross_augment against a loop of fit_resample over the same 45 folds, as a user of scikit-learn would write it."""

import argparse
from collections.abc import Callable

import torch
from sklearn.model_selection import StratifiedGroupKFold

from emogan.benchmark.limit import timed
from emogan.benchmark.record import Record, alternately
from emogan.environment import available_cores
from emogan.samplers.cross import cross_augment
from emogan.samplers.gans import CBEGANSampler
from emogan.simulation import people

SHUFFLES, FOLDS, N_AUG = 9, 5, 600
SHORT = {"iterations": 20, "hidden": 50}  # for --quick
TURNS = 2  # at most: each takes minutes


def seconds(work: Callable[[], object], threads: int) -> float:
    torch.set_num_threads(threads)
    return timed(work, "cpu")


def measure(record: Record, options: argparse.Namespace) -> None:
    """cBEGANs as configured on 33 eye movement features, turn by turn; the loop has the threads that suit it better."""
    data = people.load("seed", modality="eye", subjects=[1], sessions=[1])
    x, y, trial = data.x, data.y, data.trial
    shuffles = [StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed) for seed in range(SHUFFLES)]
    folds = [fold for one in shuffles for fold in one.split(x, y, trial)]
    sampler = CBEGANSampler(n_aug=N_AUG, random_state=0, **(SHORT if options.quick else {}))

    def loop(some: list) -> None:
        for train, _ in some:
            sampler.fit_resample(x[train], y[train])

    loop(folds[:1])  # imports and first uses count for neither side
    tried = {threads: seconds(lambda: loop(folds[:1]), threads) for threads in {1, available_cores()}}
    threads = min(tried, key=tried.get)
    one_by_one, at_once = alternately(
        min(TURNS, options.repeats),
        lambda: seconds(lambda: loop(folds), threads),
        lambda: seconds(lambda: list(cross_augment(x, y, folds, sampler=sampler)), available_cores()),
    )
    record.add("fit_resample_loop_s", one_by_one, "s", folds=len(folds), threads=threads)
    record.add("cross_augment_s", at_once, "s", folds=len(folds))
    record.add_ratio("cross_augment_vs_loop", one_by_one, at_once)
