"""Eye movement features of the SEED data sets by name: the lists of 33, 31 and 41, and the other 33 of SEED-VII.

Pupil diameter and dispersion in pixels, durations and latencies in ms, amplitudes in degrees, frequencies in events per
second; ``de_0_02`` is the differential entropy of the signal between 0 and 0.2 Hz in nats, and so on up to ``de_06_1``.
SEED-VII has another eye tracker and says no units.
"""

PUPIL_BANDS = ("0_02", "02_04", "04_06", "06_1")  # 0-0.2, 0.2-0.4, 0.4-0.6, 0.6-1 Hz


def _entropies(signal: str) -> tuple[str, ...]:
    return tuple(f"{signal}_de_{band}" for band in PUPIL_BANDS)


_PUPIL = tuple(
    name for axis in "xy" for name in (f"pupil_{axis}_mean", f"pupil_{axis}_sd", *_entropies(f"pupil_{axis}"))
)
_DISPERSION = ("dispersion_x_mean", "dispersion_x_sd", "dispersion_y_mean", "dispersion_y_sd")
_FIXATION = ("fixation_duration_mean_ms", "fixation_duration_sd_ms")
_BLINK = ("blink_duration_mean_ms", "blink_duration_sd_ms")
_SACCADE = (
    "saccade_duration_mean_ms",
    "saccade_duration_sd_ms",
    "saccade_amplitude_mean_deg",
    "saccade_amplitude_sd_deg",
)
EYE_EVENTS = (  # statistics of the events of a whole trial: constant within it
    "blink_frequency_hz",
    "fixation_frequency_hz",
    "fixation_duration_max_ms",
    "fixation_dispersion_total",
    "fixation_dispersion_max",
    "saccade_frequency_hz",
    "saccade_duration_average_ms",
    "saccade_amplitude_average_deg",
    "saccade_latency_average_ms",
)

EYE_FEATURES_33 = _PUPIL + _DISPERSION + _FIXATION + _BLINK + _SACCADE + EYE_EVENTS  # SEED-V, SEED_Multimodal
EYE_FEATURES_31 = tuple(name for name in EYE_FEATURES_33 if name not in _BLINK)  # SEED-IV
# The cBEGAN paper's SEED. Its column order is not published; the additional columns stand last.
EYE_FEATURES_41 = EYE_FEATURES_33 + _entropies("dispersion_x") + _entropies("dispersion_y")
EYE_NAMES = {len(names): names for names in (EYE_FEATURES_31, EYE_FEATURES_33, EYE_FEATURES_41)}

CLIP_STATISTICS = (  # SEED-VII's statistics of a whole film clip: constant within a trial
    "clip_blink_frequency",
    "clip_fixation_frequency",
    "clip_fixation_duration_max",
    "clip_fixation_dispersion_max",
    "clip_fixation_dispersion_total",
    "clip_saccade_frequency",
    "clip_saccade_duration_mean",
    "clip_saccade_amplitude_mean",
    "clip_saccade_latency_mean",
)
SEED_VII_EYE = (
    *(f"pupil_{side}_de_{band}" for side in ("left", "right") for band in ("005_02", "02_04", "04_06", "06_1")),
    *(f"pupil_{side}_{moment}" for side in ("left", "right") for moment in ("mean", "sd")),
    *("fixation_duration_mean", "fixation_duration_sd"),
    *("dispersion_x_mean", "dispersion_y_mean", "dispersion_x_sd", "dispersion_y_sd"),
    *("saccade_duration_mean", "saccade_duration_sd", "saccade_amplitude_mean", "saccade_amplitude_sd"),
    *("blink_duration_mean", "blink_duration_sd"),
    *CLIP_STATISTICS,
)
