"""Tests of the SEED loader on trees written by hand after the published format, and on simulated ones."""

import logging
import os
import pickle
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from emogan.data.readers.unpickle import UnsafePickle
from emogan.data.seed import seed
from emogan.simulation import people
from emogan.simulation.releases import write_seed

WINDOWS = {
    1: (235, 233, 206, 238, 185, 195, 237, 216, 265, 237, 235, 233, 235, 238, 206),
    4: (58, 58, 51, 59, 46, 48, 59, 54, 66, 59, 58, 58, 58, 59, 51),
}
LABELS = [1, 0, -1, -1, 0, 1, -1, 0, 1, 1, 0, -1, 0, 1, -1]
BANDS = ("delta", "theta", "alpha", "beta", "gamma")
DATES = (20131027, 20131030, 20131107)
EEG, NPZ = "SEED_EEG/ExtractedFeatures_4s", "SEED_Multimodal/Chinese/02-EEG-DE-feature/eeg_used_4s"
EYE = "SEED_Multimodal/Chinese/04-Eye-tracking-feature/eye_tracking_feature"


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """Features of the subjects 2 and 10 (as text, 10 stands before 2) and the tree written from them."""
    root = tmp_path_factory.mktemp("simulated")
    features = people.load("seed", subjects=[2, 10])
    write_seed(features, root)
    yield features, root
    shutil.rmtree(root)


@pytest.fixture
def tree(simulated, tmp_path):
    """A copy of the simulated tree to change: its files are links, so replace them, never write into them."""
    shutil.copytree(simulated[1], tmp_path / "data", copy_function=os.link)
    return tmp_path / "data"


def same(one, other) -> bool:
    """Equal in values, labels, places, feature and class names."""
    return one.fingerprint() == other.fingerprint()


def part_of(features, subject: int, session: int) -> np.ndarray:
    return features.x[(features.subject == subject) & (features.session == session)]


def eeg_arrays(window_s=4, key="de_LDS", start=0) -> dict[str, np.ndarray]:
    """Trials (62, W, 5) whose values tell trial, channel, window and band apart."""
    trial, channel, band = 1e4 * np.arange(1, 16), np.arange(62)[:, None, None], np.arange(5)
    return {
        f"{key}{i + 1}": start + trial[i] + channel / 64 + np.arange(w)[:, None] + 1000.0 * band
        for i, w in enumerate(WINDOWS[window_s])
    }


def write_eeg(folder: Path, subject=1, date=DATES[0], window_s=4, **changes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{subject}_{date}.mat"
    path.unlink(missing_ok=True)
    arrays = {**eeg_arrays(window_s), **changes}
    savemat(path, {key: array for key, array in arrays.items() if array is not None})
    return path


def write_eye(folder: Path, name="1_1", features=33, train=499, test=343, seed=0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    parts = {"train_data_eye": rng.normal(size=(train, features)), "test_data_eye": rng.normal(size=(test, features))}
    (folder / name).unlink(missing_ok=True)
    (folder / name).write_bytes(pickle.dumps(parts, protocol=2))
    return folder / name


# What is loaded


@pytest.mark.parametrize("eeg_source", ["extracted", "multimodal"])
@pytest.mark.parametrize("modality", ["eeg", "eye", "eeg_eye"])
def test_a_simulated_tree_is_loaded_to_the_simulated_arrays(simulated, modality, eeg_source):
    _, root = simulated
    loaded = seed.load(root, modality=modality, eeg_source=eeg_source)
    assert same(loaded, people.load("seed", subjects=[2, 10], modality=modality))
    assert loaded.dataset == "synthetic_seed"


def test_every_value_of_a_mat_file_lands_at_its_trial_window_channel_and_band(tmp_path):
    write_eeg(tmp_path / "ExtractedFeatures_4s")
    loaded = seed.load(tmp_path, modality="eeg")
    row = 0
    for trial, (windows, label) in enumerate(zip(WINDOWS[4], LABELS, strict=True), 1):
        for window in range(windows):
            assert (loaded.trial[row], loaded.y[row]) == (trial, label + 1)
            expected = [1e4 * trial + channel / 64 + window + 1000 * band for channel in range(62) for band in range(5)]
            assert np.array_equal(loaded.x[row], np.float32(expected))
            row += 1
    assert row == len(loaded.x) == 842
    assert loaded.feature_names[:6] == ("FP1_delta", "FP1_theta", "FP1_alpha", "FP1_beta", "FP1_gamma", "FPZ_delta")
    assert loaded.feature_names[-1] == "CB2_gamma"
    assert loaded.class_names == ("negative", "neutral", "positive")
    assert loaded.dataset == "seed"


def test_the_npz_of_seed_multimodal_is_loaded_channel_major(tmp_path):
    rng, folder = np.random.default_rng(0), tmp_path / "eeg_used_4s"
    folder.mkdir()
    bands = {part: {band: rng.normal(size=(n, 62)) for band in BANDS} for part, n in (("train", 499), ("test", 343))}
    labels = np.repeat(LABELS, WINDOWS[4])
    stored = {f"{part}_data": pickle.dumps(table, protocol=2) for part, table in bands.items()}
    np.savez(folder / "3_2.npz", train_label=labels[:499], test_label=labels[499:] + 1.0, **stored)  # -1..1, 0..2
    loaded = seed.load(tmp_path, eeg_source="multimodal", modality="eeg")
    for row in (0, 498, 499, 841):
        table, i = (bands["train"], row) if row < 499 else (bands["test"], row - 499)
        for column in (0, 1, 5, 309):
            channel, band = divmod(column, 5)
            assert loaded.x[row, column] == np.float32(table[BANDS[band]][i, channel])
    assert np.array_equal(loaded.y, labels + 1)
    assert np.array_equal(loaded.trial, np.repeat(np.arange(1, 16), WINDOWS[4]))
    assert set(loaded.subject) == {3}
    assert set(loaded.session) == {2}


@pytest.mark.parametrize("feature", ["de_movingAve", "psd_LDS", "psd_movingAve"])
def test_another_feature_is_read_from_the_variables_of_its_name(simulated, feature):
    _, root = simulated
    loaded = seed.load(root, feature=feature, modality="eeg", subjects=[10], sessions=[2])
    files = sorted((root / EEG).glob("10_*.mat"))
    stored = loadmat(files[1])
    rows = [stored[f"{feature}{i}"][:, w, :].ravel() for i in range(1, 16) for w in range(WINDOWS[4][i - 1])]
    assert np.array_equal(loaded.x, np.float32(rows))


def test_sessions_follow_the_dates_and_subjects_their_numbers(tmp_path):
    folder = tmp_path / "ExtractedFeatures_4s"
    dates = {10: (20131204, 20131130, 20140105), 9: (20140704, 20140627, 20140620)}
    for subject, days in dates.items():
        for k, day in enumerate(days):
            write_eeg(folder, subject, day, **eeg_arrays(start=subject + k / 8))
    loaded = seed.load(tmp_path, modality="eeg")
    assert [(subject, session) for subject, session, _ in loaded.experiments()] == [
        (9, 1), (9, 2), (9, 3), (10, 1), (10, 2), (10, 3),
    ]  # fmt: skip
    first = [part_of(loaded, subject, session)[0, 0] for subject in (9, 10) for session in (1, 2, 3)]
    assert np.array_equal(np.subtract(first, 1e4), [9 + 2 / 8, 9 + 1 / 8, 9, 10 + 1 / 8, 10, 10 + 2 / 8])


@pytest.mark.parametrize(("features", "first", "last"), [
    (33, "pupil_x_mean", "saccade_latency_average_ms"), (31, "pupil_x_mean", "saccade_latency_average_ms"),
    (41, "pupil_x_mean", "dispersion_y_de_06_1"), (7, "eye_1", "eye_7"),
])  # fmt: skip
def test_the_number_of_eye_features_is_taken_from_the_file(tmp_path, features, first, last):
    write_eye(tmp_path / EYE, features=features)
    loaded = seed.load(tmp_path, modality="eye")
    assert loaded.x.shape == (842, features)
    assert (loaded.feature_names[0], loaded.feature_names[-1]) == (first, last)
    assert np.array_equal(loaded.y, np.repeat(LABELS, WINDOWS[4]) + 1)


@pytest.mark.parametrize("kind", ["struct", "cell"])
def test_the_older_mat_files_of_eye_features_are_loaded_like_the_pickles(tmp_path, kind):
    parts = pickle.loads(write_eye(tmp_path / "new" / EYE, "4_3").read_bytes())
    cell = parts
    if kind == "cell":
        cell = np.empty((1, 2), dtype=object)
        cell[0, 0], cell[0, 1] = parts.values()
    (tmp_path / "eye_used").mkdir()
    savemat(tmp_path / "eye_used" / "4_3.mat", {"cell": cell})
    new = seed.load(tmp_path / "new", modality="eye")
    shutil.rmtree(tmp_path / "new")
    assert same(seed.load(tmp_path, modality="eye"), new)


@pytest.mark.parametrize("shift", [0, 1])
def test_labels_from_minus_one_and_from_zero_are_the_same(tmp_path, shift):
    folder = write_eeg(tmp_path / "ExtractedFeatures_4s").parent
    savemat(folder / "label.mat", {"label": np.array([LABELS]) + shift})
    assert np.array_equal(seed.load(tmp_path, modality="eeg").y, np.repeat(LABELS, WINDOWS[4]) + 1)


# Where it is found


def test_files_are_found_in_every_layout_of_the_release(simulated, tree):
    features = simulated[0]
    eeg, eye = (people.load("seed", subjects=[2, 10], modality=kind) for kind in ("eeg", "eye"))
    (tree.parent / "parent" / "of" / "it").mkdir(parents=True)
    tree = tree.rename(tree.parent / "parent" / "of" / "it" / "data")
    assert same(seed.load(tree.parents[2]), features)  # above the release
    assert same(seed.load(str(tree)), features)
    assert same(seed.load(tree / "SEED_EEG", modality="eeg"), eeg)
    assert same(seed.load(tree / EEG, modality="eeg"), eeg)  # inside it
    assert same(seed.load(tree / EYE, modality="eye"), eye)
    extracted = (tree / EEG).rename(tree / "ExtractedFeatures")  # an older release's place
    assert same(seed.load(tree), features)
    for subject in (2, 10):
        for session, path in enumerate(sorted(extracted.glob(f"{subject}_*.mat")), 1):
            (extracted / str(session)).mkdir(exist_ok=True)
            path.rename(extracted / str(session) / path.name)
    assert same(seed.load(tree), features)  # sorted by hand
    second = seed.load(extracted / "2", modality="eeg")
    assert same(second, seed.load(tree, modality="eeg", sessions=[2]))
    assert second.dataset == "synthetic_seed"


def test_scores_of_simulated_features_cannot_pass_for_real_ones(tree):
    (tree / EEG / "readme.txt").write_text("Features of the SEED data set, by its authors.")
    assert seed.load(tree, modality="eeg").dataset == "seed"
    assert seed.load(tree, modality="eye").dataset == "synthetic_seed"
    assert seed.load(tree, modality="eeg_eye").dataset == "synthetic_seed"


def test_a_link_to_the_folder_is_no_second_find(simulated, tree):
    (tree / "again").symlink_to(tree / EEG, target_is_directory=True)
    (tree / "SEED_EEG" / "loop").symlink_to(tree, target_is_directory=True)
    assert same(seed.load(tree), simulated[0])


def test_stray_files_and_the_other_countries_are_passed_by(simulated, tree):
    for folder in (tree / EEG, tree / EYE, tree / NPZ):
        for name in (
            "._2_20131201.mat",
            "2_20131201 (1).mat",
            "10_1.txt",
            "notes.mat",
            "2_1.bak",
            "Thumbs.db",
            ".DS_Store",
        ):
            (folder / name).write_bytes(b"stray")
        (folder / "3_20131201.mat").mkdir()
        assert (folder / "readme.txt").is_file()
    for country in ("French", "German"):
        shutil.copytree(tree / "SEED_Multimodal" / "Chinese", tree / "SEED_Multimodal" / country)
    shutil.copytree(tree / "SEED_EEG", tree / "__MACOSX" / "SEED_EEG")
    for source in ("extracted", "multimodal"):
        assert same(seed.load(tree, eeg_source=source), simulated[0])


def test_an_older_release_holds_windows_of_one_second(tmp_path):
    write_eeg(tmp_path / "SEED" / "ExtractedFeatures", window_s=1)
    loaded = seed.load(tmp_path, window_s=1, modality="eeg")
    assert np.array_equal(np.bincount(loaded.trial)[1:], WINDOWS[1])
    with pytest.raises(ValueError, match=r"expected 58 windows of 4 s in trial 1, got 235\. .*set data\.window_s=1"):
        seed.load(tmp_path, modality="eeg")


def test_the_folder_of_the_window_length_is_preferred(tmp_path):
    write_eeg(tmp_path / "ExtractedFeatures", window_s=1)
    write_eeg(tmp_path / "ExtractedFeatures_4s", window_s=4)
    assert len(seed.load(tmp_path, modality="eeg").x) == 842
    assert len(seed.load(tmp_path, window_s=1, modality="eeg").x) == sum(WINDOWS[1])


def test_two_releases_below_the_root_are_an_error_that_names_both(tmp_path):
    for copy in ("one", "two"):
        write_eeg(tmp_path / copy / "ExtractedFeatures_4s")
    with pytest.raises(ValueError, match=r"got 2: .*one/ExtractedFeatures_4s, .*two/ExtractedFeatures_4s"):
        seed.load(tmp_path, modality="eeg")


def test_a_wrong_root_is_an_error_that_says_what_is_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere, which does not exist"):
        seed.load(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"holds nothing\. Point data\.root at the folder of the release"):
        seed.load(tmp_path)
    (tmp_path / "ExtractedFeatures_4s").mkdir()
    (tmp_path / "ExtractedFeatures_4s" / "readme.txt").touch()
    with pytest.raises(FileNotFoundError, match=r"ExtractedFeatures_4s holds no such file"):
        seed.load(tmp_path)
    write_eeg(tmp_path / "ExtractedFeatures_4s")
    with pytest.raises(FileNotFoundError, match=r"expected a folder eye_tracking_feature .*use modality=eeg"):
        seed.load(tmp_path)


def test_files_both_flat_and_in_session_folders_are_an_error(tmp_path):
    write_eeg(tmp_path / "ExtractedFeatures")
    write_eeg(tmp_path / "ExtractedFeatures" / "2")
    with pytest.raises(ValueError, match="either here or in folders 1, 2, 3, got both"):
        seed.load(tmp_path, modality="eeg")
    shutil.rmtree(tmp_path / "ExtractedFeatures")
    write_eeg(tmp_path / "ExtractedFeatures" / "2")
    write_eeg(tmp_path / "ExtractedFeatures" / "2", date=DATES[1])
    with pytest.raises(ValueError, match=r"one file of subject 1, session 2, got .*20131027.* and .*20131030"):
        seed.load(tmp_path, modality="eeg")


# Which experiments


def test_experiments_without_eye_features_are_left_out_and_counted(simulated, tree, caplog):
    (tree / EYE / "2_1").unlink()
    for session in (1, 2, 3):
        shutil.copy(tree / EYE / f"10_{session}", tree / EYE / f"12_{session}")
    with caplog.at_level(logging.WARNING):
        loaded = seed.load(tree)
    assert [e[:2] for e in loaded.experiments()] == [(2, 2), (2, 3), (10, 1), (10, 2), (10, 3)]
    assert np.array_equal(part_of(loaded, 2, 2), part_of(simulated[0], 2, 2))
    assert "left out 4 of 9 experiments" in caplog.text
    assert "subjects 2, 12" in caplog.text
    assert len(seed.load(tree, modality="eeg").x) == 6 * 842


def test_asking_for_what_does_not_exist_is_an_error_that_says_what_does(tree):
    for session in (1, 2, 3):
        (tree / EYE / f"2_{session}").unlink()
    with pytest.raises(ValueError, match=r"subject 2 \(no eye file of 2\); subjects with eeg and eye features: 10\."):
        seed.load(tree, subjects=[2, 10])
    with pytest.raises(ValueError, match=r"features of subject 7 .*: 10\."):
        seed.load(tree, subjects=[7])
    with pytest.raises(ValueError, match=r"features of session 4; sessions with eeg features: 1, 2, 3\."):
        seed.load(tree, modality="eeg", sessions=[1, 4])
    with pytest.raises(ValueError, match="an empty list; null means all subjects, here 2, 10"):
        seed.load(tree, modality="eeg", subjects=[])
    write_eye(tree / EYE, "2_3", features=41)
    with pytest.raises(ValueError, match="none of subject 2 session 1"):
        seed.load(tree, subjects=[2], sessions=[1, 3])


def test_a_selection_holds_the_experiments_asked_for_and_no_others(simulated, tree):
    features, _ = simulated
    loaded = seed.load(tree, subjects=[10, 2], sessions=[3, 1])
    assert [e[:2] for e in loaded.experiments()] == [(2, 1), (2, 3), (10, 1), (10, 3)]
    for subject, session, rows in loaded.experiments():
        assert np.array_equal(loaded.x[rows], part_of(features, subject, session))
    assert same(seed.load(tree, subjects=10), seed.load(tree, subjects=[10]))


OTHER_NAMES = ["{} (1).mat", "{} - Copy.mat", "Copy of {}.mat", "{}_2.mat", "._{}.mat", "{}.MAT", "{}.mat.crdownload"]


@pytest.mark.parametrize(("name", "session"), [(None, 1), (None, 2), (None, 3), *((name, 2) for name in OTHER_NAMES)])
def test_eeg_and_eyes_are_of_one_session_also_where_a_file_is_missing(simulated, tree, caplog, name, session):
    path = sorted((tree / EEG).glob("2_*.mat"))[session - 1]
    path.rename(path.with_name(name.format(path.stem))) if name else path.unlink()
    loaded = seed.load(tree)
    assert [e[:2] for e in loaded.experiments()] == [(2, s) for s in (1, 2, 3) if s != session] + [
        (10, 1),
        (10, 2),
        (10, 3),
    ]
    for subject, number, rows in loaded.experiments():
        assert np.array_equal(loaded.x[rows], part_of(simulated[0], subject, number))
    if name and not name.startswith("."):
        assert f"passed over {name.format(path.stem)}" in caplog.text


def test_sessions_that_the_dates_cannot_tell_are_no_sessions(tmp_path, caplog):
    folder, others = tmp_path / "ExtractedFeatures_4s", (20150101, 20150102, 20150103, 20150104)
    for subject, dates in (
        (5, others[:2]),
        (6, others),
        (7, others[:3]),
        (8, (20140514,)),
        (9, (20140627, *others[:2])),
    ):
        for date in dates:
            write_eeg(folder, subject, date)
    (folder / "5_20150103 (1).mat").touch()
    loaded = seed.load(tmp_path, modality="eeg")
    assert [e[:2] for e in loaded.experiments()] == [(7, 1), (7, 2), (7, 3), (8, 2)]
    for reason in (
        r"3 files of subject 5, .* got 2: 5_20150101.mat, 5_20150102.mat; passed over, .*: 5_20150103 \(1\).mat. .*folders 1, 2, 3",
        r"3 files of subject 6, .* got 4: .*left out", r"3 files of subject 9, .* got 3: 9_20140627.mat, .*left out",
    ):  # fmt: skip
        assert re.search(reason, caplog.text)
        with pytest.raises(ValueError, match=r"3 files of subject 5"):
            seed.load(tmp_path, modality="eeg", subjects=[5])
    caplog.clear()
    seed.load(tmp_path, modality="eeg", subjects=[7, 8])
    assert "left out" not in caplog.text


@pytest.mark.parametrize(("folder", "name", "other"), [(NPZ, "2_1.npz", "2_1(1).npz"), (EYE, "2_3", "2_3 (copy)")])
def test_files_of_almost_the_right_names_are_named(tree, caplog, folder, name, other):
    (tree / folder / name).rename(tree / folder / other)
    loaded = seed.load(
        tree, modality="eye" if folder == EYE else "eeg", eeg_source="multimodal" if folder == NPZ else "extracted"
    )
    assert len(list(loaded.experiments())) == 5
    assert f"passed over {other}:" in caplog.text


def test_a_file_in_the_folder_of_another_session_is_not_read_as_of_that(tmp_path, caplog):
    for session, date in zip((1, 2, 3), (DATES[1], DATES[0], DATES[2]), strict=True):
        write_eeg(tmp_path / "ExtractedFeatures_4s" / str(session), 1, date)
        write_eeg(tmp_path / "ExtractedFeatures_4s" / str(session), 4, 20150101 + session)
    assert [e[:2] for e in seed.load(tmp_path, modality="eeg").experiments()] == [(4, 1), (4, 2), (4, 3)]
    assert "1_20131027.mat: expected it in folder 1" in caplog.text


def test_a_folder_with_files_of_almost_the_right_names_alone_is_an_error_that_names_them(tmp_path):
    path = write_eeg(tmp_path / "ExtractedFeatures_4s")
    path.rename(path.with_name("1_20131027(1).mat"))
    with pytest.raises(FileNotFoundError, match=r"holds no such file, but 1_20131027\(1\).mat"):
        seed.load(tmp_path, modality="eeg")


# What is refused


@pytest.mark.parametrize(("options", "message"), [
    ({"eeg_source": "multimodal", "feature": "psd_LDS"}, "use data.feature=de_LDS, or data.eeg_source=extracted"),
    ({"window_s": 1}, "for windows of 4 s only, .*use data.window_s=4, or modality=eeg"),
    ({"window_s": 1, "modality": "eye"}, "use data.window_s=4"),
])  # fmt: skip
def test_options_that_do_not_go_together_are_refused_before_any_file_is_read(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        seed.load(tmp_path, **options)


@pytest.mark.parametrize(("changes", "message"), [
    ({"de_LDS7": None}, r"missing de_LDS7; the file has de_LDS1"),
    ({"de_LDS7": np.ones((61, 59, 5))}, r"expected de_LDS7 as numbers of shape \(62, windows, 5\), got shape \(61, 59"),
    ({"de_LDS7": np.ones((62, 0, 5))}, r"got shape \(62, 0, 5\)"),
    ({"de_LDS7": np.ones((59, 310))}, r"got shape \(59, 310\)"),
    ({"de_LDS7": np.full((62, 59, 5), "x")}, "cannot be read as one"),
    ({"de_LDS7": np.ones((62, 58, 5))}, "expected 59 windows of 4 s in trial 7, got 58. .*is the file whole"),
    ({"de_LDS7": np.full((62, 59, 5), np.nan)}, "subject 1, session 1, trial 7: .*got nan as FP1_delta in window 1"),
    ({"de_LDS7": np.full((62, 59, 5), 1e39)}, "trial 7: expected finite features, got inf"),
])  # fmt: skip
def test_a_wrong_mat_file_is_an_error_that_names_the_file(tmp_path, changes, message):
    write_eeg(tmp_path / "ExtractedFeatures_4s", **changes)
    with pytest.raises(ValueError, match=rf"1_20131027\.mat: .*{message}"):
        seed.load(tmp_path, modality="eeg")


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_truncated_mat_file_is_an_error_that_names_the_file(tmp_path, share):
    path = write_eeg(tmp_path / "ExtractedFeatures_4s")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r"1_20131027\.mat: expected .*Copy it again"):
        seed.load(tmp_path, modality="eeg")


@pytest.mark.parametrize(("labels", "message"), [
    (LABELS[:14], "expected 15 labels in label in .* got 14"),
    (LABELS[::-1], "expected 15 labels in label in the order of SEED's 15 films"),
    ([x + 2 for x in LABELS], "expected 15 labels in label in the order of SEED's 15 films"),
])  # fmt: skip
def test_a_label_file_of_something_else_is_refused(tmp_path, labels, message):
    folder = write_eeg(tmp_path / "ExtractedFeatures_4s").parent
    savemat(folder / "label.mat", {"label": [labels]})
    with pytest.raises(ValueError, match=rf"label\.mat: {message}"):
        seed.load(tmp_path, modality="eeg")


def test_eye_files_that_do_not_fit_are_refused(tmp_path):
    write_eye(tmp_path / EYE, test=342)
    with pytest.raises(ValueError, match=r"1_1: expected test_data_eye .* of shape \(343, features\), got shape \(342"):
        seed.load(tmp_path, modality="eye")
    write_eye(tmp_path / EYE)
    write_eye(tmp_path / EYE, "2_1", features=41)
    with pytest.raises(ValueError, match=r"2_1: subject 2, .*expected 33 features as in the first file, got 41"):
        seed.load(tmp_path, modality="eye")
    for content, message in (({"train_data_eye": np.ones((499, 33))}, "got only train_data_eye"), ([1], "got list")):
        (tmp_path / EYE / "1_1").write_bytes(pickle.dumps(content))
        with pytest.raises(ValueError, match=f"1_1: expected t.*_data_eye, of type ndarray, {message}"):
            seed.load(tmp_path, modality="eye")
    shutil.copy(write_eye(tmp_path / EYE), tmp_path / EYE / "1_1.mat")
    with pytest.raises(ValueError, match=r"one file of subject 1, session 1, got .*1_1 and .*1_1\.mat"):
        seed.load(tmp_path, modality="eye")


def test_a_truncated_pickle_or_npz_is_an_error_that_names_the_file(tree):
    for folder, name, options in ((NPZ, "2_1.npz", {"eeg_source": "multimodal"}), (EYE, "2_1", {"modality": "eye"})):
        content = (tree / folder / name).read_bytes()
        (tree / folder / name).unlink()
        (tree / folder / name).write_bytes(content[: len(content) // 2])
        with pytest.raises(UnsafePickle, match=name):
            seed.load(tree, subjects=[2], sessions=[1], **options)


def test_a_pickle_that_would_run_code_is_refused_and_nothing_is_run(tmp_path):
    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "was_run"),)

    write_eye(tmp_path / EYE).write_bytes(pickle.dumps({"train_data_eye": Hostile()}))
    with pytest.raises(UnsafePickle, match="1_1"):
        seed.load(tmp_path, modality="eye")
    assert not (tmp_path / "was_run").exists()


def test_the_npz_of_seed_multimodal_must_be_whole(tree):
    path = tree / NPZ / "2_1.npz"
    with np.load(path) as file:
        stored = dict(file)
    bands = pickle.loads(stored["train_data"].item())
    for changes, message in (
        (
            {"train_data": pickle.dumps({**bands, "beta": bands["beta"][:-1]})},
            r"beta as .*\(499, 62\), got",
        ),
        ({"train_data": pickle.dumps({**bands, "beta": bands["beta"][:, :-1]})}, r"got shape \(499, 61\)"),
        ({"train_data": pickle.dumps({"delta": bands["delta"]})}, "expected theta, .*got only delta"),
        ({"train_label": stored["train_label"][:-1]}, "expected 499 labels in train_label in .* got 498"),
        (
            {"test_label": stored["test_label"][::-1]},
            "expected 343 labels in test_label in the order of SEED's 15 films",
        ),
    ):
        path.unlink()
        np.savez(path, **{**stored, **changes})
        with pytest.raises(ValueError, match=rf"2_1\.npz: .*{message}"):
            seed.load(tree, eeg_source="multimodal", subjects=[2])
