"""Data sets whose people rated film clips: features of their signals, and two classes at a threshold of the ratings."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from emogan.data import table
from emogan.data.experiments import Source, choose
from emogan.data.features import FeatureSet
from emogan.data.seed.release import is_simulated
from emogan.data.table_files import some
from emogan.recordings.load import kept_files
from emogan.recordings.preprocessed import part
from emogan.recordings.time_table import Row, TimeTable

log = logging.getLogger(__name__)

Stretch = tuple[float, float, Sequence[float]]  # start and end of a trial in its signal, in seconds, and its ratings
Numbers = int | Sequence[int] | None


def load(
    name: str, source: Source, stretches: Callable[[Path, int], Iterator[Stretch]], scales: Sequence[str], *,
    kept_as: str, target: str, threshold: float, cache: str | Path, settings: Mapping, jobs: int, per_subject: bool,
    subjects: Numbers, sessions: Numbers,
) -> FeatureSet:  # fmt: skip
    """Features of all trials of the chosen people, extracted once and kept, see `emogan.recordings.load.kept_files`.

    What is kept does not depend on target and threshold: there the label of a trial is the text of its ratings.

    Parameters
    ----------
    source
        The files by person; its `read` is not used.
    stretches
        Gives the trials of a person in a file, in the order of the clips.
    scales
        What is rated, in the order of the ratings.
    kept_as
        Names the data set and all that the stretches depend on, for the cache.

    Raises
    ------
    FileNotFoundError, ValueError
        If people that were asked for are not there, a file is damaged or the threshold leaves one class alone.
    """
    rows: list[Row] = []
    numbers = ([given] if isinstance(given, int) else given for given in (subjects, sessions))
    for subject, session in choose({"eeg": source}, *numbers):
        path = source.files[subject, session]
        for clip, (start_s, end_s, ratings) in enumerate(stretches(path, subject), 1):
            label = " ".join(f"{rating:.17g}" for rating in ratings)
            place = len(rows) + 1, path, subject, session, clip
            rows.append(Row(*place, label, start_s, end_s, part(subject, clip), stimulus=clip))
    files = kept_files(source.folder, TimeTable(tuple(rows)), kept_as, cache, settings, jobs)
    name = f"{'synthetic_' if is_simulated(source.folder) else ''}{name}_{target}"
    found = table.load(files, name=name, per_subject=per_subject)
    return two_classes(found, target, scales.index(target), threshold)


def two_classes(features: FeatureSet, target: str, column: int, threshold: float) -> FeatureSet:
    """Windows labelled low or high, by a column of the ratings that their class names are.

    A trial that is rated exactly at the threshold is high.

    Raises
    ------
    ValueError
        If all trials are on one side.
    """
    rating = np.array([float(name.split()[column]) for name in features.class_names])[features.y]
    first = np.unique(features.trial_ids(), return_index=True)[1]
    y, names = (rating >= threshold).astype(np.int64), (f"low_{target}", f"high_{target}")
    low, high = np.bincount(y[first], minlength=2)
    at = np.sum(rating[first] == threshold)
    told = (
        f"{features.dataset}: {low} trials of low {target} (rated below {threshold:g}), {high} of high {target} "
        f"({threshold:g} or above, {at} of them exactly {threshold:g})"
    )
    if not low or not high:
        raise ValueError(
            f"data.threshold: expected trials on either side of it, got {told}. The ratings reach from "
            f"{rating.min():g} to {rating.max():g}."
        )
    log.info("%s", told)
    subject, side = features.subject[first], y[first]
    few = {person: min(np.bincount(side[subject == person], minlength=2)) for person in np.unique(subject).tolist()}
    if lacking := [f"{person} ({count})" for person, count in few.items() if count < 5]:
        log.info("people with fewer than 5 trials of one class, which limits evaluation.n_folds: %s", some(lacking, 20))
    return replace(features, y=y, class_names=names)
