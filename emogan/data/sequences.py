"""Trials as sequences: the windows of each in order, stretches of successive ones, and trials that are synthetic."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot
from torch.nn.utils.rnn import pad_sequence


def numbered_trials(y: np.ndarray, trial: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels (J,) of the trials of windows with labels and trials (N,), and the trial (N,) in 0..J-1 of each window.

    A trial is identified by its label too: a clip that is rated in parts has windows of several classes. The trials of
    a class follow one another.
    """
    (labels, _), number = np.unique(np.stack([y, trial]), axis=1, return_inverse=True)
    return labels, number.ravel()  # NumPy 2.0 gives it a second axis


def trial_rows(y: np.ndarray, trial: np.ndarray) -> list[np.ndarray]:
    """Positions of the windows of each trial, in order: labels (N,) and trials (N,) -> J arrays, class by class.

    A trial is one of `numbered_trials`: windows of one clip with several labels are several sequences.
    """
    if not len(y):
        return []
    _, number = numbered_trials(y, trial)
    return np.split(np.argsort(number, kind="stable"), np.cumsum(np.bincount(number))[:-1])


def padded(parts: Sequence[np.ndarray]) -> Tensor:
    """Arrays (n, ...) of several lengths, stacked to (M, N, ...) with zeros behind the shorter ones."""
    return pad_sequence([torch.from_numpy(part) for part in parts], batch_first=True)


def stretches(y: np.ndarray, trial: np.ndarray, length: int) -> np.ndarray:
    """All stretches of successive windows of one trial, positions (V, length).

    A trial that is shorter is walked to and fro, such as 0 1 2 1 0 1: windows that follow one another then are
    neighbours in time all the same. A trial of a single window repeats it.
    """
    found = []
    for rows in trial_rows(y, trial):
        starts = np.arange(max(1, len(rows) - length + 1))
        steps = (starts[:, None] + np.arange(length)) % max(1, 2 * (len(rows) - 1))
        found.append(rows[np.minimum(steps, np.abs(2 * (len(rows) - 1) - steps))])
    return np.concatenate(found)


def trial_lengths(
    y: np.ndarray, trial: np.ndarray, classes: int, most: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Windows in each trial of every class (K, J), and how many trials there are (K,).

    Of more than ``most`` trials of a class as many are taken, evenly spread over their lengths. A class without windows
    has one trial of one window.
    """
    of_class: list[list[int]] = [[] for _ in range(classes)]
    for rows in trial_rows(y, trial):
        of_class[int(y[rows[0]])].append(len(rows))
    if most is not None:
        taken = [np.sort(np.argsort(own, kind="stable")[evenly_spread(len(own), most)]) for own in of_class]
        of_class = [[own[i] for i in places] for own, places in zip(of_class, taken, strict=True)]
    of_class = [own or [1] for own in of_class]
    lengths = np.zeros((classes, most or max(map(len, of_class))), dtype=np.int64)
    for c, own in enumerate(of_class):
        lengths[c, : len(own)] = own
    return lengths, np.array([len(own) for own in of_class])


def evenly_spread(n: int, most: int) -> np.ndarray:
    """Positions of all of n, or of ``most`` of them from the first to the last."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int))


def in_trials(y: Tensor, lengths: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """Which synthetic trial of its class each window is of, and its place in it: (M, N) -> (M, N) twice.

    The windows of a class, in order, fill one synthetic trial after the other; the trials have the lengths of the real
    trials of the class, in turn. Both results depend only on the labels up to the window.

    Parameters
    ----------
    y
        Labels (M, N).
    lengths, counts
        (M, K, J) and (M, K), see `trial_lengths`.
    """
    of_class = one_hot(y, lengths.shape[1])
    rank = (of_class.cumsum(1) * of_class).sum(-1) - 1
    ends = lengths.cumsum(-1)
    whole = ends[..., -1].gather(1, y)
    rounds, rest = rank // whole, rank % whole
    own = ends.gather(1, y[..., None].expand(-1, -1, ends.shape[-1]))
    passed = (rest[..., None] >= own).sum(-1)
    begun = (own * (torch.arange(own.shape[-1], device=y.device) == passed[..., None] - 1)).sum(-1)
    return rounds * counts.gather(1, y) + passed, rest - begun


def trial_numbers(y: Tensor, trial: Tensor, classes: int) -> Tensor:
    """One number for each synthetic trial, of the labels and the `in_trials` of its windows, both (M, N)."""
    return trial * classes + y
