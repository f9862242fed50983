"""The report as files: one self-contained HTML page, Markdown, LaTeX tables, a table of all accuracies, figures."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import jinja2
from torch.utils.tensorboard import SummaryWriter

from emogan import __version__
from emogan.atomic import write_atomically
from emogan.report.accuracies import accuracies
from emogan.report.answer import answers
from emogan.report.figures import accuracy, confusion, training, training_length, windows
from emogan.report.figures.forest import forest
from emogan.report.figures.picture import Picture
from emogan.report.other_people import donor_curve, other_people
from emogan.report.paper_table import paper_table
from emogan.report.records import findings_table, problem_table, quality_table, run_table
from emogan.report.sections import Section, sections
from emogan.report.table import Table
from emogan.report.tables import against_controls, choices, comparison
from emogan.report.training_length import training_length_table, training_series
from emogan.sweeps.collect import Collection

PAGE = "report.html"
READING = (
    (
        "Nested",
        "is the honest accuracy: the classifier's parameter, n_aug and a model's settings are chosen by "
        "cross-validation over training trials, and the test trials are looked at once. With inner=refit scaler and "
        "augmenter are fitted anew for each inner fold; with inner=reuse they have seen what the choice is made on. "
        "With choice=pooled the choice is made by the mean inner accuracy of all people's training sets that hold none "
        "of the test trials: people share it, and the intervals do not cover how uncertain it is.",
    ),
    (
        "Oracle",
        "chooses by accuracy on the test trials, as may have been done for the paper's figures: one classifier "
        "parameter, n_aug and setting for all folds of an experiment, those with the highest mean. It is optimistic "
        "for every model, none included; optimism is what it adds to nested, which chooses for each fold and can "
        "therefore be higher now and then. It never supports a claim.",
    ),
    (
        "Donors",
        "are other people, or the same person's other sessions, that a model learned from. New clips: none of their "
        "windows show a film clip that is tested. Donor windows are their real windows, appended as they are.",
    ),
    (
        "The unit of inference",
        "is the subject: folds are averaged first, then sessions, then subjects are compared in pairs. Standard "
        "deviations are over experiments (a subject in a session), as the paper prints them.",
    ),
    (
        "Quality",
        "compares synthetic with real windows of their class. Each measure stands beside a reference, the same "
        "measure between real windows of different training trials: what new real trials would reach. A value better "
        "than its reference is no merit: the augmenter was fitted on the very trials that it is compared with.",
    ),
    (
        "SIMULATED",
        "marks simulated data; PERMUTED LABELS a check in which there is nothing to learn, so that accuracy must be at "
        "chance and no model may gain. Neither is ever in one table with real results.",
    ),
)


@dataclass(frozen=True, eq=False)
class Chapter:
    """A section with its tables and pictures, in the order of the page."""

    number: int
    section: Section
    answers: dict[str, str]  # by modality
    parts: tuple[Table | Picture, ...]

    @property
    def anchor(self) -> str:
        return f"section-{self.number}"

    @property
    def pictures(self) -> list[Picture]:
        return [part for part in self.parts if isinstance(part, Picture)]

    def file(self, part: Picture, ending: str) -> str:
        name = re.sub(r"[^\w-]+", "_", f"{self.number}_{self.section.dataset}_{part.name}")
        return f"figures/{name}.{ending}"


def chapter(number: int, section: Section, root: Path) -> Chapter:
    """Make all tables and figures of a section."""
    series = training_series(section)
    made: list[Table | Picture | None] = [
        forest(section), *accuracy.accuracy_by_size(section), comparison(section), other_people(section),
        donor_curve(section), accuracy.learning_curve(section), against_controls(section),
        *accuracy.paired_by_subject(section), paper_table(section), choices(section),
        *confusion.confusion_matrices(section),
        quality_table(section), findings_table(section), training.training_curves(section),
        *training_length.pictures(section, series), training_length_table(section, series),
        *windows.components(section), *windows.topographies(section), run_table(section, root),
    ]  # fmt: skip
    return Chapter(number, section, answers(section), tuple(filter(None, made)))


def write(collection: Collection, root: Path, out: Path) -> list[Chapter]:
    """Write the report of a collection into a folder; paths in it are relative to ``root``.

    What an earlier report left in the folder is replaced.
    """
    chapters = [chapter(i, section, root) for i, section in enumerate(sections(collection.jobs), 1)]
    problems = problem_table(collection.problems, root)
    if (out / PAGE).exists():
        for old in [*(out / "figures").glob("*.p[nd][gf]"), *(out / "tensorboard").glob("events.*")]:
            old.unlink()
    for one in chapters:
        for picture in one.pictures:
            write_atomically(out / one.file(picture, "png"), picture.png)
            write_atomically(out / one.file(picture, "pdf"), picture.pdf())
    with SummaryWriter(str(out / "tensorboard")) as writer:
        for one in chapters:
            for picture in one.pictures:
                writer.add_image(f"{one.section.label}/{picture.name}", picture.pixels, dataformats="HWC")
    numbers = accuracies((one.section for one in chapters), root)
    table = numbers.to_csv(index=False, float_format="%.12g", lineterminator="\n")
    write_atomically(out / "accuracies.csv", table.encode())
    write_atomically(out / "tables.tex", latex(chapters, problems).encode())
    write_atomically(out / "report.md", markdown(chapters, problems).encode())
    write_atomically(out / PAGE, html(chapters, problems).encode())
    return chapters


def html(chapters: Sequence[Chapter], problems: Table | None) -> str:
    """The page, with everything that it shows inside."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("emogan.report", "."), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html.j2").render(
        chapters=chapters, problems=problems, reading=READING, made=f"{datetime.now():%Y-%m-%d %H:%M}",
        version=__version__,
        n_jobs=sum(len(one.section.jobs) + len(one.section.other_jobs) for one in chapters),
    )  # fmt: skip


def markdown(chapters: Sequence[Chapter], problems: Table | None) -> str:
    """The same as Markdown; figures are links to their files."""
    blocks = ["# EmoGAN report"]
    for one in chapters:
        blocks += [
            f"## {one.section.label}",
            *(f"**{modality}.** {answer}" for modality, answer in one.answers.items()),
        ]
        for part in one.parts:
            if isinstance(part, Table):
                blocks.append(part.markdown())
            else:
                blocks += [f"![{part.title}]({one.file(part, 'png')})", f"*{part.title}.* {part.caption}"]
    blocks += ["## Not counted", problems.markdown()] if problems else []
    blocks += ["## How to read this", "\n".join(f"- **{term}** {meaning}" for term, meaning in READING)]
    return "\n\n".join(block.strip() for block in blocks) + "\n"


def latex(chapters: Sequence[Chapter], problems: Table | None) -> str:
    """All tables, to be used with \\input; labels are tab:SECTION-NAME."""
    tables = [problems] if problems else []
    for one in chapters:
        own = [part for part in one.parts if isinstance(part, Table)]
        tables += [replace(table, name=f"{one.number}-{table.name}") for table in own]
    return "% Needs \\usepackage{booktabs}\n\n" + "\n".join(table.latex() for table in tables)
