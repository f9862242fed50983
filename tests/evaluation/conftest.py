"""What the tests of the evaluation share: a small table of features."""

import numpy as np
import pytest

from emogan.data.features import FeatureSet


@pytest.fixture
def make_features():
    """``make_features(experiments, trials_per_class, windows)``: 3 classes, classes in turn, 4 features."""

    def make(experiments: int = 2, trials_per_class: int = 4, windows: int = 3, seed: int = 0) -> FeatureSet:
        subject, trial, _ = (i.ravel() for i in np.indices((experiments, 3 * trials_per_class, windows)))
        x = np.random.default_rng(seed).normal(size=(len(trial), 4))
        names = tuple(f"f{i}" for i in range(4))
        return FeatureSet(
            x, trial % 3, trial + 1, np.ones_like(trial), subject + 1, names, ("a", "b", "c"), {"eeg": slice(0, 4)}
        )

    return make
