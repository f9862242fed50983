"""AMIGOS: EEG of 40 people who watched 16 short film clips and rated them; features of its preprocessed signals."""

import logging
import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

from emogan.checks import OneToNine, PositiveInt, checked, one_of
from emogan.data.experiments import Source, need_eeg
from emogan.data.features import FeatureSet, Modality
from emogan.data.file_tree import find_folder, numbered, person_files
from emogan.data.readers.amigos import BASELINE_S, NAME, SCALES, SFREQ_HZ, UNSOUND, read
from emogan.recordings import rated
from emogan.wording import some

log = logging.getLogger(__name__)


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
    """Load AMIGOS from a folder at, above or inside that of its preprocessed files, which may have any name.

    The features are those of the 14 EEG channels in each short clip, without the 5 s before. Clips that a person did
    not watch or rate are no trials. Seven people whose trials others leave out too are taken only if asked for.

    Parameters
    ----------
    cache, settings, jobs, per_subject
        As of `emogan.recordings.load.load`.
    target
        What is rated: "valence", "arousal", "dominance", "liking" or "familiarity".
    threshold
        A trial rated so or above is high, one rated below is low.

    Raises
    ------
    FileNotFoundError, ValueError
        If the folder, a file or a part of one is missing or is not what AMIGOS has there.
    """
    need_eeg(modality, "AMIGOS")
    folder = find_folder(root, ("data_preprocessed",), NAME, "Data_Preprocessed_P01.mat", any_name=True)
    files = numbered((int(match[1]), 1, path) for match, path in person_files(folder, NAME))
    if subjects is None and (unsound := sorted(subject for subject, _ in files if subject in UNSOUND)):
        log.warning("left out people whose trials are not all sound: %s. Ask for them by data.subjects", some(unsound))
        files = {place: path for place, path in files.items() if place[0] not in UNSOUND}
    return rated.load(
        f"amigos_{target}", folder, rated.rows(Source(folder, files), _stretches, subjects, sessions),
        partial(rated.two_classes, target, SCALES.index(target), threshold), kept_as="amigos", cache=cache,
        settings=settings, jobs=jobs, per_subject=per_subject,
    )  # fmt: skip


def _stretches(path: Path, subject: int) -> Iterator[rated.Stretch]:
    person = read(path)
    for clip, signal in person.signals.items():
        yield clip, BASELINE_S, signal.shape[1] / SFREQ_HZ, person.ratings[clip].tolist()
