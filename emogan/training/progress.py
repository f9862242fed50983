"""What is seen of training: a progress bar with the losses, and the curves of all GANs in the user's loggers."""

import sys
from collections.abc import Sequence

import lightning
import numpy as np
import pandas as pd
from lightning.pytorch.loggers import Logger, TensorBoardLogger
from tqdm import tqdm

from emogan.training.history import History

EVERY = 25  # iterations between updates of the progress bar


class Progress(lightning.Callback):
    """A progress bar with the mean losses of the members in training."""

    def __init__(self, history: History, description: str):
        self.history, self.description = history, description

    def on_train_start(self, trainer, module):
        self.bar = tqdm(
            total=self.history.iterations,
            initial=self.history.done,
            desc=self.description,
            unit="iteration",
            mininterval=0.5 if sys.stderr.isatty() else 10,
        )

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if self.history.done % EVERY == 0:
            self._show()

    def on_train_end(self, trainer, module):
        self._show()
        self.bar.close()

    def on_exception(self, trainer, module, exception):
        if hasattr(self, "bar"):
            self.bar.close()

    def _show(self) -> None:
        if done := min(self.history.done, len(self.history.values)):
            running = self.history.running() or slice(None)
            means = np.nanmean(self.history.values[done - 1].cpu().numpy()[:, running], axis=-1)
            shown = {name: f"{value:.3g}" for name, value in zip(self.history.metrics, means, strict=True)}
            self.bar.set_postfix(shown, refresh=False)
            self.bar.update(done - self.bar.n)


def log_curves(loggers: Sequence[Logger], curves: pd.DataFrame, every: int) -> None:
    """Log curves over all members, rows of `emogan.analysis.curves.CURVES`, at every ``every``-th iteration."""
    if not loggers or not every:
        return
    for iteration, rows in curves[curves.iteration % every == 0].groupby("iteration"):
        metrics = {}
        for row in rows.itertuples(index=False):
            metrics |= {row.metric: row.mean, f"{row.metric}/lowest": row.lowest, f"{row.metric}/highest": row.highest}
        for logger in loggers:
            logger.log_metrics(metrics, int(iteration))


def show_bands(loggers: Sequence[Logger], metrics: Sequence[str]) -> None:
    """Have TensorBoard's custom scalars show each metric's mean in the band between the lowest and the highest."""
    bands = {name: ["Margin", [name, f"{name}/lowest", f"{name}/highest"]] for name in metrics}
    for logger in loggers:
        if isinstance(logger, TensorBoardLogger):
            logger.experiment.add_custom_scalars({"GANs: mean, lowest, highest": bands})
