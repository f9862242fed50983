"""From the samples of a recording to a trial's clean signal: resampled, band-passed, in pieces of bounded size."""

import itertools
import math
from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

import mne
import numpy as np
from mne.filter import filter_data, notch_filter
from scipy.signal import firwin, kaiserord, resample_poly

from emogan.data.montage import located
from emogan.recordings.eeg import Recording
from emogan.recordings.settings import Settings
from emogan.recordings.timeline import Piece
from emogan.signal.windows import TOLERANCE_S
from emogan.wording import some

SAME_RATE = 1e-4  # relative difference of rates that are the same but for rounding
CONTEXT_S = 6  # read before and after a piece: longer than half of the longest filter, the notch of 6.6 s, lasts
PIECE_S = 300  # what is filtered at once
PLAUSIBLE_UV = (0.1, 500.0)  # median absolute amplitude of band-passed EEG; it is 3 to 15 in most
FLAT_UV = 1e-6  # a channel that varies less is without signal
CHANNEL_UV = (0.02, 2500.0)  # of a single channel, which may be disturbed; units wrong by a thousand lie beyond


def trial_signal(
    recording: Recording, start_s: float, end_s: float, settings: Settings, with_eog: bool = False
) -> tuple[np.ndarray, float]:
    """Signal (C, N) of a trial in microvolt, and its sampling rate: sfreq_hz, or the recording's own if that is lower.

    Resampled by a polyphase filter (see `anti_alias`) to whole samples a window, then band-passed by MNE's zero-phase
    FIR filter: it passes all between the limits and slopes over 1 Hz below and 12.5 Hz above them. What precedes and
    follows the trial in the recording takes part as far as the filters last, so that the trial has no edges of its
    own; at the recording's ends and breaks the signal is mirrored. Stretches marked bad are bridged by straight lines
    before, unless they are to be kept, so that what was recorded then is in nothing that is returned. How many seconds
    are filtered at once, `PIECE_S`, does not change the result.

    Parameters
    ----------
    start_s, end_s
        Of the trial, in seconds of the recording; the nearest samples are taken. An infinite end is the recording's.
    with_eog : whether EOG channels, filtered alike, follow as further rows

    Raises
    ------
    ValueError
        If samples are missing or not finite outside of stretches marked bad, a break lies within the trial, a channel
        is flat throughout a window, or the amplitudes are not those of microvolts.
    """
    own_hz, names = recording.sfreq_hz, recording.channels
    ratio, rate_hz = resampling(recording, settings)
    taps = np.ones(1) if ratio == 1 else anti_alias(ratio, own_hz, settings.band_pass_hz[1])
    first, last, piece = recording.timeline.locate(start_s, end_s)
    count = int((min(end_s, recording.duration_s) - start_s + TOLERANCE_S) * rate_hz)  # holds all whole windows
    grid = _Grid(first, last, piece, ratio, count, own_hz)
    hidden = recording.timeline.bad_samples(piece) & (settings.bad_stretches != "keep")
    replaced = recording.bad if settings.bad_channels == "interpolate" else ()
    level, done = None, []
    spans = _Spans(len(names), first, count // round(settings.window_s * rate_hz), settings.window_s * own_hz)
    for part in grid.parts():
        signal = _read(recording, part, piece, hidden, replaced, with_eog)
        spans.add(signal[: len(names)], part.begin)
        level = signal[:, : 2 * grid.context].mean(1, keepdims=True) if level is None else level
        signal -= level  # the filter's stop band lets a share of an offset of millivolts through
        resampled = _resampled(signal, ratio, taps, part.kept.stop)
        done.append(_filtered(resampled, rate_hz, settings)[:, part.kept])
    signal = np.concatenate(done, axis=1)
    if replaced:
        signal[: len(names)] = interpolated(signal[: len(names)], names, replaced, rate_hz)
    flat = spans.flat()
    if settings.bad_stretches != "keep":
        flat &= ~recording.timeline.bad_windows(start_s, flat.shape[1], settings.window_s)
    flat[[name in replaced for name in names]] = False
    _need_signal(recording, flat, start_s, settings.window_s)
    hidden = hidden[grid.places(signal.shape[1]) - piece.first]
    seen = ~hidden if not hidden.all() else slice(None)
    _need_plausible(recording, signal[: len(names), seen], set(recording.bad) - set(replaced))
    return signal, rate_hz


class _Part(NamedTuple):
    """A part of a trial: samples of the recording from start to stop, for which those from begin to end are read."""

    start: int
    stop: int
    begin: int
    end: int
    kept: slice  # of what was read and resampled, the part itself


class _Grid:
    """Which samples of a recording, and which after resampling, the parts of a trial consist of.

    Parameters
    ----------
    first, last
        The recording's samples from which and up to which the trial lasts.
    piece
        The samples between two breaks of the recording that hold it.
    ratio
        The rate after resampling over that of the recording.
    count
        Samples of the trial after resampling.
    own_hz
        The rate of the recording.
    """

    def __init__(self, first: int, last: int, piece: Piece, ratio: Fraction, count: int, own_hz: float):
        self.first, self.last, self.stop, self.count = first, last, piece.stop, count
        self.up, self.down = ratio.numerator, ratio.denominator
        self.step, self.context = (
            math.ceil(seconds * own_hz / self.down) * self.down for seconds in (PIECE_S, CONTEXT_S)
        )
        before = min(self.context, first - piece.first)  # samples that are read before the trial
        # The trial's first sample is one of those after resampling
        self.before = before - (before % self.down if self.down <= own_hz else 0)

    def parts(self) -> Iterator[_Part]:
        """The parts in order, of `PIECE_S` at most, each with its context."""
        origin = self.first - self.before
        for start in range(self.first, self.last, self.step):
            stop = min(start + self.step, self.last)
            begin = origin + max(0, (start - origin - self.context) // self.down * self.down)
            trial = round(self.before * self.up / self.down) - (begin - origin) * self.up // self.down
            to = self.count if stop == self.last else self.resampled(stop - self.first)
            kept = slice(trial + self.resampled(start - self.first), trial + to)
            yield _Part(start, stop, begin, min(stop + self.context, self.stop), kept)

    def resampled(self, samples: int) -> int:
        """How many samples of the recording's become by resampling."""
        return samples * self.up // self.down

    def places(self, n: int) -> np.ndarray:
        """The sample of the recording (n,) at each of the trial's first n after resampling."""
        return np.minimum(self.first + np.arange(n) * self.down // self.up, self.last - 1)


def _read(
    recording: Recording, part: _Part, piece: Piece, hidden: np.ndarray, replaced: Collection[str], with_eog: bool
) -> np.ndarray:
    """The samples (C, N) of a part and its context, bridged where they are hidden or, outside the part, missing."""
    signal = recording.read(part.begin, part.end, with_eog)
    bad, finite = hidden[part.begin - piece.first : part.end - piece.first], np.isfinite(signal)
    if not finite.all() or bad.any():
        inside = slice(part.start - part.begin, part.stop - part.begin)
        begin_s = piece.start_s + (part.start - piece.first) / recording.sfreq_hz
        _need_finite(recording, finite[:, inside] | bad[inside], replaced, begin_s)
        _bridge(signal, ~finite | bad)
    return signal


class _Spans:
    """The lowest and the highest sample of each channel in each window (C, W) of a trial that is read in parts."""

    def __init__(self, channels: int, first: int, windows: int, length: float):
        self.edges = first + np.round(length * np.arange(windows + 1)).astype(int)
        self.low, self.high = np.full((channels, windows), np.inf), np.full((channels, windows), -np.inf)

    def add(self, signal: np.ndarray, begin: int) -> None:
        """Look at the samples (C, N) from number begin on."""
        for window, (start, stop) in enumerate(itertools.pairwise(np.clip(self.edges - begin, 0, signal.shape[1]))):
            if stop > start:
                part = signal[:, start:stop]
                self.low[:, window] = np.minimum(self.low[:, window], part.min(1))
                self.high[:, window] = np.maximum(self.high[:, window], part.max(1))

    def flat(self) -> np.ndarray:
        """Where a channel does not vary throughout a window (C, W)."""
        return self.high - self.low < FLAT_UV


def resampling(recording: Recording, settings: Settings) -> tuple[Fraction, float]:
    """Ratio of the rate to which a recording is resampled to its own, and this rate.

    It is sfreq_hz or, of recordings of a lower rate, the highest one up to theirs with whole samples in a window.

    Raises
    ------
    ValueError
        If the rate is too low for the band-pass.
    """
    own_hz, rate_hz, highest_hz = recording.sfreq_hz, settings.sfreq_hz, settings.band_pass_hz[1]
    if own_hz < rate_hz * (1 - SAME_RATE):
        rate_hz = math.floor(own_hz * settings.window_s * (1 + SAME_RATE)) / settings.window_s
    if rate_hz <= 2 * highest_hz:
        raise ValueError(
            f"{recording.path}: expected a sampling rate above {2 * highest_hz:g} Hz for a band-pass up to "
            f"{highest_hz:g} Hz, got {rate_hz:g} Hz"
        )
    same = abs(rate_hz / own_hz - 1) <= SAME_RATE
    return Fraction(1) if same else Fraction(rate_hz / own_hz).limit_denominator(10_000), rate_hz


def _resampled(signal: np.ndarray, ratio: Fraction, taps: np.ndarray, count: int) -> np.ndarray:
    """A signal (C, N) after resampling, of at least count samples; what is needed beyond its ends is mirrored."""
    up, down = ratio.numerator, ratio.denominator
    margin = math.ceil(len(taps) / 2 / up / down) * down
    length = max(count, math.ceil(signal.shape[1] * ratio))
    lacking = math.ceil(length / ratio) - signal.shape[1]  # of a sample or two after the recording's last
    mirrored = np.pad(signal, ((0, 0), (margin, margin + lacking)), mode="reflect", reflect_type="odd")
    begin = margin * up // down
    return resample_poly(mirrored, up, down, axis=1, window=taps)[:, begin : begin + length]


def _filtered(signal: np.ndarray, rate_hz: float, settings: Settings) -> np.ndarray:
    """A signal (C, N) after the band-pass and, if asked for, without the mains."""
    signal = filter_data(signal, rate_hz, *settings.band_pass_hz, copy=False, verbose="error")
    if settings.notch_hz is None:
        return signal
    highest_hz = min(1.25 * settings.band_pass_hz[1], rate_hz / 2 - 1)  # the end of the band-pass's slope
    multiples = np.arange(settings.notch_hz, highest_hz, settings.notch_hz)
    return notch_filter(signal, rate_hz, multiples, copy=False, verbose="error") if len(multiples) else signal


def _bridge(signal: np.ndarray, hidden: np.ndarray) -> None:
    """Put straight lines between their neighbours in place of samples (C, N)."""
    for channel, own in zip(signal, hidden, strict=True):
        at = np.flatnonzero(~own)
        channel[own] = np.interp(np.flatnonzero(own), at, channel[at]) if len(at) else 0.0


def anti_alias(ratio: Fraction, sfreq_hz: float, passed_hz: float) -> np.ndarray:
    """Taps of the filter for resampling by a ratio below 1: what it lets fold back lies above the band-pass.

    Each of its phases has a gain of exactly 1 for what is constant: a drift leaves no ripple.

    A Kaiser window, 60 dB down where a frequency would fold into what is passed or its slope, a quarter above it.
    """
    rate_hz, up_hz = sfreq_hz * float(ratio), sfreq_hz * ratio.numerator
    slope_hz = max(rate_hz - 2.5 * passed_hz, 0.1 * rate_hz)
    taps, beta = kaiserord(60.0, 2 * slope_hz / up_hz)
    filter_taps, up = firwin(taps | 1, rate_hz / 2, window=("kaiser", beta), fs=up_hz), ratio.numerator
    for phase in range(up):
        filter_taps[phase::up] /= up * filter_taps[phase::up].sum()
    return filter_taps


def interpolated(signal: np.ndarray, channels: Sequence[str], bad: Sequence[str], sfreq_hz: float) -> np.ndarray:
    """EEG (C, N) with channels marked bad replaced by spherical splines of the others (Perrin and others 1989).

    Raises
    ------
    ValueError
        If it is not known where an electrode is.
    """
    with mne.utils.use_log_level("error"):
        raw = mne.io.RawArray(signal, located(channels, sfreq_hz))
        raw.info["bads"] = list(bad)
        return raw.interpolate_bads(origin=(0.0, 0.0, 0.0)).get_data()


def _need_finite(recording: Recording, usable: np.ndarray, replaced: Sequence[str], begin_s: float) -> None:
    """Stop if samples (C, N) from begin_s on are not usable, but for those of channels that are replaced."""
    names = [*recording.channels, *["EOG"] * (len(usable) - len(recording.channels))]
    bad = ~usable & np.array([name not in replaced for name in names])[:, None]
    if bad.any():
        at = np.flatnonzero(bad.any(0))
        unusual = dict.fromkeys(name for name, row in zip(names, bad, strict=True) if row.any())
        first_s, last_s = begin_s + at[0] / recording.sfreq_hz, begin_s + (at[-1] + 1) / recording.sfreq_hz
        raise ValueError(
            f"{recording.path}: expected finite samples, got NaN or infinity between {first_s:g} and {last_s:g} s of "
            f"the recording in {some(unusual)} ({bad.sum()} samples). Cut the trial shorter or leave it out."
        )


def _need_signal(recording: Recording, flat: np.ndarray, start_s: float, window_s: float) -> None:
    """Stop if there are channels that are flat in windows (C, W) of a trial, unless all are in all windows."""
    if not flat.any() or flat.all():
        return
    names, windows = np.array(recording.channels)[flat.any(1)], np.flatnonzero(flat.any(0))
    place, advice = "", ""
    if not flat[flat.any(1)].all():
        begin_s, end_s = start_s + window_s * windows[0], start_s + window_s * (windows[-1] + 1)
        place = f" in {len(windows)} windows between {begin_s:g} and {end_s:g} s of the recording"
        advice = " Or mark this stretch BAD in the recording, or cut the trial shorter."
    raise ValueError(
        f"{recording.path}: expected a signal in all channels, got none in {', '.join(names)}{place}. Leave them out "
        f"with channels=[NAME, ...].{advice}"
    )


def _need_plausible(recording: Recording, signal: np.ndarray, wild: Collection[str]) -> None:
    """Stop if a channel, but for those that may be wild, has amplitudes unlike those of EEG."""
    amplitudes = np.abs(signal[:, ::7])
    medians = dict(zip(recording.channels, np.median(amplitudes, axis=1), strict=True))
    judged = [(f"{median:.3g} over all channels", median, PLAUSIBLE_UV) for median in [np.median(amplitudes)]]
    judged += [(f"{name} of {median:.3g}", median, CHANNEL_UV) for name, median in medians.items() if name not in wild]
    strange = [text for text, median, (low, high) in judged if not low <= median <= high]
    if strange:
        low, high = PLAUSIBLE_UV
        raise ValueError(
            f"{recording.path}: expected EEG of {low:g} to {high:g} microvolt (median absolute amplitude after the "
            f"band-pass), got {some(strange, 4)}. Does the file say volts where it means microvolts, or the other way "
            "round? If single channels are disturbed, leave them out with channels=[NAME, ...]."
        )
