"""Reading one .npz or .csv table of a user's own."""

import re
import shlex
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pandas as pd

from emogan.data.text_tables import first_text, look_at

KINDS = ("eeg", "eye", "other")
REQUIRED_KEYS = ("x", "y", "trial", "subject")
OPTIONAL_KEYS = ("session", "stimulus", "feature_names", "class_names", "modality")
EXTRACTED_KEYS = ("units", "settings", "fingerprint", "spectrum", "frequency_hz", "channels")  # of emogan.extract
STIMULUS = "stimulus"  # the column of a .csv unless another one is named
COLUMNS = {name: name for name in ("label", "trial", "subject", "session", STIMULUS)}  # of a .csv


@dataclass(frozen=True, eq=False)
class TableFile:
    """One file as read: x (N, F), the other columns (N,), and a name and kind per feature.

    `dropped` are the names of columns left out on request, `text` those of columns that are no numbers and what one of
    them holds, NaN in x. `settings` are those of emogan.extract as JSON, if it made the file.
    """

    path: Path
    x: np.ndarray
    label: np.ndarray
    trial: np.ndarray
    subject: np.ndarray
    session: np.ndarray
    feature_names: tuple[str, ...]
    kinds: tuple[str, ...]
    class_names: tuple[str, ...] | None = None
    stimulus: np.ndarray | None = None
    settings: str | None = None
    dropped: tuple[str, ...] = ()
    text: Mapping[str, str] = field(default_factory=dict)


def find_files(path: str | Path) -> list[Path]:
    """The .npz and .csv files at a path, those of a folder in natural order (2 before 10); hidden files are skipped."""
    path = Path(path).expanduser()
    if path.is_dir():
        inside = sorted((file for file in path.iterdir() if not file.name.startswith(".")), key=natural)
        files = [file for file in inside if file.suffix.lower() in (".npz", ".csv") and file.is_file()]
        if not files:
            raise FileNotFoundError(
                f"expected .npz or .csv files in the folder {path.absolute()}, found {some(f.name for f in inside)}. "
                "Point data.path at the folder that holds the tables themselves."
            )
        return files
    if not path.exists():
        raise FileNotFoundError(
            f"expected a .npz or .csv file, or a folder of such, at {path.absolute()}, found nothing"
        )
    if path.suffix.lower() not in (".npz", ".csv"):
        raise ValueError(f"expected a .npz or .csv file, got {path}. Save the table as one of these.")
    return [path]


def read_file(
    path: Path, columns: Mapping[str, str] = COLUMNS, eye: Sequence[str] = (), drop: Sequence[str] = ()
) -> TableFile:
    """One .csv or .npz file as it stands.

    Parameters
    ----------
    columns
        Names of the columns of a .csv that are no features.
    eye, drop
        Names or patterns of features of eye movements, and of columns that are left out.
    """
    return read_csv(path, columns, eye, drop) if path.suffix.lower() == ".csv" else read_npz(path, eye, drop)


def read_npz(path: Path, eye: Sequence[str], drop: Sequence[str]) -> TableFile:
    entries = _npz_entries(path)
    x = entries["x"]
    if x.ndim != 2 or 0 in x.shape or x.dtype.kind not in "biuf":
        raise ValueError(f"{path}: expected x of real numbers, shape (windows, features), got {x.dtype} {x.shape}")
    n, n_features = x.shape
    entries.setdefault("session", np.ones(n, dtype=np.int64))
    feature_names = _texts(path, "feature_names", entries.get("feature_names", [f"x{i}" for i in range(n_features)]))
    if len(feature_names) != n_features:
        raise ValueError(f"{path}: expected {n_features} feature_names, one per column of x, got {len(feature_names)}")
    _refuse_repeated(path, feature_names)
    dropped = matching(feature_names, drop)
    kept = [i for i, name in enumerate(feature_names) if name not in dropped]
    if not kept:
        raise ValueError(f"{path}: expected features beside those that data.drop names, got none")
    x, feature_names = x[:, kept], tuple(feature_names[i] for i in kept)
    kinds = _kinds(path, feature_names, eye)
    if "modality" in entries:
        stored = _stored_kinds(path, _texts(path, "modality", entries["modality"]), n_features)
        kinds = _agreed(path, tuple(stored[i] for i in kept), kinds if eye else None)
    columns = {}
    for key in [key for key in ("y", "trial", "subject", "session", "stimulus") if key in entries]:
        if entries[key].shape != (n,):
            raise ValueError(f"{path}: expected {key} of shape ({n},), one per row of x, got {entries[key].shape}")
        columns["label" if key == "y" else key] = identifier(path, key, entries[key])
    classes = _texts(path, "class_names", entries["class_names"]) if "class_names" in entries else None
    if classes is not None:
        _check_indices(path, columns["label"], classes)
    return TableFile(path, x.astype(np.float32) if x.dtype == bool else x, **columns,
                 feature_names=feature_names, kinds=kinds, class_names=classes,
                 settings=str(entries["settings"]) if "settings" in entries else None, dropped=dropped)  # fmt: skip


def read_csv(path: Path, columns: Mapping[str, str], eye: Sequence[str], drop: Sequence[str]) -> TableFile:
    frame = csv_frame(path, columns.values())
    present = {key: name for key, name in columns.items() if name in frame}
    if columns["stimulus"] == STIMULUS and (matching([STIMULUS], drop) or columns["label"] == STIMULUS):
        present.pop("stimulus", None)  # that it is left out, or is the label, was asked for; the stimulus was not
    for key, name in columns.items():
        if key not in present and not (key == name and key in OPTIONAL_KEYS):  # only where no one asked for another
            hint = " Are the columns separated by commas, semicolons or tabs?" if len(frame.columns) == 1 else ""
            raise ValueError(
                f"{path}: expected a column {name!r} for the {key}, got the columns {some(frame.columns)}. "
                f"Name the right one with data.{key}=COLUMN, or add it.{hint}"
            )
    features = [name for name in frame if name not in present.values()]
    dropped = matching(features, drop)
    feature_names = tuple(name for name in features if name not in dropped)
    for key, name in columns.items():
        if nearly := [one for one in feature_names if one.lower() in (key, name.lower())]:
            raise ValueError(
                f"{path}: expected the column {name!r} for the {key}, got {nearly[0]!r} beside it, which would be a "
                f"feature. Choose it with data.{key}={nearly[0]}, rename it or leave it out with "
                f"{option('drop', nearly[:1])}."
            )
    if not feature_names:
        raise ValueError(f"{path}: expected numeric columns beside {', '.join(columns.values())}, got none")
    text = {}
    for name in feature_names:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            row = first_text(frame[name])
            text[name] = f"{frame[name].iloc[row]!r} in row {row + 1}"
    ids = {
        "session": np.ones(len(frame), dtype=np.int64),
        **{key: identifier(path, name, frame[name].to_numpy()) for key, name in present.items()},
    }
    x = frame[list(feature_names)].assign(**dict.fromkeys(text, np.nan)).to_numpy(dtype=np.float64)
    kinds = _kinds(path, feature_names, eye)
    return TableFile(path, x, **ids, feature_names=feature_names, kinds=kinds, dropped=dropped, text=text)


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
        raise ValueError(f"{path}: its array modality and data.eye mark different columns as eye. Leave data.eye out.")
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
    """Read all rows under a header of distinct, non-empty names, see `emogan.data.text_tables`."""
    table = look_at(path, expected)
    if "" in table.header:
        raise ValueError(
            f"{path}: column {table.header.index('') + 1} has no name. If it numbers the rows (pandas' index), write "
            "the table without it (index=False): as a feature it would tell the trial. If it is empty, delete it."
        )
    _refuse_repeated(path, table.header)
    frame = table.frame()
    if frame.empty:
        raise ValueError(f"{path}: expected one row per window under the header, got no rows")
    return frame


def identifier(path: Path, name: str, values: np.ndarray) -> np.ndarray:
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
            + ("Fill it in." if empty else "Ratings on a scale have to be cut into classes first.")
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
            raise ValueError(f"{path}: data.{key} names {pattern!r}, which is none of the features {some(names)}")


def option(key: str, names: Sequence[str]) -> str:
    """A setting of column names as it is typed in a shell: 'data.drop=[clip_no,"Unnamed: 0"]'."""
    plain = re.compile(r"(?!(?:null|true|false|nan|inf)$)[A-Za-z_]\w*", re.ASCII | re.IGNORECASE)
    cells = [name if plain.fullmatch(name) else _hydra_quoted(name) for name in names]
    return shlex.quote(f"data.{key}=[{','.join(cells)}]")


def _hydra_quoted(name: str) -> str:
    name = re.sub(r'(\\*)"', r'\1\1\\"', name)  # backslashes are plain but before a quote
    return '"' + re.sub(r"(\\+)$", r"\1\1", name) + '"'


def _kinds(path: Path, names: Sequence[str], eye: Sequence[str]) -> tuple[str, ...]:
    check_matched(path, "eye", eye, names)
    marked = matching(names, eye)
    return tuple("eye" if name in marked else "eeg" for name in names)


def _refuse_repeated(path: Path, names: Sequence[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{path}: expected distinct column names, got {some(repeated)} more than once")


def natural(path: Path) -> list[int | str]:
    """A key to sort by, under which 10 follows 9."""
    return [int(text) if i % 2 else text for i, text in enumerate(re.split(r"(\d+)", str(path)))]


Listed = int | float | str | Sequence[int | float | str] | None  # what `listed` takes


def listed(values: Listed) -> list[str]:
    """A list of texts from a list, none or, as `data.subjects=3` gives, a single value."""
    if values is None:
        return []
    return [str(value) for value in ([values] if isinstance(values, str | int | float) else values)]


@contextmanager
def naming(place: object) -> Iterator[None]:
    """Put the file or row that something is wrong with in front of what is wrong."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error


def some(names, limit: int = 12) -> str:
    """The first of many names, for messages."""
    names = list(map(str, names))
    return ", ".join(names[:limit]) + (f", ... ({len(names)} in all)" if len(names) > limit else "") or "none"
