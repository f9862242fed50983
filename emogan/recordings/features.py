"""A trial's features as the settings ask for them, with their names and units."""

import numpy as np

from emogan.recordings.settings import Settings
from emogan.signal import asymmetry
from emogan.signal.bands import BANDS
from emogan.signal.entropy import differential_entropy, power_spectral_density
from emogan.signal.smoothing import kalman_filter, moving_average, rts_smoother

ASYMMETRIES = {"dasm": asymmetry.dasm, "rasm": asymmetry.rasm, "asm": asymmetry.asm, "dcau": asymmetry.dcau}
EYE_UNITS = {"_hz": "Hz", "_ms": "ms", "_deg": "degree"}  # by the end of a name
SQUARE = "µV²"


def eeg_features(
    signal: np.ndarray, sfreq_hz: float, channels: tuple[str, ...], settings: Settings, kept: np.ndarray | None = None
) -> np.ndarray:
    """Features (W, F) of a trial's clean signal (C, N) in microvolt: rows (channels or pairs) by bands, row-major.

    They are smoothed within the trial if the settings ask for it. Where only some windows are kept, by a mask over all
    of them, the others are in nothing that is returned.

    Raises
    ------
    ValueError
        As `emogan.signal` does: a channel constant in a window, no window long, electrodes missing.
    """
    bands = BANDS[settings.bands]
    if settings.features == "psd":
        found = power_spectral_density(signal, sfreq_hz, bands, settings.window_s)
        found = found if kept is None else found[kept]
    else:
        found = differential_entropy(signal, sfreq_hz, bands, settings.window_s, settings.de, kept)
    if settings.features in ASYMMETRIES:
        found = ASYMMETRIES[settings.features](found, channels)
    return _smoothed(found.reshape(len(found), -1), settings)


def _smoothed(x: np.ndarray, settings: Settings) -> np.ndarray:
    if settings.smoothing == "none":
        return x
    if settings.smoothing == "moving_average":
        return moving_average(x, settings.moving_average_windows)
    smoother = kalman_filter if settings.smoothing == "lds_filter" else rts_smoother
    return smoother(x, settings.lds_q, settings.lds_r)


def eeg_names(channels: tuple[str, ...], settings: Settings) -> tuple[str, ...]:
    """FP1_delta; of asymmetries FP1-FP2_delta (difference) and FP1/FP2_delta (ratio)."""
    pairs = {
        "dasm": ["-".join(pair) for pair in asymmetry.LEFT_RIGHT],
        "rasm": ["/".join(pair) for pair in asymmetry.LEFT_RIGHT],
        "dcau": ["-".join(pair) for pair in asymmetry.FRONT_BACK],
    }
    pairs["asm"] = pairs["dasm"] + pairs["rasm"]
    return tuple(f"{row}_{band}" for row in pairs.get(settings.features, channels) for band in BANDS[settings.bands])


def eeg_unit(name: str, settings: Settings) -> str:
    if settings.features == "psd":
        return SQUARE
    if "/" in name:
        return "1"
    return {"fft": f"log2(100 {SQUARE})", "gaussian": "nat"}[settings.de]


def eye_unit(name: str) -> str:
    """Unit of an eye movement feature, see `emogan.data.eye_names`; trackers give the pupil in units of their own."""
    if "_de_" in name:
        return "nat"
    if name.startswith("pupil_"):
        return "as recorded"
    return next((unit for end, unit in EYE_UNITS.items() if name.endswith(end)), "px")
