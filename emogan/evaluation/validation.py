"""Networks as classifiers, and how their training trials are split, always whole, for early stopping."""

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import numpy as np

from emogan.checks import NOT_EMPTY, BelowOne, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from emogan.evaluation.classifiers import Classifier, FitData
from emogan.evaluation.vote import majority

LEFT = 2  # trials of each class to learn from, or more
# The lowest standard deviation of a feature in [0, 1]: one that hardly varies in training must not be huge in a test
FLAT = 0.01


class Network(Classifier):
    """A neural network for each fit, trained by AdamW until its loss on validation trials stops falling.

    Each number of synthetic windows and each weight decay has a network of its own.

    A share of the real training trials of each class does not train but validates; synthetic windows never do. The
    weights with the lowest cross-entropy there are kept. Where some class has fewer than three trials nothing can
    validate, and the network is trained for a fixed number of updates.

    Parameters
    ----------
    name
        What the scores call it.
    weight_decay
        AdamW's, the values to choose from.
    learning_rate
        AdamW's.
    batch_size
        Windows of each update, or stretches of trials; a multiple of 32 where networks are stacked.
    max_updates
        The largest number of updates.
    check_every
        Updates between two evaluations of the validation loss.
    patience
        Early stopping: training ends after this many evaluations in a row without a lower validation loss.
    validation
        Share of the trials of each class that validate; it is one trial at least.
    updates_without_validation
        Updates where nothing can validate; a `StackedNetwork` rounds it up to a multiple of ``check_every``.
    seed
        Of everything random, such as the first weights, the batches and the choice of validation trials.

    Raises
    ------
    ValueError
        If ``check_every`` is larger than ``max_updates``.
    """

    uses_trials = True

    def __init__(
        self,
        name: str,
        weight_decay: Annotated[Sequence[NonNegativeFloat], NOT_EMPTY],
        learning_rate: PositiveFloat,
        batch_size: PositiveInt,
        max_updates: PositiveInt,
        check_every: PositiveInt,
        patience: PositiveInt,
        validation: BelowOne,
        updates_without_validation: PositiveInt,
        seed: NonNegativeInt,
    ):
        if check_every > max_updates:
            raise ValueError(
                f"classifier.check_every: expected at most classifier.max_updates = {max_updates}, got {check_every}"
            )
        self.name, self.values = name, np.array(weight_decay, dtype=float)
        self.learning_rate, self.batch_size = learning_rate, batch_size
        self.max_updates, self.check_every, self.patience = max_updates, check_every, patience
        self.validation, self.updates_without_validation, self.seed = validation, updates_without_validation, seed


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
