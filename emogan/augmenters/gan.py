"""GANAugmenter: any stacked conditional generator, a GAN or another, as an augmenter, trained by Lightning."""

import copy
import functools
import gc
import inspect
from collections.abc import Callable, Sequence
from typing import Annotated

import lightning
import torch
from torch import Tensor

from emogan import kinds
from emogan.augmenters.augmenter import Augmenter, per_member, plain_settings
from emogan.augmenters.selection import JUDGES, Selection
from emogan.checks import NonNegativeFloat, NonNegativeInt, PositiveInt, one_of
from emogan.data.training_set import TrainingSet
from emogan.models import ConditionalGAN, ConditionalGenerator
from emogan.threads import one_thread
from emogan.training.batches import MemberBatches
from emogan.training.checkpoint import Resume, TrainingState
from emogan.training.diagnostics import Diagnostics
from emogan.training.early_stopping import MemberEarlyStopping
from emogan.training.history import History
from emogan.training.isolation import ProcessSignals, default_torch
from emogan.training.trainer import TrainerSettings
from emogan.versions import revision
from emogan.wording import words

SAMPLE_BLOCK = 256  # windows are generated in blocks of this many, so that a window's bits do not depend on n


def described(value: object) -> object:
    """A setting as plain values: a function by its name and, of a partial one, its arguments."""
    if isinstance(value, functools.partial):
        return {"function": described(value.func), "arguments": [*value.args], **value.keywords}
    if not callable(value):
        return value
    if "<" in value.__qualname__:  # <lambda>, <locals>: two of them may have the same name
        expected = "a function of a module, by whose name the cache knows it"
        raise ValueError(f"{words().setting('optimizer')}: expected {expected}, got {value.__qualname__}")
    return f"{value.__module__}.{value.__qualname__}"


def _defaults(gan: type[ConditionalGenerator]) -> dict[str, object]:
    """The defaults of a GAN's settings, without members, seeds and optimizer."""
    parameters = inspect.signature(gan).parameters.values()
    others = ("members", "seeds", "optimizer")
    return {p.name: p.default for p in parameters if p.default is not p.empty and p.name not in others}


class GANAugmenter(Augmenter):
    """Train M stacked generators of one kind, GANs as a rule, and draw from them.

    Parameters
    ----------
    gan
        A `ConditionalGenerator` class.
    name
        What the scores call it.
    iterations, batch_size
        Training length, in updates of the generator, and windows per mini-batch.
    plateau_window, plateau_tolerance
        Early stopping of each member, see `MemberEarlyStopping`; a window of 0 never stops early.
    selection, oversample
        "discriminator", "density" or "classifier" (see `emogan.augmenters.selection`): every synthetic window is the
        best of ``oversample`` candidates. null takes them as they come.
    **settings
        Of the GAN.

    Raises
    ------
    ValueError
        If a setting is impossible, already when constructed.
    """

    def __init__(
        self,
        gan: type[ConditionalGenerator],
        *,
        name: str,
        iterations: PositiveInt,
        batch_size: PositiveInt = 128,
        plateau_window: NonNegativeInt = 0,
        plateau_tolerance: NonNegativeFloat = 0.01,
        selection: Annotated[str, one_of(JUDGES)] | None = None,
        oversample: PositiveInt = 4,
        **settings,
    ):
        kinds.check_class(gan, ConditionalGenerator, words().setting("gan"))
        kinds.check_arguments(gan, ConditionalGenerator, words().setting("gan"))
        if selection == "discriminator" and not issubclass(gan, ConditionalGAN):
            raise ValueError(
                f"{words().setting('selection')}: expected density or classifier, or none of them, for {gan.__name__}, "
                "which has no discriminator, got discriminator"
            )
        if selection and gan.whole_trials:
            raise ValueError(
                f"{words().setting('selection')}: expected null for {gan.__name__}, whose windows follow one another "
                f"in trials and cannot be chosen one by one, got {selection}"
            )
        self.gan, self.name = gan, name
        if settings.get("optimizer", self) is None:  # the default is no setting, so that keys do not depend on it
            del settings["optimizer"]
        settings = _defaults(gan) | settings  # so that keys of the cache change if a default does
        self.settings = settings
        self.training = {
            "iterations": iterations, "batch_size": batch_size,
            "plateau_window": plateau_window, "plateau_tolerance": float(plateau_tolerance),
        }  # fmt: skip
        self.selection = Selection(selection, oversample) if selection else None
        self.build(members=1, features=1, classes=2)  # refuses impossible values, as they were given
        self.settings = plain_settings(settings, gan)
        self.identity()

    def build(
        self, members: int, features: int, classes: int, seeds: Sequence[int] | None = None
    ) -> ConditionalGenerator:
        """Untrained networks for this number of members, features and classes."""
        return self.gan(features, classes, members, seeds=seeds, **self.settings)

    @property
    def needs_trials(self) -> bool:
        """Whether `fit` looks at the trials of the windows."""
        return self.gan.needs_trials

    def identity(self) -> dict:
        """Everything of this augmenter that changes what it learns or draws, as plain values."""
        settings = {name: described(value) for name, value in self.settings.items()}
        selection = self.selection.identity() if self.selection else {}
        return {"gan": self.gan.kind, **self.training, **selection, **settings}

    @property
    def in_training(self) -> "GANAugmenter":
        """The augmenter that is trained in place of this one, and whose generators the cache holds.

        It is the same without a selection, unless that needs the discriminator: the other judges look at the training
        windows alone, which they can do after training.
        """
        if self.selection is None or self.selection.kind == "discriminator":
            return self
        trained = copy.copy(self)
        trained.selection = None
        return trained

    def select_from(self, trained: "GANAugmenter", sets: Sequence[TrainingSet]) -> None:
        """Take the generators of `in_training`, trained on these sets (M,), and select among their windows."""
        self.model = trained.model
        if hasattr(trained, "trainer"):  # not if all came from the cache
            self.trainer = trained.trainer
        self.selection.fit(self.model, [data.ending for data in sets])

    def check_selection(self, sets: Sequence[TrainingSet]) -> None:
        """Refuse training sets (M,) from which a selection cannot learn, before anything is trained.

        Raises
        ------
        ValueError
            If the windows of a class are all alike, or a feature is constant within each class.
        """
        if self.selection:
            self.selection.check([data.ending for data in sets])

    def revision(self, features: int) -> dict:
        return self.gan.revision(features) | (revision("selection") if self.selection else {})

    @default_torch()
    def fit(
        self,
        sets: Sequence[TrainingSet],
        seeds: Sequence[int] | None = None,
        *,
        layout=None,
        classes: int | None = None,
        trainer: TrainerSettings | None = None,
        callbacks: Callable[[History, MemberEarlyStopping], Sequence[lightning.Callback]] = lambda *_: [],
        resume: TrainingState | None = None,
        group: str = "",
        report: Callable[[dict[str, str]], None] | None = None,
    ) -> "GANAugmenter":
        """Train one GAN on each training set.

        Parameters
        ----------
        sets, seeds, layout
            See `Augmenter.fit`.
        classes
            Number K of classes; the highest label + 1 if not given.
        trainer
            How they are trained; with Lightning's defaults on the CPU if not given.
        callbacks
            Further Lightning callbacks for the `History` and the `MemberEarlyStopping` of this fit.
        resume
            A state of these members to go on from.
        group
            What loggers call these members, if they are one of several groups.
        report
            Called during training with the detectors' messages by kind of trouble. The caller then warns after training
            as well. If not given, this method logs both as warnings.

        Raises
        ------
        KeyboardInterrupt
            If the user interrupts it: it does not end the process, as Lightning would.
        """
        batches = MemberBatches(
            sets, seeds, batch_size=self.training["batch_size"], iterations=self.training["iterations"],
            classes=classes, start=resume.iteration if resume else 0,
        )  # fmt: skip
        self.model = self.build(batches.members, batches.features, batches.classes, batches.seeds)
        ends = [data.ending for data in sets]
        if self.selection:
            self.selection.fit(self.model, ends)
        self.history = History(self.training["iterations"])
        self.stopping = MemberEarlyStopping(
            self.history, self.training["plateau_window"], self.training["plateau_tolerance"]
        )
        self.diagnostics = Diagnostics(self.history, self.name, ends, batches.classes, report)
        resumed = [Resume(resume, self.history, self.stopping)] if resume else []
        with ProcessSignals() as signals:
            own = [signals, self.history, self.stopping, *resumed, self.diagnostics]
            self.trainer = (trainer or TrainerSettings()).trainer(own, group, callbacks(self.history, self.stopping))
            self.trainer.fit(self.model, batches)
        self.model.cpu().eval()
        return self

    def let_go(self) -> None:
        """Free the memory of a `fit` of no further use: its networks, optimisers and data refer to one another."""
        for name in ("trainer", "model", "history", "stopping", "diagnostics"):
            vars(self).pop(name, None)
        if self.selection:
            self.selection.let_go()
        gc.collect()

    def state_of_training(self) -> TrainingState:
        """What the last `fit` has reached, to be resumed from."""
        return TrainingState.of(self.trainer, self.model, self.history, self.stopping)

    @default_torch()
    @one_thread()
    @torch.no_grad()
    def sample(self, y, generator):
        members, n = y.shape
        generators = per_member(generator, members)
        if self.gan.whole_trials:  # they may reach from one block into the next
            z = [self._noise(generators) for _ in range(max(1, -(-n // SAMPLE_BLOCK)))]
            return self.model.generate(torch.cat(z, dim=1)[:, :n], y)
        blocks = []
        for start in range(0, n, SAMPLE_BLOCK):
            labels = torch.zeros(members, SAMPLE_BLOCK, dtype=torch.int64)
            labels[:, : n - start] = y[:, start : start + SAMPLE_BLOCK]
            draw = functools.partial(self._draw, labels, generators)
            blocks.append(self.selection.best_of(draw, labels) if self.selection else draw()[1])
        return torch.cat(blocks, dim=1)[:, :n] if blocks else torch.empty(members, 0, self.model.features)

    def synthetic_trials(self, y):
        return self.model.synthetic_trials(y)

    def _draw(self, y: Tensor, generators: Sequence[torch.Generator]) -> tuple[Tensor, Tensor]:
        """Noise and windows of one block of labels."""
        z = self._noise(generators)
        return z, self.model.generate(z, y)

    def _noise(self, generators: Sequence[torch.Generator]) -> Tensor:
        """The noise of one block."""
        noise = [torch.rand(SAMPLE_BLOCK, self.model.noise_features, generator=g) for g in generators]
        return torch.stack(noise) * 2 - 1

    def state(self) -> dict[str, Tensor]:
        """What sampling takes, as plain tensors (M, ...): the generators and what a selection has learned."""
        return {**self.model.generator.state_dict(), **(self.selection.state() if self.selection else {})}

    def generators(self) -> list[dict[str, Tensor]]:
        """The `state` of each member, copied."""
        weights = self.state()
        return [{name: value[m].clone() for name, value in weights.items()} for m in range(self.model.members)]

    @default_torch()
    def restore(self, generators: Sequence[dict[str, Tensor]], features: int, classes: int) -> "GANAugmenter":
        """Take what `generators` gave of several members, in this order, ready to sample."""
        self.model = self.build(len(generators), features, classes).eval()
        weights = {name: torch.stack([g[name] for g in generators]) for name in generators[0]}
        if self.selection:
            weights = self.selection.restore(self.model, weights)
        self.model.generator.load_state_dict(weights)
        return self
