"""Moments of the Gaussian and of random trial effects, against scikit-learn and sums over trials."""

import numpy as np
import pytest
import torch
from padded_sets import unpadded
from sklearn.covariance import LedoitWolf

from emogan.augmenters import Gaussian, PersonEffects, RandomEffects
from emogan.data.donors import PooledSet
from emogan.data.scaling import MinMaxScaler

CLASSES, FEATURES, DRAWN = 3, 6, 100_000


@pytest.fixture
def data():
    """x (N, F), y and trial (N,) of three classes x four or five trials x 6 to 10 windows; trials differ a lot."""
    random = np.random.default_rng(0)
    rows = []
    for trial in range(14):
        centre = random.normal(size=FEATURES) + 0.5 * (trial % CLASSES)
        rows += [(centre + 0.5 * random.normal(size=FEATURES), trial % CLASSES, trial) for _ in range(6 + trial % 5)]
    x, y, trial = map(np.array, zip(*rows, strict=True))
    order = random.permutation(len(y))
    return x[order].astype(np.float32), y[order], trial[order]


def draw(control, data, label: int, n: int = DRAWN) -> np.ndarray:
    x, y, trial = (part[None] for part in data)
    control.fit(unpadded(x, y, trial=trial))
    return control.draw(control.members[0], label, n, np.random.default_rng(1))


def assert_moments(drawn: np.ndarray, mean: np.ndarray, covariance: np.ndarray):
    """Within five standard errors of what so many draws can tell."""
    spread = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose((drawn.mean(0) - mean) / spread, 0, atol=5 / np.sqrt(len(drawn)))
    error = (np.cov(drawn.T) - covariance) / np.outer(spread, spread)
    np.testing.assert_allclose(error, 0, atol=5 * np.sqrt(2 / len(drawn)))


@pytest.mark.parametrize("label", range(CLASSES))
def test_gaussian_has_the_mean_of_the_class_and_the_covariance_of_ledoit_and_wolf(label, data):
    own = data[0][data[1] == label].astype(np.float64)
    fitted = LedoitWolf().fit(own)
    assert 0.05 < fitted.shrinkage_ < 0.95, "both parts of the covariance should count here"
    assert_moments(draw(Gaussian(name="gaussian"), data, label), own.mean(0), fitted.covariance_)


def test_gaussian_varies_in_all_directions_with_fewer_windows_than_features():
    random = np.random.default_rng(0)
    x, y = random.random((10, 40), dtype=np.float32), np.arange(10) % 2
    drawn = draw(Gaussian(name="gaussian"), (x, y, y), 0)
    assert_moments(drawn, x[y == 0].mean(0), LedoitWolf().fit(x[y == 0].astype(np.float64)).covariance_)
    assert np.linalg.matrix_rank(np.cov(drawn.T)) == 40


def parts(data, label: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By loops: class mean (F,) over trials, pooled covariance (F, F) of trials and residuals (n, F) of the class."""
    x, y, trial = data[0].astype(np.float64), data[1], data[2]
    scatter, trials = np.zeros((FEATURES, FEATURES)), 0
    for c in range(CLASSES):
        means = np.array([x[(y == c) & (trial == j)].mean(0) for j in np.unique(trial[y == c])])
        scatter += (len(means) - 1) * np.cov(means.T)
        trials += len(means)
        if c == label:
            centre = means.mean(0)
    residuals = [x[i] - x[(y == label) & (trial == trial[i])].mean(0) for i in np.flatnonzero(y == label)]
    return centre, scatter / (trials - CLASSES), np.array(residuals)


@pytest.mark.parametrize("strength", [0.5, 1.0])
@pytest.mark.parametrize("label", range(CLASSES))
def test_effects_have_the_pooled_covariance_of_the_trials(label, strength, data):
    centre, pooled, residuals = parts(data, label)
    within = residuals.T @ residuals / len(residuals)
    drawn = draw(RandomEffects(name="random_effects", strength=strength), data, label)
    assert_moments(drawn, centre, strength**2 * pooled + within)


def test_without_effects_residuals_of_real_windows_of_the_class_are_left(data):
    centre, _, residuals = parts(data, 1)
    drawn = draw(RandomEffects(name="random_effects", strength=1e-12), data, 1, 500) - centre
    distance = np.abs(drawn[:, None] - residuals).max(2)
    assert distance.min(1).max() < 1e-9
    assert set(distance.argmin(1)) == set(range(len(residuals)))


def test_effects_are_combinations_of_the_trials_deviations(data):
    """In a direction in which no trial differs from its class mean, only residuals are left."""
    x, y, trial = data
    for c, j in {(c, j) for c, j in zip(y, trial, strict=True)}:
        x[(y == c) & (trial == j), 0] -= x[(y == c) & (trial == j), 0].mean()
    drawn = draw(RandomEffects(name="random_effects", strength=3.0), data, 0, 500)
    real = x[y == 0, 0].astype(np.float64)
    assert np.abs(drawn[:, :1] - real).min(1).max() < 1e-6
    assert drawn[:, 1].std() > 2 * x[y == 0, 1].std()


def test_trials_of_two_classes_that_share_a_number_are_two_trials(data):
    x, y, trial = data
    shared = (x, y, trial // CLASSES)  # trials 0, 1 and 2 are of three classes
    drawn = [draw(RandomEffects(name="random_effects", strength=1.0), given, 2, 50) for given in (data, shared)]
    np.testing.assert_array_equal(*drawn)


def test_one_trial_per_class_gives_real_windows(data):
    x, y, _ = data
    drawn = draw(RandomEffects(name="random_effects", strength=1.0), (x, y, y), 0, 200)
    assert np.abs(drawn[:, None] - x[y == 0]).max(2).min(1).max() < 1e-6


def people_set(between_people: float, between_trials: float, others: int = 40, trials: int = 3, windows: int = 4):
    """Windows of a target, the last person, and of others, with two classes; the means of class 1 of both."""
    random = np.random.default_rng(0)
    person, label, trial, _ = (i.ravel() for i in np.indices((others + 1, 2, trials, windows)))
    own = between_people * random.normal(size=(others + 1, 2, 3))
    own[-1] = 1.5 * between_people
    effect = between_trials * random.normal(size=(others + 1, 2, trials, 3))
    x = (4.0 * label - 2)[:, None] + own[person, label] + effect[person, label, trial]
    x += 0.1 * random.normal(size=x.shape)
    number = np.ravel_multi_index((person, label, trial), (others + 1, 2, trials))
    data = PooledSet(
        x.astype(np.float32), np.arange(len(x)), label, number, person, np.ones((others + 1, 3), np.float32),
        np.zeros((others + 1, 3), np.float32), MinMaxScaler(np.zeros(3), np.ones(3)), target=others,
    )  # fmt: skip
    return data, *(x[chosen & (label == 1)].mean(0) for chosen in (person == others, person != others))


def drawn_mean(data, label=1):
    control = PersonEffects(name="person_effects", strength=1.0).fit([data])
    y = torch.full((1, 4000), label)
    return control.sample(y, torch.Generator().manual_seed(0))[0].numpy()


def test_class_means_are_the_targets_own_where_people_differ_and_trials_do_not():
    data, own, everyones = people_set(between_people=1.0, between_trials=0.05)
    np.testing.assert_allclose(drawn_mean(data).mean(0), own, atol=0.05)
    assert np.abs(own - everyones).min() > 1


def test_class_means_are_everyones_where_trials_differ_and_people_do_not():
    data, own, everyones = people_set(between_people=0.0, between_trials=1.0)
    made = drawn_mean(data).mean(0)
    assert np.abs(made - everyones).max() < np.abs(made - own).max()
    np.testing.assert_allclose(made, everyones, atol=0.25)


def test_class_means_are_drawn_towards_everyones_as_the_variances_say():
    data, own, everyones = people_set(between_people=0.5, between_trials=0.8, others=400)
    weight = 0.5**2 / (0.5**2 + 0.8**2 / 3)
    np.testing.assert_allclose(drawn_mean(data).mean(0), weight * own + (1 - weight) * everyones, atol=0.12)


def test_new_trials_spread_as_trials_do():
    data, *_ = people_set(between_people=0.0, between_trials=0.8, others=400)
    np.testing.assert_allclose(drawn_mean(data).std(0), np.hypot(0.8, 0.1), rtol=0.06)


def test_sets_that_do_not_tell_people_apart_are_refused(data):
    with pytest.raises(ValueError, match=r"model=person_effects expects windows of a target and of its donors"):
        draw(PersonEffects(name="person_effects", strength=1.0), data, 0)
