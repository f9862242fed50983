"""From recordings to feature files: right, once, whole, and the same however many are worked on at once."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
from composed import composed
from hydra.errors import CompactHydraException
from omegaconf import OmegaConf
from scipy.io import savemat

from emogan import extract as command
from emogan.data import table as tables
from emogan.data.eye_names import EYE_FEATURES_33
from emogan.data.montage import CHANNELS, EEG_FEATURES
from emogan.data.trials import SEED_IV_LABELS, SEED_VII_LABELS
from emogan.environment import config_dir
from emogan.recordings import experiment, run
from emogan.recordings.load import load
from emogan.recordings.run import extract
from emogan.recordings.settings import Settings
from emogan.signal.bands import BANDS
from emogan.signal.entropy import differential_entropy
from emogan.signal.smoothing import rts_smoother
from emogan.versions import COMPUTATIONS

CAP = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2")
COLUMNS = ["recording", "subject", "session", "trial", "label", "start_s", "end_s"]  # of rows, as they are held
DEFAULTS = OmegaConf.to_container(OmegaConf.load(Path(config_dir()) / "extraction.yaml"))


def settings(**changed):
    return {**DEFAULTS, "channels": "found", **changed}


def record(path, names=CAP, duration_s=50, seed=0, factor=1.0, nan=None):
    """A .fif of noise of 20 microvolt at 250 Hz."""
    random = np.random.default_rng(seed)
    signal = 20e-6 * factor * random.normal(size=(len(names), 250 * duration_s))
    if nan is not None:
        signal[0, 250 * nan[0] : 250 * nan[1]] = np.nan
    kinds = ["eog" if name == "VEO" else "eeg" for name in names]
    mne.io.RawArray(signal, mne.create_info(list(names), 250, kinds), verbose="error").save(path, verbose="error")


def load_files(recordings, trials, cache):
    """The feature files of a first or a further extraction."""
    return extract(recordings, trials, cache, settings()).files


def events_table(path, rows):
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows, columns=COLUMNS)
    frame = frame.assign(end_s=frame.end_s - frame.start_s)
    frame.rename(columns={"label": "trial_type", "start_s": "onset", "end_s": "duration"}).to_csv(path, index=False)
    return path


def rows_of(subject, recording=None, session=1):
    """Two trials of 20 s."""
    recording = recording or f"{subject}.fif"
    return [[recording, subject, session, i + 1, ("sad", "happy")[i], 1 + 23 * i, 21 + 23 * i] for i in range(2)]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Recordings of three people, and their trials."""
    folder = tmp_path_factory.mktemp("recordings")
    for subject in (1, 2, 3):
        record(folder / f"{subject}.fif", seed=subject)
    events_table(folder / "trials.csv", [row for subject in (1, 2, 3) for row in rows_of(subject)])
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in Path(folder).glob("*.npz")}


def test_the_features_are_the_entropies_of_the_channels_in_order(recordings, tmp_path):
    outcome = extract(recordings, recordings / "trials.csv", tmp_path, settings())
    assert [path.name for path in outcome.written] == ["1_1.npz", "2_1.npz", "3_1.npz"]
    assert (outcome.kept, outcome.failed) == ([], {})
    with np.load(tmp_path / "2_1.npz", allow_pickle=False) as stored:
        found = {name: stored[name] for name in stored}
    raw = mne.io.read_raw_fif(recordings / "2.fif", preload=True, verbose="error")
    raw.resample(200, method="polyphase", verbose="error").filter(1, 50, verbose="error")
    for trial, start_s in ((1, 1), (2, 24)):
        signal = 1e6 * raw.get_data(tmin=start_s, tmax=start_s + 20)
        expected = differential_entropy(signal, 200, BANDS["paper"]).reshape(5, -1)
        assert np.abs(found["x"][found["trial"] == trial] - expected).max() < 0.01
    assert found["x"].shape == (10, 50)
    assert found["feature_names"][:6].tolist() == [
        "FP1_delta",
        "FP1_theta",
        "FP1_alpha",
        "FP1_beta",
        "FP1_gamma",
        "FP2_delta",
    ]
    assert set(found["units"]) == {"log2(100 µV²)"}
    assert found["y"].tolist() == ["sad"] * 5 + ["happy"] * 5
    assert (found["spectrum"].shape[:2], found["channels"].tolist()) == ((2, 10), [name.upper() for name in CAP])
    at = (found["frequency_hz"] > 10) & (found["frequency_hz"] < 40)
    assert found["spectrum"][..., at].mean() == pytest.approx(2 * 20**2 / 250, rel=0.05)  # of white noise


def test_the_62_channels_and_bands_stand_in_seed_s_order(tmp_path):
    """A sine in one band of one channel is found where SEED's files have that channel and band."""
    order = np.random.default_rng(0).permutation(62)
    random, time_s = np.random.default_rng(1), np.arange(250 * 30) / 250
    signal = 5e-6 * random.normal(size=(62, len(time_s)))
    signal[order == CHANNELS.index("CB1")] += 50e-6 * np.sin(2 * np.pi * 11 * time_s)
    info = mne.create_info([f"EEG {CHANNELS[i].lower()}" for i in order], 250, "eeg")
    mne.io.RawArray(signal, info, verbose="error").save(tmp_path / "1.fif", verbose="error")
    trials = events_table(tmp_path / "trials.csv", [["1.fif", 1, 1, 1, 0, 2, 28]])
    extract(tmp_path, trials, tmp_path / "out", settings(channels="seed"))
    with np.load(tmp_path / "out" / "1_1.npz") as stored:
        assert tuple(stored["feature_names"]) == EEG_FEATURES
        assert EEG_FEATURES[(stored["x"].mean(0)).argmax()] == "CB1_alpha"


def test_the_files_are_read_as_a_table(recordings, tmp_path):
    outcome = extract(recordings, recordings / "trials.csv", tmp_path, settings())
    features = tables.load(tmp_path)
    assert features.summary().startswith(
        "features: 3 subjects x 1 sessions = 3 experiments, 2 trials and 10 windows each"
    )
    assert features.class_names == ("happy", "sad")
    assert features.modalities == {"eeg": slice(0, 50)}
    assert tables.load(outcome.files[:2]).fingerprint() == tables.load(tmp_path, subjects=[1, 2]).fingerprint()


def test_files_of_different_settings_are_not_read_as_one_table(recordings, tmp_path):
    for subject, bands in ((1, "paper"), (2, "seed")):
        trials = events_table(tmp_path / "trials.csv", rows_of(subject))
        extract(recordings, trials, tmp_path / "out", settings(bands=bands))
    with pytest.raises(ValueError, match=r"2_1\.npz of other settings than .*1_1\.npz: bands=seed instead of paper"):
        tables.load(tmp_path / "out")


def test_two_jobs_write_the_bytes_that_one_writes(recordings, tmp_path):
    for jobs in (1, 2):
        extract(recordings, recordings / "trials.csv", tmp_path / str(jobs), settings(), jobs)
    assert len(contents(tmp_path / "1")) == 3
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_a_second_run_does_nothing(recordings, tmp_path, monkeypatch):
    first = extract(recordings, recordings / "trials.csv", tmp_path, settings())
    written = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    monkeypatch.setattr(run, "features", None)
    again = extract(recordings, recordings / "trials.csv", tmp_path, settings())
    assert (again.written, again.kept) == ([], first.written)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == written


def with_clips(rows, name="stimulus"):
    """Rows of an events table as a frame, in which the n-th trial shows film n."""
    return pd.DataFrame(rows, columns=COLUMNS).assign(**{name: [f"film {row[3]}" for row in rows]})


@pytest.mark.parametrize("name", ["stimulus", "stim_file"])
def test_the_stimulus_of_each_trial_is_in_its_windows(recordings, tmp_path, name):
    events_table(tmp_path / "trials.csv", with_clips(rows_of(1) + rows_of(2), name))
    assert len(extract(recordings, tmp_path / "trials.csv", tmp_path / "out", settings()).written) == 2
    features = tables.load(tmp_path / "out")
    assert features.stimulus.tolist() == (["film 1"] * 5 + ["film 2"] * 5) * 2
    assert features.feature_names[-1] == "O2_gamma"
    cached = load(recordings, tmp_path / "trials.csv", cache=tmp_path / "cache", settings=settings())
    assert cached.fingerprint() == features.fingerprint()


def test_eeg_and_eye_movements_share_the_stimulus_of_their_trial(recordings, tmp_path):
    (tmp_path / "1.fif").write_bytes((recordings / "1.fif").read_bytes())
    events(tmp_path / "eyes.csv")
    eye = [["eyes.csv", *row[1:]] for row in reversed(rows_of(1))]
    events_table(tmp_path / "trials.csv", with_clips(rows_of(1) + eye))
    found = extracted(tmp_path, tmp_path / "trials.csv", tmp_path / "out")
    assert found["stimulus"].tolist() == [f"film {trial}" for trial in found["trial"]]


def test_an_events_table_without_a_stimulus_has_the_files_and_fingerprints_of_earlier_versions(recordings, tmp_path):
    rows = rows_of(1)
    found = extracted(recordings, events_table(tmp_path / "trials.csv", rows), tmp_path / "out")
    assert "stimulus" not in found
    names = [*COLUMNS[:5], "start_s", "end_s", "sheet", "samples"]
    told = [dict(zip(names, [*row, None, None], strict=True)) for row in rows]
    for row in told:
        row |= {"start_s": float(row["start_s"]), "end_s": float(row["end_s"])}
    file = recordings / "1.fif"
    content = {
        "version": COMPUTATIONS["extraction"], "settings": Settings.of(settings()).plain(), "class_names": None,
        "rows": told, "files": [(file.name, file.stat().st_size, file.stat().st_mtime_ns)],
    }  # fmt: skip
    assert found["fingerprint"] == hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def test_files_are_made_anew_where_stimuli_became_known(recordings, tmp_path):
    trials = events_table(tmp_path / "trials.csv", rows_of(1) + rows_of(2))
    extract(recordings, trials, tmp_path / "out", settings())
    before = tables.load(tmp_path / "out")
    events_table(trials, with_clips(rows_of(1) + rows_of(2)))
    assert len(extract(recordings, trials, tmp_path / "out", settings()).written) == 2
    after = tables.load(tmp_path / "out")
    assert np.array_equal(after.x, before.x)
    assert before.stimulus is None
    assert after.stimulus is not None


@pytest.mark.parametrize("change", ["setting", "row", "recording", "half a file"])
def test_what_has_changed_is_made_anew_and_said(recordings, tmp_path, change, caplog):
    folder, out = tmp_path / "recordings", tmp_path / "out"
    folder.mkdir()
    for subject in (1, 2):
        (folder / f"{subject}.fif").write_bytes((recordings / f"{subject}.fif").read_bytes())
    rows = rows_of(1) + rows_of(2)
    trials = events_table(folder / "trials.csv", rows)
    extract(folder, trials, out, settings())
    before, own = contents(out), {}
    if change == "setting":
        own = {"de": "gaussian"}
    elif change == "row":
        rows[3][-1] -= 4
        events_table(trials, rows)
    elif change == "recording":
        record(folder / "3.fif", seed=9)
        (folder / "3.fif").replace(folder / "2.fif")
    else:
        (out / "2_1.npz").write_bytes(before["2_1.npz"][:1000])
    caplog.set_level("INFO")
    outcome = extract(folder, trials, out, settings(**own))
    redone = {"1_1.npz", "2_1.npz"} if change == "setting" else {"2_1.npz"}
    assert {path.name for path in outcome.written} == redone
    assert {
        record.getMessage().split()[0] for record in caplog.records if "extracted again" in record.getMessage()
    } == redone
    now = contents(out)
    assert {name for name in now if now[name] != before[name]} == (redone if change != "half a file" else set())


def test_an_interrupted_write_leaves_no_feature_file(recordings, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    outcome = extract(recordings, recordings / "trials.csv", tmp_path, settings())
    assert outcome.failed["1_1"] == ["no space left on device"]
    assert [path.name for path in tmp_path.iterdir()] == [".extracting.lock"]


FAULTS = {
    "corrupt header": (lambda path: path.write_bytes(b"\xff" * 5000), r"expected a \.fif recording, got 5000 bytes"),
    "missing recording": (lambda path: None, r"row 3 .*expected a recording at .*bad\.fif, found nothing"),
    "missing channels": (lambda path: record(path, CAP[:-1]), r"missing O2; it has beyond them none"),
    "wrong units": (lambda path: record(path, factor=1e6), r"expected EEG of 0\.1 to 500 microvolt"),
    "missing samples": (
        lambda path: record(path, nan=(30, 33)),
        r"row 4 .*NaN or infinity between 30 and 33 s .*in Fp1",
    ),
    "another format": (
        lambda path: path.with_suffix(".docx").write_bytes(b""),
        r"EEG recording \(\.cnt, .*or an eye tracking",
    ),
    "too short": (
        lambda path: record(path, duration_s=40),
        r"row 4 .*within the recording, which lasts from 0 to 40 s",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_and_the_other_recordings_are_done(recordings, tmp_path, fault):
    folder, out = tmp_path / "recordings", tmp_path / "out"
    folder.mkdir()
    spoil, message = FAULTS[fault]
    bad = "bad.docx" if fault == "another format" else "bad.fif"
    spoil(folder / "bad.fif")
    (folder / "good.fif").write_bytes((recordings / "1.fif").read_bytes())
    trials = events_table(folder / "trials.csv", rows_of(1, "good.fif") + rows_of(2, bad))
    outcome = extract(folder, trials, out, settings(channels=list(CAP)))
    assert [path.name for path in outcome.written] == ["1_1.npz"]
    assert list(outcome.failed) == ["2_1"]
    assert pd.Series(outcome.failed["2_1"]).str.contains(message).any(), outcome.failed
    assert "1 feature files written, 0 were there, 1 failed" in str(outcome)


def test_an_impossible_row_is_told_before_any_recording_is_processed(recordings, tmp_path, monkeypatch):
    rows = rows_of(1) + rows_of(2)
    rows[2][5:] = [5, 8]
    seen = []
    monkeypatch.setattr(run, "features", lambda rows, _: seen.append(rows[0].subject) or {})
    outcome = extract(recordings, events_table(tmp_path / "trials.csv", rows), tmp_path / "out", settings())
    assert list(outcome.failed) == ["2_1"]
    assert "row 3 " in outcome.failed["2_1"][0]
    assert "at least one window" in outcome.failed["2_1"][0]
    assert seen == [1]


def test_an_unforeseen_error_of_one_experiment_stops_no_other(recordings, tmp_path, monkeypatch):
    whole = run.features

    def fail(rows, settings):
        return whole(rows, settings) if rows[0].subject != 2 else {}["lost"]

    monkeypatch.setattr(run, "features", fail)
    outcome = extract(recordings, recordings / "trials.csv", tmp_path, settings())
    assert outcome.failed == {"2_1": ["KeyError: 'lost'"]}
    assert sorted(contents(tmp_path)) == ["1_1.npz", "3_1.npz"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"de": "log"}, r"de: expected fft \| gaussian, got 'log'"),
        ({"band_pass_hz": [2, 50]}, r"band_pass_hz: expected two frequencies around all bands, 1 to 50 Hz"),
        ({"sfreq_hz": 100}, r"sfreq_hz: expected more than 100"),
        ({"windows": 4}, r"windows: .*unknown"),
    ],
)
def test_impossible_settings_are_refused_by_name(recordings, tmp_path, changed, message):
    with pytest.raises(ValueError, match=message):
        extract(recordings, recordings / "trials.csv", tmp_path / "out", settings(**changed))
    assert not (tmp_path / "out").exists()


def test_names_that_would_share_a_file_are_refused(recordings, tmp_path):
    rows = rows_of("1_2", "1.fif", 3) + rows_of("1", "2.fif", "2_3")
    with pytest.raises(ValueError, match="distinct names of files, got '1_2_3'"):
        extract(recordings, events_table(tmp_path / "trials.csv", rows), tmp_path / "out", settings())


def extracted(folder, trials, out, **changed):
    outcome = extract(folder, trials, out, settings(**changed))
    assert not outcome.failed, outcome.failed
    with np.load(outcome.files[0], allow_pickle=False) as stored:
        return {name: stored[name] for name in stored}


def test_smoothing_is_that_of_each_trial_alone(recordings, tmp_path):
    trials = recordings / "trials.csv"
    plain = extracted(recordings, trials, tmp_path / "plain")
    smooth = extracted(recordings, trials, tmp_path / "smooth", smoothing="lds_smoother", lds_q=0.1)
    for trial in (1, 2):
        own = plain["trial"] == trial
        expected = rts_smoother(plain["x"][own].astype(float), 0.1, 1.0)
        assert np.abs(smooth["x"][own] - expected).max() < 1e-4
    assert np.abs(smooth["x"] - plain["x"]).max() > 0.05


@pytest.mark.parametrize("smoothing", ["moving_average", "lds_filter", "lds_smoother"])
def test_every_smoothing_makes_windows_of_a_trial_more_alike(recordings, tmp_path, smoothing):
    trials = recordings / "trials.csv"
    plain, smooth = (
        extracted(recordings, trials, tmp_path / name, smoothing=name, lds_q=0.1) for name in ("none", smoothing)
    )
    spreads = [np.diff(found["x"][:5], axis=0).std() for found in (plain, smooth)]
    assert spreads[1] < 0.8 * spreads[0]


@pytest.mark.parametrize(
    ("kind", "de", "count", "first", "last", "units"),
    [
        ("psd", "fft", 310, "FP1_delta", "CB2_gamma", {"µV²"}),
        ("de", "gaussian", 310, "FP1_delta", "CB2_gamma", {"nat"}),
        ("dasm", "fft", 135, "FP1-FP2_delta", "O1-O2_gamma", {"log2(100 µV²)"}),
        ("rasm", "fft", 135, "FP1/FP2_delta", "O1/O2_gamma", {"1"}),
        ("asm", "fft", 270, "FP1-FP2_delta", "O1/O2_gamma", {"log2(100 µV²)", "1"}),
        ("dcau", "fft", 115, "FT7-TP7_delta", "AF4-CB2_gamma", {"log2(100 µV²)"}),
    ],
)
def test_every_kind_of_features_has_its_names_and_units(tmp_path, kind, de, count, first, last, units):
    record(tmp_path / "1.fif", CHANNELS, 10)
    trials = events_table(tmp_path / "trials.csv", [["1.fif", 1, 1, 1, 0, 1, 9]])
    found = extracted(tmp_path, trials, tmp_path / "out", channels="seed", features=kind, de=de, bands="seed")
    assert found["x"].shape == (2, count)
    names = found["feature_names"].tolist()
    assert (names[0], names[-1], len(set(names))) == (first, last, count)
    assert set(found["units"]) == units


def test_an_average_reference_leaves_no_common_signal_and_blinks_are_sought_if_asked(tmp_path):
    random = np.random.default_rng(0)
    common = 100e-6 * random.normal(size=250 * 30)
    blinks = np.where(np.arange(250 * 30) % 1000 < 60, 300e-6, 0) * np.r_[1, 1, np.zeros(8), 2][:, None]
    names = (*CAP, "VEO")
    info = mne.create_info(list(names), 250, ["eeg"] * 10 + ["eog"])
    signal = 20e-6 * random.normal(size=(11, 250 * 30))
    mne.io.RawArray(signal + common + blinks, info, verbose="error").save(tmp_path / "1.fif", verbose="error")
    trials = events_table(tmp_path / "trials.csv", [["1.fif", 1, 1, i, 0, 1 + 10 * i, 10 + 10 * i] for i in range(2)])
    recorded = extracted(tmp_path, trials, tmp_path / "recorded")
    average = extracted(tmp_path, trials, tmp_path / "average", reference="average", blinks="remove")
    frequency_hz = recorded["frequency_hz"]
    fast, slow = (frequency_hz > 20) & (frequency_hz < 45), (frequency_hz > 1) & (frequency_hz < 4)
    before, after = (found["spectrum"].mean(0) for found in (recorded, average))
    assert before[:, fast].mean() / after[:, fast].mean() > 15  # 1 + 5^2 and what is lost to the mean
    assert before[0, slow].mean() / before[5, slow].mean() > 3  # blinks
    assert after[0, slow].mean() / after[5, slow].mean() < 2


def events(path, end_s=60):
    """A plain table of eye events: a fixation, then a saccade, in turn, and a blink now and then."""
    random, rows, at = np.random.default_rng(0), [], 0.0
    while at < end_s:
        rows.append(
            [
                "fixation",
                at,
                length := random.uniform(0.15, 0.4),
                *random.uniform(5, 30, 2),
                *random.uniform(9, 12, 2),
                None,
            ]
        )
        rows.append(["saccade", at + length, 0.03, None, None, None, None, random.uniform(1, 8)])
        at += length + 0.05
        if random.random() < 0.2:
            rows.append(["blink", at, 0.1, None, None, None, None, None])
            at += 0.15
    columns = ["event", "onset_s", "duration_s", "dispersion_x", "dispersion_y", "pupil_x", "pupil_y", "amplitude_deg"]
    pd.DataFrame(rows, columns=columns).to_csv(path, index=False)


def test_eeg_and_eye_movements_of_a_trial_stand_side_by_side(recordings, tmp_path):
    (tmp_path / "1.fif").write_bytes((recordings / "1.fif").read_bytes())
    events(tmp_path / "eyes.csv")
    eye = [["eyes.csv", *row[1:5], row[5] + 2, row[6] + 2] for row in rows_of(1)]  # by the tracker's own clock
    found = extracted(tmp_path, events_table(tmp_path / "both.csv", rows_of(1) + eye), tmp_path / "both")
    assert found["modality"].tolist() == ["eeg"] * 50 + ["eye"] * 33
    assert tuple(found["feature_names"][50:]) == EYE_FEATURES_33
    assert np.isfinite(found["x"]).all()
    assert set(found["units"][50:]) == {"as recorded", "px", "nat", "ms", "degree", "Hz"}
    alone = extracted(tmp_path, events_table(tmp_path / "eye.csv", eye), tmp_path / "eye")
    assert np.array_equal(alone["x"], found["x"][:, 50:])
    assert "spectrum" not in alone
    eye[0][6] -= 4
    outcome = extract(tmp_path, events_table(tmp_path / "short.csv", rows_of(1) + eye), tmp_path / "short", settings())
    assert "trial 1: expected as many windows of EEG as of eye movements, got 5 and 4" in str(outcome)


def test_seed_iv_s_preprocessed_trials_are_extracted_by_its_name(tmp_path):
    random = np.random.default_rng(0)
    (tmp_path / "1").mkdir()
    lengths = [200 * (5 + i) + 1 for i in range(24)]
    savemat(
        tmp_path / "1" / "1_20160518.mat",
        {f"cz_eeg{i + 1}": 20 * random.normal(size=(62, n)) for i, n in enumerate(lengths)},
    )
    found = extracted(tmp_path, "seed_iv", tmp_path / "out", channels="seed")
    assert found["x"].shape == (sum(n // 800 for n in lengths), 310)
    labels = [found["y"][found["trial"] == trial][0] for trial in range(1, 25)]
    assert tuple(labels) == SEED_IV_LABELS[0]
    features = tables.load(tmp_path / "out")
    assert features.class_names == ("neutral", "sad", "fear", "happy")
    assert features.stimulus.tolist() == features.trial.tolist()


def test_seed_vii_s_preprocessed_trials_are_extracted_by_its_name(tmp_path):
    random = np.random.default_rng(0)
    savemat(tmp_path / "3.mat", {str(i): 20 * random.normal(size=(62, 800 * (1 + i % 2))) for i in range(1, 81)})
    outcome = extract(tmp_path, "seed_vii", tmp_path / "out", settings(channels="seed"))
    assert not outcome.failed
    features = tables.load(tmp_path / "out")
    assert features.class_names == ("disgust", "fear", "sad", "neutral", "happy", "anger", "surprise")
    assert features.trial.tolist() == features.stimulus.tolist() == [i for i in range(1, 81) for _ in range(1 + i % 2)]
    for session, labels in enumerate(SEED_VII_LABELS, 1):
        assert tuple(features.y[features.trial == i][0] for i in range(20 * session - 19, 20 * session + 1)) == labels
        assert set(features.session[(features.trial - 1) // 20 == session - 1]) == {session}


def test_recordings_are_a_data_set_whose_features_are_kept(recordings, tmp_path, monkeypatch):
    cfg = composed(
        "data=raw", f"data.recordings={recordings}", f"data.trials={recordings / 'trials.csv'}", "modality=eeg",
        f"output={tmp_path}", "data.settings.channels=found", "data.per_subject=true", "data.subjects=[1,3]",
    )  # fmt: skip
    arguments = {k: v for k, v in OmegaConf.to_container(cfg.data, resolve=True).items() if k != "_target_"}
    features = load(**arguments)
    assert features.dataset == "recordings"
    assert sorted(set(features.subject)) == [1, 3]
    for subject in (1, 3):
        own = features.x[features.subject == subject]
        assert np.abs(own.mean(0)).max() < 1e-5
        assert np.abs(own.std(0) - 1).max() < 1e-5
    monkeypatch.setattr(run, "features", None)
    assert load(**arguments).fingerprint() == features.fingerprint()
    (folder,) = (tmp_path / "features" / "recordings").iterdir()
    assert len(contents(folder)) == 3


def test_a_data_set_of_which_a_recording_fails_is_refused_and_the_others_are_kept(recordings, tmp_path):
    trials = events_table(tmp_path / "trials.csv", rows_of(1) + rows_of(7))
    with pytest.raises(ValueError, match=r"1 failed\n- 7_1: row 3 .*found nothing"):
        load(recordings, trials, cache=tmp_path / "cache", settings=settings())
    assert len(list((tmp_path / "cache").glob("*/1_1.npz"))) == 1


def configure(*overrides):
    return composed(*overrides, name="extract")


def test_the_command_tells_what_became_of_it_and_draws_pictures(recordings, tmp_path, capsys):
    trials = events_table(tmp_path / "trials.csv", rows_of(1) + rows_of(7))
    places = [f"recordings={recordings}", f"trials={trials}", f"out={tmp_path / 'out'}", "channels=found"]
    assert command.run(configure(*places, "pictures=true")) == 1
    said = capsys.readouterr().out
    assert "1 feature files written, 0 were there, 1 failed" in said
    assert "- 7_1: row 3 (7.fif, trial 1, 1 to 21 s): expected a recording at" in said
    assert f"python -m emogan.train data=features data.path={tmp_path / 'out'}" in said
    pictures = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.png")}
    assert sorted(pictures) == ["1_1_spectra.png", "1_1_topographies.png"]
    assert all(content.startswith(b"\x89PNG") and len(content) > 20_000 for content in pictures.values())
    with pytest.raises(CompactHydraException, match="expected a folder, found nothing at"):
        command.run(configure(*places, f"recordings={tmp_path / 'none'}"))


@pytest.mark.slow
def test_the_installed_command_writes_the_files_and_nothing_else(recordings, tmp_path):
    words = ["-m", "emogan.extract", f"recordings={recordings}", f"trials={recordings / 'trials.csv'}", "out=out"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(config_dir()).parent)}

    def execute(*options):
        return subprocess.run(
            [sys.executable, *words, *options], cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    done = execute("channels=found", "jobs=2")
    assert done.returncode == 0, done.stderr
    assert "3 feature files written" in done.stdout
    assert "3/3" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    failed = execute("channels=seed")
    assert failed.returncode == 1
    assert "3 failed" in failed.stdout


def annotated(path, onsets_s, durations_s, texts, bads=(), spoil=None):
    """A .fif of noise, with annotations and channels marked bad; spoil is a stretch of 5 millivolts, in seconds."""
    signal = 20e-6 * np.random.default_rng(0).normal(size=(len(CAP), 250 * 50))
    if spoil:
        signal[:, int(250 * spoil[0]) : int(250 * spoil[1])] += 5e-3 * np.random.default_rng(1).normal(
            size=int(250 * (spoil[1] - spoil[0]))
        )
    raw = mne.io.RawArray(signal, mne.create_info(list(CAP), 250, "eeg"), verbose="error")
    raw.info["bads"] = list(bads)
    raw.set_annotations(mne.Annotations(onsets_s, durations_s, texts)).save(path, verbose="error")
    return path.parent


@pytest.mark.parametrize("smoothing", ["none", "moving_average"])
def test_windows_marked_bad_are_left_out_and_in_no_other_window(tmp_path, smoothing):
    trials = events_table(
        tmp_path / "trials.csv", [["a.fif", "a", 1, 1, "sad", 1, 21], ["a.fif", "a", 1, 2, "joy", 22, 42]]
    )
    folder = annotated(tmp_path / "a.fif", [10.5, 30], [1, 1], ["BAD_muscle", "sneeze"], spoil=(10.6, 11.4))
    outcome = extract(folder, trials, tmp_path / "out", settings(smoothing=smoothing))
    assert outcome.notes["trial 1: 1 of 5 windows touch stretches marked BAD_muscle: left out"] == ["a.fif"]
    with np.load(outcome.files[0]) as stored:
        assert stored["trial"].tolist() == [1] * 4 + [2] * 5
        assert stored["x"].max() < 26  # 36 in the window that is left out
    kept = extracted(folder, trials, tmp_path / "kept", bad_stretches="keep")
    assert kept["trial"].tolist() == [1] * 5 + [2] * 5
    assert kept["x"].max() > 30


def test_a_trial_of_bad_windows_alone_is_refused(tmp_path):
    trials = events_table(tmp_path / "trials.csv", [["a.fif", "a", 1, 1, "sad", 1, 21]])
    outcome = extract(annotated(tmp_path / "a.fif", [0], [40], ["BAD"]), trials, tmp_path / "out", settings())
    assert "expected a window that touches no stretch marked bad, got none of 5" in outcome.failed["a_1"][0]


def test_channels_marked_bad_are_left_out_interpolated_or_kept(tmp_path):
    trials = events_table(tmp_path / "trials.csv", [["a.fif", "a", 1, 1, "sad", 1, 21]])
    folder = annotated(tmp_path / "a.fif", [0], [1], ["start"], bads=["C3"])
    found = {
        policy: extracted(folder, trials, tmp_path / policy, bad_channels=policy)
        for policy in ("leave_out", "interpolate", "keep")
    }
    assert {name: len(one["channels"]) for name, one in found.items()} == {
        "leave_out": 9,
        "interpolate": 10,
        "keep": 10,
    }
    differs = np.abs(found["interpolate"]["x"] - found["keep"]["x"]).max(0) > 0
    assert set(found["keep"]["feature_names"][differs]) == {f"C3_{band}" for band in BANDS["paper"]}


def test_a_rate_too_low_for_the_bands_is_told_before_any_recording_is_processed(tmp_path, monkeypatch):
    info = mne.create_info(list(CAP), 90, "eeg")
    mne.io.RawArray(2e-5 * np.random.default_rng(0).normal(size=(10, 4500)), info, verbose="error").save(
        tmp_path / "a.fif", verbose="error"
    )
    monkeypatch.setattr(run, "features", lambda *_: pytest.fail("began"))
    trials = events_table(tmp_path / "trials.csv", [["a.fif", "a", 1, 1, "sad", 1, 21]])
    outcome = extract(tmp_path, trials, tmp_path / "out", settings())
    assert "expected a sampling rate above 100 Hz" in outcome.failed["a_1"][0]


def test_what_was_found_and_passed_over_is_told_once_for_all_recordings(tmp_path):
    for name in ("a", "b", "c", "d"):
        annotated(tmp_path / f"{name}.fif", [1, 3, 25], [20, 0, 20], ["sad", "button", "joy"])
    outcome = extract(tmp_path, "annotations", tmp_path / "out", settings())
    assert len(outcome.written) == 4
    assert (
        "note on a.fif, b.fif, c.fif, ... (4 in all): markers that are no trials were passed over, 1 in all: button (1)"
        in str(outcome)
    )
    assert "channels=found took 10 channels: FP1, FP2" in str(outcome)


def test_features_are_made_anew_where_the_markers_alone_changed(tmp_path):
    info = mne.create_info(list(CAP), 250, "eeg")
    raw = mne.io.RawArray(2e-5 * np.random.default_rng(0).normal(size=(10, 7500)), info, verbose="error")
    raw.set_annotations(mne.Annotations([0], [0.1], ["begin"]))
    mne.export.export_raw(tmp_path / "a.vhdr", raw, verbose="error")
    trials = events_table(tmp_path / "trials.csv", [["a.vhdr", "a", 1, 1, "sad", 1, 21]])
    assert len(extracted(tmp_path, trials, tmp_path / "out")["y"]) == 5
    with (tmp_path / "a.vmrk").open("a") as file:
        file.write("Mk9=Bad Interval,muscle,1300,250,0\n")
    assert len(extracted(tmp_path, trials, tmp_path / "out")["y"]) == 4


@pytest.mark.parametrize("rates_hz", [(128, 110), (1000, 127.97)])
def test_recordings_of_different_rates_are_one_experiment(tmp_path, rates_hz):
    for rate_hz in rates_hz:
        signal = 2e-5 * np.random.default_rng(0).normal(size=(10, round(22 * rate_hz))) * np.sqrt(rate_hz / 250)
        info = mne.create_info(list(CAP), rate_hz, "eeg")
        mne.io.RawArray(signal, info, verbose="error").save(tmp_path / f"{rate_hz}.fif", verbose="error")
    rows = [[f"{rate_hz}.fif", "a", 1, i, "sad", 1, 21] for i, rate_hz in enumerate(rates_hz)]
    found = extracted(tmp_path, events_table(tmp_path / "trials.csv", rows), tmp_path / "out")
    frequency_hz = found["frequency_hz"]
    np.testing.assert_allclose(np.diff(frequency_hz), 0.5)
    assert found["spectrum"].shape == (2, 10, len(frequency_hz))
    assert found["spectrum"][..., (frequency_hz > 10) & (frequency_hz < 40)].mean((1, 2)) == pytest.approx(
        2 * 20**2 / 250, rel=0.1
    )
    assert np.abs(np.diff(found["x"].reshape(2, -1, 5).mean(1), axis=0)).max() < 0.5  # white noise of one density


def test_the_bad_stretches_of_a_trial_are_named_and_no_others(tmp_path):
    trials = events_table(
        tmp_path / "trials.csv", [["a.fif", "a", 1, 1, "sad", 1, 21], ["a.fif", "a", 1, 2, "joy", 22, 42]]
    )
    folder = annotated(tmp_path / "a.fif", [10, 30, 45], [1, 1, 1], ["BAD_a", "BAD_b", "BAD_c"])
    notes = extract(folder, trials, tmp_path / "out", settings()).notes
    assert [note for note in notes if note.startswith("trial")] == [
        f"trial {trial}: 1 of 5 windows touch stretches marked BAD_{mark}: left out"
        for trial, mark in ((1, "a"), (2, "b"))
    ]


@pytest.mark.parametrize("statistics", ["trial", "window"])
def test_eye_movements_during_a_stretch_marked_bad_are_in_no_window(tmp_path, statistics):
    annotated(tmp_path / "a.fif", [9], [3], ["BAD"])
    events(tmp_path / "usual.csv")
    table = pd.read_csv(tmp_path / "usual.csv")
    inside = (table["onset_s"] > 9) & (table["onset_s"] + table["duration_s"] < 13)
    assert inside.sum() > 2
    table.loc[inside, [name for name in ("dispersion_x", "pupil_x", "pupil_y") if name in table]] *= 50
    table.loc[inside, "amplitude_deg"] *= 5
    table.to_csv(tmp_path / "wild.csv", index=False)
    found = {}
    for name in ("usual", "wild"):
        rows = [[recording, "a", 1, 1, "sad", 1, 21] for recording in ("a.fif", f"{name}.csv")]
        trials = events_table(tmp_path / f"{name}_trials.csv", rows)
        found[name] = extracted(tmp_path, trials, tmp_path / name, eye_statistics=statistics)["x"]
    assert found["usual"].shape == (4, 83)
    np.testing.assert_array_equal(found["usual"], found["wild"])


def test_an_unforeseen_error_at_the_look_at_one_recording_stops_no_other(recordings, tmp_path, monkeypatch):
    opened = experiment.open_recording
    monkeypatch.setattr(
        experiment, "open_recording", lambda path, *rest: {}[1] if path.stem == "1" else opened(path, *rest)
    )
    outcome = extract(recordings, recordings / "trials.csv", tmp_path, settings())
    assert len(outcome.written) == 2
    assert "KeyError: 1" in outcome.failed["1_1"][0]


def test_a_data_set_in_bids_is_extracted_as_by_a_table_of_its_trials(tmp_path):
    eeg = tmp_path / "bids" / "sub-01" / "eeg"
    eeg.mkdir(parents=True)
    record(eeg / "sub-01_task-film_eeg.fif", seed=1)
    trials = pd.DataFrame(rows_of(1), columns=COLUMNS)
    trials = trials.assign(onset=trials.start_s, duration=trials.end_s - trials.start_s, trial_type=trials.label)
    trials[["onset", "duration", "trial_type"]].to_csv(eeg / "sub-01_task-film_events.tsv", sep="\t", index=False)
    table = events_table(tmp_path / "trials.csv", rows_of(1, recording="sub-01/eeg/sub-01_task-film_eeg.fif"))
    expected = extracted(tmp_path / "bids", table, tmp_path / "by_table")
    found = extracted(tmp_path / "bids", "bids", tmp_path / "by_bids")
    for name in ("x", "y", "trial"):
        np.testing.assert_array_equal(found[name], expected[name])


def test_what_was_extracted_before_changes_neither_order_nor_fingerprint(recordings, tmp_path):
    record(tmp_path / "10.fif", seed=10)
    (tmp_path / "2.fif").write_bytes((recordings / "2.fif").read_bytes())
    trials = events_table(tmp_path / "trials.csv", rows_of(2) + rows_of(10))
    files, again = (load_files(tmp_path, trials, tmp_path / "cache") for _ in range(2))
    assert [path.name for path in files] == ["2_1.npz", "10_1.npz"]
    assert tables.load(files).fingerprint() == tables.load(again).fingerprint()


def test_clips_that_are_known_of_some_trials_alone_are_not_kept(tmp_path):
    eeg = tmp_path / "sub-1"
    eeg.mkdir()
    record(eeg / "sub-1_eeg.fif", seed=1)
    text = "onset\tduration\ttrial_type\tstim_file\n1\t20\tsad\ta.mp4\n24\t20\thappy\tn/a\n"
    (eeg / "sub-1_events.tsv").write_text(text)
    assert "stimulus" not in extracted(tmp_path, "bids", tmp_path / "out")
    assert tables.load(tmp_path / "out").stimulus is None


def test_features_of_earlier_labels_are_not_read_with_the_new_ones(recordings, tmp_path):
    out, rows = tmp_path / "out", rows_of(1) + rows_of(2)
    extract(recordings, events_table(tmp_path / "trials.csv", rows), out, settings())
    renamed = [[*row[:4], f"very {row[4]}", *row[5:]] for row in rows]
    renamed[-1][-1] = 300  # beyond the recording's end
    outcome = extract(recordings, events_table(tmp_path / "trials.csv", renamed), out, settings())
    assert list(outcome.failed) == ["2_1"]
    assert tables.load(out).class_names == ("very happy", "very sad")
    assert (out / "2_1.npz.old").is_file()
    outcome = extract(recordings, events_table(tmp_path / "trials.csv", rows), out, settings())
    assert sorted(path.name for path in out.glob("*.npz*")) == ["1_1.npz", "2_1.npz"]
    outcome = extract(recordings, events_table(tmp_path / "trials.csv", rows[:2]), out, settings())
    assert outcome.notes[f"it is of an experiment that is not in the table, and is read with {out}"] == ["2_1.npz"]


@pytest.mark.parametrize("de", ["fft", "gaussian"])
def test_a_trial_may_begin_in_a_long_stretch_marked_bad(tmp_path, de):
    trials = events_table(tmp_path / "trials.csv", [["a.fif", "a", 1, 1, "sad", 4, 48]])
    folder = annotated(tmp_path / "a.fif", [0], [30], ["BAD_movement"])
    outcome = extract(folder, trials, tmp_path / "out", settings(de=de))
    assert not outcome.failed
    with np.load(outcome.files[0]) as stored:
        assert len(stored["x"]) == 4
        assert np.isfinite(stored["x"]).all()


def test_columns_of_recordings_that_do_not_vary_are_left_out_by_name(tmp_path):
    onsets_s = np.arange(0, 120, 0.4)
    events = pd.concat([
        pd.DataFrame({"event": "fixation", "onset_s": onsets_s, "duration_s": 0.2 + onsets_s / 2000, "pupil_x": 14.0,
                      "pupil_y": 13 + np.sin(onsets_s), "dispersion_x": 5 + onsets_s % 3, "dispersion_y": 6.0}),
        pd.DataFrame({"event": "saccade", "onset_s": onsets_s + 0.3, "duration_s": 0.03, "amplitude_deg": onsets_s % 7}),
    ])  # fmt: skip
    (tmp_path / "eyes").mkdir()
    events.to_csv(tmp_path / "eyes" / "a.csv", index=False)
    rows = [["a.csv", "a", 1, i + 1, "xy"[i % 2], 30 * i, 30 * i + 30] for i in range(4)]
    trials = events_table(tmp_path / "trials.csv", rows)
    chosen = {"cache": tmp_path / "cache", "settings": settings(), "modality": "eye"}
    with pytest.raises(ValueError, match=r"blink_frequency_hz: the same value [\s\S]*drop=") as refused:
        load(tmp_path / "eyes", trials, **chosen)
    left_out = re.search(r"drop=\[(.*?)\]", str(refused.value))[1].replace("'", "").split(",")
    found = load(tmp_path / "eyes", trials, **chosen, drop=[name.strip() for name in left_out])
    assert not {"blink_frequency_hz", "blink_duration_mean_ms"} & set(found.feature_names)
