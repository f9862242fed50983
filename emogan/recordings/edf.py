"""Headers and annotations of EDF, EDF+, BDF and BDF+ files, for what MNE's readers of the samples leave out.

The formats are those of Kemp and others 1992 (EDF), Kemp and Olivan 2003 (EDF+) and BioSemi (BDF, 24 instead of 16
bits a number).
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from emogan.recordings.channels import Signal, microvolts
from emogan.recordings.timeline import Marker, Piece

NO_UNIT = "a unit that the header does not give"
NUMBER_BYTES = {".edf": 2, ".bdf": 3}
ANNOTATIONS = ("EDF Annotations", "BDF Annotations")
ROUNDING_S = 0.003  # writers round the onsets of records to milliseconds
DRIFT_S = 0.01  # by which samples may be taken earlier or later than the header says


class Header(NamedTuple):
    """Label, unit and samples a record of each signal in a file, and what its records are."""

    kind: str  # "EDF+C" and "BDF+C" are continuous, "EDF+D" and "BDF+D" may have pauses; others have no annotations
    offset: int  # bytes before the first record
    n_records: int  # in the file
    record_s: float
    announced: int  # number of records by the header; -1 if it has none
    labels: tuple[str, ...]  # as MNE has them, padded with zeros where the file's are
    units: tuple[str, ...]
    samples: tuple[int, ...]
    number_bytes: int

    def signals(self) -> list[Signal]:
        """The signals that are not annotations. One without a unit is in microvolt if all others in volts are."""
        default = "uV" if {microvolts(unit) for unit in self.units} - {None} == {1.0} else NO_UNIT
        return [
            Signal(
                self.labels[i].strip(" \0"), "eeg" if microvolts(self.units[i] or default) else "misc",
                self.units[i] or default, self.samples[i] / self.record_s,
            )
            for i in self.places()
        ]  # fmt: skip

    def places(self) -> list[int]:
        """Which signals are no annotations."""
        return [i for i, label in enumerate(self.labels) if label not in ANNOTATIONS]


def read_header(path: Path) -> Header:
    """The header of an .edf or .bdf file.

    Raises
    ------
    ValueError
        If a number in it is none, or the file ends before the end of the first record.
    """
    number_bytes = NUMBER_BYTES[path.suffix.lower()]
    with path.open("rb") as file:
        start = file.read(256).decode("latin-1")
        count = int(start[252:256])
        fields = file.read(256 * count).decode("latin-1")
    if count < 1 or len(fields) < 256 * count:
        raise ValueError(f"its header of {count} signals is cut off")

    def column(at: int, width: int) -> tuple[str, ...]:
        return tuple(fields[at * count + width * i :][:width].strip() for i in range(count))

    samples = tuple(map(int, column(216, 8)))
    offset, record_s = int(start[184:192]), float(start[244:252]) or 1.0
    n_records = (path.stat().st_size - offset) // (number_bytes * max(sum(samples), 1))
    if n_records < 1 or not sum(samples) or not record_s > 0:
        raise ValueError(f"{sum(samples)} samples in {n_records} records of {record_s:g} s")
    units = tuple(unit.strip(" \0") for unit in column(96, 8))
    return Header(
        start[192:236].strip(" \0"), offset, n_records, record_s, int(start[236:244]), column(0, 16), units, samples,
        number_bytes,
    )  # fmt: skip


def read_status(path: Path, header: Header) -> tuple[np.ndarray, float]:
    """The codes (N,) of the trigger channel Status of a .bdf file, and how many there are a second.

    Raises
    ------
    ValueError
        If there is no such channel.
    """
    if "Status" not in header.labels:
        raise ValueError("expected the channel Status, which tells when a clip begins and ends, got none")
    place, ends = header.labels.index("Status"), np.cumsum([0, *header.samples]) * header.number_bytes
    records = np.memmap(path, np.uint8, "r", header.offset, (header.n_records, int(ends[-1])))
    numbers = records[:, ends[place] : ends[place + 1]].reshape(-1, header.number_bytes).astype(int)
    codes = numbers[:, 0] + 256 * numbers[:, 1]  # the third byte is BioSemi's own
    return codes, header.samples[place] / header.record_s


def read_annotations(path: Path, header: Header, sfreq_hz: float) -> tuple[float, list[Piece], list[Marker]]:
    """Samples a second, pieces between pauses and all annotations; times in seconds since the first sample.

    The rate is sfreq_hz, unless the onsets of the records tell that the clock of the samples ran faster or slower.
    Texts that are not in UTF-8, as the norm wants, are read as Latin-1.

    Raises
    ------
    ValueError
        If an annotation's time is no number, records are out of order or begin at irregular times, or a file that
        says that it is continuous has a pause.
    """
    ends = np.cumsum([0, *header.samples]) * header.number_bytes
    bounds = [(ends[i], ends[i + 1]) for i, label in enumerate(header.labels) if label in ANNOTATIONS]
    per_record = round(header.record_s * sfreq_hz)
    if not bounds:
        if header.kind[4:5] == "D":
            raise ValueError(f"it is {header.kind}, but says nowhere when its records begin")
        return sfreq_hz, [Piece(0, header.n_records * per_record, 0.0)], []
    records = np.memmap(path, np.uint8, "r", header.offset, (header.n_records, int(ends[-1])))
    onsets_s, markers = [], []
    for record in records:
        lists = [parsed for begin, end in bounds for parsed in _lists(record[begin:end].tobytes(), header.labels)]
        onsets_s.append(next((marker.onset_s for marker, is_first in lists if is_first), np.nan))
        markers += [marker for marker, is_first in lists if marker.text or not is_first]
    record_s, pieces = _pieces(np.array(onsets_s), header, per_record)
    rate_hz = sfreq_hz if record_s == header.record_s else per_record / record_s
    return rate_hz, pieces, [marker._replace(onset_s=marker.onset_s - onsets_s[0]) for marker in markers]


def _lists(content: bytes, labels: tuple[str, ...]) -> list[tuple[Marker, bool]]:
    """The time-stamped annotations of a record, and whether each says when the record begins."""
    found = []
    for part in content.split(b"\0"):
        if not part:
            continue
        times, *texts = part.split(b"\x14")
        onset, _, duration = times.partition(b"\x15")
        begins = not found and texts[:1] == [b""]
        for text in texts[: max(len(texts) - 1, 1)] or [b""]:
            found.append((Marker(float(onset), float(duration or 0), _text(text, labels)), begins))
    return found


def _text(content: bytes, labels: tuple[str, ...]) -> str:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    before, at, channel = text.rpartition("@@")  # EDF+'s way to annotate one channel
    return (before if at and channel in labels else text).strip()


def _pieces(onsets_s: np.ndarray, header: Header, per_record: int) -> tuple[float, list[Piece]]:
    """Seconds that a record lasts, and records that follow one another without a pause, put together."""
    if not np.isfinite(onsets_s).all():
        raise ValueError(f"its record {int(np.argmin(np.isfinite(onsets_s))) + 1} does not tell when it begins")
    pauses_s = np.diff(onsets_s) - header.record_s
    tolerance_s = max(0.5 * header.record_s / per_record, ROUNDING_S)
    if (pauses_s < -tolerance_s).any():
        at = int(np.argmin(pauses_s))
        raise ValueError(
            f"its records {at + 1} and {at + 2} overlap: they begin at {onsets_s[at]:g} and {onsets_s[at + 1]:g} s"
        )
    paused = np.flatnonzero(pauses_s > tolerance_s)
    if len(paused) and header.kind[4:5] == "C":
        raise ValueError(
            f"it says that it is continuous ({header.kind}), but its record {paused[0] + 2} begins "
            f"{pauses_s[paused[0]]:g} s after the end of the one before"
        )
    begins = [0, *(paused + 1).tolist()]
    whys = ["", *(f"a pause of {pause_s:g} s" for pause_s in pauses_s[paused])]
    return _record_s(onsets_s, header, begins), [
        Piece(begin * per_record, end * per_record, float(onsets_s[begin] - onsets_s[0]), why)
        for begin, end, why in zip(begins, [*begins[1:], len(onsets_s)], whys, strict=True)
    ]


def _record_s(onsets_s: np.ndarray, header: Header, begins: list[int]) -> float:
    """How long a record lasts by its onset and the next one's: as the header says, if that leads to the same times."""
    number = np.arange(len(onsets_s))
    first = np.repeat(begins, np.diff([*begins, len(onsets_s)]))  # record of each piece
    steps = np.delete(np.diff(onsets_s), np.array(begins[1:], dtype=int) - 1)
    for record_s in (header.record_s, float(np.mean(steps)) if len(steps) else header.record_s):
        drift_s = onsets_s - onsets_s[first] - (number - first) * record_s
        if np.abs(drift_s).max() <= DRIFT_S:
            return record_s
    at = int(np.argmax(np.abs(drift_s)))
    raise ValueError(f"its records begin at irregular times: record {at + 1} does {drift_s[at]:+.3g} s off even steps")
