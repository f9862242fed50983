"""Tests of the SEED-VII loader on trees written by hand after the published format, and on simulated ones."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from emogan.data.eye_names import CLIP_STATISTICS, SEED_VII_EYE
from emogan.data.folds import resolve
from emogan.data.members import members
from emogan.data.seed import seed_vii
from emogan.simulate import simulate
from emogan.simulation import people

HAPPY, NEUTRAL, DISGUST, SAD, ANGER, FEAR, SURPRISE = 4, 3, 0, 2, 5, 1, 6
FIRST_CLIPS = {  # of each session; each session shows its five emotions, then in the reverse order, and both again
    1: [HAPPY, NEUTRAL, DISGUST, SAD, ANGER],
    2: [ANGER, SAD, FEAR, NEUTRAL, SURPRISE],
    3: [HAPPY, SURPRISE, DISGUST, FEAR, ANGER],
    4: [DISGUST, SAD, FEAR, SURPRISE, HAPPY],
}
LABELS = {session: 2 * (first + first[::-1]) for session, first in FIRST_CLIPS.items()}
WINDOWS = [3 + i % 4 for i in range(80)]  # far fewer than the clips have: the loader takes the number from the file


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    root = tmp_path_factory.mktemp("simulated") / "tree"
    simulate("seed_vii", root, subjects=[2, 10])
    yield people.load("seed_vii", subjects=[2, 10]), root
    shutil.rmtree(root)


def same(one, other) -> bool:
    return one.fingerprint() == other.fingerprint()


def write(root: Path, kind="eeg", subject=1, seed=0, **changes) -> dict[str, np.ndarray]:
    """Write one subject's file of one kind; returns its arrays. A change to None leaves a variable out."""
    folder, key, shape = {
        "eeg": ("EEG_features", "de_LDS_", (5, 62)), "eye": ("EYE_features", "", (33,)),
        "ratings": ("continuous_labels", "", ()),
    }[kind]  # fmt: skip
    rng = np.random.default_rng(seed)
    arrays = {f"{key}{i}": rng.random((w, *shape)) for i, w in enumerate(WINDOWS, 1)} | changes
    arrays = {name: array for name, array in arrays.items() if array is not None}
    (root / folder).mkdir(parents=True, exist_ok=True)
    savemat(root / folder / f"{subject}.mat", arrays)
    return arrays


@pytest.mark.parametrize("modality", ["eeg", "eye", "eeg_eye"])
def test_a_simulated_tree_is_loaded_to_the_simulated_arrays(simulated, modality):
    _, root = simulated
    loaded = seed_vii.load(root, modality=modality)
    assert same(loaded, people.load("seed_vii", subjects=[2, 10], modality=modality))
    assert loaded.dataset == "synthetic_seed_vii"


def test_every_value_lands_at_its_session_trial_window_channel_and_band(tmp_path):
    eeg, eye = (write(tmp_path, kind) for kind in ("eeg", "eye"))
    loaded = seed_vii.load(tmp_path)
    assert loaded.feature_names[:6] == ("FP1_delta", "FP1_theta", "FP1_alpha", "FP1_beta", "FP1_gamma", "FPZ_delta")
    assert loaded.feature_names[310:] == SEED_VII_EYE
    assert loaded.class_names == ("disgust", "fear", "sad", "neutral", "happy", "anger", "surprise")
    assert loaded.dataset == "seed_vii"
    row = 0
    for clip, windows in enumerate(WINDOWS, 1):
        for window in range(windows):
            brain = [eeg[f"de_LDS_{clip}"][window, band, channel] for channel in range(62) for band in range(5)]
            assert np.array_equal(loaded.x[row], np.float32([*brain, *eye[str(clip)][window]]))
            session, trial = (clip - 1) // 20 + 1, (clip - 1) % 20 + 1
            assert (loaded.session[row], loaded.trial[row], loaded.stimulus[row]) == (session, trial, clip)
            assert loaded.y[row] == LABELS[session][trial - 1]
            row += 1
    assert row == len(loaded.x)


@pytest.mark.parametrize("feature", ["de", "psd"])
def test_another_feature_is_read_from_the_variables_of_its_name(simulated, feature):
    _, root = simulated
    loaded = seed_vii.load(root, feature=feature, modality="eeg", subjects=[2], sessions=[2, 4])
    keys = [f"{feature}_{i}" for i in (*range(21, 41), *range(61, 81))]
    stored = loadmat(root / "EEG_features" / "2.mat", variable_names=keys)
    assert np.array_equal(loaded.x, np.float32([window.T.ravel() for key in keys for window in stored[key]]))


def test_the_statistics_of_whole_clips_can_be_left_out(simulated):
    features, root = simulated
    without = seed_vii.load(root, clip_statistics=False)
    assert without.feature_names == features.feature_names[: -len(CLIP_STATISTICS)]
    assert np.array_equal(without.x, features.x[:, :-9])
    assert np.array_equal(seed_vii.load(root, modality="eye", clip_statistics=False).x, features.x[:, 310:-9])
    of_trial = [features.x[features.trial_ids() == i] for i in range(20)]
    constant = [name for i, name in enumerate(features.feature_names) if all(np.ptp(x[:, i]) == 0 for x in of_trial)]
    assert constant == list(CLIP_STATISTICS)


def test_its_own_folds_test_five_clips_of_each_session_three_of_each_emotion_and_two_neutral(simulated):
    features, _ = simulated
    assert resolve("auto", features) == "quarters"
    found = members(features, "quarters")
    assert [(member.subject, member.session, member.fold) for member in found] == [
        (subject, "all", fold) for subject in (2, 10) for fold in range(4)
    ]
    for member in found:
        tested = {(features.session[i], features.trial[i], features.y[i]) for i in member.test.tolist()}
        first = 5 * member.fold + 1
        assert {(session, trial) for session, trial, _ in tested} == {
            (session, trial) for session in range(1, 5) for trial in range(first, first + 5)
        }
        assert np.bincount([y for *_, y in tested]).tolist() == [3, 3, 3, 2, 3, 3, 3]
        own = np.flatnonzero(features.subject == member.subject)
        assert np.array_equal(member.train, np.setdiff1d(own, member.test))


@pytest.mark.parametrize("kind", ["eeg", "eye"])
def test_a_window_more_in_one_modality_is_left_out(tmp_path, kind):
    arrays = {name: write(tmp_path, name) for name in ("eeg", "eye")}
    key = {"eeg": "de_LDS_7", "eye": "7"}[kind]
    expected = seed_vii.load(tmp_path)
    write(tmp_path, kind, **{key: np.concatenate([arrays[kind][key], arrays[kind][key][:1]])})
    assert same(seed_vii.load(tmp_path), expected)
    write(tmp_path, kind, **{key: np.concatenate([arrays[kind][key], arrays[kind][key][:2]])})
    with pytest.raises(ValueError, match=r"got \d in .*EEG_features/1\.mat and \d in .*EYE_features/1\.mat, trial 7\."):
        seed_vii.load(tmp_path)


def test_files_are_found_above_and_inside_the_release_and_stray_ones_are_passed_over(simulated, tmp_path, caplog):
    features, root = simulated
    shutil.copytree(root, tmp_path / "a" / "SEED-VII", copy_function=os.link)
    for name in ("EEG_preprocessed", "save_info"):
        (tmp_path / "a" / "SEED-VII" / name).mkdir()
        (tmp_path / "a" / "SEED-VII" / name / "2.mat").write_bytes(b"of another kind")
    for kind in ("EEG", "EYE"):
        for name in ("._2.mat", "ReadMe.txt", "2 (1).mat"):
            (tmp_path / "a" / "SEED-VII" / f"{kind}_features" / name).write_bytes(b"stray")
    assert same(seed_vii.load(tmp_path), features)
    assert "EEG_features: passed over 2 (1).mat: almost named as data files" in caplog.text
    eye = seed_vii.load(tmp_path / "a" / "SEED-VII" / "EYE_features", modality="eye", subjects=10)
    assert same(eye, people.load("seed_vii", subjects=[10], modality="eye"))


def test_subjects_without_a_file_of_one_modality_are_left_out_and_refused_if_asked_for(tmp_path, caplog):
    for subject in (1, 2):
        write(tmp_path, "eeg", subject, seed=subject)
    write(tmp_path, "eye", 2)
    assert set(seed_vii.load(tmp_path).subject) == {2}
    assert "left out 4 of 8 experiments" in caplog.text
    with pytest.raises(ValueError, match=r"subject 1 \(no eye file of 1\)"):
        seed_vii.load(tmp_path, subjects=[1])
    with pytest.raises(ValueError, match=r"session 5 \(.*sessions with eeg and eye features: 1, 2, 3, 4\."):
        seed_vii.load(tmp_path, sessions=[5])


def test_a_single_session_is_refused_since_it_shows_five_emotions(tmp_path):
    write(tmp_path)
    with pytest.raises(ValueError, match=r"windows of .* every class named, got counts .*'fear': 0"):
        seed_vii.load(tmp_path, modality="eeg", sessions=1)


@pytest.mark.parametrize(("kind", "changes", "message"), [
    ("eeg", {"de_LDS_80": None}, "missing de_LDS_80"),
    ("eeg", {"de_LDS_3": np.ones((62, 6, 5))}, r"de_LDS_3 as .* \(windows, 5, 62\), got shape \(62, 6, 5\)"),
    ("eeg", {"de_LDS_3": np.full((6, 5, 62), np.inf)}, "trial 3: expected finite features, got inf as FP1_delta"),
    ("eye", {"3": np.ones((6, 31))}, r"3 as numbers of shape \(windows, 33\), got shape \(6, 31\)"),
    ("eye", {"3": np.ones((33, 6))}, r"3 as numbers of shape \(windows, 33\), got shape \(33, 6\)"),
    ("eye", {"1": None}, "missing 1; the file has 2"),
])  # fmt: skip
def test_a_wrong_file_is_an_error_that_names_it(tmp_path, kind, changes, message):
    write(tmp_path, kind, **changes)
    with pytest.raises(ValueError, match=rf"1\.mat: .*{message}"):
        seed_vii.load(tmp_path, modality=kind)


def test_a_truncated_file_is_an_error_that_names_it(tmp_path):
    write(tmp_path)
    path = tmp_path / "EEG_features" / "1.mat"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ValueError, match=r"EEG_features/1\.mat: expected a \.mat file, .* Copy it again"):
        seed_vii.load(tmp_path, modality="eeg")


def test_a_wrong_root_or_feature_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"expected a folder EEG_features with files like 1\.mat"):
        seed_vii.load(tmp_path)
    with pytest.raises(ValueError, match=r"data\.feature: expected de_LDS \| de \| psd, got 'de_movingAve'"):
        seed_vii.load(tmp_path, feature="de_movingAve")


# How strongly the emotion was felt


def test_every_rating_stands_beside_its_window(tmp_path):
    for kind in ("eeg", "eye"):
        write(tmp_path, kind)
    ratings = write(tmp_path, "ratings", **{"24": np.full(WINDOWS[23] + 1, 0.25)})  # a window more than the features
    loaded = seed_vii.load(tmp_path, sessions=[2, 4])
    expected = np.concatenate([ratings[str(i)][: WINDOWS[i - 1]] for i in (*range(21, 41), *range(61, 81))])
    assert np.array_equal(seed_vii.intensities(tmp_path, loaded), np.float32(expected))


def test_simulated_intensities_rise_in_every_trial(simulated):
    features, root = simulated
    found = seed_vii.intensities(root, features)
    assert found.shape == features.y.shape
    for trial in range(20):
        assert (np.diff(found[features.trial_ids() == trial]) >= 0).all()
    strong = features.take(np.flatnonzero(found > 0.9))
    assert 0 < len(strong.y) < len(features.y)


@pytest.mark.parametrize(("changes", "message"), [
    ({"3": np.ones(1)}, r"expected 5 ratings in 0\.\.1.* session 1, trial 3, got 1 in 1\.\.1"),
    ({"3": np.full(5, 7)}, r"got 5 in 7\.\.7"),
    ({"3": np.full(5, np.nan)}, r"got 5 in nan\.\.nan"),
    ({"3": None}, "missing 3"),
])  # fmt: skip
def test_wrong_ratings_are_an_error_that_names_the_file(tmp_path, changes, message):
    write(tmp_path)
    write(tmp_path, "ratings", **changes)
    with pytest.raises(ValueError, match=rf"continuous_labels/1\.mat: .*{message}"):
        seed_vii.intensities(tmp_path, seed_vii.load(tmp_path, modality="eeg"))


def test_subjects_without_ratings_are_named(tmp_path):
    write(tmp_path)
    write(tmp_path, "ratings", subject=2)
    with pytest.raises(FileNotFoundError, match="expected the ratings of subject 1"):
        seed_vii.intensities(tmp_path, seed_vii.load(tmp_path, modality="eeg"))
