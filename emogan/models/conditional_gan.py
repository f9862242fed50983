"""ConditionalGAN: what all conditional GANs share, a generator and a discriminator."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor, nn

from emogan.models.conditional_generator import ConditionalGenerator


class ConditionalGAN(ConditionalGenerator):
    """A conditional GAN, or a stack of M independent ones of one shape that are trained at once.

    `iterate` updates both networks once (paper: "in an alternating procedure").
    """

    def build_networks(self, hidden: Sequence[int], others: Sequence[int]) -> None:
        super().build_networks(hidden, others)
        self.discriminator = self.build_discriminator(others)

    @property
    def networks(self) -> tuple[nn.Module, ...]:
        return self.generator, self.discriminator

    @abstractmethod
    def build_discriminator(self, hidden: Sequence[int]) -> nn.Module:
        """The discriminator for these hidden widths."""

    @abstractmethod
    def realism(self, z: Tensor, y: Tensor) -> Tensor:
        """The discriminator's score of windows G(z | y), higher for more real ones: (M, N, Z), (M, N) -> (M, N)."""

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
