"""Settings and outputs that cannot work are refused, by name, before data are loaded or anything is trained."""

import contextlib
import errno
import functools
import json
import os
import re

import numpy as np
import pytest
from composed import composed
from hydra.errors import HydraException
from omegaconf import OmegaConf

from emogan import keys
from emogan.data import table as tables
from emogan.jobs import job
from emogan.jobs.settings import check_settings, construct

IMPOSSIBLE = [  # one of each place that says what its settings may be; tests/test_checks.py has the kinds of rules
    ("n_aug=[50,-2]", "an integer >= 0 or a list"), ("evaluation.folds=foo", "auto | paper | front_back"),
    ("evaluation.c_exponents=[2,1]", "(two, the lower one first)"), ("data.subjects=1", "a list of integers or text or null"),
    ("model.iterations=0", "an integer >= 1"), ("model.gamma=2", "a number >= 0 and <= 1"), ("model.hidden=[9,9,9]", "2 of them"),
]  # fmt: skip
MISSPELT = ["model.gama=1", "daat=seed", "model.iteration=5", "evaluation.fold=paper", "sede=1", "n_augs=5"]

# What is added or deleted: the key that is refused, what is said to exist, and the key that was meant.
UNKNOWN = [
    ("+nonsense=1", "nonsense", "modality, n_aug", None), ("+n_augs=5", "n_augs", "n_aug", "n_aug"),
    ("+machine.nonsense=1", "machine.nonsense", "threads", None), ("+scaling.fit=all", "scaling.fit", "fit_on", "scaling.fit_on"),
    ("+evaluation.fold=paper", "evaluation.fold", "folds", "evaluation.folds"), ("+evaluation._target_=x", "evaluation._target_", "folds", None),
    ("+model.gama=1", "model.gama", "gamma", "model.gamma"), ("+model.gan.nonsense=1", "model.gan.nonsense", "path", None),
    ("+data.subjectz=[1]", "data.subjectz", "path, label", "data.subject"), ("+classifier.x=1", "classifier.x", "c_exponents", None),
]  # fmt: skip
DELETED = [
    "evaluation.folds", "classifier", "machine.threads", "scaling", "quality", "model.iterations", "model.gan",
    "model._target_", "data.path", "classifier.name",
]  # fmt: skip


@pytest.fixture
def no_data(monkeypatch):
    """Loading data fails the test."""
    monkeypatch.setattr(tables, "load", functools.wraps(tables.load)(lambda *_, **__: pytest.fail("data were loaded")))


def records(folder) -> list:
    return list((folder / "store").glob("*.safetensors"))


@pytest.mark.parametrize(("change", "expected"), IMPOSSIBLE)
def test_an_impossible_value_is_refused_by_name_before_data_are_loaded(configure, tmp_path, no_data, change, expected):
    key = change.split("=")[0]
    with pytest.raises(ValueError, match=rf"^{re.escape(key)}: expected .*{re.escape(expected)}.*, got "):
        job.run(configure(tmp_path, change))
    assert not (tmp_path / "job").exists()
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("change", MISSPELT)
def test_a_misspelt_key_is_refused_by_name(configure, tmp_path, change):
    with pytest.raises(HydraException, match=re.escape(change.split("=")[0])):
        configure(tmp_path, change)


@pytest.mark.parametrize(("change", "key", "exists", "meant"), UNKNOWN)
def test_an_added_key_that_nothing_takes_is_refused_with_the_one_that_was_meant(
    configure, tmp_path, no_data, change, key, exists, meant
):
    with pytest.raises(
        ValueError, match=rf"^{re.escape(key)}: (expected one of the settings|model=\S+ has no option) .*{exists}"
    ) as refused:
        job.run(configure(tmp_path, change))
    assert str(refused.value).endswith(f" Did you mean {meant}?" if meant else f", got {key.split('.')[-1]}")


@pytest.mark.parametrize("key", DELETED)
def test_a_deleted_key_that_is_needed_is_asked_for_by_name(configure, tmp_path, no_data, key):
    with pytest.raises(
        ValueError, match=rf"^{re.escape(key)}: expected a value, got none\. Give it as {re.escape(key)}="
    ):
        job.run(configure(tmp_path, f"~{key}"))


@pytest.mark.parametrize(
    "overrides",
    [
        ["classifier=rbf_svm", "+classifier.estimator.degree=4"], ["~model.layers"], ["+classifier._convert_=all"],
        ["classifier=rbf_svm", "~classifier.estimator.kernel"],
    ],
)  # fmt: skip
def test_arguments_that_a_class_takes_can_be_added_and_those_with_a_default_deleted(configure, tmp_path, overrides):
    check_settings(configure(tmp_path, *overrides))


@pytest.mark.parametrize("key", ["scaling.fit_on", "output"])
def test_a_value_cannot_be_replaced_by_settings(configure, tmp_path, key):
    with pytest.raises(ValueError, match=rf"^{re.escape(key)}: expected a value or a list of them, got {{'x': 1}}"):
        check_settings(configure(tmp_path, f"+{key}.x=1"))


@pytest.mark.parametrize(
    ("callbacks", "message"),
    [
        ("{mine: {_target_: lightning.pytorch.callbacks.Timer, duration: 1}}", None), ("{mine: null}", None), ("null", None),
        ("{mine: {_target_: lightning.pytorch.callbacks.Timer, durations: 1}}", r"^callbacks\.mine\.durations: .*Did you mean callbacks\.mine\.duration\?"),
        ("[1]", "^callbacks: expected names"), ("{nonsense: 1}", r"^callbacks\.nonsense\._target_: expected a value"),
    ],
)  # fmt: skip
def test_calls_that_users_name_themselves_are_checked_against_what_they_call(monkeypatch, callbacks, message):
    monkeypatch.setattr(keys, "_own", lambda command: {"callbacks": {"other": {"_target_": "x"}}})
    cfg = OmegaConf.create(f"callbacks: {callbacks}")
    with pytest.raises(ValueError, match=message) if message else contextlib.nullcontext():
        keys.check_keys(cfg)


@pytest.mark.parametrize(("change", "exists"), [("data=sead", "seed_iv"), ("model=gan", "cwgan")])
def test_an_unknown_option_is_answered_with_those_that_exist(configure, tmp_path, change, exists):
    with pytest.raises(HydraException, match=rf"(?s){change.split('=')[1]}.*{exists}"):
        configure(tmp_path, change)


@pytest.mark.parametrize("change", ["data=seed", "data=seed_v", "data=seed_iv"])
def test_a_missing_root_is_asked_for_by_name(tmp_path, change):
    cfg = composed(change, f"folder={tmp_path}", f"store={tmp_path}")
    with pytest.raises(ValueError, match=r"^data\.root: expected a value.*data\.root="):
        job.run(cfg)


def test_what_a_loader_finds_wrong_comes_out_as_it_said_it(configure, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.npz"):
        job.run(configure(tmp_path, f"data.path={tmp_path / 'absent.npz'}"))
    with pytest.raises(ValueError, match=r"^data\.modality: expected eeg") as caught:
        construct(configure(tmp_path, "data.modality=egg").data)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("windows", [8, 1])
def test_too_few_trials_to_choose_c_are_told_before_training(configure, tmp_path, table, caplog, windows):
    content = dict(np.load(table))
    kept = (content["trial"] < 6) & (np.arange(len(content["trial"])) % 8 < windows)
    np.savez(tmp_path / "own.npz", **{k: v[kept] if len(v) == len(kept) else v for k, v in content.items()})
    cfg = configure(tmp_path, "model=none", f"data.path={tmp_path / 'own.npz'}", "evaluation.n_folds=2")
    if windows > 1:
        job.run(cfg)
        assert "a class has a single training trial in 4 of 4 training sets" in caplog.text
    else:
        with pytest.raises(ValueError, match=r"subject 1, session 1, fold 0: .*two windows in every trial"):
            job.run(cfg)


def test_a_class_missing_from_a_training_fold_is_told_before_training(configure, tmp_path, table):
    content = dict(np.load(table))
    content["y"][content["subject"] == 1] = content["trial"][content["subject"] == 1] % 2  # the third: subject 2 alone
    np.savez(tmp_path / "own.npz", **content)
    with pytest.raises(
        ValueError,
        match=r"every class in training, got none of positive in the training set whose test windows are of subject 2",
    ):
        job.run(configure(tmp_path, f"data.path={tmp_path / 'own.npz'}", "evaluation.folds=leave_subject_out"))
    assert not records(tmp_path)


@pytest.mark.parametrize(("key", "option"), [("folder", "output"), ("store", "store")])
def test_an_output_below_a_file_is_refused_before_data_are_loaded(configure, tmp_path, no_data, key, option):
    (tmp_path / "file").write_text("a file")
    place = tmp_path / "file" / "below"
    with pytest.raises(OSError, match=rf"cannot write to {re.escape(str(place))}.*Choose another {option}="):
        job.run(configure(tmp_path, f"{key}={place}"))
    assert not records(tmp_path)


def full_after(monkeypatch, n: int) -> list:
    """Let the disk be full from the (n+1)-th flush on; returns the list of flushes, which grows."""
    flushed, fsync = [], os.fsync

    def failing(handle):
        flushed.append(handle)
        if len(flushed) > n:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", failing)
    return flushed


def test_a_full_disk_is_told_before_data_are_loaded(configure, tmp_path, monkeypatch, no_data):
    full_after(monkeypatch, 0)
    with pytest.raises(OSError, match=r"cannot write to .*No space left on device.*Free some space") as caught:
        job.run(configure(tmp_path))
    assert caught.value.errno == errno.ENOSPC
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_disk_that_fills_up_leaves_whole_files_and_no_scores_and_the_job_can_go_on(configure, tmp_path, monkeypatch):
    short = "quality=false", "data.subjects=[1]"
    reference = job.run(configure(tmp_path / "reference", *short))
    kept, codes = [], set()
    for n in range(2, 40):  # the first two flushes are the probes
        with monkeypatch.context() as patch:
            flushed = full_after(patch, n)
            try:
                job.run(configure(tmp_path, *short))
            except OSError as error:
                codes.add(error.errno)
            else:
                break
        assert not (tmp_path / "job/scores.csv").exists()
        assert not [path for path in tmp_path.rglob(".*")], "temporary files are left"
        kept.append(len(records(tmp_path)))
        if (tmp_path / "job/run.json").exists():
            json.loads((tmp_path / "job/run.json").read_text())
    assert codes == {errno.ENOSPC}
    assert kept[0] == 0
    assert kept == sorted(kept)
    assert kept[-1] == 9  # 3 members and their 2 inner folds each
    again = tmp_path / "job/scores.csv"
    assert again.read_bytes() == (tmp_path / "reference/job/scores.csv").read_bytes()
    assert len(reference) == 6
    assert flushed
