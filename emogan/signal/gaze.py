"""Fixations, saccades and blinks in samples of gaze, for eye trackers whose files do not tell them.

Fixations are found by their dispersion (I-DT; Salvucci and Goldberg 2000): stretches of at least `SHORTEST_FIXATION_S`
in which the gaze spreads, in X and Y together, no farther than a limit. A saccade leads from one fixation to the next,
where the eyes are seen all the way. The eyes are unseen in a blink, for as long as `BLINK_S` says. Where they are
unseen for a shorter time, samples were lost: the gaze is interpolated linearly, so that no event ends there.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

SHORTEST_FIXATION_S = 0.1
BLINK_S = 0.07, 0.5  # shorter ones are lost samples, longer ones a lost face


class Events(NamedTuple):
    """Onset and duration (n, 2) of each event in s, dispersion of the fixations (n, 2) and length of the saccades (n,).

    Dispersion and length are in the unit of the gaze.
    """

    fixation_s: np.ndarray
    dispersion: np.ndarray
    saccade_s: np.ndarray
    amplitude: np.ndarray
    blink_s: np.ndarray


def events(time_s: np.ndarray, gaze: np.ndarray, spread: float) -> Events:
    """Events in the gaze (T, 2), NaN where it was not seen, at times (T,) with fixations of at most that spread."""
    gaze = _without_lost_samples(time_s, gaze)
    seen = np.flatnonzero(np.isfinite(gaze).all(1))
    runs = np.split(seen, np.flatnonzero(np.diff(seen) > 1) + 1)
    fixations, saccades = [], []
    for run in runs:
        found = [slice(run[0] + start, run[0] + stop) for start, stop in _fixations(time_s[run], gaze[run], spread)]
        fixations += found
        saccades += pairwise(found)
    gaps_s = [(time_s[before[-1] + 1], time_s[after[0]]) for before, after in pairwise(runs)]
    blinks = [(begin, end - begin) for begin, end in gaps_s if BLINK_S[0] <= end - begin <= BLINK_S[1]]
    return Events(
        _pairs((time_s[own.start], time_s[own.stop - 1] - time_s[own.start]) for own in fixations),
        _pairs(np.ptp(gaze[own], axis=0) for own in fixations),
        _pairs((time_s[one.stop - 1], time_s[other.start] - time_s[one.stop - 1]) for one, other in saccades),
        np.array([np.linalg.norm(gaze[other].mean(0) - gaze[one].mean(0)) for one, other in saccades]),
        _pairs(blinks),
    )


def _without_lost_samples(time_s: np.ndarray, gaze: np.ndarray) -> np.ndarray:
    """The gaze (T, 2), interpolated where it was unseen for a shorter time than a blink lasts."""
    seen = np.flatnonzero(np.isfinite(gaze).all(1))
    filled = gaze.copy()
    for before, after in pairwise(seen):
        if after - before > 1 and time_s[after] - time_s[before + 1] < BLINK_S[0]:
            lost = slice(before + 1, after)
            share = (time_s[lost, None] - time_s[before]) / (time_s[after] - time_s[before])
            filled[lost] = gaze[before] + share * (gaze[after] - gaze[before])
    return filled


def _pairs(values) -> np.ndarray:
    return np.array(list(values), dtype=float).reshape(-1, 2)


def _fixations(time_s: np.ndarray, gaze: np.ndarray, spread: float) -> list[tuple[int, int]]:
    """First sample of each fixation and the one behind it, in a stretch where the eyes are seen."""
    found, start, points, times = [], 0, gaze.tolist(), time_s.tolist()
    while start < len(points):
        (low_x, low_y), (high_x, high_y) = points[start], points[start]
        stop = start
        for x, y in points[start:]:
            low_x, high_x, low_y, high_y = min(low_x, x), max(high_x, x), min(low_y, y), max(high_y, y)
            if high_x - low_x + high_y - low_y > spread:
                break
            stop += 1
        if times[stop - 1] - times[start] >= SHORTEST_FIXATION_S:
            found.append((start, stop))
            start = stop
        else:
            start += 1
    return found
