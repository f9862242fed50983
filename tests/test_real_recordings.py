"""From real recordings to features and scores: EEG of rest and mental arithmetic, eyes that read."""

import importlib.util
import json
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from composed import composed
from imblearn.pipeline import Pipeline
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVC

from emogan import CBEGANSampler, extract
from emogan.data import table
from emogan.jobs import job
from emogan.recordings.events_table import COLUMNS

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif("EMOGAN_REAL_DATA" not in os.environ, reason="EMOGAN_REAL_DATA names no folder of recordings"),
]


DATA = Path(os.environ.get("EMOGAN_REAL_DATA", ""))


@pytest.fixture(scope="module")
def eegmat(tmp_path_factory):
    """Features of the recordings by the events table of the script beside this file."""
    spec = importlib.util.spec_from_file_location("eegmat", Path(__file__).with_name("eegmat.py"))
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    folder = tmp_path_factory.mktemp("eegmat")
    script.table(DATA / "eegmat").to_csv(folder / "trials.csv", index=False)
    assert extract_features(folder / "trials.csv", DATA / "eegmat", folder / "features") == 0
    return folder / "features"


def extract_features(trials, recordings, out, *overrides):
    places = [f"trials={trials}", f"recordings={recordings}", f"out={out}", "channels=found"]
    return extract.run(composed(*places, *overrides, name="extract"))


def configure(folder, path, *overrides):
    return composed(
        "data=features", f"data.path={path}", "data.name=eegmat", "data.per_subject=true",
        "evaluation.folds=leave_subject_out", "modality=eeg", "machine.threads=1",
        f"folder={folder / 'job'}", f"store={folder / 'store'}", *overrides,
    )  # fmt: skip


def test_some_c_tells_rest_from_arithmetic_in_new_people(eegmat, tmp_path):
    scores = job.run(configure(tmp_path, eegmat, "model=none"))
    assert sorted(scores.subject) == list(range(8))
    assert (scores.n_test == 30).all()
    assert scores.accuracy_oracle.mean() > 0.62  # half is chance, and the oracle's choice adds some points to it


@pytest.mark.parametrize("model", ["rotation", "random_effects"])
def test_controls_that_look_at_electrodes_and_trials_take_real_recordings(eegmat, tmp_path, model):
    cfg = configure(tmp_path, eegmat, f"model={model}", "n_aug=60", "evaluation.c_exponents=[-6,-6]", "quality=false")
    scores = job.run(cfg)
    assert len(scores) == 8
    verdict = json.loads((tmp_path / "job/run.json").read_text())["audit"]["verdict"]
    assert re.fullmatch("no test window was seen; .* standardised its features", verdict)


def test_people_are_told_less_from_clips_that_nobody_watched_in_training(tmp_path, caplog):
    found = {}
    for stimuli in ("any", "unseen"):
        cfg = configure(
            tmp_path / stimuli, DATA / "ceap/eye_head.csv", "data.drop=[window]", "data.subjects=[1,2,3,4,5,6]",
            "model=none", "evaluation.c_exponents=[-6,2]", f"evaluation.stimuli={stimuli}",
        )  # fmt: skip
        found[stimuli] = job.run(cfg)
        audit = json.loads((tmp_path / stimuli / "job/run.json").read_text())["audit"]
        seen = 6 * 8 * 9 if stimuli == "any" else 0
        assert audit["test_windows_of_clips_that_occur_in_training"] == seen
        assert (f"{seen} test windows show film clips that the training set shows too" in caplog.text) == (seen > 0)
        assert ("12 of 12 training sets show too few clips to validate on others" in caplog.text) == (seen == 0)
        caplog.clear()
    assert found["any"].n_test.tolist() == [8 * 9] * 6
    assert found["unseen"].n_test.tolist() == [4 * 9] * 12  # in two folds, with one of the two clips of each class
    people = [found[stimuli].groupby("subject").accuracy.mean() for stimuli in ("any", "unseen")]
    assert people[0].mean() - people[1].mean() > 0.05


def test_entropies_of_real_eeg_lie_where_those_of_seed_s_files_do(eegmat):
    features = table.load(eegmat)
    assert features.x.shape == (8 * 30, 19 * 5)
    bands = features.x.reshape(-1, 19, 5)
    assert bands.min() > 10
    assert np.percentile(bands, 99) < 28
    assert (np.diff(bands.mean((0, 1)))[[0, 2, 3]] < 0).all()  # but for alpha, the higher the band the less power


def test_real_eye_movements_become_33_finite_features_a_window(tmp_path):
    rows = [
        ["002_rlmw_events_short.asc", 2, 1, i, i % 2, 10 * i, 10, "002_rlmw_samples_short.asc"]
        for i in range(4)  # later the tracker loses the eye for seconds
    ]
    pd.DataFrame(rows, columns=[*COLUMNS, "samples"]).to_csv(tmp_path / "trials.csv", index=False)
    assert extract_features(tmp_path / "trials.csv", DATA / "eyelink", tmp_path / "out") == 0
    with np.load(tmp_path / "out" / "2_1.npz") as stored:
        assert stored["x"].shape == (8, 33)
        assert np.isfinite(stored["x"]).all()


@pytest.mark.slow
def test_a_grid_over_n_aug_and_c_takes_real_recordings(eegmat, tmp_path):
    data = table.load(eegmat, per_subject=True)
    x, y, subject = data.x, np.array(data.class_names)[data.y], data.subject
    steps = [
        ("augment", CBEGANSampler(iterations=100, random_state=0, store=tmp_path / "store")),
        ("scale", MinMaxScaler()),
        ("svm", SVC(kernel="linear")),
    ]
    search = GridSearchCV(
        Pipeline(steps), {"augment__n_aug": [0, 60, 200], "svm__C": [2.0**-6, 2.0**-2]}, cv=GroupKFold(4)
    )
    search.fit(x, y, groups=subject)
    scores = search.cv_results_["mean_test_score"]
    assert scores.max() > 0.55  # half is chance, and the best of six adds some points to it
    assert len(set(scores)) > 2, "windows that are appended change something"
    assert len(list((tmp_path / "store").glob("*.safetensors"))) == 4 + (search.best_params_["augment__n_aug"] > 0)
    assert search.predict(x[:3]).dtype == y.dtype
