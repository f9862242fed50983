"""Eye tracking events as tables: SMI BeGaze's exports and plain CSV."""

from pathlib import Path

import numpy as np
import pandas as pd

from emogan.signal.eye_recording import EyeRecording

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
    table = pd.read_csv(path, skipinitialspace=True)
    if "event" not in table:
        raise ValueError(f"{path} lacks the column event; it has {', '.join(map(str, table))}")
    if unknown := sorted(set(table["event"].astype(str)) - set(COLUMNS)):
        raise ValueError(f"{path}: expected events {', '.join(COLUMNS)}, got {', '.join(unknown)}")
    return _recording({event: table[table["event"] == event] for event in COLUMNS}, COLUMNS, 1.0, path)


def read_begaze(path: str | Path, sheet: int | str = 0) -> EyeRecording:
    """A sheet of SMI BeGaze's detailed event statistics, .xls, .xlsx or tab-separated .txt.

    The tables of fixations, saccades and blinks may stand side by side, as in SEED-V's files with one sheet per trial,
    or below one another. Times are those of the table, in SEED-V's since the trial's start. The pupil is constant
    during a fixation and not known between two. Spreadsheets need the extra ``begaze``.

    Raises
    ------
    ValueError
        If a column is missing, a value is not a number, no fixation is there, or as `EyeRecording` says.
    ImportError
        If the extra is not installed.
    """
    if Path(path).suffix.lower() == ".txt":
        table = pd.read_csv(path, sep="\t", na_values=["-"])
    else:
        table = _spreadsheet(path, sheet)
    table.columns = [str(name).strip() for name in table.columns]
    rows = {event: table[table[names[0]].notna()] if names[0] in table else table for event, names in BEGAZE.items()}
    return _recording(rows, BEGAZE, 1000.0, path)


def _spreadsheet(path: str | Path, sheet: int | str) -> pd.DataFrame:
    try:
        return pd.read_excel(path, sheet_name=sheet, na_values=["-"])
    except ImportError as error:
        raise ImportError(f"{path} needs a reader of spreadsheets: pip install 'emogan[begaze]'") from error


def _recording(tables: dict[str, pd.DataFrame], columns: dict[str, list[str]], unit: float, path) -> EyeRecording:
    """From one table per kind of event; unit: of times, per second."""
    values = {event: _numbers(table, columns[event], path, event) for event, table in tables.items()}
    if not len(values["fixation"]):
        raise ValueError(f"{path} holds no fixation, and with them no size of the pupil")
    times = {event: array[:, :2] / unit for event, array in values.items()}
    fixations = values["fixation"]
    time_s, pupil = _trace(times["fixation"], fixations[:, 4:6])
    return EyeRecording(
        time_s, pupil, times["fixation"], times["saccade"], times["blink"], fixations[:, 2:4], values["saccade"][:, 2]
    )


def _numbers(table: pd.DataFrame, names: list[str], path, event: str) -> np.ndarray:
    """The columns as numbers (n, columns), in the order of the table."""
    if not len(table):
        return np.empty((0, len(names)))
    if missing := [name for name in names if name not in table]:
        raise ValueError(f"{path} lacks the column {', '.join(missing)} of its {event}s; it has {', '.join(table)}")
    try:
        return table[names].to_numpy(dtype=float)
    except ValueError as error:
        raise ValueError(f"{path}: expected numbers in the columns of its {event}s: {error}") from error


def _trace(fixation_s: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Times (T,) and pupil (T, 2): each fixation's mean size during it, NaN between two."""
    onset_s, end_s = fixation_s[:, 0], fixation_s.sum(1)
    time_s = onset_s[0] + np.arange(max(2, int((end_s.max() - onset_s[0]) * RATE_HZ) + 1)) / RATE_HZ
    last = np.searchsorted(onset_s, time_s, side="right") - 1
    return time_s, np.where((time_s <= end_s[last])[:, None], size[last], np.nan)
