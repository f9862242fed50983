"""Fitting the GANs of many members in groups, each kept in the store and taken from there when asked for again."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from emogan.augmenters import GANAugmenter
from emogan.convergence import Progress, stacked_curves, write_curves
from emogan.evaluation.protocol import TrainingSet
from emogan.store import Store, content_key, derived_seed, fingerprint

log = logging.getLogger(__name__)


@dataclass
class Fits:
    """What fitting gave, by member."""

    keys: list[str]
    ends: list[str]  # when and why each member's training ended
    trained: list[int] = field(default_factory=list)  # members trained now; the others came from the store
    states: list[dict] = field(default_factory=list)  # per group trained now: members, networks and optimisers


def member_key(augmenter, data: TrainingSet, classes: int, seed: int) -> str:
    """Content key of one member's fit: settings, scaled training windows, labels, number of classes and seed."""
    return content_key(
        {"augmenter": augmenter.identity(), "data": fingerprint(data.x, data.y), "classes": classes, "seed": seed}
    )


def pad(sets: Sequence[TrainingSet]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Stack the training windows of several members: x (M, N, F), y (M, N) and real lengths n (M,)."""
    n = [len(data.y) for data in sets]
    x = torch.zeros(len(sets), max(n), sets[0].x.shape[1])
    y = torch.zeros(len(sets), max(n), dtype=torch.int64)
    for m, data in enumerate(sets):
        x[m, : n[m]] = torch.from_numpy(data.x)
        y[m, : n[m]] = torch.from_numpy(data.y)
    return x, y, torch.tensor(n)


def fit(
    augmenter: GANAugmenter,
    sets: Sequence[TrainingSet],
    classes: int,
    seed: int,
    store: Store,
    *,
    group_size: int | None,
    accelerator: str,
    writer: Callable,
) -> Fits:
    """Fit every member that the store does not hold, save each group as it is done, and load all into the augmenter.

    ``writer(name)`` opens a TensorBoard writer: "" for the curves of all members, "group_0", ... for those of a group
    while it trains.
    """
    keys = [member_key(augmenter, data, classes, seed) for data in sets]
    records = {key: record for key in dict.fromkeys(keys) if (record := store.load(key))}
    first = {key: m for m, key in reversed(list(enumerate(keys)))}  # equal members are trained once
    missing = sorted(m for key, m in first.items() if key not in records)
    log.info("%s: %d GANs, %d of them from %s", augmenter.name, len(keys), len(keys) - len(missing), store.folder)
    size = group_size or len(missing) or 1
    groups = [missing[i : i + size] for i in range(0, len(missing), size)]
    at_once = len(groups) == 1 and len(missing) == len(keys)

    states = []
    for i, group in enumerate(groups):
        name = f"{augmenter.name} x {len(group)}" + (f" ({i + 1} of {len(groups)})" if len(groups) > 1 else "")
        with writer("" if at_once else f"group_{i}") as curves:
            states.append(_train_group(augmenter, sets, keys, group, classes, accelerator, name, curves))
        for m, record in zip(group, _records(augmenter), strict=True):
            store.save(keys[m], *record)
            records[keys[m]] = record

    ends = [records[key][1]["end"] for key in keys]
    augmenter.restore([_part(records[key][0], "generator.") for key in keys], sets[0].x.shape[1], classes)
    if not at_once:
        names, values = stacked_curves([_part(records[key][0], "history.") for key in keys])
        with writer("") as curves:
            write_curves(curves, names, values)
    return Fits(keys, ends, missing, states)


def _train_group(augmenter, sets, keys, group, classes, accelerator, name, curves) -> dict:
    seeds = [derived_seed(keys[m], "train") for m in group]
    x, y, n = pad([sets[m] for m in group])
    augmenter.fit(
        x, y, n, seeds,
        classes=classes, accelerator=accelerator, callbacks=lambda history: [Progress(history, name, curves)],
    )  # fmt: skip
    optimizers = [optimizer.state_dict() for optimizer in augmenter.trainer.optimizers]
    return {"members": group, "state_dict": augmenter.model.state_dict(), "optimizers": optimizers}


def _records(augmenter: GANAugmenter) -> list[tuple[dict[str, torch.Tensor], dict]]:
    """Tensors and plain values to keep of each member just trained."""
    history, records = augmenter.history, []
    for m, generator in enumerate(augmenter.generators()):
        tensors = {f"generator.{name}": value for name, value in generator.items()}
        tensors |= {f"history.{name}": curve.clone() for name, curve in history.member(m).items()}
        records.append((tensors, {"augmenter": augmenter.identity(), "end": history.reasons()[m]}))
    return records


def _part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
