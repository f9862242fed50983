"""A table of text, and the same table as HTML, Markdown and LaTeX."""

import html
import re
from dataclasses import dataclass
from itertools import groupby

GREY = ' class="grey"'
DASH = "–"  # nothing to show
MINUS = "−"


class Grey(str):
    """A cell that the page prints in grey: it is there, and little can be concluded from it."""


@dataclass(frozen=True)
class Table:
    """Cells are text as read on paper; a line break in one sets two lines. The first ``stubs`` columns name the row.

    Columns whose head stands in ``prose`` hold sentences, which are set from the left.
    """

    name: str  # of its anchor and label
    title: str
    columns: tuple[tuple[str, str], ...]  # group ("" for none) and head of each
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    stubs: int = 1
    prose: tuple[str, ...] = ()

    def __post_init__(self):
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"table {self.name}: expected {len(self.columns)} cells, got {len(row)}: {row}")

    @property
    def heading(self) -> str:
        return self.title.partition(": ")[0]

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Heads above the heads with the number of columns they span; empty if no column has one."""
        spans = [(name, len(list(part))) for name, part in groupby(group for group, _ in self.columns)]
        return spans if any(name for name, _ in spans) else []

    def html(self) -> str:
        """A <table> without its title and note; stub cells that repeat the row above are left empty."""
        lines = ["<table>", "<thead>"]
        if self.groups:
            cells = "".join(f'<th colspan="{span}" scope="colgroup">{_tags(name)}</th>' for name, span in self.groups)
            lines.append(f"<tr>{cells}</tr>")
        kinds = [' class="stub"'] * self.stubs + [self._kind(head) for _, head in self.columns[self.stubs :]]
        heads = (f'<th scope="col"{k}>{_tags(head)}</th>' for k, (_, head) in zip(kinds, self.columns, strict=True))
        lines += [f"<tr>{''.join(heads)}</tr>", "</thead>", "<tbody>"]
        for row, shown in zip(self.rows, self._sparse(), strict=True):
            first = f' class="{"first" if row[0] == shown[0] else "next"}"' if self.stubs > 1 else ""
            stubs = "".join(f'<th scope="row" class="stub">{_tags(cell)}</th>' for cell in shown[: self.stubs])
            cells = "".join(
                f"<td{GREY if isinstance(cell, Grey) else kind}>{_tags(cell)}</td>"
                for cell, kind in zip(shown[self.stubs :], kinds[self.stubs :], strict=True)
            )
            lines.append(f"<tr{first}>{stubs}{cells}</tr>")
        return "\n".join([*lines, "</tbody>", "</table>"])

    def text(self) -> str:
        """The table in aligned columns, for a terminal."""
        heads = tuple(f"{group}: {head}" if group else head for group, head in self.columns)
        lines = [heads, *(tuple(cell.replace("\n", " ") for cell in row) for row in self._sparse())]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        aligned = (
            "  ".join(
                cell.ljust(width) if i < self.stubs else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )
        return "\n".join([self.title, *aligned])

    def markdown(self) -> str:
        """The table with its title in bold and its note."""
        heads = [f"{group} {head}".strip() for group, head in self.columns]
        rules = [":--" if i < self.stubs else "--:" for i in range(len(heads))]
        cells = [[cell.replace("|", r"\|").replace("\n", "<br>") for cell in row] for row in (heads, rules, *self.rows)]
        body = "\n".join(f"| {' | '.join(row)} |" for row in cells)
        return f"**{self.title}**\n\n{body}\n" + (f"\n{self.note}\n" if self.note else "")

    def latex(self) -> str:
        """A table environment for the booktabs package; title and note are its caption."""
        lines = [r"\begin{table}", r"\centering", rf"\caption{{{_tex(f'{self.title}. {self.note}'.strip())}}}"]
        sides = "l" * self.stubs + "".join("l" if self._kind(head) else "r" for _, head in self.columns[self.stubs :])
        lines += [rf"\label{{tab:{self.name}}}", rf"\begin{{tabular}}{{{sides}}}", r"\toprule"]
        if self.groups:
            heads, rules, start = [], [], 1
            for name, span in self.groups:
                heads.append(rf"\multicolumn{{{span}}}{{c}}{{{_tex(name)}}}")
                rules += [rf"\cmidrule(lr){{{start}-{start + span - 1}}}"] if name else []
                start += span
            lines += [" & ".join(heads) + r" \\", "".join(rules)]
        lines += [" & ".join(_tex(head) for _, head in self.columns) + r" \\", r"\midrule"]
        for i, (row, shown) in enumerate(zip(self.rows, self._sparse(), strict=True)):
            if i and self.stubs > 1 and row[0] != self.rows[i - 1][0]:
                lines.append(r"\addlinespace")
            lines.append(" & ".join(_tex(cell) for cell in shown) + r" \\")
        return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""])

    def _kind(self, head: str) -> str:
        return ' class="prose"' if head in self.prose else ""

    def _sparse(self) -> list[tuple[str, ...]]:
        """Rows whose leading stubs, but for the last of them, are empty where they repeat the row above."""
        sparse, above = [], ()
        for row in self.rows:
            same = 0
            while same < self.stubs - 1 and above[: same + 1] == row[: same + 1]:
                same += 1
            sparse.append(("",) * same + row[same:])
            above = row
        return sparse


def percent(rate: float, digits: int = 1) -> str:
    return DASH if rate != rate else f"{100 * rate:.{digits}f}"


def points(rate: float, digits: int = 1) -> str:
    """A difference in percentage points, with its sign."""
    if rate != rate:
        return DASH
    text = f"{100 * rate:+.{digits}f}"
    return text.replace("-", MINUS) if float(text) else text[1:]


def interval(low: float, high: float) -> str:
    """Of differences in percentage points."""
    return f"[{points(low)}, {points(high)}]" if low == low else f"[{DASH}]"


def number(value: float, sign: str = "") -> str:
    """With two decimals; the sign "+" shows that of positive numbers as well."""
    return DASH if value != value else f"{round(value, 2) + 0:{sign}.2f}".replace("-", MINUS)


def with_interval(row) -> str:
    """A difference in percentage points and its interval."""
    return f"{points(row.difference)} {interval(row.low, row.high)}"


def p_value(p: float) -> str:
    return DASH if p != p else "< 0.001" if p < 0.001 else f"{p:.3f}"


def _tags(text: str) -> str:
    return html.escape(text).replace("\n", "<br>")


TEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"$<$", ">": r"$>$", MINUS: "$-$", DASH: "--",
    "±": r"$\pm$", "×": r"$\times$", "·": r"$\cdot$", "→": r"$\to$",
    "↑": r"$\uparrow$", "↓": r"$\downarrow$", "²": "$^2$",
}  # fmt: skip


def _tex(text: str) -> str:
    lines = [re.sub("|".join(map(re.escape, TEX)), lambda found: TEX[found[0]], line) for line in text.split("\n")]
    return lines[0] if len(lines) == 1 else r"\shortstack{" + r" \\ ".join(lines) + "}"
