"""Checkpoints of GANs in training: written beside the cache's entries, and resumed from by any of their members."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import lightning
import torch
from torch import Tensor
from torch.optim import Optimizer

from emogan.store import Store, content_key, with_prefix
from emogan.training.early_stopping import MemberEarlyStopping
from emogan.training.history import History

SHARE = 0.02  # of the time: writing checkpoints takes no more, however slow the disk


@dataclass(frozen=True, eq=False)
class TrainingState:
    """Networks, optimisers, k_t, curves and early stops of M members after some iterations.

    Mini-batches and noise are functions of seed and iteration (see `MemberBatches`): there is no random state to keep.
    """

    iteration: int
    stopped: list[int]  # per member, see `History`
    plateaued: list[bool]
    tensors: dict[str, Tensor]  # members along the first axis; numbers common to all have no axis

    def select(self, rows: Sequence[int]) -> "TrainingState":
        """Some of the members: none depends on the others."""
        tensors = {name: value[rows] if value.ndim else value for name, value in self.tensors.items()}
        return TrainingState(
            self.iteration, [self.stopped[m] for m in rows], [self.plateaued[m] for m in rows], tensors
        )

    @classmethod
    def of(
        cls,
        trainer: lightning.Trainer,
        module: lightning.LightningModule,
        history: History,
        stopping: MemberEarlyStopping,
    ) -> "TrainingState":
        """What is being trained, as it is now."""
        tensors = {f"model.{name}": value for name, value in module.state_dict().items()}
        for i, optimizer in enumerate(trainer.optimizers):
            for j, state in optimizer.state_dict()["state"].items():
                tensors |= {f"optimizer.{i}.{j}.{name}": torch.as_tensor(value) for name, value in state.items()}
        tensors["history"] = history.values[: history.done].movedim(-1, 0)
        tensors["seen"] = history.seen.movedim(-1, 0)
        for member, state in stopping.kept.items():
            for name, value in state.items():
                kept = tensors.setdefault(f"kept.{name}", torch.zeros_like(tensors[f"model.{name}"]))
                kept[member] = value
        tensors = {name: value.detach().to("cpu", copy=True) for name, value in tensors.items()}
        return cls(history.done, list(history.stopped), list(history.plateaued), tensors)

    def restore(
        self,
        trainer: lightning.Trainer,
        module: lightning.LightningModule,
        history: History,
        stopping: MemberEarlyStopping,
    ) -> None:
        """Put untrained networks, their optimisers, the history and early stopping into this state."""
        module.load_state_dict(with_prefix(self.tensors, "model."))
        for i, optimizer in enumerate(trainer.optimizers):
            state: dict[int, dict[str, Tensor]] = {}
            for name, value in with_prefix(self.tensors, f"optimizer.{i}.").items():
                parameter, _, field = name.partition(".")
                state.setdefault(int(parameter), {})[field] = value
            optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
        history.values[: self.iteration] = self.tensors["history"].movedim(0, -1)
        seen = self.tensors["seen"].movedim(0, -1)[: len(history.seen)]  # a longer training has more measurements
        history.seen[: len(seen)] = seen
        module.iterations_trained = history.done = self.iteration
        history.plateaued = list(self.plateaued)
        history.stopped = [  # one that has not stopped by itself was ended by the Trainer, and goes on
            at if has else history.iterations for at, has in zip(self.stopped, self.plateaued, strict=True)
        ]
        module.running = history.running()
        kept = with_prefix(self.tensors, "kept.")
        stopping.kept = {
            member: {name: value[member].to(module.device) for name, value in kept.items()}
            for member, has in enumerate(self.plateaued)
            if has
        }


def optimizer_state(optimizer: Optimizer, rows: Sequence[int]) -> dict:
    """The state of an optimiser of stacked GANs for some of the members, copied whole to the CPU.

    Its counts of steps too, which Lightning leaves on the device: what a GPU has trained is read where there is none.
    """
    state = optimizer.state_dict()
    state["state"] = {
        i: {name: value[rows] if value.ndim else value for name, value in map(_as_tensor, one.items())}
        for i, one in state["state"].items()
    }
    return state


def _as_tensor(named: tuple[str, object]) -> tuple[str, Tensor]:
    name, value = named
    return name, torch.as_tensor(value).detach().to("cpu", copy=True)


class Resume(lightning.Callback):
    """Has training go on from a state."""

    def __init__(self, state: TrainingState, history: History, stopping: MemberEarlyStopping):
        self.state, self.history, self.stopping = state, history, stopping

    def on_train_start(self, trainer, module):
        self.state.restore(trainer, module, self.history, self.stopping)
        trainer.should_stop = not self.history.running()  # all had stopped early: there is nothing left to train


class WriteCheckpoints(lightning.Callback):
    """Hands the state to ``write`` every few seconds, or less often where that takes over `SHARE` of the time."""

    def __init__(
        self, history: History, stopping: MemberEarlyStopping, write: Callable[[TrainingState], None], every_s: float
    ):
        self.history, self.stopping, self.write, self.every_s = history, stopping, write, every_s

    def on_train_start(self, trainer, module):
        self.due = time.monotonic() + self.every_s

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        start = time.monotonic()
        if start >= self.due and self.history.done < self.history.iterations:
            self.write(TrainingState.of(trainer, module, self.history, self.stopping))
            end = time.monotonic()
            self.due = end + max(self.every_s, (end - start) / SHARE if self.every_s else 0)


class Checkpoints:
    """What groups of GANs have learned before they are done, or before a longer training goes on.

    A GAN has two keys: that of its cache entry, and that of its course of training, which is common to trainings of any
    length with the same settings.
    """

    def __init__(self, store: Store):
        self.store, self.entries = store, Store(store.folder / "checkpoints")

    def write(self, keys: Sequence[str], courses: Sequence[str], state: TrainingState, kept: bool = False) -> None:
        """Write a group's state, in place of its earlier one; ``kept`` keeps it when the group is done."""
        fields = {
            "keys": list(keys), "courses": list(courses), "kept": kept,
            "iteration": state.iteration, "stopped": state.stopped, "plateaued": state.plateaued,
        }  # fmt: skip
        self.entries.save(content_key({"checkpoint": list(keys)}), state.tensors, fields)

    def furthest(self, before: float = math.inf) -> dict[str, str]:
        """By course: the checkpoint in which it has been trained furthest, before an iteration."""
        found: dict[str, tuple[int, str]] = {}
        for name, fields in self.entries.describe():
            for course in fields.get("courses", ()) if fields["iteration"] < before else ():
                found[course] = max(found.get(course, (0, "")), (fields["iteration"], name))
        return {course: name for course, (_, name) in found.items()}

    def read(self, name: str | None, courses: Sequence[str]) -> TrainingState | None:
        """The state of some courses in a checkpoint; None if it is not there, or not usable."""
        if name is None or (entry := self.entries.load(name)) is None:
            return None
        tensors, fields = entry
        state = TrainingState(fields["iteration"], fields["stopped"], fields["plateaued"], tensors)
        return state.select([fields["courses"].index(course) for course in courses])

    def clear(self) -> None:
        """Remove the checkpoints all of whose members are done, but for those that are kept."""
        for name, fields in self.entries.describe():
            if not fields.get("kept") and all(self.store.path(key).exists() for key in fields["keys"]):
                self.entries.remove(name)
