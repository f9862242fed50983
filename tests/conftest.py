"""What the tests of whole jobs share: a small table of features, configurations and command lines."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from composed import composed

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts tests in the background ignores it


def write_table(path: Path, class_effect: float = 0.5) -> Path:
    """Two subjects x 12 trials of 3 classes x 8 windows of 6 EEG and 4 eye features, as one's own table."""
    random = np.random.default_rng(0)
    subject, trial, _ = (index.ravel() for index in np.indices((2, 12, 8)))
    y = trial % 3
    x = random.normal(size=(len(y), 10)) * 0.5
    x += random.normal(size=(24, 10))[subject * 12 + trial] * 0.5
    x += random.normal(size=(3, 10))[y] * class_effect
    names = np.array([f"{kind}_{i}" for kind, n in (("eeg", 6), ("eye", 4)) for i in range(n)])
    kinds = np.array(["eeg"] * 6 + ["eye"] * 4)
    np.savez(
        path, x=x, y=y, trial=trial, subject=subject + 1, session=np.ones_like(y), feature_names=names,
        class_names=np.array(["negative", "neutral", "positive"]), modality=kinds,
    )  # fmt: skip
    return path


def pytest_addoption(parser):
    parser.addoption("--device", default="cpu", help="where tests run that need not run on a CPU, such as cuda")


@pytest.fixture(scope="session")
def device(request):
    """The device of the option --device."""
    return torch.device(request.config.getoption("--device"))


@pytest.fixture(autouse=True)
def one_thread():
    """Small matrices are slower on several threads, and many times so on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def standalone():
    """Let a model train in a plain loop: its own optimisers, no trainer."""

    def released(model):
        optimizers = model.configure_optimizers()
        model.optimizers = lambda: optimizers
        model.manual_backward = lambda loss: loss.backward()
        return model

    return released


@pytest.fixture
def frequent_looks(monkeypatch):
    """Trainings look at losses and windows every ten iterations, so that short ones do so too."""
    for name in ("history.CHECK_EVERY", "history.MEASURE_EVERY", "diagnostics.MEASURE_EVERY"):
        monkeypatch.setattr(f"emogan.training.{name}", 10)


@pytest.fixture
def windows():
    """``windows(features)``: x (5, 60, F), y (5, 60) and lengths (5,); padded windows are NaN."""

    def make(features: int = 33):
        generator = torch.Generator().manual_seed(0)
        x = torch.rand(5, 60, features, generator=generator)
        y = torch.randint(3, (5, 60), generator=generator)
        n = torch.tensor([60, 44, 60, 51, 37])
        for m in range(5):
            x[m, n[m] :] = torch.nan
        return x, y, n

    return make


@pytest.fixture(scope="session")
def table(tmp_path_factory):
    return write_table(tmp_path_factory.mktemp("table") / "own.npz")


@pytest.fixture(scope="session")
def small(table):
    """Overrides that make a job of 6 members and a second's work."""
    return [
        "data=features", f"data.path={table}", "evaluation.n_folds=3", "evaluation.inner_folds=2",
        "evaluation.c_exponents=[-2,2]", "n_aug=[50,200]", "quality=false", "machine.threads=1",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def configure(small):
    """A small job's configuration; its folder is FOLDER/job and its store FOLDER/store, if not overridden."""

    def configured(folder, *overrides):
        models = [override.removeprefix("model=") for override in overrides if override.startswith("model=")]
        trains = set(models) <= {"cbegan", "cwgan", "cgan"}
        length = ["model.iterations=20", "model.hidden=50"] if trains else []
        places = [f"folder={folder / 'job'}", f"store={folder / 'store'}"]
        return composed(*small, *length, *places, *overrides)

    return configured


PATIENCE_S = 300


class Command:
    """A running python -m emogan.MODULE."""

    def __init__(self, pid: int, folder: Path, launcher):
        self.pid, self.folder, self.launcher = pid, folder, launcher

    @property
    def said(self) -> str:
        return (self.folder / "said.txt").read_text()

    def wait_until(self, holds: Callable[[str], object]) -> None:
        """Until something holds of what it has said; a busy machine may take minutes."""
        end = time.monotonic() + PATIENCE_S
        while not holds(self.said):
            if time.monotonic() > end:
                pytest.fail(f"waited for {PATIENCE_S} s; it said\n{self.said}")
            time.sleep(0.02)

    def exit_code(self) -> int:
        """Wait for the end; the code as a shell tells it, 128 + the number of a signal that killed it."""
        return self.launcher({"wait": self.pid})


@pytest.fixture(scope="session")
def command():
    """Start python -m emogan.train, or another module, in a folder: ``command(folder, *overrides)`` gives a `Command`.

    Each is a process of its own, forked from one that has paid for the imports.
    """
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("launcher.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip

    def launcher(request: dict):
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    def start(folder: Path, *overrides: str, module: str = "train") -> Command:
        folder.mkdir(exist_ok=True)
        (folder / "said.txt").write_text("")
        return Command(launcher({"folder": str(folder), "module": module, "arguments": overrides}), folder, launcher)

    yield start
    process.stdin.close()
    process.wait()
    process.stdout.close()
