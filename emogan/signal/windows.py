"""Windows of a trial that follow one another: how many there are, and when two times are equal."""

TOLERANCE_S = 1e-3  # times are equal that differ by less: formats and programs round them to their samples or decimals


def count_windows(start_s: float, end_s: float, window_s: float) -> int:
    """Number of whole windows from start_s to end_s; a remainder shorter than a window is left out."""
    return max(0, int((end_s - start_s + TOLERANCE_S) / window_s))
