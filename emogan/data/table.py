"""A user's own feature table: one file, a folder of them with one file per experiment, or a pandas DataFrame."""

import json
import logging
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from emogan.checks import checked
from emogan.data import bookkeeping
from emogan.data.features import FeatureSet, Modality
from emogan.data.frames import Decimal, Separator
from emogan.data.scaling import standardise_within
from emogan.data.table_files import (
    KINDS,
    STIMULUS,
    SYNTHETIC,
    Listed,
    Missing,
    Reading,
    TableFile,
    check_matched,
    find_files,
    from_frame,
    listed,
    matching,
    option,
    read_file,
)
from emogan.wording import PythonWording, naming, some, worded, words

FRAME = Path("DataFrame")  # how messages call one

log = logging.getLogger(__name__)


@checked("data")
def load(
    path: str | Path | Sequence[str | Path] | pd.DataFrame,
    *,
    label: str = "label",
    trial: str = "trial",
    subject: str = "subject",
    session: str = "session",
    stimulus: str = STIMULUS,
    eye: Listed = (),
    features: Listed = (),
    drop: Listed = (),
    keep: Listed = (),
    missing: Missing = "refuse",
    separator: Separator | None = None,
    decimal: Decimal | None = None,
    name: str = "features",
    per_subject: bool = False,
    modality: Modality = "eeg_eye",
    subjects: Listed = None,
    sessions: Listed = None,
) -> FeatureSet:
    """Read a user's own table.

    A .npz holds x (N, F), y (N,), trial (N,), subject (N,) and, if wanted, session (N,), stimulus (N,), feature_names
    (F,), class_names (K,) and modality (F,) of "eeg", "eye" or "other"; never a pickle. A DataFrame, .csv, .tsv,
    .csv.gz, .tsv.gz, .xlsx or .parquet has one row per window: five columns named by `label`, `trial`, `subject`,
    `session` and `stimulus`, every other column a feature. Without a session all is one session, 1; without a stimulus
    it is not known which trials show the same film clip. Labels may be whole numbers or text: classes are numbered in
    sorted order; where a .npz has class_names, labels are their indices. Columns come out as eeg, eye, other; with
    nothing marked all are eeg. Columns that tell the trial, the label, the row or the person are refused, see
    `emogan.data.bookkeeping`; what `emogan.extract` wrote has none.

    Parameters
    ----------
    path : file, folder, list of files or DataFrame; each file holds other experiments (subject, session) with the same
        features
    label, trial, subject, session, stimulus : column names of what is not a .npz
    eye : names, or patterns such as "eye_*", of the features that are eye movement features
    features : names or patterns of the only columns that are features; none means all others
    drop : names or patterns of columns that are left out, in a .npz of those by feature_names
    keep : names or patterns of columns that are features although they look like bookkeeping
    missing : "refuse" or "drop" rows that lack a label, an identifier or a value of a feature; infinite values count
    separator : of text: "comma", "semicolon", "tab" or the character; None finds it out
    decimal : sign of decimals in text: "point" or "comma"; None finds it out
    name : what the scores call this data set
    per_subject : standardise each feature within each subject, see `emogan.data.scaling.standardise_within`
    modality : "eeg", "eye", or "eeg_eye" for all columns, also where the table has one kind only
    subjects, sessions : those to keep, compared as text; None keeps all

    Raises
    ------
    FileNotFoundError, ValueError, ImportError
        Naming the file, what was expected, what came and what to do.
    """
    reading = Reading(
        {"label": label, "trial": trial, "subject": subject, "session": session, "stimulus": stimulus},
        listed(eye), listed(features), listed(drop), missing, separator, decimal,
    )  # fmt: skip
    path, read = _read(path, reading)
    for key, wanted in (("features", reading.features), ("drop", reading.drop)):
        check_matched(path, key, wanted, [name for part in read for name in (*part.dropped, *part.feature_names)])
    parts = _align(read)
    x = np.concatenate([part.x for part in parts])
    ids = {key: _join([getattr(part, key) for part in parts]) for key in ("trial", "subject", "session")}
    chosen = select(path, ids["subject"], ids["session"], subjects, sessions)
    order = _columns(path, parts[0], modality)
    _refuse_unusable(path, parts, x, ids, listed(keep), np.ix_(chosen, order))
    chosen = _complete(path, parts, x[:, order], [parts[0].feature_names[i] for i in order], ids, chosen, missing)
    if parts[0].stimulus is not None:
        ids["stimulus"] = _join([part.stimulus for part in parts])
    y, class_names = _classes(parts, chosen)
    x = x[np.ix_(chosen, order)]
    if per_subject:
        x = standardise_within(x, ids["subject"][chosen])
    feature_names = tuple(parts[0].feature_names[i] for i in order)
    modalities = _slices([parts[0].kinds[i] for i in order])
    with naming(path):
        ids = {key: column[chosen] for key, column in ids.items()}
        found = FeatureSet(x, y, **ids, feature_names=feature_names, class_names=class_names, modalities=modalities,
                           dataset=name)  # fmt: skip
    _warn_of_rows(path, found)
    return found


def _read(path, reading: Reading) -> tuple[object, list[TableFile]]:
    """What messages call the whole table, and its files as they stand."""
    if isinstance(path, pd.DataFrame):
        return FRAME, [from_frame(FRAME, path, reading)]
    if isinstance(path, str | Path):
        return path, [read_file(file, reading) for file in find_files(path)]
    files = [Path(file).expanduser() for file in path]
    return files[0].parent, [read_file(file, reading) for file in files]


def _refuse_unusable(path, parts: list[TableFile], x, ids: dict[str, np.ndarray], keep: list[str], used) -> None:
    """Columns that are text, bookkeeping, empty or constant are refused together: one line leaves them all out.

    `used` are the windows and columns that were asked for, as an index of x. What `emogan.extract` wrote has no
    bookkeeping.
    """
    names = parts[0].feature_names
    check_matched(path, "keep", keep, names)
    kept, label = matching(names, keep), _join([part.label for part in parts])
    extracted = all(part.settings is not None for part in parts)
    if extracted and len(np.unique(label[used[0].ravel()])) < 2:
        return  # which is the fault to tell of: what is the same in a whole trial does not vary then
    findings = [] if extracted else bookkeeping.find(names, x, label, **ids)
    found = [finding for finding in findings if finding.column not in kept]
    text = {name: reason for part in parts for name, reason in part.text.items()}
    certain = {finding.column: finding.reason for finding in found if finding.certain}
    suspicious = {finding.column: finding.reason for finding in found if not finding.certain}
    truths = [name for part in parts for name in part.truths if name not in kept]
    suspicious |= dict.fromkeys(truths, "true or false, which count as 1 and 0")
    if refused := text | _alike([names[i] for i in used[1].ravel()], x[used], text) | certain:
        reasons = "".join(f"\n  {name}: {reason}" for name, reason in refused.items())
        choose = (
            ""
            if parts[0].path.suffix.lower() == ".npz"
            else f" A column that is the label or the film clip is chosen with {words().data('label')}=COLUMN or "
            f"{words().data('stimulus')}=COLUMN."
        )
        keep_them = f" What is a feature all the same is kept with {option('keep', list(certain))}." if certain else ""
        raise ValueError(
            f"{path}: expected features alone, as numbers, got columns that are text, do not vary, or tell the trial, "
            f"the label, the row or the person:{reasons}\nLeave them out with {option('drop', list(refused))}, or "
            f"correct them.{choose}{keep_them}"
        )
    if suspicious:
        log.warning(
            "%s: columns that may tell the trial, the label, the row or the person:%s\nIf so, leave them out with %s; "
            "if not, %s ends this warning.",
            path, "".join(f"\n  {name}: {reason}" for name, reason in suspicious.items()),
            option("drop", list(suspicious)), option("keep", list(suspicious)),
        )  # fmt: skip


def _alike(names: Sequence[str], x: np.ndarray, text: Collection[str]) -> dict[str, str]:
    """Columns that hold numbers, but not two different ones, and why they are of no use."""
    known = np.isfinite(x)
    lowest, highest = np.where(known, x, np.inf).min(0), np.where(known, x, -np.inf).max(0)
    return {
        name: "the same value in all rows that are used" if some_known else "no value in any row that is used"
        for name, low, high, some_known in zip(names, lowest, highest, known.any(0), strict=True)
        if low >= high and name not in text
    }


def _complete(path, parts: list[TableFile], x, names: Sequence[str], ids, chosen, missing: Missing) -> np.ndarray:
    """Those of the chosen rows that have a finite value of every feature; others are refused, unless to be dropped."""
    lacks = ~np.isfinite(x[chosen])
    bad = lacks.any(1)
    if not bad.any():
        return chosen
    columns = {names[i]: f"{names[i]} ({lacks[:, i].sum()})" for i in np.flatnonzero(lacks.any(0))}
    what = f"{bad.sum()} of {len(bad)} rows, which lack a value, or have an infinite one, of {some(columns.values())}"
    places = [f"subject {who}, session {when}, trial {trial}" for who, when, trial in zip(
        *(ids[key][chosen].tolist() for key in ("subject", "session", "trial")), strict=True
    )]  # fmt: skip
    if missing == "drop":
        of_trial, gone = Counter(places), Counter(places[i] for i in np.flatnonzero(bad))
        trials = some(f"{n} of {of_trial[place]} in {place}" for place, n in gone.items())
        log.warning("%s: left out %s: %s", path, what, trials)
        _refuse_lost(path, parts, ids, chosen, bad, option("drop", list(columns)))
        return chosen[~bad]
    rows = [f"row {row} of {part.path.name}" for part in parts for row in part.rows.tolist()]
    first = "; ".join(f"{rows[chosen[i]]} ({places[i]})" for i in np.flatnonzero(bad)[:3])
    raise ValueError(
        f"{path}: expected finite features, got {what}, first {first}. Leave out these rows with "
        f"{words().data('missing')}=drop, or the columns with {option('drop', list(columns))}."
    )


def _refuse_lost(path, parts: list[TableFile], ids, chosen, bad: np.ndarray, drop: str) -> None:
    """Refuse to leave out all windows of a class or of a person without having been told to."""
    label, names = _join([part.label for part in parts]), parts[0].class_names
    if names is not None:
        label = np.array(names)[label]
    others = f", or name the other people with {words().data('subjects')}"
    for what, column, advice in (("class", label, ""), ("subject", ids["subject"], others)):
        own = column[chosen]
        if len(lost := np.setdiff1d(own, own[~bad])):
            raise ValueError(
                f"{path}: expected to keep windows of every {what} without the rows that lack a value, got none of "
                f"{some(lost.tolist())}. Leave out the columns with {drop}, or these rows from the table{advice}"
            )


def _warn_of_rows(path, features: FeatureSet) -> None:
    """Warn of synthetic windows, of trials that seem to be several, and of rows that seem to be stored twice."""
    number = features.trial_ids()
    if drawn := sum(str(name).startswith(SYNTHETIC) for name in np.unique(features.trial)):
        log.warning(
            "%s: %d trials are called %s..., as the windows that emogan.sample draws. Folds test on them as if they "
            "were recorded: leave them out of a table that is split, and append them to training sets alone",
            path, drawn, SYNTHETIC,
        )  # fmt: skip
    begins = np.flatnonzero(np.diff(number, prepend=-1))
    places = np.bincount(number[begins])
    if np.mean(places > 1) >= 0.5 and len(number) >= 2 * len(begins):  # not where windows of all trials alternate
        log.warning(
            "%s: the rows of %d of %d trials are not together, but have other trials between them. If they are trials "
            "of several sessions or people, name the column that tells them: %s=COLUMN or %s=COLUMN",
            path, (places > 1).sum(), len(places), words().data("session"), words().data("subject"),
        )  # fmt: skip
    if copies := len(number) - len(
        {(trial, x.tobytes()) for trial, x in zip(number.tolist(), features.x, strict=True)}
    ):
        log.warning(
            "%s: %d of %d windows equal another one of their trial in every feature. If rows are stored twice, remove "
            "the copies", path, copies, len(number),
        )  # fmt: skip


def _columns(path, part: TableFile, modality: str) -> list[int]:
    """Columns of a modality in the order of KINDS; eeg_eye, the command line's default, takes those of every kind."""
    wanted = KINDS if modality == "eeg_eye" else (modality,)
    order = [i for kind in wanted for i, own in enumerate(part.kinds) if own == kind]
    if not order:
        raise ValueError(
            f"{path}: modality={modality} needs {modality} features, but none of {some(part.feature_names)} is marked "
            f"so. Mark eye features with {words().data('eye')}=[COLUMN, ...] (patterns such as eye_* serve too) or, in "
            "a .npz, every column with the array modality."
        )
    return order


def _slices(kinds: Sequence[str]) -> dict[str, slice]:
    """Columns of eeg and eye, once the features are in the order of KINDS."""
    n_eeg, n_eye = kinds.count("eeg"), kinds.count("eye")
    slices = {"eeg": slice(0, n_eeg), "eye": slice(n_eeg, n_eeg + n_eye)}
    return {kind: part for kind, part in slices.items() if part.stop > part.start}


def _align(parts: list[TableFile]) -> list[TableFile]:
    """Bring the features of all files into the order of the first; refuse files that do not belong together."""
    first, seen, aligned = parts[0], {}, []
    for part in parts:
        if set(part.feature_names) != set(first.feature_names):
            difference = sorted(set(part.feature_names) ^ set(first.feature_names))
            raise ValueError(
                f"expected the same features in all files, got {len(first.feature_names)} in {first.path} and "
                f"{len(part.feature_names)} in {part.path}; only one of them has {some(difference)}"
            )
        order = [part.feature_names.index(name) for name in first.feature_names]
        numbers = {"i": ["numbers"], "U": ["text"]}
        for what, mine, own in (
            ("modality per feature", first.kinds, tuple(part.kinds[i] for i in order)),
            ("class_names", first.class_names or (), part.class_names or ()),
            ("kind of labels", numbers[first.label.dtype.kind], numbers[part.label.dtype.kind]),
        ):
            if mine != own:
                raise ValueError(
                    f"expected the same {what} in all files, got {some(mine)} in {first.path} and {some(own)} in "
                    f"{part.path}"
                )
        if (part.stimulus is None) != (first.stimulus is None):
            known, unknown = (part, first) if first.stimulus is None else (first, part)
            raise ValueError(
                f"expected the stimulus of all trials or of none, got one in {known.path} and none in {unknown.path}. "
                "Add it, or take it out of the others."
            )
        if part.settings != first.settings and None not in (part.settings, first.settings):
            raise ValueError(
                f"expected features of one extraction, got {part.path} of other settings than {first.path}: "
                f"{_difference(first.settings, part.settings)}. Run emogan.extract again, or remove what failed there."
            )
        for experiment in set(zip(part.subject.tolist(), part.session.tolist(), strict=True)):
            other = seen.setdefault(tuple(map(str, experiment)), part.path)
            if other != part.path:
                raise ValueError(
                    "expected every experiment in one file, got subject {}, session {} in {} and {}. ".format(
                        *experiment, other, part.path
                    )
                    + "Remove the copy, or number the sessions."
                )
        aligned.append(replace(part, x=part.x[:, order], feature_names=first.feature_names, kinds=first.kinds))
    return aligned


def _difference(one: str, other: str) -> str:
    """In which settings two extractions differ."""
    one, other = json.loads(one), json.loads(other)
    names = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    return ", ".join(f"{name}={other.get(name)} instead of {one.get(name)}" for name in names)


def _join(columns: list[np.ndarray]) -> np.ndarray:
    """One column from several files: numbers only if all are numbers, else text."""
    if all(column.dtype.kind == "i" for column in columns):
        return np.concatenate(columns)
    return np.concatenate([column.astype(np.str_) for column in columns])


def select(path, subject: np.ndarray, session: np.ndarray, subjects, sessions) -> np.ndarray:
    """Indices of the windows of the subjects and sessions asked for; every pair asked for must exist."""
    keep = np.ones(len(subject), dtype=bool)
    for key, column, wanted in (("subject", subject, subjects), ("session", session, sessions)):
        if wanted is None:
            continue
        existing = list(dict.fromkeys(map(str, column[keep].tolist())))
        missing = [value for value in listed(wanted) if value not in existing]
        if missing or not listed(wanted):
            raise ValueError(
                f"{path}: {words().data(f'{key}s')} asks for {', '.join(missing) or 'none at all'}; "
                f"there are the {key}s {some(existing)}"
            )
        keep &= np.isin(column.astype(np.str_), listed(wanted))
    if subjects is not None and sessions is not None:
        present = set(zip(subject[keep].astype(str).tolist(), session[keep].astype(str).tolist(), strict=True))
        for pair in ((one, other) for one in listed(subjects) for other in listed(sessions)):
            if pair not in present:
                raise ValueError(
                    f"{path}: subject {pair[0]} has no session {pair[1]}, which {words().data('sessions')} asks for"
                )
    return np.flatnonzero(keep)


def _classes(parts: list[TableFile], keep: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Class index per kept window, and the names of the classes."""
    labels = _join([part.label for part in parts])[keep]
    if parts[0].class_names is not None:
        return labels, parts[0].class_names
    values, y = np.unique(labels, return_inverse=True)
    return y.astype(np.int64), tuple(map(str, values.tolist()))


@checked()
def table(
    data: pd.DataFrame | str | Path | Sequence[str | Path],
    *,
    label: str = "label",
    trial: str = "trial",
    subject: str = "subject",
    session: str | None = None,
    stimulus: str | None = None,
    **settings,
) -> FeatureSet:
    """A pandas DataFrame, or a file, as a `FeatureSet`, checked as ``data=features`` checks a file.

    A DataFrame has one row per window: columns named by the parameters, every other column a feature. The result goes
    to `ExperimentDataModule`, and its ``x``, ``y`` and ``trial_ids()`` to samplers and scikit-learn.

    Parameters
    ----------
    data
        The table: a DataFrame, or a file, folder or list of files.
    label, trial, subject
        Names of columns; levels of the index may have them.
    session, stimulus
        Names of columns; None means the columns "session" and "stimulus" if they are there.
    **settings
        ``eye``, ``features``, ``drop``, ``keep``, ``missing``, ``modality`` and all other arguments of
        `emogan.data.table.load`.

    Raises
    ------
    ValueError
        Naming the column, what was expected, what came and what to do.
    """
    with worded(PythonWording()):
        return load(
            data, label=label, trial=trial, subject=subject, session=session or "session",
            stimulus=stimulus or STIMULUS, **settings,
        )  # fmt: skip
