"""The directive worked-example: what a module of emogan.examples prints and draws in this build, and its source."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

CHECKOUT = Path(__file__).resolve().parents[1]


class WorkedExample(SphinxDirective):
    """Runs once, and again when the example has changed: Sphinx keeps the pages that it has read."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        source = CHECKOUT / "emogan" / "examples" / f"{name}.py"
        self.env.note_dependency(str(source))
        folder = Path(self.env.doctreedir, "examples", name)
        folder.mkdir(parents=True, exist_ok=True)
        command = ["python", "-m", f"emogan.examples.{name}"]
        done = subprocess.run(
            [sys.executable, *command[1:]], cwd=folder, env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise self.severe(f"{' '.join(command)} failed with exit code {done.returncode}:\n{done.stderr}")
        return [
            nodes.rubric(text="What it prints"),
            self._block(f"$ {' '.join(command)}\n{done.stdout}", "console"),
            *(self._image(path) for path in sorted(folder.rglob("*.png"))),
            nodes.rubric(text="Its source"),
            self._block(source.read_text(), "python"),
        ]

    @staticmethod
    def _block(text: str, language: str) -> nodes.literal_block:
        return nodes.literal_block(text, text, language=language)

    def _image(self, path: Path) -> nodes.image:
        place = os.path.relpath(path, self.env.srcdir)
        return nodes.image(uri=f"/{Path(place).as_posix()}", alt=path.stem, candidates={})


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("worked-example", WorkedExample)
    return {"parallel_read_safe": True}
