"""SEED's sessions: files are named by date, and a subject's three dates in order are the sessions 1, 2 and 3."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from emogan.data.file_tree import DATED, Experiment, alike, by_session_folder, data_files, session_of

# Days of the sessions 1, 2, 3 by subject, as the release's file names have them.
PUBLISHED = {
    1: ("20131027", "20131030", "20131107"), 2: ("20140404", "20140413", "20140419"),
    3: ("20140603", "20140611", "20140629"), 4: ("20140621", "20140702", "20140705"),
    5: ("20140411", "20140418", "20140506"), 6: ("20130712", "20131016", "20131113"),
    7: ("20131027", "20131030", "20131106"), 8: ("20140511", "20140514", "20140521"),
    9: ("20140620", "20140627", "20140704"), 10: ("20131130", "20131204", "20131211"),
    11: ("20140618", "20140625", "20140630"), 12: ("20131127", "20131201", "20131207"),
    13: ("20140527", "20140603", "20140610"), 14: ("20140601", "20140615", "20140627"),
    15: ("20130709", "20131016", "20131105"),
}  # fmt: skip


def days(subject: int) -> tuple[str, ...]:
    """The days of a subject's sessions, YYYYMMDD: SEED's, or those that a simulated subject beyond its 15 has."""
    simulated = (date(2013, 10, 20) + timedelta(days=subject + 40 * session) for session in (1, 2, 3))
    return PUBLISHED.get(subject) or tuple(f"{day:%Y%m%d}" for day in simulated)


def by_date(folder: Path) -> tuple[dict[Experiment, Path], dict[int, str]]:
    """Files {subject}_{date}.mat by (subject, session), and the reason for each subject without known sessions.

    A session is the folder 1, 2 or 3 that a file lies in, or that of SEED's published dates, or the place among three
    dates. Where a subject has another number of files with dates of its own, a missing one could be any of them.

    Raises
    ------
    ValueError
        If there are files both with and without session folders.
    """
    sorted_by_hand = by_session_folder(folder)
    flat = [] if session_of(folder) else data_files(folder, DATED)
    if not flat:
        misplaced = ((e[0], _misplaced(*e, path)) for e, path in sorted_by_hand.items())
        unclear = {subject: reason for subject, reason in misplaced if reason}
        return {place: path for place, path in sorted_by_hand.items() if place[0] not in unclear}, unclear
    if sorted_by_hand:
        raise ValueError(
            f"{folder}: expected files either here or in folders 1, 2, 3, got both ({len(flat)} and "
            f"{len(sorted_by_hand)}). Remove the copies."
        )
    dated: dict[int, dict[str, Path]] = {}
    unclear: dict[int, str] = {}
    for match, path in flat:
        subject, day = int(match[1]), match[2]
        if other := dated.setdefault(subject, {}).get(day):  # 1_20131027.mat and 01_20131027.mat
            unclear[subject] = f"{folder}: expected one file of subject {subject} and {day}, got {other} and {path}"
        dated[subject][day] = path
    files: dict[Experiment, Path] = {}
    for subject, paths in dated.items():
        numbers = _sessions(subject, sorted(paths))
        if numbers is None:
            unclear[subject] = _advice(folder, subject, [paths[day].name for day in sorted(paths)])
        elif subject not in unclear:
            files |= {(subject, numbers[day]): path for day, path in paths.items()}
    return files, unclear


def _misplaced(subject: int, session: int, path: Path) -> str:
    """What is wrong with a file in a session folder, by its date; empty if nothing is."""
    day = path.stem.split("_")[1]
    if day not in days(subject) or days(subject).index(day) == session - 1:
        return ""
    return f"{path}: expected it in folder {days(subject).index(day) + 1}, as SEED's session of that date"


def _sessions(subject: int, dates: Sequence[str]) -> dict[str, int] | None:
    """The session of each of a subject's dates, which come in order; None if it is not known."""
    published = {day: session for session, day in enumerate(days(subject), 1)}
    known = {day: published[day] for day in dates if day in published}
    if len(known) == len(dates):
        return known
    ranks = {day: rank for rank, day in enumerate(dates, 1)}
    return ranks if len(dates) == 3 and known.items() <= ranks.items() else None


def _advice(folder: Path, subject: int, names: Sequence[str]) -> str:
    others = sorted(path.name for match, path in alike(folder, DATED) if int(match[1]) == subject)
    passed_over = f"; passed over, as they are not named so: {', '.join(others)}" if others else ""
    return (
        f"{folder}: expected 3 files of subject {subject}, one for each session, that agree with SEED's dates, got "
        f"{len(names)}: {', '.join(names)}{passed_over}. The session of a file is the place of its date among three "
        "dates, so these files could be of any session. Rename or copy again the files that are missing, or sort this "
        "folder's files into folders 1, 2, 3 by session"
    )
