"""Splits of a FeatureSet into training and test windows, always by whole trials."""

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Annotated

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from emogan.checks import at_least, checked, one_of
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
    for subject in _distinct(features.subject):
        own = features.subject == subject
        sessions = _distinct(features.session[own])
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
    subjects = _distinct(features.subject)
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


STIMULI = ("any", "unseen")
AUTO = "auto"  # a splitter to be chosen by `resolve`
Folds = Annotated[str, one_of((AUTO, *SPLITTERS))]
Stimuli = Annotated[str, one_of(STIMULI)]
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
    for clip in _distinct(shown):
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
        trials = _trials(features, rows)
        labels = [_label(features, trial, "evaluation.permute_labels") for trial in trials]
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
            trials = _trials(features, own[features.y[own] == k])
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
        for trial in _trials(features, own):
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


def own_generator(purpose: str, seed: int, subject: int | str, session: int | str) -> np.random.Generator:
    """Random numbers of one experiment, whichever others are there."""
    digest = hashlib.sha256(repr((purpose, seed, subject, session)).encode()).digest()
    return np.random.default_rng(list(digest))


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


def _trials(features: FeatureSet, rows: np.ndarray) -> list[np.ndarray]:
    """Window indices of each trial of an experiment, in order of appearance."""
    return [rows[features.trial[rows] == trial] for trial in _distinct(features.trial[rows])]


def _by_class(features: FeatureSet, rows: np.ndarray, folds: str) -> list[list[np.ndarray]]:
    """The trials of an experiment, in order of appearance, of each class."""
    of_class: list[list[np.ndarray]] = [[] for _ in features.class_names]
    for trial in _trials(features, rows):
        of_class[_label(features, trial, f"evaluation.folds={folds}")].append(trial)
    return of_class


def _in_order(features: FeatureSet, rows: np.ndarray) -> list[np.ndarray]:
    """As `_trials`, ordered by number where the trials have numbers."""
    found = _trials(features, rows)
    if np.issubdtype(features.trial.dtype, np.integer):
        found.sort(key=lambda trial: features.trial[trial[0]])
    return found


def _label(features: FeatureSet, trial: np.ndarray, setting: str) -> int:
    labels = np.unique(features.y[trial])
    if len(labels) > 1:
        raise ValueError(
            f"{setting} expects one label per trial, got {len(labels)} in {features.place(trial[0])}. "
            "Use evaluation.folds=trials, without permute_labels."
        )
    return labels[0]


def _distinct(values: np.ndarray) -> list:
    """Distinct values in order of appearance."""
    return list(dict.fromkeys(values.tolist()))


def _only(values: np.ndarray) -> int | str:
    """The one value of a column, or "all" if there are several."""
    distinct = _distinct(values)
    return distinct[0] if len(distinct) == 1 else "all"
