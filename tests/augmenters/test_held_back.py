"""Trials held back: which they are, the distance to them, the weights that are kept by it, and when members stop."""

import numpy as np
import pytest
import torch
from scipy.stats import energy_distance as energy_distance_1d

from emogan.augmenters import GANAugmenter
from emogan.augmenters.half_trained import SaveHalfTrained
from emogan.augmenters.held_back import Checks, HeldBack, energy_distance, hold_back
from emogan.models import CBEGAN, CGAN, CWGAN, TrialCBEGAN

Y = np.repeat([0, 1, 2] * 3, 6)  # nine trials of six windows
TRIAL = np.repeat(np.arange(9) + 40, 6)


def windows(members=4):
    """x (M, 54, 5), y, n and trials; a trial is shifted, a class too."""
    random = np.random.default_rng(0)
    x = random.normal(size=(members, 54, 5)) + 2 * random.normal(size=(3, 5))[Y]
    x += 0.5 * random.normal(size=(members, 9, 5)).repeat(6, axis=1)
    y, trial = (torch.from_numpy(part).expand(members, -1) for part in (Y, TRIAL))
    return torch.from_numpy(x).float(), y, torch.full((members,), 54), trial


def make(gan=CBEGAN, **settings):
    defaults = {"iterations": 30, "hold_back": 1, "check_every": 4, "patience": 100, "hidden": 20, "batch_size": 16}
    return GANAugmenter(gan, name="gan", **defaults | settings)


def fit(augmenter, members=(0, 1, 2, 3), **options):
    x, y, n, trial = (part[list(members)] for part in windows())
    return augmenter.fit(x, y, n, [11 + m for m in members], trial=trial, classes=3, **options)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("seed", range(5))
def test_so_many_whole_trials_of_each_class_are_held_back(count, seed):
    held = hold_back(Y, TRIAL, count, seed)
    for label in range(3):
        assert len(np.unique(TRIAL[held & (Y == label)])) == count
    assert not np.isin(TRIAL[held], TRIAL[~held]).any()


def test_which_trials_depends_on_the_seed_alone():
    chosen = [tuple(hold_back(Y, TRIAL, 1, seed)) for seed in range(20)]
    assert len(set(chosen)) > 5
    assert chosen[3] == tuple(hold_back(Y, TRIAL, 1, 3))


def test_a_clip_rated_in_parts_is_held_back_whole():
    y = Y.copy()
    y[::6] = (Y[::6] + 1) % 3  # the first window of each trial is of another class
    for seed in range(5):
        held = hold_back(y, TRIAL, 1, seed)
        assert held.sum() == 18
        assert not np.isin(TRIAL[held], TRIAL[~held]).any()


def test_a_class_that_would_have_no_trial_left_is_refused():
    with pytest.raises(
        ValueError, match=r"model.hold_back=3 needs at least 4 training trials .* got 3 of class 0 .* Lower"
    ):
        hold_back(Y, TRIAL, 3, 0)
    with pytest.raises(ValueError, match="got 1 of class 2"):
        make().refuse(Y[:18], TRIAL[:18] + 10 * (Y[:18] < 2) * (np.arange(18) % 2))
    make(hold_back=0).refuse(Y[:18], TRIAL[:18])


def test_trials_must_be_given():
    x, y, n, _ = windows()
    with pytest.raises(ValueError, match=r"model=gan needs fit\(..., trial=...\), got none"):
        make().fit(x, y, n)


def test_energy_distance_in_one_dimension_is_twice_the_squared_one_of_scipy():
    """SciPy's is sqrt(2 E|X - Y| - ...) with the windows' pairs with themselves, whose share is known."""
    random = np.random.default_rng(0)
    real, artificial = random.normal(size=(40, 1)), random.normal(1, 2, size=(30, 1))
    biased = energy_distance_1d(real[:, 0], artificial[:, 0]) ** 2
    for x in (real, artificial):
        pairs = np.abs(x - x.T)
        biased += pairs.mean() - pairs.sum() / (len(x) * (len(x) - 1))
    assert energy_distance(real, artificial) == pytest.approx(biased)
    assert np.isfinite(energy_distance(real[:1], artificial))


def test_energy_distance_of_equal_distributions_is_zero_on_average():
    random = np.random.default_rng(0)
    found = [energy_distance(random.normal(size=(20, 3)), random.normal(size=(15, 3))) for _ in range(400)]
    assert abs(np.mean(found)) < 4 * np.std(found) / 20


def test_the_distance_does_not_depend_on_the_units_of_the_features():
    random = np.random.default_rng(0)
    x, new = windows(1)[0][0].numpy(), random.normal(size=(60, 5))
    held, y = hold_back(Y, TRIAL, 1, 0), np.arange(60) % 3
    scale = np.array([1, 100, 0.01, 5, 1])
    expected = HeldBack.of(x, Y, TRIAL, held).distance(new, y)
    assert HeldBack.of(x * scale, Y, TRIAL, held).distance(new * scale, y) == pytest.approx(expected, rel=1e-3)


def test_over_many_trials_windows_of_new_trials_are_nearest_though_every_trial_has_an_effect():
    random = np.random.default_rng(0)

    def trials(spread, count):
        effects = random.normal(size=(count, 1, 2)) * spread
        return effects + random.normal(size=(count, 30, 2)) * 0.5

    held, mean = trials(1.0, 300), {}
    for spread in (0.0, 1.0, 2.0):
        artificial = trials(spread, 2000)[:, 0]
        mean[spread] = np.mean([energy_distance(one, artificial[random.choice(2000, 100)]) for one in held])
    assert mean[1.0] < min(mean[0.0], mean[2.0])


def test_windows_of_the_held_back_trials_are_never_trained_on(monkeypatch):
    seen = []
    original = CBEGAN.iterate
    monkeypatch.setattr(CBEGAN, "iterate", lambda self, batch: (seen.append(batch.x), original(self, batch))[1])
    augmenter = fit(make(batch_size=64))
    x = windows()[0]
    for m in range(4):
        held = hold_back(Y, TRIAL, 1, 11 + m)
        drawn = {tuple(row) for batch in seen for row in batch[0, m].tolist()}
        assert drawn == {tuple(row) for row in x[m][~held].tolist()}
        assert augmenter.history.checks.held[m].trials == 3


class Recorder:
    """Callbacks that keep the weights and the distances of every check, by a loop of their own."""

    def __init__(self, augmenter):
        self.augmenter, self.found = augmenter, []

    def look(self, history):
        original = history.checks.look

        def spy(model, members, iteration):
            windows = model.generate(history.checks.z, history.checks.y).detach().numpy()
            distances = [
                h.distance(w, history.checks.y[0].numpy()) for h, w in zip(history.checks.held, windows, strict=True)
            ]
            state = {name: value.clone() for name, value in model.state_dict().items()}
            self.found.append((iteration, distances, state))
            return original(model, members, iteration)

        history.checks.look = spy
        return []


def checked(augmenter, **options):
    recorder = Recorder(augmenter)
    fit(augmenter, callbacks=recorder.look, **options)
    return [found for found in recorder.found if found[0] % 4 == 0 or found[0] == 30]


@pytest.mark.parametrize("gan", [CBEGAN, CWGAN, CGAN, TrialCBEGAN])
def test_members_have_the_weights_of_their_best_check(gan):
    augmenter = make(gan, learning_rate=0.01)
    found = checked(augmenter)
    assert [iteration for iteration, *_ in found] == [4, 8, 12, 16, 20, 24, 28, 30]
    best = np.argmin([distances for _, distances, _ in found], axis=0)
    for m, i in enumerate(best):
        iteration, distances, state = found[i]
        assert all(torch.equal(value[m], state[name][m]) for name, value in augmenter.model.state_dict().items())
        assert augmenter.history.reasons()[m] == (
            f"iteration {iteration}: best of 8 checks by energy distance {distances[m]:.3g} on 3 held-back trials; "
            "stopped at iteration 30: the last one"
        )


def test_a_member_stops_when_it_has_not_become_better_for_so_many_checks():
    augmenter = make(learning_rate=0.01, patience=2, iterations=200)
    recorder = Recorder(augmenter)
    fit(augmenter, callbacks=recorder.look)
    history = augmenter.history
    assert max(history.stopped) < 200, "all should stop early here"
    assert len(set(history.stopped)) > 1, "at different iterations"
    for m, at in enumerate(history.stopped):
        curve = [distances[m] for iteration, distances, _ in recorder.found if iteration % 4 == 0 and iteration <= at]
        waited = [i - int(np.argmin(curve[: i + 1])) for i in range(len(curve))]
        assert waited[-1] == 2
        assert max(waited[:-1]) < 2
        assert history.values[at:, :, m].isnan().all()
        assert history.reasons()[m].endswith(f"stopped at iteration {at}: not better in 2 checks")


def test_a_plateau_ends_a_member_with_a_last_check():
    augmenter = make(plateau_window=5, plateau_tolerance=0.05, iterations=200, check_every=7)
    fit(augmenter)
    history = augmenter.history
    assert any(history.plateaued)
    for m in np.flatnonzero(history.plateaued):
        assert 0 < history.checks.at[m] <= history.stopped[m]
        assert history.reasons()[m].endswith(f"iteration {history.stopped[m]}: plateau of the convergence measure")


@pytest.mark.parametrize("gan", [CBEGAN, TrialCBEGAN])
def test_the_grouping_of_members_changes_no_bit(gan):
    settings = {"learning_rate": 0.01, "patience": 2, "iterations": 60}
    together = fit(make(gan, **settings))
    for group in ([0], [2, 1], [3]):
        apart = fit(make(gan, **settings), group)
        assert apart.history.reasons() == [together.history.reasons()[m] for m in group]
        for name, value in apart.model.state_dict().items():
            assert torch.equal(value, together.model.state_dict()[name][group]), name


@pytest.mark.parametrize("gan", [CBEGAN, TrialCBEGAN])
def test_training_that_is_cut_off_goes_on_to_the_same_bits(gan):
    settings, states, rows = {"learning_rate": 0.01, "patience": 2, "iterations": 60}, [], [2, 0]
    whole = fit(
        make(gan, **settings), callbacks=lambda history: [SaveHalfTrained(history, states.append, every_s=0)]
    )  # fmt: skip
    assert min(whole.history.stopped) < len(states), "some should have been cut off after others had stopped"
    for state in states[2::9]:
        resumed = fit(make(gan, **settings), rows, half_trained=state.select(rows))
        assert resumed.history.reasons() == [whole.history.reasons()[m] for m in rows]
        for name, value in resumed.model.state_dict().items():
            assert torch.equal(value, whole.model.state_dict()[name][rows]), name


def test_checks_take_the_same_noise_every_time_and_other_noise_for_other_members():
    x = windows(1)[0]
    model = make().build(2, 5, 3)
    model.initialise([0, 0])
    held = [HeldBack.of(x[0].numpy(), Y, TRIAL, hold_back(Y, TRIAL, 1, 0))] * 2
    checks = Checks(held, model, [1, 2], every=10, patience=2)
    assert checks.look(model, [0, 1], 10) == ([0, 1], [])
    assert checks.best[0] != checks.best[1]
    assert checks.look(model, [0, 1], 20) == ([], []), "nothing has changed, nothing is better"
    assert checks.look(model, [1], 30) == ([], [1]), "two checks without improvement"
    assert checks.at.tolist() == [10, 10]


def test_windows_that_are_not_finite_are_never_best_nor_a_reason_to_stop_quietly():
    model = make().build(1, 5, 3)
    held = HeldBack.of(windows(1)[0][0].numpy(), Y, TRIAL, hold_back(Y, TRIAL, 1, 0))
    for parameter in model.parameters():
        parameter.data.fill_(torch.nan)
    assert Checks([held], model, [0], every=10, patience=1).look(model, [0], 1000) == ([], [])
