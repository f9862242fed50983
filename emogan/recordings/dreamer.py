"""DREAMER: EEG of 23 people who watched 18 film clips and rated them; features of its signals."""

import os
import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

from emogan.checks import PositiveFloat, PositiveInt, at_least, at_most, checked, one_of
from emogan.data.experiments import Source, need_eeg
from emogan.data.features import FeatureSet, Modality
from emogan.data.file_tree import find_files
from emogan.data.readers.dreamer import SCALES, SFREQ_HZ, count, read
from emogan.recordings import rated
from emogan.recordings.preprocessed import DREAMER


@checked("data")
def load(
    root: str | os.PathLike,
    *,
    cache: str | Path,
    settings: Mapping,
    target: Annotated[str, one_of(SCALES)] = "valence",
    threshold: Annotated[float, at_least(1), at_most(5)] = 3,
    last_s: PositiveFloat | None = 60,
    jobs: PositiveInt = 1,
    per_subject: bool = False,
    modality: Modality = "eeg_eye",
    subjects: rated.Numbers = None,
    sessions: rated.Numbers = None,
) -> FeatureSet:
    """Load DREAMER from the file DREAMER.mat, or a folder at or above it.

    The features are those of the 14 EEG channels. The heart's two channels are no second modality: they are no eye
    movement features.

    Parameters
    ----------
    cache, settings, jobs, per_subject
        As of `emogan.recordings.load.load`.
    target
        What is rated: "valence", "arousal" or "dominance".
    threshold
        A trial rated so or above is high, one rated below is low.
    last_s
        How many seconds of each clip's end are taken; None takes the whole clip.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it is not DREAMER's.
    """
    need_eeg(modality, "DREAMER")
    path = _find(Path(root).expanduser().resolve())
    source = Source(path.parent, {(person, 1): path for person in range(1, count(path) + 1)})
    trials = rated.rows(source, partial(_stretches, last_s), subjects, sessions)
    return rated.load(
        f"dreamer_{target}", path.parent, trials, partial(rated.two_classes, target, SCALES.index(target), threshold),
        kept_as=f"dreamer, last {last_s} s", cache=cache, settings=settings, jobs=jobs, per_subject=per_subject,
    )  # fmt: skip


def _find(root: Path) -> Path:
    """The file itself, or the one of its name below a folder."""
    below = [path for _, path in find_files(root, re.compile(re.escape(DREAMER)))]
    found = [root] if root.is_file() and root.name == DREAMER else below
    if len(found) != 1:
        got = f"{len(found)}: {', '.join(map(str, found))}" if found else "none"
        raise (ValueError if found else FileNotFoundError)(
            f"expected data.root to be one file {DREAMER}, or a folder at or above one, got {got} at {root}"
        )
    return found[0]


def _stretches(last_s: float | None, path: Path, subject: int) -> Iterator[rated.Stretch]:
    person = read(path, subject)
    for clip, (signal, ratings) in enumerate(zip(person.signals, person.ratings.tolist(), strict=True), 1):
        end_s = signal.shape[1] / SFREQ_HZ
        yield clip, 0.0 if last_s is None else max(0.0, end_s - last_s), end_s, ratings
