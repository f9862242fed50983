"""From the samples of a recording to a trial's clean signal: resampled, band-passed, in pieces of bounded size."""

import math
from collections.abc import Sequence
from fractions import Fraction

import mne
import numpy as np
from mne.filter import filter_data, notch_filter
from scipy.signal import firwin, kaiserord, resample_poly

from emogan.data.montage import positions
from emogan.recordings.eeg import Recording
from emogan.recordings.timeline import Piece

CONTEXT_S = 6  # read before and after a piece: longer than half of the longest filter, the notch of 6.6 s, lasts
PIECE_S = 300  # what is filtered at once
HEAD_RADIUS_M = 0.095
PLAUSIBLE_UV = (0.1, 500.0)  # median absolute amplitude of band-passed EEG; it is 3 to 15 in most


def trial_signal(
    recording: Recording,
    start_s: float,
    end_s: float,
    *,
    band_pass_hz: tuple[float, float] = (1.0, 50.0),
    sfreq_hz: float = 200.0,
    notch_hz: float | None = None,
    with_eog: bool = False,
    piece_s: int = PIECE_S,
) -> tuple[np.ndarray, float]:
    """Signal (C, N) of a trial in microvolt, and its sampling rate: sfreq_hz, or the recording's own if that is lower.

    Resampled by a polyphase filter (see `anti_alias`), then band-passed by MNE's zero-phase FIR filter: it passes all
    between the limits and slopes over 1 Hz below and 12.5 Hz above them. What precedes and follows the trial in the
    recording takes part as far as the filters last, so that the trial has no edges of its own; at the recording's ends
    and breaks the signal is mirrored.

    Parameters
    ----------
    start_s, end_s
        Of the trial, in seconds of the recording; the nearest samples are taken. An infinite end is the recording's.
    notch_hz : mains frequency to be removed, with its multiples below the upper limit of the band-pass
    with_eog : whether EOG channels, filtered alike, follow as further rows
    piece_s : whole seconds filtered at once; the result does not depend on it

    Raises
    ------
    ValueError
        If samples are missing or not finite, a break lies within the trial, a channel that is not marked bad is flat,
        or the amplitudes are not those of microvolts.
    """
    own_hz = recording.sfreq_hz
    ratio = resampling(recording, sfreq_hz, band_pass_hz)
    rate_hz = own_hz * ratio.numerator / ratio.denominator
    first, last, piece = recording.timeline.locate(start_s, end_s)
    step, context = round(piece_s * own_hz), round(CONTEXT_S * own_hz)
    pieces, level = [], None
    for start in range(first, last, step):
        stop = min(start + step, last)
        whole_s = math.floor((start - piece.first) / own_hz)
        before, after = min(context, whole_s * round(own_hz)), min(context, piece.stop - stop)
        signal = recording.read(start - before, stop + after, with_eog)
        if not np.isfinite(signal).all():
            _need_finite(recording, signal[:, before : before + stop - start], piece, start)
            np.nan_to_num(signal, copy=False, posinf=0.0, neginf=0.0)  # in what precedes and follows the trial
        level = signal[:, : 2 * context].mean(1, keepdims=True) if level is None else level
        signal -= level  # an offset of millivolts would show at the recording's ends
        if ratio != 1:
            taps = anti_alias(ratio, own_hz, band_pass_hz[1])
            signal = resample_poly(signal, ratio.numerator, ratio.denominator, axis=1, window=taps)
        signal = filter_data(signal, rate_hz, *band_pass_hz, copy=False, verbose="error")
        if notch_hz is not None:
            highest_hz = min(1.25 * band_pass_hz[1], rate_hz / 2 - 1)  # the end of the band-pass's slope
            if len(multiples := np.arange(notch_hz, highest_hz, notch_hz)):
                signal = notch_filter(signal, rate_hz, multiples, copy=False, verbose="error")
        begin = round(before / own_hz * rate_hz)
        pieces.append(signal[:, begin : begin + _samples(stop - start, ratio)])
    signal = np.concatenate(pieces, axis=1)
    _need_plausible(recording, signal[: len(recording.channels)])
    return signal, rate_hz


def resampling(recording: Recording, sfreq_hz: float, band_pass_hz: tuple[float, float]) -> Fraction:
    """Ratio of the rate to which a recording is resampled to its own.

    Raises
    ------
    ValueError
        If the rate is too low for the band-pass.
    """
    ratio = Fraction(min(sfreq_hz / recording.sfreq_hz, 1.0)).limit_denominator(1000)
    if (rate_hz := recording.sfreq_hz * ratio.numerator / ratio.denominator) <= 2 * band_pass_hz[1]:
        raise ValueError(
            f"{recording.path}: expected a sampling rate above {2 * band_pass_hz[1]:g} Hz for a band-pass up to "
            f"{band_pass_hz[1]:g} Hz, got {rate_hz:g} Hz"
        )
    return ratio


def anti_alias(ratio: Fraction, sfreq_hz: float, passed_hz: float) -> np.ndarray:
    """Taps of the filter for resampling by a ratio below 1: what it lets fold back lies above the band-pass.

    A Kaiser window, 60 dB down where a frequency would fold into what is passed or its slope, a quarter above it.
    """
    rate_hz, up_hz = sfreq_hz * float(ratio), sfreq_hz * ratio.numerator
    slope_hz = max(rate_hz - 2.5 * passed_hz, 0.1 * rate_hz)
    taps, beta = kaiserord(60.0, 2 * slope_hz / up_hz)
    return firwin(taps | 1, rate_hz / 2, window=("kaiser", beta), fs=up_hz)


def interpolated(signal: np.ndarray, channels: Sequence[str], bad: Sequence[str], sfreq_hz: float) -> np.ndarray:
    """EEG (C, N) with channels marked bad replaced by spherical splines of the others (Perrin and others 1989).

    Raises
    ------
    ValueError
        If it is not known where an electrode is.
    """
    places = dict(zip(channels, HEAD_RADIUS_M * positions(channels), strict=True))
    info = mne.create_info(list(channels), sfreq_hz, "eeg")
    with mne.utils.use_log_level("error"):
        raw = mne.io.RawArray(signal, info)
        raw.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"))
        raw.info["bads"] = list(bad)
        return raw.interpolate_bads(origin=(0.0, 0.0, 0.0)).get_data()


def _samples(count: int, ratio: Fraction) -> int:
    """Samples after resampling; whole seconds give whole seconds."""
    return count * ratio.numerator // ratio.denominator


def _need_finite(recording: Recording, signal: np.ndarray, piece: Piece, start: int) -> None:
    bad = ~np.isfinite(signal)
    if bad.any():
        at = np.flatnonzero(bad.any(0))
        names = [name for name, row in zip(recording.channels, bad, strict=False) if row.any()] or ["EOG"]
        begin_s = piece.start_s + (start - piece.first) / recording.sfreq_hz
        first_s, last_s = begin_s + at[0] / recording.sfreq_hz, begin_s + (at[-1] + 1) / recording.sfreq_hz
        raise ValueError(
            f"{recording.path}: expected finite samples, got NaN or infinity between {first_s:g} and {last_s:g} s of "
            f"the recording in {', '.join(names[:5])}{', ...' if len(names) > 5 else ''} ({bad.sum()} samples). Cut "
            "the trial shorter or leave it out."
        )


def _need_plausible(recording: Recording, signal: np.ndarray) -> None:
    spreads = dict(zip(recording.channels, np.ptp(signal, axis=1), strict=True))
    flat = [name for name, spread in spreads.items() if spread < 1e-6 and name not in recording.bad]
    if flat and len(flat) < len(signal):
        raise ValueError(
            f"{recording.path}: expected a signal in all channels, got none in {', '.join(flat)}. Leave them out with "
            "channels=[NAME, ...]."
        )
    median, (low, high) = float(np.median(np.abs(signal[:, ::7]))), PLAUSIBLE_UV
    if not low <= median <= high:
        raise ValueError(
            f"{recording.path}: expected EEG of {low:g} to {high:g} microvolt (median absolute amplitude after the "
            f"band-pass), got {median:.3g}. Does the file say volts where it means microvolts, or the other way round?"
        )
