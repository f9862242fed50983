"""Training sets and trials of samplers."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from emogan.data.training_set import TrainingSet


def trial_numbers(groups: Any, windows: int) -> npt.NDArray[np.int64]:
    """Trials (N,) as whole numbers: equal ones have the same, in the order of their names where these have one.

    Raises
    ------
    ValueError
        If there is not one trial for each window.
    """
    if isinstance(groups, list | tuple):  # NumPy would make texts of numbers beside texts
        given = np.empty(len(groups), dtype=object)
        given[:] = groups
    else:
        given = np.asarray(groups)
    if given.shape not in ((windows,), (windows, 1)):
        raise ValueError(
            f"inconsistent numbers of samples: expected in groups one trial for each of {windows} windows, got shape "
            f"{given.shape}. Where it takes several columns to name a trial, join them: df.subject + '/' + df.trial"
        )
    given = given.ravel()
    if missing := int(pd.isna(given).sum()):
        raise ValueError(f"expected the trial of each window in groups, got none for {missing}")
    try:
        number = np.unique(given, return_inverse=True)[1]
    except TypeError:  # numbers and texts have no common order
        number = pd.factorize(given)[0]
    return np.asarray(number, dtype=np.int64)


def windows_of(data: TrainingSet) -> dict[str, Tensor]:
    """What a control needs of a training set."""
    return {f"windows.{name}": torch.from_numpy(getattr(data, name)) for name in ("x", "y", "trial")}
