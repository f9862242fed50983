"""Tests of the simulated trees: their names, keys, types and shapes, and the command that writes them."""

import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

from emogan.data.seed import seed, seed_iv, seed_v
from emogan.simulate import simulate
from emogan.simulation import people
from emogan.simulation.releases import WRITERS, write_seed, write_seed_iv, write_seed_v, write_seed_vii

SHAPES = {"de": (62, 5), "psd": (62, 5), "dasm": (27, 5), "rasm": (27, 5), "asm": (54, 5), "dcau": (23, 5)}


@pytest.fixture(scope="module")
def features():
    """Simulated features of the three data sets, one subject each."""
    return {name: people.load(name, subjects=[3]) for name in ("seed", "seed_v", "seed_iv")}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def assert_eeg_variables(path: Path, n_trials: int) -> None:
    stored = {key: value for key, value in loadmat(path).items() if not key.startswith("__")}
    kinds = [f"{kind}_{smoothing}" for kind in SHAPES for smoothing in ("LDS", "movingAve")]
    assert set(stored) == {f"{kind}{i}" for kind in kinds for i in range(1, n_trials + 1)}
    for i in range(1, n_trials + 1):
        windows = stored[f"de_LDS{i}"].shape[1]
        for kind in kinds:
            rows, bands = SHAPES[kind.split("_")[0]]
            assert stored[f"{kind}{i}"].shape == (rows, windows, bands)
            assert stored[f"{kind}{i}"].dtype == np.float64
            assert np.isfinite(stored[f"{kind}{i}"]).all()


def test_a_seed_tree_has_the_names_keys_and_types_of_the_release(features, tmp_path):
    write_seed(features["seed"], tmp_path)
    folder = tmp_path / "SEED_EEG" / "ExtractedFeatures_4s"
    files = names(folder)
    assert {"label.mat", "readme.txt"} < set(files)
    assert len([name for name in files if name.startswith("3_") and len(name) == len("3_20131027.mat")]) == 3
    assert_eeg_variables(folder / files[0], 15)
    label = loadmat(folder / "label.mat")["label"]
    assert label.tolist() == [[1, 0, -1, -1, 0, 1, -1, 0, 1, 1, 0, -1, 0, 1, -1]]
    chinese = tmp_path / "SEED_Multimodal" / "Chinese"
    with np.load(chinese / "02-EEG-DE-feature" / "eeg_used_4s" / "3_2.npz", allow_pickle=False) as stored:
        assert set(stored) == {"train_data", "test_data", "train_label", "test_label"}
        for part, n in (("train", 499), ("test", 343)):
            bands = pickle.loads(stored[f"{part}_data"].item())
            assert {band: x.shape for band, x in bands.items()} == dict.fromkeys(
                ("delta", "theta", "alpha", "beta", "gamma"), (n, 62)
            )
            assert stored[f"{part}_label"].shape == (n,)
    folder = chinese / "04-Eye-tracking-feature" / "eye_tracking_feature"
    assert {"3_1", "3_2", "3_3", "readme.txt"} == set(names(folder))
    eye = pickle.loads((folder / "3_1").read_bytes())
    assert {name: x.shape for name, x in eye.items()} == {"train_data_eye": (499, 41), "test_data_eye": (343, 41)}


def test_a_seed_v_tree_has_the_names_keys_and_types_of_the_release(features, tmp_path):
    write_seed_v(features["seed_v"], tmp_path)
    for folder, columns in (("EEG_DE_features", 310), ("Eye_movement_features", 33)):
        assert names(tmp_path / folder) == ["3_123.npz", "readme.txt"]
        with np.load(tmp_path / folder / "3_123.npz", allow_pickle=False) as stored:
            assert all(stored[entry].shape == () and stored[entry].dtype.kind == "S" for entry in ("data", "label"))
            data, label = (pickle.loads(stored[entry].item()) for entry in ("data", "label"))
        assert list(data) == list(label) == list(range(45))
        for k in range(45):
            assert data[k].shape == (len(label[k]), columns)
            assert len(set(label[k].tolist())) == 1


def test_a_seed_iv_tree_has_the_names_keys_and_types_of_the_release(features, tmp_path):
    write_seed_iv(features["seed_iv"], tmp_path)
    for session in ("1", "2", "3"):
        (eeg,) = (tmp_path / "eeg_feature_smooth" / session).iterdir()
        (eye,) = (tmp_path / "eye_feature_smooth" / session).iterdir()
        assert eeg.name == eye.name
        assert_eeg_variables(eeg, 24)
        stored, brain = loadmat(eye), loadmat(eeg)
        for i in range(1, 25):
            assert stored[f"eye_{i}"].shape == (31, brain[f"de_LDS{i}"].shape[1])


def test_one_modality_alone_is_written_and_read(tmp_path):
    eye = people.load("seed", subjects=[3], modality="eye")
    write_seed(eye, tmp_path / "eye")
    assert seed.load(tmp_path / "eye", modality="eye").fingerprint() == eye.fingerprint()
    assert not (tmp_path / "eye" / "SEED_EEG").exists()
    eeg = people.load("seed", subjects=[3], modality="eeg")
    write_seed(eeg, tmp_path / "eeg")
    assert seed.load(tmp_path / "eeg", modality="eeg").fingerprint() == eeg.fingerprint()


@pytest.mark.parametrize(
    ("name", "write", "load"),
    [("seed", write_seed, seed.load), ("seed_v", write_seed_v, seed_v.load), ("seed_iv", write_seed_iv, seed_iv.load)],
)
def test_a_tree_is_read_with_the_stimuli_that_were_simulated(features, tmp_path, name, write, load):
    write(features[name], tmp_path)
    found = load(tmp_path)
    np.testing.assert_array_equal(found.stimulus, features[name].stimulus)
    clips = {"seed": 15, "seed_v": 45, "seed_iv": 72}[name]
    assert np.unique(found.stimulus).tolist() == list(range(1, clips + 1))
    assert found.fingerprint() == features[name].fingerprint()


def test_sessions_that_file_dates_could_not_tell_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"expected sessions 1, 2, \.\.\. of subject 3, got \[1, 3\]"):
        simulate("seed", tmp_path / "seed", subjects=[3], sessions=[1, 3])
    assert not (tmp_path / "seed").exists()
    simulate("seed_v", tmp_path / "seed_v", subjects=[3], sessions=[1, 3])
    assert (tmp_path / "seed_v" / "EEG_DE_features" / "3_13.npz").is_file()


def test_a_seed_vii_tree_has_the_names_keys_and_types_of_the_release(tmp_path):
    features = people.load("seed_vii", subjects=[3])
    write_seed_vii(features, tmp_path)
    shapes = {
        "EEG_features": {f"{kind}_{i}": (5, 62) for kind in ("psd", "de", "de_LDS") for i in range(1, 81)},
        "EYE_features": {str(i): (33,) for i in range(1, 81)},
        "continuous_labels": {str(i): () for i in range(1, 81)},
    }
    assert names(tmp_path) == sorted(shapes)
    for folder, columns in shapes.items():
        assert names(tmp_path / folder) == ["3.mat", "readme.txt"]
        stored = {key: x for key, x in loadmat(tmp_path / folder / "3.mat").items() if not key.startswith("__")}
        assert stored.keys() == columns.keys()
        for key, x in stored.items():
            windows = (features.stimulus == int(key.split("_")[-1])).sum()
            assert x.shape == (windows, *columns[key]) if columns[key] else x.shape == (1, windows)
            assert x.dtype == np.float64
            assert np.isfinite(x).all()
    simulate_sessions = people.load("seed_vii", subjects=[3], sessions=[1, 2])
    with pytest.raises(ValueError, match=r"one file a subject: expected sessions 1\.\.4 of subject 3, got \[1, 2\]"):
        write_seed_vii(simulate_sessions, tmp_path / "two")


@pytest.mark.parametrize(
    ("name", "place", "test"), [("seed_fra", "SEED_FRA/French", 9), ("seed_ger", "SEED_GER/German", 8)]
)
def test_trees_in_other_languages_have_the_names_keys_and_types_of_the_releases(tmp_path, name, place, test):
    features = people.load(name, subjects=[3])
    WRITERS[name](features, tmp_path)
    windows = np.bincount(features.trial[features.session == 1])[1:]
    counts = {"train": windows[:12].sum(), "test": windows[12:].sum()}
    assert len(windows) == 12 + test
    folder = tmp_path / place / "02-EEG-DE-feature" / "eeg_used_4s"
    assert set(names(folder)) == {"3_1.npz", "3_2.npz", "3_3.npz", "readme.txt"}
    with np.load(folder / "3_2.npz", allow_pickle=False) as stored:
        for part, n in counts.items():
            bands = pickle.loads(stored[f"{part}_data"].item())
            assert {band: x.shape for band, x in bands.items()} == dict.fromkeys(
                ("delta", "theta", "alpha", "beta", "gamma"), (n, 62)
            )
            assert stored[f"{part}_label"].shape == (n,)
            assert set(stored[f"{part}_label"]) == {-1, 0, 1}
    folder = tmp_path / place / "04-Eye-tracking-feature" / "eye_tracking_feature"
    eye = pickle.loads((folder / "3_2").read_bytes())
    assert {key: x.shape for key, x in eye.items()} == {f"{part}_data_eye": (n, 33) for part, n in counts.items()}


def test_sessions_that_a_data_set_does_not_have_are_refused(tmp_path):
    with pytest.raises(
        ValueError, match=r"sessions: expected \[1\] or null, as faced has one session a person, got \[2\]"
    ):
        simulate("faced", tmp_path / "faced", subjects=[3], sessions=[2])


def test_features_of_another_data_set_are_refused(features, tmp_path):
    with pytest.raises(ValueError, match=r"expected the published label \d, got another in subject 3"):
        write_seed(features["seed_v"], tmp_path)
    with pytest.raises(ValueError, match=r"expected trials 1\.\.15"):
        write_seed_v(features["seed_iv"], tmp_path)


def test_a_folder_that_holds_something_is_refused_and_kept(tmp_path):
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(ValueError, match="expected root to be a new or empty folder"):
        simulate("seed_v", tmp_path, subjects=[1])
    assert names(tmp_path) == ["mine.txt"]


def test_an_interrupted_write_leaves_no_file_of_a_data_file_s_name(features, tmp_path, monkeypatch):
    def fail(file, **entries):
        file.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="no space left"):
        write_seed_v(features["seed_v"], tmp_path)
    assert not list(tmp_path.rglob("*"))


def test_the_command_writes_the_tree_and_nothing_else(tmp_path, command):
    done = command(tmp_path, "dataset=seed_v", "subjects=[2]", "root=tree", module="simulate")
    assert done.exit_code() == 0, done.said
    assert names(tmp_path) == ["said.txt", "tree"]
    assert names(tmp_path / "tree") == ["EEG_DE_features", "Eye_movement_features"]
    assert f"python -m emogan.train data=seed_v data.root={tmp_path / 'tree'}" in done.said
    assert "1 subjects x 3 sessions" in done.said
    failed = command(tmp_path, "root=other", "dataset=seedv", module="simulate")
    assert failed.exit_code() != 0
    assert re.search(r"dataset: expected seed \| seed_v \| seed_iv \| .*got 'seedv'", failed.said)
    assert names(tmp_path) == ["said.txt", "tree"]


@pytest.mark.parametrize(("dataset", "highest"), [("deap", 99), ("amigos", 99), ("faced", 999)])
def test_numbers_that_files_names_have_no_room_for_are_refused(tmp_path, dataset, highest):
    with pytest.raises(ValueError, match=f"subjects: expected numbers up to {highest}, .* got {highest + 1}"):
        simulate(dataset, tmp_path / "tree", subjects=[1, highest + 1])
    assert not (tmp_path / "tree").exists()
