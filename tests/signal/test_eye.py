"""Eye movement features against a loop over events, closed forms of sines, and what blinks must not change."""

from dataclasses import replace

import numpy as np
import pytest

from emogan.data.eye_names import EYE_EVENTS, EYE_FEATURES_31, EYE_FEATURES_33, EYE_FEATURES_41
from emogan.signal.eye import BANDS_HZ, VARIANCE_FLOOR, eye_features
from emogan.signal.eye_recording import EyeRecording

RATE_HZ, SECONDS = 100.0, 60.0
TIME_S = np.arange(int(SECONDS * RATE_HZ)) / RATE_HZ


def recorded(seed=0, pupil=None, **changes):
    """A minute of looking: fixations of some 0.4 s with saccades between, a blink every ten seconds or so."""
    random = np.random.default_rng(seed)
    durations = np.stack([random.uniform(0.1, 0.7, 120), random.uniform(0.02, 0.08, 120)], axis=1)
    onsets = (durations.ravel().cumsum() - durations.ravel()).reshape(120, 2)
    fixation_s, saccade_s = (np.stack([onsets[:, i], durations[:, i]], axis=1) for i in (0, 1))
    blink_s = np.stack([np.arange(5.003, 60, 9.7), random.uniform(0.1, 0.3, 6)], axis=1)
    if pupil is None:
        pupil = 14 + random.normal(size=(len(TIME_S), 2)).cumsum(0) * 0.02
    given = {
        "time_s": TIME_S, "pupil": pupil, "fixation_s": fixation_s, "saccade_s": saccade_s, "blink_s": blink_s,
        "dispersion": random.uniform(5, 60, (120, 2)), "amplitude_deg": random.uniform(0.5, 20, 120),
    }  # fmt: skip
    return EyeRecording(**given | changes)


def features(recording, start_s=2.0, end_s=55.0, **options):
    """By name; 13 windows by default."""
    values = eye_features(recording, start_s, end_s, names=EYE_FEATURES_41, **options)
    return dict(zip(EYE_FEATURES_41, values.T, strict=True))


NO_EVENTS = {
    "fixation_s": np.empty((0, 2)), "saccade_s": np.empty((0, 2)), "blink_s": np.empty((0, 2)),
    "dispersion": np.empty((0, 2)), "amplitude_deg": np.empty(0),
}  # fmt: skip


def test_event_features_of_each_window_equal_a_plain_loop():
    recording = recorded()
    found = features(recording)
    for w in range(13):
        begin, end = 2.0 + 4 * w, 6.0 + 4 * w
        fixations = [i for i, (onset, _) in enumerate(recording.fixation_s) if begin <= onset < end]
        saccades = [i for i, (onset, _) in enumerate(recording.saccade_s) if begin <= onset < end]
        blinks = [i for i, (onset, _) in enumerate(recording.blink_s) if begin <= onset < end]
        fixation_ms = 1000 * recording.fixation_s[fixations, 1]
        saccade_ms = 1000 * recording.saccade_s[saccades, 1]
        amplitude = recording.amplitude_deg[saccades]
        dispersion = recording.dispersion[fixations]
        latency = [
            1000 * (recording.saccade_s[i, 0] - recording.saccade_s[i - 1].sum())
            for i in saccades
            if recording.saccade_s[i - 1, 0] >= 2.0
        ]
        expected = {
            "fixation_duration_mean_ms": fixation_ms.mean(), "fixation_duration_sd_ms": fixation_ms.std(ddof=1),
            "saccade_duration_mean_ms": saccade_ms.mean(), "saccade_duration_sd_ms": saccade_ms.std(ddof=1),
            "saccade_amplitude_mean_deg": amplitude.mean(), "saccade_amplitude_sd_deg": amplitude.std(ddof=1),
            "dispersion_x_mean": dispersion[:, 0].mean(), "dispersion_x_sd": dispersion[:, 0].std(ddof=1),
            "dispersion_y_mean": dispersion[:, 1].mean(), "dispersion_y_sd": dispersion[:, 1].std(ddof=1),
            "blink_duration_mean_ms": 1000 * recording.blink_s[blinks, 1].mean() if blinks else 0.0,
            "blink_frequency_hz": len(blinks) / 4, "fixation_frequency_hz": len(fixations) / 4,
            "fixation_duration_max_ms": fixation_ms.max(), "fixation_dispersion_total": dispersion.sum(),
            "fixation_dispersion_max": dispersion.sum(1).max(), "saccade_frequency_hz": len(saccades) / 4,
            "saccade_duration_average_ms": saccade_ms.mean(), "saccade_amplitude_average_deg": amplitude.mean(),
            "saccade_latency_average_ms": np.mean(latency),
        }  # fmt: skip
        for name, value in expected.items():
            assert found[name][w] == pytest.approx(value, rel=1e-12), (name, w)


def test_sets_of_33_31_and_41_are_columns_by_name():
    found = features(recorded())
    for names in (EYE_FEATURES_33, EYE_FEATURES_31, EYE_FEATURES_41, EYE_FEATURES_33[::-1]):
        expected = np.stack([found[name] for name in names], axis=1)
        np.testing.assert_array_equal(eye_features(recorded(), 2, 55, names=names), expected)


def test_statistics_of_a_trial_are_the_same_in_its_windows_and_those_of_all_of_them():
    each, whole = features(recorded()), features(recorded(), statistics="trial")
    for name in EYE_FEATURES_41:
        if name not in EYE_EVENTS:
            np.testing.assert_array_equal(each[name], whole[name])
            continue
        assert np.ptp(each[name]) > 0
        assert np.ptp(whole[name]) == 0
        if name.endswith("frequency_hz"):
            assert whole[name][0] == pytest.approx(each[name].mean())
        elif name.split("_")[2] in ("max", "total"):
            assert whole[name][0] == pytest.approx(each[name].sum() if "total" in name else each[name].max())
        else:
            count = each["saccade_frequency_hz"] * 4 - ("latency" in name) * (np.arange(13) == 0)
            assert whole[name][0] == pytest.approx(np.average(each[name], weights=count))


def test_pupil_features_are_those_of_its_trace():
    recording = recorded(**NO_EVENTS)
    found = features(recording)
    for axis, size in zip("xy", recording.pupil.T, strict=True):
        windows = size[200 : 200 + 13 * 400].reshape(13, 400)
        np.testing.assert_allclose(found[f"pupil_{axis}_mean"], windows.mean(1), rtol=1e-12)
        np.testing.assert_allclose(found[f"pupil_{axis}_sd"], windows.std(1, ddof=1), rtol=1e-9)


@pytest.mark.parametrize(("band", "frequency"), [*zip(BANDS_HZ, (0.05, 0.3, 0.5, 0.8), strict=True)])
def test_entropy_of_a_swinging_pupil_is_that_of_its_swing(band, frequency):
    swing = np.array([2.0, 0.5]) * np.sin(2 * np.pi * frequency * TIME_S)[:, None]
    found = features(recorded(pupil=14 + swing, **NO_EVENTS), 0, 60)
    for axis, amplitude in (("x", 2.0), ("y", 0.5)):
        nats = {name: found[f"pupil_{axis}_de_{name}"] for name in BANDS_HZ}
        expected = 0.5 * np.log(2 * np.pi * np.e * amplitude**2 / 2)
        inside = nats[band] if frequency > 0.2 else 0.5 * np.log(np.exp(2 * nats[band]).reshape(3, 5).mean(1))  # 20 s
        np.testing.assert_allclose(inside[1:-1], expected, atol=0.11)
        assert all(nats[band][1:-1].mean() > nats[other][1:-1].mean() + 1.5 for other in BANDS_HZ if other != band)


def test_entropy_of_a_constant_pupil_and_dispersion_is_that_of_the_floor():
    steady = recorded(pupil=np.full((len(TIME_S), 2), 14.0), dispersion=np.full((120, 2), 20.0))
    entropies = [values for name, values in features(steady).items() if "_de_" in name]
    assert len(entropies) == 16
    np.testing.assert_allclose(entropies, 0.5 * np.log(2 * np.pi * np.e * VARIANCE_FLOOR))


@pytest.mark.parametrize("lost", [np.nan, 3.0])
def test_what_the_tracker_takes_for_a_pupil_in_and_near_blinks_changes_nothing(lost):
    calm = recorded(pupil=14 + 0.1 * TIME_S[:, None] * [1, 2])
    blinking = calm.pupil.copy()
    for onset, duration in calm.blink_s:
        blinking[(TIME_S > onset - 0.045) & (TIME_S < onset + duration + 0.045)] = lost
    expected, found = features(calm), features(replace(calm, pupil=blinking))
    for name in EYE_FEATURES_41:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-9)


def test_the_saccade_around_a_blink_hides_the_pupil_too():
    calm = recorded(pupil=14 + 0.1 * TIME_S[:, None] * [1, 2])
    around = {"saccade_s": [[4.7, 0.8]], "amplitude_deg": [3.0], "blink_s": [[5.0, 0.2]]}
    closing = calm.pupil.copy()
    closing[(TIME_S > 4.71) & (TIME_S < 5.49)] = 3.0
    expected, found = features(replace(calm, **around)), features(replace(calm, pupil=closing, **around))
    np.testing.assert_allclose(found["pupil_x_sd"], expected["pupil_x_sd"], atol=1e-9)


def test_a_window_without_events_has_zeros_and_no_missing_values():
    for statistics in ("window", "trial"):
        found = features(recorded(**NO_EVENTS), statistics=statistics)
        assert np.isfinite(list(found.values())).all()
        assert all((values == 0).all() for name, values in found.items() if "pupil" not in name and "_de_" not in name)
    lonely = recorded(**NO_EVENTS | {"saccade_s": [[10.5, 0.04]], "amplitude_deg": [np.nan]})
    found = features(lonely)
    assert np.isfinite(list(found.values())).all()
    assert found["saccade_frequency_hz"].tolist() == [0.0, 0.0, 0.25] + [0.0] * 10
    assert found["saccade_duration_mean_ms"][2] == pytest.approx(40)
    assert found["saccade_duration_sd_ms"][2] == 0


def test_features_do_not_depend_on_when_a_recording_began():
    early = recorded()
    shifts = {name: getattr(early, name) + np.array([1000.0, 0.0]) for name in ("fixation_s", "saccade_s", "blink_s")}
    late = replace(early, time_s=early.time_s + 1000, **shifts)
    before, after = features(early), features(late, 1002, 1055)
    for name in EYE_FEATURES_41:
        np.testing.assert_allclose(after[name], before[name], rtol=1e-6, atol=1e-8)


def test_gaps_that_are_too_long_are_named_and_those_of_other_trials_do_not_matter():
    pupil = recorded().pupil.copy()
    pupil[(TIME_S > 20) & (TIME_S < 23)] = np.nan
    gap = recorded(pupil=pupil, **NO_EVENTS)
    with pytest.raises(ValueError, match=r"no pupil from 20.000 to 23.000 s; at most 2.0 s are interpolated"):
        features(gap)
    assert len(features(gap, 24, 55)["pupil_x_mean"]) == 7
    with pytest.raises(ValueError, match=r"no pupil from 59.990 to 79.990 s"):
        features(recorded(), 40, 80)
    with pytest.raises(ValueError, match=r"no pupil from -20.000 to 0.000 s"):
        features(recorded(), -20, 20)
    with pytest.raises(ValueError, match="no pupil"):
        features(recorded(pupil=np.full_like(pupil, np.nan)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"end_s": 5.9}, "at least one window of 4.0 s, got 2.0 to 5.9 s"),
        ({"statistics": "film"}, 'expected statistics "window" or "trial"'),
    ],
)
def test_bad_requests_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        features(recorded(), **options)
    with pytest.raises(ValueError, match="got pupil_z_mean"):
        eye_features(recorded(), 2, 55, names=["pupil_x_mean", "pupil_z_mean"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"time_s": TIME_S[::-1]}, "pupil samples in order of time, got one at 59.98 s after one at 59.99 s"),
        ({"time_s": TIME_S * 1000}, "step of 10 s"),
        ({"time_s": TIME_S[:-1]}, r"a pupil in X and Y for each, got \(5999,\) and \(6000, 2\)"),
        ({"pupil": np.zeros((6000, 2))}, "pupils above 0"),
        ({"blink_s": [[0.1, 0.2], [0.05, 0.2]]}, "blinks in order of time, got one at 0.05 s after one at 0.1 s"),
        ({"blink_s": [[0.1, -0.2]]}, "each blink in seconds, got negative or missing"),
        ({"saccade_s": np.stack([np.arange(120), np.full(120, 40.0)], 1)}, "median saccade of 40 s: milliseconds"),
        ({"amplitude_deg": np.full(120, 300.0)}, "0 to 180 degrees, got 300: are these pixels"),
        ({"amplitude_deg": np.full(119, 3.0)}, r"of each saccade, got \(120, 2\) with \(119,\)"),
        ({"dispersion": np.full((120, 2), np.nan)}, "dispersions of fixations of at least 0"),
    ],
)
def test_implausible_recordings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        recorded(**changes)


@pytest.mark.parametrize("statistics", ["window", "trial"])
def test_nothing_of_windows_that_are_left_out_is_in_the_others(statistics):
    """What lies within them is changed: pupil, durations, dispersions, amplitudes, and a pause longer than a gap."""
    kept = np.array([True, True, False, True, False, False, True, True, True, True, True, True, True])
    usual = recorded()
    times_s = 2 + 4 * np.flatnonzero(~kept)

    def inside(begin_s, end_s):
        return np.any([(begin_s >= start_s) & (end_s < start_s + 4) for start_s in times_s], axis=0)

    fixations, saccades = (inside(times[:, 0], times.sum(1)) for times in (usual.fixation_s, usual.saccade_s))
    changed = replace(
        usual,
        pupil=np.where(inside(TIME_S, TIME_S)[:, None], 300.0, usual.pupil),
        dispersion=np.where(fixations[:, None], 900.0, usual.dispersion),
        amplitude_deg=np.where(saccades, 90.0, usual.amplitude_deg),
        fixation_s=usual.fixation_s * np.where(fixations, 0.5, 1)[:, None] ** [0, 1],
    )
    found, expected = (features(one, statistics=statistics, kept=kept) for one in (changed, usual))
    for name in EYE_FEATURES_41:
        assert len(found[name]) == kept.sum()
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    missing = replace(usual, pupil=np.where(inside(TIME_S, TIME_S)[:, None], np.nan, usual.pupil))
    np.testing.assert_array_equal(features(missing, kept=kept)["pupil_x_mean"], expected["pupil_x_mean"])


def test_statistics_of_a_trial_are_those_of_the_windows_that_are_kept():
    kept, recording = np.arange(13) < 10, recorded()
    shorter, found = features(recording, 2, 42, statistics="trial"), features(recording, statistics="trial", kept=kept)
    crossing = (recording.fixation_s[:, 0] < 42) & (recording.fixation_s.sum(1) > 42)
    lost = int(crossing.sum()) / 40  # an event that touches a window left out is passed over
    np.testing.assert_allclose(found["fixation_frequency_hz"], shorter["fixation_frequency_hz"] - lost)
    np.testing.assert_allclose(found["blink_frequency_hz"], shorter["blink_frequency_hz"])
