"""Recorded curves, the plateau rule by hand-made curves, and losses that are no longer finite."""

import math

import lightning
import numpy as np
import pytest
import torch
from padded_sets import unpadded

from emogan.augmenters import GANAugmenter
from emogan.models import CBEGAN, CGAN


class Scripted(CGAN):
    """Its measure follows a given curve of (seed, iteration); its weights tell at which iteration they are."""

    kind = "scripted"
    metrics = ("other", "measure")
    convergence = "measure"
    curve = None

    def initialise(self, seeds):
        self.seeds, self.iteration = list(seeds), 0

    def iterate(self, batch):
        self.iteration += 1
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.fill_(self.iteration)
        measure = torch.tensor([type(self).curve(seed, self.iteration) for seed in self.seeds])
        return torch.stack([-measure, measure])


@pytest.fixture
def run(monkeypatch):
    """``run(curve, seeds, ...)``: train members along hand-made curves; the fitted augmenter."""

    def train(curve, seeds, iterations=60, window=5, tolerance=0.1):
        monkeypatch.setattr(Scripted, "curve", staticmethod(curve))
        augmenter = GANAugmenter(
            Scripted, name="scripted", iterations=iterations, plateau_window=window, plateau_tolerance=tolerance,
            batch_size=2, hidden=4, noise_features=2,
        )  # fmt: skip
        m = len(seeds)
        return augmenter.fit(unpadded(torch.rand(m, 4, 2), torch.zeros(m, 4, dtype=torch.int64)), seeds)

    return train


def decay(seed: int, iteration: int) -> float:
    """Falls at a pace of its own towards 1."""
    return 1 + 5 * math.exp(-iteration / (2 + 3 * seed))


def stop_by_hand(curve, seed, iterations, window, tolerance):
    """First multiple of the window where the last two windows' means agree; the whole length if none."""
    values = [curve(seed, t) for t in range(1, iterations + 1)]
    for done in range(2 * window, iterations + 1, window):
        last, before = np.mean(values[done - window : done]), np.mean(values[done - 2 * window : done - window])
        if abs(last - before) <= tolerance * abs(before):
            return done, True
    return iterations, False


def assert_weights_of_iteration(augmenter, member, iteration):
    for name, value in augmenter.model.state_dict().items():
        assert (value[member] == iteration).all(), f"{name} of member {member}"


@pytest.mark.parametrize(("window", "tolerance"), [(5, 0.1), (5, 0.01), (1, 0.05), (7, 0.1), (20, 0.2), (30, 0.5)])
def test_members_stop_where_the_rule_by_hand_says_with_the_weights_they_have_there(run, window, tolerance):
    seeds = range(6)
    augmenter = run(decay, seeds, window=window, tolerance=tolerance)
    expected = [stop_by_hand(decay, seed, 60, window, tolerance) for seed in seeds]
    assert len(set(expected)) > 2 or window > 7, "the curves should stop at different iterations"
    history = augmenter.history
    assert list(zip(history.stopped, history.plateaued, strict=True)) == expected
    for member, (iteration, _) in enumerate(expected):
        assert_weights_of_iteration(augmenter, member, iteration)


def test_training_ends_once_every_member_has_stopped(run):
    augmenter = run(decay, [0, 2], iterations=1000)
    assert max(augmenter.history.stopped) < 100
    assert augmenter.history.done == max(augmenter.history.stopped) == augmenter.model.iteration
    assert len(augmenter.history.values) == max(augmenter.history.stopped)


def test_a_curve_that_goes_on_falling_is_trained_to_the_end(run):
    augmenter = run(lambda seed, t: 100.0 - t if seed else 3.0, [0, 1], tolerance=0.001)
    assert augmenter.history.stopped == [10, 60]
    assert augmenter.history.plateaued == [True, False]
    assert augmenter.history.reasons() == [
        "iteration 10: plateau of the convergence measure",
        "iteration 60: the last one",
    ]
    assert_weights_of_iteration(augmenter, 0, 10)
    assert_weights_of_iteration(augmenter, 1, 60)


def test_a_plateau_reached_at_the_last_iteration_is_told_as_one(run):
    augmenter = run(lambda seed, t: 3.0, [0], iterations=10)
    assert augmenter.history.stopped == [10]
    assert augmenter.history.reasons() == ["iteration 10: plateau of the convergence measure"]


def test_negative_curves_plateau_as_their_mirror_images(run):
    up = run(lambda seed, t: -decay(seed, t), range(4)).history.stopped
    assert up == run(decay, range(4)).history.stopped


def test_without_a_window_no_member_stops_early(run):
    history = run(lambda seed, t: 3.0, [0, 1], window=0).history
    assert history.stopped == [60, 60]
    assert history.reasons() == ["iteration 60: the last one"] * 2


def test_a_members_stop_does_not_depend_on_its_neighbours(run):
    def noisy(seed, t):
        return decay(seed % 5, t) + 0.2 * math.sin(1000 * seed + 7.3 * t)

    seeds = list(range(37))  # more than a vector register holds, and not a multiple of it
    together = run(noisy, seeds, tolerance=0.02).history
    assert len(set(together.stopped)) > 3
    for group in ([0], [36], [3, 17], seeds[5:20]):
        apart = run(noisy, group, tolerance=0.02).history
        assert apart.stopped == [together.stopped[m] for m in group]
        for i, m in enumerate(group):
            for name, curve in apart.member(i).items():
                assert torch.equal(curve, together.member(m)[name])


def test_curves_hold_every_metric_until_the_members_stop_and_nan_from_there(run):
    history = run(decay, range(4)).history
    for member in range(4):
        stopped = history.stopped[member]
        curves = history.member(member)
        assert list(curves) == ["other", "measure"]
        expected = torch.tensor([decay(member, t) for t in range(1, stopped + 1)])
        torch.testing.assert_close(curves["measure"], expected)
        assert torch.equal(curves["other"], -curves["measure"])
        assert history.values[stopped:, :, member].isnan().all()
        assert history.values[:stopped, :, member].isfinite().all()


def test_a_real_member_that_stops_has_the_weights_of_a_shorter_training():
    generator = torch.Generator().manual_seed(0)
    x, y = torch.rand(3, 30, 5, generator=generator), torch.randint(3, (3, 30), generator=generator)
    n = torch.tensor([30, 25, 30])
    settings = {"hidden": 20, "batch_size": 16, "gamma": 1.0, "lambda_k": 0.1}
    stopping = GANAugmenter(
        CBEGAN, name="gan", iterations=40, plateau_window=5, plateau_tolerance=0.035, **settings
    ).fit(unpadded(x, y, n))  # fmt: skip
    history = stopping.history
    assert len(set(history.stopped)) > 1, "members should stop at different iterations here"
    for member, stopped in enumerate(history.stopped):
        short = GANAugmenter(CBEGAN, name="gan", iterations=stopped, **settings).fit(unpadded(x, y, n))
        for name, value in short.model.state_dict().items():  # both networks and k
            assert torch.equal(value[member], stopping.model.state_dict()[name][member]), name
        assert torch.equal(short.history.values[:, :, member], history.values[:stopped, :, member])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_losses_that_are_not_finite_end_training_and_name_iteration_and_member(run, value):
    with pytest.raises(FloatingPointError, match=r"1 of 3 members .* first at iteration 8\.") as error:
        run(lambda seed, t: value if seed == 1 and t >= 8 else decay(seed, t), [0, 1, 2], iterations=30)
    assert "Scripted" in str(error.value)
    assert "Lower model.learning_rate" in str(error.value)


def test_losses_that_are_not_finite_end_a_long_training_early(run):
    with pytest.raises(FloatingPointError, match=r"2 of 2 members .* first at iteration 30\."):
        run(lambda seed, t: math.nan if t >= 30 + seed else 100.0 - 0.1 * t, [0, 1], iterations=10**6, tolerance=0)


def test_a_member_that_has_stopped_may_blow_up_afterwards(run):
    augmenter = run(lambda seed, t: 100.0 - t if seed else (3.0 if t <= 12 else math.nan), [0, 1], tolerance=0.001)
    assert augmenter.history.stopped == [10, 60]
    assert_weights_of_iteration(augmenter, 0, 10)


def test_a_real_gan_that_diverges_is_reported():
    x = torch.full((1, 10, 3), 1e30)
    with pytest.raises(FloatingPointError, match=r"CBEGAN: .* first at iteration 1\."):
        GANAugmenter(CBEGAN, name="gan", iterations=20, hidden=5, eta=2, batch_size=4).fit(
            unpadded(x, torch.arange(10)[None] % 2)
        )


def test_training_that_the_trainer_ends_early_is_told_so():
    class Enough(lightning.Callback):
        def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
            trainer.should_stop = batch_idx == 6

    x, y = torch.rand(2, 10, 3), torch.arange(10).expand(2, -1) % 2
    augmenter = GANAugmenter(CBEGAN, name="gan", iterations=20, hidden=5, batch_size=4)
    history = augmenter.fit(unpadded(x, y), callbacks=lambda *_: [Enough()]).history
    assert history.stopped == [7, 7]
    assert history.reasons() == ["iteration 7: ended by the Trainer or a callback"] * 2
    assert history.values.shape[0] == 7
