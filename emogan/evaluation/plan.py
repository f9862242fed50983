"""What a job fits: its training sets, outer and inner, and the held-out windows that each classifier predicts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from emogan.data.features import FeatureSet
from emogan.data.folds import Member
from emogan.data.scaling import MinMaxScaler, fit_scaler

INNER = ("refit", "reuse")


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Windows that a scaler, an augmenter and classifiers are fitted on, scaled: x (n, F), y (n,), trial (n,)."""

    rows: np.ndarray  # (n,) indices of the windows in the FeatureSet
    scaled_by: np.ndarray  # indices of the windows that the scaler has seen
    scaler: MinMaxScaler
    x: np.ndarray
    y: np.ndarray
    trial: np.ndarray


@dataclass(frozen=True, eq=False)
class Fit:
    """A classifier fitted on some windows of a training set, and on the artificial windows drawn for that set."""

    training_set: int
    kept: np.ndarray  # positions in the training set
    predicted: np.ndarray  # held-out windows: indices in the FeatureSet, rising


@dataclass(frozen=True, eq=False)
class Split:
    """A member's fits: the one that is tested, and those of the inner cross-validation with what each validates."""

    member: Member
    outer: int
    inner: tuple[tuple[int, np.ndarray], ...]  # index of the fit, indices of its validation windows


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything that a job fits. The first training sets are those of the splits, in their order."""

    sets: list[TrainingSet]
    fits: list[Fit]
    splits: list[Split]
    halved: int  # splits whose inner folds are halves of trials, for want of trials

    @property
    def outer_sets(self) -> list[TrainingSet]:
        """The training set of each split."""
        return self.sets[: len(self.splits)]


def inner_folds(y: np.ndarray, trial: np.ndarray, n_folds: int) -> np.ndarray:
    """Inner fold (n,) of each window: the rank of its trial among the trials of its class, modulo the folds.

    Used are ``n_folds`` or as many as the rarest class has trials, whichever is less. Where a class has a single trial
    (the low end of a learning curve) the halves of the trials are the two folds: of all choices without a look at the
    test trials the one left, and one that is easily satisfied, since windows of a trial resemble each other.

    Raises
    ------
    ValueError
        If a class is missing or a single-trial class has a single window: nothing can be held out then.
    """
    fold = np.empty(len(y), dtype=np.int64)
    _, first, number = np.unique(trial, return_index=True, return_inverse=True)
    label = np.array([np.bincount(y[number == i]).argmax() for i in range(len(first))])
    counts = np.bincount(label)
    counts = counts[counts > 0]
    if counts.min() < 2:
        return _halves(number)
    k = min(n_folds, int(counts.min()))
    for c in np.unique(label):
        trials = np.flatnonzero(label == c)
        for rank, i in enumerate(trials[np.argsort(first[trials])]):
            fold[number == i] = rank % k
    return fold


def _halves(number: np.ndarray) -> np.ndarray:
    fold = np.empty(len(number), dtype=np.int64)
    for i in range(number.max() + 1):
        windows = np.flatnonzero(number == i)
        if len(windows) < 2:
            raise ValueError(
                "choosing the classifier's parameter by inner cross-validation needs two training trials of every "
                f"class, or two windows in every trial; got one trial of a class, and {len(windows)} window in a trial"
            )
        fold[windows] = np.arange(len(windows)) * 2 // len(windows)
    return fold


def thin(features: FeatureSet, member: Member, trials_per_class: int, seed: int) -> Member:
    """Keep so many training trials of each class of each experiment, drawn at random; more trials include the fewer.

    Raises
    ------
    ValueError
        If a class of an experiment has fewer training trials.
    """
    kept = []
    for number, (subject, session, own) in enumerate(features.experiments()):
        own = np.intersect1d(own, member.train)
        for k, name in enumerate(features.class_names if len(own) else ()):
            rows = own[features.y[own] == k]
            trials = list(dict.fromkeys(features.trial[rows].tolist()))
            if len(trials) < trials_per_class:
                raise ValueError(
                    f"evaluation.trials_per_class: expected at most {len(trials)}, the training trials of {name} in "
                    f"subject {subject}, session {session}, got {trials_per_class}"
                )
            order = np.random.default_rng([seed, number, k]).permutation(len(trials))[:trials_per_class]
            kept += [rows[features.trial[rows] == trials[i]] for i in order]
    return replace(member, train=np.sort(np.concatenate(kept)))


def build(features: FeatureSet, members: Sequence[Member], *, inner: str, n_inner_folds: int, fit_on: str) -> Plan:
    """Plan the fits of the nested protocol.

    inner = "refit": scaler, augmenter and classifier are fitted anew without each inner fold, so nothing has seen what
    it is validated on. A set that several members need is fitted once: with one trial of each class per fold, the
    set without folds f and g serves the members of both. inner = "reuse": the member's scaler and augmenter stay and
    the classifier alone is fitted anew; the augmenter has then seen the windows that validate.
    """
    sets = _TrainingSets(features, fit_on)
    for number, member in enumerate(members):
        sets.add(member.train, member.test, member.test, of=number)
    splits, partial, halved = [], [], 0
    for number, member in enumerate(members):
        trial = sets.found[number].trial
        try:
            fold = inner_folds(sets.found[number].y, trial, n_inner_folds)
        except ValueError as error:
            place = f"subject {member.subject}, session {member.session}, fold {member.fold}"
            raise ValueError(f"{place}: {error}") from None
        halved += len(np.unique([trial, fold], axis=1).T) > len(np.unique(trial))
        parts = []
        for k in range(fold.max() + 1):
            kept, held_out = np.flatnonzero(fold != k), member.train[fold == k]
            if inner == "refit":
                fit = sets.add(member.train[kept], held_out, np.union1d(held_out, member.test))
            else:
                fit = len(members) + len(partial)
                partial.append(Fit(number, kept, held_out))
            parts.append((fit, held_out))
        splits.append(Split(member, number, tuple(parts)))
    whole = [
        Fit(i, np.arange(len(data.rows)), np.unique(np.concatenate(sets.predicted[i])))
        for i, data in enumerate(sets.found)
    ]
    return Plan(sets.found, whole + partial, splits, halved)


class _TrainingSets:
    """The training sets found so far; equal ones are one, but for those that belong to a member."""

    def __init__(self, features: FeatureSet, fit_on: str):
        self.features, self.fit_on, self.trials = features, fit_on, features.trial_ids()
        self.found: list[TrainingSet] = []
        self.predicted: list[list[np.ndarray]] = []  # what each must predict
        self._known: dict[tuple, int] = {}

    def add(self, rows: np.ndarray, predicted: np.ndarray, held_out: np.ndarray, of: int | None = None) -> int:
        """Index of the training set of some windows, new or known; held_out: all that the member does not train on."""
        features = self.features
        scaled_by = rows if self.fit_on == "train" else np.union1d(rows, held_out)
        key = rows.tobytes(), scaled_by.tobytes(), of
        if key not in self._known:
            self._known[key] = len(self.found)
            scaler = fit_scaler(features.x, rows, self.fit_on, held_out)
            x = scaler.transform(features.x[rows])
            self.found.append(TrainingSet(rows, scaled_by, scaler, x, features.y[rows], self.trials[rows]))
            self.predicted.append([])
        self.predicted[self._known[key]].append(predicted)
        return self._known[key]
