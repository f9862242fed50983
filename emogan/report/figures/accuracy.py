"""Figures of accuracy: against n_aug, against training trials per class, and subject by subject."""

import textwrap
from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from emogan.analysis import statistics
from emogan.analysis.statistics import MODEL
from emogan.report.figures.picture import WIDTH, Picture, legend, one_panel_each, panels, style
from emogan.report.figures.style import look
from emogan.report.sections import MODALITIES, Section

CHOICES = {
    "accuracy": ("nested", statistics.choose_n_aug),
    "accuracy_oracle": ("oracle (optimistic)", statistics.oracle_n_aug),
}
INTERVAL = (
    "Bars: bootstrap 95 % interval of the paired difference to none, over subjects, around the mean; far too narrow "
    "below six subjects."
)


def accuracy_by_size(section: Section) -> Iterator[Picture]:
    """Accuracy against n_aug, nested and oracle: the controls, and the GANs with the best control."""
    baselines = [modality for modality in section.modalities if "none" in section.models(modality)]
    if not (section.scores.n_aug > 0).any():
        return
    for kind, title in (("gan", "GANs and the best control"), ("control", "controls")):
        models = {m: section.shown(m) if kind == "gan" else section.models(m, "control") for m in baselines}
        models = {modality: found for modality, found in models.items() if found and section.models(modality, kind)}
        if models:
            figure = _by_size(section.scores, models, section.label)
            caption = (
                "Mean accuracy on held-out trials against the number of appended synthetic windows; the classifier's "
                f"parameter (and settings) chosen at each size, nested and by the oracle. Dashed: none. {INTERVAL}"
            )
            if kind == "gan":
                caption += " The best control: the highest nested accuracy here of those that saw no tested film clip."
            yield Picture(f"accuracy_{kind}s", f"Accuracy against n_aug: {title}", caption, figure)


def _by_size(scores: pd.DataFrame, models: dict[str, list[str]], label: str):
    with style():
        figure, axes = panels(len(models), 2, WIDTH / 2, 2.7, label, sharey="row", sharex=True)
        sizes = sorted(n for n in scores.n_aug.unique() if n > 0)
        for row, (modality, names) in zip(axes, models.items(), strict=True):
            here = scores[scores.modality == modality]
            for axis, (column, (title, choose)) in zip(row, CHOICES.items(), strict=True):
                points = {
                    n: against_none(choose(here[(here.n_aug == n) | (here.model == "none")]), column) for n in sizes
                }
                lines(axis, points, names, [str(n) for n in sizes])
                axis.set_title(f"{MODALITIES[modality]}: {title}")
            row[0].set_ylabel("accuracy (%)")
        for axis in axes[-1]:
            axis.set_xlabel("synthetic windows appended (n_aug)")
        legend(figure, axes)
    return figure


def learning_curve(section: Section) -> Picture | None:
    """Nested accuracy against training trials per class; None unless there are several numbers of them."""
    scores = section.all_scores
    counted = scores.groupby(["modality", "model"]).trials_per_class
    several = counted.nunique().loc[lambda n: n > 1].index
    models = {m: [x for x in section.models(m) if (m, x) in several] for m in section.modalities}
    models = {modality: found for modality, found in models.items() if "none" in found and len(found) > 1}
    if not models:
        return None
    groups = {m: dict(iter(scores[scores.modality == m].groupby("trials_per_class"))) for m in models}
    figure = against_counts(section, models, groups, "training trials per class")
    caption = f"Nested accuracy with fewer training trials of each class. Dashed: none. {INTERVAL}"
    return Picture("learning_curve", "Learning curve", caption, figure)


def against_counts(
    section: Section, models: dict[str, list[str]], groups: dict[str, dict[float, pd.DataFrame]], count: str
) -> Figure:  # fmt: skip
    """A panel for each modality: nested accuracy of its models against a count, with none as a dashed line.

    Parameters
    ----------
    models
        Those to draw, by modality.
    groups
        The scores at each value of the count, those of none among them, by modality; an infinite value is "all".
    count
        What is counted: the label of the axis.
    """
    with style():
        figure, axes = panels(1, len(models), WIDTH / max(len(models), 2), 3.2, section.label, sharey=True)
        for axis, (modality, names) in zip(axes[0], models.items(), strict=True):
            points = {n: against_none(statistics.choose_n_aug(own), "accuracy") for n, own in groups[modality].items()}
            ticks = ["all" if np.isinf(n) else f"{n:.0f}" for n in points]
            lines(axis, points, [name for name in names if name != "none"], ticks)
            axis.set_title(MODALITIES[modality])
            axis.set_xlabel(count)
        axes[0, 0].set_ylabel("accuracy (%), nested")
        legend(figure, axes)
    return figure


def against_none(chosen: pd.DataFrame, column: str) -> pd.DataFrame:
    """Mean over subjects and interval of each model, in percent: index model, columns mean, low, high.

    The interval is that of the paired difference to none, moved to the model's mean; none has none (NaN).
    ``chosen`` has one modality and one row per model, training set and seed. Empty without none.
    """
    means = statistics.subject_means(chosen, column, MODEL).groupby("model")[column].mean()
    frame = pd.DataFrame({"mean": means, "low": np.nan, "high": np.nan})
    if "none" not in means.index:
        return frame.iloc[:0]
    for row in statistics.compare(chosen, ("none",), column, common_only=True).itertuples():
        shift = frame.loc[row.model, "mean"] - row.difference
        frame.loc[row.model, ["low", "high"]] = shift + row.low, shift + row.high
    return 100 * frame


def lines(axis, points: dict, models: list[str], ticks: list[str]) -> None:
    """Each model's means over ordinal sizes with its intervals, side by side; none as a dashed line."""
    at = np.arange(len(points))
    base = [frame["mean"].get("none", np.nan) for frame in points.values()]
    if len(set(base)) == 1:
        axis.axhline(base[0], color=look("none").color, linestyle="--", linewidth=1, label=look("none").label)
    else:
        axis.plot(
            at, base, color=look("none").color, linestyle="--", marker="o", markersize=4, label=look("none").label
        )
    apart = min(0.08, 0.8 / max(len(models), 1))  # of the distance of two sizes
    offsets = (np.arange(len(models)) - (len(models) - 1) / 2) * apart
    for model, offset in zip(models, offsets, strict=True):
        values = np.array([
            frame.loc[model] if model in frame.index else (np.nan,) * 3 for frame in points.values()
        ], dtype=float)  # fmt: skip
        shown = look(model)
        mean, bars = values[:, 0], np.abs(values[:, 1:] - values[:, :1]).T
        axis.errorbar(
            at + offset, mean, yerr=np.nan_to_num(bars), color=shown.color, marker=shown.marker, markersize=5,
            linewidth=1, elinewidth=1, capsize=2, label=shown.label, alpha=0.95,
        )  # fmt: skip
    axis.set_xticks(at, ticks)
    axis.set_xlim(-0.5, len(at) - 0.5)
    axis.grid(axis="y")


def paired_by_subject(section: Section) -> Iterator[Picture]:
    """One figure per modality with a panel per model: each subject's nested accuracy without and with it."""
    means = statistics.subject_means(section.nested, by=MODEL)
    for modality in section.modalities:
        wide = means[means.modality == modality].pivot(index="subject", columns="model", values="accuracy")
        models = section.models(modality, "control", "gan")
        if "none" in wide and models:
            label = MODALITIES[modality]
            figure = _paired(100 * wide, models, f"{label}\n{section.label}")
            caption = (
                "Each line is a subject: nested accuracy (mean over folds and sessions) without augmentation and with "
                "it. Solid, in colour: better; dashed, grey: worse; dotted: equal. Thick: mean."
            )
            yield Picture(f"subjects_{modality}", f"Subject by subject: {label}", caption, figure)


def _paired(accuracies: pd.DataFrame, models: list[str], label: str):
    with style():
        figure, axes, shown = one_panel_each(len(models), 2.5, 2.6, label, sharey=True)
        for axis, model in zip(shown, models, strict=True):
            pairs = accuracies[["none", model]].dropna()
            changes = (pairs[model] - pairs["none"]).round(statistics.DECIMALS)
            for (before, after), change in zip(pairs.to_numpy(), changes, strict=True):
                color, line = (look(model).color, "-") if change > 0 else ("#777777", "--" if change < 0 else ":")
                axis.plot([0, 1], [before, after], line, color=color, marker="o", markersize=3, linewidth=1)
            axis.plot([0, 1], pairs.mean(), color="black", linewidth=2.5)
            name = textwrap.fill(look(model).label, 28)
            axis.set_title(f"{name}\n{(changes > 0).sum()} better, {(changes < 0).sum()} worse")
            axis.set_xticks([0, 1], ["none", "with"])
            axis.set_xlim(-0.25, 1.25)
            axis.grid(axis="y")
        for axis in axes[:, 0]:
            axis.set_ylabel("accuracy (%)")
    return figure
