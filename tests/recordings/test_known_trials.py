"""Published trials and those of annotations."""

import itertools

import mne
import numpy as np
import pytest

from emogan.data.trials import (
    SEED_FRA_LABELS,
    SEED_GER_LABELS,
    SEED_IV_LABELS,
    SEED_LABELS,
    SEED_V_LABELS,
    SEED_V_WINDOWS_4S,
    SEED_VII_LABELS,
    SEED_WINDOWS_1S,
)
from emogan.recordings import known_trials
from emogan.recordings.events_table import problems
from emogan.recordings.known_trials import KNOWN, annotations, bids, seed, seed_fra, seed_ger, seed_iv, seed_v, seed_vii


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


@pytest.mark.parametrize(
    ("known", "name", "count", "first"),
    [
        (seed, "1_{}.cnt", 15, (1, 1, 1)),
        (seed, "{}/20_20150101.mat", 15, (1, 1, 1)),
        (seed_v, "1_{}_20180804.cnt", 15, (1, 16, 31)),
        (seed_iv, "{}/1_20160518.mat", 24, (1, 25, 49)),
        (seed_fra, "1_{}.fif", 21, (1, 1, 1)),
    ],
    ids=["seed", "seed preprocessed", "seed_v", "seed_iv", "seed_fra"],
)
def test_published_trials_show_the_clips_of_the_data_sets(tmp_path, known, name, count, first):
    table = known(touch(tmp_path, *(name.format(session) for session in (1, 2, 3))))
    for (_, session), rows in table.experiments().items():
        assert [row.stimulus for row in rows] == list(range(first[session - 1], first[session - 1] + count))
    assert len(table.experiments()) == 3
    assert {type(row.stimulus) for row in table.rows} == {int}


def test_annotations_do_not_tell_the_stimulus(tmp_path):
    annotated(tmp_path / "anna.fif", [10], [8], ["happy"])
    assert [row.stimulus for row in annotations(tmp_path).rows] == [None]


def test_seed_vii_numbers_the_trials_of_a_subject_s_file_through_all_sessions(tmp_path):
    table = seed_vii(touch(tmp_path, "2.mat", "10.mat", "._2.mat"))
    assert list(table.experiments()) == [(subject, session) for subject in (2, 10) for session in (1, 2, 3, 4)]
    for (subject, session), rows in table.experiments().items():
        assert {row.recording.name for row in rows} == {f"{subject}.mat"}
        assert tuple(row.label for row in rows) == SEED_VII_LABELS[session - 1]
        assert [row.trial for row in rows] == list(range(20 * session - 19, 20 * session + 1))
        assert {(row.start_s, row.end_s, row.stimulus - row.trial) for row in rows} == {(0.0, np.inf, 0)}


def test_seed_fra_s_clips_last_as_long_as_published(tmp_path):
    rows = seed_fra(touch(tmp_path, "1_2.edf", "03_eye.xlsx")).experiments()[1, 2]
    assert [int(row.end_s - row.start_s) for row in rows][:4] == [172, 255, 178, 275]
    assert tuple(row.label for row in rows) == SEED_FRA_LABELS
    assert all(one.end_s < other.start_s for one, other in itertools.pairwise(rows))


def test_clips_of_seed_ger_without_public_times_are_left_out_and_told_of(tmp_path):
    table = seed_ger(touch(tmp_path, "1_1.fif", "1_2.fif"))
    for rows in table.experiments().values():
        assert [row.trial for row in rows] == [i for i in range(1, 21) if i not in (2, 19)]
        assert [row.label for row in rows] == [SEED_GER_LABELS[row.trial - 1] for row in rows]
        assert (rows[0].start_s, rows[0].end_s, rows[1].start_s, rows[-1].end_s) == (5, 136, 411, 4538)
    note = "no times are public of the clips 2 and 19, which are left out"
    assert table.notes == (("1_1.fif", note), ("1_2.fif", note))


@pytest.mark.parametrize("known", [*KNOWN.values(), annotations])
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


@pytest.mark.parametrize("naming", ["neuromag", "bids"])
def test_the_parts_of_a_divided_fif_are_one_recording(tmp_path, naming):
    raw = mne.io.RawArray(np.zeros((20, 25_000)), mne.create_info(20, 100, "eeg"), verbose="error")
    raw.set_annotations(mne.Annotations([10, 200], [8, 20], ["happy", "sad"]))
    raw.save(tmp_path / "7_raw.fif", split_size="1.5MB", buffer_size_sec=1, split_naming=naming, verbose="error")
    parts = sorted(path.name for path in tmp_path.iterdir())
    assert len(parts) > 2
    table = annotations(tmp_path)
    first = {"neuromag": "7_raw.fif", "bids": "7_split-01_raw.fif"}[naming]
    assert [(row.recording.name, row.label, row.start_s) for row in table.rows] == [
        (first, "happy", 10),
        (first, "sad", 200),
    ]
    assert dict(table.notes) == {
        name: f"it is a part of {first} and no recording of its own" for name in parts if name != first
    }


@pytest.mark.parametrize("sfreq_hz", [256, 300, 512])
def test_trials_that_touch_or_last_one_window_are_no_problem_of_rounding(
    tmp_path, sfreq_hz, brain_vision_writer, eeglab_writer
):
    samples = np.cumsum([2 * sfreq_hz + 1, 4 * sfreq_hz, 10 * sfreq_hz + 1])
    times = [(int(a) / sfreq_hz, int(b - a) / sfreq_hz) for a, b in itertools.pairwise(samples)]
    signal = np.zeros((2, 20 * sfreq_hz))
    brain_vision_writer(tmp_path, ["C3", "C4"], sfreq_hz, signal, [("Stimulus", "joy", *both) for both in times])
    eeglab_writer(tmp_path / "p2.set", ["C3", "C4"], sfreq_hz, signal, [("joy", *both) for both in times])
    for name in ("p3", "p4"):
        raw = mne.io.RawArray(signal, mne.create_info(2, sfreq_hz, "eeg"), first_samp=777, verbose="error")
        raw.set_meas_date(0 if name == "p3" else None)
        raw.set_annotations(mne.Annotations(*zip(*times, strict=True), "joy"))
        raw.save(tmp_path / f"{name}.fif", verbose="error")
    table = annotations(tmp_path, 4.0)
    assert len(table.rows) == 4 * len(times)
    assert problems(table, 4.0) == {}


def test_markers_without_a_text_are_no_class_and_counted(tmp_path, edf_writer, brain_vision_writer, eeglab_writer):
    signal = np.zeros((2, 60 * 250))
    signals = [(name, "uV", 250, row) for name, row in zip(("C3", "C4"), signal, strict=True)]
    edf_writer(tmp_path / "p2.edf", signals, "EDF+C", annotations=[(10, 8, "joy"), (20, 8, "")])
    brain_vision_writer(tmp_path, ["C3", "C4"], 250, signal, [("Stimulus", "joy", 10, 8), ("Stimulus", "", 20, 8)])
    eeglab_writer(tmp_path / "p3.set", ["C3", "C4"], 250, signal, [("joy", 10, 8), ("", 20, 8), ([], 30, 8)])
    table = annotations(tmp_path)
    assert [row.label for row in table.rows] == ["Stimulus/joy", "joy", "joy"]
    told = {name: note.partition("in all: ")[2] for name, note in table.notes}
    assert told == {"p1.vhdr": "Stimulus/ (1)", "p2.edf": "(no text) (1)", "p3.set": "(no text) (2)"}


def test_an_unforeseen_error_in_one_recording_stops_no_other(tmp_path, monkeypatch):
    for name in ("anna", "ben"):
        annotated(tmp_path / f"{name}.fif", [10], [8], ["happy"])
    read = known_trials.read_markers
    monkeypatch.setattr(known_trials, "read_markers", lambda path: {}[1] if path.stem == "anna" else read(path))
    table = annotations(tmp_path)
    assert [row.subject for row in table.rows] == ["ben"]
    assert table.unusable == (f"{tmp_path / 'anna.fif'}: KeyError: 1",)


def write_events(path, *rows, columns=("onset", "duration", "trial_type", "stim_file")):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join("\t".join(map(str, row)) for row in (columns, *rows)) + "\n")
    path.with_name(path.name.replace("_events.tsv", "_eeg.edf")).write_bytes(b"")


def test_events_of_bids_are_trials_by_subject_session_and_run(tmp_path):
    eeg = tmp_path / "sub-02" / "ses-1" / "eeg"
    write_events(
        eeg / "sub-02_ses-1_task-film_run-2_events.tsv", (5, 20, "joy", "c.mp4"), (30, "n/a", "joy", "d.mp4"),
    )  # fmt: skip
    write_events(
        eeg / "sub-02_ses-1_task-film_run-1_events.tsv",
        (40, 30.5, "fear", "b.mp4"), (2, 20, "joy", "a.mp4"), (1, 0, "trigger", "n/a"), (80, 9, "n/a", "n/a"),
        (90, 9, "BAD_muscle", "n/a"),
    )  # fmt: skip
    write_events(
        tmp_path / "sub-anna" / "eeg" / "sub-anna_task-film_events.tsv", (0, 60, 3), columns=("onset", "duration", "trial_type")
    )  # fmt: skip
    write_events(tmp_path / "derivatives" / "sub-02" / "sub-02_events.tsv", (0, 60, "joy", "a.mp4"))
    table = bids(tmp_path, window_s=4.0)
    assert [
        (row.recording.name[-13:], row.subject, row.session, row.trial, row.label, row.start_s, row.end_s, row.stimulus)
        for row in table.rows
    ] == [
        ("run-1_eeg.edf", 2, 1, 1, "joy", 2.0, 22.0, "a.mp4"),
        ("run-1_eeg.edf", 2, 1, 2, "fear", 40.0, 70.5, "b.mp4"),
        ("run-2_eeg.edf", 2, 1, 3, "joy", 5.0, 25.0, "c.mp4"),
        ("-film_eeg.edf", "anna", 1, 1, "3", 0.0, 60.0, None),
    ]  # fmt: skip
    assert problems(table, 4.0) == {}
    notes = dict(table.notes)
    assert notes["sub-02_ses-1_task-film_run-1_eeg.edf"].endswith(
        "3 in all: trigger (1), (no text) (1), BAD_muscle (1)"
    )
    assert notes["sub-02_ses-1_task-film_run-2_eeg.edf"].endswith("1 in all: joy (1)")
    assert not table.unusable


def test_what_bids_lacks_is_said_of_each_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"expected files such as sub-01/eeg/sub-01_task-films_events\.tsv"):
        bids(tmp_path)
    write_events(tmp_path / "sub-1" / "sub-1_events.tsv", (0, 60, "joy"), columns=("onset", "duration", "value"))
    write_events(tmp_path / "sub-2" / "sub-2_events.tsv", (0, 1, "joy", "a.mp4"))
    write_events(tmp_path / "sub-3" / "sub-3_events.tsv", (0, "long", "joy", "a.mp4"))
    write_events(tmp_path / "sub-4" / "sub-4_events.tsv", (0, 60, "joy", "a.mp4"))
    (tmp_path / "sub-4" / "sub-4_eeg.edf").unlink()
    table = bids(tmp_path, window_s=4.0)
    assert not table.rows
    for text, said in zip(
        table.unusable,
        (
            "missing trial_type, got onset, duration, value",
            "that last a window of 4 s",
            "expected seconds in duration, got 'long'",
        ),
        strict=True,
    ):
        assert said in text
    assert dict(table.notes)["sub-4_events.tsv"].startswith("there is no sub-4_eeg of a format that can be read (.cnt")


def test_a_data_set_in_bids_without_recordings_is_refused_and_links_to_nothing_are_told_of(tmp_path):
    folder = tmp_path / "sub-01" / "eeg"
    folder.mkdir(parents=True)
    (folder / "sub-01_task-f_events.tsv").write_text("onset\tduration\ttrial_type\n1\t20\tcalm\n")
    (problem,) = bids(tmp_path, 4.0).unusable
    assert "expected recordings beside the 1 files of events, found none" in problem
    (folder / "sub-01_task-f_eeg.edf").symlink_to("../../.git/annex/objects/x.edf")
    (problem,) = bids(tmp_path, 4.0).unusable
    assert "sub-01_task-f_eeg.edf: the file is a link whose content is not there" in problem


def test_events_of_bids_without_a_type_are_counted(tmp_path):
    folder = tmp_path / "sub-01" / "eeg"
    folder.mkdir(parents=True)
    (folder / "sub-01_task-f_eeg.edf").touch()
    lines = "onset\tduration\ttrial_type\n1\t20\tcalm\n25\t20\tn/a\n50\t20\tjoy\n71\t1\tkey\n"
    (folder / "sub-01_task-f_events.tsv").write_text(lines)
    table = bids(tmp_path, 4.0)
    assert [(row.trial, row.label) for row in table.rows] == [(1, "calm"), (2, "joy")]
    assert table.notes[0][1].endswith("2 in all: (no text) (1), key (1)")
