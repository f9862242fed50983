"""Preprocessed files of AMIGOS: signals at 128 Hz and self-assessed ratings of one person, as a MATLAB file."""

import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from emogan.data.experiments import need_shape
from emogan.data.readers import dreamer, matlab

CHANNELS = dreamer.CHANNELS  # of the same headset, in the same order
NAME = re.compile(r"Data_Preprocessed_P(\d{2})\.mat")
SCALES = ("arousal", "valence", "dominance", "liking", "familiarity")  # each rated from 1 to 9
SFREQ_HZ, BASELINE_S = 128.0, 5.0
CLIPS, LONG_CLIPS = 16, 4  # everyone watched the short ones
COLUMNS, RATINGS = 17, 12  # EEG, then heart and skin; the scales, then seven emotions, yes or no
UNSOUND = (9, 12, 21, 22, 23, 24, 33)  # people whose trials torcheeg's loader leaves out, all of them
VARIABLES = ("joined_data", "labels_selfassessment")


class Person(NamedTuple):
    """Signals (14 channels, samples) in microvolt and ratings (5,) of each short clip, by its number, that is there."""

    signals: dict[int, np.ndarray]
    ratings: dict[int, np.ndarray]


def read(path: Path) -> Person:
    """Read the file of a person; the last one is kept in memory.

    Raises
    ------
    ValueError
        If it is damaged or not a file of AMIGOS. Names the file.
    """
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _read(path: Path, changed_ns: int) -> Person:
    signals, ratings = {}, {}
    cells = matlab.read(path, VARIABLES)
    for name, found in cells.items():
        if not isinstance(found, list) or len(found) < CLIPS:
            raise ValueError(f"{path}: expected {name} as cells of {CLIPS} short clips and {LONG_CLIPS} long ones")
    for clip, (signal, rating) in enumerate(zip(*(cells[name][:CLIPS] for name in VARIABLES), strict=True), 1):
        if not np.size(signal) or not np.size(rating):
            continue  # it was not watched, or not rated
        signal = need_shape(signal, ("samples", COLUMNS), path, f"signals of clip {clip}")
        rating = need_shape(np.ravel(rating), (RATINGS,), path, f"ratings of clip {clip}")[: len(SCALES)]
        if not (rating.min() >= 1 and rating.max() <= 9):
            raise ValueError(f"{path}: expected ratings from 1 to 9 of clip {clip}, got {rating.tolist()}")
        signals[clip], ratings[clip] = signal.T[: len(CHANNELS)], rating
    return Person(signals, ratings)
