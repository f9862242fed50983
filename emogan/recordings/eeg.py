"""EEG recordings: opening files of many formats through MNE, with their channels, units, breaks and marks found."""

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import mne
import numpy as np

from emogan.recordings import edf, preprocessed
from emogan.recordings.channels import Picked, Signal, pick
from emogan.recordings.neuroscan import cnt_breaks, read_cnt
from emogan.recordings.timeline import Marker, Piece, Timeline, timeline

READERS = {
    ".cnt": read_cnt,
    ".edf": mne.io.read_raw_edf,
    ".bdf": mne.io.read_raw_bdf,
    ".vhdr": mne.io.read_raw_brainvision,
    ".fif": mne.io.read_raw_fif,
    ".set": mne.io.read_raw_eeglab,
}
SUFFIXES = (*READERS, preprocessed.SUFFIX)
BOUNDARY = "-99"  # EEGLAB's boundary where events have numbers


@dataclass(frozen=True, eq=False)
class Recording:
    """An opened recording; its samples are read when they are asked for.

    Parameters
    ----------
    path, files : the file that was opened, and all that make up the recording
    timeline : which sample was taken when, and stretches marked bad
    n_samples : number of samples
    passed_hz : lowest and highest frequency that the filters let through with which it was recorded
    picks, channels : places in the file and names of the EEG channels
    eog : places of EOG channels
    bad : those of the channels that the file marks bad
    notes : what a user should know of the file: channels left out, breaks, filters
    samples : gives the channels at some places from one sample to before another, (C, N) in microvolt
    """

    path: Path
    files: tuple[Path, ...]
    timeline: Timeline
    n_samples: int
    passed_hz: tuple[float, float]
    picks: list[int]
    channels: tuple[str, ...]
    eog: list[int]
    bad: tuple[str, ...]
    notes: tuple[str, ...]
    samples: Callable[[list[int], int, int], np.ndarray]

    @property
    def sfreq_hz(self) -> float:
        return self.timeline.sfreq_hz

    @property
    def duration_s(self) -> float:
        return self.timeline.duration_s

    def read(self, start: int, stop: int, with_eog: bool = False) -> np.ndarray:
        """Samples start..stop - 1 in microvolt: EEG channels and, if wanted, EOG channels behind them.

        Raises
        ------
        ValueError
            If they cannot be read.
        """
        try:
            return self.samples(self.picks + self.eog * with_eog, start, stop)
        except Exception as error:  # of whatever kind, it is the content's doing
            raise ValueError(
                f"{self.path}: expected samples from {start / self.sfreq_hz:g} to {stop / self.sfreq_hz:g} s, got "
                f"{type(error).__name__}: {error}. Is the file copied whole?"
            ) from error


def is_eeg(path: Path) -> bool:
    """Whether a file is an EEG recording by its name."""
    return path.suffix.lower() in SUFFIXES


def open_recording(
    path: Path, channels: str | Sequence[str] = "seed", trial: int | str | None = None, bad_channels: str = "leave_out"
) -> Recording:  # fmt: skip
    """Open a recording of any format in `SUFFIXES`; of a preprocessed .mat file, the variable of one trial.

    Parameters
    ----------
    channels, bad_channels : see `emogan.recordings.channels.pick`
    trial : number of the trial in a .mat file, as in ``djc_eeg1``; of other formats all is one

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, it cannot be read, has not the channels, or it is not sure which sample was taken
        when. Names the file.
    """
    need_file(path)
    suffix = path.suffix.lower()
    if suffix == preprocessed.SUFFIX:
        return _open_preprocessed(path, trial, channels, bad_channels)
    if suffix in edf.NUMBER_BYTES:
        return _open_edf(path, channels, bad_channels)
    raw, was_cut = _raw(path)
    signals = [
        Signal(name, kind, is_bad=name in raw.info["bads"])
        for name, kind in zip(raw.ch_names, raw.get_channel_types(), strict=True)
    ]
    times = timeline(float(raw.info["sfreq"]), [Piece(0, raw.n_times, 0.0)], _markers(path, raw, was_cut))
    return _recording(path, raw, _picked(path, signals, channels, bad_channels), times, range(len(signals)))


def _open_preprocessed(path: Path, trial, channels: str | Sequence[str], bad_channels: str) -> Recording:
    n_samples, samples = preprocessed.open_trial(path, trial)
    found = _picked(path, [Signal(name) for name in preprocessed.CHANNELS], channels, bad_channels)
    times = Timeline(preprocessed.SFREQ_HZ, (Piece(0, n_samples, 0.0),))
    passed_hz = (0.0, preprocessed.SFREQ_HZ / 2)
    return Recording(
        path, (path,), times, n_samples, passed_hz, found.picks, found.names, found.eog, found.bad, found.notes, samples
    )


def _open_edf(path: Path, channels: str | Sequence[str], bad_channels: str) -> Recording:
    """EDF and BDF with the chosen channels alone: MNE would bring them to the rate of the fastest of all.

    MNE also takes the records of EDF+D for continuous and cuts annotations off: these are read here.
    """
    header = _edf_header(path)
    signals = header.signals()
    found = _picked(path, signals, channels, bad_channels)
    names = {signals[i].name for i in (*found.picks, *found.eog)}
    raw, _ = _raw(path, include=sorted(names), encoding="latin1")
    pieces, markers = _edf_annotations(path, header, float(raw.info["sfreq"]))
    kept = [i for i, signal in enumerate(signals) if signal.name in names]  # what MNE has read, in the file's order
    return _recording(path, raw, found, timeline(float(raw.info["sfreq"]), pieces, markers), kept)


def _recording(path: Path, raw: mne.io.BaseRaw, found: Picked, times: Timeline, read: Sequence[int]) -> Recording:
    """A recording whose signals at some places of the file are those of MNE's object, in order."""

    def samples(picks: list[int], start: int, stop: int) -> np.ndarray:
        signal = raw.get_data(picks, start, stop, verbose="error")  # in volt
        signal *= 1e6
        return signal

    files = tuple(sorted({path, *(Path(file) for file in raw.filenames if file is not None)}))
    notes = [*found.notes, times.summary()]
    if pending := [str(projection["desc"]) for projection in raw.info["projs"] if not projection["active"]]:
        notes.append(f"projections that the file holds are not applied: {', '.join(pending)}")
    places = {place: i for i, place in enumerate(read)}
    return Recording(
        path, files, times, raw.n_times, (float(raw.info["highpass"]), float(raw.info["lowpass"])),
        [places[i] for i in found.picks], found.names, [places[i] for i in found.eog], found.bad,
        tuple(note for note in notes if note), samples,
    )  # fmt: skip


def _picked(path: Path, signals: Sequence[Signal], channels: str | Sequence[str], bad_channels: str) -> Picked:
    try:
        return pick(signals, channels, bad_channels)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def read_markers(path: Path) -> list[Marker]:
    """All that a file of continuous EEG says of stretches of time, also beyond the end of its samples.

    Raises
    ------
    FileNotFoundError, ValueError
        As of `open_recording`.
    """
    need_file(path)
    if path.suffix.lower() in edf.NUMBER_BYTES:
        header = _edf_header(path)
        return _edf_annotations(path, header, max((signal.rate_hz for signal in header.signals()), default=1.0))[1]
    return _markers(path, *_raw(path))


def _markers(path: Path, raw: mne.io.BaseRaw, was_cut: bool) -> list[Marker]:
    notes = _uncut(path, raw) if was_cut else raw.annotations
    onsets_s, texts = notes.onset - raw.first_time, [str(text) for text in notes.description]
    if path.suffix.lower() == ".set":
        texts = ["boundary" if text == BOUNDARY else text for text in texts]
    found = [Marker(*map(float, times), text) for *times, text in zip(onsets_s, notes.duration, texts, strict=True)]
    return found + cnt_breaks(path, raw) if path.suffix.lower() == ".cnt" else found


def _uncut(path: Path, raw: mne.io.BaseRaw) -> mne.Annotations:
    """Annotations as they stand in the file: MNE cuts them off where the samples end."""
    if path.suffix.lower() != ".vhdr":
        return mne.read_annotations(path)
    header = path.read_text(encoding="utf-8", errors="replace")
    name = re.search(r"^MarkerFile=(.+?)\s*$", header, re.MULTILINE)[1].replace("$b", path.stem)
    return mne.read_annotations(path.with_name(name), sfreq=raw.info["sfreq"])


def _edf_header(path: Path) -> edf.Header:
    try:
        return edf.read_header(path)
    except ValueError as error:
        raise _unreadable(path, error) from error


def _edf_annotations(path: Path, header: edf.Header, sfreq_hz: float) -> tuple[list[Piece], list[Marker]]:
    try:
        return edf.read_annotations(path, header, sfreq_hz)
    except ValueError as error:
        raise ValueError(
            f"{path}: expected annotations that tell when each record was taken, got damaged ones or others than its "
            f"header announces ({error}). Convert it again."
        ) from error


def _raw(path: Path, **options) -> tuple[mne.io.BaseRaw, bool]:
    """MNE's object, samples not read, and whether MNE has cut off annotations that reach beyond them."""
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise ValueError(f"{path}: expected an EEG recording ({', '.join(SUFFIXES)}), got {suffix or 'no suffix'}")
    try:
        with warnings.catch_warnings(record=True) as caught, mne.utils.catch_logging():
            warnings.simplefilter("always")
            raw = READERS[suffix](path, verbose="warning", **options)
    except Exception as error:  # of whatever kind, it is the content's doing
        raise _unreadable(path, error) from error
    if raw.n_times < 1 or not raw.info["sfreq"] > 0:
        raise ValueError(f"{path}: expected samples, got {raw.n_times} at {raw.info['sfreq']} Hz. Copy it again.")
    return raw, any(re.search(r"outside (the )?data range", str(warning.message)) for warning in caught)


def _unreadable(path: Path, error: Exception) -> ValueError:
    return ValueError(
        f"{path}: expected a {path.suffix.lower()} recording, got {path.stat().st_size} bytes that cannot be read as "
        f"one ({type(error).__name__}: {error}). Copy it again, with the files that belong to it."
    )


def need_file(path: Path) -> None:
    """Refuse a path at which there is no file."""
    if not path.is_file():
        raise FileNotFoundError(f"expected a recording at {path}, found {'a folder' if path.exists() else 'nothing'}")
