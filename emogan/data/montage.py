"""Electrodes and frequency bands of the SEED data sets, in the order of their files, and where electrodes are."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import mne

CHANNELS = tuple(
    """
    FP1 FPZ FP2 AF3 AF4 F7 F5 F3 F1 FZ F2 F4 F6 F8 FT7 FC5 FC3 FC1 FCZ FC2 FC4 FC6 FT8 T7 C5 C3 C1 CZ C2 C4 C6 T8 TP7
    CP5 CP3 CP1 CPZ CP2 CP4 CP6 TP8 P7 P5 P3 P1 PZ P2 P4 P6 P8 PO7 PO5 PO3 POZ PO4 PO6 PO8 CB1 O1 OZ O2 CB2
    """.split()
)
BANDS = ("delta", "theta", "alpha", "beta", "gamma")
EEG_FEATURES = tuple(f"{channel}_{band}" for channel in CHANNELS for band in BANDS)  # channel-major, (62, 5) flattened

# Unit sphere x 1000 (x to the right, y to the nose, z up) in the order of CHANNELS: MNE 1.x's standard 10-05 positions
# projected from the centre of the best-fitting sphere. MNE has no CB1 and CB2: they stand at PO9 and PO10.
ELECTRODES = """
    -285 953 -100  -8 999 -51     269 958 -101   -339 925 171   336 925 177    -754 637 -160  -698 702 141
    -536 741 403   -291 762 578   -7 772 636     291 769 570    531 753 388    698 704 132    747 644 -163
    -919 358 -167  -882 410 234   -681 450 577   -370 462 806   -6 469 883     361 473 804    678 458 575
    877 421 232    912 374 -170   -988 20 -151   -953 46 299    -736 68 673    -395 82 915    -6 88 996
    396 87 914     739 76 669     954 57 295     987 32 -155    -943 -311 -118 -897 -321 303  -686 -311 658
    -367 -297 881  -6 -295 955    377 -296 878   693 -305 653   901 -311 301   943 -310 -121  -795 -603 -67
    -732 -628 265  -558 -631 540  -297 -629 719  -7 -626 780    306 -621 722   561 -625 543   727 -633 265
    791 -608 -68   -573 -819 -9   -509 -841 184  -386 -856 345  -8 -874 486    372 -864 340   504 -843 186
    565 -825 -10   -530 -762 -371 -305 -951 52   -9 -994 112    292 -955 52    517 -769 -376
"""
HEAD_RADIUS_M = 0.095  # of MNE's head
CENTRE_M = (0.0010012, -0.0177211, 0.0036940)  # of that sphere, in MNE's coordinates


def split_name(feature: str) -> tuple[str, str]:
    """Channel and band of an EEG feature such as FP1_delta; a name without underscore has no band, ""."""
    channel, _, band = feature.partition("_")
    return channel, band


def positions(channels: Sequence[str] = CHANNELS) -> np.ndarray:
    """Electrodes on the unit sphere, (C, 3): x to the right, y to the nose, z up.

    Channels that SEED's cap lacks are looked up, without regard to case, among the 10-05 positions of MNE.

    Raises
    ------
    ValueError
        If a channel is unknown.
    """
    upper = [channel.upper() for channel in channels]
    known = _cap()
    if not known.keys() >= set(upper):
        known = _ten_five() | known
    if unknown := [channel for channel, name in zip(channels, upper, strict=True) if name not in known]:
        raise ValueError(f"expected electrodes of the 10-05 system such as FP1, got {', '.join(unknown)}")
    return np.array([known[name] for name in upper])


def located(channels: Sequence[str], sfreq_hz: float) -> "mne.Info":
    """MNE's description of EEG channels at their `positions` on a head of `HEAD_RADIUS_M`."""
    import mne  # here: it takes a second to import

    places = dict(zip(channels, HEAD_RADIUS_M * positions(channels), strict=True))
    info = mne.create_info(list(channels), sfreq_hz, "eeg")
    return info.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"))


def is_electrode(name: str) -> bool:
    """Whether a name in capitals is that of an electrode of SEED's cap or of the 10-05 system."""
    return name in CHANNELS or name in _ten_five()


@lru_cache
def _cap() -> dict[str, np.ndarray]:
    table = np.array(ELECTRODES.split(), dtype=float).reshape(len(CHANNELS), 3) / 1000
    return dict(zip(CHANNELS, table, strict=True))


@lru_cache
def _ten_five() -> dict[str, np.ndarray]:
    from mne.channels import get_builtin_montages, make_standard_montage  # here: it takes a second to import

    # MNE 1.13 gave the template of Colin's head its name
    name = "colin27_1005" if "colin27_1005" in get_builtin_montages() else "standard_1005"
    found = make_standard_montage(name).get_positions()["ch_pos"]
    arrows = {channel.upper(): position - CENTRE_M for channel, position in found.items()}
    return {channel: arrow / np.linalg.norm(arrow) for channel, arrow in arrows.items()}
