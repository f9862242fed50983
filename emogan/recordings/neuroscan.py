"""Neuroscan .cnt files: the format of their numbers where the header does not tell it, and where recording paused."""

import struct
import warnings
from pathlib import Path

import mne
import numpy as np

from emogan.recordings.timeline import Marker

HEADER_BYTES, CHANNEL_BYTES = 900, 75
FULL = 0.6  # share of the file that its samples fill at least; read as int16, an int32 file has half of it
TRIES = (  # format of the numbers, and whether to count the samples by the place of the table of events
    ("auto", None), ("int32", None), ("int16", None), ("int32", True)
)  # fmt: skip
EVENT = [("stimulus", "<u2"), ("keyboard", "u1"), ("accept", "u1"), ("offset", "<i4")]  # of 8 bytes, type 1
EVENTS = {1: np.dtype(EVENT), **dict.fromkeys((2, 3), np.dtype([*EVENT, ("more", "V11")]))}
BREAKS = {14: "discontinuity", 11: "DC reset"}  # in the upper half of "accept", as EEGLAB's pop_loadcnt has them


def need_neuroscan(path: Path) -> None:
    """Refuse a .cnt file of another maker.

    Raises
    ------
    ValueError
        Naming the maker.
    """
    with path.open("rb") as file:
        if file.read(4) in (b"RIFF", b"RF64"):
            raise ValueError(
                "expected a .cnt recording of Neuroscan, got one of ANT Neuro. Convert it to FIF or EDF under the same "
                "name, and move the .cnt elsewhere."
            )


def read_cnt(path: Path, verbose: str = "error") -> mne.io.BaseRaw:
    """Open a .cnt file; samples stay in the file.

    The header's counts overflow in long recordings (2 GB and more). MNE then cannot tell int32 from int16 numbers:
    int32, which the SEED data sets have, is tried first, and a reading that the size of the file contradicts is not
    taken.

    Raises
    ------
    ValueError
        If no reading fits the file: it is cut off, damaged or of another kind.
    """
    messages = {}
    for data_format, recompute in TRIES:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the header's counts, which are checked below
                raw = mne.io.read_raw_cnt(path, data_format=data_format, recompute_n_samples=recompute, verbose=verbose)
        except Exception as error:  # of whatever kind, it is the content's doing
            messages.setdefault((str(error).strip() or type(error).__name__).splitlines()[0])
            continue
        n_bytes = raw._raw_extras[0]["n_bytes"]  # MNE has no other word for what it chose
        room = path.stat().st_size - HEADER_BYTES - CHANNEL_BYTES * len(raw.ch_names)
        samples = raw.n_times * len(raw.ch_names) * n_bytes
        if FULL * room <= samples <= room:
            return raw
        messages.setdefault(
            f"{raw.n_times} samples of {len(raw.ch_names)} channels of {n_bytes} bytes do not fit {room} bytes"
        )
    raise ValueError("; ".join(messages))


def cnt_breaks(path: Path, raw: mne.io.BaseRaw) -> list[Marker]:
    """Where the recording paused or was reset, from the table of events behind the samples; MNE passes over them."""
    sample_bytes = raw._raw_extras[0]["n_bytes"] * len(raw.ch_names)
    samples_at = HEADER_BYTES + CHANNEL_BYTES * len(raw.ch_names)
    with path.open("rb") as file:
        file.seek(samples_at + raw.n_times * sample_bytes)
        kind, size, _ = struct.unpack("<Bii", file.read(9).ljust(9, b"\0"))
        content = file.read(max(size, 0))
    if kind not in EVENTS:
        return []
    events = np.frombuffer(content, EVENTS[kind], len(content) // EVENTS[kind].itemsize)
    offsets = events["offset"].astype("<u4").astype(np.int64)
    offsets[1:] += 2**32 * np.cumsum(np.diff(offsets) < 0)  # they overflow in files of 4 GB and more
    samples = offsets if kind == 3 else (offsets - samples_at) // sample_bytes
    return [
        Marker(float(sample / raw.info["sfreq"]), 0.0, BREAKS[accept])
        for sample, accept in zip(samples, events["accept"] >> 4, strict=True)
        if accept in BREAKS
    ]
