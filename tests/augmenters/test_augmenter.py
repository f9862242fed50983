"""Labels of synthetic windows, one random generator or one for each member, and the augmenter that appends nothing."""

import numpy as np
import pytest
import torch
from padded_sets import unpadded

from emogan.augmenters import NoAugmentation, balanced_labels
from emogan.augmenters.augmenter import per_member


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_classes_get_equal_shares_and_a_remainder_goes_to_the_first(n_classes):
    for n in (0, 1, 2, 50, 200, 2000):
        labels = balanced_labels(n, n_classes)
        assert labels.shape == (n,)
        assert np.issubdtype(labels.dtype, np.integer)
        share, remainder = divmod(n, n_classes)
        expected = [share + 1] * remainder + [share] * (n_classes - remainder)
        assert np.bincount(labels, minlength=n_classes).tolist() == expected


def test_labels_of_fewer_windows_are_the_first_of_those_of_more():
    most = balanced_labels(2000, 3)
    for n in range(0, 2000, 37):
        np.testing.assert_array_equal(balanced_labels(n, 3), most[:n])


def test_no_augmentation_appends_nothing():
    x, y = torch.rand(2, 5, 4), torch.zeros(2, 5, dtype=torch.int64)
    augmenter = NoAugmentation().fit(unpadded(x, y, [5, 4]))
    assert augmenter.name == "none"
    drawn = augmenter.sample(torch.zeros(2, 0, dtype=torch.int64), torch.Generator())
    assert drawn.shape == (2, 0, 4)
    assert drawn.dtype == torch.float32


def test_every_window_that_is_drawn_alone_is_a_trial_of_its_own():
    y = torch.tensor([[0, 1, 2, 0], [0, 0, 1, 1]])
    assert NoAugmentation().synthetic_trials(y).tolist() == [[0, 1, 2, 3]] * 2
    assert NoAugmentation().synthetic_trials(y[:, :0]).shape == (2, 0)


def test_no_augmentation_refuses_to_draw_windows():
    augmenter = NoAugmentation(name="baseline").fit(unpadded(torch.rand(2, 5, 4), torch.zeros(2, 5)))
    with pytest.raises(ValueError, match="model=baseline appends nothing: n_aug must be 0, got 50"):
        augmenter.sample(torch.zeros(2, 50, dtype=torch.int64), torch.Generator())


def test_one_generator_serves_all_members_and_several_one_each():
    one, two = torch.Generator(), torch.Generator()
    assert per_member(one, 3) == [one, one, one]
    assert per_member((one, two), 2) == [one, two]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_wrong_number_of_generators_is_refused(count):
    with pytest.raises(ValueError, match=f"expected one generator or one for each of 2 members, got {count}"):
        per_member([torch.Generator() for _ in range(count)], 2)
