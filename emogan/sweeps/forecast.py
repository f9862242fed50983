"""How long a sweep still takes, from what its finished jobs took."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

SAME_COST = ("seed=", "data.sessions=", "data.subjects=")  # overrides that change which work is done, not how much
ROUGHLY = (*SAME_COST, "modality=")  # within a factor of two or three
UNKNOWN = "known when the first of a kind has ended"


def forecast(folder: Path, asked: Sequence[tuple[str, ...]], at_once: int) -> str:
    """How many jobs of a sweep are done and how long the others take, ``at_once`` at a time, as a sentence.

    A job is expected to take what finished ones of its kind took, per subject if they list their subjects; roughly
    what those of another modality took, where there are none. Jobs that took their GANs from the store tell nothing.
    """
    finished = {frozenset(overrides): seconds for overrides, seconds in _finished(folder)}
    left = [overrides for overrides in asked if frozenset(overrides) not in finished]
    summary = f"{len(asked) - len(left)} of {len(asked)} jobs are done"
    if not left:
        return summary
    rates: dict[frozenset, list[float]] = {}
    for overrides, seconds in finished.items():
        if seconds is not None:
            for kind in {_kind(overrides), _kind(overrides, ROUGHLY)}:
                rates.setdefault(kind, []).append(seconds / _subjects(overrides))
    alike = [rates.get(_kind(one)) for one in left]
    found = [own or rates.get(_kind(one, ROUGHLY)) for own, one in zip(alike, left, strict=True)]
    times = [_subjects(one) * sum(own) / len(own) for own, one in zip(found, left, strict=True) if own]
    if not times:
        return f"{summary}; time left: {UNKNOWN}"
    word = "about" if sum(map(bool, alike)) == len(times) else "roughly"
    more = f" and {len(left) - len(times)} jobs of kinds not measured yet" if len(times) < len(left) else ""
    return f"{summary}; time left: {word} {in_words(sum(times) / min(at_once, len(times)))}{more}"


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


def _finished(folder: Path) -> Iterable[tuple[tuple[str, ...], float | None]]:
    """Overrides of every finished job in and below a folder and the seconds it took, if it did all of its work."""
    for scores in folder.glob("*/scores.csv"):
        try:
            run = json.loads((scores.parent / "run.json").read_text(encoding="utf-8"))
            overrides = yaml.safe_load((scores.parent / ".hydra" / "overrides.yaml").read_text(encoding="utf-8"))
            whole = run["computed"]
            yield tuple(map(str, overrides)), sum(run["seconds"].values()) if whole else None
        except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
            continue  # not counted as done: it will be done again
