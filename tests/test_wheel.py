"""The wheel, installed and run from an empty directory."""

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution
from pathlib import Path

import pandas as pd
import pytest

CHECKOUT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


def run(command, folder, **environment):
    done = subprocess.run(
        [str(word) for word in command], cwd=folder, capture_output=True, text=True, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy of all that git does not ignore, so that nothing is left in the checkout."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    for name in run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], CHECKOUT).splitlines():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / name, source / name)
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", built], source)
    (file,) = built.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    target = tmp_path_factory.mktemp("installed")
    run([sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", target, wheel], target)
    return target


def test_the_wheel_holds_every_module_and_config_and_nothing_at_the_top_but_emogan(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.split("/")[0].split("-")[0] for name in names} == {"emogan"}
    tracked = run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "emogan", "conf"], CHECKOUT
    ).splitlines()
    expected = {f"emogan/{name}" if name.startswith("conf/") else name for name in tracked}
    expected -= {name for name in expected if not name.endswith((".py", ".yaml", ".csv", ".j2", ".typed"))}
    assert len(expected) > 30
    assert expected <= names
    assert any(name.endswith("LICENSE") for name in names)


def test_the_console_scripts_are_declared(installed):
    (folder,) = installed.glob("emogan-*.dist-info")
    scripts = {script.name: script.value for script in Distribution.at(folder).entry_points}
    assert scripts == {"emogan-train": "emogan.train:command", "emogan-report": "emogan.report.__main__:main"}


@pytest.mark.parametrize("way", ["module", "script"])
def test_the_installed_package_runs_from_an_empty_directory_and_writes_to_its_outputs(installed, tmp_path, way):
    start = {
        "module": [sys.executable, "-m", "emogan.train"],
        "script": [sys.executable, installed / "bin" / "emogan-train"],
    }[way]
    tiny = [
        "modality=eye", "data.subjects=[1]", "n_aug=50", "model.iterations=5", "evaluation.c_exponents=[-2,0]",
        "machine.threads=1",
    ]  # fmt: skip
    said = run([*start, *tiny], tmp_path, PYTHONPATH=str(installed), OMP_NUM_THREADS="1")
    assert "15 GANs, 0 of them from outputs/store" in said  # 5 folds and 10 pairs of folds
    assert [path.name for path in tmp_path.iterdir()] == ["outputs"]
    (scores,) = tmp_path.glob("outputs/*/*/scores.csv")
    assert len(pd.read_csv(scores)) == 5
    assert len(list((tmp_path / "outputs/store").glob("*.safetensors"))) == 15
    where = run(
        [sys.executable, "-c", "import emogan.environment as p; print(p.config_dir())"],
        tmp_path,
        PYTHONPATH=str(installed),
    )
    assert where.strip() == str(installed / "emogan" / "conf")


def test_the_installed_package_simulates_a_data_set_and_trains_on_it(installed, tmp_path):
    environment = {"PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"}
    python = [sys.executable, "-m"]
    run(
        [*python, "emogan.simulate", "dataset=seed", "root=tree", "subjects=[1]", "sessions=[1]"],
        tmp_path,
        **environment,
    )
    small = ["modality=eye", "model=none", "evaluation.c_exponents=[-2,0]", "machine.threads=1"]
    said = run([*python, "emogan.train", "data=seed", "data.root=tree", *small], tmp_path, **environment)
    assert said.startswith("synthetic_seed: 1 subjects x 1 sessions = 1 experiments, 15 trials and 842 windows each")


def test_the_installed_package_reports_on_its_jobs(installed, tmp_path):
    environment = {"PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"}
    python = [sys.executable, "-m"]
    sweep = [
        "-m", "model=none,duplicate", "modality=eye", "n_aug=50", "evaluation.c_exponents=[-2,0]", "machine.threads=1"
    ]  # fmt: skip
    run([*python, "emogan.train", *sweep], tmp_path, **environment)
    said = run([*python, "emogan.report", "outputs"], tmp_path, **environment)
    assert "2 jobs; report: " in said
    assert "SIMULATED" in (tmp_path / "outputs/report/report.html").read_text()


def test_tab_completion_knows_the_options(installed, tmp_path):
    script = installed / "bin" / "emogan-train"
    said = run(
        [sys.executable, script, "-sc", "query=bash"], tmp_path, PYTHONPATH=str(installed),
        COMP_LINE="emogan-train model=cb", COMP_POINT="21",
    )  # fmt: skip
    assert said.split() == ["model=cbegan"]


def test_make_alone_prints_the_targets():
    said = run(["make"], CHECKOUT)
    for target in ("demo", "test", "lint", "wheel"):
        assert any(line.split()[0] == target and len(line.split()) > 2 for line in said.splitlines() if line.strip())
