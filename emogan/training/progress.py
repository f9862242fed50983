"""Convergence curves: a progress bar with the losses and TensorBoard's scalars, over all members."""

import sys
from collections.abc import Sequence

import lightning
import numpy as np
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from emogan.training.history import LOOK_EVERY, History

EVERY = 25  # iterations between looks at the curves
PARTS = ("mean", "lowest", "highest")  # over the members


class Progress(lightning.Callback):
    """Shows the mean losses of the members in training and, given a writer, writes their curves as they grow."""

    def __init__(self, history: History, description: str, writer: SummaryWriter | None):
        self.history, self.description, self.writer = history, description, writer

    def on_train_start(self, trainer, module):
        self.shown, self.start = 0, self.history.done
        self.bar = tqdm(
            total=self.history.iterations,
            initial=self.start,
            desc=self.description,
            unit="iteration",
            mininterval=0.5 if sys.stderr.isatty() else 10,
        )

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if self.history.done % EVERY == 0:
            self._show(self.history.done)

    def on_train_end(self, trainer, module):
        self._show(self.history.done)
        self.bar.close()

    def on_exception(self, trainer, module, exception):
        if hasattr(self, "bar"):
            self.bar.close()

    def _show(self, done: int) -> None:
        values = self.history.values[self.shown : done].cpu().numpy().copy()
        for member, stopped in enumerate(self.history.stopped):  # those that stopped are computed on, and not shown
            values[max(stopped - self.shown, 0) :, :, member] = np.nan
        if len(values):
            means = dict(zip(self.history.metrics, np.nanmean(values[-1], axis=-1), strict=True))
            self.bar.set_postfix({name: f"{value:.3g}" for name, value in means.items()}, refresh=False)
            if self.writer:
                write_curves(self.writer, self.history.metrics, values, self.shown)
                write_spread(self.writer, self.history.spread[: done // LOOK_EVERY].numpy(), self.shown // LOOK_EVERY)
        self.bar.update(done - max(self.shown, self.start))
        self.shown = done


def write_curves(writer: SummaryWriter, metrics: Sequence[str], values: np.ndarray, start: int = 0) -> None:
    """Write values (T, metrics, M) as mean, lowest and highest over the members still training at each iteration."""
    if start == 0:
        bands = {name: ["Margin", [f"{name}/{part}" for part in PARTS]] for name in (*metrics, "spread")}
        writer.add_custom_scalars({"members: mean, lowest, highest": bands})
    curves = (reduce(values, -1) for reduce in (np.nanmean, np.nanmin, np.nanmax))
    for part, curve in zip(PARTS, curves, strict=True):
        for i, name in enumerate(metrics):
            for t, value in enumerate(curve[:, i]):
                writer.add_scalar(f"{name}/{part}", value, start + t + 1)


def write_spread(writer: SummaryWriter, spread: np.ndarray, start: int = 0) -> None:
    """Write the looks (L, M) at the within-class spread, but the first ``start``, likewise."""
    for i, row in enumerate(spread[start:], start + 1):
        seen = row[np.isfinite(row)]  # none, where no class has two real windows
        for part, reduce in zip(PARTS, (np.mean, np.min, np.max), strict=True):
            if len(seen):
                writer.add_scalar(f"spread/{part}", reduce(seen), i * LOOK_EVERY)


def stacked_curves(curves: Sequence[dict[str, np.ndarray]]) -> tuple[list[str], np.ndarray]:
    """Names and values (T, metrics, M) of several members' curves; NaN after the end of the shorter ones."""
    names = list(curves[0])
    values = np.full((max(len(c[names[0]]) for c in curves), len(names), len(curves)), np.nan, dtype=np.float32)
    for m, member in enumerate(curves):
        for i, name in enumerate(names):
            values[: len(member[name]), i, m] = member[name]
    return names, values
