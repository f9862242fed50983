"""Tests of the loaders of SEED-FRA and SEED-GER on trees written by hand after the published format, and simulated."""

import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from emogan.data.eye_names import EYE_FEATURES_33
from emogan.data.folds import resolve
from emogan.data.readers.unpickle import UnsafePickle
from emogan.data.seed import seed_fra, seed_ger
from emogan.simulate import simulate
from emogan.simulation import people

LOADERS = {"seed_fra": seed_fra.load, "seed_ger": seed_ger.load}
LABELS = {
    "seed_fra": [1, -1, 0, -1, 1, 0, -1, 0, 1, -1, 0, 1, 1, 0, -1, -1, 0, 1, -1, 0, 1],
    "seed_ger": [1, 0, -1, -1, 0, 1, -1, 0, 1, 1, 0, -1, 0, 1, 0, -1, -1, 0, 1, 1],
}
SECONDS = {
    "seed_fra": [172, 255, 178, 275, 100, 129, 300, 146, 129, 267, 133, 144, 107, 144, 127, 77, 166, 133, 126, 87, 175],
    "seed_ger": [131, 215, 420, 223, 143, 136, 135, 228, 227, 145, 162, 175, 289, 103, 97, 336, 136, 256, 227, 172],
}
BANDS = ("delta", "theta", "alpha", "beta", "gamma")
EEG, EYE = "02-EEG-DE-features/eeg_used_{}s", "04-Eye-tracking-features/eye_tracking_feature"
PLACE = {"seed_fra": "SEED_FRA/French", "seed_ger": "SEED_GER/German"}


def windows_of(kind, window_s=4) -> list[int]:
    return [seconds // window_s for seconds in SECONDS[kind]]


def write(root, kind="seed_fra", name="1_1", n_train=12, window_s=4, labels=None, windows=None, shift=0) -> Path:
    """Write an experiment's EEG, whose value tells window, channel and band apart, and its eye movements."""
    labels, windows = (labels or LABELS[kind]), (windows or windows_of(kind, window_s))
    x = np.arange(sum(windows))[:, None, None] + np.arange(62)[:, None] / 64 + 1000.0 * np.arange(5)
    of_window, stop = np.repeat(labels, windows).astype(float) + shift, sum(windows[:n_train])
    content, eye = {}, {}
    for part, rows in (("train", slice(None, stop)), ("test", slice(stop, None))):
        content[f"{part}_data"] = pickle.dumps({band: x[rows, :, i] for i, band in enumerate(BANDS)}, 2)
        content[f"{part}_label"] = of_window[rows]
        eye[f"{part}_data_eye"] = np.arange(33)[None] + 100.0 * np.arange(sum(windows))[rows, None]
    folder = root / PLACE[kind]
    for place in (EEG.format(window_s), EYE):
        (folder / place).mkdir(parents=True, exist_ok=True)
    np.savez(folder / EEG.format(window_s) / f"{name}.npz", **content)
    (folder / EYE / name).write_bytes(pickle.dumps(eye, 2))
    return folder / EEG.format(window_s) / f"{name}.npz"


def counts(features) -> list[int]:
    return np.unique(features.trial_ids(), return_counts=True)[1].tolist()


@pytest.fixture(scope="module", params=list(LOADERS))
def simulated(request, tmp_path_factory):
    root = tmp_path_factory.mktemp("simulated") / "tree"
    simulate(request.param, root, subjects=[2, 8])
    yield request.param, root
    shutil.rmtree(root)


@pytest.mark.parametrize("modality", ["eeg", "eye", "eeg_eye"])
def test_a_simulated_tree_is_loaded_to_the_simulated_arrays(simulated, modality):
    kind, root = simulated
    loaded, expected = LOADERS[kind](root, modality=modality), people.load(kind, subjects=[2, 8], modality=modality)
    assert loaded.fingerprint() == expected.fingerprint()
    assert loaded.dataset == f"synthetic_{kind}"
    assert loaded.stimulus.tolist() == loaded.trial.tolist()  # the same clips in every session
    assert resolve("auto", loaded) == resolve("auto", expected) == {"seed_fra": "paper", "seed_ger": "trials"}[kind]


@pytest.mark.parametrize("shift", [0, 1], ids=["-1..1", "0..2"])
@pytest.mark.parametrize("kind", LOADERS)
def test_every_value_lands_at_its_trial_window_channel_and_band(tmp_path, kind, shift):
    write(tmp_path, kind, shift=shift)
    loaded = LOADERS[kind](tmp_path)
    assert counts(loaded) == windows_of(kind)
    assert loaded.y.tolist() == np.repeat(np.add(LABELS[kind], 1), windows_of(kind)).tolist()
    assert loaded.trial.tolist() == np.repeat(np.arange(len(LABELS[kind])) + 1, windows_of(kind)).tolist()
    for row in (0, 400, len(loaded.x) - 1):
        brain = [row + channel / 64 + 1000 * band for channel in range(62) for band in range(5)]
        assert np.array_equal(loaded.x[row], np.float32([*brain, *(np.arange(33) + 100.0 * row)]))
    assert loaded.feature_names[310:] == EYE_FEATURES_33
    assert loaded.class_names == ("negative", "neutral", "positive")
    assert loaded.dataset == kind


def test_seed_fra_has_the_published_totals():
    assert (sum(windows_of("seed_fra")[:12]), sum(windows_of("seed_fra")[12:])) == (553, 281)
    assert (sum(SECONDS["seed_fra"][:12]), sum(SECONDS["seed_fra"][12:])) == (2228, 1142)


@pytest.mark.parametrize("kind", LOADERS)
def test_windows_of_1_s_are_read_without_eye_movements_and_refused_with_them(tmp_path, kind):
    write(tmp_path, kind, window_s=1)
    assert counts(LOADERS[kind](tmp_path, modality="eeg", window_s=1)) == SECONDS[kind]
    with pytest.raises(ValueError, match=r"SEED-...'s eye movement features exist for windows of 4 s only"):
        LOADERS[kind](tmp_path, window_s=1)
    with pytest.raises(FileNotFoundError, match="expected a folder eeg_used_4s"):
        LOADERS[kind](tmp_path)


@pytest.mark.parametrize("n_train", [1, 3, 4, 10, 12, 19])
def test_the_parts_may_divide_the_trials_anywhere_even_between_two_of_one_class(tmp_path, n_train):
    write(tmp_path, "seed_ger", n_train=n_train)
    assert counts(seed_ger.load(tmp_path)) == windows_of("seed_ger")


@pytest.mark.parametrize("name", ["seed_fra", "seed_ger"])
def test_a_clip_that_rounding_makes_a_window_longer_or_shorter_is_taken_as_its_labels_are(tmp_path, name):
    windows = windows_of(name)
    windows[0], windows[7] = windows[0] + 1, windows[7] - 1
    write(tmp_path, name, windows=windows)
    assert counts(LOADERS[name](tmp_path)) == windows


def test_the_clips_of_seed_ger_without_public_times_take_the_windows_that_their_labels_have(tmp_path):
    windows = windows_of("seed_ger")
    windows[1], windows[18] = 40, 70
    write(tmp_path, "seed_ger", windows=windows)
    assert counts(seed_ger.load(tmp_path)) == windows


@pytest.mark.parametrize(("kind", "clip", "by", "message"), [
    ("seed_fra", 1, 2, r"expected 42 to 44 windows of 4 s of clip 1, got 45"),
    ("seed_fra", 15, -3, r"expected 48 to 52 windows of 4 s of clip 15 and 16, got 47"),
    ("seed_ger", 2, 20, r"expected 1 to 68 windows of 4 s of clip 2, got 73"),
    ("seed_ger", 20, 60, r"expected 43 to 115 windows of 4 s of clip 19 and 20, got 159"),
])  # fmt: skip
def test_runs_that_do_not_fit_the_clips_are_refused(tmp_path, kind, clip, by, message):
    windows = windows_of(kind)
    windows[clip - 1] += by
    write(tmp_path, kind, windows=windows)
    with pytest.raises(ValueError, match=rf"1_1\.npz: {message}\. Is it a file of SEED-"):
        LOADERS[kind](tmp_path)


def test_a_file_of_another_data_set_is_refused_with_its_labels(tmp_path):
    write(tmp_path, "seed_ger")
    shutil.move(tmp_path / "SEED_GER", tmp_path / "SEED_FRA")
    with pytest.raises(FileNotFoundError, match="expected a folder eeg_used_4s"):
        seed_fra.load(tmp_path)
    (tmp_path / "SEED_FRA" / "German").rename(tmp_path / "SEED_FRA" / "French")
    with pytest.raises(
        ValueError, match=r"order of SEED-FRA's 21 clips, .* got, without repeats, 1\.0, 0\.0, -1\.0, 0"
    ):
        seed_fra.load(tmp_path)


def test_files_of_the_other_languages_and_stray_files_are_passed_over(simulated, tmp_path):
    kind, root = simulated
    shutil.copytree(root, tmp_path / "data", copy_function=os.link)
    for other in LOADERS:
        if other != kind:
            write(tmp_path / "data", other)
    (folder,) = (tmp_path / "data").rglob(f"{PLACE[kind]}/02*/eeg_used_4s")
    for name in ("._2_1.npz", ".DS_Store", "2_1 (1).npz"):
        (folder / name).write_bytes(b"stray")
    assert LOADERS[kind](tmp_path).fingerprint() == people.load(kind, subjects=[2, 8]).fingerprint()


def test_eye_movements_need_the_labels_of_the_eeg(tmp_path):
    write(tmp_path, name="1_1")
    path = write(tmp_path, name="1_2")
    path.unlink()
    with pytest.raises(ValueError, match=r"1_2: expected 1_2\.npz in eeg_used_4s, whose labels say where a trial ends"):
        seed_fra.load(tmp_path, modality="eye")
    assert set(seed_fra.load(tmp_path).session) == {1}
    with pytest.raises(ValueError, match=r"session 2 \(no eeg file of 2\)"):
        seed_fra.load(tmp_path, sessions=[2])
    with pytest.raises(FileNotFoundError, match="which must hold the EEG too: only its files say, by their labels"):
        seed_fra.load(tmp_path / PLACE["seed_fra"] / EYE, modality="eye")


def test_parts_of_other_lengths_than_the_labels_and_missing_entries_are_refused(tmp_path):
    path = write(tmp_path)
    with np.load(path) as stored:
        content = dict(stored)
    np.savez(path, **content | {"test_label": np.append(content["test_label"], 1.0)})  # within a window of its clip
    with pytest.raises(ValueError, match=r"test_data, delta as numbers of shape \(282, 62\), got shape \(281, 62\)"):
        seed_fra.load(tmp_path)
    with pytest.raises(ValueError, match=r"test_data_eye .* shape \(282, features\), got shape \(281, 33\)"):
        seed_fra.load(tmp_path, modality="eye")
    del content["test_label"]
    np.savez(path, **content)
    with pytest.raises(ValueError, match=r"1_1\.npz: expected test_label, of type ndarray, got only train_data"):
        seed_fra.load(tmp_path)


def test_a_truncated_file_is_refused(tmp_path):
    path = write(tmp_path)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(UnsafePickle, match=r"1_1\.npz"):
        seed_fra.load(tmp_path, modality="eeg")
