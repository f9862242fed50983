"""GANAugmenter: any stacked conditional GAN as an augmenter, trained by Lightning."""

from collections.abc import Sequence

import lightning
import torch
from lightning.pytorch.plugins.environments import LightningEnvironment
from torch import Tensor

from emogan.augmenters.augmenter import Augmenter, per_member
from emogan.augmenters.half_trained import Resume
from emogan.augmenters.history import History
from emogan.augmenters.watch import Watch
from emogan.data.datamodule import MemberBatches
from emogan.models import ConditionalGAN
from emogan.models.setting import check, is_integer, is_number

SAMPLE_BLOCK = 256  # windows are generated in blocks of this many, so that a window's bits do not depend on n


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
        Stop a member once the mean of its convergence measure over the last ``plateau_window`` iterations differs from
        that over the ``plateau_window`` before by no more than the tolerance, as a fraction; 0 never stops early.
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
        **settings,
    ):
        for key, value, least in (
            ("iterations", iterations, 1),
            ("batch_size", batch_size, 1),
            ("plateau_window", plateau_window, 0),
        ):
            check(key, value, is_integer(value, least), f"an integer >= {least}")
        holds = is_number(plateau_tolerance) and plateau_tolerance >= 0
        check("plateau_tolerance", plateau_tolerance, holds, "a number >= 0")
        self.gan, self.name, self.settings = (
            gan,
            name,
            {key: list(value) if _is_list(value) else value for key, value in settings.items()},
        )
        self.training = {
            "iterations": iterations,
            "batch_size": batch_size,
            "plateau_window": plateau_window,
            "plateau_tolerance": plateau_tolerance,
        }
        self.build(members=1, features=1, classes=2)

    def build(self, members: int, features: int, classes: int) -> ConditionalGAN:
        """Untrained networks for so many members, features and classes."""
        return self.gan(members, features, classes, **self.settings)

    @property
    def needs_trials(self) -> bool:
        """Whether `fit` looks at the trials of the windows."""
        return self.gan.needs_trials

    def identity(self) -> dict:
        """Everything of this augmenter that changes what it learns, as plain values."""
        return {"gan": f"{self.gan.__module__}.{self.gan.__qualname__}", **self.training, **self.settings}

    def fit(
        self, x, y, n, seeds=None, *,
        trial=None, layout=None, classes=None, callbacks=lambda history: [], accelerator="cpu", half_trained=None,
    ):  # fmt: skip
        """See `Augmenter.fit`.

        ``classes`` is K if not y.max() + 1; ``accelerator`` is Lightning's; ``callbacks`` gives further Lightning
        callbacks for the `History` of this fit; ``half_trained`` is a `HalfTrained` of these members to go on from.
        """
        seeds = range(len(x)) if seeds is None else seeds
        self.model = self.build(len(x), x.shape[-1], int(y.max()) + 1 if classes is None else classes)
        self.model.initialise(seeds)
        if self.model.needs_trials and trial is None:
            raise ValueError(f"model={self.name} needs fit(..., trial=...), got none")
        batches = MemberBatches(
            self.model.prepare(x, y, n, trial), y, n, seeds,
            batch_size=self.training["batch_size"], iterations=self.training["iterations"],
            draws=self.model.draws, noise_features=self.model.batch_noise,
            start=half_trained.iteration if half_trained else 0,
        )  # fmt: skip
        self.history = History(
            self.training["iterations"], self.training["plateau_window"], self.training["plateau_tolerance"]
        )
        self.watch = Watch(self.history, self.name, x, y, n, self.model.classes)
        resume = [Resume(half_trained, self.history)] if half_trained else []
        self.trainer = lightning.Trainer(
            accelerator=accelerator, devices=1, max_epochs=1,
            callbacks=[self.history, *resume, self.watch, *callbacks(self.history)],
            logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
            plugins=[LightningEnvironment()],
        )  # fmt: skip
        self.trainer.fit(self.model, batches)
        self.model.cpu().eval()
        return self

    @torch.no_grad()
    def sample(self, y, generator):
        members, n = y.shape
        generators = per_member(generator, members)
        blocks = []
        for start in range(0, n, SAMPLE_BLOCK):
            noise = [torch.rand(SAMPLE_BLOCK, self.model.noise_features, generator=g) for g in generators]
            labels = torch.zeros(members, SAMPLE_BLOCK, dtype=torch.int64)
            labels[:, : n - start] = y[:, start : start + SAMPLE_BLOCK]
            blocks.append(self.model.generate(torch.stack(noise) * 2 - 1, labels))
        return torch.cat(blocks, dim=1)[:, :n] if blocks else torch.empty(members, 0, self.model.features)

    def generators(self) -> list[dict[str, Tensor]]:
        """The fitted generator of each member, as plain tensors."""
        weights = self.model.generator.state_dict()
        return [{name: value[m].clone() for name, value in weights.items()} for m in range(self.model.members)]

    def restore(self, generators: Sequence[dict[str, Tensor]], features: int, classes: int) -> "GANAugmenter":
        """Take fitted generators of several members, in this order, ready to sample."""
        self.model = self.build(len(generators), features, classes).eval()
        weights = {name: torch.stack([g[name] for g in generators]) for name in generators[0]}
        self.model.generator.load_state_dict(weights)
        return self
