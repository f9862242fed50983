"""Worker processes: they train groups of GANs side by side, one thread each, and report to the job they belong to."""

import contextlib
import logging
import logging.handlers
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection, wait

import torch
from threadpoolctl import threadpool_limits

from emogan.environment import quieten_lightning

Send = Callable[..., None]


def train_in_workers(work: Callable[[Send], object], workers: int, received: Callable[..., None]) -> list[object]:
    """Call a function in several processes of one thread each, and return what each call gives.

    Workers end with this process, however that ends. Their log records are handled here. Signals that this process
    handles, such as SIGINT, which a terminal sends to them as well, are left to it: it ends them at any exception.

    Parameters
    ----------
    work
        It is called with a function that sends values to this process. Where processes are not forked (all systems but
        Linux, and where PyTorch finds a GPU) it must be one that `pickle` knows.
    workers
        Number of processes.
    received
        Called here with the number of the worker and the values that it sent.

    Raises
    ------
    Exception
        The first that ``work`` raises in a worker; the others are ended.
    ChildProcessError
        If a worker was killed.
    """
    context = multiprocessing.get_context(start_method())
    processes, places = [], {}
    results: list[object] = [None] * workers
    try:
        for i in range(workers):
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=_run, args=(work, sender, logging.root.level), daemon=True)
            process.start()
            sender.close()
            processes.append(process)
            places[receiver] = i
        while places:
            for receiver in wait(list(places)):
                i = places[receiver]
                try:
                    kind, *values = pickle.loads(receiver.recv_bytes())
                except (EOFError, OSError):  # the latter in the middle of a message
                    raise _killed(processes[i]) from None
                if kind == "log":
                    logging.getLogger(values[0].name).handle(values[0])
                elif kind == "error":
                    error, stack = values
                    raise error from RuntimeError(f"in a worker process:\n{stack}")
                elif kind == "result":
                    (results[i],) = values
                    del places[receiver]
                else:
                    received(i, kind, *values)
    finally:
        for process in processes:
            process.kill()  # SIGTERM is Lightning's for a while; those that have ended are left as they are
        for process in processes:
            process.join()
    return results


def start_method() -> str:
    """How workers are started: forked, which takes no time, where PyTorch allows it, as its DataLoader does."""
    return "fork" if sys.platform == "linux" and not torch.accelerator.is_available() else "spawn"


def may_start_workers() -> bool:
    """Whether this process may have workers: one that is itself a daemon of another may not."""
    return not multiprocessing.current_process().daemon


def _killed(process: multiprocessing.Process) -> ChildProcessError:
    process.join()
    how = f"signal {signal.Signals(-process.exitcode).name}" if process.exitcode < 0 else f"code {process.exitcode}"
    return ChildProcessError(
        f"a worker process that trained GANs ended with {how}. If memory ran out, set a smaller machine.workers. The "
        "same command again resumes from the last checkpoints"
    )


def _run(work: Callable[[Send], object], sender: Connection, level: int) -> None:
    """What a worker process does."""
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):  # such as submitit's, which requeues the job
            signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    quieten_lightning()
    torch.set_num_threads(1)
    threadpool_limits(1, user_api="blas")
    lock = threading.Lock()

    def send(*values: object) -> None:
        message = pickle.dumps(values)
        with lock:
            sender.send_bytes(message)

    logging.root.handlers = [_SendRecords(partial(send, "log"))]
    logging.root.setLevel(level)
    try:
        result = work(send)
        print(end="", flush=True)  # what was printed is not lost if this process is ended before it ends by itself
        send("result", result)
    except BaseException as error:
        send("error", _portable(error), traceback.format_exc())


def _end_with_parent() -> None:
    """End this process at once when the one that started it has ended; what it wrote is whole at any moment."""
    wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


def _portable(error: BaseException) -> BaseException:
    """An exception as another process can have it."""
    with contextlib.suppress(Exception):
        if str(pickle.loads(pickle.dumps(error))) == str(error):
            return error
    return RuntimeError(f"{type(error).__name__}: {error}")


class _SendRecords(logging.handlers.QueueHandler):
    """Sends log records to the process that started this one."""

    def enqueue(self, record: logging.LogRecord) -> None:
        self.queue(record)
