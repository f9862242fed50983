"""Fitting the GANs of many members in groups, each kept in the store and taken from there when asked for again."""

import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch

from emogan.augmenters import Augmenter, GANAugmenter, Layout
from emogan.augmenters.half_trained import SaveHalfTrained
from emogan.augmenters.history import History
from emogan.convergence import Progress, stacked_curves, summarise, write_curves
from emogan.data.features import FeatureSet
from emogan.evaluation.detectors import messages
from emogan.evaluation.plan import TrainingSet
from emogan.saves import Saves
from emogan.store import Store, content_key, derived_seed, fingerprint

log = logging.getLogger(__name__)

GROUP = 256  # at most: each member of a group has a lock file open, and a process some 1,000 files
GROUP_ON_CPU = 32  # more share no more overhead, and their activations leave the cache


@dataclass
class Fits:
    """What fitting gave, by member."""

    keys: list[str]
    ends: list[str]  # when and why each member's training ended
    figures: list[dict[str, float] | None]  # of each member's windows, see `emogan.augmenters.watch`; None: not known
    trained: list[int] = field(default_factory=list)  # members trained now; the others came from the store
    states: list[dict] = field(default_factory=list)  # per group trained now: members, networks and optimisers
    resumed: bool = False  # whether some had been half-trained before
    curves: pd.DataFrame | None = None  # of all members while they trained, see `emogan.convergence.summarise`


def member_key(augmenter, data: TrainingSet, classes: int, seed: int) -> str:
    """Content key of one member's fit: settings, scaled training windows, labels, number of classes and seed."""
    trials = (
        {"trial": fingerprint(data.trial)} if isinstance(augmenter, GANAugmenter) and augmenter.needs_trials else {}
    )
    return content_key(
        {"augmenter": augmenter.identity(), "data": fingerprint(data.x, data.y), "classes": classes, "seed": seed}
        | trials
        | augmenter.revision(data.x.shape[1])
    )


def pad(sets: Sequence[TrainingSet]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Stack the windows of several training sets: x (M, N, F), y (M, N), real lengths n (M,) and trials (M, N)."""
    n = [len(data.y) for data in sets]
    x = torch.zeros(len(sets), max(n), sets[0].x.shape[1])
    y, trial = (torch.zeros(len(sets), max(n), dtype=torch.int64) for _ in range(2))
    for m, data in enumerate(sets):
        x[m, : n[m]] = torch.from_numpy(data.x)
        y[m, : n[m]] = torch.from_numpy(data.y)
        trial[m, : n[m]] = torch.from_numpy(data.trial)
    return x, y, torch.tensor(n), trial


def fit_directly(augmenter: Augmenter, sets: Sequence[TrainingSet], features: FeatureSet, seed: int) -> Fits:
    """Fit an augmenter that has nothing to train, each member's randomness again from its content key."""
    keys = [member_key(augmenter, data, features.n_classes, seed) for data in sets]
    minimum, span = (np.stack([getattr(data.scaler, name) for data in sets]) for name in ("minimum", "span"))
    x, y, n, trial = pad(sets)
    augmenter.fit(
        x, y, n, [derived_seed(key, "train") for key in keys],
        trial=trial, layout=Layout(features.feature_names, features.modalities, minimum, span),
    )  # fmt: skip
    return Fits(keys, ["nothing to train"] * len(keys), [None] * len(keys))


def fit(
    augmenter: GANAugmenter,
    sets: Sequence[TrainingSet],
    classes: int,
    seed: int,
    store: Store,
    *,
    kept: int,
    group_size: int | None,
    accelerator: str,
    checkpoint_s: float | None,
    writer: Callable,
) -> Fits:
    """Fit every member that the store does not hold, save each group as it is done, and load all into the augmenter.

    Members that another process is training are left to it and taken from the store when it is done. A group that was
    cut off goes on from its last save, some ``checkpoint_s`` seconds earlier (null: from its start). Whole networks
    and optimisers are returned of the first ``kept`` members alone.

    ``writer(name)`` opens a TensorBoard writer: "" for the curves of all members, "group_0", ... for those of a group
    while it trains.

    Raises
    ------
    ValueError
        If a training set is too small for the augmenter's settings: before any training.
    """
    for data in sets:
        augmenter.refuse(data.y, data.trial)
    keys = [member_key(augmenter, data, classes, seed) for data in sets]
    records = {key: record for key in dict.fromkeys(keys) if (record := store.load(key))}
    first = {key: m for m, key in reversed(list(enumerate(keys)))}  # equal members are trained once
    missing = sorted(m for key, m in first.items() if key not in records)
    log.info("%s: %d GANs, %d of them from %s", augmenter.name, len(keys), len(keys) - len(missing), store.folder)
    saves, size = Saves(store), group_size or group_size_on(accelerator)
    trained, states, groups, resumed = [], [], 0, False
    while missing:
        with contextlib.ExitStack() as locks:
            group, source = _lock_group(missing, keys, store, saves, size, locks)
            for m in missing:  # other processes may have finished some
                if record := store.load(keys[m]):
                    records[keys[m]] = record
            group = [m for m in group if keys[m] not in records]
            if group:
                of = groups + -(-len(missing) // size)
                name = f"{augmenter.name} x {len(group)}" + (f" ({groups + 1} of {of})" if of > 1 else "")
                with writer("" if len(group) == len(keys) else f"group_{groups}") as curves:
                    group_keys = [keys[m] for m in group]
                    _train_group(
                        augmenter, [sets[m] for m in group], group_keys, classes, accelerator, name, curves,
                        saves, source, checkpoint_s,
                    )  # fmt: skip
                states += _states(augmenter, group, kept)
                for key, record in zip(group_keys, member_records(augmenter), strict=True):
                    store.save(key, *record)
                    records[key] = record
                trained, groups, resumed = trained + group, groups + 1, resumed or source is not None
        missing = [m for m in missing if keys[m] not in records]
    saves.clear()

    ends = [records[key][1]["end"] for key in keys]
    figures = [records[key][1].get("figures") for key in keys]  # records of earlier versions have none
    _warn_of_stored(augmenter.name, dict(zip(keys, figures, strict=True)), {keys[m] for m in trained})
    augmenter.restore([_part(records[key][0], "generator.") for key in keys], sets[0].x.shape[1], classes)
    names, values = stacked_curves([_part(records[key][0], "history.") for key in keys])
    _, spread = stacked_curves([{"spread": records[key][0].get("looks.spread", torch.empty(0))} for key in keys])
    curves = summarise(names, values, spread[:, 0])
    if groups != 1 or len(trained) < len(keys):  # else they were written as they grew
        with writer("") as opened:
            write_curves(opened, curves)
    return Fits(keys, ends, figures, sorted(trained), states, resumed, curves)


def _warn_of_stored(name: str, figures: dict[str, dict[str, float] | None], trained: set[str]) -> None:
    """Say what is wrong with GANs that were trained before; of those trained now it has been said."""
    stored = [own for key, own in figures.items() if own is not None and key not in trained]
    for message in messages(stored, name, "from the store").values():
        log.warning("%s", message)


def group_size_on(accelerator: str) -> int:
    """How many GANs train at once where nothing is asked for."""
    return GROUP if accelerator != "cpu" and torch.accelerator.is_available() else GROUP_ON_CPU


def _lock_group(
    missing: Sequence[int],
    keys: Sequence[str],
    store: Store,
    saves: Saves,
    size: int,
    locks: contextlib.ExitStack,
) -> tuple[list[int], str | None]:
    """Members that this process alone trains now, all new or all from one save, and that save.

    None, after a while, where other processes hold the locks of all that is missing.
    """
    sources = saves.sources()
    group: list[int] = []
    for m in sorted(missing, key=lambda m: (keys[m] not in sources, sources.get(keys[m]), m)):
        if len(group) == size or (group and sources.get(keys[m]) != sources.get(keys[group[0]])):
            break
        if locks.enter_context(store.lock(keys[m])):
            group.append(m)
    if not group:
        log.info("waiting for another process, which trains %d of these GANs", len(missing))
        locks.enter_context(store.lock(keys[missing[0]], timeout_s=-1))
    return group, sources.get(keys[group[0]]) if group else None


def _train_group(
    augmenter, sets, keys, classes, accelerator, name, curves, saves: Saves, source: str | None, checkpoint_s
) -> None:
    x, y, n, trial = pad(sets)
    half_trained = saves.load(source, keys)
    if half_trained:
        log.info("%s: going on from iteration %d", name, half_trained.iteration)

    def callbacks(history: History) -> list:
        saving = [] if checkpoint_s is None else [
            SaveHalfTrained(history, lambda state: saves.save(keys, state), checkpoint_s)
        ]  # fmt: skip
        return [Progress(history, name, curves), *saving]

    augmenter.fit(
        x, y, n, [derived_seed(key, "train") for key in keys],
        trial=trial, classes=classes, accelerator=accelerator, callbacks=callbacks, half_trained=half_trained,
    )  # fmt: skip


def _states(augmenter: GANAugmenter, group: Sequence[int], kept: int) -> list[dict]:
    """Networks and optimisers of those of the group just trained that are to be kept, if any; members come first."""
    rows = [i for i, m in enumerate(group) if m < kept]
    if not rows:
        return []

    def part(value: torch.Tensor) -> torch.Tensor:
        return value[rows] if value.ndim else value  # a count of steps is common to all

    optimizers = [optimizer.state_dict() for optimizer in augmenter.trainer.optimizers]
    for state in optimizers:
        state["state"] = {i: {name: part(v) for name, v in one.items()} for i, one in state["state"].items()}
    weights = {name: part(value) for name, value in augmenter.model.state_dict().items()}
    return [{"members": [group[i] for i in rows], "state_dict": weights, "optimizers": optimizers}]


def member_records(augmenter: GANAugmenter) -> list[tuple[dict[str, torch.Tensor], dict]]:
    """Tensors and plain values to keep of each member just trained."""
    history, records = augmenter.history, []
    for m, generator in enumerate(augmenter.generators()):
        tensors = {f"generator.{name}": value for name, value in generator.items()}
        tensors |= {f"history.{name}": curve.clone() for name, curve in history.member(m).items()}
        tensors["looks.spread"] = history.looks(m).clone()
        fields = {
            "augmenter": augmenter.identity(), "end": history.reasons()[m], "figures": augmenter.watch.figures[m]
        }  # fmt: skip
        records.append((tensors, fields))
    return records


def _part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
