"""Windows of a trial that follow one another: how many there are, and which of them touch stretches of time."""

import numpy as np

TOLERANCE_S = 1e-3  # times are equal that differ by less: formats and programs round them to their samples or decimals


def count_windows(start_s: float, end_s: float, window_s: float) -> int:
    """Number of whole windows from start_s to end_s; a remainder shorter than a window is left out."""
    return max(0, int((end_s - start_s + TOLERANCE_S) / window_s))


def touched(start_s: float, count: int, window_s: float, begin_s, end_s) -> np.ndarray:
    """Which of the count windows (W,) from start_s share time with one of the stretches begin_s to end_s (n,)."""
    onset_s = start_s + window_s * np.arange(count)[:, None]
    begin_s, end_s = np.asarray(begin_s, dtype=float), np.asarray(end_s, dtype=float)
    inside = (onset_s < end_s - TOLERANCE_S) & (onset_s + window_s > begin_s + TOLERANCE_S)
    return (inside & (end_s > begin_s)).any(1)
