"""Convergence curves: a progress bar with the losses and TensorBoard's scalars, over all members."""

import sys

import lightning
import numpy as np
import pandas as pd
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from emogan.analysis.curves import LOOK_EVERY, PARTS, summarise
from emogan.training.history import History

EVERY = 25  # iterations between looks at the curves


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
                looks = self.history.spread[: done // LOOK_EVERY].numpy()
                write_curves(self.writer, summarise(self.history.metrics, values, looks, self.shown))
        self.bar.update(done - max(self.shown, self.start))
        self.shown = done


def write_curves(writer: SummaryWriter, curves: pd.DataFrame) -> None:
    """Write rows of `CURVES` as TensorBoard's scalars and, with the first iteration, a layout that shows the bands."""
    if (curves.iteration == 1).any():
        names = dict.fromkeys([*curves.metric, "spread"])
        bands = {name: ["Margin", [f"{name}/{part}" for part in PARTS]] for name in names}
        writer.add_custom_scalars({"members: mean, lowest, highest": bands})
    for row in curves.itertuples(index=False):
        for part in PARTS:
            writer.add_scalar(f"{row.metric}/{part}", getattr(row, part), row.iteration)
