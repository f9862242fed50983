"""Training sets and trials of samplers."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from emogan.augmenters import Augmenter
from emogan.data.training_set import TrainingSet
from emogan.samplers.columns import as_python
from emogan.samplers.warn import warn


def trial_numbers(trials: Any, windows: int) -> npt.NDArray[np.int64]:
    """Trials (N,) as whole numbers: equal ones have the same, in the order of their names where these have one.

    Raises
    ------
    ValueError
        If there is not one trial for each window.
    """
    given = _names(trials)
    if given.shape not in ((windows,), (windows, 1)):
        raise ValueError(
            f"inconsistent numbers of samples: expected in trials one trial for each of {windows} windows, got shape "
            f"{given.shape}. Where it takes several columns to name a trial, join them: df.subject + '/' + df.trial"
        )
    given = given.ravel()
    if missing := int(pd.isna(given).sum()):
        raise ValueError(f"expected the trial of each window in trials, got none for {missing}")
    return _numbers(given)


def refuse_missing_trials(sampler: str, augmenter: Augmenter) -> None:
    """Refuse to fit what learns from trials without trials.

    Raises
    ------
    ValueError
        If the augmenter learns from trials.
    """
    if "trial" in getattr(augmenter, "needs", ()) or getattr(augmenter, "needs_trials", False):
        raise ValueError(
            f"{sampler} learns from trials: expected trials=, the trial of each window, got none. A pipeline passes "
            "them on by scikit-learn's metadata routing: sklearn.set_config(enable_metadata_routing=True), then "
            "fit(X, y, trials=...)"
        )


def warn_of_mixed_trials(caller: str, trials: Any, number: npt.NDArray, values: Any, what: str) -> None:
    """Warn if windows of one trial have several labels, or belong to several groups, such as people.

    Parameters
    ----------
    caller
        Whose user is warned.
    trials, number
        As given (N,), and their numbers (N,).
    values
        Label or group (N,) of each window.
    what
        What they are, in the plural.
    """
    values = _names(values).ravel()
    pairs = np.unique(np.stack([number, _numbers(values)]), axis=1)
    mixed = np.flatnonzero(np.bincount(pairs[0]) > 1)
    if len(mixed):
        rows = np.flatnonzero(number == mixed[0])
        name, found = as_python(_names(trials).ravel()[rows[0]]), list(dict.fromkeys(values[rows].tolist()))
        warn(
            f"trials of several {what}",
            f"{caller}: {len(mixed)} of {number.max() + 1} trials hold windows of several {what}, such as trial "
            f"{name!r} of {found[0]!r} and {found[1]!r}. Give trials of different people and sessions different names, "
            "such as df.subject + '/' + df.trial",
        )


def _names(given: Any) -> npt.NDArray:
    if isinstance(given, list | tuple):  # NumPy would make texts of numbers beside texts
        names = np.empty(len(given), dtype=object)
        names[:] = given
        return names
    return np.asarray(given)


def _numbers(names: npt.NDArray) -> npt.NDArray[np.int64]:
    try:
        number = np.unique(names, return_inverse=True)[1]
    except TypeError:  # numbers and texts have no common order
        number = pd.factorize(names)[0]
    return np.asarray(number, dtype=np.int64)


def windows_of(data: TrainingSet) -> dict[str, Tensor]:
    """What a control needs of a training set."""
    return {f"windows.{name}": torch.from_numpy(getattr(data, name)) for name in ("x", "y", "trial")}
