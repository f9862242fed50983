"""Completing the docstring of a class with the descriptions of the parameters that it hands on to other classes."""

import inspect
import re
from collections.abc import Iterable

TITLE = "\n\nParameters\n----------\n"


def inherit_parameters(cls: type, order: Iterable[str], *others: type) -> None:
    """Have a class's docstring describe all of its parameters, in the words of the class that each comes from.

    Parameters
    ----------
    order
        The names of all of its parameters.
    *others
        Classes that describe those which neither it nor a class that it derives from describes.
    """
    if not cls.__doc__:  # there is none where Python leaves docstrings out
        return
    place = {name: i for i, name in enumerate(dict.fromkeys(order))}
    found: dict[int, str] = {}
    known: set[str] = set()
    for doc in [one.__doc__ for one in (*cls.__mro__, *others) if one.__doc__]:
        for entry in _parts(doc)[1]:
            names = {name.strip() for name in entry.partition("\n")[0].split(",")}
            if known.isdisjoint(names) and not names.isdisjoint(place):
                found[min(place[name] for name in names & place.keys())] = entry
                known |= names
    if found:
        start, _, end = _parts(cls.__doc__)
        cls.__doc__ = start + TITLE + "\n".join(found[i] for i in sorted(found)) + "\n" + (end and f"\n{end}\n")


def _parts(docstring: str) -> tuple[str, list[str], str]:
    """The text before the parameters, each parameter with its description, and the text after them."""
    start, _, rest = inspect.cleandoc(docstring).partition(TITLE)
    section, *end = re.split(r"\n\n(?=\S.*\n---)", rest, maxsplit=1)
    return start, re.split(r"\n(?=\S)", section) if section else [], "".join(end)
