"""Tests of the loaders of DEAP and DREAMER on simulated trees: their signals, features, labels and what is refused."""

import logging
import os
import pickle
import shutil
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
from scipy.io import loadmat, savemat

from emogan.check import check
from emogan.data import named, table
from emogan.data.readers import amigos, deap, dreamer
from emogan.recordings.events_table import COLUMNS
from emogan.recordings.run import extract
from emogan.simulate import simulate
from emogan.simulation.signals import python_2_pickle, simulate_amigos, simulate_deap, simulate_dreamer


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    root = tmp_path_factory.mktemp("trees")
    simulate("deap", root / "deap", subjects=[7])
    simulate("dreamer", root / "dreamer", subjects=[1, 2])
    simulate("amigos", root / "amigos", subjects=[8, 9])
    yield root
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def load(trees):
    """``load(name, ...)``: a data set whose features are extracted once for all tests."""
    return lambda name, **given: named.load(name, **{"root": trees / name, "cache": trees / "kept", **given})


def test_the_signals_and_ratings_of_both_trees_are_those_simulated_to_the_last_bit(trees):
    found, expected = deap.read(trees / "deap/data_preprocessed_python/s07.dat"), simulate_deap(7)
    np.testing.assert_array_equal(found.signals, expected.signals)
    np.testing.assert_array_equal(found.ratings, expected.ratings)
    for person in (2, 1, 2):
        found, expected = dreamer.read(trees / "dreamer/DREAMER.mat", person), simulate_dreamer(person)
        np.testing.assert_array_equal(found.ratings, expected.ratings)
        for one, other in zip(found.signals, expected.signals, strict=True):
            np.testing.assert_array_equal(one, other)


def test_the_trees_are_read_by_the_programs_that_read_the_releases(trees):
    with (trees / "deap/data_preprocessed_python/s07.dat").open("rb") as file:
        stored = pickle.load(file, encoding="latin1")
    assert {name: array.shape for name, array in stored.items()} == {"data": (40, 40, 8064), "labels": (40, 4)}
    people = loadmat(trees / "dreamer/DREAMER.mat")["DREAMER"][0, 0]["Data"]
    assert people.shape == (1, 2)
    eeg = people[0, 1]["EEG"][0, 0]
    assert eeg["stimuli"][0, 0].shape == eeg["baseline"][0, 0].shape == (18, 1)
    np.testing.assert_array_equal(eeg["stimuli"][0, 0][4, 0].T, simulate_dreamer(2).signals[4])
    np.testing.assert_array_equal(people[0, 1]["ScoreArousal"][0, 0], simulate_dreamer(2).ratings[:, [1]])


def test_a_matlab_file_of_deap_is_read_as_the_pickle(trees, tmp_path):
    person = deap.read(trees / "deap/data_preprocessed_python/s07.dat")
    savemat(tmp_path / "s07.mat", {"data": person.signals, "labels": person.ratings})
    found = deap.read(tmp_path / "s07.mat")
    np.testing.assert_array_equal(found.signals, person.signals)
    np.testing.assert_array_equal(found.ratings, person.ratings)


@pytest.mark.parametrize(
    ("name", "person", "channels", "columns", "start_s"),
    [("deap", 7, deap.CHANNELS, 160, 3.0), ("dreamer", 2, dreamer.CHANNELS, 70, None)],
)
def test_the_features_are_those_of_the_extraction_from_recordings_of_the_same_signals(
    load, tmp_path, name, person, channels, columns, start_s
):
    found = load(name, subjects=[person])
    assert found.x.shape == ((40 if name == "deap" else 18) * 15, columns)
    assert found.feature_names[:2] == (f"{channels[0]}_delta", f"{channels[0]}_theta")
    signals = (simulate_deap if name == "deap" else simulate_dreamer)(person).signals
    rows = []
    for clip in (1, 2, 18):
        signal = signals[clip - 1][: len(channels)]
        raw = mne.io.RawArray(signal * 1e-6, mne.create_info(list(channels), 128, "eeg"), verbose="error")
        raw.save(tmp_path / f"{clip}_raw.fif", fmt="double", verbose="error")
        end_s = signal.shape[1] / 128
        onset = end_s - 60 if start_s is None else start_s
        rows.append((f"{clip}_raw.fif", 1, 1, clip, f"label {clip % 2}", onset, end_s - onset))
    frame = pd.DataFrame(rows, columns=COLUMNS)
    frame.to_csv(tmp_path / "trials.csv", index=False)
    outcome = extract(tmp_path, tmp_path / "trials.csv", tmp_path / "out", named.settings_of(name)["settings"])
    assert not outcome.failed
    expected = table.load(outcome.files)
    np.testing.assert_allclose(found.x[np.isin(found.trial, (1, 2, 18))], expected.x, rtol=2e-6)


def test_a_trial_is_high_from_the_threshold_on_and_the_numbers_are_told(load, caplog):
    ratings = simulate_deap(7).ratings
    assert (ratings[:2] == 5).all()
    with caplog.at_level(logging.INFO):
        found = load("deap")
    assert found.dataset == "synthetic_deap_valence"
    assert found.class_names == ("low_valence", "high_valence")
    assert found.y[::15].tolist() == (ratings[:, 0] >= 5).astype(int).tolist()
    low, high = (ratings[:, 0] < 5).sum(), (ratings[:, 0] >= 5).sum()
    assert (
        f"{low} trials of low valence (rated below 5), {high} of high valence (5 or above, 2 of them exactly 5)"
        in caplog.text
    )
    assert "it was recorded with a filter from 4 to 45 Hz" in caplog.text
    above = load("deap", threshold=5.001)
    assert above.y[::15].sum() == high - 2
    assert found.stimulus.tolist() == found.trial.tolist()


def test_another_target_or_threshold_takes_the_features_that_are_kept(load, trees):
    load("deap")
    kept = {path: path.stat().st_mtime_ns for path in (trees / "kept").rglob("*.npz")}
    arousal = load("deap", target="arousal", threshold=4.5)
    assert arousal.y[::15].tolist() == (simulate_deap(7).ratings[:, 1] >= 4.5).astype(int).tolist()
    assert {path: path.stat().st_mtime_ns for path in (trees / "kept").rglob("*.npz")} == kept


def test_ratings_all_on_one_side_are_refused_with_their_range(load):
    with pytest.raises(
        ValueError, match=r"data\.threshold: expected trials on either side.*0 trials of low valence.*reach"
    ):
        load("deap", threshold=1)


def test_people_with_few_trials_of_a_class_are_told(load, caplog):
    ratings = np.array([simulate_dreamer(person).ratings[:, 0] for person in (1, 2)])
    few = {person: min((own >= 4).sum(), (own < 4).sum()) for person, own in zip((1, 2), ratings, strict=True)}
    with caplog.at_level(logging.INFO):
        load("dreamer", threshold=4)
    for person, count in few.items():
        assert (f"{person} ({count})" in caplog.text) == (count < 5)


def test_whole_clips_of_dreamer_have_all_of_their_windows(load, trees):
    found = load("dreamer", last_s=None, subjects=[1], settings={"features": "psd"})
    windows = [signal.shape[1] // 512 for signal in simulate_dreamer(1).signals]
    assert np.bincount(found.trial)[1:].tolist() == windows
    assert (found.x > 0).all()


def test_people_and_modalities_that_are_not_there_are_refused(load):
    for name, there in (("deap", "7"), ("dreamer", "1, 2")):
        with pytest.raises(ValueError, match=rf"features of subject 9; subjects with eeg features: {there}\."):
            load(name, subjects=[9])
        with pytest.raises(ValueError, match="no eye movement features"):
            load(name, modality="eye")


def test_amigos_has_the_short_clips_that_were_watched_without_the_seconds_before(load, caplog):
    found, person = load("amigos", target="arousal"), simulate_amigos(8)
    assert "left out people whose trials are not all sound: 9." in caplog.text
    assert found.dataset == "synthetic_amigos_arousal"
    assert set(found.subject) == {8}
    windows = {clip: (signal.shape[1] - 5 * 128) // 512 for clip, signal in person.signals.items()}
    assert {int(clip): int((found.trial == clip).sum()) for clip in np.unique(found.stimulus)} == windows
    assert 3 + 8 % 5 not in windows
    first = np.unique(found.trial, return_index=True)[1]
    assert found.y[first].tolist() == [int(person.ratings[clip][0] >= 5) for clip in windows]
    assert set(load("amigos", subjects=[9]).subject) == {9}


def test_signals_of_amigos_are_those_simulated_and_wrong_files_are_refused_by_name(trees, tmp_path):
    found, expected = amigos.read(trees / "amigos/data_preprocessed/Data_Preprocessed_P08.mat"), simulate_amigos(8)
    for clip, signal in expected.signals.items():
        np.testing.assert_array_equal(found.signals[clip], signal)
        np.testing.assert_array_equal(found.ratings[clip], expected.ratings[clip])
    path = tmp_path / "Data_Preprocessed_P08.mat"
    cells = np.empty((1, 16), dtype=object)
    cells[0] = [np.ones((1000, 16))] * 16
    rated = np.empty((1, 16), dtype=object)
    rated[0] = [np.full((1, 12), 10.0)] * 16
    sound = np.empty((1, 16), dtype=object)
    sound[0] = [np.ones((1000, 17))] * 16
    for content, message in (
        (
            {"joined_data": cells, "labels_selfassessment": rated},
            r"signals of clip 1 .*\(samples, 17\), got shape \(1000, 16\)",
        ),
        ({"joined_data": sound, "labels_selfassessment": rated}, r"expected ratings from 1 to 9 of clip 1, got \[10"),
        ({"joined_data": np.ones(3), "labels_selfassessment": rated}, "joined_data as cells of 16 short clips"),
        ({"joined_data": sound}, "missing labels_selfassessment"),
    ):
        savemat(path, content)
        with pytest.raises(ValueError, match=rf"P08\.mat: .*{message}"):
            amigos._read.__wrapped__(path, 0)
    whole = (trees / "amigos/data_preprocessed/Data_Preprocessed_P08.mat").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"P08\.mat: expected a \.mat file, got \d+ bytes"):
        named.load("amigos", root=tmp_path, cache=tmp_path / "kept")


def damaged_deap(folder: Path, **changes) -> Path:
    (folder / "data_preprocessed_python").mkdir(exist_ok=True)
    arrays = {"labels": np.full((40, 4), 5.0), "data": np.zeros((40, 40, 80)), **changes}
    (folder / "data_preprocessed_python/s01.dat").write_bytes(python_2_pickle(arrays))
    return folder


def test_wrong_files_of_deap_are_refused_by_name(trees, tmp_path):
    def refused(message):
        with pytest.raises(ValueError, match=rf"s01\.dat: {message}"):
            named.load("deap", root=tmp_path, cache=tmp_path / "kept")

    damaged_deap(tmp_path)
    refused(r"expected signals of 40 clips.* \(40, 40, 8064\), got shape \(40, 40, 80\)")
    path = tmp_path / "data_preprocessed_python/s01.dat"
    path.write_bytes(path.read_bytes()[:5000])
    refused(r"pickle: ")
    path.write_bytes(pickle.dumps({"data": 1}, 2))
    refused("expected a dict of data and labels, got dict")
    whole = deap.read(trees / "deap/data_preprocessed_python/s07.dat")
    damaged_deap(tmp_path, data=whole.signals, labels=whole.ratings[:32])
    refused(r"expected ratings of 40 clips on 4 scales .*got shape \(32, 4\)")
    damaged_deap(tmp_path, data=whole.signals, labels=whole.ratings * 2)
    refused(r"expected ratings from 1 to 9, got \d")


def test_a_truncated_or_another_file_of_dreamer_is_refused_and_what_is_whole_is_read(trees, tmp_path):
    path = tmp_path / "DREAMER.mat"
    whole = (trees / "dreamer/DREAMER.mat").read_bytes()
    path.write_bytes(whole[: len(whole) * 3 // 4])
    assert dreamer.count(path) == 2
    assert len(dreamer.read(path, 1).signals) == 18
    with pytest.raises(ValueError, match=r"DREAMER\.mat: expected DREAMER\.mat, got \d+ bytes.*it ends where"):
        named.load("dreamer", root=path, cache=tmp_path / "kept")
    for content, message in (
        ({"x": np.ones(3)}, "a struct with the field Data is due"),
        ({"DREAMER": {"Data": np.ones(3)}}, "Data is due as a cell array"),
    ):
        savemat(path, content)
        os.utime(path, ns=(1, hash(message) % 10**9))
        with pytest.raises(ValueError, match=message):
            dreamer.count(path)
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(200))
    with pytest.raises(ValueError, match="no header of version 5"):
        dreamer.count(path)
    with pytest.raises(
        FileNotFoundError, match=r"expected data\.root to be one file DREAMER\.mat, or a folder .*got none"
    ):
        named.load("dreamer", root=trees / "deap", cache=tmp_path / "kept")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ScoreArousal": np.full((17, 1), 3.0)}, r"expected ScoreArousal of person 1 as numbers of shape \(18, 1\)"),
        ({"ScoreArousal": np.full((18, 1), 6.0)}, r"expected ratings 1 to 5 of person 1, got \[3\.0, 6\.0\]"),
        ({"EEG": {"stimuli": np.ones(3)}}, "expected the EEG of person 1 as 18 cells of stimuli"),
        ({"EEG": {"baseline": np.ones(3)}}, "expected the EEG of person 1 as 18 cells of stimuli"),
        ({"clips": 13}, r"expected EEG of clip 1 of person 1 as .*\(samples, 14\), got shape \(1000, 13\)"),
    ],
)
def test_wrong_parts_of_dreamer_are_refused_by_person(tmp_path, changes, message):
    clips = np.empty((18, 1), dtype=object)
    clips[:, 0] = [np.ones((1000, changes.pop("clips", 14)))] * 18
    person = {
        "Age": "22",
        "EEG": {"stimuli": clips},
        **{f"Score{s.title()}": np.full((18, 1), 3.0) for s in dreamer.SCALES},
    }
    people = np.empty((1, 1), dtype=object)
    people[0, 0] = person | changes
    for compressed in (False, True):
        path = tmp_path / f"{compressed}.mat"
        savemat(path, {"DREAMER": {"Data": people, "noOfSubjects": 1.0}}, do_compression=compressed)
        with pytest.raises(ValueError, match=message):
            dreamer.read(path, 1)


def test_the_check_tells_who_is_missing(trees):
    node = named.settings_of("dreamer") | {"root": str(trees / "dreamer"), "cache": str(trees / "kept")}
    report, fits = check(node)
    assert not fits
    assert "2 subjects x 1 sessions = 2 experiments, 18 trials and 270 windows each; 70 features" in report
    assert "- people who are missing: 3, 4, 5" in report
    assert "note: synthetic_dreamer_valence: " in report
    assert check({**node, "subjects": [1, 2]})[1]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "people", "trials", "windows"), [("deap", 1, 40, 600), ("dreamer", 2, 18, 270)])
def test_a_job_runs_from_end_to_end(trees, tmp_path, command, name, people, trials, windows):
    done = command(
        tmp_path, f"data={name}", f"data.root={trees / name}", f"data.cache={trees / 'kept'}", "data.target=arousal",
        "modality=eeg", "model=cbegan", "model.iterations=3", "model.hidden=20", "n_aug=20", "evaluation.n_folds=2",
        "evaluation.inner=reuse", "evaluation.inner_folds=2", "evaluation.c_exponents=[-2,0]", "machine.threads=1",
        "quality=false",
    )  # fmt: skip
    assert done.exit_code() == 0, done.said
    found = f"synthetic_{name}_arousal: {people} subjects x 1 sessions = {people} experiments, {trials} trials and {windows} windows each"
    assert found in done.said
    assert "trials of low arousal" in done.said
    (scores,) = tmp_path.glob("outputs/*/*/scores.csv")
    assert set(pd.read_csv(scores).dataset) == {f"synthetic_{name}_arousal"}
