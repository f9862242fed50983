"""Warnings to the user of a sampler: each kind once in a fit, at the line that called the sampler."""

import contextlib
import sys
import warnings
from collections.abc import Iterator
from contextvars import ContextVar

_reported: ContextVar[set[str] | None] = ContextVar("reported", default=None)


@contextlib.contextmanager
def once(reported: set[str] | None = None) -> Iterator[None]:
    """Give each kind of warning once within it, and those of ``reported`` not at all.

    Without ``reported`` it joins what surrounds it: a fit within a cross-validation is a part of that.
    """
    around = _reported.get()
    token = _reported.set(reported if reported is not None else set() if around is None else around)
    try:
        yield
    finally:
        _reported.reset(token)


def warn(kind: str, message: str) -> None:
    """Give a `UserWarning` unless one of its kind was given."""
    reported = _reported.get()
    if reported is not None:
        if kind in reported:
            return
        reported.add(kind)
    level = outermost = 1
    frame = sys._getframe()
    while frame := frame.f_back:  # type: ignore[assignment] # Lightning may stand between EmoGAN and EmoGAN
        level += 1
        if frame.f_globals.get("__name__", "").startswith("emogan.samplers."):
            outermost = level
    warnings.warn(message, UserWarning, stacklevel=outermost + 1)
