"""Predictions and sample quality in the store: what is not computed again, and what is."""

import numpy as np
import pytest

from emogan import job, scoring
from emogan.evaluation import protocol, quality
from emogan.store import Store


@pytest.fixture
def counted(monkeypatch):
    """Sizes of every call that predicts, and one entry per training set whose windows are assessed."""
    calls = {"sizes": [], "assessed": 0}
    predict, assess = protocol.predict, quality.assess

    def predicting(*arguments):
        calls["sizes"].append(arguments[-2])
        return predict(*arguments)

    def assessing(*arguments):
        calls["assessed"] += 1
        return assess(*arguments)

    monkeypatch.setattr(protocol, "predict", predicting)
    monkeypatch.setattr(quality, "assess", assessing)
    return calls


def sizes(counted) -> set:
    """What was predicted since the last look."""
    found = {n for call in counted["sizes"] for n in call}
    counted["sizes"].clear()
    return found


def test_a_job_in_another_folder_computes_nothing_again_and_writes_the_same_bytes(configure, tmp_path, counted):
    job.run(configure(tmp_path))
    assert sizes(counted) == {0, 50, 200}
    assert counted["assessed"] == 6
    job.run(configure(tmp_path, f"folder={tmp_path / 'again'}"))
    assert sizes(counted) == set()
    assert counted["assessed"] == 6
    for name in ("scores.csv", "selection.csv", "confusion.csv", "quality.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "job" / name).read_bytes()


def test_only_sizes_that_are_not_known_are_predicted_and_those_without_windows_are_known_of_any_augmenter(
    configure, tmp_path, counted
):
    short = "quality=false"
    job.run(configure(tmp_path, "model=none", short))
    assert sizes(counted) == {0}
    job.run(configure(tmp_path, "n_aug=50", short))
    assert sizes(counted) == {50}
    found = job.run(configure(tmp_path, "n_aug=[50,100,200]", short))
    assert sizes(counted) == {100, 200}
    job.run(configure(tmp_path, "n_aug=50", "model=cwgan", short))
    assert sizes(counted) == {50}
    alone = job.run(configure(tmp_path / "alone", "n_aug=[50,100,200]", short))
    np.testing.assert_array_equal(found.accuracy, alone.accuracy)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("seed=1", {50}), ("model.hidden=51", {50}), ("evaluation.c_exponents=[-2,1]", {0, 50}),
        ("classifier=lda", {0, 50}), ("evaluation.libsvm_iterations=100", {0, 50}), ("modality=eye", {0, 50}),
    ],
)  # fmt: skip
def test_a_changed_input_is_always_computed_anew(configure, tmp_path, counted, override, expected):
    job.run(configure(tmp_path, "n_aug=50", "quality=false"))
    sizes(counted)
    job.run(configure(tmp_path, "n_aug=50", "quality=false", override))
    assert sizes(counted) == expected


def test_a_damaged_record_is_computed_anew(configure, tmp_path, counted, caplog):
    first = job.run(configure(tmp_path, "n_aug=50", "quality=false"))
    sizes(counted)
    for record in (tmp_path / "store/predictions").glob("*.safetensors"):
        record.write_bytes(record.read_bytes()[:-9])
    again = job.run(configure(tmp_path, "n_aug=50", "quality=false", f"folder={tmp_path / 'again'}"))
    assert sizes(counted) == {0, 50}
    assert "not a usable record" in caplog.text
    np.testing.assert_array_equal(again.accuracy, first.accuracy)


def test_bounds_come_back_from_the_store(tmp_path):
    found = {
        0: protocol.Predictions(np.arange(6).reshape(2, 3), None),
        50: protocol.Predictions(np.eye(3, dtype=int), 1),
    }
    scoring._save(Store(tmp_path), "key", found)
    loaded = scoring._load(Store(tmp_path), "key")
    assert loaded.keys() == found.keys()
    for n, one in found.items():
        np.testing.assert_array_equal(loaded[n].predictions, one.predictions)
        assert loaded[n].bounded_from == one.bounded_from
