"""How long a sweep still takes, from what its finished jobs took."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

SAME_COST = ("seed=", "data.sessions=", "data.subjects=")  # overrides that change which work is done, not how much
UNKNOWN = "told when the first of a kind has ended"


def forecast(folder: Path, asked: Sequence[tuple[str, ...]], at_once: int) -> str:
    """How many jobs of a sweep are done and how long the others take, so many ``at_once``, as a sentence.

    A job is expected to take what finished ones of its kind took, per subject if they list their subjects. Jobs that
    took their GANs from the store tell nothing.
    """
    finished = {frozenset(overrides): seconds for overrides, seconds in _finished(folder)}
    left = [overrides for overrides in asked if frozenset(overrides) not in finished]
    told = f"{len(asked) - len(left)} of {len(asked)} jobs are done"
    if not left:
        return told
    rates: dict[frozenset, list[float]] = {}
    for overrides, seconds in finished.items():
        if seconds is not None:
            rates.setdefault(_kind(overrides), []).append(seconds / _subjects(overrides))
    known = [overrides for overrides in left if _kind(overrides) in rates]
    if not known:
        return f"{told}; time left: {UNKNOWN}"
    seconds = sum(_subjects(one) * sum(rates[_kind(one)]) / len(rates[_kind(one)]) for one in known)
    more = f" and {len(left) - len(known)} jobs of kinds not measured yet" if len(known) < len(left) else ""
    return f"{told}; time left: about {in_words(seconds / min(at_once, len(known)))}{more}"


def in_words(seconds: float) -> str:
    """A duration as people say it: 40 s, 12 min, 3 h 05 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def _kind(overrides: Iterable[str]) -> frozenset:
    return frozenset(override for override in overrides if not override.startswith(SAME_COST))


def _subjects(overrides: Iterable[str]) -> int:
    listed = [override for override in overrides if override.startswith("data.subjects=[")]
    return listed[0].count(",") + 1 if listed else 1


def _finished(folder: Path) -> Iterable[tuple[tuple[str, ...], float | None]]:
    """Overrides of every finished job in and below a folder and the seconds it took, if it did all of its work."""
    for scores in folder.glob("*/scores.csv"):
        try:
            run = json.loads((scores.parent / "run.json").read_text())
            overrides = yaml.safe_load((scores.parent / ".hydra" / "overrides.yaml").read_text())
            whole = run["computed"]
            yield tuple(map(str, overrides)), sum(run["seconds"].values()) if whole else None
        except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
            continue  # not counted as done: it will be done again
