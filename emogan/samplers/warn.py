"""Warnings to the user of a sampler: each kind once in a fit, at the line that called the sampler."""

import contextlib
import sys
import warnings
from collections.abc import Iterator
from contextvars import ContextVar

_told: ContextVar[set[str] | None] = ContextVar("told", default=None)


@contextlib.contextmanager
def once(told: set[str] | None = None) -> Iterator[None]:
    """Give each kind of warning once within it, and those of ``told`` not at all.

    Without ``told`` it joins what surrounds it: a fit within a cross-validation is a part of that.
    """
    around = _told.get()
    token = _told.set(told if told is not None else set() if around is None else around)
    try:
        yield
    finally:
        _told.reset(token)


def warn(kind: str, message: str) -> None:
    """Give a `UserWarning` unless one of its kind was given."""
    told = _told.get()
    if told is not None:
        if kind in told:
            return
        told.add(kind)
    level = outermost = 1
    frame = sys._getframe()
    while frame := frame.f_back:  # type: ignore[assignment] # Lightning may stand between EmoGAN and EmoGAN
        level += 1
        if frame.f_globals.get("__name__", "").startswith("emogan.samplers."):
            outermost = level
    warnings.warn(message, UserWarning, stacklevel=outermost + 1)
