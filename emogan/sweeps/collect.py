"""Find the jobs below some folders and read them: the done ones as frames, all others by name and reason."""

import contextlib
import json
import os
import shlex
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from emogan.command_line import option
from emogan.data.experiments import as_list
from emogan.jobs.files import DISMISSED, EARLIER, EARLIER_JOB, FILES, IDENTITY, MOVING, TRIAL_COLUMNS
from emogan.sweeps.expected import combinations, missing
from emogan.sweeps.windows import load_windows
from emogan.wording import natural

NUMBERS = {column for columns in FILES.values() for column in columns} - {
    "dataset", "subject", "session", "fold", "modality", "model", "settings", "settings_oracle", "label", "predicted",
    "class", "metric",
}  # fmt: skip
UNIQUE = [*IDENTITY, "label", "predicted", "class", "metric"]  # what distinguishes the rows of a file
MEASURED = ("data", "people")  # of the donors in run.json: what was found, not what was asked for
RATES = ("accuracy", "accuracy_oracle", "macro_f1", "accuracy_inner")
TRAINED_ON = {  # which experiments a training set holds, by the folds
    "leave_subject_out": ("data.subjects", "data.sessions"), "leave_session_out": ("data.sessions",),
    "quarters": ("data.sessions",),
}  # fmt: skip
NOT_DATA = ("jobs", "cache", "keep")  # settings of data that do not change what is loaded
PLACES = ("path", "root", "recordings", "trials")  # settings of data that are files or folders
PRUNED = ("store", "report", ".hydra", EARLIER_JOB, MOVING)  # folders that hold no jobs


@dataclass(frozen=True, eq=False)
class Job:
    """One finished job: its frames, and what `run.json` says."""

    folder: Path
    finished: float  # when scores.csv was written, seconds since 1970
    run: dict
    data: dict  # the configuration's data, without modality, subjects and sessions
    experiments: tuple  # the configuration's data.subjects and data.sessions
    scores: pd.DataFrame  # scores.csv beside selection.csv, with trials_per_class, job (its identity) and folder
    confusion: pd.DataFrame
    classes: tuple[str, ...]
    quality: pd.DataFrame  # empty for model=none
    baseline: pd.DataFrame  # what it scored without synthetic windows, as scores; empty where these are in scores

    @property
    def dataset(self) -> str:
        return str(self.scores.dataset.iloc[0])

    @property
    def modality(self) -> str:
        return str(self.scores.modality.iloc[0])

    @property
    def model(self) -> str:
        return str(self.scores.model.iloc[0])

    @property
    def identity(self) -> str:
        """The settings of the augmenter and the donors: jobs of one model that differ in them are settings of it."""
        donors = {name: value for name, value in self.run.get("donors", {}).items() if name not in MEASURED}
        return json.dumps(self.run["augmenter"] | ({"donors": donors} if donors else {}), sort_keys=True)

    @property
    def trials_per_class(self) -> int | None:
        return self.run["evaluation"].get("trials_per_class")

    @property
    def fingerprint(self) -> str:
        return self.run["data"]["fingerprint"]

    @cached_property
    def evaluation(self) -> dict:
        """Everything that jobs of one table must have in common, as plain values by dotted name."""
        evaluation = dict(self.run["evaluation"])
        del evaluation["trials_per_class"]
        # Where a training set holds several experiments, it is another one if other experiments were loaded
        asked = dict(zip(("data.subjects", "data.sessions"), self.experiments, strict=False))
        trained_on = TRAINED_ON.get(evaluation.get("folds"), ())
        return {
            "dataset": self.dataset, "classes": " / ".join(self.classes), "plan": self.run.get("plan"),
            "classifier": self.run["classifier"],
            "scaling.fit_on": self.run["scaling"]["fit_on"], "classifier_settings": self.run.get("classifier_settings"),
            **{f"evaluation.{k}": v for k, v in evaluation.items()}, **{f"data.{k}": v for k, v in self.data.items()},
            **{name: asked[name] for name in trained_on if name in asked},
        }  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """Something that is not in the tables, and why: failed | unfinished | missing | unreadable | superseded |
    dismissed."""

    kind: str
    where: str
    what: str


@dataclass(frozen=True)
class Collection:
    """What was found: finished jobs, oldest first, and everything that cannot be counted."""

    jobs: tuple[Job, ...]
    problems: tuple[Problem, ...]


def collect(paths: Sequence[str | Path], skip: Path | None = None) -> Collection:
    """Read all jobs in and below some folders; ``skip`` is a folder not to look into.

    Where the same cell (data set, evaluation settings, model and its settings, n_aug, seed, subject, session, fold)
    stands in several jobs, that of the job finished last counts.

    Raises
    ------
    ValueError
        If a path is not a folder, or there is no trace of a job below any of them.
    """
    folders, multiruns = _find(paths, skip)
    if not folders and not multiruns:
        raise ValueError(
            f"expected folders that python -m emogan.train wrote, or one above them; found no job in or below "
            f"{', '.join(map(str, paths))}"
        )
    jobs, problems = _sorted(map(_read, folders))
    for multirun in multiruns:
        problems += _missing(multirun, folders)
    jobs.sort(key=lambda job: job.finished)
    jobs, stale = _same_data(jobs)
    jobs, superseded = _newest(jobs)
    return Collection(tuple(jobs), (*problems, *stale, *superseded))


def collect_sweep(folder: Path, asked: Iterable[tuple[str, ...]] | None) -> Collection:
    """Read the jobs of the last sweep into a folder, which may hold those of earlier ones too.

    ``asked`` are the overrides of each. A job that this sweep has not started is missing, whatever an earlier one left.
    None takes what was started, if it was not known beforehand what would be.
    """
    multirun = folder / "multirun.yaml"
    began = _changed(multirun)  # Hydra writes it first of all: a time of the same file system's clock
    folders = _find([folder], None)[0] if began else []
    started = [job for job in folders if _changed(job / ".hydra" / "overrides.yaml") >= began]
    if asked is None:
        every = [_read(job) for job in started]
    else:
        known = {frozenset(_overrides(job / ".hydra" / "overrides.yaml")): job for job in started}
        every = [
            _read(known[frozenset(overrides)])
            if frozenset(overrides) in known
            else Problem("missing", str(folder), f"{' '.join(overrides)}: not started")
            for overrides in dict.fromkeys(asked)
        ]
    jobs, problems = _sorted(every)
    return Collection(tuple(jobs), tuple(problems))


def _sorted(every: Iterable[Job | Problem]) -> tuple[list[Job], list[Problem]]:
    every = list(every)
    jobs = [one for one in every if isinstance(one, Job)]
    return jobs, [one for one in every if isinstance(one, Problem)]


def common_folder(paths: Iterable[str | Path]) -> Path:
    """The deepest folder that holds all of some folders; the first of them where they lie on several drives."""
    resolved = [Path(path).resolve() for path in paths]
    return Path(os.path.commonpath(resolved)) if len({path.drive for path in resolved}) == 1 else resolved[0]


def _find(paths: Iterable[str | Path], skip: Path | None) -> tuple[list[Path], list[Path]]:
    """Folders of jobs and multirun.yaml files, each once, in the order of their names."""
    folders, multiruns = set(), set()
    for path in map(Path, paths):
        if not path.is_dir():
            raise ValueError(f"expected a folder of one or many jobs, got {path}, which is not a folder")
        for place, below, files in os.walk(path.resolve()):
            here = Path(place)
            if ".hydra" in below or {"scores.csv", "failed.json"} & set(files):
                folders.add(here)
            if "multirun.yaml" in files:
                multiruns.add(here / "multirun.yaml")
            below[:] = [name for name in below if name not in PRUNED and here / name != skip]
    return sorted(folders, key=natural), sorted(multiruns)


def _read(folder: Path) -> Job | Problem:
    found = _found(folder)
    places = (folder / "scores.csv", folder / EARLIER, folder / EARLIER_JOB / EARLIER)
    if isinstance(found, Problem) and found.kind in ("failed", "unfinished") and any(map(Path.exists, places)):
        kept = "the results of the job before in this folder are kept, and its command restores them"
        found = replace(found, what=f"{found.what}; {kept}{_options_before(folder)}")
    dismissed = isinstance(found, Problem) and (folder / DISMISSED).exists()
    return replace(found, kind="dismissed") if dismissed else found


def _options_before(folder: Path) -> str:
    """The options of the job whose results a folder keeps, if they can be read."""
    for run in (folder / EARLIER_JOB / "run.json", folder / "run.json"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            typed = map(shlex.quote, json.loads(run.read_text(encoding="utf-8"))["overrides"])
            return f": {' '.join([*typed, option('hydra.run.dir', folder)])}"
    return ""


def _found(folder: Path) -> Job | Problem:
    if (folder / "scores.csv").exists() and not _failed_since(folder):
        try:
            return _done(folder)
        except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError, AttributeError) as error:
            text = f"no {error} in run.json" if isinstance(error, KeyError) else str(error)
            return Problem("unreadable", str(folder), f"{text}. Remove the folder and type the job's command again")
    if (folder / "failed.json").exists():
        try:
            failure = json.loads((folder / "failed.json").read_text(encoding="utf-8"))
            return Problem("failed", str(folder), f"{failure['error']}: {failure['message']}")
        except (OSError, ValueError, KeyError, TypeError) as error:
            return Problem("failed", str(folder), f"for a reason that failed.json does not tell ({error})")
    changed = max(_changed(path) for path in (folder, *folder.iterdir()))
    since = datetime.fromtimestamp(changed).isoformat(" ", "minutes")
    minutes = (time.time() - changed) / 60
    return Problem("unfinished", str(folder), f"running or killed: last changed {since}, {minutes:.0f} minutes ago")


def _failed_since(folder: Path) -> bool:
    """Whether a later job in the same folder was refused before it did anything: the scores are not its own."""
    failure = folder / "failed.json"
    return failure.exists() and failure.stat().st_mtime >= (folder / "scores.csv").stat().st_mtime


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # a temporary file of a running job
        return 0.0


def _done(folder: Path) -> Job:
    finished = (folder / "scores.csv").stat().st_mtime
    try:
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"expected run.json as a job writes it, got a damaged file ({error})") from error
    if not isinstance(run, dict):
        raise ValueError(f"expected a mapping in run.json, got {type(run).__name__}")
    run["augmenter"], run["classifier"], run["data"]["experiments"], run["scaling"]["fit_on"]  # or KeyError
    if not isinstance(run["evaluation"], dict):
        raise ValueError(f"expected a mapping as evaluation in run.json, got {run['evaluation']!r}")
    scores, selection, confusion = (_table(folder, name) for name in ("scores", "selection", "confusion"))
    scores = scores.merge(selection, on=IDENTITY, how="left", validate="one_to_one")
    if scores.accuracy_inner.isna().any():
        raise ValueError("expected a row of selection.csv for each of scores.csv; some are not there")
    if len(scores[["dataset", "modality", "model", "seed"]].drop_duplicates()) != 1:
        raise ValueError("expected one data set, modality, model and seed in scores.csv, got several")
    for column in (*RATES, *TRIAL_COLUMNS):
        if not scores[column].between(0, 1).all():
            low, high = scores[column].min(), scores[column].max()
            raise ValueError(f"expected rates in [0, 1] in {column}, got {low} to {high}")
    quality = _table(folder, "quality") if (folder / "quality.csv").exists() else pd.DataFrame(columns=FILES["quality"])
    if (folder / "windows.npz").exists():
        load_windows(folder)  # or ValueError
    quality = quality.assign(seed=scores.seed.iloc[0])
    baseline = _table(folder, "baseline") if (folder / "baseline.csv").exists() else scores[:0]
    classes = tuple(confusion.label.unique())
    job = Job(folder, finished, run, *_data_settings(folder), scores, confusion, classes, quality, baseline)
    trials = np.inf if job.trials_per_class is None else job.trials_per_class  # inf: all of them
    own = {"trials_per_class": trials, "job": job.identity, "folder": str(folder)}
    return replace(job, scores=scores.assign(**own), baseline=baseline.assign(**own))


def _table(folder: Path, name: str) -> pd.DataFrame:
    """One of a job's .csv files: names as text, numbers as numbers."""
    path = folder / f"{name}.csv"
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except ValueError as error:  # pandas' own errors are
        raise ValueError(f"expected rows of {', '.join(FILES[name])} in {path.name}, got {error}") from error
    if list(frame.columns) != FILES[name] or frame.empty:
        raise ValueError(f"expected rows of {', '.join(FILES[name])} in {path.name}, got {', '.join(frame.columns)}")
    for column in NUMBERS & set(frame.columns):
        frame[column] = pd.to_numeric(frame[column].replace("", np.nan))
    return frame


def _data_settings(folder: Path) -> tuple[dict, tuple]:
    """The configuration's data, and which experiments of them: jobs of one table may differ in these."""
    path = folder / ".hydra" / "config.yaml"
    if not path.exists():
        return {}, ()
    try:
        data = OmegaConf.to_container(OmegaConf.load(path).data)
    except (OmegaConfBaseException, YAMLError, AttributeError) as error:
        raise ValueError(f"expected a job's configuration in .hydra/config.yaml, got {error}") from error
    experiments = tuple(as_list(data.pop(name, None)) for name in ("subjects", "sessions"))
    for name in PLACES:
        if isinstance(data.get(name), str) and "${" not in data[name]:
            data[name] = _absolute(data[name], folder)
    return {name: value for name, value in data.items() if name not in ("modality", *NOT_DATA)}, experiments


def _absolute(place: str, folder: Path) -> str:
    """The absolute path of a file that a job's configuration names relative to the job's working directory."""
    place = Path(place).expanduser()
    with contextlib.suppress(OmegaConfBaseException, YAMLError, OSError, AttributeError):
        place = Path(OmegaConf.load(folder / ".hydra" / "hydra.yaml").hydra.runtime.cwd) / place
    return os.path.normpath(place)


def _missing(multirun: Path, folders: Iterable[Path]) -> list[Problem]:
    try:
        expected = combinations(multirun)
    except ValueError as error:
        return [Problem("unreadable", str(multirun), str(error))]
    if expected is None:
        return []
    files = [folder / ".hydra" / "overrides.yaml" for folder in folders if multirun.parent in folder.parents]
    absent = missing(expected, [_overrides(path) for path in files if path.exists()])
    return [
        Problem("missing", str(multirun.parent), f"{' '.join(overrides)}: not started, or its folder was removed")
        for overrides in absent
    ]


def _overrides(path: Path) -> list[str]:
    try:
        return [str(override) for override in OmegaConf.load(path)]
    except (OmegaConfBaseException, YAMLError, UnicodeDecodeError):
        return []  # of a job that was killed while it started


def _same_data(jobs: Sequence[Job]) -> tuple[list[Job], list[Problem]]:
    """Leave out jobs that read other data of the same experiments under the same settings than a newer one did."""
    kept, stale, newest = [], [], {}
    for job in reversed(jobs):
        known = newest.setdefault(json.dumps([job.evaluation, job.modality], sort_keys=True), {})
        own = job.run["data"]["experiments"]
        first = next((known[name][1] for name in own if name in known and known[name][0] != own[name]), None)
        if first is not None:
            what = f"the data have changed since: {first.folder.name} read others under the same settings, and counts"
            stale.append(Problem("superseded", str(job.folder), what))
        else:
            kept.append(job)
            known |= {name: (fingerprint, job) for name, fingerprint in own.items() if name not in known}
    return kept[::-1], stale


def _newest(jobs: Sequence[Job]) -> tuple[list[Job], list[Problem]]:
    """Keep each cell once, in the job finished last; jobs must come oldest first."""
    seen: dict[str, set] = {"scores": set(), "confusion": set(), "quality": set()}
    kept, superseded = [], []
    for job in reversed(jobs):
        place = json.dumps(job.evaluation, sort_keys=True), job.trials_per_class, job.identity
        frames = {}
        for name in seen:
            frame = getattr(job, name)
            keys = frame.columns.intersection(UNIQUE)
            cells = [(*place, *cell) for cell in frame[keys].itertuples(index=False, name=None)]
            fresh = np.array([cell not in seen[name] for cell in cells], dtype=bool)
            seen[name] |= set(cells)
            frames[name] = frame[fresh]
        dropped = len(job.scores) - len(frames["scores"])
        if dropped:
            what = f"{dropped} of its {len(job.scores)} rows of scores stand in a job that finished later, which counts"
            superseded.append(Problem("superseded", str(job.folder), what))
        if len(frames["scores"]):
            kept.append(replace(job, **frames))
    return kept[::-1], superseded
