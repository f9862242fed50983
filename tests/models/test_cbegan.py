"""cBEGAN: k_t and M_global by hand from equations 9 and 10, and the conditional auto-encoder."""

import pytest
import torch

from emogan.models import CBEGAN, Batch


def losses_by_hand(model, batch):
    """L(x) and L(G(z)) of every member with the current weights, each (M,): equation 3, window by window."""
    found = []
    with torch.no_grad():
        x, y, z = batch.x[0], batch.y[0], batch.z[0]
        for windows in (x, model.generate(z, y)):
            distance = (windows - model.discriminator(windows, y)).abs() ** model.eta
            per_window = distance.mean(2) if model.reduction == "mean" else distance.sum(2)
            found.append(torch.stack([sum(member) / len(member) for member in per_window]))
    return found


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"gamma": 0.75, "lambda_k": 0.001}, id="the paper's"),
        pytest.param({"gamma": 0.0, "lambda_k": 0.5}, id="gamma 0 keeps k at 0"),
        pytest.param({"gamma": 1.0, "lambda_k": 3.0}, id="k moves between 0 and 1"),
        pytest.param({"gamma": 0.5, "lambda_k": 0.0}, id="lambda 0 keeps k at 0"),
        pytest.param({"gamma": 0.9, "lambda_k": 2.0, "eta": 2}, id="squared"),
        pytest.param({"gamma": 0.9, "lambda_k": 0.01, "reduction": "sum"}, id="sum"),
        pytest.param({"gamma": 0.9, "lambda_k": 0.01, "eta": 2, "reduction": "sum"}, id="sum of squares"),
    ],
)
def test_k_and_m_global_follow_equations_9_and_10(settings, built, batches):
    model = built(CBEGAN, **settings)
    k = torch.zeros(3, dtype=torch.float64)
    assert torch.equal(model.k, k), "k_0 = 0"
    for batch in batches(model, 12):
        real, fake = losses_by_hand(model, batch)
        for m in range(3):
            k[m] = min(1.0, max(0.0, k[m] + settings["lambda_k"] * (settings["gamma"] * real[m] - fake[m])))
        m_global = real + (settings["gamma"] * real - fake).abs()
        metrics = dict(zip(model.metrics, model.iterate(batch), strict=True))
        torch.testing.assert_close(metrics["m_global"], m_global, rtol=0, atol=1e-12)
        torch.testing.assert_close(metrics["k"], k, rtol=0, atol=1e-12)
        torch.testing.assert_close(metrics["loss_real"], real, rtol=0, atol=1e-12)
        torch.testing.assert_close(metrics["loss_fake"], fake, rtol=0, atol=1e-12)
        assert torch.equal(model.k, metrics["k"])
    if settings["gamma"] == 0 or settings["lambda_k"] == 0:
        assert (k == 0).all()
    if settings["lambda_k"] == 0.01:
        assert len(set(k.tolist())) == 3, "every member should have a k of its own"


def test_k_is_clipped_at_both_ends(built, batches):
    model = built(CBEGAN, gamma=1.0, lambda_k=10.0)
    ends = []
    for i, batch in enumerate(batches(model, 6)):
        x = torch.full_like(batch.x, 30.0 * (i % 2))  # far real windows pull k up,
        z = batch.z * 100.0 * (1 - i % 2)  # far synthetic ones down
        batch = Batch.of(x, batch.y, z, batch.u, model.classes)
        real, fake = losses_by_hand(model, batch)
        assert (10 * (real - fake).abs() > 1).all(), "every step should lead out of [0, 1]"
        model.iterate(batch)
        ends.append(model.k.tolist())
    assert ends == [[0, 0, 0], [1, 1, 1]] * 3


def test_the_discriminator_forgets_synthetic_windows_in_proportion_to_k(built, batches):
    """Equation 7: its loss is L(x) - k L(G(z)), so its gradient is a difference of two, weighted by k."""
    model = built(CBEGAN)
    (batch,) = batches(model, 1)
    x, y, z = batch.x[0], batch.y[0], batch.z[0]
    with torch.no_grad():
        fake = model.generate(z, y)
        model.k.copy_(torch.tensor([0.0, 0.3, 1.0]))

    def gradients(windows):
        loss = model.reconstruction_loss(windows, y).mean(1).sum()
        return torch.autograd.grad(loss, list(model.discriminator.parameters()))

    expected = [r - model.k[:, None] * f for r, f in zip(gradients(x), gradients(fake), strict=True)]
    found = []
    model.update = lambda network, losses: found.append(torch.autograd.grad(losses.sum(), list(network.parameters())))
    model.iterate(batch)
    for gradient, other in zip(found[0], expected, strict=True):
        torch.testing.assert_close(gradient, other, rtol=0, atol=1e-12)


@pytest.mark.parametrize("eta", [1, 2])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_reconstruction_loss_is_a_distance_per_window(eta, reduction, built):
    model = built(CBEGAN, eta=eta, reduction=reduction)
    model.discriminator.forward = lambda x, y: torch.zeros_like(x)
    x = torch.full((3, 2, 9), -2.0, dtype=torch.float64)
    loss = model.reconstruction_loss(x, torch.zeros(3, 2, dtype=torch.int64))
    assert torch.equal(loss, torch.full((3, 2), 2.0**eta * (9 if reduction == "sum" else 1), dtype=torch.float64))


def test_the_decoder_mirrors_the_encoder(built):
    model = built(CBEGAN, layers=4, hidden=[20, 14, 11, 6])

    def widths(network):
        layers = [layer for layer in network if hasattr(layer, "packed")]
        return [(layer.inputs, layer.outputs) for layer in layers]

    # 9 features, 3 classes: the label joins the windows at the entrance of the encoder and the code at the decoder's
    assert widths(model.discriminator.encoder) == [(9 + 3, 20), (20, 14), (14, 11), (11, 6)]
    assert widths(model.discriminator.decoder) == [(6 + 3, 11), (11, 14), (14, 20), (20, 9)]


def test_the_label_reaches_the_encoder_and_the_decoder(built):
    model = built(CBEGAN)
    auto, x = model.discriminator, torch.rand(3, 5, 9, dtype=torch.float64)
    labels = [torch.full((3, 5), c) for c in range(3)]
    for part in ("encoder", "decoder"):
        module = getattr(auto, part)
        seen = []
        hook = module.register_forward_hook(lambda module, arguments, output, seen=seen: seen.append(arguments[0]))
        for y in labels:
            auto(x, y)
        hook.remove()
        for c, given in enumerate(seen):
            assert torch.equal(given[..., -3:], torch.eye(3, dtype=torch.float64)[c].expand(3, 5, 3))
        weight, _ = module[0].weight_and_bias()
        assert (weight[:, -3:].abs().sum((1, 2)) > 0).all(), "the label should have weights"
    outputs = [auto(x, y) for y in labels]
    assert not torch.allclose(outputs[0], outputs[1])
    assert all(output.shape == x.shape for output in outputs), "only features are reconstructed"


def test_k_is_saved_and_restored(built, batches):
    model = built(CBEGAN, gamma=1.0, lambda_k=1.0)
    drawn = list(batches(model, 10))
    for batch in drawn[:5]:
        model.iterate(batch)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    assert state["k"].shape == (3,)
    assert (state["k"] > 0).any()
    other = built(CBEGAN, gamma=1.0, lambda_k=1.0)
    other.load_state_dict(state)
    assert torch.equal(other.k, model.k)
    real, fake = losses_by_hand(other, drawn[5])
    expected = (state["k"] + real - fake).clamp(0, 1)
    torch.testing.assert_close(dict(zip(other.metrics, other.iterate(drawn[5]), strict=True))["k"], expected)
