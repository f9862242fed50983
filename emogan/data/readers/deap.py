"""Preprocessed files of DEAP: signals at 128 Hz and ratings of one person, as a pickle of Python 2 or a MATLAB file."""

import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from emogan.data.experiments import need_shape
from emogan.data.readers import matlab, unpickle

SUFFIX = ".dat"
NAME = re.compile(r"s(\d{2})\.(?:dat|mat)")
CHANNELS = tuple(
    """
    FP1 AF3 F3 F7 FC5 FC1 C3 T7 CP5 CP1 P3 P7 PO3 O1 OZ PZ FP2 AF4 FZ F4 F8 FC6 FC2 CZ C4 T8 CP6 CP2 P4 P8 PO4 O2
    """.split()
)
EOG = ("HEOG", "VEOG")  # follow the EEG; then come EMG, skin conductance, breathing, pulse and temperature
SCALES = ("valence", "arousal", "dominance", "liking")  # each rated from 1 to 9
SFREQ_HZ, PASSED_HZ = 128.0, (4.0, 45.0)  # the latter as DEAP's description says of its preprocessing
BASELINE_S, CLIP_S = 3.0, 60.0
SHAPE = (40, 40, 8064)  # clips in the same order for all people, channels, samples
VARIABLES = ("data", "labels")


class Person(NamedTuple):
    """Signals (40 clips, 40 channels, 8064 samples) in microvolt, of the EEG, and ratings (40, 4)."""

    signals: np.ndarray
    ratings: np.ndarray


def read(path: Path) -> Person:
    """Read the file of a person; the last one is kept in memory.

    Raises
    ------
    ValueError
        If it is damaged or not a file of DEAP. Names the file.
    """
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _read(path: Path, changed_ns: int) -> Person:
    stored = unpickle.load_pickle(path) if path.suffix.lower() == SUFFIX else matlab.read(path, VARIABLES)
    if not isinstance(stored, dict) or not set(VARIABLES) <= set(stored):
        raise ValueError(f"{path}: expected a dict of {' and '.join(VARIABLES)}, got {type(stored).__name__}")
    signals = need_shape(stored["data"], SHAPE, path, "signals of 40 clips, 40 channels and 63 s at 128 Hz")
    ratings = need_shape(stored["labels"], (SHAPE[0], len(SCALES)), path, "ratings of 40 clips on 4 scales")
    if not ((ratings >= 1) & (ratings <= 9)).all():
        raise ValueError(f"{path}: expected ratings from 1 to 9, got {np.min(ratings):g} to {np.max(ratings):g}")
    return Person(signals, ratings)
