"""ConditionalGAN: what all stacked conditional GANs share."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar, NamedTuple

import lightning
import torch
from torch import Tensor, nn

from emogan.models.architecture import hidden_widths
from emogan.models.stacked import StackedLinear, StackedMLP, with_label
from emogan.setting import check, is_integer, is_number


class Batch(NamedTuple):
    """The data and noise of one iteration: S mini-batches of B windows for each of M members."""

    x: Tensor  # (S, M, B, F) real windows
    y: Tensor  # (S, M, B) their labels; artificial windows take the same labels ("y_r ~ Y_r", paper, equation 7)
    z: Tensor  # (S, M, B, Z) noise, U[-1, 1] (paper, 3.3)
    u: Tensor  # (S, M, B, 1) uniform in [0, 1): where cWGAN's gradient penalty interpolates


class ConditionalGAN(lightning.LightningModule, ABC):
    """M independent conditional GANs with a common shape, trained at once by manual optimisation.

    Nothing couples the members: their losses have shape (M,) and are summed before backward, so each member's
    gradient is its own, and Adam works element by element.

    Parameters
    ----------
    members, features, classes
        Numbers M, F and K.
    layers, hidden, architecture_seed
        See `emogan.models.architecture.hidden_widths`.
    noise_features
        Length Z of the noise vector.
    learning_rate
        Of Adam, for both networks (paper, 3.3: 0.0001).

    Raises
    ------
    ValueError
        If a setting is impossible; the message names it.
    """

    metrics: ClassVar[tuple[str, ...]]  # recorded per member and iteration, in this order
    convergence: ClassVar[str]  # the one of them whose plateau means convergence
    needs_trials: ClassVar[bool] = False  # whether what it learns depends on the trials that windows come from

    def __init__(
        self,
        members: int,
        features: int,
        classes: int,
        *,
        layers: int = 2,
        hidden: int | Sequence[int] = 100,
        architecture_seed: int | None = None,
        noise_features: int = 100,
        learning_rate: float = 1e-4,
    ):
        super().__init__()
        self.automatic_optimization = False
        check("noise_features", noise_features, is_integer(noise_features, 1), "an integer >= 1")
        check(
            "learning_rate",
            learning_rate,
            is_number(learning_rate) and 0 < learning_rate < 1,
            "a number between 0 and 1",
        )
        self.members, self.features, self.classes = members, features, classes
        self.noise_features, self.learning_rate = noise_features, learning_rate
        generator_hidden, discriminator_hidden = hidden_widths(layers, hidden, architecture_seed)
        self.generator = self.build_generator(generator_hidden)
        self.discriminator = self.build_discriminator(discriminator_hidden)

    @staticmethod
    def revision(features: int) -> dict:
        """See `Augmenter.revision`."""
        return {}

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
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        for layer in self.modules():
            if isinstance(layer, StackedLinear):
                layer.initialise(generators)

    def prepare(self, x: Tensor, y: Tensor, n: Tensor, trial: Tensor | None) -> Tensor:
        """Look at the training windows before training, see `Augmenter.fit`; what batches consist of, (M, N, ...)."""
        return x

    def generate(self, z: Tensor, y: Tensor) -> Tensor:
        """Artificial windows G(z | y): (M, N, Z) and (M, N) -> (M, N, F)."""
        return self.generator(with_label(z, y, self.classes))

    @abstractmethod
    def realism(self, z: Tensor, y: Tensor) -> Tensor:
        """How real the discriminator holds windows G(z | y), the higher the more: (M, N, Z) and (M, N) -> (M, N)."""

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.latest = self.iterate(batch)

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        return [
            torch.optim.Adam(network.parameters(), lr=self.learning_rate, fused=True)
            for network in (self.generator, self.discriminator)
        ]

    def update(self, network: nn.Module, losses: Tensor) -> None:
        """One Adam step of a network down its members' losses (M,)."""
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
