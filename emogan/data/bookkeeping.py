"""Columns of a table that tell the trial, the label, the row or the person, and would leak them as features.

What is measured in a window differs from window to window; what only keeps the books does not, or counts. A column is
*certain* to be bookkeeping, and refused, if one of these is true and is no chance of few trials:

1. pandas named it ("Unnamed: 0"), or its name says it and its values do not contradict: whole numbers in a column named
   trial, clip_no, subject_id, window, fold, index, ...; anything in one named time, timestamp, onset_s, ...; one value
   for each subject in age, gender, ...; one for each trial in valence, arousal, rating, ..., or a code in label, class.
2. It has one value for each label: the label in other words, or a part of it.
3. It has one value for each subject, or for each subject and session, in several trials.
4. It has one value for each number of a trial, whoever the subject is; or each subject's trials have the same values in
   another order: numbers or properties of the stimuli.
5. It counts: equal steps from row to row, or from trial to trial, throughout or from the start of each subject, session
   or trial; or it rises (falls) all the time.
6. It is the same in all windows of a trial, and equal values, or ranges of whole numbers, go with equal labels.

It is *suspicious*, which is a warning and no more, if it has one value for each trial where other features have not, if
its name is that of a rating, class or property of a person but its values vary, if some of the above holds in too few
trials or in another order of the rows, or if it separates the classes of all trials, as no more than a few columns do.
A column of true and false gets the same warning where it is read. A real number for each trial is no evidence in
itself: many features are computed so.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import gammaln

CHANCE = np.log(1e-3)  # what is likelier than this by chance is not certain
ORDERS = np.log(1e6)  # of rows; in two of them a column rises or falls throughout
TURNS = 12
EQUAL_STEPS = 6
LONE = 3  # more columns than this that are given by trial, or that separate the classes, are a habit of the table

_PLAIN = "id|no|nr|num|number|index|idx|code|name|key|level|value|orig|original|pandas"
_COUNTED = (  # in the singular: num_samples is a count, sample_num a number
    "subject|subj|participant|person|proband|patient|user|ppt|pid|sid|uid|session|sess|visit|day|run|trial|clip|video|"
    "movie|film|stimulus|stim|song|image|picture|block|fold|split|order|position|window|win|epoch|segment|row|sample|"
    "chunk|recording|file|experiment|exp|group|id|no|nr|number|index|idx"
)
_CLASS = "labels?|classe?s?|target|category|condition|emotions?|mood|affect|quadrant"
_RATED = "valence|arousal|dominance|liking|likeability|familiarity|pleasure|ratings?|sam|stars"
_PERSON = "age|gender|sex|handedness|hand|birthday|education"
_TIME = "time|timestamps?|onset|start|begin|end|stop|datetime|date|clock|elapsed|seconds|millis"


def _names(heads: str, others: str = "") -> re.Pattern:
    """Names of one of the heads and, if wanted, other words, in any order: "clip_no", "TrialID", "id of subject"."""
    words = "|".join(filter(None, (heads, others, _PLAIN)))
    return re.compile(f"(?=.*(?:{heads}))(?:{words})+")


COUNTED, CLASS = _names(_COUNTED), _names(_CLASS, "true|self|pred|text|num")
RATED = _names(_RATED, f"self|report|score|felt|reported|stimulus|video|clip|{_CLASS}")
PERSON, TIME = _names(_PERSON, "years?|subject|participant"), _names(_TIME, f"unix|utc|abs|rel|{_COUNTED}")
UNIT = re.compile(r"[\s_.-]*[\[(]?(?<![a-z])(?:s|ms|us|ns|sec|secs|min|years?|yrs?)[\])]?$")


@dataclass(frozen=True)
class Finding:
    """A column that is bookkeeping, why, and whether that is certain."""

    column: str
    reason: str
    certain: bool


def find(
    names: Sequence[str], x: np.ndarray, label: np.ndarray, trial: np.ndarray, subject: np.ndarray, session: np.ndarray
) -> list[Finding]:
    """Columns of x (N, F) that are bookkeeping, judged over all rows (N,) of all files of a table.

    Constant columns have a refusal of their own and are passed over; a column that lacks values in some rows is judged
    by the others.
    """
    rows: dict[bytes, _Rows] = {}
    found, others = [], []
    for name, values in zip(names, x.T, strict=True):
        known = np.isfinite(values)
        values = values[known]
        if len(values) and values.min() < values.max():
            where = known.tobytes()
            rows[where] = rows.get(where) or _Rows(*(column[known] for column in (label, trial, subject, session)))
            column = _Column(name, values, rows[where])
            if finding := _judge(column):
                found.append(finding)
            else:
                others.append((name, column.repeated, column.whole, _separates(column)))
    return found + _standing_out(others)


@dataclass(frozen=True, eq=False)
class _Groups:
    """Which group each of some rows belongs to, 0.. in order of appearance."""

    of: np.ndarray

    @cached_property
    def first(self) -> np.ndarray:
        """A row of each group."""
        return np.unique(self.of, return_index=True)[1]

    @cached_property
    def sizes(self) -> np.ndarray:
        return np.bincount(self.of)

    @cached_property
    def order(self) -> np.ndarray:
        """Rows group by group, in the order of the table within each."""
        return np.argsort(self.of, kind="stable")

    @cached_property
    def neighbours(self) -> np.ndarray:
        """Which differences of neighbours in that order are within a group."""
        return np.diff(self.of[self.order]) == 0

    @property
    def starts(self) -> np.ndarray:
        """Where each group begins in that order."""
        return np.cumsum(self.sizes) - self.sizes

    def rows(self, unit: np.ndarray) -> "_Groups":
        """The groups of some of the rows, at least one of each."""
        return _Groups(self.of[unit])

    def steps(self, values: np.ndarray) -> np.ndarray:
        return np.diff(values[self.order])[self.neighbours]

    @property
    def log_orders(self) -> float:
        """Log number of orders in which the rows could stand within their groups."""
        return float(gammaln(self.sizes + 1).sum())


class _Rows:
    """Who and what the rows of a table belong to; a trial and its number are two things where people share stimuli."""

    def __init__(self, label: np.ndarray, trial: np.ndarray, subject: np.ndarray, session: np.ndarray) -> None:
        frame = pd.DataFrame({"label": label, "trial": trial, "subject": subject, "session": session})

        def groups(*names: str) -> _Groups:
            return _Groups(frame.groupby(list(names), sort=False).ngroup().to_numpy())

        self.all = _Groups(np.zeros(len(frame), dtype=int))
        self.label, self.subject, self.number = groups("label"), groups("subject"), groups("trial")
        self.experiment, self.trial = groups("subject", "session"), groups("subject", "session", "trial")
        self.n_trials = len(self.trial.first)
        self.several = len(frame) >= 1.5 * self.n_trials  # windows in a trial: "the same in all of them" says something
        self.trials_of_label = np.bincount(self.label.of[self.trial.first], minlength=len(self.label.first))


class _Column:
    """A column, and one value for each trial where it is the same in all windows of each."""

    def __init__(self, name: str, values: np.ndarray, rows: _Rows) -> None:
        self.name, self.values, self.rows = name, np.asarray(values, dtype=float), rows
        self.words = re.sub(r"[\W\d_]+", "", UNIT.sub("", name.strip().lower()))

    @cached_property
    def whole(self) -> bool:
        return bool((np.rint(self.values) == self.values).all())

    @cached_property
    def distinct(self) -> np.ndarray:
        return np.unique(self.values)

    @cached_property
    def codes(self) -> bool:
        """Whether the values are 0, 1, 2, ... or 1, 2, 3, ... without a gap."""
        return self.whole and self.distinct[0] in (0, 1) and bool((np.diff(self.distinct) == 1).all())

    @cached_property
    def by_trial(self) -> bool:
        """Whether it is the same in all windows of each trial; of one window each, it is without meaning."""
        return self.same_in(self.rows.trial)

    @cached_property
    def repeated(self) -> bool:
        return self.by_trial and self.rows.several

    @cached_property
    def unit(self) -> np.ndarray:
        """The rows that may have got their values independently: one of each trial, or all."""
        return self.rows.trial.first if self.by_trial else np.arange(len(self.values))

    def same_in(self, groups: _Groups) -> bool:
        """Whether all values of each group are equal."""
        return bool((self.values == self.values[groups.first][groups.of]).all())

    def repeats(self, groups: _Groups) -> int:
        """Units that had to agree with another one of their group."""
        return len(self.unit) - len(groups.first)

    def follows(self, groups: _Groups) -> bool:
        """Whether one value for each group cannot be by chance: real numbers hardly ever agree."""
        _, counts = np.unique(self.values[self.unit], return_counts=True)
        return _chance(counts, groups.rows(self.unit).sizes) <= CHANCE or (not self.whole and self.repeats(groups) >= 3)


def _chance(counts: np.ndarray, sizes: np.ndarray) -> float:
    """Log probability that things drawn as often as the counts say are equal within groups of these sizes."""
    share = counts / counts.sum()
    return float(sum(np.log((share**size).sum()) for size in sizes if size > 1))


def _judge(column: _Column) -> Finding | None:
    """The first rule that holds, certain ones before suspicious ones."""
    for rules, certain in ((CERTAIN, True), (SUSPICIOUS, False)):
        for rule in rules:
            if reason := rule(column):
                return Finding(column.name, reason, certain)
    return None


def _one_per_label(column: _Column) -> str | None:
    rows = column.rows
    if not column.same_in(rows.label):
        return None
    code = column.codes and rows.several and rows.trials_of_label.min() >= 2
    real = not column.whole and column.repeats(rows.label) >= 2
    named = CLASS.fullmatch(column.words) or column.words in ("y", "ytrue")
    return "one value for each label" if code or real or named or column.follows(rows.label) else None


def _one_per_person(column: _Column) -> str | None:
    rows = column.rows
    for groups, what in ((rows.subject, "subject"), (rows.experiment, "subject and session")):
        if column.same_in(groups) and (column.follows(groups) or PERSON.fullmatch(column.words)):
            return f"one value for each {what}"
    return None


def _one_per_stimulus(column: _Column) -> str | None:
    if column.same_in(column.rows.number) and column.follows(column.rows.number):
        return "one value for each number of a trial, whoever the subject"
    if column.repeated and _same_sets(column):
        return "the same values in the trials of each subject: numbers of the stimuli"
    return None


def _same_sets(column: _Column) -> bool:
    """Whether the trials of all experiments have the same distinct values, in whichever order."""
    own = column.rows.experiment.rows(column.unit)
    n = own.sizes[0]
    if len(own.sizes) < 2 or n < 4 or (own.sizes != n).any() or len(own.of) - n < 8:
        return False
    values = column.values[column.unit]
    lowest = np.minimum.reduceat(values[own.order], own.starts)
    if (lowest != lowest[0]).any():  # which spares the sorting
        return False
    table = values[np.lexsort((values, own.of))].reshape(-1, n)
    return bool((table == table[0]).all() and (np.diff(table[0]) > 0).all())


def _counts(column: _Column) -> str | None:
    rows = column.rows
    every = np.arange(len(column.values))
    for unit, what in ((every, "row"), *([(rows.trial.first, "trial")] if column.repeated else [])):
        for groups, where in _levels(rows):
            own = groups if unit is every else groups.rows(unit)
            steps = own.steps(column.values[unit])
            if len(steps) >= EQUAL_STEPS and np.abs(steps - steps[0]).max() <= 0.02 * abs(steps[0]) > 0:
                return f"counts the {what}s{where}"
            turns = 2 * rows.n_trials - len(groups.first)  # what drifts would turn round within or between some trials
            if _monotone(steps) and own.log_orders >= ORDERS and (column.whole or turns >= TURNS):
                return f"rises or falls from {what} to {what}{where}"
    if column.repeated and column.codes and len(column.distinct) == rows.n_trials >= 4:
        return "numbers the trials"
    return None


def _levels(rows: _Rows) -> tuple[tuple[_Groups, str], ...]:
    return (rows.all, ""), (rows.experiment, " of each subject and session"), (rows.trial, " of each trial")


def _monotone(steps: np.ndarray) -> bool:
    return len(steps) > 0 and bool((steps > 0).all() or (steps < 0).all())


def _shuffled_rows(column: _Column) -> str | None:
    """Row numbers of a table whose rows were then shuffled: those of a trial still follow one another."""
    rows = column.rows
    if not (rows.several and rows.n_trials >= 3 and column.codes and len(column.distinct) == len(column.values)):
        return None
    trial = rows.trial.of[np.argsort(column.values)]
    return "numbers the rows" if np.count_nonzero(np.diff(trial)) == rows.n_trials - 1 else None


def _name(column: _Column) -> str | None:
    words = column.words
    if column.name.startswith("Unnamed:"):
        return "pandas' name of an index that was written with the table"
    if TIME.fullmatch(words):
        return "a time, by its name"
    if column.whole and COUNTED.fullmatch(words):
        return "a number or code, by its name"
    if column.by_trial and column.whole and CLASS.fullmatch(words):
        return "a class, by its name"
    if column.by_trial and RATED.fullmatch(words):
        return "a rating of the trial, by its name"
    return None


def _label_follows(column: _Column) -> str | None:
    if column.repeated and (_tells_label(column) or (column.whole and _separates(column))):
        return "one value for each trial, from which the label follows"
    return None


def _separates(column: _Column) -> bool:
    """Whether each class has a range of values of its own, and there are too many trials for it to be chance."""
    rows = column.rows
    values, starts = column.values[rows.label.order], rows.label.starts
    lowest, highest = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    order = np.argsort(lowest)
    apart = (highest[order][:-1] < lowest[order][1:]).all()
    chance = gammaln(len(order) + 1) + gammaln(rows.trials_of_label + 1).sum() - gammaln(rows.n_trials + 1)
    return bool(apart and chance <= CHANCE)


def _tells_label(column: _Column) -> bool:
    """Whether equal values go with equal labels, and too many trials share a value for it to be chance."""
    values = _Groups(np.unique(column.values, return_inverse=True)[1])
    label = column.rows.label.of
    same = (label == label[values.first][values.of]).all()
    return bool(same and _chance(column.rows.trials_of_label, values.rows(column.unit).sizes) <= CHANCE)


def _few_trials(column: _Column) -> str | None:
    """What would be certain in more trials, or if it did not vary within them or within a person."""
    rows = column.rows
    for pattern, what in ((RATED, "a rating"), (CLASS, "a class"), (PERSON, "something of the person")):
        if pattern.fullmatch(column.words):
            return f"{what}, by its name"
    if column.repeated and column.same_in(rows.label) and column.repeats(rows.label):
        return "one value for each label"
    if column.repeated and column.same_in(rows.subject) and column.repeats(rows.subject):
        return "one value for each subject"
    for groups, where in _levels(rows)[:2]:
        if groups.log_orders >= ORDERS and _monotone(groups.steps(column.values)):
            return f"rises or falls from row to row{where}"
    return None


def _other_order(column: _Column) -> str | None:
    """Numbers in another order than the rows; ranks of what was measured look the same."""
    if len(column.values) >= 8 and len(column.distinct) == len(column.values) and column.codes:
        return "each number from the first to the last once"
    return "the same values in the trials of each subject" if _same_sets(column) else None


Rule = Callable[[_Column], str | None]
CERTAIN: tuple[Rule, ...] = (
    _one_per_label, _one_per_person, _counts, _one_per_stimulus, _shuffled_rows, _name, _label_follows
)  # fmt: skip
SUSPICIOUS: tuple[Rule, ...] = (_few_trials, _other_order)


def _standing_out(columns: list[tuple[str, bool, bool, bool]]) -> list[Finding]:
    """Columns unlike the rest of the table: the only ones given by trial, or that tell the label.

    Of each column that no rule holds of: its name, and whether it is repeated, whole and separates the classes.
    """
    repeated = {name: whole for name, repeats, whole, _ in columns if repeats}
    few = len(repeated) <= LONE and len(repeated) < len(columns)
    odd = dict.fromkeys(repeated if few or all(repeated.values()) else (), "one value for each trial")
    separating = [name for name, *_, separates in columns if separates]
    if len(separating) <= LONE:
        odd |= dict.fromkeys(separating, "gives the label of all trials without one exception")
    return [Finding(name, reason, certain=False) for name, reason in odd.items()]
