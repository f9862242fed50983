"""What a job fits: its training sets, outer and inner, and the held-out windows that each classifier predicts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from torch import Tensor

from emogan.data.donors import Donors, Learned, Pools
from emogan.data.features import FeatureSet
from emogan.data.members import Member, clip_folds
from emogan.data.scaling import scaling_windows
from emogan.data.training_set import TrainingSet
from emogan.evaluation.vote import majority

INNER = ("refit", "reuse")


@dataclass(frozen=True, eq=False)
class Fit:
    """A classifier fitted on some windows of a training set, and on the synthetic windows drawn for that set.

    An inner fold is fitted with as many synthetic windows for each real one as the splits that it chooses for: with
    the same number, they would have twice the weight where half of the trials are held out, and the parameter chosen
    there would not fit the whole.
    """

    training_set: int
    kept: np.ndarray  # positions in the training set
    predicted: np.ndarray  # held-out windows: indices in the FeatureSet, rising
    share: float  # of n_aug that it is fitted with: its real windows over those of the splits that it chooses for

    def appended(self, n_aug: int) -> int:
        """Synthetic windows that it is fitted with."""
        return round(n_aug * self.share)


@dataclass(frozen=True, eq=False)
class Split:
    """A member, its fits, and what each fit of its inner cross-validation validates."""

    member: Member
    fit: int  # index of the fit to all of its training windows, which is tested
    inner: tuple[tuple[int, np.ndarray], ...]  # index of the fit, indices of its validation windows


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything that a job fits; training sets and fits may serve several splits."""

    sets: list[TrainingSet]
    fits: list[Fit]
    splits: list[Split]
    halved: int  # splits with a class of a single training trial: their inner folds are halves of trials
    clips_shared: int = 0  # splits whose inner folds validate on clips that they train on, in spite of stimuli=unseen
    donors: Donors | None = None
    learned: list[Learned] | None = None  # of each training set, what an augmenter learns from instead, if donors

    @cached_property
    def poolable(self) -> list[list[int]]:
        """For each split, the splits that have not seen its test windows, itself among them: indices.

        A split has also seen those that its augmenters learned from through donors.
        """
        seen = np.zeros((len(self.splits), 1 + max(split.member.test.max() for split in self.splits)), dtype=bool)
        for windows, split in zip(seen, self.splits, strict=True):
            sets = {self.fits[fit].training_set for fit in (split.fit, *(fit for fit, _ in split.inner))}
            for rows in (split.member.train, *(self.learning_sets[i].rows for i in sets)):
                windows[rows[rows < len(windows)]] = True
        return [np.flatnonzero(~seen[:, split.member.test].any(axis=1)).tolist() for split in self.splits]

    @property
    def of_splits(self) -> list[int]:
        """Index of the training set of each split."""
        return [self.fits[split.fit].training_set for split in self.splits]

    @property
    def learning_sets(self) -> list[TrainingSet]:
        """What an augmenter is fitted to for each training set: itself, or the windows of its donors."""
        return self.sets if self.learned is None else [one.data for one in self.learned]

    def noise_key(self, i: int, key: str) -> str:
        """What a training set's noise is drawn from, given its fit's key: targets may share a fit, but no noise."""
        return key if self.learned is None else f"{key} {self.sets[i].fingerprint}"

    def adapt(self, synthetic: Tensor) -> np.ndarray:
        """Windows (M, n, F), as an augmenter of the `learning_sets` draws them, in the units of the training sets."""
        if self.learned is None:
            return synthetic.numpy()
        return np.stack([one.adapt(drawn) for one, drawn in zip(self.learned, synthetic.numpy(), strict=True)])

    @property
    def outer_sets(self) -> list[TrainingSet]:
        """The training set of each split."""
        return [self.sets[i] for i in self.of_splits]


def inner_folds(
    features: FeatureSet, member: Member, n_folds: int, stimuli: str = "any"
) -> tuple[list[tuple[np.ndarray, np.ndarray]], bool]:
    """Positions of each inner fold's training and validation windows, and whether folds are halves of trials.

    Inner folds hold out what the outer fold holds out: whole subjects, else whole sessions, where the test windows are
    of others and there are two of them at least; else whole trials. The r-th unit (of a class, for trials) is in fold r
    modulo the number of folds, ``n_folds`` or as many as there are units (of the rarest class). Where a class has a
    single training trial (the low end of a learning curve) the halves of the trials are the two folds: of all choices
    without a look at the test trials the one left, and easily satisfied, since windows of a trial resemble each other.

    With stimuli="unseen" no inner fold validates on a clip that it trains on. Where the training windows show too few
    clips for that, as with a single one of a class, the inner folds are those of "any".

    Raises
    ------
    ValueError
        If some training set would lack a class.
    """
    y, trial = features.y[member.train], features.trial_ids()[member.train]
    for unit in (features.subject, features.experiment_ids()):
        if not np.isin(unit[member.train], unit[member.test]).any():
            pairs = _pairs(features, member.train, _in_turn(unit[member.train], n_folds), stimuli)
            if len(pairs) > 1 and not _lacking(y, pairs, features):
                return pairs, False
    fold = np.empty(len(y), dtype=np.int64)
    label = _majority(y, trial)
    counts = {features.class_names[k]: len(np.unique(trial[label == k])) for k in np.unique(label)}
    if halved := min(counts.values()) < 2:
        for one in np.unique(trial):
            windows = np.flatnonzero(trial == one)
            fold[windows] = np.arange(len(windows)) * 2 // len(windows)
    else:
        for k in np.unique(label):
            fold[label == k] = _in_turn(trial[label == k], min(n_folds, *counts.values()))
    pairs = _pairs(features, member.train, fold, stimuli)
    lacking = _lacking(y, pairs, features)
    if lacking and stimuli == "unseen":
        return inner_folds(features, member, n_folds)
    if lacking:
        raise ValueError(
            "choosing the classifier's parameter by inner cross-validation needs windows of every class in every inner "
            f"training set, and one has none of {', '.join(lacking)}. It takes two training trials of every class, or "
            f"two windows in every trial; got training trials {counts}"
        )
    return pairs, halved


def _pairs(
    features: FeatureSet, rows: np.ndarray, fold: np.ndarray, stimuli: str
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Positions that each fold trains on and validates."""
    folds = range(fold.max() + 1)
    pairs = [(fold != k, fold == k) for k in folds]
    if stimuli == "unseen":
        shown = features.stimulus[rows]
        if _share(shown, pairs):
            clips = clip_folds(features, rows, len(folds))
            ofs = [clips == k % (clips.max() + 1) for k in folds]
            pairs = [(trained & ~own, validated & own) for (trained, validated), own in zip(pairs, ofs, strict=True)]
    return [(np.flatnonzero(trained), np.flatnonzero(validated)) for trained, validated in pairs]


def _share(shown: np.ndarray, pairs: list[tuple[np.ndarray, np.ndarray]]) -> bool:
    """Whether a fold trains on a clip that it validates."""
    return any(np.isin(shown[trained], shown[validated]).any() for trained, validated in pairs)


def _in_turn(unit: np.ndarray, n_folds: int) -> np.ndarray:
    """Fold (n,) of each window: the rank of its unit, by appearance, modulo the folds (or the units, if fewer)."""
    rank, units = pd.factorize(unit)
    return rank % min(n_folds, len(units))


def _majority(y: np.ndarray, trial: np.ndarray) -> np.ndarray:
    """The most frequent label (n,) of each window's trial."""
    return majority(y, trial)[np.unique(trial, return_inverse=True)[1]]


def _lacking(y: np.ndarray, pairs: list[tuple[np.ndarray, np.ndarray]], features: FeatureSet) -> list[str]:
    """Classes that the training set of some inner fold lacks; all of them if one has nothing to validate on."""
    present = set.intersection(*(set(y[trained].tolist() if len(held_out) else ()) for trained, held_out in pairs))
    return [name for k, name in enumerate(features.class_names) if k not in present]


def build(
    features: FeatureSet,
    members: Sequence[Member],
    *,
    inner: str,
    n_inner_folds: int,
    fit_on: str,
    stimuli: str = "any",
    donors: Donors | None = None,
) -> Plan:
    """Plan the fits of the nested protocol.

    inner = "refit": scaler, augmenter and classifier are fitted anew without each inner fold, so nothing has seen what
    it is validated on. A set that several members need is fitted once: with one trial of each class per fold, the
    set without folds f and g serves the members of both. inner = "reuse": the member's scaler and augmenter stay and
    the classifier alone is fitted anew; the augmenter has then seen the windows that validate.

    With donors, augmenters learn from their windows in place of a training set; members are then within an experiment.
    """
    if donors and inner == "reuse":
        raise ValueError(
            "evaluation.inner: expected refit, as donors of a whole training set may show the clips that validate, got "
            "reuse"
        )
    sets = _TrainingSets(features, fit_on, donors)
    outer = [sets.add(member.train, member.test, member.test, of=number) for number, member in enumerate(members)]
    splits, partial, n_halved, n_shared = [], [], 0, 0
    for number, member in enumerate(members):
        try:
            pairs, halved = inner_folds(features, member, n_inner_folds, stimuli)
        except ValueError as error:
            raise ValueError(f"{member.place}: {error}") from None
        n_halved += halved
        n_shared += stimuli == "unseen" and _share(features.stimulus[member.train], pairs)
        parts = []
        for kept, validated in pairs:
            held_out = member.train[validated]
            if inner == "refit":
                fit = sets.add(member.train[kept], held_out, member.test)
            else:
                fit = len(sets.found) + len(partial)
                partial.append((outer[number], kept, held_out))
            parts.append((fit, held_out))
        splits.append(Split(member, outer[number], tuple(parts)))
    whole = [
        (i, np.arange(len(data.rows)), np.unique(np.concatenate(sets.predicted[i])))
        for i, data in enumerate(sets.found)
    ]
    serves: list[list[int]] = [[] for _ in whole + partial]  # training windows of the splits that each fit chooses for
    for split in splits:
        for fit in (split.fit, *(fit for fit, _ in split.inner)):
            serves[fit].append(len(split.member.train))
    fits = [Fit(*fit, len(fit[1]) / np.mean(served)) for fit, served in zip(whole + partial, serves, strict=True)]
    return Plan(sets.found, fits, splits, n_halved, n_shared, donors or None, sets.learned if donors else None)


class _TrainingSets:
    """The training sets found so far; equal ones are one, but for those that belong to a member."""

    def __init__(self, features: FeatureSet, fit_on: str, donors: Donors | None):
        self.features, self.fit_on, self.donors = features, fit_on, donors
        self.pools = Pools(features, donors) if donors else None
        self.found: list[TrainingSet] = []
        self.learned: list[Learned] = []
        self.predicted: list[list[np.ndarray]] = []  # what each must predict
        self._known: dict[tuple, int] = {}

    def add(self, rows: np.ndarray, predicted: np.ndarray, tested: np.ndarray, of: int | None = None) -> int:
        """Index of the training set of some windows, new or known; tested: those that its member is tested on."""
        features, held_out = self.features, np.union1d(predicted, tested)
        scaled_by = scaling_windows(rows, held_out, self.fit_on)
        donor_rows = self.donors.rows(features, rows, tested, predicted) if self.donors else rows
        aligned_by = np.union1d(rows, held_out) if self.donors and self.donors.transductive else rows
        key = rows.tobytes(), scaled_by.tobytes(), donor_rows.tobytes(), aligned_by.tobytes(), of
        if key not in self._known:
            self._known[key] = len(self.found)
            data = TrainingSet.of(features, rows, scaled_by)
            self.found.append(data)
            self.predicted.append([])
            if self.pools:
                self.learned.append(self.pools.learned(data, donor_rows, aligned_by))
        self.predicted[self._known[key]].append(predicted)
        return self._known[key]
