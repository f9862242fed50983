"""A trial's clean signal against closed forms and against the whole recording cleaned at once."""

from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

from emogan.data.montage import positions
from emogan.environment import config_dir
from emogan.recordings import cleaning
from emogan.recordings.cleaning import interpolated
from emogan.recordings.eeg import Recording
from emogan.recordings.settings import Settings
from emogan.recordings.timeline import Marker, Piece, Timeline

NAMES = ("FP1", "FPZ", "FP2")
DEFAULTS = OmegaConf.to_container(OmegaConf.load(Path(config_dir()) / "extraction.yaml"))


def trial_signal(recording, start_s, end_s, with_eog=False, **changes):
    return cleaning.trial_signal(recording, start_s, end_s, Settings.of(DEFAULTS | changes), with_eog)


def recorded(signal, sfreq_hz, eog=0, pieces=None, stretches=(), bad=(), names=NAMES):
    """An opened recording of a signal (C + eog, N) in microvolt."""
    n, picks = signal.shape[1], list(range(len(signal)))
    pieces = pieces or (Piece(0, n, 0.0),)
    return Recording(
        Path("1_1.cnt"), (), Timeline(sfreq_hz, pieces, stretches), n, (0.0, sfreq_hz / 2), picks[: len(picks) - eog],
        names[: len(signal) - eog], picks[len(picks) - eog :], tuple(bad), (),
        lambda picks, start, stop: signal[picks, start:stop].copy(),
    )  # fmt: skip


def noise(duration_s, sfreq_hz, channels=3, seed=0):
    return 20 * np.random.default_rng(seed).normal(size=(channels, round(duration_s * sfreq_hz)))


def sines(frequency_hz, duration_s, sfreq_hz, phases=(0.1, 1.0, 2.0)):
    time_s = np.arange(round(duration_s * sfreq_hz)) / sfreq_hz
    return 20 * np.sin(2 * np.pi * frequency_hz * time_s + np.array(phases)[:, None])


@pytest.mark.parametrize("own_hz", [1000.0, 512.0, 200.0])
@pytest.mark.parametrize("frequency_hz", [1.5, 10.0, 49.0])
def test_a_sine_of_the_bands_passes_unchanged_and_unshifted_up_to_the_trial_s_edges(own_hz, frequency_hz):
    recording = recorded(sines(frequency_hz, 60, own_hz), own_hz)
    found, rate_hz = trial_signal(recording, 20, 40)
    assert rate_hz == 200
    expected = sines(frequency_hz, 60, rate_hz)[:, 4000:8000]
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 0.2  # of 20: the passband's ripple


@pytest.mark.parametrize("frequency_hz", [0.02, 75.0, 130.0, 199.0, 390.0])
def test_a_sine_outside_the_bands_does_not_pass_nor_fold_back(frequency_hz):
    other = sines(10, 60, 1000.0)
    found, _ = trial_signal(recorded(other + 5 * sines(frequency_hz, 60, 1000.0), 1000.0), 20, 40)
    alone, _ = trial_signal(recorded(other, 1000.0), 20, 40)
    assert np.abs(found - alone).max() < 0.5  # of 100


def test_an_offset_of_millivolts_leaves_no_trace():
    signal = noise(60, 1000.0)
    found, _ = trial_signal(recorded(signal + np.array([[3e4], [-5e4], [0]]), 1000.0), 0, 30)
    expected, _ = trial_signal(recorded(signal, 1000.0), 0, 30)
    assert np.abs(found - expected).max() < 1e-4


@pytest.mark.parametrize("own_hz", [1000.0, 500.0, 512.0])
def test_the_pieces_in_which_a_trial_is_filtered_do_not_show(own_hz, monkeypatch):
    recording = recorded(noise(70, own_hz), own_hz)
    whole, _ = trial_signal(recording, 1.3, 68, notch_hz=50)
    monkeypatch.setattr(cleaning, "PIECE_S", 7)
    pieces, _ = trial_signal(recording, 1.3, 68, notch_hz=50)
    assert np.abs(whole - pieces).max() < 1e-3
    assert whole.std() > 5


@pytest.mark.parametrize("own_hz", [1000.0, 512.0])
def test_a_trial_is_a_cut_of_the_whole_recording_cleaned(own_hz):
    recording = recorded(noise(60, own_hz), own_hz)
    whole, _ = trial_signal(recording, 0, 60)
    for start_s in (2.5, 0.0, 37.25):  # with whole numbers of samples at both rates
        trial, _ = trial_signal(recording, start_s, start_s + 12)
        cut = whole[:, round(200 * start_s) : round(200 * start_s) + 2400]
        assert np.abs(trial - cut).max() < 1e-3


def test_recordings_of_a_lower_rate_keep_it_if_it_suffices():
    _, rate_hz = trial_signal(recorded(noise(20, 128.0), 128.0), 0, 20)
    assert rate_hz == 128
    with pytest.raises(
        ValueError, match=r"expected a sampling rate above 100 Hz for a band-pass up to 50 Hz, got 100 Hz"
    ):
        trial_signal(recorded(noise(20, 100.0), 100.0), 0, 20)


def test_the_notch_takes_the_mains_and_nothing_else():
    recording = recorded(sines(50, 60, 1000.0) + sines(20, 60, 1000.0), 1000.0)
    found, _ = trial_signal(recording, 20, 40, notch_hz=50)
    assert np.abs(found - sines(20, 60, 200.0)[:, 4000:8000]).max() < 0.2


def test_missing_samples_in_a_trial_are_named_and_outside_of_one_are_harmless():
    signal = noise(60, 250.0)
    signal[1, 250 * 30 : 250 * 31] = np.nan
    recording = recorded(signal, 250.0)
    with pytest.raises(
        ValueError, match=r"NaN or infinity between 30 and 31 s of the recording in FPZ \(250 samples\)"
    ):
        trial_signal(recording, 20, 40)
    found, _ = trial_signal(recording, 34, 50)
    assert np.isfinite(found).all()


def test_a_channel_without_signal_is_named():
    signal = noise(20, 250.0)
    signal[2] = 7.0
    with pytest.raises(ValueError, match="expected a signal in all channels, got none in FP2"):
        trial_signal(recorded(signal, 250.0), 0, 20)


@pytest.mark.parametrize("factor", [1e-6, 1e6, 1e-3])
def test_volts_that_pass_for_microvolts_are_refused(factor):
    with pytest.raises(ValueError, match=r"expected EEG of 0\.1 to 500 microvolt.*volts where it means microvolts"):
        trial_signal(recorded(factor * noise(20, 250.0), 250.0), 0, 20)


def test_eye_channels_follow_where_they_are_wanted():
    recording = recorded(noise(20, 250.0), 250.0, eog=1)
    assert trial_signal(recording, 0, 20)[0].shape == (2, 4000)
    assert trial_signal(recording, 0, 20, with_eog=True)[0].shape == (3, 4000)


@pytest.mark.parametrize("own_hz", [1000.0, 250.0])
def test_nothing_of_what_lies_beyond_a_break_is_in_a_trial(own_hz):
    """A trial beside a break is what it would be if the recording ended there."""
    signal, at = noise(40, own_hz), round(20 * own_hz)
    pieces = (Piece(0, at, 0.0), Piece(at, 2 * at, 30.0, "a pause of 10 s"))
    whole = recorded(signal, own_hz, pieces=pieces)
    for times, alone in (((5, 20), recorded(signal[:, :at], own_hz)), ((30, 45), recorded(signal[:, at:], own_hz))):
        found, _ = trial_signal(whole, *times)
        expected, _ = trial_signal(alone, times[0] % 30, times[1] - times[0] // 30 * 30)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("mains_hz", "rate_hz"), [(50, 250.0), (60, 250.0), (60, 1000.0), (60, 128.0), (99, 250.0)])
def test_a_notch_takes_the_mains_out_as_far_as_the_band_pass_lets_them_through(mains_hz, rate_hz):
    clean = sines(10, 60, rate_hz)
    mains = sines(mains_hz, 60, rate_hz) if mains_hz < rate_hz / 2 else 0
    found, _ = trial_signal(recorded(clean + mains, rate_hz), 20, 40, notch_hz=mains_hz)
    expected, _ = trial_signal(recorded(clean, rate_hz), 20, 40)
    assert np.abs(found - expected)[:, 200:-200].max() < 0.2  # of 20


def test_a_channel_marked_bad_is_replaced_by_what_its_neighbours_tell():
    names = ("FP1", "FPZ", "FP2", "AF3", "AF4", "FZ", "CZ", "PZ", "OZ", "T7", "T8")
    places = positions(names)
    field = np.random.default_rng(0).normal(size=(3, 400))  # a dipole's: it varies slowly over the head
    signal = places @ field
    spoilt = np.where(np.array(names)[:, None] == "FPZ", 1000.0, signal)
    found = interpolated(spoilt, names, ["FPZ"], 200.0)
    assert np.corrcoef(found[1], signal[1])[0, 1] > 0.95
    np.testing.assert_array_equal(np.delete(found, 1, 0), np.delete(signal, 1, 0))


@pytest.mark.parametrize("own_hz", [678.17, 333.3333, 1000.0003, 250.00001, 127.97])
@pytest.mark.parametrize("start_s", [20, 20.3])
def test_an_odd_rate_loses_no_window_and_shifts_none(own_hz, start_s, monkeypatch):
    monkeypatch.setattr(cleaning, "PIECE_S", 7)
    found, rate_hz = trial_signal(recorded(sines(10, 60, own_hz), own_hz), start_s, start_s + 20)
    assert rate_hz * 4 == round(rate_hz * 4)
    assert found.shape[1] == 20 * rate_hz
    time_s = start_s + np.arange(found.shape[1]) / rate_hz
    expected = 20 * np.sin(2 * np.pi * 10 * time_s + np.array([[0.1], [1.0], [2.0]]))
    shift_s = 0.5 / own_hz + 0.5 / rate_hz  # to the nearest sample before and after resampling
    assert np.abs(found - expected).max() < 0.2 + 20 * 2 * np.pi * 10 * shift_s


@pytest.mark.parametrize("own_hz", [2048.0, 1000.0, 250.0])
@pytest.mark.parametrize("spoil", [lambda x: 1e5 * np.sign(x), lambda x: x + 3e4, lambda x: x * np.nan])
def test_nothing_of_a_stretch_marked_bad_is_in_a_trial(own_hz, spoil):
    signal, inside = noise(60, own_hz), slice(round(28 * own_hz), round(32.5 * own_hz))
    spoilt = signal.copy()
    spoilt[:, inside] = spoil(signal[:, inside])
    bad = [Marker(28.0, 4.5, "BAD")]
    found, expected = (trial_signal(recorded(one, own_hz, stretches=bad), 20, 40)[0] for one in (spoilt, signal))
    np.testing.assert_array_equal(found, expected)
    usual, _ = trial_signal(recorded(signal, own_hz), 20, 40)
    assert np.abs(found - usual)[:, np.r_[: 200 * 7, 200 * 14 : 4000]].max() < 1  # of 60: a second from the bridge
    kept, _ = trial_signal(recorded(signal, own_hz, stretches=bad), 20, 40, bad_stretches="keep")
    np.testing.assert_array_equal(kept, usual)


@pytest.mark.parametrize("own_hz", [200.0, 250.0, 1000.0])
def test_missing_samples_before_a_trial_leave_no_step_of_an_offset(own_hz):
    signal = noise(60, own_hz) + 2e4
    missing = signal.copy()
    missing[:, round(5 * own_hz) : round(20 * own_hz)] = np.nan
    found, expected = (trial_signal(recorded(one, own_hz), 20, 40)[0] for one in (missing, signal))
    assert np.abs(found - expected)[:, 200:].max() < 1  # of 60


@pytest.mark.parametrize("own_hz", [200.0, 250.0, 500.0, 1000.0])
def test_a_drift_leaves_no_trace_at_the_recording_s_ends(own_hz):
    drift = 2e4 * np.arange(round(40 * own_hz)) / own_hz / 60
    for times in ((0, 20), (20, 40)):
        with_drift, without = (trial_signal(recorded(noise(40, own_hz) + one, own_hz), *times)[0] for one in (drift, 0))
        assert np.abs(with_drift - without).max() < 1  # of 60


def test_a_channel_marked_bad_may_be_missing_where_it_is_replaced_and_is_named_where_it_is_flat():
    names = ("FP1", "FPZ", "FP2", "AF3", "AF4", "FZ", "CZ", "PZ", "OZ", "T7", "T8")
    signal = 10 * positions(names) @ np.random.default_rng(0).normal(size=(3, 250 * 20))
    lost, flat = signal.copy(), signal.copy()
    lost[1], flat[1] = np.nan, 0
    expected, _ = trial_signal(recorded(signal, 250.0, names=names), 0, 20)
    for spoilt in (lost, flat):
        found, _ = trial_signal(recorded(spoilt, 250.0, names=names, bad=["FPZ"]), 0, 20, bad_channels="interpolate")
        assert np.corrcoef(found[1], expected[1])[0, 1] > 0.95
    with pytest.raises(ValueError, match="expected a signal in all channels, got none in FPZ"):
        trial_signal(recorded(flat, 250.0, names=names, bad=["FPZ"]), 0, 20)
    with pytest.raises(ValueError, match="NaN or infinity between 0 and 20 s of the recording in FPZ"):
        trial_signal(recorded(lost, 250.0, names=names, bad=["FPZ"]), 0, 20)


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_a_single_channel_in_another_unit_is_named(factor):
    signal = noise(20, 250.0)
    signal[1] *= factor
    with pytest.raises(ValueError, match=r"microvolt .*, got FPZ of [\d.e+]+\. Does"):
        trial_signal(recorded(signal, 250.0), 0, 20)
    assert trial_signal(recorded(signal, 250.0, bad=["FPZ"]), 0, 20)[0].shape == (3, 4000)


@pytest.mark.parametrize("own_hz", [200.0, 512.0, 1000.0])
def test_a_channel_that_is_flat_in_a_part_of_a_trial_is_named_with_the_stretch(own_hz):
    signal = noise(70, own_hz)
    signal[1, round(22 * own_hz) : round(46 * own_hz)] = 37.0
    with pytest.raises(ValueError, match=r"in FPZ in 6 windows between 22 and 46 s of the recording.*BAD"):
        trial_signal(recorded(signal, own_hz), 2, 66)
    marked = recorded(signal, own_hz, stretches=(Marker(22.0, 24.0, "BAD"),))
    assert np.isfinite(trial_signal(marked, 2, 66)[0]).all()
