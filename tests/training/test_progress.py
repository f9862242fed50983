"""Curves over members: their bands, and the same ones whether members train together, in groups or earlier."""

import numpy as np
import pytest

from emogan.analysis import curves
from emogan.analysis.curves import CURVES, stacked_curves, summarise
from emogan.augmenters import GANAugmenter
from emogan.augmenters import fit as fitting
from emogan.data.scaling import MinMaxScaler
from emogan.data.training_set import TrainingSet
from emogan.models import CBEGAN
from emogan.store import Store
from emogan.training import diagnostics, history, progress
from emogan.training.progress import write_curves


class Recorder:
    """Keeps what a TensorBoard writer is given, by tag and step."""

    def __init__(self):
        self.curves: dict[str, dict[int, float]] = {}
        self.layouts = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def add_scalar(self, tag, value, step):
        assert step not in self.curves.setdefault(tag, {}), f"{tag} written twice at {step}"
        self.curves[tag][step] = float(value)

    def add_custom_scalars(self, layout):
        self.layouts += 1


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


def fitted_curves(sets, store, group_size=None, **settings):
    """All curves that fitting writes for the whole of the members."""
    written: dict[str, Recorder] = {}
    augmenter = GANAugmenter(CBEGAN, name="cbegan", hidden=20, learning_rate=0.003, **settings)
    fits = fitting.fit(
        augmenter, sets, 3, [0] * len(sets), store, kept=len(sets), group_size=group_size, accelerator="cpu", checkpoint_s=None,
        writer=lambda name: written.setdefault(name, Recorder()),
    )  # fmt: skip
    return written, fits


def test_bands_are_numpys_over_the_members_that_have_a_value():
    random = np.random.default_rng(0)
    values, spread = random.normal(size=(250, 2, 4)).astype(np.float32), random.random((2, 4), dtype=np.float32)
    values[10:, :, 1], spread[1, 2] = np.nan, np.nan
    table = summarise(["k", "m_global"], values, spread)
    assert list(table.columns) == CURVES
    expected = {"k": values[:, 0], "m_global": values[:, 1], "spread": spread}
    for name, of in expected.items():
        own = table[table.metric == name]
        assert own.iteration.tolist() == ([100, 200] if name == "spread" else list(range(1, 251)))
        for part, reduce in (("mean", np.nanmean), ("lowest", np.nanmin), ("highest", np.nanmax)):
            np.testing.assert_array_equal(own[part], reduce(of, axis=1))


def test_looks_at_which_no_member_has_a_spread_are_left_out():
    spread = np.full((3, 2), np.nan, dtype=np.float32)
    spread[1, 0] = 0.5
    table = summarise(["k"], np.zeros((300, 1, 2), dtype=np.float32), spread)
    assert table[table.metric == "spread"].to_numpy().tolist() == [[200, "spread", 0.5, 0.5, 0.5]]


def test_curves_written_in_parts_are_those_written_at_once():
    random, parts, whole = np.random.default_rng(0), Recorder(), Recorder()
    values, spread = random.normal(size=(230, 2, 4)).astype(np.float32), random.random((2, 4), dtype=np.float32)
    write_curves(whole, summarise(["k", "m_global"], values, spread))
    for start, stop in ((0, 12), (12, 100), (100, 230)):
        write_curves(parts, summarise(["k", "m_global"], values[start:stop], spread[: stop // 100], start))
    assert parts.curves == whole.curves
    assert len(whole.curves["k/mean"]) == 230
    assert parts.layouts == whole.layouts == 1


def test_shorter_curves_are_padded_with_nan_and_none_is_moved():
    curves = [{"a": np.arange(n, dtype=np.float32), "b": -np.arange(n, dtype=np.float32)} for n in (2, 5, 3)]
    names, values = stacked_curves(curves)
    assert names == ["a", "b"]
    assert values.shape == (5, 2, 3)
    for m, n in enumerate((2, 5, 3)):
        np.testing.assert_array_equal(values[:n, 0, m], np.arange(n))
        np.testing.assert_array_equal(values[:n, 1, m], -np.arange(n))
        assert np.isnan(values[n:, :, m]).all()


@pytest.mark.parametrize("stop", [{}, {"plateau_window": 10, "plateau_tolerance": 0.15}])
def test_curves_are_the_same_trained_together_in_groups_or_before(sets, tmp_path, stop):
    together, fits = fitted_curves(sets, Store(tmp_path / "a"), iterations=60, **stop)
    in_groups, _ = fitted_curves(sets, Store(tmp_path / "b"), group_size=2, iterations=60, **stop)
    before, again = fitted_curves(sets, Store(tmp_path / "a"), iterations=60, **stop)
    assert fits.trained == [0, 1, 2]
    assert again.trained == []
    if stop:
        assert len(set(fits.ends)) > 1, "members should stop at different iterations here"
    assert list(together) == list(before) == [""]
    assert set(in_groups) == {"", "group_0", "group_1"}
    assert together[""].curves.keys() == {f"{t}/{p}" for t in CBEGAN.metrics for p in ("mean", "lowest", "highest")}
    for tag, curve in together[""].curves.items():
        for other in (in_groups, before):
            assert list(other[""].curves[tag]) == list(curve)
            np.testing.assert_allclose(list(other[""].curves[tag].values()), list(curve.values()), rtol=1e-6)
    table = again.curves.set_index("iteration")
    for tag, curve in together[""].curves.items():
        metric, part = tag.split("/")
        assert table[part][table.metric == metric].to_dict() == pytest.approx(curve)


def test_the_spread_is_the_same_curve_trained_together_in_groups_or_before(sets, tmp_path, monkeypatch):
    for module in (curves, diagnostics, history, progress):
        monkeypatch.setattr(module, "LOOK_EVERY", 10)
    together, _ = fitted_curves(sets, Store(tmp_path / "a"), iterations=22)
    in_groups, _ = fitted_curves(sets, Store(tmp_path / "b"), group_size=2, iterations=22)
    before, _ = fitted_curves(sets, Store(tmp_path / "a"), iterations=22)
    for part in ("mean", "lowest", "highest"):
        curve = together[""].curves[f"spread/{part}"]
        assert list(curve) == [10, 20]
        for other in (in_groups, before):
            assert other[""].curves[f"spread/{part}"] == pytest.approx(curve)
