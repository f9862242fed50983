"""The restricted decoder gives what pickle gives on benign streams, and only UnsafePickle on all others."""

import io
import itertools
import os
import pickle
import pickletools
import random
import struct
import subprocess
import sys
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from emogan.data.readers import unpickle
from emogan.data.readers.unpickle import UnsafePickle, load_npz, load_pickle, loads

PROTOCOLS = range(6)
DTYPES = ["?", "i1", "<i2", ">i4", "<i8", "u1", ">u2", "<u4", "<u8", "<f2", ">f4", "<f8", ">f8", "S3", "<U4", ">U2"]

# A dict of one little-endian array [0, 1] as Python 2.7 and NumPy 1 write it, by hand.
PYTHON_2 = (
    b"\x80\x02}q\x00U\x0etrain_data_eyeq\x01cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03K\x00\x85"
    b"U\x01b\x87Rq\x04(K\x01K\x02\x85cnumpy\ndtype\nq\x05U\x02f8K\x00K\x01\x87Rq\x06(K\x03U\x01<NNNJ\xff\xff\xff\xff"
    b"J\xff\xff\xff\xffK\x00tb\x89U\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xf0?tbs."
)
PYTHON_2_TEXT = (  # the same in protocol 0, Python 2's default
    b"(dp1\nS'train_data_eye'\np2\ncnumpy.core.multiarray\n_reconstruct\np3\n(cnumpy\nndarray\np4\n(I0\ntS'b'\ntRp5\n"
    b"(I1\n(L2L\ntcnumpy\ndtype\np6\n(S'f8'\nI0\nI1\ntRp7\n(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\n"
    rb"S'\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xf0?'"
    b"\ntbs."
)


def ordinary() -> dict:
    """Something of everything that is admitted."""
    x = np.linspace(-1, 1, 12).reshape(3, 4)
    return {
        0: x,
        1: np.asfortranarray(x).astype(">f4"),
        "text": [
            "plain",
            "häßlich",
            "\x00\n'\"\\",
            b"bytes\xff",
            b"",
            "",
            None,
            True,
            False,
            1.5,
            -7,
            2**63,
            float("inf"),
        ],
        b"key": (np.float32(2.5), np.int64(-3), np.bool_(True), np.str_("åb"), np.bytes_(b"cd"), np.str_("")),
        2.5: {"set": {1, 2}, "frozen": frozenset(["a"]), "empty": [[], {}, (), set(), frozenset()]},
        None: [np.zeros((0, 5)), np.array(3.0), np.array(["ab", "c"]), np.array([b"ab", b""]), np.array([True, False])],
        "dtype": np.dtype(">i2"),
        "shared": [x, x.T],
        "permuted": np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2),
    }


def assert_same(got: object, expected: object) -> None:
    assert type(got) is type(expected)
    if isinstance(expected, np.ndarray):
        native = expected.astype(expected.dtype.newbyteorder("="), order="K")  # pickle itself swaps some, not all
        assert got.dtype == native.dtype
        assert got.dtype.isnative
        assert got.flags.writeable
        assert got.shape == expected.shape
        assert got.tobytes() == native.tobytes()
        assert got.flags.f_contiguous == expected.flags.f_contiguous
        assert got.strides == expected.strides or not got.size  # NumPy's own choice where there is nothing
    elif isinstance(expected, dict):
        assert list(got) == list(expected)
        for key, known in zip(got, expected, strict=True):
            assert_same(key, known)
            assert_same(got[key], expected[known])
    elif isinstance(expected, (list, tuple)):
        assert len(got) == len(expected)
        for one, other in zip(got, expected, strict=True):
            assert_same(one, other)
    else:
        assert got == expected


def refuse(data: bytes, match: str | None = None) -> None:
    with pytest.raises(UnsafePickle, match=match):
        loads(data)


def array_pickle(shape=b"K\x02\x85", name=b"f8", order=b"<", tail=b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00",
                 payload=bytes(16), version=b"K\x01") -> bytes:  # fmt: skip
    """Write the pickle of an array with parts to be replaced by hostile ones."""
    return (
        b"\x80\x03cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R("
        + version + shape + b"cnumpy\ndtype\nX" + struct.pack("<I", len(name)) + name + b"\x89\x88\x87R(K\x03X"
        + struct.pack("<I", len(order)) + order + tail + b"tb\x89C" + bytes([len(payload)]) + payload + b"tb."
    )  # fmt: skip


def seed_v_like() -> tuple[dict, dict]:
    rng = np.random.default_rng(0)
    windows = rng.integers(5, 9, 45)
    data = {k: rng.normal(size=(n, 310)) for k, n in enumerate(windows)}
    return data, {k: np.full(n, float(k % 5)) for k, n in enumerate(windows)}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_loads_gives_what_pickle_gives(protocol):
    data = pickle.dumps(ordinary(), protocol=protocol)
    assert_same(loads(data), pickle.loads(data))


@given(
    array=hnp.arrays(
        hnp.boolean_dtypes()
        | hnp.integer_dtypes()
        | hnp.floating_dtypes(sizes=(16, 32, 64))
        | hnp.unicode_string_dtypes()
        | hnp.byte_string_dtypes(),
        hnp.array_shapes(min_dims=0, min_side=0, max_dims=4),
    ),
    protocol=st.sampled_from(PROTOCOLS),
)
@settings(max_examples=150, deadline=None)
def test_any_array_survives(array, protocol):
    data = pickle.dumps([array, array.T, array[..., None]], protocol=protocol)
    assert_same(loads(data), pickle.loads(data))


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(0, 44), inner),
    max_leaves=20,
)


@given(value=plain, protocol=st.sampled_from(PROTOCOLS))
@settings(max_examples=60, deadline=None)
def test_any_plain_containers_survive(value, protocol):
    assert_same(loads(pickle.dumps(value, protocol=protocol)), value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_streams_of_numpy_1_and_2_give_the_same(protocol):
    value = {"x": np.arange(6.0).reshape(2, 3), "s": np.float64(2)}
    data = pickletools.optimize(pickle.dumps(value, protocol=protocol))
    renamed = data
    for module in (b"multiarray", b"numeric"):
        new, old = b"numpy._core." + module, b"numpy.core." + module
        for length in ("<B", "<I"):
            renamed = renamed.replace(struct.pack(length, len(new)) + new, struct.pack(length, len(old)) + old)
        renamed = renamed.replace(b"c" + new, b"c" + old)
    if protocol >= 4:  # the frame is shorter now
        size = struct.unpack_from("<Q", data, 3)[0] - (len(data) - len(renamed))
        renamed = renamed[:3] + struct.pack("<Q", size) + renamed[11:]
    assert b"numpy._core" in data
    assert b"numpy.core" in renamed
    assert b"numpy._core" not in renamed
    assert_same(loads(renamed), value)


@pytest.mark.parametrize("data", [PYTHON_2, PYTHON_2_TEXT], ids=["protocol 2", "protocol 0"])
def test_a_stream_of_python_2_gives_str_keys_and_its_array(data):
    assert_same(loads(data), {"train_data_eye": np.array([0.0, 1.0])})


def test_strings_of_python_2_are_latin1_in_every_opcode():
    text = "caf\xe9 \x00\n\t\\'"
    raw = text.encode("latin1")
    assert loads(b"U" + bytes([len(raw)]) + raw + b".") == text
    assert loads(b"T" + struct.pack("<i", len(raw)) + raw + b".") == text
    assert loads(b'S"caf\\xe9 \\x00\\n\\t\\\\\'"\n.') == text
    assert loads(b"c__builtin__\nset\n((lp0\nI1\naI2\natR.") == {1, 2}


def test_escapes_that_python_2_does_not_write_are_refused_whatever_python_says_of_them():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for text in (rb"\q", rb"\400", rb"\x4", rb"\\\q", rb"\x4\\1"):
            refuse(b"S'" + text + b"'\n.")
    assert loads(rb"S'\\q\\\x41'" + b"\n.") == "\\q\\A"


def test_arrays_do_not_share_memory_with_the_stream_nor_with_each_other():
    both = loads(pickle.dumps([np.arange(3.0), np.arange(3.0)], protocol=5))
    both[0][:] = 7
    assert both[1].tolist() == [0, 1, 2]


def test_shared_objects_stay_shared():
    array, inner = np.arange(3), [1]
    got = loads(pickle.dumps([array, array, inner, inner]))
    assert got[0] is got[1]
    assert got[2] is got[3]


# --- files


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_npz_as_of_seed_v_is_decoded(tmp_path, save):
    data, label = seed_v_like()
    path = tmp_path / "1_123.npz"
    save(path, data=pickle.dumps(data, 2), label=pickle.dumps(label, 2), plain=np.arange(3))
    got = load_npz(path)
    assert_same(got, {"data": data, "label": label, "plain": np.arange(3)})


def test_an_npz_may_hold_its_pickles_as_void_text_or_objects(tmp_path):
    value = {"train_data": np.arange(4.0).reshape(2, 2), "names": ["a", "b"]}
    ragged = np.empty(2, dtype=object)
    ragged[0], ragged[1] = np.arange(2), {"x": np.arange(3.0)}
    path = tmp_path / "objects.npz"
    np.savez(
        path, void=np.void(pickle.dumps(value)), padded=np.array(pickle.dumps(value), dtype="S1000"),
        text=pickle.dumps(value, 0).decode("latin1"), item=np.array(value, dtype=object), ragged=ragged,
    )  # fmt: skip
    got = load_npz(path)
    for name in ("void", "padded", "text", "item"):
        assert_same(got[name], value)
    assert_same(got["ragged"], list(ragged))


def test_plain_entries_of_an_npz_are_what_numpy_loads(tmp_path):
    path, whole = tmp_path / "plain.npz", np.arange(24).reshape(2, 3, 4)
    arrays = {
        f"{dtype}{part.shape}": part.astype(dtype) for dtype in DTYPES for part in (whole[0, 0, 0], whole[:0], whole)
    }
    np.savez(path, fortran=np.asfortranarray(whole), **arrays)
    with np.load(path, allow_pickle=False) as expected:
        assert_same(load_npz(path), dict(expected))


def test_an_npz_of_python_2_may_write_long_shapes(tmp_path):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (2L, 1L), }"
    header += b" " * (117 - len(header)) + b"\n"
    path = write_npz(tmp_path, b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + np.ones(2).tobytes())
    assert_same(load_npz(path), {"data": np.ones((2, 1))})


def test_text_that_is_no_pickle_stays_text(tmp_path):
    path = tmp_path / "text.npz"
    np.savez(path, note=b"recorded in 2019.", title="SEED.", empty=b"")
    got = load_npz(path)
    assert (got["note"].item(), got["title"].item(), got["empty"].item()) == (b"recorded in 2019.", "SEED.", b"")


def test_a_bare_pickle_file_is_decoded_and_errors_name_it(tmp_path):
    path = tmp_path / "1_1"
    path.write_bytes(PYTHON_2)
    assert_same(load_pickle(path), {"train_data_eye": np.array([0.0, 1.0])})
    path.write_bytes(PYTHON_2[:-1])
    with pytest.raises(UnsafePickle, match="1_1"):
        load_pickle(path)


@pytest.mark.parametrize("load", [load_npz, load_pickle])
def test_a_missing_file_is_named(tmp_path, load):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load(tmp_path / "nowhere")


def write_npz(tmp_path, *members: bytes, name: str = "data.npy", compression: int = zipfile.ZIP_DEFLATED):
    path = tmp_path / "bad.npz"
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", compression) as archive:
        warnings.simplefilter("ignore")  # of equal names
        for content in members:
            archive.writestr(name, content)
    return path


def npy(value: object, allow_pickle: bool = False) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(value), allow_pickle=allow_pickle)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["S", "V", "O"])
def test_an_npz_whose_pickle_would_run_code_is_refused_with_path_and_entry(tmp_path, kind):
    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    data = pickle.dumps(Hostile())
    content = {"S": npy(data), "V": npy(np.void(data)), "O": npy(np.array(Hostile(), dtype=object), True)}[kind]
    with pytest.raises(UnsafePickle, match=r"bad\.npz: entry 'data'.*mkdir.*nothing was run"):
        load_npz(write_npz(tmp_path, content))
    assert not (tmp_path / "ran").exists()


def test_npz_members_that_numpy_does_not_write_are_refused(tmp_path):
    good = npy(np.arange(3))
    two = np.zeros(2, dtype=[("a", "f8"), ("b", "i4")])
    load_npz(write_npz(tmp_path, good))
    with pytest.raises(UnsafePickle, match="different names"):
        load_npz(write_npz(tmp_path, good, good))
    for content in (
        b"", b"\x93NUMPY", b"text", good[:-1], good + b"\0", npy(two), npy(np.zeros(2, "M8[s]")), npy(np.void(b"xyz")),
        good.replace(b"(3,)", b"(4,)"), good.replace(b"(3,)", b"(-3,)"), good.replace(b"'<i8'", b"'|O8'"),
        good.replace(b"False", b"print"), npy(np.zeros(2, complex)),
    ):  # fmt: skip
        with pytest.raises(UnsafePickle):
            load_npz(write_npz(tmp_path, content))
    for name, compression in (("data.txt", zipfile.ZIP_STORED), ("data.npy", zipfile.ZIP_LZMA)):
        with pytest.raises(UnsafePickle):
            load_npz(write_npz(tmp_path, good, name=name, compression=compression))


def test_a_damaged_npz_is_refused_wherever_it_is_cut(tmp_path):
    path = tmp_path / "cut.npz"
    np.savez_compressed(path, data=pickle.dumps({0: np.arange(5.0)}))
    whole = path.read_bytes()
    for n in range(len(whole)):
        path.write_bytes(whole[:n])
        with pytest.raises(UnsafePickle, match=r"cut\.npz"):
            load_npz(path)


def test_a_wrong_checksum_is_refused(tmp_path):
    path = tmp_path / "crc.npz"
    np.savez(path, data=np.arange(100.0))
    content = bytearray(path.read_bytes())
    content[content.index(np.float64(50).tobytes())] ^= 1
    path.write_bytes(content)
    with pytest.raises(UnsafePickle, match="CRC"):
        load_npz(path)


def test_zip_bombs_are_refused_before_they_unfold(tmp_path, monkeypatch):
    monkeypatch.setattr(unpickle, "MAX_BYTES", 1 << 20)
    honest = write_npz(tmp_path, npy(np.zeros(1 << 20)))
    tracemalloc.start()
    with pytest.raises(UnsafePickle, match="at most 1 MiB"):
        load_npz(honest)
    assert tracemalloc.get_traced_memory()[1] < 6 << 20  # of the 8 MiB that it would take
    tracemalloc.stop()
    content, size = honest.read_bytes(), struct.pack("<I", len(npy(np.zeros(1 << 20))))
    assert content.count(size) == 2
    honest.write_bytes(content.replace(size, struct.pack("<I", 200)))  # the header lies
    with pytest.raises(UnsafePickle):
        load_npz(honest)
    with zipfile.ZipFile(tmp_path / "many.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(8):  # each alone is within the bound
            archive.writestr(f"{i}.npy", npy(np.zeros(1 << 15)))
    with pytest.raises(UnsafePickle, match="at most 1 MiB"):
        load_npz(tmp_path / "many.npz")
    with zipfile.ZipFile(tmp_path / "entries.npz", "w") as archive:
        for i in range(unpickle.MAX_ENTRIES + 1):
            archive.writestr(f"{i}.npy", b"")
    with pytest.raises(UnsafePickle, match="at most 1000 entries"):
        load_npz(tmp_path / "entries.npz")
    (tmp_path / "large").write_bytes(bytes((1 << 20) + 1))
    for load in (load_npz, load_pickle):
        with pytest.raises(UnsafePickle, match="larger"):
            load(tmp_path / "large")


# --- refused


class Canary:
    """Would be called by pickle.loads."""

    calls = 0

    @classmethod
    def sing(cls, *_arguments):
        cls.calls += 1

    def __reduce__(self):
        return Canary.sing, (1,)


def test_the_canary_sings_for_pickle_and_not_for_loads():
    Canary.calls = 0
    pickle.loads(pickle.dumps([Canary()]))
    assert Canary.calls == 1
    for protocol in PROTOCOLS:
        refuse(pickle.dumps([Canary()], protocol=protocol), "nothing was run")
        refuse(pickle.dumps({0: np.arange(3), 1: Canary()}, protocol=protocol), "nothing was run")
    assert Canary.calls == 1


HOSTILE = {
    "os.system": b"cos\nsystem\n(S'true'\ntR.",
    "builtins.eval": b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.",
    "dotted name": b"\x80\x04\x8c\x05numpy\x8c\x0dndarray.dumps\x93.",
    "numpy.load": b"cnumpy\nload\n(S'x'\ntR.",
    "encode with another codec": b"c_codecs\nencode\n(Vab\nVrot13\ntR.",
    "persistent id": b"Pos.system\n.",
    "extension 1": b"\x82\x01.",
    "INST": b"(S'true'\nios\nsystem\n.",
    "NEWOBJ": b"\x80\x02cnumpy\nndarray\nK\x03\x85\x85\x81.",
    "next buffer": b"\x80\x05\x97.",
    "a global alone": b"cnumpy\ndtype\n.",
    "a global in a container": b"(lcnumpy\ndtype\na.",
    "a dtype without its state": b"cnumpy\ndtype\n(S'f8'\nI0\nI1\ntR.",
    "an array without its state": b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR.",
    "ndarray called": b"cnumpy\nndarray\n((I3\nttR.",
    "state for a dict": b"}}b.",
    "call of text": b"S'numpy dtype'\n(S'f8'\ntR.",
    "protocol 6": b"\x80\x06N.",
    "later opcode": b"\xff.",
    "bytes after the end": b"N.N.",
    "two values": b"NN.",
    "open mark": b"(N.",
    "nothing": b"",
    "no value": b".",
    "unset memo": b"h\x07.",
    "negative memo": b"Np-1\ng-2\n.",
    "list as key": b"}]Ns.",
    "array key of a set": b"\x80\x04\x8f(]\x90.",
    "odd items": b"}(Nu.",
    "append to a dict": b"}Na.",
    "elements for a dict": b"\x80\x04}(N\x90.",
    "integer of 65 bits": b"\x8a\x09" + bytes(8) + b"\x01.",
    "integer of many digits": b"I" + b"9" * 5000 + b"\n.",
    "no integer": b"Iabc\n.",
    "length of 1 TB": b"\x8e" + struct.pack("<Q", 1 << 40) + b"a.",
    "negative length": b"T\xff\xff\xff\xffa.",
    "frame past the end": b"\x80\x04\x95" + struct.pack("<Q", 1 << 40) + b"N.",
    "not UTF-8": b"X\x01\x00\x00\x00\xff.",
    "open escape": b"V\\u12\n.",
    "open quote": b"S'a\n.",
    "bytearray": b"\x80\x05\x96" + struct.pack("<Q", 1) + b"a.",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_not_an_array_or_a_plain_container_is_refused(data):
    refuse(data)


@pytest.mark.parametrize(
    "value",
    [
        np.array([{}, None], dtype=object), np.zeros(2, dtype=[("a", "f8")]), np.zeros(2, "M8[s]"), np.zeros(2, dtype=complex),
        np.dtype("O"), np.datetime64("2020-01-01"), np.void(b"ab"), np.longdouble(1), 2**64, -(2**63) - 1, range(3), print,
        object(), bytearray(b"a"), {(1, 2): 3},
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_other_objects_are_refused(value):
    for protocol in (2, 4, 5):
        refuse(pickle.dumps(value, protocol=protocol))


def test_the_array_that_the_hostile_ones_are_made_from_is_good():
    assert_same(loads(array_pickle()), np.zeros(2))


NEGATIVE = b"J\xff\xff\xff\xff"
NO_FIELDS = NEGATIVE * 2 + b"K\x00"
BAD_ARRAYS = {
    "too few bytes": {"payload": bytes(15)},
    "too many bytes": {"payload": bytes(24)},
    "negative shape": {"shape": NEGATIVE + b"\x85"},
    "product that overflows to 2": {"shape": b"\x8a\x09" + struct.pack("<Q", (1 << 63) + 1) + b"\x00K\x02\x86"},
    "product that overflows to 0": {
        "shape": b"\x8a\x05\x00\x00\x00\x00\x01\x8a\x05\x00\x00\x00\x00\x01\x86",
        "payload": b"",
    },
    "zero axis and a huge one": {"shape": b"K\x00\x8a\x06\x00\x00\x00\x00\x00\x01\x86", "payload": b""},
    "shape that is a list": {"shape": b"]K\x02a"},
    "shape of floats": {"shape": b"G@\x00\x00\x00\x00\x00\x00\x00\x85"},
    "shape of booleans": {"shape": b"\x88\x88\x86", "payload": bytes(8)},
    "33 axes": {"shape": b"(" + b"K\x01" * 33 + b"t", "payload": bytes(8)},
    "version 2": {"version": b"K\x02"},
    "object dtype": {"name": b"O8", "tail": b"NNN" + NEGATIVE * 2 + b"K\x3f", "order": b"|"},
    "plain object dtype": {"name": b"O8"},
    "structure": {"name": b"f8,f8"},
    "huge item": {"name": b"S999999999"},
    "items without bytes": {"name": b"U0", "shape": b"J\xff\xff\xff\x7f\x85", "payload": b""},
    "unknown order": {"order": b"<>"},
    "no order": {"order": b""},
    "object flag": {"tail": b"NNN" + NEGATIVE * 2 + b"K\x3f"},
    "other item size": {"tail": b"NNN" + b"K\x04" + NEGATIVE + b"K\x00"},
    "subarray": {"tail": b"cnumpy\ndtype\nX\x02\x00\x00\x00f8\x89\x88\x87RK\x02\x85\x86NN" + NO_FIELDS},
    "names": {"tail": b"NX\x01\x00\x00\x00a\x85N" + NO_FIELDS},
    "metadata": {"tail": b"NNN" + NO_FIELDS + b"}"},
    "numbers as fields": {"tail": b"NNK\x01" + NO_FIELDS},
    "state too short": {"tail": b"NNN"},
    "booleans that are none": {"name": b"b1", "payload": b"\x01\x02"},
    "characters that are none": {"name": b"U2", "tail": b"NNNK\x08K\x04K\x08", "payload": b"\x00\x00\x11\x00" * 4},
}


@pytest.mark.parametrize("parts", BAD_ARRAYS.values(), ids=BAD_ARRAYS.keys())
def test_an_array_with_a_hostile_state_is_refused(parts):
    refuse(array_pickle(**parts))


def test_another_kind_of_array_is_refused():
    refuse(array_pickle().replace(b"numpy\nndarray", b"numpy\ndtype"), "ndarray")


def test_a_second_state_is_refused():
    state = b"(K\x03X\x01\x00\x00\x00>NNN" + NO_FIELDS + b"t"
    dtype = b"\x80\x03cnumpy\ndtype\nX\x02\x00\x00\x00f8\x89\x88\x87R"
    assert loads(dtype + state + b"b.") == np.dtype(">f8")
    refuse(dtype + state + b"b" + state + b"b.")
    refuse(dtype + b"q\x00h\x00" + state + b"bh\x00" + state + b"b.")


def test_an_order_of_axes_that_is_none_is_refused():
    data = (
        b"\x80\x05\x8c\x13numpy._core.numeric\x8c\x0b_frombuffer\x93(C\x10" + bytes(16)
        + b"\x8c\x05numpy\x8c\x05dtype\x93"
        b"\x8c\x02f8\x89\x88\x87R(K\x03\x8c\x01<NNN" + NO_FIELDS + b"tbK\x01K\x02\x86\x8c\x01K%stR."
    )  # fmt: skip
    assert loads(data.replace(b"%s", b"K\x01K\x00\x86")).shape == (2, 1)
    for axes in (b"K\x00K\x00\x86", b"K\x00\x85", b"K\x00K\x02\x86", b"N", b"]"):
        refuse(data.replace(b"%s", axes))


# --- bounds


def test_cycles_are_refused():
    cycle = []
    cycle.append(cycle)
    table = {}
    table["self"] = [table, (table,)]
    for value in (cycle, [1, cycle], table):
        for protocol in PROTOCOLS:
            refuse(pickle.dumps(value, protocol=protocol), "cycle")


def nested(depth: int) -> object:
    value = 1.0
    for _ in range(depth):
        value = [value]
    return value


def test_nesting_is_bounded():
    assert loads(pickle.dumps(nested(unpickle.MAX_DEPTH))) == nested(unpickle.MAX_DEPTH)
    refuse(pickle.dumps(nested(unpickle.MAX_DEPTH + 1)), "deep")


def test_nesting_is_bounded_along_shared_containers_too():
    deep = nested(unpickle.MAX_DEPTH - 2)
    loads(pickle.dumps([deep, [deep]]))
    refuse(pickle.dumps([deep, [[deep]]]), "deep")


@pytest.mark.parametrize(
    "data",
    [
        b"]" * 10**5 + b"a" * (10**5 - 1) + b".",
        b"N" + b"\x85" * 10**5 + b".",
        b"N" + b"(" * 10**5,
        b"}" + b"N}" * 10**5 + b"s" * 10**5 + b".",
    ],
    ids=["lists", "tuples", "marks", "dicts"],
)
def test_many_nested_containers_neither_crash_nor_recurse(data):
    refuse(data)


def test_references_cannot_multiply_what_a_reader_walks():
    pairs = b"N" + b"".join(b"q%ch%c\x86" % (i, i) for i in range(30)) + b"."  # pairs of pairs of pairs ...
    assert len(pairs) < 200
    refuse(pairs, "references")
    big = b"\x80\x03]q\x00(B" + struct.pack("<I", 1 << 20) + bytes(1 << 20) + b"q\x01" + b"h\x01" * 1000 + b"e."
    refuse(big, "references")


def test_one_payload_cannot_become_many_arrays(monkeypatch):
    monkeypatch.setattr(unpickle, "MAX_BYTES", 1 << 20)
    first = (
        b"\x80\x03](cnumpy.core.numeric\n_frombuffer\nq\x01(B" + struct.pack("<I", 1 << 16) + bytes(1 << 16) + b"q\x02"
        b"cnumpy\ndtype\nX\x02\x00\x00\x00u1\x89\x88\x87R(K\x03X\x01\x00\x00\x00|NNN" + NO_FIELDS + b"tbq\x00"
        b"J\x00\x00\x01\x00\x85X\x01\x00\x00\x00CtR"
    )  # fmt: skip
    again = b"h\x01(h\x02h\x00J\x00\x00\x01\x00\x85X\x01\x00\x00\x00CtR"
    assert [len(array) for array in loads(first + again * 3 + b"e.")] == [1 << 16] * 4
    refuse(first + again * 20 + b"e.", "at most 1 MiB of content")


def test_bytes_and_sets_cannot_be_made_over_and_over(monkeypatch):
    monkeypatch.setattr(unpickle, "MAX_BYTES", 1 << 20)
    text = b"](c_codecs\nencode\nq\x00(X" + struct.pack("<I", 1 << 16) + b"a" * (1 << 16) + b"Vlatin1\ntq\x01R"
    assert loads(text + b"e.") == [b"a" * (1 << 16)]
    refuse(text + b"h\x00h\x01R" * 20 + b"e.", "MiB of content")
    elements = b"](cbuiltins\nset\nq\x00((" + b"N" * 1000 + b"ltq\x01R"
    assert loads(elements + b"e.") == [{None}]
    refuse(elements + b"h\x00h\x01R" * 20 + b"e.", "MiB of content")


def test_the_number_of_opcodes_is_bounded(monkeypatch):
    monkeypatch.setattr(unpickle, "MAX_BYTES", 1 << 20)
    assert loads(b"](" + b"N" * 2000 + b"e.") == [None] * 2000
    refuse(b"](" + b"N" * 5000 + b"e.", "at most 1 MiB")
    refuse(b"N" + b"".join(b"r" + struct.pack("<I", i) for i in range(5000)) + b".", "at most 1 MiB")


def test_a_pickle_cut_anywhere_is_refused():
    for protocol in PROTOCOLS:
        data = pickle.dumps({0: np.arange(3.0), "a": [np.float32(1), "text", (1, 2)]}, protocol=protocol)
        loads(data)
        for n in range(len(data)):
            refuse(data[:n])


# --- fuzz


def corpus() -> list[list[bytes]]:
    value = ordinary()
    streams = [pickle.dumps(value, protocol=p) for p in PROTOCOLS]
    streams += [pickle.dumps({0: np.arange(3.0), 1: np.float64(1)}, protocol=p) for p in PROTOCOLS]
    streams += [PYTHON_2, PYTHON_2_TEXT, array_pickle()] * 4
    return [opcodes(data) for data in streams * 8 + [data for data in HOSTILE.values() if 0 < len(data) < 200]]


def opcodes(data: bytes) -> list[bytes]:
    """Cut a stream into its opcodes; frames, whose length would give every change away, are left out."""
    try:
        at = [position for opcode, _, position in pickletools.genops(data)]
    except Exception:  # a hostile one
        return [data]
    parts = [data[start:end] for start, end in itertools.pairwise([*at, len(data)])]
    return [part for part in parts if part[:1] != pickle.FRAME]


def mutate(rng: random.Random, streams: list[list[bytes]]) -> bytes:
    """Change a stream: flip bits, or repeat, delete, exchange, insert or graft opcodes."""
    parts = list(rng.choice(streams))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        at, other = rng.randrange(len(parts)), rng.choice(streams)
        start, n = rng.randrange(len(other)), rng.choice((1, 1, 2, 5))
        match rng.randrange(7):
            case 0:
                flipped = bytearray(parts[at])
                flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
                parts[at] = bytes(flipped)
            case 1:
                parts[at] = rng.choice(pickletools.opcodes).code.encode("latin1") + parts[at][1:]
            case 2:
                parts[at:at] = [
                    rng.choice(pickletools.opcodes).code.encode("latin1") + rng.randbytes(rng.choice((0, 1, 4)))
                ]
            case 3:
                del parts[at : min(at + n, len(parts) - 1)]
            case 4:
                parts[at:at] = parts[at : at + n]
            case 5:
                parts[at : at + rng.choice((0, n))] = other[start : start + n] or [b"N"]
            case 6:  # one argument for another of its kind
                alike = [part for part in other if part[:1] == parts[at][:1]]
                parts[at] = rng.choice(alike or [parts[at]])
        parts = parts or [b"."]
    return b"".join(parts)


def fuzz(seed: int, count: int) -> tuple[int, int]:
    """Decode mutated streams, walk and print what comes out; return the numbers of values and of refusals."""
    rng, streams, values, refusals = random.Random(seed), corpus(), 0, 0
    for _ in range(count):
        try:
            value = loads(mutate(rng, streams))
        except UnsafePickle:
            refusals += 1
        else:
            values += 1
            repr(value)
            pickle.dumps(value)
    return values, refusals


def test_mutated_streams_give_a_value_or_unsafe_pickle():
    values, refusals = fuzz(seed=0, count=4000)
    assert values > 100  # the fuzz must reach beyond the first refusal
    assert refusals > 100


@pytest.mark.parametrize("whole", [True, False], ids=["entries", "archive"])
def test_a_mutated_npz_gives_arrays_or_unsafe_pickle(tmp_path, whole):
    """Bits flipped in the entries of a sound archive, which reach the decoder, and in the archive, whose CRC they break."""
    path, rng = tmp_path / "fuzz.npz", random.Random(0)
    np.savez(path, data=pickle.dumps({0: np.arange(5.0)}), objects=np.array({"a": 1}, dtype=object), x=np.arange(3))
    archive = path.read_bytes()
    with zipfile.ZipFile(path) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    values = refusals = 0
    for _ in range(600 if whole else 100):
        if whole:
            name = rng.choice(list(entries))
            with zipfile.ZipFile(path, "w") as file:
                for other, content in entries.items():
                    file.writestr(other, flipped(content, 1, rng) if other == name else content)
        else:
            path.write_bytes(flipped(archive, rng.choice((1, 2, 5)), rng))
        try:
            repr(load_npz(path))
        except UnsafePickle:
            refusals += 1
        else:
            values += 1
    assert refusals > 50
    assert values > (50 if whole else 0)


def flipped(content: bytes, bits: int, rng: random.Random) -> bytes:
    """The bytes with some bits, drawn at random, changed."""
    damaged = bytearray(content)
    for _ in range(bits):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def test_nothing_is_imported_opened_or_executed_while_decoding():
    """In a process of its own: an audit hook cannot be taken away."""
    program = (
        "import sys, test_unpickle as t\n"
        "t.fuzz(1, 200)\n"  # codecs are looked up once
        "seen = []\n"
        "sys.addaudithook(lambda event, arguments: seen.append(event))\n"
        "t.fuzz(2, 1500)\n"
        "found = set(seen)\n"
        "import os.path\n"
        "print(sorted(found))\n"
    )
    path = os.pathsep.join([*sys.path, os.path.dirname(__file__)])
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in ("[]", "['builtins.id']")
