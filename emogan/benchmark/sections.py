"""The sections of the benchmark: a module each, run in a process of its own, so that its peak memory is known."""

import argparse
import importlib
import multiprocessing
import resource
import signal
import sys
from multiprocessing.connection import Connection

from emogan.benchmark.record import Record

SECTIONS = ("training", "generators", "members", "job", "draw", "svm", "sweep", "extract", "cross_augment", "store")


def run(section: str, options: argparse.Namespace) -> Record:
    """Do one section in a new process, which ends with this one; what it measured.

    Raises
    ------
    RuntimeError
        If the process ends without an answer; what it says of that has come out before.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(section, options, sender), daemon=True)
    process.start()
    sender.close()
    try:
        record = receiver.recv()
        process.join()
        return record
    except EOFError:
        process.join()
        raise RuntimeError(f"the section {section} failed with exit code {process.exitcode}, see above") from None


def end_on_sigterm() -> None:
    """Let a SIGTERM end this process in order: by default it leaves its children, and Lightning goes on training."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def _measure(section: str, options: argparse.Namespace, sender: Connection) -> None:
    end_on_sigterm()
    record = Record()
    importlib.import_module(f"emogan.benchmark.{section}").measure(record, options)
    peak = max(resource.getrusage(whose).ru_maxrss for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    megabyte = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes elsewhere
    record.add(f"peak_memory_{section}", [peak / megabyte], "MB, of the largest process")
    sender.send(record)
