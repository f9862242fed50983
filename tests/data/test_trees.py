"""Trees that users have: with files of the system, unpacked twice, renamed, sorted by hand, saved again, cut off."""

import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

from emogan.data import named
from emogan.data.file_tree import find_folder
from emogan.data.readers import mahnob
from emogan.recordings.deap import FOLDERS
from emogan.recordings.deap import NAME as DEAP_NAME
from emogan.simulate import simulate
from emogan.simulation import people
from emogan.simulation.mahnob import simulate as simulate_session
from emogan.simulation.mahnob import xml
from emogan.simulation.releases import WRITERS

FAMILIES = {  # how their files are found, and the modality that is loaded here
    "seed": "eye",  # {subject}_{session}
    "seed_iv": "eye",  # {session}/{subject}_{date}.mat
    "seed_v": "eye",  # {subject}_123.npz
    "seed_vii": "eye",  # {subject}.mat
    "seed_fra": "eeg",
    "faced": "eeg",  # sub{subject}.pkl.pkl
}


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    root = tmp_path_factory.mktemp("trees")
    for name, modality in FAMILIES.items():
        if name == "faced":
            simulate(name, root / name, subjects=[3])
        else:
            WRITERS[name](people.load(name, subjects=[3], modality=modality), root / name)
    return root


@pytest.fixture
def tree(trees, tmp_path):
    """``tree(name)``: a copy of a tree, which a test may change."""
    return lambda name: shutil.copytree(trees / name, tmp_path / name)


def load(name: str, root: Path):
    return named.load(name, root=root, modality=FAMILIES[name])


def files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file() and path.name != "readme.txt")


@pytest.mark.parametrize("name", FAMILIES)
def test_files_of_the_system_an_archive_unpacked_twice_and_another_name_of_the_root_change_nothing(
    name, trees, tree, tmp_path
):
    root = tree(name)
    for path in files(root):
        shutil.copy(path, path.with_name(f"._{path.name}"))
    for folder in [root, *(path for path in root.rglob("*") if path.is_dir())]:
        for stray in (".DS_Store", "desktop.ini", "Thumbs.db"):
            (folder / stray).write_bytes(b"stray")
    shutil.copytree(root, root / "__MACOSX" / name)
    (tmp_path / "my data").mkdir()
    root.rename(tmp_path / "my data" / "unpacked")
    (tmp_path / "my data" / "unpacked").rename(tmp_path / "moved")
    (tmp_path / "my data" / name).mkdir()
    shutil.move(tmp_path / "moved", tmp_path / "my data" / name / name)
    assert load(name, tmp_path / "my data").fingerprint() == load(name, trees / name).fingerprint()


@pytest.mark.parametrize("name", FAMILIES)
def test_a_folder_inside_one_of_its_own_name_is_found(name, trees, tree):
    root = tree(name)
    folders = {path.parent.parent if name == "seed_iv" else path.parent for path in files(root)}
    for folder in folders:
        folder.rename(folder.with_name("inner"))
        folder.mkdir()
        folder.with_name("inner").rename(folder / folder.name)
    assert load(name, root).fingerprint() == load(name, trees / name).fingerprint()


@pytest.mark.parametrize("name", FAMILIES)
def test_an_empty_file_is_refused_by_name(name, tree):
    root = tree(name)
    path = files(root)[0]
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=re.escape(path.name)):
        load(name, root)


def test_session_folders_of_other_names_are_found_and_two_of_one_session_are_refused(trees, tree):
    root = tree("seed_iv")
    folder = root / "eye_feature_smooth"
    for old, new in (("1", "session1"), ("2", "Session_02"), ("3", "sess 3")):
        (folder / old).rename(folder / new)
    assert load("seed_iv", root).fingerprint() == load("seed_iv", trees / "seed_iv").fingerprint()
    second = load("seed_iv", folder / "Session_02")
    assert (set(second.session), second.dataset) == ({2}, "synthetic_seed_iv")
    shutil.copytree(folder / "session1", folder / "1")
    with pytest.raises(ValueError, match=r"expected one folder of session 1, got .*/1 and .*/session1"):
        load("seed_iv", root)


@pytest.mark.parametrize("name", ["seed", "seed_fra"])
def test_files_sorted_by_session_are_found_and_one_in_another_s_folder_is_refused(name, trees, tree):
    root = tree(name)
    for path in files(root):
        place = path.parent / f"session{path.stem.split('_')[1]}"
        place.mkdir(exist_ok=True)
        path.rename(place / path.name)
    assert load(name, root).fingerprint() == load(name, trees / name).fingerprint()
    path = files(root)[0]
    path.rename(path.parents[1] / "session2" / path.name)
    with pytest.raises(ValueError, match=rf"{re.escape(path.name)}: expected a file of session 2 in this folder"):
        load(name, root)


@pytest.mark.parametrize("name", ["seed_v", "seed_vii", "faced"])
def test_files_of_whole_people_in_session_folders_are_refused(name, tree):
    root = tree(name)
    for path in files(root):
        (path.parent / "1").mkdir(exist_ok=True)
        path.rename(path.parent / "1" / path.name)
    with pytest.raises(ValueError, match=r"each of which holds all sessions of a person, got folders 1\. Move"):
        load(name, root)


def test_a_folder_of_deap_is_found_by_its_files_unless_there_are_two(tmp_path):
    def found() -> Path:
        return find_folder(tmp_path, FOLDERS, DEAP_NAME, "s01.dat", any_name=True)

    for folder in ("DEAP", "data_preprocessed_matlab"):
        (tmp_path / folder).mkdir()
    (tmp_path / "DEAP" / "s01.dat").write_bytes(b"")
    assert found() == tmp_path / "DEAP"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "s01.mat").write_bytes(b"")
    with pytest.raises(ValueError, match=r"expected one folder data_preprocessed_python or .*, got 2: .*DEAP, .*other"):
        found()
    (tmp_path / "data_preprocessed_matlab" / "s01.mat").write_bytes(b"")
    assert found() == tmp_path / "data_preprocessed_matlab"


def test_sessions_of_mahnob_are_found_at_any_depth_and_twice_is_refused(tmp_path):
    session = simulate_session(1, 1)
    felt = dict(zip((*mahnob.RATED.values(), "feltEmo"), session.ratings, strict=True))
    for place in ("a/Sessions/2", "__MACOSX/Sessions/2", "a/.trash/2"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "session.xml").write_bytes(xml(1, 2, 2, session, felt))
    (tmp_path / "a/Sessions/2/._session.xml").write_bytes(b"stray")
    (tmp_path / "a/Sessions/2/._Part_1_S_Trial1_emotion.bdf").write_bytes(b"stray")
    ((place, found),) = mahnob.find_sessions(tmp_path).items()
    assert (place, found.files) == ((1, 1), {})
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    with pytest.raises(ValueError, match=r"expected one file of subject 1, session 1, got .*a/Sessions/2 and"):
        mahnob.find_sessions(tmp_path)


def save_again(path: Path) -> None:
    """Save a .mat file of numbers in version 7.3, with the axes reversed as MATLAB does it."""
    h5py = pytest.importorskip("h5py")
    variables = {name: x for name, x in loadmat(path).items() if not name.startswith("__")}
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, x in variables.items():
            file[name] = np.ascontiguousarray(x.T)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\2IM")


@pytest.mark.parametrize("name", ["seed_iv", "seed_vii"])
def test_files_that_were_saved_again_in_version_7_3_are_read(name, trees, tree):
    root = tree(name)
    for path in root.rglob("*.mat"):
        save_again(path)
    assert load(name, root).fingerprint() == load(name, trees / name).fingerprint()


def test_cells_structs_and_empty_arrays_of_version_7_3_are_read_as_those_of_earlier_ones(tmp_path):
    h5py = pytest.importorskip("h5py")
    from emogan.data.readers import matlab

    with h5py.File(tmp_path / "a.mat", "w") as file:
        file["#refs#/a"], file["#refs#/b"] = np.arange(6.0).reshape(3, 2), np.ones((1, 4))
        file.create_dataset("cell", (2, 1), h5py.ref_dtype)[:, 0] = [file["#refs#/a"].ref, file["#refs#/b"].ref]
        file["struct/train"] = np.arange(6.0).reshape(3, 2)
        file["empty"] = np.array([0, 3], dtype=np.uint64)
        file["empty"].attrs["MATLAB_empty"] = 1
        file["text"] = np.array([b"ab"])
        file["deep/a/b/c/d/e"] = np.ones((2, 1))
    found = matlab.read(tmp_path / "a.mat", ["cell", "struct", "empty"])
    assert [x.shape for x in found["cell"]] == [(2, 3), (4, 1)]
    np.testing.assert_array_equal(found["struct"]["train"], np.arange(6.0).reshape(3, 2).T)
    assert found["empty"].shape == (0, 3)
    assert matlab.shapes(tmp_path / "a.mat")["cell"] == (1, 2)
    with pytest.raises(
        ValueError, match=r"a\.mat: expected the variables x, missing x; the file has cell, deep, empty"
    ):
        matlab.read(tmp_path / "a.mat", ["x"])
    with pytest.raises(ValueError, match=r"a\.mat.*cells nested deeper than 4"):
        matlab.read(tmp_path / "a.mat", ["deep"])
    with pytest.raises(ValueError, match=r"a\.mat: expected a \.mat file of version 7\.3.*only real numbers"):
        matlab.read(tmp_path / "a.mat", ["text"])


def test_without_h5py_version_7_3_is_refused_with_what_to_do(tree, monkeypatch):
    root = tree("seed_vii")
    path = files(root)[0]
    path.write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\2IM")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ValueError, match=r"version 7\.3, .*pip install 'emogan\[matlab73\]'\. .*save\(\.\.\., '-v7'\)"):
        load("seed_vii", root)
