"""Columns and labels of a user's tables: as plain numbers for an augmenter, and windows in the columns' own types."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from emogan.data.pandas_types import ColumnType, plain_column, plain_type
from emogan.wording import some

SHOWN = 8  # names in a message
LEAST = 30  # windows of a person, whose spread of each feature is then known to 13 % if the windows are independent


def refuse_other_frames(*values: Any) -> None:
    """Refuse tables of other packages than pandas, whose columns would lose their names, and windows their order.

    Raises
    ------
    TypeError
        Naming the type, and how to make one of pandas' of it.
    """
    for value in values:
        if hasattr(value, "to_pandas"):
            kind = type(value)
            raise TypeError(
                f"expected arrays or pandas' DataFrame and Series, got {kind.__module__.partition('.')[0]}'s "
                f"{kind.__name__}. Convert it with its to_pandas()"
            )


def number_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with every column in a type of NumPy's numbers.

    Categories that are numbers count as these numbers, and objects too.

    Raises
    ------
    ValueError
        If columns hold no numbers, or numbers that are missing or infinite: it names them.
    """
    plain, others = frame.copy(deep=False), {}
    for i, dtype in enumerate(frame.dtypes):
        if isinstance(dtype, np.dtype) and dtype.kind in "biuf":
            continue
        column = plain_column(frame.iloc[:, i])
        if column is None:
            others[frame.columns[i]] = str(dtype)
        else:
            plain.isetitem(i, column)
    if others:
        found = some((f"{name!r} ({dtype})" for name, dtype in others.items()), SHOWN)
        raise ValueError(
            f"expected columns of numbers, got {found}. "
            f"Leave them out, X.drop(columns={list(others)[:SHOWN]!r}), or turn them into numbers, such as with "
            "pandas.to_numeric"
        )
    finite = np.isfinite(plain.to_numpy(dtype=np.float64)).all(axis=0)
    if not finite.all():
        names = some([repr(name) for name in frame.columns[~finite].tolist()], SHOWN)
        raise ValueError(
            f"expected finite numbers, got NaN or infinity in columns {names}. Fill them, X.fillna(X.median()), or "
            "leave out these windows, X.dropna()"
        )
    return plain


def labels_of(y: Any) -> Any:
    """Labels of one of pandas' own types as an array of the values that they are; others as they are.

    Raises
    ------
    ValueError
        If a window has no label, or some labels are text and others are not.
    """
    if isinstance(y, pd.DataFrame):
        y = y.iloc[:, 0] if y.shape[1] == 1 else y.to_numpy()
    if np.ndim(y) == 1 and (missing := int(pd.Series(y if hasattr(y, "dtype") else list(y)).isna().sum())):
        raise ValueError(f"expected a label for every window, got none (None or NaN) for {missing} of {len(y)}")
    if isinstance(dtype := getattr(y, "dtype", None), pd.api.extensions.ExtensionDtype):
        y = np.asarray(y, dtype=plain_type(dtype))
    if (isinstance(y, list) or getattr(y, "dtype", None) == np.dtype(object)) and np.ndim(y) == 1:
        kinds = {isinstance(label, str): label for label in y}
        if len(kinds) > 1:
            raise ValueError(
                f"expected labels that are all text or all numbers, got {kinds[True]!r} beside {kinds[False]!r}. Make "
                "text of all: [str(label) for label in y]"
            )
    return y


def name_and_type(y: Any) -> tuple[Any, ColumnType | None]:
    """Name and type of labels in a Series or in the only column of a DataFrame; of others None, None."""
    if isinstance(y, pd.DataFrame) and y.shape[1] == 1:
        y = y.iloc[:, 0]
    return (as_python(y.name), y.dtype) if isinstance(y, pd.Series) else (None, None)


def as_python(value: Any) -> Any:
    """NumPy's numbers, as grids and tables hold them, as Python's; others as they are."""
    return value.item() if isinstance(value, np.generic) else value


def own_windows(X: Any, names: Sequence) -> tuple[npt.NDArray[np.float64], tuple[ColumnType, ...]]:
    """A person's windows (N, F) of these features, in their order, and the types that these columns have.

    Raises
    ------
    TypeError, ValueError
        If it is another package's table, there are other features or fewer than `LEAST` windows, or values are no
        finite numbers.
    """
    refuse_other_frames(X)
    if isinstance(X, pd.DataFrame):
        lacking = [repr(name) for name in names if name not in X.columns]
        more = [repr(name) for name in X.columns if name not in names]
        if lacking or more or len(X.columns) != len(names):
            found = [f"no {some(lacking, SHOWN)}"] * bool(lacking) + [f"also {some(more, SHOWN)}"] * bool(more)
            raise ValueError(
                f"expected one column for each of the generator's {len(names)} features, got "
                f"{' and '.join(found) or 'some twice'}. Rename or leave out columns: X[list(generator.feature_names)]"
            )
        frame = X[list(names)]
    else:
        x = np.asarray(X)
        if x.ndim != 2 or x.shape[1] != len(names):
            raise ValueError(
                f"expected windows of shape (windows, {len(names)}), one column for each of the generator's features "
                f"{some([repr(name) for name in names], SHOWN)}, got shape {x.shape}"
            )
        frame = pd.DataFrame(x, columns=pd.Index(names))
    if len(frame) < LEAST:
        raise ValueError(
            f"expected at least {LEAST} windows of the person, whose mean and spread are taken from them, got "
            f"{len(frame)}"
        )
    return number_columns(frame).to_numpy(dtype=np.float64), tuple(frame.dtypes)


def refuse_other_classes(y: Any, windows: int, classes: Sequence) -> None:
    """Refuse labels that are not one for each window, or not of exactly these classes; compared as text.

    Raises
    ------
    ValueError
        Naming the classes.
    """
    labels = np.asarray(labels_of(y))
    if labels.shape != (windows,):
        raise ValueError(f"expected one label for each of {windows} windows, got shape {labels.shape}")
    given, known = {str(label) for label in labels.tolist()}, {str(label) for label in classes}
    if given != known:
        raise ValueError(
            f"expected labels of the generator's classes {', '.join(sorted(known))}, and of all of them, got "
            f"{', '.join(sorted(given))}. Rename labels, or leave out y: nothing is learned from it"
        )


def typed(x: npt.NDArray[np.float64], dtype: ColumnType) -> Any:
    """Float64 values in a type: rounded for whole numbers, the nearest category for categories, never wrapped round.

    Values beyond the range of a type come out as its lowest or highest.
    """
    if isinstance(dtype, pd.CategoricalDtype):
        return _nearest_category(x, dtype)
    if not isinstance(dtype, np.dtype):
        return pd.array(typed(x, plain_type(dtype)), dtype=dtype)
    if dtype.kind == "b":
        return np.rint(np.clip(x, 0, 1)).astype(dtype)
    if dtype.kind in "iu":
        return _whole(np.rint(x), dtype)
    if dtype.kind == "f":
        return np.clip(x, np.finfo(dtype).min, np.finfo(dtype).max).astype(dtype)
    return x.astype(dtype)


def frame_of(x: npt.NDArray[np.float64], names: Sequence | pd.Index, dtypes: Sequence[ColumnType]) -> pd.DataFrame:
    """Windows (n, F) of float64 as a frame, each column in its type."""
    names = names if isinstance(names, pd.Index) else pd.Index(names)
    if len(set(dtypes)) == 1 and isinstance(dtypes[0], np.dtype):
        return pd.DataFrame(typed(x, dtypes[0]), columns=names)
    table = pd.DataFrame({i: typed(x[:, i], dtype) for i, dtype in enumerate(dtypes)})
    table.columns = names
    return table


def as_plain(dtype: ColumnType) -> str | dict[str, Any]:
    """A type as JSON holds it, see `as_type`."""
    if isinstance(dtype, np.dtype):
        return dtype.str
    if isinstance(dtype, pd.CategoricalDtype):
        values = dtype.categories
        return {"categories": values.tolist(), "of": as_plain(values.dtype), "ordered": bool(dtype.ordered)}
    if isinstance(dtype, pd.SparseDtype):
        return {"sparse": dtype.subtype.str, "fill": np.asarray(dtype.fill_value).item()}
    return {"pandas": str(dtype)}


def as_type(plain: str | dict[str, Any]) -> ColumnType:
    """The type that `as_plain` wrote."""
    if isinstance(plain, str):
        return np.dtype(plain)
    if "categories" in plain:
        return pd.CategoricalDtype(pd.Index(plain["categories"], dtype=as_type(plain["of"])), plain["ordered"])
    if "sparse" in plain:
        return pd.SparseDtype(np.dtype(plain["sparse"]), plain["fill"])
    return pd.api.types.pandas_dtype(plain["pandas"])


def _nearest_category(x: npt.NDArray[np.float64], dtype: pd.CategoricalDtype) -> pd.Categorical:
    values = dtype.categories.to_numpy(dtype=np.float64)
    order = np.argsort(values)
    middles = (values[order][1:] + values[order][:-1]) / 2
    return pd.Categorical.from_codes(order[np.searchsorted(middles, x)], dtype=dtype)


def _whole(x: npt.NDArray[np.float64], dtype: np.dtype) -> npt.NDArray:
    """Whole numbers of float64, whose highest below that of int64 is 1024 less than it."""
    limits, found = np.iinfo(dtype), np.empty(x.shape, dtype)
    low, high = x <= limits.min, x >= limits.max
    found[low], found[high] = limits.min, limits.max
    within = ~(low | high)
    found[within] = x[within].astype(dtype)
    return found
