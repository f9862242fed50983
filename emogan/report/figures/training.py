"""The paper's Fig. 2 with our curves: cWGAN's D loss and cBEGAN's M_global against iterations."""

import textwrap

import numpy as np
import pandas as pd

from emogan.analysis.curves import CURVES, PARTS
from emogan.report.convergence_rule import RULE, convergence
from emogan.report.figures.picture import WIDTH, Picture, panels, style
from emogan.report.figures.style import look
from emogan.report.sections import MODALITIES, Section
from emogan.sweeps.collect import Job

CURVE_OF = {"cwgan": ("d_loss", r"$D_{loss}$"), "cbegan": ("m_global", r"$M_{global}$")}


def read_curves(job: Job) -> pd.DataFrame:
    """The job's ``curves.csv``: mean, lowest and highest over members of each metric at each iteration.

    Raises
    ------
    ValueError
        If there is none, or it is not what a job writes.
    """
    types = {"iteration": int, **dict.fromkeys(PARTS, float)}
    try:
        return pd.read_csv(job.folder / "curves.csv", usecols=CURVES, dtype=types)
    except FileNotFoundError:
        raise ValueError("the job left no curves.csv") from None
    except (OSError, ValueError) as error:
        raise ValueError(f"curves.csv cannot be read: {error}") from error


def read_curve(job: Job | None, metric: str) -> pd.DataFrame:
    """One metric of `read_curves`, by iteration (index).

    Raises
    ------
    ValueError
        If there is no job or no such curve, or the file is not what a job writes.
    """
    if job is None:
        raise ValueError("no job")
    frame = read_curves(job)
    own = frame[frame.metric == metric]
    if own.empty:
        raise ValueError(f"no {metric} in curves.csv")
    return own.set_index("iteration")


def training_curves(section: Section) -> Picture | None:
    """A row per modality and a column per model; the newest job of each. None where there is a job of neither model."""
    jobs = {(name, model): section.newest(name, model) for name in section.modalities for model in CURVE_OF}
    modalities = [name for name in section.modalities if any(jobs[name, model] for model in CURVE_OF)]
    models = [model for model in CURVE_OF if any(jobs[name, model] for name in modalities)]
    if not models:
        return None
    with style():
        figure, axes = panels(len(modalities), len(models), WIDTH / 2, 2.6, section.label, sharex="col")
        for row, modality in zip(axes, modalities, strict=True):
            for axis, model in zip(row, models, strict=True):
                _draw(axis, jobs[modality, model], model, MODALITIES[modality])
        for axis in axes[-1]:
            axis.set_xlabel("iteration")
    caption = (
        "Mean over all training sets of the job of each model that finished last; band: lowest to highest. Dotted "
        f"line: convergence, {RULE}"
    )
    return Picture("training_curves", "Training curves (the paper's Fig. 2)", caption, figure)


def _draw(axis, job: Job | None, model: str, label: str) -> None:
    metric, symbol = CURVE_OF[model]
    axis.set_title(f"{label}: {look(model).label}")
    try:
        curve = read_curve(job, metric)
    except ValueError as error:
        axis.text(0.5, 0.5, textwrap.fill(str(error), 50), ha="center", va="center", transform=axis.transAxes)
        axis.set_axis_off()
        return
    axis.fill_between(curve.index, curve.lowest, curve.highest, color=look(model).color, alpha=0.2, linewidth=0)
    axis.plot(curve.index, curve["mean"], color=look(model).color, linewidth=1.2)
    axis.set_ylabel(symbol)
    axis.grid(axis="y")
    at = convergence(curve["mean"].to_numpy()) if np.isfinite(curve["mean"]).all() else None
    text = "not converged"
    if at is not None:
        iteration = curve.index[at - 1]
        axis.axvline(iteration, color="black", linewidth=1, linestyle=":")
        text = f"converged at iteration {iteration}"
    side = "bottom" if curve["mean"].iloc[-1] > curve["mean"].median() else "top"
    box = {"facecolor": "white", "edgecolor": "none", "pad": 2}
    axis.text(0.98, 0.06 if side == "bottom" else 0.94, text, ha="right", va=side, transform=axis.transAxes, bbox=box)
