"""Channels are found however they are written, and what is no EEG is left out."""

import numpy as np
import pytest

from emogan.data.montage import CHANNELS
from emogan.recordings.channels import pick, plain


@pytest.mark.parametrize(
    ("written", "found"),
    [("Fp1", "FP1"), ("EEG Fp1", "FP1"), ("eeg fpz-REF", "FPZ"), ("Fc5.", "FC5"), (" C3 ", "C3"), ("EEG:POZ-LE", "POZ"),
     ("EEG A2-A1", "A2-A1"), ("T7-M1", "T7"), ("EEG001", "EEG001")],
)  # fmt: skip
def test_a_name_is_read_without_regard_to_case_spaces_prefix_and_reference(written, found):
    assert plain(written) == found


def test_the_62_channels_come_in_their_own_order_whatever_that_of_the_file():
    order = np.random.default_rng(0).permutation(62)
    written = [f"EEG {CHANNELS[i].capitalize()}" for i in order] + ["M1", "m2", "VEO", "HEO", "ECG ECG"]
    found = pick(written, "seed")
    assert found.names == CHANNELS
    assert [plain(written[i]) for i in found.picks] == list(CHANNELS)
    assert found.eog == [64, 65]
    assert found.extra == []


def test_all_eeg_channels_are_found_and_mastoids_eyes_and_heart_are_not():
    written = ["EEG Fp1", "EEG Fp2", "EEG A2-A1", "ECG ECG", "EOG left", "Status", "VEO", "M1", "misc"]
    found = pick(written, "found", ["eeg"] * 8 + ["misc"])
    assert found.names == ("FP1", "FP2")
    assert found.eog == [4, 6]


def test_a_list_is_taken_in_its_order_and_former_names_are_known():
    found = pick(["T3", "T5", "Cz", "O1"], ["cz", "P7", "T7"])
    assert (found.picks, found.names, found.extra) == ([2, 1, 0], ("cz", "P7", "T7"), ["O1"])
    assert pick(["T7", "T8"], ["T4", "T3"]).picks == [1, 0]


def test_missing_and_further_channels_are_named():
    with pytest.raises(ValueError, match=r"expected the 3 channels .*missing F7; it has beyond them EEG Cz.*channels="):
        pick(["EEG Cz", "C3", "C4"], ["C3", "C4", "F7"])


def test_two_channels_of_one_name_are_refused():
    with pytest.raises(ValueError, match=r"distinct channels, got 'Fp1' and 'EEG FP1'"):
        pick(["Fp1", "EEG FP1"], "found")


def test_a_recording_without_eeg_is_refused():
    with pytest.raises(ValueError, match="expected EEG channels, got ECG, VEO"):
        pick(["ECG", "VEO"], "found")
