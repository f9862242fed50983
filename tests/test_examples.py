"""The worked examples run, and print what they find."""

import re
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from emogan.examples import against_smote, look_at_windows, own_table, what_is_missing

EXAMPLES = ("own_table", "against_smote", "look_at_windows", "what_is_missing")


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
    own = random.normal(size=(300, 4)), np.arange(300) % 3, np.arange(300) // 3 % 12
    other = random.normal(size=(900, 4)) + 5, np.arange(900) % 3, np.arange(900) // 3 % 36
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


def test_the_lack_of_a_training_set_is_told_person_by_person(capsys, monkeypatch):
    monkeypatch.setattr(what_is_missing, "FOLDS", 3)
    found = what_is_missing.main(subjects=[1, 2], n_aug=30)
    assert found.shape == (2, 5)
    assert found["none"].min() > 40
    assert found["true means"].mean() > found["none"].mean()
    assert len(re.findall(r"- none: [+-]", capsys.readouterr().out)) == 4


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
