"""A fit in a user's own process interrupts as any estimator does, and leaves the process as it found it."""

import logging
import os
import random
import re
import signal
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
import torch
from represented import represented
from with_trials import with_trials

import emogan
from emogan.augmenters import GANAugmenter
from emogan.data.training_set import TrainingSet
from emogan.models import CBEGAN
from emogan.samplers.gans import GANSampler, TrainedSampler

NAMED = sorted({name for name in emogan.__all__ if re.fullmatch(r"(?!GAN|Control|Fitted).+Sampler", name)})
TINY = {"iterations": 3, "hidden": 8, "batch_size": 16}


class Signalled(CBEGAN):
    """Its process gets a signal in the middle of training."""

    kind = "signalled"
    sent = signal.SIGINT

    def iterate(self, batch):
        signal.raise_signal(self.sent)
        return super().iterate(batch)


class Terminated(Signalled):
    kind = "terminated"
    sent = signal.SIGTERM


def through_an_augmenter(x, y, gan=Signalled):
    GANAugmenter(gan, name="gan", **TINY).fit([TrainingSet.scaled(x, y)])


WAYS = {
    "GANAugmenter.fit": through_an_augmenter,
    "fit": lambda x, y: GANSampler(gan=Signalled, **TINY).fit(x, y),
    "fit_resample": lambda x, y: GANSampler(gan=Signalled, n_aug=3, **TINY).fit_resample(x, y),
    "cross_augment": lambda x, y: list(
        emogan.cross_augment(x, y, 2, sampler=GANSampler(gan=Signalled, n_aug=3, **TINY))
    ),
}


@pytest.fixture
def data():
    return np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32), np.arange(30) % 3


@pytest.fixture
def handlers():
    """Handlers of the user's own, and what came to them."""
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda number, _: came.append(number))
    yield came
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("way", WAYS)
def test_ctrl_c_raises_keyboard_interrupt_and_the_next_one_does_too(way, data):
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            WAYS[way](*data)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("gan", [Signalled, Terminated])
def test_signals_reach_the_handlers_of_the_user_while_a_gan_trains_and_training_goes_on(gan, data, handlers):
    mine = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    through_an_augmenter(*data, gan)
    assert handlers == [gan.sent] * TINY["iterations"]
    assert {number: signal.getsignal(number) for number in mine} == mine


def process() -> dict:
    """What a library must leave alone."""
    return {
        "environment": dict(os.environ),
        "warnings": list(warnings.filters),
        "logging": (logging.root.level, *map(id, logging.root.handlers), logging.getLogger("lightning.pytorch").level),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "threads": (torch.get_num_threads(), threading.active_count()),
        "types": (torch.get_default_dtype(), torch.get_default_device()),
        "determinism": (torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark),
        "gradients": (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.is_anomaly_enabled()),
        "random states": (torch.get_rng_state().tolist(), str(np.random.get_state()), random.getstate()),  # noqa: NPY002
        "hooks": (sys.excepthook, sys.displayhook),
        "files": sorted(os.listdir()),
    }


@pytest.mark.parametrize("kind", represented(NAMED, by=["CBEGANSampler", "RecurrentCBEGANSampler", "SMOTESampler"]))
def test_a_process_is_as_it_was_before(kind, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kept").mkdir()
    sampler = getattr(emogan, kind)(n_aug=6, random_state=0)
    trained = isinstance(sampler, TrainedSampler)
    settings = {**TINY, "selection": None if sampler.gan.whole_trials else "density"} if trained else {}
    sampler.set_params(**settings)
    trial = np.arange(30) % 6
    trials, halves = with_trials(sampler, trial), (np.flatnonzero(trial < 3), np.flatnonzero(trial >= 3))
    folds = [halves, halves[::-1]]
    list(emogan.cross_augment(*data, folds, sampler=sampler, **trials))  # what libraries set up on first use
    before = process()
    sampler.fit_resample(*data, **trials)
    sampler.sample(5)
    sampler.save("kept/file")
    emogan.load("kept/file").sample(3, random_state=1)
    list(emogan.cross_augment(*data, folds, sampler=sampler, **trials))
    after = process()
    for name, value in before.items():
        assert after[name] == value, name


class _Set:
    """A setting of PyTorch's for a while."""

    def __init__(self, put, value, before):
        self.put, self.value, self.before = put, value, before

    def __enter__(self):
        self.put(self.value)

    def __exit__(self, *_):
        self.put(self.before)


@pytest.mark.parametrize(
    "mode",
    [
        torch.no_grad,
        torch.inference_mode,
        lambda: _Set(torch.set_default_dtype, torch.float64, torch.float32),
        lambda: _Set(torch.set_default_device, "meta", None),
        lambda: torch.autocast("cpu", dtype=torch.bfloat16),
        lambda: _Set(partial(setattr, torch.backends, "fp32_precision"), "tf32", "none"),
    ],
    ids=["no_grad", "inference_mode", "float64", "another device", "autocast", "precision of products"],
)
def test_the_modes_of_pytorch_that_a_user_has_set_change_nothing(mode, data):
    def drawn():
        sampler = emogan.TrialCBEGANSampler(n_aug=6, random_state=0, selection="density", **TINY)
        more, _ = sampler.fit_resample(*data, trials=np.arange(30) % 6)
        return more, sampler.sample(4, random_state=1)[0]

    expected = drawn()
    with mode():
        found = drawn()
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_thread_other_than_the_main_one_fits_the_same(data):
    def drawn():
        return emogan.CBEGANSampler(n_aug=6, random_state=0, **TINY).fit_resample(*data)[0]

    found = []
    thread = threading.Thread(target=lambda: found.append(drawn()))
    thread.start()
    thread.join()
    np.testing.assert_array_equal(found[0], drawn())


def test_threads_that_fit_at_the_same_time_leave_the_process_as_it_was(data):
    def drawn(seed):
        settings = TINY | {"iterations": 5 + 5 * seed}
        return emogan.CBEGANSampler(n_aug=6, random_state=seed, **settings).fit_resample(*data)[0]

    expected = [drawn(seed) for seed in range(4)]
    with _Set(torch.set_default_dtype, torch.float64, torch.float32):
        before = process()
        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(drawn, range(4)))
        after = process()
    np.testing.assert_array_equal(found, expected)
    for name in ("warnings", "logging", "types", "determinism"):
        assert after[name] == before[name], name


def test_operations_that_are_not_deterministic_still_warn_where_the_user_wants_a_warning(data):
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        emogan.CBEGANSampler(n_aug=6, random_state=0, **TINY).fit_resample(*data)
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
    finally:
        torch.use_deterministic_algorithms(False)
