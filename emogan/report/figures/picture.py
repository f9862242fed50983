"""A picture of the report: a figure with its name and caption, drawn in one style and saved as PNG and PDF."""

import base64
import io
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import imread

DPI = 150
PAGE_PIXELS = 105  # of a page, per inch
WIDTH = 10.0  # inches, of a figure as wide as the page
NARROWEST = 4.5  # inches, of a figure
COLUMNS = 4  # of panels
STYLE = {
    "font.size": 9, "axes.titlesize": 9, "axes.labelsize": 9, "figure.titlesize": 10, "legend.fontsize": 8.5,
    "xtick.labelsize": 8, "ytick.labelsize": 8, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": False, "axes.axisbelow": True, "grid.color": "#dddddd", "grid.linewidth": 0.6,
    "text.parse_math": False,  # names of classes may hold dollar signs
    "figure.facecolor": "white", "savefig.facecolor": "white", "legend.frameon": False, "pdf.fonttype": 42,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Picture:
    """The caption says what is drawn; the label of its section stands in the figure itself."""

    name: str  # of its files
    title: str
    caption: str
    figure: Figure

    def __post_init__(self):
        with style():
            self.figure.draw_without_rendering()  # lays out its parts
        self.figure.set_layout_engine("none")  # not again for each of its files: that takes longest

    @property
    def page_width(self) -> int:
        """Pixels of a page at which the text of all figures has one size."""
        return round(PAGE_PIXELS * self.figure.get_figwidth())

    @property
    def heading(self) -> str:
        return self.title

    @cached_property
    def png(self) -> bytes:
        return saved(self.figure, "png")

    @property
    def pixels(self) -> np.ndarray:
        """Red, green and blue (height, width, 3) in [0, 1]."""
        return imread(io.BytesIO(self.png))[..., :3]

    @property
    def base64(self) -> str:
        return base64.b64encode(self.png).decode()

    def pdf(self) -> bytes:
        return saved(self.figure, "pdf", metadata={"CreationDate": None})


def saved(figure: Figure, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format=kind, **options)
    return buffer.getvalue()


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib's settings while a figure is made or saved."""
    with matplotlib.rc_context(STYLE):
        yield


def panels(rows: int, columns: int, panel_width: float, panel_height: float, title: str, **options):
    """A figure and its axes (rows, columns), each panel of about this size in inches, under a title."""
    width = max(columns * panel_width, NARROWEST)
    figure = Figure(figsize=(width, rows * panel_height + 0.4), dpi=DPI, layout="constrained")
    characters = int(13 * width)  # of the title's font
    figure.suptitle("\n".join(part for line in title.splitlines() for part in textwrap.wrap(line, characters)))
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def one_panel_each(number: int, widest: float, tallest: float, title: str, **options):
    """A figure with a panel for each of a number of models, at most `COLUMNS` in a row.

    Returns the figure, its axes (rows, columns) and a list of the axes in use, whose last ones are the lowest of their
    columns; the others are hidden. A panel is at most ``widest`` inches wide and ``tallest`` inches high.
    """
    columns = min(number, COLUMNS)
    rows, width = -(-number // columns), min(WIDTH / columns, widest)
    figure, axes = panels(rows, columns, width, min(width + 0.4, tallest), title, **options)
    shown = list(axes.ravel()[:number])
    for axis in axes.ravel()[number:]:
        axis.set_visible(False)
    for axis in shown[-columns:]:
        axis.tick_params(labelbottom=True)
    return figure, axes, shown


def legend(figure, axes, **options) -> None:
    """One legend below all panels; what has the same label in several of them stands in it once."""
    entries = {}
    for axis in axes.ravel():
        handles, labels = axis.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    fitting = int(14 * figure.get_figwidth()) // (max(map(len, entries), default=0) + 6)  # by characters of its font
    columns = max(1, min(len(entries), fitting, 7))
    figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=columns, **options)
