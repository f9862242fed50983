"""Which stretch of which recording is which trial, of whom and with what label: a table of the user's own."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emogan.data.table_files import csv_frame, identifier
from emogan.data.text_tables import first_text
from emogan.recordings.eeg import is_eeg
from emogan.recordings.preprocessed import SUFFIX as PREPROCESSED
from emogan.signal.windows import TOLERANCE_S
from emogan.wording import some

EVENT = ("trial_type", "onset", "duration")  # as in BIDS
COLUMNS = ("recording", "subject", "session", "trial", *EVENT)
OPTIONAL = ("sheet", "samples")
STIMULUS = ("stimulus", "stim_file")  # the second is what BIDS calls it
Name = int | str
Experiment = tuple[Name, Name]  # subject, session


@dataclass(frozen=True)
class Row:
    """One stretch of a recording; a trial has one of an EEG recording, one of an eye tracking recording, or both.

    Parameters
    ----------
    number : of the row, from 1
    recording : file
    start_s, end_s : seconds from the start of the recording (of the trial's variable in a .mat file, of the sheet in a
        spreadsheet); an infinite end is its end
    sheet : of a spreadsheet of BeGaze, by name or number from 1; part of a file of rated clips
    samples : file with the samples that belong to an EyeLink file of events
    stimulus : the film clip that the trial shows, if it is known
    """

    number: int
    recording: Path
    subject: Name
    session: Name
    trial: Name
    label: Name
    start_s: float
    end_s: float
    sheet: Name | None = None
    samples: Path | None = None
    stimulus: Name | None = None

    @property
    def experiment(self) -> Experiment:
        return self.subject, self.session

    @property
    def is_eeg(self) -> bool:
        return is_eeg(self.recording)

    @property
    def part(self) -> Name | None:
        """The variable, sheet or other part that is meant, in files that have one for each trial."""
        return self.trial if self.sheet is None and self.recording.suffix.lower() == PREPROCESSED else self.sheet

    def __str__(self) -> str:
        return f"row {self.number} ({self.recording.name}, trial {self.trial}, {self.start_s:g} to {self.end_s:g} s)"


@dataclass(frozen=True)
class EventsTable:
    """All rows; with class_names, labels are their indices.

    `unusable` tells of recordings without rows, `notes` of what was passed over, by recording.
    """

    rows: tuple[Row, ...]
    class_names: tuple[str, ...] | None = None
    unusable: tuple[str, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()

    def experiments(self) -> dict[Experiment, list[Row]]:
        """Rows of each experiment, both in order of appearance."""
        return grouped(self.rows, lambda row: row.experiment)


def grouped(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    """Rows by what a function gives of them, both in order of appearance."""
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found


def read_table(path: Path, folder: Path) -> EventsTable:
    """Read a .csv or .tsv with the columns of `COLUMNS` and, if needed, of `OPTIONAL`; others are passed over.

    Files are named relative to a folder. ``trial_type`` is the label, ``onset`` and ``duration`` are in seconds: an
    empty onset is 0, and a trial with an empty duration lasts to the end of the recording; n/a is empty. A trial with
    two rows, one of an EEG recording and one of an eye tracking recording, has features of both; times are those of the
    row's own recording. The column stimulus, or else stim_file, names the film clips, by the same
    value in all subjects and sessions; where there is neither, or nothing in it, they are not known.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing, or not such a table.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"expected an events table at {path}, found nothing. Give trials=FILE.csv, bids, annotations or a "
            "data set of the SEED family, as seed or seed_vii."
        )
    frame = frame_with(path, COLUMNS)
    columns = {name: identifier(path, name, frame[name].to_numpy()).tolist() for name in COLUMNS[:5]}
    onsets = column_of_seconds(path, frame, "onset", 0.0)
    durations = column_of_seconds(path, frame, "duration", math.inf)
    ends = [onset + duration for onset, duration in zip(onsets, durations, strict=True)]
    recordings = [folder / str(name) for name in columns.pop("recording")]
    sheets, samples = (_optional(frame, name) for name in OPTIONAL)
    sheets = [int(one) if isinstance(one, float) else one for one in sheets]
    samples = [None if one is None else folder / str(one) for one in samples]
    stimuli = [None] * len(frame)
    if name := next((name for name in STIMULUS if name in frame and frame[name].notna().any()), None):
        stimuli = identifier(path, name, frame[name].to_numpy()).tolist()
    values = zip(recordings, *columns.values(), onsets, ends, sheets, samples, stimuli, strict=True)
    return EventsTable(tuple(Row(number, *row) for number, row in enumerate(values, 1)))


def frame_with(path: Path, names: Sequence[str]) -> pd.DataFrame:
    """A table as text that has columns of these names, and maybe others."""
    frame = csv_frame(path, names)
    if missing := [name for name in names if name not in frame]:
        raise ValueError(
            f"{path}: expected the columns {', '.join(names)}; missing {', '.join(missing)}, got {some(frame)}"
        )
    return frame


def _optional(frame: pd.DataFrame, name: str) -> list:
    """A column that need not be there, None where it is empty."""
    return [None if pd.isna(one) else one for one in frame.get(name, [None] * len(frame))]


def column_of_seconds(path: Path, frame: pd.DataFrame, name: str, empty: float) -> list[float]:
    """A column of seconds, with a value for its empty cells."""
    seconds = frame[name]
    text = not pd.api.types.is_numeric_dtype(seconds)
    if text or np.isinf(seconds).any():
        row = first_text(seconds) if text else int(np.isinf(seconds).argmax())
        raise ValueError(f"{path}: expected seconds in {name}, got {seconds.iloc[row]!r} in row {row + 1}")
    return seconds.fillna(empty).astype(float).tolist()


def problems(table: EventsTable, window_s: float) -> dict[Experiment, list[str]]:
    """What is wrong with the rows of each experiment, as far as the table shows; those without fault are absent."""
    found: dict[Experiment, list[str]] = {}
    for row, problem in (*_times(table, window_s), *_overlaps(table), *_trials(table)):
        found.setdefault(row.experiment, []).append(problem)
    return found


def _times(table: EventsTable, window_s: float) -> Iterator[tuple[Row, str]]:
    for row in table.rows:
        if row.start_s < 0:
            yield row, f"{row}: expected an onset of 0 s or later"
        elif row.end_s <= row.start_s:
            yield row, f"{row}: expected a duration above 0; the trial is empty"
        elif row.end_s - row.start_s < window_s - TOLERANCE_S:
            yield row, f"{row}: expected a trial of at least one window of {window_s:g} s"


def _overlaps(table: EventsTable) -> Iterator[tuple[Row, str]]:
    for rows in grouped(table.rows, lambda row: (row.recording, row.part)).values():
        rows.sort(key=lambda row: row.start_s)
        last = rows[0]
        for row in rows[1:]:
            if row.start_s < last.end_s - TOLERANCE_S:
                for one in {row.experiment: row, last.experiment: last}.values():
                    yield one, f"{row}: expected trials that do not overlap, got one that begins within {last}"
            last = max(row, last, key=lambda row: row.end_s)


def _trials(table: EventsTable) -> Iterator[tuple[Row, str]]:
    """A trial has one label and stimulus, and each kind of recording once or, as all of its experiment, not at all."""
    for rows in table.experiments().values():
        trials: dict[Name, dict[bool, Row]] = {}
        for row in rows:
            kinds = trials.setdefault(row.trial, {})
            if row.is_eeg in kinds:
                yield row, f"{row}: expected each trial once, got it in {kinds[row.is_eeg]} before"
            elif kinds:
                other = next(iter(kinds.values()))
                for what in ("label", "stimulus"):
                    first, own = getattr(other, what), getattr(row, what)
                    if first != own:
                        yield row, f"{row}: expected the {what} {first} as in {other}, got {own}"
            kinds[row.is_eeg] = row
        every = {kind for kinds in trials.values() for kind in kinds}
        for kinds in trials.values():
            if kinds.keys() != every:
                row = next(iter(kinds.values()))
                lacking = "an eye tracking" if row.is_eeg else "an EEG"
                yield row, f"{row}: expected {lacking} recording of this trial too, as others of the experiment have"
