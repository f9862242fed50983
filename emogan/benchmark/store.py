"""What a full store adds to the start of a job, and how fast its entries are loaded."""

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import torch

from emogan.atomic import remove_abandoned
from emogan.benchmark.record import Record, alternately
from emogan.jobs.identity import compare, remember
from emogan.store import Store
from emogan.training.checkpoint import Checkpoints

ENTRIES, QUICK_ENTRIES, LOADED = 20_000, 200, 135
INPUTS = {"model.name": "cbegan", "data": "0" * 64} | {f"setting_{i}": i for i in range(60)}
GAN = {"generator.weight": torch.zeros(3, 100, 100), "history.m_global": torch.zeros(2000)}


def full_store(folder: Path, entries: int) -> Store:
    """A store with as many entries and as many jobs done: copies of the first of each."""
    store = Store(folder)
    store.save("0", GAN, {})
    remember(store, "0", INPUTS, folder)
    (job,) = folder.rglob("0.json")
    for first in (store.path("0"), job):
        for i in range(1, entries):
            shutil.copyfile(first, first.with_stem(str(i)))
    return store


def start(store: Store) -> float:
    """Seconds of all that looks through a whole store at the start of a job."""
    begin = time.perf_counter()
    remove_abandoned(store.folder)
    compare(store, INPUTS)
    Checkpoints(store).furthest()
    return time.perf_counter() - begin


def load(store: Store, keys: list[str]) -> float:
    begin = time.perf_counter()
    for key in keys:
        assert store.load(key)
    return time.perf_counter() - begin


def measure(record: Record, options: argparse.Namespace) -> None:
    """The start of a job with a full and with an empty store; loading the GANs of a job."""
    entries = QUICK_ENTRIES if options.quick else ENTRIES
    with tempfile.TemporaryDirectory() as folder:
        full, empty = full_store(Path(folder) / "full", entries), Store(Path(folder) / "empty")
        seconds = alternately(options.repeats, lambda: start(full), lambda: start(empty))
        added = [one - other for one, other in zip(*seconds, strict=True)]
        record.add("store_added_to_start_s", added, "s", entries=entries, jobs=entries)
        keys = [f"gan {i}" for i in range(LOADED)]
        for key in keys:
            full.save(key, GAN, {})
        record.add("store_load_s", [load(full, keys) for _ in range(options.repeats)], "s", entries=LOADED)
