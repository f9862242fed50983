"""A data set's tree of files: finding its folders and numbering the files by subject and session."""

import logging
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from emogan.wording import some

log = logging.getLogger(__name__)

Experiment = tuple[int, int]  # subject, session
README, SIMULATED = "readme.txt", b"written by emogan.simulate"  # stands in it, so that no score passes for a real one
# 1, session1, Session_01, as made by hand
SESSION = re.compile(r"(?:session|sess|ses|s)?[ _-]*0*([123])", re.IGNORECASE)
DATED = re.compile(r"(\d+)_(\d{8})\.mat")  # {subject}_{YYYYMMDD}.mat, and not label.mat or ._1_20131027.mat


def find_folder(
    root: str | os.PathLike, names: Sequence[str], pattern: re.Pattern, example: str,
    skip: Sequence[str] = (), advice: str = "", any_name: bool = False,
) -> Path:  # fmt: skip
    """Find the one folder at or below root that has one of some names and holds files of a pattern.

    The files may stand in session folders (`session_folders`) below it, and root may be such a session folder. Letter
    case of the names does not matter; hidden folders, __MACOSX and those of `skip` are not searched; a link to a folder
    already seen is not a second find. `example` (a file name) and `advice` go into messages. With `any_name`, a folder
    of another name is found by its files, where none of these names is there.

    Raises
    ------
    FileNotFoundError
        If root is no folder or nothing is found in it.
    ValueError
        If more than one folder is found; names them all.
    """
    root = Path(root).expanduser().resolve()
    if not root.is_dir():
        raise FileNotFoundError(
            f"expected data.root to be a folder, got {root}, which {'is a file' if root.exists() else 'does not exist'}"
        )
    wanted = {name.casefold() for name in names}
    found, named, others = [], [], []
    for folder in _walk(root, skip, found):
        is_session = folder == root and session_of(folder) and folder.parent.name.casefold() in wanted
        if is_session or folder.name.casefold() in wanted:
            holds = any(matching(place, pattern) for place in (folder, *session_folders(folder).values()))
            (found if holds else named).append(folder)
        elif any_name and matching(folder, pattern):
            others.append(folder)
    found = found or others
    if len(found) > 1:
        raise ValueError(
            f"expected one folder {' or '.join(names)} at or below {root}, got {len(found)}: "
            f"{', '.join(map(str, found))}. Point data.root at the release you mean."
        )
    if not found:
        inside = sorted(entry.name for entry in root.iterdir())
        raise FileNotFoundError(
            f"expected a folder {' or '.join(names)} with files like {example} at or below {root}, found none"
            + (f" ({', '.join(map(str, named))} holds no such file{_listed_alike(named, pattern)})" if named else "")
            + f"; {root} holds {some(inside, 8) if inside else 'nothing'}. "
            f"Point data.root at the folder of the release{advice}."
        )
    return found[0]


def _walk(root: Path, skip: Sequence[str], found: Sequence[Path]) -> Iterator[Path]:
    """Every folder below root once, links followed; what the caller puts into `found` is not entered."""
    seen = set()
    for place, folders, _ in os.walk(root, followlinks=True):
        folder = Path(place)
        real = folder.resolve()
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        yield folder
        if folder in found:
            folders.clear()
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")) and name not in skip)


def find_files(root: str | os.PathLike, pattern: re.Pattern) -> list[tuple[re.Match, Path]]:
    """The files at or below a folder whose whole name fits a pattern, searched as by `find_folder`."""
    return [pair for folder in _walk(Path(root).expanduser().resolve(), (), ()) for pair in matching(folder, pattern)]


def matching(folder: Path, pattern: re.Pattern) -> list[tuple[re.Match, Path]]:
    """The files of a folder whose whole name fits a pattern; everything else in it is ignored."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return [(match, path) for path in files if (match := pattern.fullmatch(path.name))]


def data_files(folder: Path, pattern: re.Pattern) -> list[tuple[re.Match, Path]]:
    """As `matching`; a warning names the files whose names are only almost those of data files."""
    others = [path.name for _, path in alike(folder, pattern) if not path.name.startswith(".")]
    if others:
        log.warning(
            "%s: passed over %s: almost named as data files are. Rename them if they are data files, or remove them",
            folder, ", ".join(others),
        )  # fmt: skip
    found = matching(folder, pattern)
    known = {*others, *(path.name for _, path in found)}
    if rest := sorted(path.name for path in folder.iterdir() if path.is_file() and path.name not in known):
        log.debug("%s: passed over %s", folder, ", ".join(rest))  # emogan.check shows it
    return found


def alike(folder: Path, pattern: re.Pattern) -> list[tuple[re.Match, Path]]:
    """Files whose names would fit a pattern without what a browser, a copy or an unpacked archive has added to them.

    "1_20131027 (1).mat", "Copy of 1_20131027.mat", "1_20131027_2.mat", "._1_20131027.mat", "1_20131027.MAT".
    """
    found = []
    for path in sorted(path for path in folder.iterdir() if path.is_file() and not pattern.fullmatch(path.name)):
        endings = ("", *(suffix.lower() for suffix in path.suffixes))
        numbers = re.findall(r"\d+(?:_\d+)*", path.name)
        stems = ("_".join(run.split("_")[:n]) for run in numbers for n in range(run.count("_") + 1, 0, -1))
        matches = (pattern.fullmatch(stem + ending) for stem in stems for ending in endings)
        if match := next(filter(None, matches), None):
            found.append((match, path))
    return found


def _listed_alike(folders: Sequence[Path], pattern: re.Pattern) -> str:
    places = (place for folder in folders for place in (folder, *session_folders(folder).values()))
    others = [path.name for place in places for _, path in alike(place, pattern)]
    return f", but {some(others, 8)}" if others else ""


def session_of(folder: Path) -> int | None:
    """The session that a folder's name says, as 1, session1 or Session_01."""
    match = SESSION.fullmatch(folder.name)
    return int(match[1]) if match else None


def session_folders(folder: Path) -> dict[int, Path]:
    """Session folders of a folder, which may itself be one of them, by number.

    Raises
    ------
    ValueError
        If two are of the same session.
    """
    if session := session_of(folder):
        return {session: folder}
    found: dict[int, Path] = {}
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        session = session_of(place)
        if session in found:
            raise ValueError(
                f"expected one folder of session {session}, got {found[session]} and {place}. Remove one of them."
            )
        if session:
            found[session] = place
    return dict(sorted(found.items()))


def person_files(folder: Path, pattern: re.Pattern) -> list[tuple[re.Match, Path]]:
    """As `data_files`, of a data set whose files hold all sessions of a person and are not sorted by session.

    Raises
    ------
    ValueError
        If there are none but in session folders.
    """
    found = data_files(folder, pattern)
    if not found and (sorted_by_hand := session_folders(folder)):
        raise ValueError(
            f"{folder}: expected its files here, each of which holds all sessions of a person, got folders "
            f"{', '.join(place.name for place in sorted_by_hand.values())}. Move the files up, each once."
        )
    return found


def numbered(files: Iterable[tuple[int, int, Path]]) -> dict[Experiment, Path]:
    """Files by (subject, session); two files of one experiment are an error."""
    found: dict[Experiment, Path] = {}
    for subject, session, path in files:
        if (subject, session) in found:
            raise ValueError(
                f"expected one file of subject {subject}, session {session}, got {found[subject, session]} and {path}. "
                "Remove one of them."
            )
        found[subject, session] = path
    return found


def by_name(folder: Path, pattern: re.Pattern) -> dict[Experiment, Path]:
    """Files by the (subject, session) that a pattern finds first in their names, if need be in session folders.

    Raises
    ------
    ValueError
        If a session folder holds a file of another session, or there are two files of one.
    """
    sorted_by_hand = session_folders(folder)
    found = [pair for place in dict.fromkeys((folder, *sorted_by_hand.values())) for pair in data_files(place, pattern)]
    for match, path in found:
        if path.parent in sorted_by_hand.values() and session_of(path.parent) != int(match[2]):
            raise ValueError(f"{path}: expected a file of session {session_of(path.parent)} in this folder")
    return numbered((int(match[1]), int(match[2]), path) for match, path in found)


def by_session_folder(folder: Path) -> dict[Experiment, Path]:
    """Files {session}/{subject}_{date}.mat by (subject, session)."""
    return numbered(
        (int(match[1]), session, path)
        for session, place in session_folders(folder).items()
        for match, path in data_files(place, DATED)
    )


def is_simulated(folder: Path) -> bool:
    """Whether a folder of files, or the one that its session folder lies in, was written by emogan.simulate."""
    places = (folder, folder.parent) if session_of(folder) else (folder,)
    return any(SIMULATED in path.read_bytes() for place in places if (path := place / README).is_file())
