"""Dismissing a job that failed and is no longer wanted: its folder stays, and a sweep is done without it."""

from pathlib import Path

from emogan.atomic import write_atomically
from emogan.jobs.files import DISMISSED
from emogan.sweeps.collect import Collection

TEXT = b"This job is no longer wanted. Remove this file to have it count again; a job that succeeds here removes it.\n"


def dismiss(found: Collection, name: str) -> None:
    """Mark a job that failed, is unfinished or is unreadable as dismissed.

    ``name`` is that of its folder, or any more of the path to it.

    Raises
    ------
    ValueError
        If no such job has this name, or several have.
    """
    kinds = ("failed", "unfinished", "unreadable")
    folders = [Path(one.where) for one in found.problems if one.kind in kinds and Path(one.where).is_dir()]
    parts = Path(name).expanduser().parts
    named = [folder for folder in folders if parts and folder.parts[-len(parts) :] == parts]
    if len(named) != 1:
        there = ", ".join(map(str, named or folders)) or "none"
        raise ValueError(f"--dismiss: expected the folder of one job that is not done, got {name}. There are: {there}")
    write_atomically(named[0] / DISMISSED, TEXT)
