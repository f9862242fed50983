"""Splits of a FeatureSet into training and test windows, always by whole trials."""

import hashlib
import logging
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from emogan.checks import at_least, one_of
from emogan.data.features import FeatureSet

log = logging.getLogger(__name__)

Pair = tuple[np.ndarray, np.ndarray]


def paper(features: FeatureSet) -> Iterator[Pair]:
    """Within each experiment, fold f holds the f-th trial of each class, in order of appearance.

    SEED: 5 folds of one trial per class. SEED-V: trials 0-4, 5-9, 10-14. SEED-IV: 6 folds of one trial per class.

    Raises
    ------
    ValueError
        If a trial has windows of several classes, or the classes of an experiment differ in their number of trials.
    """
    for subject, session, rows in features.experiments():
        of_class = _by_class(features, rows, "paper")
        counts = {name: len(found) for name, found in zip(features.class_names, of_class, strict=True)}
        if len(set(counts.values())) > 1 or len(of_class[0]) < 2:
            raise ValueError(
                f"evaluation.folds=paper expects the same number of trials, at least 2, of every class, got {counts} "
                f"in subject {subject}, session {session}. Use evaluation.folds=trials."
            )
        for held_out in zip(*of_class, strict=True):
            test = np.sort(np.concatenate(held_out))
            yield np.setdiff1d(rows, test), test


def one_of_each(features: FeatureSet) -> Iterator[Pair]:
    """Within each experiment, as many folds as its rarest class has trials; fold f holds the f-th trial of each class.

    Further trials of other classes are dealt out to the folds in turn. FACED: 3 folds of one clip of each of the nine
    emotions, the fourth neutral clip in the first. Where all classes have as many trials, it is `paper`.

    Raises
    ------
    ValueError
        If a trial has windows of several classes, or a class of an experiment has fewer than 2 trials.
    """
    for subject, session, rows in features.experiments():
        of_class = _by_class(features, rows, "one_of_each")
        if (count := min(map(len, of_class))) < 2:
            raise ValueError(
                f"evaluation.folds=one_of_each expects at least 2 trials of every class, got {count} of one in subject "
                f"{subject}, session {session}. Leave this class or this experiment out."
            )
        for f in range(count):
            test = np.sort(np.concatenate([trial for own in of_class for trial in own[f::count]]))
            yield np.setdiff1d(rows, test), test


def front_back(features: FeatureSet) -> Iterator[Pair]:
    """Train on the first 3/5 of each experiment's trials, test on the rest: the usual 9 and 6 of SEED.

    Trials are ordered by number, or by appearance where they are text; 3/5 is rounded to the nearest whole number of
    trials (SEED-IV: 14 and 10).
    """
    for subject, session, rows in features.experiments():
        in_order = _in_order(features, rows)
        if len(in_order) < 2:
            raise ValueError(
                f"evaluation.folds=front_back expects at least 2 trials in an experiment, got {len(in_order)} in "
                f"subject {subject}, session {session}"
            )
        n_train = (3 * len(in_order) + 2) // 5
        yield np.sort(np.concatenate(in_order[:n_train])), np.sort(np.concatenate(in_order[n_train:]))


def quarters(features: FeatureSet) -> Iterator[Pair]:
    """Of all sessions of a subject together, fold f tests the f-th quarter of the trials of every session.

    Trials are ordered as in `front_back`. These are SEED-VII's own four folds: clips 1-5, 6-10, 11-15 and 16-20 of each
    of its sessions, none of which shows all seven emotions.

    Raises
    ------
    ValueError
        If a session has fewer than 4 trials.
    """
    parts: dict[int | str, list[list[np.ndarray]]] = {}
    for subject, session, rows in features.experiments():
        in_order = _in_order(features, rows)
        if len(in_order) < 4:
            raise ValueError(
                f"evaluation.folds=quarters expects at least 4 trials in every session, got {len(in_order)} in subject "
                f"{subject}, session {session}. Use evaluation.folds=trials."
            )
        cuts = [k * len(in_order) // 4 for k in range(5)]
        for part, (start, stop) in zip(parts.setdefault(subject, [[], [], [], []]), pairwise(cuts), strict=True):
            part += in_order[start:stop]
    for subject, of_subject in parts.items():
        own = np.flatnonzero(features.subject == subject)
        for part in of_subject:
            test = np.sort(np.concatenate(part))
            yield np.setdiff1d(own, test), test


def random_9_3_3(features: FeatureSet, seed: int = 0) -> Iterator[Pair]:
    """Within each experiment, train on three random fifths of the trials of each class and test on another fifth.

    SEED: 9 trials and 3, SEED-IV: 16 and 4. The last fifth is what LibEER validates on, whose split
    "train-val-test" this is but for its random numbers; here it is left out, as choices are made on training trials.
    Trials that no fifth of a class takes go to the test and to the last fifth while these hold less than a fifth of all
    trials, then to training. The folds of an experiment depend on its own windows and on `seed` only.

    Raises
    ------
    ValueError
        If a trial has windows of several classes, or an experiment has fewer than 5 trials.
    """
    for subject, session, rows in features.experiments():
        of_class = _by_class(features, rows, "random_9_3_3")
        count = sum(map(len, of_class))
        if (fifth := count // 5) == 0:
            raise ValueError(
                f"evaluation.folds=random_9_3_3 expects at least 5 trials in an experiment, got {count} in "
                f"subject {subject}, session {session}. Use evaluation.folds=trials."
            )
        random = own_generator("random_9_3_3", seed, subject, session)
        train, test, left_out, others = [], [], [], []
        for own in of_class:
            own = [own[i] for i in random.permutation(len(own))]
            cuts = np.cumsum([len(own) // 5, len(own) // 5, 3 * len(own) // 5])
            for part, (start, stop) in zip(
                (test, left_out, train, others), pairwise([0, *cuts, len(own)]), strict=True
            ):
                part += own[start:stop]
        others = [others[i] for i in random.permutation(len(others))]
        to_test, stop = fifth - len(test), 2 * fifth - len(test) - len(left_out)
        yield np.sort(np.concatenate(train + others[stop:])), np.sort(np.concatenate(test + others[:to_test]))


def leave_session_out(features: FeatureSet) -> Iterator[Pair]:
    """Test each session of a subject on a training set of the subject's other sessions."""
    for subject in distinct(features.subject):
        own = features.subject == subject
        sessions = distinct(features.session[own])
        if len(sessions) < 2:
            raise ValueError(
                f"evaluation.folds=leave_session_out expects at least 2 sessions of every subject, subject {subject} "
                f"has only session {sessions[0]}. Select others with data.subjects, or other folds."
            )
        for session in sessions:
            held_out = features.session == session
            yield np.flatnonzero(own & ~held_out), np.flatnonzero(own & held_out)


def leave_subject_out(features: FeatureSet) -> Iterator[Pair]:
    """Test each subject, all sessions together, on a training set of all other subjects."""
    subjects = distinct(features.subject)
    if len(subjects) < 2:
        raise ValueError(
            f"evaluation.folds=leave_subject_out expects at least 2 subjects, got only subject {subjects[0]}. "
            "Select more with data.subjects, or other folds."
        )
    for subject in subjects:
        yield np.flatnonzero(features.subject != subject), np.flatnonzero(features.subject == subject)


def trials(features: FeatureSet, n_folds: int = 5, seed: int = 0) -> Iterator[Pair]:
    """Within each experiment, k folds grouped by trial and stratified by class, for any table.

    Scikit-learn's StratifiedGroupKFold balances numbers of windows, greedily. The folds of an experiment depend on its
    own windows and on `seed` only.

    Raises
    ------
    ValueError
        If a class of an experiment has fewer trials than there are folds.
    """
    for subject, session, rows in features.experiments():
        y, trial = features.y[rows], features.trial[rows]
        counts = {name: len(np.unique(trial[y == k])) for k, name in enumerate(features.class_names)}
        if min(counts.values()) < n_folds:
            rarest = min(counts, key=counts.get)
            advice = (
                "Set a smaller evaluation.n_folds" if counts[rarest] > 1 else
                "Test whole sessions or people, evaluation.folds=leave_session_out or leave_subject_out"
            )  # fmt: skip
            raise ValueError(
                f"evaluation.folds=trials with n_folds={n_folds} expects at least {n_folds} trials of every class, got "
                f"{counts[rarest]} of {rarest} in subject {subject}, session {session} ({counts}). "
                f"{advice}, or leave this class or this experiment out."
            )
        splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
        for train, test in splitter.split(rows[:, None], y, trial):
            yield rows[train], rows[test]


SPLITTERS = {
    "paper": paper,
    "front_back": front_back,
    "leave_session_out": leave_session_out,
    "leave_subject_out": leave_subject_out,
    "trials": trials,
    "quarters": quarters,
    "random_9_3_3": random_9_3_3,
    "one_of_each": one_of_each,
}
ACROSS_EXPERIMENTS = ("leave_session_out", "leave_subject_out", "quarters")  # one training set holds several


AUTO = "auto"  # a splitter to be chosen by `resolve`
Folds = Annotated[str, one_of((AUTO, *SPLITTERS))]
FoldCount = Annotated[int, at_least(2)]


def resolve(folds: str, features: FeatureSet) -> str:
    """The name of the splitter that a setting of `evaluation.folds` stands for with some data.

    "auto" stands for the data set's own folds, as "paper", where every experiment has them, and for "trials" with all
    other data: a table need not have equal numbers of trials of every class.
    """
    if folds != AUTO:
        return folds
    if features.own_folds:
        try:
            tuple(SPLITTERS[features.own_folds](features))
            return features.own_folds
        except ValueError as error:
            log.warning("evaluation.folds=auto stands for trials: %s", error)
    return "trials"


def own_generator(purpose: str, seed: int, subject: int | str, session: int | str) -> np.random.Generator:
    """Random numbers of one experiment, whichever others are there."""
    digest = hashlib.sha256(repr((purpose, seed, subject, session)).encode()).digest()
    return np.random.default_rng(list(digest))


def windows_of_trials(features: FeatureSet, rows: np.ndarray) -> list[np.ndarray]:
    """Window indices of each trial of an experiment, in order of appearance."""
    return [rows[features.trial[rows] == trial] for trial in distinct(features.trial[rows])]


def _by_class(features: FeatureSet, rows: np.ndarray, folds: str) -> list[list[np.ndarray]]:
    """The trials of an experiment, in order of appearance, of each class."""
    of_class: list[list[np.ndarray]] = [[] for _ in features.class_names]
    for trial in windows_of_trials(features, rows):
        of_class[label_of(features, trial, f"evaluation.folds={folds}")].append(trial)
    return of_class


def _in_order(features: FeatureSet, rows: np.ndarray) -> list[np.ndarray]:
    """As `windows_of_trials`, ordered by number where the trials have numbers."""
    found = windows_of_trials(features, rows)
    if np.issubdtype(features.trial.dtype, np.integer):
        found.sort(key=lambda trial: features.trial[trial[0]])
    return found


def label_of(features: FeatureSet, trial: np.ndarray, setting: str) -> int:
    labels = np.unique(features.y[trial])
    if len(labels) > 1:
        raise ValueError(
            f"{setting} expects one label per trial, got {len(labels)} in {features.place(trial[0])}. "
            "Use evaluation.folds=trials, without permute_labels."
        )
    return labels[0]


def distinct(values: np.ndarray) -> list:
    """Distinct values in order of appearance."""
    return list(dict.fromkeys(values.tolist()))
