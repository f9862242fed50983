"""Preprocessed EEG of SEED, SEED-IV, SEED-VII: .mat files of a variable per trial, 62 channels, 200 Hz, microvolt."""

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.io import whosmat

from emogan.data.montage import CHANNELS
from emogan.data.readers import matlab
from emogan.data.table_files import some

SUFFIX = ".mat"
SFREQ_HZ = 200.0
NAME = re.compile(r"(?:.*_eeg)?(\d+)")  # djc_eeg1 (the person's initials), cz_eeg24, 80


def open_trial(path: Path, trial: int | str | None) -> tuple[int, Callable[[list[int], int, int], np.ndarray]]:
    """Number of samples of a trial, and what gives those of some channels; see `emogan.recordings.eeg.Recording`.

    Raises
    ------
    ValueError
        If the file cannot be read, or has no such trial of 62 channels.
    """
    try:
        stored = whosmat(path)
    except Exception as error:  # of whatever kind, it is the content's doing
        raise ValueError(
            f"expected a .mat file of version 5 to 7.2, got {path.stat().st_size} bytes that cannot be read as one "
            f"({type(error).__name__}: {error}). Copy it again."
        ) from error
    found = {int(match[1]): (name, shape) for name, shape, _ in stored if (match := NAME.fullmatch(name))}
    if trial not in found:
        raise ValueError(
            f"expected a variable of trial {trial}, got those of the trials {some(sorted(found))} (named such as "
            "djc_eeg1, as SEED's preprocessed files have them). In .mat files the time table's column trial says which "
            "variable is meant."
        )
    name, shape = found[trial]
    if len(shape) != 2 or shape[0] != len(CHANNELS):
        raise ValueError(f"expected {name} of shape ({len(CHANNELS)}, samples), got {shape}")
    whole = lru_cache(maxsize=1)(lambda: matlab.read(path, [name])[name])
    return shape[1], lambda picks, start, stop: whole()[picks, start:stop]
