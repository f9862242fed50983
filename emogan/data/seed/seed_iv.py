"""SEED-IV: four classes, 24 film clips a session; EEG and eye movement features as .mat files in session folders."""

import logging
import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from emogan.checks import checked
from emogan.data.experiments import Numbers, Source, eeg_rows, feature_set, need_shape, sources
from emogan.data.features import FeatureSet, Modality
from emogan.data.file_tree import DATED, by_session_folder, find_folder
from emogan.data.readers import matlab
from emogan.data.seed.seed import Feature
from emogan.data.trials import SEED_IV_CLASSES, SEED_IV_LABELS

log = logging.getLogger(__name__)

N_TRIALS = 24


@checked("data")
def load(
    root: str | os.PathLike,
    *,
    feature: Feature = "de_LDS",
    modality: Modality = "eeg_eye",
    subjects: Numbers = None,
    sessions: Numbers = None,
) -> FeatureSet:
    """Load SEED-IV (4 s windows) from a folder at, above or inside its release.

    The files hold no labels: these are the published ones of the session that the folder 1, 2 or 3 names.

    Parameters
    ----------
    feature
        One of `seed.FEATURES`: differential entropy or power, smoothed by a linear dynamic system or a moving average.

    Raises
    ------
    FileNotFoundError, ValueError
        If the folder, a file or a part of one is missing or is not what SEED-IV has there.
    """
    eeg = partial(_source, root, "eeg_feature_smooth", feature, eeg_rows)
    eye = partial(_source, root, "eye_feature_smooth", "eye_", _eye_rows)
    found = sources(modality, eeg=eeg, eye=eye)
    _warn_of_other_names(found)
    return feature_set("seed_iv", SEED_IV_CLASSES, found, subjects, sessions)


def _warn_of_other_names(found: Mapping[str, Source]) -> None:
    """An experiment's files of EEG and of eye movements bear the same date in the release."""
    others = []
    for subject, session in sorted(set.intersection(*(set(source.files) for source in found.values()))):
        paths = [source.files[subject, session] for source in found.values()]
        if len({path.name for path in paths}) > 1:
            others.append(f"subject {subject}, session {session}: {' and '.join(map(str, paths))}")
    if others:
        log.warning(
            "expected files of one date in both modalities, got others of %d experiments: %s. Is one of them in "
            "another session's folder?", len(others), "; ".join(others),
        )  # fmt: skip


def _source(root: str | os.PathLike, name: str, prefix: str, rows) -> Source:
    folder = find_folder(root, (name,), DATED, "1_20160518.mat")
    files = by_session_folder(folder)
    if not files:  # labels hang on the session, which the dates alone would not tell if a file is missing
        raise ValueError(f"{folder}: expected session folders 1, 2, 3 that hold the files, got the files without them")
    keys = [f"{prefix}{i}" for i in range(1, N_TRIALS + 1)]

    def read(path: Path, session: int) -> tuple[list[np.ndarray], Sequence[int]]:
        arrays = matlab.read(path, keys)
        return [rows(arrays[key], path, key) for key in keys], SEED_IV_LABELS[session - 1]

    return Source(folder, files, read)


def _eye_rows(array, path: Path, what: str) -> np.ndarray:
    """Features (31, W) of a .mat file -> (W, 31)."""
    return need_shape(array, ("features", "windows"), path, what).T
