"""The worked examples run, and print what they find."""

import re
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import torch

from emogan.data.members import members
from emogan.examples import against_smote, autocorrelation, leak, look_at_windows, own_table, what_is_missing
from emogan.report.paper_table import reported
from emogan.simulation import people
from emogan.simulation.releases import WRITERS

EXAMPLES = ("own_table", "against_smote", "look_at_windows", "what_is_missing", "leak", "autocorrelation")


def test_a_table_of_ones_own_becomes_an_augmented_classifier(tmp_path, capsys):
    random = np.random.default_rng(0)
    trial = np.repeat(np.arange(15), 6)
    effect = (trial % 3)[:, None] * [2.0, 0, 0]
    table = pd.DataFrame(random.normal(size=(90, 3)) + effect, columns=["a", "b", "c"])
    label, subject = np.array(["calm", "fear", "joy"])[trial % 3], 1 + trial // 9
    table.assign(label=label, subject=subject, trial=trial % 9).to_csv(tmp_path / "own.csv", index=False)
    search = own_table.main(tmp_path / "own.csv", iterations=5)
    said = capsys.readouterr().out
    assert len(search.cv_results_["params"]) == 16
    assert search.best_estimator_["augment"].n_features_in_ == 3
    assert f"n_aug={search.best_params_['augment__n_aug']}" in said
    assert float(re.search(r"held out: (.*)", said)[1]) > 0.6


@pytest.mark.slow
def test_smote_is_compared_on_the_same_folds_with_every_c_chosen_inside(capsys):
    found = against_smote.main(iterations=3)
    assert found.columns.tolist() == ["none", "noise", "SMOTE", "cBEGAN"]
    assert found.to_numpy().min() > 40
    assert found.to_numpy().max() <= 100
    assert len(re.findall(r"- none: [+-]", capsys.readouterr().out)) == 3


def test_nested_folds_never_share_a_trial_between_training_and_test():
    trial = np.repeat(np.arange(30), 4)
    for (train, test), *inner in against_smote.nested_folds(trial % 3, trial):
        assert not set(trial[train]) & set(trial[test])
        for inner_train, validation in inner:
            assert set(inner_train) | set(validation) == set(train)
            assert not set(trial[inner_train]) & set(trial[validation])


def test_quality_and_topographies_are_shown(tmp_path, capsys):
    table = look_at_windows.main(tmp_path / "new", iterations=3)
    assert table.loc["two_sample_auc", "cBEGAN"] > 0.95, "after three iterations anyone can tell"
    assert table.loc["two_sample_auc", "random effects"] < table.loc["two_sample_auc", "cBEGAN"]
    assert (tmp_path / "new/topographies.png").stat().st_size > 50_000
    assert "spread_ratio" in capsys.readouterr().out


def test_what_no_augmenter_knows_is_drawn_from_other_trials():
    random = np.random.default_rng(0)
    own = random.normal(size=(300, 4)), np.arange(300) % 3, np.arange(300) % 12
    other = random.normal(size=(900, 4)) + 5, np.arange(900) % 3, np.arange(900) % 36
    means, means_other = (what_is_missing.class_means(x, y) for x, y, _ in (own, other))
    expected = {"new trials": means_other, "true means": means_other, "true spread": means, "random effects": means}
    for kind, centres in expected.items():
        x, y = what_is_missing.windows(kind, 3000, own, other, seed=0)
        assert np.bincount(y).tolist() == [1000] * 3
        assert np.allclose(what_is_missing.class_means(x, y), centres, atol=0.2), kind
        x_from, y_from, _ = own if kind == "true means" else other
        if kind != "random effects":
            shapes = x_from - what_is_missing.class_means(x_from, y_from)[y_from]
            drawn = x - (means_other if "trials" in kind or "means" in kind else means)[y]
            assert all(np.isclose(shapes, one).all(1).any() for one in drawn[:50]), kind


@pytest.mark.slow
def test_the_lack_of_a_training_set_is_told_person_by_person(capsys, monkeypatch):
    monkeypatch.setattr(what_is_missing, "FOLDS", 3)
    found = what_is_missing.main(subjects=[1, 2], n_aug=30)
    assert found.shape == (2, 5)
    assert found["none"].min() > 40
    assert found["true means"].mean() > found["none"].mean()
    assert len(re.findall(r"- none: [+-]", capsys.readouterr().out)) == 4


@pytest.fixture(scope="module")
def eyes():
    return people.load("seed", modality="eye", subjects=[1], sessions=[1])


def test_the_leak_is_drawn_beside_the_paper_and_refused_by_the_audit(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(leak, "N_AUG", (0, 50))
    found = leak.main(["--subjects", "1", "2", "--iterations", "3", "--output", str(tmp_path / "new")])
    said = " ".join(capsys.readouterr().out.split())
    assert "LeakageError: subject 1, session 1, fold 0: 167 of the 167 windows held out from its test were seen" in said
    assert said.count("LeakageError") == said.count("no test window was seen") == 1
    assert leak.READING in said
    assert "SIMULATED" in said
    assert (tmp_path / "new/leak.png").stat().st_size > 50_000
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "new/leak.csv"), found)
    accuracy = found.set_index(["trained_on", "n_aug"]).accuracy
    assert accuracy[leak.ALL, 0] == accuracy[leak.TRAINING, 0]
    paper = reported().query("dataset == 'seed' and modality == 'eye'").set_index(["model", "n_aug"])["mean"]
    assert accuracy[leak.PAPER].tolist() == [paper["none", 0], paper["cbegan", 50]]


def test_a_gan_that_the_paper_does_not_have_stands_alone():
    scores = pd.DataFrame({"trained_on": np.repeat([leak.ALL, leak.TRAINING], 2 * len(leak.N_AUG))})
    scores = scores.assign(n_aug=[*leak.N_AUG] * 4, subject=np.repeat([1, 2, 1, 2], len(leak.N_AUG)))
    found = leak.points(scores.assign(session=1, fold=0, seed=0, accuracy=0.5), "cgan")
    assert set(found.trained_on) == {leak.ALL, leak.TRAINING}
    caption = leak.picture(found, "cgan", "SIMULATED").caption
    assert "Dotted" not in caption
    assert caption.endswith(leak.READING)


def test_both_gans_of_a_fold_are_scaled_alike_and_one_alone_has_the_test_windows(eyes):
    folds = members(eyes)
    sets = [leak.training_sets(eyes, folds, kind) for kind in (leak.TRAINING, leak.ALL)]
    for fold, plain, leaking in zip(folds, *sets, strict=True):
        assert np.array_equal(plain.rows, fold.train)
        assert np.array_equal(leaking.rows, np.arange(len(eyes.y)))
        assert np.array_equal(leaking.x[fold.train], plain.x)
        assert np.array_equal(leaking.scaler.span, plain.scaler.span)


def test_windows_of_a_gan_that_saw_the_test_trials_are_appended_to_the_training_windows_alone(eyes, monkeypatch):
    class Copies:
        """Draws the windows that it was fitted to, at equal steps."""

        def sample(self, y, generators):
            rows = [[data.of_class(k) for k in range(3)] for data in self.sets]
            drawn = [
                [own[k][i * len(own[k]) // y.shape[1]] for i, k in enumerate(labels)]
                for own, labels in zip(rows, y.tolist(), strict=True)
            ]
            return torch.tensor(np.array(drawn))

    monkeypatch.setattr(leak, "N_AUG", (0, 600))
    monkeypatch.setattr(leak, "fit", lambda augmenter, sets, *_, **options: setattr(augmenter, "sets", sets))
    scores = leak.accuracies(eyes, members(eyes), Copies())
    mean = scores.groupby(["trained_on", "n_aug"]).accuracy.mean()
    assert mean[leak.ALL, 0] == mean[leak.TRAINING, 0]
    assert mean[leak.ALL, 600] > mean[leak.ALL, 0] + 0.05
    assert abs(mean[leak.TRAINING, 600] - mean[leak.TRAINING, 0]) < 0.05


def test_the_leak_takes_a_copy_of_seed(eyes, tmp_path):
    WRITERS["seed"](people.load("seed", subjects=[1]), tmp_path / "release")
    options = ["--subjects", "1", "--root", str(tmp_path / "release"), "--output", str(tmp_path)]
    assert np.allclose(leak.prepared(options)[0].x, eyes.x)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--subjects", "0"], r"subjects: expected .*integers >= 1.*got \[0\]"),
        (["--iterations", "0"], "iterations: expected an integer >= 1, got 0"),
        (["--model", "gan"], "--model: invalid choice: 'gan'"),
        (["--root", "nowhere"], "root to be a folder, got .*nowhere, which does not exist"),
        (["--output", __file__], "--output: expected a folder that can be written to, got .*test_examples.py"),
    ],
)
def test_impossible_options_of_the_leak_are_refused(options, expected, capsys):
    with pytest.raises(SystemExit, match="2"):
        leak.main(options)
    assert re.search(expected, capsys.readouterr().err)


def test_the_autocorrelation_of_whole_trials_is_drawn_beside_that_of_single_windows(tmp_path, capsys):
    models = ["random_effects", "trial_bootstrap", "recurrent_cbegan"]
    table = autocorrelation.main(["--models", *models, "--iterations", "3", "--output", str(tmp_path / "new")])
    assert table.index.tolist() == models
    assert table.loc["trial_bootstrap", "autocorrelation_error"] < 0.1
    assert table.loc["random_effects", "autocorrelation_error"] > 0.25
    assert table.loc["recurrent_cbegan", "ms_per_update"] > 0
    assert (tmp_path / "new/autocorrelation.png").stat().st_size > 30_000
    points = pd.read_csv(tmp_path / "new/autocorrelation.csv")
    assert points.groupby("model").size().to_dict() == dict.fromkeys([*models, "training trials"], 11)
    assert points[points.lag == 0].autocorrelation.to_numpy() == pytest.approx(1)
    assert "people [1]" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_runs_as_a_script(name, tmp_path):
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", f"emogan.examples.{name}"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    print(f"{name}: {time.perf_counter() - start:.0f} s\n{done.stdout}")
    assert done.returncode == 0, done.stderr
    assert done.stdout
