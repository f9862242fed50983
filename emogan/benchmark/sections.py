"""The sections of the benchmark: a module each, run in a process of its own, whose peak memory is the section's."""

import argparse
import importlib
import multiprocessing
import resource
import sys
from concurrent.futures import ProcessPoolExecutor

from emogan.benchmark.record import Record

SECTIONS = ("training", "members", "svm", "sweep", "memory")


def run(section: str, options: argparse.Namespace) -> Record:
    """Do one section in a new process; what it measured."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(_measure, section, options).result()


def _measure(section: str, options: argparse.Namespace) -> Record:
    record = Record()
    importlib.import_module(f"emogan.benchmark.{section}").measure(record, options)
    record.add(f"peak_memory_{section}", [_peak_memory_mb(resource.RUSAGE_SELF)], "MB")
    if commands := _peak_memory_mb(resource.RUSAGE_CHILDREN):
        record.add(f"peak_memory_{section}_commands", [commands], "MB, the largest of its commands")
    return record


def _peak_memory_mb(whose: int) -> float:
    return resource.getrusage(whose).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
