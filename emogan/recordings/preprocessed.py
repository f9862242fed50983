"""Preprocessed EEG of data sets, in files that hold a signal for each trial.

SEED, SEED-IV and SEED-VII have .mat files with a variable per trial, 62 channels at 200 Hz in microvolt. DEAP has a
.dat or .mat file per person, AMIGOS a .mat file per person, DREAMER one of all people.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from emogan.data.montage import CHANNELS
from emogan.data.readers import amigos, deap, dreamer, matlab
from emogan.wording import some

SUFFIX = ".mat"
SFREQ_HZ = 200.0
NAME = re.compile(r"(?:.*_eeg)?(\d+)")  # djc_eeg1 (the person's initials), cz_eeg24, 80
DREAMER = "DREAMER.mat"
PART = re.compile(r"(\d+)/(\d+)")  # of files of rated clips: subject and clip


class Trial(NamedTuple):
    """The signal of a trial: EEG channels and then EOG channels, in microvolt.

    `samples` gives those at some places from one sample to before another, see `emogan.recordings.eeg.Recording`.
    """

    channels: tuple[str, ...]
    eog: tuple[str, ...]
    sfreq_hz: float
    passed_hz: tuple[float, float]
    n_samples: int
    samples: Callable[[list[int], int, int], np.ndarray]


def is_rated(path: Path) -> bool:
    """Whether a file is one of DEAP's, DREAMER's or AMIGOS's by its name."""
    return path.name == DREAMER or any(kind.NAME.fullmatch(path.name) for kind in (deap, amigos))


def part(subject: int, clip: int) -> str:
    """How a trial is named in files of rated clips, for `open_trial`."""
    return f"{subject}/{clip}"


def open_trial(path: Path, trial: int | str | None) -> Trial:
    """A trial of a file: by the number of its variable, or a `part` of a file of DEAP, DREAMER or AMIGOS.

    Raises
    ------
    ValueError
        If the file cannot be read, or has no such trial of the channels of its data set.
    """
    if isinstance(trial, str) and (match := PART.fullmatch(trial)):
        subject, clip = map(int, match.groups())
        if path.name == DREAMER:
            passed_hz = (0.0, dreamer.SFREQ_HZ / 2)
            signal = dreamer.read(path, subject).signals[clip - 1]
            return Trial(dreamer.CHANNELS, (), dreamer.SFREQ_HZ, passed_hz, signal.shape[1], _samples(signal))
        if amigos.NAME.fullmatch(path.name):
            signal, passed_hz = amigos.read(path).signals[clip], (0.0, amigos.SFREQ_HZ / 2)
            return Trial(amigos.CHANNELS, (), amigos.SFREQ_HZ, passed_hz, signal.shape[1], _samples(signal))
        signal = deap.read(path).signals[clip - 1]
        return Trial(deap.CHANNELS, deap.EOG, deap.SFREQ_HZ, deap.PASSED_HZ, signal.shape[1], _samples(signal))
    stored = matlab.shapes(path).items()
    found = {int(match[1]): (name, shape) for name, shape in stored if (match := NAME.fullmatch(name))}
    if trial not in found:
        raise ValueError(
            f"expected a variable of trial {trial}, got those of the trials {some(sorted(found))} (named such as "
            "djc_eeg1, as SEED's preprocessed files have them). In .mat files the events table's column trial says "
            "which variable is meant."
        )
    name, shape = found[trial]
    if len(shape) != 2 or shape[0] != len(CHANNELS):
        raise ValueError(f"expected {name} of shape ({len(CHANNELS)}, samples), got {shape}")
    whole = lru_cache(maxsize=1)(lambda: matlab.read(path, [name])[name])
    passed_hz = (0.0, SFREQ_HZ / 2)
    return Trial(CHANNELS, (), SFREQ_HZ, passed_hz, shape[1], lambda picks, start, stop: whole()[picks, start:stop])


def _samples(signal: np.ndarray) -> Callable[[list[int], int, int], np.ndarray]:
    return lambda picks, start, stop: signal[picks, start:stop].astype(float)
