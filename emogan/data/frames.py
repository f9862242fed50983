"""A user's table as a pandas DataFrame: text, a spreadsheet or Parquet, read by pandas."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import pandas as pd
from pandas.api.types import is_numeric_dtype

from emogan.checks import Rule
from emogan.data.text_tables import DECIMALS, SEPARATORS, Ambiguous, look_at
from emogan.wording import words

NO_NUMBER = r"\s*(?:[+-]?0\d+|\S*\d[eE]\S*)\s*"  # 01, 1e2: names that are not the numbers 1 and 100
TEXT = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
FRAMES = (*TEXT, ".xlsx", ".parquet")
Separator = Annotated[
    str, Rule("comma | semicolon | tab | one character", lambda sign: len(sign) == 1 or sign in SEPARATORS.values())
]
Decimal = Annotated[str, Rule("point | comma", lambda sign: sign in (*DECIMALS, *DECIMALS.values()))]


def suffix_of(path: Path) -> str:
    """The end of a file's name that tells its format, in small letters, with both parts of ".csv.gz"."""
    return "".join(path.suffixes[-2:] if path.suffix.lower() == ".gz" else path.suffixes[-1:]).lower()


def read_frame(
    path: Path, expected: Collection[str] = (), separator: str | None = None, decimal: str | None = None
) -> pd.DataFrame:
    """All rows of a table, see `named`. In text, names such as 01 stay as they are written in the columns ``expected``.

    Parameters
    ----------
    expected
        Names of columns that the table is likely to have, by which its separator is found.
    separator, decimal
        The signs, or their names, where they are not to be found out.

    Raises
    ------
    ValueError
        If the file is no such table.
    ImportError
        If the extra that reads it is not installed.
    """
    separator, decimal = _sign(separator, SEPARATORS), _sign(decimal, DECIMALS)
    suffix = suffix_of(path)
    if suffix in TEXT:
        names, frame = _text(path, expected, separator or ("\t" if suffix.startswith(".tsv") else None), decimal)
    else:
        with whole(path, "tables"):
            names, frame = _sheet(path, decimal or ".") if suffix == ".xlsx" else _parquet(path)
    return named(path, frame, names, expected)


def named(place: object, frame: pd.DataFrame, names: Sequence, index: Collection[str] = ()) -> pd.DataFrame:
    """All rows under names that are text, without spaces around them; what has none is named as pandas would.

    Parameters
    ----------
    place
        Where the table comes from, for messages.
    index
        Names of levels of pandas' index that are columns.

    Raises
    ------
    ValueError
        If names repeat, or there are no rows.
    """
    texts = ["" if pd.isna(name) is True else str(name).strip() for name in names]
    texts = [text or f"Unnamed: {i}" for i, text in enumerate(texts)]
    if repeated := sorted({text for text in texts if texts.count(text) > 1}):
        raise ValueError(f"{place}: expected distinct column names, got {', '.join(repeated)} more than once")
    if not len(frame):
        raise ValueError(f"{place}: expected one row per window under the header, got no rows")
    frame = frame.set_axis(texts, axis="columns")
    levels = [level for level in frame.index.names if level in index and level not in texts]
    return frame.reset_index(levels).reset_index(drop=True)


@contextmanager
def whole(path: Path, extra: str) -> Iterator[None]:
    """Turn the errors of a package that reads a file into messages that name the file, or the extra to install.

    Raises
    ------
    ValueError, ImportError
        Naming the file.
    """
    try:
        yield
    except ImportError as error:
        raise ImportError(f"{path} needs a package that reads it: pip install 'emogan[{extra}]'") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    except Exception as error:  # the packages raise whatever the damage leads to
        if isinstance(error, OSError) and error.errno is not None:  # no file, no permission
            raise
        raise ValueError(
            f"{path}: expected a table, got {type(error).__name__}: {error}. It is cut off or damaged: copy or export "
            "it again."
        ) from error


def _sign(given: str | None, names: dict[str, str]) -> str | None:
    return {name: sign for sign, name in names.items()}.get(given, given)


def _text(
    path: Path, expected: Collection[str], separator: str | None, decimal: str | None
) -> tuple[Sequence, pd.DataFrame]:
    try:
        table = look_at(path, expected, separator)
        frame = table.frame(decimal=decimal)
        if names := {name for name in expected if name in frame and is_numeric_dtype(frame[name])}:
            for name, cells in table.as_written(names).items():
                if cells.str.fullmatch(NO_NUMBER).any():
                    frame[name] = cells.str.strip()
        return table.header, frame
    except Ambiguous as error:
        choices = " or ".join(f"{words().data(error.setting)}={choice}" for choice in error.choices)
        raise ValueError(f"{error} Or say how to read it, with {choices}.") from error


def _sheet(path: Path, decimal: str) -> tuple[Sequence, pd.DataFrame]:
    """The names and rows of the only sheet of a workbook that is not empty."""
    with pd.ExcelFile(path, engine="openpyxl") as book:
        sheets = {name: pd.read_excel(book, sheet_name=name, decimal=decimal) for name in book.sheet_names}
        filled = {name: frame for name, frame in sheets.items() if len(frame.columns)}
        if len(filled) != 1:
            raise ValueError(
                f"expected a workbook with one sheet that is not empty, got {len(filled)}: "
                f"{', '.join(map(repr, filled)) or 'none'}. Save the sheet of the table in a workbook of its own."
            )
        ((name, frame),) = filled.items()
        header = pd.read_excel(book, sheet_name=name, header=None, nrows=1)  # pandas renames names that repeat
        names = [] if header.empty else list(header.iloc[0])
        return [*names, *frame.columns[len(names) :]], frame.dropna(how="all")


def _parquet(path: Path) -> tuple[Sequence, pd.DataFrame]:
    frame = pd.read_parquet(path, engine="pyarrow")
    return frame.columns, frame
