"""Measures the synthetic windows of GANs during training, and warns of trouble such as mode collapse."""

import logging
from collections.abc import Callable, Sequence

import lightning
import torch
from torch import Tensor

from emogan.analysis.curves import MEASURE_EVERY, MEASURES
from emogan.data.training_set import TrainingSet
from emogan.models import ConditionalGenerator
from emogan.training.detectors import Real, balance, lasting, measure, messages
from emogan.training.history import History

log = logging.getLogger(__name__)

WINDOWS = 64  # of each class: enough to tell a spread by some percent


class Diagnostics(lightning.Callback):
    """Writes the `MEASURES` into a `History` every `MEASURE_EVERY` iterations, and warns of what detectors find.

    The noise is fixed, and the same for all members and classes. Each kind of trouble is warned of once: after
    training, or in its second half if a figure is then far beyond its limit. With ``report``, messages during training
    go to that function, and the caller warns after training, as it may have further groups. A member's figures depend
    on its own generator and windows alone.

    Parameters
    ----------
    history
        Of this training.
    name
        What messages call the GANs.
    sets, classes, report
        See `GANAugmenter.fit`.

    Attributes
    ----------
    figures : list of dict
        Of each member's generator after training, see `detectors.measure` and `detectors.balance`.
    """

    def __init__(
        self,
        history: History,
        name: str,
        sets: Sequence[TrainingSet],
        classes: int,
        report: Callable[[dict[str, str]], None] | None = None,
    ):
        self.history, self.name, self.classes, self.report = history, name, classes, report
        self.real = Real.stacked(
            [Real.of(torch.from_numpy(data.x), torch.from_numpy(data.y), classes) for data in sets]
        )

    def on_fit_start(self, trainer, module):
        self.begun = self._draw(module)  # before the weights of a checkpoint are put in
        self.reported: set[str] = set()

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        done, last = self.history.done, self.history.iterations
        if done % MEASURE_EVERY:
            return
        figures = self._measure(module)
        running = [m for m, stopped in enumerate(self.history.stopped) if stopped >= done]
        seen = self.history.seen[done // MEASURE_EVERY - 1]
        for m in running:
            seen[:, m] = torch.tensor([figures[m].get(name, torch.nan) for name in MEASURES])
        parts = {}
        for name, values in zip(MEASURES, seen[:, running], strict=True):
            if len(values := values[~values.isnan()]):
                parts |= {name: values.mean(), f"{name}/lowest": values.min(), f"{name}/highest": values.max()}
        for logger in trainer.loggers if parts else ():  # Lightning would log a value again until there is another
            logger.log_metrics({name: float(value) for name, value in parts.items()}, done)
        if last <= 2 * done < 2 * last:
            own = [figures[m] for m in running]
            when = f"at iteration {done} of {last}"
            found = messages(own, self.name, when, lasting(own), advise=self.report is None)
            (self.report or self._warn)(found)

    def on_fit_end(self, trainer, module):  # every callback has put in the weights that it keeps
        self.figures = self._measure(module)
        for m, own in enumerate(self.figures):
            curves = self.history.member(m)
            own |= balance(curves["k"]) if "k" in curves else {}
        del self.begun  # of a GPU's memory
        if self.report is None:
            self._warn(messages(self.figures, self.name, "after training"))

    def _warn(self, found: dict[str, str]) -> None:
        for kind, message in found.items():
            if kind not in self.reported:
                log.warning("%s", message)
        self.reported |= found.keys()

    def _measure(self, module: ConditionalGenerator) -> list[dict[str, float]]:
        windows = self._draw(module)
        # During training the module is on a GPU, and at the end of fitting Lightning has brought it back to the CPU
        self.real, self.begun = self.real.to(windows.device), self.begun.to(windows.device)
        return measure(self.real, windows, self.begun)

    def _draw(self, module: ConditionalGenerator) -> Tensor:
        """Windows (M, K, n, F)."""
        training = module.training
        windows = module.eval().windows_of_each_class(WINDOWS)
        module.train(training)
        return windows.cpu() if windows.device.type == "mps" else windows  # which has no float64
