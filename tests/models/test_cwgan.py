"""cWGAN: gradient penalty by closed form and window by window, clipping, and what an iteration consumes."""

import pytest
import torch

from emogan.models import CWGAN
from emogan.models.stacked import StackedMLP, with_label


def penalty_of(model, real, fake, y, u):
    """The penalty at u * real + (1 - u) * fake."""
    return model.gradient_penalty(with_label(torch.lerp(fake, real, u), y, model.classes))


def test_the_penalty_of_a_linear_critic_is_that_of_its_slope(built):
    model = built(CWGAN)
    slopes = torch.zeros(3, 9, dtype=torch.float64)
    slopes[0, :2] = torch.tensor([3.0, 4.0])
    slopes[1, 5] = -1.0  # of length 1: no penalty
    slopes[2] = 1.0
    model.discriminator = StackedMLP(3, [9 + model.classes, 1]).double()
    with torch.no_grad():
        weight, _ = model.discriminator[0].weight_and_bias()
        weight[:, :9, 0] = slopes
        weight[:, 9:] = 7  # of the label, which is given
    real, fake = torch.rand(2, 3, 6, 9, dtype=torch.float64)
    y, u = torch.ones(3, 6, dtype=torch.int64), torch.rand(3, 6, 1, dtype=torch.float64)
    penalty = penalty_of(model, real, fake, y, u)
    expected = (slopes.norm(dim=1) - 1) ** 2
    assert expected.tolist() == pytest.approx([16, 0, 4])
    torch.testing.assert_close(penalty, expected, rtol=0, atol=1e-12)


def test_the_penalty_equals_one_that_is_taken_window_by_window(built, batches):
    model = built(CWGAN)
    (batch,) = batches(model, 1)
    x, y, z, u = (part[0] for part in (batch.x, batch.y, batch.z, batch.u))
    fake = model.generate(z, y).detach()
    penalty = penalty_of(model, x, fake, y, u)
    for m in range(3):
        total = 0.0
        for i in range(x.shape[1]):
            between = (u[m, i] * x[m, i] + (1 - u[m, i]) * fake[m, i]).requires_grad_()
            windows = torch.zeros(3, 1, 9, dtype=torch.float64)
            windows[m, 0] = between
            labels = torch.zeros(3, 1, dtype=torch.int64)
            labels[m, 0] = y[m, i]
            (gradient,) = torch.autograd.grad(model.critic(windows, labels)[m, 0], between)
            total += float((gradient.norm() - 1) ** 2)
        assert penalty[m].item() == pytest.approx(total / x.shape[1], abs=1e-12)


def test_the_penalty_interpolates_from_synthetic_at_0_to_real_at_1(built):
    model = built(CWGAN)
    seen = []
    model.discriminator[0].register_forward_hook(lambda layer, inputs, output: seen.append(inputs[0][..., :9]))
    real, fake = torch.rand(2, 3, 4, 9, dtype=torch.float64)
    y = torch.zeros(3, 4, dtype=torch.int64)
    for share in (0.0, 1.0):
        penalty_of(model, real, fake, y, torch.full((3, 4, 1), share, dtype=torch.float64))
    torch.testing.assert_close(seen[0], fake, rtol=0, atol=1e-15)
    torch.testing.assert_close(seen[1], real, rtol=0, atol=1e-15)


def test_a_critic_without_slope_has_penalty_1_and_a_gradient_that_is_finite(built):
    model = built(CWGAN)
    with torch.no_grad():
        for parameter in model.discriminator.parameters():
            parameter.zero_()
    real, fake = torch.rand(2, 3, 4, 9, dtype=torch.float64)
    y, u = torch.zeros(3, 4, dtype=torch.int64), torch.rand(3, 4, 1, dtype=torch.float64)
    penalty = penalty_of(model, real, fake, y, u)
    assert penalty.tolist() == [1, 1, 1]
    penalty.sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.discriminator.parameters())


def test_the_critics_loss_is_minus_the_distance_plus_the_weighted_penalty(built, batches):
    model = built(CWGAN, penalty=3.5, critic_steps=1)
    (batch,) = batches(model, 1)
    x, y, z, u = (part[0] for part in (batch.x, batch.y, batch.z, batch.u))
    fake = model.generate(z, y).detach()
    distance = (model.critic(x, y).mean(1) - model.critic(fake, y).mean(1)).detach()
    penalty = penalty_of(model, x, fake, y, u).detach()
    metrics = dict(zip(model.metrics, model.iterate(batch), strict=True))
    torch.testing.assert_close(metrics["wasserstein"], distance, rtol=0, atol=1e-12)
    torch.testing.assert_close(metrics["d_loss"], 3.5 * penalty - distance, rtol=0, atol=1e-12)


@pytest.mark.parametrize("critic_steps", [1, 2, 5])
def test_an_iteration_takes_a_batch_per_critic_step_and_one_for_the_generator(critic_steps, built, batches):
    model = built(CWGAN, critic_steps=critic_steps)
    (batch,) = batches(model, 1)
    assert model.draws == critic_steps + 1 == len(batch.x)
    taken, steps = [], []
    critic_step, update, generate = model.critic_step, model.update, model.generate
    model.critic_step = lambda batch, y, step: (taken.append(step), critic_step(batch, y, step))[1]
    model.update = lambda network, losses: (steps.append(network), update(network, losses))[1]
    noise = []
    model.generate = lambda z, y: (noise.append((z, y)), generate(z, y))[1]
    model.iterate(batch)
    assert taken == list(range(critic_steps))
    assert steps == [model.discriminator] * critic_steps + [model.generator]
    for (z, y), *expected in zip(noise, batch.z, batch.y, strict=True):
        assert torch.equal(z, expected[0])
        assert torch.equal(y, expected[1])


def test_clipping_holds_after_every_iteration_and_replaces_the_penalty(built, batches):
    model = built(CWGAN, clip=0.013)
    model.gradient_penalty = None  # calling it would fail
    for batch in batches(model, 5):
        metrics = dict(zip(model.metrics, model.iterate(batch), strict=True))
        values = torch.cat([p.detach().flatten() for p in model.discriminator.parameters()])
        assert values.abs().max() == 0.013
        assert torch.equal(metrics["d_loss"], -metrics["wasserstein"])
    assert max(p.detach().abs().max() for p in model.generator.parameters()) > 0.013, "the generator is not clipped"
