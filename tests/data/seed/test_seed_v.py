"""Tests of the SEED-V loader on trees written by hand after the published format, and on simulated ones."""

import logging
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from emogan.data.eye_names import EYE_FEATURES_33
from emogan.data.readers.unpickle import UnsafePickle
from emogan.data.seed import seed_v
from emogan.simulation import people
from emogan.simulation.releases import write_seed_v

LABELS = (
    [4, 1, 3, 2, 0, 4, 1, 3, 2, 0, 4, 1, 3, 2, 0],
    [2, 1, 3, 0, 4, 4, 0, 3, 2, 1, 3, 4, 1, 2, 0],
    [2, 1, 3, 0, 4, 4, 0, 3, 2, 1, 3, 4, 1, 2, 0],
)
TOTALS = (681, 541, 601)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    root = tmp_path_factory.mktemp("simulated") / "SEED-V"
    features = people.load("seed_v", subjects=[2, 10])
    write_seed_v(features, root)
    return features, root


def same(one, other) -> bool:
    return one.fingerprint() == other.fingerprint()


def table(features=310, windows=3) -> dict[int, np.ndarray]:
    """Trials 0..44 of values that differ everywhere; trial k has `windows` + k windows."""
    return {k: 1e5 * k + np.arange((windows + k) * features).reshape(-1, features) for k in range(45)}


def write(folder: Path, data=None, label=None, protocol=2) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    data = table() if data is None else data
    labels = {k: np.full(len(data[k]), float(LABELS[k // 15][k % 15])) for k in data} if label is None else label
    np.savez(folder / "1_123.npz", data=pickle.dumps(data, protocol), label=pickle.dumps(labels, protocol))
    return folder / "1_123.npz"


@pytest.mark.parametrize("modality", ["eeg", "eye", "eeg_eye"])
def test_a_simulated_tree_is_loaded_to_the_simulated_arrays(simulated, modality):
    _, root = simulated
    loaded = seed_v.load(root.parent if modality == "eye" else root, modality=modality)
    assert same(loaded, people.load("seed_v", subjects=[2, 10], modality=modality))
    assert loaded.dataset == "synthetic_seed_v"
    assert [len(rows) for *_, rows in loaded.experiments()] == [*TOTALS, *TOTALS]


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_every_value_lands_at_its_session_trial_and_window(tmp_path, protocol):
    write(tmp_path / "EEG_DE_features", protocol=protocol)
    loaded = seed_v.load(tmp_path, modality="eeg")
    for k, x in table().items():
        rows = (loaded.session == k // 15 + 1) & (loaded.trial == k % 15 + 1)
        assert np.array_equal(loaded.x[rows], np.float32(x))
        assert set(loaded.y[rows]) == {LABELS[k // 15][k % 15]}
    assert len(loaded.x) == sum(len(x) for x in table().values())
    assert loaded.class_names == ("disgust", "fear", "sad", "neutral", "happy")
    assert loaded.dataset == "seed_v"


def test_band_major_files_are_handed_on_channel_major(tmp_path):
    rng = np.random.default_rng(0)
    cubes = {k: rng.normal(size=(4, 62, 5)) for k in range(45)}
    write(tmp_path / "channel" / "EEG_DE_features", {k: x.reshape(4, 310) for k, x in cubes.items()})
    by_band = {k: np.stack([x[:, :, b] for b in range(5)], axis=1).reshape(4, 310) for k, x in cubes.items()}
    write(tmp_path / "band" / "EEG_DE_features", by_band)
    channel_major = seed_v.load(tmp_path / "channel", modality="eeg")
    assert same(seed_v.load(tmp_path / "band", modality="eeg", eeg_order="band_major"), channel_major)
    assert channel_major.x[0, 5 * 61 + 4] == np.float32(cubes[0][0, 61, 4])
    assert channel_major.feature_names[5 * 61 + 4] == "CB2_gamma"


def test_eye_features_stand_beside_the_eeg_of_the_same_window(tmp_path):
    write(tmp_path / "EEG_DE_features")
    write(tmp_path / "Eye_movement_features", table(33))
    loaded = seed_v.load(tmp_path)
    assert loaded.modalities == {"eeg": slice(0, 310), "eye": slice(310, 343)}
    assert loaded.feature_names[310:] == EYE_FEATURES_33
    rows = (loaded.session == 2) & (loaded.trial == 3)
    assert np.array_equal(loaded.x[rows, 310:], np.float32(table(33)[17]))
    assert np.array_equal(loaded.x[rows, :310], np.float32(table()[17]))


def test_stray_files_are_passed_by(simulated, tmp_path):
    features, root = simulated
    shutil.copytree(root, tmp_path / "SEED-V")
    for folder in ("EEG_DE_features", "Eye_movement_features"):
        for name in ("._2_123.npz", "2_123 (1).npz", "2_123.npz.part", "notes.npz"):
            (tmp_path / "SEED-V" / folder / name).write_bytes(b"stray")
    (tmp_path / "SEED-V" / "EEG_raw").mkdir()
    assert same(seed_v.load(tmp_path), features)


def test_a_selection_holds_the_experiments_asked_for_and_no_others(simulated):
    features, root = simulated
    loaded = seed_v.load(root, subjects=[10], sessions=[1, 3])
    assert [e[:2] for e in loaded.experiments()] == [(10, 1), (10, 3)]
    kept = (features.subject == 10) & (features.session != 2)
    assert np.array_equal(loaded.x, features.x[kept])
    assert np.array_equal(loaded.y, features.y[kept])
    with pytest.raises(ValueError, match=r"features of subject 3.*: 2, 10\."):
        seed_v.load(root, subjects=[3])


def test_subjects_without_eye_features_are_left_out_and_counted(simulated, tmp_path, caplog):
    features, root = simulated
    shutil.copytree(root, tmp_path / "data")
    (tmp_path / "data" / "Eye_movement_features" / "10_123.npz").unlink()
    with caplog.at_level(logging.WARNING):
        loaded = seed_v.load(tmp_path)
    assert "left out 3 of 6 experiments" in caplog.text
    assert np.array_equal(loaded.x, features.x[features.subject == 2])
    with pytest.raises(ValueError, match=r"subject 10 \(no eye file of 10\)"):
        seed_v.load(tmp_path, subjects=[10])


def test_labels_in_another_order_than_published_are_used_with_a_warning(tmp_path, caplog):
    data = table()
    labels = {k: np.full(len(data[k]), (k + 1) % 5) for k in data}
    write(tmp_path / "EEG_DE_features", data, labels)
    with caplog.at_level(logging.WARNING):
        loaded = seed_v.load(tmp_path, modality="eeg", sessions=[1])
    assert "the films of 1 of 1 experiments have other labels than published" in caplog.text
    assert "the published order is [4, 1, 3, 2, 0" in caplog.text
    caplog.clear()
    seed_v.load(tmp_path, modality="eeg")
    assert caplog.text.count("other labels than published") == 1
    assert loaded.y[loaded.trial == 1][0] == 1


@pytest.mark.parametrize(("data", "label", "message"), [
    ({k: x for k, x in table().items() if k != 20}, None, r"trials 15\.\.29 in data \(session 2\), missing 20; 44"),
    (None, {0: np.zeros(3)}, r"trials 0\.\.14 in label \(session 1\), missing 1, 2, 3"),
    ({**table(), 7: np.ones((10, 186))}, None, r"trial 7 of data .* 310\), got shape \(10, 186\).*raw folder"),
    ({**table(), 7: np.ones((0, 310))}, None, r"trial 7 of data .*got shape \(0, 310\)"),
    ({**table(), 7: "text"}, {k: np.zeros(3) for k in range(45)}, "trial 7 of data .*type <U4"),
    (None, {k: np.zeros(3) for k in range(45)}, r"trial 1 of label as numbers of shape \(4,\), got shape \(3,\)"),
    (None, {k: np.arange(k + 3) for k in range(45)}, r"one label 0\.\.4 .* trial 0 of label, got \[0, 1"),
    (None, {k: np.full(k + 3, 5) for k in range(45)}, r"one label 0\.\.4 .*got \[5\]"),
    (None, {k: np.full(k + 3, 0.5) for k in range(45)}, r"one label 0\.\.4 .*got \[0\.5\]"),
    ({**table(), 7: np.full((10, 310), np.inf)}, None, "session 1, trial 8: expected finite features, got inf"),
    ([1, 2], {}, r"expected the entry data as a pickled dict of trials 0\.\.44, got list"),
])  # fmt: skip
def test_a_wrong_file_is_an_error_that_names_it(tmp_path, data, label, message):
    write(tmp_path / "EEG_DE_features", data, label)
    with pytest.raises(ValueError, match=rf"1_123\.npz: .*{message}"):
        seed_v.load(tmp_path, modality="eeg")


def test_a_missing_entry_is_an_error_that_says_what_is_there(tmp_path):
    path = write(tmp_path / "EEG_DE_features")
    np.savez(path, data=pickle.dumps(table()), labels=pickle.dumps({}))
    with pytest.raises(ValueError, match=r"the entry label as .*got none among \['data', 'labels'\]"):
        seed_v.load(tmp_path, modality="eeg")


def test_modalities_that_disagree_are_an_error_that_names_both_files(tmp_path):
    write(tmp_path / "EEG_DE_features")
    eye = table(33)
    write(tmp_path / "Eye_movement_features", {**eye, 16: eye[16][:-2]})
    with pytest.raises(ValueError, match=r"same windows .* got 19 in .*EEG_DE.* and 17 in .*Eye_.*, trial 2\."):
        seed_v.load(tmp_path)
    labels = {k: np.full(len(eye[k]), LABELS[k // 15][k % 15]) for k in eye}
    write(tmp_path / "Eye_movement_features", eye, {**labels, 16: labels[15][:1].repeat(19)})
    with pytest.raises(ValueError, match=r"same label .* got 1 in .*EEG_DE.* and 2 in .*Eye_.*, trial 2\."):
        seed_v.load(tmp_path)
    assert len(seed_v.load(tmp_path, modality="eye").x) == sum(map(len, eye.values()))


def test_a_truncated_or_hostile_file_is_refused_and_nothing_is_run(tmp_path):
    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "was_run"),)

    path = write(tmp_path / "EEG_DE_features", {0: Hostile()}, {})
    with pytest.raises(UnsafePickle, match=r"1_123\.npz"):
        seed_v.load(tmp_path, modality="eeg")
    assert not (tmp_path / "was_run").exists()
    content = write(tmp_path / "EEG_DE_features").read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UnsafePickle, match=r"1_123\.npz"):
        seed_v.load(tmp_path, modality="eeg")


def test_a_wrong_root_or_order_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"expected a folder EEG_DE_features with files like 1_123\.npz"):
        seed_v.load(tmp_path)
    for copy in ("one", "two"):
        write(tmp_path / copy / "EEG_DE_features")
    with pytest.raises(ValueError, match=r"got 2: .*one/EEG_DE_features, .*two/EEG_DE_features"):
        seed_v.load(tmp_path, modality="eeg")
