"""Confusion matrices at the nested choice: none beside the best control and each GAN."""

import textwrap
from collections.abc import Iterator

import numpy as np
import pandas as pd

from emogan.jobs.files import IDENTITY
from emogan.report.figures.picture import Picture, one_panel_each, style
from emogan.report.figures.style import look
from emogan.report.sections import MODALITIES, Section


def confusion(section: Section, modality: str, model: str) -> pd.DataFrame:
    """Test windows by true class (rows) and predicted class (columns), summed over training sets, as counts."""
    frames = [job.confusion.assign(job=job.identity) for job in section.scored if job.modality == modality]
    counts = pd.concat(frames, ignore_index=True).merge(section.nested[[*IDENTITY, "job"]], on=[*IDENTITY, "job"])
    counts = counts[counts.model == model]
    order = list(dict.fromkeys([*counts.label, *counts.predicted]))
    table = counts.pivot_table(index="label", columns="predicted", values="count", aggfunc="sum", fill_value=0)
    return table.reindex(index=order, columns=order, fill_value=0)


def confusion_matrices(section: Section) -> Iterator[Picture]:
    """One figure per modality."""
    for modality in section.modalities:
        models = section.models(modality, "none") + section.shown(modality)
        label = MODALITIES[modality]
        figure = _matrices({m: confusion(section, modality, m) for m in models}, f"{label}\n{section.label}")
        caption = (
            "Percent of the test windows of each emotion (rows sum to 100), over all training sets, at the nested "
            "choice of n_aug and settings."
        )
        yield Picture(f"confusion_{modality}", f"Confusion matrices: {label}", caption, figure)


def _matrices(tables: dict[str, pd.DataFrame], label: str):
    with style():
        figure, axes, shown = one_panel_each(len(tables), 2.9, 2.9, label, sharex=True, sharey=True)
        for axis, (model, table) in zip(shown, tables.items(), strict=True):
            totals = table.sum(axis=1).to_numpy(dtype=float)[:, None]
            share = 100 * table.to_numpy() / np.where(totals > 0, totals, np.nan)
            image = axis.imshow(share, cmap="Blues", vmin=0, vmax=100, aspect="auto")
            for (row, column), value in np.ndenumerate(share):
                color = "white" if value > 60 else "black"
                axis.text(column, row, f"{value:.0f}", ha="center", va="center", color=color)
            axis.set_xticks(range(len(table)), table.columns, rotation=45, ha="right", rotation_mode="anchor")
            axis.set_yticks(range(len(table)), table.index)
            axis.set_title(textwrap.fill(look(model).label, 24))
        for axis in shown[-axes.shape[1] :]:
            axis.set_xlabel("predicted")
        for axis in axes[:, 0]:
            axis.set_ylabel("true emotion")
        figure.colorbar(image, ax=axes.ravel().tolist(), label="% of a true emotion", shrink=0.75, pad=0.01)
    return figure
