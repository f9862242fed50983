"""What a GPU gains: GAN-steps per second, stacked and one at a time, there and on the CPU, and Table 1."""

import argparse
import contextlib
import functools
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import lightning
import pandas as pd
import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity

from emogan.benchmark import draw
from emogan.benchmark.gpu_checks import held, mean_accuracy
from emogan.benchmark.gpu_sizes import Sizes
from emogan.benchmark.limit import synchronise, timed
from emogan.benchmark.record import Record, spread
from emogan.benchmark.steps import Part, verdict
from emogan.benchmark.training import CLASSES, PLAIN, Case, Stopwatch, alone_ms, train_stacked
from emogan.environment import available_cores

PROFILED = 5  # iterations
STOPPING_S = 5  # of what is left of a step: for writing down what Table 1 has come to


class Profiled(lightning.Callback):
    """Profiles some iterations behind a given one: a GPU's kernels, or a CPU's operators."""

    def __init__(self, device: str, first: int):
        self.device, self.first, self.last = device, first, first + PROFILED
        activity = ProfilerActivity.CPU if device == "cpu" else ProfilerActivity.CUDA
        self.profile = torch.profiler.profile(activities=[activity])

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if batch_idx + 1 == self.first:
            synchronise(self.device)
            self.profile.start()
        elif batch_idx + 1 == self.last:
            synchronise(self.device)
            self.profile.stop()

    def found(self) -> dict:
        """Milliseconds and number of kernels of an iteration, and which take the most time."""
        kind = DeviceType.CPU if self.device == "cpu" else DeviceType.CUDA
        kernels = [
            event for event in self.profile.key_averages()
            if event.device_type == kind and not event.is_user_annotation  # which spans kernels
        ]  # fmt: skip
        if not kernels:
            raise RuntimeError("the profiler has seen no kernel: may this process read the GPU's counters?")
        field = "self_cpu_time_total" if self.device == "cpu" else "self_device_time_total"
        ms = [getattr(event, field) / 1000 / PROFILED for event in kernels]
        largest = sorted(zip(ms, kernels, strict=True), key=lambda pair: pair[0], reverse=True)[:8]
        return {
            "kernel_ms": sum(ms), "kernels": sum(event.count for event in kernels) / PROFILED,
            "largest_ms": [[event.key[:120], one] for one, event in largest],
        }  # fmt: skip


def cases(sizes: Sizes, device: str | None = None) -> Iterator[Case]:
    """Every GAN that is measured, in every shape."""
    for (features, hidden), gan in itertools.product(sizes.shapes, sizes.measured):
        yield Case(gan, features, hidden, device=device or sizes.device)


def name(case: Case) -> str:
    return f"{case.gan}_{case.features}_{case.hidden}"


def stacked(sizes: Sizes, until: float) -> Iterator[Part]:
    """Groups of GANs of every size that a job makes, the largest first."""
    for members in sorted(sizes.members, reverse=True):
        for case in cases(sizes):
            yield f"{name(case)}_m{members}", functools.partial(speed, sizes, case, members)


def large(sizes: Sizes, until: float) -> Iterator[Part]:
    """One group that is larger than any that a job makes: whether such groups would pay."""
    for case in cases(sizes):
        yield f"{name(case)}_m{sizes.large}", functools.partial(speed, sizes, case, sizes.large)


def alone(sizes: Sizes, until: float) -> Iterator[Part]:
    """One GAN at a time: as plain modules in Lightning, or a stack of one."""
    for case in cases(sizes):
        yield name(case), functools.partial(plain_speed if case.gan in PLAIN else single_speed, sizes, case)


def on_cpu(sizes: Sizes, until: float) -> Iterator[Part]:
    """A group as a job makes it on the CPU, on all cores."""
    for case in cases(sizes, "cpu"):
        yield name(case), functools.partial(speed, sizes, case, sizes.on_cpu)


def precision(sizes: Sizes, until: float) -> Iterator[Part]:
    """Groups in float32, TF32 and bf16-mixed."""
    for case in cases(sizes):
        yield name(case), functools.partial(precisions, sizes, case)


def busy(sizes: Sizes, until: float) -> Iterator[Part]:
    """The share of an iteration in which the GPU computes: what is left, CUDA graphs could save."""
    for members in sorted({max(sizes.members), min(sizes.members)}, reverse=True):
        for case in cases(sizes):
            yield f"{name(case)}_m{members}", functools.partial(share_busy, sizes, case, members)


def drawing(sizes: Sizes, until: float) -> Iterator[Part]:
    """Mini-batches and noise of an iteration."""
    yield "on_the_device", functools.partial(draw_ms, sizes)
    yield "on_one_core", on_one_core


def table1(sizes: Sizes, until: float) -> Iterator[Part]:
    """Table 1 from data to scores."""
    yield "jobs", functools.partial(jobs_of_table1, sizes, until)


def laps(sizes: Sizes, case: Case, members: int, *callbacks: lightning.Callback, more: int = 0) -> list[float]:
    """Milliseconds of an iteration of M GANs in one group, several times; ``more`` iterations follow."""
    torch.set_num_threads(available_cores())
    marks = [sizes.warm_up + lap * sizes.lap for lap in range(sizes.laps + 1)]
    watch = Stopwatch(*marks)
    train_stacked(case, members, marks[-1] + more, watch, *callbacks)
    return [1000 * seconds / sizes.lap for seconds in watch.laps]


def rates(ms: list[float], members: int) -> dict:
    """Iterations' milliseconds, and GAN-steps per second."""
    return {"ms_per_iteration": spread(ms), "gan_steps_per_s": spread([1000 * members / one for one in ms])}


def speed(sizes: Sizes, case: Case, members: int) -> dict:
    """Of M GANs in one group, with the most memory that they hold."""
    ms, most = held(case.device, lambda: laps(sizes, case, members))
    return {"gans": members, **rates(ms, members), "bytes_of_gpu_memory": most}


def plain_speed(sizes: Sizes, case: Case) -> dict:
    """Of plain modules, one GAN after the other."""
    options = argparse.Namespace(plain_gans=1, warm_up=sizes.warm_up, iterations=sizes.lap)
    return rates([alone_ms(case, 1, options) for _ in range(2)], 1)


def single_speed(sizes: Sizes, case: Case) -> dict:
    """Of a stack of one, where there is no plain module."""
    return {"a_stack_of_one": True, **rates(laps(sizes, case, 1), 1)}


def precisions(sizes: Sizes, case: Case) -> dict:
    """Of the largest group in three precisions, and ratios to float32."""
    members = max(sizes.members)
    found = {"float32": rates(laps(sizes, case, members), members)}
    found["tf32"] = rates(laps(sizes, case, members, TF32()), members)
    found["bf16_mixed"] = rates(laps(sizes, replace(case, precision="bf16-mixed"), members), members)
    medians = {kind: one["gan_steps_per_s"]["median"] for kind, one in found.items()}
    ratios = {f"{kind}_vs_float32": medians[kind] / medians["float32"] for kind in ("tf32", "bf16_mixed")}
    return {"gans": members, **ratios, **found}


class TF32(lightning.Callback):
    """Has float32 matrix products computed in TF32 while GANs train; a fit puts the usual precision back."""

    def on_train_start(self, trainer, module):
        torch.set_float32_matmul_precision("high")


def share_busy(sizes: Sizes, case: Case, members: int) -> dict:
    """Kernels' time in parts of the time that an iteration takes unprofiled."""
    profiled = Profiled(case.device, sizes.warm_up + sizes.laps * sizes.lap)
    ms = spread(laps(sizes, case, members, profiled, more=PROFILED))
    found = profiled.found()
    return {"gans": members, "share": found["kernel_ms"] / ms["median"], "ms_per_iteration": ms, **found}


def draw_ms(sizes: Sizes) -> dict:
    """Of as many GANs as `emogan.benchmark.draw` has, on the device."""
    case = Case("cbegan", draw.FEATURES, 100, device=sizes.device)
    _, source = draw.sources(draw.MEMBERS, draw.FEATURES)
    source.feed(case.augmenter(1).build(source.members, source.features, CLASSES), sizes.device)
    source.draw(0)
    return {"gans": draw.MEMBERS, "ms": spread([1000 * timed(lambda: source.draw(1), sizes.device) for _ in range(20)])}


def on_one_core() -> dict:
    """`emogan.benchmark.draw`: all at once, and with a loop over GANs."""
    record = Record()
    draw.measure(record, argparse.Namespace(repeats=1))
    return record.measured


def jobs_of_table1(sizes: Sizes, until: float) -> dict:
    """The jobs of the sweep that are done before its time is up: seconds of each stage, and mean accuracies."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable, "-m", "emogan.train", "experiment=table1", f"machine.accelerator={sizes.accelerator}",
            *sizes.table1, f"output={folder}",
        ]  # fmt: skip
        printed, start = Path(folder) / "printed.txt", time.monotonic()
        code = None
        with printed.open("w") as out, contextlib.suppress(subprocess.TimeoutExpired):
            left = max(1.0, until - STOPPING_S - start)
            code = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, timeout=left).returncode
        jobs = {one.parent.name: job_of_table1(one) for one in sorted(Path(folder).glob("*/*/scores.csv"))}
        tail = printed.read_text(errors="replace")[-3000:] if code else ""
    return verdict(
        not code, options=list(sizes.table1), whole_sweep=code == 0, seconds_of_all=round(time.monotonic() - start, 1),
        jobs=jobs, **({"error": tail} if code else {}),
    )  # fmt: skip


def job_of_table1(scores: Path) -> dict:
    """What one job took, where, and what it found."""
    run = json.loads(scores.with_name("run.json").read_text(encoding="utf-8"))
    return {
        "seconds": run["seconds"], "device": run["device"], "threads": run["threads"],
        "accuracy": mean_accuracy(pd.read_csv(scores)),
    }  # fmt: skip
