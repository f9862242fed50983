"""Scores as a table, and the summary printed at the end of a job."""

import json

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

from emogan.analysis.statistics import MODEL, choose_n_aug, experiment_means, oracle_n_aug
from emogan.evaluation.protocol import Scores, oracle_choice
from emogan.jobs.files import COLUMNS, SELECTION
from emogan.jobs.results import Results

OBJECTIVES = {"accuracy_inner": choose_n_aug, "accuracy_oracle": oracle_n_aug}


def tabulate(found: Results) -> pd.DataFrame:
    """One row per n_aug and member, `COLUMNS` and `SELECTION`; the oracle's choice is common to an experiment's folds.

    The columns settings and settings_oracle say what sets the chosen setting of the augmenter apart from the others.
    """
    plan, features, values = found.plan, found.features, found.classifier.values
    settings = [one.augmenter.identity() for one in found.candidates]
    varied = [name for name in settings[0] if len({json.dumps(one[name]) for one in settings}) > 1]
    rows = []
    for n, scores in found.scores.items():
        differences = [json.dumps({name: one[name] for name in varied if n}) for one in settings]
        experiments: dict[tuple, list[Scores]] = {}
        for split, result in zip(plan.splits, scores, strict=True):
            experiments.setdefault((split.member.subject, split.member.session), []).append(result)
        oracle = {place: oracle_choice(results) for place, results in experiments.items()}
        for split, result in zip(plan.splits, scores, strict=True):
            member, (setting, c) = split.member, result.chosen
            best = oracle[member.subject, member.session]
            y = features.y[member.test]
            tested = np.unique(y)  # some folds hold trials of some classes alone
            f1 = f1_score(y, result.predictions[setting, c], labels=tested, average="macro", zero_division=0)
            rows.append((
                features.dataset, member.subject, member.session, member.fold, found.cfg.modality,
                found.model, n, found.cfg.seed,
                result.accuracy[setting, c], values[c], result.accuracy[best], values[best[1]],
                f1, len(member.train), len(member.test), result.trial_accuracy[setting, c], result.trial_accuracy[best],
                result.inner_accuracy[setting, c], differences[setting], differences[best[0]],
            ))  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS + SELECTION)


def closing_table(scores: pd.DataFrame) -> str:
    """Mean and standard deviation (n - 1) over experiments per n_aug, and the difference to n_aug = 0, in percent."""
    first, parts = scores.iloc[0], []
    for column in ("accuracy", "trial_accuracy", "accuracy_oracle"):
        by_size = 100 * scores.groupby(["n_aug", "subject", "session"])[column].mean().unstack(["subject", "session"])
        difference = by_size.mean(axis=1) - by_size.loc[0].mean()
        parts.append([
            f"{mean:8.2f} {_spread(sd)}  {gain:+6.2f}"
            for mean, sd, gain in zip(by_size.mean(axis=1), by_size.std(axis=1), difference, strict=True)
        ])  # fmt: skip
    heads = "   ".join(f"{column:>8} {'(sd)':>7}  {'gain':>6}" for column in ("accuracy", "trials", "oracle"))
    experiments = f"{by_size.shape[1]} experiment{'s' if by_size.shape[1] > 1 else ''}"
    lines = [f"{n:>6}  {'   '.join(cells)}" for n, *cells in zip(by_size.index, *parts, strict=True)]
    return "\n".join([
        f"{first.dataset}, {first.modality}, {first.model}: percent, mean (sd) over {experiments}",
        f"{'n_aug':>6}  {heads}", *lines,
        "accuracy: all choices made on training trials. trials: the same of whole trials, by majority vote. oracle: "
        "choices made on the test trials, which says nothing about new data.",
    ])  # fmt: skip


def objective(scores: pd.DataFrame, metric: str) -> float:
    """What a sweeper may maximise: the mean over experiments of a metric of `OBJECTIVES`, at the n_aug best by it.

    scores have the columns of ``scores.csv`` and ``accuracy_inner``. With accuracy_inner each training set has an n_aug
    of its own, see `choose_n_aug`. accuracy_oracle looks at the test trials; see `oracle_n_aug`.
    """
    return float(experiment_means(OBJECTIVES[metric](scores), metric, MODEL)[metric].mean())


def _spread(sd: float) -> str:
    return "(  -  )" if pd.isna(sd) else f"({sd:5.2f})"
