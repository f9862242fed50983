"""Diffusion: its sampler with denoisers that know the answer, its losses by hand, guidance and the averaged weights."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from padded_sets import unpadded
from torch.nn.functional import one_hot

from emogan.augmenters import GANAugmenter
from emogan.models import Diffusion, diffusion
from emogan.models.conditional_generator import normal
from emogan.models.diffusion import DATA, HIGHEST, LEVEL_MEAN, LEVEL_SPREAD, LOWEST, sampled

MEANS, SPREAD = torch.tensor([[-0.6, 0.1], [0.3, 0.4]], dtype=torch.float64), 0.1


def noise(n, *shape):
    return torch.randn(n, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def ideal(weights):
    """The best denoiser of a mixture of Gaussians: the mean of the windows that a noisy one may come from."""

    def denoise(x, sigma):
        total = SPREAD**2 + sigma**2
        distance = (x[:, None] - MEANS).square().sum(-1)
        share = (torch.tensor(weights, dtype=torch.float64).log() - distance / (2 * total)).softmax(-1)
        own = (SPREAD**2 * x[:, None] + sigma**2 * MEANS) / total
        return (share[..., None] * own).sum(1)

    return denoise


def test_noise_levels_fall_from_the_highest_to_the_lowest_by_the_same_ratio():
    seen = []
    sampled(lambda x, sigma: seen.append(sigma) or x, noise(3, 2), 20)
    assert [seen[0], seen[-1], len(seen)] == pytest.approx([HIGHEST, LOWEST, 20])
    assert [b / a for a, b in itertools.pairwise(seen)] == pytest.approx([(LOWEST / HIGHEST) ** (1 / 19)] * 19)


@pytest.mark.parametrize("label", [0, 1])
def test_with_the_ideal_denoiser_of_a_class_its_mean_and_spread_come_out(label):
    x = sampled(ideal([1.0 - label, float(label)]), HIGHEST * noise(20_000, 2), 20)
    torch.testing.assert_close(x.mean(0), MEANS[label], rtol=0, atol=0.01)
    torch.testing.assert_close(x.std(0), torch.full((2,), SPREAD, dtype=torch.float64), rtol=0.02, atol=0)


def test_with_the_ideal_denoiser_of_a_mixture_its_shares_means_and_spreads_come_out():
    x = sampled(ideal([0.3, 0.7]), HIGHEST * noise(20_000, 2), 20)
    nearest = (x[:, None] - MEANS).square().sum(-1).argmin(1)
    assert nearest.double().mean().item() == pytest.approx(0.7, abs=0.02)
    for k in range(2):
        own = x[nearest == k]
        torch.testing.assert_close(own.mean(0), MEANS[k], rtol=0, atol=0.01)
        torch.testing.assert_close(own.std(0), torch.full((2,), SPREAD, dtype=torch.float64), rtol=0.1, atol=0)


def test_the_sampler_converges_to_the_exact_solution_with_the_square_of_the_steps():
    start, denoise = HIGHEST * noise(500, 2), ideal([1.0, 0.0])
    shrunk = ((SPREAD**2 + LOWEST**2) / (SPREAD**2 + HIGHEST**2)) ** 0.5
    exact = denoise(MEANS[0] + (start - MEANS[0]) * shrunk, LOWEST)
    errors = [(sampled(denoise, start, steps) - exact).abs().mean().item() for steps in (21, 41, 81)]
    assert [a / b for a, b in itertools.pairwise(errors)] == pytest.approx([4, 4], rel=0.25)


@pytest.mark.parametrize("guidance", [0.0, 1.5])
def test_the_loss_is_the_weighted_error_of_the_preconditioned_network(guidance, built, batches):
    model = built(Diffusion, guidance=guidance, label_dropout=0.4)
    (batch,) = batches(model, 1)
    x, y = batch.x[0], batch.y[0]
    level = LEVEL_MEAN + LEVEL_SPREAD * normal(2 * batch.u[0] - 1)
    n = normal(batch.z[0][..., :9])
    expected, hidden = [], 0
    for m in range(len(x)):
        losses = []
        for i in range(x.shape[1]):
            sigma, clean = level[m, i].exp(), x[m, i]
            label = one_hot(y[m, i], 3).double()
            if guidance and (batch.z[0][m, i, 9] + 1) / 2 < 0.4:
                label, hidden = label * 0, hidden + 1
            angles = level[m, i] / 4 * torch.tensor([1, 2, 4, 8])
            total = (sigma**2 + DATA**2).sqrt()
            noisy = clean + sigma * n[m, i]
            inputs = torch.cat([noisy / total, label, angles.sin(), angles.cos()])
            (output,) = model.generator.network(inputs.expand(len(x), 1, -1))[m]
            wanted = (clean - noisy * DATA**2 / total**2) / (sigma * DATA / total)  # equation 8: the network's target
            losses.append(((output - wanted).square()).mean())
        expected.append(torch.stack(losses).mean())
    (loss,) = model.iterate(batch)
    torch.testing.assert_close(loss, torch.stack(expected).detach(), rtol=1e-10, atol=0)
    assert bool(hidden) == bool(guidance)


def test_guidance_leads_away_from_the_denoiser_without_label(built):
    model, plain = built(Diffusion, guidance=2.0), built(Diffusion)
    x, label = noise(3, 5, 9), torch.eye(3, dtype=torch.float64)[torch.arange(15) % 3].view(3, 5, 3)
    level = torch.zeros(1, 1, 1, dtype=torch.float64)
    given, without = (plain.generator.guided(x, level, one) for one in (label, label * 0))
    torch.testing.assert_close(model.generator.guided(x, level, label), 3 * given - 2 * without)
    assert not torch.equal(given, without)


def test_windows_are_sampled_with_the_moving_average_of_the_weights(built, batches):
    model = built(Diffusion, ema_decay=0.9)
    expected = [value.clone() for value in model.generator.network.parameters()]
    for batch in batches(model, 5):
        model.iterate(batch)
        expected = [
            0.9 * old + 0.1 * new for old, new in zip(expected, model.generator.network.parameters(), strict=True)
        ]
    for found, value in zip(model.generator.average.parameters(), expected, strict=True):
        torch.testing.assert_close(found, value)
    y, z = torch.zeros(3, 4, dtype=torch.int64), torch.zeros(3, 4, 9, dtype=torch.float64)
    windows = model.generate(z, y)
    for parameter in model.generator.network.parameters():
        parameter.data.zero_()
    assert torch.equal(model.generate(z, y), windows)


def test_windows_are_white_in_training_and_are_given_back_as_they_were():
    model = Diffusion(4, 2, 2, hidden=8)
    x = torch.rand(2, 30, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 0.1, 0.1, 0.0]) + 0.3
    x[..., 1] += x[..., 0]
    x[1, 20:] = torch.nan
    white = model.prepare(x, torch.zeros(2, 30, dtype=torch.int64), torch.tensor([30, 20]), None)
    back = coloured(model, white)
    for m, length in ((0, 30), (1, 20)):
        own = white[m, :length]
        torch.testing.assert_close(
            own.T @ own / length, torch.diag(torch.tensor([1, 1, 1, 0]) * DATA**2), rtol=0, atol=1e-4
        )
        torch.testing.assert_close(back[m, :length], x[m, :length], rtol=0, atol=1e-5)
    model.generator.guided = lambda x, level, label: torch.zeros_like(x)  # every window is the mean
    drawn, _ = model.sample(4, torch.Generator().manual_seed(0))
    torch.testing.assert_close(drawn[1], x[1, :20].mean(0).expand(4, 4), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("windows", "kept"), [(5, 7), (40, 3)])
def test_fewer_axes_than_features_are_those_of_most_variance(windows, kept, monkeypatch):
    monkeypatch.setattr(diffusion, "KEPT", kept)
    model, x = Diffusion(9, 2, hidden=8), torch.rand(1, windows, 9, generator=torch.Generator().manual_seed(0))
    white = model.prepare(x, torch.zeros(1, windows, dtype=torch.int64), torch.tensor([windows]), None)
    centred = x[0] - x[0].mean(0)
    u, s, v = torch.linalg.svd(centred, full_matrices=False)
    nearest = (u[:, :kept] * s[:kept]) @ v[:kept]
    torch.testing.assert_close(coloured(model, white)[0] - x[0].mean(0), nearest, rtol=0, atol=1e-5)


def coloured(model, white):
    """Windows (M, N, P) in the first whitened axes, as features, with 0 along all further axes and no label."""
    return model.generator.colour(F.pad(white, (0, model.generator.colour.inputs - white.shape[-1])))


def test_along_further_axes_windows_are_gaussian_with_the_class_means_and_the_spread_of_the_real_ones():
    model = Diffusion(4, 2, hidden=8, components=1)
    x = torch.rand(1, 60, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor([9.0, 3.0, 2.0, 1.0])
    y = torch.arange(60) % 2
    x[0, y == 1] += torch.tensor([0.5, 0.0, 1.0, 0.5])
    white = model.prepare(x, y[None], torch.tensor([60]), None)
    assert (white.shape, model.batch_noise, model.noise_features) == ((1, 60, 1), 1, 4)
    model.generator.guided = lambda x, level, label: torch.zeros_like(x)
    labels = torch.arange(40_000) % 2
    drawn, _ = model.sample(labels, torch.Generator().manual_seed(0))
    centred = x[0] - x[0].mean(0)
    _, _, v = torch.linalg.svd(centred)
    left = centred @ v[1:].T @ v[1:]  # without the axis in which the windows vary most
    for k in range(2):
        own = left[y == k]
        torch.testing.assert_close(drawn[labels == k].mean(0) - x[0].mean(0), own.mean(0), rtol=0, atol=0.02)
        left[y == k] = own - own.mean(0)
    for k in range(2):
        torch.testing.assert_close(drawn[labels == k].T.cov(), left.T @ left / 60, rtol=0.03, atol=0.03)


def test_classes_that_differ_in_an_axis_of_little_variance_alone_are_told_apart():
    random = torch.Generator().manual_seed(0)
    y = torch.arange(4000) % 2
    x = torch.randn(4000, 6, generator=random) * torch.tensor([3.0, 3.0, 3.0, 3.0, 0.1, 0.1])
    x[:, 5] += y
    augmenter = GANAugmenter(Diffusion, name="diffusion", iterations=200, hidden=8, components=4)
    augmenter.fit(unpadded(x[None], y[None]))
    drawn = augmenter.sample(y[None], torch.Generator().manual_seed(0))[0]
    assert drawn[y == 1, 5].mean() - drawn[y == 0, 5].mean() == pytest.approx(1, abs=0.1)
    assert drawn[y == 1, 5].std() == pytest.approx(0.1, rel=0.3)


def test_it_learns_means_and_spreads_of_classes(gaussian_classes):
    sets, means, spreads = gaussian_classes
    settings = {"iterations": 800, "hidden": 30, "batch_size": 64, "ema_decay": 0.99, "learning_rate": 3e-3}
    augmenter = GANAugmenter(Diffusion, name="diffusion", **settings).fit(sets)
    drawn = augmenter.sample((torch.arange(3000) % 3)[None], torch.Generator().manual_seed(0))[0]
    for k in range(3):
        assert drawn[k::3].mean(0).tolist() == pytest.approx(means[k], abs=0.05)
        assert drawn[k::3].std(0).tolist() == pytest.approx([spreads[k]] * 2, rel=0.25)


def test_guidance_without_windows_whose_label_is_hidden_is_refused(built):
    with pytest.raises(ValueError, match=r"model\.label_dropout: expected more than 0 with model\.guidance"):
        built(Diffusion, guidance=1.0, label_dropout=0.0)
