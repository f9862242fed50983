"""One GAN at a time: the benchmark's opponents, written as a Lightning user would without stacking.

Plain `torch.nn.Linear` layers, manual optimisation, Adam with its default options, and a shuffled `DataLoader` over a
`TensorDataset`. Networks, losses and default settings are those of `emogan.models`.
"""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Sequence

import lightning
import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot
from torch.utils.data import DataLoader, RandomSampler, TensorDataset


def mlp(widths: Sequence[int]) -> nn.Sequential:
    """Linear layers of the given widths with ReLU between them."""
    layers = [part for sizes in itertools.pairwise(widths) for part in (nn.Linear(*sizes), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


def loader(x: Tensor, y: Tensor, batches: int, batch_size: int) -> DataLoader:
    """Mini-batches of windows x (N, F) and labels y (N,), drawn with replacement."""
    windows = TensorDataset(x, y)
    shuffled = RandomSampler(windows, replacement=True, num_samples=batches * batch_size)
    return DataLoader(windows, batch_size=batch_size, sampler=shuffled)


class PlainGAN(lightning.LightningModule, ABC):
    """One conditional GAN.

    Parameters
    ----------
    features, classes, hidden
        Number F, number K, and the widths of the hidden layers of both networks.
    """

    def __init__(self, features: int, classes: int, hidden: Sequence[int], noise_features: int = 100):
        super().__init__()
        self.automatic_optimization = False
        self.features, self.classes, self.noise_features = features, classes, noise_features
        self.generator = mlp([noise_features + classes, *hidden, features])
        self.discriminator = self.build_discriminator(hidden)

    @abstractmethod
    def build_discriminator(self, hidden: Sequence[int]) -> nn.Module:
        """The discriminator for these hidden widths."""

    def with_label(self, x: Tensor, y: Tensor) -> Tensor:
        """(B, F) and (B,) -> (B, F + K)."""
        return torch.cat([x, one_hot(y, self.classes).to(x.dtype)], dim=1)

    def noise(self, x: Tensor) -> Tensor:
        """U[-1, 1] for each window of a batch: (B, Z)."""
        return torch.rand(len(x), self.noise_features, device=x.device) * 2 - 1

    def generate(self, z: Tensor, y: Tensor) -> Tensor:
        return self.generator(self.with_label(z, y))

    def step(self, optimizer, loss: Tensor) -> None:
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()

    def configure_optimizers(self):
        return [torch.optim.Adam(network.parameters(), lr=1e-4) for network in (self.generator, self.discriminator)]


class PlainCBEGAN(PlainGAN):
    """cBEGAN, see `emogan.models.CBEGAN`."""

    draws = 1  # mini-batches per iteration
    gamma, lambda_k = 0.75, 1e-3

    def build_discriminator(self, hidden):
        self.k = 0.0
        encoder = mlp([self.features + self.classes, *hidden])
        decoder = mlp([hidden[-1] + self.classes, *reversed(hidden[:-1]), self.features])
        return nn.ModuleDict({"encoder": encoder, "decoder": decoder})

    def reconstruction_loss(self, x: Tensor, y: Tensor) -> Tensor:
        code = torch.relu(self.discriminator["encoder"](self.with_label(x, y)))
        return (x - self.discriminator["decoder"](self.with_label(code, y))).abs().mean()

    def training_step(self, batch, batch_idx):
        x, y = batch
        self.latest = self.iterate(x, y, self.noise(x))

    def iterate(self, x: Tensor, y: Tensor, z: Tensor) -> list[Tensor]:
        """Update both networks once; returns L(x) and L(G(z))."""
        generator_optimizer, discriminator_optimizer = self.optimizers()
        fake = self.generate(z, y)
        loss_real, loss_fake = self.reconstruction_loss(x, y), self.reconstruction_loss(fake.detach(), y)
        self.step(discriminator_optimizer, loss_real - self.k * loss_fake)
        self.discriminator.requires_grad_(False)  # its gradients are not needed here
        self.step(generator_optimizer, self.reconstruction_loss(fake, y))
        self.discriminator.requires_grad_(True)
        loss_real, loss_fake = loss_real.detach(), loss_fake.detach()
        self.k = (self.k + self.lambda_k * (self.gamma * loss_real - loss_fake)).clamp(0, 1)
        return [loss_real, loss_fake]


class PlainCWGAN(PlainGAN):
    """cWGAN with gradient penalty, see `emogan.models.CWGAN`: the generator is updated with every fifth mini-batch."""

    draws = 5
    penalty = 10.0

    def build_discriminator(self, hidden):
        return mlp([self.features + self.classes, *hidden, 1])

    def critic(self, x: Tensor, y: Tensor) -> Tensor:
        return self.discriminator(self.with_label(x, y))

    def gradient_penalty(self, x: Tensor, fake: Tensor, y: Tensor, u: Tensor) -> Tensor:
        between = (u * x + (1 - u) * fake).requires_grad_()
        (gradient,) = torch.autograd.grad(self.critic(between, y).sum(), between, create_graph=True)
        return ((gradient.norm(dim=1) - 1) ** 2).mean()

    def training_step(self, batch, batch_idx):
        x, y = batch
        losses = [self.critic_step(x, y, self.noise(x), torch.rand(len(x), 1, device=x.device))]
        if (batch_idx + 1) % self.draws == 0:
            losses.append(self.generator_step(y, self.noise(x)))
        self.latest = losses

    def critic_step(self, x: Tensor, y: Tensor, z: Tensor, u: Tensor) -> Tensor:
        with torch.no_grad():
            fake = self.generate(z, y)
        distance = self.critic(x, y).mean() - self.critic(fake, y).mean()
        loss = -distance + self.penalty * self.gradient_penalty(x, fake, y, u)
        self.step(self.optimizers()[1], loss)
        return loss.detach()

    def generator_step(self, y: Tensor, z: Tensor) -> Tensor:
        self.discriminator.requires_grad_(False)
        loss = -self.critic(self.generate(z, y), y).mean()
        self.step(self.optimizers()[0], loss)
        self.discriminator.requires_grad_(True)
        return loss.detach()
