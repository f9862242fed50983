"""TrialCBEGAN: where it starts, what its steps are by hand, and what its anchor holds."""

import numpy as np
import pytest
import torch
from padded_sets import unpadded

from emogan.augmenters import GANAugmenter
from emogan.models import TrialCBEGAN, trial_cbegan
from emogan.models.trial_cbegan import class_moments, normal_and_trial
from emogan.models.trial_start import start

MEMBERS, WINDOWS, FEATURES, CLASSES = 2, 60, 9, 3


@pytest.fixture
def data():
    """Windows (M, N, F), labels, lengths and trials of two members; padded windows are NaN."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(MEMBERS, WINDOWS, FEATURES, generator=generator)
    y = (torch.arange(WINDOWS) // 10 % CLASSES).expand(MEMBERS, WINDOWS)
    n = torch.tensor([WINDOWS, 50])
    x[1, 50:] = torch.nan
    return x, y, n, (torch.arange(WINDOWS) // 10).expand(MEMBERS, WINDOWS)


@pytest.fixture
def prepared(data, standalone):
    """``prepared(**settings)``: a model that has seen the data, in float64, and its white windows."""

    def make(**settings):
        options = {"hidden": 20, "learning_rate": 1e-3, "components": 5, **settings}
        model = TrialCBEGAN(FEATURES, CLASSES, MEMBERS, seeds=[1, 2], **options)
        white = model.prepare(*data)
        return standalone(model.double()), white.double()

    return make


def batches(model, white, y, iterations, size=12):
    """Plain batches, drawn at random from the first 50 windows, as `iterate` takes them."""
    from emogan.models import Batch

    generator = torch.Generator().manual_seed(7)
    for _ in range(iterations):
        rows = torch.randint(50, (size,), generator=generator)
        z = torch.rand(1, MEMBERS, size, model.batch_noise, generator=generator, dtype=torch.float64) * 2 - 1
        yield Batch.of(white[None][:, :, rows], y[None][:, :, rows], z, z[..., :1], CLASSES)


def test_the_networks_see_the_windows_in_white_axes(data, prepared):
    x, y, n, trial = data
    _, white = prepared(trial_strength=0.5)
    for m, length in enumerate(n.tolist()):
        own = [part[m, :length].numpy() for part in (x, y, trial)]
        found = start(*own, CLASSES, 0.5)
        expected = (own[0] - found.centre) @ found.white[:, :5]
        np.testing.assert_allclose(white[m, :length], expected, atol=1e-5)
    assert (white[1, 50:] == 0).all(), "padding"


def test_before_training_windows_are_those_of_moved_trials(data, prepared):
    x, y, n, trial = data
    model, _ = prepared(trial_strength=0.4)
    draws = 20_000
    generator = torch.Generator().manual_seed(3)
    z = torch.rand(MEMBERS, draws, model.noise_features, generator=generator, dtype=torch.float64) * 2 - 1
    labels = torch.full((MEMBERS, draws), 1)
    drawn = model.generate(z, labels).numpy()
    for m, length in enumerate(n.tolist()):
        own = [part[m, :length].numpy() for part in (x, y, trial)]
        found = start(*own, CLASSES, 0.4)
        v = (drawn[m] - found.centre) @ found.white
        trials = found.means[1, : found.counts[1]]
        assert found.counts[1] == 2
        np.testing.assert_allclose(v.mean(0), trials.mean(0), atol=0.05)
        np.testing.assert_allclose(np.cov(v.T), np.eye(FEATURES) + np.cov(trials.T, bias=True), atol=0.15)


def test_the_steps_are_those_of_a_plain_loop(data, prepared):
    """Losses, k_t and M_global (equations 3 and 7 to 10, k_t relative to L(x)), and the averaged weights, by hand."""
    model, white = prepared(gamma=0.9, lambda_k=0.5, anchor=2.0, ema_decay=0.8)
    k = torch.zeros(MEMBERS, dtype=torch.float64)
    for batch in batches(model, white, data[1], 15):
        v, y = batch.x[0], batch.y[0]
        with torch.no_grad():
            z, trial = normal_and_trial(batch.z[0])
            begun = torch.empty_like(v)
            for m in range(MEMBERS):
                for i, label in enumerate(y[m].tolist()):
                    count = int(model.generator.counts[m, label])
                    mean = model.generator.means[m].reshape(CLASSES, -1, FEATURES)[label, int(trial[m, i] * count), :5]
                    begun[m, i] = mean + z[m, i]
            labelled = torch.cat([begun, torch.eye(CLASSES, dtype=torch.float64)[y]], dim=-1)
            fake = begun + model.generator.deviation(labelled)
            real_loss, fake_loss = ((one - model.discriminator(one, y)).abs().mean((1, 2)) for one in (v, fake))
            before = model.generator.average[0].packed.clone()
        metrics = dict(zip(model.metrics, model.iterate(batch), strict=True))
        k = (k + 0.5 * (0.9 - fake_loss / real_loss)).clamp(0, 1)
        torch.testing.assert_close(metrics["loss_real"], real_loss, rtol=0, atol=1e-12)
        torch.testing.assert_close(metrics["loss_fake"], fake_loss, rtol=0, atol=1e-12)
        torch.testing.assert_close(metrics["k"], k, rtol=0, atol=1e-12)
        torch.testing.assert_close(
            metrics["m_global"], real_loss + (0.9 * real_loss - fake_loss).abs(), rtol=0, atol=1e-12
        )
        for m in range(MEMBERS):
            moments = []
            for c in range(CLASSES):
                own = y[m] == c
                for one, other in ((fake[m, own], begun[m, own]),):
                    mean = one.mean(0) - other.mean(0) if own.any() else torch.zeros(5, dtype=torch.float64)
                    spread = (
                        one.var(0, correction=0) - other.var(0, correction=0) if own.any() else torch.zeros_like(mean)
                    )
                    moments.append(mean**2 + spread**2)
            torch.testing.assert_close(metrics["moments"][m], torch.stack(moments).mean(), rtol=0, atol=1e-12)
        after = 0.8 * before + 0.2 * model.generator.deviation[0].packed.detach()
        torch.testing.assert_close(model.generator.average[0].packed.detach(), after, rtol=0, atol=1e-12)


def test_the_anchor_holds_means_and_variances_at_the_start(data, prepared):
    moved = {}
    for anchor in (0.0, 100.0):
        model, white = prepared(anchor=anchor)
        moved[anchor] = [
            model.iterate(batch)[model.metrics.index("moments")] for batch in batches(model, white, data[1], 200)
        ][-1]
    assert (moved[100.0] < 0.1 * moved[0.0]).all(), moved


def test_without_residual_the_network_gives_the_window(data, prepared):
    model, white = prepared(residual=False, components=None)
    z = torch.rand(MEMBERS, 8, model.noise_features, dtype=torch.float64) * 2 - 1
    y = torch.zeros(MEMBERS, 8, dtype=torch.int64)
    normal, _ = normal_and_trial(z)
    labelled = torch.cat([normal, torch.eye(CLASSES, dtype=torch.float64)[y]], dim=-1)
    expected = model.generator.colour(model.generator.average(labelled))
    torch.testing.assert_close(model.generate(z, y), expected)
    for batch in batches(model, white, data[1], 5):
        assert model.iterate(batch).isfinite().all()


def test_the_extremes_of_uniform_noise_stay_finite():
    noise, trial = normal_and_trial(torch.tensor([[[-1.0, -1.0, 1.0], [1.0, 0.0, 0.5]]]))
    assert noise.isfinite().all()
    assert (trial >= 0).all()
    assert (trial < 1).all()
    assert noise[0, 1, 1].item() == pytest.approx(0.6745, abs=1e-4), "the upper quartile of the normal distribution"


def test_class_moments_are_those_of_each_class():
    x, y = torch.rand(2, 30, 4, dtype=torch.float64), torch.randint(3, (2, 30))
    mean, variance = class_moments(x, y, 4)
    for m in range(2):
        for c in range(3):
            own = x[m, y[m] == c]
            torch.testing.assert_close(mean[m, c], own.mean(0))
            torch.testing.assert_close(variance[m, c], own.var(0, correction=0))
    assert (mean[:, 3] == 0).all()
    assert (variance[:, 3] == 0).all()


@pytest.fixture
def many(monkeypatch):
    """Nine features are many."""
    monkeypatch.setattr(trial_cbegan, "MANY", FEATURES - 1)
    monkeypatch.setattr(trial_cbegan, "KEPT", 60)


@pytest.mark.slow
@torch.no_grad()
def test_of_many_features_windows_are_drawn_from_the_same_distribution(data, prepared, monkeypatch):
    drawn = []
    y = (torch.arange(300_000) % CLASSES).expand(MEMBERS, -1)
    for limit in (FEATURES, FEATURES - 1):
        monkeypatch.setattr(trial_cbegan, "MANY", limit)
        monkeypatch.setattr(trial_cbegan, "KEPT", 60)
        model, _ = prepared(trial_strength=0.5)
        z = torch.rand(*y.shape, model.noise_features, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
        drawn.append(model.generate(z * 2 - 1, y))
    for m in range(MEMBERS):
        spread = data[0][m, :50].std(0).numpy()
        for c in range(CLASSES):
            one, other = (windows[m, y[m] == c].numpy() / spread for windows in drawn)
            np.testing.assert_allclose(one.mean(0), other.mean(0), atol=0.02)
            np.testing.assert_allclose(np.cov(one.T), np.cov(other.T), atol=0.03)


@torch.no_grad()
@pytest.mark.usefixtures("many")
def test_of_many_features_the_networks_see_the_windows_that_are_drawn(prepared):
    model, white = prepared()
    torch.nn.init.normal_(model.generator.average[-1].packed, std=0.1)
    z = torch.rand(MEMBERS, 40, model.noise_features, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    z, trial = normal_and_trial(z * 2 - 1)
    y = (torch.arange(40) % CLASSES).expand(MEMBERS, -1)
    windows = model.generator(z, trial, y)
    weight, centre = model.generator.white.weight_and_bias()[0], model.generator.colour.weight_and_bias()[1]
    seen = ((windows - centre) @ weight)[..., :5]
    torch.testing.assert_close(model.generator.in_first_axes(z, trial, y), seen, atol=1e-4, rtol=1e-4)
    assert white.shape == (MEMBERS, WINDOWS, 5)


@pytest.mark.usefixtures("many")
def test_of_many_features_a_member_does_not_depend_on_those_beside_it_and_is_restored(data):
    settings = {"name": "gan", "iterations": 5, "hidden": 20, "batch_size": 16, "components": 40}

    def fitted(members):
        x, y, n, trial = (part[members] for part in data)
        augmenter = GANAugmenter(TrialCBEGAN, **settings)
        return augmenter.fit(unpadded(x, y, n, trial), [100 + m for m in members], classes=CLASSES)

    def drawn(augmenter, members):
        y = (torch.arange(300) % CLASSES).expand(len(members), -1)
        return augmenter.sample(y, [torch.Generator().manual_seed(m) for m in members])

    together = fitted([0, 1])
    expected = drawn(together, [0, 1])
    assert torch.equal(drawn(fitted([1]), [1])[0], expected[1])
    kept = together.generators()
    restored = GANAugmenter(TrialCBEGAN, **settings).restore(kept[1:], FEATURES, CLASSES)
    assert torch.equal(drawn(restored, [1])[0], expected[1])


def test_only_of_many_features_the_start_has_a_revision_of_its_own():
    few, many = (TrialCBEGAN.revision(trial_cbegan.MANY + more) for more in (0, 1))
    assert many == few | {"start": "low rank"}
