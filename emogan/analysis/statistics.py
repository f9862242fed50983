"""Paired statistics over subjects: means, intervals, tests and the choice of n_aug, from tables of scores.

The subject is the unit of inference: seeds are averaged within a training set, training sets (folds) within an
experiment, experiments (sessions) within a subject, and only then are subjects compared. All functions take frames with
the columns of ``scores.csv``.
"""

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

MODEL = ("dataset", "modality", "model")
CONDITION = (*MODEL, "n_aug")
EXPERIMENT = ("subject", "session")
TRAINING_SET = (*EXPERIMENT, "fold")
RESAMPLES = 9999
DECIMALS = 12  # accuracies that differ by less are equal: they differ by the order of summation


@dataclass(frozen=True)
class Paired:
    """How two sets of paired values, one pair per subject, differ: the first minus the second."""

    subjects: int
    difference: float  # mean
    low: float  # bootstrap 95 % interval of the mean
    high: float
    p: float  # Wilcoxon's signed-rank test, two-sided
    d_z: float  # mean / standard deviation (n - 1) of the differences
    better: int  # subjects whose difference is positive
    worse: int
    equal: int


def experiment_means(scores: pd.DataFrame, column: str = "accuracy", by: Sequence[str] = CONDITION) -> pd.DataFrame:
    """Mean over seeds and folds of each experiment: one row per ``by``, subject and session, in order of appearance.

    ``by`` is `CONDITION` for scores at every n_aug and `MODEL` for those at a chosen one.

    Raises
    ------
    ValueError
        If a training set has several rows with one seed: ``by`` leaves out something that differs between them.
    """
    check_distinct(scores, [*by, *TRAINING_SET, "seed"])
    folds = _mean(scores, column, [*by, *TRAINING_SET])
    return _mean(folds, column, [*by, *EXPERIMENT])


def subject_means(scores: pd.DataFrame, column: str = "accuracy", by: Sequence[str] = CONDITION) -> pd.DataFrame:
    """Mean over the sessions' `experiment_means`: one row per ``by`` and subject."""
    return _mean(experiment_means(scores, column, by), column, [*by, "subject"])


def describe(scores: pd.DataFrame, column: str = "accuracy", by: Sequence[str] = CONDITION) -> pd.DataFrame:
    """Mean and standard deviation (n - 1) over experiments, as the paper prints them, with the number of experiments.

    Returned columns: ``by``, mean, sd (NaN for a single experiment), experiments.
    """
    groups = experiment_means(scores, column, by).groupby([*by], sort=False)[column]
    return groups.agg(mean="mean", sd="std", experiments="size").reset_index()


def _mean(frame: pd.DataFrame, column: str, keys: list[str]) -> pd.DataFrame:
    return frame.groupby(keys, sort=False)[column].mean().reset_index()


def check_distinct(scores: pd.DataFrame, keys: Sequence[str]) -> None:
    """Raise a ValueError if two rows have the same values in ``keys``."""
    repeated = scores[scores.duplicated([*keys])]
    if len(repeated):
        example = ", ".join(f"{key}={repeated.iloc[0][key]}" for key in keys)
        raise ValueError(
            f"expected one row per {', '.join(keys)}, got several with {example}. Choose n_aug first, group by what "
            "differs between them, or name their jobs in a column `job`"
        )


def mean_interval(values: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """Bootstrap 95 % interval of the mean of values (n,), bias-corrected and accelerated (Efron 1987).

    Percentiles stand in where that correction does not exist. Equal values give that value twice; fewer than two give
    NaN. Few subjects make any bootstrap too narrow: of normal values it covers 93 % for n = 15 and 87 % for n = 8.
    """
    values = np.asarray(values, dtype=np.float64)
    if len(values) < 2:
        return np.nan, np.nan
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    for method in ("BCa", "percentile"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", stats.DegenerateDataWarning)
            interval = stats.bootstrap(
                (values,), np.mean, n_resamples=RESAMPLES, method=method, rng=np.random.default_rng(seed)
            ).confidence_interval
        if np.isfinite(interval).all():
            break
    return float(interval.low), float(interval.high)


def paired(a: np.ndarray, b: np.ndarray, seed: int = 0) -> Paired:
    """Compare paired values a and b (n,), one pair per subject.

    The interval is that of `mean_interval`. Wilcoxon's test drops subjects without a difference and is 1 if none is
    left; below six subjects it cannot fall under 0.05. The effect size is Cohen's d_z = mean / sd of the differences,
    NaN where all differences are equal. One subject alone has neither interval nor test nor effect size (NaN).

    Raises
    ------
    ValueError
        If a and b are not of one length, are empty or hold NaN.
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1 or not len(a):
        raise ValueError(f"expected two arrays with one value per subject, got shapes {a.shape} and {b.shape}")
    if not np.isfinite(a - b).all():
        raise ValueError("expected a pair of numbers for each subject, got NaN or infinity among them")
    difference = np.round(a - b, DECIMALS)
    low, high = mean_interval(difference, seed)
    p = np.nan if len(a) < 2 else _wilcoxon(difference)
    d_z = float(difference.mean() / difference.std(ddof=1)) if np.ptp(difference) > 0 else np.nan
    better, worse, equal = (int((np.sign(difference) == sign).sum()) for sign in (1, -1, 0))
    return Paired(len(a), float(difference.mean()), low, high, p, d_z, better, worse, equal)


def _wilcoxon(difference: np.ndarray) -> float:
    difference = difference[difference != 0]  # before SciPy sees them: zeros would cost its exact distribution
    return float(stats.wilcoxon(difference).pvalue) if len(difference) else 1.0


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down correction of p values (n,); NaN stays NaN and does not count."""
    p = np.asarray(p, dtype=np.float64)
    corrected, counted = np.full(p.shape, np.nan), ~np.isnan(p)
    if counted.any():
        corrected[counted] = multipletests(p[counted], method="holm")[1]
    return corrected


def compare(
    scores: pd.DataFrame,
    references: Sequence[str] = ("none",),
    column: str = "accuracy",
    *,
    models: Sequence[str] | None = None,
    common_only: bool = False,
    seed: int = 0,
) -> pd.DataFrame:
    """Paired statistics of every model against each reference model, by subject.

    The family of Holm's correction is what one question asks: all models against one reference, for one dataset and
    modality ("does any of them beat it?"). A claim to beat each of several references needs all of them to hold, so
    it needs no correction across references.

    Parameters
    ----------
    scores
        One row per model, training set and seed: n_aug is already chosen.
    references
        ``none`` and the controls to compare with.
    models
        The models to compare; all if not given. They set the size of the families.
    common_only
        Compare on the training sets that both models of a pair have, where they do not have the same.

    Returns
    -------
    One row per dataset, modality, reference and model: these columns, the fields of `Paired` and p_holm.

    Raises
    ------
    ValueError
        If a model is not there, if a training set has several rows with one seed, or if two models were not scored on
        the same training sets and ``common_only`` does not allow for it.
    """
    check_distinct(scores, [*MODEL, *TRAINING_SET, "seed"])
    rows = []
    for (dataset, modality), group in scores.groupby(["dataset", "modality"], sort=False):
        by_model = _mean(group, column, ["model", *TRAINING_SET]).pivot(
            index=list(TRAINING_SET), columns="model", values=column
        )
        present = list(group.model.unique())
        compared = list(models or present)
        absent = [model for model in (*references, *compared) if model not in present]
        if absent:
            raise ValueError(f"no scores of {', '.join(absent)} on {dataset}, {modality}: there are {present}")
        for reference in references:
            family = []
            for model in compared:
                if model != reference:
                    pair = _paired_subjects(by_model[[model, reference]], common_only)
                    result = asdict(paired(pair[model], pair[reference], seed))
                    place = {"dataset": dataset, "modality": modality, "reference": reference, "model": model}
                    family.append(place | result)
            corrected = holm([row["p"] for row in family])
            rows += [row | {"p_holm": p} for row, p in zip(family, corrected, strict=True)]
    fields = [*MODEL[:2], "reference", "model", *Paired.__dataclass_fields__, "p_holm"]
    return pd.DataFrame(rows, columns=fields)


def _paired_subjects(pair: pd.DataFrame, common_only: bool) -> pd.DataFrame:
    """Subject means of two models (columns) from their training sets (rows), which must be the same."""
    if not common_only:
        for model, other in (pair.columns, pair.columns[::-1]):
            missing = pair.index[pair[model].isna() & pair[other].notna()]
            if len(missing):
                places = [f"subject {subject}, session {session}, fold {fold}" for subject, session, fold in missing]
                raise ValueError(
                    f"{model} and {other} are not paired: {model} has no score for {'; '.join(places)}. Run what is "
                    "missing, or compare on what both have: common_only=True"
                )
    common = pair.dropna()
    if common.empty:
        raise ValueError(f"{' and '.join(pair.columns)} have no training set in common: there is nothing to compare")
    return common.groupby(level=list(EXPERIMENT), sort=False).mean().groupby(level="subject", sort=False).mean()


def choose_n_aug(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of scores at the n_aug (and job) that the inner cross-validation of each training set chooses.

    It is the one with the highest ``accuracy_inner``; among equal ones that with the smallest n_aug, then that of the
    first job. No test window takes part in the choice.

    Parameters
    ----------
    scores
        ``scores.csv`` merged with ``selection.csv``. A column ``job`` tells several settings of one model apart.

    Raises
    ------
    ValueError
        If two rows cannot be distinguished or an ``accuracy_inner`` is missing.
    """
    scores = _candidates(scores, "accuracy_inner")
    ordered = scores.sort_values("n_aug", kind="stable")
    groups = ordered.groupby([*MODEL, *TRAINING_SET, "seed"], sort=False)
    best = groups["accuracy_inner"].idxmax()  # the first of equals
    return scores.loc[sorted(best)].reset_index(drop=True)


def oracle_n_aug(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of scores at the n_aug (and job) with the highest mean ``accuracy_oracle`` over an experiment's folds.

    Chosen on the test trials, as the paper's figures may have been, and optimistic: never a choice for honest use.
    Equals are treated, and errors raised, as by `choose_n_aug`.
    """
    scores = _candidates(scores, "accuracy_oracle")
    keys, setting = [*MODEL, *EXPERIMENT, "seed"], [name for name in ("n_aug", "job") if name in scores]
    means = _mean(scores, "accuracy_oracle", [*keys, *setting]).round({"accuracy_oracle": DECIMALS})
    means = means.sort_values("n_aug", kind="stable")
    best = means.loc[means.groupby(keys, sort=False)["accuracy_oracle"].idxmax(), [*keys, *setting]]
    return scores.merge(best, on=[*keys, *setting])


def _candidates(scores: pd.DataFrame, column: str) -> pd.DataFrame:
    job = ["job"] if "job" in scores else []
    check_distinct(scores, [*CONDITION, *TRAINING_SET, "seed", *job])
    if scores[column].isna().any():
        lacking = scores.loc[scores[column].isna(), "model"].unique()
        raise ValueError(
            f"expected {column} in every row, it is missing for {', '.join(lacking)}: nothing can be chosen"
        )
    return scores.reset_index(drop=True)


def selection_optimism(scores: pd.DataFrame) -> pd.DataFrame:
    """What choosing on the test trials adds, per experiment: oracle minus nested choice of n_aug (and job) and C.

    It is positive for ``none`` too: a maximum over many sizes inflates any method. Takes what `choose_n_aug` takes;
    returned columns: dataset, modality, model, subject, session, nested, oracle, optimism.
    """
    nested = experiment_means(choose_n_aug(scores), "accuracy", MODEL).rename(columns={"accuracy": "nested"})
    oracle = experiment_means(oracle_n_aug(scores), "accuracy_oracle", MODEL)
    both = nested.merge(oracle.rename(columns={"accuracy_oracle": "oracle"}), on=[*MODEL, *EXPERIMENT])
    return both.assign(optimism=both.oracle - both.nested)
