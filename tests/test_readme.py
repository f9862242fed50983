"""Everything that the README prints in fences runs: as it stands, or with the reduced settings that stand here."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from emogan.simulation import people

CHECKOUT = Path(__file__).parents[1]
README = (CHECKOUT / "README.md").read_text()
FENCES = re.findall(r"^```([a-z]*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
SNIPPETS = [text for language, text in FENCES if language == "python"]
COMMANDS = [
    line.split("  #")[0].strip() for language, text in FENCES if not language for line in text.strip().splitlines()
]
QUICK = [
    "model.iterations=3",
    "n_aug=[0,20]",
    "evaluation.c_exponents=[-2,2]",
    "evaluation.n_folds=2",
    "evaluation.inner_folds=2",
    "machine.threads=1",
]
ONE = [
    "data.subjects=[1]",
    "data.sessions=[1]",
    "modality=eye",
    "evaluation.inner=reuse",
    "evaluation.c_exponents=[-2,2]",
    "quality=false",
]
# What is added to a command, or runs in its place, so that it takes seconds
REDUCED = {
    "python -m emogan.train data=features data.path=FILE.csv 'data.eye=[\"pupil_*\"]' model=cbegan hydra.run.dir=outputs/mine": QUICK,
    "python -m emogan.train -m model=cbegan n_aug=50,200,2000": ["model.iterations=3", "machine.threads=1", *ONE],
    "python -m emogan.train -m data=synthetic_seed_v modality=eye 'data.subjects=[5,6,7,8,9,10,11,12]' evaluation.choice=pooled "
    "'evaluation.c_exponents=[-10,2]' 'n_aug=[0,50,200,600]' model=cbegan quality=false": [
        "model.iterations=3", "n_aug=[0,20]", "machine.threads=1", *ONE,
    ],
    "python -m emogan.train experiment=comparison": [
        "model=none,noise", "n_aug=[0,20]", "machine.threads=1", "hydra.sweep.dir=outputs/DATE/TIME", *ONE,
    ],
}  # fmt: skip
ELSEWHERE = {  # run by .ci/run or by tests/test_config.py, as targets,, or nothing of ours
    "pip install '.[imblearn]' -c constraints.txt", "make demo", "make test", "make table1 SUBJECTS=3",
    "make table1 DATA=FOLDER", "tensorboard --logdir outputs",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the commands run, one after the other, with a table by the name of FILE.csv."""
    folder = tmp_path_factory.mktemp("readme")
    data = people.load("seed_v", modality="eye", subjects=[1], sessions=[1])
    table = pd.DataFrame(data.x, columns=[f"pupil_{i}" for i in range(data.x.shape[1])])
    table = table.assign(label=[data.class_names[k] for k in data.y], trial=data.trial, subject=data.subject)
    table.to_csv(folder / "FILE.csv", index=False)
    return folder


def run(words, folder):
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.mark.parametrize("iterations", [pytest.param(300, marks=pytest.mark.slow), 3])
@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda text: text.splitlines()[0])
def test_snippets_run_as_printed_and_with_fewer_iterations(snippet, iterations, folder):
    assert snippet.count("iterations=300,") + snippet.count("iterations=300)") == 1
    run([sys.executable, "-c", snippet.replace("iterations=300", f"iterations={iterations}", 1)], folder)


def of_sweeps(command: str) -> bool:
    """Commands of half a minute, and those that need what they leave."""
    return "train -m" in command or "experiment=comparison" in command or command.endswith("outputs/DATE/TIME")


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(command, marks=[pytest.mark.slow] * of_sweeps(command))
        for command in COMMANDS
        if command not in ELSEWHERE
    ],
)
def test_commands_run_one_after_the_other(command, folder):
    words = [sys.executable if word == "python" else word for word in shlex.split(command)]
    run([*words, *REDUCED.get(command, [])], folder)


def test_what_runs_elsewhere_or_reduced_is_still_printed():
    assert not {*ELSEWHERE, *REDUCED} - set(COMMANDS)


def test_the_pictures_and_pages_that_it_links_are_there():
    linked = re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(linked) > 10
    assert not [path for path in linked if not (CHECKOUT / path).is_file()]
