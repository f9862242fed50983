"""Training curves over all members as one table: what curves.csv holds and TensorBoard shows."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

PARTS = ["mean", "lowest", "highest"]  # over the members
REDUCTIONS = (np.nanmean, np.nanmin, np.nanmax)
CURVES = ["iteration", "metric", *PARTS]
MEASURE_EVERY = 100  # iterations between two measurements of synthetic windows, which take 1 % of the time
MEASURES = ("spread", "separation", "mean_error")  # of synthetic windows, see `emogan.training.detectors.measure`


def summarise(metrics: Sequence[str], values: np.ndarray, measurements: np.ndarray) -> pd.DataFrame:
    """Curves as rows of `CURVES`: mean, lowest and highest over the members that have a value.

    values (T, metrics, M) are those of all iterations; measurements (L, figures, M) those of `MEASURES`, every
    `MEASURE_EVERY` iterations.
    """
    iterations = np.arange(len(values)) + 1
    tables = [_bands(name, values[:, i], iterations) for i, name in enumerate(metrics)]
    seen = (np.arange(len(measurements)) + 1) * MEASURE_EVERY
    tables += [_bands(name, measurements[:, i], seen) for i, name in enumerate(MEASURES)]
    return pd.concat(tables).sort_values("iteration", kind="stable", ignore_index=True)


def _bands(metric: str, values: np.ndarray, iterations: np.ndarray) -> pd.DataFrame:
    """Rows of one metric with values (T, M); none where no member has a value."""
    seen = ~np.isnan(values).all(axis=1)
    values = values[seen]
    parts = {part: reduce(values, axis=1) for part, reduce in zip(PARTS, REDUCTIONS, strict=True)}
    return pd.DataFrame({"iteration": iterations[seen], "metric": metric, **parts})


def stacked_curves(curves: Sequence[dict[str, np.ndarray]]) -> tuple[list[str], np.ndarray]:
    """Names and values (T, metrics, M) of several members' curves; NaN after the end of the shorter ones."""
    names = list(curves[0])
    values = np.full((max(len(c[names[0]]) for c in curves), len(names), len(curves)), np.nan, dtype=np.float32)
    for m, member in enumerate(curves):
        for i, name in enumerate(names):
            values[: len(member[name]), i, m] = member[name]
    return names, values
