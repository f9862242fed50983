"""Removing blinks from EEG by independent component analysis."""

import warnings
from collections.abc import Sequence

import mne
import numpy as np
from mne.preprocessing import ICA
from sklearn.exceptions import ConvergenceWarning

FRONTAL = ("FP1", "FP2", "FPZ")  # stand in for EOG channels
VARIANCE = 0.999  # of the signal, that is decomposed
CORRELATION = 0.6  # of a blink's component with an EOG or frontal channel, between 1 and 10 Hz
SAMPLES = 200_000  # about as many are taken to find the components: a quarter of an hour


def remove_blinks(
    signals: Sequence[np.ndarray],
    channels: Sequence[str],
    sfreq_hz: float,
    bad: Sequence[np.ndarray] | None = None,
    seed: int = 0,
) -> tuple[list[np.ndarray], int]:
    """EEG of a recording's trials without the independent components of blinks, and how many of these there were.

    Components are those of all trials together (FastICA on the principal components of 99.9 % of the variance). Blinks
    are those that MNE's `find_bads_eog` finds correlated by 0.6 or more with an EOG channel or, if there is none, with
    FP1, FP2 or FPZ.

    Parameters
    ----------
    signals : arrays (C + E, N) in microvolt, band-passed from 1 Hz; the last E rows are EOG channels
    channels : names of the C EEG channels
    bad : which samples (N,) of each signal are marked bad: components are not learned from them

    Raises
    ------
    ValueError
        If there is one EEG channel alone, or neither an EOG nor a frontal channel.
    """
    if len(channels) < 2:
        raise ValueError(
            f"expected at least two EEG channels to find independent components of, got {channels[0]}. Set blinks=keep."
        )
    n_eog = len(signals[0]) - len(channels)
    eog = [f"EOG {i}" for i in range(n_eog)]
    proxies = eog or [name for name in channels if name.upper() in FRONTAL]
    if not proxies:
        raise ValueError(
            f"expected an EOG channel or one of {', '.join(FRONTAL)} to find blinks by, got neither. Set blinks=keep."
        )
    info = mne.create_info([*channels, *eog], sfreq_hz, ["eeg"] * len(channels) + ["eog"] * n_eog)
    joined = np.concatenate(signals, axis=1) * 1e-6
    with mne.utils.use_log_level("error"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of components that are alike, which blinks are not
        raw = mne.io.RawArray(joined, info)
        clean = raw if bad is None else mne.io.RawArray(joined[:, ~np.concatenate(bad)], info)
        ica = ICA(n_components=VARIANCE, method="fastica", random_state=seed, max_iter="auto")
        ica.fit(clean, picks="eeg", decim=max(1, clean.n_times // SAMPLES))
        found = {
            i for name in proxies for i in ica.find_bads_eog(clean, name, CORRELATION, measure="correlation")[0]
        }  # fmt: skip
        cleaned = ica.apply(raw, exclude=sorted(found)).get_data("eeg") * 1e6
    ends = np.cumsum([signal.shape[1] for signal in signals])[:-1]
    return np.split(cleaned, ends, axis=1), len(found)
