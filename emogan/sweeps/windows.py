"""windows.npz: class means of real and synthetic windows, and the windows of a job's first training set."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True, eq=False)
class Windows:
    """K classes and F features; n real and n' synthetic windows of one training set, scaled to [0, 1] on it."""

    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    eeg: slice | None  # columns
    mean_real: np.ndarray  # (K, F) in the units of the file, mean over all training sets of the job
    mean_synthetic: np.ndarray  # (K, F)
    x_real: np.ndarray  # (n, F)
    y_real: np.ndarray  # (n,)
    x_synthetic: np.ndarray  # (n', F)
    y_synthetic: np.ndarray  # (n',)
    training_set: str


def load_windows(folder: Path) -> Windows:
    """Read a job's windows.npz.

    Raises
    ------
    ValueError
        If an array is not there, needs a pickle or does not fit the others.
    """
    try:
        with np.load(folder / "windows.npz", allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        windows = Windows(
            feature_names=tuple(map(str, arrays["feature_names"])),
            class_names=tuple(map(str, arrays["class_names"])),
            eeg=slice(*map(int, arrays["eeg"])) if "eeg" in arrays else None,
            **{name: arrays[name].astype(float) for name in ("mean_real", "mean_synthetic", "x_real", "x_synthetic")},
            y_real=arrays["y_real"].astype(int),
            y_synthetic=arrays["y_synthetic"].astype(int),
            training_set=str(arrays["training_set"]),
        )
    except KeyError as error:
        raise ValueError(f"windows.npz: expected an array {error}, which is not there") from error
    except (OSError, EOFError, zipfile.BadZipFile, TypeError, ValueError) as error:
        raise ValueError(f"windows.npz cannot be read: {error}") from error
    classes, features = len(windows.class_names), len(windows.feature_names)
    for name, shape in {
        "mean_real": (classes, features), "mean_synthetic": (classes, features),
        "x_real": (len(windows.y_real), features), "x_synthetic": (len(windows.y_synthetic), features),
    }.items():  # fmt: skip
        if getattr(windows, name).shape != shape:
            raise ValueError(f"windows.npz: expected {name} of shape {shape}, got {getattr(windows, name).shape}")
    return windows
