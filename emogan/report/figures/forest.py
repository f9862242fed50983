"""The forest plot: what each model gains over none, with its interval."""

from emogan.report.figures.picture import WIDTH, Picture, panels, style
from emogan.report.figures.style import look
from emogan.report.sections import MODALITIES, Section, same_clips
from emogan.report.table import with_interval
from emogan.report.tables import FEW, paired_differences

GREY = "#8a8f94"


def forest(section: Section) -> Picture | None:
    """A panel for each modality with a row for each model: nested accuracy minus that of none, in points.

    The largest gain is at the top; models that learned from trials with the tested film clips stand below all others.
    None where there is nothing to compare with none.
    """
    against, _ = paired_differences(section, ("none",))
    rows = {
        modality: [(model, against[modality, "none", model]) for model in section.models(modality, "control", "gan")
                   if (modality, "none", model) in against]
        for modality in section.modalities
    }  # fmt: skip
    rows = {
        modality: sorted(found, key=lambda pair: (same_clips(pair[0]), -pair[1].difference))
        for modality, found in rows.items()
        if found
    }
    if not rows:
        return None
    most = max(map(len, rows.values()))
    with style():
        figure, axes = panels(len(rows), 1, WIDTH * 0.8, 0.55 + 0.27 * most, section.label, sharex=True)
        for axis, (modality, found) in zip(axes[:, 0], rows.items(), strict=True):
            axis.axvline(0, color="#333333", linewidth=1, linestyle="--")
            new = sum(not same_clips(model) for model, _ in found)
            if 0 < new < len(found):
                axis.axhline(new - 0.5, color=GREY, linewidth=0.8)
            for at, (model, row) in enumerate(found):
                gan = section.kind(model) == "gan"
                color = look(model).color if row.subjects >= FEW else GREY
                if row.low == row.low:
                    axis.plot([100 * row.low, 100 * row.high], [at, at], color=color, linewidth=1.6)
                axis.plot(
                    100 * row.difference, at, look(model).marker, markersize=6, markeredgecolor=color,
                    markerfacecolor=color if gan else "white",
                )  # fmt: skip
                axis.annotate(
                    f"{with_interval(row)}  n = {row.subjects}", (1.01, at), xycoords=("axes fraction", "data"),
                    va="center", fontsize=8, color="#333333" if row.subjects >= FEW else GREY,
                )  # fmt: skip
            axis.set_yticks(range(len(found)), [look(model).label for model, _ in found])
            axis.set_ylim(len(found) - 0.5, -0.5)
            axis.set_title(MODALITIES[modality])
            axis.grid(axis="x")
        axes[-1, 0].set_xlabel(
            "gain over none in percentage points, nested accuracy (filled: generators, open: controls)"
        )
    caption = (
        "Nested accuracy with each model minus that without augmentation, mean over n people with bootstrap 95 % "
        f"interval. Filled: generators; open: controls; grey: fewer than {FEW} people, whose intervals are too narrow."
    )
    return Picture("forest", "Gain of every model", caption, figure)
