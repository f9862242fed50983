"""SEED-V: five classes, 15 film clips a session; EEG and eye movement features as .npz files that hold pickles."""

import logging
import os
import re
from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated

import numpy as np

from emogan.checks import checked, one_of
from emogan.data.experiments import Numbers, Source, feature_set, need_shape, sources
from emogan.data.features import FeatureSet, Modality
from emogan.data.file_tree import find_folder, numbered, person_files
from emogan.data.montage import BANDS, CHANNELS, EEG_FEATURES
from emogan.data.readers import unpickle
from emogan.data.trials import SEED_V_CLASSES, SEED_V_LABELS
from emogan.wording import some

log = logging.getLogger(__name__)

EEG_ORDERS = ("channel_major", "band_major")
N_TRIALS = 15  # of a session; a file numbers the trials of its sessions 0..44
NAME = re.compile(r"(\d+)_([123]+)\.npz")  # {subject}_{sessions}: 1_123.npz


@checked("data")
def load(
    root: str | os.PathLike,
    *,
    eeg_order: Annotated[str, one_of(EEG_ORDERS)] = "channel_major",
    modality: Modality = "eeg_eye",
    subjects: Numbers = None,
    sessions: Numbers = None,
) -> FeatureSet:
    """Load SEED-V from a folder at, above or inside its release.

    Parameters
    ----------
    eeg_order
        How the files order the 310 EEG features, which no public source settles: "channel_major", (62, 5) flattened,
        or "band_major", (5, 62) flattened. The columns returned are channel-major in either case.

    Raises
    ------
    FileNotFoundError, ValueError
        If the folder, a file or a part of one is missing or is not what SEED-V has there.
    """
    eeg = partial(_source, root, "EEG_DE_features", partial(_eeg, eeg_order=eeg_order))
    eye = partial(_source, root, "Eye_movement_features", _eye)
    found = feature_set("seed_v", SEED_V_CLASSES, sources(modality, eeg=eeg, eye=eye), subjects, sessions)
    _warn_of_other_labels(found)
    return found


def _warn_of_other_labels(found: FeatureSet) -> None:
    """The files' labels are used, whatever was published."""
    others, experiments = [], list(found.experiments())
    for subject, session, rows in experiments:
        _, first = np.unique(found.trial[rows], return_index=True)
        labels, published = found.y[rows][first].tolist(), list(SEED_V_LABELS[session - 1])
        if labels != published:
            others.append(f"subject {subject}, session {session}: {labels}, the published order is {published}")
    if others:
        log.warning(
            "the films of %d of %d experiments have other labels than published. Using the files' labels: %s",
            len(others), len(experiments), some(others, 3),
        )  # fmt: skip


def _source(root: str | os.PathLike, name: str, rows) -> Source:
    folder = find_folder(root, (name,), NAME, "1_123.npz")
    stored = lru_cache(maxsize=1)(unpickle.load_npz)  # the three sessions of a subject stand in one file

    def read(path: Path, session: int) -> tuple[list[np.ndarray], Sequence[int]]:
        data, labels = (_tables(path, stored(path), entry, session) for entry in ("data", "label"))
        trials = [rows(data[k], path, f"trial {k} of data") for k in data]
        labels = [_label(labels[k], len(x), path, f"trial {k} of label") for k, x in zip(labels, trials, strict=True)]
        return trials, labels

    files = ((int(m[1]), int(session), path) for m, path in person_files(folder, NAME) for session in sorted(set(m[2])))
    return Source(folder, numbered(files), read)


def _tables(path: Path, stored: dict, entry: str, session: int) -> dict:
    """The trials of one session in order, from an entry that numbers those of all sessions 0..44."""
    table = stored.get(entry)
    if not isinstance(table, dict):
        raise ValueError(
            f"{path}: expected the entry {entry} as a pickled dict of trials 0..44, got "
            f"{f'none among {list(stored)}' if table is None else type(table).__name__}. Is it a file of SEED-V?"
        )
    wanted = range(N_TRIALS * (session - 1), N_TRIALS * session)
    missing = [k for k in wanted if k not in table]
    if missing:
        raise ValueError(
            f"{path}: expected trials {wanted[0]}..{wanted[-1]} in {entry} (session {session}), missing "
            f"{', '.join(map(str, missing))}; {len(table)} trials there. Copy the file again or leave the session out."
        )
    return {k: table[k] for k in wanted}


def _eeg(array, path: Path, what: str, eeg_order: str) -> np.ndarray:
    advice = "Is this the raw folder? Point data.root at the folder that holds EEG_DE_features."
    array = need_shape(array, ("windows", len(EEG_FEATURES)), path, what, advice)
    if eeg_order == "band_major":
        array = array.reshape(-1, len(BANDS), len(CHANNELS)).transpose(0, 2, 1).reshape(len(array), -1)
    return array


def _eye(array, path: Path, what: str) -> np.ndarray:
    return need_shape(array, ("windows", "features"), path, what)


def _label(labels, windows: int, path: Path, what: str) -> int:
    labels = need_shape(np.ravel(labels), (windows,), path, what)
    label = labels[0]
    if (labels != label).any() or label not in range(len(SEED_V_CLASSES)):
        raise ValueError(
            f"{path}: expected one label 0..{len(SEED_V_CLASSES) - 1} for all windows of {what}, got "
            f"{np.unique(labels)[:6].tolist()}. Is it a file of SEED-V?"
        )
    return int(label)
