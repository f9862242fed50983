"""Loading, splitting and scaling of feature windows; ``emogan.data.load("seed_v", root=DIR)`` loads a data set."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emogan.data.named import load

__all__ = ["load"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # here: Hydra takes a moment to import, and most modules need no more than this folder
    from emogan.data import named

    return named.load
