"""What the tests of the samplers share: windows of three classes in their own units, and GANs of a moment's training."""

import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="session")
def windows():
    """x (90, 5) float32 in units of different size, labels (90,) as text, trial (90,): 18 of five windows."""
    random = np.random.default_rng(0)
    trial = np.repeat(np.arange(18), 5)
    y = np.array(["calm", "fear", "joy"])[trial % 3]
    x = random.normal(size=(90, 5)) + (trial % 3)[:, None] + random.normal(size=(18, 5))[trial] / 2
    return (x * [1, 1e-3, 1e3, 1, 1] + [0, 0, 1e5, -5, 0]).astype(np.float32), y, trial


@pytest.fixture(scope="session")
def frame(windows):
    """The windows as a DataFrame, the last column rounded to whole numbers, and their labels as a Series."""
    x, y, _ = windows
    table = pd.DataFrame(x, columns=["FP1_delta", "FP2_delta", "pupil", "saccade", "blinks"])
    return table.astype({"blinks": np.int16}), pd.Series(y, name="emotion")


@pytest.fixture(scope="session")
def tiny():
    """Settings of a GAN that is trained in a moment."""
    return {"iterations": 3, "hidden": 8, "batch_size": 16}
