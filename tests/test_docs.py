"""The documentation names all that there is to use, and builds without a warning."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import emogan
from emogan.environment import config_dir

CHECKOUT = Path(__file__).parents[1]
SOURCES = CHECKOUT / "docs"
CONF = Path(config_dir())


def text(name: str) -> str:
    return (SOURCES / f"{name}.rst").read_text()


@pytest.mark.parametrize("name", emogan.__all__)
def test_every_public_name_is_documented(name):
    pages = text("api/samplers") + text("api/training")
    assert re.search(rf"^\.\. auto(class|function):: emogan\.{name}$", pages, re.MULTILINE)


@pytest.mark.parametrize("model", sorted(path.stem for path in CONF.glob("model/*.yaml")))
def test_every_model_stands_in_the_guide(model):
    assert f"``{model}``\n" in text("guide/models")


def test_every_sampler_stands_beside_its_model():
    shown = set(re.findall(r"- :class:`~emogan\.(\w+)`", text("guide/models")))
    assert shown == {name for name in emogan.__all__ if re.fullmatch(r"(?!GAN|Control|Fitted).+Sampler", name)}


def test_every_option_is_shown():
    shown = set(re.findall(r"literalinclude:: \.\./conf/(\S+)", text("options") + text("recordings")))
    assert shown == {str(path.relative_to(CONF)) for path in CONF.rglob("*.yaml")}


def test_every_example_is_run_on_a_page():
    names = {path.stem for path in (CHECKOUT / "emogan/examples").glob("[!_]*.py")}
    assert {path.stem for path in (SOURCES / "examples").glob("*.rst")} == names
    for name in names:
        assert f".. worked-example:: {name}\n" in text(f"examples/{name}")


@pytest.mark.slow
def test_the_documentation_builds_without_a_warning_and_shows_what_the_examples_print(tmp_path):
    html = tmp_path / "html"
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", SOURCES, html, "-d", tmp_path / "trees"],
        cwd=CHECKOUT, capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    page = (html / "examples/look_at_windows.html").read_text()
    assert "means over the classes, simulated EEG" in page
    assert list((html / "_images").glob("topographies*.png"))
    assert "emogan.CBEGANSampler" in (html / "api/samplers.html").read_text()
    outside = re.compile(r'<(?:script|link|img)[^>]*(?:src|href)="(?:https?:)?//')
    assert not [path.name for path in html.rglob("*.html") if outside.search(path.read_text())]


@pytest.mark.slow
def test_the_lines_that_share_a_generator_do_what_they_say(tmp_path):
    page = text("guide/sharing")
    (share, _), (use,) = (
        [textwrap.dedent(found) for found in re.findall(rf"\.\. code-block:: {kind}\n\n((?:   .+\n|\n)+)", page)]
        for kind in ("console", "python")
    )
    checked = 'assert X.shape == (own.x.shape[0] + 200, 33) and set(y) == set(own.class_names) and "8 people" in repr(adapted)'
    (tmp_path / "use.py").write_text(f"{use}\n{checked}\n")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for command in (share.strip(), "python use.py"):
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False,
            env={**os.environ, "PATH": path, "PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert {one.name for one in tmp_path.iterdir()} == {"gan.safetensors", "gan.card.md", "outputs", "use.py"}
    assert "Membership inference" in (tmp_path / "gan.card.md").read_text()
