"""How messages name a model, its settings, the classes and files, and what is common to the text of many."""

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path


class Wording:
    """The words of a job's user, who writes YAML and ``model.iterations=100``; other callers have a subclass."""

    nothing = "null"
    truth = "true or false"
    shell = True  # whether settings are typed in a shell
    lists = True  # whether messages offer a list of values where one will do

    def model(self, name: str) -> str:
        """A model by the name that jobs know it by, or by the name that the caller gave it."""
        return f"model={name}"

    def setting(self, name: str, model: str | None = None) -> str:
        """A setting of the model that the message is about, or of another one."""
        return f"model.{name}"

    def data(self, name: str) -> str:
        """A setting of the data."""
        return f"data.{name}"

    def label(self, index: int) -> str:
        """A class by its index in 0..K-1."""
        return f"class {index}"


class PythonWording(Wording):
    """The words of whoever calls a function in Python.

    Parameters
    ----------
    names
        Of settings of the data, where they differ from those of a job.
    """

    nothing = "None"
    truth = "True or False"
    shell = False

    def __init__(self, names: Mapping[str, str] | None = None):
        self.names = names or {}

    def data(self, name: str) -> str:
        return self.names.get(name, name)


_current: ContextVar[Wording] = ContextVar("wording", default=Wording())  # noqa: B039 - it has no state


def words() -> Wording:
    """The wording in use."""
    return _current.get()


@contextlib.contextmanager
def worded(wording: Wording) -> Iterator[None]:
    """Use a wording for the messages that are made in the with block, in this thread."""
    before = _current.set(wording)
    try:
        yield
    finally:
        _current.reset(before)


def natural(path: str | Path) -> list[int | str]:
    """A key to sort by, under which 10 follows 9."""
    return [int(text) if i % 2 else text for i, text in enumerate(re.split(r"(\d+)", str(path)))]


@contextlib.contextmanager
def naming(place: object) -> Iterator[None]:
    """Put the name of a file or row in front of the message of a ValueError that is raised in the with block."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error


def some(names: Iterable[object], limit: int = 12, between: str = ", ") -> str:
    """The first of many names, for messages."""
    texts = list(map(str, names))
    return between.join(texts[:limit]) + (f"{between}... ({len(texts)} in all)" if len(texts) > limit else "") or "none"
