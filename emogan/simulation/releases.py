"""Simulated features as trees of files in the formats of the SEED data sets."""

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from scipy.io import savemat
from scipy.ndimage import uniform_filter1d

from emogan.atomic import write_atomically
from emogan.data.features import FeatureSet
from emogan.data.file_tree import README, SIMULATED
from emogan.data.montage import BANDS, CHANNELS
from emogan.data.seed.multimodal import HALVES
from emogan.data.seed.sessions import days
from emogan.data.trials import (
    SEED_FRA_LABELS,
    SEED_GER_LABELS,
    SEED_IV_LABELS,
    SEED_LABELS,
    SEED_V_LABELS,
    SEED_VII_LABELS,
    SEED_WINDOWS_4S,
)
from emogan.signal.asymmetry import asm, dasm, dcau, rasm

README_TEXT = b"The files of this folder hold simulated data, " + SIMULATED + b".\n"
PICKLE_PROTOCOL = 3  # the data sets' own pickles come from early versions of Python 3


def write_seed(features: FeatureSet, root: Path) -> None:
    """Write SEED_EEG/ExtractedFeatures_4s and the EEG and eye movement features of SEED_Multimodal.

    Raises
    ------
    ValueError
        If the trials are not SEED's in number, length and label, or a subject's sessions are not 1, 2, ..., since the
        files number them by date alone.
    """
    _need_seed_trials(features)
    eeg, chinese = root / "SEED_EEG" / "ExtractedFeatures_4s", root / "SEED_Multimodal" / "Chinese"
    eye, bands = chinese / "04-Eye-tracking-feature" / "eye_tracking_feature", chinese / "02-EEG-DE-feature/eeg_used_4s"
    for subject, session, trials in _experiments(features, (SEED_LABELS,) * 3):
        if "eeg" in features.modalities:
            blocks = [_blocks(features, rows) for rows in trials]
            _write(eeg / f"{subject}_{days(subject)[session - 1]}.mat", partial(savemat, mdict=_eeg_variables(blocks)))
            _write(bands / f"{subject}_{session}.npz", partial(np.savez, **_parts(blocks, SEED_LABELS, HALVES)))
        if "eye" in features.modalities:
            _write_eye_parts(features, trials, HALVES, eye / f"{subject}_{session}")
    if "eeg" in features.modalities:
        label = np.array([SEED_LABELS], dtype=np.int16) - 1  # the file's -1, 0, 1
        _write(eeg / "label.mat", partial(savemat, mdict={"label": label}))
        mark_simulated(eeg, bands)
    if "eye" in features.modalities:
        mark_simulated(eye)


def write_seed_v(features: FeatureSet, root: Path) -> None:
    """Write EEG_DE_features and Eye_movement_features, one file a subject: {subject}_123.npz."""
    for name, folder in (("eeg", "EEG_DE_features"), ("eye", "Eye_movement_features")):
        if name not in features.modalities:
            continue
        tables: dict[int, tuple[str, dict, dict]] = {}
        for subject, session, trials in _experiments(features, SEED_V_LABELS):
            done, data, label = tables.get(subject, ("", {}, {}))
            for k, rows in enumerate(trials, 15 * (session - 1)):
                data[k] = features.x[rows, features.modalities[name]].astype(np.float64)
                label[k] = features.y[rows]
            tables[subject] = f"{done}{session}", data, label
        for subject, (sessions, data, label) in tables.items():
            content = {"data": pickle.dumps(data, PICKLE_PROTOCOL), "label": pickle.dumps(label, PICKLE_PROTOCOL)}
            _write(root / folder / f"{subject}_{sessions}.npz", partial(np.savez, **content))
        mark_simulated(root / folder)


def write_seed_iv(features: FeatureSet, root: Path) -> None:
    """Write eeg_feature_smooth and eye_feature_smooth with a folder a session: {session}/{subject}_{date}.mat."""
    for subject, session, trials in _experiments(features, SEED_IV_LABELS):
        day = date(2016, 10, 20) + timedelta(days=subject + 40 * session)
        place = Path(str(session)) / f"{subject}_{day:%Y%m%d}.mat"
        if "eeg" in features.modalities:
            variables = _eeg_variables([_blocks(features, rows) for rows in trials])
            _write(root / "eeg_feature_smooth" / place, partial(savemat, mdict=variables))
        if "eye" in features.modalities:
            columns = (features.x[rows, features.modalities["eye"]] for rows in trials)
            variables = {f"eye_{i}": x.T.astype(np.float64) for i, x in enumerate(columns, 1)}
            _write(root / "eye_feature_smooth" / place, partial(savemat, mdict=variables))
    for name in features.modalities:
        mark_simulated(root / f"{name}_feature_smooth")


def write_seed_vii(features: FeatureSet, root: Path) -> None:
    """Write EEG_features, EYE_features and continuous_labels, one file a subject: {subject}.mat.

    Raises
    ------
    ValueError
        If a subject lacks a session: a file holds all four.
    """
    sessions: dict[int, dict[int, list[np.ndarray]]] = {}
    for subject, session, trials in _experiments(features, SEED_VII_LABELS):
        sessions.setdefault(subject, {})[session] = trials
    for subject, found in sessions.items():
        if len(found) < len(SEED_VII_LABELS):
            raise ValueError(
                f"SEED-VII has one file a subject: expected sessions 1..{len(SEED_VII_LABELS)} of subject {subject}, "
                f"got {sorted(found)}. Simulate all sessions and choose with data.sessions when loading."
            )
        trials = dict(enumerate((rows for session in sorted(found) for rows in found[session]), 1))
        tables = {"continuous_labels": {str(i): _ratings(len(rows)) for i, rows in trials.items()}}
        if "eeg" in features.modalities:
            tables["EEG_features"] = {}
            for i, rows in trials.items():
                smooth = _blocks(features, rows).transpose(1, 2, 0)  # (W, 5, 62)
                rough = 2 * smooth - uniform_filter1d(smooth, 3, axis=0, mode="nearest")
                tables["EEG_features"] |= {f"de_LDS_{i}": smooth, f"de_{i}": rough, f"psd_{i}": np.exp2(rough) / 100}
        if "eye" in features.modalities:
            x = features.x[:, features.modalities["eye"]].astype(np.float64)
            tables["EYE_features"] = {str(i): x[rows] for i, rows in trials.items()}
        for folder, variables in tables.items():
            _write(root / folder / f"{subject}.mat", partial(savemat, mdict=variables))
    mark_simulated(*(root / folder for folder in tables))


def write_seed_fra(features: FeatureSet, root: Path) -> None:
    """Write SEED_FRA/French: EEG and eye movement features in parts of 12 and 9 trials."""
    _write_parts(features, root / "SEED_FRA" / "French", SEED_FRA_LABELS)


def write_seed_ger(features: FeatureSet, root: Path) -> None:
    """Write SEED_GER/German: EEG and eye movement features in parts of 12 and 8 trials; the release's are not known."""
    _write_parts(features, root / "SEED_GER" / "German", SEED_GER_LABELS)


def _write_parts(features: FeatureSet, root: Path, labels: tuple[int, ...]) -> None:
    halves = {"train": slice(None, 12), "test": slice(12, None)}
    stored = tuple(label - 1 for label in labels)  # the files' -1, 0, 1
    folders = {
        "eeg": root / "02-EEG-DE-feature" / "eeg_used_4s",
        "eye": root / "04-Eye-tracking-feature" / "eye_tracking_feature",
    }
    for subject, session, trials in _experiments(features, (labels,) * 3):
        if "eeg" in features.modalities:
            blocks = [_blocks(features, rows) for rows in trials]
            content = _parts(blocks, stored, halves)
            _write(folders["eeg"] / f"{subject}_{session}.npz", partial(np.savez, **content))
        if "eye" in features.modalities:
            _write_eye_parts(features, trials, halves, folders["eye"] / f"{subject}_{session}")
    mark_simulated(*(folders[name] for name in features.modalities))


def _ratings(windows: int) -> np.ndarray:
    """How strongly an emotion is felt that builds up from the start of a clip, (W,) in 0..1."""
    return 1 - 0.6 * np.exp(-np.arange(windows) / 4)


def _experiments(features: FeatureSet, labels: Sequence[Sequence[int]]) -> Iterator[tuple[int, int, list[np.ndarray]]]:
    """Yield subject, session and the rows of each trial, checked against the published labels of each session."""
    for subject, session, rows in features.experiments():
        trials = [rows[features.trial[rows] == i] for i in range(1, len(labels[0]) + 1)]
        known = range(1, len(labels) + 1)
        if session not in known or sum(map(len, trials)) < len(rows) or not all(map(len, trials)):
            raise ValueError(
                f"expected trials 1..{len(trials)} of sessions 1..{len(labels)}, got others near "
                f"{features.place(rows[0])}"
            )
        for trial, label in zip(trials, labels[session - 1], strict=True):
            if (features.y[trial] != label).any():
                raise ValueError(f"expected the published label {label}, got another in {features.place(trial[0])}")
        yield subject, session, trials


def _need_seed_trials(features: FeatureSet) -> None:
    sessions: dict[int, list[int]] = {}
    for subject, session, trials in _experiments(features, (SEED_LABELS,) * 3):
        sessions.setdefault(subject, []).append(session)
        if tuple(map(len, trials)) != SEED_WINDOWS_4S:
            raise ValueError(f"expected SEED's windows per trial, {SEED_WINDOWS_4S}, got {tuple(map(len, trials))}")
    for subject, numbers in sessions.items():
        if sorted(numbers) != list(range(1, len(numbers) + 1)):
            raise ValueError(
                f"SEED numbers sessions by date: expected sessions 1, 2, ... of subject {subject}, got {numbers}. "
                "Simulate all sessions and choose with data.sessions when loading."
            )


def _blocks(features: FeatureSet, rows: np.ndarray) -> np.ndarray:
    """EEG features of a trial as the .mat files hold them: (62, W, 5), float64."""
    x = features.x[rows, features.modalities["eeg"]].astype(np.float64)
    return x.reshape(len(rows), len(CHANNELS), len(BANDS)).transpose(1, 0, 2)


def _eeg_variables(trials: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """All variables of a .mat of EEG features: the trials as de_LDS, and what else such files hold made from them."""
    variables = {}
    for i, smooth in enumerate(trials, 1):
        moving = uniform_filter1d(smooth, 3, axis=1, mode="nearest")
        for de, kind in ((moving, "movingAve"), (smooth, "LDS")):
            variables |= {f"de_{kind}{i}": de, f"psd_{kind}{i}": np.exp2(de) / 100}  # SEED's de is log2(100 E)
            for of in (dasm, rasm, asm, dcau):
                variables[f"{of.__name__}_{kind}{i}"] = of(de.transpose(1, 0, 2)).transpose(1, 0, 2)
    return variables


def _parts(trials: Sequence[np.ndarray], labels: Sequence[int], halves: Mapping[str, slice]) -> dict[str, object]:
    """The entries of SEED_Multimodal's EEG .npz: the trials of two parts, each a pickled dict of (n, 62) by band."""
    content = {}
    for name, half in halves.items():
        x = np.concatenate(trials[half], axis=1)
        bands = {band: np.ascontiguousarray(x[:, :, i].T) for i, band in enumerate(BANDS)}
        content[f"{name}_data"] = pickle.dumps(bands, PICKLE_PROTOCOL)
        content[f"{name}_label"] = np.repeat(labels[half], [x.shape[1] for x in trials[half]])
    return content


def _write_eye_parts(
    features: FeatureSet, trials: Sequence[np.ndarray], halves: Mapping[str, slice], path: Path
) -> None:
    """The eye movement features of SEED_Multimodal: a pickled dict of the two parts."""
    columns = [features.x[rows, features.modalities["eye"]].astype(np.float64) for rows in trials]
    parts = {f"{name}_data_eye": np.concatenate(columns[half]) for name, half in halves.items()}
    _write(path, lambda file: pickle.dump(parts, file, PICKLE_PROTOCOL))


def mark_simulated(*folders: Path) -> None:
    """Say in each folder's readme.txt, which SEED's has and other programs pass over, that its files are simulated."""
    for folder in folders:
        write_atomically(folder / README, README_TEXT)


def _write(path: Path, write: Callable[[BinaryIO], object]) -> None:
    buffer = BytesIO()
    write(buffer)
    write_atomically(path, buffer.getvalue())


WRITERS = {
    "seed": write_seed,
    "seed_v": write_seed_v,
    "seed_iv": write_seed_iv,
    "seed_vii": write_seed_vii,
    "seed_fra": write_seed_fra,
    "seed_ger": write_seed_ger,
}
