"""One whole job, its files, its reuse of fitted generators and what it refuses."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from hydra import compose, initialize_config_dir
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVC
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from emogan import job
from emogan.data import synthetic
from emogan.data.folds import members
from emogan.paths import config_dir
from emogan.results import COLUMNS

SMALL = [
    "modality=eye",
    "data.subjects=[1]",
    "model.iterations=20",
    "machine.threads=1",
    "evaluation.c_exponents=[-3,1]",
]


def configure(folder, *overrides, small=SMALL):
    with initialize_config_dir(config_dir(), version_base="1.3"):
        return compose("train", [*small, f"folder={folder / 'job'}", f"store={folder / 'store'}", *overrides])


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("done")
    return folder, job.run(configure(folder, "n_aug=[50,200]"))


def test_a_job_writes_scores_checkpoint_run_and_curves(done):
    folder, scores = done
    written = pd.read_csv(folder / "job" / "scores.csv")
    assert list(written.columns) == COLUMNS
    assert len(written) == 5 * 2
    np.testing.assert_array_equal(written.accuracy, scores.accuracy)
    checkpoint = torch.load(folder / "job" / "checkpoint.ckpt", weights_only=True)
    assert len(checkpoint["members"]) == 5
    assert checkpoint["trained"][0]["state_dict"]["k"].shape == (5,)
    assert len(checkpoint["trained"][0]["optimizers"]) == 2
    assert len(checkpoint["feature_names"]) == checkpoint["scaler"]["minimum"].shape[1] == 41
    events = EventAccumulator(str(folder / "job")).Reload()
    for tag in ("m_global", "k", "loss_real", "loss_fake"):
        low, mean, high = ([e.value for e in events.Scalars(f"{tag}/{part}")] for part in ("lowest", "mean", "highest"))
        assert len(mean) == 20
        assert all(a <= b + 1e-6 and b <= c + 1e-6 for a, b, c in zip(low, mean, high, strict=True))


@pytest.mark.parametrize("change", ["machine.group_size=2", "machine.threads=2"])
def test_the_same_seed_gives_the_same_bytes(done, tmp_path, change):
    job.run(configure(tmp_path, "n_aug=[50,200]", change))
    assert (tmp_path / "job/scores.csv").read_bytes() == (done[0] / "job/scores.csv").read_bytes()


def test_another_n_aug_trains_nothing_again_and_gives_the_same_rows(done):
    folder, scores = done
    alone = job.run(configure(folder, "n_aug=50", f"folder={folder / 'alone'}"))
    assert not any(m["trained"] for m in json.loads((folder / "alone/run.json").read_text())["members"])
    pd.testing.assert_frame_equal(alone, scores[scores.n_aug == 50].reset_index(drop=True))


def test_a_damaged_record_is_set_aside_and_made_anew(done, tmp_path):
    job.run(configure(tmp_path, "n_aug=[50,200]"))
    record = sorted((tmp_path / "store").glob("*.safetensors"))[0]
    record.write_bytes(record.read_bytes()[:-100])
    job.run(configure(tmp_path, "n_aug=[50,200]", f"folder={tmp_path / 'again'}"))
    assert len(list((tmp_path / "store").glob("*.unusable-*"))) == 1
    assert (tmp_path / "again/scores.csv").read_bytes() == (done[0] / "job/scores.csv").read_bytes()


def test_both_accuracies_of_the_baseline_equal_a_plain_loop(tmp_path):
    scores = job.run(configure(tmp_path, "model=none", small=[o for o in SMALL if "iterations" not in o]))
    features = synthetic.load(modality="eye", subjects=[1], sessions=[1])
    grid, table = 2.0 ** np.arange(-3, 2), []
    for member in members(features):
        scaler = MinMaxScaler().fit(features.x[member.train])
        train, test = scaler.transform(features.x[member.train]), scaler.transform(features.x[member.test])
        y = features.y[member.train]
        table.append([SVC(C=c, kernel="linear").fit(train, y).score(test, features.y[member.test]) for c in grid])
    best = int(np.mean(table, axis=0).argmax())
    assert set(scores.c_oracle) == {grid[best]}
    np.testing.assert_allclose(scores.accuracy_oracle, [row[best] for row in table], atol=0.006)
    chosen = [row[int(np.log2(c)) + 3] for row, c in zip(table, scores.c, strict=True)]
    np.testing.assert_allclose(scores.accuracy, chosen, atol=0.006)


@pytest.mark.parametrize(
    "change",
    ["n_aug=-1", "n_aug=[]", "n_aug=2.5", "seed=-1", "scaling.fit_on=test", "model.layers=7", "model.gamma=2"],
)
def test_impossible_values_are_refused_before_data_are_loaded(tmp_path, monkeypatch, change):
    monkeypatch.setattr(synthetic, "load", lambda **_: pytest.fail("loaded data"))
    with pytest.raises(Exception, match=rf"{change.split('=')[0]}: expected"):
        job.run(configure(tmp_path, change))


def test_an_output_that_cannot_be_written_is_refused_before_training(tmp_path):
    (tmp_path / "job").write_text("a file")
    with pytest.raises(OSError, match="cannot write to"):
        job.run(configure(tmp_path))
    assert not list((tmp_path / "store").glob("*.safetensors"))


def options():
    for file in sorted((job.Path(config_dir())).glob("*/*.yaml")):
        yield file.parent.name, file.stem


@pytest.mark.parametrize(("group", "name"), list(options()))
def test_every_option_composes(tmp_path, group, name):
    cfg = configure(tmp_path, f"{group}={name}", small=[])
    assert cfg.model.name
    assert cfg.data._target_.startswith("emogan.data.")


def test_the_sweep_as_written_trains_each_gan_once(tmp_path):
    command = [sys.executable, "-m", "emogan.train", "-m", "model=cbegan", "n_aug=50,200,2000", *SMALL]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr
    jobs = sorted(tmp_path.glob("outputs/*/*/*/scores.csv"))
    assert [set(pd.read_csv(file).n_aug) for file in jobs] == [{50}, {200}, {2000}]
    assert len(list(tmp_path.glob("outputs/store/*.safetensors"))) == 5
