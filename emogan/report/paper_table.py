"""Tables 1 and 2 of the paper (Luo, Zhu and Lu 2019), filled with ours beside its numbers."""

from importlib.resources import files

import pandas as pd

from emogan.analysis import statistics
from emogan.report.figures.accuracy import CHOICES
from emogan.report.figures.style import look
from emogan.report.sections import MODALITIES, Section
from emogan.report.table import DASH, Table, percent

GANS = ("cwgan", "cbegan")


def reported() -> pd.DataFrame:
    """The paper's numbers: table, dataset, modality, model, n_aug, mean, std (rates)."""
    with files("emogan.report").joinpath("reported.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)


def paper_table(section: Section) -> Table | None:
    """The paper's layout, rows n_aug and columns modality x model, mean over sd; ours nested, ours oracle, the paper's.

    None where the paper has no table of the data set, or the folds are not its own. Row 0 is `none`, for both models.
    """
    paper = reported()
    paper = paper[paper.dataset == section.dataset.removeprefix("synthetic_")]
    if paper.empty or section.folds != "paper" or section.permuted:
        return None
    nested, oracle = (_at_each_size(section, column) for column in CHOICES)
    sources = {
        f"ours{', SIMULATED' * section.simulated}: nested": nested,
        f"ours{', SIMULATED' * section.simulated}: oracle": oracle,
        "paper (real data)": paper.set_index(["modality", "model", "n_aug"])[["mean", "std"]]
        .agg(tuple, axis=1)
        .to_dict(),
    }
    ours = [place for place in nested if place[1] in GANS]
    sizes = sorted({0, *(n for _, _, n in ours)})
    places = [
        (modality, model)
        for modality in MODALITIES
        for model in GANS
        if (modality, model) in {place[:2] for place in ours}
    ]
    if not places:
        return None
    rows = [
        (str(n), name, *(_cell(cells, modality, model, n) for modality, model in places))
        for n in sizes
        for name, cells in sources.items()
        if any(_find(cells, modality, model, n) for modality, model in places)
    ]
    columns = (("", "n_aug"), ("", "source"), *((MODALITIES[m], look(model).label) for m, model in places))
    number = paper.table.iloc[0]
    note = (
        "Percent; mean and, below it, standard deviation (n - 1) over experiments. Nested: classifier parameter and "
        "settings chosen on training trials at each n_aug. Oracle: chosen on the test trials, as the paper's figures "
        "may have been."
    )
    if section.simulated:
        note += " Ours are SIMULATED data: they say nothing about the real data set."
    title = f"Layout of the paper's Table {number}: {section.label}"
    return Table("paper", title, columns, tuple(rows), note, 2)


def _at_each_size(section: Section, column: str) -> dict[tuple, tuple[float, float]]:
    """Mean and sd over experiments by modality, model and n_aug; settings are chosen at each n_aug."""
    _, choose = CHOICES[column]
    cells = {}
    for n, scores in section.scores.groupby("n_aug"):
        for row in statistics.describe(choose(scores), column, statistics.MODEL).itertuples():
            cells[row.modality, row.model, int(n)] = row.mean, row.sd
    return cells


def _find(cells: dict, modality: str, model: str, n: int) -> tuple[float, float] | None:
    own = cells.get((modality, model, n))
    return cells.get((modality, "none", 0), own) if n == 0 else own


def _cell(cells: dict, modality: str, model: str, n: int) -> str:
    found = _find(cells, modality, model, n)
    return "\n".join(percent(value, 2) for value in found) if found else DASH
