"""Training steps away from the CPU: nothing of a step may stand elsewhere than its model and its batch."""

from functools import partial

import pytest
import torch
from padded_sets import in_double, unpadded

from emogan.models import (
    CBEGAN,
    CGAN,
    CVAE,
    CWGAN,
    Diffusion,
    RecurrentCBEGAN,
    RecurrentCWGAN,
    TrialCBEGAN,
    trial_cbegan,
)
from emogan.training.batches import MemberBatches

CASES = [
    pytest.param(CBEGAN, {}, id="cbegan"),
    pytest.param(CBEGAN, {"eta": 2, "reduction": "sum"}, id="cbegan-squared-sum"),
    pytest.param(CGAN, {}, id="cgan"),
    pytest.param(CGAN, {"saturating": False}, id="cgan-non-saturating"),
    pytest.param(CWGAN, {}, id="cwgan"),
    pytest.param(CWGAN, {"clip": 0.01}, id="cwgan-clipped"),
    pytest.param(TrialCBEGAN, {"components": 5}, id="trial_cbegan"),
    pytest.param(TrialCBEGAN, {"residual": False}, id="trial_cbegan-without-residual"),
    pytest.param(CVAE, {}, id="cvae"),
    pytest.param(CVAE, {"variance": 0.1, "beta": 0.5, "decoder_noise": False}, id="cvae-fixed-variance"),
    pytest.param(Diffusion, {}, id="diffusion"),
    pytest.param(Diffusion, {"guidance": 1.0}, id="diffusion-guided"),
    pytest.param(RecurrentCBEGAN, {}, id="recurrent_cbegan"),
    pytest.param(RecurrentCWGAN, {"stretch": 3, "rollout": 5}, id="recurrent_cwgan"),
]
MEMBERS, FEATURES, CLASSES = 3, 9, 3


@pytest.fixture
def built(standalone):
    """``built(gan, settings, device)``: a model in a plain loop and its batches, both on a device."""

    def build(gan, settings, device, double=False):
        generator = torch.Generator().manual_seed(0)
        x = torch.rand(MEMBERS, 40, FEATURES, generator=generator)
        y, trial = torch.arange(40) % CLASSES, torch.arange(40) // 8
        n = torch.tensor([40, 33, 37])
        source = MemberBatches(unpadded(x, y.expand(MEMBERS, -1), n, trial.expand(MEMBERS, -1)), batch_size=11)
        model = gan.for_data(source, hidden=20, optimizer=partial(torch.optim.Adam, lr=1e-3), **settings)
        source.feed(model, device)
        return standalone(model.to(device, torch.float64 if double else torch.float32)), source

    return build


@pytest.mark.parametrize(("gan", "settings"), CASES)
def test_no_step_mixes_devices_or_waits_for_a_value(gan, settings, built):
    """The device "meta" has shapes and no values: it refuses a tensor of the CPU, and any look at a number."""
    model, source = built(gan, settings, "meta")
    for iteration in range(2):
        batch = source.draw(iteration)
        assert {part.device.type for part in (*batch, batch.x, batch.y) if isinstance(part, torch.Tensor)} == {"meta"}
        model.training_step(batch, iteration)
    assert model.latest.device.type == "meta"
    assert model.latest.shape == (len(model.metrics), MEMBERS)


@pytest.mark.parametrize("settings", [{"components": 5}, {"residual": False}])
def test_no_step_of_a_gan_of_many_features_does_either(settings, built, monkeypatch):
    monkeypatch.setattr(trial_cbegan, "MANY", FEATURES - 1)
    monkeypatch.setattr(trial_cbegan, "KEPT", 20)
    test_no_step_mixes_devices_or_waits_for_a_value(TrialCBEGAN, settings, built)


@pytest.mark.parametrize(("gan", "settings"), CASES)
def test_steps_in_float32_on_the_device_are_those_in_float64_on_the_cpu(gan, settings, built, device):
    model, source = built(gan, settings, device)
    precise, same = built(gan, settings, "cpu", double=True)
    for iteration in range(3):
        found = model.iterate(source.draw(iteration)).cpu().double()
        expected = precise.iterate(in_double(same.draw(iteration)))
        torch.testing.assert_close(found, expected, rtol=0.01, atol=1e-3)
