"""Measures of sample quality against closed forms, loops and invariances."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.linalg import sqrtm

from emogan.analysis import quality
from emogan.analysis.quality import METRICS, NEIGHBOURS, Pair, assess

NAMES = ("negative", "neutral", "positive")
UNGROUPED = [name for name in METRICS if name != "two_sample_auc"]


def windows(seed, n=60, features=5, scale=1.0, shift=0.0):
    return np.random.default_rng(seed).normal(size=(n, features)) * scale + shift


def exactly(n, mean, covariance, seed):
    """n windows whose sample mean and covariance are the given ones."""
    z = windows(seed, n, len(mean))
    z = np.linalg.qr(z - z.mean(0))[0] * np.sqrt(n - 1)
    return mean + z @ np.linalg.cholesky(covariance).T


def covariance(seed, features=4):
    a = windows(seed, features, features)
    return a @ a.T + 0.1 * np.eye(features)


def grouped(real, synthetic, trials=6):
    groups = (np.arange(len(x)) % trials for x in (real, synthetic))
    return Pair(real, synthetic, *groups)


def training(seed, trials=4, length=30, features=6, trial_effect=0.3, classes=3):
    """Scaled windows, labels and trials with an offset for each trial, as training sets have."""
    random = np.random.default_rng(seed)
    trial = np.repeat(np.arange(trials * classes), length)
    x = (
        random.normal(size=(len(trial), features))
        + trial_effect * random.normal(size=(trials * classes, features))[trial]
    )
    return x, trial % classes, trial


def table(found, column="value"):
    return found.pivot(index="metric", columns="class", values=column)


def test_spread_of_a_scaled_copy_is_its_scale():
    x = windows(0)
    assert quality.spread_ratio(Pair(x, 0.3 * x + 2)) == pytest.approx(0.3)
    assert np.isnan(quality.spread_ratio(Pair(np.full((9, 3), 0.1), x[:, :3])))


def test_correlation_distance_depends_on_correlation_alone():
    x = windows(0) @ covariance(1, 5)
    assert quality.correlation_distance(Pair(x, x * [1, 2, 3, 4, 5] + 7)) == pytest.approx(0, abs=1e-12)


def test_correlation_distance_of_known_matrices():
    a, b = np.array([[1, 0.8], [0.8, 1]]), np.array([[1, -0.5], [-0.5, 1]])
    pair = Pair(exactly(30, [0, 0], a, 0), exactly(40, [1, 1], b, 1))
    expected = 1 - (2 - 2 * 0.4) / np.sqrt((2 + 2 * 0.64) * (2 + 2 * 0.25))
    assert quality.correlation_distance(pair) == pytest.approx(expected)


def test_features_constant_on_one_side_have_no_part_in_the_correlation():
    x, y = windows(0), windows(1)
    without = quality.correlation_distance(Pair(x[:, 1:], y[:, 1:]))
    y[:, 0] = 0.1
    assert quality.correlation_distance(Pair(x, y)) == pytest.approx(without)
    assert np.isnan(quality.correlation_distance(Pair(x[:, :2], y[:, :2])))


def test_frechet_distance_is_the_closed_form_of_two_gaussians():
    means, covariances = windows(2, 2, 4), [covariance(3), covariance(4)]
    pair = Pair(*(exactly(n, m, s, n) for n, m, s in zip((20, 30), means, covariances, strict=True)))
    root = sqrtm(covariances[0] @ covariances[1]).real
    expected = ((means[0] - means[1]) ** 2).sum() + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert quality.frechet_distance(pair) == pytest.approx(expected)


def test_frechet_distance_with_fewer_windows_than_features_is_that_of_their_covariances():
    real, synthetic = windows(0, 6, 20), windows(1, 9, 20, scale=2)
    first, second = (np.cov(x, rowvar=False) for x in (real, synthetic))
    values, vectors = np.linalg.eigh(first)
    half = vectors * np.sqrt(values.clip(0)) @ vectors.T
    root = np.sqrt(np.linalg.eigvalsh(half @ second @ half).clip(0)).sum()
    expected = ((real.mean(0) - synthetic.mean(0)) ** 2).sum() + np.trace(first + second) - 2 * root
    assert quality.frechet_distance(Pair(real, synthetic)) == pytest.approx(expected)


def test_mmd_is_the_unbiased_sum_over_pairs():
    x, y = windows(0, 12), windows(1, 9, shift=0.5)
    lengths = [np.linalg.norm(a - b) for i, a in enumerate(x) for b in x[:i]]
    kernel = lambda a, b: np.exp(-(((a - b) ** 2).sum()) / (2 * np.median(lengths) ** 2))  # noqa: E731
    within_x = np.mean([kernel(x[i], x[j]) for i in range(12) for j in range(12) if i != j])
    within_y = np.mean([kernel(y[i], y[j]) for i in range(9) for j in range(9) if i != j])
    across = np.mean([kernel(a, b) for a in x for b in y])
    assert quality.mmd(Pair(x, y)) == pytest.approx(within_x + within_y - 2 * across)


def test_precision_recall_density_and_coverage_are_those_of_a_loop():
    real, synthetic = windows(0, 40, 2), windows(1, 30, 2, scale=1.4, shift=0.4)

    def radius(points, i):
        return sorted(np.linalg.norm(points[i] - p) for j, p in enumerate(points) if j != i)[NEIGHBOURS - 1]

    of_real = [radius(real, i) for i in range(40)]
    of_synthetic = [radius(synthetic, j) for j in range(30)]
    distance = [[np.linalg.norm(a - b) for b in synthetic] for a in real]
    balls = [sum(distance[i][j] <= of_real[i] for i in range(40)) for j in range(30)]
    pair = Pair(real, synthetic)
    assert quality.precision(pair) == pytest.approx(np.mean([b > 0 for b in balls]))
    assert quality.density(pair) == pytest.approx(np.mean(balls) / NEIGHBOURS)
    assert quality.coverage(pair) == pytest.approx(np.mean([min(distance[i]) <= of_real[i] for i in range(40)]))
    caught = [any(distance[i][j] <= of_synthetic[j] for j in range(30)) for i in range(40)]
    assert quality.recall(pair) == pytest.approx(np.mean(caught))


def test_copies_of_repeated_windows_are_covered_though_their_balls_have_no_radius():
    x = np.repeat(windows(0, 4), NEIGHBOURS + 1, axis=0)
    assert quality.coverage(Pair(x, x)) == quality.precision(Pair(x, x)) == quality.recall(Pair(x, x)) == 1


@pytest.mark.parametrize(
    "synthetic",
    [windows(1, 120, 8, shift=2), windows(1, 120, 8, scale=0.3), windows(1, 120, 8) @ covariance(0, 8)],
    ids=["mean", "spread", "correlation"],
)
def test_classifier_tells_another_distribution(synthetic):
    assert quality.two_sample_auc(grouped(windows(0, 120, 8), synthetic)) > 0.9


def test_classifier_cannot_tell_equal_distributions():
    values = [quality.two_sample_auc(grouped(windows(2 * i, 60), windows(2 * i + 1, 60))) for i in range(8)]
    assert np.mean(values) == pytest.approx(0.5, abs=0.06)


def test_classifier_does_not_recognise_the_trials_it_has_seen():
    """Trials alone tell A's windows from B's where windows of one trial stand on both sides of a split."""
    grouped_by_trial, by_window = [], []
    for seed in range(6):
        x, _, trial = training(seed, trials=12, length=10, trial_effect=5, classes=1)
        sides = trial < 6, trial >= 6
        real, other = (x[side] for side in sides)
        grouped_by_trial.append(quality.two_sample_auc(Pair(real, other, *(trial[side] for side in sides))))
        by_window.append(quality.two_sample_auc(grouped(real, other)))
    assert np.mean(grouped_by_trial) == pytest.approx(0.5, abs=0.15)
    assert np.mean(by_window) > 0.9


def test_windows_on_a_line_between_the_trials_are_told_from_those_of_a_new_trial():
    x, _, trial = training(0, trials=6, trial_effect=5, classes=1)
    line = x.mean(0) + np.linspace(-1, 1, len(x))[:, None] * np.random.default_rng(0).normal(size=x.shape[1])
    assert quality.two_sample_auc(Pair(x, line, trial, np.arange(len(x)) % 6)) > 0.9


def test_copies_of_held_out_trials_bring_the_classifier_below_chance():
    x, _, trial = training(0, trials=6, trial_effect=3, classes=1)
    copies = x[np.random.default_rng(0).permutation(len(x))]
    assert quality.two_sample_auc(Pair(x, copies, trial, np.arange(len(x)) % 6)) < 0.4


def test_classifier_finds_noise_in_directions_in_which_real_windows_hardly_vary():
    random = np.random.default_rng(0)
    real, synthetic = (windows(seed, 200, 3) @ windows(2, 3, 30) for seed in (0, 1))
    pair = grouped(real + 0.2 * random.normal(size=real.shape), synthetic + 0.4 * random.normal(size=real.shape))
    assert quality.two_sample_auc(pair) > 0.9


def test_classifier_weighs_both_sides_equally():
    assert quality.two_sample_auc(grouped(windows(0, 200), windows(1, 20, shift=0.7), trials=5)) > 0.75


def test_classifier_cannot_tell_constant_windows():
    assert quality.two_sample_auc(grouped(np.ones((20, 3)), np.ones((20, 3)))) == 0.5


def test_memorised_windows_lie_at_exactly_zero_from_the_closest_record():
    real = windows(0, 80, 351)
    assert quality.closest_record(Pair(real, real[np.random.default_rng(0).integers(0, 80, 50)])) == 0
    fresh = windows(1, 50, 351)
    nearest = [min(np.linalg.norm(a - b) for b in real) for a in fresh]
    assert quality.closest_record(Pair(real, fresh)) == pytest.approx(np.median(nearest))


@pytest.mark.parametrize("name", METRICS)
def test_neither_the_order_of_windows_nor_a_common_shift_changes_a_measure(name):
    real, synthetic, measure = windows(0, 60), windows(1, 50, scale=1.3), METRICS[name].function
    groups, random = [np.arange(n) % 4 for n in (60, 50)], np.random.default_rng(0)
    expected = measure(Pair(real, synthetic, *groups))
    rows, columns = random.permutation(60), random.permutation(50)
    shuffled = Pair(real[rows], synthetic[columns], groups[0][rows], groups[1][columns])
    assert measure(shuffled) == pytest.approx(expected, abs=1e-9)
    assert measure(Pair(real + 0.5, synthetic + 0.5, *groups)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", UNGROUPED)
def test_too_few_windows_give_no_number(name):
    none, one = np.empty((0, 3)), windows(0, 1, 3)
    assert np.isnan(METRICS[name].function(Pair(windows(1, 20, 3), none)))
    if name != "closest_record":
        assert np.isnan(METRICS[name].function(Pair(windows(1, 20, 3), one)))


@pytest.mark.parametrize("name", ["precision", "recall", "density", "coverage"])
def test_neighbours_need_more_windows_than_there_are_neighbours(name):
    real, few, enough = windows(0, 20), windows(1, NEIGHBOURS), windows(1, NEIGHBOURS + 1)
    assert np.isnan([METRICS[name].function(pair) for pair in (Pair(real, few), Pair(few, real))]).all()
    assert np.isfinite(METRICS[name].function(Pair(real, enough)))


@pytest.mark.parametrize("lengths", [[40, 40], [59, 42, 66, 50], [30, 10, 10, 10, 10], [100, 1, 1, 1], [9] * 15])
def test_halves_are_whole_trials_as_equal_as_may_be(lengths):
    trial = np.repeat(np.arange(len(lengths)) + 3, lengths)
    first, second = quality.halves(trial, np.random.default_rng(0))
    assert sorted([*first, *second]) == list(range(len(trial)))
    assert not set(trial[first]) & set(trial[second])
    assert abs(len(set(trial[first])) - len(set(trial[second]))) <= 1
    # in twos of about equal length, the difference never grows beyond the longest trial
    assert abs(len(first) - len(second)) <= max(lengths)
    if lengths == [59, 42, 66, 50]:
        assert sorted([len(first), len(second)]) == [66 + 42, 59 + 50]


def test_halves_of_equally_long_trials_depend_on_the_seed():
    trial = np.repeat(np.arange(10), 5)
    splits = [set(trial[quality.halves(trial, np.random.default_rng(seed))[0]]) for seed in range(5)]
    assert any(a != b for a, b in pairwise(splits))


@pytest.mark.parametrize("compared", [quality.by_halves, quality.by_trials])
@pytest.mark.parametrize("n_synthetic", [7, 500])
def test_value_and_reference_compare_equally_many_windows_of_disjoint_trials(compared, n_synthetic):
    trial = np.repeat(np.arange(5), [20, 30, 40, 50, 60])
    real = np.column_stack([np.arange(200.0), trial])
    values, references = compared(real, trial, np.full((n_synthetic, 2), -1.0), np.random.default_rng(0))
    assert len(values) == len(references) > 1
    for value, reference in zip(values, references, strict=True):
        assert value.real.tolist() == reference.real.tolist()
        assert value.synthetic.shape == reference.synthetic.shape
        assert not set(reference.real[:, 1]) & set(reference.synthetic[:, 1])
        assert (value.synthetic == -1).all()
    if n_synthetic == 500:
        assert sum(len(pair.synthetic) for pair in references) == 200


def test_two_sample_test_deals_as_many_synthetic_windows_into_as_many_groups():
    trial = np.repeat(np.arange(5), 8)
    (value,), (reference,) = quality.by_groups(windows(0, 40), trial, windows(1, 90), np.random.default_rng(0))
    assert np.bincount(value.synthetic_group).tolist() == [8] * 5
    assert len(np.unique(value.synthetic, axis=0)) == 40
    assert sorted({*reference.real_group, *reference.synthetic_group}) == list(range(5))
    for pair_side, groups in ((value.real, value.real_group), (reference.real, reference.real_group)):
        np.testing.assert_array_equal(
            [trial[np.flatnonzero((windows(0, 40) == row).all(1))[0]] for row in pair_side], groups
        )


def test_long_training_sets_are_thinned():
    trial = np.arange(3000) // 100
    for compared in (quality.by_halves, quality.by_groups):
        pairs = [
            p
            for found in compared(np.zeros((3000, 1)), trial, np.zeros((3000, 1)), np.random.default_rng(0))
            for p in found
        ]
        assert {len(x) for pair in pairs for x in (pair.real, pair.synthetic)} == {quality.MOST}


def test_windows_from_the_same_trials_distribution_have_values_like_the_references():
    found = []
    for seed in range(6):
        x, y, trial = training(seed, trials=12, length=12)
        new, labels, _ = training(seed + 100, trials=12, length=12)
        found.append(assess(x, y, trial, new, labels, NAMES, np.random.default_rng(seed)))
    value, reference = (np.mean([table(f, column) for f in found], axis=(0, 2)) for column in ("value", "reference"))
    spread = np.std([table(f, "value") for f in found], axis=(0, 2))
    assert (np.abs(value - reference) < spread).all()


def test_copies_are_told_by_the_closest_record_and_shrunk_windows_by_their_spread():
    x, y, trial = training(0)
    copies = table(assess(x, y, trial, x, y, NAMES, np.random.default_rng(0)))
    assert (copies.loc["closest_record"] == 0).all()
    shrunk = table(assess(x, y, trial, 0.2 * x, y, NAMES, np.random.default_rng(0)))
    assert (shrunk.loc["spread_ratio"] < 0.3).all()
    assert (shrunk.loc["two_sample_auc"] > 0.8).all()


def test_each_class_and_metric_has_a_row_and_the_seed_decides():
    x, y, trial = training(0)
    x = x.astype(np.float32)  # as jobs give them
    new = windows(1, 90, 6).astype(np.float32)
    labels = np.arange(90) % 3
    first, again, other = (assess(x, y, trial, new, labels, NAMES, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert list(first.columns) == ["class", "metric", "value", "reference"]
    assert list(zip(first["class"], first.metric, strict=True)) == [(c, m) for c in NAMES for m in METRICS]
    assert first.value.dtype == first.reference.dtype == np.float64
    assert np.isfinite(first[["value", "reference"]]).all(axis=None)
    assert first.equals(again)
    assert not first.equals(other)


@pytest.mark.parametrize("trials", [1, 2, 4])
def test_too_few_trials_give_no_reference(trials):
    x, y, trial = training(0, trials=trials)
    found = assess(x, y, trial, x, y, NAMES, np.random.default_rng(0)).groupby("metric")[["value", "reference"]]
    known = found.agg(lambda column: column.notna().all())
    plain, two_sample = known.drop("two_sample_auc"), known.loc["two_sample_auc"]
    assert (plain == (trials >= 2)).all(axis=None)
    assert (two_sample.value, two_sample.reference) == (trials >= 2, trials >= 4)


def test_a_class_without_synthetic_windows_has_no_numbers():
    x, y, trial = training(0)
    found = assess(x, y, trial, x[y < 2], y[y < 2], NAMES, np.random.default_rng(0))
    assert found.value[found["class"] == "positive"].isna().all()
    assert found.value[found["class"] != "positive"].notna().all()


def test_other_features_and_missing_values_are_refused():
    x, y, trial = training(0)
    with pytest.raises(ValueError, match=r"same features, got \(360, 6\) and \(360, 5\)"):
        assess(x, y, trial, x[:, :5], y, NAMES, np.random.default_rng(0))
    with pytest.raises(ValueError, match="the synthetic windows hold NaN"):
        assess(x, y, trial, np.full_like(x, np.nan), y, NAMES, np.random.default_rng(0))
