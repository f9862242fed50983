"""History: every member's metrics at every iteration, and when and why each stopped."""

from collections.abc import Sequence

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Timer
from torch import Tensor
from torch.optim import Optimizer

from emogan.analysis.curves import MEASURE_EVERY, MEASURES
from emogan.wording import words

OUT_OF_TIME = "out of time"  # why training ended, where `lightning.pytorch.callbacks.Timer` ended it
CHECK_EVERY = 100  # iterations between two searches for losses that are no longer finite


class History(lightning.Callback):
    """Records the metrics of a `ConditionalGenerator` while it trains, and refuses losses that are no longer finite.

    It also refuses, at the first iteration, optimisers that keep what several members would share.

    Parameters
    ----------
    iterations
        Of the whole training.

    Attributes
    ----------
    values : Tensor (iterations run, metrics, M)
        NaN where a member had stopped.
    stopped : list of int
        Iterations each member trained for; the last one while it trains.
    plateaued : list of bool
        Whether early stopping ended it.
    done : int
        Iterations trained so far.
    out_of_time : bool
        Whether a `lightning.pytorch.callbacks.Timer`, as of ``max_time``, ended training.
    seen : Tensor (measurements, figures, M)
        The `MEASURES` of synthetic windows every `MEASURE_EVERY` iterations, written by `Diagnostics`; NaN where a
        member had stopped or a figure is not defined.
    """

    def __init__(self, iterations: int):
        self.iterations = iterations

    def on_train_start(self, trainer, module):
        self.metrics = module.metrics
        shape = (self.iterations, len(self.metrics), module.members)
        self.values = torch.full(shape, torch.nan, device=module.device)
        self.stopped = [self.iterations] * module.members
        self.plateaued = [False] * module.members
        self.done = 0
        self.seen = torch.full((self.iterations // MEASURE_EVERY, len(MEASURES), module.members), torch.nan)

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        self.values[self.done] = module.latest
        self.done += 1
        if batch_idx == 0:
            _refuse_shared_state(trainer.optimizers)
        if self.done % CHECK_EVERY == 0 or self.done == self.iterations:
            self._check_finite(module)

    def on_train_end(self, trainer, module):
        self.out_of_time = any(isinstance(one, Timer) and (one.time_remaining() or 1) <= 0 for one in trainer.callbacks)
        for member in self.running():  # the Trainer or a callback of the user's may end training before its time
            self.stopped[member] = self.done
        for member, at in enumerate(self.stopped):
            self.values[at:, :, member] = torch.nan
        self.done = max(self.stopped)
        self.values = self.values[: self.done].cpu()
        self._check_finite(module)

    def running(self) -> list[int]:
        """Members that have not stopped early."""
        return [m for m, has in enumerate(self.plateaued) if not has]

    def member(self, member: int) -> dict[str, Tensor]:
        """One member's curves by metric name, each (iterations it trained for,)."""
        return {name: self.values[: self.stopped[member], i, member] for i, name in enumerate(self.metrics)}

    def measures(self, member: int) -> dict[str, Tensor]:
        """One member's ``seen`` while it trained, each measure (measurements,)."""
        return {name: self.seen[: self.stopped[member] // MEASURE_EVERY, i, member] for i, name in enumerate(MEASURES)}

    def reasons(self) -> list[str]:
        """Per member: when and why training ended."""
        return [f"iteration {at}: {self._reason(m, at)}" for m, at in enumerate(self.stopped)]

    def _reason(self, member: int, at: int) -> str:
        if self.plateaued[member]:
            return "plateau of the convergence measure"
        if at == self.iterations:
            return "the last one"
        return OUT_OF_TIME if self.out_of_time else "ended by the Trainer or a callback"

    def unfinished(self) -> list[int]:
        """Members that have neither stopped early nor trained for all iterations, as time ran out."""
        return [m for m in self.running() if self.out_of_time and self.stopped[m] < self.iterations]

    def _check_finite(self, module) -> None:
        running = self.running()
        finite = self.values[: self.done][:, :, running].isfinite().all(1)  # (iterations, running)
        if running and not finite.all():
            at = int(np.argmin(finite.all(1).cpu().numpy()))
            raise FloatingPointError(
                f"{type(module).__name__}: the losses of {int((~finite).any(0).sum())} of {module.members} members are "
                f"not finite, first at iteration {at + 1}. Lower {words().setting('learning_rate')}."
            )


def _refuse_shared_state(optimizers: Sequence[Optimizer]) -> None:
    """Refuse optimisers that keep what several members have in common: none of them may depend on the others.

    Raises
    ------
    ValueError
        Naming the optimiser.
    """
    for optimizer in optimizers:
        for parameter, state in optimizer.state.items():
            for name, value in state.items():
                if torch.is_tensor(value) and value.ndim and value.shape != parameter.shape:
                    raise ValueError(
                        f"{words().setting('optimizer')}: expected one that keeps a value for each weight, such as "
                        f"torch.optim.Adam, got {type(optimizer).__name__}, whose {name} several GANs would share"
                    )
