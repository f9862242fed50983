"""SEED-VII: seven classes, four sessions of 20 film clips; EEG and eye movement features as a .mat file a subject."""

import os
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np

from emogan.checks import checked, one_of
from emogan.data.experiments import Numbers, Source, feature_set, need_shape, sources
from emogan.data.eye_names import CLIP_STATISTICS, SEED_VII_EYE
from emogan.data.features import FeatureSet, Modality
from emogan.data.file_tree import find_folder, numbered, person_files
from emogan.data.montage import BANDS, CHANNELS
from emogan.data.readers import matlab
from emogan.data.trials import SEED_VII_CLASSES, SEED_VII_LABELS

FEATURES = ("de_LDS", "de", "psd")
NAME = re.compile(r"(\d+)\.mat")  # {subject}.mat, of all four sessions
N_TRIALS = 20  # of a session; a file numbers the trials of its sessions 1..80


@checked("data")
def load(
    root: str | os.PathLike,
    *,
    feature: Annotated[str, one_of(FEATURES)] = "de_LDS",
    clip_statistics: bool = True,
    modality: Modality = "eeg_eye",
    subjects: Numbers = None,
    sessions: Numbers = None,
) -> FeatureSet:
    """Load SEED-VII (4 s windows) from a folder at, above or inside its release.

    The files hold no labels: these are the published ones. A session shows five of the seven emotions, so take two
    sessions at least. Where one modality has a window more than the other in a trial, its last one is left out.

    Parameters
    ----------
    feature
        "de_LDS", "de" or "psd": differential entropy, smoothed by a linear dynamic system or not, or power.
    clip_statistics
        Whether to take the nine eye movement features (`CLIP_STATISTICS`) that are computed from a whole clip and so
        are the same in all of its windows: a split that divided a trial's windows would find the trial by them.

    Raises
    ------
    FileNotFoundError, ValueError
        If the folder, a file or a part of one is missing or is not what SEED-VII has there.
    """
    names = SEED_VII_EYE if clip_statistics else SEED_VII_EYE[: -len(CLIP_STATISTICS)]
    eeg = partial(_source, root, "EEG_features", f"{feature}_", _eeg_rows)
    eye = partial(_source, root, "EYE_features", "", partial(_eye_rows, count=len(names)), names)
    found = sources(modality, eeg=eeg, eye=eye)
    return feature_set(
        "seed_vii", SEED_VII_CLASSES, found, subjects, sessions, own_folds="quarters", spare_windows=1
    )  # fmt: skip


def _source(
    root: str | os.PathLike, name: str, prefix: str, rows: Callable[..., np.ndarray], names: tuple[str, ...] = ()
) -> Source:
    folder = find_folder(root, (name,), NAME, "1.mat")

    def read(path: Path, session: int) -> tuple[list[np.ndarray], Sequence[int]]:
        keys = [f"{prefix}{i}" for i in range(N_TRIALS * (session - 1) + 1, N_TRIALS * session + 1)]
        arrays = matlab.read(path, keys)
        return [rows(arrays[key], path, key) for key in keys], SEED_VII_LABELS[session - 1]

    sessions = range(1, len(SEED_VII_LABELS) + 1)
    files = ((int(m[1]), session, path) for m, path in person_files(folder, NAME) for session in sessions)
    return Source(folder, numbered(files), read, names=names)


def _eeg_rows(array, path: Path, what: str) -> np.ndarray:
    """Features (W, 5, 62), unlike those of SEED and SEED-IV -> (W, 310), channel-major."""
    array = need_shape(array, ("windows", len(BANDS), len(CHANNELS)), path, what)
    return array.transpose(0, 2, 1).reshape(len(array), -1)


def _eye_rows(array, path: Path, what: str, count: int) -> np.ndarray:
    return need_shape(array, ("windows", len(SEED_VII_EYE)), path, what)[:, :count]


def intensities(root: str | os.PathLike, features: FeatureSet) -> np.ndarray:
    """How strongly each window's emotion was felt by the subjects' own rating, (N,) float32 in 0..1.

    From continuous_labels, for the windows of what `load` returned: as weights, or to leave windows out as in
    ``features.take(np.flatnonzero(seed_vii.intensities(root, features) > 0.5))``.

    Raises
    ------
    FileNotFoundError, ValueError
        If the folder, a subject's file or a trial in it is missing or has other windows than the features.
    """
    folder = find_folder(root, ("continuous_labels",), NAME, "1.mat")
    files = {int(match[1]): path for match, path in person_files(folder, NAME)}
    found = np.empty(len(features.y), dtype=np.float32)
    for subject, session, rows in features.experiments():
        if subject not in files:
            raise FileNotFoundError(f"{folder}: expected the ratings of subject {subject} in {subject}.mat, found none")
        number = N_TRIALS * (session - 1) + features.trial[rows]
        path = files[subject]
        rated = matlab.read(path, [str(i) for i in np.unique(number)])
        for key, ratings in rated.items():
            own = rows[number == int(key)]
            ratings = need_shape(np.ravel(ratings), ("windows",), path, f"ratings {key}")
            if abs(len(ratings) - len(own)) > 1 or not (ratings.min() >= 0 and ratings.max() <= 1):
                raise ValueError(
                    f"{path}: expected {len(own)} ratings in 0..1, one a window, in {features.place(own[0])}, "
                    f"got {len(ratings)} in {ratings.min():g}..{ratings.max():g}. Are these all windows of SEED-VII?"
                )
            found[own] = ratings[np.minimum(np.arange(len(own)), len(ratings) - 1)]
    return found
