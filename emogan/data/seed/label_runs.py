"""Releases of two parts, SEED-FRA's and SEED-GER's, whose labels alone tell where a trial ends."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, groupby
from pathlib import Path

import numpy as np

from emogan.data.experiments import Numbers, Source, feature_set, sources
from emogan.data.features import FeatureSet
from emogan.data.file_tree import by_name, find_folder
from emogan.data.readers import unpickle
from emogan.data.seed.multimodal import cut, eeg_part, entry, eye_part, need_eye_windows
from emogan.data.trials import SEED_CLASSES
from emogan.wording import some

PARTS = ("train", "test")
EEG_NAME = re.compile(r"(\d+)_([123])\.npz")
EYE_NAME = re.compile(r"(\d+)_([123])")


@dataclass(frozen=True)
class Release:
    """The 20 or 21 clips that every session of a release shows, and which folders hold other releases.

    `longest_s` bounds the clips, by number from 1, whose durations are presumed.
    """

    kind: str
    name: str
    skip: tuple[str, ...]
    labels: tuple[int, ...]
    seconds: tuple[int, ...]
    own_folds: str | None
    longest_s: Mapping[int, int] = field(default_factory=dict)

    def windows(self, window_s: int) -> np.ndarray:
        """Fewest, expected and most windows of each clip (3, clips): a duration in whole seconds may be one off."""
        expected = np.array(self.seconds) // window_s
        bounds = np.stack([expected - 1, expected, expected + 1])
        for clip, longest in self.longest_s.items():
            bounds[[0, 2], clip - 1] = 1, longest // window_s
        return bounds


def load(
    release: Release, root: str | os.PathLike, window_s: int, modality: str,
    subjects: Numbers, sessions: Numbers,
) -> FeatureSet:  # fmt: skip
    """Load a release from a folder at, above or inside it."""
    need_eye_windows(release.name, modality, window_s)
    found = sources(
        modality, eeg=partial(_eeg_source, release, root, window_s), eye=partial(_eye_source, release, root)
    )  # fmt: skip
    return feature_set(
        release.kind, SEED_CLASSES, found, subjects, sessions, same_clips=True, own_folds=release.own_folds
    )  # fmt: skip


def _eeg_source(release: Release, root: str | os.PathLike, window_s: int, advice: str = "") -> Source:
    folder = find_folder(root, (f"eeg_used_{window_s}s",), EEG_NAME, "1_1.npz", release.skip, advice)

    def read(path: Path, session: int) -> tuple[list[np.ndarray], Sequence[int]]:
        stored = unpickle.load_npz(path)
        windows, totals = trial_windows(path, stored, release, window_s)
        parts = [eeg_part(path, stored, part, total) for part, total in zip(PARTS, totals, strict=True)]
        return cut(path, parts, windows), release.labels

    return Source(folder, by_name(folder, EEG_NAME), read)


def _eye_source(release: Release, root: str | os.PathLike) -> Source:
    names = ("eye_tracking_feature", "04-Eye-tracking-feature", "04-Eye-tracking-features")
    folder = find_folder(root, names, EYE_NAME, "1_1", release.skip)
    advice = ", which must hold the EEG too: only its files say, by their labels, where a trial ends"
    labelled = _eeg_source(release, root, 4, advice).files

    def read(path: Path, session: int) -> tuple[list[np.ndarray], Sequence[int]]:
        experiment = int(path.name.split("_")[0]), session
        if experiment not in labelled:
            raise ValueError(
                f"{path}: expected {path.name}.npz in eeg_used_4s, whose labels say where a trial ends, found none. "
                "Copy it, or leave this experiment out."
            )
        source = labelled[experiment]
        windows, totals = trial_windows(source, unpickle.load_npz(source), release, 4)
        stored = unpickle.load_pickle(path)
        parts = [eye_part(path, stored, part, total) for part, total in zip(PARTS, totals, strict=True)]
        return cut(path, parts, windows), release.labels

    return Source(folder, by_name(folder, EYE_NAME), read)


def trial_windows(path: Path, stored: dict, release: Release, window_s: int) -> tuple[list[int], list[int]]:
    """Windows of each trial, and of the train and the test part of a file of EEG.

    A run of equal labels is one trial, or several clips of one class in a row, cut by their durations.

    Raises
    ------
    ValueError
        If the labels are not in the order of the release's clips, or a run is longer or shorter than its clips.
    """
    labels = [np.ravel(entry(path, stored, f"{part}_label", np.ndarray)) for part in PARTS]
    runs = [[(label, len(list(run))) for label, run in groupby(part.tolist())] for part in labels]
    clips_of_runs = _clips([label for label, _ in runs[0]], [label for label, _ in runs[1]], release)
    if clips_of_runs is None:
        raise ValueError(
            f"{path}: expected labels in the order of {release.name}'s {len(release.labels)} clips, "
            f"{list(release.labels)} (0 negative, 1 neutral, 2 positive; or -1, 0, 1), got, without repeats, "
            f"{some([label for part in runs for label, _ in part], 30)}. Is it the file of another data set?"
        )
    fewest, expected, most = release.windows(window_s)
    windows = expected.copy()
    for clips, (_, length) in zip(clips_of_runs, chain(*runs), strict=True):
        if not fewest[clips].sum() <= length <= most[clips].sum():
            numbers = " and ".join(str(clip + 1) for clip in clips)
            raise ValueError(
                f"{path}: expected {fewest[clips].sum()} to {most[clips].sum()} windows of {window_s} s of clip "
                f"{numbers}, got {length}. Is it a file of {release.name}, copied whole?"
            )
        loose = max(clips, key=lambda clip: most[clip] - fewest[clip])  # takes up the difference to the durations
        windows[loose] += length - expected[clips].sum()
    return windows.tolist(), [len(part) for part in labels]


def _clips(train: Sequence, test: Sequence, release: Release) -> list[list[int]] | None:
    """The clips, from 0, of each run of equal labels in the two parts; None if no division of the clips gives them."""
    for first in (0, -1):  # 0..2 or -1..1
        labels = [label + first for label in release.labels]
        for stop in range(1, len(labels)):
            halves = range(stop), range(stop, len(labels))
            runs = [[list(clips) for _, clips in groupby(half, labels.__getitem__)] for half in halves]
            if [[labels[clips[0]] for clips in half] for half in runs] == [train, test]:
                return [*runs[0], *runs[1]]
    return None
