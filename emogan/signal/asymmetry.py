"""Asymmetry of band features: left against right hemisphere, front against back, as SEED's files hold them."""

from collections.abc import Sequence

import numpy as np

from emogan.data.montage import CHANNELS

LEFT_RIGHT = tuple(  # each electrode of SEED's cap left of the midline and its mirror image
    pair.split("-")
    for pair in """
    FP1-FP2 AF3-AF4 F7-F8 F5-F6 F3-F4 F1-F2 FT7-FT8 FC5-FC6 FC3-FC4 FC1-FC2 T7-T8 C5-C6 C3-C4 C1-C2 TP7-TP8 CP5-CP6
    CP3-CP4 CP1-CP2 P7-P8 P5-P6 P3-P4 P1-P2 PO7-PO8 PO5-PO6 PO3-PO4 CB1-CB2 O1-O2
    """.split()
)
FRONT_BACK = tuple(
    pair.split("-")
    for pair in """
    FT7-TP7 FC5-CP5 FC3-CP3 FC1-CP1 FCZ-CPZ FC2-CP2 FC4-CP4 FC6-CP6 FT8-TP8 F7-P7 F5-P5 F3-P3 F1-P1 FZ-PZ F2-P2 F4-P4
    F6-P6 F8-P8 FP1-O1 FP2-O2 FPZ-OZ AF3-CB1 AF4-CB2
    """.split()
)


def dasm(features, channels: Sequence[str] = CHANNELS) -> np.ndarray:
    """Differential asymmetry (W, 27, B): DE(left) - DE(right) of features (W, C, B) in the order of `LEFT_RIGHT`.

    Duan, Zhu and Lu 2013, equation 3; Zheng and Lu 2015, section III-C. The order of the rows in SEED's files is not
    published: here it is that of the cap, front to back and outwards in.

    Raises
    ------
    ValueError
        If an electrode of a pair is not among the channels, which are matched without regard to case.
    """
    left, right = _pairs(features, channels, LEFT_RIGHT)
    return left - right


def rasm(features, channels: Sequence[str] = CHANNELS) -> np.ndarray:
    """Rational asymmetry (W, 27, B): DE(left) / DE(right); meant for entropies in log2 as in SEED's files.

    Entropies in nats come close to 0, where the ratio means nothing. Otherwise as `dasm`, which see for errors; a
    ValueError too where DE(right) is 0.
    """
    left, right = _pairs(features, channels, LEFT_RIGHT)
    if (right == 0).any():
        raise ValueError("expected features of the right hemisphere other than 0 for a ratio; got 0: use dasm")
    return left / right


def asm(features, channels: Sequence[str] = CHANNELS) -> np.ndarray:
    """`dasm` and below it `rasm`, (W, 54, B)."""
    return np.concatenate([dasm(features, channels), rasm(features, channels)], axis=1)


def dcau(features, channels: Sequence[str] = CHANNELS) -> np.ndarray:
    """Differential caudality (W, 23, B): DE(front) - DE(back) in the order of `FRONT_BACK`, that of the paper.

    Zheng and Lu 2015, section III-C. Errors as in `dasm`.
    """
    front, back = _pairs(features, channels, FRONT_BACK)
    return front - back


def _pairs(features, channels: Sequence[str], pairs) -> tuple[np.ndarray, np.ndarray]:
    features = np.asarray(features, dtype=float)
    if features.ndim != 3 or features.shape[1] != len(channels):
        raise ValueError(f"expected features (windows, {len(channels)} channels, bands), got {features.shape}")
    index = {channel.upper(): i for i, channel in enumerate(channels)}
    if missing := [channel for pair in pairs for channel in pair if channel not in index]:
        raise ValueError(f"expected all electrodes of {len(pairs)} pairs, {', '.join(missing)} missing")
    first, second = (features[:, [index[channel] for channel in side]] for side in zip(*pairs, strict=True))
    return first, second
