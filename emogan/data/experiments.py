"""From the files of one or two modalities to a FeatureSet: which experiments to read, and joining them by window."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from emogan.data.eye_names import EYE_NAMES
from emogan.data.features import FeatureSet, concatenate
from emogan.data.file_tree import Experiment, is_simulated
from emogan.data.montage import BANDS, CHANNELS, EEG_FEATURES
from emogan.data.trials import stimuli

log = logging.getLogger(__name__)

Numbers = int | Sequence[int] | None  # of subjects or sessions; None is all


@dataclass(frozen=True)
class Source:
    """The folder and files of one modality and how to read one.

    `read(path, session)` returns the trials of that session in order, as arrays (W, F), and one label for each trial;
    it is None where features are extracted from signals. `unclear` holds, for each subject whose files cannot be
    assigned to sessions, the reason why. `names` are the names of the columns, where they differ from SEED's for EEG or
    from SEED-V's for eye movements.
    """

    folder: Path
    files: Mapping[Experiment, Path]
    read: Callable[[Path, int], tuple[list[np.ndarray], Sequence[int]]] | None = None
    unclear: Mapping[int, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()


def sources(modality: str, **openers: Callable[[], Source]) -> dict[str, Source]:
    """Open the sources that a modality needs and leave the others alone: their files need not exist."""
    return {name: opener() for name, opener in openers.items() if name in modality.split("_")}


class NotThere(ValueError):
    """A person or session that was asked for has no files, or there are none at all."""


def need_eeg(modality: str, dataset: str) -> None:
    """Refuse to load eye movement features alone of a data set that has none."""
    if modality == "eye":
        raise ValueError(
            f"modality: expected eeg, or eeg_eye for all features that there are, as {dataset} has no eye movement "
            "features, got eye"
        )


def choose(
    sources: Mapping[str, Source], subjects: Sequence[int] | None = None, sessions: Sequence[int] | None = None
) -> list[Experiment]:
    """Choose the experiments, in order, that have files of every modality.

    What lacks a modality is left out with a warning, unless it was asked for: then it is an error (NotThere).
    """
    kinds = " and ".join(sources)
    complete = set.intersection(*(set(source.files) for source in sources.values()))
    for place, word, asked in ((0, "subject", subjects), (1, "session", sessions)):
        exists = ", ".join(str(number) for number in sorted({experiment[place] for experiment in complete})) or "none"
        if asked == []:
            raise ValueError(f"expected {word} numbers, got an empty list; null means all {word}s, here {exists}")
        missing = [number for number in asked or () if number not in {experiment[place] for experiment in complete}]
        if missing or not complete:
            raise NotThere(
                f"expected {kinds} features of {f'{word} ' if missing else 'at least one experiment'}"
                f"{', '.join(map(repr, missing))}{_reasons(sources, place, missing)}; {word}s with {kinds} features: "
                f"{exists}. Change data.{word}s, modality or data.root."
            )
    if subjects and sessions and (gaps := {(i, k) for i in subjects for k in sessions} - complete):
        raise ValueError(
            f"expected {kinds} features of every subject and session asked for, none of "
            + ", ".join(f"subject {i} session {k}" for i, k in sorted(gaps))
            + ". Change data.subjects or data.sessions."
        )

    if not subjects:
        reasons = [reason for source in sources.values() for reason in source.unclear.values()]
        if reasons:
            log.warning(
                "%s. %s left out", "; ".join(reasons), "Their subjects are" if reasons[1:] else "The subject is"
            )

    def asked_for(experiments: set[Experiment]) -> list[Experiment]:
        return sorted(e for e in experiments if e[0] in (subjects or [e[0]]) and e[1] in (sessions or [e[1]]))

    chosen, partial = asked_for(complete), asked_for({e for s in sources.values() for e in s.files} - complete)
    if partial:
        log.warning(
            "left out %d of %d experiments, which do not have both %s features: subjects %s",
            len(partial), len(partial) + len(chosen), kinds, ", ".join(map(str, sorted({e[0] for e in partial}))),
        )  # fmt: skip
    return chosen


def _reasons(sources: Mapping[str, Source], place: int, missing: Sequence[int]) -> str:
    """Of which modality there is no file at all, where two are needed, or none whose session is known."""
    unclear = {subject: reason for source in sources.values() for subject, reason in source.unclear.items()}
    if reasons := [unclear[subject] for subject in missing or unclear if place == 0 and subject in unclear]:
        return f" ({'; '.join(reasons)})"
    have = {name: {experiment[place] for experiment in source.files} for name, source in sources.items()}
    reasons = [f"no {name} file of {n}" for n in missing for name in have if n not in have[name] and len(have) > 1]
    return f" ({', '.join(reasons)})" if reasons else ""


def feature_set(
    dataset: str, class_names: Sequence[str], sources: Mapping[str, Source],
    subjects: Sequence[int] | None = None, sessions: Sequence[int] | None = None, *, same_clips: bool = False,
    own_folds: str | None = "paper", spare_windows: int = 0,
) -> FeatureSet:  # fmt: skip
    """Read the chosen experiments and join their modalities window by window.

    The result is called synthetic_{dataset} if a folder says that it holds simulated data.

    Parameters
    ----------
    same_clips
        Whether the sessions show the same film clips, or each its own.
    own_folds
        As in `FeatureSet`.
    spare_windows
        How many windows more one modality may have in a trial than the other: they are left out, at its end.

    Raises
    ------
    ValueError
        If something asked for does not exist, the modalities disagree in windows or labels, or a file differs from
        the first in its number of features or holds values that are not finite. Names the files.
    """
    names: dict[str, tuple[str, ...]] = {}
    parts = []
    for subject, session in choose(sources, as_list(subjects), as_list(sessions)):
        read, paths = {}, {name: source.files[subject, session] for name, source in sources.items()}
        for name, path in paths.items():
            trials, labels = sources[name].read(path, session)
            count = trials[0].shape[1]
            eye_names = EYE_NAMES.get(count) or tuple(f"eye_{i}" for i in range(1, count + 1))
            names.setdefault(name, sources[name].names or (EEG_FEATURES if name == "eeg" else eye_names))
            where = f"{path}: subject {subject}, session {session}"
            read[name] = [_checked(x, names[name], f"{where}, trial {i}") for i, x in enumerate(trials, 1)], labels
        read = _trimmed(read, spare_windows)
        _check_agreement(read, paths)
        trials, labels = next(iter(read.values()))
        windows = [len(x) for x in trials]
        x = np.hstack([np.concatenate(trials) for trials, _ in read.values()])
        y, trial = (np.repeat(np.asarray(v, np.int64), windows) for v in (labels, range(1, len(windows) + 1)))
        stimulus = stimuli(len(windows), session, same_clips)[trial - 1]
        number = {"session": np.full(len(x), session), "subject": np.full(len(x), subject)}
        parts.append({"x": x, "y": y, "trial": trial, "stimulus": stimulus, **number})
    stops = np.cumsum([len(columns) for columns in names.values()]).tolist()
    modalities = {name: slice(stop - len(names[name]), stop) for name, stop in zip(names, stops, strict=True)}
    feature_names = tuple(column for columns in names.values() for column in columns)
    simulated = any(is_simulated(source.folder) for source in sources.values())
    dataset = f"synthetic_{dataset}" if simulated else dataset
    return FeatureSet(
        **concatenate(parts), feature_names=feature_names, class_names=class_names, modalities=modalities,
        dataset=dataset, own_folds=own_folds,
    )  # fmt: skip


def as_list(values: int | str | Iterable | None) -> list | None:
    """A list from subjects or sessions, of which one may be given without brackets; None, which means all, stays so."""
    return values if values is None else [values] if isinstance(values, int | str) else list(values)


def _checked(x: np.ndarray, names: Sequence[str], where: str) -> np.ndarray:
    """A trial's windows as float32, with as many features as the first file's and all of them finite."""
    if x.shape[1] != len(names):
        raise ValueError(
            f"{where}: expected {len(names)} features as in the first file, got {x.shape[1]}. "
            "Leave the files of another kind out with data.subjects and data.sessions."
        )
    with np.errstate(over="ignore"):  # a value too large for float32 becomes infinite, which the next line finds
        x = x.astype(np.float32)
    bad = np.argwhere(~np.isfinite(x))
    if len(bad):
        row, column = bad[0]
        raise ValueError(
            f"{where}: expected finite features, got {x[row, column]} as {names[column]} in window {row + 1} "
            f"({len(bad)} such values in the trial). Repair the file or leave this experiment out."
        )
    return x


def _trimmed(
    read: Mapping[str, tuple[list[np.ndarray], Sequence[int]]], spare: int
) -> dict[str, tuple[list[np.ndarray], Sequence[int]]]:
    """Cut the trials that have at most `spare` windows more in one modality than in the other to the shorter."""
    lengths = list(zip(*([len(x) for x in trials] for trials, _ in read.values()), strict=True))
    stops = [min(of_trial) if max(of_trial) - min(of_trial) <= spare else None for of_trial in lengths]
    return {name: ([x[:n] for x, n in zip(trials, stops, strict=True)], y) for name, (trials, y) in read.items()}


def _check_agreement(read: Mapping[str, tuple[list[np.ndarray], Sequence[int]]], paths: Mapping[str, Path]) -> None:
    """The modalities of an experiment must have the same windows in every trial, and the same labels."""
    tables = [list(zip(map(len, trials), labels, strict=True)) for trials, labels in read.values()]
    for number, rows in enumerate(zip(*tables, strict=True), 1):
        for what, values in zip(("windows", "label"), zip(*rows, strict=True), strict=True):
            if len(set(values)) > 1:
                got = " and ".join(f"{v} in {path}" for v, path in zip(values, paths.values(), strict=True))
                raise ValueError(
                    f"expected the same {what} in both modalities, got {got}, trial {number}. Are they of the same "
                    "release and window length? modality=eeg or modality=eye reads one alone."
                )


def need_shape(array, shape: tuple, path: Path, what: str, advice: str = "") -> np.ndarray:
    """Check that something read is an array of real numbers of a shape; a word in it stands for any number above 0."""
    array = np.asarray(array)
    fits = array.ndim == len(shape) and all(
        n > 0 and (isinstance(expected, str) or n == expected) for n, expected in zip(array.shape, shape, strict=True)
    )
    if not fits or array.dtype.kind not in "fiu":
        expected = f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
        raise ValueError(
            f"{path}: expected {what} as numbers of shape {expected}, got shape {array.shape} of type {array.dtype}. "
            + (advice or "Is the folder the right one and the file copied whole?")
        )
    return array


def eeg_rows(array, path: Path, what: str) -> np.ndarray:
    """Features (62, W, 5) of a .mat file -> (W, 310), channel-major."""
    array = need_shape(array, (len(CHANNELS), "windows", len(BANDS)), path, what)
    return array.transpose(1, 0, 2).reshape(array.shape[1], -1)
