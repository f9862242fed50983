"""Importing emogan loads nothing that takes long, and imbalanced-learn is needed by nothing but the samplers."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import emogan

PACKAGE = Path(emogan.__file__).parent
CHECKOUT = PACKAGE.parent
HEAVY = ("torch", "lightning", "sklearn", "imblearn", "scipy", "pandas", "numpy", "mne", "matplotlib", "hydra")


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_emogan_loads_three_modules_of_its_own_at_most_and_no_heavy_library():
    said = run("import sys; before = set(sys.modules); import emogan; print(*sorted(set(sys.modules) - before))")
    loaded = said.split()
    assert not set(HEAVY) & set(loaded)
    assert len([name for name in loaded if name.startswith("emogan")]) <= 3
    assert len(loaded) < 60, "torch alone takes hundreds"


def test_every_public_name_is_there_and_shown():
    assert set(emogan.__all__) <= set(dir(emogan))
    for name in emogan.__all__:
        assert getattr(emogan, name).__name__ == name
        assert getattr(emogan, name).__doc__


def test_another_name_is_refused_as_python_does():
    with pytest.raises(AttributeError, match="module 'emogan' has no attribute 'CBEGAN2Sampler'"):
        _ = emogan.CBEGAN2Sampler


def test_without_imbalanced_learn_samplers_say_what_to_install_and_training_works_without_the_report():
    said = run(
        "import sys; sys.modules['imblearn'] = None\n"  # as if it were not there
        "import emogan, emogan.train, emogan.jobs.job\n"
        "print([name for name in sys.modules if name.startswith('emogan.report')], 'emogan.sweeps.callback' in sys.modules)\n"
        "emogan.load, emogan.FittedSampler\n"
        "for name in ('CBEGANSampler', 'NoiseSampler', 'cross_augment'):\n"
        "    try: getattr(emogan, name)\n"
        "    except ImportError as error: print(error)\n"
    )
    imported, *refused = said.splitlines()
    assert imported == "[] True"
    assert refused == ["EmoGAN's samplers need imbalanced-learn: pip install 'emogan[imblearn]'"] * 3


def test_no_module_and_no_folder_imports_in_a_circle_not_even_later_in_a_function():
    modules = {".".join(path.relative_to(CHECKOUT).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}
    modules = {name.removesuffix(".__init__"): path for name, path in modules.items() if name != "emogan.__init__"}
    imports: dict[str, set[str]] = {name: set() for name in modules}
    for name, path in modules.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                for imported in (f"{node.module}.{alias.name}" for alias in node.names):
                    found = imported if imported in modules else node.module
                    imports[name] |= {found} & (modules.keys() - {name})
    folders: dict[str, set[str]] = {}
    for name, found in imports.items():
        folders.setdefault(folder(name), set()).update({folder(other) for other in found} - {folder(name)})
    assert len(imports["emogan.train"]) > 3
    assert len(folders["emogan.sweeps"]) > 0
    for graph in (imports, folders):
        tuple(TopologicalSorter(graph).static_order())  # or CycleError


def folder(module: str) -> str:
    """The package that a module lies in, or the module itself where it lies at the top."""
    return ".".join(module.split(".")[:2])
