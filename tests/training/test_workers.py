"""Worker processes: the same bits as without them, and an end with the process that started them."""

import contextlib
import errno
import logging
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import lightning
import numpy as np
import pandas as pd
import pytest
import torch
from lightning.pytorch.loggers import CSVLogger
from records import assert_same_records
from represented import represented

from emogan import store as stores
from emogan.augmenters import GANAugmenter
from emogan.augmenters import fit as fitting
from emogan.data.training_set import TrainingSet
from emogan.models import CBEGAN, CGAN, CVAE, CWGAN, Diffusion, TrialCBEGAN
from emogan.store import Store
from emogan.training import diagnostics, history, workers
from emogan.training.checkpoint import Checkpoints
from emogan.training.trainer import TrainerSettings
from emogan.training.workers import train_in_workers

log = logging.getLogger(__name__)


def make_sets(sizes=(31, 40, 57, 64, 33)):
    random = np.random.default_rng(0)
    return [
        TrainingSet.scaled(random.random((n, 7)).astype(np.float32), np.arange(n) % 3, np.arange(n) // 4) for n in sizes
    ]


def fit(store, gan=CBEGAN, iterations=20, sets=None, **options):
    augmenter = GANAugmenter(gan, name="gan", iterations=iterations, hidden=20, batch_size=16)
    sets = sets or make_sets()
    return fitting.fit(augmenter, sets, 3, [0] * len(sets), store, kept=range(len(sets)), **options)


@pytest.mark.parametrize(
    ("gan", "workers", "group_size"),
    represented(
        [
            (gan, *options)
            for gan in (CBEGAN, CWGAN, CGAN, TrialCBEGAN, CVAE, Diffusion)
            for options in ((2, None), (8, None), (2, 1))
        ],
        by=[(CBEGAN, 2, None), (CBEGAN, 8, None), (CBEGAN, 2, 1), (TrialCBEGAN, 2, None)],
    ),
)
def test_workers_change_no_bit_of_any_record(tmp_path, gan, workers, group_size):
    one, several = Store(tmp_path / "one"), Store(tmp_path / "several")
    alone, together = fit(one, gan), fit(several, gan, workers=workers, group_size=group_size)
    assert (together.keys, together.trained, together.figures) == (alone.keys, alone.trained, alone.figures)
    assert_same_records(one, several, alone.keys)
    by_member = {}
    for part in together.states:
        by_member |= {
            m: {name: value[i] for name, value in part["state_dict"].items()} for i, m in enumerate(part["members"])
        }
    (whole,) = alone.states
    for m, weights in by_member.items():
        assert all(torch.equal(value, whole["state_dict"][name][m]) for name, value in weights.items())
    assert sorted(by_member) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("method", represented(["forkserver", "spawn"], by=["forkserver"]))
def test_workers_that_are_not_forked_give_the_same(tmp_path, monkeypatch, method):
    """A server of forks hands them what they work on as processes of their own get it, and pays once for the imports."""
    multiprocessing.set_forkserver_preload(["emogan.augmenters.fit"])
    monkeypatch.setattr(workers, "start_method", lambda: method)
    one, several = Store(tmp_path / "one"), Store(tmp_path / "several")
    assert_same_records(one, several, fit(one).keys and fit(several, workers=2, progress=True).keys)


def test_what_time_did_not_suffice_for_comes_back_from_workers_and_is_warned_of_once(tmp_path, caplog):
    trainer = TrainerSettings({"max_time": "00:00:00:01"})
    cut = fit(Store(tmp_path), iterations=100_000, trainer=trainer, workers=2)
    assert all("out of time" in end for end in cut.ends)
    assert re.findall(r"ended the training of .*? at", caplog.text) == ["ended the training of 5 of 5 GANs at"]
    assert len(cut.generators) == 5
    assert {m for part in cut.states for m in part["members"]} == {0, 1, 2, 3, 4}
    assert len(Checkpoints(Store(tmp_path)).furthest()) == 5


def test_a_group_that_was_cut_off_goes_on_in_any_number_of_workers(tmp_path, caplog, frequent_looks):
    whole, store = Store(tmp_path / "whole"), Store(tmp_path / "cut")
    keys = fit(whole, iterations=20).keys
    fit(store, iterations=12, keep_checkpoints=True, workers=2)
    with caplog.at_level("INFO"):
        fits = fit(store, iterations=20, workers=3)
    assert "resuming from iteration 12" in caplog.text
    assert fits.resumed
    assert_same_records(whole, store, keys)


@pytest.mark.slow
def test_an_augmenter_that_was_fitted_before_trains_in_workers_that_are_not_forked(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "start_method", lambda: "spawn")
    augmenter = GANAugmenter(CBEGAN, name="gan", iterations=5, hidden=20, batch_size=16)
    fits = [
        fitting.fit(augmenter, sets, 3, [0] * len(sets), Store(tmp_path), workers=2, progress=True)
        for sets in (make_sets((31,)), make_sets((40, 57)))
    ]
    assert [one.trained for one in fits] == [[0], [0, 1]]


@pytest.mark.slow
def test_what_time_did_not_suffice_for_is_kept_while_others_are_trained(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "start_method", lambda: "spawn")
    augmenter = GANAugmenter(CBEGAN, name="gan", iterations=100_000, hidden=20, batch_size=16)
    settings = {"trainer": TrainerSettings({"max_time": "00:00:00:01"}), "workers": 2}
    cut = fitting.CachedFit(augmenter, make_sets(), 3, [0] * 5, Store(tmp_path), **settings)
    for _ in range(2):
        cut._train_in_workers([0, 1])
    assert all("out of time" in end for end in cut._all().ends)


class Writer(lightning.Callback):
    """Writes to the user's logger itself."""

    changes_training = False

    def on_fit_start(self, trainer, module):
        trainer.logger.experiment.log_metrics({"process": os.getpid()}, 0)


def test_callbacks_of_the_users_have_the_loggers_at_hand(tmp_path):
    logger = CSVLogger(tmp_path / "logs", name="", version="")
    trainer = TrainerSettings(callbacks={"writer": {"_target_": f"{__name__}.Writer"}}, loggers=[logger])
    fit(Store(tmp_path / "store"), trainer=trainer, workers=2)
    logger.save()
    assert pd.read_csv(tmp_path / "logs" / "metrics.csv").process.dropna().tolist() == [os.getpid()]


def test_where_the_store_has_no_locks_every_gan_is_trained_once(tmp_path, monkeypatch):
    def unsupported(self, **_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(stores.FileLock, "acquire", unsupported)
    fits = fit(Store(tmp_path), workers=2)
    assert fits.trained == [0, 1, 2, 3, 4]
    assert [m for part in fits.states for m in part["members"]] == fits.trained


def test_members_that_another_process_trains_are_left_to_it(tmp_path):
    store = Store(tmp_path)
    keys = fit(Store(tmp_path / "elsewhere")).keys
    with subprocess.Popen(
        [sys.executable, "-c", "import sys, time; from emogan.store import Store\n"
         "with Store(sys.argv[1]).lock(sys.argv[2]): print('locked', flush=True); time.sleep(3)", tmp_path, keys[2]],
        stdout=subprocess.PIPE,
    ) as other:  # fmt: skip
        assert other.stdout.readline() == b"locked\n"
        assert fit(store, workers=2).trained == [0, 1, 2, 3, 4], "that process ended without training it"
        assert other.wait() == 0


@pytest.mark.parametrize("options", [{"workers": 2}, {"group_size": 2}, {"workers": 2, "group_size": 1}])
def test_each_kind_of_trouble_is_told_once_of_all_gans(tmp_path, caplog, options):
    fit(Store(tmp_path), iterations=5, **options)
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(told) == len({text.split(" in ")[0] for text in told})
    assert any(text.startswith("collapse in 5 of 5 generators of gan after training") for text in told)


@pytest.mark.parametrize("options", [{}, {"group_size": 2}, {"workers": 2}])
def test_what_is_plain_while_gans_train_is_a_note_and_the_warning_at_the_end_counts_all(
    tmp_path, caplog, monkeypatch, options
):
    for module in (history, diagnostics):
        monkeypatch.setattr(module, "MEASURE_EVERY", 4)
    with caplog.at_level("INFO"):
        fit(Store(tmp_path), iterations=40, **options)
    found = [record for record in caplog.records if record.getMessage().startswith("collapse in")]
    (note, warning) = (record.getMessage() for record in found)
    assert [record.levelno for record in found] == [logging.INFO, logging.WARNING]
    assert " generators of gan at iteration 20 of 40: the within-class spread" in note
    assert "try model=" not in note
    assert warning.startswith("collapse in 5 of 5 generators of gan after training: ")
    assert "try model=trial_cbegan" in warning


def test_log_records_arrive_with_their_names_and_levels(caplog):
    with caplog.at_level("INFO"):
        train_in_workers(lambda send: log.info("seen by %d", os.getpid()), 2, print)
    seen = [record for record in caplog.records if record.name == __name__]
    assert len({record.getMessage() for record in seen}) == 2
    assert f"seen by {os.getpid()}" not in caplog.text


def test_values_and_results_come_in_order():
    found = []

    def work(send):
        for i in range(100):
            send("value", i)
        return torch.get_num_threads()

    assert train_in_workers(work, 2, lambda i, *values: found.append((i, *values))) == [1, 1]
    for worker in range(2):
        assert [values[1:] for values in found if values[0] == worker] == [("value", i) for i in range(100)]


class Own(Exception):
    def __init__(self, a, b):
        super().__init__(a)


class Lossy(Exception):
    def __init__(self, what):
        super().__init__(f"no {what}")


@pytest.mark.parametrize(
    ("error", "raised"),
    [(ValueError("expected 1, got 2"), ValueError), (Own(1, 2), RuntimeError), (Lossy("file"), RuntimeError)],
)
def test_what_a_worker_raises_is_raised_here_and_ends_the_others(tmp_path, error, raised):
    pids = []

    def work(send):
        send("pid", os.getpid())
        with contextlib.suppress(FileExistsError):
            (tmp_path / "first").touch(exist_ok=False)
            raise error
        time.sleep(60)

    with pytest.raises(raised, match=rf"(^|: ){error}$") as caught:
        train_in_workers(work, 2, lambda i, kind, pid: pids.append(pid))
    assert "in work" in str(caught.value.__cause__)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_a_worker_that_is_killed_is_told():
    with pytest.raises(ChildProcessError, match=r"ended with signal SIGKILL.*machine.workers"):
        train_in_workers(lambda send: os.kill(os.getpid(), signal.SIGKILL), 2, print)


def test_a_worker_that_is_killed_in_the_middle_of_a_message_is_told(monkeypatch):
    def cut(self, message):
        os.write(self.fileno(), (len(message) + 1).to_bytes(4, "big") + message)
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(workers.Connection, "send_bytes", cut)
    with pytest.raises(ChildProcessError, match="ended with signal SIGKILL"):
        train_in_workers(lambda send: send("value"), 2, print)


def test_signals_that_this_process_handles_are_not_handled_in_workers_too():
    handled = []

    def work(send):
        os.kill(os.getpid(), signal.SIGUSR2)
        return handled

    before = signal.signal(signal.SIGUSR2, lambda *_: handled.append(True))
    try:
        assert train_in_workers(work, 2, print) == [[], []]
    finally:
        signal.signal(signal.SIGUSR2, before)


def test_an_interrupt_ends_the_workers():
    pids = []

    def interrupted(i, kind, pid):
        pids.append(pid)
        if len(pids) == 2:
            raise KeyboardInterrupt

    def work(send):
        signal.signal(signal.SIGTERM, lambda *_: None)  # as Lightning does before training starts
        send("pid", os.getpid())
        time.sleep(60)

    with pytest.raises(KeyboardInterrupt):
        train_in_workers(work, 2, interrupted)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_the_process_that_started_them(kill):
    code = (
        "import os, time\nfrom emogan.training.workers import train_in_workers\n"
        "def work(send):\n    send('pid', os.getpid())\n    time.sleep(60)\n"
        "train_in_workers(work, 3, lambda i, kind, pid: print(pid, flush=True))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        pids = [int(process.stdout.readline()) for _ in range(3)]
        os.kill(process.pid, kill)
    for _ in range(100):
        running = [pid for pid in pids if alive(pid)]
        if not running:
            break
        time.sleep(0.1)
    assert not running


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
