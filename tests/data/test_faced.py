"""Tests of the FACED loader on trees written by hand after the published format, and on a simulated one."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from emogan.data import faced
from emogan.data.folds import resolve
from emogan.data.members import members
from emogan.simulate import simulate
from emogan.simulation.faced import simulate as simulated_people

LABELS = [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3 + [4] * 4 + [5] * 3 + [6] * 3 + [7] * 3 + [8] * 3
VALENCE = [0] * 12 + [1] * 4 + [2] * 12


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return simulate("faced", tmp_path_factory.mktemp("simulated") / "FACED", subjects=[0, 10])


def write(root: Path, array: object, name: str = "sub007.pkl.pkl", protocol: int = 4) -> Path:
    path = root / "EEG_Features" / "DE" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(array, protocol))
    return path


def cube(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(28, 32, 30, 5))


def test_a_simulated_tree_is_loaded_to_the_last_bit(root):
    found, expected = faced.load(root.parent), simulated_people([0, 10])
    assert found.fingerprint() == expected.fingerprint()
    assert found.dataset == "synthetic_faced"
    assert found.summary().startswith(
        "synthetic_faced: 2 subjects x 1 sessions = 2 experiments, 28 trials and 840 windows"
    )
    assert found.stimulus.tolist() == found.trial.tolist()


@pytest.mark.parametrize(("name", "protocol"), [("sub007.pkl.pkl", 2), ("sub007.pkl", 4)])
def test_every_value_lands_at_its_clip_second_channel_and_band_and_the_references_are_left_out(
    tmp_path, name, protocol
):
    x = cube()
    write(tmp_path, x, name, protocol)
    found = faced.load(tmp_path / "EEG_Features" / "DE")
    assert found.x.shape == (28 * 30, 150)
    for clip, second, channel, band in ((0, 0, 0, 0), (27, 29, 29, 4), (13, 7, 11, 2)):
        row = (found.trial == clip + 1).nonzero()[0][second]
        assert found.x[row, 5 * channel + band] == np.float32(x[clip, channel, second, band])
    assert found.feature_names[5 * 11 + 2] == "CZ_alpha"
    assert not {"A1_delta", "A2_delta"} & set(found.feature_names)
    assert set(found.subject) == {7}
    assert found.dataset == "faced"


def test_the_clips_have_nine_emotions_or_three_valences(root):
    emotion, valence = (faced.load(root, classes=classes, subjects=[0]) for classes in ("emotion", "valence"))
    assert emotion.y[::30].tolist() == LABELS
    assert valence.y[::30].tolist() == VALENCE
    assert valence.class_names == ("negative", "neutral", "positive")
    assert valence.dataset == "synthetic_faced_valence"
    np.testing.assert_array_equal(emotion.x, valence.x)


@pytest.mark.parametrize(("classes", "n_folds"), [("emotion", 3), ("valence", 4)])
def test_its_own_folds_leave_one_clip_of_each_class_out_or_as_many_of_each_as_there_are(root, classes, n_folds):
    found = faced.load(root, classes=classes)
    splits = members(found, resolve("auto", found))
    assert len(splits) == 2 * n_folds
    clips = {k: len(np.unique(found.trial[found.y == k])) for k in range(found.n_classes)}
    for split in splits:
        for k, count in clips.items():
            tested = len(np.unique(found.trial[split.test][found.y[split.test] == k]))
            assert count // n_folds <= tested <= -(-count // n_folds)


def test_clips_are_the_same_for_all_people_so_that_new_ones_can_be_tested_in_new_people(root):
    found = faced.load(root)
    for split in members(found, "leave_subject_out", 3, "unseen"):
        assert not set(found.stimulus[split.train]) & set(found.stimulus[split.test])


def test_a_selection_holds_the_people_asked_for_and_a_missing_one_is_named(root):
    assert set(faced.load(root, subjects=[10]).subject) == {10}
    with pytest.raises(ValueError, match=r"expected eeg features of subject 5; subjects with eeg features: 0, 10\."):
        faced.load(root, subjects=[5])


def test_stray_files_are_passed_by(root, tmp_path):
    shutil.copytree(root, tmp_path / "a")
    for name in ("._sub010.pkl.pkl", "sub010 (1).pkl.pkl", "notes.pkl", "sub3.pkl"):
        (tmp_path / "a" / "EEG_Features" / "DE" / name).write_bytes(b"stray")
    assert faced.load(tmp_path).fingerprint() == faced.load(root).fingerprint()


def test_eye_movement_features_alone_are_refused(root):
    with pytest.raises(ValueError, match="as FACED has no eye movement features, got eye"):
        faced.load(root, modality="eye")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (cube()[:27], r"DE of 28 clips.*\(28, 32, 30, 5\), got shape \(27, 32, 30, 5\)"),
        (cube()[:, :30], r"got shape \(28, 30, 30, 5\)"),
        (np.where(cube() == cube().max(), np.nan, cube()), r"expected finite features, got nan as \w+_\w+ in window"),
        ({"data": cube()}, r"got shape \(\) of type object"),
        (Path("x"), "which could run code; nothing was run"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path, array, message):
    write(tmp_path, array)
    with pytest.raises(ValueError, match=rf"sub007\.pkl\.pkl: .*{message}"):
        faced.load(tmp_path)


def test_a_truncated_file_and_two_files_of_one_person_are_refused_by_name(tmp_path):
    path = write(tmp_path, cube())
    write(tmp_path, cube(), "sub007.pkl")
    with pytest.raises(ValueError, match=r"expected one file of subject 7, session 1, got .*sub007\.pkl"):
        faced.load(tmp_path)
    path.with_name("sub007.pkl").unlink()
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(ValueError, match=r"sub007\.pkl\.pkl: .*expected a whole pickle, got its first 100000 bytes"):
        faced.load(tmp_path)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"expected a folder DE with files like sub000\.pkl\.pkl"):
        faced.load(tmp_path)


def test_a_job_runs_from_end_to_end(root, tmp_path, command):
    done = command(
        tmp_path, "data=faced", f"data.root={root}", "data.subjects=[10]", "data.classes=valence", "modality=eeg",
        "model=cbegan", "model.iterations=3", "model.hidden=20", "n_aug=20",
        "evaluation.inner=reuse", "evaluation.inner_folds=2", "evaluation.c_exponents=[-2,0]", "machine.threads=1",
        "quality=false",
    )  # fmt: skip
    assert done.exit_code() == 0, done.said
    (scores,) = tmp_path.glob("outputs/*/*/scores.csv")
    frame = pd.read_csv(scores)
    assert set(frame.dataset) == {"synthetic_faced_valence"}
    assert sorted(frame.fold) == [0, 1, 2, 3]
