"""Data sets whose people rated film clips: features of their signals, and two classes at a threshold of the ratings."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from emogan.data import table
from emogan.data.experiments import Numbers, Source, as_list, choose
from emogan.data.features import FeatureSet
from emogan.data.file_tree import is_simulated
from emogan.recordings.events_table import EventsTable, Row
from emogan.recordings.load import kept_files
from emogan.recordings.preprocessed import part
from emogan.wording import some

log = logging.getLogger(__name__)

# The clip of a trial, its start and end in its signal, in s, and its ratings
Stretch = tuple[int, float, float, Sequence[float]]


def rows(
    source: Source, stretches: Callable[[Path, int], Iterator[Stretch]], subjects: Numbers, sessions: Numbers
) -> list[Row]:  # fmt: skip
    """The trials of the chosen people, each in a part of their file.

    Parameters
    ----------
    source
        The files by person.
    stretches
        Gives the trials of a person in a file.

    Raises
    ------
    FileNotFoundError, ValueError
        If people that were asked for are not there, or a file is damaged.
    """
    found: list[Row] = []
    for subject, session in choose({"eeg": source}, as_list(subjects), as_list(sessions)):
        path = source.files[subject, session]
        for clip, start_s, end_s, ratings in stretches(path, subject):
            place = len(found) + 1, path, subject, session, clip
            found.append(Row(*place, text(ratings), start_s, end_s, part(subject, clip), stimulus=clip))
    return found


def text(ratings: Sequence[float]) -> str:
    """The label of a trial, where its features are kept: they do not depend on target and threshold."""
    return " ".join(f"{rating:.17g}" for rating in ratings)


def load(
    name: str, folder: Path, trials: Sequence[Row], relabel: Callable[[FeatureSet], FeatureSet], *, kept_as: str,
    cache: str | Path, settings: Mapping, jobs: int, per_subject: bool,
) -> FeatureSet:  # fmt: skip
    """Features of trials, extracted once and kept, see `emogan.recordings.load.kept_files`.

    Parameters
    ----------
    trials
        Rows whose labels are `text` of the ratings.
    relabel
        Replaces the classes of the windows. Before it, each class is one combination of ratings, as `text` writes it.
    kept_as
        Names the data set and all that the trials depend on, for the cache.

    Raises
    ------
    ValueError
        If a file is damaged or the threshold leaves one class alone.
    """
    files = kept_files(folder, EventsTable(tuple(trials)), kept_as, cache, settings, jobs)
    name = f"{'synthetic_' if is_simulated(folder) else ''}{name}"
    return relabel(table.load(files, name=name, per_subject=per_subject))


def two_classes(target: str, column: int, threshold: float, features: FeatureSet) -> FeatureSet:
    """Windows labelled low or high by one of their ratings, which the names of their present classes hold.

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
    summary = (
        f"{features.dataset}: {low} trials of low {target} (rated below {threshold:g}), {high} of high {target} "
        f"({threshold:g} or above, {at} of them exactly {threshold:g})"
    )
    if not low or not high:
        raise ValueError(
            f"data.threshold: expected trials on either side of it, got {summary}. The ratings reach from "
            f"{rating.min():g} to {rating.max():g}."
        )
    log.info("%s", summary)
    return relabelled(features, y, names)


def relabelled(features: FeatureSet, y: np.ndarray, names: Sequence[str]) -> FeatureSet:
    """Windows with other classes; tells which people have few trials of one."""
    first = np.unique(features.trial_ids(), return_index=True)[1]
    subject, label = features.subject[first], y[first]
    people = np.unique(subject).tolist()
    few = {person: min(np.bincount(label[subject == person], minlength=len(names))) for person in people}
    if lacking := [f"{person} ({count})" for person, count in few.items() if count < 5]:
        log.info("people with fewer than 5 trials of one class, which limits evaluation.n_folds: %s", some(lacking, 20))
    return replace(features, y=y, class_names=tuple(names))
