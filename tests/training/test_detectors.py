"""Detectors on constructed windows: each fires on its own trouble, and none on windows like the real ones."""

import numpy as np
import pytest
import torch

from emogan.analysis.quality import Pair, spread_ratio
from emogan.training.detectors import DETECTORS, Real, balance, findings, lasting, measure, messages
from emogan.wording import Wording

CLASSES, FEATURES = 3, 6
MEANS = torch.randn(CLASSES, 1, FEATURES, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def draw(seed: int, n: int) -> torch.Tensor:
    """Windows (K, n, F) about the class means, the same noise for all classes."""
    return MEANS + torch.randn(n, FEATURES, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture
def windows():
    """Real windows (N, F) and their labels, synthetic windows like them, and those of the untrained generator."""
    return draw(1, 200).flatten(0, 1), torch.arange(CLASSES).repeat_interleave(200), draw(2, 64), draw(3, 64) / 5


def figures(x, y, synthetic, begun):
    return measure(Real.of(x, y, CLASSES), synthetic[None], begun[None])[0]


def test_windows_like_the_real_ones_are_no_trouble(windows):
    found = figures(*windows) | balance(torch.linspace(0, 0.1, 100))
    assert {"spread", "separation", "mean_error", "reach", "moved", "k_at_0", "k_at_1"} == set(found)
    assert findings(found) == {}


def collapsed(x, y, synthetic, begun):
    synthetic[1] = MEANS[1] + 0.4 * (synthetic[1] - MEANS[1])  # one class alone
    return x, y, synthetic, begun


def same_for_all_labels(x, y, synthetic, begun):
    return x, y, synthetic[:1].repeat(CLASSES, 1, 1), begun


def far_out(x, y, synthetic, begun):
    return x, y, synthetic + 40, begun


def too_wide_within_the_range(x, y, synthetic, begun):
    x[::200] += 15  # a stray window of each class
    return x, y, MEANS + 5 * (synthetic - MEANS), begun


def not_finite(x, y, synthetic, begun):
    synthetic[2, 5, 3] = torch.nan
    return x, y, synthetic, begun


def as_at_first(x, y, synthetic, begun):
    return x, y, synthetic, synthetic + 0.001


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (collapsed, "collapse"),
        (same_for_all_labels, "label ignored"),
        (far_out, "exploding generator"),
        (too_wide_within_the_range, "exploding generator"),
        (not_finite, "exploding generator"),
        (as_at_first, "frozen generator"),
    ],
)
def test_each_detector_fires_on_its_own_trouble(windows, spoil, kind):
    assert set(findings(figures(*spoil(*windows)))) == {kind}


@pytest.mark.parametrize(
    ("k", "kinds"),
    [
        (torch.zeros(100), {"k_t held at 0"}),
        (torch.ones(101), {"k_t held at 1"}),
        (torch.cat([torch.zeros(50), torch.full((50,), 1e-4)]), set()),  # 0 early is normal
        (torch.cat([torch.full((50,), 0.3), torch.zeros(50)]), {"k_t held at 0"}),
        (torch.cat([torch.ones(99), torch.full((1,), 0.99)]), set()),
    ],
)
def test_k_is_held_if_it_leaves_its_bound_in_no_iteration_of_the_last_half(k, kinds):
    assert set(findings(balance(k))) == kinds


def test_figures_are_those_of_numpy_and_of_the_quality_measures(windows):
    x, y, synthetic, begun = windows
    found = figures(*windows)
    real, drawn, before = x.numpy(), synthetic.numpy(), begun.numpy()
    ratios = [spread_ratio(Pair(real[y == k], drawn[k])) for k in range(CLASSES)]
    assert found["spread"] == pytest.approx(min(ratios))

    def apart(groups):
        means = np.stack([group.mean(0) for group in groups])
        return np.sqrt(means.var(0).sum())

    assert found["separation"] == pytest.approx(apart(drawn) / apart([real[y == k] for k in range(CLASSES)]))
    wrong = drawn.mean(1) - np.stack([real[y == k].mean(0) for k in range(CLASSES)])
    error = np.sqrt((wrong**2).sum(1).mean()) / apart([real[y == k] for k in range(CLASSES)])
    assert found["mean_error"] == pytest.approx(error)
    middle, half = (real.max(0) + real.min(0)) / 2, np.ptp(real, axis=0) / 2
    assert found["reach"] == pytest.approx(max(np.sqrt((((drawn - middle) / half) ** 2).mean()), *ratios))
    moved = np.mean([np.sum((drawn[k, i] - before[k, i]) ** 2) for k in range(CLASSES) for i in range(64)])
    spread = np.mean([real[y == k].var(0, ddof=1).sum() for k in range(CLASSES)])
    assert found["moved"] == pytest.approx(np.sqrt(moved / spread))


def test_other_units_change_no_figure(windows):
    x, y, synthetic, begun = windows
    moved = figures(*(3 * one - 7 if one is not y else y for one in (x, y, synthetic, begun)))
    assert moved == pytest.approx(figures(x, y, synthetic, begun))


def test_a_feature_that_is_constant_in_the_real_windows_is_no_explosion(windows):
    x, y, synthetic, begun = windows
    x[:, 2] = 0
    assert findings(figures(x, y, synthetic, begun)) == {}


def test_classes_without_two_windows_are_left_out(windows):
    x, y, synthetic, begun = windows
    few = (y == 0) | (torch.arange(len(y)) == 250)  # all of class 0, one of class 1, none of class 2
    found = figures(x[few], y[few], synthetic, begun)
    own = measure(Real.of(x[y == 0], y[y == 0], 1), synthetic[None, :1], begun[None, :1])[0]
    assert found["spread"] == own["spread"]
    one_class = figures(x[y == 0], y[y == 0], synthetic, begun)
    assert "separation" not in one_class
    assert "spread" in one_class
    nothing = figures(x[:1], y[:1], synthetic, begun)
    assert nothing == {}
    assert findings(nothing) == {}


def test_a_message_tells_how_many_gans_the_range_and_what_to_try():
    seen = [{"spread": value, "separation": 1.0, "k_at_0": 1.0} for value in (0.04, 0.7, 0.1)]
    (told,) = messages(seen, "cbegan", "after training").values()  # k_t at 0 is told in the report alone
    assert told.startswith(
        "collapse in 2 of 3 generators of cbegan after training: the within-class spread of synthetic windows is 0.04 to "
        "0.1 of the real one. "
    )
    assert "try model=trial_cbegan" in told
    assert messages(seen[1:2], "cbegan", "after training") == {}
    assert "is 0.04 of the" in messages(seen[:1], "cbegan", "after training")["collapse"]


def test_what_may_still_recover_is_told_only_if_it_is_far_beyond_its_limit():
    assert set(messages([{"spread": 0.3, "reach": 5.0}], "gan", "")) == {"collapse", "exploding generator"}
    assert lasting([{"spread": 0.3, "reach": 5.0}] * 3) == []
    assert [one.kind for one in lasting([{"spread": 0.24, "reach": 5.0, "separation": 0.0}])] == ["collapse"]
    beyond = [{"spread": 0.3, "reach": 6.5, "moved": 0.0}, {"spread": 0.3, "reach": 4.0, "moved": 0.0}]
    assert [one.kind for one in lasting(beyond)] == ["exploding generator"]
    assert "in 2 of 2 generators" in messages(beyond, "gan", "", lasting(beyond))["exploding generator"]


def test_every_detector_says_what_to_try():
    for one in DETECTORS:
        assert "model." in one.advice(Wording())
        assert one.seen.count("{}") == 1
