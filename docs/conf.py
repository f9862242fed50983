"""How Sphinx builds the documentation: make docs."""

import contextlib
import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import emogan  # noqa: E402
from emogan.checks import Checked  # noqa: E402

del Checked.__new__  # Sphinx would show its arguments in place of those of each class

project, author = "EmoGAN", "The EmoGAN contributors"
project_copyright = "MIT licence"
version = release = emogan.__version__
extensions = ["sphinx.ext.autodoc", "numpydoc", "worked_example"]

default_role = "py:obj"  # what docstrings write as `name`
nitpicky = True  # a reference that leads nowhere fails the build ...
nitpick_ignore_regex = [  # ... unless it is another library's, whose pages are not asked
    ("py:.*", r"(?!emogan\b).*"),
    ("py:class", r"emogan\.checks\.Checked"),  # a base class of most, with nothing to call
]

autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False  # Lightning's and scikit-learn's are theirs
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False  # autodoc shows them

html_theme = "furo"
html_title = f"EmoGAN {version}"
html_static_path, html_css_files = ["static"], ["wide.css"]
html_show_copyright = html_show_sphinx = html_copy_source = False


def escape_bars(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Absolute values and unions of docstrings, outside of code, are no substitutions of reStructuredText."""
    text = re.sub(r"(``.*?``|`.*?`)|\|", lambda found: found[1] or r"\|", "\n".join(lines), flags=re.DOTALL)
    lines[:] = text.split("\n")


def plain_types(app: Sphinx, function: Callable, bound: bool) -> None:
    """Signatures tell the types of settings; docstrings tell their ranges."""
    with contextlib.suppress(AttributeError, NameError, TypeError):  # built in, or types for type checkers alone
        inspect.unwrap(getattr(function, "__func__", function)).__annotations__ = get_type_hints(function)


def readable_defaults(
    app: Sphinx, what: str, name: str, obj: object, options: object, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Sphinx cannot read what Python writes for a dataclass's defaults that are functions or made anew."""
    return signature and re.sub(r"<function (\w+)>", r"\1", signature.replace("<factory>", "...")), returns


def plain_name(app: Sphinx, env: BuildEnvironment, node: pending_xref, shown: nodes.Element) -> nodes.Element | None:
    """A `name` of a docstring leads to the one documented object whose full name ends so, and else is code."""
    if node.get("reftype") != "obj":
        return None
    python = env.domains.python_domain
    found = [
        (name, entry) for name, entry in python.objects.items()
        if name.endswith(f".{node['reftarget']}") and not entry.aliased
    ]  # fmt: skip
    if len(found) != 1:
        return shown
    [(name, entry)] = found
    return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, shown, name)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("autodoc-process-docstring", escape_bars)
    app.connect("autodoc-before-process-signature", plain_types)
    app.connect("autodoc-process-signature", readable_defaults)
    app.connect("missing-reference", plain_name)
    return {"parallel_read_safe": True}
