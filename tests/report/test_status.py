"""python -m emogan.status on the fake sweep."""

import io
import json
import shutil
import sys

import pytest

from emogan.status import main


def test_every_job_that_is_not_done_is_named_and_the_exit_code_tells(sweep, capsys):
    assert main([str(sweep)]) == 1
    *lines, counts = capsys.readouterr().out.splitlines()
    assert counts == "8 done, 1 failed, 1 missing"
    (failed,) = (line for line in lines if line.startswith("failed"))
    assert "4_eeg_cgan: FloatingPointError: losses are not finite" in failed
    (missing,) = (line for line in lines if line.startswith("missing"))
    assert "modality=eeg_eye model=cgan" in missing


def test_the_traceback_of_a_failed_job_is_shown_if_asked(tmp_path, capsys):
    (tmp_path / "job/.hydra").mkdir(parents=True)
    failure = {"error": "ValueError", "message": "no", "traceback": "Traceback: here"}
    (tmp_path / "job/failed.json").write_text(json.dumps(failure))
    assert main([str(tmp_path)]) == 1
    assert "Traceback" not in capsys.readouterr().out
    assert main([str(tmp_path), "--traceback"]) == 1
    assert "Traceback: here" in capsys.readouterr().out


@pytest.mark.parametrize(("encoding", "expected"), [
    ("gbk", "no file Gr\\xf6\\xdfe - 数"), ("cp437", "no file Größe - \\u6570"), ("ascii", "no file Gr\\xf6\\xdfe - \\u6570"),
])  # fmt: skip
def test_a_job_s_message_is_printed_whatever_the_encoding_of_the_terminal(tmp_path, monkeypatch, encoding, expected):
    (tmp_path / "job/.hydra").mkdir(parents=True)
    failure = {"error": "OSError", "message": "no file Größe − 数", "traceback": ""}
    (tmp_path / "job/failed.json").write_text(json.dumps(failure, ensure_ascii=False), encoding="utf-8")
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    assert main([str(tmp_path)]) == 1
    stream.flush()
    assert expected in stream.buffer.getvalue().decode(encoding)


def test_all_done_is_exit_code_0_and_an_older_job_of_equal_cells_is_done_too(tmp_path, fake, capsys):
    for name in ("older", "newer"):
        fake.write_job(tmp_path / name, "eeg", "none")
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 done"


@pytest.mark.parametrize("place", ["absent", "."])
def test_a_folder_without_jobs_is_said_and_exits_with_1(tmp_path, capsys, place):
    assert main([str(tmp_path / place)]) == 1
    assert "expected" in capsys.readouterr().err


def test_a_job_that_is_dismissed_is_listed_as_that_and_does_not_count_until_the_marker_is_removed(
    tmp_path, sweep, fake, capsys
):
    folder = shutil.copytree(sweep, tmp_path / "sweep")
    fake.write_job(folder / "9_eeg_eye_cgan", "eeg_eye", "gaussian")
    (folder / "9_eeg_eye_cgan/.hydra/overrides.yaml").write_text("[modality=eeg_eye, model=cgan, 'n_aug=[0,50,200]']")
    failed = folder / "4_eeg_cgan"
    assert main([str(folder)]) == 1
    capsys.readouterr()
    assert main([str(folder), "--dismiss", "4_eeg_cgan"]) == 0
    *lines, counts = capsys.readouterr().out.splitlines()
    assert lines == [f"dismissed   {failed}: FloatingPointError: losses are not finite"]
    assert counts == "9 done, 1 dismissed"
    assert main([str(folder)]) == 0
    (failed / "dismissed.txt").unlink()
    assert main([str(folder)]) == 1


@pytest.mark.parametrize("name", ["sweep/4_eeg_cgan", "4_eeg_cgan"])
def test_a_job_to_dismiss_is_named_by_as_much_of_its_path_as_tells_it_apart(tmp_path, sweep, capsys, name):
    shutil.copytree(sweep, tmp_path / "sweep")
    assert main([str(tmp_path), "--dismiss", name]) == 1, "another one is missing"
    assert (tmp_path / "sweep/4_eeg_cgan/dismissed.txt").exists()


@pytest.mark.parametrize("name", ["3_eeg_cbegan", "absent", "cgan", "", "4_eeg_cgan"])
def test_what_is_done_absent_or_not_one_job_cannot_be_dismissed(tmp_path, sweep, capsys, name):
    for copy in ("one", "other"):
        shutil.copytree(sweep, tmp_path / copy)
    assert main([str(tmp_path), "--dismiss", name]) == 1
    assert "expected the folder of one job that is not done, got" in capsys.readouterr().err
    assert not list(tmp_path.rglob("dismissed.txt"))
