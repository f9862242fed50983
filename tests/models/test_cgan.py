"""cGAN: its losses as binary cross entropies and the value of equation 1."""

import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy

from emogan.models import CGAN
from emogan.models.stacked import softplus


@pytest.mark.parametrize("saturating", [True, False])
def test_losses_are_cross_entropies_of_the_discriminators_probabilities(saturating, built, batches):
    model = built(CGAN, saturating=saturating)
    (batch,) = batches(model, 1)
    x, y, z = batch.x[0], batch.y[0], batch.z[0]
    fake = model.generate(z, y).detach()

    def entropy(windows, target: float):
        probability = model.logit(windows, y).sigmoid().detach()
        members = [binary_cross_entropy(p, torch.full_like(p, target)) for p in probability]
        return torch.stack(members)

    expected = entropy(x, 1.0) + entropy(fake, 0.0)
    d_loss, g_loss = model.iterate(batch)
    torch.testing.assert_close(d_loss, expected, rtol=0, atol=1e-12)
    generators = -entropy(fake, 0.0) if saturating else entropy(fake, 1.0)  # by the discriminator as updated
    torch.testing.assert_close(g_loss, generators, rtol=0, atol=1e-12)


@pytest.mark.parametrize("saturating", [True, False])
def test_an_undecided_discriminator_has_the_equilibrium_value_of_equation_1(saturating, built, batches):
    model = built(CGAN, saturating=saturating)
    with torch.no_grad():
        for parameter in model.discriminator.parameters():
            parameter.zero_()  # D = 1/2 everywhere
    (batch,) = batches(model, 1)
    d_loss, g_loss = model.iterate(batch)
    assert d_loss.tolist() == pytest.approx([2 * math.log(2)] * 3)
    assert g_loss.tolist() == pytest.approx([-math.log(2) if saturating else math.log(2)] * 3)


@pytest.mark.parametrize("saturating", [True, False])
def test_the_generators_slope_where_the_discriminator_has_won_is_that_of_its_loss(saturating, built, batches):
    """log(1 - D) falls with slope -D in the logit, which vanishes where D has won; -log D with slope D - 1."""
    model = built(CGAN, saturating=saturating)
    logits, losses = [], []

    def sure(x, y):
        logits.append(torch.full(y.shape, -20.0, dtype=torch.float64, requires_grad=True))
        return logits[-1]

    model.logit, model.update = sure, lambda network, loss: losses.append(loss)
    (batch,) = batches(model, 1)
    model.iterate(batch)
    (slope,) = torch.autograd.grad(losses[-1].sum(), logits[-1])
    d = 1 / (1 + math.exp(20))
    expected = -d if saturating else d - 1
    torch.testing.assert_close(slope * slope.shape[1], torch.full_like(slope, expected), rtol=1e-9, atol=0)


@pytest.mark.parametrize("n", [1, 15, 16, 17, 50])
def test_softplus_in_whole_vectors_is_log_1_plus_exp_with_its_gradient(n):
    x = (torch.rand(3, n, dtype=torch.float64) * 80 - 40).requires_grad_()
    exact = 3e-9  # torch takes x itself for log(1 + exp(x)) above 20
    expected = torch.log1p(x.detach().exp())
    torch.testing.assert_close(softplus(x), expected, rtol=exact, atol=0)
    (gradient,) = torch.autograd.grad(softplus(x).sum(), x)
    torch.testing.assert_close(gradient, x.detach().sigmoid(), rtol=exact, atol=0)


@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_losses_stay_finite_for_a_discriminator_that_is_sure(logit):
    assert softplus(torch.full((2, 3), logit)).tolist() == [[max(logit, 0.0)] * 3] * 2
