"""Tests of the loader of MAHNOB-HCI on a simulated tree: both modalities, labels, and sessions that are damaged."""

import math
import re
import shutil
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest

from emogan.check import check
from emogan.data import named, table
from emogan.data.eye_names import EYE_FEATURES_33
from emogan.recordings.events_table import COLUMNS
from emogan.recordings.run import extract
from emogan.recordings.tobii import PIXEL_MM, read_samples, read_tobii
from emogan.signal.eye import eye_features
from emogan.simulation.mahnob import AROUND_S, EYE_HZ, simulate, tsv, write_mahnob

TRIALS = range(1, 7)
CHANNELS = "FP1 AF3 F3 F7 FC5 FC1 C3 T7 CP5 CP1 P3 P7 PO3 O1 OZ PZ FP2 AF4 FZ F4 F8 FC6 FC2 CZ C4 T8 CP6 CP2 P4 P8 PO4 O2".split()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("simulated")
    write_mahnob(root / "tree", [2], TRIALS)
    yield root
    shutil.rmtree(root)


@pytest.fixture
def load(root):
    """``load(...)``: the whole tree, whose features are extracted once for all tests."""
    return lambda **given: named.load(
        "mahnob", **{"root": root / "tree", "cache": root / "kept", "target": "arousal", **given}
    )


@pytest.fixture
def two(root, tmp_path):
    """A copy of two sessions, of which a test may damage something."""
    for number in (132, 134):
        shutil.copytree(root / "tree" / "Sessions" / str(number), tmp_path / "two" / "Sessions" / str(number))
    return tmp_path / "two"


def file(tree: Path, number: int, suffix: str) -> Path:
    (found,) = (tree / "Sessions" / str(number)).glob(f"*.{suffix}")
    return found


def refusal(tree: Path, **given) -> str:
    with pytest.raises(ValueError, match="expected") as refused:
        named.load("mahnob", root=tree, cache=tree / "kept", **given)
    return str(refused.value)


def sessions() -> list:
    return [simulate(2, trial) for trial in TRIALS]


def test_both_modalities_have_a_window_for_each_four_seconds_of_the_clips_and_the_labels_of_their_ratings(load):
    found = load()
    assert found.dataset == "synthetic_mahnob_arousal"
    assert {name: part.stop - part.start for name, part in found.modalities.items()} == {"eeg": 160, "eye": 33}
    assert np.bincount(found.trial)[1:].tolist() == [session.seconds // 4 for session in sessions()]
    first = np.unique(found.trial, return_index=True)[1]
    assert found.y[first].tolist() == [int(session.ratings[1] >= 5) for session in sessions()]
    assert found.stimulus[first].tolist() == [session.clip for session in sessions()]
    assert set(found.subject) == {2}
    felt = load(target="emotion")
    assert len(set(felt.class_names)) == len({session.ratings[-1] for session in sessions()})
    assert load(target="valence", threshold=sessions()[0].ratings[0]).y[0] == 1


def test_features_of_the_eeg_are_those_of_the_extraction_from_other_recordings_of_the_same_signals(load, tmp_path):
    found, rows = load(), []
    for trial in (1, 6):
        session = simulate(2, trial)
        raw = mne.io.RawArray(session.eeg * 1e-6, mne.create_info(CHANNELS, 256, "eeg"), verbose="error")
        raw.save(tmp_path / f"{trial}_raw.fif", fmt="double", verbose="error")
        rows.append((f"{trial}_raw.fif", 1, 1, trial, f"label {trial}", AROUND_S, session.seconds))
    frame = pd.DataFrame(rows, columns=COLUMNS)
    frame.to_csv(tmp_path / "trials.csv", index=False)
    outcome = extract(tmp_path, tmp_path / "trials.csv", tmp_path / "out", named.settings_of("mahnob")["settings"])
    expected = table.load(outcome.files)
    assert expected.feature_names == found.feature_names[:160]
    # .bdf files hold 1/32 of a microvolt
    np.testing.assert_allclose(found.x[np.isin(found.trial, (1, 6)), :160], expected.x, atol=0.01)


def test_events_and_pupils_in_the_table_are_those_that_were_simulated(tmp_path):
    session = simulate(2, 3)
    (tmp_path / "P2.tsv").write_bytes(tsv(session))
    found, seen = read_tobii(tmp_path / "P2.tsv"), np.isfinite(session.gaze[:, 0])
    np.testing.assert_allclose(found.pupil[seen], session.pupil[seen, None] * np.ones(2), atol=1e-4)
    assert np.isnan(found.pupil[~seen]).all()
    np.testing.assert_allclose(found.time_s, np.arange(len(seen)) / EYE_HZ, atol=1e-3)
    edges = np.flatnonzero(np.diff(np.pad(~seen, 1).astype(int)))
    gaps = edges.reshape(-1, 2) / EYE_HZ
    gaps = gaps[gaps[:, 1] < len(seen) / EYE_HZ]  # the last one has no end
    np.testing.assert_allclose(found.blink_s, np.stack([gaps[:, 0], gaps[:, 1] - gaps[:, 0]], 1), atol=2e-3)
    still = np.abs(np.diff(session.gaze, axis=0)).max(1) < 10  # a fixation's gaze moves by 8 px, a saccade's by 50
    begins = np.flatnonzero(np.diff(np.pad(still, 1).astype(int)) == 1)
    ends = np.flatnonzero(np.diff(np.pad(still, 1).astype(int)) == -1)
    long = (ends - begins) / EYE_HZ >= 0.1
    expected = np.stack([begins, ends - begins], 1)[long] / EYE_HZ
    np.testing.assert_allclose(found.fixation_s, expected, atol=2e-3)
    ranges = [
        np.ptp(session.gaze[begin : end + 1], axis=0) for begin, end in zip(begins[long], ends[long], strict=True)
    ]
    np.testing.assert_allclose(found.dispersion, ranges, atol=2e-3)
    assert len(found.saccade_s) + len(found.blink_s) >= len(expected) - 2
    first, second = (session.gaze[begins[k] : ends[k] + 1].mean(0) for k in (0, 1))
    if found.saccade_s[0, 0] < expected[1, 0]:
        degrees = math.degrees(math.atan2(np.linalg.norm(second - first) * PIXEL_MM, 640))
        assert found.amplitude_deg[0] == pytest.approx(degrees, abs=1e-3)


def test_features_of_the_eyes_are_those_of_the_table_between_its_events(load, root):
    found = load(modality="eye")
    assert found.feature_names == EYE_FEATURES_33
    np.testing.assert_array_equal(found.x, load().x[:, 160:])
    path = file(root / "tree", 134, "tsv")
    times = {event: time_s for time_s, event in read_samples(path).events}
    assert times["MovieStart"] == pytest.approx(AROUND_S, abs=0.02)
    expected = eye_features(read_tobii(path), times["MovieStart"], times["MovieEnd"], 4.0, EYE_FEATURES_33, "trial")
    np.testing.assert_allclose(found.x[found.trial == 2], expected, rtol=1e-5)


def test_folders_without_a_felt_emotion_are_no_trials_and_the_check_tells_what_is_missing(root):
    assert len(list((root / "tree" / "Sessions").glob("*/session.xml"))) == len(TRIALS) + 1
    node = named.settings_of("mahnob") | {"root": str(root / "tree"), "cache": str(root / "kept"), "target": "arousal"}
    report, fits = check(node)
    assert not fits
    assert "1 subjects x 1 sessions = 1 experiments, 6 trials and" in report
    assert "- people who are missing: 1, 3, 4" in report
    assert "expected the trials 1..20, got 6: 1, 2, 3, 4, 5, 6: subject 2, session 1" in report


def test_a_session_without_a_recording_or_eyes_is_left_out_by_name(two, caplog):
    file(two, 132, "bdf").unlink()
    message = refusal(two)  # as one trial has one label
    assert "left out 1 of 2 sessions, which lack a recording: 132 (eeg)" in caplog.text
    assert "at least two classes" in message or "trials on either side" in message
    caplog.clear()
    path = file(two, 134, "tsv")
    lines = path.read_text().splitlines()
    place = lines[23].split("\t").index
    for i in range(2200, 2400):  # 3 s
        cells = lines[i].split("\t")
        for eye in ("Left", "Right"):
            cells[place(f"Validity{eye}")], cells[place(f"Pupil{eye}")] = "4", "-1"
        lines[i] = "\t".join(cells)
    path.write_text("\n".join(lines))
    with pytest.raises(ValueError, match="expected"):
        named.load("mahnob", root=two, cache=two / "kept", modality="eye")
    assert "left out 1 of 2 sessions, whose pupils were not seen for more than 2 s: 134" in caplog.text
    message = refusal(two, modality="eye", leave_out=[132])
    assert "expected a session with whole recordings, got none of 1: all were left out" in message


def test_a_few_damaged_lines_are_passed_over_by_number_and_many_are_refused(two, caplog):
    path = file(two, 134, "tsv")
    lines = path.read_text().splitlines()
    whole = read_samples(path)
    for number in range(3169, 3177):
        lines[number - 1] = lines[number - 1][:20] + "\t#" + lines[number][5:] + lines[number]
    path.write_text("\n".join(lines))
    found = read_samples(path)
    assert found.damaged == list(range(3169, 3177))
    assert len(found.time_s) == len(whole.time_s) - 8
    for _ in range(2):  # as found, and as kept
        caplog.clear()
        refusal(two, threshold=9)
        assert "damaged lines in the tables of 1 sessions: 134 (3169, 3170, 3171, 3172," in caplog.text
    for number in range(1000, 1100):
        lines[number - 1] = "\t\t\tx" * 9
    path.write_text("\n".join(lines))
    message = refusal(two)
    assert re.search(r"134/.*\.tsv: expected lines of 28 columns.* and 108 others", message)
    assert "data.leave_out=[NUMBER]" in message


@pytest.mark.parametrize(
    ("suffix", "content", "message"),
    [
        ("bdf", lambda old: old[: len(old) // 3], r"132/.*\.bdf: expected two triggers.* got [01] in \d+ s"),
        ("bdf", lambda old: old[:3000], r"132/.*\.bdf: "),
        ("tsv", lambda old: old[: len(old) // 3], r"132/.*\.tsv: expected the events MovieStart and MovieEnd, got [01] and 0"),
        ("tsv", lambda old: old[:150], r"132/.*\.tsv: expected Tobii's table"),
        ("tsv", lambda old: old.replace(b"PupilLeft", b"Pupil"), r"132/.*\.tsv: expected .* missing PupilLeft"),
        ("tsv", lambda old: old.replace(b"MovieEnd", b"KeyPress"), "MovieStart and MovieEnd, got 1 and 0"),
        ("xml", lambda old: old[:60], r"132/session\.xml: expected MAHNOB-HCI's session\.xml.*ParseError"),
        ("xml", lambda old: old.replace(b'cutNr="2"', b'cutNr="x"'), r"132/session\.xml: expected MAHNOB-HCI's"),
        ("xml", lambda old: re.sub(rb'feltVlnc="\d"', b'feltVlnc="0"', old), r"expected ratings 1 to 9 .*got \[0, "),
        ("xml", lambda old: old.replace(b'cutNr="2"', b'cutNr="4"'), r"expected one file of subject 2, session 2, got"),
    ],
)  # fmt: skip
def test_a_damaged_or_another_file_is_refused_by_name(two, suffix, content, message):
    path = file(two, 132, suffix)
    path.write_bytes(content(path.read_bytes()))
    assert re.search(message, refusal(two), re.DOTALL)


def test_what_is_left_out_is_not_looked_at_and_numbers_that_are_not_there_are_refused(two):
    path = file(two, 132, "bdf")
    path.write_bytes(path.read_bytes()[:3000])
    assert "132" not in refusal(two, leave_out=[132])  # one trial is too few
    assert "data.leave_out: expected numbers of session folders, got 9" in refusal(two, leave_out=[9])
    shutil.rmtree(two / "Sessions")
    with pytest.raises(FileNotFoundError, match=r"got 0 files session\.xml"):
        named.load("mahnob", root=two, cache=two / "kept")


def test_a_clip_of_other_lengths_in_both_recordings_is_refused(two):
    path = file(two, 134, "tsv")
    content = path.read_text().replace("MovieEnd", "Other")
    path.write_text(content.replace("KeyPress", "MovieEnd"))
    assert re.search(r"Sessions/134: expected a clip that lasts as long in both recordings, got", refusal(two))


def test_a_job_runs_from_end_to_end(root, load, tmp_path, command):
    load()
    done = command(
        tmp_path, "data=mahnob", f"data.root={root / 'tree'}", f"data.cache={root / 'kept'}", "data.target=arousal",
        "model=cbegan", "model.iterations=3", "model.hidden=20", "n_aug=20", "evaluation.n_folds=2",
        "evaluation.inner=reuse", "evaluation.inner_folds=2", "evaluation.c_exponents=[-2,0]", "machine.threads=1",
        "quality=false",
    )  # fmt: skip
    assert done.exit_code() == 0, done.said
    (scores,) = tmp_path.glob("outputs/*/*/scores.csv")
    assert set(pd.read_csv(scores).dataset) == {"synthetic_mahnob_arousal"}
