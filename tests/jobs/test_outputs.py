"""What a job leaves beside its scores, and what the options of the evaluation change."""

import json
from itertools import product

import numpy as np
import pandas as pd
import pytest
import torch
from hydra.errors import CompactHydraException
from represented import represented

import emogan
from emogan import train
from emogan.data import table as tables
from emogan.data.members import members, permute_labels
from emogan.evaluation.audit import LeakageError
from emogan.jobs import job
from emogan.versions import AUGMENTERS, COMPUTATIONS

IDENTITY = ["dataset", "subject", "session", "fold", "modality", "model", "n_aug", "seed"]


@pytest.fixture(scope="module")
def done(tmp_path_factory, configure):
    """A finished job with a control whose strength is chosen: its folder and its scores."""
    folder = tmp_path_factory.mktemp("done")
    return folder / "job", job.run(
        configure(folder, "model=noise", "model.strength=[0.01,2.0]", "n_aug=[0,50]", "quality=true")
    )


def read(folder, name):
    return pd.read_csv(folder / name, keep_default_na=False)


def test_every_file_has_a_row_for_every_score(done):
    folder, scores = done
    selection, confusion = read(folder, "selection.csv"), read(folder, "confusion.csv")
    pd.testing.assert_frame_equal(selection[IDENTITY], scores[IDENTITY], check_dtype=False)
    assert list(selection.columns[8:]) == ["accuracy_inner", "settings", "settings_oracle"]
    assert selection.accuracy_inner.between(0, 1).all()
    counts = confusion.groupby(IDENTITY, sort=False)["count"].sum().reset_index()
    np.testing.assert_array_equal(counts["count"], scores.n_test)
    right = confusion[confusion.label == confusion.predicted].groupby(IDENTITY, sort=False)["count"].sum()
    np.testing.assert_allclose(right.to_numpy() / scores.n_test, scores.accuracy)


def test_the_strength_is_chosen_on_training_trials_and_told(done, configure):
    folder, scores = done
    selection = read(folder, "selection.csv")
    chosen = selection.settings[scores.n_aug == 50].map(json.loads)
    assert {one["strength"] for one in chosen} <= {0.01, 2.0}
    alone = {}
    for strength in (0.01, 2.0):
        where = folder.parent / str(strength)
        cfg = configure(folder.parent, "model=noise", f"model.strength={strength}", "n_aug=50", f"folder={where}")
        alone[strength] = job.run(cfg), read(where, "selection.csv")
    for m in range(6):
        row = scores[scores.n_aug == 50].iloc[m]
        rates = {strength: one[1].accuracy_inner[m] for strength, one in alone.items()}
        best = max(rates, key=rates.get)  # the first of equals
        assert chosen.iloc[m] == {"strength": best}
        assert row.accuracy == alone[best][0].accuracy[m]
        assert row.c == alone[best][0].c[m]
    for _, rows in scores[scores.n_aug == 50].groupby("subject"):
        means = [one[0][one[0].subject == rows.subject.iloc[0]].accuracy_oracle.mean() for one in alone.values()]
        assert rows.accuracy_oracle.mean() == pytest.approx(max(means))


def test_quality_has_a_row_per_member_class_and_metric(done):
    folder, _ = done
    quality = read(folder, "quality.csv")
    assert list(quality.columns) == [
        "dataset", "subject", "session", "fold", "modality", "model", "class", "metric", "value", "reference"
    ]  # fmt: skip
    per_metric = quality.groupby("metric").size()
    assert (per_metric == 6 * 3).all()
    assert {"spread_ratio", "frechet_distance", "two_sample_auc", "closest_record"} <= set(per_metric.index)
    assert set(quality["class"]) == {"negative", "neutral", "positive"}


def test_the_windows_to_look_at_are_the_first_members_in_scaled_units(done, table):
    folder, _ = done
    features = tables.load(table)
    first = members(features, "trials", 3)[0].train
    with np.load(folder / "windows.npz") as windows:
        assert windows["x_real"].shape == windows["x_synthetic"].shape == (len(first), 10)
        np.testing.assert_allclose(windows["x_real"].max(0), 1, atol=1e-6)
        np.testing.assert_array_equal(windows["y_real"], features.y[first])
        np.testing.assert_array_equal(np.bincount(windows["y_synthetic"]), np.bincount(features.y[first]))
        assert list(windows["eye"]) == [6, 10]
        assert str(windows["training_set"]) == "subject 1, session 1, fold 0"
        expected = np.mean(
            [
                [features.x[m.train][features.y[m.train] == k].mean(0) for k in range(3)]
                for m in members(features, "trials", 3)
            ],
            axis=0,
        )
        np.testing.assert_allclose(windows["mean_real"], expected, rtol=1e-5, atol=1e-6)


def test_run_json_tells_the_evaluation_and_the_audits_verdict(done):
    run = json.loads((done[0] / "run.json").read_text())
    assert run["audit"]["verdict"] == "no test window was seen"
    assert run["evaluation"]["inner"] == "refit"
    assert run["classifier"] == "linear_svm"
    assert (run["versions"]["emogan"], run["versions"]["torch"]) == (emogan.__version__, torch.__version__)
    assert run["computations"] == COMPUTATIONS | AUGMENTERS
    assert run["n_aug"] == [0, 50]
    for member in run["members"]:
        assert member["scaler_saw"] == member["augmenter_saw"]


def test_a_trial_stored_twice_under_another_name_fails_the_job_before_training(configure, tmp_path, table):
    content = dict(np.load(table))
    content["x"][content["trial"] == 3] = content["x"][content["trial"] == 0]
    np.savez(tmp_path / "own.npz", **content)
    cfg = configure(tmp_path, "model=none", f"data.path={tmp_path / 'own.npz'}")
    with pytest.raises(LeakageError, match="Are trials stored twice"):
        job.run(cfg)
    cfg.evaluation.equal_windows = "report"
    job.run(cfg)
    run = json.loads((tmp_path / "job/run.json").read_text())
    assert run["audit"]["verdict"].startswith("LEAKS: ")


def test_an_augmenter_that_gives_test_windows_away_fails_the_job(configure, tmp_path, monkeypatch):
    whole = job.sample

    def leaking(*given):
        found = whole(*given)
        drawn = found.x.copy()
        drawn[0, 7] = stolen["x"]
        return found._replace(x=drawn)

    stolen, prepare = {}, job.prepare

    def watched(*given):
        features, plan = prepare(*given)
        member = plan.splits[0].member
        stolen["x"] = plan.sets[0].scaler.transform(features.x[member.test[:1]])
        return features, plan

    monkeypatch.setattr(job, "sample", leaking)
    monkeypatch.setattr(job, "prepare", watched)
    with pytest.raises(LeakageError, match="1 synthetic windows of model=duplicate are copies of test windows"):
        job.run(configure(tmp_path, "model=duplicate"))
    assert not (tmp_path / "job/scores.csv").exists()


def test_a_job_that_fails_says_why_in_a_file_that_a_later_success_removes(configure, tmp_path, monkeypatch):
    cfg = configure(tmp_path, "model=none")
    with monkeypatch.context() as patch:
        patch.setattr(job.scoring, "score", lambda *_, **__: (_ for _ in ()).throw(ValueError("not this time")))
        with pytest.raises(CompactHydraException, match="not this time"):
            train.run(cfg)
    failed = json.loads((tmp_path / "job/failed.json").read_text())
    assert (failed["error"], failed["message"]) == ("ValueError", "not this time")
    assert "Traceback" in failed["traceback"]
    train.run(cfg)
    assert not (tmp_path / "job/failed.json").exists()
    assert (tmp_path / "job/scores.csv").exists()


def test_permuted_labels_change_trials_as_a_whole_and_the_data_sets_name(table):
    features = tables.load(table)
    permuted = permute_labels(features, seed=0)
    assert permuted.dataset == "features_permuted"
    np.testing.assert_array_equal(permuted.x, features.x)
    assert (permuted.y != features.y).any()
    for _, _, rows in features.experiments():
        trials = features.trial[rows]
        labels = [set(permuted.y[rows][trials == t]) for t in np.unique(trials)]
        assert all(len(label) == 1 for label in labels)
        before = sorted(features.y[rows][trials == t][0] for t in np.unique(trials))
        assert sorted(label.pop() for label in labels) == before
    assert permute_labels(features, seed=0).y.tolist() == permuted.y.tolist()
    assert permute_labels(features, seed=1).y.tolist() != permuted.y.tolist()


def test_fewer_trials_per_class_train_on_fewer_windows(configure, tmp_path):
    sizes = {}
    for n in (1, 2, "null"):
        scores = job.run(configure(tmp_path, "model=none", f"evaluation.trials_per_class={n}"))
        sizes[n] = set(scores.n_train)
        assert set(scores.n_test) == {32}
    assert sizes == {1: {3 * 8}, 2: {6 * 8}, "null": {64}}


@pytest.mark.parametrize("name", represented(["lda", "logistic_regression"], by=["lda"]))
def test_another_classifier_scores_its_own_parameter(configure, tmp_path, name):
    cfg = configure(tmp_path, "model=duplicate", f"classifier={name}", "n_aug=[0,50]")
    scores = job.run(cfg)
    assert set(scores.c) | set(scores.c_oracle) <= set(map(float, cfg.classifier["values"]))
    assert scores.accuracy.mean() > 0.4
    assert not (tmp_path / "job/quality.csv").exists()


NOISE, GAN = "model=noise model.strength=0.1", "model=trial_cbegan model.iterations=3"
FEWER, PERMUTED = "evaluation.trials_per_class=2", "evaluation.permute_labels=true"


@pytest.mark.parametrize(
    ("model", "option"), represented(product([NOISE, GAN], [FEWER, PERMUTED]), by=[(NOISE, PERMUTED), (GAN, FEWER)])
)
def test_a_subject_gets_the_same_whoever_else_is_in_the_job(configure, tmp_path, model, option):
    overrides = *model.split(), "n_aug=50", "quality=true", option
    both = job.run(configure(tmp_path / "both", *overrides))
    alone = job.run(configure(tmp_path / "alone", *overrides, "data.subjects=[2]"))
    pd.testing.assert_frame_equal(alone, both[both.subject == 2].reset_index(drop=True), check_exact=True)
    quality = [read(tmp_path / where / "job", "quality.csv") for where in ("both", "alone")]
    own = quality[0][quality[0].subject == 2].reset_index(drop=True)
    pd.testing.assert_frame_equal(own, quality[1], check_exact=True)


def test_the_fingerprint_is_that_of_the_data_as_loaded(configure, tmp_path, table):
    job.run(configure(tmp_path, "model=none", "evaluation.permute_labels=true"))
    run = json.loads((tmp_path / "job/run.json").read_text())
    assert run["data"]["fingerprint"] == tables.load(table).fingerprint()


def test_curves_of_groups_are_not_left_beside_those_of_all_members(configure, tmp_path):
    job.run(configure(tmp_path, "model=cbegan", "machine.group_size=9"))
    assert {path.parent.name for path in (tmp_path / "job").rglob("*tfevents*")} == {"job"}
    assert not [path for path in (tmp_path / "job").iterdir() if path.is_dir()]


def test_nothing_of_an_earlier_job_is_left_in_its_folder(configure, tmp_path):
    job.run(configure(tmp_path, "model=cbegan", "machine.group_size=9"))
    job.run(configure(tmp_path, "model=duplicate", "quality=true"))
    job.run(configure(tmp_path, "model=none"))
    left = [path for path in (tmp_path / "job").rglob("*") if path.is_file()]
    assert not {"quality.csv", "curves.csv", "windows.npz"} & {path.name for path in left}
    assert [path.parent.name for path in left if "tfevents" in path.name] == ["job"]  # the hyperparameters of the last


def test_class_means_of_synthetic_windows_are_in_original_units(configure, tmp_path, table):
    cfg = configure(tmp_path, "model=noise", "model.strength=0.1", "evaluation.folds=front_back", "data.subjects=[1]")
    job.run(cfg)  # one training set
    (only,) = members(tables.load(table, subjects=[1]), "front_back")
    x = tables.load(table, subjects=[1]).x[only.train].astype(np.float64)
    with np.load(tmp_path / "job/windows.npz") as windows:
        scaled = windows["x_synthetic"] * (x.max(0) - x.min(0)) + x.min(0)
        expected = [scaled[windows["y_synthetic"] == k].mean(0) for k in range(3)]
        np.testing.assert_allclose(windows["mean_synthetic"], expected, rtol=1e-5, atol=1e-5)


def test_without_synthetic_windows_there_is_nothing_to_choose(configure, tmp_path):
    scores = job.run(configure(tmp_path, "model=noise", "model.strength=[0.1,0.2]", "n_aug=0"))
    assert set(read(tmp_path / "job", "selection.csv").settings) == {"{}"}
    assert set(scores.n_aug) == {0}


def test_the_fingerprint_of_an_experiment_is_its_own_whoever_else_is_there(configure, tmp_path):
    found = []
    for name, subjects in (("both", "null"), ("second", "[2]")):
        job.run(configure(tmp_path / name, "model=none", f"data.subjects={subjects}", "evaluation.c_exponents=[0,0]"))
        found.append(json.loads((tmp_path / name / "job/run.json").read_text())["data"]["experiments"])
    both, second = found
    assert set(second) == {"2, 1"} < set(both)
    assert both["2, 1"] == second["2, 1"]
    assert len(set(both.values())) == len(both)
