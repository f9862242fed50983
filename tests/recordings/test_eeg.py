"""Recordings of every format give the same samples in microvolt, and damaged ones a sentence."""

import struct

import mne
import numpy as np
import pytest

from emogan.benchmark.simulated_cnt import write_cnt
from emogan.data.montage import CHANNELS
from emogan.recordings.eeg import SUFFIXES, open_recording, read_markers

WRITTEN = sorted(set(SUFFIXES) - {".bdf"})  # no writer of .bdf is at hand; MNE's reader is that of .edf


@pytest.fixture(params=WRITTEN)
def recorded(request, tmp_path, recorder, simulated):
    """A signal (62, 20 s) and its recording."""
    sfreq_hz = 200 if request.param == ".mat" else 250
    signal = simulated(CHANNELS, 20, sfreq_hz)
    return signal, recorder(tmp_path / f"1_raw{request.param}", CHANNELS, signal, sfreq_hz)


def test_every_format_gives_its_samples_in_microvolt(recorded):
    signal, path = recorded
    recording = open_recording(path, trial=1)
    assert recording.duration_s == pytest.approx(20)
    assert recording.n_samples == signal.shape[1]
    found = recording.read(1000, 2000)
    assert np.abs(found - signal[:, 1000:2000]).max() < 0.06  # half of the resolution of .cnt


def test_every_format_s_files_are_named(recorded, tmp_path):
    _, path = recorded
    files = {file.name for file in open_recording(path, trial=1).files}
    assert path.name in files
    assert files <= {file.name for file in tmp_path.iterdir()}
    assert len(files) == (3 if path.suffix == ".vhdr" else 1)


def test_a_recording_with_a_damaged_header_is_refused_by_name(recorded):
    _, path = recorded
    path.write_bytes(b"\xff" * 300 + path.read_bytes()[300:600])
    with pytest.raises(ValueError, match=rf"{path.name}: expected a {path.suffix} (recording|file)"):
        open_recording(path, trial=1)


def test_a_missing_recording_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"expected a recording at .*1_1\.cnt, found nothing"):
        open_recording(tmp_path / "1_1.cnt")


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "notes.docx").write_bytes(b"")
    with pytest.raises(ValueError, match=r"expected an EEG recording \(\.cnt, .*got \.docx"):
        open_recording(tmp_path / "notes.docx")


@pytest.mark.parametrize(
    ("at", "value", "kind"),
    [(886, 2**31 - 1, "<i4"), (886, 2**31 - 1, "<i2"), (864, 0, "<i4"), (864, -7, "<i4"), (864, 2**31 - 1, "<i4")],
)
def test_a_cnt_file_whose_header_counts_wrongly_is_read_all_the_same(tmp_path, simulated, at, value, kind):
    signal = simulated(CHANNELS, 20)
    path = tmp_path / "7_1.cnt"
    write_cnt(path, CHANNELS, 250, [signal], kind)
    content = bytearray(path.read_bytes())
    struct.pack_into("<i", content, at, value)
    path.write_bytes(content)
    recording = open_recording(path)
    assert recording.n_samples == signal.shape[1]
    assert np.abs(recording.read(0, 5000) - signal).max() < 0.06


def test_a_cnt_file_of_more_than_2_gb_is_read_to_its_end(tmp_path, simulated):
    """Its table of events stands beyond what four bytes can say; between its ends it is a hole, which takes no room."""
    signal, path = simulated(CHANNELS, 4), tmp_path / "8_1.cnt"
    write_cnt(path, CHANNELS, 250, [signal])
    header, samples = 900 + 75 * 62, 10_000_000
    size = 4 * 62 * samples
    with path.open("r+b") as file:
        last = file.read()[header:-9]
        file.truncate(header)
        file.seek(header + size - len(last))
        file.write(last + struct.pack("<Bll", 1, 0, 0))
        file.seek(864)
        file.write(struct.pack("<i", samples))
        file.seek(886)
        file.write(struct.pack("<I", (header + size) % 2**32))
    recording = open_recording(path)
    assert recording.n_samples == samples
    assert np.abs(recording.read(samples - 1000, samples) - signal).max() < 0.06


def test_a_cnt_file_that_is_cut_off_is_refused(tmp_path, simulated):
    path = tmp_path / "1_1.cnt"
    write_cnt(path, CHANNELS, 250, [simulated(CHANNELS, 20)])
    path.write_bytes(path.read_bytes()[:-400_000])
    with pytest.raises(ValueError, match=r"1_1\.cnt: expected a \.cnt recording.*Copy it again"):
        open_recording(path)


def test_samples_that_cannot_be_read_are_told_of(tmp_path, recorder, names, simulated):
    path = recorder(tmp_path / "1.vhdr", names, simulated(names, 20))
    recording = open_recording(path, "found")
    data = path.with_suffix(".eeg")
    data.write_bytes(data.read_bytes()[:10_000])
    with pytest.raises(ValueError, match=r"1\.vhdr: expected samples from 8 to 12 s, got .*copied whole"):
        recording.read(2000, 3000)


def test_a_preprocessed_trial_is_found_by_its_number(tmp_path, recorder, simulated):
    signal = simulated(CHANNELS, 10, 200)
    path = recorder(tmp_path / "1_20131027.mat", CHANNELS, signal)
    assert np.abs(open_recording(path, trial=2).read(0, 50) - signal[:, ::-1][:, :50]).max() < 1e-9
    with pytest.raises(ValueError, match=r"expected a variable of trial 3, got those of the trials 1, 2"):
        open_recording(path, trial=3)
    with pytest.raises(ValueError, match=r"expected abc_eeg1 of shape \(62, samples\), got \(10, 2000\)"):
        open_recording(recorder(tmp_path / "2.mat", CHANNELS, signal[:10]), trial=1)


def test_a_recording_says_which_channels_it_lacks(tmp_path, recorder, simulated, names):
    path = recorder(tmp_path / "1.edf", names, simulated(names, 4))
    with pytest.raises(ValueError, match=r"1\.edf: expected the 62 channels .*missing FPZ.*channels=found"):
        open_recording(path)


def test_an_eeg_channel_slower_than_another_is_read_at_its_own_rate(tmp_path, edf_writer, simulated):
    """MNE would interpolate it to the rate of the fastest channel of the file."""
    slow, fast = simulated(("C3", "C4"), 20, 128), simulated(("Resp",), 20, 256)
    signals = [
        ("C3", "uV", 128, slow[0]),
        ("Resp", "uV", 256, fast[0]),
        ("C4", "uV", 128, slow[1]),
        ("VEO", "uV", 128, slow[0]),
    ]
    recording = open_recording(edf_writer(tmp_path / "1.edf", signals), "found")
    assert (recording.sfreq_hz, recording.n_samples, recording.channels) == (128, 20 * 128, ("C3", "C4"))
    assert np.abs(recording.read(0, 1000, with_eog=True) - slow[[0, 1, 0], :1000]).max() < 0.01


def facts_of_edf(folder, writers, signal):
    units = ["uV", "uV", "degC", "Ohm", "%"]
    writers["edf"](
        folder / "1.bdf", [(name, unit, 250, row) for name, unit, row in zip(FACTS, units, signal, strict=True)]
    )
    return folder / "1.bdf"


def facts_of_brain_vision(folder, writers, signal):
    return writers["vhdr"](folder, FACTS, 250, signal, units=["µV", "µV", "C", "n/a", "ARU"])


def facts_of_eeglab(folder, writers, signal):
    return writers["set"](folder / "1.set", FACTS, 250, signal, types=["EEG", "EEG", "MISC", "EMG", "ECG"])


def facts_of_fif(folder, writers, signal):
    return writers["any"](folder / "1.fif", FACTS, signal, kinds=["eeg", "eeg", "temperature", "emg", "bio"])


FACTS = ("C3", "C4", "P3", "P4", "O1")  # names of electrodes: only the file's own facts tell what three of them are


@pytest.mark.parametrize("write", [facts_of_edf, facts_of_brain_vision, facts_of_eeglab, facts_of_fif])
def test_what_a_file_says_of_its_channels_counts_more_than_their_names(
    tmp_path, write, recorder, edf_writer, brain_vision_writer, eeglab_writer, simulated
):
    writers = {"any": recorder, "edf": edf_writer, "vhdr": brain_vision_writer, "set": eeglab_writer}
    recording = open_recording(write(tmp_path, writers, simulated(FACTS, 20)), "found")
    assert recording.channels == ("C3", "C4")
    (note,) = recording.notes
    assert all(f"{name} (" in note or f"{name}, " in note for name in FACTS[2:])


@pytest.mark.parametrize("suffix", [".cnt", ".fif"])
def test_channels_that_a_file_marks_bad_are_no_channels_unless_asked_for(tmp_path, recorder, simulated, suffix):
    path, names = tmp_path / f"1{suffix}", ("C3", "C4", "P3")
    recorder(path, names, simulated(names, 20))
    if suffix == ".cnt":
        content = bytearray(path.read_bytes())
        content[900 + 75 + 14] = 1
        path.write_bytes(content)
    else:
        raw = mne.io.read_raw_fif(path, preload=True, verbose="error")
        raw.info["bads"] = ["C4"]
        raw.save(path, overwrite=True, verbose="error")
    assert open_recording(path, "found").channels == ("C3", "P3")
    kept = open_recording(path, "found", bad_channels="keep")
    assert (kept.channels, kept.bad) == (names, ("C4",))
    with pytest.raises(ValueError, match=r"marked bad in the file"):
        open_recording(path, ["C4"])


def test_filters_and_projections_that_a_file_tells_of_are_named(tmp_path, simulated, names):
    info = mne.create_info(list(names), 250, "eeg")
    raw = mne.io.RawArray(1e-6 * simulated(names, 20), info, verbose="error").filter(None, 40, verbose="error")
    raw.set_eeg_reference("average", projection=True, verbose="error").save(tmp_path / "1.fif", verbose="error")
    recording = open_recording(tmp_path / "1.fif", "found")
    assert recording.passed_hz == (0, 40)
    assert any(
        "projections that the file holds are not applied: Average EEG reference" in note for note in recording.notes
    )


UNITS = {"uV": 1, "UV": 1, "µV": 1, "Â\xb5V": 1, "Î¼V": 1, "microV": 1, "mV": 1e3, "V": 1e6, "nV": 1e-3}


@pytest.mark.parametrize(
    ("suffix", "unit", "factor"),
    [
        *((".edf", unit, factor) for unit, factor in UNITS.items()),
        *((suffix, unit, UNITS[unit]) for suffix in (".bdf", ".vhdr") for unit in ("UV", "µV", "mV", "V", "nV")),
    ],
)
def test_a_channel_s_own_unit_is_taken_however_it_is_written(
    tmp_path, edf_writer, brain_vision_writer, simulated, suffix, unit, factor
):
    names, signal = ("C3", "C4", "P3"), simulated(("C3", "C4", "P3"), 4)
    written, units = signal / np.array([[factor], [1], [1]]), [unit, "uV", "uV"]
    if suffix == ".vhdr":
        path = brain_vision_writer(tmp_path, names, 250, written, units=units)
    else:
        path = edf_writer(tmp_path / f"1{suffix}", list(zip(names, units, [250] * 3, written, strict=True)))
    recording = open_recording(path, "found")
    assert recording.channels == names
    assert np.abs(recording.read(0, 1000) - signal).max() < 0.02


def test_a_channel_without_a_unit_is_in_that_of_the_others_or_refused(tmp_path, edf_writer, simulated):
    names, signal = ("C3", "C4", "P3"), simulated(("C3", "C4", "P3"), 4)

    def write(*units):
        return edf_writer(tmp_path / "1.edf", list(zip(names, units, [250] * 3, signal, strict=True)))

    recording = open_recording(write("", "uV", "uV"), "found")
    assert np.abs(recording.read(0, 1000) - signal).max() < 0.01
    assert any("without a unit" in note and "C3" in note for note in recording.notes)
    for units in (("", "", ""), ("MV", "MV", "MV")):
        with pytest.raises(ValueError, match=r"1\.edf: expected EEG channels, got C3, C4, P3 \(measured in "):
            open_recording(write(*units), "found")
    assert open_recording(write("", "mV", "uV"), "found").channels == ("C4", "P3")


@pytest.mark.parametrize("kind", ["EKG", "VEOG", "TRIG"])
def test_types_of_eeglab_s_channels_that_mne_does_not_know_are_no_eeg(tmp_path, eeglab_writer, simulated, kind):
    path = eeglab_writer(tmp_path / "1.set", FACTS, 250, simulated(FACTS, 4), types=["EEG", "EEG", "", kind, kind])
    recording = open_recording(path, "found")
    assert recording.channels == FACTS[:3]
    assert f"left out P4, O1 (of type {kind.lower()})" in recording.notes[0]
    path = eeglab_writer(tmp_path / "2.set", FACTS, 250, simulated(FACTS, 4), types=["scalp"] * 5)
    assert open_recording(path, "found").channels == FACTS


def test_a_label_padded_with_zeros_is_that_without(tmp_path, edf_writer, simulated):
    signal = simulated(("C3", "C4"), 4)
    signals = [("C3".ljust(16, "\0"), "uV", 250, signal[0]), ("C4", "uV", 250, signal[1])]
    recording = open_recording(edf_writer(tmp_path / "1.edf", signals), ["C4", "C3"])
    assert np.abs(recording.read(0, 1000) - signal[::-1]).max() < 0.01


def test_a_file_that_was_cut_off_says_so(tmp_path, edf_writer, brain_vision_writer, simulated):
    signal = simulated(FACTS, 20)
    path = edf_writer(
        tmp_path / "1.edf", [(name, "uV", 250, row) for name, row in zip(FACTS, signal, strict=True)], announced=600
    )
    assert "cut off: its header announces 600 records, 20 are there" in open_recording(path, "found").notes
    path = brain_vision_writer(tmp_path, FACTS, 250, signal)
    assert len(open_recording(path, "found").notes) == 1
    (tmp_path / "p1.eeg").write_bytes((tmp_path / "p1.eeg").read_bytes()[:-3])
    assert "cut off: p1.eeg ends within a sample" in open_recording(path, "found").notes


@pytest.mark.parametrize("kind", ["", "EDF+C"])
@pytest.mark.parametrize("changed", [{"at": 216, "value": "0"}, {"at": None, "value": ""}])
def test_an_edf_without_samples_is_refused_by_name(tmp_path, edf_writer, kind, changed):
    path = edf_writer(tmp_path / "1.edf", [("C3", "uV", 250, np.ones(500))], kind)
    content, count = path.read_bytes(), 1 + bool(kind)
    if changed["at"]:
        at = 256 + changed["at"] * count
        content = (
            content[:at]
            + changed["value"].ljust(8 * count, "\0").replace("\0", " ").encode()
            + content[at + 8 * count :]
        )
    else:
        content = content[: 256 * (count + 1)]
    path.write_bytes(content)
    for read in (lambda: open_recording(path, "found"), lambda: read_markers(path)):
        with pytest.raises(ValueError, match=r"1\.edf: expected a \.edf recording"):
            read()


@pytest.mark.parametrize("written", ["MarkerFile = p1.vmrk", "markerfile=$b.vmrk", "MarkerFile=renamed.vmrk"])
def test_brain_vision_s_markers_are_found_however_its_header_names_them(tmp_path, brain_vision_writer, written):
    path = brain_vision_writer(tmp_path, FACTS, 250, np.ones((5, 5000)), [("Comment", "joy", 15, 28)])
    path.write_text(path.read_text(encoding="utf-8").replace("MarkerFile=p1.vmrk", written), encoding="utf-8")
    markers, files = read_markers(path)
    assert markers[-1] == (15, 28, "Comment/joy")
    assert tmp_path / "p1.vmrk" in files


def test_a_cnt_file_of_another_maker_is_refused_by_the_maker_s_name(tmp_path):
    path = tmp_path / "1_1.cnt"
    path.write_bytes(b"RIFF" + bytes(2000))
    with pytest.raises(ValueError, match=r"expected a \.cnt recording of Neuroscan, got one of ANT Neuro\. Convert"):
        open_recording(path, "found")
