"""Asymmetries: pairs against where electrodes are on the head, differences and ratios against a loop."""

import numpy as np
import pytest

from emogan.data.montage import CHANNELS, positions
from emogan.signal.asymmetry import FRONT_BACK, LEFT_RIGHT, asm, dasm, dcau, rasm

FEATURES = np.random.default_rng(0).uniform(10, 28, size=(6, 62, 5))


def test_left_right_pairs_are_all_mirror_images_of_the_cap():
    assert len(LEFT_RIGHT) == 27
    left, right = (positions(side) for side in zip(*LEFT_RIGHT, strict=True))
    assert (left[:, 0] < -0.1).all()
    np.testing.assert_allclose(right, left * [-1, 1, 1], atol=0.06)
    midline = {channel for channel in CHANNELS if channel.endswith("Z")}
    assert {channel for pair in LEFT_RIGHT for channel in pair} == set(CHANNELS) - midline


def test_front_back_pairs_lie_one_behind_the_other():
    assert len(FRONT_BACK) == 23
    assert len({channel for pair in FRONT_BACK for channel in pair}) == 46
    front, back = (positions(side) for side in zip(*FRONT_BACK, strict=True))
    assert (front[:, 1] > 0.2).all()
    assert (back[:, 1] < -0.2).all()
    np.testing.assert_allclose(front[:, 0], back[:, 0], atol=0.25)


def test_asymmetries_are_differences_and_ratios_of_pairs_in_the_rows_of_seeds_files():
    at = CHANNELS.index
    for k, (left, right) in enumerate(LEFT_RIGHT):
        np.testing.assert_array_equal(dasm(FEATURES)[:, k], FEATURES[:, at(left)] - FEATURES[:, at(right)])
        np.testing.assert_array_equal(rasm(FEATURES)[:, k], FEATURES[:, at(left)] / FEATURES[:, at(right)])
    for k, (front, back) in enumerate(FRONT_BACK):
        np.testing.assert_array_equal(dcau(FEATURES)[:, k], FEATURES[:, at(front)] - FEATURES[:, at(back)])
    np.testing.assert_array_equal(asm(FEATURES), np.concatenate([dasm(FEATURES), rasm(FEATURES)], axis=1))
    shapes = [measure(FEATURES).shape for measure in (dasm, rasm, asm, dcau)]
    assert shapes == [(6, 27, 5), (6, 27, 5), (6, 54, 5), (6, 23, 5)]


@pytest.mark.parametrize("measure", [dasm, rasm, asm, dcau])
def test_channels_are_matched_by_name_without_regard_to_case_and_order(measure):
    order = np.random.default_rng(1).permutation(62)
    names = [CHANNELS[i].capitalize() for i in order]
    np.testing.assert_array_equal(measure(FEATURES[:, order], names), measure(FEATURES))


@pytest.mark.parametrize("measure", [dasm, rasm, asm, dcau])
def test_missing_channels_are_named(measure):
    keep = [i for i, channel in enumerate(CHANNELS) if channel not in ("CB1", "F8")]
    with pytest.raises(ValueError, match=r"F8.*CB1|CB1.*F8"):
        measure(FEATURES[:, keep], [CHANNELS[i] for i in keep])


def test_wrong_shapes_and_ratios_to_nothing_are_refused():
    with pytest.raises(ValueError, match=r"62 channels, bands\), got \(6, 61, 5\)"):
        dasm(FEATURES[:, 1:])
    with pytest.raises(ValueError, match="use dasm"):
        rasm(np.zeros_like(FEATURES))
