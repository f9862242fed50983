"""How long a sweep still takes, from what its finished jobs took."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean

import yaml

SAME_COST = ("seed=", "data.sessions=", "data.subjects=")  # overrides that change which work is done, not how much
ROUGHLY = (*SAME_COST, "modality=")  # within a factor of two or three
UNKNOWN = "known when a job has ended"


def forecast(folder: Path, asked: Sequence[tuple[str, ...]], at_once: int) -> str:
    """How many jobs of a sweep are done and how long the others take, ``at_once`` at a time, as a sentence.

    A job is expected to take what finished ones of its kind took, per subject if they list their subjects; roughly
    what those of another modality took, where there are none; else the mean of the sweep's finished ones. Jobs that
    took their GANs from the store count only where there are no others: those that train theirs take longer.
    """
    finished = {frozenset(overrides): took for overrides, *took in _finished(folder)}
    left = [overrides for overrides in asked if frozenset(overrides) not in finished]
    summary = f"{len(asked) - len(left)} of {len(asked)} jobs are done"
    if not left:
        return summary
    rates: dict[frozenset, list[float]] = {}
    own: dict[bool, list[float]] = {True: [], False: []}  # of this sweep, by whether they trained all of their GANs
    known = set(map(frozenset, asked))
    for overrides, (seconds, computed) in finished.items():
        rate = seconds / _subjects(overrides)
        if overrides in known:
            own[computed].append(rate)
        for kind in {_kind(overrides), _kind(overrides, ROUGHLY)} if computed else ():
            rates.setdefault(kind, []).append(rate)
    alike = [rates.get(_kind(one)) for one in left]
    close = [exact or rates.get(_kind(one, ROUGHLY)) for exact, one in zip(alike, left, strict=True)]
    mean = own[True] or own[False]
    if not mean and not all(close):
        return f"{summary}; time left: {UNKNOWN}"
    times = [_subjects(one) * fmean(found or mean) for found, one in zip(close, left, strict=True)]
    time = in_words(sum(times) / min(at_once, len(times)))
    if all(close):
        return f"{summary}; time left: {'about' if all(alike) else 'roughly'} {time}"
    if not own[True]:
        return f"{summary}; time left: at least {time}, as those that are done found their GANs in the store"
    others = sum(found is None for found in close)
    return f"{summary}; time left: roughly {time}, with the mean of the finished jobs for {others} of other kinds"


def in_words(seconds: float) -> str:
    """A duration as people say it: 40 s, 12 min, 3 h 05 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def _kind(overrides: Iterable[str], but: tuple[str, ...] = SAME_COST) -> frozenset:
    return frozenset(override for override in overrides if not override.startswith(but))


def _subjects(overrides: Iterable[str]) -> int:
    listed = [override for override in overrides if override.startswith("data.subjects=[")]
    return listed[0].count(",") + 1 if listed else 1


def _finished(folder: Path) -> Iterable[tuple[tuple[str, ...], float, bool]]:
    """Of every finished job in a folder: its overrides, the seconds that it took and whether it did all of its work."""
    for scores in folder.rglob("scores.csv"):
        try:
            run = json.loads((scores.parent / "run.json").read_text(encoding="utf-8"))
            overrides = yaml.safe_load((scores.parent / ".hydra" / "overrides.yaml").read_text(encoding="utf-8"))
            yield tuple(map(str, overrides)), sum(run["seconds"].values()), run["computed"]
        except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
            continue  # not counted as done: it will be done again
