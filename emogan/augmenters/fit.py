"""Fitting augmenters to many training sets: GANs in groups, each kept in the cache and taken from there again."""

import contextlib
import functools
import logging
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import lightning
import pandas as pd
import torch

from emogan.analysis.curves import MEASURES, stacked_curves, summarise
from emogan.augmenters import Augmenter, GANAugmenter, Layout
from emogan.data.donors import PooledSet
from emogan.data.training_set import TrainingSet
from emogan.models import ConditionalGenerator
from emogan.store import Store, content_key, derived_seed, fingerprint, with_prefix
from emogan.threads import one_thread
from emogan.training.checkpoint import Checkpoints, WriteCheckpoints, optimizer_state
from emogan.training.detectors import messages
from emogan.training.history import History
from emogan.training.memory import members_that_fit
from emogan.training.progress import (
    LiveCurves,
    Progress,
    ProgressBar,
    SentLogger,
    log_curves,
    progress_bar,
    show,
    show_bands,
)  # fmt: skip
from emogan.training.trainer import TrainerSettings
from emogan.training.workers import Send, may_start_workers, train_in_workers

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
    curves: pd.DataFrame | None = None  # of all members while they trained, see `emogan.analysis.curves.summarise`
    device: str = "cpu"  # on which training took place, as "cuda:0 (NVIDIA H100)"; "cpu" if nothing was trained


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
    begins as the shorter one. With fine-tuning, that is so if it begins at the same iteration.
    """
    identity = augmenter.identity()
    tuned = data.fine_tuning
    parts = {"fine_tuning": [tuned.first, tuned.begins(identity["iterations"])]} if tuned else {}
    if of_any_length:
        del identity["iterations"]
    trials = (
        {"trial": fingerprint(data.trial)} if isinstance(augmenter, GANAugmenter) and augmenter.needs_trials else {}
    )
    return content_key(
        {"augmenter": identity, "data": data.fingerprint, "classes": classes, "seed": seed}
        | trials
        | parts
        | (trainer.identity if trainer else {})
        | augmenter.revision(data.features)
    )


def fit_directly(
    augmenter: Augmenter, sets: Sequence[TrainingSet], layout: Layout, classes: int, seeds: Sequence[int]
) -> Fits:  # fmt: skip
    """Fit an augmenter that has nothing to train; the seed of each member is derived from its content key."""
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
    workers
        Processes that train groups side by side, one thread each. A daemon trains without them, and so do callbacks of
        the user's, which may write files and to loggers, and stores whose file system has no locks.
    checkpoint_s
        Seconds between two checkpoints; None writes none but where time runs out.
    keep_checkpoints
        Whether the last state of each group is kept, so that a longer training with the same settings goes on from it.
    progress
        Whether a progress bar is shown.
    warns
        Whether the log says what detectors find; if not, that is left to the caller, who has the figures of all GANs.
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
        workers: int = 1,
        checkpoint_s: float | None = None,
        keep_checkpoints: bool = False,
        progress: bool = False,
        warns: bool = True,
    ):
        self.warns = warns
        self.given, self.augmenter = augmenter, augmenter.in_training
        self.sets, self.classes, self.store = sets, classes, store
        self.trainer = trainer or TrainerSettings()
        resumable = self.trainer.resumable
        self.checkpoint_s, self.progress = checkpoint_s if resumable else None, progress
        self.keep_checkpoints = keep_checkpoints and resumable
        self.workers = 1 if self.trainer.callbacks or not may_start_workers() else workers
        # As in a worker, so that what a GAN learns does not depend on whether others are missing too.
        self.threads = one_thread if self.workers > 1 else contextlib.nullcontext
        self.size = group_size or self._group_size()
        members = [(self.augmenter, data, classes, seed) for data, seed in zip(sets, seeds, strict=True)]
        self.drawn_keys = [member_key(augmenter, *one, self.trainer) for _, *one in members]
        # The same seeds whatever Lightning's options are, and however long the training is.
        self.seeds = [derived_seed(member_key(*one, of_any_length=True), "train") for one in members]
        self.courses = [member_key(*one, self.trainer, of_any_length=True) for one in members]
        self.keys = [member_key(*one, self.trainer) for one in members]
        self.first = {key: m for m, key in reversed(list(enumerate(self.keys)))}  # equal members are trained once
        self.kept = {self.first[self.keys[m]] for m in kept}
        self.checkpoints = Checkpoints(store)
        self.entries = {key: entry for key in dict.fromkeys(self.keys) if (entry := store.load(key))}
        self.unfinished: dict[str, int] = {}  # iterations reached when max_time ended training, by key
        self.trained: list[int] = []
        self.states: list[dict] = []
        self.groups, self.resumed, self.device = 0, False, "cpu"
        self.reported: set[str] = set()  # kinds of trouble
        self.send: Send | None = None  # in a worker: to the process that started it
        self.shown = False  # whether loggers were given the curves of all members while they trained

    def _group_size(self) -> int:
        """How many GANs a worker trains at once where nothing is asked for."""
        if self.trainer.on_cpu:
            return GROUP_ON_CPU
        one = self.augmenter.build(1, self.sets[0].features, self.classes)
        devices, windows = self.trainer.options.get("devices"), max(len(data.y) for data in self.sets)
        device = torch.accelerator.current_accelerator()
        if isinstance(devices, list):
            device = torch.device(device.type, devices[0])
        pooled = isinstance(self.sets[0], PooledSet) and type(one).prepare is ConditionalGenerator.prepare
        pool = len(self.sets[0].windows) if pooled else 0
        batch_size, workers = self.augmenter.training["batch_size"], self.workers
        fit = members_that_fit(one, batch_size, windows, device, GROUP * workers, pool * workers)
        return max(1, fit // workers)

    def run(self) -> Fits:
        """Train what is missing, and load all into the augmenter."""
        missing = self._missing()
        if missing:
            self.given.check_selection(self.sets)
        stored = len(self.keys) - len(missing)
        log.info("%s: %d GANs, %d of them from %s", self.augmenter.name, len(self.keys), stored, self.store.folder)
        if self.trainer.callbacks and not missing:
            log.info("callbacks are not called, as no GAN is trained: %s", ", ".join(self.trainer.callbacks))
        if self.trainer.loggers:
            show_bands(self.trainer.loggers, [*self.augmenter.gan.metrics, *MEASURES])
        if missing and self.workers > 1 and not self.store.can_lock(self.keys[missing[0]]):
            self.workers = 1  # each of several would train all
        while missing:
            if min(self.workers, len(missing)) > 1:
                idle = not self._train_in_workers(missing)
            else:
                idle = not self._train_next(missing)
            if idle:
                log.info("waiting for another process, which trains %d of these GANs", len(missing))
                with self.store.lock(self.keys[missing[0]], timeout_s=-1):
                    pass
            missing = self._missing()
        self.checkpoints.clear()
        return self._all()

    def _missing(self) -> list[int]:
        """Members that are still to be trained; what other processes have put into the cache is loaded."""
        for key in self.first:
            if key not in self.entries and (entry := self.store.load(key)):
                self.entries[key] = entry
        return sorted(m for key, m in self.first.items() if key not in self.entries)

    def _train_next(self, missing: Sequence[int]) -> bool:
        """Train a group of those that are missing; False if other processes hold the locks of them all."""
        with contextlib.ExitStack() as locks:
            group, source = self._locked_group(missing, locks)
            still = set(self._missing()) if group else set()  # another process may have finished some
            if left := [m for m in group if m in still]:
                self._train_or_halve(left, source)
            return bool(group)

    def _locked_group(self, missing: Sequence[int], locks: contextlib.ExitStack) -> tuple[list[int], str | None]:
        """Members that this process alone trains now, all new or all from one checkpoint, and that checkpoint."""
        source = self._sources(missing)
        group: list[int] = []
        for m in sorted(missing, key=lambda m: (source[m] is None, source[m], m)):
            if len(group) == self.size or (group and source[m] != source[group[0]]):
                break
            if locks.enter_context(self.store.lock(self.keys[m])):
                group.append(m)
        return group, source[group[0]] if group else None

    def _sources(self, missing: Sequence[int]) -> dict[int, str | None]:
        """By member: the checkpoint that its training goes on from."""
        iterations = self.augmenter.training["iterations"]
        furthest = self.checkpoints.furthest(before=iterations) if self.trainer.resumable else {}
        return {m: furthest.get(self.courses[m]) for m in missing}

    def _train_in_workers(self, missing: Sequence[int]) -> bool:
        """Train those that are missing in worker processes; False if other processes hold the locks of them all."""
        workers = min(self.workers, len(missing))
        rounds = -(-len(missing) // (workers * self.size))
        size = -(-len(missing) // (workers * rounds))  # all of one size, so that none waits for another
        whole = rounds == 1 and len(missing) == len(self.keys) and not any(self._sources(missing).values())
        live = LiveCurves(
            self.trainer.loggers, [*self.augmenter.gan.metrics, *MEASURES], workers,
            lambda group: "" if whole else f"group_{self.groups + group}/",
        )  # fmt: skip
        for one in (self.given, self.augmenter):
            one.let_go()  # an earlier Trainer is nothing that `pickle` knows
        name, total = f"{self.augmenter.name} x {len(missing)}", len(missing) * self.augmenter.training["iterations"]
        with progress_bar(name, total, "GAN x iteration", hidden=not self.progress) as bar:
            received = {
                "progress": lambda _, *values: show(bar, *values), "trouble": lambda _, found: self._report(found),
                "metrics": live.add, "end": live.end,
            }  # fmt: skip
            found = train_in_workers(
                functools.partial(self._work, size), workers, lambda i, kind, *values: received[kind](i, *values)
            )
        for part in found:
            self.trained += part["trained"]
            self.states += part["states"]
            self.resumed |= part["resumed"]
            self.groups += part["groups"]
            self.unfinished |= part["unfinished"]
            self.device = part["device"] if part["trained"] else self.device
            self.entries |= part["entries"]
        self.shown = whole
        return any(part["trained"] for part in found)

    def _work(self, size: int, send: Send) -> dict:
        """In a worker: train groups until none is left that no other process trains; what is not in the cache."""
        self.send, self.size, self.groups = send, size, 0
        self.trained, self.states, self.unfinished = [], [], {}
        self.trainer = self.trainer.with_loggers([SentLogger(send)] if self.trainer.loggers else [])
        while (missing := self._missing()) and self._train_next(missing):
            pass
        send("end")
        return {
            "trained": self.trained, "states": self.states, "resumed": self.resumed, "groups": self.groups,
            "unfinished": self.unfinished, "device": self.device,
            "entries": {key: self.entries[key] for key in self.unfinished},
        }  # fmt: skip

    def __getstate__(self) -> dict:
        """What a worker that is not forked gets: loggers stay here."""
        trainer = self.trainer.with_loggers([None] if self.trainer.loggers else [])
        return self.__dict__ | {"trainer": trainer, "entries": dict.fromkeys(self.entries)}

    def _train_or_halve(self, group: Sequence[int], source: str | None) -> None:
        """Train a group; where a GPU's memory does not hold it, groups are half as large from then on.

        Raises
        ------
        torch.OutOfMemoryError
            If a single GAN does not fit.
        """
        try:
            return self._train(group, source)
        except RuntimeError as error:  # of which CUDA has a kind of its own, and MPS none
            if len(group) == 1 or not (isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error)):
                raise
        self.augmenter.let_go()
        if (device := torch.accelerator.current_accelerator(check_available=True)) is not None:
            torch.get_device_module(device).empty_cache()
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
            shown = self._progress(history, name, len(group))
            if self.checkpoint_s is None:
                return shown
            write = functools.partial(self.checkpoints.write, keys, courses)
            return [*shown, WriteCheckpoints(history, stopping, write, self.checkpoint_s)]

        self.shown = len(group) == len(self.keys) and state is None
        with self.threads():
            self.augmenter.fit(
                [self.sets[m] for m in group], [self.seeds[m] for m in group],
                classes=self.classes, trainer=self.trainer, callbacks=callbacks, resume=state, report=self._report,
                group="" if self.shown or self.send else f"group_{self.groups}",
            )  # fmt: skip
        self._keep(keys, courses)
        self.states += _states(self.augmenter, group, self.kept)
        self.trained += group
        self.groups, self.resumed = self.groups + 1, self.resumed or state is not None
        self.device = described(self.augmenter.trainer.strategy.root_device)

    def _progress(self, history: History, name: str, members: int) -> list[lightning.Callback]:
        """What shows how far a group is, here or in the process that this is a worker of."""
        if not self.send:
            return [ProgressBar(history, name)] if self.progress else []
        for logger in self.trainer.loggers:
            logger.history, logger.group = history, self.groups
        return [Progress(history, lambda done, means: self.send("progress", members * done, means))]

    def _report(self, found: dict[str, str]) -> None:
        """Say once of each kind what detectors find in a group that trains; the warning at the end counts all GANs."""
        if self.send:
            self.send("trouble", found)
            return
        for kind, message in found.items() if self.warns else ():
            if kind not in self.reported:
                log.info("%s", message)
        self.reported |= found.keys()

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
            if m in unfinished:
                self.unfinished[key] = history.stopped[m]
            else:
                self.store.save(key, *entry)
            self.entries[key] = entry

    def _warn(self) -> None:
        """Warn once of each kind of trouble, with its number of GANs among all, and of training that time ended."""
        name = self.augmenter.name
        figures = [self.entries[key][1]["figures"] for key in self.first]
        new = len({self.keys[m] for m in self.trained})
        when = ["after training"] * (new > 0) + ["from the store"] * (new < len(figures))
        for message in messages(figures, name, " or ".join(when)).values():
            log.warning("%s", message)
        if ended := self.unfinished.values():
            log.warning(
                "%s: trainer.max_time ended the training of %d of %d GANs at iteration %s of %d. Their present state "
                "is scored; the next job with the same settings %s",
                name, len(self.unfinished), len(self.first), " to ".join(map(str, sorted({min(ended), max(ended)}))),
                self.augmenter.training["iterations"],
                "resumes from there" if self.trainer.resumable
                else "trains them from the start, as checkpoints hold no state of callbacks",
            )  # fmt: skip

    def _all(self) -> Fits:
        """All members, loaded into the augmenter; their curves are logged unless they were as they grew."""
        found = [self.entries[key] for key in self.keys]
        if self.warns:
            self._warn()
        generators = [with_prefix(tensors, "generator.") for tensors, _ in found]
        self.augmenter.restore(generators, self.sets[0].features, self.classes)
        if self.given is not self.augmenter:
            self.given.select_from(self.augmenter, self.sets)
            generators = self.given.generators()
        names, values = stacked_curves([with_prefix(tensors, "history.") for tensors, _ in found])
        measurements = [with_prefix(tensors, "looks.") for tensors, _ in found]  # what the cache calls them
        _, measurements = stacked_curves([{name: own[name] for name in MEASURES} for own in measurements])
        curves = summarise(names, values, measurements)
        if not self.shown:
            log_curves(self.trainer.loggers, curves, self.trainer.log_every)
        keys = [  # the state of one that is not finished is determined by its key and the number of iterations
            content_key({"fit": drawn, "iterations": self.unfinished[key]}) if key in self.unfinished else drawn
            for key, drawn in zip(self.keys, self.drawn_keys, strict=True)
        ]
        self.states.sort(key=lambda group: group["members"])  # whichever worker was the first
        ends = [fields["end"] for _, fields in found]
        figures = [fields["figures"] for _, fields in found]
        return Fits(
            keys, self.seeds, ends, figures, generators, sorted(self.trained), self.states, self.resumed, curves,
            self.device,
        )  # fmt: skip


def described(device: torch.device) -> str:
    """A device with its name, as "cuda:0 (NVIDIA H100)"."""
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)


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
        tensors |= {f"looks.{name}": figures.clone() for name, figures in history.measures(m).items()}
        fields = {
            "augmenter": augmenter.identity(), "end": history.reasons()[m], "figures": augmenter.diagnostics.figures[m],
            "device": augmenter.trainer.strategy.root_device.type,
        }  # fmt: skip
        entries.append((tensors, fields))
    return entries
