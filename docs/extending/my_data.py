"""Reads NAME.npz, one person each: eeg and eye (trials, windows, features) and label (trials,)."""

from pathlib import Path

import numpy as np

from emogan.data.features import FeatureSet, concatenate


def load(root: str, modality: str, subjects: list[str] | None = None) -> FeatureSet:
    """People in a folder, all or those with these names; modality is eeg, eye or eeg_eye."""
    kinds, parts = modality.split("_"), []
    for path in sorted(Path(root).glob("*.npz")):
        if subjects is not None and path.stem not in subjects:
            continue
        file = np.load(path)
        x = np.concatenate([file[kind] for kind in kinds], axis=-1)
        trial = np.repeat(np.arange(len(x)), x.shape[1])
        columns = {"y": file["label"][trial], "trial": trial, "session": np.ones_like(trial)}
        parts.append({"x": x.reshape(len(trial), -1), "subject": np.full(len(trial), path.stem), **columns})
    if not parts:
        raise FileNotFoundError(f"data.root: expected a folder with NAME.npz of these people, got {root}")
    ends = np.cumsum([0] + [file[kind].shape[-1] for kind in kinds])
    return FeatureSet(
        **concatenate(parts), class_names=["calm", "afraid"], dataset="mine",
        feature_names=[f"feature_{i}" for i in range(x.shape[-1])],
        modalities={kind: slice(ends[i], ends[i + 1]) for i, kind in enumerate(kinds)},
    )  # fmt: skip
