"""python tests/eegmat.py FOLDER OUT.npz [BLOCK_S]: DE of rest and mental arithmetic as a table of features.

FOLDER holds Subject00_1.edf (rest) and Subject00_2.edf (arithmetic), ... of PhysioNet's "EEG During Mental Arithmetic
Tasks" (Zyma et al. 2019). From each come 15 windows of 4 s: the last minute of rest and the first of arithmetic, so
that both classes are equally frequent. Features are DE = ln(2 pi e var) / 2 in nats, var the power in a band by a Hann
periodogram, 19 channels x 5 bands, standardised within each subject without regard to class (people differ by more
than conditions do): a person's test windows take part in it, without their labels. Trials are the recordings, or
blocks of BLOCK_S seconds for splits within a subject.
"""

import sys
from pathlib import Path

import mne
import numpy as np
from scipy.signal import periodogram

BANDS = {"delta": (1, 3), "theta": (4, 7), "alpha": (8, 13), "beta": (14, 30), "gamma": (31, 50)}  # Hz, paper 3.2
WINDOW_S, WINDOWS = 4.0, 15


def entropies(path: Path, rest: bool) -> tuple[np.ndarray, list[str]]:
    """DE features (15, 95) of one recording and their names, CHANNEL_BAND."""
    raw = mne.io.read_raw_edf(path, verbose="error")
    channels = [name for name in raw.ch_names if name.startswith("EEG") and "A2-A1" not in name]
    sfreq_hz = raw.info["sfreq"]
    length = int(WINDOW_S * sfreq_hz)
    signal = raw.get_data(channels) * 1e6  # microvolt
    signal = signal[:, -WINDOWS * length :] if rest else signal[:, : WINDOWS * length]
    windows = signal.reshape(len(channels), WINDOWS, length)
    frequency, density = periodogram(windows, sfreq_hz, window="hann", detrend="linear")
    bands = [density[..., (frequency >= low) & (frequency <= high)].sum(-1) / WINDOW_S for low, high in BANDS.values()]
    features = 0.5 * np.log(2 * np.pi * np.e * np.stack(bands, axis=-1))  # (channels, windows, bands)
    names = [f"{channel.removeprefix('EEG ')}_{band}" for channel in channels for band in BANDS]
    return features.transpose(1, 0, 2).reshape(WINDOWS, -1), names


def table(folder: Path, block_s: float | None = None) -> dict[str, np.ndarray]:
    """The arrays of a table for ``data=features``: 8 subjects x 2 recordings x 15 windows here."""
    x, y, trial, subject = [], [], [], []
    block = np.zeros(WINDOWS, dtype=int) if block_s is None else (np.arange(WINDOWS) * WINDOW_S // block_s).astype(int)
    for path in sorted(folder.glob("Subject*_1.edf")):
        number = int(path.stem[7:9])
        for label, file in enumerate((path, path.with_name(path.name.replace("_1", "_2")))):
            features, names = entropies(file, rest=label == 0)
            x.append(features)
            y += [label] * WINDOWS
            trial += (2 * block + label).tolist()
            subject += [number] * WINDOWS
    x, subject = np.concatenate(x), np.array(subject)
    for number in np.unique(subject):
        own = x[subject == number]
        x[subject == number] = (own - own.mean(0)) / own.std(0)
    return {
        "x": x, "y": np.array(y), "trial": np.array(trial), "subject": subject, "feature_names": np.array(names),
        "class_names": np.array(["rest", "arithmetic"]), "modality": np.array(["eeg"] * len(names)),
    }  # fmt: skip


if __name__ == "__main__":
    np.savez(sys.argv[2], **table(Path(sys.argv[1]), *map(float, sys.argv[3:])))
