"""History: every member's metrics at every iteration, and the member's stop when they have settled."""

import lightning
import numpy as np
import torch
from torch import Tensor

CHECK_EVERY = 100  # iterations between looks for losses that are no longer finite
LOOK_EVERY = 100  # iterations between looks at the windows, see `emogan.augmenters.watch.Watch`: 1 % of the time


class History(lightning.Callback):
    """Records the metrics of a `ConditionalGAN` while it trains.

    A member whose convergence measure has reached a plateau keeps the weights it has at that iteration; training ends
    once all have stopped. The rule looks at a member's own curve only, so it does not depend on its neighbours.

    Attributes
    ----------
    values : Tensor (iterations run, metrics, M)
        NaN where a member had stopped.
    stopped : list of int
        Iterations each member trained for.
    plateaued : list of bool
        Whether it stopped on a plateau rather than at the last iteration.
    done : int
        Iterations trained so far.
    kept : dict
        By member that has stopped: the weights it stopped with.
    spread : Tensor (looks, M)
        Within-class spread of artificial windows every `LOOK_EVERY` iterations, written by `Watch`; NaN where a member
        had stopped.
    """

    def __init__(self, iterations: int, plateau_window: int = 0, plateau_tolerance: float = 0.0):
        self.iterations, self.window, self.tolerance = iterations, plateau_window, plateau_tolerance

    def on_train_start(self, trainer, module):
        self.metrics = module.metrics
        shape = (self.iterations, len(self.metrics), module.members)
        self.values = torch.full(shape, torch.nan, device=module.device)
        self.stopped = [self.iterations] * module.members
        self.plateaued = [False] * module.members
        self.done = 0
        self.spread = torch.full((self.iterations // LOOK_EVERY, module.members), torch.nan)
        self.kept: dict[int, dict[str, Tensor]] = {}

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        self.values[self.done] = module.latest
        self.done += 1
        if self.done % CHECK_EVERY == 0 or self.done == self.iterations:
            self._check_finite(module)
        if self.window and self.done % self.window == 0 and self.done >= 2 * self.window:
            for member in self._settled(module):
                self.stopped[member], self.plateaued[member] = self.done, True
                self.kept[member] = {name: value[member].clone() for name, value in module.state_dict().items()}
            trainer.should_stop = all(self.plateaued)

    def on_train_end(self, trainer, module):
        state = module.state_dict()
        with torch.no_grad():
            for member, kept in self.kept.items():
                self.values[self.stopped[member] :, :, member] = torch.nan
                for name, value in kept.items():
                    state[name][member] = value
        self.values = self.values[: max(self.stopped)].cpu()

    def member(self, member: int) -> dict[str, Tensor]:
        """One member's curves by metric name, each (iterations it trained for,)."""
        return {name: self.values[: self.stopped[member], i, member] for i, name in enumerate(self.metrics)}

    def looks(self, member: int) -> Tensor:
        """One member's ``spread`` while it trained."""
        return self.spread[: self.stopped[member] // LOOK_EVERY, member]

    def reasons(self) -> list[str]:
        """Per member: when and why training ended."""
        return [
            f"iteration {at}: plateau of the convergence measure" if settled else f"iteration {at}: the last one"
            for at, settled in zip(self.stopped, self.plateaued, strict=True)
        ]

    def _settled(self, module) -> list[int]:
        measure = self.values[self.done - 2 * self.window : self.done, self.metrics.index(module.convergence)]
        # member by member in memory: sums over the columns of a table round differently for another number of columns
        before, last = measure.T.contiguous().unflatten(1, (2, self.window)).mean(-1).unbind(1)
        settled = (last - before).abs() <= self.tolerance * before.abs()
        return [m for m in settled.nonzero().flatten().tolist() if not self.plateaued[m]]

    def _check_finite(self, module) -> None:
        running = [m for m, settled in enumerate(self.plateaued) if not settled]
        finite = self.values[: self.done][:, :, running].isfinite().all(1)  # (iterations, running)
        if not finite.all():
            at, which = np.argwhere(~finite.cpu().numpy())[0].tolist()
            raise FloatingPointError(
                f"{type(module).__name__}: the losses of {int((~finite).any(0).sum())} of {module.members} members are "
                f"not finite, first at iteration {at + 1} of member {running[which]}. Lower model.learning_rate."
            )
