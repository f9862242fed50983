"""The end of a sweep: what it says of its jobs and exits with, whatever became of them."""

import ast
import json
import os
import re
import signal
import subprocess
import sys

import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from represented import represented

from emogan.environment import config_dir
from emogan.jobs.settings import check_sweep
from emogan.sweeps.callback import joined

QUICK = ["model=none", "data.subjects=[1]", "evaluation.c_exponents=[0,0]", "hydra.sweep.dir=sweep"]
LONG = ["data.subjects=[1]", "model.iterations=10,20000", "model.hidden=50", "hydra.sweep.dir=sweep"]


def last_line(started) -> str:
    return started.said.strip().splitlines()[-1]


def verdict(started) -> str:
    """The last line before the table of models and the commands to type next."""
    lines = re.sub(r"\n\n(SIMULATED|features).*?(?=\n\n)", "", started.said, flags=re.S).strip().splitlines()
    return [line for line in lines if line and not line.startswith(("report: ", "what is not done: "))][-1]


def test_a_sweep_ends_with_the_tracebacks_of_all_jobs_that_failed(command, small, tmp_path):
    sweep = command(tmp_path, "-m", *small, *QUICK, "evaluation.n_folds=9,2,8")
    assert sweep.exit_code() == 1
    assert verdict(sweep) == "1 done, 2 failed"
    assert last_line(sweep) == f"what is not done: python -m emogan.status {tmp_path / 'sweep'}"
    assert "gain [95 %]" not in sweep.said, "there is one job alone"
    listed = sweep.said.split(f"\n{tmp_path / 'sweep'}:\n")[1]
    for n in (9, 8):
        assert re.search(rf"failed +{tmp_path}/sweep/\d_eeg_eye_none: ValueError: .* n_folds={n} expects", listed)
        assert re.search(
            rf'^  File ".*folds\.py", line \d+, in trials\n(.*\n)+?ValueError: .*n_folds={n} ', listed, re.M
        )
    assert "HYDRA_FULL_ERROR" not in sweep.said


@pytest.mark.parametrize(("values", "name"), [([1, 2], "1-2"), (None, "all"), (1, "1"), ("a", "a")])
def test_a_list_becomes_a_part_of_a_folders_name_and_what_is_none_waits_to_be_refused(values, name):
    assert joined(values) == name


def test_only_the_jobs_that_a_sweep_asks_for_count_in_a_folder_that_holds_others(command, small, tmp_path):
    here = [*small, *QUICK, "hydra.sweep.subdir=${evaluation.n_folds}"]
    first = command(tmp_path, "-m", *here, "evaluation.n_folds=9,2")
    assert first.exit_code() == 1, first.said
    again = command(tmp_path, "-m", *here, "evaluation.n_folds=2,3")
    assert again.exit_code() == 0, again.said
    assert verdict(again) == f"all 2 jobs are done: {tmp_path / 'sweep'}"


@pytest.mark.parametrize(
    ("sent", "codes"), [(signal.SIGINT, (1, 130)), pytest.param(signal.SIGTERM, (143,), marks=pytest.mark.slow)]
)
def test_a_sweep_that_is_interrupted_tells_what_is_not_done(command, small, tmp_path, sent, codes):
    sweep = command(tmp_path, "-m", *small, *LONG, "seed=0,1")
    sweep.wait_until(lambda said: re.search(r"cbegan x 9: .*/20000", said))
    os.kill(sweep.pid, sent)
    assert sweep.exit_code() in codes, sweep.said
    assert re.search(r"^unfinished +.*/2_eeg_eye_cbegan: running or killed", sweep.said, re.M)
    assert re.search(r"^missing +.* seed=1.*: not started", sweep.said, re.M)
    assert "2 done, 1 unfinished, 1 missing" in sweep.said
    assert verdict(sweep).startswith("the same command again")


def test_a_sweep_whose_jobs_cannot_be_told_beforehand_is_refused(command, small, tmp_path):
    sweep = command(tmp_path, "-m", *small, *QUICK, "seed=interval(0,1)")
    assert sweep.exit_code() == 1
    assert "does not support sweep type : INTERVAL" in last_line(sweep)


REFUSED = [
    ("+nonsense=1", r"^nonsense: expected one of the settings modality, n_aug, .*, got nonsense$"),
    ("n_augs=5,6", r"^n_augs: expected one of .* Did you mean n_aug\?$"),
    ("+model.gama=0.1,0.2", r"^model\.gama: model=cbegan has no option gama; .* Did you mean model\.gamma\?$"),
    ("model.gamma=0.1,0.2", r"^model\.gamma: model=cwgan has no option gamma; .* penalty, clip, critic_steps$"),
    ("model.penalty=1", r"^model\.penalty: model=cbegan has no option penalty; its options are layers, "),
    ("+evaluation.fold=paper", r"^evaluation\.fold: expected one of .* Did you mean evaluation\.folds\?$"),
    ("+trainer.nonsense=1", r"^trainer(\.nonsense)?: expected one of the settings "),
    ("n_aug=5,-3", r"^n_aug: expected .*, got -3$"),
    ("seed=0,1,-1", r"^seed: expected .*, got -1$"),
    ("model.learning_rate=0.1,7", r"^model\.learning_rate: expected .*, got 7$"),
]  # fmt: skip


@pytest.mark.parametrize(("option", "sentence"), represented(REFUSED, by=[REFUSED[0], REFUSED[3], REFUSED[7]]))
def test_a_sweep_with_an_unknown_key_or_an_impossible_value_is_refused_once_before_any_job(
    command, small, tmp_path, option, sentence
):
    sweep = command(tmp_path, "-m", *small, "model=cbegan,cwgan", option, "hydra.sweep.dir=sweep")
    assert sweep.exit_code() == 1
    assert len(re.findall(sentence, sweep.said, re.MULTILINE)) == 1, sweep.said
    assert len(sweep.said.strip().splitlines()) == 1
    assert not (tmp_path / "sweep").exists()


def test_a_setting_of_models_that_are_not_the_default_reaches_each_of_a_sweep(command, small, tmp_path):
    options = [
        "model=noise,mixup",
        "data.subjects=[1]",
        "model.strength=0.3",
        "n_aug=50",
        "evaluation.c_exponents=[0,0]",
    ]
    sweep = command(tmp_path, "-m", *small, *options, "hydra.sweep.dir=sweep")
    assert sweep.exit_code() == 0, sweep.said
    for job in ("0_eeg_eye_noise", "1_eeg_eye_mixup"):
        assert json.loads((tmp_path / "sweep" / job / "run.json").read_text())["augmenter"]["strength"] == 0.3


def test_a_setting_of_gans_reaches_the_gans_of_a_comparison_and_no_other_model(command, small, tmp_path):
    options = ["model=none,cbegan", "gan.iterations=7", "gan.hidden=50", "evaluation.c_exponents=[0,0]"]
    sweep = command(tmp_path, "-m", *small, *options, "hydra.sweep.dir=sweep")
    assert sweep.exit_code() == 0, sweep.said
    run = json.loads((tmp_path / "sweep/1_eeg_eye_cbegan/run.json").read_text())
    assert {member["end"] for member in run["members"]} == {"iteration 7: the last one"}
    assert run["augmenter"]["iterations"] == 7
    ending = sweep.said.split("all 2 jobs are done")[1]
    assert re.search(r"^EEG and eye movements  none +\d.*\n +cBEGAN .* [+−]?[\d.]+ \[.*\] +2$", ending, re.M), ending
    assert last_line(sweep) == f"report: python -m emogan.report {tmp_path / 'sweep'}"
    assert "iterations" not in json.loads((tmp_path / "sweep/0_eeg_eye_none/run.json").read_text())["augmenter"]


SWEEPER = """
from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper


class Climber(Sweeper):
    def setup(self, **context):
        self.launcher = Plugins.instance().instantiate_launcher(**context)

    def sweep(self, arguments):
        tried = {}
        for number, strength in enumerate(("0.1", "-1", "2.0", "0.1")):  # -1 fails; a value comes twice
            (job,) = self.launcher.launch([[*arguments, f"model.strength={strength}"]], initial_job_idx=number)
            try:
                tried[strength] = job.return_value
            except Exception as error:
                print(f"{strength} failed: {error}")
        print("best:", repr(max(tried.items(), key=lambda item: item[1])))


ConfigStore.instance().store("climber", {"_target_": "hydra_plugins.climber.Climber"}, group="hydra/sweeper")
"""


def test_a_sweeper_of_ones_own_chooses_by_what_jobs_return_and_the_end_lists_what_failed(small, tmp_path):
    (tmp_path / "hydra_plugins").mkdir()
    (tmp_path / "hydra_plugins/climber.py").write_text(SWEEPER)
    arguments = [*small, "data.subjects=[1]", "model=noise", "n_aug=50", "evaluation.c_exponents=[0,0]"]
    done = subprocess.run(
        [sys.executable, "-m", "emogan.train", "-m", *arguments, "hydra/sweeper=climber", "hydra.sweep.dir=sweep"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"},
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "-1 failed: ValueError: model.strength: expected" in done.stdout
    inner = {}
    for number, strength in ((0, "0.1"), (2, "2.0"), (3, "0.1")):
        selection = pd.read_csv(tmp_path / f"sweep/{number}_eeg_eye_noise/selection.csv")
        inner[strength] = selection.groupby("subject").accuracy_inner.mean().mean()
    assert inner["0.1"] != inner["2.0"]
    best, value = ast.literal_eval(re.search(r"^best: (.*)$", done.stdout, re.M)[1])
    assert value == pytest.approx(max(inner.values()), abs=1e-12)
    assert inner[best] == max(inner.values())
    assert "time left" not in done.stdout
    assert re.search(r"^failed +.*/1_eeg_eye_noise: ValueError: model.strength", done.stdout, re.M)
    assert "\n3 done, 1 failed\n" in done.stdout


@pytest.mark.slow
def test_a_laptop_gives_the_scores_of_a_serial_sweep_and_tells_of_failed_jobs(command, small, tmp_path):
    for machine in ("here", "laptop"):
        sweep = command(
            tmp_path / machine, "-m", *small, "model.iterations=20", "model.hidden=50", "hydra.sweep.dir=sweep",
            f"machine={machine}", "evaluation.n_folds=2,9,3",
        )  # fmt: skip
        assert sweep.exit_code() == 1, sweep.said
        assert verdict(sweep) == "2 done, 1 failed"
    for job in ("0_eeg_eye_cbegan", "2_eeg_eye_cbegan"):
        serial, parallel = (tmp_path / machine / "sweep" / job / "scores.csv" for machine in ("here", "laptop"))
        assert serial.read_bytes() == parallel.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "codes"), [(signal.SIGKILL, (1,)), (signal.SIGINT, (1, 130))])
def test_a_laptops_sweep_that_loses_a_worker_or_is_interrupted_tells_what_is_not_done(
    command, small, tmp_path, sent, codes
):
    sweep = command(tmp_path, "-m", *small, *LONG, "machine=laptop", "hydra.launcher.n_jobs=2")
    sweep.wait_until(lambda said: "/20000" in said and list(tmp_path.glob("sweep/0*/scores.csv")))
    os.kill(sweep.pid if sent == signal.SIGINT else worker_of(sweep.pid), sent)
    assert sweep.exit_code() in codes, sweep.said
    assert "\n1 done, 1 unfinished\nthe same command again does" in sweep.said


def worker_of(pid: int) -> int:
    """The loky process below one that uses the most memory."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        children = [int(word) for word in file.read().split()]
    return max(children, key=resident)


def resident(pid: int) -> int:
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1])


def test_a_job_for_each_core_on_one_gpu_is_refused(monkeypatch):
    monkeypatch.setattr("torch.accelerator.is_available", lambda: True)
    with initialize_config_dir(config_dir(), version_base="1.3"):
        laptop = ["machine=laptop", "machine.accelerator=gpu"]
        with pytest.raises(ValueError, match=r"hydra\.launcher\.n_jobs: expected the number of jobs that share a GPU"):
            check_sweep(compose("train", laptop, return_hydra_config=True), None, None)
        check_sweep(compose("train", [*laptop, "hydra.launcher.n_jobs=1"], return_hydra_config=True), None, None)
        check_sweep(compose("train", ["machine=laptop"], return_hydra_config=True), None, None)


def test_a_sweep_may_ask_for_a_gpu_that_its_jobs_find_elsewhere_and_for_values_that_are_chosen_later(monkeypatch):
    monkeypatch.setattr("torch.accelerator.is_available", lambda: False)
    with initialize_config_dir(config_dir(), version_base="1.3"):
        for options in (["machine.accelerator=gpu"], ["data=features"]):  # of which the path is not known
            check_sweep(compose("train", options, return_hydra_config=True), None, None)
