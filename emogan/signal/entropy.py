"""Differential entropy and power of multichannel signals, per frequency band and window."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from scipy import fft

Bands = Mapping[str, tuple[float, float]]  # name -> lowest and highest frequency, Hz
SEED_HZ = 200.0  # sampling rate of the signals from which SEED's features were made
EDGE_HZ = 1.0  # width of the slopes of `band_pass`
LN_2_PI_E = np.log(2 * np.pi * np.e)


def differential_entropy(
    signal, sfreq_hz: float, bands: Bands, window_s: float = 4.0, kind: str = "fft", kept: np.ndarray | None = None
) -> np.ndarray:
    """Differential entropy (W, C, B) of a trial (C, N) in microvolt, in windows that follow one another.

    A remainder shorter than a window is left out. With kept (W,), only the windows that it marks are returned, and the
    others may be constant. Two definitions that must never be mixed:

    - ``fft``: log2(100 E), E as `power_spectral_density` gives it. This is the scale of the feature files of SEED,
      SEED-IV and SEED-V: 10 to 28 for EEG of 4 s. It grows with the length of a window, not with the sampling rate.
    - ``gaussian``: ln(2 pi e variance) / 2 in nats, the differential entropy of a normal variable (Duan, Zhu and Lu
      2013, equation 2). The variance is the mean square of the window after `band_pass` over the whole trial.

    Raises
    ------
    ValueError
        If the signal is not (C, N) or not finite, no window long, or constant throughout a window; if a window is not
        a whole number of samples; if a band is empty, holds no bin or reaches beyond half the sampling rate.
    """
    if kind not in ("fft", "gaussian"):
        raise ValueError(f'expected kind "fft" or "gaussian", got {kind!r}')
    signal, length = _checked(signal, sfreq_hz, bands, window_s)
    chosen = np.ones(signal.shape[1] // length, dtype=bool) if kept is None else kept
    for number, channel in enumerate(signal):
        if len(flat := np.flatnonzero((np.ptp(_windows(channel, length), axis=1) == 0) & chosen)):
            raise ValueError(
                f"channel {number} (counted from 0) is constant in window {flat[0]}: the entropy of a constant is "
                "minus infinity. Leave out channels without signal, such as the reference"
            )
    if kind == "fft":
        return np.log2(100 * power_spectral_density(signal, sfreq_hz, bands, window_s)[chosen])
    return 0.5 * (LN_2_PI_E + np.log(band_variance(signal, sfreq_hz, bands, window_s)[chosen]))


def power_spectral_density(signal, sfreq_hz: float, bands: Bands, window_s: float = 4.0) -> np.ndarray:
    """Mean of abs(X)^2 over each band's bins, both ends included, (W, C, B) in squared microvolt, as in SEED's files.

    X is the Fourier transform of the window times a Hann window, times 200 / sfreq_hz: the sum over the samples of a
    window grows with their number, and SEED's files, which are unscaled, are of signals at 200 Hz. The same signal has
    the same power at every rate. The windows and the errors raised are those of `differential_entropy`; a constant
    signal has power too.
    """
    signal, length = _checked(signal, sfreq_hz, bands, window_s)
    frequency = fft.rfftfreq(length, 1 / sfreq_hz)
    inside = np.array([(frequency >= low) & (frequency <= high) for low, high in bands.values()])
    if not inside.any(1).all():
        empty = [band for band, any_bin in zip(bands, inside.any(1), strict=True) if not any_bin]
        step = f"windows of {window_s} s have a frequency every {1 / window_s:.3g} Hz"
        raise ValueError(f"{step}: expected at least one in every band, got none in {', '.join(empty)}")
    mean = (inside / inside.sum(1, keepdims=True)).T
    hann = np.hanning(length + 2)[1:-1]  # without the zeros at its ends, as MATLAB's hanning, which SEED's authors used
    hann *= SEED_HZ / sfreq_hz
    power = [np.abs(fft.rfft(_windows(channel, length) * hann)) ** 2 @ mean for channel in signal]
    return np.stack(power, axis=1)


def band_variance(signal, sfreq_hz: float, bands: Bands, window_s: float = 4.0) -> np.ndarray:
    """Mean square per window of the trial's `band_pass`, (W, C, B), in squared microvolt.

    White noise has the share of its variance that the band has of the spectrum, on average in every window. A sine in a
    band has its power to 0.1 %, but for up to 5 % (0.025 nats) in a trial's first and last window and twice that in the
    only one: the filter does not know what comes before and after. Errors are those of `differential_entropy`.
    """
    signal, length = _checked(signal, sfreq_hz, bands, window_s)
    variance = [
        np.stack([np.mean(_windows(passed, length) ** 2, axis=1) for passed in band_pass(channel, sfreq_hz, bands)], -1)
        for channel in signal  # one at a time: an hour of 66 channels is filtered in little memory
    ]
    return np.stack(variance, axis=1)


def band_pass(signal: np.ndarray, sfreq_hz: float, bands: Bands) -> np.ndarray:
    """Bands (B, N) of one channel (N,), without shift in time; a band from 0 Hz holds the mean too.

    The power that passes falls as a raised cosine over `EDGE_HZ` around each end of a band, or over the width of the
    narrowest band: half of it passes at the ends, white noise passes in proportion to a band's nominal width, and bands
    that touch share all power between them. The signal is mirrored at both its ends by as much as the filter lasts.
    """
    edge_hz = min(EDGE_HZ, *(high - low for low, high in bands.values()))
    margin = round(4 * sfreq_hz / edge_hz)
    mirrored = np.pad(signal, margin, mode="symmetric")
    size = fft.next_fast_len(len(mirrored), real=True)
    spectrum = fft.rfft(mirrored, size)
    gains = _gains(size, sfreq_hz, tuple(map(tuple, bands.values())), edge_hz)
    return np.array([fft.irfft(spectrum * gain, size)[margin : margin + len(signal)] for gain in gains])


@lru_cache(maxsize=2)  # the channels of a trial share them
def _gains(size: int, sfreq_hz: float, bands: tuple[tuple[float, float], ...], edge_hz: float) -> list[np.ndarray]:
    """Gain of each band at the frequencies of a Fourier transform of this many samples."""
    frequency = fft.rfftfreq(size, 1 / sfreq_hz)
    return [_rise(frequency, low, min(edge_hz, 2 * low)) * _rise(-frequency, -high, edge_hz) for low, high in bands]


def _rise(frequency: np.ndarray, middle: float, width: float) -> np.ndarray:
    """Gain of the amplitude: the square root of a raised cosine from 0 to 1 around the middle."""
    if width == 0:
        return np.ones_like(frequency)
    return np.sin(np.pi / 2 * np.clip((frequency - middle) / width + 0.5, 0, 1))


def _windows(channel: np.ndarray, length: int) -> np.ndarray:
    return channel[: len(channel) // length * length].reshape(-1, length)


def _checked(signal, sfreq_hz: float, bands: Bands, window_s: float) -> tuple[np.ndarray, int]:
    """The signal in float64 and the number of samples in a window."""
    signal = np.asarray(signal, dtype=float)
    length = round(window_s * sfreq_hz)
    if abs(length - window_s * sfreq_hz) > 1e-6 * length or length < 1:
        raise ValueError(
            f"a window of {window_s} s is {window_s * sfreq_hz:.6g} samples at {sfreq_hz} Hz: resample to a rate, or "
            "choose a window, that makes it a whole number"
        )
    if signal.ndim != 2 or signal.shape[1] < length:
        raise ValueError(f"expected (channels, samples) with at least {length} samples, got {signal.shape}")
    if not np.isfinite(signal).all():
        bad = np.flatnonzero(~np.isfinite(signal).all(1)).tolist()
        raise ValueError(f"channels {bad} (counted from 0) hold values that are not finite: cut these stretches out")
    for band, (low, high) in bands.items():
        if not 0 <= low < high <= sfreq_hz / 2:
            raise ValueError(f"expected 0 <= low < high <= {sfreq_hz / 2:g} Hz in band {band}, got {low}-{high} Hz")
    return signal, length
