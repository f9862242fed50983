"""The answer in sentences: what models gain over none, one paragraph for each modality."""

from collections.abc import Collection, Iterable

from emogan.analysis.statistics import Paired
from emogan.report.figures.style import look
from emogan.report.sections import MODALITIES, Section, same_clips
from emogan.report.table import interval, p_value, points
from emogan.report.tables import FEW, LEVEL, paired_differences

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def answers(section: Section) -> dict[str, str]:
    """A paragraph by modality: what helps, what costs accuracy, and how far that can be trusted.

    A model is said to help, or to cost accuracy, where p is below 0.05 after Holm's correction: p counts where an
    interval, which is corrected for nothing, says otherwise. Models that learned from trials with the tested film
    clips are spoken of apart.
    """
    against, _ = paired_differences(section, ("none",))
    paragraphs = {}
    for modality in section.modalities:
        rows = {model: row for (where, _, model), row in against.items() if where == modality}
        new = {model: row for model, row in rows.items() if not same_clips(model)}
        gans = section.models(modality, "gan")
        sentences = [*_gains(new, gans), *_costs(new), *_same_clips(rows.keys() - new.keys(), rows)]
        sentences += _collapse(section, modality)
        if not rows:
            sentences = ["There is nothing to compare: the jobs hold no accuracy both with and without augmentation."]
        else:
            few = min(row.subjects for row in rows.values())
            sentences += [f"Fewer than {_number(FEW)} people show little."] if few < FEW else []
        if section.permuted and rows:
            sentences.append("The labels are permuted, so no model may help here.")
        paragraphs[MODALITIES[modality]] = " ".join(sentences)
    return paragraphs


def _gains(rows: dict[str, Paired], gans: Collection[str]) -> list[str]:
    if not rows:
        return []
    if any(row.subjects > 1 for row in rows.values()):  # others cannot be inferred from one person
        rows = {model: row for model, row in rows.items() if row.subjects > 1}
    best = max(rows, key=lambda model: rows[model].difference)
    row, name = rows[best], look(best).label
    helping = [model for model, one in rows.items() if one.p_holm < LEVEL and one.difference > 0]
    if row.subjects == 1:
        most = f"the best of {_number(len(rows))}, {name}," if len(rows) > 1 else name
        return [f"With one person nothing can be said of others. There {most} {_adds(row)}."]
    if not helping:
        if len(rows) == 1:
            return [f"{name} is not shown to help: it {_adds(row)} {_over(row)}, p = {p_value(row.p_holm)}."]
        models = f"None of {_number(len(rows))} models is shown to help"
        return [f"{models}: the best, {name}, {_adds(row)} {_over(row)}, p = {p_value(row.p_holm)}."]
    if len(rows) == 1:
        return [f"{name} helps: it {_adds(row)} {_over(row)}."]
    most = max(helping, key=lambda model: rows[model].difference)
    gain = f"{_adds(rows[most])} {_over(rows[most])}, p = {p_value(rows[most].p_holm)}."
    if set(gans) & rows.keys() and not set(gans) & set(helping):
        best = "A control" if len(helping) == 1 else "The best control"
        return [f"No GAN is shown to help. {best} does: {look(most).label} {gain}"]
    if len(helping) == 1:
        return [f"One of {_number(len(rows))} models helps: {look(most).label} {gain}"]
    share = f"{_number(len(helping)).capitalize()} of {_number(len(rows))} models help"
    return [f"{share}: the best of them, {look(most).label}, {gain}"]


def _costs(rows: dict[str, Paired]) -> list[str]:
    costly = sorted(
        (model for model, row in rows.items() if row.p_holm < LEVEL and row.difference < 0),
        key=lambda model: rows[model].difference,
    )
    return [f"Accuracy is lost with {_listed(costly, rows)}."] if costly else []


def _same_clips(models: Iterable[str], rows: dict[str, Paired]) -> list[str]:
    models = sorted(models, key=lambda model: -rows[model].difference)
    if not models:
        return []
    return [
        f"With donors who watched the tested film clips {look(models[0]).label.removesuffix(' (same clips)')} "
        f"{_adds(rows[models[0]])}: there a clip may be recognised instead of what people feel."
    ]


def _collapse(section: Section, modality: str) -> list[str]:
    """A sentence if most GANs of a model have collapsed: what is said above is then said of such GANs."""
    found = []
    for model in section.models(modality, "gan"):
        collapsed = ["collapse" in findings for findings in section.findings(modality, model)]
        if sum(collapsed) > len(collapsed) / 2:
            found.append(f"{sum(collapsed)} of {len(collapsed)} of {look(model).label}")
    if not found:
        return []
    return [f"Most GANs have collapsed ({', '.join(found)}): their results are results of collapsed GANs."]


def _adds(row: Paired) -> str:
    if row.difference == 0:
        return "changes nothing"
    verb = "adds" if row.difference > 0 else "costs"
    size = points(abs(row.difference)).lstrip("+")
    unit = "point" if size == "1.0" else "points"
    return f"{verb} {size} {unit}" + (f" {interval(row.low, row.high)}" if row.low == row.low else "")


def _over(row: Paired) -> str:
    return f"over {_number(row.subjects)} people"


def _listed(models: list[str], rows: dict[str, Paired], most: int = 3) -> str:
    named = [f"{look(model).label} ({points(rows[model].difference)})" for model in models[:most]]
    if len(models) > most:
        named.append(f"{_number(len(models) - most)} more")
    return " and ".join(filter(None, [", ".join(named[:-1]), named[-1]]))


def _number(n: int) -> str:
    return NUMBERS[n] if n < len(NUMBERS) else str(n)
