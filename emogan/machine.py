"""The machine that a process runs on."""

import os


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
