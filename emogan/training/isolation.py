"""Training in a user's own process: signals, interrupts and PyTorch's settings stay as the user has them."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Self

import lightning
import torch


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


@contextlib.contextmanager
def default_torch() -> Iterator[None]:
    """PyTorch's initial settings in the with block, float32 on the CPU with gradients; the user's come back after it.

    What a generator learns and draws must not depend on a caller's no_grad(), inference_mode(), default dtype or
    default device.
    """
    dtype, deterministic = torch.get_default_dtype(), torch.are_deterministic_algorithms_enabled()
    precision = torch.get_float32_matmul_precision()
    elsewhere = torch.get_default_device().type != "cpu"  # entering one for nothing would slow every call of PyTorch
    device = torch.device("cpu") if elsewhere else contextlib.nullcontext()
    with torch.inference_mode(False), torch.enable_grad(), device:
        torch.set_default_dtype(torch.float32)
        torch.set_float32_matmul_precision("highest")  # less is asked for by trainer.precision
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
            torch.set_float32_matmul_precision(precision)
            torch.use_deterministic_algorithms(deterministic)  # trainer.deterministic sets it for good
