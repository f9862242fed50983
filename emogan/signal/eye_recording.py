"""What an eye tracker recorded: pupil samples, fixations, saccades and blinks, checked."""

import math
from dataclasses import dataclass

import numpy as np

from emogan.signal.windows import TOLERANCE_S

LONGEST_S = {"fixation": 10.0, "saccade": 1.0, "blink": 10.0}  # medians beyond are no seconds


@dataclass(frozen=True)
class EyeRecording:
    """One eye, or the mean of both, in one recording or trial.

    Attributes
    ----------
    time_s : (T,)
        Times of the pupil samples, rising, near enough to regular.
    pupil : (T, 2)
        Diameter in X and in Y (SMI), or one size twice (EyeLink gives one area or diameter), in the tracker's own unit,
        px for SMI; NaN where it was not seen.
    fixation_s, saccade_s, blink_s : (n, 2)
        Onset and duration of each event, in order of onset.
    dispersion : (fixations, 2)
        Largest minus smallest gaze position during each fixation in X and in Y, px.
    amplitude_deg : (saccades,)
        NaN where it was not measured.
    blocks_s : (n, 2)
        When the recording began and ended, as often as it paused; infinite where that is not known, as of events alone.

    Raises
    ------
    ValueError
        If lengths differ, times do not rise, values are not finite or too large or small for their unit.
    """

    time_s: np.ndarray
    pupil: np.ndarray
    fixation_s: np.ndarray
    saccade_s: np.ndarray
    blink_s: np.ndarray
    dispersion: np.ndarray
    amplitude_deg: np.ndarray
    blocks_s: np.ndarray = ((-math.inf, math.inf),)

    def __post_init__(self) -> None:
        for name, value in list(vars(self).items()):
            object.__setattr__(self, name, np.asarray(value, dtype=float))
        self._check_samples()
        self._check_events("fixation", self.dispersion, (len(self.fixation_s), 2))
        self._check_events("saccade", self.amplitude_deg, (len(self.saccade_s),))
        self._check_events("blink", self.blink_s, (len(self.blink_s), 2))
        if not (np.isfinite(self.dispersion).all() and (self.dispersion >= 0).all()):
            raise ValueError("expected dispersions of fixations of at least 0 px, got negative or missing ones")
        if (self.amplitude_deg < 0).any() or (self.amplitude_deg > 180).any():
            largest = np.nanmax(np.abs(self.amplitude_deg))
            raise ValueError(f"expected amplitudes of saccades of 0 to 180 degrees, got {largest:g}: are these pixels?")

    @property
    def end_s(self) -> float:
        return float(self.blocks_s[-1, 1])

    def trial_end_s(self, start_s: float, end_s: float) -> float:
        """When a trial ends: the time given, or the recording's end where it is infinite.

        Raises
        ------
        ValueError
            If the recording begins later, ends earlier, or paused within the trial.
        """
        if math.isinf(end_s):
            end_s = float(self.time_s[-1]) if math.isinf(self.end_s) else self.end_s
        begun = np.flatnonzero(self.blocks_s[:, 0] <= start_s + TOLERANCE_S)
        if not len(begun) or max(start_s, end_s) > self.end_s + TOLERANCE_S:
            raise ValueError(
                f"expected a trial within the recording, which lasts from {self.blocks_s[0, 0]:g} to {self.end_s:g} s. "
                "Is it whole?"
            )
        if end_s > (paused_s := self.blocks_s[begun[-1], 1]) + TOLERANCE_S:
            pause_s = self.blocks_s[begun[-1] + 1, 0] - paused_s
            raise ValueError(
                f"expected a trial without a break, got a pause of {pause_s:g} s at {paused_s:g} s of the recording. "
                "Correct its times, make two trials of it, or leave it out."
            )
        return end_s

    def _check_samples(self) -> None:
        if self.time_s.ndim != 1 or len(self.time_s) < 2 or self.pupil.shape != (len(self.time_s), 2):
            raise ValueError(
                f"expected at least two times and a pupil in X and Y for each, got {self.time_s.shape} and "
                f"{self.pupil.shape}"
            )
        steps = np.diff(self.time_s)
        _need_order(self.time_s, steps > 0, "pupil samples")
        if np.median(steps) > 0.5:
            raise ValueError(f"expected pupil samples at 2 Hz or more, got a step of {np.median(steps):g} s: seconds?")
        if (self.pupil <= 0).any() or np.isinf(self.pupil).any():
            raise ValueError("expected pupils above 0, NaN where none was seen, got 0, negative or infinite ones")

    def _check_events(self, event: str, values: np.ndarray, shape: tuple[int, ...]) -> None:
        times = getattr(self, f"{event}_s")
        if times.ndim != 2 or times.shape[1] != 2 or values.shape != shape:
            raise ValueError(f"expected onset and duration of each {event}, got {times.shape} with {values.shape}")
        if not np.isfinite(times).all() or (times[:, 1] < 0).any():
            raise ValueError(f"expected onsets and durations of each {event} in seconds, got negative or missing ones")
        _need_order(times[:, 0], np.diff(times[:, 0]) >= 0, f"{event}s")
        if len(times) and np.median(times[:, 1]) > LONGEST_S[event]:
            raise ValueError(
                f"expected durations in seconds, got a median {event} of {np.median(times[:, 1]):g} s: milliseconds?"
            )


def _need_order(time_s: np.ndarray, rises: np.ndarray, what: str) -> None:
    if not rises.all():
        place = int(np.argmin(rises))
        raise ValueError(
            f"expected {what} in order of time, got one at {time_s[place + 1]:g} s after one at {time_s[place]:g} s "
            f"(number {place + 1}, counted from 0)"
        )
