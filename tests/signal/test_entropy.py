"""Differential entropy against a plain loop, closed forms of noise and sines, and real EEG."""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.fft import fft

from emogan.data import montage
from emogan.signal.bands import BANDS
from emogan.signal.entropy import band_pass, band_variance, differential_entropy, power_spectral_density

SFREQ_HZ = 200.0
KINDS = pytest.mark.parametrize("kind", ["fft", "gaussian"])
BOTH = pytest.mark.parametrize("bands", BANDS.values(), ids=BANDS)


def sine(frequency_hz, amplitude=1.0, phase=0.0, seconds=40.0):
    return amplitude * np.sin(2 * np.pi * frequency_hz * np.arange(int(seconds * SFREQ_HZ)) / SFREQ_HZ + phase)


def gaussian_entropy(variance):
    return 0.5 * np.log(2 * np.pi * np.e * np.asarray(variance))


def plain_power(signal, bands, window_s):
    """Mean abs(X)^2 per window, channel and band, one at a time and from a whole complex transform."""
    n = int(window_s * SFREQ_HZ)
    hann = [0.5 - 0.5 * np.cos(2 * np.pi * k / (n + 1)) for k in range(1, n + 1)]
    power = np.empty((signal.shape[1] // n, len(signal), len(bands)))
    for w, c, b in np.ndindex(power.shape):
        spectrum = fft(signal[c, w * n : (w + 1) * n] * hann)
        low, high = list(bands.values())[b]
        inside = [abs(spectrum[k]) ** 2 for k in range(n // 2 + 1) if low <= k / window_s <= high]
        power[w, c, b] = sum(inside) / len(inside)
    return power


@BOTH
@pytest.mark.parametrize("window_s", [4.0, 1.0])
def test_entropy_and_power_equal_those_of_a_plain_loop(bands, window_s):
    signal = np.random.default_rng(0).normal(size=(3, 1837)) * [[1], [20], [300]]
    expected = plain_power(signal, bands, window_s)
    np.testing.assert_allclose(power_spectral_density(signal, SFREQ_HZ, bands, window_s), expected, rtol=1e-10)
    entropy = differential_entropy(signal, SFREQ_HZ, bands, window_s, kind="fft")
    np.testing.assert_allclose(entropy, np.log2(100 * expected), atol=1e-6)
    assert entropy.shape == (int(1837 / 200 / window_s), 3, 5)


@KINDS
@BOTH
def test_channels_and_bands_of_seeds_cap_stand_in_order(kind, bands):
    amplitudes = np.arange(1, len(montage.CHANNELS) + 1.0)
    assert tuple(bands) == montage.BANDS
    for b, (low, high) in enumerate(bands.values()):
        signal = np.array([sine((low + high) / 2, amplitude, seconds=12) for amplitude in amplitudes])
        entropy = differential_entropy(signal, SFREQ_HZ, bands, kind=kind)
        assert (entropy.argmax(-1) == b).all()
        base = 2 if kind == "fft" else np.e  # fft takes the log of a power, gaussian half of it
        growth = np.log(amplitudes) / np.log(base) * (2 if kind == "fft" else 1)
        np.testing.assert_allclose(entropy[..., b] - entropy[:, :1, b], np.tile(growth, (3, 1)), atol=1e-9)


@BOTH
@pytest.mark.parametrize("windows_per_trial", [1, 60])
def test_mean_entropy_of_white_noise_is_that_of_its_power_within_the_band(bands, windows_per_trial):
    signal = np.random.default_rng(0).normal(size=(30, 60 * 800)) * 10
    trials = np.split(signal, 60 // windows_per_trial, axis=1)
    entropy = np.concatenate([differential_entropy(trial, SFREQ_HZ, bands, kind="gaussian") for trial in trials])
    for b, (low, high) in enumerate(bands.values()):
        expected = gaussian_entropy(100 * (high - low) / (SFREQ_HZ / 2))
        assert entropy[..., b].mean() == pytest.approx(expected, abs=0.03 if high - low > 3 else 0.06)


@BOTH
def test_entropy_of_a_sine_is_that_of_its_power(bands):
    for b, (low, high) in enumerate(bands.values()):
        inside = np.arange(low + 0.5, high - 0.49, 0.5)
        phases = np.linspace(0, 2 * np.pi, 4, endpoint=False)
        signal = np.array([sine(frequency, 7, phase) for frequency in inside for phase in phases])
        error = differential_entropy(signal, SFREQ_HZ, bands, kind="gaussian")[..., b] - gaussian_entropy(7**2 / 2)
        assert np.abs(error[1:-1]).max() < 1e-3
        assert np.abs(error).max() < 0.03  # first and last window: what comes before and after is not known
        assert abs(error.mean()) < 0.002


def test_a_sine_of_known_amplitude_has_the_closed_form_of_its_periodogram():
    power = power_spectral_density(sine(10, 3)[None], SFREQ_HZ, {"one bin": (10, 10.1)})
    np.testing.assert_allclose(power, (3 / 2 * np.hanning(802).sum()) ** 2, rtol=1e-6)


@KINDS
def test_a_remainder_shorter_than_a_window_is_left_out(kind):
    signal = np.random.default_rng(0).normal(size=(2, 5 * 800 + 799))
    assert differential_entropy(signal, SFREQ_HZ, BANDS["paper"], kind=kind).shape == (5, 2, 5)


def test_half_of_the_power_passes_at_the_ends_of_a_band_and_touching_bands_share_all_of_it():
    bands = {"theta": (4, 8), "alpha": (8, 14)}
    for frequency in (7.6, 8.0, 8.3):
        theta, alpha = band_variance(sine(frequency)[None], SFREQ_HZ, bands)[5, 0]
        assert theta + alpha == pytest.approx(np.mean(sine(frequency)[4000:4800] ** 2), rel=1e-3)
        assert theta == pytest.approx(alpha, rel=1e-3) or frequency != 8.0


def test_filtering_shifts_nothing_in_time():
    time_s = np.arange(4000) / SFREQ_HZ
    burst = np.exp(-0.5 * ((time_s - 9) / 0.5) ** 2) * np.cos(2 * np.pi * 10 * (time_s - 9))
    (passed,) = band_pass(burst, SFREQ_HZ, {"alpha": (8, 14)})
    np.testing.assert_allclose(passed, burst, atol=0.01)


def test_windows_of_a_channel_depend_on_no_other_channel():
    signal = np.random.default_rng(0).normal(size=(3, 1600))
    together = differential_entropy(signal, SFREQ_HZ, BANDS["seed"], kind="gaussian")
    alone = differential_entropy(signal[1:2], SFREQ_HZ, BANDS["seed"], kind="gaussian")
    np.testing.assert_array_equal(together[:, 1:2], alone)


NOISE = np.random.default_rng(0).normal(size=(2, 900))
FLAT = np.where(np.arange(900) < 800, [[1.0], [0.0]], NOISE)
HOLED = np.where(np.arange(900) == 5, [[0.0], [np.nan]], NOISE)


@KINDS
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"signal": NOISE[0]}, r"\(channels, samples\) with at least 800 samples, got \(900,\)"),
        ({"signal": NOISE[:, :799]}, r"at least 800 samples, got \(2, 799\)"),
        ({"signal": HOLED}, r"channels \[1\] .* not finite"),
        ({"signal": FLAT}, "channel 0 .* is constant in window 0"),
        ({"sfreq_hz": 200.1}, "800.4 samples at 200.1 Hz"),
        ({"window_s": -1.0}, "-200 samples"),
        ({"sfreq_hz": 80.0}, "<= 40 Hz in band gamma, got 31-50 Hz"),
        ({"bands": {"alpha": (13, 8)}}, "low < high .* in band alpha, got 13-8 Hz"),
    ],
)
def test_bad_input_is_refused(kind, change, message):
    given = {"signal": NOISE, "sfreq_hz": SFREQ_HZ, "bands": BANDS["paper"], "window_s": 4.0} | change
    with pytest.raises(ValueError, match=message):
        differential_entropy(**given, kind=kind)


def test_bands_that_hold_no_frequency_and_unknown_kinds_are_refused():
    with pytest.raises(ValueError, match="none in narrow"):
        differential_entropy(NOISE, SFREQ_HZ, {"narrow": (10.05, 10.1)})
    with pytest.raises(ValueError, match="expected kind"):
        differential_entropy(NOISE, SFREQ_HZ, BANDS["paper"], kind="nats")


@pytest.mark.real_data
@pytest.mark.skipif("EMOGAN_REAL_DATA" not in os.environ, reason="EMOGAN_REAL_DATA names no folder of recordings")
def test_entropies_of_real_eeg_have_the_scale_of_seeds_files():
    import mne

    path = Path(os.environ["EMOGAN_REAL_DATA"], "eegmat", "Subject00_1.edf")
    raw = mne.io.read_raw_edf(path, preload=True, verbose="error").crop(tmax=60)
    raw.pick([name for name in raw.ch_names if name.startswith("EEG") and "A2-A1" not in name])
    signal = raw.resample(SFREQ_HZ, verbose="error").get_data() * 1e6
    entropy = differential_entropy(signal, SFREQ_HZ, BANDS["seed"])
    assert entropy.shape == (15, 19, 5)
    assert 10 < entropy.min()
    assert entropy.max() < 28
    nats = differential_entropy(signal, SFREQ_HZ, BANDS["seed"], kind="gaussian")
    assert 0 < nats.min()
    assert nats.max() < 6
    assert np.corrcoef(entropy.ravel(), nats.ravel())[0, 1] > 0.9


@KINDS
@pytest.mark.parametrize("rate_hz", [128, 250, 256, 512, 1000])
def test_the_same_signal_has_the_same_entropy_at_every_sampling_rate(kind, rate_hz):
    """Noise and rhythms below 50 Hz, of which every rate takes the same samples of the same curve."""
    random, seconds = np.random.default_rng(0), 40
    frequency_hz = np.arange(1, 50 * seconds) / seconds
    parts = random.normal(size=(2, 2, len(frequency_hz)))

    def sampled(hz):
        spectrum = np.zeros((2, hz * seconds // 2 + 1), dtype=complex)
        spectrum[:, 1 : len(frequency_hz) + 1] = (parts[0] + 1j * parts[1]) * hz * seconds / 40
        return np.fft.irfft(spectrum, hz * seconds)

    bands = BANDS["paper"]
    expected = differential_entropy(sampled(200), 200.0, bands, kind=kind)
    found = differential_entropy(sampled(rate_hz), float(rate_hz), bands, kind=kind)
    np.testing.assert_allclose(found, expected, atol=0.01)  # once 1.29 apart between 128 and 200 Hz
    power = power_spectral_density(sampled(rate_hz), float(rate_hz), bands)
    np.testing.assert_allclose(power, power_spectral_density(sampled(200), 200.0, bands), rtol=0.01)
