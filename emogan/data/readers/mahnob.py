"""Session folders of MAHNOB-HCI: who watched which clip, what was felt, and the recordings."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from emogan.data.file_tree import find_files, numbered
from emogan.wording import naming, some

RATED = {"valence": "feltVlnc", "arousal": "feltArsl", "control": "feltCtrl", "predictability": "feltPred"}  # 1 to 9
TARGETS = (*RATED, "emotion")
EMOTIONS = (  # by number, of feltEmo
    *("neutral", "anger", "disgust", "fear", "joy", "sadness", "surprise", "scream", "bored", "sleepy", "unknown"),
    *("amusement", "anxiety"),
)
FILES = {  # of a session's folder
    "eeg": re.compile(r"Part_\d+_S_Trial\d+_emotion\.bdf"),
    "eye": re.compile(r"P\d+-Rec1-All-Data-New_Section_\d+\.tsv"),
}


class Session(NamedTuple):
    """A folder of the data set: one person who watches one clip."""

    folder: Path
    subject: int
    trial: int
    clip: str
    ratings: tuple[int, ...]  # in the order of `RATED`; the last is the number of the emotion
    files: Mapping[str, Path]


def find_sessions(root: str | os.PathLike, leave_out: Sequence[int] = ()) -> dict[tuple[int, int], Session]:
    """The sessions with a felt emotion at or below a folder, by subject and trial, but for some folders by number.

    Raises
    ------
    FileNotFoundError, ValueError
        If there are none, a file is damaged, or a session is there twice.
    """
    paths = [path for _, path in find_files(root, re.compile(r"session\.xml"))]
    if unknown := sorted(set(map(str, leave_out)) - {path.parent.name for path in paths}):
        raise ValueError(f"data.leave_out: expected numbers of session folders, got {some(unknown)}")
    kept = [path for path in paths if path.parent.name not in map(str, leave_out)]
    read = [session for path in kept if (session := _session(path))]
    if not read:
        raise FileNotFoundError(
            f"expected folders of sessions, each with a session.xml that has feltArsl, at or below {root}, got "
            f"{len(paths)} files session.xml, none of which has it. Point data.root at the folder of Sessions."
        )
    places = numbered((session.subject, session.trial, session.folder) for session in read)  # refuses a folder twice
    return {place: session for session in read if (place := (session.subject, session.trial)) in places}


def _session(path: Path) -> Session | None:
    """A session; None if it is none of emotions, such as one of pictures."""
    with naming(path):
        try:
            root = ElementTree.parse(path).getroot()
            if "feltArsl" not in root.attrib:
                return None
            ratings = [int(root.attrib[name]) for name in (*RATED.values(), "feltEmo")]
            subject, cut, clip = (
                int(root.find("subject").attrib["id"]),
                int(root.attrib["cutNr"]),
                root.attrib["mediaFile"],
            )
        except (ElementTree.ParseError, AttributeError, KeyError, ValueError) as error:
            raise ValueError(
                f"expected MAHNOB-HCI's session.xml with the subject's id, cutNr, mediaFile and what was felt, got "
                f"{type(error).__name__}: {error}. Copy it again."
            ) from error
        if not all(1 <= rating <= 9 for rating in ratings[:-1]) or ratings[-1] not in range(len(EMOTIONS)):
            raise ValueError(f"expected ratings 1 to 9 and an emotion 0 to {len(EMOTIONS) - 1}, got {ratings}")
    files = {
        kind: file
        for file in sorted(path.parent.iterdir())
        for kind, name in FILES.items()
        if name.fullmatch(file.name)
    }
    return Session(path.parent, subject, cut // 2, clip, tuple(ratings), files)
