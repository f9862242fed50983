"""GANAugmenter: any stacked conditional GAN as an augmenter, trained by Lightning."""

import functools
import inspect
from collections.abc import Sequence

import lightning
import torch
from lightning.pytorch.plugins.environments import LightningEnvironment
from torch import Tensor

from emogan import kinds
from emogan.augmenters.augmenter import Augmenter, per_member
from emogan.augmenters.selection import JUDGES, Judge
from emogan.checks import check, is_integer, is_number
from emogan.models import ConditionalGAN
from emogan.training.batches import MemberBatches
from emogan.training.checkpoint import Resume
from emogan.training.diagnostics import Watch
from emogan.training.early_stopping import MemberEarlyStopping
from emogan.training.history import History
from emogan.training.isolation import ProcessSignals, default_torch
from emogan.wording import words

SAMPLE_BLOCK = 256  # windows are generated in blocks of this many, so that a window's bits do not depend on n
JUDGE = "judge."  # before the names of a judge's tensors


def described(value: object) -> object:
    """A setting as plain values: a function by its name and, of a partial one, its arguments."""
    if isinstance(value, functools.partial):
        return {"function": described(value.func), "arguments": [*value.args], **value.keywords}
    return f"{value.__module__}.{value.__qualname__}" if callable(value) else value


def _defaults(gan: type[ConditionalGAN]) -> dict[str, object]:
    """The settings of a GAN that have a default, but for those that a fit gives and the optimiser."""
    parameters = inspect.signature(gan).parameters.values()
    others = ("members", "seeds", "optimizer")
    return {p.name: p.default for p in parameters if p.default is not p.empty and p.name not in others}


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


class GANAugmenter(Augmenter):
    """Train M stacked GANs of one kind and draw from their generators.

    Parameters
    ----------
    gan
        A `ConditionalGAN` class.
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
        gan: type[ConditionalGAN],
        *,
        name: str,
        iterations: int,
        batch_size: int = 128,
        plateau_window: int = 0,
        plateau_tolerance: float = 0.01,
        selection: str | None = None,
        oversample: int = 4,
        **settings,
    ):
        for key, value, least in (
            ("iterations", iterations, 1),
            ("batch_size", batch_size, 1),
            ("plateau_window", plateau_window, 0),
            ("oversample", oversample, 1),
        ):
            check(key, value, is_integer(value, least), f"an integer >= {least}")
        holds = is_number(plateau_tolerance) and plateau_tolerance >= 0
        check("plateau_tolerance", plateau_tolerance, holds, "a number >= 0")
        known = selection is None or (isinstance(selection, str) and selection in JUDGES)
        check("selection", selection, known, f"{words().nothing}, {', '.join(JUDGES)}")
        kinds.check_class(gan, ConditionalGAN, words().setting("gan"))
        kinds.check_arguments(gan, ConditionalGAN, words().setting("gan"))
        self.gan, self.name = gan, name
        if settings.get("optimizer", self) is None:  # the default is no setting, so that keys do not depend on it
            del settings["optimizer"]
        settings = _defaults(gan) | settings  # so that keys of the cache change if a default does
        self.settings = {key: list(value) if _is_list(value) else value for key, value in settings.items()}
        self.training = {
            "iterations": iterations, "batch_size": batch_size,
            "plateau_window": plateau_window, "plateau_tolerance": plateau_tolerance,
        }  # fmt: skip
        self.selection = {"selection": selection, "oversample": oversample} if selection else {}
        self.build(members=1, features=1, classes=2)

    def build(self, members: int, features: int, classes: int, seeds: Sequence[int] | None = None) -> ConditionalGAN:
        """Untrained networks for this number of members, features and classes."""
        return self.gan(features, classes, members, seeds=seeds, **self.settings)

    @property
    def needs_trials(self) -> bool:
        """Whether `fit` looks at the trials of the windows."""
        return self.gan.needs_trials

    def identity(self) -> dict:
        """Everything of this augmenter that changes what it learns or draws, as plain values."""
        settings = {name: described(value) for name, value in self.settings.items()}
        return {"gan": self.gan.kind, **self.training, **self.selection, **settings}

    def revision(self, features: int) -> dict:
        return self.gan.revision(features)

    @default_torch()
    def fit(
        self, sets, seeds=None, *,
        layout=None, classes=None, callbacks=lambda history, stopping: [], accelerator="cpu", resume=None,
    ):  # fmt: skip
        """See `Augmenter.fit`.

        ``classes`` is K, the highest label + 1 if not given; ``accelerator`` is Lightning's; ``callbacks`` gives
        further Lightning callbacks for the `History` and the `MemberEarlyStopping` of this fit; ``resume`` is a
        `TrainingState` of these members to go on from.

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
        self.judge = self._judge()
        if self.judge:
            self.judge.fit(sets)
        self.history = History(self.training["iterations"])
        stopping = MemberEarlyStopping(
            self.history, self.training["plateau_window"], self.training["plateau_tolerance"]
        )
        self.watch = Watch(self.history, self.name, sets, batches.classes)
        resumed = [Resume(resume, self.history, stopping)] if resume else []
        with ProcessSignals() as signals:
            self.trainer = lightning.Trainer(
                accelerator=accelerator, devices=1, max_epochs=1,
                callbacks=[signals, self.history, stopping, *resumed, self.watch, *callbacks(self.history, stopping)],
                logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
                plugins=[LightningEnvironment()],
            )  # fmt: skip
            self.trainer.fit(self.model, batches)
        self.model.cpu().eval()
        return self

    @default_torch()
    @torch.no_grad()
    def sample(self, y, generator):
        members, n = y.shape
        generators = per_member(generator, members)
        blocks = []
        for start in range(0, n, SAMPLE_BLOCK):
            labels = torch.zeros(members, SAMPLE_BLOCK, dtype=torch.int64)
            labels[:, : n - start] = y[:, start : start + SAMPLE_BLOCK]
            blocks.append(self._block(labels, generators))
        return torch.cat(blocks, dim=1)[:, :n] if blocks else torch.empty(members, 0, self.model.features)

    def _block(self, y: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        """Windows of one block; with a judge, each is the best of its own candidates, the first of equally good ones.

        Not the best share of a common pool: a window would then depend on how many others of its class are asked for.
        """
        best = best_score = None
        for _ in range(self.selection.get("oversample", 1)):
            noise = [torch.rand(SAMPLE_BLOCK, self.model.noise_features, generator=g) for g in generators]
            z = torch.stack(noise) * 2 - 1
            windows = self.model.generate(z, y)
            if self.judge is None:
                return windows
            score = self.judge(z, windows, y)
            if best is None:
                best, best_score = windows, score
            better = score > best_score
            best, best_score = torch.where(better[..., None], windows, best), torch.where(better, score, best_score)
        return best

    def state(self) -> dict[str, Tensor]:
        """What sampling takes: the generators and, with selection, the judges, as plain tensors (M, ...)."""
        judge = self.judge.state_dict(prefix=JUDGE) if self.judge else {}
        return {**self.model.generator.state_dict(), **judge}

    def generators(self) -> list[dict[str, Tensor]]:
        """The `state` of each member, copied."""
        weights = self.state()
        return [{name: value[m].clone() for name, value in weights.items()} for m in range(self.model.members)]

    @default_torch()
    def restore(self, generators: Sequence[dict[str, Tensor]], features: int, classes: int) -> "GANAugmenter":
        """Take what `generators` gave of several members, in this order, ready to sample."""
        self.model = self.build(len(generators), features, classes).eval()
        self.judge = self._judge()
        weights = {name: torch.stack([g[name] for g in generators]) for name in generators[0]}
        judge = {name.removeprefix(JUDGE): weights.pop(name) for name in list(weights) if name.startswith(JUDGE)}
        if self.judge:
            self.judge.load_state_dict(judge)
        self.model.generator.load_state_dict(weights)
        return self

    def _judge(self) -> Judge | None:
        """An unfitted judge of the model's windows, if one is asked for."""
        return JUDGES[self.selection["selection"]](self.model) if self.selection else None
