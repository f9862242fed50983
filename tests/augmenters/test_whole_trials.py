"""Controls of whole trials: what the autoregression estimates of trials it is true of, and real trials that are moved."""

import itertools

import numpy as np
import pytest
import torch

from emogan.analysis.autocorrelation import autocorrelation
from emogan.augmenters import Autoregressive, TrialBootstrap
from emogan.augmenters.whole_trials import LONGEST, autoregression, coefficients, variance_of_mean
from emogan.data.sequences import trial_rows
from emogan.data.training_set import TrainingSet

MEMORY, EFFECTS = np.array([0.0, 0.5, 0.9]), np.array([0.5, 1.0, 2.0])
CENTRES = np.array([[0.0, 0.0, 5.0], [3.0, 0.0, 0.0]])


def simulated(trials=400, length=25, seed=0):
    """Trials of a known autoregression, whose residuals have the variances 1, 4 and 9 and go together."""
    random = np.random.default_rng(seed)
    mixing = np.linalg.cholesky(np.array([[1.0, 0.5, 0.2], [0.5, 1.0, 0.4], [0.2, 0.4, 1.0]])).T * [1.0, 2.0, 3.0]
    e = random.normal(size=(trials, length, 3)) @ mixing
    for i in range(1, length):
        e[:, i] = MEMORY * e[:, i - 1] + np.sqrt(1 - MEMORY**2) * e[:, i]
    y = np.arange(trials) % 2
    x = CENTRES[y][:, None] + EFFECTS * random.normal(size=(trials, 1, 3)) + e
    return raw(x.reshape(-1, 3), np.repeat(y, length), np.repeat(np.arange(trials), length))


def raw(x, y, trial):
    """A training set whose windows are as given, not scaled."""
    data = TrainingSet.scaled(x, y, trial)
    return TrainingSet(data.rows, data.scaled_by, data.scaler, x.astype(np.float32), data.y, data.trial)


def draw(control, data, n, label=0):
    drawn = control.fit([data]).sample(torch.full((1, n), label), torch.Generator().manual_seed(0))
    return drawn[0].numpy(), control.synthetic_trials(torch.full((1, n), label))[0].numpy()


def test_the_variance_of_a_mean_is_the_sum_over_all_pairs():
    for a, n in itertools.product((0.0, 0.3, 0.97), (1, 2, 7)):
        direct = np.mean([[a ** abs(i - j) for i in range(n)] for j in range(n)])
        assert variance_of_mean(np.array([a]), n)[0] == pytest.approx(direct)


def test_coefficients_variances_and_trial_effects_are_those_of_the_simulation():
    """Trial effects neither lengthen the memory nor does memory pass for trial effects."""
    found = autoregression(simulated())
    assert found.coefficients == pytest.approx(MEMORY, abs=0.03)
    assert ((found.residuals**2).sum(0) + found.own**2) ** 0.5 == pytest.approx([1, 2, 3], rel=0.06)
    assert ((found.effects**2).sum(0)) ** 0.5 == pytest.approx(EFFECTS, rel=0.15)
    for c in range(2):
        assert found.centres[c] == pytest.approx(CENTRES[c], abs=0.4)


@pytest.mark.parametrize("control", [Autoregressive(name="a"), TrialBootstrap(name="b", strength=1.0)])
def test_synthetic_trials_have_the_moments_and_the_autocorrelation_of_the_real_ones(control):
    data = simulated(60)
    drawn, trial = draw(control, data, 25 * 600, label=1)
    real = data.of_class(1)
    assert drawn.mean(0) == pytest.approx(real.mean(0), abs=0.3)
    assert drawn.std(0) == pytest.approx(real.std(0), rel=0.12)
    assert np.corrcoef(drawn.T)[0, 1] == pytest.approx(np.corrcoef(real.T)[0, 1], abs=0.1)
    rows = data.y == 1
    expected = autocorrelation(data.x[rows], data.y[rows], data.trial[rows])
    assert autocorrelation(drawn, np.zeros(len(drawn)), trial)[1:] == pytest.approx(expected[1:], abs=0.13)


def test_coefficients_that_differ_by_chance_alone_are_drawn_together():
    random = np.random.default_rng(0)
    x = random.normal(size=(90, 200))
    trials = trial_rows(np.zeros(90), np.arange(90) // 15)
    assert coefficients(x, trials).std() < 0.5 * coefficients_alone(x, trials).std()
    steady = np.repeat(random.normal(size=(6, 200)), 15, axis=0).cumsum(0) + 1e-3 * x
    assert coefficients(steady, trials).max() <= LONGEST


def coefficients_alone(x, trials):
    return np.concatenate([coefficients(x[:, [f]], trials) for f in range(x.shape[1])])


def test_trials_of_one_window_leave_trial_effects_alone():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(40, 3)), np.arange(40) % 2
    drawn, trial = draw(Autoregressive(name="a"), raw(x, y, np.arange(40)), 2000)
    assert len(set(trial)) == 2000
    assert drawn.std(0) == pytest.approx(x[y == 0].std(0), rel=0.3)


def test_a_moved_trial_is_a_real_one_and_what_is_added_is_the_same_in_all_of_its_windows():
    random = np.random.default_rng(0)
    lengths = [3, 5, 4, 2]
    trial = np.repeat(np.arange(4), lengths)
    data = raw(random.normal(size=(14, 3)), trial % 2, trial)
    drawn, number = draw(TrialBootstrap(name="b", strength=1.0), data, 16)
    moves = []
    for i, real in enumerate([0, 2, 0, 2]):
        own = drawn[number == np.unique(number)[i]]
        moved = own - data.x[trial == real][: len(own)]
        assert len(own) == [3, 4, 3, 4][i]
        assert np.ptp(moved, axis=0) == pytest.approx(np.zeros(3), abs=1e-6)
        moves.append(moved[0])
    assert np.ptp(moves, axis=0).min() > 1e-3


def test_at_hardly_any_strength_real_trials_come_out():
    data = simulated(8)
    drawn, _ = draw(TrialBootstrap(name="b", strength=1e-9), data, 100)
    assert drawn == pytest.approx(data.x[data.y == 0], abs=1e-5)


@pytest.mark.parametrize("control", [Autoregressive(name="a"), TrialBootstrap(name="b", strength=1.0)])
def test_trials_of_members_and_classes_are_told_apart(control):
    sets = [simulated(6, 5), simulated(8, 3)]
    y = (torch.arange(40) % 2).expand(2, -1)
    control.fit(sets)
    for numbers, n in zip(control.synthetic_trials(y), (5, 3), strict=True):
        for c in range(2):
            assert torch.equal(numbers[c::2], numbers[c::2][::n].repeat_interleave(n)[:20])
        assert len(numbers.unique()) == 2 * -(-20 // n)
