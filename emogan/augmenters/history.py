"""History: every member's metrics at every iteration, when and why it stopped, and with which weights."""

import lightning
import numpy as np
import torch
from torch import Tensor

from emogan.augmenters.held_back import Checks
from emogan.wording import words

CHECK_EVERY = 100  # iterations between looks for losses that are no longer finite
LOOK_EVERY = 100  # iterations between looks at the windows, see `emogan.augmenters.watch.Watch`: 1 % of the time


class History(lightning.Callback):
    """Records the metrics of a `ConditionalGAN` while it trains.

    A member whose convergence measure has reached a plateau keeps the weights it has at that iteration; training ends
    once all have stopped. The rule looks at a member's own curve only, so it does not depend on its neighbours.

    Where trials are held back, `Checks` tell which weights a member keeps, and may stop it too.

    Attributes
    ----------
    values : Tensor (iterations run, metrics, M)
        NaN where a member had stopped.
    stopped : list of int
        Iterations each member trained for.
    plateaued : list of bool
        Whether it stopped on a plateau.
    done : int
        Iterations trained so far.
    kept : dict
        By member that has stopped, or been found best: the weights it has in the end.
    spread : Tensor (looks, M)
        Within-class spread of artificial windows every `LOOK_EVERY` iterations, written by `Watch`; NaN where a member
        had stopped.
    """

    def __init__(
        self,
        iterations: int,
        plateau_window: int = 0,
        plateau_tolerance: float = 0.0,
        checks: Checks | None = None,
    ):
        self.iterations, self.window, self.tolerance = iterations, plateau_window, plateau_tolerance
        self.checks = checks

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
        due = self.window and self.done % self.window == 0 and self.done >= 2 * self.window
        better = settled = self._settled(module) if due else []
        tired: list[int] = []
        if self.checks:
            due = self.done % self.checks.every == 0 or self.done == self.iterations
            better, tired = self.checks.look(module, self.running() if due else settled, self.done)
        for member in better:
            self.kept[member] = {name: value[member].clone() for name, value in module.state_dict().items()}
        for member in settled:
            self.plateaued[member] = True
        for member in (*settled, *tired):
            self.stopped[member] = self.done
        if not self.running():
            trainer.should_stop = True

    def on_train_end(self, trainer, module):
        state = module.state_dict()
        with torch.no_grad():
            for member, kept in self.kept.items():
                self.values[self.stopped[member] :, :, member] = torch.nan
                for name, value in kept.items():
                    state[name][member] = value
        self.values = self.values[: max(self.stopped)].cpu()

    def running(self) -> list[int]:
        """Members that have not stopped early."""
        return [m for m, at in enumerate(self.stopped) if at == self.iterations and not self.plateaued[m]]

    def member(self, member: int) -> dict[str, Tensor]:
        """One member's curves by metric name, each (iterations it trained for,)."""
        return {name: self.values[: self.stopped[member], i, member] for i, name in enumerate(self.metrics)}

    def looks(self, member: int) -> Tensor:
        """One member's ``spread`` while it trained."""
        return self.spread[: self.stopped[member] // LOOK_EVERY, member]

    def reasons(self) -> list[str]:
        """Per member: when and why training ended and, with `Checks`, which weights it has."""
        return [self._reason(m, at) for m, at in enumerate(self.stopped)]

    def _reason(self, member: int, at: int) -> str:
        if self.plateaued[member]:
            end = f"iteration {at}: plateau of the convergence measure"
        elif at == self.iterations:
            end = f"iteration {at}: the last one"
        else:
            end = f"iteration {at}: not better in {self.checks.patience} checks"
        return f"{self.checks.told(member, at)}; stopped at {end}" if self.checks else end

    def _settled(self, module) -> list[int]:
        measure = self.values[self.done - 2 * self.window : self.done, self.metrics.index(module.convergence)]
        # member by member in memory: sums over the columns of a table round differently for another number of columns
        before, last = measure.T.contiguous().unflatten(1, (2, self.window)).mean(-1).unbind(1)
        settled = (last - before).abs() <= self.tolerance * before.abs()
        return [m for m in self.running() if settled[m]]

    def _check_finite(self, module) -> None:
        running = self.running()
        finite = self.values[: self.done][:, :, running].isfinite().all(1)  # (iterations, running)
        if not finite.all():
            at = int(np.argmin(finite.all(1).cpu().numpy()))
            raise FloatingPointError(
                f"{type(module).__name__}: the losses of {int((~finite).any(0).sum())} of {module.members} members are "
                f"not finite, first at iteration {at + 1}. Lower {words().setting('learning_rate')}."
            )
