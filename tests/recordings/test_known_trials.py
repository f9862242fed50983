"""Published trials and those of annotations."""

import mne
import numpy as np
import pytest

from emogan.data.trials import SEED_IV_LABELS, SEED_LABELS, SEED_V_LABELS, SEED_V_WINDOWS_4S, SEED_WINDOWS_1S
from emogan.recordings.known_trials import annotations, seed, seed_iv, seed_v


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


def test_seed_v_s_trials_have_the_published_windows_and_labels(tmp_path):
    touch(
        tmp_path, *(f"{subject}_{session}_20180804.cnt" for subject in (2, 10) for session in (1, 2, 3)), "readme.txt"
    )
    table = seed_v(tmp_path)
    assert list(table.experiments()) == [(subject, session) for subject in (2, 10) for session in (1, 2, 3)]
    for (_, session), rows in table.experiments().items():
        windows = tuple(int((row.end_s - row.start_s) // 4) for row in rows)
        assert windows == SEED_V_WINDOWS_4S[session - 1]
        assert sum(windows) == (681, 541, 601)[session - 1]
        assert tuple(row.label for row in rows) == SEED_V_LABELS[session - 1]
        assert [row.trial for row in rows] == list(range(1, 16))
    assert table.class_names == ("disgust", "fear", "sad", "neutral", "happy")


def test_seed_s_raw_trials_last_as_long_as_the_films(tmp_path):
    table = seed(touch(tmp_path, "1_1.cnt", "1_2.cnt", "time.txt"))
    assert list(table.experiments()) == [(1, 1), (1, 2)]
    rows = table.experiments()[1, 2]
    assert tuple(int(row.end_s - row.start_s) for row in rows) == SEED_WINDOWS_1S
    assert tuple(row.label for row in rows) == SEED_LABELS


def test_seed_s_preprocessed_sessions_are_numbered_by_date(tmp_path):
    table = seed(touch(tmp_path, "2_20140413.mat", "2_20131027.mat", "2_20140420.mat", "label.mat"))
    files = {key: {row.recording.name for row in rows} for key, rows in table.experiments().items()}
    assert files == {(2, 1): {"2_20131027.mat"}, (2, 2): {"2_20140413.mat"}, (2, 3): {"2_20140420.mat"}}
    assert {(row.start_s, row.end_s) for row in table.rows} == {(0.0, np.inf)}


def test_seed_s_preprocessed_sessions_that_cannot_be_told_are_told_of(tmp_path):
    table = seed(touch(tmp_path, "2_20140413.mat", "2_20140404 (1).mat", "20_20150101.mat", "20_20150102.mat"))
    assert {key: rows[0].recording.name for key, rows in table.experiments().items()} == {(2, 2): "2_20140413.mat"}
    assert len(table.unusable) == 1
    assert "3 files of subject 20" in table.unusable[0]


@pytest.mark.parametrize(
    ("known", "names"), [(seed, ("1_2.cnt", "1_2.CNT")), (seed_v, ("1_1_20180804.cnt", "1_1_20180805.cnt"))]
)
def test_two_recordings_of_one_session_are_refused(tmp_path, known, names):
    with pytest.raises(ValueError, match="expected one file of subject 1, session"):
        known(touch(tmp_path, *names))


def test_seed_iv_has_a_folder_a_session(tmp_path):
    table = seed_iv(touch(tmp_path, *(f"{session}/3_2015101{session}.mat" for session in (1, 2, 3))))
    for (_, session), rows in table.experiments().items():
        assert tuple(row.label for row in rows) == SEED_IV_LABELS[session - 1]
    assert len(table.rows) == 72


@pytest.mark.parametrize("known", [seed, seed_iv, seed_v, annotations])
def test_a_folder_without_recordings_is_refused(tmp_path, known):
    with pytest.raises(FileNotFoundError, match="expected recordings"):
        known(tmp_path)


def annotated(path, onsets_s, durations_s, texts, first_s=0, names=("C3", "C4")):
    raw = mne.io.RawArray(np.zeros((len(names), 6000)), mne.create_info(list(names), 100, "eeg"), verbose="error")
    raw.set_meas_date(0)
    raw.set_annotations(mne.Annotations(onsets_s, durations_s, texts, orig_time=raw.info["meas_date"]))
    raw.crop(first_s).save(path, verbose="error")


@pytest.mark.parametrize("first_s", [0, 5])
def test_annotations_with_a_duration_are_trials(tmp_path, first_s):
    texts = ["happy", "BAD blink", "button", "sad"]
    annotated(tmp_path / "7_2.fif", [10, 12, 20, 30], [8, 1, 0, 12.5], texts, first_s)
    rows = annotations(tmp_path).rows
    assert [(row.experiment, row.trial, row.label) for row in rows] == [((7, 2), 1, "happy"), ((7, 2), 2, "sad")]
    assert [(row.start_s, row.end_s) for row in rows] == [(10 - first_s, 18 - first_s), (30 - first_s, 42.5 - first_s)]


def test_recordings_without_annotations_or_damaged_are_told_of_beside_the_others(tmp_path):
    annotated(tmp_path / "anna.fif", [10], [8], ["happy"])
    annotated(tmp_path / "ben.fif", [10], [0], ["happy"])
    (tmp_path / "carl.edf").write_bytes(b"nothing")
    table = annotations(tmp_path)
    assert [row.experiment for row in table.rows] == [("anna", 1)]
    none, damaged = table.unusable
    assert "ben.fif: expected annotations that last a window or longer, one a trial, got happy without" in none
    assert "carl.edf: expected a .edf recording" in damaged
