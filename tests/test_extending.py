"""The examples of docs/extending.rst do what the page says, in a folder outside of the project."""

import functools
import json
import re
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

PAGE = (Path(__file__).parents[1] / "docs/extending.rst").read_text()
EXAMPLES = Path(__file__).parents[1] / "docs/extending"
COMMANDS = re.findall(r"^   python -m emogan\.train (--config-dir .+)$", PAGE, re.MULTILINE)
GAN = ["model.iterations=3", "model.hidden=8"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A user's own, with the page's files and recordings of two people."""
    folder = shutil.copytree(EXAMPLES, tmp_path_factory.mktemp("outside") / "own")
    (folder / "recordings").mkdir()
    random, label = np.random.default_rng(0), np.arange(12) % 2
    for name in ("anna", "ben"):
        eeg, eye = (random.normal(size=(12, 6, features)) + label[:, None, None] for features in (4, 3))
        np.savez(folder / f"recordings/{name}.npz", eeg=eeg, eye=eye, label=label)
    return folder


@pytest.fixture(scope="module")
def train(command, small, folder):
    """``train(command line of the page)``: the folder of the finished job, which is small and done once."""

    @functools.cache
    def run(line: str) -> Path:
        here = [option for option in small if not option.startswith("data") or "data=" not in line]
        short = [] if "extrapolation" in line else GAN
        if "callbacks" in line:  # with a cache of its own, as nothing is logged of GANs that are not trained
            short = [*short, "trainer.log_every_n_steps=1", "store=empty"]
        job = re.sub(r"\W+", "_", line)
        done = command(folder, *line.split(), *here, *short, f"folder={job}")
        assert done.exit_code() == 0, done.said
        return folder / job

    return run


def told(job: Path) -> dict:
    return json.loads((job / "run.json").read_text())


def test_the_page_shows_every_file_of_the_examples():
    files = [str(path.relative_to(EXAMPLES)) for path in EXAMPLES.rglob("*.*") if path.suffix in (".py", ".yaml")]
    shown = re.findall(r"^\.\. literalinclude:: extending/(\S+)$", PAGE, re.MULTILINE)
    assert sorted(shown) == sorted(files)
    assert re.findall(r"^   :caption: (\S+)$", PAGE, re.MULTILINE) == shown
    assert set(re.search(r"one folder:\n\n.*text\n\n((?:   .*\n)+)", PAGE)[1].split()) == set(shown)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_of_the_page_finishes_its_job(train, line):
    job = train(line)
    scores = pd.read_csv(job / "scores.csv")
    assert set(scores.n_aug) == {50, 200}
    run, chosen = told(job), dict(re.findall(r"(\w+)=(\w+)", line))
    if "model" in chosen:
        assert set(scores.model) == {chosen["model"]}
        assert chosen["model"] in (run["augmenter"].get("gan"), run["augmenter"].get("control"))
    if "classifier" in chosen:
        assert run["classifier"] == chosen["classifier"]
    if "callbacks" in chosen:
        logged = pd.read_csv(job / "csv/metrics.csv")[chosen["callbacks"]].dropna()
        assert len(logged) >= 3
        assert (logged > 0).all()
    if "data" in chosen:
        assert set(scores.dataset) == {"mine"}
        assert set(scores.subject) == {"anna", "ben"}


def test_an_own_gan_is_told_by_its_kind_and_its_windows_are_sampled_from_its_checkpoint(train, folder, monkeypatch):
    from emogan.sample import main

    job = train(next(line for line in COMMANDS if "lsgan" in line))
    assert told(job)["augmenter"]["target"] == 0.9
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    options = ["out=own.csv", "subject=1", "fold=0", "n_aug=6", "modules=[my_gan]"]
    monkeypatch.setattr(sys, "argv", ["sample", f"checkpoint={job / 'checkpoint.ckpt'}", *options])
    main()
    assert len(pd.read_csv("own.csv")) == 6


def test_the_pipeline_of_the_page_chooses_and_saves(folder, monkeypatch, capsys):
    import emogan

    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    runpy.run_path("my_pipeline.py")
    assert re.fullmatch(r"accuracy 0\.\d\d with \{'target': (1\.0|0\.9)\}\n", capsys.readouterr().out)
    windows, labels = emogan.load("flowers.safetensors").sample(6)
    assert windows.shape == (6, 4)
    assert labels.tolist() == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize("modality", ["eeg", "eye", "eeg_eye"])
def test_the_loader_of_the_page_gives_the_modality_that_is_asked_for(folder, modality):
    from emogan.data.features import check_loaded

    load = runpy.run_path(str(folder / "my_data.py"))["load"]
    found = load(folder / "recordings", modality, subjects=["ben"])
    check_loaded(found, modality)
    assert set(found.modalities) == set(modality.split("_"))
    assert set(found.subject) == {"ben"}
    with pytest.raises(FileNotFoundError, match=r"data\.root: expected a folder"):
        load(folder, modality)
