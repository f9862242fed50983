"""cVAE: its losses against distributions of PyTorch, window by window, and what its decoder draws."""

import math

import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

from emogan.augmenters import GANAugmenter
from emogan.models import CVAE, Batch
from emogan.models.conditional_generator import normal
from emogan.models.cvae import DECAY, LEAST


@pytest.mark.parametrize("settings", [{}, {"beta": 0.3}, {"variance": 0.04}])
def test_the_loss_is_the_negative_elbo_of_every_window(settings, built, batches):
    model = built(CVAE, latent=4, **settings)
    (batch,) = batches(model, 1)
    x, y, z = batch.x[0], batch.y[0], normal(batch.z[0])
    expected, before = [], model.generator.variance.clone()
    with torch.no_grad():
        mean, log_variance = model.encode(x, y)
        deviation = (log_variance / 2).exp()
        decoded = model.generator(mean + deviation * z, y)
        variance = before
        if "variance" not in settings:
            variance = DECAY * before + (1 - DECAY) * (x - decoded).square().mean(1)
        for m in range(len(x)):
            reconstruction, divergence = [], []
            for i in range(x.shape[1]):
                encoder = Independent(Normal(mean[m, i], deviation[m, i]), 1)
                prior = Independent(Normal(torch.zeros_like(mean[m, i]), 1), 1)
                decoder = Independent(Normal(decoded[m, i], variance[m].sqrt()), 1)
                reconstruction.append(-decoder.log_prob(x[m, i]))
                divergence.append(kl_divergence(encoder, prior))
            parts = torch.stack(reconstruction).mean(), torch.stack(divergence).mean()
            expected.append(torch.stack([parts[0] + settings.get("beta", 1) * parts[1], *parts]))
    found = model.iterate(batch)
    torch.testing.assert_close(found, torch.stack(expected, dim=1), rtol=0, atol=1e-10)
    torch.testing.assert_close(model.generator.variance, variance, rtol=0, atol=1e-12)


def test_a_step_goes_down_the_gradient_of_the_loss_of_both_networks(built, batches):
    model = built(CVAE, optimizer=lambda parameters: torch.optim.SGD(parameters, lr=1e-3))
    (batch,) = batches(model, 1)
    before, losses = model.state_dict(), []
    before = {name: value.clone() for name, value in before.items()}
    for _ in range(2):
        losses.append(model.iterate(batch)[0])
        model.generator.variance.copy_(before["generator.variance"])
    assert (losses[1] < losses[0]).all()
    for network in ("generator.mean", "encoder"):
        assert any(
            not torch.equal(value, before[name]) for name, value in model.state_dict().items() if network in name
        )


def test_windows_have_the_decoders_mean_and_variance(built):
    model = built(CVAE, latent=2)
    model.generator.variance.copy_(torch.rand_like(model.generator.variance) + 0.1)
    z = (
        torch.rand(3, 4000, model.noise_features, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 2
        - 1
    )
    z[..., :2] = 0.5  # one latent vector for all
    y = torch.ones(3, 4000, dtype=torch.int64)
    windows = model.generate(z, y)
    mean = model.generator(normal(z[:, :1, :2]), y[:, :1])
    torch.testing.assert_close(windows.mean(1, keepdim=True), mean, rtol=0, atol=0.06)
    torch.testing.assert_close(windows.var(1), model.generator.variance, rtol=0.1, atol=0)
    bare = built(CVAE, latent=2, decoder_noise=False)
    assert bare.noise_features == 2
    torch.testing.assert_close(bare.generate(z[..., :2], y), mean.expand(-1, 4000, -1))


def test_the_variance_of_windows_that_are_drawn_is_that_of_the_errors_after_few_updates_too(built):
    decoder = built(CVAE).generator
    assert torch.equal(decoder.drawn_variance(), decoder.variance)
    errors = torch.rand(60, *decoder.variance.shape, dtype=torch.float64)
    for one in errors:
        decoder.follow(one)
    weights = DECAY ** torch.arange(59, -1, -1.0, dtype=torch.float64)
    mean = (weights[:, None, None] * errors).sum(0) / weights.sum()
    torch.testing.assert_close(decoder.drawn_variance(), mean)
    assert (decoder.variance > 1.2 * mean).all(), "what the divergence is weighed against falls slowly"


def test_a_constant_feature_leaves_everything_finite(standalone):
    model = standalone(CVAE(2, 2, hidden=8, latent=2))
    model.generator.variance.fill_(0)
    model.generator.mean[-1].packed.data.zero_()
    y, z = torch.zeros(1, 1, 16, dtype=torch.int64), torch.zeros(1, 1, 16, 2)
    losses = model.iterate(Batch.of(torch.zeros(1, 1, 16, 2), y, z, z[..., :1], 2))
    assert losses.isfinite().all()
    assert model.generator.variance.tolist() == [[pytest.approx(LEAST)] * 2]


def test_it_learns_the_means_of_classes_and_the_spread_that_they_have_in_common(gaussian_classes):
    sets, means, spreads = gaussian_classes
    settings = {"iterations": 800, "hidden": 20, "batch_size": 64, "latent": 2, "learning_rate": 3e-3}
    augmenter = GANAugmenter(CVAE, name="cvae", **settings).fit(sets)
    drawn = augmenter.sample((torch.arange(3000) % 3)[None], torch.Generator().manual_seed(0))[0]
    common = math.sqrt(sum(spread**2 for spread in spreads) / 3)
    for k in range(3):
        assert drawn[k::3].mean(0).tolist() == pytest.approx(means[k], abs=0.05)
        assert drawn[k::3].std(0).tolist() == pytest.approx([common] * 2, rel=0.2)
