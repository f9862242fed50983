"""Blinks that are added to EEG are removed, with an EOG channel and without, and the EEG stays."""

import numpy as np
import pytest

from emogan.recordings.blinks import remove_blinks

CHANNELS = ("FP1", "FPZ", "FP2", "F3", "F4", "C3", "CZ", "C4", "P3", "P4", "O1", "O2")
REACH = np.array([1, 1.1, 1, 0.4, 0.4, 0.1, 0.1, 0.1, 0.02, 0.02, 0.01, 0.01])  # of a blink


@pytest.fixture(scope="module")
def trials():
    """EEG of two trials of 40 s at 100 Hz, of sources that mix, and the blinks in them."""
    random = np.random.default_rng(0)
    n = 4000
    blinks = np.zeros((2, n))
    bump = 150 * np.hanning(40)
    for trial in blinks:
        for start in range(100, n - 100, 350):
            begin = start + random.integers(0, 100)
            trial[begin : begin + 40] += bump
    kernel = np.hanning(6) / np.hanning(6).sum()
    mixing = random.normal(size=(12, 12))
    sources = np.array([[np.convolve(random.laplace(size=n), kernel, "same") for _ in range(12)] for _ in range(2)])
    return 8 * mixing @ sources, blinks


@pytest.mark.parametrize("eog", [True, False])
def test_blinks_are_removed_and_the_rest_is_kept(trials, eog):
    clean, blinks = trials
    signals = [signal + REACH[:, None] * blink for signal, blink in zip(clean, blinks, strict=True)]
    if eog:
        noise = np.random.default_rng(1).normal(size=blinks.shape)
        signals = [np.vstack([s, 2 * blink + e]) for s, blink, e in zip(signals, blinks, noise, strict=True)]
    found, count = remove_blinks(signals, CHANNELS, 100.0)
    assert count >= 1
    assert [part.shape for part in found] == [(12, 4000)] * 2
    for part, signal, own, blink in zip(found, signals, clean, blinks, strict=True):
        before, after = (np.corrcoef(x[0], blink)[0, 1] for x in (signal, part))
        assert before > 0.7
        assert abs(after) < 0.15
        assert np.corrcoef(part[10], own[10])[0, 1] > 0.95


def test_without_a_channel_near_the_eyes_blinks_cannot_be_told():
    with pytest.raises(ValueError, match=r"expected an EOG channel or one of FP1, FP2, FPZ.*blinks=keep"):
        remove_blinks([np.zeros((2, 100))], ("C3", "C4"), 100.0)


def test_a_single_channel_has_no_components():
    with pytest.raises(ValueError, match="at least two EEG channels to find independent components of, got FP1"):
        remove_blinks([np.zeros((1, 100))], ("FP1",), 100.0)


def test_components_are_not_learned_from_samples_marked_bad(trials):
    clean, blinks = trials
    signals = [signal + REACH[:, None] * blink for signal, blink in zip(clean, blinks, strict=True)]
    bad = [np.arange(4000) < 800] * 2
    spoilt = [
        np.where(own, 5000 * np.random.default_rng(i).normal(size=signal.shape), signal)
        for i, (signal, own) in enumerate(zip(signals, bad, strict=True))
    ]
    found, count = remove_blinks(spoilt, CHANNELS, 100.0, bad)
    assert count >= 1
    for part, blink, own in zip(found, blinks, bad, strict=True):
        assert abs(np.corrcoef(part[0, ~own], blink[~own])[0, 1]) < 0.15
