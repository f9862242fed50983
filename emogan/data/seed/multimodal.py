"""SEED_Multimodal: EEG and eye movement features of the 12 subjects of SEED who have both, as pickles of two parts."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emogan.data.experiments import Source, need_shape
from emogan.data.file_tree import by_name, find_folder
from emogan.data.montage import BANDS, CHANNELS
from emogan.data.readers import matlab, unpickle
from emogan.data.trials import SEED_LABELS, SEED_WINDOWS_1S, SEED_WINDOWS_4S
from emogan.wording import some

WINDOWS = {1: SEED_WINDOWS_1S, 4: SEED_WINDOWS_4S}
HALVES = {"train": slice(None, 9), "test": slice(9, None)}  # trials 1-9 and 10-15
OTHER_RELEASES = ("French", "German")  # other subjects and films, in folders of the same names


def eeg_source(root: str | os.PathLike, window_s: int) -> Source:
    """EEG features of eeg_used_{4s,1s}/{subject}_{session}.npz: four entries, two of them pickles."""
    pattern = re.compile(r"(\d+)_([123])\.npz")
    advice = ", or read the .mat files with data.eeg_source=extracted"
    folder = find_folder(root, (f"eeg_used_{window_s}s",), pattern, "1_1.npz", OTHER_RELEASES, advice)
    windows = WINDOWS[window_s]

    def read(path: Path, session: int) -> tuple[list[np.ndarray], Sequence[int]]:
        stored, parts = unpickle.load_npz(path), []
        for part, trials in HALVES.items():
            labels = entry(path, stored, f"{part}_label", np.ndarray)
            check_labels(path, f"{part}_label", labels, np.repeat(SEED_LABELS[trials], windows[trials]))
            parts.append(eeg_part(path, stored, part, sum(windows[trials])))
        return cut(path, parts, windows), SEED_LABELS

    return Source(folder, by_name(folder, pattern), read)


def eeg_part(path: Path, stored: dict, part: str, windows: int) -> np.ndarray:
    """The part "train" or "test" of a file of EEG, a dict of bands, as (windows, 310), channel-major."""
    bands = entry(path, stored, f"{part}_data", dict)
    shape = (windows, len(CHANNELS))
    columns = [need_shape(entry(path, bands, band, np.ndarray), shape, path, f"{part}_data, {band}") for band in BANDS]
    return np.stack(columns, axis=2).reshape(windows, -1)


def eye_source(root: str | os.PathLike) -> Source:
    """Eye movement features of eye_tracking_feature/{subject}_{session}, a pickle, or of the older .mat."""
    pattern = re.compile(r"(\d+)_([123])(\.mat)?")
    names = ("eye_tracking_feature", "04-Eye-tracking-feature", "eye_used")
    advice = ", which must also hold SEED_Multimodal, or use modality=eeg"
    folder = find_folder(root, names, pattern, "1_1 or 1_1.mat", OTHER_RELEASES, advice)
    windows = WINDOWS[4]

    def read(path: Path, session: int) -> tuple[list[np.ndarray], Sequence[int]]:
        stored = _eye_matlab(path) if path.suffix else unpickle.load_pickle(path)
        parts = [eye_part(path, stored, part, sum(windows[trials])) for part, trials in HALVES.items()]
        return cut(path, parts, windows), SEED_LABELS

    return Source(folder, by_name(folder, pattern), read)


def _eye_matlab(path: Path) -> dict:
    """The older variant: `cell` is a struct with the pickle's two fields, or a cell array of two matrices."""
    cell = matlab.read(path, ["cell"])["cell"]
    if not isinstance(cell, list):
        return cell
    if len(cell) != len(HALVES):
        raise ValueError(f"{path}: expected a cell array of two matrices, train and test part, got {len(cell)}")
    return dict(zip(("train_data_eye", "test_data_eye"), cell, strict=True))


def eye_part(path: Path, stored: dict, part: str, windows: int) -> np.ndarray:
    """The part "train" or "test" of a file of eye movements, (windows, F)."""
    array = entry(path, stored, f"{part}_data_eye", np.ndarray)
    return need_shape(array, (windows, "features"), path, f"{part}_data_eye (windows of 4 s)")


def cut(path: Path, parts: Sequence[np.ndarray], windows: Sequence[int]) -> list[np.ndarray]:
    """Join train and test part and cut them into trials: no file of these releases stores the trials' limits."""
    train, test = parts
    if train.shape[1] != test.shape[1]:
        raise ValueError(
            f"{path}: expected as many features in the test part as in the train part, {train.shape[1]}, "
            f"got {test.shape[1]}. Copy the file again."
        )
    return np.split(np.concatenate(parts), np.cumsum(windows)[:-1])


def entry(path: Path, stored, key: str, kind: type):
    """An entry of what a pickle held, checked to be there and of the kind expected."""
    if not isinstance(stored, dict) or key not in stored:
        got = f"only {', '.join(map(str, stored)) or 'nothing'}" if isinstance(stored, dict) else type(stored).__name__
    elif not isinstance(stored[key], kind):
        got = type(stored[key]).__name__
    else:
        return stored[key]
    raise ValueError(
        f"{path}: expected {key}, of type {kind.__name__}, got {got}. Is it a file of this release, copied whole?"
    )


def check_labels(path: Path, key: str, labels: np.ndarray, expected: Sequence[int]) -> None:
    """Compare stored labels, -1..1 or 0..2, with the published ones 0..2.

    Raises
    ------
    ValueError
        If their number or any of them differs.
    """
    labels = np.ravel(labels)
    numbers = labels.dtype.kind in "fiu" and labels.size
    if not numbers or not np.array_equal(labels + (1 if labels.min() < 0 else 0), expected):
        raise ValueError(
            f"{path}: expected {len(expected)} labels in {key} in the order of SEED's 15 films, {list(SEED_LABELS)} "
            f"(0 negative, 1 neutral, 2 positive; or -1, 0, 1), got {labels.size}: {some(labels, 15)}. Is it the file "
            "of another data set?"
        )


def need_eye_windows(name: str, modality: str, window_s: int) -> None:
    """Refuse eye movement features of another window than the releases have.

    Raises
    ------
    ValueError
        Naming the settings.
    """
    if "eye" in modality and window_s != 4:
        raise ValueError(
            f"{name}'s eye movement features exist for windows of 4 s only, got modality={modality} with "
            f"window_s={window_s}; use data.window_s=4, or modality=eeg"
        )
