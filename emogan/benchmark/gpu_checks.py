"""Checks of a GPU: the same draws, GANs, checkpoints and groups there as on the CPU."""

import contextlib
import functools
import gc
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import lightning
import pandas as pd
import torch
from hydra import compose, initialize_config_dir
from torch import Tensor

from emogan.augmenters import GANAugmenter
from emogan.augmenters.fit import CachedFit, Fits
from emogan.benchmark.gpu_sizes import Sizes
from emogan.benchmark.machine import driver, gpu, machine
from emogan.benchmark.steps import Part, verdict
from emogan.benchmark.training import CLASSES, WINDOWS, Case, train_stacked, training_sets
from emogan.environment import config_dir
from emogan.evaluation.plan import Plan
from emogan.jobs import job
from emogan.jobs.settings import construct
from emogan.models import Batch
from emogan.store import Store, with_prefix
from emogan.training.batches import MemberBatches
from emogan.training.memory import SHARE, bytes_per_member
from emogan.training.trainer import TrainerSettings

# How far apart half of the generators may be: the root mean square of the differences of a generator's weights, in
# parts of learning rate times updates, which is about as far as Adam moves a weight. Float32 is 7e-6 from float64 after
# 5 updates, and 2e-3 at most after 300, as what is rounded otherwise grows in training (33 features and 100 nodes, on a
# CPU). With sums in another order a few generators of a hundred came 2e-2 apart after 5 updates: a ReLU or an absolute
# value had another sign.
AFTER_FEW, AFTER_MANY = 1e-3, 0.05
RESUMED, CUT_AT = 20, 5  # updates of what is cut off and resumed
SCARCE = 0.6  # of the memory that a group takes
Generators = Sequence[Mapping[str, Tensor]]


class CutOffError(Exception):
    """Training was cut off."""


class CutOff(lightning.Callback):
    """Cuts training off at an iteration."""

    changes_training = False

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if batch_idx + 1 == CUT_AT:
            raise CutOffError


class Full(lightning.Callback):
    """Stands in for a GPU's memory, which a CPU lacks: more than ``most`` GANs are refused as PyTorch refuses them."""

    changes_training = False

    def __init__(self, most: int):
        self.most = most

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        if module.members > self.most:
            raise torch.OutOfMemoryError(f"raised on purpose: {module.members} GANs, {self.most} allowed")


class Synchronisations(lightning.Callback):
    """Where Python waits for the GPU between the ends of two batches, by PyTorch's own account; nowhere on a CPU."""

    def __init__(self, first: int, last: int):
        self.first, self.last = first, last
        self.stack, self.waits = contextlib.ExitStack(), Counter()

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if batch_idx + 1 == self.first:
            self.caught = self.stack.enter_context(warnings.catch_warnings(record=True))
            warnings.simplefilter("always")
            if module.device.type == "cuda":
                torch.cuda.set_sync_debug_mode("warn")
                self.stack.callback(torch.cuda.set_sync_debug_mode, "default")
        elif batch_idx + 1 == self.last:
            self.stack.close()
            self.waits.update(
                f"{one.filename}:{one.lineno}" for one in self.caught if "called a synchronizing" in str(one.message)
            )


def machine_parts(sizes: Sizes, until: float) -> Iterator[Part]:
    """What all is run on."""
    yield "processor", machine
    yield "gpu", functools.partial(gpu, sizes.device)
    yield "driver", driver


def draws(sizes: Sizes, until: float) -> Iterator[Part]:
    """Mini-batches and noise, bit for bit."""
    for gan in sizes.gans:
        yield gan, functools.partial(same_draws, sizes, gan)


def jobs(sizes: Sizes, until: float) -> Iterator[Part]:
    """A small job on the device and on the CPU."""
    yield f"after_{sizes.few}_updates", functools.partial(same_job, sizes, sizes.few, AFTER_FEW)
    yield f"after_{sizes.many}_updates", functools.partial(same_job, sizes, sizes.many, AFTER_MANY)


def gans(sizes: Sizes, until: float) -> Iterator[Part]:
    """Every GAN: trained, sampled, read where there is no GPU, trained again."""
    for gan in sizes.gans:
        yield gan, functools.partial(trains, sizes, gan)


def resumption(sizes: Sizes, until: float) -> Iterator[Part]:
    """Training that is cut off and resumed: on the device, and between it and the CPU."""
    for gan in sizes.gans:
        yield f"{gan}_on_the_device", functools.partial(resumes, sizes, gan, sizes.device, sizes.device)
    yield "cbegan_then_on_the_cpu", functools.partial(resumes, sizes, "cbegan", sizes.device, "cpu")
    yield "cbegan_from_the_cpu", functools.partial(resumes, sizes, "cbegan", "cpu", sizes.device)


def memory(sizes: Sizes, until: float) -> Iterator[Part]:
    """Groups that do not fit are halved; and what a GAN takes is what is reckoned with."""
    yield "halved", functools.partial(halves, sizes)
    for gan in sizes.gans:
        yield f"estimate_{gan}", functools.partial(fits_as_estimated, sizes, gan)


def synchronisations(sizes: Sizes, until: float) -> Iterator[Part]:
    """Lines that wait for the GPU in every iteration."""
    for gan in sizes.gans:
        yield gan, functools.partial(waits, sizes, gan)


def same_draws(sizes: Sizes, gan: str) -> dict:
    """Batches of some iterations on both devices."""
    features, hidden = sizes.shapes[0]
    sets, seeds = training_sets(3, features), [0, 1, 2**62 + 1]
    drawn = []
    for device in ("cpu", sizes.device):
        source = MemberBatches(sets, seeds, classes=CLASSES)
        source.feed(Case(gan, features, hidden).augmenter(1).build(len(sets), features, CLASSES, seeds), device)
        drawn.append([source.draw(iteration) for iteration in (0, 1, 999, 10**6)])
    tensors = [name for name in Batch._fields if name not in ("classes", "groups", "scale", "shift")]
    differ = {
        name for pair in zip(*drawn, strict=True) for name in tensors
        if not torch.equal(*(getattr(batch, name).cpu() for batch in pair))
    }  # fmt: skip
    return verdict(not differ, compared=list(tensors), differ=sorted(differ))


def same_job(sizes: Sizes, updates: int, tolerance: float) -> dict:
    """Whole jobs with cBEGANs: their generators and scores, and a checkpoint without anything of the GPU."""
    options = [*sizes.job, "model=cbegan", f"model.iterations={updates}", "quality=false"]
    with tempfile.TemporaryDirectory() as folder:
        done = [
            do_job(Path(folder) / place, f"machine.accelerator={accelerator}", *options)
            for place, accelerator in (("cpu", "cpu"), ("device", sizes.accelerator))
        ]
    (augmenter, ours, scores, _), (_, others, other_scores, devices) = done
    apart = distance(augmenter, list(ours.values()), [others[key] for key in ours], updates)
    changes = (other_scores.accuracy - scores.accuracy).abs()
    return verdict(
        apart["rms"] <= tolerance and devices == {"cpu"}, tolerance=tolerance, **apart, gans=len(ours),
        devices_in_checkpoint=sorted(devices), accuracy_on_the_cpu=mean_accuracy(scores),
        accuracy_on_the_device=mean_accuracy(other_scores), largest_difference_of_accuracy=float(changes.max()),
        share_of_scores_that_differ=float((changes > 0).mean()),
    )  # fmt: skip


def do_job(folder: Path, *options: str) -> tuple[GANAugmenter, dict[str, dict], pd.DataFrame, set[str]]:
    """Its augmenter, the generators by their keys, the scores, and the devices of the tensors in its checkpoint."""
    with initialize_config_dir(config_dir(), version_base="1.3"):
        cfg = compose("train", [*options, f"folder={folder / 'job'}", f"store={folder / 'store'}"])
    scores = job.run(cfg)
    store, devices = Store(folder / "store"), set()
    generators = {
        key: with_prefix(store.load(key)[0], "generator.")
        for key, fields in store.describe() if "end" in fields
    }  # fmt: skip

    def note(storage: torch.UntypedStorage, device: str) -> torch.UntypedStorage:
        devices.add(device)
        return storage

    torch.load(folder / "job" / "checkpoint.ckpt", map_location=note, weights_only=True)
    return construct(cfg.model), generators, scores, devices


def mean_accuracy(scores: pd.DataFrame) -> dict[str, float]:
    """By the number of windows appended."""
    return {str(n): float(value) for n, value in scores.groupby("n_aug").accuracy.mean().items()}


def trains(sizes: Sizes, gan: str) -> dict:
    """A GAN on the device, the same from its cache entries without it, again, and on the CPU."""
    plan = Plan([], [], [], halved=0)  # without donors
    with tempfile.TemporaryDirectory() as folder:
        fit, trained = train(sizes, gan, sizes.device, sizes.few, store=Store(folder))
        windows = job.sample(fit.augmenter, trained, 60, CLASSES, plan).x
        loaded, entries = train(sizes, gan, "cpu", sizes.few, store=Store(folder))
        same_windows = bool((job.sample(loaded.augmenter, entries, 60, CLASSES, plan).x == windows).all())
    (_, again), (_, on_cpu) = (train(sizes, gan, device, sizes.few) for device in (sizes.device, "cpu"))
    repeated = distance(fit.augmenter, trained.generators, again.generators, sizes.few)["same_bits"]
    apart = distance(fit.augmenter, trained.generators, on_cpu.generators, sizes.few)
    return verdict(
        not entries.trained and same_windows and repeated and apart["rms"] <= AFTER_FEW,
        trained_anew_on_the_cpu=len(entries.trained), same_windows_from_the_cache=same_windows,
        same_bits_again=repeated, from_the_cpu=apart, tolerance=AFTER_FEW,
    )  # fmt: skip


def resumes(sizes: Sizes, gan: str, first: str, then: str) -> dict:
    """Training that is cut off on one device and goes on on another, against training there in one go."""
    with tempfile.TemporaryDirectory() as folder:
        with contextlib.suppress(CutOffError):
            train(sizes, gan, first, RESUMED, {"cut": CutOff()}, store=Store(folder), checkpoint_s=0)
        fit, fits = train(sizes, gan, then, RESUMED, store=Store(folder))
    _, whole = train(sizes, gan, then, RESUMED)
    apart = distance(fit.augmenter, fits.generators, whole.generators, RESUMED)
    alike = apart["same_bits"] if first == then else apart["rms"] <= AFTER_MANY
    return verdict(fits.resumed and alike, resumed=fits.resumed, **apart)


def halves(sizes: Sizes) -> dict:
    """A group that the memory does not hold, against one that it holds."""
    crowd = functools.partial(
        train, sizes, "cbegan", sizes.device, sizes.few, shape=-1, members=sizes.crowd, group_size=sizes.crowd
    )
    whole, most = held(sizes.device, lambda: crowd()[1])
    with scarce(sizes, most) as callbacks:
        fit, fits = crowd(callbacks)
    apart = distance(fit.augmenter, fits.generators, whole.generators, sizes.few)
    return verdict(
        fit.size < sizes.crowd and apart["rms"] <= AFTER_FEW, gans=sizes.crowd, trained_in_groups_of=fit.size,
        bytes_of_the_whole_group=most, tolerance=AFTER_FEW, **apart,
    )  # fmt: skip


def fits_as_estimated(sizes: Sizes, gan: str) -> dict:
    """The most memory that a group holds at once, against the estimate that sets the size of groups."""
    case = Case(gan, *sizes.shapes[-1], device=sizes.device)
    _, most = held(sizes.device, lambda: train_stacked(case, sizes.crowd, sizes.few))
    estimate = bytes_per_member(case.augmenter(1).build(1, case.features, CLASSES), case.batch_size, WINDOWS)
    found = {"bytes_of_a_gan": most and most / sizes.crowd, "estimate": estimate}
    return verdict(most is None or most / sizes.crowd <= estimate / SHARE, **found)


def waits(sizes: Sizes, gan: str) -> dict:
    """By line, how often Python waits in some iterations."""
    seen = Synchronisations(sizes.warm_up, sizes.warm_up + 30)
    train_stacked(Case(gan, *sizes.shapes[0], device=sizes.device), sizes.checked, seen.last, seen)
    iterations = seen.last - seen.first
    found = {"iterations": iterations, "lines": dict(seen.waits.most_common(20))}
    return verdict(max(seen.waits.values(), default=0) < iterations, **found)


def train(
    sizes: Sizes, gan: str, device: str, updates: int, callbacks: Mapping | None = None, *, shape: int = 0,
    members: int | None = None, store: Store | None = None, **settings,
) -> tuple[CachedFit, Fits]:  # fmt: skip
    """GANs on random windows, through a cache of their own if none is given."""
    features, hidden = sizes.shapes[shape]
    case, members = Case(gan, features, hidden, device=device), members or sizes.checked
    trainer = TrainerSettings({"accelerator": case.accelerator}, callbacks)
    with contextlib.ExitStack() as stack:
        store = store or Store(stack.enter_context(tempfile.TemporaryDirectory()))
        data = training_sets(members, features), CLASSES, [0] * members
        fit = CachedFit(case.augmenter(updates), *data, store, trainer=trainer, **settings)
        return fit, fit.run()


def distance(augmenter: GANAugmenter, ours: Generators, others: Generators, updates: int) -> dict:
    """How far apart generators are: of the weights that are trained, in parts of learning rate times updates.

    ``rms`` is the median over the generators of the root mean square.
    """
    parameters = augmenter.build(1, 1, CLASSES).generator.named_parameters()
    trained = [name for name, parameter in parameters if parameter.requires_grad]
    pairs = list(zip(ours, others, strict=True))
    each = [torch.cat([(one[name] - other[name]).double().flatten() for name in trained]) for one, other in pairs]
    apart = torch.stack(each) / (augmenter.settings["learning_rate"] * updates)  # (generators, weights)
    rms = apart.square().mean(1).sqrt()
    return {
        "rms": float(rms.quantile(0.5)), "largest_rms": float(rms.max()), "largest": float(apart.abs().max()),
        "same_bits": all(torch.equal(one[name], other[name]) for one, other in pairs for name in one),
    }  # fmt: skip


def held(device: str, work: Callable[[], object]) -> tuple[object, int | None]:
    """What some work gives, and how many bytes of a GPU's memory it held at most; None on a CPU."""
    if device == "cpu":
        return work(), None
    torch.cuda.init()
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    return work(), torch.cuda.max_memory_allocated() - before


@contextlib.contextmanager
def scarce(sizes: Sizes, needed: int | None) -> Iterator[dict[str, lightning.Callback]]:
    """Have a group of `Sizes.crowd` GANs not fit inside, by the GPU's own limit or, on a CPU, by the callback given."""
    if needed is None:
        yield {"full": Full(sizes.crowd // 2)}
        return
    gc.collect()
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(sizes.device).total_memory
    torch.cuda.set_per_process_memory_fraction(SCARCE * needed / total)
    try:
        yield {}
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
