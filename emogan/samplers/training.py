"""Fitting augmenters to training sets, GANs of several sets at once, stacked, and kept in a store if there is one."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from emogan.augmenters import GANAugmenter
from emogan.augmenters.isolation import default_torch
from emogan.data.scaling import MinMaxScaler
from emogan.evaluation.plan import TrainingSet
from emogan.fitting import group_size_on, member_key, member_records, pad
from emogan.quiet import quiet_lightning
from emogan.store import Store, derived_seed


def training_set(x: npt.NDArray, y: npt.NDArray, trial: npt.NDArray | None) -> tuple[TrainingSet, npt.NDArray]:
    """Windows x (N, F) scaled by their own extremes, their labels as 0..K-1, and the classes (K,).

    Where the features are constant in these windows, they count as 0.
    """
    scaler = MinMaxScaler.fit(x)
    classes, index = np.unique(y, return_inverse=True)
    number = np.zeros(len(y)) if trial is None else np.unique(trial, return_inverse=True)[1]
    rows = np.arange(len(y))
    z = scaler.transform(x).astype(np.float32)
    return TrainingSet(rows, rows, scaler, z, index.astype(np.int64), number.astype(np.int64)), classes


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


@default_torch()
def trained(
    augmenter: GANAugmenter,
    sets: Sequence[TrainingSet],
    classes: int,
    seeds: Sequence[int],
    store: Store | None = None,
    accelerator: str = "cpu",
) -> list[dict[str, Tensor]]:
    """The generator of each training set; equal ones are trained once, and what the store holds is not trained.

    Raises
    ------
    ValueError
        If a training set is too small for the augmenter's settings: before any training.
    FloatingPointError
        If the losses of a GAN are no longer finite.
    """
    for data in sets:
        augmenter.refuse(data.y, data.trial)
    keys = [member_key(augmenter, data, classes, seed) for data, seed in zip(sets, seeds, strict=True)]
    first = {key: m for m, key in reversed(list(enumerate(keys)))}
    records = {key: record for key in first if store and (record := store.load(key))}
    missing = sorted(m for key, m in first.items() if key not in records)
    size = group_size_on(accelerator)
    for start in range(0, len(missing), size):
        group = missing[start : start + size]
        _train(augmenter, [sets[m] for m in group], [keys[m] for m in group], classes, accelerator)
        for m, record in zip(group, member_records(augmenter), strict=True):
            records[keys[m]] = record
            if store:
                store.save(keys[m], *record)
    return [{name: value for name, value in records[key][0].items() if name.startswith("generator.")} for key in keys]


def _train(
    augmenter: GANAugmenter, sets: Sequence[TrainingSet], keys: Sequence[str], classes: int, accelerator: str
) -> None:
    x, y, n, trial = pad(sets)
    seeds = [derived_seed(key, "train") for key in keys]
    with quiet_lightning():
        augmenter.fit(x, y, n, seeds, trial=trial, classes=classes, accelerator=accelerator)
