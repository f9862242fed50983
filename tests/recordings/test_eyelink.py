"""EyeLink files: real ones against their own event lines, and small ones written here."""

import os
from pathlib import Path

import numpy as np
import pytest

from emogan.data.eye_names import EYE_FEATURES_33
from emogan.recordings.eyelink import read_eyelink
from emogan.recordings.eyes import read_eyes
from emogan.signal.eye import eye_features

FIRST_MS = 500_000  # the tracker's clock when the small recordings begin


def block(first_ms, seconds, x=640.0, pupil=900.0, events=()):
    """Lines of one START ... END at 250 Hz, monocular; events are lines put behind the samples."""
    samples = [f"{first_ms + 4 * i}\t {x + i % 5:.1f}\t 500.0\t {pupil:.1f}\t..." for i in range(int(seconds * 250))]
    return [
        f"START\t{first_ms} \tLEFT\tSAMPLES\tEVENTS", "PRESCALER\t1", "VPRESCALER\t1", "PUPIL\tDIAMETER",
        "EVENTS\tGAZE\tLEFT\tRATE\t 250.00\tTRACKING\tCR\tFILTER\t2",
        "SAMPLES\tGAZE\tLEFT\tRATE\t 250.00\tTRACKING\tCR\tFILTER\t2",
        *samples, *events, f"END\t{first_ms + int(seconds * 1000)} \tSAMPLES\tEVENTS\tRES\t 30.00\t 30.00",
    ]  # fmt: skip


def events_of(first_ms):
    return [
        f"SFIX L   {first_ms}",
        f"EFIX L   {first_ms}\t{first_ms + 396}\t400\t  642.0\t  500.0\t    900",
        f"SSACC L  {first_ms + 400}",
        f"ESACC L  {first_ms + 400}\t{first_ms + 436}\t40\t  642.0\t  500.0\t  700.0\t  520.0\t   1.75\t    120",
        f"SBLINK L {first_ms + 800}",
        f"EBLINK L {first_ms + 800}\t{first_ms + 896}\t100",
    ]


def write(path, *blocks):
    header = ["** CONVERTED FROM small.edf using edfapi", "** DATE: Tue Nov 14 11:11:17 2023", ""]
    path.write_text("\n".join(header + [line for lines in blocks for line in lines]) + "\n")
    return path


def test_samples_and_events_are_read_in_seconds_since_the_start(tmp_path):
    recording = read_eyelink(write(tmp_path / "a.asc", block(FIRST_MS, 10, events=events_of(FIRST_MS))))
    np.testing.assert_allclose(recording.time_s, np.arange(2500) / 250)
    np.testing.assert_array_equal(recording.pupil, np.full((2500, 2), 900.0))
    np.testing.assert_allclose(recording.fixation_s, [[0, 0.4]])
    np.testing.assert_allclose(recording.dispersion, [[4.0, 0.0]])
    np.testing.assert_allclose(recording.saccade_s, [[0.4, 0.04]])
    np.testing.assert_array_equal(recording.amplitude_deg, [1.75])
    np.testing.assert_allclose(recording.blink_s, [[0.8, 0.1]])


def test_recording_blocks_follow_each_other_with_no_pupil_between_them(tmp_path):
    later = FIRST_MS + 15_000
    blocks = block(FIRST_MS, 5, events=events_of(FIRST_MS)), block(later, 5, events=events_of(later))
    recording = read_eyelink(write(tmp_path / "a.asc", *blocks))
    assert recording.time_s[-1] == pytest.approx(20, abs=0.005)
    np.testing.assert_allclose(recording.fixation_s[:, 0], [0, 15])
    pause = (recording.time_s > 5.01) & (recording.time_s < 14.99)
    assert np.isnan(recording.pupil[pause]).all()
    assert np.isfinite(recording.pupil[~pause]).mean() > 0.99
    assert np.isfinite(eye_features(recording, 15, 19.5)).all()
    with pytest.raises(ValueError, match=r"no pupil from 4\.99\d to 15"):
        eye_features(recording, 0, 20)


def test_samples_in_a_file_of_their_own_and_a_missing_end_give_the_same_recording(tmp_path):
    later = FIRST_MS + 15_000
    blocks = block(FIRST_MS, 5, events=events_of(FIRST_MS)), block(later, 5, events=events_of(later))
    whole = read_eyelink(write(tmp_path / "whole.asc", *blocks))
    lines = [line for lines in blocks for line in lines]
    apart = [line for line in lines if not line.startswith("SAMPLES") and not line[:1].isdigit()]
    samples = tmp_path / "samples.asc"
    samples.write_text("\n".join(line for line in lines if line[:1].isdigit()))
    for kept in (apart, apart[:-1]):
        found = read_eyelink(write(tmp_path / "events.asc", kept), samples=samples)
        for name, value in vars(whole).items():
            np.testing.assert_array_equal(getattr(found, name), value)


def test_a_pupil_that_was_not_seen_is_missing_and_a_lost_onset_is_that_of_the_line_that_began_the_event(tmp_path):
    lost = events_of(FIRST_MS)
    lost[3] = f"ESACC L  4294967295\t{FIRST_MS + 436}\t{FIRST_MS + 439}\t   .\t   .\t  700.0\t  520.0\t   .\t    120"
    path = write(tmp_path / "a.asc", block(FIRST_MS, 5, events=lost), block(FIRST_MS + 5000, 5, pupil=0.0))
    recording = read_eyelink(path)
    np.testing.assert_allclose(recording.saccade_s, [[0.4, 0.036]])
    assert np.isnan(recording.amplitude_deg).all()
    assert np.isnan(recording.pupil[recording.time_s > 5]).all()


def test_what_is_no_recording_is_refused_with_the_reason(tmp_path):
    empty = tmp_path / "events.asc"
    empty.write_text("\n".join(line for line in block(FIRST_MS, 5) if not line[:1].isdigit()))
    with pytest.raises(ValueError, match=r"events.asc holds no samples .* samples="):
        read_eyelink(empty)
    broken = write(tmp_path / "broken.asc", [line for line in block(FIRST_MS, 5) if not line.startswith("SAMPLES")])
    with pytest.raises(ValueError, match=r"broken.asc cannot be read as an EyeLink recording"):
        read_eyelink(broken)
    angles = write(tmp_path / "href.asc", [line.replace("GAZE", "HREF") for line in block(FIRST_MS, 5)])
    with pytest.raises(ValueError, match=r"href.asc: expected gaze in px .* got HREF"):
        read_eyelink(angles)
    with pytest.raises(ValueError, match="holds the eyes left, not right"):
        read_eyelink(write(tmp_path / "left.asc", block(FIRST_MS, 5)), eye="right")


real_data = pytest.mark.skipif(
    "EMOGAN_REAL_DATA" not in os.environ, reason="EMOGAN_REAL_DATA names no folder of recordings"
)


@pytest.mark.real_data
@real_data
@pytest.mark.parametrize("eye", ["left", "right"])
def test_events_and_features_of_a_real_recording_are_those_of_its_own_lines(eye):
    folder = Path(os.environ["EMOGAN_REAL_DATA"], "eyelink")
    path = folder / "002_rlmw_events_short.asc"
    recording = read_eyes(path, samples=folder / "002_rlmw_samples_short.asc", eye=eye)
    lines = path.read_text().splitlines()
    for kind, found in (("EFIX", recording.fixation_s), ("ESACC", recording.saccade_s), ("EBLINK", recording.blink_s)):
        own = [line.split() for line in lines if line.startswith(f"{kind} {eye[0].upper()}")]
        assert len(found) == len(own) > 0
        end_s = np.sort([(int(words[3]) - 7264579) / 1000 for words in own])
        np.testing.assert_allclose(np.sort(found.sum(1)), end_s, atol=0.0021)  # of the last sample, which takes 2 ms
        onset_s = [(int(words[2]) - 7264579) / 1000 for words in own if words[2] != "4294967295"]
        assert np.isin(np.round(onset_s, 6), np.round(found[:, 0], 6)).all()
    features = eye_features(recording, 0.0, 40.9)
    assert features.shape == (10, 33)
    assert np.isfinite(features).all()
    begun = (recording.saccade_s[:, 0] < 40).sum()
    assert features[:, EYE_FEATURES_33.index("saccade_frequency_hz")].sum() * 4 == begun
    assert 500 < features[:, EYE_FEATURES_33.index("pupil_x_mean")].min()
    assert features[:, EYE_FEATURES_33.index("saccade_amplitude_mean_deg")].max() < 15


@pytest.mark.real_data
@real_data
def test_the_eye_that_was_seen_in_more_samples_is_taken_unless_one_is_asked_for():
    folder = Path(os.environ["EMOGAN_REAL_DATA"], "eyelink")
    path, samples = folder / "002_rlmw_events_short.asc", folder / "002_rlmw_samples_short.asc"
    eyes = {eye: read_eyelink(path, samples, eye) for eye in ("left", "right", None)}
    missing = {eye: np.isnan(recording.pupil).sum() for eye, recording in eyes.items()}
    assert missing[None] == missing["right"] < missing["left"]


def test_an_empty_block_and_one_without_end_change_no_time(tmp_path):
    later = FIRST_MS + 15_000
    first, second = block(FIRST_MS, 5, events=events_of(FIRST_MS)), block(later, 5, events=events_of(later))
    whole = read_eyelink(write(tmp_path / "whole.asc", first, second))
    empty = [line for line in block(later + 6000, 0)]
    for blocks in ([first, second, empty], [first[:-1], second], [first[:-1], second[:-1], empty[:-1]]):
        found = read_eyelink(write(tmp_path / "a.asc", *blocks))
        for name, value in vars(whole).items():
            np.testing.assert_array_equal(getattr(found, name), value, err_msg=name)


def test_times_count_from_the_first_start_also_if_that_block_is_empty(tmp_path):
    early = block(FIRST_MS - 60_000, 0)
    found = read_eyelink(write(tmp_path / "a.asc", early, block(FIRST_MS, 5, events=events_of(FIRST_MS))))
    assert (found.time_s[0], found.fixation_s[0, 0], found.end_s) == pytest.approx((60, 60, 65))


@pytest.mark.parametrize("kinds", [("FIX",), ("FIX", "SACC", "BLINK")])
def test_events_are_all_there_whenever_the_samples_begin(tmp_path, kinds):
    late = block(FIRST_MS, 10, events=[line for line in events_of(FIRST_MS + 8000) if line.split()[0][1:] in kinds])
    late = [line for line in late if not (line[:1].isdigit() and int(line.split()[0]) < FIRST_MS + 3500)]
    found = read_eyelink(write(tmp_path / "a.asc", late))
    np.testing.assert_allclose(found.fixation_s, [[8, 0.4]])
    np.testing.assert_allclose(found.dispersion, [[4.0, 0.0]])
    assert (len(found.saccade_s), len(found.blink_s)) == (len(kinds) // 2, len(kinds) // 2)
    assert found.time_s[0] == pytest.approx(3.5)


@pytest.mark.parametrize("first_ms", [FIRST_MS, 12_345_678, 1_234_567_890])
def test_missing_lines_of_samples_shift_nothing_that_follows(tmp_path, first_ms):
    """A second of samples is missing; the pupil doubles at 6 s by the tracker's clock."""
    lines = [
        line if not line[:1].isdigit() or int(line.split()[0]) < first_ms + 6000 else line.replace("900.0", "1800.0")
        for line in block(first_ms, 10)
        if not (line[:1].isdigit() and first_ms + 3000 <= int(line.split()[0]) < first_ms + 4000)
    ]
    found = read_eyelink(write(tmp_path / "a.asc", lines))
    assert len(found.time_s) == 2500
    np.testing.assert_allclose(found.time_s[found.pupil[:, 0] == 1800][0], 6)
    np.testing.assert_allclose(found.time_s[np.isnan(found.pupil[:, 0])], np.arange(750, 1000) / 250)


def test_a_change_of_rate_is_refused_by_name(tmp_path):
    faster = [line.replace("250.00", "500.00") for line in block(FIRST_MS + 15_000, 5)]
    with pytest.raises(ValueError, match=r"a\.asc: expected one sampling rate, got blocks of 250 and 500 Hz"):
        read_eyelink(write(tmp_path / "a.asc", block(FIRST_MS, 5), faster))


def test_a_trial_beyond_the_end_of_the_recording_is_refused(tmp_path):
    found = read_eyelink(write(tmp_path / "a.asc", block(FIRST_MS, 10)))
    assert [found.trial_end_s(0.0, end_s) for end_s in (8.0, 10.0, np.inf)] == pytest.approx([8, 10, 10])
    with pytest.raises(ValueError, match="within the recording, which lasts from 0 to 10 s"):
        found.trial_end_s(0.0, 10.5)


@pytest.mark.parametrize("pause_s", [0.1, 1, 4])
def test_a_trial_across_a_pause_is_refused_however_short_that_is(tmp_path, pause_s):
    later = FIRST_MS + 10_000 + int(1000 * pause_s)
    found = read_eyelink(write(tmp_path / "a.asc", block(FIRST_MS, 10), block(later, 10)))
    np.testing.assert_allclose(found.blocks_s, [[0, 10], [10 + pause_s, 20 + pause_s]])
    assert found.trial_end_s(2, 10) == 10
    assert found.trial_end_s(10 + pause_s, np.inf) == 20 + pause_s
    for times in ((0, 20), (9, 10 + pause_s), (10, 10 + pause_s)):
        with pytest.raises(ValueError, match=rf"without a break, got a pause of {pause_s} s at 10 s of the recording"):
            found.trial_end_s(*times)


def test_a_saccade_whose_line_lacks_its_amplitude_has_none_and_a_sample_written_twice_shifts_nothing(tmp_path):
    events = [line[: line.index("1.75")] if "1.75" in line else line for line in events_of(FIRST_MS)]
    lines = block(FIRST_MS, 10, events=events)
    found = read_eyelink(write(tmp_path / "a.asc", [*lines[:50], lines[49], *lines[50:]]))
    np.testing.assert_array_equal(found.amplitude_deg, [np.nan])
    assert len(found.time_s) == 2500


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "latin-1"])
def test_a_recording_is_read_in_any_encoding(tmp_path, encoding):
    path = write(tmp_path / "a.asc", ["** M\u00fcller"], block(FIRST_MS, 10, events=events_of(FIRST_MS)))
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    np.testing.assert_allclose(read_eyelink(path).fixation_s, [[0, 0.4]])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("START\t500000", "START\tnow"),
        ("EFIX L   500000", "EFIX L   5000x0"),
        ("\t400\t  642.0\t  500.0\t    900", ""),
        ("\n500400\t", "\n500.4.00\t"),
        ("START\t500000 \tLEFT\tSAMPLES\tEVENTS", "START"),
    ],
)
def test_a_damaged_line_is_told_with_the_file(tmp_path, before, after):
    path = write(tmp_path / "a.asc", block(FIRST_MS, 10, events=events_of(FIRST_MS)))
    content = path.read_text()
    assert before in content
    path.write_text(content.replace(before, after))
    with pytest.raises(ValueError, match=r"a\.asc: expected .*, got the line"):
        read_eyelink(path)


def test_samples_alone_are_no_recording(tmp_path):
    path = write(tmp_path / "a.asc", [line for line in block(FIRST_MS, 10) if line[:1].isdigit()])
    with pytest.raises(ValueError, match=r"a\.asc holds no samples between START and END"):
        read_eyelink(path)
