"""Arrays from MATLAB files of version 7.3, which are HDF5, read with h5py: what files become that are saved again."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

SIGNATURE, USER_BYTES = b"\x89HDF\r\n\x1a\n", 512  # MATLAB's own header stands before HDF5's
VERSIONS = b"\0\2", b"\2\0"  # in MATLAB's header
MAX_DEPTH = 4


def is_hdf5(path: Path) -> bool:
    """Whether a file is one of version 7.3."""
    with path.open("rb") as file:
        head = file.read(USER_BYTES + len(SIGNATURE))
    return head.startswith(SIGNATURE) or head[USER_BYTES:] == SIGNATURE or head[124:126] in VERSIONS


def read(path: Path, names: Sequence[str]) -> dict[str, object]:
    """Those of some variables that are there: arrays, cells as lists, a struct as a dict, as `matlab.read` gives them.

    Raises
    ------
    ValueError
        If h5py is not installed or the file cannot be read. Names the file.
    """
    with _opened(path) as file:
        return {name: _value(file, file[name]) for name in names if name in file}


def shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the variables; () of a struct.

    Raises
    ------
    ValueError
        As of `read`.
    """
    with _opened(path) as file:
        return {name: getattr(node, "shape", ())[::-1] for name, node in file.items() if not name.startswith("#")}


@contextmanager
def readable(path: Path, what: str = "a .mat file") -> Iterator[None]:
    """Turn whatever goes wrong while a file is read in the with block into a message that names it."""
    try:
        yield
    except Exception as error:  # of whatever kind, it is the content's doing
        raise ValueError(
            f"{path}: expected {what}, got {path.stat().st_size} bytes that cannot be read as one "
            f"({type(error).__name__}: {error}). Copy it again."
        ) from error


@contextmanager
def _opened(path: Path):
    try:
        import h5py
    except ImportError as error:
        raise ValueError(
            f"{path}: it is a MATLAB file of version 7.3, as it has been saved again, which h5py reads: pip install "
            "'emogan[matlab73]'. Or copy the original, or save it in MATLAB with save(..., '-v7')."
        ) from error
    with readable(path, "a .mat file of version 7.3"), h5py.File(path, "r") as file:
        yield file


def _value(file, node, depth: int = 0) -> object:
    """A variable; HDF5 holds MATLAB's arrays with their axes reversed."""
    if depth > MAX_DEPTH:
        raise ValueError(f"cells nested deeper than {MAX_DEPTH}")
    if hasattr(node, "items"):
        return {name: _value(file, part, depth + 1) for name, part in node.items()}
    stored = node[()]
    if node.attrs.get("MATLAB_empty", 0):
        return np.empty(tuple(int(n) for n in np.ravel(stored)))
    if stored.dtype == object:
        return [_value(file, file[reference], depth + 1) for reference in np.ravel(stored)]
    if stored.dtype.kind not in "iuf":
        raise ValueError(f"an array of {stored.dtype}; only real numbers, cells and structs")
    return np.ascontiguousarray(stored.T)
