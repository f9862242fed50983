"""Arrays from MATLAB files; of version 5 to 7.2, by checking every count in them before it is used.

An own reader of the few parts of the format that features need: scipy.io.loadmat believes the tags of a file, and a
few damaged bytes can crash the interpreter in it. Format: "MAT-File Format", The MathWorks, level 5.
"""

import math
import struct
import zlib
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from scipy.io import whosmat

from emogan.data.readers import matlab73
from emogan.wording import some

HEADER_BYTES = 128
ORDERS = {b"\0\1IM": "<", b"\1\0MI": ">"}  # version 5 and the byte order at the header's end
MAX_BYTES = 1 << 28  # of one variable; the longest trial's features take 0.7 MB
MAX_DEPTH = 4  # of nested cells and structs
MATRIX, COMPRESSED = 14, 15  # kinds of data elements; those of numbers follow
STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
CELL, STRUCT = 1, 2  # classes of matrices; those of numbers follow
NUMBERS = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
COMPLEX = 0x800


def read(path: Path, names: Sequence[str]) -> dict[str, object]:
    """Read some variables of a .mat file and nothing else of it: arrays, cells as lists, a struct as a dict.

    Raises
    ------
    ValueError
        If the file cannot be read as a .mat file or a variable is missing. Names the file.
    """
    if matlab73.is_hdf5(path):
        found = matlab73.read(path, names)
        return _complete(path, found, names, matlab73.shapes(path))
    data, found, others = path.read_bytes(), {}, []
    with matlab73.readable(path):
        if (order := ORDERS.get(data[124:128])) is None:
            raise ValueError("no header of version 5")
        for kind, payload in _elements(memoryview(data)[HEADER_BYTES:], order):
            name, body = _variable(kind, payload, order, names)
            if body is None:
                others.append(name)
            else:
                found[name] = matrix(body, order)
    return _complete(path, found, names, [*found, *others])


def shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the variables of a .mat file.

    Raises
    ------
    ValueError
        If the file cannot be read as a .mat file. Names the file.
    """
    if matlab73.is_hdf5(path):
        return matlab73.shapes(path)
    with matlab73.readable(path):
        return {name: shape for name, shape, _ in whosmat(path)}


def _complete(path: Path, found: dict[str, object], names: Sequence[str], there: Collection[str]) -> dict[str, object]:
    """What was read, if it is all that was asked for."""
    if missing := [name for name in names if name not in found]:
        raise ValueError(
            f"{path}: expected the variables {some(names, 6)}, missing {some(missing, 6)}; the file has "
            f"{some(there, 6)}. Is the folder the right one and the file copied whole?"
        )
    return found


def _elements(data: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Kind and content of one data element after the other; small ones hold up to 4 bytes in their tag."""
    at = 0
    while at < len(data):
        kind, size = struct.unpack_from(f"{order}II", data, at)
        start, end = at + 8, at + 8 + size
        if kind >> 16:
            kind, size = kind & 0xFFFF, kind >> 16
            start, end = at + 4, at + 4 + min(size, 4)
        if end > len(data) or end - start != size:
            raise ValueError(f"{size} bytes announced where {len(data) - start} are left")
        yield kind, data[start:end]
        at = end if kind == COMPRESSED else end + -end % 8


def _variable(kind: int, payload: memoryview, order: str, wanted: Sequence[str]) -> tuple[str, memoryview | None]:
    """Name of a variable and, if it is wanted, the elements that make it up."""
    body = payload
    if kind == COMPRESSED:
        body = memoryview(zlib.decompressobj().decompress(payload, 1024))[8:]  # holds the name, not all of the values
    elif kind != MATRIX:
        raise ValueError(f"a data element of kind {kind} where a variable is due")
    _, name = next(islice(_elements(body, order), 2, None), (0, b""))
    name = bytes(name).decode("latin1")
    if name not in wanted:
        return name, None
    if kind == COMPRESSED:
        whole = zlib.decompressobj().decompress(payload, MAX_BYTES)
        kind, body = next(_elements(memoryview(whole), order))
        if kind != MATRIX:
            raise ValueError(f"a data element of kind {kind} where a variable is due")
    return name, body


def matrix(body: memoryview, order: str, depth: int = 0) -> object:
    """A variable from its elements: flags, dimensions, name and what its class asks for."""
    if depth > MAX_DEPTH:
        raise ValueError(f"cells nested deeper than {MAX_DEPTH}")
    parts = _elements(body, order)
    flags, dimensions, _ = (bytes(content) for _, content in islice(parts, 3))
    (flags,) = struct.unpack_from(f"{order}I", flags)
    shape = struct.unpack(f"{order}{len(dimensions) // 4}i", dimensions)
    if not 2 <= len(shape) <= 8 or min(shape) < 0 or math.prod(shape) > MAX_BYTES:
        raise ValueError(f"an array of shape {shape}")
    if flags & 0xFF in NUMBERS and not flags & COMPLEX:
        kind, content = next(parts)
        values = np.frombuffer(content, f"{order}{STORED[kind]}")  # MATLAB stores whole numbers in fewer bytes
        return values.reshape(shape, order="F").astype(NUMBERS[flags & 0xFF], order="C")
    if flags & 0xFF == CELL:
        cells = [matrix(content, order, depth + 1) for _, content in parts]
        if len(cells) != math.prod(shape):
            raise ValueError(f"{len(cells)} cells where the shape {shape} is announced")
        return cells
    if flags & 0xFF == STRUCT and math.prod(shape) == 1:
        (_, width), (_, text) = islice(parts, 2)
        (width,) = struct.unpack(f"{order}i", width)
        fields = [bytes(text[i : i + width]).split(b"\0")[0].decode("latin1") for i in range(0, len(text), width)]
        return {field: matrix(content, order, depth + 1) for field, (_, content) in zip(fields, parts, strict=True)}
    raise ValueError(
        f"an array of class {flags & 0xFF} with flags {flags >> 8:#x}; only real numbers, cells and structs"
    )
