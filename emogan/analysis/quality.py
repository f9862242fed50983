"""How much synthetic windows are like real ones of their class: ten measures, each beside real against real.

`assess` splits a class's training trials, whole, into two halves A and B. A measure's value is the mean of A against
synthetic windows and B against synthetic windows; its reference is the mean of A against B and B against A, with as
many windows in the part of the synthetic ones. So both have the bias that a measure has for few windows of many
features, and windows from new trials would have values like the references. Values better than the references are no
merit: those windows lie closer to the trials that the augmenter was fitted on than new trials do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

NEIGHBOURS = 5  # k of precision, recall, density and coverage, as Naeem et al. (2020) recommend
FOLDS = 5  # of the two-sample test and the closest record, or as many as there are trials to fill them
MOST = 500  # windows drawn at random from a longer part: times and memory grow with the square of their number


@dataclass(frozen=True, eq=False)
class Pair:
    """Real windows (n, F) and synthetic ones (m, F) of one class, in scaled units and float64.

    real_group (n,) and synthetic_group (m,) number the trials that the windows come from: the two-sample test needs
    them.
    """

    real: np.ndarray
    synthetic: np.ndarray
    real_group: np.ndarray | None = None
    synthetic_group: np.ndarray | None = None

    # distances are taken from differences, not from products, so that a copy lies at exactly 0

    @cached_property
    def between(self) -> np.ndarray:
        """Euclidean distances (n, m)."""
        return cdist(self.real, self.synthetic)

    @cached_property
    def within_real(self) -> np.ndarray:
        return cdist(self.real, self.real)

    @cached_property
    def within_synthetic(self) -> np.ndarray:
        return cdist(self.synthetic, self.synthetic)

    @property
    def smaller(self) -> int:
        """Number of windows on the side with fewer."""
        return min(len(self.real), len(self.synthetic))


def spread_ratio(pair: Pair) -> float:
    """sqrt(trace cov(synthetic) / trace cov(real)): below 1 where synthetic windows vary too little.

    NaN with fewer than two windows on a side or if the real ones are all equal.
    """
    if pair.smaller < 2 or not np.ptp(pair.real, axis=0).any():
        return np.nan
    return float(np.sqrt(pair.synthetic.var(0, ddof=1).sum() / pair.real.var(0, ddof=1).sum()))


def correlation_distance(pair: Pair) -> float:
    """1 - tr(R_1 R_2) / (|R_1|_F |R_2|_F) of the correlation matrices of features, in [0, 1] (Herdin et al. 2005).

    Features that are constant on either side have no correlation and are left out. NaN if fewer than two features or,
    on a side, two windows are left.
    """
    if pair.smaller < 2:
        return np.nan
    varying = (np.ptp(pair.real, axis=0) > 0) & (np.ptp(pair.synthetic, axis=0) > 0)
    if varying.sum() < 2:
        return np.nan
    first, second = (np.corrcoef(x[:, varying], rowvar=False) for x in (pair.real, pair.synthetic))
    return float(1 - (first * second).sum() / (np.linalg.norm(first) * np.linalg.norm(second)))


def frechet_distance(pair: Pair) -> float:
    """|m_1 - m_2|^2 + tr(S_1 + S_2 - 2 (S_1 S_2)^(1/2)): squared Wasserstein distance of two Gaussians.

    Dowson and Landau (1982); Heusel et al. (2017). With centred windows X / sqrt(n - 1) = A and B, S_1 = A'A and
    S_2 = B'B, the trace of the root is the sum of the singular values of A B', for any rank. In squared scaled units;
    NaN with fewer than two windows on a side.
    """
    if pair.smaller < 2:
        return np.nan
    means = [x.mean(0) for x in (pair.real, pair.synthetic)]
    a, b = ((x - m) / np.sqrt(len(x) - 1) for x, m in zip((pair.real, pair.synthetic), means, strict=True))
    root = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    distance = ((means[0] - means[1]) ** 2).sum() + (a**2).sum() + (b**2).sum() - 2 * root
    return float(max(distance, 0.0))  # equal windows come out at +-1e-14


def bandwidth(within: np.ndarray) -> float:
    """Median distance between two different windows, from the distances (n, n): heuristic of Gretton et al. (2012)."""
    return float(np.median(within[np.triu_indices(len(within), 1)]))


def mmd(pair: Pair) -> float:
    """Unbiased squared maximum mean discrepancy with the kernel exp(-d^2 / (2 s^2)) (Gretton et al. 2012, eq. 3).

    s is the `bandwidth` of the real windows. Unbiased, so about 0 and often negative for equal distributions. NaN with
    fewer than two windows on a side or if s is 0.
    """
    if pair.smaller < 2 or not (width := bandwidth(pair.within_real)):
        return np.nan
    real, synthetic, between = (
        np.exp(-((d / width) ** 2) / 2) for d in (pair.within_real, pair.within_synthetic, pair.between)
    )
    return float(_mean_off_diagonal(real) + _mean_off_diagonal(synthetic) - 2 * between.mean())


def _mean_off_diagonal(kernel: np.ndarray) -> float:
    n = len(kernel)
    return (kernel.sum() - kernel.trace()) / (n * (n - 1))


def radii(within: np.ndarray) -> np.ndarray:
    """Distance (n,) of each window to its `NEIGHBOURS`-th nearest other one, from the distances (n, n)."""
    return np.partition(within, NEIGHBOURS, axis=1)[:, NEIGHBOURS]  # the window itself stands at index 0


def precision(pair: Pair) -> float:
    """Share of synthetic windows within the `radii` of any real one (Kynkäänniemi et al. 2019): are they plausible?

    NaN, as the three measures below, unless both sides have more windows than `NEIGHBOURS`.
    """
    if pair.smaller <= NEIGHBOURS:
        return np.nan
    return float((pair.between <= radii(pair.within_real)[:, None]).any(0).mean())


def recall(pair: Pair) -> float:
    """Share of real windows within the `radii` of any synthetic one (Kynkäänniemi et al. 2019): is all there?"""
    if pair.smaller <= NEIGHBOURS:
        return np.nan
    return float((pair.between <= radii(pair.within_synthetic)).any(1).mean())


def density(pair: Pair) -> float:
    """Real balls of `radii` around a synthetic window, over `NEIGHBOURS` (Naeem et al. 2020).

    Its expectation is 1 for equal distributions; it can exceed 1.
    """
    if pair.smaller <= NEIGHBOURS:
        return np.nan
    return float((pair.between <= radii(pair.within_real)[:, None]).sum(0).mean() / NEIGHBOURS)


def coverage(pair: Pair) -> float:
    """Share of real windows with a synthetic one within their `radii` (Naeem et al. 2020)."""
    if pair.smaller <= NEIGHBOURS:
        return np.nan
    return float((pair.between.min(1) <= radii(pair.within_real)).mean())


def two_sample_auc(pair: Pair) -> float:
    """Area under the ROC curve of a classifier of synthetic against real windows; 0.5: it cannot distinguish them.

    The classifier two-sample test of Lopez-Paz and Oquab (2017), cross-validated over groups, `FOLDS` or as many as the
    side with fewer has, so that windows of one trial never stand on both sides of a split; the mean over folds. The
    area needs no threshold: real windows of a new trial lie far from all others, and a machine that calls them all
    synthetic would be right in half of the cases, whatever the synthetic ones look like.

    The classifier is a support vector machine with a Gaussian kernel (C = 1) on principal components of 99 % of the
    standardised variance, scaled to 1, all fitted on the training side. A linear one is blind to windows that differ in
    spread alone; without components of equal size so is the kernel to noise in directions in which real windows hardly
    vary. Below 0.5, synthetic windows lie around the real training trials more closely than a new trial does: they
    were fitted on them. NaN with fewer than two groups on a side.
    """
    sides = [np.unique(group, return_inverse=True) for group in (pair.real_group, pair.synthetic_group)]
    n_folds = min(FOLDS, *(len(names) for names, _ in sides))
    if n_folds < 2:
        return np.nan
    x = np.concatenate([pair.real, pair.synthetic])
    y = np.repeat([0, 1], [len(pair.real), len(pair.synthetic)])
    fold = np.concatenate([number % n_folds for _, number in sides])
    areas = []
    for k in range(n_folds):
        train, test = fold != k, fold == k
        if not np.ptp(x[train], axis=0).any():  # there is nothing to learn from
            areas.append(0.5)
            continue
        components = PCA(0.99, whiten=True, svd_solver="full")
        classifier = make_pipeline(StandardScaler(), components, SVC(class_weight="balanced"))
        areas.append(roc_auc_score(y[test], classifier.fit(x[train], y[train]).decision_function(x[test])))
    return float(np.mean(areas))


def closest_record(pair: Pair) -> float:
    """Median distance from a synthetic window to the closest real one: 0 where more than half are copies."""
    return float(np.median(pair.between.min(0))) if pair.smaller else np.nan


def drawn(indices: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
    """n of the indices at random, in random order; all if there are fewer."""
    return random.permutation(indices)[:n]


def halves(trial: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Indices of two halves of the windows by their trials (n,); the second is empty for a single trial.

    The trials, in random order, then sorted by length, are dealt in twos: the longer one of two goes to the half that
    is shorter so far. The halves have equally many trials, but for an odd one, and about equally many windows; of more
    than `MOST` these are drawn at random.
    """
    _, number, lengths = np.unique(trial, return_inverse=True, return_counts=True)
    order = random.permutation(len(lengths))
    order = order[np.argsort(-lengths[order], kind="stable")]
    half_of, windows = np.empty(len(lengths), dtype=int), [0, 0]
    for i in range(0, len(order), 2):
        shorter = int(windows[1] < windows[0])
        for t, half in zip(order[i : i + 2], (shorter, 1 - shorter), strict=False):
            half_of[t] = half
            windows[half] += lengths[t]
    first, second = (drawn(np.flatnonzero(half_of[number] == half), MOST, random) for half in (0, 1))
    return first, second


Pairs = tuple[list[Pair], list[Pair]]  # a value is the mean over the former, a reference over the latter


def by_halves(real: np.ndarray, trial: np.ndarray, synthetic: np.ndarray, random: np.random.Generator) -> Pairs:
    """Either half against synthetic windows, and against the other one."""
    first, second = halves(trial, random)
    return _against(real, synthetic, [(first, second), (second, first)] if len(second) else [], random)


def by_trials(real: np.ndarray, trial: np.ndarray, synthetic: np.ndarray, random: np.random.Generator) -> Pairs:
    """All trials but one, each left out in turn, against synthetic windows, and against the one that is left out.

    More than `FOLDS` trials are divided into `FOLDS` groups, which are left out in turn.
    """
    names, number = np.unique(trial, return_inverse=True)
    fold = (random.permutation(len(names)) % FOLDS)[number]
    splits = [
        (np.flatnonzero(fold != k), drawn(np.flatnonzero(fold == k), MOST, random))
        for k in range(min(FOLDS, len(names)))
    ]
    return _against(real, synthetic, splits if len(splits) > 1 else [], random)


def _against(real, synthetic, splits, random) -> Pairs:
    """The first part of each split against synthetic windows, and against as many of its second part."""
    values, references = [], []
    for part, other in splits:
        n = min(len(other), len(synthetic))
        values.append(Pair(real[part], synthetic[drawn(np.arange(len(synthetic)), n, random)]))
        references.append(Pair(real[part], real[drawn(other, n, random)]))
    return values, references


def by_groups(real: np.ndarray, trial: np.ndarray, synthetic: np.ndarray, random: np.random.Generator) -> Pairs:
    """All windows against as many synthetic ones, dealt at random into as many groups as there are trials; two halves.

    A half of four trials would leave the classifier one trial to learn from. The halves are smaller than the whole, but
    what the area is without a difference, 0.5, does not depend on the size.
    """
    kept = drawn(np.arange(len(real)), MOST, random)
    ours = drawn(np.arange(len(synthetic)), len(kept), random)
    groups = np.arange(len(ours)) % max(len(np.unique(trial[kept])), 1)
    first, second = halves(trial, random)
    return (
        [Pair(real[kept], synthetic[ours], trial[kept], groups)],
        [Pair(real[first], real[second], trial[first], trial[second])],
    )


@dataclass(frozen=True)
class Metric:
    """A measure of likeness, what it compares with what, and how a report speaks of it."""

    function: Callable[[Pair], float]
    title: str
    compared: Callable[..., Pairs] = by_halves


METRICS = {
    "spread_ratio": Metric(spread_ratio, "spread ratio"),
    "correlation_distance": Metric(correlation_distance, "correlation distance"),
    "frechet_distance": Metric(frechet_distance, "Fréchet distance"),
    "mmd": Metric(mmd, "squared MMD"),
    "precision": Metric(precision, "precision"),
    "recall": Metric(recall, "recall"),
    "density": Metric(density, "density"),
    "coverage": Metric(coverage, "coverage"),
    "two_sample_auc": Metric(two_sample_auc, "two-sample AUC", by_groups),
    # of copies of all windows only half are copies of one half, but most are of all trials but one
    "closest_record": Metric(closest_record, "closest real window", by_trials),
}


def assess(
    x_real: np.ndarray,
    y_real: np.ndarray,
    trial_real: np.ndarray,
    x_synthetic: np.ndarray,
    y_synthetic: np.ndarray,
    class_names: Sequence[str],
    random: np.random.Generator,
) -> pd.DataFrame:
    """Every metric of every class: value (real against synthetic) and reference (real against real).

    Both are means over the same splits and, but for the two-sample test (`by_groups`), compare equally many windows:
    all of the part held out, or as many as there are synthetic ones if those are fewer, drawn at random. Splits are
    `by_halves`; for the closest record, `by_trials`.

    The reference is NaN where a class has fewer than two training trials (two-sample test: four), and so is the value
    (two-sample test: fewer than two). Both are NaN where there are too few windows for a metric.

    Parameters
    ----------
    x_real, y_real, trial_real
        Training windows (n, F), labels (n,) in 0..K-1 and trial numbers (n,).
    x_synthetic, y_synthetic
        Synthetic windows (m, F) in the same scaled units and their labels (m,).
    class_names
        K names.

    Returns
    -------
    One row per class and metric: class, metric, value, reference.

    Raises
    ------
    ValueError
        If the windows have different features or hold NaN.
    """
    x_real, x_synthetic = np.asarray(x_real, dtype=np.float64), np.asarray(x_synthetic, dtype=np.float64)
    if x_real.shape[1:] != x_synthetic.shape[1:]:
        raise ValueError(f"expected windows of the same features, got {x_real.shape} and {x_synthetic.shape}")
    for name, x in (("real", x_real), ("synthetic", x_synthetic)):
        if not np.isfinite(x).all():
            raise ValueError(f"expected finite features, the {name} windows hold NaN or infinity")
    comparisons = dict.fromkeys(metric.compared for metric in METRICS.values())
    rows = []
    for k, name in enumerate(class_names):
        windows = x_real[y_real == k], trial_real[y_real == k], x_synthetic[y_synthetic == k]
        pairs = {compared: compared(*windows, random) for compared in comparisons}  # they keep their distances
        for metric, m in METRICS.items():
            value, reference = (
                np.mean([m.function(pair) for pair in found]) if found else np.nan for found in pairs[m.compared]
            )
            rows.append((name, metric, value, reference))
    return pd.DataFrame(rows, columns=["class", "metric", "value", "reference"])
