"""Reading one table of a user's own: a .npz, or what pandas reads, by names of its columns."""

import logging
import re
import shlex
import zipfile
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from emogan.data.frames import FRAMES, Decimal, Separator, named, read_frame, suffix_of
from emogan.data.pandas_types import holds_truths, plain_column
from emogan.data.text_tables import DECIMAL_COMMA, first_text, look_at
from emogan.wording import natural, some, words

KINDS = ("eeg", "eye", "other")
REQUIRED_KEYS = ("x", "y", "trial", "subject")
OPTIONAL_KEYS = ("session", "stimulus", "feature_names", "class_names", "modality")
EXTRACTED_KEYS = ("units", "settings", "fingerprint", "spectrum", "frequency_hz", "channels")  # of emogan.extract
STIMULUS = "stimulus"  # the column of a .csv unless another one is named
SYNTHETIC = "synthetic_"  # begins the names of the trials that emogan.sample writes
COLUMNS = {name: name for name in ("label", "trial", "subject", "session", STIMULUS)}  # of a .csv
FORMATS = (".npz", *FRAMES)
Missing = Literal["refuse", "drop"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reading:
    """How a table is to be read.

    Parameters
    ----------
    columns
        Names of the columns that are no features, in what is not a .npz.
    eye, features, drop
        Names or patterns of features of eye movements, of all columns that are features (none: all the others), and of
        columns that are left out.
    missing
        Whether rows that lack a label, trial, subject, session or stimulus are refused or left out.
    separator, decimal
        Of text, see `emogan.data.frames.read_frame`.
    """

    columns: Mapping[str, str] = field(default_factory=COLUMNS.copy)
    eye: Sequence[str] = ()
    features: Sequence[str] = ()
    drop: Sequence[str] = ()
    missing: Missing = "refuse"
    separator: Separator | None = None
    decimal: Decimal | None = None

    def chosen(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of some columns that are features."""
        kept, dropped = matching(names, self.features) if self.features else names, matching(names, self.drop)
        return tuple(name for name in kept if name not in dropped)


@dataclass(frozen=True, eq=False)
class TableFile:
    """One file as read: x (N, F), the other columns (N,), and a name and kind per feature.

    `rows` are the numbers of the rows in the file, from 1. `dropped` are the names of columns left out on request and
    `truths` those of columns that are true or false. `text` maps the name of a column that does not hold numbers, which
    is NaN in x, to the message that says so. `settings` are those of emogan.extract as JSON, if it made the file.
    """

    path: Path
    x: np.ndarray
    label: np.ndarray
    trial: np.ndarray
    subject: np.ndarray
    session: np.ndarray
    feature_names: tuple[str, ...]
    kinds: tuple[str, ...]
    rows: np.ndarray
    class_names: tuple[str, ...] | None = None
    stimulus: np.ndarray | None = None
    settings: str | None = None
    dropped: tuple[str, ...] = ()
    truths: tuple[str, ...] = ()
    text: Mapping[str, str] = field(default_factory=dict)


def find_files(path: str | Path) -> list[Path]:
    """The tables at a path, those of a folder in natural order (2 before 10) without hidden files and Excel's locks."""
    path, formats = Path(path).expanduser(), f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
    if path.is_dir():
        inside = sorted((file for file in path.iterdir() if not file.name.startswith((".", "~$"))), key=natural)
        files = [file for file in inside if suffix_of(file) in FORMATS and file.is_file()]
        if not files:
            raise FileNotFoundError(
                f"expected {formats} files in the folder {path.absolute()}, found {some(f.name for f in inside)}. "
                f"Point {words().data('path')} at the folder that holds the tables themselves."
            )
        return files
    if not path.exists():
        raise FileNotFoundError(f"expected a {formats} file, or a folder of such, at {path.absolute()}, found nothing")
    if suffix_of(path) not in FORMATS:
        raise ValueError(f"expected a {formats} file, got {path}. Save the table as one of these.")
    return [path]


def read_file(path: Path, reading: Reading = Reading()) -> TableFile:
    """One table as it stands."""
    if suffix_of(path) == ".npz":
        return read_npz(path, reading)
    return from_frame(path, read_frame(path, reading.columns.values(), reading.separator, reading.decimal), reading)


def read_npz(path: Path, reading: Reading) -> TableFile:
    entries = _npz_entries(path)
    x = entries["x"]
    if x.ndim != 2 or 0 in x.shape or x.dtype.kind not in "biuf":
        raise ValueError(f"{path}: expected x of real numbers, shape (windows, features), got {x.dtype} {x.shape}")
    n, n_features = x.shape
    entries.setdefault("session", np.ones(n, dtype=np.int64))
    names = _texts(path, "feature_names", entries.get("feature_names", [f"x{i}" for i in range(n_features)]))
    if len(names) != n_features:
        raise ValueError(f"{path}: expected {n_features} feature_names, one per column of x, got {len(names)}")
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{path}: expected distinct column names, got {some(repeated)} more than once")
    feature_names = reading.chosen(names)
    if not feature_names:
        check_matched(path, "features", reading.features, names)
        raise ValueError(f"{path}: expected features beside those that {words().data('drop')} names, got none")
    check_matched(path, "eye", reading.eye, names)
    kept = [names.index(name) for name in feature_names]
    kinds = _kinds(feature_names, reading.eye)
    if "modality" in entries:
        stored = _stored_kinds(path, _texts(path, "modality", entries["modality"]), n_features)
        kinds = _agreed(path, tuple(stored[i] for i in kept), kinds if reading.eye else None)
    columns = {}
    for key in [key for key in ("y", "trial", "subject", "session", "stimulus") if key in entries]:
        if entries[key].shape != (n,):
            raise ValueError(f"{path}: expected {key} of shape ({n},), one per row of x, got {entries[key].shape}")
        columns[key] = pd.Series(entries[key])
    rows, ids = _identified(path, columns, reading.missing)
    ids["label"] = ids.pop("y")
    classes = _texts(path, "class_names", entries["class_names"]) if "class_names" in entries else None
    if classes is not None:
        _check_indices(path, ids["label"], classes)
    return TableFile(
        path, (x.astype(np.float32) if x.dtype == bool else x)[np.ix_(rows, kept)], **ids, feature_names=feature_names,
        kinds=kinds, rows=rows + 1, class_names=classes, settings=str(entries["settings"]) if "settings" in entries
        else None, dropped=tuple(name for name in names if name not in feature_names),
    )  # fmt: skip


def from_frame(path: Path, frame: pd.DataFrame, reading: Reading) -> TableFile:
    """The table that a DataFrame holds; `path` names it in messages."""
    columns = reading.columns
    frame = named(path, frame, frame.columns, columns.values())
    present = {key: name for key, name in columns.items() if name in frame}
    if columns["stimulus"] == STIMULUS and (matching([STIMULUS], reading.drop) or columns["label"] == STIMULUS):
        present.pop("stimulus", None)  # that it is left out, or is the label, was asked for; the stimulus was not
    for key, name in columns.items():
        if key not in present and not (key == name and key in OPTIONAL_KEYS):  # only where no one asked for another
            raise ValueError(
                f"{path}: expected a column {name!r} for the {key}, got the columns {some(frame.columns)}. "
                f"Name the right one with {words().data(key)}=COLUMN, or add it.{_hint(frame)}"
            )
    names = [name for name in frame if name not in present.values()]
    feature_names = reading.chosen(names)
    for key, name in columns.items():
        if nearly := [one for one in feature_names if one.lower() in (key, name.lower())]:
            raise ValueError(
                f"{path}: expected the column {name!r} for the {key}, got {nearly[0]!r} beside it, which would be a "
                f"feature. Choose it with {words().data(key)}={nearly[0]}, rename it or leave it out with "
                f"{option('drop', nearly[:1])}."
            )
    if not feature_names:
        check_matched(path, "features", reading.features, names)
        raise ValueError(f"{path}: expected numeric columns beside {', '.join(columns.values())}, got none")
    check_matched(path, "eye", reading.eye, names)
    rows, ids = _identified(path, {name: frame[name] for name in present.values()}, reading.missing)
    x, text = np.full((len(frame), len(feature_names)), np.nan), {}
    for i, name in enumerate(feature_names):
        if (numbers := plain_column(frame[name])) is None:
            text[name] = _text_of(path, frame[name])
        else:
            x[:, i] = numbers
    return TableFile(
        path, x[rows], **{"session": np.ones(len(rows), dtype=np.int64)} | {key: ids[present[key]] for key in present},
        feature_names=feature_names, kinds=_kinds(feature_names, reading.eye), rows=rows + 1,
        dropped=tuple(name for name in names if name not in feature_names),
        truths=tuple(name for name in feature_names if holds_truths(frame[name])), text=text,
    )  # fmt: skip


def _hint(frame: pd.DataFrame) -> str:
    """What may be wrong with a table that lacks a column."""
    if len(frame.columns) == 1:
        return (
            f" Are the columns separated by commas, semicolons or tabs? Another sign is named with "
            f"{words().data('separator')}."
        )
    unnamed = any(name.startswith("Unnamed: ") for name in frame.columns[1:])
    return " The names of the columns have to stand in the first row." if unnamed else ""


def _text_of(path: Path, column: pd.Series) -> str:
    """Why a column is none of numbers."""
    column = column.astype(object)
    row = first_text(column)
    cell = column.iloc[row]
    comma = isinstance(cell, str) and "," in cell and DECIMAL_COMMA.fullmatch(cell)
    advice = f" (read as a number with {words().data('decimal')}=comma)" if comma else ""
    return f"expected numbers, got {cell!r} in row {row + 1} of {path.name}{advice}"


def _identified(
    path: Path, columns: Mapping[str, pd.Series], missing: Missing
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The rows to keep, from 0, and the columns that identify their windows, by name; rows may be left out."""
    values = {name: _objects(column) for name, column in columns.items()}
    lacking = {name: pd.isna(column) for name, column in values.items()} if missing == "drop" else {}
    left_out = np.logical_or.reduce([np.zeros(len(next(iter(values.values()))), dtype=bool), *lacking.values()])
    if left_out.any():
        log.warning(
            "%s: left out %d of %d rows, which have no %s",
            path, left_out.sum(), len(left_out), " or ".join(name for name in lacking if lacking[name].any()),
        )  # fmt: skip
    rows = np.flatnonzero(~left_out)
    if not len(rows):
        raise ValueError(f"{path}: expected rows with all of {', '.join(columns)}, got none")
    advice = f"Fill it in, or leave such rows out with {words().data('missing')}=drop."
    return rows, {
        name: identifier(path, name, pd.Series(column[rows]).infer_objects().to_numpy(), advice)
        for name, column in values.items()
    }


def _objects(column: pd.Series) -> np.ndarray:
    """The values of a column of any type; dates are text, and empty text is missing."""
    if pd.api.types.is_datetime64_any_dtype(column):
        column = column.astype(str).where(column.notna())
    values = np.array(column, dtype=object)
    values[[isinstance(value, str) and not value.strip() for value in values]] = None
    return values


def _npz_entries(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an archive, none of them by pickle."""
    damaged = f"{path}: expected an .npz archive as numpy.savez writes it; this one is cut off or damaged"
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{damaged}. Write or copy it again.")
    entries, key = {}, "list of arrays"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:  # NumPy leaves bad files open
            for key in archive.files:
                entries[key] = np.asarray(archive[key])
    except (OSError, EOFError, MemoryError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        if "allow_pickle" in str(error):
            raise ValueError(
                f"{path}: {key} holds Python objects, which only a pickle can store, and pickles are not read. "
                f"Save {key} as an array of numbers or of text (dtype=str)."
            ) from error
        raise ValueError(f"{damaged} ({key}: {error}). Write or copy it again.") from error
    _check_keys(path, list(entries))
    return entries


def _check_keys(path: Path, keys: Sequence[str]) -> None:
    missing = [key for key in REQUIRED_KEYS if key not in keys]
    unknown = [key for key in keys if key not in REQUIRED_KEYS + OPTIONAL_KEYS + EXTRACTED_KEYS]
    if missing or unknown:  # an unknown key may be a misspelt one, which must not be passed over
        raise ValueError(
            f"{path}: expected the arrays {', '.join(REQUIRED_KEYS)} and, if wanted, {', '.join(OPTIONAL_KEYS)}; "
            f"got {some(keys)}: "
            + " and ".join(
                f"{what} {', '.join(names)}" for what, names in (("missing", missing), ("unknown", unknown)) if names
            )
        )


def _texts(path: Path, key: str, values) -> tuple[str, ...]:
    values = np.asarray(values)
    if values.ndim != 1:
        raise ValueError(f"{path}: expected {key} as a list of names, got shape {values.shape}")
    return tuple(str(value).strip() for value in values.astype(np.str_).tolist())


def _stored_kinds(path: Path, stored: tuple[str, ...], n: int) -> tuple[str, ...]:
    unknown = sorted(set(stored) - set(KINDS))
    if len(stored) != n or unknown:
        raise ValueError(
            f"{path}: expected modality to hold {n} of {', '.join(KINDS)}, one per column of x, got {len(stored)}"
            + (f", among them {', '.join(unknown)}" if unknown else "")
        )
    return stored


def _agreed(path: Path, stored: tuple[str, ...], asked: tuple[str, ...] | None) -> tuple[str, ...]:
    if asked is not None and [kind == "eye" for kind in stored] != [kind == "eye" for kind in asked]:
        raise ValueError(
            f"{path}: its array modality and {words().data('eye')} mark different columns as eye. Leave "
            f"{words().data('eye')} out."
        )
    return stored


def _check_indices(path: Path, labels: np.ndarray, class_names: tuple[str, ...]) -> None:
    good = labels.dtype.kind == "i" and (0 <= labels) & (labels < len(class_names))
    if not np.all(good):
        row = int(np.argmin(good)) if labels.dtype.kind == "i" else 0
        raise ValueError(
            f"{path}: with class_names {', '.join(class_names)} expected y to hold their indices "
            f"0..{len(class_names) - 1}, got {labels[row]} in row {row + 1}"
        )


def csv_frame(path: Path, expected: Collection[str] = ()) -> pd.DataFrame:
    """Read all rows of a table as text whose columns all have names, see `emogan.data.text_tables`."""
    table = look_at(path, expected)
    if "" in table.header:
        raise ValueError(
            f"{path}: column {table.header.index('') + 1} has no name. If it numbers the rows (pandas' index), write "
            "the table without it (index=False). If it is empty, delete it."
        )
    return named(path, table.frame(), table.header)


def identifier(path: Path, name: str, values: np.ndarray, advice: str = "Fill it in.") -> np.ndarray:
    """Whole numbers as int64, everything else as text; gaps and fractions are refused."""
    if values.dtype.kind in "iu":
        return values.astype(np.int64)
    if values.dtype.kind == "f":
        bad = ~(np.abs(values) < 2**53) | (values != np.rint(values))
    else:
        bad = pd.isna(values)
    if bad.any():
        row = int(np.argmax(bad))
        empty = pd.isna(values[row])
        raise ValueError(
            f"{path}: expected a whole number or a text in every row of {name!r}, got "
            f"{'an empty cell (or NA)' if empty else values[row]} in row {row + 1}. "
            + (advice if empty else "Ratings on a scale have to be cut into classes first.")
        )
    if values.dtype.kind == "f":
        return values.astype(np.int64)
    return np.array([value.strip() for value in values.astype(np.str_).tolist()], dtype=np.str_)


def matching(names: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    """Those of some names that are wanted, by name or, where no name is it, by pattern."""
    found = {
        name
        for pattern in wanted
        for name in ([pattern] if pattern in names else [name for name in names if fnmatchcase(name, pattern)])
    }
    return tuple(name for name in names if name in found)


def check_matched(path: Path, key: str, wanted: Sequence[str], names: Sequence[str]) -> None:
    """Refuse what a setting names if it is no feature."""
    for pattern in wanted:
        if not matching(names, [pattern]):
            raise ValueError(
                f"{path}: {words().data(key)} names {pattern!r}, which is none of the features {some(names)}"
            )


def option(key: str, names: Sequence[str]) -> str:
    """A setting of column names as it is typed, in a shell: 'data.drop=[clip_no,"Unnamed: 0"]'."""
    if not words().shell:
        return f"{words().data(key)}={list(names)!r}"
    plain = re.compile(r"(?!(?:null|true|false|nan|inf)$)[A-Za-z_]\w*", re.ASCII | re.IGNORECASE)
    cells = [name if plain.fullmatch(name) else _hydra_quoted(name) for name in names]
    return shlex.quote(f"{words().data(key)}=[{','.join(cells)}]")


def _hydra_quoted(name: str) -> str:
    name = re.sub(r'(\\*)"', r'\1\1\\"', name)  # backslashes are plain but before a quote
    return '"' + re.sub(r"(\\+)$", r"\1\1", name) + '"'


def _kinds(names: Sequence[str], eye: Sequence[str]) -> tuple[str, ...]:
    marked = matching(names, eye)
    return tuple("eye" if name in marked else "eeg" for name in names)


Listed = int | float | str | Sequence[int | float | str] | None  # what `listed` takes


def listed(values: Listed) -> list[str]:
    """A list of texts from a list, none or, as `data.subjects=3` gives, a single value."""
    if values is None:
        return []
    return [str(value) for value in ([values] if isinstance(values, str | int | float) else values)]
