"""Simulated features of FACED: nine emotions, the EEG alone, written as its pickles."""

import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emogan.atomic import write_atomically
from emogan.data.faced import CHANNELS, EMOTION, EMOTIONS, FEATURES, SHAPE
from emogan.data.features import FeatureSet, concatenate
from emogan.data.montage import BANDS, EEG_FEATURES
from emogan.simulation.eeg import EegSimulation
from emogan.simulation.eye import EyeSimulation
from emogan.simulation.paths import EmotionSimulation
from emogan.simulation.people import Preset, experiment
from emogan.simulation.releases import PICKLE_PROTOCOL, mark_simulated

PRESET = Preset(
    11, 123, EMOTIONS, (EMOTION,), ((SHAPE[2],) * SHAPE[0],), (), True,
    EmotionSimulation(responsiveness=0.2),
    EegSimulation(class_pattern=0.6, trial=1.0),
    EyeSimulation(class_pattern=0.0),
)  # fmt: skip
KEPT = [EEG_FEATURES.index(name) for name in FEATURES]  # FACED's electrodes are among those of SEED's cap


def simulate(subjects: Sequence[int] | None = None) -> FeatureSet:
    """Simulated people, by number from 0; None takes FACED's 123. Not calibrated: the paper has no row for FACED."""
    numbers = range(PRESET.subjects) if subjects is None else subjects
    found = concatenate([experiment(PRESET, "eeg", subject, 1, 0) for subject in numbers])
    return FeatureSet(
        **found | {"x": found["x"][:, KEPT]}, feature_names=FEATURES, class_names=EMOTIONS,
        modalities={"eeg": slice(0, len(FEATURES))}, dataset="synthetic_faced", own_folds="one_of_each",
    )  # fmt: skip


def write_faced(root: Path, subjects: Sequence[int] | None = None) -> str:
    """Write EEG_Features/DE/sub{subject}.pkl.pkl; returns a sentence on what was simulated."""
    features, folder = simulate(subjects), root / "EEG_Features" / "DE"
    for subject, _, rows in features.experiments():
        x = features.x[rows].astype(np.float64).reshape(SHAPE[0], SHAPE[2], len(CHANNELS), len(BANDS))
        stored = np.empty(SHAPE)
        stored[:, : len(CHANNELS)] = x.transpose(0, 2, 1, 3)
        stored[:, len(CHANNELS) :] = 1000.0  # A2 and A1, of which nothing may be read
        write_atomically(folder / f"sub{subject:03d}.pkl.pkl", pickle.dumps(stored, PICKLE_PROTOCOL))
    mark_simulated(folder)
    return features.summary()
