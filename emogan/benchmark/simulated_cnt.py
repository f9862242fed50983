"""A Neuroscan .cnt file of simulated EEG, as small as MNE reads it."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from emogan.data.montage import CHANNELS

NAMES = (*CHANNELS[:32], "M1", *CHANNELS[32:42], "M2", *CHANNELS[42:], "VEO", "HEO")  # 66, as the SEED data sets have
RESOLUTION_UV = 0.1
HEADER_BYTES, CHANNEL_BYTES = 900, 75


def simulated_eeg(channels: int, sfreq_hz: int, duration_s: int, seed: int = 0) -> Iterator[np.ndarray]:
    """Seconds of noise of 10 microvolt with an alpha rhythm and a slow drift, (C, sfreq_hz) one after the other."""
    random = np.random.default_rng(seed)
    phase = random.uniform(0, 2 * np.pi, (channels, 1))
    for second in range(duration_s):
        time_s = second + np.arange(sfreq_hz) / sfreq_hz
        rhythm = 10 * np.sin(2 * np.pi * 10 * time_s + phase) + 100 * np.sin(2 * np.pi * 0.02 * time_s + phase)
        yield rhythm + 10 * random.standard_normal((channels, sfreq_hz), dtype=np.float32)


def write_cnt(path: Path, names: Sequence[str], sfreq_hz: int, pieces: Iterable[np.ndarray], kind: str = "<i4") -> None:
    """Write pieces (C, n) in microvolt one after the other, as numbers of 4 ("<i4") or 2 bytes ("<i2")."""
    samples = 0
    with path.open("wb") as file:
        file.write(bytes(HEADER_BYTES))
        for i, name in enumerate(names):
            angle = 2 * np.pi * i / len(names)
            channel = bytearray(CHANNEL_BYTES)
            channel[: len(name)] = name.encode()
            struct.pack_into("<2f", channel, 19, np.cos(angle), np.sin(angle))
            struct.pack_into("<f", channel, 59, 204.8 * RESOLUTION_UV)  # sensitivity: of a number, in microvolt / 204.8
            struct.pack_into("<f", channel, 71, 1.0)  # calibration
            file.write(channel)
        for piece in pieces:
            file.write(np.rint(piece.T / RESOLUTION_UV).astype(kind).tobytes())
            samples += piece.shape[1]
        events = file.tell()
        file.write(struct.pack("<Bll", 1, 0, 0))  # no event
        for at, form, value in (
            (225, "10s", b"11/24/26"), (235, "12s", b"12:00:00"), (370, "<H", len(names)), (376, "<H", sfreq_hz),
            (864, "<i", samples), (886, "<I", events % 2**32),
        ):  # fmt: skip
            file.seek(at)
            file.write(struct.pack(form, value))
