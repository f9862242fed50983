"""The comparison that a sweep ends with: a row per model, with the numbers of the report."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from emogan.analysis import statistics
from emogan.analysis.statistics import MODEL, TRAINING_SET
from emogan.report.figures.style import look
from emogan.report.sections import MODALITIES, Section, sections
from emogan.report.table import DASH, Table, percent
from emogan.report.tables import FEWEST, difference, paired_differences
from emogan.sweeps.collect import collect


def overview(folders: Iterable[Path]) -> str:
    """The models of some finished jobs as text, a table per data set and way of evaluation."""
    return "\n\n".join(_table(section) for section in sections(collect(list(folders)).jobs))


def _table(section: Section) -> str:
    chosen = _means(section.nested)
    without = _means(_without_windows(section.scores))
    against, _ = paired_differences(section, ("none",))
    rows = []
    for modality in section.modalities:
        for model in section.models(modality):
            place, row = (modality, model), against.get((modality, "none", model))
            rows.append((
                MODALITIES[modality], look(model).label, percent(without.get(place, float("nan"))),
                percent(chosen[place]), DASH if row is None else difference(row), str(section.subjects[place]),
            ))  # fmt: skip
    heads = ("modality", "model", "n_aug=0", "n_aug chosen", "gain [95 %]", "subjects")
    text = Table("overview", section.label, tuple(("", head) for head in heads), tuple(rows), stubs=2).text()
    few = f"\nFewer than {FEWEST} subjects: no interval can support a claim." if section.subjects.min() < FEWEST else ""
    return (
        f"{text}\nPercent, mean over experiments; n_aug chosen on training trials; gain over none, paired by "
        f"subject.{few}"
    )


def _means(scores: pd.DataFrame) -> pd.Series:
    return statistics.describe(scores, by=MODEL).set_index(["modality", "model"])["mean"]


def _without_windows(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows without synthetic windows, which jobs of one model have in common."""
    return scores[scores.n_aug == 0].drop_duplicates([*MODEL, *TRAINING_SET, "seed"])
