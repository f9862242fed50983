"""Tables as text, as spreadsheets and laboratory programs write them: encoding, separator and decimal sign."""

import codecs
import csv
import gzip
import logging
import re
import warnings
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pandas as pd
from pandas.api.types import is_numeric_dtype

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
DECIMALS = {".": "point", ",": "comma"}
PREAMBLE = "##"  # of BeGaze, before the header
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
DECIMAL_COMMA = re.compile(r"\s*[+-]?(\d+|\d*,\d+|\d+,)([eE][+-]?\d+)?\s*")
THOUSANDS = re.compile(r"\s*[+-]?([1-9]\d{0,2},\d{3}|\d+)\s*")

log = logging.getLogger(__name__)


class Ambiguous(ValueError):
    """A table can be read in several ways: `choices` of a `setting`, "separator" or "decimal"."""

    def __init__(self, message: str, setting: str, choices: Sequence[str]):
        super().__init__(message)
        self.setting, self.choices = setting, tuple(choices)


@dataclass(frozen=True)
class TextTable:
    """How a table is written."""

    path: Path
    encoding: str
    separator: str
    skipped: int  # lines before the header
    header: tuple[str, ...]  # names of the columns, without spaces around them

    def frame(self, missing: Sequence[str] = (), decimal: str | None = None) -> pd.DataFrame:
        """All rows; a column that holds anything but numbers is text. `missing`: cells that mean none, as "-".

        Without a decimal sign, "." or ",", it is that of the cells.

        Raises
        ------
        ValueError
            If a row has more cells than the header; as `Ambiguous` if numbers have decimal commas in one column and
            points in another, or if their commas may stand between thousands.
        """
        if decimal is not None:
            return self._parse(decimal, missing)
        points = self._parse(".", missing)
        written = [name for name in points if _has_decimal_commas(points[name])]
        if self.separator == "," or not written:  # between commas a decimal comma is no number
            return points
        if self.separator == "\t" and all(
            points[name].dropna().astype(str).map(_in_thousands).all() for name in written
        ):
            cells = points[written[0]].dropna().astype(str)
            raise Ambiguous(
                f"{self.path}: expected numbers with one meaning, got {cells[cells.str.contains(',')].iloc[0]!r} in "
                f"the column {written[0]!r}: the comma may be a decimal sign or stand between thousands. Write the "
                "table without commas between thousands.",
                "decimal", ["comma"],
            )  # fmt: skip
        commas = self._parse(",", missing)
        for name in points:
            if is_numeric_dtype(points[name]) and not is_numeric_dtype(commas[name]):
                cell = commas[name].iloc[first_text(commas[name])]
                raise Ambiguous(
                    f"{self.path}: expected one decimal sign in the whole file, got commas in the column "
                    f"{written[0]!r} and {cell!r} in the column {name!r}. Write all numbers with the same, and without "
                    "a sign between thousands.",
                    "decimal", list(DECIMALS.values()),
                )  # fmt: skip
        return commas

    def as_written(self, columns: Collection[str]) -> pd.DataFrame:
        """Some columns as text, cell by cell as they are written."""
        with readable(self.path), _opened(self.path, self.encoding) as file:
            for _ in range(self.skipped):
                file.readline()
            frame = pd.read_csv(
                file, sep=self.separator, header=0, index_col=False, skipinitialspace=True, dtype=str,
                usecols=lambda name: str(name).strip() in columns,
            )  # fmt: skip
        return frame.rename(columns=lambda name: str(name).strip())

    def _parse(self, decimal: str, missing: Sequence[str]) -> pd.DataFrame:
        with readable(self.path), _opened(self.path, self.encoding) as file:
            for _ in range(self.skipped):
                file.readline()
            frame = pd.read_csv(
                file, sep=self.separator, decimal=decimal, header=0, index_col=False, low_memory=False,
                skipinitialspace=True, na_values=list(missing),
            )  # fmt: skip
        return frame.rename(columns=lambda name: str(name).strip())


def look_at(path: str | Path, expected: Collection[str] = (), separator: str | None = None) -> TextTable:
    """Find out how a table is written; one whose name ends in .gz is decompressed.

    A separator that is not given is that of comma, semicolon and tab which divides the header into most of the expected
    names or, where this does not tell, into most cells. A first line such as "sep=;" decides alone.

    Raises
    ------
    ValueError
        If the file is no text or is empty; as `Ambiguous` if two separators fit as well.
    """
    path = Path(path)
    encoding = find_encoding(path)
    with readable(path), _opened(path, encoding) as file:
        stated, skipped, lines = _header(file)
    separator = separator or stated
    if separator is None:
        cells = {sign: _cells(lines, sign) for sign in SEPARATORS}
        fit = {sign: (len(set(row) & set(expected)), len(row)) for sign, row in cells.items()}
        best = [sign for sign in SEPARATORS if fit[sign] == max(fit.values())]
        if len(best) > 1 and fit[best[0]][1] > 1:
            raise Ambiguous(
                f"{path}: expected one separator in the header, got {' and '.join(SEPARATORS[sign] for sign in best)}: "
                f"{lines[0].strip()!r}. Write the table with one of them.",
                "separator", [SEPARATORS[sign] for sign in best],
            )  # fmt: skip
        separator = best[0]
    with readable(path):
        return TextTable(path, encoding, separator, skipped, tuple(_cells(lines, separator)))


def _opened(path: Path, encoding: str | None = None) -> IO:
    """A file's text, or without an encoding its bytes."""
    reader = gzip.open if path.suffix.lower() == ".gz" else open
    if encoding is None:
        return reader(path, "rb")
    return reader(path, "rt", encoding=encoding, newline="")


def _header(file: Iterator[str]) -> tuple[str | None, int, list[str]]:
    """The separator if a first line says it, the number of lines before the header, and the header's lines."""
    separator, skipped, lines, quotes = None, 0, [], 0
    for line in file:
        text = line.strip()
        if not lines and (found := re.fullmatch(r'"?sep=(.)"?', line.strip("\r\n "), re.IGNORECASE)):
            separator = found[1]
        elif lines or (text and not text.startswith(PREAMBLE)):
            lines.append(line)
            quotes += line.count('"')
            if quotes % 2 == 0:  # a name in quotes may go on in the next line
                break
            continue
        skipped += 1
    return separator, skipped, lines


def _cells(lines: Sequence[str], separator: str) -> list[str]:
    rows = csv.reader(lines, delimiter=separator, skipinitialspace=separator != "\t")
    return [name.strip() for name in next(rows, [])]


def find_encoding(path: Path) -> str:
    """UTF-8 or UTF-16 as the file's mark says, else UTF-8 or, where it is not, Windows-1252 (and a warning).

    Raises
    ------
    ValueError
        If it is no text.
    """
    with readable(path), _opened(path) as file:
        content = file.read()
    for mark, encoding in MARKS.items():
        if content.startswith(mark):
            return encoding
    if b"\0" in content[:4096]:
        return _wide(path, content[:4096])
    try:
        content.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError as error:
        log.warning(
            "%s is not UTF-8 (a byte 0x%02x) and was read as Windows-1252, the text of Western European Windows. If "
            "letters come out wrong, save it as UTF-8.", path, content[error.start],
        )  # fmt: skip
        return "cp1252"


def _wide(path: Path, head: bytes) -> str:
    """UTF-16 without a mark: of plain letters every second byte is 0."""
    for encoding, high in (("utf-16-le", 1), ("utf-16-be", 0)):
        if 0 not in head[1 - high :: 2] and head[high::2].count(0) > len(head) // 4:
            return encoding
    raise ValueError(f"{path}: expected a table as text, got binary data. Save it as CSV UTF-8.")


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say what a table has to be like where the parsers give up."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # rows longer than the header
            yield
    except UnicodeError as error:
        raise ValueError(
            f"{path}: expected text in UTF-8, UTF-16 or Windows-1252, got {error}. Save it as CSV UTF-8."
        ) from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(
            f"{path}: expected a file compressed by gzip; this one is cut off or damaged ({error}). Write or copy it "
            "again."
        ) from error
    except (ValueError, csv.Error, pd.errors.ParserWarning) as error:  # pandas' parser errors are ValueErrors
        raise ValueError(
            f"{path}: expected values separated by commas, semicolons or tabs under one header line: {error}"
        ) from error


def first_text(column: pd.Series) -> int:
    """The first row of a column whose cell is no number, whichever its decimal sign; else the first decimal comma."""
    present = column.notna()
    for text in (column.astype(str).str.replace(",", ".", regex=False), column):
        bad = pd.to_numeric(text.where(present), errors="coerce").isna() & present
        if bad.any():
            return int(bad.to_numpy().argmax())
    return 0


def _has_decimal_commas(column: pd.Series) -> bool:
    """Whether some cells have a decimal comma and all others are whole numbers."""
    if is_numeric_dtype(column):
        return False
    cells = column.dropna().astype(str)
    return all(map(DECIMAL_COMMA.fullmatch, cells)) and any("," in cell for cell in cells)


def _in_thousands(cell: str) -> bool:
    """Whether a number may have commas between thousands."""
    return THOUSANDS.fullmatch(cell) is not None
