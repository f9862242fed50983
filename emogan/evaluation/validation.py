"""Splitting a network's training trials, always whole, into trials to learn from and trials for early stopping."""

from typing import NamedTuple

import numpy as np

from emogan.evaluation.classifiers import FitData
from emogan.evaluation.vote import majority

LEFT = 2  # trials of each class to learn from, or more
FLAT = 0.01  # the least spread of a feature in [0, 1], lest one that hardly varies in training be large in a test


class Standardised(NamedTuple):
    """A fit's windows, standardised by the real windows that are learned from, and which windows validate."""

    x: np.ndarray  # (n, F), as the training windows of the fit
    x_held_out: np.ndarray
    validates: np.ndarray  # (n,) of bool: real windows of validation trials

    @classmethod
    def of(cls, data: FitData, share: float, seed: int) -> "Standardised":
        """Hold out a share of the real trials of each class for validation, see `validation_trials`."""
        real = np.arange(len(data.y)) < data.n_real
        chosen = validation_trials(data.y[real], data.trial[real], share, seed)
        validates = real & np.isin(data.trial, chosen)
        learned = data.x[real & ~validates].astype(np.float64)
        mean, spread = learned.mean(0), np.maximum(learned.std(0), FLAT)
        x, x_held_out = (((part - mean) / spread).astype(np.float32) for part in (data.x, data.x_held_out))
        return cls(x, x_held_out, validates)


def validation_trials(y: np.ndarray, trial: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Numbers of the trials that validate: a share of those of each class, drawn at random, and at least one.

    None does where two trials would not be left of every class. On simulated SEED-V, with two training trials of each
    class, a network that learned from one of them and stopped by the other was near chance; with both it was as good
    as the SVM.
    """
    numbers, label = np.unique(trial), majority(y, trial)
    random, chosen = np.random.default_rng(seed), []
    for k in np.unique(label):
        own = numbers[label == k]
        n = min(max(1, round(share * len(own))), len(own) - LEFT)
        if n < 1:
            return numbers[:0]
        chosen.append(random.choice(own, n, replace=False))
    validating = np.sort(np.concatenate(chosen))
    complete = np.array_equal(np.unique(y[~np.isin(trial, validating)]), np.unique(y))
    return validating if complete else numbers[:0]
