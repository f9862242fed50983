"""The paper's Fig. 2 with our curves: cWGAN's D loss and cBEGAN's M_global against iterations."""

from pathlib import Path

import numpy as np
import pandas as pd
from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator

from emogan.report.convergence_rule import RULE, convergence
from emogan.report.models import look
from emogan.report.picture import WIDTH, Picture, panels, style
from emogan.report.sections import MODALITIES, Section

CURVES = {"cwgan": ("d_loss", r"$D_{loss}$"), "cbegan": ("m_global", r"$M_{global}$")}
PARTS = ("mean", "lowest", "highest")


def read_curve(folder: Path, metric: str) -> pd.DataFrame | None:
    """Mean, lowest and highest over members (columns) at each iteration (index); None if there is no such curve.

    Where a job ran twice in one folder, the later run's values count.
    """
    events = EventAccumulator(str(folder), size_guidance={SCALARS: 0})
    events.Reload()
    names = [f"{metric}/{part}" for part in PARTS]
    if not set(names) <= set(events.Tags()["scalars"]):
        return None
    columns = {}
    for part, name in zip(PARTS, names, strict=True):
        found = sorted(events.Scalars(name), key=lambda event: event.wall_time)
        columns[part] = pd.Series({event.step: event.value for event in found})
    return pd.DataFrame(columns).sort_index()


def training_curves(section: Section) -> Picture | None:
    """A row per modality; the newest job of each model. None where neither model left a curve."""
    found = {}
    for modality in section.modalities:
        for model, (metric, _) in CURVES.items():
            job = section.newest(modality, model)
            curve = read_curve(job.folder, metric) if job else None
            if curve is not None:
                found[modality, model] = curve
    if not found:
        return None
    rows = list(dict.fromkeys(modality for modality, _ in found))
    with style():
        figure, axes = panels(len(rows), 2, WIDTH / 2, 2.6, section.label, sharex="col")
        for row, modality in zip(axes, rows, strict=True):
            for axis, model in zip(row, CURVES, strict=True):
                _draw(axis, found.get((modality, model)), model, MODALITIES.get(modality, modality))
        for axis in axes[-1]:
            axis.set_xlabel("iteration")
    caption = (
        "Mean over all training sets of the job of each model that finished last; band: lowest to highest. Dotted "
        f"line: convergence, {RULE}"
    )
    return Picture("training_curves", "Training curves (the paper's Fig. 2)", caption, figure)


def _draw(axis, curve: pd.DataFrame | None, model: str, label: str) -> None:
    axis.set_title(f"{label}: {look(model).label}")
    if curve is None:
        axis.text(0.5, 0.5, "no curve", ha="center", va="center", transform=axis.transAxes)
        axis.set_axis_off()
        return
    axis.fill_between(curve.index, curve.lowest, curve.highest, color=look(model).color, alpha=0.2, linewidth=0)
    axis.plot(curve.index, curve["mean"], color=look(model).color, linewidth=1.2)
    axis.set_ylabel(CURVES[model][1])
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
