"""Decode pickles of NumPy arrays and plain containers without ever running what they ask for.

Python's own unpickler, of which only the opcodes listed here can be reached. A global becomes one of the functions
below, a dtype comes from a list of plain kinds, and an array is rebuilt here from bytes whose number was checked. NumPy
never sees a state that the stream brings along: a hostile dtype state crashes it. Whatever is not needed is refused.
"""

import io
import math
import pickle
import re
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np

MAX_BYTES = 1 << 29  # of a file and of all that is made from it; an experiment's features are some MB
OBJECT_BYTES = 256  # charged for each opcode and each object: an empty set, the largest for one opcode, takes 216
MAX_DEPTH = 32  # of nested containers: what walks the result may recurse
MAX_DIMENSIONS = 32
MAX_ENTRIES = 1000  # of an .npz
MAX_HEADER_BYTES = 10_000  # of an .npy, as in NumPy

_NPY_HEADER = re.compile(
    rb"\{'descr': '([<>|])([a-zA-Z])([0-9]{0,9})', 'fortran_order': (True|False), 'shape': \(([0-9L, ]*)\), \} *\n"
)
_DTYPE = re.compile(r"b1|[iu][1248]|f[248]|[SU][0-9]{1,8}")
_QUOTED = re.compile(rb"(?:[^\\]|\\(?:x[0-9a-fA-F]{2}|[\\'\"ntr]))*")  # in Python 2's repr


def loads(data: bytes) -> object:
    """Decode one pickle of protocol 0 to 5, written by Python 2 or 3 and NumPy 1 or 2.

    Returns dicts, lists, tuples, sets, text (that of Python 2 taken as latin1), bytes, numbers of at most 64 bits,
    dtypes, NumPy scalars, and new writeable arrays of booleans, integers, floats, byte strings or strings in the byte
    order of this machine. Shared objects stay shared; cycles are refused.

    Raises
    ------
    UnsafePickle
        For whatever else the bytes hold.
    """
    return _decode(data, _Budget())


def load_pickle(path: str | Path) -> object:
    """Decode a file that is one bare pickle: `loads`, naming the path in errors."""
    content = _read(path)
    with _refusing(path):
        return loads(content)


def load_npz(path: str | Path) -> dict[str, object]:
    """Read every entry of an .npz; those that are pickles come decoded, the others as arrays.

    A pickle is a 0-d byte string (SEED-V: np.savez(data=pickle.dumps(...)); NumPy strips trailing zeros of such
    strings, harmless as a pickle ends in a full stop) or what np.savez makes of objects: a 0-d object array comes as
    its object, a 1-d one as a list.

    Raises
    ------
    UnsafePickle
        For whatever else the file holds, naming path and entry.
    """
    content, budget, entries = _read(path), _Budget(), {}
    with _refusing(path):
        few = content.count(b"PK\x01\x02") <= MAX_ENTRIES  # counted before zipfile makes an object of each
        _check(few, f"expected at most {MAX_ENTRIES} entries, got more")
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.infolist():
                name = member.filename.removesuffix(".npy")
                with _refusing(f"entry {name[:80]!r}"):
                    known = name != member.filename and name not in entries
                    _check(known, "expected .npy files of different names, got another file or name")
                    known = member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
                    _check(known, "expected an entry as numpy.savez writes it, got another compression")
                    with archive.open(member) as file:
                        raw = file.read(budget.left + 1)  # the header's size is not to be trusted
                    budget.spend(len(raw))
                    entries[name] = _npy(raw, budget)
    return entries


@contextmanager
def _refusing(place: object) -> Iterator[None]:
    """Let nothing but UnsafePickle out: whatever else fails in here is the content's doing."""
    try:
        yield
    except UnsafePickle as error:
        raise UnsafePickle(f"{place}: {error}") from None
    except Exception as error:
        reason = f"{type(error).__name__}: {str(error)[:80]!r}"
        raise UnsafePickle(f"{place}: expected intact content, got damage ({reason}). Fetch the file again.") from error


def _check(condition: bool, message: str) -> None:
    if not condition:
        raise UnsafePickle(message)


def _read(path: str | Path) -> bytes:
    with open(path, "rb") as file:
        content = file.read(MAX_BYTES + 1)
    _check(len(content) <= MAX_BYTES, f"{path}: expected a file of at most {MAX_BYTES >> 20} MiB, got a larger one")
    return content


def _decode(data: bytes, budget: "_Budget", objects: bool = False) -> object:
    with _refusing("pickle"):
        value = _Unpickler(data, budget, objects).run()
        _measure(value, {})
        return value


def _npy(raw: bytes, budget: "_Budget") -> object:
    """Decode one .npy without NumPy's reader, which evaluates the header as Python and unpickles objects."""
    _check(raw[:6] == b"\x93NUMPY" and len(raw) > 12, "expected an array as numpy.savez writes it, got other bytes")
    start, code = (10, "<H") if raw[6] == 1 else (12, "<I")
    end = start + min(struct.unpack_from(code, raw, 8)[0], MAX_HEADER_BYTES)
    header = _NPY_HEADER.fullmatch(raw, start, end)
    _check(header is not None, "expected the header of an array of numbers, text or objects, got another")
    byte_order, kind, width, fortran = (header[i].decode() for i in (1, 2, 3, 4))
    shape, body = tuple(map(int, re.findall(rb"[0-9]+", header[5]))), raw[end:]
    if kind == "O":
        return _decode(body, budget, objects=True)
    if kind in "SUV" and shape == ():
        text = body
        if kind == "U":
            encoding = "utf-32-be" if byte_order == ">" else "utf-32-le"
            text = body.decode(encoding, "replace").encode("latin1", "replace")
        text = text.rstrip(b"\0")
        if text[:1] == b"\x80" or (text[:1] in (b"(", b"}", b"]", b"c") and text[-1:] == b"."):
            return _decode(text, budget)
    return _array(budget, body, _dtype(kind + width, byte_order), shape, "F" if fortran == "True" else "C")


def _measure(value: object, seen: dict[int, tuple[int, int]], depth: int = 0) -> tuple[int, int]:
    """Height and size in bytes of a value, as met by a reader who follows every reference.

    Containers that share others can be small in memory and endless to walk, so this size is bounded too. A cycle has
    no bottom and so ends at MAX_DEPTH; `seen` keeps the cost linear.
    """
    if value is None or isinstance(value, (int, float, str, bytes, np.ndarray, np.generic, np.dtype)):
        _check_integer(value)
        length = len(value) if isinstance(value, (str, bytes)) else getattr(value, "nbytes", 0)
        return 0, OBJECT_BYTES + length
    plain = isinstance(value, (list, tuple, dict, set, frozenset))
    _check(plain, "expected arrays and plain containers, got a part of an array in place of the whole")
    height, size = seen.get(id(value), (1, OBJECT_BYTES))
    if id(value) not in seen and depth < MAX_DEPTH:
        for child in chain(value, value.values()) if isinstance(value, dict) else value:
            child_height, child_size = _measure(child, seen, depth + 1)
            height, size = max(height, child_height + 1), size + child_size
        seen[id(value)] = height, size
    shallow = depth + height <= MAX_DEPTH
    _check(shallow, f"expected containers nested at most {MAX_DEPTH} deep, got deeper ones or a cycle")
    _check(size <= MAX_BYTES, f"expected at most {MAX_BYTES >> 20} MiB, got more by references to the same objects")
    return height, size


def _array(budget: "_Budget", payload: object, dtype: object, shape: object, order: object) -> np.ndarray:
    """Copy an array out of its bytes, after every check that makes this safe."""
    _check(isinstance(dtype, np.dtype), "expected the dtype of an array, got objects or something else")
    _check(type(order) is str and order in ("C", "F"), "expected elements in the order C or F, got another")
    whole = type(shape) is tuple and len(shape) <= MAX_DIMENSIONS and all(type(n) is int and n >= 0 for n in shape)
    _check(whole, f"expected a shape of at most {MAX_DIMENSIONS} dimensions, each 0 or more, got another")
    budget.spend(max(dtype.itemsize, 1) * math.prod(max(n, 1) for n in shape))  # an empty one still has its axes
    if type(payload) is str:
        payload = payload.encode("latin1")
    whole = type(payload) in (bytes, bytearray) and len(payload) == dtype.itemsize * math.prod(shape)
    _check(whole, f"expected as many bytes as an array of {dtype} and shape {shape} has, got others")
    if payload and dtype.kind in "bU":  # NumPy fails only when it reads a bad element, with SystemError or worse
        code, largest = ("u1", 1) if dtype.kind == "b" else (np.dtype("u4").newbyteorder(dtype.byteorder), 0x10FFFF)
        _check(np.frombuffer(payload, code).max() <= largest, f"expected elements of {dtype}, got bytes that are none")
    return np.ndarray(shape, dtype, payload, order=order).astype(dtype.newbyteorder("="), order="K", copy=True)


def _dtype(name: object, byte_order: object = "=") -> np.dtype:
    shown = repr(name[:20]) if type(name) is str else type(name).__name__
    known = type(name) is str and _DTYPE.fullmatch(name)
    _check(known, f"expected a dtype of booleans, integers, floats or text, got {shown}")
    _check(byte_order in ("<", ">", "|", "="), "expected byte order < > | or =, got another")
    return np.dtype(byte_order + name)


def _ordered(dtype: object, state: object) -> object:
    """Apply the state of a dtype, of which nothing but the byte order may differ from a plain one."""
    plain = type(state) is tuple and all(part is None or type(part) in (int, str) for part in state)
    _check(plain, "expected the state of a plain dtype, got one with fields or other parts")
    version, order, *parts, size, _alignment, flags = state
    plain_size, plain_flags = (-1, 63) if dtype is _OBJECT else (dtype.itemsize, 8 if dtype.kind == "U" else 0)
    plain = (version, parts) == (3, [None] * 3) and size in (-1, plain_size) and flags in (0, plain_flags)
    _check(plain, "expected the state of a plain dtype, got another size, flags or parts")
    return dtype if dtype is _OBJECT else _dtype(dtype.str[1:], order)


def _key(value: object) -> object:
    """Admit what is hashed at once; integers of 64 bits leave no room to craft many equal hashes."""
    plain = value is None or isinstance(value, (int, float, str, bytes, np.generic))
    _check(plain, f"expected a number or text as key or element of a set, got {type(value).__name__}")
    _check_integer(value)
    return value


def _check_integer(value: object) -> None:
    fits = not isinstance(value, int) or -(1 << 63) <= value < 1 << 64
    _check(fits, "expected integers of at most 64 bits, got a larger one")


def _table(items: list) -> dict:
    return dict(zip(map(_key, items[::2]), items[1::2], strict=True))


class UnsafePickle(ValueError):
    """The content is not a whole pickle (or .npz) of arrays and plain containers; nothing in it was run."""


class _Budget:
    """What may still be made, in bytes; one for all entries of a file."""

    def __init__(self):
        self.left = MAX_BYTES

    def spend(self, n: int) -> None:
        if n > self.left:
            raise UnsafePickle(f"expected at most {MAX_BYTES >> 20} MiB of content, got more. Is this a feature file?")
        self.left -= n


class _Unbuilt:
    """An array or a dtype that waits for its state, from which `build` makes it."""

    def __init__(self, build: Callable):
        self.build, self.built, self.value = build, False, None


class _Memo(dict):
    def __getitem__(self, number: int) -> object:
        value = super().__getitem__(number)
        return value.value if isinstance(value, _Unbuilt) and value.built else value


class _Unpickler(pickle._Unpickler):  # the one in Python: that in C has all opcodes
    def __init__(self, data: bytes, budget: _Budget, objects: bool):
        self.file, self.size, self.budget, self.objects = io.BytesIO(data), len(data), budget, objects
        super().__init__(self.file, encoding="latin1")
        self.read, self.readline, self.memo = self.file.read, self.file.readline, _Memo()
        self.stack, self.metastack = [], []
        self.append = self.stack.append

    def run(self) -> object:
        while (code := self.read(1)) != pickle.STOP:
            self.budget.spend(OBJECT_BYTES)
            _check(code != b"", f"expected a whole pickle, got its first {self.size} bytes. Copy the file again.")
            if code not in _OPCODES:
                raise UnsafePickle(f"expected arrays and plain containers, got opcode {code!r}; nothing was run")
            getattr(self, _OPCODES[code])()
        whole = len(self.stack) == 1 and not self.metastack and self.file.tell() == self.size
        _check(whole, f"expected one value and the end at byte {self.file.tell()}, got more or none")
        return self.stack[0]

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in _GLOBALS:
            raise UnsafePickle(
                f"expected NumPy arrays and plain containers, got {f'{module}.{name}'[:80]!r}, which could run code; "
                "nothing was run. Ask the file's authors for plain arrays, or delete it."
            )
        found = _GLOBALS[module, name]
        return found if found is _NDARRAY else partial(found, self)

    def reconstruct(self, kind: object, _shape: object, _code: object) -> _Unbuilt:
        _check(kind is _NDARRAY, "expected a plain numpy.ndarray, got another kind of array")
        return _Unbuilt(self.array)

    def array(self, state: tuple) -> object:
        version, shape, dtype, fortran, payload = state
        known = type(version) is int and version == 1 and type(fortran) in (bool, int)
        _check(known, "expected the state of an array, got another")
        if dtype is _OBJECT and self.objects and type(payload) is list and shape in ((), (len(payload),)):
            return payload if shape else payload[0]
        return _array(self.budget, payload, dtype, shape, "F" if fortran else "C")

    def dtype(self, name: object, _align: object, _copy: object) -> _Unbuilt:
        dtype = _OBJECT if type(name) is str and name in ("O4", "O8") else _dtype(name)
        return _Unbuilt(partial(_ordered, dtype))

    def scalar(self, dtype: object, payload: object) -> np.generic:
        return _array(self.budget, payload, dtype, (), "C")[()]

    def frombuffer(self, payload: object, dtype: object, shape: object, order: object, axes: object = None) -> object:
        if type(order) is not str or order != "K":
            return _array(self.budget, payload, dtype, shape, order)
        array = _array(self.budget, payload, dtype, shape, "C")  # its axes are in the order of memory
        whole = type(axes) is tuple and all(type(axis) is int for axis in axes)
        _check(whole, "expected the order of axes, got another")
        return array.transpose(axes)

    def encode(self, text: object, encoding: object) -> bytes:
        known = type(text) is str and type(encoding) is str and encoding == "latin1"
        _check(known, "expected bytes written as text in latin1, got something else")
        self.budget.spend(len(text))
        return text.encode("latin1")

    def make_set(self, items: object) -> set:
        _check(type(items) is list, "expected a list of the elements of a set, got something else")
        self.budget.spend(OBJECT_BYTES * len(items))
        return set(map(_key, items))

    def load_build(self) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        pending = isinstance(target, _Unbuilt) and not target.built
        _check(pending, f"expected an array or dtype to complete, got {type(target).__name__}")
        self.stack[-1] = target.value = target.build(state)
        target.built = True

    def load_frame(self) -> None:
        (length,) = struct.unpack("<Q", self.read(8))
        _check(length <= self.size - self.file.tell(), "expected a whole frame, got one cut short")

    def load_bytearray8(self) -> None:
        self.append(bytearray(self.read(*struct.unpack("<Q", self.read(8)))))

    def load_string(self) -> None:
        start = self.file.tell()
        plain = _QUOTED.fullmatch(self.readline()[:-1]) is not None
        _check(plain, "expected a quoted string in a line, got something else")
        self.file.seek(start)
        super().load_string()

    def load_dict(self) -> None:
        items = self.pop_mark()
        self.append(_table(items))

    def load_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.filled(dict).update(_table([key, value]))

    def load_setitems(self) -> None:
        items = self.pop_mark()
        self.filled(dict).update(_table(items))

    def load_additems(self) -> None:
        items = self.pop_mark()
        self.filled(set).update(map(_key, items))

    def load_frozenset(self) -> None:
        items = self.pop_mark()
        self.append(frozenset(map(_key, items)))

    def filled(self, kind: type) -> object:
        target = self.stack[-1]
        _check(type(target) is kind, f"expected a {kind.__name__} to fill, got {type(target).__name__}")
        return target


_OPCODES = {
    getattr(pickle, name): pickle._Unpickler.dispatch[getattr(pickle, name)[0]].__name__
    for name in (
        "INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING BINBYTES "
        "SHORT_BINBYTES BINBYTES8 BYTEARRAY8 UNICODE SHORT_BINUNICODE BINUNICODE BINUNICODE8 NONE NEWTRUE NEWFALSE "
        "EMPTY_TUPLE EMPTY_LIST EMPTY_DICT EMPTY_SET LIST TUPLE TUPLE1 TUPLE2 TUPLE3 DICT FROZENSET APPEND APPENDS "
        "SETITEM SETITEMS ADDITEMS MARK PUT BINPUT LONG_BINPUT MEMOIZE GET BINGET LONG_BINGET GLOBAL STACK_GLOBAL "
        "REDUCE BUILD PROTO FRAME"
    ).split()
}
_NDARRAY, _OBJECT = object(), object()
_GLOBALS = {
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _Unpickler.dtype,
    ("_codecs", "encode"): _Unpickler.encode,
}
for _module in ("numpy.core", "numpy._core"):  # NumPy 1, NumPy 2
    _GLOBALS[f"{_module}.multiarray", "_reconstruct"] = _Unpickler.reconstruct
    _GLOBALS[f"{_module}.multiarray", "scalar"] = _Unpickler.scalar
    _GLOBALS[f"{_module}.numeric", "_frombuffer"] = _Unpickler.frombuffer
for _module in ("__builtin__", "builtins"):  # protocols 0 to 3 have no opcode for these
    _GLOBALS[_module, "bytes"] = lambda unpickler: b""
    _GLOBALS[_module, "set"] = _Unpickler.make_set
    _GLOBALS[_module, "frozenset"] = lambda unpickler, items: frozenset(unpickler.make_set(items))
