"""Fitting augmenters to many training sets: GANs in groups, each kept in the cache and taken from there again."""

import contextlib
import functools
import logging
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pandas as pd
import torch

from emogan.analysis.curves import stacked_curves, summarise
from emogan.augmenters import Augmenter, GANAugmenter, Layout
from emogan.data.training_set import TrainingSet
from emogan.store import Store, content_key, derived_seed, fingerprint
from emogan.training.checkpoint import Checkpoints, WriteCheckpoints, optimizer_state
from emogan.training.detectors import messages
from emogan.training.progress import Progress, write_curves

log = logging.getLogger(__name__)

GROUP = 256  # at most: each member of a group has a lock open, and a process some 1,000 files
GROUP_ON_CPU = 32  # more share no more overhead, and their activations leave the cache


@dataclass
class Fits:
    """What fitting gave, by member."""

    keys: list[str]
    ends: list[str]  # when and why each member's training ended
    figures: list[dict[str, float] | None]  # of each member's windows (`emogan.training.diagnostics`); None: not known
    generators: list[dict[str, torch.Tensor]] = field(default_factory=list)  # of GANs, see `GANAugmenter.generators`
    trained: list[int] = field(default_factory=list)  # members trained now; the others came from the cache
    states: list[dict] = field(default_factory=list)  # per group trained now: members, networks and optimisers
    resumed: bool = False  # whether some training went on from a checkpoint
    curves: pd.DataFrame | None = None  # of all members while they trained, see `emogan.training.progress.summarise`


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


def fit_directly(
    augmenter: Augmenter, sets: Sequence[TrainingSet], layout: Layout, classes: int, seeds: Sequence[int]
) -> Fits:  # fmt: skip
    """Fit an augmenter that has nothing to train, each member's randomness again from its content key."""
    keys = [member_key(augmenter, data, classes, seed) for data, seed in zip(sets, seeds, strict=True)]
    augmenter.fit(sets, [derived_seed(key, "train") for key in keys], layout=layout)
    return Fits(keys, ["nothing to train"] * len(keys), [None] * len(keys))


def fit(
    augmenter: GANAugmenter,
    sets: Sequence[TrainingSet],
    classes: int,
    seeds: Sequence[int],
    store: Store | None = None,
    *,
    kept: int = 0,
    group_size: int | None = None,
    accelerator: str = "cpu",
    checkpoint_s: float | None = None,
    writer: Callable | None = None,
) -> Fits:
    """Fit every member that the cache does not hold, save each group as it is done, and load all into the augmenter.

    Members that another process is training are left to it and taken from the cache when it is done. A group that was
    cut off is resumed from its last checkpoint, some ``checkpoint_s`` seconds earlier (None: from its start). Whole
    networks and optimisers are returned of the first ``kept`` members alone.

    ``writer(name)`` opens a TensorBoard writer: "" for the curves of all members, "group_0", ... for those of a group
    while it trains; without one no progress is shown either. Without a store nothing is kept beyond the call.
    """
    if store is None:
        with tempfile.TemporaryDirectory(prefix="emogan-") as folder:
            return fit(
                augmenter, sets, classes, seeds, Store(folder),
                kept=kept, group_size=group_size, accelerator=accelerator, checkpoint_s=checkpoint_s, writer=writer,
            )  # fmt: skip
    keys = [member_key(augmenter, data, classes, seed) for data, seed in zip(sets, seeds, strict=True)]
    entries = {key: entry for key in dict.fromkeys(keys) if (entry := store.load(key))}
    first = {key: m for m, key in reversed(list(enumerate(keys)))}  # equal members are trained once
    missing = sorted(m for key, m in first.items() if key not in entries)
    log.info("%s: %d GANs, %d of them from %s", augmenter.name, len(keys), len(keys) - len(missing), store.folder)
    checkpoints, size = Checkpoints(store), group_size or group_size_on(accelerator)
    trained, states, groups, resumed = [], [], 0, False
    while missing:
        with contextlib.ExitStack() as locks:
            group, source = _locked_group(missing, keys, store, checkpoints, size, locks)
            for m in missing:  # other processes may have finished some
                if entry := store.load(keys[m]):
                    entries[keys[m]] = entry
            group = [m for m in group if keys[m] not in entries]
            if group:
                of = groups + -(-len(missing) // size)
                name = f"{augmenter.name} x {len(group)}" + (f" ({groups + 1} of {of})" if of > 1 else "")
                group_keys = [keys[m] for m in group]
                state = checkpoints.read(source, group_keys)
                if state:
                    log.info("%s: resuming from iteration %d", name, state.iteration)
                curves = "" if len(group) == len(keys) else f"group_{groups}"
                with writer(curves) if writer else contextlib.nullcontext() as opened:

                    def callbacks(history, stopping, name=name, group_keys=group_keys, opened=opened):
                        shown = [Progress(history, name, opened)] if writer else []
                        if checkpoint_s is None:
                            return shown
                        write = functools.partial(checkpoints.write, group_keys)
                        return [*shown, WriteCheckpoints(history, stopping, write, checkpoint_s)]

                    augmenter.fit(
                        [sets[m] for m in group], [derived_seed(key, "train") for key in group_keys],
                        classes=classes, accelerator=accelerator, callbacks=callbacks, resume=state,
                    )  # fmt: skip
                states += _states(augmenter, group, kept)
                for key, entry in zip(group_keys, member_entries(augmenter), strict=True):
                    store.save(key, *entry)
                    entries[key] = entry
                trained, groups, resumed = trained + group, groups + 1, resumed or state is not None
        missing = [m for m in missing if keys[m] not in entries]
    checkpoints.clear()

    ends = [entries[key][1]["end"] for key in keys]
    figures = [entries[key][1].get("figures") for key in keys]  # entries of earlier versions have none
    _warn_of_stored(augmenter.name, dict(zip(keys, figures, strict=True)), {keys[m] for m in trained})
    generators = [_part(entries[key][0], "generator.") for key in keys]
    augmenter.restore(generators, sets[0].x.shape[1], classes)
    names, values = stacked_curves([_part(entries[key][0], "history.") for key in keys])
    _, spread = stacked_curves([{"spread": entries[key][0].get("looks.spread", torch.empty(0))} for key in keys])
    curves = summarise(names, values, spread[:, 0])
    if writer and (groups != 1 or len(trained) < len(keys)):  # else they were written as they grew
        with writer("") as opened:
            write_curves(opened, curves)
    return Fits(keys, ends, figures, generators, sorted(trained), states, resumed, curves)


def _warn_of_stored(name: str, figures: dict[str, dict[str, float] | None], trained: set[str]) -> None:
    """Say what is wrong with GANs that were trained before; of those trained now it has been said."""
    stored = [own for key, own in figures.items() if own is not None and key not in trained]
    for message in messages(stored, name, "from the store").values():
        log.warning("%s", message)


def group_size_on(accelerator: str) -> int:
    """How many GANs train at once where nothing is asked for."""
    return GROUP if accelerator != "cpu" and torch.accelerator.is_available() else GROUP_ON_CPU


def _locked_group(
    missing: Sequence[int],
    keys: Sequence[str],
    store: Store,
    checkpoints: Checkpoints,
    size: int,
    locks: contextlib.ExitStack,
) -> tuple[list[int], str | None]:
    """Members that this process alone trains now, all new or all from one checkpoint, and that checkpoint.

    None, after a while, where other processes hold the locks of all that is missing.
    """
    sources = checkpoints.furthest()
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


def _states(augmenter: GANAugmenter, group: Sequence[int], kept: int) -> list[dict]:
    """Networks and optimisers of those of the group just trained that are to be kept, if any; members come first."""
    rows = [i for i, m in enumerate(group) if m < kept]
    if not rows:
        return []

    optimizers = [optimizer_state(optimizer, rows) for optimizer in augmenter.trainer.optimizers]
    weights = {name: value[rows] for name, value in augmenter.model.state_dict().items()}
    return [{"members": [group[i] for i in rows], "state_dict": weights, "optimizers": optimizers}]


def member_entries(augmenter: GANAugmenter) -> list[tuple[dict[str, torch.Tensor], dict]]:
    """Tensors and plain values to keep of each member just trained."""
    history, entries = augmenter.history, []
    for m, generator in enumerate(augmenter.generators()):
        tensors = {f"generator.{name}": value for name, value in generator.items()}
        tensors |= {f"history.{name}": curve.clone() for name, curve in history.member(m).items()}
        tensors["looks.spread"] = history.looks(m).clone()
        fields = {
            "augmenter": augmenter.identity(), "end": history.reasons()[m], "figures": augmenter.watch.figures[m]
        }  # fmt: skip
        entries.append((tensors, fields))
    return entries


def _part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
