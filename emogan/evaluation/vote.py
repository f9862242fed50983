"""The majority vote of a trial's windows."""

import numpy as np


def majority(labels: np.ndarray, trial: np.ndarray) -> np.ndarray:
    """The most frequent of the labels (..., n) of each trial's windows: (..., T), trials by number.

    Of equally frequent labels it is the lowest, which is that of the first class.
    """
    classes = np.arange(labels.max() + 1)
    votes = [(labels[..., trial == one, None] == classes).sum(-2) for one in np.unique(trial)]
    return np.stack(votes, axis=-2).argmax(-1)
