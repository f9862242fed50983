"""Curves over members: their bands, and the same ones whether members train together, in groups or earlier."""

import numpy as np
import pytest
from lightning.pytorch.loggers import Logger

from emogan.analysis.curves import CURVES, MEASURE_EVERY, MEASURES, stacked_curves, summarise
from emogan.augmenters import GANAugmenter
from emogan.augmenters import fit as fitting
from emogan.data.scaling import MinMaxScaler
from emogan.data.training_set import TrainingSet
from emogan.models import CBEGAN
from emogan.store import Store
from emogan.training.trainer import TrainerSettings


class Recorder(Logger):
    """Keeps what a logger is given, by metric and step."""

    name = version = "recorder"

    def __init__(self):
        self.curves: dict[str, dict[int, float]] = {}

    def log_metrics(self, metrics, step=None):
        for name, value in metrics.items():
            assert step not in self.curves.setdefault(name, {}), f"{name} logged twice at {step}"
            self.curves[name][step] = float(value)

    def log_hyperparams(self, params):
        raise AssertionError("they are the job's to log")

    def of_all(self):
        """Curves of all members, not those of a group."""
        return {name: curve for name, curve in self.curves.items() if not name.startswith("group") and name != "epoch"}


@pytest.fixture(scope="module")
def sets():
    """Training sets of three members, each of its own size and spread."""
    random = np.random.default_rng(0)
    rows = [(30, 0.05), (40, 0.3), (50, 1.0)]
    return [
        TrainingSet(
            np.arange(n), np.arange(n), MinMaxScaler(np.zeros(5), np.ones(5)),
            random.normal(0.5, spread, size=(n, 5)).astype(np.float32), np.arange(n) % 3, np.arange(n) // 5,
        )
        for n, spread in rows
    ]  # fmt: skip


def fitted_curves(sets, store, group_size=None, workers=1, **settings):
    """What loggers are given, and the fits."""
    recorder = Recorder()
    augmenter = GANAugmenter(CBEGAN, name="cbegan", hidden=20, learning_rate=0.003, **settings)
    fits = fitting.fit(
        augmenter, sets, 3, [0] * len(sets), store, kept=range(len(sets)), group_size=group_size, workers=workers,
        progress=True, trainer=TrainerSettings(loggers=[recorder]),
    )  # fmt: skip
    return recorder, fits


def test_bands_are_numpys_over_the_members_that_have_a_value():
    random = np.random.default_rng(0)
    values, measurements = (
        random.normal(size=(250, 2, 4)).astype(np.float32),
        random.random((2, 3, 4), dtype=np.float32),
    )
    values[10:, :, 1], measurements[1, 0, 2] = np.nan, np.nan
    table = summarise(["k", "m_global"], values, measurements)
    assert list(table.columns) == CURVES
    expected = {"k": values[:, 0], "m_global": values[:, 1]} | {
        name: measurements[:, i] for i, name in enumerate(MEASURES)
    }
    for name, of in expected.items():
        own = table[table.metric == name]
        assert own.iteration.tolist() == ([100, 200] if name in MEASURES else list(range(1, 251)))
        for part, reduce in (("mean", np.nanmean), ("lowest", np.nanmin), ("highest", np.nanmax)):
            np.testing.assert_array_equal(own[part], reduce(of, axis=1))


def test_looks_at_which_no_member_has_a_spread_are_left_out():
    measurements = np.full((3, len(MEASURES), 2), np.nan, dtype=np.float32)
    measurements[1, MEASURES.index("spread"), 0] = 0.5
    table = summarise(["k"], np.zeros((300, 1, 2), dtype=np.float32), measurements)
    assert table[table.metric == "spread"].to_numpy().tolist() == [[200, "spread", 0.5, 0.5, 0.5]]


def test_shorter_curves_are_padded_with_nan_and_none_is_moved():
    curves = [{"a": np.arange(n, dtype=np.float32), "b": -np.arange(n, dtype=np.float32)} for n in (2, 5, 3)]
    names, values = stacked_curves(curves)
    assert names == ["a", "b"]
    assert values.shape == (5, 2, 3)
    for m, n in enumerate((2, 5, 3)):
        np.testing.assert_array_equal(values[:n, 0, m], np.arange(n))
        np.testing.assert_array_equal(values[:n, 1, m], -np.arange(n))
        assert np.isnan(values[n:, :, m]).all()


@pytest.mark.parametrize(
    "stop", [pytest.param({}, marks=pytest.mark.slow), {"plateau_window": 10, "plateau_tolerance": 0.15}]
)
def test_logged_curves_are_the_same_trained_together_in_groups_in_workers_or_before(sets, tmp_path, stop):
    together, fits = fitted_curves(sets, Store(tmp_path / "a"), iterations=220, **stop)
    in_groups, _ = fitted_curves(sets, Store(tmp_path / "b"), group_size=2, iterations=220, **stop)
    in_workers, _ = fitted_curves(sets, Store(tmp_path / "c"), workers=2, iterations=220, **stop)
    alone, _ = fitted_curves(sets, Store(tmp_path / "d"), workers=3, iterations=220, **stop)
    before, again = fitted_curves(sets, Store(tmp_path / "a"), iterations=220, **stop)
    assert (fits.trained, again.trained) == ([0, 1, 2], [])
    if stop:
        assert len(set(fits.ends)) > 1, "members should stop at different iterations here"
    names = CBEGAN.metrics if stop else (*CBEGAN.metrics, *MEASURES)
    assert together.of_all().keys() == {f"{name}{part}" for name in names for part in ("", "/lowest", "/highest")}
    assert {name.split("/")[0] for name in in_groups.curves.keys() - in_groups.of_all().keys()} == {
        "group_0",
        "group_1",
    }
    for other in (in_groups, in_workers, alone, before):
        assert other.of_all().keys() == together.of_all().keys()
        for name, curve in together.of_all().items():
            every = MEASURE_EVERY if name.split("/")[0] in MEASURES else 10
            assert list(curve) == list(range(every, max(curve) + 1, every))
            assert other.curves[name] == pytest.approx(curve, rel=1e-5)
    table = again.curves.set_index("iteration")
    for name, curve in together.of_all().items():
        metric, _, part = name.partition("/")
        column = table[part or "mean"][table.metric == metric]
        assert column[list(curve)].to_dict() == pytest.approx(curve, rel=1e-5)
