"""Tests of the MATLAB file reader: SciPy's reader and writer as the oracle, and damaged files."""

import glob
import os
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.io import loadmat, savemat

from emogan.data.readers import matlab

NUMBERS = st.sampled_from(["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
SHAPES = arrays.array_shapes(min_dims=2, max_dims=4, max_side=6)


def cells(*values) -> np.ndarray:
    """A row of cells, as savemat takes it."""
    row = np.empty((1, len(values)), dtype=object)
    row[0, :] = values
    return row


@given(array=arrays.arrays(NUMBERS, SHAPES), compressed=st.booleans())
@settings(max_examples=60, deadline=None)
def test_every_array_of_numbers_is_read_as_scipy_wrote_it(tmp_path_factory, array, compressed):
    path = tmp_path_factory.getbasetemp() / "array.mat"
    savemat(path, {"before": np.ones(3), "x1": array, "after": "text"}, do_compression=compressed)
    read = matlab.read(path, ["x1"])["x1"]
    assert read.dtype == array.dtype
    np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize("compressed", [False, True])
def test_cells_are_lists_and_a_struct_is_a_dict(tmp_path, compressed):
    one, two = np.arange(6.0).reshape(2, 3), np.arange(8, dtype=np.int16).reshape(2, 2, 2)
    content = {"c": cells(one, two), "s": {"train_data_eye": one, "nested": {"b": two}}}
    savemat(tmp_path / "a.mat", content, do_compression=compressed)
    read = matlab.read(tmp_path / "a.mat", ["c", "s"])
    np.testing.assert_array_equal(read["c"][0], one)
    np.testing.assert_array_equal(read["c"][1], two)
    np.testing.assert_array_equal(read["s"]["train_data_eye"], one)
    np.testing.assert_array_equal(read["s"]["nested"]["b"], two)


def test_cells_that_are_nested_too_deep_are_refused(tmp_path):
    for depth in (matlab.MAX_DEPTH, matlab.MAX_DEPTH + 1):
        value = np.ones((1, 2))
        for _ in range(depth):
            value = cells(value)
        savemat(tmp_path / f"{depth}.mat", {"x": value})
    assert matlab.read(tmp_path / f"{matlab.MAX_DEPTH}.mat", ["x"])["x"]
    with pytest.raises(ValueError, match=rf"{matlab.MAX_DEPTH + 1}\.mat.*cells nested deeper than {matlab.MAX_DEPTH}"):
        matlab.read(tmp_path / f"{matlab.MAX_DEPTH + 1}.mat", ["x"])


def test_files_that_matlab_wrote_are_read_as_scipy_reads_them():
    """SciPy ships files of MATLAB 6 to 7.4, of both byte orders, where its wheel holds its tests."""
    folder = os.path.join(os.path.dirname(scipy.io.__file__), "matlab", "tests", "data")
    names = {
        "test3dmatrix": "test3dmatrix_*",
        "testdouble": "testdouble_[67]*",
        "floats": "*_endian",
        "a": "testmulti_7*",
    }
    paths = [(name, path) for name, pattern in names.items() for path in glob.glob(f"{folder}/{pattern}.mat")]
    if not paths:
        pytest.skip("this SciPy has no test files")
    for name, path in paths:
        np.testing.assert_array_equal(matlab.read(Path(path), [name])[name], loadmat(path)[name])


def test_a_missing_variable_is_an_error_that_says_what_is_there(tmp_path):
    savemat(tmp_path / "a.mat", {f"de_LDS{i}": np.ones((2, 2)) for i in range(1, 10)})
    with pytest.raises(ValueError, match=r"a\.mat: expected the variables b, de_LDS1, missing b; .*\(9 in all\)"):
        matlab.read(tmp_path / "a.mat", ["b", "de_LDS1"])


def test_a_file_of_version_7_3_is_an_error_with_the_remedy_without_h5py(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    header = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\2IM"
    for content in (header.ljust(512, b"\0") + b"\x89HDF\r\n\x1a\n", b"\x89HDF\r\n\x1a\n".ljust(600, b"\0")):
        (tmp_path / "a.mat").write_bytes(content)
        with pytest.raises(ValueError, match=r"a\.mat: .*version 7\.3, .*'-v7'"):
            matlab.read(tmp_path / "a.mat", ["x"])


@pytest.mark.parametrize(("value", "named"), [
    ("text", "class 4"), (np.ones((2, 2)) * 1j, "flags 0x8"), (scipy.sparse.eye(3), "class 5"), (cells("a"), "class 4"),
])  # fmt: skip
def test_what_no_feature_file_holds_is_refused(tmp_path, value, named):
    savemat(tmp_path / "a.mat", {"x": value})
    with pytest.raises(ValueError, match=named):
        matlab.read(tmp_path / "a.mat", ["x"])


def test_damaged_files_end_in_a_value_error_that_names_the_file(tmp_path):
    """Flipped and missing bytes, also inside the compressed part; SciPy's reader crashes on such files."""
    rng, path = np.random.default_rng(0), tmp_path / "a.mat"
    savemat(path, {"x": rng.normal(size=(6, 4, 5)), "c": cells(np.ones((2, 3)), np.ones(2)), "s": {"f": np.ones(3)}})
    plain = path.read_bytes()
    messages = []
    for trial in range(600):
        damaged = bytearray(plain)
        for _ in range(rng.integers(1, 4)):
            damaged[rng.integers(len(plain))] = rng.choice([0, 1, 255, rng.integers(256)])
        if trial % 3 == 0:
            damaged = damaged[: rng.integers(len(plain))]
        if trial % 3 == 1:
            body = zlib.compress(bytes(damaged[128:]), 1)
            damaged = damaged[:128] + (15).to_bytes(4, "little") + len(body).to_bytes(4, "little") + body
        path.write_bytes(damaged)
        try:
            matlab.read(path, ["x", "c", "s"])
        except ValueError as error:
            messages.append(str(error))
    assert len(messages) > 100
    assert all(message.startswith(f"{path}: ") for message in messages)


def test_a_bomb_is_refused_before_it_fills_the_memory(tmp_path):
    savemat(tmp_path / "a.mat", {"x": np.zeros((2, 2))})
    content = bytearray((tmp_path / "a.mat").read_bytes())
    at = content.index(b"\2\0\0\0\2\0\0\0")
    content[at : at + 8] = (60_000).to_bytes(4, "little") * 2
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(ValueError, match=r"an array of shape \(60000, 60000\)"):
        matlab.read(tmp_path / "a.mat", ["x"])
