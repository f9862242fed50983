"""The process that EmoGAN runs in: its configuration folder, threads, cores and Lightning's messages."""

import contextlib
import functools
import logging
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path


def config_dir() -> str:
    """Absolute path of the configs: emogan/conf in an installed wheel, conf beside the package in a checkout."""
    package = Path(__file__).resolve().parent
    packed = package / "conf"
    return str(packed if packed.is_dir() else package.parent / "conf")


def let_waiting_threads_sleep() -> None:
    """Have OpenMP threads sleep soon while they wait; to be called before torch is imported.

    Threads that spin slow everything tenfold where processes outnumber cores; those that sleep at once wake too late
    for small matrices, so they spin for some microseconds.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")


def available_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def quieten_lightning() -> None:
    """Leave out Lightning's messages of its services, worker processes and Slurm, and those to its own developers."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message="The .srun. command is available")
    warnings.filterwarnings("ignore", message=".*does not have many workers")
    warnings.filterwarnings("ignore", message=".*smaller than the logging interval")  # the last iteration is logged
    warnings.filterwarnings("ignore", message=".*treespec, LeafSpec", category=FutureWarning)


def shared(context: Callable[[], AbstractContextManager]) -> Callable[[], AbstractContextManager]:
    """Decorate a context of process-wide settings so that threads may be in it at the same time.

    The first thread to enter puts the settings in force, and the last to leave brings the former ones back.
    """
    lock, inside, entered = threading.Lock(), 0, contextlib.ExitStack()

    @contextlib.contextmanager
    def enter() -> Iterator[None]:
        nonlocal inside
        with lock:
            if not inside:
                entered.enter_context(context())
            inside += 1
        try:
            yield
        finally:
            with lock:
                inside -= 1
                if not inside:
                    entered.close()

    return functools.wraps(context)(enter)


@shared
@contextlib.contextmanager
def quiet_lightning() -> Iterator[None]:
    """Leave out Lightning's messages, as `quieten_lightning` does, within the with block alone.

    In a user's own process the user chooses which messages are shown.
    """
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    with warnings.catch_warnings():
        quieten_lightning()
        try:
            yield
        finally:
            logger.setLevel(level)
