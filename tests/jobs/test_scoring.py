"""Predictions and sample quality in the store: what is not computed again, and what is."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from emogan.analysis import quality
from emogan.evaluation import FitData, LinearSVM, TrialVote, protocol
from emogan.jobs import job, scoring
from emogan.store import Store


@pytest.fixture
def configure(configure):
    """A job of the first subject's three members."""
    return lambda folder, *overrides: configure(folder, "data.subjects=[1]", *overrides)


@pytest.fixture
def counted(monkeypatch):
    """n_aug of every call that predicts, and one entry per training set whose windows are assessed."""
    calls = {"sizes": [], "assessed": 0}
    predict, assess = protocol.predict, quality.assess

    def predicting(*arguments):
        several, sizes, _ = arguments
        for data, numbers in zip(several, sizes, strict=True):  # 64 windows train in the outer folds
            calls["sizes"].append([round(number * 64 / data.n_real, -1) for number in numbers])
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
    job.run(configure(tmp_path, "quality=true"))
    assert sizes(counted) == {0, 50, 200}
    assert counted["assessed"] == 3
    job.run(configure(tmp_path, "quality=true", f"folder={tmp_path / 'again'}"))
    assert sizes(counted) == set()
    assert counted["assessed"] == 3
    for name in ("scores.csv", "selection.csv", "confusion.csv", "quality.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "job" / name).read_bytes()


def test_only_sizes_that_are_not_known_are_predicted_and_those_without_windows_are_known_of_any_augmenter(
    configure, tmp_path, counted
):
    job.run(configure(tmp_path, "model=none"))
    assert sizes(counted) == {0}
    job.run(configure(tmp_path, "n_aug=50"))
    assert sizes(counted) == {50}
    found = job.run(configure(tmp_path, "n_aug=[50,100,200]"))
    assert sizes(counted) == {100, 200}
    job.run(configure(tmp_path, "n_aug=50", "model=cwgan"))
    assert sizes(counted) == {50}
    alone = job.run(configure(tmp_path / "alone", "n_aug=[50,100,200]"))
    np.testing.assert_array_equal(found.accuracy, alone.accuracy)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("seed=1", {50}), ("model.hidden=51", {50}), ("evaluation.c_exponents=[-2,1]", {0, 50}),
        ("classifier=lda", {0, 50}), ("evaluation.libsvm_iterations=100", {0, 50}), ("modality=eye", {0, 50}),
    ],
)  # fmt: skip
def test_a_changed_input_is_always_computed_anew(configure, tmp_path, counted, override, expected):
    job.run(configure(tmp_path, "n_aug=50"))
    sizes(counted)
    job.run(configure(tmp_path, "n_aug=50", override))
    assert sizes(counted) == expected


def test_a_damaged_record_is_computed_anew(configure, tmp_path, counted, caplog):
    first = job.run(configure(tmp_path, "n_aug=50"))
    sizes(counted)
    for record in (tmp_path / "store/predictions").glob("*.safetensors"):
        record.write_bytes(record.read_bytes()[:-9])
    again = job.run(configure(tmp_path, "n_aug=50", f"folder={tmp_path / 'again'}"))
    assert sizes(counted) == {0, 50}
    assert "a corrupt cache entry" in caplog.text
    np.testing.assert_array_equal(again.accuracy, first.accuracy)


def test_trials_are_an_input_of_a_classifier_that_knows_them_alone():
    svm = LinearSVM("linear_svm", [-2, 2], 1000)
    vote = TrialVote("trial_vote", "majority", svm)
    x, trial = np.zeros((6, 2)), np.array([0, 0, 1, 1, 2, 3])  # the last two are synthetic
    data = FitData(x, np.zeros(6), [6], x[:2], trial, np.array([4, 4]), n_synthetic=2)
    assert scoring._context(svm, data, 2) == {}
    assert scoring._context(vote, data, 1) != scoring._context(vote, data, 2)
    together = replace(data, trial=np.array([0, 0, 1, 1, 2, 2]))
    for n in range(3):
        assert (scoring._context(vote, together, n) == scoring._context(vote, data, n)) == (n < 2)
    for changed in ({"trial": np.array([0, 1, 1, 1, 2, 3])}, {"trial_held_out": np.array([4, 5])}):
        assert scoring._context(vote, replace(data, **changed), 0) != scoring._context(vote, data, 0)


def test_trials_decide_together_in_inner_folds_too(configure, tmp_path):
    scores = job.run(configure(tmp_path, "model=none", "classifier=trial_vote"))
    np.testing.assert_array_equal(scores.accuracy, scores.trial_accuracy)  # trials of one length
    inner = pd.read_csv(tmp_path / "job/selection.csv").accuracy_inner
    np.testing.assert_allclose(8 * inner, (8 * inner).round(), atol=1e-9)  # of eight training trials
    assert inner.nunique() > 1


@pytest.mark.parametrize("bounded_from", [None, 1])
def test_predictions_come_back_from_the_store_as_they_were(tmp_path, bounded_from):
    found = protocol.Predictions(np.arange(6).reshape(2, 3), bounded_from)
    scoring._save(Store(tmp_path), "key", found)
    loaded = scoring._load(Store(tmp_path), "key")
    np.testing.assert_array_equal(loaded.predictions, found.predictions)
    assert loaded.first_not_converged == bounded_from
    assert scoring._load(Store(tmp_path), "other") is None


@pytest.mark.parametrize(
    ("model", "change"),
    [
        ("recombination", lambda table: {"feature_names": np.char.replace(table["feature_names"], "FP1", "FPZ")}),
        ("random_effects", lambda table: {"trial": 2 * table["trial"] + np.arange(len(table["y"])) // 4 % 2}),
    ],
)
def test_what_a_control_sees_beside_the_windows_is_an_input_too(configure, tmp_path, table, counted, model, change):
    content = dict(np.load(table))
    eeg = ["FP1_delta", "FP1_alpha", "FP2_delta", "FP2_alpha", "FZ_delta", "FZ_theta"]
    content["feature_names"] = np.array([*eeg, *content["feature_names"][6:]])
    np.savez(tmp_path / "before.npz", **content)
    content |= change(content)
    np.savez(tmp_path / "after.npz", **content)
    options = [f"model={model}", "modality=eeg", "n_aug=50", "quality=true"]
    job.run(configure(tmp_path, *options, f"data.path={tmp_path / 'before.npz'}"))
    sizes(counted)
    assessed = counted["assessed"]
    shared = job.run(configure(tmp_path, *options, f"data.path={tmp_path / 'after.npz'}"))
    assert 50 in sizes(counted)
    assert counted["assessed"] > assessed
    alone = job.run(configure(tmp_path / "alone", *options, f"data.path={tmp_path / 'after.npz'}"))
    np.testing.assert_array_equal(shared.accuracy, alone.accuracy)
