"""DataModules of the data sets: the sets that a job trains on, split by whole trials, in any Trainer."""

import json
import re
import subprocess
import sys
from pathlib import Path

import lightning
import numpy as np
import pytest
import torch
from lightning.pytorch.loggers import CSVLogger

from emogan import CBEGAN, SyntheticDataModule, TableDataModule
from emogan.jobs import job

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def own(table):
    """``own(**settings)``: a DataModule of the table that the tests of jobs have."""
    return lambda **settings: TableDataModule(table, folds="trials", n_folds=3, **settings)


def test_training_sets_are_whole_trials_scaled_by_their_own_windows(own):
    data = own(subject=1)
    assert (data.members, data.features, data.classes) == (3, 10, 3)
    for split, one in zip(data.splits, data.batches.sets, strict=True):
        assert not set(data.feature_set.trial_ids()[split.train]) & set(data.feature_set.trial_ids()[split.test])
        assert (one.x.min(), one.x.max()) == (0, 1)
        np.testing.assert_allclose(one.scaler.inverse(one.x.astype(float)), data.feature_set.x[split.train], atol=1e-5)


def test_one_fold_is_one_member_and_several_experiments_are_stacked(own):
    whole, one = own(), own(subject=2, fold=1)
    assert (whole.members, one.members) == (6, 1)
    np.testing.assert_array_equal(one.batches.x[0], whole.batches.x[4])
    with pytest.raises(ValueError, match=r"expected one of the folds \[0, 1, 2\], got fold=7"):
        _ = own(fold=7).members


def test_held_out_windows_come_with_labels_and_trials_in_the_scaling_of_training(own):
    data = own(subject=1)
    for member, (split, held_out) in enumerate(zip(data.splits, data.test_dataloader(), strict=True)):
        assert held_out.member == member
        np.testing.assert_array_equal(held_out.y, data.feature_set.y[split.test])
        np.testing.assert_array_equal(held_out.trial, data.feature_set.trial_ids()[split.test])
        z = (data.feature_set.x[split.test] - data.scalers[member].minimum) / data.scalers[member].span
        np.testing.assert_allclose(held_out.x, z, rtol=1e-5, atol=1e-6)


def test_the_gan_is_the_one_that_a_job_fits_to_the_same_training_sets(own, configure, tmp_path):
    cfg = configure(tmp_path, "model=cbegan", "model.iterations=6", "model.hidden=8")
    job.run(cfg)
    fitted = json.loads((tmp_path / "job/run.json").read_text())["members"]
    data = own(seeds=[one["training_seed"] for one in fitted], iterations=6)
    model = CBEGAN.for_data(data, hidden=8)
    logger = CSVLogger(tmp_path, name="")
    lightning.Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=logger,
        log_every_n_steps=3,
        enable_progress_bar=False,
        default_root_dir=tmp_path,
    ).fit(model, data)
    checkpoint = torch.load(tmp_path / "job/checkpoint.ckpt", weights_only=True)
    for name, value in checkpoint["generator"].items():
        assert torch.equal(model.generator.state_dict()[name], value), name
    assert "m_global" in Path(logger.log_dir, "metrics.csv").read_text()


def test_predicting_gives_windows_of_every_class(own):
    data = own(subject=1)
    trainer = lightning.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False)
    (windows,) = trainer.predict(CBEGAN.for_data(data, hidden=8), data)
    assert windows.shape == (3, int(data.batches.n.max()), 10)


def test_simulated_data_need_no_files():
    data = SyntheticDataModule(preset="seed", modality="eye", subject=1, session=1, fold=2)
    assert (data.members, data.features, data.classes, data.class_names) == (
        1,
        41,
        3,
        ("negative", "neutral", "positive"),
    )


def test_the_lines_of_the_readme_run_as_printed(tmp_path):
    (lines,) = re.findall(
        r"```python\n(from emogan import CBEGAN, SyntheticDataModule\n.*?)```", README.read_text(), re.DOTALL
    )
    done = subprocess.run(
        [sys.executable, "-c", lines + "print(tuple(windows.shape), tuple(labels.shape))"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "(5, 300, 41) (5, 300)"
    assert list((tmp_path / "outputs").rglob("events.out.tfevents.*"))
