"""Eye movement features per window, the sets of 33, 31 and 41 that the SEED data sets hold.

What is not published about them is chosen here:

- An event belongs to the window it begins in, whole. A mean, maximum or sum over no event is 0, a standard deviation
  (n - 1 in the denominator) over fewer than two is 0.
- The trace of the pupil is interpolated linearly through blinks, from `BLINK_MARGIN_S` before to as much after or, if
  that is longer, through the whole saccade around the blink (EyeLink takes the lid's closing and opening for one), and
  through other gaps up to a longest one.
- Differential entropies are ln(2 pi e variance) / 2 in nats, the variance that of the window's part of the whole
  trial's trace, less its mean, after a band-pass: components slower than a window, 0-0.2 Hz, are seen from the trial.
  Variances are floored at `VARIANCE_FLOOR`, so that a constant trace has an entropy.
- Dispersion as a signal, for its entropies among the 41: constant during a fixation, linear between two.
- Dispersion total and maximum add X and Y of a fixation. A saccade's latency is the time since the end of the one
  before it in the trial.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from emogan.data.eye_names import EYE_FEATURES_33, EYE_FEATURES_41, PUPIL_BANDS
from emogan.signal.entropy import LN_2_PI_E, band_variance
from emogan.signal.eye_recording import EyeRecording
from emogan.signal.windows import count_windows

BANDS_HZ = dict(zip(PUPIL_BANDS, ((0.0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 1.0)), strict=True))
BLINK_MARGIN_S = 0.05  # the lid covers part of the pupil before and after a blink; as MNE's interpolate_blinks
VARIANCE_FLOOR = 1e-6  # squared units of the trace
LONGEST_GAP_S = 2.0  # that the pupil is interpolated through
LOWEST_RATE_HZ = 20.0  # of the trace: sparser samples are interpolated to it


def eye_features(
    recording: EyeRecording,
    start_s: float,
    end_s: float,
    window_s: float = 4.0,
    names: Sequence[str] = EYE_FEATURES_33,
    statistics: str = "window",
    kept: np.ndarray | None = None,
) -> np.ndarray:
    """Features (W, len(names)) of the trial from start_s to end_s, in the order of names, units in `eye_names`.

    A remainder shorter than a window is left out. With statistics "trial" the nine event statistics (`EYE_EVENTS`) are
    those of all whole windows together and the same in each of them, as in SEED-IV's and SEED-V's files. They then tell
    windows of one trial from those of others: a split by windows leaks the trial. With "window" they are each window's.

    Where only some windows are kept, by a mask over all of them, the features are those of the kept ones: events that
    touch another window are passed over, and the pupil is interpolated through it however long it lasts.

    Raises
    ------
    ValueError
        If there is no window, a name is unknown, or the pupil is missing for longer than `LONGEST_GAP_S`.
    """
    count = count_windows(start_s, end_s, window_s)
    if count < 1:
        raise ValueError(f"expected a trial of at least one window of {window_s} s, got {start_s} to {end_s} s")
    if unknown := [name for name in names if name not in EYE_FEATURES_41]:
        raise ValueError(f"expected features of emogan.data.eye_names, got {', '.join(unknown)}")
    if statistics not in ("window", "trial"):
        raise ValueError(f'expected statistics "window" or "trial", got {statistics!r}')
    windows = _Windows(start_s, window_s, np.ones(count, dtype=bool) if kept is None else kept)
    features = _pupil(recording, windows) | _dispersion(recording, windows)
    features |= _events(recording, windows) | _statistics(recording, windows, whole=statistics == "trial")
    return np.stack([features[name] for name in names], axis=1)[windows.kept]


def need_pupil(recording: EyeRecording, start_s: float, end_s: float) -> None:
    """Refuse a trial of which `eye_features` would say that its pupil is missing for too long.

    Raises
    ------
    ValueError
        Naming the gap.
    """
    _check_gaps(recording.time_s[_seen(recording)], start_s, end_s)


class _Windows:
    """The windows of a trial, of which some are kept (W,); events and traces cut to them."""

    def __init__(self, start_s: float, window_s: float, kept: np.ndarray):
        self.start_s, self.window_s, self.count, self.kept = start_s, window_s, len(kept), kept
        self.left_out_s = start_s + window_s * np.flatnonzero(~kept)  # when the others begin

    def of(self, times: np.ndarray) -> np.ndarray:
        """Index of the window that each event, onset and duration (n, 2), begins in; -1 if it does in none kept."""
        index = np.floor((times[:, 0] - self.start_s) / self.window_s).astype(int)
        return np.where((index >= 0) & (index < self.count) & ~self.are_left_out(times), index, -1)

    def are_left_out(self, times: np.ndarray) -> np.ndarray:
        """Which events, onset and duration (n, 2), touch a window that is not kept."""
        begin_s, end_s = times[:, :1], times.sum(1, keepdims=True)
        begun = (begin_s < self.left_out_s + self.window_s) & (begin_s >= self.left_out_s)
        return (begun | (begin_s < self.left_out_s) & (end_s > self.left_out_s)).any(1)

    def table(self, values: np.ndarray, times: np.ndarray, whole: bool = False) -> pd.DataFrame:
        """Count, mean, std, max and sum of the events' values, one row per window; the trial's in all if whole."""
        index = self.of(times)
        values, index = values[index >= 0], index[index >= 0]
        groups = pd.Series(values, dtype=float).groupby(np.zeros_like(index) if whole else index)
        table = groups.agg(["count", "mean", "std", "max", "sum"]).reindex(range(1 if whole else self.count))
        return table.fillna(0.0).loc[[0] * self.count if whole else slice(None)]

    def grid(self, step_s: float) -> tuple[np.ndarray, float]:
        """Times of samples (about one per step, a whole number per window) and their rate in Hz."""
        per_window = round(self.window_s * max(1 / step_s, LOWEST_RATE_HZ))
        rate_hz = per_window / self.window_s
        return self.start_s + np.arange(self.count * per_window) / rate_hz, rate_hz


def _pupil(recording: EyeRecording, windows: _Windows) -> dict[str, np.ndarray]:
    time_s, rate_hz = windows.grid(float(np.median(np.diff(recording.time_s))))
    seen = _seen(recording) & ~windows.are_left_out(np.stack([recording.time_s, np.zeros_like(recording.time_s)], 1))
    known_s = recording.time_s[seen]
    left_out_s = time_s[np.repeat(~windows.kept, len(time_s) // windows.count)]
    _check_gaps(np.union1d(known_s, left_out_s), time_s[0], time_s[-1])
    features = {}
    for axis, size in zip("xy", recording.pupil[seen].T, strict=True):
        trace = np.interp(time_s, known_s, size)
        parts = trace.reshape(windows.count, -1)
        features |= {f"pupil_{axis}_mean": parts.mean(1), f"pupil_{axis}_sd": parts.std(1, ddof=1)}
        features |= _entropies(f"pupil_{axis}", trace, rate_hz, windows.window_s)
    return features


def _seen(recording: EyeRecording) -> np.ndarray:
    """Which samples (T,) show the whole pupil: neither missing nor near a blink."""
    seen = np.isfinite(recording.pupil).all(1)
    saccade_s, saccade_end_s = recording.saccade_s[:, 0], recording.saccade_s.sum(1)
    for onset_s, duration_s in recording.blink_s:
        around = (saccade_s <= onset_s) & (saccade_end_s >= onset_s + duration_s)
        begin = min([onset_s - BLINK_MARGIN_S, *saccade_s[around]])
        end = max([onset_s + duration_s + BLINK_MARGIN_S, *saccade_end_s[around]])
        seen[slice(*np.searchsorted(recording.time_s, [begin, end]))] = False
    return seen


def _check_gaps(known_s: np.ndarray, start_s: float, end_s: float) -> None:
    """Stop if the pupil is unknown for longer than allowed within a trial, or before or after it up to its ends."""
    inside = known_s[(known_s > start_s) & (known_s < end_s)]
    before, after = known_s[known_s <= start_s], known_s[known_s >= end_s]
    edges = np.concatenate([before[-1:] if len(before) else [start_s], inside, after[:1] if len(after) else [end_s]])
    longest = int(np.argmax(np.diff(edges)))
    if not len(known_s) or edges[longest + 1] - edges[longest] > LONGEST_GAP_S:
        raise ValueError(
            f"no pupil from {edges[longest]:.3f} to {edges[longest + 1]:.3f} s; at most {LONGEST_GAP_S} s are "
            "interpolated. Leave the trial out, or correct its times"
        )


def _dispersion(recording: EyeRecording, windows: _Windows) -> dict[str, np.ndarray]:
    features = {}
    time_s, rate_hz = windows.grid(1 / LOWEST_RATE_HZ)
    known = ~windows.are_left_out(recording.fixation_s)
    begin, duration = recording.fixation_s[known].T
    for axis, size in zip("xy", recording.dispersion.T, strict=True):
        table = windows.table(size, recording.fixation_s)
        features |= {f"dispersion_{axis}_mean": table["mean"], f"dispersion_{axis}_sd": table["std"]}
        known_s, values = np.stack([begin, begin + duration], 1).ravel(), np.repeat(size[known], 2)
        trace = np.interp(time_s, known_s, values) if len(values) else np.zeros_like(time_s)
        features |= _entropies(f"dispersion_{axis}", trace, rate_hz, windows.window_s)
    return features


def _entropies(signal: str, trace: np.ndarray, rate_hz: float, window_s: float) -> dict[str, np.ndarray]:
    variance = band_variance((trace - trace.mean())[None], rate_hz, BANDS_HZ, window_s)[:, 0]
    entropy = 0.5 * (LN_2_PI_E + np.log(np.maximum(variance, VARIANCE_FLOOR)))
    return {f"{signal}_de_{band}": values for band, values in zip(BANDS_HZ, entropy.T, strict=True)}


def _events(recording: EyeRecording, windows: _Windows) -> dict[str, np.ndarray]:
    features = {}
    for name, values, times in (
        ("fixation_duration_{}_ms", 1000 * recording.fixation_s[:, 1], recording.fixation_s),
        ("blink_duration_{}_ms", 1000 * recording.blink_s[:, 1], recording.blink_s),
        ("saccade_duration_{}_ms", 1000 * recording.saccade_s[:, 1], recording.saccade_s),
        ("saccade_amplitude_{}_deg", recording.amplitude_deg, recording.saccade_s),
    ):
        table = windows.table(values, times)
        features |= {name.format("mean"): table["mean"], name.format("sd"): table["std"]}
    return features


def _statistics(recording: EyeRecording, windows: _Windows, whole: bool) -> dict[str, np.ndarray]:
    """The nine event statistics, of the whole trial or of each window."""
    fixation_s, saccade_s, blink_s = recording.fixation_s, recording.saccade_s, recording.blink_s
    seconds = windows.window_s * (windows.kept.sum() if whole else 1)
    fixations = windows.table(1000 * fixation_s[:, 1], fixation_s, whole)
    dispersions = windows.table(recording.dispersion.sum(1), fixation_s, whole)
    saccades = windows.table(1000 * saccade_s[:, 1], saccade_s, whole)
    own = saccade_s[windows.of(saccade_s) >= 0]
    latency_s = own[1:, 0] - own[:-1].sum(1)
    together = ~windows.are_left_out(np.stack([own[1:, 0] - latency_s, latency_s], 1))
    return {
        "blink_frequency_hz": windows.table(blink_s[:, 1], blink_s, whole)["count"] / seconds,
        "fixation_frequency_hz": fixations["count"] / seconds,
        "fixation_duration_max_ms": fixations["max"],
        "fixation_dispersion_total": dispersions["sum"],
        "fixation_dispersion_max": dispersions["max"],
        "saccade_frequency_hz": saccades["count"] / seconds,
        "saccade_duration_average_ms": saccades["mean"],
        "saccade_amplitude_average_deg": windows.table(recording.amplitude_deg, saccade_s, whole)["mean"],
        "saccade_latency_average_ms": windows.table(1000 * latency_s[together], own[1:][together], whole)["mean"],
    }
