"""Simulated EEG: differential entropy of 62 channels x 5 bands as emotion, arousal and artefacts move it."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.linalg import toeplitz

from emogan.data.montage import BANDS, CHANNELS, positions
from emogan.simulation.paths import Emotion, heavy_scale, mixture, smooth_paths


@dataclass(frozen=True)
class EegSimulation:
    """Sizes of what makes up a DE value, in the unit of SEED's files, log2 (one unit: power doubled).

    All are standard deviations over channels and bands unless said otherwise.
    """

    class_pattern: float  # felt emotion of intensity 1; calibrated
    trial: float  # what one clip adds besides its class: dominates the errors between trials; calibrated with it
    shared: float = 0.5  # part of the variance of a class pattern that all subjects have in common
    clip: float = 0.2  # part of the variance of a trial's offset that the clip causes in all who watch it
    subject: float = 1.0  # skull, skin and person: larger than any emotion, and cancelled within an experiment
    session: float = 0.4  # cap and electrode gel of the day
    arousal: float = 0.3  # height of the bands' response curves
    drift: float = 0.3  # slow drift within a trial
    drift_memory: float = 0.85  # pole of its double autoregression: correlation time about ten windows of 4 s
    noise: float = 0.05  # little is left of the windows' own noise after smoothing by a linear dynamic system
    length: float = 0.8  # radii of the head over which a pattern stays alike: neighbours (0.3 apart) correlate by 0.93
    local: float = 0.01  # part of the variance that belongs to one electrode alone
    band_memory: float = 0.7  # correlation of a pattern between neighbouring bands
    blink: float = 0.5  # frontal delta of a window full of blinks
    muscle: float = 0.6  # temporal gamma of a typical burst; one in ten is more than three times as large
    muscle_rate: float = 0.04  # bursts per window


# Mean DE of a band in log2(100 E), falling as the spectrum of EEG does: SEED's files run from about 10 to 28.
BASE = np.array([22.0, 20.0, 19.0, 18.0, 17.0])
# Emotion shows most in beta and gamma in SEED (Zheng and Lu 2015); trials wander most where artefacts reach.
CLASS_BANDS = np.array([0.6, 0.7, 0.9, 1.2, 1.35])
TRIAL_BANDS = np.array([1.0, 0.8, 0.8, 1.0, 1.3])


@lru_cache
def _factors(length: float, local: float, band_memory: float) -> tuple[np.ndarray, np.ndarray]:
    distance = np.linalg.norm(positions()[:, None] - positions()[None], axis=2)
    space = (1 - local) * np.exp(-((distance / length) ** 2) / 2) + local * np.eye(len(CHANNELS))
    bands = toeplitz(band_memory ** np.arange(len(BANDS)))
    return np.linalg.cholesky(space), np.linalg.cholesky(bands)


def fields(simulation: EegSimulation, white: np.ndarray) -> np.ndarray:
    """Turn white noise (..., 62, 5) into fields of variance 1, smooth over the head and correlated over bands."""
    space, bands = _factors(simulation.length, simulation.local, simulation.band_memory)
    return space @ white @ bands.T


def class_patterns(simulation: EegSimulation, classes: int, population, subject) -> np.ndarray:
    """Patterns (K, 62, 5) of one subject: partly everyone's, equally far from each other in every subject.

    Of all sets of orthogonal patterns of mean square 1 the one nearest to the random fields (Löwdin), less its mean
    over classes: the corners of a simplex. How far apart the classes are is then the strength alone, not the luck of
    the draw.
    """
    shape = (classes, len(CHANNELS), len(BANDS))
    common = fields(simulation, population.standard_normal(shape))
    own = fields(simulation, subject.standard_normal(shape))
    patterns = mixture(simulation.shared, common, own)
    left, _, right = np.linalg.svd((patterns * CLASS_BANDS).reshape(classes, -1), full_matrices=False)
    corners = left @ right * np.sqrt(right.shape[1])
    return (corners - corners.mean(0)).reshape(shape)


def arousal_response(arousal: np.ndarray) -> np.ndarray:
    """What a state of arousal (W,) does to each band (W, 5): every band has a curve of its own, none a straight line.

    Delta rises with any departure from rest, theta switches, alpha falls once arousal passes rest (desynchronisation),
    beta has its highest value at medium arousal and gamma grows faster and faster.
    """
    a = np.clip(arousal, -3, 3)
    falls, peak = -np.logaddexp(0, 2 * a), 1.5 * np.exp(-((a - 0.7) ** 2))
    return np.stack([np.sqrt(1 + a**2) - 1, np.tanh(2 * a), falls, peak, np.expm1(0.6 * a)], axis=-1)


def eeg_features(simulation: EegSimulation, emotion: Emotion, population, subject, clips, session) -> np.ndarray:
    """DE features (W, 310), channel-major.

    population, subject, clips and session are the random generators of what all subjects, this subject, all who watch
    these clips, and this session alone have.
    """
    s, shape, trials = simulation, (len(CHANNELS), len(BANDS)), len(emotion.lengths)
    patterns = class_patterns(s, emotion.felt.shape[1], population, subject)
    topography = 1 + 0.5 * fields(s, population.standard_normal(shape))
    topography += 0.3 * fields(s, subject.standard_normal(shape))
    offset = s.subject * fields(s, subject.standard_normal(shape))
    offset += s.session * fields(s, session.standard_normal(shape))
    offsets = mixture(s.clip, *(fields(s, draw.standard_normal((trials, *shape))) for draw in (clips, session)))
    offsets *= s.trial * TRIAL_BANDS * heavy_scale(session, trials)[:, None, None]
    drift = fields(s, smooth_paths(session, emotion.lengths, shape, s.drift_memory))

    x = BASE + offset + offsets[emotion.trial]
    x += s.class_pattern * np.tensordot(emotion.felt, patterns, axes=1)
    x += s.arousal * arousal_response(emotion.arousal)[:, None, :] * topography
    x += s.drift * drift * heavy_scale(session, trials)[emotion.trial, None, None]
    x += s.noise * fields(s, session.standard_normal(x.shape))
    x += _artefacts(s, emotion, session)
    return x.reshape(len(x), -1)


def _artefacts(simulation: EegSimulation, emotion: Emotion, generator) -> np.ndarray:
    """Blinks (frontal delta) and bursts of muscle (temporal beta, gamma) with heavy tails, (W, 62, 5)."""
    x, y, z = positions().T
    frontal = np.exp(-((1 - y) ** 2 + z**2) / 0.25)
    side = np.where(generator.random(len(emotion.trial)) < 0.5, -1.0, 1.0)
    temporal = np.exp(-((1 - side[:, None] * x) ** 2 + z**2) / 0.4)
    blink = emotion.blinks / (1 + emotion.blinks) * generator.lognormal(0, 0.7, len(side))
    muscle = generator.lognormal(0, 1, len(side)) * (generator.random(len(side)) < simulation.muscle_rate)
    muscle[1:] += 0.5 * muscle[:-1] * (np.diff(emotion.trial) == 0)  # smoothing carries a burst into the next window
    artefacts = np.zeros((len(side), len(CHANNELS), len(BANDS)))
    artefacts[:, :, 0] = simulation.blink * blink[:, None] * frontal
    artefacts[:, :, 1] = 0.3 * artefacts[:, :, 0]
    artefacts[:, :, 4] = simulation.muscle * muscle[:, None] * temporal
    artefacts[:, :, 3] = 0.7 * artefacts[:, :, 4]
    return artefacts
