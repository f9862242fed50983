"""Fixations, saccades and blinks in gaze whose events are known."""

import numpy as np

from emogan.signal.gaze import events

RATE_HZ = 60


def still(x: float, y: float, samples: int) -> np.ndarray:
    """Gaze that stays within 4 px in both directions."""
    wobble = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 4.0]])
    return np.array([x, y]) + wobble[np.arange(samples) % 4]


def found(*parts: np.ndarray):
    gaze = np.concatenate(parts)
    return events(np.arange(len(gaze)) / RATE_HZ, gaze, spread=40.0)


def unseen(samples: int) -> np.ndarray:
    return np.full((samples, 2), np.nan)


def test_two_fixations_and_the_saccade_between_them():
    got = found(still(100, 100, 30), np.array([[200.0, 100.0], [300.0, 100.0]]), still(400, 100, 28))
    np.testing.assert_allclose(got.fixation_s * RATE_HZ, [[0, 29], [32, 27]])
    np.testing.assert_allclose(got.dispersion, 4.0)
    np.testing.assert_allclose(got.saccade_s * RATE_HZ, [[29, 3]])
    np.testing.assert_allclose(got.amplitude, [300.0], atol=0.5)
    assert got.blink_s.shape == (0, 2)


def test_a_blink_is_no_saccade_and_neither_a_lost_sample_nor_a_lost_face_is_a_blink():
    got = found(still(100, 100, 20), unseen(12), still(400, 100, 20), unseen(2), still(400, 100, 20), unseen(60),
                still(100, 100, 20), unseen(9))  # fmt: skip
    np.testing.assert_allclose(got.blink_s * RATE_HZ, [[20, 12]])
    assert len(got.fixation_s) == 3
    assert got.saccade_s.shape == (0, 2)
    assert got.amplitude.shape == (0,)


def test_gaze_that_never_rests_or_is_never_seen_has_no_events():
    moving = np.stack([50.0 * np.arange(40), np.zeros(40)], axis=1)
    for got in (found(moving), found(unseen(40)), found(still(0, 0, 5), moving[1:])):
        assert [len(part) for part in got] == [0, 0, 0, 0, 0]


def test_lost_samples_end_neither_fixations_nor_saccades():
    parts = still(100, 100, 60), still(400, 100, 60), still(100, 300, 60)
    whole, gaze = found(*parts), np.concatenate(parts)
    gaze[5::10] = np.nan
    for part, expected in zip(found(gaze), whole, strict=True):
        np.testing.assert_allclose(part, expected, atol=1 / RATE_HZ)
