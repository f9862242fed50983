"""Figures of GANs that were trained for several lengths: their windows, their losses and what they gain."""

import textwrap
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

from emogan.report.figures.accuracy import CHOICES
from emogan.report.figures.picture import WIDTH, Picture, legend, panels, style
from emogan.report.figures.style import look
from emogan.report.sections import MODALITIES, Section
from emogan.report.training_length import LOOKED, Series

TITLES = {
    "spread": "within-class spread", "separation": "separation of class means", "mean_error": "error of class means",
}  # fmt: skip
LOSSES = {"d_loss": r"$D_{loss}$", "m_global": r"$M_{global}$", "k": "$k_t$"}
DASHES = ("-", "--", ":", "-.", (0, (1, 1, 4, 1)), (0, (8, 2)))  # of the settings of a model
TITLE = 42  # letters of a panel's title in a line
PER_DECADE = 40  # points of the losses
BAND = "Line: mean over the GANs of the jobs with the most updates; band: lowest to highest."


def pictures(section: Section, series: Sequence[Series]) -> Iterator[Picture]:
    """Windows and losses against updates, a row per modality, and its gains; nothing without series."""
    rows = {name: [one for one in series if one.modality == name] for name in section.modalities}
    rows = {modality: own for modality, own in rows.items() if own}
    if rows:
        yield _looks(rows, section.label)
    if places := _places(series):
        yield _losses(rows, places, section.label)
    for modality, own in rows.items():
        if any(one.gains for one in own):
            yield _gains(modality, own, section.label)


def _looks(rows: dict[str, list[Series]], label: str) -> Picture:
    with style():
        figure, axes = panels(len(rows), len(TITLES), WIDTH / len(TITLES), 2.6, label, sharex=True, sharey="col")
        for row, (modality, series) in zip(axes, rows.items(), strict=True):
            for axis, (metric, title) in zip(row, TITLES.items(), strict=True):
                axis.axhline(1, color="black", linewidth=0.8)
                for one in series:
                    _band(axis, one, metric)
                axis.set_title(textwrap.fill(f"{MODALITIES[modality]}: {title}", TITLE))
                if not axis.collections:
                    centre = {"ha": "center", "va": "center", "transform": axis.transAxes}
                    axis.text(0.5, 0.5, f"no {metric} in curves.csv", **centre)
            row[0].set_ylabel("synthetic / real")
        for axis in axes[:, -1]:
            axis.set_yscale("log")
            axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.yaxis.set_major_formatter("{x:g}")
            axis.yaxis.set_minor_locator(NullLocator())
        _finish(figure, axes)
    caption = f"Synthetic relative to real training windows, against updates of the generator. {LOOKED} {BAND}"
    return Picture("training_length", "Training length, synthetic windows", caption, figure)


def _places(series: Sequence[Series]) -> list[tuple[str, str]]:
    """Metric and model of each panel of losses; no model where the metric has one scale for all of them."""
    found = [
        (metric, one.model if metric == "d_loss" else "")
        for metric in LOSSES
        for one in series
        if metric in one.longest.index.unique("metric")
    ]
    return list(dict.fromkeys(found))


def _losses(rows: dict[str, list[Series]], places: Sequence[tuple[str, str]], label: str) -> Picture:
    with style():
        width = WIDTH / max(len(places), 2)
        figure, axes = panels(len(rows), len(places), width, 2.6, label, sharex=True, sharey="col")
        for row, (modality, series) in zip(axes, rows.items(), strict=True):
            for axis, (metric, model) in zip(row, places, strict=True):
                for one in series:
                    if model in ("", one.model):
                        _band(axis, one, metric)
                of = f" of {look(model).label}" if model else ""
                axis.set_title(f"{MODALITIES[modality]}: {LOSSES[metric]}{of}", parse_math=True)
        _finish(figure, axes)
    caption = (
        f"Convergence measures against updates of the generator, in steps of a {PER_DECADE}th of a decade. {BAND} "
        "Within a step the mean of the means, and the lowest and highest value of all."
    )
    return Picture("training_length_losses", "Training length, convergence", caption, figure)


def _band(axis, one: Series, metric: str) -> None:
    """Draw a metric's mean and band, if there is one; of metrics at every update, one point a step of the log axis."""
    if metric not in one.longest.index.unique("metric"):
        return
    curve = one.longest.loc[metric].reset_index()
    if metric in LOSSES:
        steps = np.round(PER_DECADE * np.log10(curve.iteration))
        curve = curve.groupby(steps).agg({"iteration": "mean", "mean": "mean", "lowest": "min", "highest": "max"})
    shown = look(one.model)
    axis.fill_between(curve.iteration, curve.lowest, curve.highest, color=shown.color, alpha=0.15, linewidth=0)
    axis.plot(curve.iteration, curve["mean"], linewidth=1.4, label=one.label, **_line(one))


def _line(one: Series) -> dict:
    return {"color": look(one.model).color, "linestyle": DASHES[one.number % len(DASHES)]}


def _gains(modality: str, series: Sequence[Series], label: str) -> Picture:
    name = MODALITIES[modality]
    with style():
        figure, axes = panels(2, len(CHOICES), WIDTH / len(CHOICES), 2.6, f"{name}\n{label}", sharex=True, sharey="row")
        for row, chosen in zip(axes, (False, True), strict=True):
            for axis, (column, (choice, _)) in zip(row, CHOICES.items(), strict=True):
                axis.axhline(0, color=look("none").color, linestyle="--", linewidth=1, label="n_aug=0")
                for i, one in enumerate(series):
                    _bars(axis, one, chosen, column, 1.03 ** (i - (len(series) - 1) / 2))  # side by side
                axis.set_title(f"{choice}, {'n_aug chosen' if chosen else f'n_aug={series[0].n_aug}'}")
            row[0].set_ylabel("gain (points)")
        _finish(figure, axes)
    caption = (
        "Accuracy less that without augmentation, in percentage points, against the updates of the generator that GANs "
        "were trained for. Mean over subjects; bars: bootstrap 95 % interval, far too narrow below six subjects. "
        "Nested: the classifier's parameter (and n_aug, which may be 0) chosen by inner accuracy. Oracle: chosen on "
        "the test trials, with and without augmentation."
    )
    return Picture(f"training_length_gain_{modality}", f"Training length, gain in accuracy: {name}", caption, figure)


def _bars(axis, one: Series, chosen: bool, column: str, shift: float) -> None:
    rows = {length: row for length in one.jobs if (row := one.gains.get((length, chosen, column)))}
    frame = 100 * pd.DataFrame({n: [row.difference, row.low, row.high] for n, row in rows.items()}, dtype=float)
    mean, low, high = frame.to_numpy() if rows else np.empty((3, 0))
    bars = np.nan_to_num([mean - low, high - mean]).clip(min=0)  # those of equal gains may be off by a rounding error
    axis.errorbar(
        np.array(list(rows)) * shift, mean, yerr=bars, label=one.label, marker=look(one.model).marker, markersize=4,
        linewidth=1, elinewidth=1, capsize=2, alpha=0.95, **_line(one),
    )  # fmt: skip


def _finish(figure, axes) -> None:
    """Updates along a log axis, horizontal lines, and the legend."""
    for axis in axes.ravel():
        axis.set_xscale("log")
        axis.grid(axis="y")
    low, high = axes[0, 0].get_xlim()  # of all panels
    for axis in axes.ravel():
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 1000 * low else (1,)))
        axis.xaxis.set_major_formatter(EngFormatter(sep=""))
        axis.xaxis.set_minor_locator(NullLocator())
    for axis in axes[-1]:
        axis.set_xlabel("updates")
    legend(figure, axes, handlelength=3.5)  # as long as dashes need
