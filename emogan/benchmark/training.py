"""Stacked training against one GAN at a time, and against the time that the matrix products alone take."""

import argparse
import functools
import itertools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import lightning
import numpy as np
import torch
from lightning.pytorch.plugins.environments import LightningEnvironment
from omegaconf import DictConfig

from emogan.augmenters import GANAugmenter
from emogan.augmenters.fit import GROUP, GROUP_ON_CPU
from emogan.benchmark import plain
from emogan.benchmark.limit import Products, limit_s, synchronise
from emogan.benchmark.record import Record, alternately
from emogan.data.training_set import TrainingSet
from emogan.environment import available_cores, quieten_lightning
from emogan.jobs.settings import construct
from emogan.keys import composed
from emogan.training.trainer import TrainerSettings

WINDOWS, CLASSES = 674, 3  # a training set of SEED; what the windows hold does not matter here
TRIAL = 45  # windows of a trial
PLAIN = {"cbegan": plain.PlainCBEGAN, "cwgan": plain.PlainCWGAN}


@dataclass(frozen=True)
class Case:
    """Networks of one shape, trained on one device."""

    gan: str
    features: int
    hidden: int
    layers: int | None = None  # None: as configured
    device: str = "cpu"
    precision: str = "32-true"

    @property
    def key(self) -> str:
        """What its numbers are called by: 351_300, 351_300_cwgan, 351_300_gpu."""
        others = [self.gan] * (self.gan != "cbegan") + ["gpu"] * (self.device != "cpu")
        return "_".join([str(self.features), str(self.hidden), *others])

    @property
    def accelerator(self) -> str:
        return "cpu" if self.device == "cpu" else "gpu"

    def augmenter(self, iterations: int | None = None) -> GANAugmenter:
        """The augmenter that this GAN's config describes, for as many iterations as it says unless they are given."""
        cfg = _configured(self.gan).copy()
        cfg.merge_with({
            "hidden": self.hidden, "layers": self.layers or cfg.layers, "iterations": iterations or cfg.iterations
        })  # fmt: skip
        return construct(cfg)

    @property
    def batch_size(self) -> int:
        return self.augmenter().training["batch_size"]

    @property
    def iterations(self) -> int:
        return self.augmenter().training["iterations"]

    @property
    def widths(self) -> list[int]:
        return [self.hidden] * self.augmenter().settings["layers"]


@functools.cache
def _configured(gan: str) -> DictConfig:
    return composed("train", f"model={gan}").model


class Stopwatch(lightning.Callback):
    """Seconds between the ends of some batches, which count from 1."""

    def __init__(self, *batches: int):
        self.batches, self.times = batches, []

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if batch_idx + 1 in self.batches:
            synchronise(module.device.type)
            self.times.append(time.perf_counter())

    @property
    def laps(self) -> list[float]:
        """From each of them to the next."""
        return [end - start for start, end in itertools.pairwise(self.times)]

    @property
    def seconds(self) -> float:
        """From the first to the last."""
        return sum(self.laps)


def training_sets(members: int, features: int) -> list[TrainingSet]:
    """Random windows of M training sets, as many and of as many trials as those of SEED."""
    random, trial = np.random.default_rng(0), np.arange(WINDOWS) // TRIAL
    return [
        TrainingSet.scaled(random.random((WINDOWS, features)), random.integers(CLASSES, size=WINDOWS), trial)
        for _ in range(members)
    ]


def train_stacked(case: Case, members: int, iterations: int, *callbacks: lightning.Callback) -> GANAugmenter:
    """Train M stacked GANs as a job does, with callbacks; no word of what so short a training has not learned."""
    return case.augmenter(iterations).fit(
        training_sets(members, case.features),
        classes=CLASSES,
        callbacks=lambda *_: callbacks,
        report=lambda _: None,
        trainer=TrainerSettings({"accelerator": case.accelerator, "precision": case.precision}),
    )


def products(case: Case) -> Mapping[tuple[int, int, int], int]:
    """How many matrix products of which shape an iteration of one GAN takes."""
    counted = Products()
    train_stacked(case, 1, 1, counted)
    return counted.counts


def stacked_ms(case: Case, members: int, options: argparse.Namespace) -> float:
    """Milliseconds per iteration and GAN of M stacked GANs, in groups as a job trains them."""
    torch.set_num_threads(available_cores())
    iterations, seconds = options.warm_up + options.iterations, 0.0
    size = GROUP_ON_CPU if case.accelerator == "cpu" else GROUP
    for start in range(0, members, size):
        group = min(size, members - start)
        watch = Stopwatch(options.warm_up, iterations)
        train_stacked(case, group, iterations, watch)
        seconds += watch.seconds
    return 1000 * seconds / options.iterations / members


def alone_ms(case: Case, threads: int, options: argparse.Namespace) -> float:
    """Milliseconds per iteration of a GAN that is trained alone, over several that are trained one after the other."""
    torch.set_num_threads(threads)
    x, y = torch.rand(WINDOWS, case.features), torch.randint(CLASSES, (WINDOWS,))
    seconds = 0.0
    for _ in range(options.plain_gans):
        model = PLAIN[case.gan](case.features, CLASSES, case.widths)
        batches = [model.draws * n for n in (options.warm_up, options.warm_up + options.iterations)]
        watch = Stopwatch(*batches)
        trainer = lightning.Trainer(
            accelerator=case.accelerator, devices=1, max_epochs=1, callbacks=[watch], logger=False,
            enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
            plugins=[LightningEnvironment()],
        )  # fmt: skip
        trainer.fit(model, plain.loader(x, y, batches[1], case.batch_size))
        seconds += watch.seconds
    return 1000 * seconds / options.iterations / options.plain_gans


def limit_ms(case: Case, counts: Mapping[tuple[int, int, int], int], members: int) -> float:
    """Milliseconds per iteration and GAN that the matrix products alone take, stacked, on all cores."""
    torch.set_num_threads(available_cores())
    return 1000 * limit_s(counts, members, case.device)


def devices() -> list[str]:
    """The CPU and, if there is one, the accelerator."""
    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return ["cpu"] + ([found.type] if found else [])


def cases() -> Iterator[Case]:
    for device in devices():
        for gan in PLAIN:
            for features in (33, 310, 351):  # eye movements, EEG, both
                for hidden in (100, 300):
                    yield Case(gan, features, hidden, device=device)


def measure(record: Record, options: argparse.Namespace) -> None:
    """Stacked, alone and the products of the same shapes, turn by turn."""
    quieten_lightning()
    for case in cases():
        tried = {threads: alone_ms(case, threads, options) for threads in {1, available_cores()}}
        threads = min(tried, key=tried.get)
        counts = products(case)
        stacked, alone, limit = alternately(
            options.repeats,
            lambda case=case: stacked_ms(case, options.members, options),
            lambda case=case, threads=threads: alone_ms(case, threads, options),
            lambda case=case, counts=counts: limit_ms(case, counts, options.members),
        )
        record.add(f"stacked_ms_{case.key}", stacked, "ms per iteration and GAN", members=options.members)
        record.add(f"loop_ms_{case.key}", alone, "ms per iteration and GAN", threads=threads)
        record.add(f"limit_ms_{case.key}", limit, "ms per iteration and GAN")
        record.add_ratio(f"stacked_vs_loop_{case.key}", alone, stacked)
        record.add_ratio(f"share_of_limit_{case.key}", limit, stacked)
