"""ConditionalGAN: what all conditional GANs share, a LightningModule for any Trainer."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar, NamedTuple, Self

import lightning
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from emogan.checks import check, is_integer, is_number
from emogan.models.architecture import hidden_widths
from emogan.models.stacked import StackedLinear, StackedMLP, with_label


class Batch(NamedTuple):
    """The data and noise of one iteration: S mini-batches of B windows for each of M members.

    Windows are copied where they are used, see ``x`` and ``with_synthetic``.
    """

    windows: Tensor  # (M N, F + K) all windows there are, each with its one-hot label
    labels: Tensor  # (M N,)
    rows: Tensor  # (S, M, B) those of the mini-batches
    z: Tensor  # (S, M, B, Z) noise, U[-1, 1) (paper, 3.3)
    u: Tensor  # (S, M, B, 1) uniform in [0, 1): where cWGAN's gradient penalty interpolates
    classes: int  # K

    @classmethod
    def of(cls, x: Tensor, y: Tensor, z: Tensor, u: Tensor, classes: int) -> Self:
        """A batch of one's own: real windows (S, M, B, F), their labels (S, M, B), noise and where to interpolate."""
        rows = torch.arange(y.numel(), device=y.device).view(y.shape)
        return cls(with_label(x, y, classes).flatten(0, 2), y.flatten(), rows, z, u, classes)

    @property
    def x(self) -> Tensor:
        """Real windows (S, M, B, F)."""
        return self._labelled(self.rows)[..., : -self.classes]

    @property
    def y(self) -> Tensor:
        """Their labels (S, M, B); synthetic windows take the same labels ("y_r ~ Y_r", paper, equation 7)."""
        return self.labels[self.rows]

    def with_synthetic(self, fake: Tensor, draw: int = 0) -> Tensor:
        """One mini-batch with labels, (M, 2 B, F + K): real windows and, behind them, synthetic ones (M, B, F)."""
        both = self._labelled(self.rows[draw].repeat(1, 2))
        both[:, fake.shape[1] :, : -self.classes] = fake
        return both

    def _labelled(self, rows: Tensor) -> Tensor:
        return self.windows.index_select(0, rows.flatten()).unflatten(0, rows.shape)


class ConditionalGAN(lightning.LightningModule, ABC):
    """A conditional GAN, or a stack of M independent ones of one shape that are trained at once.

    It trains in any Lightning Trainer on batches of `emogan.training.batches.MemberBatches`, by manual optimisation.
    Nothing couples the members of a stack: their losses have shape (M,) and are summed before backward, so each
    member's gradient is its own, and Adam works element by element.

    Parameters
    ----------
    features, classes
        Numbers F and K.
    members
        Number M of GANs; 1 is a single GAN, and nothing else need be known of stacks.
    seeds
        One per member, of its weights; 0 to M - 1 if not given.
    layers, hidden, architecture_seed
        Hidden layers (2 to 4) and nodes in each, one number or one per layer; an architecture seed draws both from the
        paper's ranges instead (`emogan.models.architecture.hidden_widths`).
    noise_features
        Length Z of the noise vector.
    learning_rate
        Of Adam, for both networks (paper, 3.3: 0.0001).
    optimizer
        Makes the optimiser of each network from its parameters, such as ``functools.partial(torch.optim.SGD, lr=0.1)``;
        Adam with the learning rate if not given.

    Raises
    ------
    ValueError
        If a setting is impossible; the message names it.
    """

    kind: ClassVar[str]  # its short name in files and keys, which stays when a module is renamed
    metrics: ClassVar[tuple[str, ...]]  # recorded per member and iteration, in this order
    convergence: ClassVar[str]  # the one of them whose plateau means convergence
    derived: ClassVar[tuple[str, ...]] = ()  # arguments that a subclass works out, and does not take
    needs_trials: ClassVar[bool] = False  # whether what it learns depends on the trials that windows come from

    def __init_subclass__(cls, **options) -> None:
        super().__init_subclass__(**options)
        if "kind" not in vars(cls):
            cls.kind = f"{cls.__module__}.{cls.__qualname__}"

    def __init__(
        self,
        features: int,
        classes: int,
        members: int = 1,
        *,
        seeds: Sequence[int] | None = None,
        layers: int = 2,
        hidden: int | Sequence[int] = 100,
        architecture_seed: int | None = None,
        noise_features: int = 100,
        learning_rate: float = 1e-4,
        optimizer: Callable[[Iterable[nn.Parameter]], Optimizer] | None = None,
    ):
        super().__init__()
        self.save_hyperparameters(ignore=["optimizer", *self.derived])
        self.automatic_optimization = False
        for name, value, least in (("features", features, 1), ("classes", classes, 1), ("members", members, 1)):
            check(name, value, is_integer(value, least), f"an integer >= {least}")
        check("noise_features", noise_features, is_integer(noise_features, 1), "an integer >= 1")
        holds = is_number(learning_rate) and 0 < learning_rate < 1
        check("learning_rate", learning_rate, holds, "a number between 0 and 1")
        self.members, self.features, self.classes = members, features, classes
        self.noise_features, self.learning_rate, self.optimizer = noise_features, learning_rate, optimizer
        generator_hidden, discriminator_hidden = hidden_widths(layers, hidden, architecture_seed)
        self.generator = self.build_generator(generator_hidden)
        self.discriminator = self.build_discriminator(discriminator_hidden)
        self.initialise(range(members) if seeds is None else seeds)

    @classmethod
    def for_data(cls, data, **settings) -> Self:
        """A GAN, or a stack of them, of the shape that a DataModule's training sets have; settings are the class's."""
        return cls(data.features, data.classes, data.members, seeds=data.seeds, **settings)

    @staticmethod
    def revision(features: int) -> dict:
        """See `emogan.augmenters.Augmenter.revision`."""
        return {"draws": "counter-based"}

    @property
    def draws(self) -> int:
        """Mini-batches S that one iteration consumes."""
        return 1

    @property
    def batch_noise(self) -> int:
        """Length Z of the noise in training; `generate` takes ``noise_features``."""
        return self.noise_features

    def build_generator(self, hidden: Sequence[int]) -> nn.Module:
        """The generator for these hidden widths."""
        return StackedMLP(self.members, [self.noise_features + self.classes, *hidden, self.features])

    @abstractmethod
    def build_discriminator(self, hidden: Sequence[int]) -> nn.Module:
        """The discriminator for these hidden widths."""

    @abstractmethod
    def iterate(self, batch: Batch) -> Tensor:
        """Update both networks once (paper: "in an alternating procedure"); return the metrics, (metrics, M)."""

    def initialise(self, seeds: Sequence[int]) -> None:
        """Draw every member's weights from its own seed."""
        if len(seeds) != self.members:
            raise ValueError(f"expected one seed for each of {self.members} members, got {len(seeds)}")
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        for layer in self.modules():
            if isinstance(layer, StackedLinear):
                layer.initialise(generators)

    def prepare(self, x: Tensor, y: Tensor, n: Tensor, trial: Tensor | None) -> Tensor:
        """Look at the training windows before training; what batches then consist of, (M, N, ...).

        x (M, N, F), y and trial (M, N) are padded, n (M,) are the real lengths.
        """
        return x

    def generate(self, z: Tensor, y: Tensor) -> Tensor:
        """Synthetic windows G(z | y): (M, N, Z) and (M, N) -> (M, N, F)."""
        return self.generator(with_label(z, y, self.classes))

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """See `generate`."""
        return self.generate(z, y)

    @torch.no_grad()
    def sample(
        self, labels: int | Tensor, generator: torch.Generator | Sequence[torch.Generator] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Synthetic windows in the scaled units of training, and their labels.

        Parameters
        ----------
        labels
            A number n of windows, shared equally among the classes, or class indices (n,) or, of each member, (M, n).
        generator
            Of the noise: one, or one for each member; PyTorch's own if not given.

        Returns
        -------
        windows, labels
            (M, n, F) and (M, n); of a single GAN (n, F) and (n,), unless its labels came with an axis of members.
        """
        if isinstance(labels, int):
            labels = torch.arange(labels) % self.classes
        y = labels.to(self.device).expand(self.members, -1)
        generators = generator if isinstance(generator, Sequence) else [generator] * self.members
        noise = [torch.rand(y.shape[1], self.noise_features, generator=one) for one in generators]
        windows = self.generate((torch.stack(noise) * 2 - 1).to(self.device, self.dtype), y)
        return (windows[0], y[0]) if self.members == 1 and labels.ndim == 1 else (windows, y)

    @abstractmethod
    def realism(self, z: Tensor, y: Tensor) -> Tensor:
        """How real the discriminator holds windows G(z | y), the higher the more: (M, N, Z) and (M, N) -> (M, N)."""

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """One iteration. Metrics are logged every ``log_every_n_steps`` iterations and at the last one.

        Each is logged by its name as the mean over the members and, of a stack, as NAME/lowest and NAME/highest.
        """
        self.latest = self.iterate(batch)
        if self._trainer is not None and (
            (batch_idx + 1) % max(self.trainer.log_every_n_steps, 1) == 0 or self.trainer.is_last_batch
        ):
            iteration = float(self.trainer.fit_loop.total_batch_idx + 1)  # Lightning's own count is of optimiser steps
            self.log("step", iteration)
            self.log_dict(dict(zip(self.metrics, self.latest.mean(-1), strict=True)), prog_bar=True)
            if self.members > 1:
                parts = {"lowest": self.latest.amin(-1), "highest": self.latest.amax(-1)}
                self.log_dict({
                    f"{name}/{part}": value
                    for part, values in parts.items() for name, value in zip(self.metrics, values, strict=True)
                })  # fmt: skip

    def predict_step(self, batch: Batch | Tensor, batch_idx: int) -> Tensor:
        """Synthetic windows (M, N, F) with the labels (M, N) of a batch."""
        return self.sample(batch.y[0] if isinstance(batch, Batch) else batch)[0]

    def configure_optimizers(self) -> list[Optimizer]:
        make = self.optimizer or (lambda parameters: torch.optim.Adam(parameters, lr=self.learning_rate, fused=True))
        return [make(network.parameters()) for network in (self.generator, self.discriminator)]

    def update(self, network: nn.Module, losses: Tensor) -> None:
        """One step of a network's optimiser down its members' losses (M,)."""
        optimizer = self.optimizers()[0 if network is self.generator else 1]
        optimizer.zero_grad()
        self.manual_backward(losses.sum())
        optimizer.step()


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Leave a network's parameters out of the gradients taken inside: they would be computed for nothing."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)
