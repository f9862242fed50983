"""What is seen of training: a progress bar with the losses, and the curves of all GANs in the user's loggers."""

import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence

import lightning
import numpy as np
import pandas as pd
from lightning.pytorch.loggers import Logger, TensorBoardLogger
from tqdm import tqdm

from emogan.training.history import History

EVERY = 25  # iterations between updates of the progress bar


def progress_bar(description: str, total: int, unit: str, done: int = 0, hidden: bool = False) -> tqdm:
    """A bar that a terminal shows twice a second, and a file every ten seconds."""
    pause_s = 0.5 if sys.stderr.isatty() else 10
    return tqdm(total=total, initial=done, desc=description, unit=unit, mininterval=pause_s, disable=hidden)


def show(bar: tqdm, done: int, means: dict[str, float]) -> None:
    """Move a bar on, and show the means of some metrics behind it."""
    bar.set_postfix({name: f"{value:.3g}" for name, value in means.items()}, refresh=False)
    bar.update(done)


class Progress(lightning.Callback):
    """Reports the number of iterations and the mean losses of the members in training, every `EVERY` iterations.

    Parameters
    ----------
    history
        Of this training.
    report
        Called with the number of iterations since the last call, the first time since the beginning, and the means by
        metric.
    """

    def __init__(self, history: History, report: Callable[[int, dict[str, float]], None]):
        self.history, self.report = history, report

    def on_train_start(self, trainer, module):
        self.reported = 0  # iterations before a checkpoint are reported at first

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if self.history.done % EVERY == 0:
            self._report()

    def on_train_end(self, trainer, module):
        self._report()

    def _report(self) -> None:
        if done := min(self.history.done, len(self.history.values)):
            running = self.history.running() or slice(None)
            means = np.nanmean(self.history.values[done - 1].cpu().numpy()[:, running], axis=-1)
            self.report(done - self.reported, dict(zip(self.history.metrics, means.tolist(), strict=True)))
            self.reported = done


class ProgressBar(Progress):
    """The same on a progress bar."""

    def __init__(self, history: History, description: str):
        super().__init__(history, lambda done, means: show(self.bar, done, means))
        self.description = description

    def on_train_start(self, trainer, module):
        self.reported = self.history.done
        self.bar = progress_bar(self.description, self.history.iterations, "iteration", self.history.done)

    def on_train_end(self, trainer, module):
        super().on_train_end(trainer, module)
        self.bar.close()

    def on_exception(self, trainer, module, exception):
        if hasattr(self, "bar"):
            self.bar.close()


class SentLogger(Logger):
    """Sends the metrics of a group that a worker process trains to the job that started it, see `LiveCurves`."""

    def __init__(self, send: Callable[..., None]):
        self.send = send
        self.history: History | None = None  # of the group in training
        self.group = 0  # how many this worker trained before

    @property
    def name(self) -> None:
        return None

    @property
    def version(self) -> None:
        return None

    def log_metrics(self, metrics, step=None):
        members = sum(stopped >= self.history.done for stopped in self.history.stopped)
        self.send("metrics", self.group, step, members, {name: float(value) for name, value in metrics.items()})

    def log_hyperparams(self, *args, **kwargs):
        pass


class LiveCurves:
    """Metrics of groups that worker processes train side by side, logged as those of one group.

    An iteration is logged once every worker has gone beyond it, so that it holds the metrics of all of them.

    Parameters
    ----------
    loggers
        The user's.
    metrics
        Names of those that are shown with the lowest and the highest over the GANs.
    workers
        Number of workers.
    prefix
        Put before the names of the metrics of each worker's n-th group.
    """

    def __init__(self, loggers: Sequence[Logger], metrics: Collection[str], workers: int, prefix: Callable[[int], str]):
        self.loggers, self.metrics, self.prefix = loggers, metrics, prefix
        self.reached = dict.fromkeys(range(workers), (0, 0))  # group and iteration of those that are at work
        self.rows: dict[tuple[int, int], list[tuple[int, dict[str, float]]]] = defaultdict(list)

    def add(self, worker: int, group: int, iteration: int, members: int, metrics: dict[str, float]) -> None:
        """Metrics over the members in training of a worker's group."""
        self.rows[group, iteration].append((members, metrics))
        self.reached[worker] = group, iteration
        self._log(min(self.reached.values()))

    def end(self, worker: int) -> None:
        """A worker has sent its last row."""
        del self.reached[worker]
        self._log(min(self.reached.values(), default=None))

    def _log(self, before: tuple[int, int] | None) -> None:
        for place in sorted(place for place in self.rows if before is None or place < before):
            group, iteration = place
            merged = self._merged(self.rows.pop(place))
            for logger in self.loggers:
                logger.log_metrics({self.prefix(group) + name: value for name, value in merged.items()}, iteration)

    def _merged(self, rows: Sequence[tuple[int, dict[str, float]]]) -> dict[str, float]:
        """One row of several: means weighted by the members, the lowest and the highest of all."""
        merged: dict[str, float] = {}
        bands = {f"{name}/{part}" for name in self.metrics for part in ("lowest", "highest")}
        for name in dict.fromkeys(name for _, row in rows for name in row if name not in bands):
            own = [(members, row) for members, row in rows if name in row]
            weights = [members for members, _ in own]
            merged[name] = float(np.average([row[name] for _, row in own], weights=weights))
            if name in self.metrics:
                merged[f"{name}/lowest"] = min(row.get(f"{name}/lowest", row[name]) for _, row in own)
                merged[f"{name}/highest"] = max(row.get(f"{name}/highest", row[name]) for _, row in own)
        return merged


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
