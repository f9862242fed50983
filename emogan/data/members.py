"""Members: the training set and the test windows of each fold, and what becomes of them before anything is fitted."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np

from emogan.checks import checked, one_of
from emogan.data.features import FeatureSet
from emogan.data.folds import SPLITTERS, FoldCount, Pair, distinct, label_of, own_generator, windows_of_trials

STIMULI = ("any", "unseen")
Stimuli = Annotated[str, one_of(STIMULI)]


@dataclass(frozen=True, eq=False)
class Member:
    """One training set: window indices of a fold, and whose windows are tested.

    `subject` and `session` are those of the test windows, or "all" where there are several; `fold` counts from 0
    within them.
    """

    subject: int | str
    session: int | str
    fold: int
    train: np.ndarray
    test: np.ndarray

    @property
    def place(self) -> str:
        """Which training set this is, in words for messages."""
        return f"subject {self.subject}, session {self.session}, fold {self.fold}"


@checked("evaluation")
def members(
    features: FeatureSet,
    folds: Annotated[str, one_of(SPLITTERS)] = "paper",
    n_folds: FoldCount = 5,
    stimuli: Stimuli = "any",
) -> list[Member]:
    """All training sets of a job, checked, in the order of the splitter.

    Parameters
    ----------
    n_folds
        Number of folds of folds="trials", and of groups of clips where stimuli="unseen" needs them.
    stimuli
        "unseen": no training set has a window of a clip that its test set shows, see `unseen`.

    Raises
    ------
    ValueError
        If `folds` is unknown, or a fold has no test windows, shares a trial between its sides or lacks a class in
        training; if the clips of the trials are not known, with stimuli="unseen".
    """
    options = {"n_folds": n_folds} if folds == "trials" else {}
    number = features.trial_ids()
    found, counts = [], {}
    pairs = SPLITTERS[folds](features, **options)
    if stimuli == "unseen":
        pairs = (parts for train, test in pairs for parts in unseen(features, train, test, n_folds))
    for train, test in pairs:
        key = tuple(_only(column[test]) for column in (features.subject, features.session))
        counts[key] = counts.get(key, -1) + 1
        member = Member(*key, counts[key], train, test)
        _check(features, number, member)
        found.append(member)
    return found


def unseen(features: FeatureSet, train: np.ndarray, test: np.ndarray, n_folds: int) -> Iterator[Pair]:
    """The same test windows, each tested by a training set without a window of its clip.

    Where all clips of the training windows are tested (as they are if whole subjects or sessions are left out, who
    watch the same clips) the test windows are divided by clip into as many folds as `n_folds` says, or as there are
    clips of the rarest class: the r-th clip of a class is in fold r modulo their number.

    Raises
    ------
    ValueError
        If the clips of the trials are not known.
    """
    need_stimuli(features, "evaluation.stimuli=unseen")
    shown = features.stimulus
    rest = train[~np.isin(shown[train], shown[test])]
    if len(np.unique(features.y[rest])) == features.n_classes:
        yield rest, test
        return
    fold = clip_folds(features, test, n_folds)
    for k in range(fold.max() + 1):
        own = test[fold == k]
        yield train[~np.isin(shown[train], shown[own])], own


def clip_folds(features: FeatureSet, rows: np.ndarray, n_folds: int) -> np.ndarray:
    """Fold (n,) of some windows by clip: the r-th clip of each class is in fold r modulo the number of folds.

    There are `n_folds` of them, or as many as the rarest class has clips. A clip with several labels counts for the
    class that most of its windows have.
    """
    shown, y = features.stimulus[rows], features.y[rows]
    of_class: dict[int, list] = {}
    for clip in distinct(shown):
        of_class.setdefault(int(np.bincount(y[shown == clip]).argmax()), []).append(clip)
    count = min(n_folds, *map(len, of_class.values()))
    fold = {clip: r % count for clips in of_class.values() for r, clip in enumerate(clips)}
    return np.array([fold[clip] for clip in shown.tolist()])


def need_stimuli(features: FeatureSet, setting: str) -> None:
    """Refuse a setting that looks at the clips of the trials where they are not known.

    Raises
    ------
    ValueError
        Naming the setting.
    """
    if features.stimulus is None:
        raise ValueError(
            f"{setting}: expected trials whose film clips are known, got {features.dataset} without a stimulus. Add a "
            "column stimulus to the table, or name one by data.stimulus=COLUMN, with the same value for the same clip "
            "in all subjects and sessions"
        )


def permute_labels(features: FeatureSet, seed: int) -> FeatureSet:
    """Shuffle the labels over the trials of each experiment; the data set's name says so.

    What depends on the classes is then gone, and what is left of an accuracy above chance is an error of the protocol.

    Raises
    ------
    ValueError
        If a trial has windows of several classes.
    """
    y = features.y.copy()
    for subject, session, rows in features.experiments():
        random = own_generator("permute", seed, subject, session)
        trials = windows_of_trials(features, rows)
        labels = [label_of(features, trial, "evaluation.permute_labels") for trial in trials]
        for trial, other in zip(trials, random.permutation(len(trials)), strict=True):
            y[trial] = labels[other]
    return replace(features, y=y, dataset=f"{features.dataset}_permuted")


def thin(features: FeatureSet, member: Member, trials_per_class: int, seed: int) -> Member:
    """Keep a number of training trials of each class of each experiment, drawn at random.

    The trials kept for a smaller number are among those kept for a larger one.

    Raises
    ------
    ValueError
        If a class of an experiment has fewer training trials.
    """
    kept = []
    for subject, session, own in features.experiments():
        own = np.intersect1d(own, member.train)
        random = own_generator("thin", seed, subject, session)
        for k, name in enumerate(features.class_names if len(own) else ()):
            trials = windows_of_trials(features, own[features.y[own] == k])
            if len(trials) < trials_per_class:
                raise ValueError(
                    f"evaluation.trials_per_class: expected at most {len(trials)}, the training trials of {name} in "
                    f"subject {subject}, session {session}, got {trials_per_class}"
                )
            kept += [trials[i] for i in random.permutation(len(trials))[:trials_per_class]]
    return replace(member, train=np.sort(np.concatenate(kept)))


def validation_windows(features: FeatureSet, member: Member, trials: int | float, seed: int = 0) -> np.ndarray:
    """Windows of whole training trials of a member that are kept from training, to validate on; rising.

    They are drawn at random among the training trials of each class of each experiment, whatever others are there. A
    trial with windows of several classes counts for the class that most of its windows have.

    Parameters
    ----------
    trials
        How many of each class, at least 1; or which share of them, between 0 and 1: that is rounded, and 1 at least.

    Raises
    ------
    ValueError
        If no training trial of a class would be left in an experiment.
    """
    held_out = []
    for subject, session, own in features.experiments():
        own = np.intersect1d(own, member.train)
        random = own_generator("validation", seed, subject, session)
        of_class: dict[int, list[np.ndarray]] = {}
        for trial in windows_of_trials(features, own):
            of_class.setdefault(int(np.bincount(features.y[trial]).argmax()), []).append(trial)
        for k, found in sorted(of_class.items()):
            wanted = trials if isinstance(trials, int) else max(round(trials * len(found)), 1)
            if wanted >= len(found):
                raise ValueError(
                    f"validation={trials}: expected to leave a training trial of every class, got {len(found)} of "
                    f"{features.class_names[k]} in {member.place}, of which {wanted} would validate. Hold out "
                    "fewer, or take folds with more training trials."
                )
            held_out += [found[i] for i in random.permutation(len(found))[:wanted]]
    return np.sort(np.concatenate(held_out))


def _check(features: FeatureSet, number: np.ndarray, member: Member) -> None:
    place = member.place
    if not len(member.test):
        raise ValueError(f"expected test windows in every fold, got none in {place}. Use fewer folds.")
    both = np.intersect1d(number[member.train], number[member.test])
    if both.size:  # covers windows on both sides too
        row = int(np.flatnonzero(number == both[0])[0])
        raise ValueError(f"expected every trial on one side, got {features.place(row)} in training and test of {place}")
    counts = np.bincount(features.y[member.train], minlength=features.n_classes)
    if (counts == 0).any():
        missing = [name for name, count in zip(features.class_names, counts, strict=True) if count == 0]
        raise ValueError(
            f"expected windows of every class in training, got none of {', '.join(missing)} in the training set whose "
            f"test windows are of {place}. Use other folds, or leave out this class or the experiments that lack it."
        )


def _only(values: np.ndarray) -> int | str:
    """The one value of a column, or "all" if there are several."""
    found = distinct(values)
    return found[0] if len(found) == 1 else "all"
