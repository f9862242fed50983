"""Eye tracking events as tables: SMI BeGaze's exports and plain CSV."""

import codecs
import re
from pathlib import Path

import numpy as np
import pandas as pd

from emogan.data.frames import whole
from emogan.data.text_tables import first_text, look_at
from emogan.signal.eye_recording import EyeRecording
from emogan.wording import naming, some

COLUMNS = {  # of plain CSV, one row per event; those that a kind of event needs
    "fixation": ["onset_s", "duration_s", "dispersion_x", "dispersion_y", "pupil_x", "pupil_y"],
    "saccade": ["onset_s", "duration_s", "amplitude_deg"],
    "blink": ["onset_s", "duration_s"],
}
BEGAZE = {  # the columns of BeGaze's detailed event statistics that hold them; times in ms
    "fixation": [
        "Fixation Start [ms]", "Fixation Duration [ms]", "Dispersion X", "Dispersion Y", "Average Pupil Size [px] X",
        "Average Pupil Size [px] Y",
    ],
    "saccade": ["Saccade Start [ms]", "Saccade Duration [ms]", "Amplitude [°]"],
    "blink": ["Blink Start [ms]", "Blink Duration [ms]"],
}  # fmt: skip
TEXT_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
EYE = re.compile(r"eye( ?l/r)?(\.\d+)?$", re.IGNORECASE)  # the column with the eye of an event
MISSING = ["-"]  # what BeGaze writes in cells without a value
RATE_HZ = 60.0  # of the trace of the pupil, whose size is known per fixation only


def read_events(path: str | Path) -> EyeRecording:
    """A CSV with one row per event and the columns event, onset_s, duration_s and those of the kind of event.

    ``event`` is fixation, saccade or blink. Fixations need dispersion_x and dispersion_y (px), pupil_x and pupil_y
    (mean size during the fixation); saccades need amplitude_deg. The pupil is constant during a fixation and not known
    between two.

    Raises
    ------
    ValueError
        If a column is missing, a value is not a number, an event is of another kind, no fixation is there, or as
        `EyeRecording` says.
    """
    table = look_at(path, {name for names in COLUMNS.values() for name in names}).frame()
    with naming(path):
        if "event" not in table:
            raise ValueError(f"expected a column event, got {', '.join(map(str, table))}")
        if unknown := sorted(set(table["event"].astype(str)) - set(COLUMNS)):
            raise ValueError(f"expected events {', '.join(COLUMNS)}, got {', '.join(unknown)}")
        return _recording({event: table[table["event"] == event] for event in COLUMNS}, COLUMNS, 1.0)


def read_begaze(path: str | Path, sheet: int | str = 0) -> EyeRecording:
    """A sheet of SMI BeGaze's detailed event statistics, .xls, .xlsx or .txt; an .xls may be text by another name.

    The tables of fixations, saccades and blinks may stand side by side, as in SEED-V's files with one sheet per trial,
    or below one another. Times are those of the table, in SEED-V's since the trial's start. The pupil is constant
    during a fixation and not known between two. Spreadsheets need the extra ``begaze``.

    Raises
    ------
    ValueError
        If the file cannot be read, a column is missing, a value is not a number, no fixation is there, or as
        `EyeRecording` says.
    ImportError
        If the extra is not installed.
    """
    path = Path(path)
    if path.suffix.lower() == ".txt" or _is_text(path):
        table = look_at(path, {name for names in BEGAZE.values() for name in names}).frame(MISSING)
    else:
        table = _spreadsheet(path, sheet)
    table.columns = [str(name).strip() for name in table.columns]
    rows = {event: table[table[names[0]].notna()] if names[0] in table else table for event, names in BEGAZE.items()}
    with naming(path):
        return _recording(rows, BEGAZE, 1000.0)


def _is_text(path: Path) -> bool:
    """Whether a spreadsheet by name is text, as programs write it that only Excel is to open; HTML is refused."""
    with path.open("rb") as file:
        head = file.read(4096)
    text = head.replace(b"\0", b"").lstrip(b"".join(TEXT_MARKS) + b" \t\r\n")
    if text.startswith(b"<"):
        raise ValueError(
            f"{path}: expected a spreadsheet, got HTML or XML under this name. Open it in Excel or LibreOffice and "
            "save it as .xlsx, or export it as text (.txt)."
        )
    return bool(text) and (b"\0" not in head or head.startswith(TEXT_MARKS))


def _spreadsheet(path: Path, sheet: int | str) -> pd.DataFrame:
    with whole(path, "begaze"), pd.ExcelFile(path) as book:
        names = book.sheet_names
        if sheet not in names and not (isinstance(sheet, int) and 0 <= sheet < len(names)):
            raise ValueError(f"expected a sheet {sheet + 1 if isinstance(sheet, int) else sheet}, got {some(names)}")
        return pd.read_excel(book, sheet_name=sheet, na_values=MISSING)


def _recording(tables: dict[str, pd.DataFrame], columns: dict[str, list[str]], unit: float) -> EyeRecording:
    """From one table per kind of event; unit: of times, per second."""
    columns_of_eyes = [table[name] for table in tables.values() for name in table if EYE.match(str(name))]
    if len(eyes := sorted({str(eye) for column in columns_of_eyes for eye in column.dropna()})) > 1:
        raise ValueError(
            f"expected events of one eye, got {some(eyes)} in the column {columns_of_eyes[0].name}. Keep the rows of "
            "one eye."
        )
    values = {event: _numbers(table, columns[event], event) for event, table in tables.items()}
    if not len(values["fixation"]):
        raise ValueError("expected a fixation, and with it the size of the pupil, got none")
    times = {event: array[:, :2] / unit for event, array in values.items()}
    fixations = values["fixation"]
    time_s, pupil = _trace(times["fixation"], fixations[:, 4:6])
    return EyeRecording(
        time_s, pupil, times["fixation"], times["saccade"], times["blink"], fixations[:, 2:4], values["saccade"][:, 2]
    )


def _numbers(table: pd.DataFrame, names: list[str], event: str) -> np.ndarray:
    """The columns as numbers (n, columns), in the order of the table."""
    if not len(table):
        return np.empty((0, len(names)))
    if missing := [name for name in names if name not in table]:
        raise ValueError(f"expected the column {', '.join(missing)} of its {event}s, got {', '.join(table)}")
    for name in names:
        if not pd.api.types.is_numeric_dtype(table[name]) and pd.to_numeric(table[name], errors="coerce").isna().any():
            row = first_text(table[name])
            raise ValueError(
                f"expected numbers in the columns of its {event}s, got {table[name].iloc[row]!r} in {name!r}, "
                f"row {table.index[row] + 1}"
            )
    return table[names].apply(pd.to_numeric).to_numpy(dtype=float)


def _trace(fixation_s: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Times (T,) and pupil (T, 2): each fixation's mean size during it, NaN between two."""
    onset_s, end_s = fixation_s[:, 0], fixation_s.sum(1)
    time_s = onset_s[0] + np.arange(max(2, int((end_s.max() - onset_s[0]) * RATE_HZ) + 1)) / RATE_HZ
    last = np.searchsorted(onset_s, time_s, side="right") - 1
    return time_s, np.where((time_s <= end_s[last])[:, None], size[last], np.nan)
