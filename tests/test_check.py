"""Tests of the check of a data set on disk, on simulated trees and on trees that are damaged in one place each."""

import pickle
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from emogan.check import check
from emogan.data.named import settings_of
from emogan.data.published import PUBLISHED
from emogan.environment import config_dir
from emogan.simulate import simulate

SEED_V = {
    "_target_": "emogan.data.seed.seed_v.load", "eeg_order": "channel_major", "modality": "eye", "subjects": None,
    "sessions": None,
}  # fmt: skip
EYES = Path("Eye_movement_features")


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    root = tmp_path_factory.mktemp("trees")
    simulate("seed_v", root / "seed_v", subjects=range(1, 17))
    shutil.rmtree(root / "seed_v" / "EEG_DE_features")  # the eye movements alone, which are small
    simulate("faced", root / "faced", subjects=[0, 1])
    return root


@pytest.fixture
def seed_v(trees, tmp_path):
    """A copy of the tree of SEED-V, of which a test may damage something."""
    return shutil.copytree(trees / "seed_v", tmp_path / "copy")


def looked_at(root, data=SEED_V, **changes) -> tuple[str, bool]:
    return check({**data, "root": str(root), **changes}, data["modality"])


def test_a_whole_tree_fits_and_the_report_says_what_is_in_it(trees):
    report, fits = looked_at(trees / "seed_v")
    assert fits, report
    assert "16 subjects x 3 sessions = 48 experiments, 15 trials and 541-681 windows each; 33 features" in report
    assert "film clips: 45, of which all people watched 45" in report
    assert "paper (144 training sets)" in report
    assert "trials (with evaluation.n_folds=3, at most 3: 144 training sets)" in report
    assert "all that was asked for is there, as published" in report
    assert "issue" not in report


@pytest.mark.parametrize(
    ("name", "found"), [("seed", "41 eye"), ("seed_iv", "31 eye"), ("seed_vii", "33 eye"), ("seed_ger", "33 eye")]
)
def test_what_is_simulated_of_the_other_data_sets_is_as_published(tmp_path, name, found):
    root = simulate(name, tmp_path / "tree", subjects=[1, 2])
    report, fits = check({**settings_of(name), "root": str(root), "subjects": [1, 2]})
    assert fits, report
    assert f"(310 eeg + {found})" in report


def test_people_who_are_missing_are_named_unless_others_were_asked_for(seed_v):
    for person in (7, 9):
        (seed_v / EYES / f"{person}_123.npz").unlink()
    report, fits = looked_at(seed_v)
    assert not fits
    assert "- people who are missing: 7, 9\n" in report
    assert looked_at(seed_v, subjects=[1, 2])[1]
    report, fits = looked_at(seed_v, subjects=[1, 9])
    assert not fits
    assert "expected eye features of subject 9" in report


def test_a_truncated_file_is_named_and_what_else_is_there_is_still_told(seed_v):
    path = seed_v / EYES / "3_123.npz"
    path.write_bytes(path.read_bytes()[:5000])
    (seed_v / EYES / "5_123.npz").unlink()
    report, fits = looked_at(seed_v)
    assert not fits
    assert "14 subjects x 3 sessions" in report
    assert len(re.findall(r"^- .*3_123\.npz", report, re.MULTILINE)) == 1
    assert "people who are missing: 5\n" in report


def test_the_sentence_for_the_developers_tells_all_and_no_folder(seed_v):
    (seed_v / EYES / "3_123.npz").write_bytes(b"PK")
    report, _ = looked_at(seed_v)
    sentence = report.split("is called DATA:\n\n")[1]
    assert "emogan.data.seed.seed_v.load: DATA/Eye_movement_features/3_123.npz: " in sentence
    assert str(seed_v) not in sentence


def test_the_sentence_is_whole_where_the_data_lie_in_the_folder_of_work(seed_v, monkeypatch):
    (seed_v / EYES / "3_123.npz").write_bytes(b"PK")
    monkeypatch.chdir(seed_v)
    report, _ = looked_at(".")
    assert "emogan.data.seed.seed_v.load: DATA/Eye_movement_features/3_123.npz: " in report


def rewrite(path: Path, change) -> None:
    """Apply a function to a file's tables of windows and labels."""
    with np.load(path) as stored:
        data, label = (pickle.loads(stored[entry].item()) for entry in ("data", "label"))
    change(data, label)
    np.savez(path, data=pickle.dumps(data), label=pickle.dumps(label))


def shorter(data, label):
    label[3] = label[3][:-1]


def without_a_trial(data, label):
    del data[20]


def with_another_label(data, label):
    label[16][:] = 4


def with_fewer_windows(data, label):
    data[16], label[16] = data[16][:-2], label[16][:-2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (shorter, r"trial 3 of label as numbers of shape \(\d+,\), got shape"),
        (without_a_trial, r"expected trials 15\.\.29 in data \(session 2\), missing 20"),
        (with_another_label, r"another label than published in the trials 2 \(4, not 1\): subject 2, session 2"),
        (
            with_fewer_windows,
            r"another number of windows than published in the trials 2 \(45, not 47\): subject 2, session 2",
        ),
    ],
)
def test_wrong_numbers_of_labels_trials_and_windows_are_told_with_their_place(seed_v, change, message):
    rewrite(seed_v / EYES / "2_123.npz", change)
    report, fits = looked_at(seed_v)
    assert not fits
    assert re.search(rf"^- .*{message}", report, re.MULTILINE), report


def test_people_whose_files_do_not_go_together_are_told(seed_v):
    def narrower(data, label):
        data.update({k: x[:, :32] for k, x in data.items()})

    rewrite(seed_v / EYES / "2_123.npz", narrower)
    report, fits = looked_at(seed_v)
    assert not fits
    assert re.search(r"^- .*2_123\.npz.*expected 33 features as in the first file, got 32", report, re.MULTILINE)


def test_a_value_that_does_not_exist_is_refused_by_the_loader(trees):
    report, fits = check({**settings_of("faced"), "root": str(trees / "faced"), "classes": "mood"})
    assert not fits
    assert "data.classes: expected emotion | valence, got 'mood'" in report


@pytest.mark.parametrize(("setting", "value"), [("last_s", "abc"), ("settings", {"window_s": 0})])
def test_an_impossible_value_is_refused_by_the_loader_before_anything_is_compared(tmp_path, setting, value):
    data = settings_of("dreamer")
    data[setting] = {**data["settings"], **value} if isinstance(value, dict) else value
    report, fits = check({**data, "root": str(tmp_path)})
    assert not fits
    assert "expected" in report


def test_a_renamed_file_is_told_by_its_name_and_by_the_person_who_is_missing(seed_v):
    (seed_v / EYES / "4_123.npz").rename(seed_v / EYES / "4_123 (1).npz")
    report, fits = looked_at(seed_v)
    assert not fits
    assert "passed over 4_123 (1).npz: almost named as data files are" in report
    assert "people who are missing: 4\n" in report


def test_a_person_too_many_is_told(seed_v):
    shutil.copy(seed_v / EYES / "4_123.npz", seed_v / EYES / "17_123.npz")
    report, fits = looked_at(seed_v)
    assert not fits
    assert "people that the published data set does not have: 17\n" in report


def test_files_of_the_system_and_a_folder_deeper_change_nothing_and_are_told(seed_v):
    for name in (".DS_Store", "._4_123.npz", "Thumbs.db"):
        (seed_v / EYES / name).write_bytes(b"stray")
    (seed_v / "deeper").mkdir()
    shutil.move(seed_v / EYES, seed_v / "deeper" / EYES)
    (seed_v / EYES).mkdir()
    report, fits = looked_at(seed_v)
    assert fits, report
    assert "passed over .DS_Store, ._4_123.npz, Thumbs.db, readme.txt" in report


def test_a_folder_without_the_data_set_is_told_and_one_that_is_not_there_is_no_fault_of_emogan(trees):
    report, fits = looked_at(trees / "faced")
    assert not fits
    assert "expected a folder Eye_movement_features with files like 1_123.npz" in report
    assert "issue" in report
    report, fits = looked_at(trees / "nothing")
    assert not fits
    assert "which does not exist" in report
    assert "issue" not in report


def test_a_data_set_without_a_published_format_is_loaded_and_described(table):
    data = {"_target_": "emogan.data.table.load", "path": str(table), "name": "mine"}
    report, fits = check(data)
    assert fits
    assert "mine: 2 subjects x 1 sessions" in report
    assert "film clips: not known" in report
    assert "no published format to compare it with" in report
    assert "hold windows of several classes" not in report
    report, fits = check({**data, "subjects": [3]})
    assert not fits
    assert "subject" in report


def test_trials_of_several_classes_are_told(tmp_path):
    x = np.random.default_rng(0).random((2, 12))
    columns = {"subject": 1, "trial": np.arange(12) // 2 % 3, "label": np.arange(12) // 6, "a": x[0], "b": x[1]}
    pd.DataFrame(columns).to_csv(tmp_path / "own.csv", index=False)
    report, fits = check({"_target_": "emogan.data.table.load", "path": str(tmp_path / "own.csv")}, "eeg")
    assert fits
    assert "note: 3 of 3 trials hold windows of several classes" in report


def test_every_published_format_is_that_of_a_data_set_that_can_be_loaded():
    targets = {
        re.search(r"^_target_: (\S+)", path.read_text(), re.MULTILINE)[1]
        for path in Path(config_dir(), "data").glob("*.yaml")
        if "_target_" in path.read_text()
    }
    assert set(PUBLISHED) <= targets
    assert targets - set(PUBLISHED) == {
        "emogan.data.table.load", "emogan.recordings.load.load", "emogan.simulation.people.load"
    }  # fmt: skip


def test_the_command_says_it_and_tells_by_its_exit_code(trees, tmp_path, command):
    whole = command(tmp_path / "a", "data=faced", f"data.root={trees / 'faced'}", "data.subjects=[0,1]", module="check")
    assert whole.exit_code() == 0, whole.said
    assert "2 subjects x 1 sessions" in whole.said
    assert "evaluation.folds that these trials do not allow: paper, front_back, leave_session_out" in whole.said
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["said.txt"]
    partial = command(tmp_path / "b", "data=faced", f"data.root={trees / 'faced'}", module="check")
    assert partial.exit_code() == 1
    assert "people who are missing: 2, 3, 4" in partial.said
    wrong = command(tmp_path / "c", "data=faced", module="check")
    assert wrong.exit_code() == 1
    assert "data.root: expected a value, got none" in wrong.said
