"""The command line: what it exits with, what it leaves and what it says, in processes of their own."""

import json
import os
import re
import signal

import pandas as pd
import pytest
from represented import represented

from emogan.jobs.files import COLUMNS
from emogan.store import Store

LENGTH = ["model.iterations=40", "model.hidden=50"]


def scores_in(folder) -> list:
    return sorted(folder.rglob("scores.csv"))


def test_the_sweep_as_written_trains_each_gan_once(command, tmp_path):
    quick = [
        "modality=eye", "data.subjects=[1]", *LENGTH, "machine.threads=1", "evaluation.c_exponents=[0,0]", "quality=false",
    ]  # fmt: skip
    done = command(tmp_path, "-m", "model=cbegan", "n_aug=50,200,2000", *quick)
    assert done.exit_code() == 0, done.said
    written = scores_in(tmp_path)
    assert [path.parts[-5] for path in written] == ["outputs"] * 3
    frames = [pd.read_csv(path) for path in written]
    assert [list(frame.columns) for frame in frames] == [COLUMNS] * 3
    assert [set(frame.n_aug) for frame in frames] == [{50}, {200}, {2000}]
    runs = [json.loads((path.parent / "run.json").read_text()) for path in written]
    assert [[m["trained"] for m in run["members"]] for run in runs] == [[True] * 5, [False] * 5, [False] * 5]
    assert len(list((tmp_path / "outputs/store").glob("*.safetensors"))) == 15  # 5 folds and 10 pairs of folds
    assert done.said.count("cbegan x 15") >= 1
    assert done.said.count("percent, mean (sd) over 1 experiment") == 3
    for path in written:
        assert str(path.parent) in done.said
        assert f"report: python -m emogan.report {path.parent}\n" not in done.said, "the sweep's is enough"
        assert "cbegan" in path.parent.name
    assert {path.name for path in written[0].parent.parent.iterdir()} >= {"multirun.yaml"}
    assert (written[0].parent / ".hydra/overrides.yaml").exists()


@pytest.mark.parametrize(
    ("sent", "stage", "code"),
    [
        pytest.param(signal.SIGTERM, "cbegan x 2 (2 of 5)", 143, marks=pytest.mark.slow),
        (signal.SIGTERM, "linear_svm:", 143),
        (signal.SIGINT, "cbegan x 2 (2 of 5)", 130),
        pytest.param(signal.SIGINT, "linear_svm:", 130, marks=pytest.mark.slow),
        (signal.SIGKILL, "cbegan x 2 (2 of 5)", 137),
    ],
)
def test_a_job_that_is_ended_has_no_scores_keeps_what_was_trained_and_goes_on(
    command, small, tmp_path, sent, stage, code
):
    arguments = [*small, *LENGTH, "data.subjects=[1]", "machine.group_size=2", "hydra.run.dir=outputs/job"]
    ended = command(tmp_path, *arguments)
    ended.wait_until(lambda said: stage in said)
    os.kill(ended.pid, sent)
    found = ended.exit_code()
    assert found == code, ended.said
    assert ("interrupted; the same command again resumes" in ended.said) == (sent != signal.SIGKILL)
    assert "Traceback" not in ended.said
    assert not scores_in(tmp_path)
    files = {path.name for path in (tmp_path / "outputs/job").glob("*") if path.is_file()}
    assert not files & {"checkpoint.ckpt", "run.json"}
    store = Store(tmp_path / "outputs/store")
    kept = list(store.folder.glob("*.safetensors"))
    assert len(kept) == 2 if "x 2" in stage else 9  # 3 members and their 2 inner folds each
    assert all(store.load(path.stem) for path in kept)

    again = command(tmp_path, *arguments)
    assert again.exit_code() == 0, again.said
    assert again.said.splitlines()[-1] == f"report: python -m emogan.report {tmp_path / 'outputs/job'}"
    assert f"9 GANs, {len(kept)} of them from outputs/store" in again.said
    assert len(scores_in(tmp_path)) == 1


def test_jobs_of_a_sweep_that_fail_leave_the_others_whole_and_the_exit_code_tells(command, small, tmp_path):
    sweep = command(tmp_path, "-m", *small, *LENGTH, "data.subjects=[1]", "evaluation.n_folds=2,9,3")
    assert sweep.exit_code() == 1, sweep.said
    assert [len(pd.read_csv(path)) for path in scores_in(tmp_path)] == [2 * 2, 3 * 2]
    kept = list((tmp_path / "outputs/store").glob("*.safetensors"))
    assert len(kept) == 2 * 3 + 3 * 3  # members and 2 inner folds each
    (failed,) = (path for path in tmp_path.glob("outputs/*/*/*/train.log") if path.parent.name.startswith("1_"))
    for said in (sweep.said, failed.read_text()):
        assert "evaluation.folds=trials with n_folds=9 expects at least 9 trials of every class" in said


def test_commands_started_together_have_folders_of_their_own_and_share_the_store(command, small, tmp_path):
    started = [
        command(tmp_path / str(i), *small, *LENGTH, "data.subjects=[1]", f"output={tmp_path / 'shared'}")
        for i in range(2)
    ]
    assert [one.exit_code() for one in started] == [0, 0]
    first, second = scores_in(tmp_path / "shared")
    assert first.read_bytes() == second.read_bytes()
    assert len(list((tmp_path / "shared/store").glob("*.safetensors"))) == 9


REFUSED = [
    (["n_aug=-1"], r"^n_aug: expected an integer >= 0 or a list of integers >= 0 \(at least one\), got -1$"),
    (["data=seed"], r"^data\.root: expected a value, got none\. Give it as data\.root=\.\.\.$"),
    (["data=seed", "data.root=/absent"], r"^expected data\.root to be a folder, got /absent, which does not exist"),
    (
        ["model.gama=1"],
        r"^model\.gama: model=cbegan has no option gama; its options are layers, .* Did you mean model\.gamma\?$",
    ),
    (
        ["model=none", "model.iterations=5"],
        r"^model\.iterations: model=none has no option iterations; it has none\. gan\.",
    ),
    (["model=none", "+model.gamma=5"], r"^model\.gamma: model=none has no option gamma; it has none$"),
    (["+gan.gamma=1"], r"^gan\.gamma: expected one of the settings layers, .*, got gamma$"),
    (["nonsense=1"], r"^nonsense: expected one of the settings modality, n_aug, .*, got nonsense$"),
    (["+nonsense=1"], r"^nonsense: expected one of the settings modality, n_aug, .*, got nonsense$"),
    (["+evaluation.fold=paper"], r"^evaluation\.fold: .* Did you mean evaluation\.folds\?$"),
    (["+trainer.nonsense=1"], r"^trainer(\.nonsense)?: expected one of the settings "),
    (["data=sead"], r"(?s)'data/sead'.*seed_iv"),
    (["output=said.txt"], r"said\.txt"),
]


# The others are refused in tests/test_bad_input.py and tests/training/test_trainer.py too, without a process.
@pytest.mark.parametrize(
    ("arguments", "sentence"), represented(REFUSED, by=[REFUSED[i] for i in (0, 2, 3, 4, 6, 7, 11, 12)])
)
def test_bad_input_is_told_in_a_sentence_and_ends_with_exit_code_1(command, tmp_path, arguments, sentence):
    refused = command(tmp_path, *arguments)
    assert refused.exit_code() == 1
    assert re.search(sentence, refused.said, re.MULTILINE), refused.said
    assert len(refused.said.splitlines()) < 30  # data sets are listed, a line each
    assert not scores_in(tmp_path)
    assert not list(tmp_path.glob("outputs/store/*.safetensors"))
