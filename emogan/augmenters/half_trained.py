"""HalfTrained: the whole state of GANs in training, so that it goes on where it was cut off."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import lightning
import torch
from torch import Tensor

from emogan.augmenters.history import History

SHARE = 0.02  # of the time: saving takes no more, however slow the disk


@dataclass(frozen=True, eq=False)
class HalfTrained:
    """Networks, optimisers, k_t, curves, stops and best weights of M members after some iterations.

    Mini-batches and noise are functions of seed and iteration (see `MemberBatches`): there is no random state to keep.
    """

    iteration: int
    stopped: list[int]  # per member, see `History`
    plateaued: list[bool]
    tensors: dict[str, Tensor]  # members along the first axis; numbers common to all have no axis

    def select(self, rows: Sequence[int]) -> "HalfTrained":
        """Some of the members: none depends on the others."""
        tensors = {name: value[rows] if value.ndim else value for name, value in self.tensors.items()}
        return HalfTrained(self.iteration, [self.stopped[m] for m in rows], [self.plateaued[m] for m in rows], tensors)

    @classmethod
    def of(cls, trainer: lightning.Trainer, module: lightning.LightningModule, history: History) -> "HalfTrained":
        """What is being trained, as it is now."""
        tensors = {f"model.{name}": value for name, value in module.state_dict().items()}
        for i, optimizer in enumerate(trainer.optimizers):
            for j, state in optimizer.state_dict()["state"].items():
                tensors |= {f"optimizer.{i}.{j}.{name}": value for name, value in state.items()}
        tensors["history"] = history.values[: history.done].movedim(-1, 0)
        tensors["spread"] = history.spread.T
        if history.checks:
            tensors |= {"best.distance": history.checks.best, "best.at": history.checks.at}
        for member, state in history.kept.items():
            for name, value in state.items():
                kept = tensors.setdefault(f"kept.{name}", torch.zeros_like(tensors[f"model.{name}"]))
                kept[member] = value
        tensors = {name: value.detach().cpu().clone() for name, value in tensors.items()}
        return cls(history.done, list(history.stopped), list(history.plateaued), tensors)

    def restore(self, trainer: lightning.Trainer, module: lightning.LightningModule, history: History) -> None:
        """Put untrained networks, their optimisers and the history into this state."""
        part = self._part
        module.load_state_dict(part("model."))
        for i, optimizer in enumerate(trainer.optimizers):
            state: dict[int, dict[str, Tensor]] = {}
            for name, value in part(f"optimizer.{i}.").items():
                parameter, _, field = name.partition(".")
                state.setdefault(int(parameter), {})[field] = value
            optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
        history.values[: self.iteration] = self.tensors["history"].movedim(0, -1)
        if "spread" in self.tensors:  # saves of earlier versions lack it
            history.spread = self.tensors["spread"].T
        history.done, history.stopped, history.plateaued = self.iteration, list(self.stopped), list(self.plateaued)
        keeps = self.plateaued
        if history.checks:
            history.checks.best.copy_(self.tensors["best.distance"])
            keeps = history.checks.at.copy_(self.tensors["best.at"]) > 0
        history.kept = {
            member: {name: value[member].to(module.device) for name, value in part("kept.").items()}
            for member, has in enumerate(keeps)
            if has
        }

    def _part(self, prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): v for name, v in self.tensors.items() if name.startswith(prefix)}


class Resume(lightning.Callback):
    """Goes on from a state."""

    def __init__(self, state: HalfTrained, history: History):
        self.state, self.history = state, history

    def on_train_start(self, trainer, module):
        self.state.restore(trainer, module, self.history)


class SaveHalfTrained(lightning.Callback):
    """Hands the state to ``save`` every so many seconds, or less often where that takes over `SHARE` of the time."""

    def __init__(self, history: History, save: Callable[[HalfTrained], None], every_s: float):
        self.history, self.save, self.every_s = history, save, every_s

    def on_train_start(self, trainer, module):
        self.due = time.monotonic() + self.every_s

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        start = time.monotonic()
        if start >= self.due and self.history.done < self.history.iterations:
            self.save(HalfTrained.of(trainer, module, self.history))
            end = time.monotonic()
            self.due = end + max(self.every_s, (end - start) / SHARE if self.every_s else 0)
