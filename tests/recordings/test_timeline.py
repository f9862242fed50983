"""Where recording paused: every format's times lead to the samples that were taken then, and no trial lies across."""

import mne
import numpy as np
import pytest

from emogan.recordings.eeg import open_recording, read_markers
from emogan.recordings.known_trials import annotations
from emogan.recordings.timeline import Marker, Piece, timeline

SFREQ_HZ, NAMES = 250, ["FP1", "FP2", "C3", "C4"]


def counting(seconds=120):
    """Channels whose every sample tells its own number, in a thousandth of a microvolt."""
    return np.tile(np.arange(seconds * SFREQ_HZ) / 1000, (len(NAMES), 1))


def first_sample(recording, start_s, end_s):
    """Number of the sample with which a trial begins, as the samples themselves tell it."""
    first, last, _ = recording.timeline.locate(start_s, end_s)
    assert last - first == round((end_s - start_s) * recording.sfreq_hz)
    return round(1000 * recording.read(first, first + 1)[0, 0])


def raw_of(signal, **options):
    return mne.io.RawArray(1e-6 * signal, mne.create_info(NAMES, SFREQ_HZ, "eeg"), verbose="error", **options)


def paused_edf(folder, edf_writer, suffix=".edf", kind="EDF+D", begin_s=0.0, **options):
    """120 s in which the recording paused after 60 s, for 20 s."""
    onsets_s = begin_s + np.array([*range(60), *range(80, 140)])
    signals = [(name, "uV", SFREQ_HZ, row) for name, row in zip(NAMES, counting(), strict=True)]
    return edf_writer(folder / f"p1{suffix}", signals, kind, onsets_s, **options)


@pytest.mark.parametrize(("suffix", "kind"), [(".edf", "EDF+D"), (".bdf", "BDF+D")])
@pytest.mark.parametrize("begin_s", [0.0, 0.5])
def test_times_of_edf_plus_d_include_its_pauses(tmp_path, edf_writer, suffix, kind, begin_s):
    trials = [(begin_s + 10, 28, "rest"), (begin_s + 90, 28, "joy")]
    path = paused_edf(tmp_path, edf_writer, suffix, kind, begin_s, annotations=trials)
    recording = open_recording(path, "found")
    assert recording.duration_s == 140
    assert first_sample(recording, 10, 38) == pytest.approx(10 * SFREQ_HZ, abs=1)
    assert first_sample(recording, 90, 118) == pytest.approx(70 * SFREQ_HZ, abs=1)
    found = {row.label: (row.start_s, row.end_s) for row in annotations(tmp_path).rows}
    assert found == {"rest": (10, 38), "joy": (90, 118)}
    for times in ((70, 75), (50, 85)):
        with pytest.raises(ValueError, match="got a pause of 20 s at 60 s of the recording"):
            recording.timeline.locate(*times)


@pytest.mark.parametrize("suffix", [".edf", ".bdf"])
def test_an_edf_file_that_contradicts_itself_about_pauses_is_refused(tmp_path, edf_writer, suffix):
    path = paused_edf(tmp_path, edf_writer, suffix, f"{suffix[1:].upper()}+C")
    with pytest.raises(ValueError, match=r"p1\..*says that it is continuous .*record 61 begins 20 s after"):
        open_recording(path, "found")


def test_records_that_overlap_and_pauses_without_times_are_refused(tmp_path, edf_writer):
    signals = [(name, "uV", SFREQ_HZ, row) for name, row in zip(NAMES, counting(4), strict=True)]
    path = edf_writer(tmp_path / "a.edf", signals, "EDF+D", [0, 1, 1.5, 3])
    with pytest.raises(ValueError, match=r"records 2 and 3 overlap: they begin at 1 and 1\.5 s"):
        open_recording(path, "found")
    path = edf_writer(tmp_path / "b.edf", signals)
    path.write_bytes(path.read_bytes()[:192] + b"EDF+D".ljust(44) + path.read_bytes()[236:])
    with pytest.raises(ValueError, match="says nowhere when its records begin"):
        open_recording(path, "found")


def test_onsets_rounded_to_milliseconds_are_no_pauses(tmp_path, edf_writer):
    signals = [(name, "uV", SFREQ_HZ, row) for name, row in zip(NAMES, counting(6), strict=True)]
    path = edf_writer(tmp_path / "a.edf", signals, "EDF+D", [0, 1.001, 2, 2.999, 4, 5])
    assert len(open_recording(path, "found").timeline.pieces) == 1


def test_annotations_in_latin_1_are_read(tmp_path, edf_writer):
    path = paused_edf(tmp_path, edf_writer, annotations=[(10, 28, "fröhlich")], encoding="latin-1")
    assert [marker.text for marker in read_markers(path)[0]] == ["fröhlich"]
    assert open_recording(path, "found").channels == tuple(NAMES)


@pytest.mark.parametrize("date", [None, 0])
def test_times_of_fif_count_from_its_first_sample(tmp_path, date):
    raw = raw_of(counting())
    raw.set_meas_date(date)
    raw.set_annotations(mne.Annotations([40], [28], ["joy"], orig_time=raw.info["meas_date"]))
    raw.crop(30).save(tmp_path / "p1.fif", verbose="error")
    (row,) = annotations(tmp_path).rows
    assert (row.start_s, row.end_s) == (10, 38)
    assert first_sample(open_recording(tmp_path / "p1.fif", "found"), row.start_s, row.end_s) == 40 * SFREQ_HZ


def fif(folder, text, onset_s, duration_s):
    raw = raw_of(counting())
    raw.set_annotations(mne.Annotations([onset_s], [duration_s], [text]))
    raw.save(folder / "p1.fif", verbose="error")
    return folder / "p1.fif"


def joined(folder):
    mne.concatenate_raws([raw_of(counting(60)), raw_of(counting(60))], verbose="error").save(
        folder / "p1.fif", verbose="error"
    )
    return folder / "p1.fif"


BREAKS = {
    "EEGLAB's boundary": ("set", [("boundary", 60, 8), ("joy", 70, 28)]),
    "EEGLAB's boundary among numbers": ("set", [(-99, 60, np.nan), (1, 70, 0)]),
    "BrainVision's new segment": ("vhdr", [("New Segment", "", 60, 0)]),
    "joined recordings": ("joined", []),
    "an edge": ("fif", ("EDGE boundary", 60, 0)),
    "a number with a point": ("set", [(-99.0, 60, np.nan), (1.5, 70, 0)]),
    **{
        f"a comment {text}": ("vhdr", [("Comment", text, 60, 0)])
        for text in ("boundary", "BAD boundary", "EDGE boundary", "EDGE")
    },
}


@pytest.mark.parametrize("kind", BREAKS)
def test_a_trial_across_a_break_is_refused_and_others_are_not(tmp_path, kind, brain_vision_writer, eeglab_writer):
    writer, marks = BREAKS[kind]
    path = {
        "set": lambda: eeglab_writer(tmp_path / "p1.set", NAMES, SFREQ_HZ, counting(), marks),
        "vhdr": lambda: brain_vision_writer(tmp_path, NAMES, SFREQ_HZ, counting(), marks),
        "joined": lambda: joined(tmp_path),
        "fif": lambda: fif(tmp_path, *marks),
    }[writer]()
    recording = open_recording(path, "found")
    for times in ((59, 63), (10, 110), (59.9, 60.1)):
        with pytest.raises(ValueError, match=r"expected a trial without a break, got .* at 60 s of the recording"):
            recording.timeline.locate(*times)
    assert recording.timeline.locate(30, 60)[:2] == (30 * SFREQ_HZ, 60 * SFREQ_HZ)
    assert recording.timeline.locate(60, 90)[:2] == (60 * SFREQ_HZ, 90 * SFREQ_HZ)
    assert any("not continuous" in note and "at 60 s" in note for note in recording.notes)


def test_samples_that_a_fif_never_recorded_belong_to_no_trial(tmp_path):
    recording = open_recording(fif(tmp_path, "BAD_ACQ_SKIP", 60, 20), "found")
    assert first_sample(recording, 90, 118) == 90 * SFREQ_HZ
    for times in ((70, 75), (50, 85), (55, 62)):
        with pytest.raises(ValueError, match="samples that were not recorded, 20 s, at 60 s"):
            recording.timeline.locate(*times)


@pytest.mark.parametrize("kind", [1, 2, 3])
@pytest.mark.parametrize(("code", "what"), [(14, "discontinuity"), (11, "DC reset")])
def test_a_pause_in_neuroscan_s_table_of_events_is_a_break(tmp_path, recorder, kind, code, what):
    path = recorder(tmp_path / "p1.cnt", NAMES, 1000 * counting(), SFREQ_HZ)
    before, header, width = path.read_bytes()[:-9], 900 + 75 * len(NAMES), 4 * len(NAMES)
    table = b""
    for sample, accept in ((1000, 0), (15_000, code), (20_000, 0)):
        offset = sample if kind == 3 else header + sample * width
        table += np.array([(7, 0, accept << 4, offset)], "<u2,u1,u1,<i4").tobytes() + bytes(11 * (kind > 1))
    path.write_bytes(before + np.array([(kind, len(table), 0)], "u1,<i4,<i4").tobytes() + table)
    recording = open_recording(path, "found")
    with pytest.raises(ValueError, match=f"got '{what}' at 60 s"):
        recording.timeline.locate(50, 80)
    assert recording.timeline.locate(60, 80)[:2] == (15_000, 20_000)


def test_a_trial_that_lasts_beyond_the_end_keeps_its_end(tmp_path, edf_writer, brain_vision_writer, eeglab_writer):
    """MNE cuts such an annotation off: half a trial would pass for a whole one."""
    paused_edf(tmp_path, edf_writer, annotations=[(130, 28, "joy"), (150, 28, "sad")])
    comments = [("Comment", "joy", 110, 28), ("Comment", "rest", 10, 28)]
    for name, date in (("p3", None), ("p4", 0)):
        raw = raw_of(counting(), first_samp=1000).set_meas_date(date)
        raw.set_annotations(mne.Annotations([110], [8], ["joy"])).annotations.duration[:] = 28
        raw.save(tmp_path / f"{name}.fif", verbose="error")
    brain_vision_writer(tmp_path, NAMES, SFREQ_HZ, counting(), comments)
    eeglab_writer(tmp_path / "p2.set", NAMES, SFREQ_HZ, counting(), [("joy", 110, 28)])
    found = {(row.recording.name, row.label): row.end_s for row in annotations(tmp_path).rows}
    assert found == {
        ("p1.edf", "joy"): 158, ("p1.edf", "sad"): 178, ("p1.vhdr", "Comment/joy"): 138,
        ("p1.vhdr", "Comment/rest"): 38, ("p2.set", "joy"): 138, ("p3.fif", "joy"): 138, ("p4.fif", "joy"): 138,
    }  # fmt: skip
    for name, times in (("p1.edf", (130, 158)), *((f"{name}", (110, 138)) for name in ("p1.vhdr", "p2.set", "p3.fif"))):
        with pytest.raises(ValueError, match=r"within the recording, which lasts from 0 to .* s"):
            open_recording(tmp_path / name, "found").timeline.locate(*times)


def test_a_trial_that_begins_before_the_recording_is_not_shortened(tmp_path, edf_writer):
    paused_edf(tmp_path, edf_writer, annotations=[(-5, 28, "joy")])
    assert [(row.start_s, row.end_s) for row in annotations(tmp_path).rows] == [(-5, 23)]


def test_markers_that_are_no_trials_are_passed_over_and_counted(tmp_path, brain_vision_writer):
    markers = [
        ("Stimulus", "S  1", 5, 0),
        ("Stimulus", "S  1", 8, 0),
        ("Response", "R  2", 9, 2),
        ("New Segment", "", 60, 0),
    ]
    brain_vision_writer(
        tmp_path, NAMES, SFREQ_HZ, counting(), [*markers, ("Comment", "rest", 10, 28), ("Comment", "joy", 70, 28)]
    )
    table = annotations(tmp_path, window_s=4.0)
    assert [(row.label, row.start_s, row.end_s) for row in table.rows] == [
        ("Comment/rest", 10, 38),
        ("Comment/joy", 70, 98),
    ]
    ((name, note),) = table.notes
    assert name == "p1.vhdr"
    assert "passed over, 4 in all: Stimulus/S  1 (2), Response/R  2 (1), New Segment/ (1)" in note


def test_windows_that_touch_a_bad_stretch_are_told_apart():
    bad = [Marker(11.9, 0.2, "BAD_muscle"), Marker(30, 0, "BAD"), Marker(23.0, 1.0, "bad blink"), Marker(5, 9, "joy")]
    times = timeline(100, [Piece(0, 10_000, 0.0)], bad)
    assert times.bad_windows(0, 8, 4.0).tolist() == [False, False, True, True, False, True, False, False]
    assert times.bad_windows(24, 5, 4.0).tolist() == [False] * 5


def test_breaks_after_a_pause_are_found_by_their_true_times():
    pieces = [Piece(0, 1000, 0.0), Piece(1000, 2000, 30.0, "a pause of 20 s")]
    times = timeline(100, pieces, [Marker(35, 0, "boundary"), Marker(20, 0, "boundary"), Marker(0, 0, "New Segment/")])
    assert times.pieces == (
        *pieces[:1],
        Piece(1000, 1500, 30.0, "a pause of 20 s"),
        Piece(1500, 2000, 35.0, "'boundary'"),
    )
    assert times.locate(36, 39)[:2] == (1600, 1900)


@pytest.mark.parametrize("text", ["Edge detection task", "Edges", "boundary conditions"])
def test_a_label_that_only_begins_as_a_break_does_is_none(text):
    assert len(timeline(100, [Piece(0, 1000, 0.0)], [Marker(5, 1, text)]).pieces) == 1


@pytest.mark.parametrize("date", [None, 0])
def test_a_fif_whose_first_samples_were_never_recorded_begins_after_them(tmp_path, date):
    raw = raw_of(counting(), first_samp=500).set_meas_date(date)
    raw.set_annotations(mne.Annotations([0, 20], [10, 28], ["BAD_ACQ_SKIP", "joy"])).save(
        tmp_path / "p1.fif", verbose="error"
    )
    recording = open_recording(tmp_path / "p1.fif", "found")
    (row,) = annotations(tmp_path).rows
    assert (recording.duration_s, row.start_s) == (110, 10)
    assert first_sample(recording, row.start_s, row.end_s) == 20 * SFREQ_HZ
    assert first_sample(recording, 0, 10) == 10 * SFREQ_HZ


def test_a_trial_before_the_first_sample_that_was_recorded_is_refused(tmp_path, edf_writer):
    signals = [(name, "uV", SFREQ_HZ, row) for name, row in zip(NAMES, counting(), strict=True)]
    recording = open_recording(
        edf_writer(tmp_path / "p1.edf", signals, "EDF+C", annotations=[(0, 10, "BAD_ACQ_SKIP")]), "found"
    )
    for times in ((0, 20), (2, 8), (9.9, 20)):
        with pytest.raises(ValueError, match=r"within the recording, which lasts from 10 "):
            recording.timeline.locate(*times)
    assert first_sample(recording, 10, 20) == 10 * SFREQ_HZ
    assert any("samples that were not recorded, 10 s, at 0 s" in note for note in recording.notes)
    edf_writer(tmp_path / "p2.edf", signals, "EDF+C", annotations=[(0, 120, "BAD_ACQ_SKIP")])
    with pytest.raises(ValueError, match=r"p2\.edf: expected samples, got a file that says of all of them"):
        open_recording(tmp_path / "p2.edf", "found")


@pytest.mark.parametrize("kind", ["EDF+C", "EDF+D"])
@pytest.mark.parametrize("late_ms", [0.05, 1.9, -1.5])
def test_times_follow_a_clock_that_runs_faster_or_slower_than_told(tmp_path, edf_writer, kind, late_ms):
    signal = np.tile(np.arange(600 * SFREQ_HZ) / 1000, (4, 1))
    signals = [(name, "uV", SFREQ_HZ, row) for name, row in zip(NAMES, signal, strict=True)]
    record_s = 1 + late_ms / 1000
    path = edf_writer(tmp_path / "p1.edf", signals, kind, np.round(np.arange(600) * record_s, 4))
    recording = open_recording(path, "found")
    first, *_ = recording.timeline.locate(580 * record_s, 590 * record_s)
    assert abs(first - 580 * SFREQ_HZ) <= 1
    assert recording.duration_s == pytest.approx(600 * record_s, abs=0.01)
    assert any("samples a second, its header 250" in note for note in recording.notes)


def test_an_irregular_clock_is_refused(tmp_path, edf_writer):
    signals = [(name, "uV", SFREQ_HZ, row) for name, row in zip(NAMES, counting(), strict=True)]
    onsets_s = np.arange(120) + 0.002 * np.minimum(np.arange(120), 30)
    with pytest.raises(ValueError, match=r"its records begin at irregular times: record \d+"):
        open_recording(edf_writer(tmp_path / "p1.edf", signals, "EDF+C", onsets_s), "found")


def test_stretches_marked_bad_count_also_as_a_comment_and_those_without_a_duration_are_told(
    tmp_path, brain_vision_writer
):
    comments = [("Comment", "BAD_move", 8, 6), ("Bad Interval", "Bad Min-Max", 30, 2), ("Comment", "joy", 40, 28)]
    recording = open_recording(brain_vision_writer(tmp_path, NAMES, SFREQ_HZ, counting(), comments), "found")
    assert np.flatnonzero(recording.timeline.bad_windows(0, 15, 4.0)).tolist() == [2, 3, 7]
    assert [row.label for row in annotations(tmp_path).rows] == ["Comment/joy"]
    (note,) = timeline(100, [Piece(0, 1000, 0.0)], [Marker(5, 0, "BAD"), Marker(6, 1, "BAD_x")]).notes()
    assert note == "markers of bad stretches without a duration leave out nothing: BAD at 5 s"


def test_a_bad_stretch_of_one_window_leaves_out_one():
    for start_s in np.arange(0, 3, 0.1):
        times = timeline(200, [Piece(0, 10_000, 0.0)], [Marker(round(start_s + 4, 1), 4.0, "BAD")])
        assert times.bad_windows(float(start_s), 5, 4.0).tolist() == [False, True, False, False, False]
