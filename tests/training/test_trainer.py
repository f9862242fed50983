"""Lightning's own options, loggers and callbacks in a job: trainer, logger and callbacks of the configuration."""

import json
import re
import time
from typing import ClassVar

import lightning
import numpy as np
import pandas as pd
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from padded_sets import unpadded

from emogan.augmenters import GANAugmenter
from emogan.augmenters.fit import fit, member_key
from emogan.jobs import job
from emogan.jobs.settings import check_settings
from emogan.models import CBEGAN
from emogan.store import Store
from emogan.training.trainer import TrainerSettings

SMALL = ("n_aug=6", "evaluation.c_exponents=[0,0]", "evaluation.inner=reuse", "quality=false")


class Slow(lightning.Callback):
    """Makes time run out."""

    changes_training = False

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        time.sleep(0.02)


class Clip(lightning.Callback):
    """A callback that changes what is learned: weights stay within a bound."""

    groups: ClassVar[list[int]] = []  # members of each group that it has seen

    def __init__(self, bound: float = 0.01):
        self.bound = bound

    def on_train_start(self, trainer, module):
        Clip.groups.append(module.members)

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        with torch.no_grad():
            for parameter in module.generator.parameters():
                parameter.clamp_(-self.bound, self.bound)


@pytest.fixture
def sets():
    generator = torch.Generator().manual_seed(0)
    return unpadded(torch.rand(3, 40, 5, generator=generator), torch.arange(40).expand(3, -1) % 3)


def augmenter(iterations=30):
    return GANAugmenter(CBEGAN, name="cbegan", iterations=iterations, hidden=8, batch_size=8)


def test_gans_whose_time_runs_out_are_scored_as_they_are_and_go_on_later(sets, tmp_path, caplog):
    seeds, store = [0] * 3, Store(tmp_path / "timed")
    whole = fit(augmenter(), sets, 3, seeds, Store(tmp_path / "whole"))
    in_time = TrainerSettings({"max_time": {"seconds": 0.2}}, {"slow": Slow()})
    first = fit(augmenter(), sets, 3, seeds, store, trainer=in_time)
    assert re.search(r"max_time ended the training of 3 of 3 GANs at iteration \d+ of 30\. ", caplog.text)
    assert all(end.endswith("out of time") for end in first.ends)
    assert not set(first.keys) & set(whole.keys), "predictions must not pass for those of finished GANs"
    assert not any(store.path(key).exists() for key in whole.keys)
    second = fit(augmenter(), sets, 3, seeds, store)
    assert second.resumed
    assert second.keys == whole.keys
    for one, other in zip(second.generators, whole.generators, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in other)
    assert second.curves.equals(whole.curves)
    assert not list((store.folder / "checkpoints").glob("*.safetensors"))


def test_only_what_changes_a_gan_changes_its_key(sets):
    def key(**settings):
        return member_key(augmenter(), sets[0], 3, 0, TrainerSettings(**settings))

    usual = member_key(augmenter(), sets[0], 3, 0)
    assert key() == usual
    neutral = {
        "max_time": "00:00:10:00",
        "profiler": "simple",
        "precision": "32-true",
        "devices": 1,
        "log_every_n_steps": 5,
    }
    assert key(options=neutral) == usual
    assert key(callbacks={"slow": Slow(), "best": ModelCheckpoint(monitor="m_global"), "deleted": None}) == usual
    others = [
        key(options={"precision": "bf16-mixed"}), key(options={"deterministic": True}),
        key(callbacks={"clip": {"_target_": f"{__name__}.Clip"}}),
        key(callbacks={"clip": {"_target_": f"{__name__}.Clip", "bound": 0.1}}),
    ]  # fmt: skip
    assert len({usual, *others}) == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"devices": 2}, "trainer.devices: expected 1, got 2: a group of GANs trains on one device"),
        ({"strategy": "ddp"}, "trainer.strategy: expected auto or single_device, got 'ddp'"),
        ({"max_epochs": 5}, "trainer.max_epochs: expected 1, got 5: the length of training is model.iterations"),
        ({"gradient_clip_val": 0.5}, "trainer.gradient_clip_val: expected null, got 0.5: .*manual optimisation"),
        ({"logger": True}, "trainer.logger: .*logger=csv"),
        ({"precision": "16-mixed"}, "trainer.precision: expected 32-true or bf16-mixed, got '16-mixed'"),
        ({"profiler": "none"}, "trainer: Lightning refuses these options.*profiler"),
        ({"max_time": "soon"}, "trainer: Lightning refuses these options.*soon"),
    ],
)  # fmt: skip
def test_what_would_break_a_promise_or_lightning_does_not_know_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        TrainerSettings(options)


def test_a_callback_that_changes_gans_is_a_call_whose_settings_are_known():
    with pytest.raises(ValueError, match=r"callbacks.clip: expected a call with a _target_.*an instance of Clip"):
        TrainerSettings(callbacks={"clip": Clip()})


def test_what_is_trained_with_a_callback_that_changes_gans_is_trained_at_one_go(sets, tmp_path, caplog):
    clip = {"_target_": f"{__name__}.Clip"}
    store, seeds = Store(tmp_path), [0] * 3
    in_time = TrainerSettings({"max_time": {"seconds": 0.2}}, {"slow": Slow(), "clip": clip})
    fit(augmenter(), sets, 3, seeds, store, trainer=in_time, checkpoint_s=0, keep_checkpoints=True)
    assert "trains them from the start" in caplog.text
    assert not list((tmp_path / "checkpoints").glob("*.safetensors"))
    assert not fit(augmenter(), sets, 3, seeds, store, trainer=TrainerSettings(callbacks={"clip": clip})).resumed


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("MPS backend out of memory (allocated: 9 GB)")]
)
def test_where_memory_runs_out_groups_are_halved_and_nothing_is_lost(sets, tmp_path, monkeypatch, caplog, error):
    train, sizes = GANAugmenter.fit, []

    def full(self, own, *args, **options):
        sizes.append(len(own))
        if len(own) > 1:
            raise error
        return train(self, own, *args, **options)

    whole = fit(augmenter(), sets, 3, [0] * 3)
    monkeypatch.setattr(GANAugmenter, "fit", full)
    halved = fit(augmenter(), sets, 3, [0] * 3, Store(tmp_path))
    assert sizes == [3, 2, 1, 1, 1]
    assert "out of memory with 3 GANs at once: training them in groups of 2" in caplog.text
    for one, other in zip(halved.generators, whole.generators, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in other)
    monkeypatch.setattr(GANAugmenter, "fit", lambda *_, **__: (_ for _ in ()).throw(torch.OutOfMemoryError("full")))
    with pytest.raises(torch.OutOfMemoryError):
        fit(augmenter(), sets[:1], 3, [0])


def test_a_job_whose_time_ran_out_is_not_done_and_goes_on_in_its_own_folder(configure, tmp_path, caplog):
    timed = configure(
        tmp_path, *SMALL, "model.iterations=60", "trainer.max_time={seconds: 0.3}", f"+callbacks.slow._target_={__name__}.Slow"
    )  # fmt: skip
    job.run(timed)
    ends = [member["end"] for member in json.loads((tmp_path / "job" / "run.json").read_text())["members"]]
    assert all(end.endswith("out of time") for end in ends)
    with caplog.at_level("INFO"):
        job.run(timed)
    assert "resuming from iteration" in caplog.text


def test_a_callback_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"callbacks.mine: expected a lightning.Callback, got Counter"):
        TrainerSettings(callbacks={"mine": {"_target_": "collections.Counter"}})
    stopping = {"_target_": "lightning.pytorch.callbacks.EarlyStopping", "monitor": "m_global"}
    with pytest.raises(ValueError, match=r"callbacks.stop: EarlyStopping looks at .*model.plateau_window"):
        TrainerSettings(callbacks={"stop": stopping})


@pytest.mark.parametrize(
    ("loggers", "written"), [("csv", {"csv"}), ("[csv,tensorboard]", {"csv", "tensorboard"}), ("none", set())]
)
def test_a_job_logs_to_the_loggers_that_are_asked_for(configure, tmp_path, loggers, written):
    cfg = configure(
        tmp_path, *SMALL, f"logger={loggers}", "trainer.max_time=00:00:10:00", "trainer.log_every_n_steps=5"
    )
    scores, folder = job.run(cfg), tmp_path / "job"
    files = json.loads((folder / "run.json").read_text())["files"]
    assert ("csv/metrics.csv" in files) == ("csv" in written)
    assert job.run(cfg).equals(scores), "it is done already"
    assert bool(list(folder.glob("events.out.tfevents.*"))) == ("tensorboard" in written)
    assert (folder / "csv").exists() == ("csv" in written)
    if "csv" in written:
        table = pd.read_csv(folder / "csv" / "metrics.csv")
        curve, whole = table.dropna(subset="m_global"), pd.read_csv(folder / "curves.csv")
        assert curve.step.tolist() == [5, 10, 15, 20]
        whole = whole[(whole.metric == "m_global") & (whole.iteration % 5 == 0)]
        np.testing.assert_allclose(
            curve[["m_global", "m_global/lowest", "m_global/highest"]], whole[["mean", "lowest", "highest"]], rtol=1e-5
        )
        assert table["accuracy/n_aug_6"].dropna().tolist() == pytest.approx([scores.accuracy.mean()])
        assert "gamma: 0.75" in (folder / "csv" / "hparams.yaml").read_text()


def test_a_logger_whose_package_is_missing_says_so_before_any_training(configure, tmp_path, monkeypatch):
    monkeypatch.setattr("emogan.augmenters.fit.fit", lambda *_, **__: pytest.fail("trained"))
    with pytest.raises(ImportError, match=r"(?i)wandb"):
        job.run(configure(tmp_path, *SMALL, "logger=wandb"))


def test_precision_is_lightnings_and_makes_other_gans(configure, tmp_path):
    usual = job.run(configure(tmp_path / "a", *SMALL))
    half = job.run(configure(tmp_path / "b", *SMALL, "trainer.precision=bf16-mixed"))
    runs = [json.loads((tmp_path / name / "job" / "run.json").read_text()) for name in "ab"]
    assert runs[0]["key"] != runs[1]["key"]
    assert runs[0]["members"][0]["key"] != runs[1]["members"][0]["key"]
    curves = [pd.read_csv(tmp_path / name / "job" / "curves.csv")["mean"] for name in "ab"]
    assert not curves[0].equals(curves[1])
    np.testing.assert_allclose(curves[0], curves[1], atol=0.02)
    assert (half.accuracy - usual.accuracy).abs().max() < 0.5


def test_a_callback_of_the_users_own_sees_every_group_and_changes_what_is_learned(configure, tmp_path):
    Clip.groups.clear()
    job.run(configure(
        tmp_path, *SMALL, f"+callbacks.clip._target_={__name__}.Clip", "+callbacks.clip.bound=0.02", "machine.group_size=4"
    ))  # fmt: skip
    assert Clip.groups == [4, 2]
    checkpoint = torch.load(tmp_path / "job" / "checkpoint.ckpt", weights_only=True)
    assert all(weight.abs().max() <= 0.02 for weight in checkpoint["generator"].values())


def test_a_checkpoint_of_lightnings_is_written_where_one_is_asked_for(configure, tmp_path):
    name = "lightning.pytorch.callbacks.ModelCheckpoint"
    job.run(configure(
        tmp_path, *SMALL, f"+callbacks.best._target_={name}", "+callbacks.best.monitor=m_global",
        f"+callbacks.best.dirpath={tmp_path / 'best'}",
    ))  # fmt: skip
    (path,) = (tmp_path / "best").glob("*.ckpt")
    assert CBEGAN.load_from_checkpoint(path, map_location="cpu", weights_only=True).members == 6


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("+trainer.nonsense=1", r"trainer.nonsense: expected one of the settings .*, got nonsense"),
        ("+trainer.max_tim=1", r"Did you mean trainer.max_time\?"),
        ("+callbacks.mine=5", r"callbacks.mine._target_: expected a value"),
    ],
)
def test_keys_that_lightning_does_not_take_are_refused_by_name(configure, tmp_path, override, message):
    with pytest.raises(ValueError, match=message):
        check_settings(configure(tmp_path, override))
