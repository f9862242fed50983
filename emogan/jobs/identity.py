"""The identity of a job: its content key, whether it is done already, and how it differs from earlier jobs."""

import contextlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from omegaconf import DictConfig, OmegaConf

from emogan.atomic import write_atomically
from emogan.data.donors import Donors
from emogan.data.features import FeatureSet
from emogan.jobs.files import EARLIER
from emogan.store import Store, content_key
from emogan.training.history import OUT_OF_TIME
from emogan.versions import COMPUTATIONS
from emogan.wording import some

LISTED = 5  # fields that have changed, at most
COMPARED = 300  # of a model's jobs, the last ones: a store may hold thousands
# Settings that never change the result. Those of gan that do are copied into model.
NO_INPUT = ("gan", "folder", "output", "store", "machine", "optimized_metric", "logger")


def job_inputs(
    cfg: DictConfig, features: FeatureSet, targets: np.ndarray, donors: Donors, training: dict
) -> dict[str, object]:
    """Everything that changes a job's results, by dotted name.

    ``features`` are as they were loaded, ``targets`` the indices of the windows of the experiments that are classified,
    and ``training`` are Lightning's options and callbacks that change the generators.
    """
    plain = OmegaConf.to_container(cfg, resolve=True)
    names = {"plan": "plan", "predictions": "predictions", "quality measures": "quality"}  # as files name them
    if donors:
        names["windows of donors"] = "donors"
        known = donors.identity().keys() | {"_target_"}
        plain["donors"] = {name: value for name, value in plain["donors"].items() if name in known}
        plain["targets"] = features.take(targets).fingerprint()  # equal donors may serve several of them
    else:
        del plain["donors"]  # so that the job's key is that of versions without donors
    max_time = plain["trainer"].get("max_time")
    plain = {name: plain[name] for name in plain if name not in ("trainer", "callbacks")}
    plain |= training | ({"max_time": max_time} if max_time else {})
    versions = {name: COMPUTATIONS[computation] for name, computation in names.items()}
    return _flat({name: plain[name] for name in plain if name not in NO_INPUT}) | {
        "dataset": features.dataset, "data": features.fingerprint(), **versions
    }  # fmt: skip


def job_key(inputs: Mapping[str, object]) -> str:
    """Content key of a job. Where its data came from does not count, what they are does."""
    return content_key({"job": {name: value for name, value in inputs.items() if not name.startswith("data.")}})


def finished(folder: Path, key: str) -> pd.DataFrame | None:
    """The scores of an earlier job in a folder, if it was the same and all its files are there."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        complete = not any(member["end"].endswith(OUT_OF_TIME) for member in run["members"])  # the same job goes on
        if run["key"] == key and complete and all((folder / name).exists() for name in run["files"]):
            return _read_scores(folder / EARLIER, run["members"][0])
    return None


def _read_scores(path: Path, member: Mapping[str, object]) -> pd.DataFrame:
    """Scores as they were written: subject "01" is neither 1 nor, where it is called NA, missing."""
    names = {"dataset": str, "modality": str, "model": str}
    names |= {name: str for name in ("subject", "session", "fold") if isinstance(member[name], str)}
    return pd.read_csv(path, dtype=names, keep_default_na=False, na_values=[""])


def remember(store: Store, key: str, inputs: Mapping[str, object], folder: Path) -> None:
    """Write into the store that a job is done."""
    content = {"inputs": dict(inputs), "folder": str(folder)}
    write_atomically(_done_jobs(store, inputs) / f"{key}.json", json.dumps(content, indent=1).encode())


def compare(store: Store, inputs: Mapping[str, object]) -> str | None:
    """How a job differs from the most similar one with its data set among its model's last `COMPARED`, as a sentence.

    None if there is none. At most `LISTED` settings are named.
    """
    best: tuple[list[str], str] | None = None
    for path in _newest(_done_jobs(store, inputs)):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            done = json.loads(path.read_text(encoding="utf-8"))
            if any(done["inputs"][name] != inputs[name] for name in ("model.name", "dataset")):
                continue
            changes = _changes(done["inputs"], inputs)
            if best is None or len(changes) < len(best[0]):
                best = changes, done["folder"]
    if best is None:
        return None
    changes, folder = best
    if not changes:
        return f"the same job was done in {folder}"
    return f"changed since {folder}: {some(changes, LISTED)}"


def _done_jobs(store: Store, inputs: Mapping[str, object]) -> Path:
    """The folder of what is remembered of a model's jobs."""
    return store.folder / "jobs" / re.sub(r"\W", "_", str(inputs["model.name"]))


def _newest(folder: Path) -> list[Path]:
    """The files of a folder that were written last, the newest first, those of one time in the order of their names."""
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        found = sorted((-entry.stat().st_mtime_ns, entry.path) for entry in entries)
        return [Path(path) for _, path in found[:COMPARED]]
    return []


def _changes(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    same_data = all(old.get(name) == new.get(name) for name in ("data", "targets"))
    names = [name for name in {**old, **new} if not (name.startswith("data.") and same_data)]
    changed = [name for name in names if old.get(name) != new.get(name)]
    return [f"{name} {_shown(old.get(name))} -> {_shown(new.get(name))}" for name in changed]


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:12]}...{text[-1]}"


def _flat(tree: Mapping, prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in tree.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return flat
