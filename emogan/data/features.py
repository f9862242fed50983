"""FeatureSet: a checked table of feature windows, the one thing every loader returns."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Self

import numpy as np
import pandas as pd

from emogan.checks import one_of
from emogan.wording import some

MODALITIES = ("eeg", "eye", "eeg_eye")
Modality = Annotated[str, one_of(MODALITIES)]
STEPS = 100  # a feature's values must span at least this many times what rounding to float32 changes them by


@dataclass(frozen=True, eq=False, repr=False)
class FeatureSet:
    """Windows of physiological features with their labels and where each comes from.

    Every check on input happens here, so that whatever holds a FeatureSet may trust it.

    Parameters
    ----------
    x : array (N, F), float32
        One row per window (SEED: 4 s). Finite; no column is constant over all windows.
    y : array (N,), int64
        Class index in 0..K-1; every class occurs.
    trial, session, subject : arrays (N,), int64 or str
        A trial (one film clip) is identified by the triple (subject, session, trial).
    feature_names, class_names : tuples of str
        Lengths F and K, without repeats.
    modalities : mapping from "eeg" and "eye" to slices of columns
        Columns outside both are features of another kind.
    dataset : str
        What the scores call this data ("synthetic_seed", "seed", ...).
    own_folds : str or None
        The folds that are the data set's own, which ``evaluation.folds=auto`` stands for: "paper" for those of the
        paper's kind. None has it stand for "trials".
    stimulus : array (N,), int64 or str, or None
        The film clip that each trial shows, the same value for the same clip in all subjects and sessions. None where
        that is not known.

    Raises
    ------
    ValueError
        Naming what was expected, what came and, for values, in which subject, session and trial.
    """

    x: np.ndarray
    y: np.ndarray
    trial: np.ndarray
    session: np.ndarray
    subject: np.ndarray
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    modalities: Mapping[str, slice] = field(default_factory=dict)
    dataset: str = "features"
    own_folds: str | None = None
    stimulus: np.ndarray | None = None

    def __post_init__(self):
        x, y = np.asarray(self.x), np.asarray(self.y)
        if x.ndim != 2 or 0 in x.shape or x.dtype.kind not in "iuf":
            raise ValueError(
                f"expected features of shape (windows, features), neither empty, as real numbers, got {x.shape} of "
                f"dtype {x.dtype}"
            )
        n, n_features = x.shape
        if not np.issubdtype(y.dtype, np.integer):
            raise ValueError(f"expected integer labels 0..K-1, got dtype {y.dtype}")
        identifiers = [name for name in ("trial", "session", "subject", "stimulus") if getattr(self, name) is not None]
        columns = {name: _identifiers(name, getattr(self, name)) for name in identifiers}
        columns["y"] = y.astype(np.int64)
        for name, column in columns.items():
            if column.shape != (n,):
                raise ValueError(f"expected one {name} per window, ({n},), got {column.shape}")
        for name, names in (("feature", self.feature_names), ("class", self.class_names)):
            names = [str(a) for a in names]
            if len(set(names)) != len(names):
                repeated = sorted({a for a in names if names.count(a) > 1})
                raise ValueError(f"expected distinct {name} names, got {', '.join(repeated)} more than once")
        if len(self.feature_names) != n_features:
            raise ValueError(f"expected {n_features} feature names, got {len(self.feature_names)}")
        modalities = _modalities(self.modalities, n_features)

        for name, value in columns.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "feature_names", tuple(map(str, self.feature_names)))
        object.__setattr__(self, "class_names", tuple(map(str, self.class_names)))
        object.__setattr__(self, "modalities", MappingProxyType(modalities))
        self._check_values(x)
        object.__setattr__(self, "x", np.array(x, dtype=np.float32, order="C"))  # a copy: the caller's stays writeable
        self._check_constant(x)
        self._check_stimulus()
        for name in ("x", *columns):
            getattr(self, name).flags.writeable = False

    def __repr__(self) -> str:
        return f"FeatureSet({self.summary()})"

    def _check_values(self, x: np.ndarray) -> None:
        bad = ~np.isfinite(x) | (np.abs(x) > np.finfo(np.float32).max)
        if bad.any():
            row, column = np.argwhere(bad)[0]
            expected = "finite features" if not np.isfinite(x[row, column]) else "features within +-3.4e38 (float32)"
            raise ValueError(
                f"expected {expected}, got {x[row, column]} in {self.place(row)}, feature "
                f"{self.feature_names[column]} ({int(bad.sum())} such values in {int(bad.any(1).sum())} windows). "
                "Repair or leave out these windows."
            )
        outside = (self.y < 0) | (self.y >= self.n_classes)
        if outside.any():
            row = int(np.argmax(outside))
            raise ValueError(
                f"expected labels 0..{self.n_classes - 1} ({', '.join(self.class_names)}), got {self.y[row]} in "
                f"{self.place(row)}"
            )
        counts = np.bincount(self.y, minlength=self.n_classes)
        if len(counts) < 2 or (counts == 0).any():
            raise ValueError(
                f"expected windows of at least two classes and of every class named, got counts "
                f"{dict(zip(self.class_names, counts.tolist(), strict=True))}"
            )

    def _check_constant(self, given: np.ndarray) -> None:
        """Refuse features that do not vary, or of whose variation single precision loses more than a `STEPS`th part."""
        constant, span = self.x.max(0) == self.x.min(0), given.max(0).astype(np.float64) - given.min(0)
        lost = np.zeros(given.shape[1])
        if given.dtype != np.float32:
            pairs = zip(given.T, self.x.T, strict=True)
            lost = np.array([np.abs(own - kept.astype(np.float64)).max() for own, kept in pairs])
        rounded = (span > 0) & (constant | (lost * STEPS > span))
        for flags, what, advice in (
            (constant & ~rounded, f"constant over all {len(self.x)} windows", "Leave these columns out."),
            (
                rounded, f"of whose variation float32, in which windows are kept, loses more than 1/{STEPS}",
                "Subtract their mean, or scale them.",
            ),
        ):  # fmt: skip
            if found := [self.feature_names[i] for i in np.flatnonzero(flags)]:
                raise ValueError(f"expected features that vary, got {len(found)} {what}: {some(found, 5)}. {advice}")

    def _check_stimulus(self) -> None:
        if self.stimulus is None:
            return
        trial = self.trial_ids()
        first = np.unique(trial, return_index=True)[1]
        differs = self.stimulus != self.stimulus[first][trial]
        if differs.any():
            row = int(np.argmax(differs))
            raise ValueError(
                f"expected one stimulus per trial, got {self.stimulus[first][trial[row]]} and {self.stimulus[row]} in "
                f"{self.place(row)}"
            )

    def __reduce__(self):  # a mapping proxy cannot be pickled or copied
        values = {**self.__dict__, "modalities": dict(self.modalities)}
        return FeatureSet, tuple(values[f.name] for f in fields(self))

    def take(self, rows: np.ndarray) -> Self:
        """Some of the windows, by their indices; this set itself where that is all of them in order."""
        if np.array_equal(rows, np.arange(len(self.y))):
            return self
        columns = ("x", "y", "trial", "session", "subject", *(("stimulus",) if self.stimulus is not None else ()))
        return replace(self, **{name: getattr(self, name)[rows] for name in columns})

    def place(self, row: int) -> str:
        """Where a window comes from, in words for messages."""
        return f"subject {self.subject[row]}, session {self.session[row]}, trial {self.trial[row]}"

    @property
    def n_classes(self) -> int:
        return len(self.class_names)

    def trial_ids(self) -> np.ndarray:
        """Number the trials (subject, session, trial) of all windows: int64 (N,), 0.. in order of appearance."""
        return self._numbers["trial"]

    def experiment_ids(self) -> np.ndarray:
        """Number the experiments (subject, session) of all windows: int64 (N,), 0.. in order of appearance."""
        return self._numbers["experiment"]

    @cached_property
    def _numbers(self) -> dict[str, np.ndarray]:
        """Both kinds of numbers, read-only: every member of a job asks for them."""
        numbers = {
            "trial": _number(self.subject, self.session, self.trial), "experiment": _number(self.subject, self.session)
        }  # fmt: skip
        for column in numbers.values():
            column.flags.writeable = False
        return numbers

    def experiments(self) -> Iterator[tuple[object, object, np.ndarray]]:
        """Yield (subject, session, window indices) for each experiment, in order of appearance."""
        number = self.experiment_ids()
        for i in range(number.max() + 1):
            rows = np.flatnonzero(number == i)
            yield self.subject[rows[0]].item(), self.session[rows[0]].item(), rows

    def frame(self) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
        """Windows, class names and where each window comes from, in the shape that MOABB gives data in.

        Returns
        -------
        X : array (N, F), float32
            Read-only, as this set shares it.
        y : array (N,) of str
        metadata : DataFrame of N rows
            subject, session, trial, stimulus (None where it is not known) and window, the number from 1 in its trial.
        """
        columns = {name: getattr(self, name) for name in ("subject", "session", "trial", "stimulus")}
        metadata = pd.DataFrame(columns)
        metadata["window"] = metadata.groupby(self.trial_ids()).cumcount() + 1
        return self.x, np.array(self.class_names)[self.y], metadata

    def summary(self) -> str:
        """One sentence on what was found: subjects x sessions x trials x windows, features, classes."""
        experiments = list(self.experiments())
        per_subject = Counter(subject for subject, *_ in experiments)
        windows = sorted({len(rows) for *_, rows in experiments})
        trials = sorted({len(np.unique(self.trial[rows])) for *_, rows in experiments})
        kinds = [f"{part.stop - part.start} {name}" for name, part in self.modalities.items()]
        other = self.x.shape[1] - sum(part.stop - part.start for part in self.modalities.values())
        return (
            f"{self.dataset}: {len(per_subject)} subjects x {_span(*sorted(set(per_subject.values())))} "
            f"sessions = {len(experiments)} experiments, {_span(*trials)} trials and {_span(*windows)} windows each; "
            f"{self.x.shape[1]} features ({' + '.join(kinds + ([f'{other} other'] if other else []))}); "
            f"{self.n_classes} classes ({', '.join(self.class_names)})"
        )

    def mixed_trials(self) -> str | None:
        """What is wrong if trials hold windows of several classes, as a sentence; None if none does."""
        number = self.trial_ids()
        classes = np.bincount(np.unique(np.stack([number, self.y]), axis=1)[0])
        mixed = np.flatnonzero(classes > 1)
        if not len(mixed):
            return None
        return (
            f"{len(mixed)} of {len(classes)} trials hold windows of several classes, such as "
            f"{self.place(int(np.argmax(number == mixed[0])))}. If the numbers start again in each class, give "
            "every trial a number of its own: classifiers and models that look at trials take these for one trial"
        )

    def describe_columns(self) -> str:
        """One sentence on which columns count as what, and how many have one value for each trial."""
        trial = self.trial_ids()
        by_trial = (self.x == self.x[np.unique(trial, return_index=True)[1]][trial]).all(0) & (
            len(trial) > trial.max() + 1
        )
        kinds = np.full(self.x.shape[1], "other", dtype="<U5")
        for name, part in self.modalities.items():
            kinds[part] = name
        parts = []
        for kind, what in (("eeg", "EEG"), ("eye", "eye movement"), ("other", "other")):
            columns = np.flatnonzero(kinds == kind)
            names = ", ".join(self.feature_names[i] for i in columns[:3]) + (", ..." if len(columns) > 3 else "")
            same = f", {by_trial[columns].sum()} with one value for each trial" if by_trial[columns].any() else ""
            parts += [f"{len(columns)} {what} features ({names}){same}"] if len(columns) else []
        return "; ".join(parts)

    def fingerprint(self) -> str:
        """sha256 (hex) over every value and name: equal if and only if the data are equal."""
        digest = hashlib.sha256()
        for name in ("x", "y", "trial", "session", "subject", "stimulus"):
            column = getattr(self, name)
            if column is None:  # and the fingerprint is that of versions without stimuli
                continue
            digest.update(f"{name} {column.dtype.str} {column.shape}".encode())
            digest.update(np.ascontiguousarray(column).tobytes())
        digest.update(repr((self.feature_names, self.class_names, sorted(map(repr, self.modalities.items())))).encode())
        return digest.hexdigest()


def check_loaded(found: object, modality: str) -> None:
    """Refuse what a loader returned unless it is a FeatureSet of a modality: "eeg" or "eye" alone, "eeg_eye" all.

    Raises
    ------
    ValueError
        Naming what is expected of a loader.
    """
    if not isinstance(found, FeatureSet):
        raise ValueError(
            f"data: expected a loader that returns an emogan.data.features.FeatureSet, got {type(found).__name__}"
        )
    columns = found.x.shape[1]
    if modality != "eeg_eye" and found.modalities != {modality: slice(0, columns)}:
        raise ValueError(
            f"data: expected modality={modality} to give {modality} features alone, as a FeatureSet with "
            f"modalities={{'{modality}': slice(0, {columns})}}, got {dict(found.modalities)} of {columns} features. "
            "Have the loader take modality and leave out other columns, or choose modality=eeg_eye, which takes all"
        )


def concatenate(parts: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Join the columns (x, y, trial, ...) of several experiments along the windows."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _modalities(given: Mapping[str, slice], n_features: int) -> dict[str, slice]:
    """Checked, and plain, so that equal slices have equal fingerprints."""
    modalities = {}
    for name, part in given.items():
        whole = isinstance(part, slice) and None not in (part.start, part.stop) and part.step in (None, 1)
        if name not in ("eeg", "eye") or not whole or not 0 <= part.start < part.stop <= n_features:
            raise ValueError(f"expected slices of {n_features} columns for 'eeg' and 'eye', got {name!r}: {part}")
        modalities[name] = slice(int(part.start), int(part.stop))
    ends = sorted((part.start, part.stop) for part in modalities.values())
    if len(ends) == 2 and ends[1][0] < ends[0][1]:
        raise ValueError(f"expected separate columns for 'eeg' and 'eye', got {modalities}")
    return modalities


def _identifiers(name: str, values) -> np.ndarray:
    """Whole numbers as int64, text as wide as the longest; fractions (1.0 would sort as text) are refused."""
    column = np.asarray(values)
    if np.issubdtype(column.dtype, np.integer):
        return column.astype(np.int64)
    if column.dtype.kind == "U" or (column.dtype == object and all(isinstance(value, str) for value in column.flat)):
        return np.array(column.tolist(), dtype=np.str_)
    raise ValueError(f"expected whole numbers or text as {name}, got dtype {column.dtype}")


def _number(*columns: np.ndarray) -> np.ndarray:
    """Number the distinct rows of some columns in order of appearance."""
    keys: dict[tuple, int] = {}
    return np.array([keys.setdefault(key, len(keys)) for key in zip(*(c.tolist() for c in columns), strict=True)])


def _span(*values: int) -> str:
    return str(values[0]) if len(values) == 1 else f"{values[0]}-{values[-1]}"
