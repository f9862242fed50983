"""Training in a user's own process: signals, interrupts and PyTorch's settings stay as the user has them."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Self

import lightning
import torch

from emogan.environment import shared

DEVICES = "cpu", "cuda", "mps"  # of which autocast may be enabled


class ProcessSignals(lightning.Callback):
    """Keeps the signal handlers of a process while Lightning trains in it, and its KeyboardInterrupt.

    Lightning puts a handler of its own before that of SIGTERM, ignores SIGINT once one has come, and turns a
    KeyboardInterrupt into an exit with code 1. That suits a command; a prompt, a notebook or a caller's ``except
    KeyboardInterrupt`` would be ended or passed by. Use it as a context around ``Trainer.fit`` and as a callback of
    that trainer.

    Raises
    ------
    KeyboardInterrupt
        On leaving, in place of the exit that Lightning makes of it.
    """

    def __enter__(self) -> Self:
        self.handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def on_train_start(self, trainer, module):
        self._put_back()

    def __exit__(self, kind, error, stack) -> None:
        self._put_back()
        if isinstance(error, SystemExit) and error.code == 1 and isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None

    def _put_back(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return  # only the main thread may set handlers: Lightning has not set any either
        for number, handler in self.handlers.items():
            if handler is not None:  # None: not set by Python
                signal.signal(number, handler)


@shared
@contextlib.contextmanager
def _default_process() -> Iterator[None]:
    """The initial ones of the settings that all threads have in common."""
    dtype, deterministic = torch.get_default_dtype(), torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    products = torch.backends.cuda.matmul, torch.backends.mkldnn.matmul
    precisions = [backend.fp32_precision for backend in products]
    torch.set_default_dtype(torch.float32)
    for backend in products:
        backend.fp32_precision = "ieee"  # less is asked for by trainer.precision
    try:
        yield
    finally:
        torch.set_default_dtype(dtype)
        for backend, precision in zip(products, precisions, strict=True):
            backend.fp32_precision = precision
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)  # trainer.deterministic sets it for good


@contextlib.contextmanager
def default_torch() -> Iterator[None]:
    """PyTorch's initial settings in the with block, float32 on the CPU with gradients; the user's come back after it.

    What a generator learns and draws must not depend on a caller's no_grad(), inference_mode(), autocast, default dtype
    or default device. Threads may be in such a block at the same time.
    """
    elsewhere = torch.get_default_device().type != "cpu"  # entering one for nothing would slow every call of PyTorch
    device = torch.device("cpu") if elsewhere else contextlib.nullcontext()
    with contextlib.ExitStack() as stack:
        for context in (torch.inference_mode(False), torch.enable_grad(), device, _default_process()):
            stack.enter_context(context)
        for kind in DEVICES:
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        yield
