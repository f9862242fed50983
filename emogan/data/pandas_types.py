"""Columns of pandas' own types, or of objects, as NumPy's numbers."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

ColumnType: TypeAlias = np.dtype | pd.api.extensions.ExtensionDtype


def plain_type(dtype: ColumnType) -> np.dtype:
    """NumPy's type of a column's values; of objects where they are none."""
    if isinstance(dtype, pd.CategoricalDtype):
        return plain_type(dtype.categories.dtype)
    found = dtype.subtype if isinstance(dtype, pd.SparseDtype) else getattr(dtype, "numpy_dtype", dtype)
    return found if isinstance(found, np.dtype) else np.dtype(object)


def plain_column(column: pd.Series) -> npt.NDArray | None:
    """A column as numbers of one of NumPy's types, with NaN if missing; None if it holds anything else."""
    dtype = plain_type(column.dtype)
    if dtype.kind == "O" and column.dtype == object:
        known = column.map(
            lambda value: isinstance(value, int | float | np.number | np.bool_) or pd.isna(value) is True
        )
        dtype = np.dtype(np.float64 if known.all() else object)
    if dtype.kind not in "biuf":
        return None
    missing = column.isna()
    if not missing.any():
        return np.asarray(column).astype(dtype)
    found = np.full(len(column), np.nan)
    found[~missing] = np.asarray(column[~missing]).astype(np.float64)
    return found


def holds_truths(column: pd.Series) -> bool:
    """Whether all values of a column that are not missing are true or false."""
    if column.dtype == object:
        present = column.dropna()
        return len(present) > 0 and all(isinstance(value, bool | np.bool_) for value in present)
    return plain_type(column.dtype).kind == "b"
