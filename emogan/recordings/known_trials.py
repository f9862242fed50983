"""Time tables that need not be written: of the SEED data sets, as published, and from a recording's annotations."""

import re
from collections.abc import Sequence
from pathlib import Path

from emogan.data.seed_sessions import by_date
from emogan.data.table_files import natural, some
from emogan.data.tree import by_session_folder, data_files, numbered
from emogan.data.trials import (
    SEED_CLASSES,
    SEED_END_S,
    SEED_IV_CLASSES,
    SEED_IV_LABELS,
    SEED_LABELS,
    SEED_START_S,
    SEED_V_CLASSES,
    SEED_V_END_S,
    SEED_V_LABELS,
    SEED_V_START_S,
)
from emogan.recordings.eeg import READERS, open_raw
from emogan.recordings.time_table import Row, TimeTable

WHOLE = (0.0,), (float("inf"),)  # of a variable that holds one trial
NAME = re.compile(r"(?P<subject>.+?)(_(?P<session>\d{1,3}))?(_\d{8})?")  # 3_1_20180804, Subject03_2, anna


def seed(folder: Path) -> TimeTable:
    """SEED: raw recordings {subject}_{session}.cnt, or else the .mat files of Preprocessed_EEG."""
    raw = data_files(folder, re.compile(r"(\d+)_([123])\.cnt", re.IGNORECASE))
    files, unclear = (_numbered(raw), {}) if raw else by_date(folder)
    times = (SEED_START_S, SEED_END_S) if raw else WHOLE
    example = "1_1.cnt or 1_20131027.mat"
    unusable = tuple(unclear.values())
    return _published(folder, files, SEED_CLASSES, (SEED_LABELS,) * 3, (times,) * 3, example, unusable)


def seed_iv(folder: Path) -> TimeTable:
    """SEED-IV: the folder eeg_raw_data with its session folders 1, 2 and 3 of .mat files."""
    files = by_session_folder(folder)
    return _published(folder, files, SEED_IV_CLASSES, SEED_IV_LABELS, (WHOLE,) * 3, "1/1_20160518.mat")


def seed_v(folder: Path) -> TimeTable:
    """SEED-V: raw recordings {subject}_{session}_{date}.cnt."""
    files = _numbered(data_files(folder, re.compile(r"(\d+)_([123])_\d{8}\.cnt", re.IGNORECASE)))
    times = tuple(zip(SEED_V_START_S, SEED_V_END_S, strict=True))
    return _published(folder, files, SEED_V_CLASSES, SEED_V_LABELS, times, "1_1_20180804.cnt")


def _numbered(raw: Sequence[tuple[re.Match, Path]]) -> dict:
    return numbered((int(match[1]), int(match[2]), path) for match, path in raw)


def _published(
    folder: Path, files: dict, class_names: Sequence[str], labels: Sequence, times: Sequence, example: str,
    unusable: tuple[str, ...] = (),
) -> TimeTable:  # fmt: skip
    if not files and not unusable:
        raise FileNotFoundError(
            f"expected recordings such as {example} in {folder}, found {some(p.name for p in sorted(folder.iterdir()))}"
        )
    rows = []
    for (subject, session), path in sorted(files.items()):
        starts, ends = times[session - 1]
        starts, ends = (tuple(v) * (len(labels[session - 1]) // len(v)) for v in (starts, ends))
        for trial, one in enumerate(zip(labels[session - 1], starts, ends, strict=True), 1):
            rows.append(Row(len(rows) + 1, path, subject, session, trial, one[0], float(one[1]), float(one[2])))
    return TimeTable(tuple(rows), tuple(class_names), unusable)


def annotations(folder: Path) -> TimeTable:
    """Trials are the annotations with a duration in each recording of a folder; their texts are the labels.

    Those that begin with BAD or EDGE, MNE's words for stretches to leave out, are none. Files are named SUBJECT or
    SUBJECT_SESSION, with or without a date of eight digits behind.

    Recordings that cannot be read or have none are told of in `TimeTable.unusable`.

    Raises
    ------
    FileNotFoundError
        If there is no recording.
    """
    files = sorted((path for path in folder.iterdir() if path.suffix.lower() in READERS), key=natural)
    if not files:
        raise FileNotFoundError(f"expected recordings ({', '.join(READERS)}) in {folder}, found none")
    rows, unusable = [], []
    for path in files:
        try:
            rows += _annotated(path, len(rows))
        except ValueError as error:
            unusable.append(str(error))
    return TimeTable(tuple(rows), unusable=tuple(unusable))


def _annotated(path: Path, before: int) -> list[Row]:
    raw = open_raw(path)
    notes, name, rows = raw.annotations, NAME.fullmatch(path.stem), []
    subject = int(name["subject"]) if name["subject"].isdecimal() else name["subject"]
    shift_s = raw.first_time if notes.orig_time is not None else 0.0
    for onset_s, duration_s, text in zip(notes.onset - shift_s, notes.duration, notes.description, strict=True):
        if duration_s > 0 and not text.upper().startswith(("BAD", "EDGE")):
            trial, times = len(rows) + 1, (max(float(onset_s), 0.0), float(onset_s + duration_s))
            rows.append(Row(before + trial, path, subject, int(name["session"] or 1), trial, str(text), *times))
    if not rows:
        raise ValueError(
            f"{path}: expected annotations with a duration, one a trial, got {some(sorted(set(notes.description)))} "
            "without. Write a time table, and give it as trials=FILE.csv."
        )
    return rows


KNOWN = {"annotations": annotations, "seed": seed, "seed_iv": seed_iv, "seed_v": seed_v}
