"""Combinations that a sweep should have run, against Hydra itself."""

import subprocess
import sys

import pytest
from omegaconf import OmegaConf

from emogan.sweeps import expected

APP = """
import hydra
@hydra.main(version_base="1.3", config_path=".", config_name="app")
def main(cfg):
    pass
main()
"""


CONFIG = """
hydra:
  sweep: {dir: out}
  sweeper: {params: {seed: "7", extra: "1,2"}}
model: none
seed: 0
extra: 0
"""


def test_combinations_are_those_that_hydra_runs(tmp_path):
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "app.yaml").write_text(CONFIG)
    arguments = ["model=none,cbegan", "seed=range(0,2)", "+n_aug=[0,50]", "+name='a b'", "hydra.job.chdir=false"]
    subprocess.run([sys.executable, "app.py", "-m", *arguments], cwd=tmp_path, check=True, capture_output=True)
    ran = [tuple(OmegaConf.load(path)) for path in (tmp_path / "out").glob("*/.hydra/overrides.yaml")]
    asked = expected.combinations(tmp_path / "out" / "multirun.yaml")
    assert len(ran) == len(asked) == 8
    assert {frozenset(job) for job in ran} == {frozenset(job) for job in asked}
    assert expected.missing(asked, ran) == []
    assert expected.missing(asked, ran[1:]) == [job for job in asked if frozenset(job) == frozenset(ran[0])]


def test_of_equal_combinations_as_many_are_missing_as_were_not_found():
    assert expected.missing([("a=1",), ("a=1",), ("a=2",)], [["a=1"]]) == [("a=1",), ("a=2",)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hydra: [", "a file written by Hydra"),
        ("other: 1\n", "a file written by Hydra"),
        ("hydra: {overrides: {task: ['a=glob(*)']}, sweeper: {_target_: x.BasicSweeper, params: null}}", "be expanded"),
    ],
)
def test_what_cannot_be_expanded_is_said(tmp_path, text, message):
    (tmp_path / "multirun.yaml").write_text(text)
    with pytest.raises(ValueError, match=message):
        expected.combinations(tmp_path / "multirun.yaml")


@pytest.mark.parametrize("params", ["", ", params: {a: 1}"])
def test_the_jobs_of_another_sweeper_are_not_known_beforehand(tmp_path, params):
    (tmp_path / "multirun.yaml").write_text(
        f"hydra: {{overrides: {{task: ['a=interval(0,1)']}}, sweeper: {{_target_: optuna.Sweeper{params}}}}}"
    )
    assert expected.combinations(tmp_path / "multirun.yaml") is None


def test_jobs_that_are_not_known_beforehand_need_a_number_in_their_folders_names():
    expected.refuse_shared_folders("${hydra.job.num}_${modality}", None)
    with pytest.raises(ValueError, match=r"could share a folder, \$\{modality\}\. Give .*job\.num"):
        expected.refuse_shared_folders("${modality}", None)


SUBDIR = (
    "${modality}_${model.name}_${hydra.runtime.choices.evaluation}_seed_${seed}_subjects_${joined:${data.subjects}}"
)


@pytest.mark.parametrize(
    ("subdir", "swept"),
    [
        (SUBDIR, ["model=none", "model=cwgan"]), (SUBDIR, ["seed=0", "seed=1"]),
        (SUBDIR, ["evaluation=paper", "evaluation=nested"]), (SUBDIR, ["data.subjects=[1,2]", "data.subjects=[3]"]),
        ("${hydra.job.num}_${modality}", ["model.gamma=0.5", "model.gamma=0.7"]),
        ("${hydra:job.num}", ["model.gamma=0.5", "model.gamma=0.7"]), ("${model.gamma}", ["model.gamma=0.5", "model.gamma=0.7"]),
    ],
)  # fmt: skip
def test_jobs_with_folders_of_their_own_are_let_through(subdir, swept):
    expected.refuse_shared_folders(subdir, [("modality=eye", one, "experiment=table1") for one in swept])


@pytest.mark.parametrize(
    "swept", [["model.gamma=0.5", "model.gamma=0.7"], ["evaluation.n_folds=2", "evaluation.n_folds=3"]]
)
def test_jobs_that_would_share_a_folder_are_refused_by_what_they_differ_in(swept):
    with pytest.raises(ValueError, match=rf"would share a folder: {swept[1]} is not in its name"):
        expected.refuse_shared_folders(SUBDIR, [("modality=eye", one) for one in swept])
