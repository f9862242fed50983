"""Moments of the Gaussian and of random trial effects, against scikit-learn and sums over trials."""

import numpy as np
import pytest
from padded_sets import unpadded
from sklearn.covariance import LedoitWolf

from emogan.augmenters import Gaussian, RandomEffects

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
