"""Scores as a table: their columns, and the summary printed at the end of a job."""

import pandas as pd

COLUMNS = [
    "dataset", "subject", "session", "fold", "modality", "model", "n_aug", "seed",
    "accuracy", "c", "accuracy_oracle", "c_oracle", "macro_f1", "n_train", "n_test",
]  # fmt: skip


def over_experiments(scores: pd.DataFrame, column: str) -> pd.DataFrame:
    """One row per n_aug, one column per experiment: the mean over its folds."""
    return scores.groupby(["n_aug", "subject", "session"])[column].mean().unstack(["subject", "session"])


def closing_table(scores: pd.DataFrame) -> str:
    """Mean and standard deviation (n - 1) over experiments per n_aug, and the difference to n_aug = 0, in percent."""
    first, parts = scores.iloc[0], []
    for column in ("accuracy", "accuracy_oracle"):
        by_size = 100 * over_experiments(scores, column)
        difference = by_size.mean(axis=1) - by_size.loc[0].mean()
        parts.append([
            f"{mean:8.2f} {_spread(sd)}  {gain:+6.2f}"
            for mean, sd, gain in zip(by_size.mean(axis=1), by_size.std(axis=1), difference, strict=True)
        ])  # fmt: skip
    heads = "   ".join(f"{column:>8} {'(sd)':>7}  {'gain':>6}" for column in ("accuracy", "oracle"))
    experiments = f"{by_size.shape[1]} experiment{'s' if by_size.shape[1] > 1 else ''}"
    lines = [f"{n:>6}  {honest}   {oracle}" for n, honest, oracle in zip(by_size.index, *parts, strict=True)]
    return "\n".join([
        f"{first.dataset}, {first.modality}, {first.model}: percent, mean (sd) over {experiments}",
        f"{'n_aug':>6}  {heads}", *lines,
        "accuracy: C chosen on training trials. oracle: C chosen on the test trials, as the paper's figures suggest.",
    ])  # fmt: skip


def _spread(sd: float) -> str:
    return "(  -  )" if pd.isna(sd) else f"({sd:5.2f})"
