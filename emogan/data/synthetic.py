"""Simulated SEED-like features."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from emogan.data import trials
from emogan.data.eye_names import EYE_FEATURES_31, EYE_FEATURES_33, EYE_FEATURES_41
from emogan.data.features import FeatureSet, concatenate
from emogan.data.montage import EEG_FEATURES
from emogan.data.synthetic_eeg import EegSimulation, eeg_features
from emogan.data.synthetic_eye import EyeSimulation, eye_features
from emogan.data.synthetic_paths import EmotionSimulation, simulate_emotion


@dataclass(frozen=True)
class Preset:
    number: int
    subjects: int
    class_names: tuple[str, ...]
    labels: tuple[tuple[int, ...], ...]
    windows: tuple[tuple[int, ...], ...]
    eye_names: tuple[str, ...]
    same_clips: bool
    emotion: EmotionSimulation
    eeg: EegSimulation
    eye: EyeSimulation


GOLDEN = (5**0.5 - 1) / 2
PRESETS = {
    "seed": Preset(
        1, 9, trials.SEED_CLASSES, (trials.SEED_LABELS,), (trials.SEED_WINDOWS_4S,), EYE_FEATURES_41, True,
        EmotionSimulation(responsiveness=0.2),
        EegSimulation(class_pattern=0.6, trial=0.93),
        EyeSimulation(class_pattern=0.75),
    ),
    "seed_v": Preset(
        2, 16, trials.SEED_V_CLASSES, trials.SEED_V_LABELS, trials.SEED_V_WINDOWS_4S, EYE_FEATURES_33, False,
        EmotionSimulation(responsiveness=0.2),
        EegSimulation(class_pattern=0.6, trial=1.03),
        EyeSimulation(class_pattern=0.77),
    ),
    "seed_iv": Preset(
        3, 15, trials.SEED_IV_CLASSES, trials.SEED_IV_LABELS, (trials.SEED_IV_WINDOWS_4S,) * 3, EYE_FEATURES_31, False,
        EmotionSimulation(responsiveness=0.2),
        EegSimulation(class_pattern=0.6, trial=1.0),
        EyeSimulation(class_pattern=0.75),
    ),
}  # fmt: skip


def load(preset="seed", *, modality="eeg_eye", subjects=None, sessions=None, simulation_seed=0) -> FeatureSet:
    chosen = PRESETS[preset]
    subjects = range(1, chosen.subjects + 1) if subjects is None else subjects
    sessions = range(1, 4) if sessions is None else sessions
    parts = [experiment(chosen, modality, a, b, simulation_seed) for a in subjects for b in sessions]
    x, y, trial, session, subject = concatenate(parts)
    return FeatureSet(x, y, trial, session, subject, *columns(chosen, modality), f"synthetic_{preset}")


def columns(chosen, modality):
    names, parts = (), {}
    for name, own in (("eeg", EEG_FEATURES), ("eye", chosen.eye_names)):
        if name in modality.split("_"):
            parts[name] = slice(len(names), len(names) + len(own))
            names += own
    return names, chosen.class_names, parts


def experiment(chosen, modality, subject, session, simulation_seed):
    def generators(part):
        clips = 0 if chosen.same_clips else session % 3
        keys = [(1, 0, 0), (2, subject, 0), (3, clips, 0), (4, subject, session)]
        return [np.random.default_rng(np.random.SeedSequence(simulation_seed, spawn_key=(chosen.number, part, *key))) for key in keys]

    which = (session - 1) % len(chosen.labels)
    labels, lengths = chosen.labels[which], chosen.windows[which]
    everyone, own, _, day = generators(0)
    rank = ndtri(0.02 + 0.96 * ((everyone.random() + subject * GOLDEN) % 1))
    emotion = simulate_emotion(chosen.emotion, labels, lengths, chosen.class_names, rank, own, day)
    blocks = []
    if "eeg" in modality.split("_"):
        blocks.append(eeg_features(chosen.eeg, emotion, *generators(1)))
    if "eye" in modality.split("_"):
        eye = eye_features(chosen.eye, emotion, *generators(2))
        blocks.append(eye[:, [EYE_FEATURES_41.index(name) for name in chosen.eye_names]])
    x = np.concatenate(blocks, axis=1).astype(np.float32)
    n = len(x)
    return x, np.asarray(labels)[emotion.trial], emotion.trial + 1, np.full(n, session), np.full(n, subject)
