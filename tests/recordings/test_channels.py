"""Channels are found however they are written, and what is no EEG is left out."""

from contextlib import nullcontext

import numpy as np
import pytest

from emogan.data.montage import CHANNELS
from emogan.recordings.channels import Signal, pick, plain


@pytest.mark.parametrize(
    ("written", "found"),
    [("Fp1", "FP1"), ("EEG Fp1", "FP1"), ("eeg fpz-REF", "FPZ"), ("Fc5.", "FC5"), (" C3 ", "C3"), ("EEG:POZ-LE", "POZ"),
     ("EEG A2-A1", "A2-A1"), ("T7-M1", "T7"), ("EEG001", "EEG001")],
)  # fmt: skip
def test_a_name_is_read_without_regard_to_case_spaces_prefix_and_reference(written, found):
    assert plain(written) == found


def signals(*names, **told):
    return [Signal(name, **told) for name in names]


def test_the_62_channels_come_in_their_own_order_whatever_that_of_the_file():
    order = np.random.default_rng(0).permutation(62)
    written = [f"EEG {CHANNELS[i].capitalize()}" for i in order] + ["M1", "m2", "VEO", "HEO", "ECG ECG"]
    found = pick(signals(*written), "seed")
    assert found.names == CHANNELS
    assert [plain(written[i]) for i in found.picks] == list(CHANNELS)
    assert found.eog == [64, 65]
    assert found.notes == []


def test_all_eeg_channels_are_found_and_mastoids_eyes_and_heart_are_not():
    written = signals("EEG Fp1", "EEG Fp2", "EEG A2-A1", "ECG ECG", "EOG left", "Status", "VEO", "M1")
    found = pick([*written, Signal("misc", "misc")], "found")
    assert found.names == ("FP1", "FP2")
    assert found.eog == [4, 6]


@pytest.mark.parametrize(
    ("other", "why"),
    [
        *((Signal(name), "not EEG by its name") for name in ("EXG1", "Erg2", "Resp", "Plet", "AUX 1", "ACC X", "PPG", "EDA")),
        *((Signal("O9", "misc", unit), f"measured in {unit}") for unit in ("degC", "Ohm", "g", "%")),
        (Signal("left", "emg"), "of type emg"), (Signal("SpO2"), "not EEG by its name"), (Signal("E1"), "EOG"),
        (Signal("Foo"), "not named as an electrode"), (Signal("C4", is_bad=True), "marked bad in the file"),
    ],
)  # fmt: skip
def test_what_is_recorded_beside_eeg_is_no_eeg_and_named_with_the_reason(other, why):
    found = pick([*signals("Fp1", "Cz"), other], "found")
    assert found.names == ("FP1", "CZ")
    assert found.notes == [f"channels=found took 2 channels: FP1, CZ; left out {other.name} ({why})"]
    with pytest.raises(ValueError, match="missing") if why != "not named as an electrode" else nullcontext():
        pick([*signals("Fp1", "Cz"), other], ["Fp1", other.name])


@pytest.mark.parametrize(
    "cap",
    [["A1", "A2", "A3", "B32", "H30"], ["E1", "E2", "E3", "E128", "Cz"], ["EEG001", "EEG002"], ["EEG Fpz-Cz", "EEG Pz-Oz"],
     ["FFC1h", "AFp3h", "Cz"], ["left", "right"]],
)  # fmt: skip
def test_electrodes_of_other_caps_are_found_whole(cap):
    assert pick(signals(*cap, "EXG1"), "found").picks == list(range(len(cap)))


def test_channels_marked_bad_are_taken_only_if_asked_for():
    written = [*signals("Fp1", "Cz"), Signal("C4", is_bad=True)]
    for policy in ("keep", "interpolate"):
        assert pick(written, ["C4", "Cz"], policy)[:4] == ([2, 1], ("C4", "Cz"), [], ("C4",))
    with pytest.raises(
        ValueError, match=r"missing C4 \(there are C4 \(marked bad in the file\)\).*bad_channels=interpolate"
    ):
        pick(written, ["C4", "Cz"])


def test_eog_channels_marked_bad_show_no_blinks_unless_they_are_kept():
    written = [*signals("Fp1", "Cz"), Signal("VEOG", "eog", is_bad=True)]
    for policy, eog in (("leave_out", []), ("interpolate", []), ("keep", [2])):
        found = pick(written, "found", policy)
        assert found.eog == eog
        assert ("left out the EOG channel VEOG, marked bad in the file" in found.notes) == (not eog)


def test_channels_of_different_rates_are_not_mixed():
    written = [Signal("Fp1", rate_hz=256.0), Signal("Cz", rate_hz=64.0), Signal("EOG", rate_hz=128.0)]
    with pytest.raises(ValueError, match=r"one sampling rate, got 64 Hz: Cz; 256 Hz: Fp1\. Choose"):
        pick(written, "found")
    found = pick(written, ["Fp1"])
    assert (found.picks, found.eog) == ([0], [])
    assert "left out the EOG channel EOG, whose sampling rate" in found.notes[1]


def test_several_references_are_told():
    assert "several references (A1, A2)" in pick(signals("EEG Fp1-A2", "EEG Fp2-A1"), "found").notes[1]
    assert len(pick(signals("EEG Fp1-A2", "EEG Fp2-A2"), "found").notes) == 1


def test_a_list_is_taken_in_its_order_and_former_names_are_known():
    found = pick(signals("T3", "T5", "Cz", "O1"), ["cz", "P7", "T7"])
    assert (found.picks, found.names, found.notes) == ([2, 1, 0], ("cz", "P7", "T7"), ["left out the channels O1"])
    assert pick(signals("T7", "T8"), ["T4", "T3"]).picks == [1, 0]


def test_missing_and_further_channels_are_named():
    with pytest.raises(ValueError, match=r"expected the 3 channels .*missing F7; it has beyond them EEG Cz.*channels="):
        pick(signals("EEG Cz", "C3", "C4"), ["C3", "C4", "F7"])


def test_two_channels_of_one_name_are_refused():
    with pytest.raises(ValueError, match=r"distinct channels, got 'Fp1' and 'EEG FP1'"):
        pick(signals("Fp1", "EEG FP1"), "found")


def test_a_recording_without_eeg_is_refused():
    with pytest.raises(ValueError, match=r"expected EEG channels, got ECG \(not EEG by its name\), VEO \(EOG\)"):
        pick(signals("ECG", "VEO"), "found")
