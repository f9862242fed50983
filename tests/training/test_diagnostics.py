"""Looks at GANs in training: what they see, that they change nothing, and that neither grouping nor a cut does."""

import pytest
import torch
from padded_sets import unpadded
from represented import represented
from torch._subclasses import FakeTensorMode

from emogan.augmenters import GANAugmenter
from emogan.models import CBEGAN, CGAN, CVAE, CWGAN, Diffusion, RecurrentCBEGAN, TrialCBEGAN
from emogan.training import diagnostics, history
from emogan.training.checkpoint import WriteCheckpoints
from emogan.training.detectors import Real

GANS = (CBEGAN, CWGAN, CGAN, TrialCBEGAN, CVAE, Diffusion, RecurrentCBEGAN)


@pytest.fixture
def look_every(monkeypatch):
    """Have synthetic windows measured every so many iterations of training."""

    def change(iterations):
        for module in (history, diagnostics):
            monkeypatch.setattr(module, "MEASURE_EVERY", iterations)

    change(4)
    return change


def fit(gan, windows, rows=(0, 1, 2, 3, 4), resume=None, **settings):
    """The augmenter fitted to some of five training sets, and its state after every iteration but the last."""
    x, y, n = (part[list(rows)] for part in windows)
    settings, states = {"iterations": 10, "hidden": 30, "batch_size": 16, **settings}, []
    augmenter = GANAugmenter(gan, name="gan", **settings).fit(
        unpadded(x, y, n, (torch.arange(60) // 10).expand_as(y)), [100 + m for m in rows], classes=3,
        resume=resume, callbacks=lambda *parts: [WriteCheckpoints(*parts, states.append, every_s=0)],
    )  # fmt: skip
    return augmenter, states


@pytest.mark.parametrize("gan", represented(GANS, by=[CBEGAN, TrialCBEGAN, RecurrentCBEGAN]))
def test_the_grouping_of_members_changes_no_figure(gan, windows, look_every):
    data = windows(33)
    together, _ = fit(gan, data)
    assert all(
        {"spread", "separation", "mean_error", "reach", "moved"} <= set(figures)
        for figures in together.diagnostics.figures
    )
    for rows in ([0], [1, 2], [4, 3]):
        apart, _ = fit(gan, data, rows)
        assert apart.diagnostics.figures == [together.diagnostics.figures[m] for m in rows]
        assert torch.equal(apart.history.seen, together.history.seen[..., rows])


@pytest.mark.parametrize("gan", [CBEGAN, TrialCBEGAN])
def test_training_that_was_cut_off_has_the_figures_of_one_in_one_go(gan, windows, look_every):
    data = windows(7)
    whole, states = fit(gan, data)
    for state in states[1::3]:
        resumed, _ = fit(gan, data, [3, 1], state.select([3, 1]))
        assert resumed.diagnostics.figures == [whole.diagnostics.figures[m] for m in (3, 1)]
        assert torch.equal(resumed.history.seen, whole.history.seen[..., [3, 1]])


@pytest.mark.parametrize("gan", represented(GANS, by=[CBEGAN, TrialCBEGAN, RecurrentCBEGAN]))
def test_looking_changes_neither_training_nor_the_common_random_state(gan, windows, look_every):
    data, trained, states = windows(7), [], []
    for iterations in (4, 1000):
        look_every(iterations)
        torch.manual_seed(0)  # Lightning draws from the common state too
        trained.append(fit(gan, data)[0])
        states.append(torch.get_rng_state())
    seen, unseen = trained
    assert (len(seen.history.seen), len(unseen.history.seen)) == (2, 0)
    assert torch.equal(*states)
    for name, value in seen.model.state_dict().items():
        assert torch.equal(value, unseen.model.state_dict()[name]), name


def test_members_are_looked_at_while_they_train_and_in_the_end_with_the_weights_they_keep(windows, look_every):
    settings = {"iterations": 40, "plateau_window": 4, "plateau_tolerance": 0.02, "learning_rate": 0.003}
    augmenter, _ = fit(CBEGAN, windows(7), **settings)
    stopped = augmenter.history.stopped
    assert len(set(stopped)) > 1, "members should stop at different iterations here"
    for m, at in enumerate(stopped):
        measurements = augmenter.history.measures(m)
        assert all(len(figures) == at // 4 and figures.isfinite().all() for figures in measurements.values())
        assert augmenter.history.seen[at // 4 :, :, m].isnan().all()
        for name, figures in measurements.items():
            assert figures[-1] == pytest.approx(augmenter.diagnostics.figures[m][name])


def test_each_kind_of_trouble_is_told_once_for_all_members(windows, look_every, caplog):
    fit(CBEGAN, windows(7), iterations=40)  # hardly trained: collapsed, and blind to its label
    told = [record.getMessage() for record in caplog.records if record.name == diagnostics.__name__]
    assert len(told) == 2
    assert told[0].startswith("collapse in 5 of 5 generators of gan at iteration 20 of 40: ")
    assert told[1].startswith("label ignored in 5 of 5 generators of gan after training: ")


def test_a_generator_that_does_not_move_is_told_as_frozen(windows, caplog):
    augmenter, _ = fit(CBEGAN, windows(7), [0, 1], learning_rate=1e-8)
    assert "frozen generator in 2 of 2 generators" in caplog.text
    assert all(0 < figures["moved"] < 1e-3 for figures in augmenter.diagnostics.figures)


def test_the_trials_of_trial_cbegan_are_drawn_with_the_real_spread_of_their_class(windows, caplog):
    augmenter, _ = fit(TrialCBEGAN, windows(7))
    assert all(0.8 < figures["spread"] < 1.2 for figures in augmenter.diagnostics.figures)
    assert "collapse" not in caplog.text


def test_figures_after_training_are_computed_where_lightning_has_moved_the_generator(windows, look_every, monkeypatch):
    x, y, n = windows(7)
    augmenter, _ = fit(CBEGAN, (x, y, n))
    callback, devices = augmenter.diagnostics, []
    with FakeTensorMode(allow_non_fake_inputs=True):  # a fake GPU
        on_gpu = torch.empty(5, 3, diagnostics.WINDOWS, 7, device="cuda")
        real = [torch.empty(part.shape, dtype=part.dtype, device="cuda") for part in callback.real]
        callback.real, callback.begun = Real(*real), on_gpu
        monkeypatch.setattr(callback, "_draw", lambda module: torch.empty(on_gpu.shape))
        monkeypatch.setattr(diagnostics, "measure", lambda real, *drawn: devices.extend([*real, *drawn]) or [{}] * 5)
        callback._measure(augmenter.model)
    assert {part.device.type for part in devices} == {"cpu"}
    assert len(devices) == len(Real._fields) + 2
