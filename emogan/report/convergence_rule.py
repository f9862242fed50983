"""The iteration from which a training curve counts as converged, and the training length that is long enough."""

import numpy as np

WINDOW = 50  # iterations of the running mean
TOLERANCE = 0.05  # of the curve's span
TAIL = 0.2  # last part of the run: its mean is the final level

AVERAGED = 5  # evaluations over which the error of the class means is averaged
MARGIN = 0.05  # of the distance of the real class means: within it of its lowest, the error counts as being there

LENGTH_RULE = (
    f"the first update at which the error of the class means, averaged over {AVERAGED} evaluations, is within "
    f"{MARGIN} of the lowest that it reaches in the whole training. It is measured on training windows alone."
)

RULE = (
    f"the first iteration from which the running mean over {WINDOW} iterations stays within "
    f"{TOLERANCE:.0%} of the curve's span of its final level. Final level: mean over the last {TAIL:.0%} of the run; "
    "span: largest distance of the running mean from it. A curve that gets there in that last part only has not "
    "converged."
)


def convergence(curve: np.ndarray) -> int | None:
    """Iteration, counted from 1, at which a curve (T,) has converged, or None if it has not.

    With s_t the mean over iterations t - `WINDOW` + 1 .. t, level the mean over the last `TAIL` T iterations and
    span = max_t |s_t - level|: the first t with |s_u - level| <= `TOLERANCE` span for all u >= t, unless it lies in the
    tail, where the level was taken. A straight slope, for instance, never converges.

    Raises
    ------
    ValueError
        If a value is not finite.
    """
    curve = np.asarray(curve, dtype=float)
    if not np.isfinite(curve).all():
        raise ValueError(f"expected finite values, got {curve[~np.isfinite(curve)][0]}: cut the curve before it ends")
    last = round(len(curve) * (1 - TAIL))
    if len(curve) < 2 * WINDOW or last <= WINDOW:
        return None
    running = np.convolve(curve, np.full(WINDOW, 1 / WINDOW), mode="valid")
    distance = np.abs(running - curve[last:].mean())
    outside = np.flatnonzero(distance > TOLERANCE * distance.max())
    iteration = WINDOW + (outside[-1] + 1 if len(outside) else 0)
    return int(iteration) if iteration <= last else None


def long_enough(error: np.ndarray) -> int | None:
    """Number of the measurement, counted from 1, from which on training longer makes the class means no better.

    Parameters
    ----------
    error
        ``mean_error`` (L,) of `emogan.training.detectors.measure` at the measurements of one training. With e_l the
        mean over measurements l - `AVERAGED` + 1 .. l, the first l with e_l <= min e + `MARGIN`. None if there are
        fewer than `AVERAGED`.
    """
    if len(error) < AVERAGED:
        return None
    running = np.convolve(error, np.full(AVERAGED, 1 / AVERAGED), mode="valid")
    return AVERAGED + int(np.argmax(running <= running.min() + MARGIN))
