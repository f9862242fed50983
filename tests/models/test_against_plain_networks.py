"""Every stacked GAN against one that is written anew here, member by member, with torch.nn.Linear and textbook losses."""

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy, one_hot

from emogan.models import CBEGAN, CGAN, CWGAN, Batch

ITERATIONS = 15
CASES = [
    pytest.param(CBEGAN, {"lambda_k": 0.05}, id="cbegan"),
    pytest.param(CBEGAN, {"lambda_k": 0.05, "eta": 2, "reduction": "sum", "gamma": 0.5}, id="cbegan-squared-sum"),
    pytest.param(CBEGAN, {"lambda_k": 0.05, "layers": 3, "hidden": [20, 13, 34]}, id="cbegan-3-layers"),
    pytest.param(CWGAN, {}, id="cwgan"),
    pytest.param(CWGAN, {"clip": 0.02, "critic_steps": 2, "layers": 4}, id="cwgan-clipped"),
    pytest.param(CWGAN, {"penalty": 0, "critic_steps": 1}, id="cwgan-free"),
    pytest.param(CGAN, {}, id="cgan"),
    pytest.param(CGAN, {"saturating": False, "hidden": [33, 20]}, id="cgan-non-saturating"),
]


def plain(network, member: int) -> nn.Sequential:
    """One member's part of a stacked network as ordinary layers."""
    layers = []
    for layer in network:
        if isinstance(layer, nn.ReLU):
            layers.append(nn.ReLU())
            continue
        weight, bias = (part[member].detach().clone() for part in layer.weight_and_bias())
        layers.append(nn.Linear(*weight.shape).double())
        layers[-1].weight.data, layers[-1].bias.data = weight.T, bias[0]
    return nn.Sequential(*layers)


def joined(x, y):
    return torch.cat([x, one_hot(y, 3).double()], dim=1)


class Reference:
    """One member with plain networks; ``iterate`` takes that member's batches of one iteration."""

    def __init__(self, model, member: int):
        self.generator = plain(model.generator, member)
        self.discriminator = self.make_discriminator(model, member)
        self.optimizers = [
            torch.optim.Adam(network.parameters(), lr=model.learning_rate)
            for network in (self.generator, self.discriminator)
        ]
        self.settings = model

    def make_discriminator(self, model, member):
        return plain(model.discriminator, member)

    def fake(self, z, y):
        return self.generator(joined(z, y))

    def step(self, which: int, loss):
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        loss.backward()
        self.optimizers[which].step()


class ReferenceCBEGAN(Reference):
    def make_discriminator(self, model, member):
        return nn.ModuleList(plain(part, member) for part in (model.discriminator.encoder, model.discriminator.decoder))

    def reconstruction_loss(self, x, y):
        encoder, decoder = self.discriminator
        difference = (x - decoder(joined(encoder(joined(x, y)).relu(), y))).abs() ** self.settings.eta
        return difference.sum() / len(x) / (x.shape[1] if self.settings.reduction == "mean" else 1)

    def iterate(self, xs, ys, zs, _):
        x, y, z = xs[0], ys[0], zs[0]
        self.k = getattr(self, "k", 0.0)
        real, fake = self.reconstruction_loss(x, y), self.reconstruction_loss(self.fake(z, y).detach(), y)
        self.step(1, real - self.k * fake)
        self.step(0, self.reconstruction_loss(self.fake(z, y), y))
        balance = self.settings.gamma * real.item() - fake.item()
        self.k = min(1.0, max(0.0, self.k + self.settings.lambda_k * balance))
        return [real.item() + abs(balance), self.k, real.item(), fake.item()]


class ReferenceCWGAN(Reference):
    def score(self, x, y):
        return self.discriminator(joined(x, y))[:, 0]

    def gradient_penalty(self, x, fake, y, u):
        between = (u * x + (1 - u) * fake).requires_grad_()
        (gradient,) = torch.autograd.grad(self.score(between, y).sum(), between, create_graph=True)
        return (((gradient**2).sum(1) ** 0.5 - 1) ** 2).mean()

    def iterate(self, xs, ys, zs, us):
        model = self.settings
        for x, y, z, u in zip(xs[:-1], ys[:-1], zs[:-1], us[:-1], strict=True):
            fake = self.fake(z, y).detach()
            distance = self.score(x, y).mean() - self.score(fake, y).mean()
            critic_loss = -distance
            if model.clip is None:
                critic_loss = critic_loss + model.penalty * self.gradient_penalty(x, fake, y, u)
            self.step(1, critic_loss)
            if model.clip is not None:
                for parameter in self.discriminator.parameters():
                    parameter.data = parameter.data.clip(-model.clip, model.clip)
        generator_loss = -self.score(self.fake(zs[-1], ys[-1]), ys[-1]).mean()
        self.step(0, generator_loss)
        return [critic_loss.item(), generator_loss.item(), distance.item()]


class ReferenceCGAN(Reference):
    def probability(self, x, y):
        return self.discriminator(joined(x, y))[:, 0].sigmoid()

    def iterate(self, xs, ys, zs, _):
        x, y, z = xs[0], ys[0], zs[0]
        real, fake = self.probability(x, y), self.probability(self.fake(z, y).detach(), y)
        zeros, ones = torch.zeros_like(real), torch.ones_like(real)
        loss = binary_cross_entropy(real, ones) + binary_cross_entropy(fake, zeros)
        self.step(1, loss)
        fake = self.probability(self.fake(z, y), y)
        saturating = self.settings.saturating
        generator_loss = -binary_cross_entropy(fake, zeros) if saturating else binary_cross_entropy(fake, ones)
        self.step(0, generator_loss)
        return [loss.item(), generator_loss.item()]


REFERENCES = {CBEGAN: ReferenceCBEGAN, CWGAN: ReferenceCWGAN, CGAN: ReferenceCGAN}


def parameters_of(model, member: int) -> list[torch.Tensor]:
    discriminator = model.discriminator
    parts = (discriminator.encoder, discriminator.decoder) if isinstance(model, CBEGAN) else (discriminator,)
    return [p.detach() for network in (model.generator, *parts) for p in plain(network, member).parameters()]


@pytest.mark.parametrize(("gan", "settings"), CASES)
def test_every_member_trains_as_a_plain_network_of_its_own(gan, settings, built, batches):
    model = built(gan, **settings)
    start = [parameters_of(model, m) for m in range(3)]
    references = [REFERENCES[gan](model, m) for m in range(3)]
    for batch in batches(model, ITERATIONS):
        metrics = model.iterate(batch)
        expected = [
            reference.iterate(*(part[:, m] for part in (batch.x, batch.y, batch.z, batch.u)))
            for m, reference in enumerate(references)
        ]
        torch.testing.assert_close(metrics, torch.tensor(expected, dtype=torch.float64).T, rtol=0, atol=1e-9)
    for m, reference in enumerate(references):
        plain_parameters = [*reference.generator.parameters(), *reference.discriminator.parameters()]
        for before, stacked, alone in zip(start[m], parameters_of(model, m), plain_parameters, strict=True):
            torch.testing.assert_close(stacked, alone.detach(), rtol=0, atol=1e-9)
            is_weight = before.ndim == 2  # a critic's last bias cancels in the Wasserstein distance
            assert (stacked - before).abs().max() > 1e-3 or not is_weight, "training should have moved every weight"


@pytest.mark.parametrize(("gan", "settings"), CASES)
def test_stacked_members_equal_members_one_by_one(gan, settings, built, batches):
    together = built(gan, **settings)
    for batch in batches(together, ITERATIONS):
        together.iterate(batch)
    for m in range(3):
        alone = built(gan, members=[m], **settings)
        for batch in batches(alone, ITERATIONS, members=[m]):
            alone.iterate(batch)
        for (name, value), single in zip(together.state_dict().items(), alone.state_dict().values(), strict=True):
            torch.testing.assert_close(value[m], single[0], rtol=0, atol=1e-9, msg=f"{name} of member {m}")


@pytest.mark.parametrize("gan", REFERENCES)
def test_a_neighbour_that_blows_up_leaves_a_member_as_it_was(gan, built, batches):
    states = []
    for spoil in (False, True):
        model = built(gan)
        for batch in batches(model, 5):
            if spoil:
                x, z = batch.x, batch.z.clone()
                x[:, 1], z[:, 1] = 1e30, torch.nan
                batch = Batch.of(x, batch.y, z, batch.u, model.classes)
            model.iterate(batch)
        states.append(model.state_dict())
    calm, spoilt = states
    for name, value in calm.items():
        assert torch.equal(value[[0, 2]], spoilt[name][[0, 2]]), name
    assert spoilt["generator.0.packed"][1].isnan().any()


@pytest.mark.parametrize("gan", REFERENCES)
def test_a_networks_own_step_leaves_no_gradient_in_the_other(gan, built, batches):
    model = built(gan)
    seen = []

    def update(network, losses):
        other = model.discriminator if network is model.generator else model.generator
        for parameter in model.parameters():
            parameter.grad = None
        losses.sum().backward()
        assert all(parameter.grad is None for parameter in other.parameters())
        assert any(parameter.grad is not None for parameter in network.parameters())
        seen.append(network)

    model.update = update
    model.iterate(next(iter(batches(model, 1))))
    assert seen == [model.discriminator] * max(1, model.draws - 1) + [model.generator]
    assert all(parameter.requires_grad for parameter in model.parameters())
