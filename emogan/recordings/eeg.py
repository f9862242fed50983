"""EEG recordings: opening files of many formats through MNE, with their channels, units, breaks and marks found."""

import ast
import itertools
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import mne
import numpy as np

from emogan.recordings import edf, preprocessed
from emogan.recordings.channels import Picked, Signal, microvolts, pick
from emogan.recordings.neuroscan import cnt_breaks, need_neuroscan, read_cnt
from emogan.recordings.timeline import Marker, Piece, Timeline, timeline
from emogan.wording import naming, some

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
NUMBER = re.compile(r"-?\d+\.0")  # an event's, if its file holds numbers that are not whole by type
SKIPPED = "BAD_ACQ_SKIP"  # MNE's word for samples that were never recorded
OUTSIDE = re.compile(r"outside (the )?data range")  # MNE's warning that it cut annotations off
UNKNOWN_TYPE = re.compile(r"^(\S+): (\[.*\])$", re.MULTILINE)  # MNE's warning of types in a .set: type and channels
MARKER_FILE = re.compile(r"^MarkerFile\s*=\s*(.+?)\s*$", re.MULTILINE | re.IGNORECASE)  # in a .vhdr
SAMPLE_BYTES = {"short": 2, "int": 4, "single": 4}


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
    return path.suffix.lower() in SUFFIXES or preprocessed.is_rated(path)


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
    with naming(path):
        if suffix == preprocessed.SUFFIX or preprocessed.is_rated(path):
            return _open_preprocessed(path, trial, channels, bad_channels)
        if suffix in edf.NUMBER_BYTES:
            return _open_edf(path, channels, bad_channels)
        return _open_other(path, channels, bad_channels)


def _open_other(path: Path, channels: str | Sequence[str], bad_channels: str) -> Recording:
    raw, warned = _raw(path)
    kinds = {**dict(zip(raw.ch_names, raw.get_channel_types(), strict=True)), **_kinds(raw, warned)}
    units = raw._orig_units if path.suffix.lower() == ".vhdr" else {}
    unscaled = {  # MNE knows some ways to write microvolt and takes all else for other units
        name: factor for name, unit in units.items() if kinds[name] == "misc" and (factor := microvolts(unit))
    }
    signals = [
        Signal(name, "eeg" if name in unscaled else kind, units.get(name, ""), is_bad=name in raw.info["bads"])
        for name, kind in kinds.items()
    ]
    found = pick(signals, channels, bad_channels)
    found.notes.extend(_cut(path, raw))
    times = timeline(float(raw.info["sfreq"]), [Piece(0, raw.n_times, 0.0)], _markers(path, raw, warned))
    factors = np.array([unscaled.get(name, 1e6) for name in raw.ch_names])
    return _recording(path, raw, found, times, range(len(signals)), factors)


def _open_preprocessed(path: Path, trial, channels: str | Sequence[str], bad_channels: str) -> Recording:
    found = preprocessed.open_trial(path, trial)
    signals = [Signal(name, kind) for kind, names in (("eeg", found.channels), ("eog", found.eog)) for name in names]
    times = Timeline(found.sfreq_hz, (Piece(0, found.n_samples, 0.0),))
    picked = pick(signals, channels, bad_channels)
    return Recording(path, (path,), times, found.n_samples, found.passed_hz, *picked, found.samples)


def _open_edf(path: Path, channels: str | Sequence[str], bad_channels: str) -> Recording:
    """EDF and BDF with the chosen channels alone: MNE would bring them to the rate of the fastest of all.

    MNE also takes the records of EDF+D for continuous and cuts annotations off: these are read here.
    """
    with _readable(path):
        header = edf.read_header(path)
    signals, labels = header.signals(), [header.labels[i] for i in header.places()]
    found = pick(signals, channels, bad_channels)
    names = {labels[i] for i in (*found.picks, *found.eog)}
    raw, _ = _raw(path, include=sorted(names), encoding="latin1")
    kept = [i for i, label in enumerate(labels) if label in names]  # what MNE has read, in the file's order
    rate_hz, pieces, markers = _edf_annotations(path, header, float(raw.info["sfreq"]))
    found.notes.extend(_edf_notes(header, rate_hz, float(raw.info["sfreq"]), found.picks))
    times = timeline(rate_hz, pieces, markers)
    # MNE knows some ways to write microvolt and takes all else for volt
    factors = [microvolts(signals[i].unit) for i in kept] / raw._raw_extras[0]["units"][: len(kept)]
    return _recording(path, raw, found, times, kept, factors)


def _edf_notes(header: edf.Header, rate_hz: float, header_hz: float, picks: Sequence[int]) -> Iterator[str]:
    if header.announced > header.n_records:
        yield f"cut off: its header announces {header.announced} records, {header.n_records} are there"
    if rate_hz != header_hz:
        rates = f"the onsets of its records give {rate_hz:.6g} samples a second, its header {header_hz:g}"
        yield f"{rates}: the former is taken"
    places = header.places()
    if without_unit := [header.labels[places[i]] for i in picks if not header.units[places[i]]]:
        yield f"channels without a unit in its header were taken for microvolt, as the others are: {some(without_unit)}"


def _recording(
    path: Path, raw: mne.io.BaseRaw, found: Picked, times: Timeline, read: Sequence[int], factors: np.ndarray
) -> Recording:  # fmt: skip
    """A recording whose signals at some places of the file are those of MNE's object times factors, in order."""

    def samples(picks: list[int], start: int, stop: int) -> np.ndarray:
        signal = raw.get_data(picks, start, stop, verbose="error")
        signal *= factors[picks, None]
        return signal

    notes = [*found.notes, *times.notes()]
    if pending := [str(projection["desc"]) for projection in raw.info["projs"] if not projection["active"]]:
        notes.append(f"projections that the file holds are not applied: {', '.join(pending)}")
    places = {place: i for i, place in enumerate(read)}
    return Recording(
        path, _files(path, raw), times, raw.n_times, (float(raw.info["highpass"]), float(raw.info["lowpass"])),
        [places[i] for i in found.picks], found.names, [places[i] for i in found.eog], found.bad, tuple(notes), samples,
    )  # fmt: skip


def _files(path: Path, raw: mne.io.BaseRaw) -> tuple[Path, ...]:
    files = {path, *(Path(file) for file in raw.filenames if file is not None)}
    if path.suffix.lower() == ".vhdr" and (markers := _marker_file(path)):
        files.add(markers)
    return tuple(sorted(files))


def _marker_file(path: Path) -> Path | None:
    """The file with the markers of a .vhdr file; that beside it if the named one is not there, as MNE does it."""
    named = MARKER_FILE.search(path.read_text(encoding="utf-8", errors="replace"))
    candidates = [path.with_name(named[1].replace("$b", path.stem)), path.with_suffix(".vmrk")] if named else []
    return next((file for file in candidates if file.is_file()), None)


def _kinds(raw: mne.io.BaseRaw, warned: Sequence[str]) -> dict[str, str]:
    """Types of channels of a .set that MNE does not know and takes for EEG, if others are of type EEG."""
    found = [match for text in warned if text.startswith("Unknown types") for match in UNKNOWN_TYPE.findall(text)]
    kinds = {name: kind for kind, names in found for name in ast.literal_eval(names) if "eeg" not in kind}
    return kinds if set(raw.ch_names) - set(kinds) else {}


def _cut(path: Path, raw: mne.io.BaseRaw) -> Iterator[str]:
    """Say so if a BrainVision file ends within a sample."""
    sample_bytes = SAMPLE_BYTES.get(raw.orig_format, 0) * len(raw.ch_names)
    if path.suffix.lower() == ".vhdr" and sample_bytes and Path(raw.filenames[0]).stat().st_size % sample_bytes:
        yield f"cut off: {Path(raw.filenames[0]).name} ends within a sample"


def read_markers(path: Path) -> tuple[list[Marker], tuple[Path, ...]]:
    """All that a file of continuous EEG says of stretches of time, also beyond the end of its samples; and its files.

    Raises
    ------
    FileNotFoundError, ValueError
        As of `open_recording`.
    """
    need_file(path)
    with naming(path):
        if path.suffix.lower() in edf.NUMBER_BYTES:
            with _readable(path):
                header = edf.read_header(path)
            rate_hz = max((signal.rate_hz for signal in header.signals()), default=1.0)
            return _edf_annotations(path, header, rate_hz)[-1], (path,)
        raw, warned = _raw(path)
        return _markers(path, raw, warned), _files(path, raw)


def _markers(path: Path, raw: mne.io.BaseRaw, warned: Sequence[str]) -> list[Marker]:
    suffix = path.suffix.lower()
    notes = _uncut(path, raw) if suffix == ".fif" or any(map(OUTSIDE.search, warned)) else raw.annotations
    onsets_s, texts = notes.onset - raw.first_time, [str(text).strip() for text in notes.description]
    if suffix == ".set":
        texts = [text[: -len(".0")] if NUMBER.fullmatch(text) else text for text in texts]
        texts = ["boundary" if text == BOUNDARY else "" if text == "[]" else text for text in texts]
    found = [Marker(*map(float, times), text) for *times, text in zip(onsets_s, notes.duration, texts, strict=True)]
    further = {".cnt": lambda: cnt_breaks(path, raw), ".fif": lambda: _fif_skips(raw)}.get(suffix, list)
    return found + further()


def _uncut(path: Path, raw: mne.io.BaseRaw) -> mne.Annotations:
    """Annotations as the file has them: MNE cuts them off where the samples end."""
    suffix = path.suffix.lower()
    if suffix == ".vhdr":
        return mne.read_annotations(_marker_file(path), sfreq=raw.info["sfreq"])
    if suffix != ".fif":
        return mne.read_annotations(path)
    try:
        whole = mne.read_annotations(path)
    except OSError:
        return mne.Annotations([], [], [])  # MNE refuses a file that has none
    if whole.orig_time is not None and raw.info["meas_date"] is not None:
        whole.onset += (whole.orig_time - raw.info["meas_date"]).total_seconds()
    return whole


def _fif_skips(raw: mne.io.BaseRaw) -> list[Marker]:
    """Samples that were never recorded, as the data tell it; MNE says so in annotations, among those of the file."""
    return [
        Marker(float(begin / raw.info["sfreq"] - raw.first_time), float((end - begin) / raw.info["sfreq"]), SKIPPED)
        for part in raw._raw_extras
        for content, (begin, end) in zip(part["ent"], itertools.pairwise(part["bounds"]), strict=True)
        if content is None
    ]


def _edf_annotations(path: Path, header: edf.Header, sfreq_hz: float) -> tuple[float, list[Piece], list[Marker]]:
    try:
        return edf.read_annotations(path, header, sfreq_hz)
    except ValueError as error:
        raise ValueError(
            "expected annotations that tell when each record was taken, got damaged ones or others than its header "
            f"announces ({error}). Convert it again."
        ) from error


def _raw(path: Path, **options) -> tuple[mne.io.BaseRaw, list[str]]:
    """MNE's object, samples not read, and its warnings."""
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise ValueError(f"expected an EEG recording ({', '.join(SUFFIXES)}), got {suffix or 'no suffix'}")
    if suffix == ".cnt":
        need_neuroscan(path)
    with _readable(path), warnings.catch_warnings(record=True) as caught, mne.utils.catch_logging():
        warnings.simplefilter("always")
        raw = READERS[suffix](path, verbose="warning", **options)
        raw.get_channel_types()  # a damaged one shows here
    if raw.n_times < 1 or not raw.info["sfreq"] > 0:
        raise ValueError(f"expected samples, got {raw.n_times} at {raw.info['sfreq']} Hz. Copy it again.")
    return raw, [str(warning.message) for warning in caught]


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # of whatever kind, it is the content's doing
        raise ValueError(
            f"expected a {path.suffix.lower()} recording, got {path.stat().st_size} bytes that cannot be read as one "
            f"({type(error).__name__}: {error}). Copy it again, with the files that belong to it."
        ) from error


def need_file(path: Path) -> None:
    """Refuse a path at which there is no file."""
    if not path.is_file():
        raise FileNotFoundError(f"expected a recording at {path}, found {'a folder' if path.exists() else 'nothing'}")
