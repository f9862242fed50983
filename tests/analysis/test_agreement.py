"""Agreement of synthetic with held-out windows: closed forms, and what cannot be told."""

import math

import pytest
import torch

from emogan.analysis.agreement import agreement, scatter, spread


def grouped(means, sd=1.0, n=4000, features=3):
    """Windows (K, n, F) about the means, which lie along the first feature."""
    random = torch.Generator().manual_seed(0)
    windows = torch.randn(len(means), n, features, generator=random, dtype=torch.float64) * sd
    windows[..., 0] += torch.tensor(means, dtype=torch.float64)[:, None]
    return windows


def compared(real, synthetic):
    y = torch.arange(len(real)).repeat_interleave(real.shape[1])
    return agreement(real.flatten(0, 1), y, synthetic.mean(1), spread(synthetic))


def test_windows_agree_with_themselves():
    real = grouped([0, 3, 6])
    assert compared(real, real) == pytest.approx({"mean_error": 0, "separation": 1, "spread": 1})


def test_each_figure_has_its_closed_form():
    real = grouped([0, 3, 6])
    assert float(scatter(real.mean(1))) == pytest.approx(math.sqrt(6), rel=0.02)
    assert float(spread(real)[0]) == pytest.approx(math.sqrt(3), rel=0.02)
    moved = compared(real, real + 2)  # by 2 in each of 3 features
    assert moved["mean_error"] == pytest.approx(math.sqrt(12 / 6), rel=0.02)
    assert (moved["separation"], moved["spread"]) == pytest.approx((1, 1))
    ignored = compared(real, real[[1, 1, 1]])
    assert (ignored["mean_error"], ignored["separation"]) == pytest.approx((1, 0), abs=1e-3)
    centred = real - real.mean(1, keepdim=True)
    collapsed = compared(real, real.mean(1, keepdim=True) + centred * torch.tensor([1.0, 0.1, 1.0])[:, None, None])
    assert collapsed["spread"] == pytest.approx(0.1)
    assert collapsed["mean_error"] == pytest.approx(0, abs=1e-9)


def test_a_class_without_held_out_windows_counts_nowhere():
    real, synthetic = grouped([0, 3, 6]), grouped([0, 3, 100])
    x, y = real[:2].flatten(0, 1), torch.arange(2).repeat_interleave(real.shape[1])
    found = agreement(x, y, synthetic.mean(1), spread(synthetic))
    assert found == pytest.approx(compared(real[:2], synthetic[:2]))
    assert set(agreement(x[:1], y[:1], synthetic.mean(1), spread(synthetic))) == set()
    assert set(agreement(x[:9], y[:9], synthetic.mean(1), spread(synthetic))) == {"spread"}


def test_windows_that_are_not_finite_are_told():
    real = grouped([0, 3, 6], n=9)
    found = compared(real, real * torch.nan)
    assert set(found) == {"mean_error", "separation", "spread"}
    assert all(math.isnan(value) for value in found.values())
