"""DGCNN: its features by electrode and band, its training, and what is said where TorchEEG is missing."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

from emogan.evaluation import DGCNN, FitData
from emogan.evaluation.dgcnn import electrodes_and_bands
from emogan.evaluation.validation import Standardised

NAMES = ("FP1_delta", "FP1_theta", "FP2_delta", "FP2_theta", "FZ_delta", "FZ_theta")
SETTINGS = {
    "name": "dgcnn", "order": 2, "hidden": 4, "weight_decay": [0.1, 0.01], "learning_rate": 0.01, "batch_size": 16,
    "max_updates": 60, "check_every": 5, "patience": 3, "validation": 0.25, "updates_without_validation": 10, "seed": 0,
}  # fmt: skip


class StandIn(nn.Module):
    """It takes what TorchEEG's DGCNN takes, and tells classes that differ."""

    seen: list[torch.Tensor]

    def __init__(self, in_channels, num_electrodes, num_layers, hid_channels, num_classes):
        super().__init__()
        self.norm = nn.BatchNorm1d(in_channels)
        self.last = nn.Linear(in_channels * num_electrodes, num_classes)

    def forward(self, x):
        if self.training:
            self.seen.append(x)
        return self.last(self.norm(x.transpose(1, 2)).flatten(1))


@pytest.fixture
def stand_in(monkeypatch):
    module = ModuleType("torcheeg.models")
    module.DGCNN, StandIn.seen = StandIn, []
    monkeypatch.setitem(sys.modules, "torcheeg", ModuleType("torcheeg"))
    monkeypatch.setitem(sys.modules, "torcheeg.models", module)


def data(effect: float = 3.0, **changes) -> FitData:
    """Twelve trials of three classes and six held out, with six synthetic windows."""
    random, trial = np.random.default_rng(0), np.arange(108) // 6
    x = (random.normal(size=(108, 6)) + effect * np.eye(3, 6)[trial % 3]).astype(np.float32)
    y, known = np.append(trial[:72] % 3, np.arange(6) % 3), np.append(trial[:72], 12 + np.arange(6))
    return FitData(**{
        "x": np.concatenate([x[:72], np.eye(3, 6, dtype=np.float32)[np.arange(6) % 3]]), "y": y, "lengths": [72, 78],
        "x_held_out": x[72:], "trial": known, "trial_held_out": trial[72:], "n_synthetic": 6, "feature_names": NAMES,
        **changes,
    })  # fmt: skip


def test_features_are_told_apart_by_electrode_and_band_in_whatever_order_they_come():
    assert electrodes_and_bands(NAMES, "dgcnn").tolist() == [[0, 1], [2, 3], [4, 5]]
    by_band = ("FP1_delta", "FP2_delta", "FP1_theta", "FP2_theta")
    assert electrodes_and_bands(by_band, "dgcnn").tolist() == [[0, 2], [1, 3]]


@pytest.mark.parametrize("names", [(*NAMES, "pupil_x_mean"), NAMES[:-1], ("a", "b"), ()])
def test_other_features_are_refused(stand_in, names):
    with pytest.raises(ValueError, match=r"^classifier=dgcnn: expected features of the same bands .* modality=eeg$"):
        DGCNN(**SETTINGS).paths(data(feature_names=names))


def test_without_torcheeg_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torcheeg", None)
    with pytest.raises(ImportError, match=r"^classifier=dgcnn needs TorchEEG: pip install 'emogan\[torcheeg\]'"):
        DGCNN(**SETTINGS)


def test_fits_side_by_side_start_from_the_weights_that_each_would_have_alone(stand_in, monkeypatch):
    class Slow(StandIn):
        def __init__(self, *arguments, **settings):
            time.sleep(0.01)  # while another thread may seed the common generator
            super().__init__(*arguments, **settings)

    monkeypatch.setattr(sys.modules["torcheeg.models"], "DGCNN", Slow)
    dgcnn, x, y = DGCNN(**SETTINGS | {"max_updates": 1, "check_every": 1}), torch.zeros(6, 3, 2), torch.arange(6) % 3

    def first_weights(_):
        return dgcnn._train(x, y, torch.arange(6), torch.zeros(6, dtype=torch.bool), 0.1).last.weight.detach()

    with ThreadPoolExecutor(4) as threads:
        built = list(threads.map(first_weights, range(20)))
    assert all(torch.equal(built[0], weights) for weights in built)


def test_classes_that_differ_are_told_apart_and_a_seed_gives_the_same_again(stand_in):
    given = data(effect=6.0)
    found = DGCNN(**SETTINGS).paths(given)
    torch.manual_seed(5)
    again = DGCNN(**SETTINGS).paths(given)
    for one, other in zip(found, again, strict=True):
        assert one.predictions.shape == (2, 36)
        assert (one.predictions == given.trial_held_out % 3).mean() > 0.9
        np.testing.assert_array_equal(one.predictions, other.predictions)


def test_no_window_of_a_validation_trial_is_learned_from(stand_in):
    given = data()
    DGCNN(**SETTINGS).paths(given)
    seen = {row.tobytes() for row in torch.cat(StandIn.seen).flatten(1).numpy()}
    part = Standardised.of(given, 0.25, seed=0)
    assert part.validates.any()
    assert seen <= {row.tobytes() for row in part.x[~part.validates]}


def test_the_published_network_learns(monkeypatch):
    pytest.importorskip("torcheeg")
    given = data()
    for path in DGCNN(**SETTINGS).paths(given):
        assert (path.predictions == given.trial_held_out % 3).mean() > 0.8


def test_settings_that_would_never_validate_are_refused(stand_in):
    with pytest.raises(ValueError, match=r"^classifier\.check_every: expected at most .* = 60, got 61"):
        DGCNN(**SETTINGS | {"check_every": 61})
