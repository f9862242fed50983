"""The report's tables of accuracies, each made from a section's scores alone."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

import pandas as pd

from emogan.analysis import statistics
from emogan.analysis.statistics import MODEL
from emogan.report.figures.style import look
from emogan.report.sections import MODALITIES, Section
from emogan.report.table import DASH, Grey, Table, number, p_value, percent, points, with_interval

FEWEST = 6  # subjects: below, Wilcoxon's test cannot fall under 0.05, and bootstrap intervals are far too narrow
FEW = 10  # subjects: below, intervals are grey, since they cover clearly less than they say
LEVEL = 0.05  # of p after Holm's correction, below which a difference is said to be there


def comparison(section: Section) -> Table:
    """One row per modality and model: nested accuracy against none, the oracle's beside it, and its optimism."""
    nested = statistics.describe(section.nested, by=MODEL).set_index(["modality", "model"])
    oracle = statistics.describe(section.oracle, "accuracy_oracle", MODEL).set_index(["modality", "model"])
    trials = statistics.describe(section.nested, "trial_accuracy", MODEL).set_index(["modality", "model"])
    optimism = statistics.selection_optimism(section.scores).groupby(["modality", "model"]).optimism.mean()
    against, said = paired_differences(section, ("none",))
    rows, notes = [], list(said)
    for modality in section.modalities:
        for model in section.models(modality):
            place = modality, model
            rows.append((
                MODALITIES[modality], look(model).label, mean_sd(nested.loc[place]), mean_sd(trials.loc[place]),
                *_difference(against.get((modality, "none", model))), mean_sd(oracle.loc[place]),
                points(optimism[place]), str(section.subjects[place]),
            ))  # fmt: skip
    experiments = sorted(set(nested.experiments))
    for modality in section.modalities:
        if "none" not in section.models(modality):
            notes.append(f"{modality}: no job of model=none here, hence no differences to it: run it too.")
    note = (
        f"Percent; mean (sd, n - 1) over {_range(experiments)} experiments; differences are paired and in percentage "
        f"points, the unit of inference is the subject ({_range(sorted(set(section.subjects)))} of them). Nested: "
        "classifier parameter, n_aug and settings chosen on training trials. Of whole trials: the share of test trials "
        "whose majority of windows is right, at the same choice. Interval: bootstrap, 95 %, grey below "
        f"{FEW} subjects, where it is too narrow. p: Wilcoxon signed-rank, Holm-corrected over the models of a "
        "modality. Intervals are not corrected for several models: where one leaves out zero and p is above 0.05, p "
        "counts, and no gain can be claimed. d_z: mean / sd of the subjects' differences. Oracle: chosen on the test "
        "trials, one parameter, n_aug and setting for all folds of an experiment, where nested chooses for each fold: "
        "the oracle can therefore lie below nested. Optimism: oracle − nested."
    )
    columns = (
        ("", "modality"), ("", "model"), ("nested (honest)", "accuracy"), ("nested (honest)", "of whole trials"),
        ("nested − none", "difference [95 %]"),
        ("nested − none", "p (Holm)"), ("nested − none", "d_z"), ("nested − none", "better / worse / equal"),
        ("oracle", "accuracy"), ("oracle", "optimism"), ("", "subjects"),
    )  # fmt: skip
    return Table(
        "comparison", f"Comparison of all models: {section.label}", columns, tuple(rows), " ".join([note, *notes]), 2
    )


def against_controls(section: Section) -> Table | None:
    """Nested difference of each GAN to each control; None where there are not both."""
    pairs = {m: (section.models(m, "control"), section.models(m, "gan")) for m in section.modalities}
    pairs = {modality: both for modality, both in pairs.items() if all(both)}
    if not pairs:
        return None
    gans = list(dict.fromkeys(gan for _, found in pairs.values() for gan in found))
    against, notes = paired_differences(section, "control", "gan")
    rows = []
    for modality, (controls, _) in pairs.items():
        for control in controls:
            cells = (_short_difference(against.get((modality, control, gan))) for gan in gans)
            rows.append((MODALITIES[modality], look(control).label, *cells))
    note = (
        "GAN − control in percentage points at the nested choice, paired by subject, with bootstrap 95 % interval; "
        "below it p (Wilcoxon signed-rank, Holm-corrected over the GANs of a row) and the number of subjects "
        "better/worse."
    )
    columns = (("", "modality"), ("", "control"), *(("GAN", look(gan).label) for gan in gans))
    return Table(
        "controls", f"GANs against controls: {section.label}", columns, tuple(rows), " ".join([note, *notes]), 2
    )


def choices(section: Section) -> Table:
    """How often the nested choice took each n_aug, per modality and model, in percent of the training sets."""
    sizes = sorted(section.scores.n_aug.unique())
    rows = []
    for modality in section.modalities:
        for model in section.models(modality):
            chosen = section.nested[(section.nested.modality == modality) & (section.nested.model == model)]
            offered = set(section.scores.n_aug[(section.scores.modality == modality) & (section.scores.model == model)])
            shares = [percent((chosen.n_aug == n).mean(), 0) if n in offered else DASH for n in sizes]
            settings = chosen.groupby(["job", "settings"]).ngroups
            rows.append((
                MODALITIES[modality], look(model).label, str(len(chosen)), *shares,
                f"{chosen.c.median():.3g}", str(settings),
            ))  # fmt: skip
    columns = (
        ("", "modality"), ("", "model"), ("", "training sets"), *(("n_aug chosen (percent)", str(n)) for n in sizes),
        ("", "C (median)"), ("", "settings used"),
    )  # fmt: skip
    note = "What inner cross-validation over training trials chose; C is the classifier's parameter."
    return Table("choices", f"Choices made on training trials: {section.label}", columns, tuple(rows), note, 2)


@lru_cache(maxsize=4)  # of one section: its sentences, forest plot and tables ask for the same
def paired_differences(section: Section, references, models=None) -> tuple[Mapping[tuple, pd.Series], tuple[str, ...]]:
    """`statistics.compare` of the nested scores by (modality, reference, model), and what must be said about it.

    ``references`` and ``models`` are names or a kind of models (control, gan). Where two models were not scored on the
    same training sets, those that both have are compared, and a note says so.
    """
    found, notes = {}, []
    if section.subjects.min() < FEWEST:
        notes.append(f"Fewer than {FEWEST} subjects: neither interval nor p can support a claim.")
    for modality in section.modalities:
        present = section.models(modality)
        names = section.models(modality, references) if isinstance(references, str) else references
        names = [name for name in names if name in present]
        compared = section.models(modality, models) if models else [name for name in present if name not in names]
        if not names or not compared:
            continue
        scores = section.nested[section.nested.modality == modality]
        try:
            frame = statistics.compare(scores, names, models=compared)
        except ValueError:
            try:
                frame = statistics.compare(scores, names, models=compared, common_only=True)
                notes.append(
                    f"{modality}: models were not all scored on the same training sets; only those that all have are "
                    "compared."
                )
            except ValueError as error:
                notes.append(f"{modality}: no paired comparison, as {error}.")
                continue
        found |= {(modality, row.reference, row.model): row for row in frame.itertuples()}
    return MappingProxyType(found), tuple(notes)


def mean_sd(row: pd.Series) -> str:
    return DASH if row["mean"] != row["mean"] else f"{percent(row['mean'])} ({percent(row['sd'])})"


def difference(row) -> str:
    """In points, with its interval; grey where there are few subjects."""
    text = with_interval(row)
    return Grey(text) if row.subjects < FEW else text


def _difference(row) -> tuple[str, str, str, str]:
    if row is None:
        return (DASH,) * 4
    counts = f"{row.better}/{row.worse}/{row.equal}"
    return difference(row), p_value(row.p_holm), number(row.d_z), counts


def _short_difference(row) -> str:
    if row is None:
        return DASH
    text = f"{with_interval(row)}\np {p_value(row.p_holm)} · {row.better}/{row.worse}"
    return Grey(text) if row.subjects < FEW else text


def _range(values: list) -> str:
    return str(values[0]) if len(values) == 1 else f"{values[0]} to {values[-1]}"
