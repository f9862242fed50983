"""What defines each control that resamples the real windows of a class."""

import importlib.util
import itertools

import numpy as np
import pytest
import torch
from padded_sets import unpadded
from scipy import stats

from emogan.augmenters import Duplicate, Layout, Mixup, Noise, Recombination, Smote, balanced_labels

CLASSES = 3


@pytest.fixture
def x():
    """30 windows x 12 features, going round the classes."""
    return torch.rand(30, 12, generator=torch.Generator().manual_seed(0))


def draw(control, x: torch.Tensor, n: int, **given) -> np.ndarray:
    """Synthetic windows (K, n, F) of one member."""
    y = torch.from_numpy(balanced_labels(len(x), CLASSES))
    asked = torch.from_numpy(balanced_labels(CLASSES * n, CLASSES))
    control.fit(unpadded(x[None], y[None]), **given)
    drawn = control.sample(asked[None], torch.Generator().manual_seed(1))[0].numpy()
    return drawn.reshape(n, CLASSES, -1).swapaxes(0, 1)


def distance_to_segments(points: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Distance (n,) of each point to the nearest segment between two of the ends."""
    nearest = np.full(len(points), np.inf)
    for a, b in itertools.combinations(ends.astype(np.float64), 2):
        share = np.clip((points - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
        nearest = np.minimum(nearest, np.linalg.norm(points - a - share[:, None] * (b - a), axis=1))
    return nearest


def test_duplicates_are_real_windows_of_the_class_drawn_equally_often(x):
    for label, drawn in enumerate(draw(Duplicate(name="duplicate"), x, 2000)):
        equal = (drawn[:, None] == x[label::CLASSES].numpy()).all(2)
        assert (equal.sum(1) == 1).all()
        assert stats.chisquare(equal.sum(0)).pvalue > 1e-3


@pytest.mark.parametrize("strength", [0.05, 0.2])
def test_noise_is_gaussian_of_the_given_spread_around_real_windows_of_the_class(strength, x):
    far = x + 100 * torch.arange(30)[:, None]  # so far apart that each synthetic window tells where it comes from
    for label, drawn in enumerate(draw(Noise(name="noise", strength=strength), far, 1000)):
        real = far[label::CLASSES].numpy()
        source = np.abs(drawn[:, None] - real).sum(2).argmin(1)
        assert set(source) == set(range(len(real)))
        noise = (drawn - real[source]) / strength
        assert stats.kstest(noise.ravel(), "norm").pvalue > 1e-3
        np.testing.assert_allclose(np.cov(noise.T), np.eye(12), atol=0.15)


def test_mixtures_lie_between_two_windows_of_the_class(x):
    for label, drawn in enumerate(draw(Mixup(name="mixup", strength=1.0), x, 200)):
        assert distance_to_segments(drawn, x[label::CLASSES].numpy()).max() < 1e-6


@pytest.mark.parametrize("strength", [1.0, 3.0])
def test_the_share_of_a_mixture_is_beta_distributed(strength):
    x = torch.arange(2).repeat_interleave(CLASSES)[:, None] * torch.ones(2 * CLASSES, 2)  # every class: 0 and 1
    for drawn in draw(Mixup(name="mixup", strength=strength), x, 2000):
        mixed = drawn[(drawn[:, 0] > 1e-6) & (drawn[:, 0] < 1 - 1e-6), 0]
        assert 900 < len(mixed) < 1100  # the others mix a window with itself
        assert stats.kstest(mixed, stats.beta(strength, strength).cdf).pvalue > 1e-3


def test_smote_stays_on_segments_between_windows_of_the_class(x):
    for label, drawn in enumerate(draw(Smote(name="smote", k_neighbors=5), x, 200)):
        real = x[label::CLASSES].numpy()
        assert distance_to_segments(drawn, real).max() < 1e-6
        assert not (drawn[:, None] == real).all(2).any(1).all()


def test_smote_goes_towards_the_nearest_neighbours_alone(x):
    for label, drawn in enumerate(draw(Smote(name="smote", k_neighbors=1), x, 200)):
        real = x[label::CLASSES].numpy()
        apart = np.linalg.norm(real[:, None] - real, axis=2) + np.diag([np.inf] * len(real))
        pairs = [real[[i, j]] for i, j in enumerate(apart.argmin(1))]
        assert np.min([distance_to_segments(drawn, pair) for pair in pairs], axis=0).max() < 1e-6


def test_smote_takes_all_neighbours_of_a_class_that_has_fewer(x):
    few = x[:6]  # two of each class
    for label, drawn in enumerate(draw(Smote(name="smote", k_neighbors=5), few, 20)):
        assert distance_to_segments(drawn, few[label::CLASSES].numpy()).max() < 1e-6


def test_smote_refuses_a_class_of_one_window(x):
    with pytest.raises(ValueError, match=r"model=smote draws from at least 2 training windows .* got 1 of class 0"):
        draw(Smote(name="smote", k_neighbors=5), x[:3], 20)


def test_smote_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"model=smote needs imbalanced-learn: pip install 'emogan\[imblearn\]'"):
        Smote(name="smote", k_neighbors=5)


def layout(names, **modalities) -> Layout:
    return Layout(tuple(names), modalities)


BAND_MAJOR = [f"{channel}_{band}" for band in ("alpha", "beta") for channel in ("FP1", "CZ", "O2")]
CHANNEL_MAJOR = [f"{channel}_{band}" for channel in ("FP1", "CZ", "O2") for band in ("alpha", "beta")]
EYE = [f"pupil_{i}" for i in range(4)]
CASES = {
    "two bands, eye and others": (
        layout([*CHANNEL_MAJOR, *EYE, "age", "pulse"], eeg=slice(0, 6), eye=slice(6, 10)),
        [[0, 2, 4], [1, 3, 5], [6, 7, 8, 9], [10, 11]],
    ),
    "eye first": (
        layout([*EYE, *BAND_MAJOR, "age", "pulse"], eye=slice(0, 4), eeg=slice(4, 10)),
        [[4, 5, 6], [7, 8, 9], [0, 1, 2, 3], [10, 11]],
    ),
    "names without bands": (
        layout([f"a{i}" for i in range(12)], eeg=slice(0, 1), eye=slice(1, 12)), [[0], list(range(1, 12))]
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_block_comes_unchanged_from_another_window_of_the_class(case, x):
    given, blocks = CASES[case]
    for label, drawn in enumerate(draw(Recombination(name="recombination"), x, 300, layout=given)):
        real = x[label::CLASSES].numpy()
        equal = np.stack([(drawn[:, None, block] == real[:, block]).all(2) for block in blocks])
        assert (equal.sum(2) == 1).all()
        source = equal.argmax(2)
        for one, other in itertools.combinations(source, 2):
            assert (one != other).all()
        assert all(set(block) == set(range(len(real))) for block in source)


def test_a_class_with_fewer_windows_than_blocks_is_recombined_all_the_same(x):
    given, blocks = CASES["two bands, eye and others"]
    few = x[:6]
    for label, drawn in enumerate(draw(Recombination(name="recombination"), few, 50, layout=given)):
        for block in blocks:
            assert (drawn[:, None, block] == few[label::CLASSES].numpy()[:, block]).all(2).any(1).all()


def test_one_block_alone_cannot_be_recombined(x):
    alone = layout([f"pupil_{i}" for i in range(12)], eye=slice(0, 12))
    with pytest.raises(ValueError, match=r"model=recombination recombines blocks .* needs two at least, got one"):
        draw(Recombination(name="recombination"), x, 5, layout=alone)
