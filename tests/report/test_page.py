"""python -m emogan.report: what it writes, says and returns, and the page in a browser."""

import contextlib
import io
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from emogan.report.__main__ import main


@pytest.fixture(scope="module")
def written(tmp_path_factory, fake):
    """A report of two jobs and a failed one: its folder and what was printed."""
    folder = tmp_path_factory.mktemp("outputs")
    for model in ("none", "cbegan"):
        fake.write_job(folder / model, "eeg", model)
    (folder / "broken").mkdir()
    failure = {"error": "ValueError", "message": "<script>alert(1)</script>", "traceback": ""}
    (folder / "broken" / "failed.json").write_text(json.dumps(failure))
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")  # that lacks half of what is printed
    with contextlib.redirect_stdout(terminal):
        assert main([str(folder)]) == 0
    terminal.flush()
    return folder / "report", terminal.buffer.getvalue().decode("ascii")


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))


def test_the_main_table_failed_jobs_and_the_place_of_the_page_are_printed_in_any_encoding(written):
    folder, said = written
    assert "SIMULATED * synthetic_seed" in said
    assert re.search(r"cBEGAN +77\.\d", said)
    assert "failed: " in said
    assert said.rstrip().endswith(f"2 jobs; report: {folder / 'report.html'}")


def test_the_page_needs_nothing_but_itself(written):
    text = (written[0] / "report.html").read_text()
    page = Page(text)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert not re.search(r"https?://|url\(|@import", text)
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == len(list((written[0] / "figures").glob("*.png"))) > 4
    assert all(image["src"].startswith("data:image/png;base64,") and image["alt"] for image in images)


def test_every_entry_of_the_contents_leads_somewhere(written):
    page = Page((written[0] / "report.html").read_text())
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    targets = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert len(ids) == len(set(ids))
    assert len(targets) > 10
    assert {target.removeprefix("#") for target in targets} <= set(ids)


def test_messages_of_jobs_are_text_and_not_markup(written):
    text = (written[0] / "report.html").read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_markdown_and_latex_hold_every_table_and_figures_stand_beside_them(written):
    folder, _ = written
    markdown, latex = (folder / "report.md").read_text(), (folder / "tables.tex").read_text()
    for title in ("Not counted in any table", "Comparison of all models", "Layout of the paper's Table 1", "Jobs"):
        assert f"**{title}" in markdown
        assert rf"\caption{{{title}" in latex
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") == markdown.count("\n| :--")
    linked = re.findall(r"\]\((figures/.+?)\)", markdown)
    assert sorted(linked) == sorted(f"figures/{path.name}" for path in (folder / "figures").glob("*.png"))
    assert all((folder / name).with_suffix(".pdf").read_bytes().startswith(b"%PDF") for name in linked)


def test_figures_are_in_tensorboard(written):
    events = EventAccumulator(str(written[0] / "tensorboard"), size_guidance={"images": 0})
    events.Reload()
    names = {path.stem.removeprefix("1_synthetic_seed_") for path in (written[0] / "figures").glob("*.png")}
    assert {tag.rpartition("/")[2] for tag in events.Tags()["images"]} == names


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: None, "found no job"),
        (lambda folder: (folder / "job" / ".hydra").mkdir(parents=True), "unfinished"),
    ],
)
def test_without_a_finished_job_nothing_is_written_and_the_reason_is_said(tmp_path, capsys, make, message):
    make(tmp_path)
    assert main([str(tmp_path)]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "report").exists()


def browse(page: Path, folder: Path) -> tuple[list[str], list[str]]:
    """Lines of the console, and addresses that a page asks for, in headless Chromium without a network."""
    done = subprocess.run(
        [
            shutil.which("chromium"), "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr",
            f"--user-data-dir={folder / 'profile'}", f"--log-net-log={folder / 'net.json'}",
            f"--screenshot={folder / 'page.png'}", page.as_uri(),
        ],
        check=True, timeout=120, capture_output=True, text=True, errors="replace",
    )  # fmt: skip
    console = [line for line in done.stderr.splitlines() if ":CONSOLE:" in line]
    events = [event.get("params", {}) for event in json.loads((folder / "net.json").read_text())["events"]]
    asked = [e["url"] for e in events if e.get("initiator", "not an origin") != "not an origin" and "url" in e]
    return console, [url for url in asked if not url.startswith(("data:", "file:"))]


@pytest.mark.skipif(not shutil.which("chromium"), reason="needs Chromium")
def test_a_browser_finds_no_error_and_asks_for_nothing(written, tmp_path):
    assert browse(written[0] / "report.html", tmp_path) == ([], [])
    assert (tmp_path / "page.png").stat().st_size > 10_000
    (tmp_path / "bad.html").write_text('<img src="https://example.org/x.png"><script>nothing()</script>')
    console, asked = browse(tmp_path / "bad.html", tmp_path)
    assert any("nothing is not defined" in line for line in console)
    assert asked == ["https://example.org/x.png"]
