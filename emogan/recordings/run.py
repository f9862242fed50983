"""From a folder of recordings to a folder of feature files: what is done is kept, what fails stops nothing else."""

import io
import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from filelock import FileLock
from joblib import Parallel, delayed, parallel_config
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from emogan.atomic import remove_abandoned, write_atomically
from emogan.checks import PositiveInt, checked
from emogan.recordings.events_table import EventsTable, Experiment, Row, problems, read_table
from emogan.recordings.experiment import check, features
from emogan.recordings.known_trials import FOUND, KNOWN
from emogan.recordings.settings import Settings
from emogan.wording import natural, some

log = logging.getLogger(__name__)

SAFE = re.compile(r"[\w.+-]+")  # of names that become names of files


@dataclass
class Outcome:
    """Feature files written and kept, what was wrong with the other experiments, and what to know of the recordings.

    `failed` maps the name of an experiment to its errors, `notes` a note to the recordings that it applies to.
    """

    written: list[Path] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)
    failed: dict[str, list[str]] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)

    @property
    def files(self) -> list[Path]:
        """All of them in natural order, as a folder of them is read, whichever were there before."""
        return sorted(self.written + self.kept, key=natural)

    def __str__(self) -> str:
        message = f"{len(self.written)} feature files written, {len(self.kept)} were there, {len(self.failed)} failed"
        failures = [f"- {name}: {text}" for name, texts in self.failed.items() for text in texts]
        notes = [f"note on {some(names, 3)}: {text}" for text, names in self.notes.items()]
        return "\n".join([message, *failures, *notes])


@checked()
def extract(
    recordings: str | Path, trials: str | Path | EventsTable, out: str | Path, settings: Mapping, jobs: PositiveInt = 1
) -> Outcome:  # fmt: skip
    """Write a feature file {subject}_{session}.npz for each experiment of an events table.

    A file whose fingerprint is that of the settings, rows and recordings is kept. A file of the same name and another
    fingerprint is renamed to {subject}_{session}.npz.old before any work, so that no features of other trials or
    settings are read with the new ones, and removed once there is a new one. Files of experiments that the table does
    not have are left where they are, with a note. Files appear whole or not at all, and one process at a time works in
    a folder.

    Parameters
    ----------
    recordings : folder of the recordings
    trials : events table, or a file of one (`read_table`), "annotations", "bids", or one of `known_trials.KNOWN`
    out : folder of the feature files, made if need be
    settings : those of `Settings`
    jobs : experiments worked on at once, each with one thread

    Raises
    ------
    FileNotFoundError, ValueError
        If a setting is impossible, or there is no events table or no folder. The errors of a single experiment are not
        raised: they are kept in `Outcome.failed`.
    """
    settings = Settings.of(settings)
    folder, out = Path(recordings).expanduser().absolute(), Path(out).expanduser().absolute()
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise FileNotFoundError(f"recordings: expected a folder, found {found} at {folder}")
    table = trials if isinstance(trials, EventsTable) else _events_table(str(trials), folder, settings.window_s)
    out.mkdir(parents=True, exist_ok=True)
    with FileLock(out / ".extracting.lock"):
        remove_abandoned(out)
        return _extract(table, out, settings, jobs)


def _events_table(trials: str, folder: Path, window_s: float) -> EventsTable:
    if trials in FOUND:
        return FOUND[trials](folder, window_s)
    return KNOWN[trials](folder) if trials in KNOWN else read_table(Path(trials).expanduser(), folder)


def _extract(table: EventsTable, out: Path, settings: Settings, jobs: int) -> Outcome:
    outcome, todo = Outcome(), {}
    if table.unusable:
        outcome.failed["recordings"] = list(table.unusable)
    faults, notes = problems(table, settings.window_s), list(table.notes)
    names = _names(table)
    for experiment, rows in table.experiments().items():
        name, faulty = names[experiment], list(faults.get(experiment, []))
        path, survey = out / f"{name}.npz", check(rows, settings, table.class_names)
        notes += survey.notes
        if not faulty + survey.problems and _fingerprint(path) == survey.fingerprint:
            outcome.kept.append(path)
            continue
        if path.exists():
            log.info(
                "%s is of other settings, trials or recordings and is extracted again; the earlier file is kept as %s "
                "until then",
                path.name,
                _old(path).name,
            )
            path.replace(_old(path))
        if faulty + survey.problems:
            outcome.failed[name] = faulty + survey.problems
        else:
            todo[name] = rows, survey.fingerprint
    others = [path.name for path in out.glob("*.npz") if path.stem not in names.values() and _fingerprint(path)]
    notes += [(name, f"it is of an experiment that is not in the table, and is read with {out}") for name in others]
    for name, fault in _done(todo, out, settings, table.class_names, jobs):
        if fault is None:
            outcome.written.append(out / f"{name}.npz")
            _old(outcome.written[-1]).unlink(missing_ok=True)
        else:
            outcome.failed[name] = [fault]
            tqdm.write(f"{name}: {fault}")
    outcome.written.sort()
    for recording, note in dict.fromkeys(notes):
        outcome.notes.setdefault(note, []).append(recording)
    return outcome


def _old(path: Path) -> Path:
    return path.with_name(f"{path.name}.old")


def _names(table: EventsTable) -> dict[Experiment, str]:
    names = {experiment: "{}_{}".format(*experiment) for experiment in table.experiments()}
    for name in names.values():
        if not SAFE.fullmatch(name) or list(names.values()).count(name) > 1:
            raise ValueError(
                f"expected subjects and sessions whose names make distinct names of files, got {name!r}. Use letters "
                "and digits."
            )
    return names


def _done(todo: Mapping, out: Path, settings: Settings, class_names, jobs: int) -> Iterator[tuple[str, str | None]]:
    """Name of each experiment once it is done, and what went wrong."""
    tasks = (
        delayed(write)(out / f"{name}.npz", rows, settings, class_names, mark) for name, (rows, mark) in todo.items()
    )
    with parallel_config("loky", inner_max_num_threads=1):
        results = Parallel(n_jobs=min(jobs, max(len(todo), 1)), return_as="generator_unordered")(tasks)
        yield from tqdm(results, total=len(todo), desc="extract", unit="experiment", disable=not todo)


@threadpool_limits.wrap(limits=1)
def write(
    path: Path, rows: Sequence[Row], settings: Settings, class_names: Sequence[str] | None, mark: str
) -> tuple[str, str | None]:  # fmt: skip
    """Make and write one feature file; returns its experiment's name and what went wrong, if anything did."""
    try:
        arrays = features(rows, settings)
        if class_names is not None:
            arrays["class_names"] = np.array(class_names)
        buffer = io.BytesIO()
        np.savez(buffer, **arrays, settings=json.dumps(settings.plain()), fingerprint=mark)
        write_atomically(path, buffer.getvalue())
    except (ValueError, OSError) as error:
        return path.stem, str(error)
    except Exception as error:  # the others go on
        log.exception("%s", path.stem)
        return path.stem, f"{type(error).__name__}: {error}"
    return path.stem, None


def _fingerprint(path: Path) -> str | None:
    """What a feature file was made of; "" if it cannot be read, None if it is not there."""
    if not path.exists():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return str(stored["fingerprint"])
    except Exception:  # whatever it is, it is made anew
        return ""
