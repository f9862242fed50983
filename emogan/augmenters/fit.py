"""Fitting augmenters to many training sets: GANs in groups, each kept in the cache and taken from there again."""

import contextlib
import functools
import logging
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import pandas as pd
import torch

from emogan.analysis.curves import stacked_curves, summarise
from emogan.augmenters import Augmenter, GANAugmenter, Layout
from emogan.data.training_set import TrainingSet
from emogan.store import Store, content_key, derived_seed, fingerprint
from emogan.training.checkpoint import Checkpoints, WriteCheckpoints, optimizer_state
from emogan.training.detectors import messages
from emogan.training.memory import members_that_fit
from emogan.training.progress import Progress, log_curves, show_bands
from emogan.training.trainer import TrainerSettings

log = logging.getLogger(__name__)

GROUP = 256  # at most: each member of a group has a lock open, and a process some 1,000 files
GROUP_ON_CPU = 32  # more share no more overhead, and their activations leave the cache


@dataclass
class Fits:
    """What fitting gave, by member."""

    keys: list[str]
    seeds: list[int]  # of each member's weights and mini-batches
    ends: list[str]  # when and why each member's training ended
    figures: list[dict[str, float] | None]  # of each member's windows (`emogan.training.diagnostics`); None: not known
    generators: list[dict[str, torch.Tensor]] = field(default_factory=list)  # of GANs, see `GANAugmenter.generators`
    trained: list[int] = field(default_factory=list)  # members trained now; the others came from the cache
    states: list[dict] = field(default_factory=list)  # per group trained now: members, networks and optimisers
    resumed: bool = False  # whether some training went on from a checkpoint
    curves: pd.DataFrame | None = None  # of all members while they trained, see `emogan.training.progress.summarise`


def member_key(
    augmenter: Augmenter,
    data: TrainingSet,
    classes: int,
    seed: int,
    trainer: TrainerSettings | None = None,
    *,
    of_any_length: bool = False,
) -> str:
    """Content key of one member's fit: settings, scaled training windows, labels, number of classes and seed.

    Trainings that differ in nothing but their number of iterations have the same key ``of_any_length``: the longer one
    begins as the shorter one.
    """
    identity = augmenter.identity()
    if of_any_length:
        del identity["iterations"]
    trials = (
        {"trial": fingerprint(data.trial)} if isinstance(augmenter, GANAugmenter) and augmenter.needs_trials else {}
    )
    return content_key(
        {"augmenter": identity, "data": fingerprint(data.x, data.y), "classes": classes, "seed": seed}
        | trials
        | (trainer.identity if trainer else {})
        | augmenter.revision(data.x.shape[1])
    )


def fit_directly(
    augmenter: Augmenter, sets: Sequence[TrainingSet], layout: Layout, classes: int, seeds: Sequence[int]
) -> Fits:  # fmt: skip
    """Fit an augmenter that has nothing to train, each member's randomness again from its content key."""
    keys = [member_key(augmenter, data, classes, seed) for data, seed in zip(sets, seeds, strict=True)]
    own_seeds = [derived_seed(key, "train") for key in keys]
    augmenter.fit(sets, own_seeds, layout=layout)
    return Fits(keys, own_seeds, ["nothing to train"] * len(keys), [None] * len(keys))


def fit(
    augmenter: GANAugmenter,
    sets: Sequence[TrainingSet],
    classes: int,
    seeds: Sequence[int],
    store: Store | None = None,
    **settings,
) -> Fits:
    """Fit every member that the cache does not hold, and load all into the augmenter; see `CachedFit`.

    Without a store nothing is kept beyond the call.
    """
    with contextlib.ExitStack() as stack:
        store = store or Store(stack.enter_context(tempfile.TemporaryDirectory(prefix="emogan-")))
        return CachedFit(augmenter, sets, classes, seeds, store, **settings).run()


class CachedFit:
    """Fits of a GAN to many training sets, group by group; each group is put into the cache as it is done.

    Members that another process is training are left to it and taken from the cache when it is done. A group that was
    cut off is resumed from its last checkpoint.

    Parameters
    ----------
    augmenter, sets, classes, seeds
        The GAN; one training set and one seed a member; number of classes.
    store
        The cache.
    trainer
        How they are trained.
    kept
        Members whose whole networks and optimisers are returned.
    group_size
        GANs trained at once; None takes up to 32 on a CPU, and as many as its memory holds, up to 256, on a GPU.
    checkpoint_s
        Seconds between two checkpoints; None writes none but where time runs out.
    keep_checkpoints
        Whether the last state of each group is kept, so that a longer training with the same settings goes on from it.
    progress
        Whether a progress bar is shown.
    """

    def __init__(
        self,
        augmenter: GANAugmenter,
        sets: Sequence[TrainingSet],
        classes: int,
        seeds: Sequence[int],
        store: Store,
        *,
        trainer: TrainerSettings | None = None,
        kept: Collection[int] = (),
        group_size: int | None = None,
        checkpoint_s: float | None = None,
        keep_checkpoints: bool = False,
        progress: bool = False,
    ):
        self.augmenter, self.sets, self.classes, self.store = augmenter, sets, classes, store
        self.trainer = trainer or TrainerSettings()
        resumable = self.trainer.resumable
        self.checkpoint_s, self.progress = checkpoint_s if resumable else None, progress
        self.keep_checkpoints = keep_checkpoints and resumable
        self.size = group_size or self._group_size()
        members = [(augmenter, data, classes, seed) for data, seed in zip(sets, seeds, strict=True)]
        # The same seeds whatever Lightning's options are, and however long the training is.
        self.seeds = [derived_seed(member_key(*one, of_any_length=True), "train") for one in members]
        self.courses = [member_key(*one, self.trainer, of_any_length=True) for one in members]
        self.keys = [member_key(*one, self.trainer) for one in members]
        self.first = {key: m for m, key in reversed(list(enumerate(self.keys)))}  # equal members are trained once
        self.kept = {self.first[self.keys[m]] for m in kept}
        self.checkpoints = Checkpoints(store)
        self.entries = {key: entry for key in dict.fromkeys(self.keys) if (entry := store.load(key))}
        self.renamed: dict[str, str] = {}  # keys of members that time did not suffice for
        self.trained: list[int] = []
        self.states: list[dict] = []
        self.groups, self.resumed = 0, False

    def _group_size(self) -> int:
        """How many GANs train at once where nothing is asked for."""
        if self.trainer.options.get("accelerator", "cpu") == "cpu" or not torch.accelerator.is_available():
            return GROUP_ON_CPU
        one = self.augmenter.build(1, self.sets[0].x.shape[1], self.classes)
        devices, windows = self.trainer.options.get("devices"), max(len(data.y) for data in self.sets)
        device = torch.accelerator.current_accelerator()
        if isinstance(devices, list):
            device = torch.device(device.type, devices[0])
        return members_that_fit(one, self.augmenter.training["batch_size"], windows, device, GROUP)

    def run(self) -> Fits:
        """Train what is missing, and load all into the augmenter."""
        missing = sorted(m for key, m in self.first.items() if key not in self.entries)
        stored = len(self.keys) - len(missing)
        log.info("%s: %d GANs, %d of them from %s", self.augmenter.name, len(self.keys), stored, self.store.folder)
        if self.trainer.callbacks and not missing:
            log.info("callbacks are not called, as no GAN is trained: %s", ", ".join(self.trainer.callbacks))
        if self.trainer.loggers:
            show_bands(self.trainer.loggers, [*self.augmenter.gan.metrics, "spread"])
        while missing:
            with contextlib.ExitStack() as locks:
                group, source = self._locked_group(missing, locks)
                for m in missing:  # other processes may have finished some
                    if entry := self.store.load(self.keys[m]):
                        self.entries[self.keys[m]] = entry
                group = [m for m in group if self.keys[m] not in self.entries]
                if group:
                    self._train_or_halve(group, source)
            missing = [m for m in missing if self.keys[m] not in self.entries]
        self.checkpoints.clear()
        return self._all()

    def _locked_group(self, missing: Sequence[int], locks: contextlib.ExitStack) -> tuple[list[int], str | None]:
        """Members that this process alone trains now, all new or all from one checkpoint, and that checkpoint.

        None, after a while, where other processes hold the locks of all that is missing.
        """
        iterations = self.augmenter.training["iterations"]
        furthest = self.checkpoints.furthest(before=iterations) if self.trainer.resumable else {}
        source = {m: furthest.get(self.courses[m]) for m in missing}
        group: list[int] = []
        for m in sorted(missing, key=lambda m: (source[m] is None, source[m], m)):
            if len(group) == self.size or (group and source[m] != source[group[0]]):
                break
            if locks.enter_context(self.store.lock(self.keys[m])):
                group.append(m)
        if not group:
            log.info("waiting for another process, which trains %d of these GANs", len(missing))
            locks.enter_context(self.store.lock(self.keys[missing[0]], timeout_s=-1))
        return group, source[group[0]] if group else None

    def _train_or_halve(self, group: Sequence[int], source: str | None) -> None:
        """Train a group; where a GPU's memory does not hold it, groups are half as large from then on.

        Raises
        ------
        torch.OutOfMemoryError
            If a single GAN does not fit.
        """
        try:
            return self._train(group, source)
        except torch.OutOfMemoryError:
            if len(group) == 1:
                raise
        if torch.accelerator.is_available():
            torch.accelerator.empty_cache()
        self.size = -(-len(group) // 2)
        log.warning("out of memory with %d GANs at once: training them in groups of %d", len(group), self.size)
        return None

    def _train(self, group: Sequence[int], source: str | None) -> None:
        """Train a group, from a checkpoint if there is one, and put it into the cache."""
        keys, courses = [self.keys[m] for m in group], [self.courses[m] for m in group]
        left = len({key for key in self.keys if key not in self.entries})
        of = self.groups + -(-left // self.size)
        name = f"{self.augmenter.name} x {len(group)}" + (f" ({self.groups + 1} of {of})" if of > 1 else "")
        state = self.checkpoints.read(source, courses)
        if state:
            log.info("%s: resuming from iteration %d", name, state.iteration)

        def callbacks(history, stopping):
            shown = [Progress(history, name)] if self.progress else []
            if self.checkpoint_s is None:
                return shown
            write = functools.partial(self.checkpoints.write, keys, courses)
            return [*shown, WriteCheckpoints(history, stopping, write, self.checkpoint_s)]

        self.augmenter.fit(
            [self.sets[m] for m in group], [self.seeds[m] for m in group],
            classes=self.classes, trainer=self.trainer, callbacks=callbacks, resume=state,
            group="" if len(group) == len(self.keys) and state is None else f"group_{self.groups}",
        )  # fmt: skip
        self.states += _states(self.augmenter, group, self.kept)
        self._keep(keys, courses)
        self.trained += group
        self.groups, self.resumed = self.groups + 1, self.resumed or state is not None

    def _keep(self, keys: Sequence[str], courses: Sequence[str]) -> None:
        """Put a group just trained into the cache, or into a checkpoint what time did not suffice for."""
        history = self.augmenter.history
        unfinished = history.unfinished()
        if self.keep_checkpoints:
            self.checkpoints.write(keys, courses, self.augmenter.state_of_training(), kept=True)
        elif unfinished and self.trainer.resumable:
            state = self.augmenter.state_of_training().select(unfinished)
            self.checkpoints.write([keys[m] for m in unfinished], [courses[m] for m in unfinished], state)
        for m, (key, entry) in enumerate(zip(keys, member_entries(self.augmenter), strict=True)):
            if m in unfinished:  # its state is determined by its key and the number of iterations
                self.renamed[key] = content_key({"fit": key, "iterations": history.stopped[m]})
            else:
                self.store.save(key, *entry)
            self.entries[key] = entry
        if unfinished:
            log.warning(
                "%s: trainer.max_time ended the training of %d GANs at iteration %d of %d. They are scored as they "
                "are; the next job with the same settings %s",
                self.augmenter.name, len(unfinished), history.done, history.iterations,
                "goes on from there" if self.trainer.resumable else "begins anew: no state of callbacks is kept",
            )  # fmt: skip

    def _all(self) -> Fits:
        """All members, loaded into the augmenter; their curves are logged unless they were as they grew."""
        found = [self.entries[key] for key in self.keys]
        figures = [fields.get("figures") for _, fields in found]  # entries of earlier versions have none
        _warn_of_stored(
            self.augmenter.name, dict(zip(self.keys, figures, strict=True)), {self.keys[m] for m in self.trained}
        )
        generators = [_part(tensors, "generator.") for tensors, _ in found]
        self.augmenter.restore(generators, self.sets[0].x.shape[1], self.classes)
        names, values = stacked_curves([_part(tensors, "history.") for tensors, _ in found])
        _, spread = stacked_curves([{"spread": tensors.get("looks.spread", torch.empty(0))} for tensors, _ in found])
        curves = summarise(names, values, spread[:, 0])
        if self.groups != 1 or self.resumed or len(self.trained) < len(self.keys):
            log_curves(self.trainer.loggers, curves, self.trainer.log_every)
        keys = [self.renamed.get(key, key) for key in self.keys]
        ends = [fields["end"] for _, fields in found]
        return Fits(
            keys, self.seeds, ends, figures, generators, sorted(self.trained), self.states, self.resumed, curves
        )  # fmt: skip


def _warn_of_stored(name: str, figures: dict[str, dict[str, float] | None], trained: set[str]) -> None:
    """Warn of what is wrong with GANs that were trained before; those trained now have had their warnings."""
    stored = [own for key, own in figures.items() if own is not None and key not in trained]
    for message in messages(stored, name, "from the store").values():
        log.warning("%s", message)


def _states(augmenter: GANAugmenter, group: Sequence[int], kept: Collection[int]) -> list[dict]:
    """Networks and optimisers of those of the group just trained that are to be kept, if any; members come first."""
    rows = [i for i, m in enumerate(group) if m in kept]
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
            "augmenter": augmenter.identity(), "end": history.reasons()[m], "figures": augmenter.watch.figures[m],
            "device": augmenter.trainer.strategy.root_device.type,
        }  # fmt: skip
        entries.append((tensors, fields))
    return entries


def _part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
