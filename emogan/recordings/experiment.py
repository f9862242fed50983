"""One experiment, a subject in a session: checking its recordings, and making its features."""

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.signal import welch

from emogan.data.eye_names import EYE_NAMES
from emogan.recordings.blinks import remove_blinks
from emogan.recordings.cleaning import resampling, trial_signal
from emogan.recordings.eeg import SUFFIXES, Recording, need_file, open_recording
from emogan.recordings.events_table import Row, grouped
from emogan.recordings.eyes import READERS, read_eyes
from emogan.recordings.features import eeg_features, eeg_names, eeg_unit, eye_unit
from emogan.recordings.settings import Settings
from emogan.signal.eye import eye_features
from emogan.signal.windows import count_windows
from emogan.versions import COMPUTATIONS
from emogan.wording import naming, some

SPECTRUM_WINDOW_S, SPECTRUM_HZ = 2.0, 62.0  # resolution and end of the spectra that are kept


class Survey(NamedTuple):
    """What is known of an experiment's recordings before any is processed."""

    problems: list[str]
    notes: list[tuple[str, str]]  # recording and sentence
    fingerprint: str


def check(rows: Sequence[Row], settings: Settings, class_names: Sequence[str] | None) -> Survey:
    """Open the headers of an experiment's recordings and compare them with its rows.

    The fingerprint is of settings, rows and the names, sizes and times of change of the files.
    """
    problems, notes, files, channels = [], [], set(), {}
    for (path, part), own in grouped(rows, lambda row: (row.recording, row.part)).items():
        try:
            if not own[0].is_eeg:
                if path.suffix.lower() not in READERS:
                    raise ValueError(
                        f"expected an EEG recording ({', '.join(SUFFIXES)}) or an eye tracking file "
                        f"({', '.join(READERS)}), got {path.name}"
                    )
                found = {path, *(row.samples for row in own if row.samples)}
                for file in found:
                    need_file(file)
                files |= found
                continue
            recording = open_recording(path, settings.channels, part, settings.bad_channels)
            resampling(recording, settings)
        except Exception as error:  # of whatever kind, it is the content's doing, and the others go on
            kind = "" if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: "
            problems.append(f"{own[0]}: {kind}{error}")
            continue
        files |= set(recording.files)
        channels.setdefault(recording.channels, path)
        notes += [(path.name, note) for note in (*recording.notes, *_filters(recording, settings))]
        for row in own:
            try:
                notes += [(path.name, note) for note in _left_out(row, recording, settings)]
            except ValueError as error:
                problems.append(f"{row}: {error}")
    if len(channels) > 1:
        (first, one), (second, other), *_ = channels.items()
        problems.append(
            f"expected the same channels in all recordings of the experiment; {one.name} and {other.name} differ in "
            f"{', '.join(sorted(set(first) ^ set(second))) or 'their order'}. Choose channels=[NAME, ...]."
        )
    return Survey(problems, notes, _fingerprint(rows, settings, class_names, files))


def _filters(recording: Recording, settings: Settings) -> Iterator[str]:
    """Say so if a recording was filtered more narrowly than the band-pass."""
    (lowest_hz, highest_hz), (low_hz, high_hz) = recording.passed_hz, settings.band_pass_hz
    if lowest_hz > low_hz or highest_hz < high_hz:
        yield (
            f"it was recorded with a filter from {lowest_hz:g} to {highest_hz:g} Hz; what features tell of frequencies "
            "beyond is mostly noise"
        )


def _left_out(row: Row, recording: Recording, settings: Settings) -> Iterator[str]:
    """Say so if windows of a trial are left out; ValueError if the trial is not there whole, or all of them are."""
    recording.timeline.locate(row.start_s, row.end_s)
    kept = _kept(row, recording, settings)
    if not kept.all():
        end_s = row.start_s + len(kept) * settings.window_s
        touching = {mark.text for mark in recording.timeline.bad if mark.onset_s < end_s and mark.end_s > row.start_s}
        yield (
            f"trial {row.trial}: {np.sum(~kept)} of {len(kept)} windows touch stretches marked "
            f"{some(sorted(touching), 4)}: left out"
        )


def _kept(row: Row, recording: Recording, settings: Settings) -> np.ndarray:
    """Which of the windows (W,) of a trial are not left out as bad."""
    count = count_windows(row.start_s, min(row.end_s, recording.duration_s), settings.window_s)
    if settings.bad_stretches == "keep":
        return np.ones(count, dtype=bool)
    kept = ~recording.timeline.bad_windows(row.start_s, count, settings.window_s)
    if count and not kept.any():
        raise ValueError(
            f"expected a window that touches no stretch marked bad, got none of {count}. Leave the trial out, or set "
            "bad_stretches=keep."
        )
    return kept


def _fingerprint(rows: Sequence[Row], settings: Settings, class_names, files: set[Path]) -> str:
    content = {
        "version": COMPUTATIONS["extraction"],
        "settings": settings.plain(),
        "class_names": class_names,
        "rows": [_content(row) for row in rows],
        "files": sorted((file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.exists()),
    }
    text = json.dumps(content, sort_keys=True, default=lambda path: path.name)
    return hashlib.sha256(text.encode()).hexdigest()


def _content(row: Row) -> dict[str, Any]:
    """What a row says, whichever its number; without a stimulus it says what it said in earlier versions."""
    content = asdict(row)
    del content["number"]
    if row.stimulus is None:
        del content["stimulus"]
    return content


def features(rows: Sequence[Row], settings: Settings) -> dict[str, np.ndarray]:
    """The arrays of an experiment's feature file, without class names and fingerprint.

    x (W, F), y, trial, subject, session and, if it is known, stimulus (W,), feature_names, modality and units (F,), and
    of EEG the mean power spectra of the trials' clean signals: spectrum (T, C, Q) in microvolt squared per Hz at
    frequency_hz (Q,).

    Raises
    ------
    ValueError
        If a recording or trial is not what it should be, or its EEG and eye movements differ in windows.
    """
    blocks: list[tuple[str, tuple[str, ...], list[str], dict]] = []  # kind, names, units and features by trial
    more, kept = {}, {}
    if eeg := [row for row in rows if row.is_eeg]:
        found, names, more, kept = _eeg(eeg, settings)
        blocks.append(("eeg", names, [eeg_unit(name, settings) for name in names], found))
    if eye := [row for row in rows if not row.is_eeg]:
        names = EYE_NAMES[settings.eye_features]
        blocks.append(("eye", names, [eye_unit(name) for name in names], dict(_eye(eye, names, settings, kept))))
    trials = {trial: [found[trial] for *_, found in blocks] for trial in blocks[0][-1]}
    rows_of, windows = {row.trial: row for row in rows}, [len(parts[0]) for parts in trials.values()]
    subject, session = rows[0].experiment
    if all(row.stimulus is not None for row in rows):
        more["stimulus"] = np.repeat([rows_of[trial].stimulus for trial in trials], windows)
    return {
        "x": np.concatenate([np.hstack(parts) for parts in trials.values()]).astype(np.float32),
        "y": np.repeat([rows_of[trial].label for trial in trials], windows),
        "trial": np.repeat(list(trials), windows),
        "subject": np.full(sum(windows), subject),
        "session": np.full(sum(windows), session),
        "feature_names": np.array([name for _, names, *_ in blocks for name in names]),
        "modality": np.array([kind for kind, names, *_ in blocks for _ in names]),
        "units": np.array([unit for *_, units, _ in blocks for unit in units]),
        **more,
    }


def _eeg(rows: Sequence[Row], settings: Settings) -> tuple[dict, tuple[str, ...], dict[str, np.ndarray], dict]:
    """Features by trial, their names, the arrays of the spectra, and which windows of each trial are kept."""
    found, spectra, kept = {}, [], {}
    frequency_hz = np.arange(0, SPECTRUM_HZ + 1e-6, 1 / min(SPECTRUM_WINDOW_S, settings.window_s))
    for row, recording, signal, sfreq_hz in _signals(rows, settings):
        with naming(row):
            kept[row.trial] = _kept(row, recording, settings)
            found[row.trial] = eeg_features(signal, sfreq_hz, recording.channels, settings, kept[row.trial])
        frequency_hz = frequency_hz[frequency_hz <= sfreq_hz / 2]
        spectra.append(_spectrum(signal, sfreq_hz, frequency_hz, kept[row.trial], settings.window_s))
    return found, eeg_names(recording.channels, settings), {
        "spectrum": np.float32([spectrum[:, : len(frequency_hz)] for spectrum in spectra]),
        "frequency_hz": frequency_hz,
        "channels": np.array(recording.channels),
    }, kept  # fmt: skip


def _spectrum(signal, sfreq_hz: float, frequency_hz: np.ndarray, kept: np.ndarray, window_s: float) -> np.ndarray:
    """Mean power spectrum (C, Q) of the windows that are kept, in microvolt squared per Hz."""
    length = round(window_s * sfreq_hz)
    windows = signal[:, : len(kept) * length].reshape(len(signal), -1, length)[:, kept]
    own_hz, spectrum = welch(windows, sfreq_hz, nperseg=round(min(SPECTRUM_WINDOW_S, window_s) * sfreq_hz))
    return np.array([np.interp(frequency_hz, own_hz, row) for row in spectrum.mean(1)])


def _signals(rows: Sequence[Row], settings: Settings) -> Iterator[tuple[Row, Recording, np.ndarray, float]]:
    """Clean signals of the trials, one recording after the other; all trials of one at once where ICA needs them."""
    removes = settings.blinks == "remove"
    for own in grouped(rows, lambda row: row.recording).values():
        cleaned = (_cleaned(part, settings, removes) for part in grouped(own, lambda row: row.part).values())
        found = itertools.chain.from_iterable(cleaned)
        if removes:
            found = list(found)
            (_, recording, _, sfreq_hz), *_ = found
            bad = [_bad_samples(row, recording, signal, sfreq_hz, settings) for row, recording, signal, _ in found]
            signals, _ = remove_blinks([signal for _, _, signal, _ in found], recording.channels, sfreq_hz, bad)
            found = [(*one[:2], signal, sfreq_hz) for one, signal in zip(found, signals, strict=True)]
        for row, recording, signal, sfreq_hz in found:
            yield row, recording, signal - signal.mean(0) if settings.reference == "average" else signal, sfreq_hz


def _bad_samples(row: Row, recording: Recording, signal: np.ndarray, sfreq_hz: float, settings: Settings) -> np.ndarray:
    """Which samples (N,) of a trial lie in windows that are left out."""
    bad = np.repeat(~_kept(row, recording, settings), round(settings.window_s * sfreq_hz))
    return np.pad(bad, (0, signal.shape[1] - len(bad)))


def _cleaned(rows: Sequence[Row], settings: Settings, with_eog: bool) -> Iterator[tuple]:
    """Trials of one recording, or variable of one."""
    recording = open_recording(rows[0].recording, settings.channels, rows[0].part, settings.bad_channels)
    for row in rows:
        with naming(row):
            signal, sfreq_hz = trial_signal(recording, row.start_s, row.end_s, settings, with_eog)
        yield row, recording, signal, sfreq_hz


def _eye(
    rows: Sequence[Row], names: Sequence[str], settings: Settings, kept: Mapping[Any, np.ndarray]
) -> Iterator[tuple[Any, np.ndarray]]:  # fmt: skip
    """Trial and features of each, of the windows that are kept of its EEG."""
    for (path, sheet, samples), own in grouped(rows, lambda row: (row.recording, row.sheet, row.samples)).items():
        options = {} if sheet is None else {"sheet": sheet - 1 if isinstance(sheet, int) else sheet}
        recording = read_eyes(path, **options, **({} if samples is None else {"samples": samples}))
        for row in own:
            with naming(row):
                end_s = recording.trial_end_s(row.start_s, row.end_s)
                count = count_windows(row.start_s, end_s, settings.window_s)
                windows = kept.get(row.trial, np.ones(count, dtype=bool))
                if len(windows) != count:
                    raise ValueError(
                        f"trial {row.trial}: expected as many windows of EEG as of eye movements, got {len(windows)} "
                        f"and {count}. Correct onset and duration of one of its rows."
                    )
                x = eye_features(
                    recording, row.start_s, end_s, settings.window_s, names, settings.eye_statistics, kept=windows
                )
            yield row.trial, x
