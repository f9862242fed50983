"""Electrode positions: SEED's table against MNE's positions, and channels that SEED lacks."""

import mne
import numpy as np
import pytest
from scipy.optimize import least_squares

from emogan.data import montage
from emogan.data.montage import CHANNELS, EEG_FEATURES, positions, split_name


@pytest.fixture(scope="module")
def head():
    """MNE's 10-05 positions in metres, by upper-case name."""
    found = mne.channels.make_standard_montage("colin27_1005").get_positions()["ch_pos"]
    return {name.upper(): position for name, position in found.items()}


def test_the_table_holds_62_directions():
    assert positions().shape == (62, 3)
    np.testing.assert_allclose(np.linalg.norm(positions(), axis=1), 1, atol=1e-3)


def test_the_centre_is_that_of_the_sphere_that_fits_the_cap_best(head):
    cap = np.array([head[{"CB1": "PO9", "CB2": "PO10"}.get(channel, channel)] for channel in CHANNELS])
    found = least_squares(lambda v: np.linalg.norm(cap - v[:3], axis=1) - v[3], [0, 0, 0, 0.09], xtol=1e-12).x
    np.testing.assert_allclose(montage.CENTRE_M, found[:3], atol=1e-6)


def test_positions_from_mne_agree_with_the_table(monkeypatch):
    shared = [channel for channel in CHANNELS if channel not in ("CB1", "CB2")]
    table = positions([*shared, "CB1", "CB2"])
    monkeypatch.setattr(montage, "_cap", dict)
    np.testing.assert_allclose(positions([*shared, "PO9", "PO10"]), table, atol=6e-4)  # the table has three decimals


def test_names_are_found_without_regard_to_case_in_the_order_given():
    found = positions(["t7", "Fp1", "AFp3h", "T3"])
    np.testing.assert_array_equal(found[:2], positions()[[CHANNELS.index("T7"), 0]])
    np.testing.assert_allclose(found[3], found[0], atol=1e-3)  # the older name of T7
    assert found[2, 0] < 0 < found[2, 1]  # left and in front
    assert np.linalg.norm(found[2]) == pytest.approx(1)


def test_unknown_names_are_told():
    with pytest.raises(ValueError, match=r"expected electrodes of the 10-05 system such as FP1, got EEG 1, ecg$"):
        positions(["FP1", "EEG 1", "AFP3H", "ecg"])


def test_a_feature_name_tells_channel_and_band():
    assert [split_name(feature) for feature in EEG_FEATURES[4:6]] == [("FP1", "gamma"), ("FPZ", "delta")]
    assert split_name("Fz_low_beta") == ("Fz", "low_beta")
    assert split_name("Fz") == ("Fz", "")
