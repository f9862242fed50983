"""What goes on in a simulated viewer: emotions felt, arousal and blinks along the windows of each trial."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

# Arousal by emotion: level, size of its swings, and their skew (bursts above rest if positive, lapses if negative).
# Not only means: a neutral clip is calm throughout, a happy one has bursts of laughter, a sad one lapses.
AROUSAL = {
    "neutral": (-0.3, 0.5, 0.0),
    "negative": (0.2, 0.9, -0.3),
    "positive": (0.2, 1.2, 0.6),
    "disgust": (0.3, 1.0, 0.3),
    "fear": (0.4, 1.1, 0.0),
    "sad": (-0.1, 0.7, -0.5),
    "happy": (0.2, 1.2, 0.6),
    "anger": (0.5, 1.1, 0.1),
    "surprise": (0.4, 1.0, 0.5),
    "sadness": (-0.1, 0.7, -0.5),
    "amusement": (0.3, 1.2, 0.6),
    "inspiration": (0.1, 0.9, 0.3),
    "joy": (0.2, 1.2, 0.6),
    "tenderness": (-0.1, 0.8, 0.2),
}


@dataclass(frozen=True)
class Emotion:
    """State of a viewer in each of W windows."""

    lengths: tuple[int, ...]  # windows per trial
    trial: np.ndarray  # (W,) 0..
    felt: np.ndarray  # (W, K) intensity of each emotion; the clip's own is 1 when fully felt
    arousal: np.ndarray  # (W,) about -3..3
    blinks: np.ndarray  # (W,) number of blinks


@dataclass(frozen=True)
class EmotionSimulation:
    """How strongly a clip moves its viewers, and how purely.

    responsiveness: standard deviation over subjects (log scale) of the strength of all that an emotion does; it makes
    the accuracies of experiments differ.
    engagement: mean part of the felt emotion that is the clip's own; the rest is a mixture of all.
    """

    responsiveness: float
    engagement: float = 0.85
    engagement_spread: float = 6.0  # Beta(spread x mean, spread x (1 - mean)): most clips work, a few do not
    onset_windows: float = 4.0  # an emotion builds up over the first quarter of a minute or so
    onset_part: float = 0.6  # what is missing of it at the start of the clip
    swing: float = 0.25  # slow swings of its intensity (log scale): a class varies along its own pattern
    memory: float = 0.85  # pole of the swings' double autoregression
    blink_rate_hz: float = 0.25  # in viewers of films; subjects differ by a factor of two or so


def smooth_paths(generator, lengths: Sequence[int], shape: tuple[int, ...], memory: float) -> np.ndarray:
    """Stationary double autoregression of variance 1, independent between trials and entries, (W, *shape)."""
    burn_in = int(np.ceil(8 / (1 - memory)))  # windows until nothing is left of the start
    scale = np.sqrt((1 - memory**2) ** 3 / (1 + memory**2))
    paths = []
    for length in lengths:
        white = generator.standard_normal((burn_in + length, *shape))
        paths.append(lfilter([scale], [1, -2 * memory, memory**2], white, axis=0)[burn_in:])
    return np.concatenate(paths)


def mixture(share: float, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """A sum of variance 1 of two things of variance 1, to which the first contributes a share."""
    return np.sqrt(share) * first + np.sqrt(1 - share) * second


def heavy_scale(generator, trials: int) -> np.ndarray:
    """Factors of mean square 1 that make some trials much larger than others (log-normal)."""
    return np.exp(0.4 * generator.standard_normal(trials) - 0.16)


def simulate_emotion(
    simulation: EmotionSimulation, labels: Sequence[int], lengths: Sequence[int], class_names, rank, subject, session
) -> Emotion:
    """Draw the state of a subject along one session.

    rank: how responsive the subject is, in standard deviations from the mean; subject and session: random generators.
    """
    s, labels, classes = simulation, np.asarray(labels), len(class_names)
    trial = np.repeat(np.arange(len(lengths)), lengths)
    window = np.concatenate([np.arange(length) for length in lengths])
    strength = np.exp(s.responsiveness * (rank + 0.5 * np.clip(session.standard_normal(), -2, 2)))

    a, b = s.engagement_spread * s.engagement, s.engagement_spread * (1 - s.engagement)
    engagement = session.beta(a, b, len(labels))[:, None]
    felt = engagement * np.eye(classes)[labels] + (1 - engagement) * session.dirichlet(np.ones(classes), len(labels))
    onset = 1 - s.onset_part * np.exp(-window / s.onset_windows)
    swings = smooth_paths(session, lengths, (classes,), s.memory)
    felt = strength * felt[trial] * onset[:, None] * np.exp(s.swing * swings)

    level, size, skew = np.array([AROUSAL[name] for name in class_names]).T
    path = smooth_paths(session, lengths, (1,), s.memory)[:, 0]
    bend = skew[labels][trial]
    path = path + bend * (path**2 - 1) / 2
    offset = 0.4 * session.standard_normal(len(labels))
    arousal = strength * (level[labels][trial] + size[labels][trial] * path) + offset[trial]

    rate = 4 * s.blink_rate_hz * np.exp(0.5 * subject.standard_normal() + 0.3 * session.standard_normal(len(labels)))
    blinks = session.poisson(rate[trial] * np.exp(-0.3 * arousal) * session.gamma(1, 1, len(trial)))
    return Emotion(tuple(lengths), trial, felt, arousal, blinks)
