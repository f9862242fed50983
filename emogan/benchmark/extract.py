"""Features of a simulated hour of EEG, and what filtering the whole recording band by band takes for the same."""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from omegaconf import OmegaConf
from scipy.signal import butter, sosfiltfilt
from threadpoolctl import threadpool_limits

from emogan.benchmark.record import Record
from emogan.benchmark.simulated_cnt import NAMES, simulated_eeg, write_cnt
from emogan.environment import config_dir
from emogan.recordings.cleaning import trial_signal
from emogan.recordings.eeg import Recording, open_recording
from emogan.recordings.features import eeg_features
from emogan.recordings.settings import Settings
from emogan.signal.bands import BANDS

SFREQ_HZ, HOUR_S, TRIALS = 1000, 3600, 15
QUICK_S = 120


class Stopwatch:
    """Adds up the seconds that calls of a function take."""

    def __init__(self, function: Callable):
        self.function, self.seconds = function, 0.0

    def __call__(self, *arguments):
        start = time.perf_counter()
        result = self.function(*arguments)
        self.seconds += time.perf_counter() - start
        return result


def settings(de: str) -> Settings:
    """As configured, but for the kind of entropy."""
    values = OmegaConf.to_container(OmegaConf.load(Path(config_dir()) / "extraction.yaml"))
    return Settings.of({**values, "de": de})


def ours(path: Path, de: str) -> tuple[np.ndarray, float, float]:
    """Entropies (W, 310) of a recording cut into trials; seconds of processing and of reading."""
    start, chosen = time.perf_counter(), settings(de)
    recording = open_recording(path)
    read = Stopwatch(recording.samples)
    recording = replace(recording, samples=read)
    length_s, found = recording.duration_s / TRIALS, []
    for trial in range(TRIALS):
        signal, sfreq_hz = trial_signal(recording, trial * length_s, (trial + 1) * length_s, chosen)
        found.append(eeg_features(signal, sfreq_hz, recording.channels, chosen))
    return np.concatenate(found), time.perf_counter() - start - read.seconds, read.seconds


def plain_loop(recording: Recording) -> tuple[np.ndarray, float]:
    """Entropies in nats by a loop over bands and channels of the whole recording; seconds without those of reading.

    The filter is SciPy's Butterworth of order 4, forwards and backwards.
    """
    bands, sfreq_hz = BANDS["paper"].values(), recording.sfreq_hz
    signal = recording.read(0, recording.n_samples).astype(np.float32)
    start = time.perf_counter()
    length, features = int(4 * sfreq_hz), []
    for band in bands:
        band_pass = butter(4, band, "bandpass", fs=sfreq_hz, output="sos")
        for channel in signal:
            windows = sosfiltfilt(band_pass, channel.astype(np.float64)).reshape(-1, length)
            features.append(0.5 * np.log(2 * np.pi * np.e * windows.var(1)))
    seconds = time.perf_counter() - start
    features = np.stack(features, axis=1).reshape(len(windows), len(bands), -1)
    return features.transpose(0, 2, 1).reshape(len(windows), -1), seconds


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


@threadpool_limits.wrap(limits=1)
def measure(record: Record, options: argparse.Namespace) -> None:
    """An hour of 66 channels at 1000 Hz, once; both kinds of entropies, then the loop."""
    duration_s = QUICK_S if options.quick else HOUR_S
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "1_1.cnt"
        write_cnt(path, NAMES, SFREQ_HZ, simulated_eeg(len(NAMES), SFREQ_HZ, duration_s))
        before, found, seconds = peak_mb(), {}, {}
        for de in ("fft", "gaussian"):
            found[de], seconds[de], reading = ours(path, de)
            record.add(f"extract_s_{de}", [seconds[de]], "s after reading", seconds_of_eeg=duration_s)
            record.add(f"extract_reading_s_{de}", [reading], "s")
            record.add_ratio(f"extract_vs_real_time_{de}", [duration_s], [seconds[de]])
        record.add("extract_peak_memory", [peak_mb()], "MB", before=round(before))
        expected, loop_s = plain_loop(open_recording(path))
        record.add("extract_loop_s", [loop_s], "s after reading")
        difference = float(np.median(np.abs(found["gaussian"] - expected)))
        record.add("extract_loop_difference", [difference], "nats, median")
        for de, own_s in seconds.items():
            record.add_ratio(f"extract_vs_loop_{de}", [loop_s], [own_s])
