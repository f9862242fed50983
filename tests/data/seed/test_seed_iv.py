"""Tests of the SEED-IV loader on trees written by hand after the published format, and on simulated ones."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from emogan.data.eye_names import EYE_FEATURES_31
from emogan.data.seed import seed_iv
from emogan.simulation import people
from emogan.simulation.releases import write_seed_iv

LABELS = {
    1: [1, 2, 3, 0, 2, 0, 0, 1, 0, 1, 2, 1, 1, 1, 2, 3, 2, 2, 3, 3, 0, 3, 0, 3],
    2: [2, 1, 3, 0, 0, 2, 0, 2, 3, 3, 2, 3, 2, 0, 1, 1, 2, 1, 0, 3, 0, 1, 3, 1],
    3: [1, 2, 2, 1, 3, 3, 3, 1, 1, 2, 1, 0, 2, 3, 3, 0, 2, 3, 0, 0, 2, 0, 1, 0],
}
WINDOWS = [4 + i % 3 for i in range(24)]  # far fewer than the films have: the loader takes the number from the file


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    root = tmp_path_factory.mktemp("simulated")
    features = people.load("seed_iv", subjects=[2, 10])
    write_seed_iv(features, root)
    yield features, root
    shutil.rmtree(root)


def same(one, other) -> bool:
    return one.fingerprint() == other.fingerprint()


def write(root: Path, kind="eeg", subject=1, session=1, seed=0, **changes) -> dict[str, np.ndarray]:
    """Write one experiment's file of one modality; returns its arrays."""
    shape = {"eeg": lambda w: (62, w, 5), "eye": lambda w: (31, w)}[kind]
    key, rng = {"eeg": "de_LDS", "eye": "eye_"}[kind], np.random.default_rng(seed)
    arrays = {f"{key}{i}": rng.normal(size=shape(w)) for i, w in enumerate(WINDOWS, 1)} | changes
    arrays = {name: array for name, array in arrays.items() if array is not None}
    folder = root / f"{kind}_feature_smooth" / str(session)
    folder.mkdir(parents=True, exist_ok=True)
    savemat(folder / f"{subject}_2016051{session}.mat", arrays)
    return arrays


@pytest.mark.parametrize("modality", ["eeg", "eye", "eeg_eye"])
def test_a_simulated_tree_is_loaded_to_the_simulated_arrays(simulated, modality):
    _, root = simulated
    loaded = seed_iv.load(root, modality=modality)
    assert same(loaded, people.load("seed_iv", subjects=[2, 10], modality=modality))
    assert loaded.dataset == "synthetic_seed_iv"


@pytest.mark.parametrize("session", [1, 2, 3])
def test_every_value_lands_at_its_trial_window_and_column(tmp_path, session):
    eeg, eye = (write(tmp_path, kind, session=session) for kind in ("eeg", "eye"))
    loaded = seed_iv.load(tmp_path)
    assert loaded.feature_names[310:] == EYE_FEATURES_31
    assert loaded.class_names == ("neutral", "sad", "fear", "happy")
    assert loaded.dataset == "seed_iv"
    row = 0
    for trial, windows in enumerate(WINDOWS, 1):
        for window in range(windows):
            brain = [eeg[f"de_LDS{trial}"][channel, window, band] for channel in range(62) for band in range(5)]
            assert np.array_equal(loaded.x[row], np.float32([*brain, *eye[f"eye_{trial}"][:, window]]))
            assert (loaded.trial[row], loaded.session[row]) == (trial, session)
            assert loaded.y[row] == LABELS[session][trial - 1]
            row += 1
    assert row == len(loaded.x)


def test_another_feature_is_read_from_the_variables_of_its_name(simulated):
    _, root = simulated
    loaded = seed_iv.load(root, feature="psd_movingAve", modality="eeg", subjects=[2], sessions=[3])
    (path,) = (root / "eeg_feature_smooth" / "3").glob("2_*.mat")
    stored = [loadmat(path, variable_names=[f"psd_movingAve{i}"])[f"psd_movingAve{i}"] for i in range(1, 25)]
    assert np.array_equal(loaded.x, np.float32([x[:, w].ravel() for x in stored for w in range(x.shape[1])]))


def test_files_are_found_above_and_inside_the_release(simulated, tmp_path):
    features, root = simulated
    shutil.copytree(root, tmp_path / "a" / "SEED_IV", copy_function=os.link)
    for kind in ("eeg", "eye"):
        folder = tmp_path / "a" / "SEED_IV" / f"{kind}_feature_smooth"
        for name in ("._2_20160101.mat", "ReadMe.txt", "label.mat"):
            (folder / "1" / name).write_bytes(b"stray")
        (folder / "4").mkdir()
        assert same(seed_iv.load(folder, modality=kind), people.load("seed_iv", subjects=[2, 10], modality=kind))
    assert same(seed_iv.load(tmp_path), features)
    second = seed_iv.load(tmp_path / "a" / "SEED_IV" / "eye_feature_smooth" / "2", modality="eye")
    assert same(second, seed_iv.load(root, modality="eye", sessions=[2]))


def test_the_session_is_that_of_the_folder_whatever_the_dates(tmp_path):
    write(tmp_path, session=3, seed=3)
    loaded = seed_iv.load(tmp_path, modality="eeg")
    assert set(loaded.session) == {3}
    assert np.array_equal(loaded.y, np.repeat(LABELS[3], WINDOWS))
    shutil.move(tmp_path / "eeg_feature_smooth" / "3" / "1_20160513.mat", tmp_path / "eeg_feature_smooth")
    with pytest.raises(ValueError, match="expected session folders 1, 2, 3 that hold the files"):
        seed_iv.load(tmp_path, modality="eeg")


def test_files_of_two_dates_in_one_session_folder_are_named(tmp_path, caplog):
    for kind in ("eeg", "eye"):
        write(tmp_path, kind)
    seed_iv.load(tmp_path)
    assert "one date" not in caplog.text
    (path,) = (tmp_path / "eye_feature_smooth").rglob("*.mat")
    path.rename(path.with_name("1_20150101.mat"))
    seed_iv.load(tmp_path)
    assert "expected files of one date in both modalities" in caplog.text
    assert "eye_feature_smooth/1/1_20150101.mat" in caplog.text


@pytest.mark.parametrize(("kind", "changes", "message"), [
    ("eeg", {"de_LDS24": None}, "missing de_LDS24"),
    ("eeg", {"de_LDS3": np.ones((64, 6, 5))}, r"de_LDS3 as .* \(62, windows, 5\), got shape \(64, 6, 5\)"),
    ("eye", {"eye_3": np.ones((31, 6, 2))}, r"eye_3 as .* \(features, windows\), got shape \(31, 6, 2\)"),
    ("eye", {"eye_3": np.ones((6, 31))}, "trial 3: expected 31 features as in the first file, got 6"),
    ("eye", {"eye_3": np.full((31, 6), np.nan)}, "trial 3: expected finite features, got nan as pupil_x_mean"),
    ("eye", {"eye_1": None}, r"missing eye_1; the file has eye_2"),
])  # fmt: skip
def test_a_wrong_file_is_an_error_that_names_it(tmp_path, kind, changes, message):
    write(tmp_path, kind, **changes)
    with pytest.raises(ValueError, match=rf"1_20160511\.mat: .*{message}"):
        seed_iv.load(tmp_path, modality=kind)


def test_modalities_with_other_windows_are_an_error_that_names_both_files(tmp_path):
    write(tmp_path, "eeg")
    write(tmp_path, "eye", eye_5=np.random.default_rng(0).normal(size=(31, 9)))
    with pytest.raises(ValueError, match=r"got 5 in .*eeg_feature_smooth.* and 9 in .*eye_feature_smooth.*, trial 5\."):
        seed_iv.load(tmp_path)


def test_a_wrong_root_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a folder eeg_feature_smooth with files like 1_20160518\.mat"):
        seed_iv.load(tmp_path)
