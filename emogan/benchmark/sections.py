"""The sections of the benchmark: a module each, run in a process of its own, so that its peak memory is known."""

import argparse
import importlib
import multiprocessing
import resource
import sys
from concurrent.futures import ProcessPoolExecutor

from emogan.benchmark.record import Record

SECTIONS = ("training", "members", "svm", "sweep", "largest_training")


def run(section: str, options: argparse.Namespace) -> Record:
    """Do one section in a new process; what it measured."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(_measure, section, options).result()


def _measure(section: str, options: argparse.Namespace) -> Record:
    record = Record()
    importlib.import_module(f"emogan.benchmark.{section}").measure(record, options)
    peak = max(resource.getrusage(whose).ru_maxrss for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    megabyte = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes elsewhere
    record.add(f"peak_memory_{section}", [peak / megabyte], "MB, of the largest process")
    return record
