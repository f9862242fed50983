"""Simulated EEG, and recordings of it in every format."""

import mne
import numpy as np
import pytest
from scipy.io import savemat

from emogan.benchmark.simulated_cnt import write_cnt

SFREQ_HZ = 250


def simulate(channels, duration_s, sfreq_hz=SFREQ_HZ, seed=0):
    """Noise of 20 microvolt, some of it common to all channels, (C, N)."""
    random = np.random.default_rng(seed)
    n = round(duration_s * sfreq_hz)
    return 15 * random.normal(size=(len(channels), n)) + 10 * random.normal(size=n)


def write(path, names, signal, sfreq_hz=SFREQ_HZ, kinds="eeg"):
    """Write a signal in microvolt in the format that the path's suffix names."""
    suffix = path.suffix
    if suffix == ".cnt":
        write_cnt(path, names, sfreq_hz, [signal])
        return path
    if suffix == ".mat":
        savemat(path, {"abc_eeg1": signal, "abc_eeg2": signal[:, ::-1], "note": np.zeros(3)})
        return path
    raw = mne.io.RawArray(signal * 1e-6, mne.create_info(list(names), sfreq_hz, kinds), verbose="error")
    if suffix == ".fif":
        raw.save(path, verbose="error")
    else:
        mne.export.export_raw(path, raw, verbose="error")
    return path


@pytest.fixture(scope="session")
def names():
    """Of a cap of ten electrodes."""
    return ("FP1", "FP2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2")


@pytest.fixture(scope="session")
def recorder():
    return write


@pytest.fixture(scope="session")
def simulated():
    return simulate
