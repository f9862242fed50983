"""DEAP: EEG of 32 people who watched 40 music videos and rated them; features of its preprocessed signals."""

import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

from emogan.checks import OneToNine, PositiveInt, checked, one_of
from emogan.data.experiments import Source, need_eeg
from emogan.data.features import FeatureSet, Modality
from emogan.data.file_tree import find_folder, numbered, person_files
from emogan.data.readers.deap import BASELINE_S, CLIP_S, NAME, SCALES, read
from emogan.recordings import rated

FOLDERS = ("data_preprocessed_python", "data_preprocessed_matlab")


@checked("data")
def load(
    root: str | os.PathLike,
    *,
    cache: str | Path,
    settings: Mapping,
    target: Annotated[str, one_of(SCALES)] = "valence",
    threshold: OneToNine = 5,
    jobs: PositiveInt = 1,
    per_subject: bool = False,
    modality: Modality = "eeg_eye",
    subjects: rated.Numbers = None,
    sessions: rated.Numbers = None,
) -> FeatureSet:
    """Load DEAP from a folder at, above or inside that of its preprocessed files.

    The features are those of the 32 EEG channels in the 60 s of each video, without the 3 s before. The other channels
    are no second modality: EOG, muscles, skin, breath and pulse are no eye movement features. DEAP's preprocessing let
    4 to 45 Hz through, so that the delta band is mostly noise.

    Parameters
    ----------
    cache, settings, jobs, per_subject
        As of `emogan.recordings.load.load`.
    target
        What is rated: "valence", "arousal", "dominance" or "liking".
    threshold
        A trial rated so or above is high, one rated below is low.

    Raises
    ------
    FileNotFoundError, ValueError
        If the folder, a file or a part of one is missing or is not what DEAP has there.
    """
    need_eeg(modality, "DEAP")
    folder = find_folder(root, FOLDERS, NAME, "s01.dat", any_name=True)
    source = Source(folder, numbered((int(match[1]), 1, path) for match, path in person_files(folder, NAME)))
    return rated.load(
        f"deap_{target}", folder, rated.rows(source, _stretches, subjects, sessions),
        partial(rated.two_classes, target, SCALES.index(target), threshold), kept_as="deap", cache=cache,
        settings=settings, jobs=jobs, per_subject=per_subject,
    )  # fmt: skip


def _stretches(path: Path, subject: int) -> Iterator[rated.Stretch]:
    for clip, ratings in enumerate(read(path).ratings.tolist(), 1):
        yield clip, BASELINE_S, BASELINE_S + CLIP_S, ratings
