"""Training that is cut off and goes on, against training in one go."""

import pytest
import torch
from padded_sets import unpadded
from represented import represented

from emogan.augmenters import GANAugmenter
from emogan.models import CBEGAN, CGAN, CVAE, CWGAN, Diffusion, RecurrentCBEGAN, TrialCBEGAN
from emogan.training.checkpoint import WriteCheckpoints, optimizer_state
from emogan.training.trainer import TrainerSettings

ROWS = [2, 0]


def make(gan=CBEGAN, **settings):
    return GANAugmenter(gan, name="gan", iterations=30, hidden=20, batch_size=8, **settings)


def train(augmenter, rows, resume=None, device="cpu"):
    """The augmenter fitted to some of four training sets, and its state after every iteration but the last."""
    x = torch.rand(4, 40, 7, generator=torch.Generator().manual_seed(0))
    y, n, states = (torch.arange(40) % 3).expand(4, 40), torch.tensor([40, 33, 25, 37]), []
    augmenter.fit(
        unpadded(x[rows], y[rows], n[rows], torch.arange(40).expand(4, 40)[rows] // 8), [11 + m for m in rows],
        resume=resume, trainer=TrainerSettings({"accelerator": "cpu" if device == "cpu" else "gpu"}), callbacks=lambda *parts: [WriteCheckpoints(*parts, states.append, every_s=0)],
    )  # fmt: skip
    return augmenter, states


def assert_same_bits(augmenter, other, rows):
    for name, value in augmenter.model.state_dict().items():
        assert torch.equal(value, other.model.state_dict()[name][rows]), name
    for optimizer, expected in zip(augmenter.trainer.optimizers, other.trainer.optimizers, strict=True):
        for one, whole in zip(optimizer.state.values(), expected.state.values(), strict=True):
            assert torch.equal(one["exp_avg_sq"], whole["exp_avg_sq"][rows])
    for i, row in enumerate(rows):
        assert augmenter.history.reasons()[i] == other.history.reasons()[row]
        for name, curve in augmenter.history.member(i).items():
            assert torch.equal(curve, other.history.member(row)[name])


@pytest.mark.parametrize(
    "gan",
    represented(
        [CBEGAN, CWGAN, CGAN, TrialCBEGAN, CVAE, Diffusion, RecurrentCBEGAN], by=[CBEGAN, TrialCBEGAN, RecurrentCBEGAN]
    ),
)
def test_some_members_resume_from_any_iteration_to_the_same_bits(gan):
    whole, states = train(make(gan), [0, 1, 2, 3])
    assert [state.iteration for state in states] == list(range(1, 30))
    for iteration in (1, 29):
        resumed, later = train(make(gan), ROWS, states[iteration - 1].select(ROWS))
        assert len(later) == 29 - iteration
        assert_same_bits(resumed, whole, ROWS)


def test_members_that_had_stopped_on_a_plateau_keep_the_weights_they_stopped_with():
    settings = {"plateau_window": 3, "plateau_tolerance": 0.03, "learning_rate": 1e-3}
    whole, states = train(make(**settings), [0, 1, 2, 3])
    assert any(state.plateaued[0] != state.plateaued[2] for state in states), "one of the two should stop first"
    for state in states:
        if any(state.plateaued) and not all(state.plateaued):
            resumed, _ = train(make(**settings), ROWS, state.select(ROWS))
            for name, value in resumed.model.state_dict().items():
                assert torch.equal(value, whole.model.state_dict()[name][ROWS]), name
            assert resumed.history.reasons() == [whole.history.reasons()[row] for row in ROWS]


def test_checkpoints_are_as_far_apart_as_asked():
    states = []
    make().fit(
        unpadded(torch.rand(1, 9, 3), torch.arange(9)[None] % 3),
        callbacks=lambda *parts: [WriteCheckpoints(*parts, states.append, every_s=3600)],
    )  # fmt: skip
    assert states == []


def test_the_state_of_an_optimiser_is_a_copy_of_some_members_on_the_cpu(device):
    augmenter, _ = train(make(), [0, 1, 2], device=device.type)
    for optimizer in augmenter.trainer.optimizers:
        kept = optimizer_state(optimizer, [2, 0])
        assert kept.keys() == optimizer.state_dict().keys()
        for i, whole in optimizer.state_dict()["state"].items():
            assert kept["state"][i].keys() == whole.keys() == {"step", "exp_avg", "exp_avg_sq"}
            assert kept["state"][i]["step"] == whole["step"] == 30
            for name, value in whole.items():
                part = kept["state"][i][name]
                assert part.device.type == "cpu"
                assert part.data_ptr() != value.data_ptr()
                assert torch.equal(part, (value[[2, 0]] if value.ndim else value).cpu())


@pytest.mark.parametrize(
    "gan", represented([CBEGAN, CWGAN, CGAN, TrialCBEGAN, CVAE, Diffusion], by=[CBEGAN, TrialCBEGAN])
)
def test_what_the_device_has_begun_is_ended_on_the_cpu(gan, device):
    whole, states = train(make(gan), [0, 1, 2, 3], device=device.type)
    assert all(value.device.type == "cpu" for value in states[12].tensors.values())
    resumed, _ = train(make(gan), ROWS, states[12].select(ROWS))
    for name, value in resumed.model.state_dict().items():
        torch.testing.assert_close(value, whole.model.state_dict()[name][ROWS], rtol=0.01, atol=1e-4)
