"""Least-squares GAN (Mao et al. 2017, equation 9), conditional on the label."""

import torch

from emogan.models import ConditionalGAN, StackedMLP, frozen, with_label


class LSGAN(ConditionalGAN):
    """D(x) shall be ``target`` for real windows and 0 for synthetic ones; G shall bring D to ``target`` too."""

    kind = "lsgan"
    metrics = ("d_loss", "g_loss")
    convergence = "d_loss"

    def __init__(self, features, classes, members=1, *, target: float = 1.0, **settings):
        super().__init__(features, classes, members, **settings)
        self.target = target

    def build_discriminator(self, hidden):
        return StackedMLP(self.members, [self.features + self.classes, *hidden, 1])

    def score(self, x, y):
        return self.discriminator(with_label(x, y, self.classes)).squeeze(-1)

    def realism(self, z, y):
        return -(self.score(self.generate(z, y), y) - self.target).square()

    def iterate(self, batch):
        x, y, z = batch.x[0], batch.y[0], batch.z[0]
        fake = self.generate(z, y)
        real_loss = (self.score(x, y) - self.target).square().mean(-1)
        d_loss = real_loss + self.score(fake.detach(), y).square().mean(-1)
        self.update(self.discriminator, d_loss)
        with frozen(self.discriminator):
            g_loss = (self.score(fake, y) - self.target).square().mean(-1)
            self.update(self.generator, g_loss)
        return torch.stack([d_loss, g_loss]).detach()
