"""Recordings of every format give the same samples in microvolt, and damaged ones a sentence."""

import struct

import numpy as np
import pytest

from emogan.benchmark.simulated_cnt import write_cnt
from emogan.data.montage import CHANNELS
from emogan.recordings.eeg import SUFFIXES, open_recording

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
    assert any(name.endswith(".eeg") for name in files) == (path.suffix == ".vhdr")


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
