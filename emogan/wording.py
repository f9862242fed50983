"""How messages name a model, its settings and the classes: as whoever reads them wrote them."""

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar


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
