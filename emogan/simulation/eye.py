"""Simulated eye movement features: what an eye tracker counts and times in each window, and over each trial."""

from dataclasses import dataclass

import numpy as np

from emogan.data.eye_names import EYE_EVENTS, EYE_FEATURES_41
from emogan.simulation.paths import Emotion, heavy_scale, mixture, smooth_paths

# Habits of looking: usual value, how much it varies (log scale), what full arousal adds (log scale, saturating).
# Values as of mobile trackers at 30-60 Hz: fixations of 300 ms, pupils of some 14 camera pixels.
HABITS = {
    "pupil_px": (14.0, 0.05, 0.05),
    "pupil_slow_variance": (0.16, 0.35, 0.2),
    "pupil_fast_variance": (0.02, 0.35, 0.3),
    "dispersion_px": (14.0, 0.25, 0.1),
    "dispersion_y_to_x": (0.8, 0.1, 0.0),
    "fixation_rate_hz": (2.2, 0.12, 0.05),
    "fixation_ms": (300.0, 0.2, -0.1),
    "blink_ms": (180.0, 0.15, 0.0),
    "saccade_rate_hz": (1.6, 0.15, 0.15),
    "saccade_ms": (42.0, 0.1, 0.0),
    "saccade_deg": (4.0, 0.2, 0.1),
    "saccade_latency_ms": (210.0, 0.1, -0.05),
}
WINDOW_S = 4.0
DE_FLOOR = 1e-6  # px squared: the variance below which a signal counts as constant


@dataclass(frozen=True)
class EyeSimulation:
    """Sizes of what makes up a habit of looking, in units of the habit's own variation."""

    class_pattern: float  # felt emotion of intensity 1; calibrated
    trial: float = 1.0  # brightness, cuts and motion of a clip: dominates the errors between trials
    shared: float = 0.5  # part of the variance of a class pattern that all subjects have in common
    clip: float = 0.3  # part of the variance of a trial's offset that the clip causes in all who watch it
    subject: float = 1.5
    session: float = 0.5
    drift: float = 0.5
    drift_memory: float = 0.8


def eye_features(simulation: EyeSimulation, emotion: Emotion, population, subject, clips, session) -> np.ndarray:
    """Eye movement features (W, 41) in the order of EYE_FEATURES_41; generators as for the EEG."""
    habits = _habits(simulation, emotion, population, subject, clips, session)
    features = _pupil(habits, session) | _dispersion(habits, session) | _windows(habits, emotion, session)
    features |= _events(habits, features, emotion, session)
    return np.stack([features[name] for name in EYE_FEATURES_41], axis=1)


def _habits(s: EyeSimulation, emotion: Emotion, population, subject, clips, session) -> dict[str, np.ndarray]:
    usual, variation, arousal = np.array(list(HABITS.values())).T
    count, trials, classes = len(HABITS), len(emotion.lengths), emotion.felt.shape[1]
    patterns = mixture(s.shared, *(draw.standard_normal((classes, count)) for draw in (population, subject)))
    patterns -= patterns.mean(0)
    patterns /= np.sqrt((patterns**2).mean(1, keepdims=True))
    offset = s.subject * subject.standard_normal(count) + s.session * session.standard_normal(count)
    offsets = mixture(s.clip, *(draw.standard_normal((trials, count)) for draw in (clips, session)))
    offsets *= s.trial * heavy_scale(session, trials)[:, None]

    z = offset + offsets[emotion.trial] + s.class_pattern * emotion.felt @ patterns
    z += s.drift * smooth_paths(session, emotion.lengths, (count,), s.drift_memory)
    logs = np.log(usual) + variation * z + arousal * np.tanh(emotion.arousal)[:, None]
    return dict(zip(HABITS, np.exp(logs).T, strict=True))


def _pupil(habits, generator) -> dict[str, np.ndarray]:
    """Diameter and its spread (log-normal) and its DE, log of a variance measured on few degrees of freedom."""
    bands = _bands(habits["pupil_slow_variance"], habits["pupil_fast_variance"], generator)
    features = {}
    for axis, ratio in (("x", 1.0), ("y", 0.93)):  # both axes see the same pupil
        wobble = np.exp(0.01 * generator.standard_normal(len(bands)))
        features[f"pupil_{axis}_mean"] = ratio * habits["pupil_px"] * wobble
        features |= _entropies(f"pupil_{axis}", ratio**2 * bands * np.exp(0.1 * generator.standard_normal(bands.shape)))
        spread = np.sqrt(ratio**2 * bands.sum(1)) * np.exp(0.15 * generator.standard_normal(len(bands)))
        features[f"pupil_{axis}_sd"] = spread
    return features


def _dispersion(habits, generator) -> dict[str, np.ndarray]:
    features = {}
    shake = generator.standard_normal(len(habits["dispersion_px"]))
    for axis, scale in (("x", 1.0), ("y", habits["dispersion_y_to_x"])):
        mean = scale * habits["dispersion_px"] * np.exp(0.25 * shake + 0.1 * generator.standard_normal(len(shake)))
        spread = mean * 0.6 * np.exp(0.35 * generator.standard_normal(len(shake)))
        features |= {f"dispersion_{axis}_mean": mean, f"dispersion_{axis}_sd": spread}
        features |= _entropies(f"dispersion_{axis}", _bands(0.4 * spread**2, 0.1 * spread**2, generator))
    return features


def _windows(habits, emotion: Emotion, generator) -> dict[str, np.ndarray]:
    """Durations and amplitudes averaged over as many events as happened: 0 without any, their spread 0 below two."""
    features = {}
    counts = {
        "fixation": 1 + generator.poisson(np.maximum(habits["fixation_rate_hz"] * WINDOW_S - 1, 0)),
        "blink": emotion.blinks,
        "saccade": generator.poisson(habits["saccade_rate_hz"] * WINDOW_S),
    }
    for event, habit, name, shape in (  # shape: of the gamma distribution of a single event's size
        ("fixation", "fixation_ms", "fixation_duration_{}_ms", 2.0),
        ("blink", "blink_ms", "blink_duration_{}_ms", 8.0),
        ("saccade", "saccade_ms", "saccade_duration_{}_ms", 9.0),
        ("saccade", "saccade_deg", "saccade_amplitude_{}_deg", 1.5),
    ):
        count = counts[event]
        many = np.maximum(count, 1)
        mean = habits[habit] * generator.standard_gamma(shape * many) / (shape * many)
        chi = generator.chisquare(np.maximum(count - 1, 1)) / np.maximum(count - 1, 1)
        features[name.format("mean")] = np.where(count > 0, mean, 0.0)
        features[name.format("sd")] = np.where(count > 1, mean * np.sqrt(chi / shape), 0.0)
    return features | counts


def _events(habits, windows: dict[str, np.ndarray], emotion: Emotion, generator) -> dict[str, np.ndarray]:
    """The nine statistics of a whole trial's events, the same in all its windows."""
    lengths = np.array(emotion.lengths)
    starts = np.cumsum(lengths) - lengths

    def total(values):
        return np.add.reduceat(values, starts)

    def mean(values, weights):
        return total(values * weights) / np.maximum(total(weights), 1)

    fixations, saccades = total(windows["fixation"]), total(windows["saccade"])
    longest = 0.5 * (np.log(2 * fixations) + generator.gumbel(size=len(lengths)))  # of gamma(2) events, in their mean
    events = (
        total(windows["blink"]) / (WINDOW_S * lengths),
        fixations / (WINDOW_S * lengths),
        mean(windows["fixation_duration_mean_ms"], windows["fixation"]) * np.maximum(longest, 1.5),
        total(windows["dispersion_x_mean"] + windows["dispersion_y_mean"]),
        np.maximum.reduceat(windows["dispersion_x_mean"] + windows["dispersion_y_mean"], starts),
        saccades / (WINDOW_S * lengths),
        mean(windows["saccade_duration_mean_ms"], windows["saccade"]),
        mean(windows["saccade_amplitude_mean_deg"], windows["saccade"]),
        total(habits["saccade_latency_ms"]) / lengths * generator.lognormal(0, 0.05, len(lengths)),
    )
    return {name: value[emotion.trial] for name, value in zip(EYE_EVENTS, events, strict=True)}


def _bands(slow, fast, generator) -> np.ndarray:
    """Variance in four bands (W, 4): the narrow slow ones are measured on 2 degrees of freedom in a window of 4 s."""
    expected = np.stack([0.6 * slow, 0.4 * slow, 0.5 * fast, 0.5 * fast], axis=1)
    freedom = np.array([3.0, 3.0, 3.0, 6.0])
    return expected * generator.chisquare(freedom, expected.shape) / freedom


def _entropies(signal: str, variance: np.ndarray) -> dict[str, np.ndarray]:
    """Differential entropy of a normal signal, ln(2 pi e variance) / 2, by name of band."""
    entropy = 0.5 * np.log(2 * np.pi * np.e * np.maximum(variance, DE_FLOOR))
    names = [name for name in EYE_FEATURES_41 if name.startswith(f"{signal}_de_")]
    return dict(zip(names, entropy.T, strict=True))
