"""A saved sampler draws the same bytes in another process; nothing that could run code is read."""

import os
import pickle
import shutil
import subprocess
import sys
from functools import partial

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch
from represented import represented
from safetensors import safe_open
from with_trials import with_trials

import emogan
from emogan import (
    CBEGANSampler,
    CVAESampler,
    CWGANSampler,
    DiffusionSampler,
    RandomEffectsSampler,
    RecurrentCWGANSampler,
    TrialBootstrapSampler,
    TrialCBEGANSampler,
    versions,
)
from emogan.augmenters import fit as fitting
from emogan.data import table as tables
from emogan.data.members import members
from emogan.evaluation.plan import build
from emogan.jobs import job
from emogan.samplers import files
from emogan.store import Store

OTHER_PROCESS = """
import sys
import emogan
for path in sys.argv[1:]:
    x, y = emogan.load(path).sample({"calm": 3, "joy": 300}, random_state=7)
    sys.stdout.buffer.write(x.to_numpy(dtype=float).tobytes() + "".join(y).encode())
assert "imblearn" not in sys.modules
"""
KINDS = [
    CBEGANSampler, CWGANSampler, TrialCBEGANSampler, CVAESampler, DiffusionSampler, RecurrentCWGANSampler,
    RandomEffectsSampler, TrialBootstrapSampler,
]  # fmt: skip


@pytest.fixture
def fit(frame, windows, tiny):
    """``fit(kind)``: a sampler of this kind, fitted."""

    def fitted(kind):
        settings = {} if kind in (RandomEffectsSampler, TrialBootstrapSampler) else tiny
        sampler = kind(random_state=0, **settings)
        return sampler.fit(*frame, **with_trials(sampler, windows[2]))

    return fitted


@pytest.fixture(params=represented(KINDS, by=[TrialCBEGANSampler, RecurrentCWGANSampler, RandomEffectsSampler]))
def fitted(request, fit):
    return fit(request.param)


def test_another_process_draws_the_same_bytes_without_imbalanced_learn(fit, tmp_path):
    expected, paths = b"", []
    for sampler in map(fit, KINDS):
        paths.append(tmp_path / type(sampler).__name__)
        sampler.save(paths[-1])
        x, y = sampler.sample({"calm": 3, "joy": 300}, random_state=7)
        expected += x.to_numpy(dtype=float).tobytes() + "".join(y).encode()
    done = subprocess.run([sys.executable, "-c", OTHER_PROCESS, *paths], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == expected


def test_a_file_keeps_names_labels_types_and_settings(fitted, frame, tmp_path):
    fitted.save(tmp_path / "new" / "fitted")
    found, was = emogan.load(tmp_path / "new" / "fitted"), fitted.fitted_
    assert (found.feature_names, found.dtypes, found.key) == (was.feature_names, was.dtypes, was.key)
    assert found.identity == was.identity
    assert found.classes.tolist() == ["calm", "fear", "joy"]
    assert found.classes.dtype == was.classes.dtype
    pd.testing.assert_frame_equal(found.sample(5)[0], was.sample(5)[0])
    with safe_open(tmp_path / "new" / "fitted", "pt") as file:
        assert file.metadata()["emogan"] == emogan.__version__


def test_a_loaded_sampler_shows_its_model_its_size_and_where_it_is_from(fit, done, tmp_path):
    sampler = fit(TrialCBEGANSampler)
    shown = "FittedSampler(trial_cbegan trained for 3 iterations, 5 features, classes calm, fear, joy,\n  fitted by "
    assert repr(sampler.fitted_) == f"{shown}TrialCBEGANSampler)"
    sampler.save(tmp_path / "one")
    assert repr(emogan.load(tmp_path / "one")) == f"{shown}TrialCBEGANSampler, read from {tmp_path / 'one'})"
    found = emogan.load(done / "job/checkpoint.ckpt", subject=1, fold=0)
    assert repr(found) == (
        "FittedSampler(cbegan trained for 20 iterations, 10 features, classes negative, neutral, positive,\n"
        f"  subject=1, session=1, fold=0, read from {done / 'job/checkpoint.ckpt'})"
    )


def test_a_sampler_with_an_optimiser_of_its_own_draws_and_is_saved(frame, tiny, tmp_path):
    sampler = CBEGANSampler(n_aug=6, random_state=0, optimizer=partial(torch.optim.SGD, lr=0.1), **tiny)
    sampler.fit_resample(*frame)
    sampler.save(tmp_path / "gan")
    drawn, saved = sampler.sample(6), emogan.load(tmp_path / "gan").sample(6)
    pd.testing.assert_frame_equal(drawn[0], saved[0])


class Malicious:
    """Unpickling it makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("way", ["bare pickle", "checkpoint", "checkpoint of PyTorch's older format"])
def test_a_planted_pickle_is_refused_and_does_not_run(way, tmp_path):
    planted, trap = tmp_path / "generator.safetensors", tmp_path / "ran"
    if way == "bare pickle":
        planted.write_bytes(pickle.dumps(Malicious(trap)))
    else:
        content = {"emogan": "0.1.0", "generator": Malicious(trap)}
        torch.save(content, planted, _use_new_zipfile_serialization=way == "checkpoint")
    with pytest.raises(ValueError, match=r"expected a file that save\(\).*might run code"):
        emogan.load(planted)
    assert not trap.exists()
    with planted.open("rb") as file:
        pickle.load(file) if way == "bare pickle" else torch.load(file, weights_only=False)
    assert trap.exists(), "the trap was set"


def test_foreign_damaged_and_missing_files_are_refused(fitted, tmp_path):
    path = tmp_path / "file"
    fitted.save(path)
    whole = path.read_bytes()
    for content in (b"", b"text", whole[:100], whole[:-1], b"PK" + whole):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"expected a file that save\(\)"):
            emogan.load(path)
    safetensors.torch.save_file({"weight": torch.zeros(3)}, path, metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"expected a file that save\(\)"):
        emogan.load(path)
    torch.save({"state_dict": {"weight": torch.zeros(3)}}, path)
    with pytest.raises(ValueError, match=r"expected a file that save\(\)"):
        emogan.load(path)
    damaged = bytearray(whole)
    damaged[-40] ^= 1  # a bit of a weight
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match=r"expected a file that save\(\) .*its content is not what was written"):
        emogan.load(path)
    with pytest.raises(FileNotFoundError, match=r"none: expected a file that save\(\) of a sampler wrote"):
        emogan.load(tmp_path / "none")
    with pytest.raises(ValueError, match=r"expected a file to write, such as .*sampler\.safetensors, got a folder"):
        fitted.save(tmp_path)


def test_files_in_the_home_folder_are_found_by_a_tilde(fitted, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    fitted.save("~/kept.safetensors")
    assert (tmp_path / "kept.safetensors").exists()
    emogan.load("~/kept.safetensors")


def test_a_file_of_a_newer_emogan_is_refused_by_its_version(fitted, tmp_path, monkeypatch):
    with monkeypatch.context() as newer:
        newer.setattr(versions, "SAMPLER", versions.SAMPLER + 1)
        newer.setattr(files, "__version__", "9.0")
        fitted.save(tmp_path / "newer")
    with pytest.raises(ValueError, match=r"written by EmoGAN 9\.0 .*this EmoGAN .*pip install --upgrade"):
        emogan.load(tmp_path / "newer")


def test_a_checkpoint_of_a_newer_emogan_is_refused_by_its_version(tmp_path):
    torch.save({"emogan": "9.0", "format": versions.CHECKPOINT + 1, "networks": {}}, tmp_path / "checkpoint.ckpt")
    with pytest.raises(ValueError, match=rf"written by EmoGAN 9\.0 in format {versions.CHECKPOINT + 1}"):
        emogan.load(tmp_path / "checkpoint.ckpt")


def test_a_class_that_is_not_imported_is_not_imported(fitted, tmp_path):
    """An identity names a class; a file must not choose what is imported."""
    was = fitted.fitted_
    name = "gan" if "gan" in was.identity else "control"
    for other in ("antigravity.Window", "emogan.models.CBEGAN2", "torch.nn.Linear", 3):
        identity = dict(was.identity) | {name: other}
        changed = emogan.FittedSampler(identity, was.tensors, was.scaler, was.classes, was.dtypes, was.key)
        files.save(changed, tmp_path / "file")
        with pytest.raises(ValueError, match=r"in the modules that are imported\. If it is your own"):
            emogan.load(tmp_path / "file")
    assert "antigravity" not in sys.modules


@pytest.fixture(scope="module")
def done(tmp_path_factory, configure):
    """A finished job of six cBEGANs."""
    folder = tmp_path_factory.mktemp("done")
    job.run(configure(folder, "model=cbegan", "n_aug=50", "evaluation.inner=reuse"))
    return folder


@pytest.mark.parametrize("selection", [None, "discriminator", "density"])
def test_a_jobs_checkpoint_draws_the_windows_that_the_job_appended(done, configure, table, tmp_path, selection):
    cfg = configure(done, "model=cbegan")
    if selection:
        done, selected = tmp_path, ("model=cbegan", f"model.selection={selection}", "model.iterations=5")
        cfg = configure(done, *selected, "n_aug=50", "evaluation.inner=reuse")
        job.run(cfg)
    features = tables.load(table)
    found = members(features, "trials", 3)
    augmenter = job.construct(cfg.model)
    for member in found:
        fitted = emogan.load(done / "job/checkpoint.ckpt", subject=member.subject, fold=member.fold)
        assert fitted.origin == {"subject": member.subject, "session": member.session, "fold": member.fold}
        plan = build(features, [member], inner="reuse", n_inner_folds=2, fit_on="train")
        fits = fitting.fit(augmenter, plan.outer_sets, 3, [cfg.seed], Store(done / "store"))
        assert (fits.trained, fits.keys) == ([], [fitted.key])
        z, labels, _ = job.sample(augmenter, fits, 50, 3, plan)
        (data,) = plan.outer_sets
        x, y = fitted.sample(50)
        np.testing.assert_array_equal(x, data.scaler.inverse(z[0].astype(np.float64)).astype(np.float32))
        assert y.tolist() == [features.class_names[k] for k in labels]
        assert fitted.feature_names == features.feature_names


def test_a_sampler_trains_the_gan_that_a_job_trains_on_the_same_windows(done, configure, table):
    cfg = configure(done, "model=cbegan")
    features = tables.load(table)
    (first, *_) = members(features, "trials", 3)
    settings = {key: value for key, value in dict(cfg.model).items() if key not in ("_target_", "gan", "name")}
    sampler = CBEGANSampler(random_state=cfg.seed, n_aug=50, **settings)
    drawn, _ = sampler.fit_resample(features.x[first.train], features.y[first.train])
    of_job = emogan.load(done / "job/checkpoint.ckpt", subject=first.subject, fold=first.fold)
    assert sampler.fitted_.key == of_job.key
    np.testing.assert_array_equal(drawn[len(first.train) :], of_job.sample(50)[0])


def test_which_training_set_of_a_checkpoint_has_to_be_told(done):
    path = done / "job/checkpoint.ckpt"
    with pytest.raises(
        ValueError, match=r"one of its 6 training sets, got none of them, which fits 6\. There are: subj"
    ):
        emogan.load(path)
    with pytest.raises(ValueError, match=r"got \{'subject': 9\}, which fits 0"):
        emogan.load(path, subject=9)


def test_a_saved_sampler_has_no_subjects_to_choose_from(fitted, tmp_path):
    fitted.save(tmp_path / "file")
    with pytest.raises(ValueError, match="it holds one training set"):
        emogan.load(tmp_path / "file", subject=1)


def test_a_checkpoint_can_be_saved_again_as_a_file_of_one_training_set(done, tmp_path):
    fitted = emogan.load(done / "job/checkpoint.ckpt", subject=1, fold=0)
    files.save(fitted, tmp_path / "one")
    again = emogan.load(tmp_path / "one")
    assert (again.origin, again.modalities) == (fitted.origin, fitted.modalities)
    np.testing.assert_array_equal(again.sample(9)[0], fitted.sample(9)[0])


def test_a_checkpoint_without_a_gan_says_so(done, configure, tmp_path):
    job.run(configure(tmp_path, "model=mixup", "model.strength=0.2", "n_aug=50", "evaluation.inner=reuse"))
    with pytest.raises(ValueError, match=r"expected the checkpoint of a GAN, got mixup"):
        emogan.load(tmp_path / "job/checkpoint.ckpt", subject=1, fold=0)
    shutil.rmtree(tmp_path)
