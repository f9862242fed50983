"""Options as people type them, output for any encoding, and commands that can be pasted."""

import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from composed import composed
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from emogan import command_line
from emogan.command_line import explanation, let_output_be_written, option, readable

FOLDERS = [
    "/data/数据/SEED", "/data/SEED (1)", "/data/a=b", "/data/hash#1", "/data/Größe, neu", "/data/it's", '/data/"x"', "a,b.csv",
    "/data/[2024] x", "[2024]", "2024_05", "007", "1e5", "true", "/a{b}", "/a;b&c!d^e`f`<g>", "/a${b", "/é ${b}", "/a\\${b}é",
    "/tail\\ é\\", "C:\\Users\\x", "C:\\Users\\Jörg (1)", "\\\\server\\share", "/two  blanks ", "/a$HOME", "a:b", "/a\nb", "null/é",
]  # fmt: skip


def read(*arguments: str) -> list:
    """What Hydra makes of the options of a command line."""
    parsed = OverridesParser.create().parse_overrides([a for a in readable(arguments) if not a.startswith("-")])
    return [
        [OmegaConf.create({"v": getattr(one, "text", one)}).v for one in override.sweep_iterator()]
        if override.is_sweep_override() else OmegaConf.create({"v": override.value()}).v
        for override in parsed
    ]  # fmt: skip


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_path_is_read_as_it_is_typed(folder):
    for key in ("data.root", "+data.recordings", "hydra.sweep.dir"):
        assert read(f"{key}={folder}") == [folder]


@pytest.mark.parametrize("folder", [*FOLDERS, "${output}/x", "'x'", "null", " x"])
def test_a_printed_option_can_be_pasted_into_a_shell(folder):
    typed = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {option('data.root', folder)}"], capture_output=True, check=True
    ).stdout.decode()
    assert read(typed.removesuffix("\0")) == [folder]


@pytest.mark.parametrize("argument", [
    "n_aug=50", "n_aug=[50,200]", "data.subjects=[1,2]", 'data.eye=["pupil_*"]', "model=cbegan", "seed=1e3", "data.name='Studie 1'",
    "data.root=/data/SEED", 'data.root="/data/SEED (1)"', "data.root=null", "output=${oc.env:HOME}/x", "data.root=/data/SEED\\ \\(1\\)",
    "~data.subjects", "+experiment=quick", "++model.gamma=0.5", "hydra/launcher=joblib", "data.label=", "evaluation.c_exponents=[-10,2]",
])  # fmt: skip
def test_what_hydra_reads_keeps_its_meaning(argument):
    assert readable([argument]) == [argument]


@pytest.mark.parametrize("arguments", [
    ["-m", "model=cbegan,cwgan", "n_aug=50,200", "data.root=/a,/b"], ["-m", "data.root=glob(*)"], ["--multirun", "data.path=choice(a,b)"],
    ["-m", "data.subjects=[1,2],[3,4]", "data.path=[a,b],[c,d]"], ["data.path=[/a/x.csv,/b/y.csv]"], ["-sc", "query=bash"], ["--cfg", "job", "model=cgan"], ["-cd", "/my (1)=x", "seed=1"],
])  # fmt: skip
def test_sweeps_and_hydra_s_own_options_keep_their_meaning(arguments):
    assert readable(arguments) == arguments


@pytest.mark.parametrize(("argument", "values"), [
    ("data.root=/a (1),/b=c,C:\\d", ["/a (1)", "/b=c", "C:\\d"]), ('data.root="/a,b",/é', ["/a,b", "/é"]), ("data.label=Gefühl,label", ["Gefühl", "label"]),
    ("data.root=/it's (1),/that's", ["/it's (1)", "/that's"]),
    ("output=/a, b", "/a, b"), ("hydra.sweep.dir=a,b", "a,b"), ('data.root="/a, b (1)"', "/a, b (1)"),
])  # fmt: skip
def test_in_a_sweep_a_comma_separates_values_but_for_places_to_write_to(argument, values):
    assert read("-m", argument) == [values]


def test_in_a_sweep_a_path_that_exists_is_one(tmp_path):
    (tmp_path / "a, b").mkdir()
    assert read("-m", f"data.root={tmp_path / 'a, b'}") == [str(tmp_path / "a, b")]


@pytest.mark.parametrize(("argument", "value"), [
    ("data.subjects=[Müller,Özil, anna]", ["Müller", "Özil", "anna"]), ("data.eye=[Größe (mm),pupil_*]", ["Größe (mm)", "pupil_*"]),
    ("data.path=[/a/x (1).csv, ~/ü.csv]", ["/a/x (1).csv", f"{Path.home()}/ü.csv"]), ("data.name=Studie (1)", "Studie (1)"), ("'data.root=/data/SEED'", "/data/SEED"),
])  # fmt: skip
def test_other_values_that_hydra_cannot_read_are_text(argument, value):
    assert read(argument) == [value]


@pytest.mark.parametrize("typed", ["~/SEED (1)", '"~/SEED (1)"'])
def test_the_tilde_is_the_home_folder(monkeypatch, typed):
    monkeypatch.setenv("HOME", "/home/jörg")
    assert read(f"data.root={typed}", "output=~") == ["/home/jörg/SEED (1)", "/home/jörg"]
    assert read("-m", "data.root=~/a,~/b") == [["/home/jörg/a", "/home/jörg/b"]]
    assert str(command_line.path("~/x")) == "/home/jörg/x"


@pytest.mark.parametrize(("arguments", "message"), [
    (["data.root=/data/My", "SEED"], "quotes around both: 'data.root=/data/My SEED'"), (["data.root", "=", "/x"], "without spaces around '='"),
    (["größe=3"], "got 'größe=3'"),
])  # fmt: skip
def test_what_is_no_option_ends_with_a_sentence_and_exit_code_1(monkeypatch, arguments, message):
    monkeypatch.setattr(sys, "argv", ["train.py", *arguments])
    with pytest.raises(SystemExit) as ended:
        command_line.run(lambda: pytest.fail("it was run"))
    assert message in ended.value.code  # text: Python prints it and exits with 1


@pytest.mark.parametrize(("encoding", "expected"), [
    ("utf-8", "−1 × 2 · é 数\n"), ("ascii", "-1 x 2 * \\xe9 \\u6570\n"), ("latin-1", "-1 × 2 · é \\u6570\n"), ("gbk", "-1 × 2 · é 数\n"),
    ("cp437", "-1 x 2 · é \\u6570\n"),
])  # fmt: skip
def test_what_an_encoding_lacks_is_replaced(monkeypatch, encoding, expected):
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
    for name, stream in zip(("stdout", "stderr"), streams, strict=True):
        monkeypatch.setattr(sys, name, stream)
    let_output_be_written()
    for stream in streams:
        print("−1 × 2 · é 数", file=stream, flush=True)
        assert stream.buffer.getvalue().decode(encoding).replace(os.linesep, "\n") == expected


@pytest.mark.slow
def test_a_sweep_in_a_folder_of_any_name_is_resumed_and_reported(command, small, tmp_path, monkeypatch, capsys):
    from emogan import status
    from emogan.report import __main__ as report

    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    folder = tmp_path / "SEED (1) ü=#,'x"
    folder.mkdir()
    table = next(option for option in small if option.startswith("data.path=")).removeprefix("data.path=")
    (folder / "own (1).npz").hardlink_to(table)
    arguments = [
        "-m", *(option for option in small if not option.startswith(("data.path", "n_aug"))), f"data.path={folder / 'own (1).npz'}",
        "model=none,noise", "n_aug=50", f"output={folder}", f"hydra.sweep.dir={folder}/sweep",
    ]  # fmt: skip
    first = command(tmp_path, *arguments)
    assert first.exit_code() == 0, first.said
    again = command(tmp_path, *arguments)
    assert again.exit_code() == 0, again.said
    assert again.said.count("done already") == 2
    assert status.main([str(folder)]) == 0
    assert report.main([str(folder)]) == 0
    assert (folder / "report" / "report.html").exists()
    assert "2 jobs" in capsys.readouterr().out


def test_the_command_that_simulate_prints_reads_what_it_wrote(tmp_path, capsys):
    from emogan.simulate import simulate

    root = simulate("seed_v", tmp_path / "SEED (1) ü=#,'x", subjects=[1], sessions=[1])
    printed = capsys.readouterr().out.splitlines()[-1].removeprefix("use it with: ")
    words = shlex.split(printed)
    assert words[:3] == ["python", "-m", "emogan.train"]
    assert read(*words[3:]) == ["seed_v", str(root)]


def test_a_sweep_may_be_asked_for_anywhere():
    assert readable(["seed=1", "-m", "model=a,b", "n_aug=3"]) == ["-m", "seed=1", "model=a,b", "n_aug=3"]
    assert readable(["seed=1", "--multirun", "model=a,b"]) == ["--multirun", "seed=1", "model=a,b"]


def test_settings_of_a_group_whose_options_are_swept_are_left_to_its_jobs():
    typed = ["-m", "model=noise,mixup", "model.strength=[0.1,0.2]", "seed=1", "+model.k=null"]
    assert readable(typed) == [
        "-m",
        "model=noise,mixup",
        "model.strength=choice([0.1,0.2])",
        "seed=1",
        '+model.k=choice("null")',
    ]
    one = ["-m", "model=noise", "model.strength=0.1", "seed=1,2"]
    assert readable(one) == one


@pytest.mark.parametrize("command", ["check", "extract", "sample", "share", "simulate", "train"])
def test_help_explains_every_option_of_a_command(command):
    text, cfg = explanation(command), composed(name=command)
    assert text.startswith(f"python -m emogan.{command} ")
    for name in cfg:
        assert re.search(rf"^{name}[:=]", text, re.MULTILINE), name
    assert not re.search(r"^(hydra|defaults):", text, re.MULTILINE)
