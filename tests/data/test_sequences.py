"""Trials as sequences: stretches of successive windows, lengths of trials, and which trial a synthetic window is of."""

import itertools

import numpy as np
import torch

from emogan.data.sequences import in_trials, stretches, trial_lengths, trial_numbers, trial_rows

Y = np.array([1, 0, 1, 0, 0, 1, 1, 0, 1])
TRIAL = np.array([5, 2, 5, 2, 2, 3, 5, 1, 5])


def test_the_windows_of_a_trial_are_found_in_order_wherever_they_stand():
    assert [rows.tolist() for rows in trial_rows(Y, TRIAL)] == [[7], [1, 3, 4], [5], [0, 2, 6, 8]]


def test_a_trial_with_two_labels_is_two_sequences():
    assert [rows.tolist() for rows in trial_rows(np.array([0, 1, 0]), np.zeros(3, dtype=int))] == [[0, 2], [1]]


def test_there_are_no_trials_without_windows():
    assert trial_rows(Y[:0], TRIAL[:0]) == []


def test_stretches_are_all_runs_of_successive_windows_of_one_trial():
    y, trial = np.zeros(60, dtype=int), np.repeat(np.arange(4), 15)
    expected = [list(range(i, i + 4)) for i in range(57) if i % 15 <= 11]
    assert stretches(y, trial, 4).tolist() == expected


def test_short_trials_are_walked_to_and_fro():
    assert stretches(Y, TRIAL, 4).tolist() == [[7, 7, 7, 7], [1, 3, 4, 3], [5, 5, 5, 5], [0, 2, 6, 8]]
    assert stretches(np.zeros(2, dtype=int), np.zeros(2, dtype=int), 5).tolist() == [[0, 1, 0, 1, 0]]


def test_successive_windows_of_a_stretch_are_neighbours_in_time():
    random = np.random.default_rng(0)
    trial = np.repeat(np.arange(12), random.integers(2, 9, size=12))
    for stretch in stretches(trial % 3, trial, 5):
        assert len(set(trial[stretch])) == 1
        assert all(abs(a - b) == 1 for a, b in itertools.pairwise(stretch))


def test_lengths_of_trials_stand_class_by_class_and_of_many_some_are_taken_evenly():
    lengths, counts = trial_lengths(Y, TRIAL, 3)
    assert lengths.tolist() == [[1, 3], [1, 4], [1, 0]]
    assert counts.tolist() == [2, 2, 1]
    trial = np.repeat(np.arange(9), np.arange(1, 10))
    lengths, counts = trial_lengths(np.zeros(45, dtype=int), trial, 1, most=3)
    assert (lengths.tolist(), counts.tolist()) == ([[1, 5, 9]], [3])


def test_of_many_trials_the_lengths_are_spread_as_those_of_all():
    """Clips that come again in the same order would leave lengths out, if trials were taken at equal distances."""
    each = np.array([2, 4, 6] * 16)
    trial = np.repeat(np.arange(48), each)
    (lengths,), _ = trial_lengths(np.zeros(len(trial), dtype=int), trial, 1, most=32)
    assert min(np.bincount(lengths)[[2, 4, 6]]) >= 10
    assert lengths[:4].tolist() != sorted(lengths)[:4], "trials follow one another as they did"


def test_the_windows_of_a_class_fill_trials_of_the_real_lengths_in_turn():
    lengths, counts = torch.tensor([[[2, 3, 0], [1, 0, 0]]]), torch.tensor([[2, 1]])
    trial, place = in_trials(torch.zeros(1, 9, dtype=torch.int64), lengths, counts)
    assert trial.tolist() == [[0, 0, 1, 1, 1, 2, 2, 3, 3]]
    assert place.tolist() == [[0, 1, 0, 1, 2, 0, 1, 0, 1]]
    trial, place = in_trials(torch.tensor([[0, 1, 0, 1, 0]]), lengths, counts)
    assert trial.tolist() == [[0, 0, 0, 1, 1]]
    assert place.tolist() == [[0, 0, 1, 0, 0]]
    assert trial_numbers(torch.tensor([[0, 1, 0, 1, 0]]), trial, 2).tolist() == [[0, 1, 0, 3, 2]]


def test_members_have_trials_of_their_own_lengths():
    lengths, counts = torch.tensor([[[2, 0]], [[1, 3]]]), torch.tensor([[1], [2]])
    trial, _ = in_trials(torch.zeros(2, 5, dtype=torch.int64), lengths, counts)
    assert trial.tolist() == [[0, 0, 1, 1, 2], [0, 1, 1, 1, 2]]
