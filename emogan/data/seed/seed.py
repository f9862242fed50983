"""SEED: three classes, 15 subjects, 15 film clips a session, with or without the eye movements of SEED_Multimodal."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import numpy as np

from emogan.checks import checked, one_of
from emogan.data.experiments import Numbers, Source, eeg_rows, feature_set, sources
from emogan.data.features import FeatureSet, Modality
from emogan.data.file_tree import DATED, find_folder, session_folders
from emogan.data.readers import matlab
from emogan.data.seed import multimodal
from emogan.data.seed.multimodal import WINDOWS, check_labels, need_eye_windows
from emogan.data.seed.sessions import by_date
from emogan.data.trials import SEED_CLASSES, SEED_LABELS

FEATURES = ("de_LDS", "de_movingAve", "psd_LDS", "psd_movingAve")  # those of the files with 62 channels x 5 bands
Feature = Annotated[str, one_of(FEATURES)]


@checked("data")
def load(
    root: str | os.PathLike,
    *,
    feature: Feature = "de_LDS",
    window_s: Annotated[int, one_of(WINDOWS)] = 4,
    eeg_source: Literal["extracted", "multimodal"] = "extracted",
    modality: Modality = "eeg_eye",
    subjects: Numbers = None,
    sessions: Numbers = None,
) -> FeatureSet:
    """Load SEED from a folder at, above or inside its release.

    Parameters
    ----------
    feature
        One of `FEATURES`: differential entropy or power, smoothed by a linear dynamic system or a moving average.
    window_s
        4 or 1. Eye movement features exist at 4 s only.
    eeg_source
        "extracted": ExtractedFeatures_{4s,1s}/ or ExtractedFeatures/, 15 subjects, sessions by SEED's dates, by the
        order of a subject's three dates or by folders 1, 2, 3. "multimodal": eeg_used_{4s,1s}/ of SEED_Multimodal,
        the 12 subjects with eye movements, differential entropy only.

    Raises
    ------
    FileNotFoundError, ValueError
        If the folder, a file or a part of one is missing or is not what SEED has there.
    """
    if eeg_source == "multimodal" and feature != "de_LDS":
        raise ValueError(
            f"SEED_Multimodal's .npz files hold one kind of feature, DE, got feature={feature}; use "
            "data.feature=de_LDS, or data.eeg_source=extracted"
        )
    need_eye_windows("SEED", modality, window_s)
    eeg = partial(multimodal.eeg_source, root, window_s)
    if eeg_source == "extracted":
        eeg = partial(_extracted, root, feature, window_s)
    eye = partial(multimodal.eye_source, root)
    found = sources(modality, eeg=eeg, eye=eye)
    return feature_set("seed", SEED_CLASSES, found, subjects, sessions, same_clips=True)


def _extracted(root: str | os.PathLike, feature: str, window_s: int) -> Source:
    name = f"ExtractedFeatures_{window_s}s"
    find = partial(find_folder, root, pattern=DATED, example="1_20131027.mat")
    try:
        folder = find((name,))
    except FileNotFoundError:  # releases before the 4 s features have the 1 s ones in a folder without suffix
        advice = (
            f", set data.window_s={5 - window_s} if it has no features of {window_s} s, or read the .npz files of "
            "SEED_Multimodal with data.eeg_source=multimodal"
        )
        folder = find((name, "ExtractedFeatures"), advice=advice)
    for path in (place / "label.mat" for place in (folder, *session_folders(folder).values())):
        if path.is_file():
            check_labels(path, "label", matlab.read(path, ["label"])["label"], SEED_LABELS)
    keys = [f"{feature}{i}" for i in range(1, len(SEED_LABELS) + 1)]

    def read(path: Path, session: int) -> tuple[list[np.ndarray], Sequence[int]]:
        arrays = matlab.read(path, keys)
        trials = [eeg_rows(arrays[key], path, key) for key in keys]
        _check_windows([len(x) for x in trials], window_s, path)
        return trials, SEED_LABELS

    files, unclear = by_date(folder)
    return Source(folder, files, read, unclear)


def _check_windows(counts: Sequence[int], window_s: int, path: Path) -> None:
    if tuple(counts) == WINDOWS[window_s]:
        return
    trial = next(i for i, pair in enumerate(zip(counts, WINDOWS[window_s], strict=True)) if pair[0] != pair[1])
    other = next((seconds for seconds, windows in WINDOWS.items() if windows == tuple(counts)), None)
    advice = "The films are the same for everyone: is the file whole? Features of your own go through data=features."
    if other:
        advice = f"These are the {other} s features: set data.window_s={other}, or use ExtractedFeatures_{window_s}s."
    raise ValueError(
        f"{path}: expected {WINDOWS[window_s][trial]} windows of {window_s} s in trial {trial + 1}, "
        f"got {counts[trial]}. {advice}"
    )
