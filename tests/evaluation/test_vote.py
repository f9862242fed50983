"""The majority vote of a trial's windows."""

import numpy as np
import pytest

from emogan.evaluation.vote import majority


@pytest.mark.parametrize(
    ("labels", "trial", "expected"),
    [
        ([0, 1, 1, 2, 2, 0], [0, 0, 0, 1, 1, 1], [1, 2]),
        ([2, 1, 2, 1], [3, 3, 3, 3], [1]),  # of equals the first class
        ([1, 2, 2, 0, 2], [7, 5, 7, 5, 7], [0, 2]),  # windows of several trials in turn
    ],
)
def test_a_trial_has_the_most_frequent_label_of_its_windows_and_of_equals_the_lowest(labels, trial, expected):
    np.testing.assert_array_equal(majority(np.array(labels), np.array(trial)), expected)


def test_each_row_of_predictions_votes_on_its_own():
    labels, trial = np.random.default_rng(0).integers(3, size=(2, 4, 30)), np.arange(30) // 7
    found = majority(labels, trial)
    assert found.shape == (2, 4, 5)
    for i in np.ndindex(2, 4):
        np.testing.assert_array_equal(found[i], majority(labels[i], trial))
