"""Events tables that need not be written: of the SEED data sets, of BIDS, and from a recording's annotations."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from emogan.data import trials
from emogan.data.file_tree import by_name, by_session_folder, data_files
from emogan.data.seed.sessions import by_date
from emogan.data.table_files import identifier
from emogan.recordings.eeg import READERS, read_markers
from emogan.recordings.events_table import EVENT, EventsTable, Name, Row, column_of_seconds, frame_with
from emogan.recordings.timeline import Marker
from emogan.signal.windows import TOLERANCE_S
from emogan.wording import natural, some

WHOLE = (0.0,), (float("inf"),)  # of a variable that holds one trial
EVENTS = re.compile(r"sub-(?P<subject>[^_]+)(_ses-(?P<session>[^_]+))?(_.+)?_events\.tsv")  # BIDS
NO_RAW_DATA = {"derivatives", "sourcedata", "code", "stimuli"}  # folders of a BIDS data set
NAME = re.compile(r"(?P<subject>.+?)(_(?P<session>\d{1,3}))?(_\d{8})?")  # 3_1_20180804, Subject03_2, anna


def seed(folder: Path) -> EventsTable:
    """SEED: raw recordings {subject}_{session}.cnt, or else the .mat files of Preprocessed_EEG."""
    raw = by_name(folder, re.compile(r"(\d+)_([123])\.cnt", re.IGNORECASE))
    files, unclear = (raw, {}) if raw else by_date(folder)
    times = (trials.SEED_START_S, trials.SEED_END_S) if raw else WHOLE
    example = "1_1.cnt or 1_20131027.mat"
    unusable = tuple(unclear.values())
    return _published(
        folder, files, trials.SEED_CLASSES, (trials.SEED_LABELS,) * 3, (times,) * 3, example, unusable, same_clips=True
    )  # fmt: skip


def seed_iv(folder: Path) -> EventsTable:
    """SEED-IV: the folder eeg_raw_data with its session folders 1, 2 and 3 of .mat files."""
    files = by_session_folder(folder)
    return _published(folder, files, trials.SEED_IV_CLASSES, trials.SEED_IV_LABELS, (WHOLE,) * 3, "1/1_20160518.mat")


def seed_v(folder: Path) -> EventsTable:
    """SEED-V: raw recordings {subject}_{session}_{date}.cnt."""
    files = by_name(folder, re.compile(r"(\d+)_([123])_\d{8}\.cnt", re.IGNORECASE))
    times = tuple(zip(trials.SEED_V_START_S, trials.SEED_V_END_S, strict=True))
    return _published(folder, files, trials.SEED_V_CLASSES, trials.SEED_V_LABELS, times, "1_1_20180804.cnt")


def seed_vii(folder: Path) -> EventsTable:
    """SEED-VII: the folder EEG_preprocessed of {subject}.mat, whose variables and trials are numbered 1..80."""
    sessions = range(1, len(trials.SEED_VII_LABELS) + 1)
    subjects = data_files(folder, re.compile(r"(\d+)\.mat"))
    files = {(int(match[1]), session): path for match, path in subjects for session in sessions}
    table = _published(folder, files, trials.SEED_VII_CLASSES, trials.SEED_VII_LABELS, (WHOLE,) * 4, "1.mat")
    return replace(table, rows=tuple(replace(row, trial=row.stimulus) for row in table.rows))


def seed_fra(folder: Path) -> EventsTable:
    """SEED-FRA: raw recordings {subject}_{session}, in a format that can be read."""
    times = trials.SEED_FRA_START_S, trials.SEED_FRA_END_S
    return _converted(folder, trials.SEED_FRA_LABELS, times)


def seed_ger(folder: Path) -> EventsTable:
    """SEED-GER: raw recordings {subject}_{session}, as `seed_fra`, without the two clips whose times are not public."""
    table = _converted(folder, trials.SEED_GER_LABELS, (trials.SEED_GER_START_S, trials.SEED_GER_END_S))
    note = f"no times are public of the clips {' and '.join(map(str, trials.SEED_GER_PRESUMED))}, which are left out"
    names = dict.fromkeys(row.recording.name for row in table.rows)
    kept = tuple(row for row in table.rows if row.trial not in trials.SEED_GER_PRESUMED)
    return replace(table, rows=kept, notes=tuple((name, note) for name in names))


def _converted(folder: Path, labels: Sequence[int], times: tuple) -> EventsTable:
    files = by_name(folder, re.compile(r"(\d+)_([123])\.(cnt|edf|bdf|fif|set|vhdr)", re.IGNORECASE))
    return _published(folder, files, trials.SEED_CLASSES, (labels,) * 3, (times,) * 3, "1_1.fif", same_clips=True)


def _published(
    folder: Path, files: dict, class_names: Sequence[str], labels: Sequence, times: Sequence, example: str,
    unusable: tuple[str, ...] = (), same_clips: bool = False,
) -> EventsTable:  # fmt: skip
    if not files and not unusable:
        raise FileNotFoundError(
            f"expected recordings such as {example} in {folder}, found {some(p.name for p in sorted(folder.iterdir()))}"
        )
    rows = []
    for (subject, session), path in sorted(files.items()):
        starts, ends = times[session - 1]
        starts, ends = (tuple(v) * (len(labels[session - 1]) // len(v)) for v in (starts, ends))
        clips = trials.stimuli(len(starts), session, same_clips).tolist()
        columns = zip(labels[session - 1], map(float, starts), map(float, ends), clips, strict=True)
        for trial, (*label_and_times, clip) in enumerate(columns, 1):
            rows.append(Row(len(rows) + 1, path, subject, session, trial, *label_and_times, stimulus=clip))
    return EventsTable(tuple(rows), tuple(class_names), unusable)


def annotations(folder: Path, window_s: float = 0.0) -> EventsTable:
    """Trials are the annotations in each recording of a folder that last a window or longer; texts are their labels.

    Markers of breaks ("boundary", "New Segment", "EDGE ...") and of stretches to leave out ("BAD ...") are no trials,
    however long they are. Files are named SUBJECT or SUBJECT_SESSION, with or without a date of eight digits behind.

    `EventsTable.unusable` names recordings that cannot be read or have no trial, `EventsTable.notes` the markers that
    were passed over.

    Raises
    ------
    FileNotFoundError
        If there is no recording.
    """
    found = (path for path in folder.iterdir() if path.suffix.lower() in READERS)
    files = sorted((path for path in found if not path.name.startswith(".")), key=natural)  # ._1.edf is the system's
    if not files:
        raise FileNotFoundError(f"expected recordings ({', '.join(READERS)}) in {folder}, found none")
    rows, unusable, notes, found, parts = [], [], [], {}, {}
    for path in files:
        try:
            found[path] = read_markers(path)
        except Exception as error:  # of whatever kind, it is the content's doing, and the others go on
            unusable.append(str(error) if str(path) in str(error) else f"{path}: {type(error).__name__}: {error}")
    for path, (_, own) in sorted(found.items(), key=lambda item: len(item[1][1])):
        parts |= {part.name: path.name for part in own if part.name != path.name}
    for path, (markers, _) in found.items():
        if path.name in parts:
            notes.append((path.name, f"it is a part of {parts[path.name]} and no recording of its own"))
            continue
        trials = [marker for marker in markers if _is_trial(marker, window_s)]
        notes += _passed_over(path.name, [marker for marker in markers if marker not in trials])
        try:
            rows += _annotated(path, trials, markers, len(rows))
        except ValueError as error:
            unusable.append(str(error))
    return EventsTable(tuple(rows), unusable=tuple(sorted(unusable)), notes=tuple(notes))


def bids(folder: Path, window_s: float = 0.0) -> EventsTable:
    """A data set in BIDS: trials are the events that last a window or longer, and trial_type is their label.

    Each sub-X[_ses-Y]..._events.tsv stands beside the recording of the same name, ..._eeg.edf or another format that
    can be read. Trials of several runs of a session are numbered on. Where there is a column stim_file, it names the
    film clips.

    `EventsTable.unusable` names files whose trials cannot be taken, `EventsTable.notes` the events that were passed
    over.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    """
    files = sorted((p for p in folder.rglob("sub-*_events.tsv") if EVENTS.fullmatch(p.name)), key=natural)
    files = [path for path in files if not NO_RAW_DATA & set(path.relative_to(folder).parts)]
    if not files:
        raise FileNotFoundError(
            f"expected files such as sub-01/eeg/sub-01_task-films_events.tsv in or below {folder}, found none"
        )
    rows, unusable, notes = [], [], []
    before: Counter[tuple] = Counter()  # trials of each experiment
    for path in files:
        match = EVENTS.fullmatch(path.name)
        place = _number(match["subject"]), _number(match["session"] or "1")
        stem = path.name.removesuffix("_events.tsv")
        beside = [path.with_name(f"{stem}_eeg{end}") for end in READERS]
        recording = next((p for p in beside if p.exists()), None)
        if recording is None:
            if links := [p for p in beside if p.is_symlink()]:
                unusable.append(
                    f"{links[0]}: the file is a link whose content is not there. Fetch it: datalad get FILE"
                )
            else:
                notes.append((path.name, f"there is no {stem}_eeg of a format that can be read ({', '.join(READERS)})"))
            continue
        try:
            events = _events(path)
            trials = [event for event in events if _is_trial(event[0], window_s)]
            notes += _passed_over(recording.name, [event[0] for event in events if event not in trials])
            if not trials:
                raise ValueError(
                    f"{path}: expected events that last a window of {window_s:g} s or longer and have a trial_type, "
                    "one a trial, got none. Write an events table, and give it as trials=FILE.csv."
                )
        except ValueError as error:
            unusable.append(str(error))
            continue
        for marker, clip in trials:
            before[place] += 1
            times = (marker.onset_s, marker.end_s)
            rows.append(Row(len(rows) + 1, recording, *place, before[place], marker.text, *times, stimulus=clip))
    if not rows and not unusable:
        unusable = [
            f"{folder}: expected recordings beside the {len(files)} files of events, found none that can be read"
        ]
    return EventsTable(tuple(rows), unusable=tuple(unusable), notes=tuple(notes))


def _events(path: Path) -> list[tuple[Marker, Name | None]]:
    """The events of a file in the order of their onsets, each with its film clip if that is known."""
    frame = frame_with(path, EVENT)
    onsets, durations = (column_of_seconds(path, frame, name, 0.0) for name in ("onset", "duration"))
    named = frame.trial_type.notna().to_numpy()
    texts = np.full(len(frame), "", dtype=object)
    if named.any():
        texts[named] = identifier(path, "trial_type", frame.trial_type[named].to_numpy()).astype(str)
    clips = [None if pd.isna(clip) else str(clip) for clip in frame.get("stim_file", [None] * len(frame))]
    return sorted(zip(map(Marker, onsets, durations, texts), clips, strict=True), key=lambda event: event[0].onset_s)


def _number(label: str) -> Name:
    """A label of BIDS, a whole number as such."""
    return int(label) if label.isdecimal() else label


def _passed_over(recording: str, markers: Sequence[Marker]) -> list[tuple[str, str]]:
    """A note of the markers of a recording that are no trials, if there are any."""
    if not markers:
        return []
    passed = Counter(marker.text or "(no text)" for marker in markers)
    texts = some([f"{text} ({count})" for text, count in passed.most_common()])
    return [(recording, f"markers that are no trials were passed over, {passed.total()} in all: {texts}")]


def _is_trial(marker: Marker, window_s: float) -> bool:
    """Whether a marker has a text, lasts a window or longer, and is no stretch to leave out."""
    is_named = bool(marker.text) and not marker.text.endswith("/")  # "Stimulus/" has a kind and no text
    return (
        is_named
        and marker.duration_s > 0
        and marker.duration_s >= window_s - TOLERANCE_S
        and not (marker.is_bad or marker.is_break)
    )


def _annotated(path: Path, trials: Sequence[Marker], markers: Sequence[Marker], before: int) -> list[Row]:
    if not trials:
        raise ValueError(
            f"{path}: expected annotations that last a window or longer, one a trial, got "
            f"{some(sorted({marker.text for marker in markers}))} without. Write an events table, and give it as "
            "trials=FILE.csv."
        )
    name = NAME.fullmatch(path.stem)
    return [
        Row(
            before + number, path, _number(name["subject"]), int(name["session"] or 1), number, trial.text,
            0.0 if abs(trial.onset_s) < TOLERANCE_S else trial.onset_s, trial.end_s,
        )
        for number, trial in enumerate(sorted(trials), 1)
    ]  # fmt: skip


FOUND = {"annotations": annotations, "bids": bids}  # by what the recordings or files beside them say
KNOWN = {
    "seed": seed, "seed_iv": seed_iv, "seed_v": seed_v, "seed_vii": seed_vii, "seed_fra": seed_fra, "seed_ger": seed_ger
}  # fmt: skip
