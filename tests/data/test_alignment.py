"""Alignments: into shared units and back, with features that do not vary."""

import numpy as np
import pytest

from emogan.data.alignment import ALIGNMENTS


def windows(n: int = 200, seed: int = 0) -> np.ndarray:
    """Correlated features of very different scales, the last of them constant."""
    random = np.random.default_rng(seed)
    mixing = np.eye(5) + 0.3 * random.normal(size=(5, 5))
    x = random.normal(size=(n, 5)) @ mixing * [1e-3, 1, 1, 100, 1e4] + [0, 5, -5, 0, 1e6]
    return np.column_stack([x, np.full(n, 7.5)]).astype(np.float32)


@pytest.mark.parametrize("name", ALIGNMENTS)
def test_the_inverse_takes_windows_back(name):
    x = windows()
    one = ALIGNMENTS[name].fit(x)
    other = windows(50, seed=1)
    other[:, -1] = 7.5
    np.testing.assert_allclose(one.inverse(one.transform(other)), other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ALIGNMENTS)
def test_a_feature_that_does_not_vary_becomes_the_targets_constant(name):
    donor, target = windows(), windows(seed=1)
    target[:, -1] = -3
    made = ALIGNMENTS[name].fit(target).inverse(ALIGNMENTS[name].fit(donor).transform(donor))
    np.testing.assert_allclose(made[:, -1], 7.5 if name == "none" else -3, rtol=1e-5)


def test_a_donor_gets_the_targets_means_and_spreads():
    donor, target = windows(), windows(seed=1)[:, ::-1]
    aligned = ALIGNMENTS["z_score"].fit(target).inverse(ALIGNMENTS["z_score"].fit(donor).transform(donor))
    np.testing.assert_allclose(aligned.mean(0)[1:-1], target.astype(np.float64).mean(0)[1:-1], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(aligned.std(0)[1:-1], target.astype(np.float64).std(0)[1:-1], rtol=1e-6)
    limits = ALIGNMENTS["min_max"].fit(target).inverse(ALIGNMENTS["min_max"].fit(donor).transform(donor))
    np.testing.assert_allclose(limits.max(0)[1:-1], target.max(0)[1:-1], rtol=1e-5)


def test_covariances_become_the_targets_up_to_the_shrinkage():
    donor, target = windows(20_000)[:, :5], windows(20_000, seed=1)[:, :5]
    kind = ALIGNMENTS["covariance"]
    made = kind.fit(target).inverse(kind.fit(donor).transform(donor))
    np.testing.assert_allclose(np.corrcoef(made.T), np.corrcoef(target.T.astype(np.float64)), atol=0.02)
    whitened = kind.fit(donor).transform(donor)
    np.testing.assert_allclose(np.cov(whitened.T), np.eye(5), atol=0.02)


def test_windows_that_are_all_alike_have_no_covariance():
    with pytest.raises(ValueError, match=r"takes features that vary, got 9 windows all alike"):
        ALIGNMENTS["covariance"].fit(np.ones((9, 3), dtype=np.float32))
