"""Files that are there whole or not at all."""

import contextlib
import os
import tempfile
import time
from pathlib import Path

UMASK = os.umask(0)  # it can be read only by setting it, for all threads at once: here, before there are any
os.umask(UMASK)
TEMPORARY = ".writing"  # what the names of temporary files end with: no others are touched
ABANDONED_S = 24 * 3600  # no write takes a day: what is older was left by a process that was killed


def remove_abandoned(folder: Path) -> None:
    """Remove temporary files that writers left behind in and below a folder when they were killed."""
    for path in folder.rglob(f".*{TEMPORARY}"):
        with contextlib.suppress(OSError):  # another process may be as tidy
            if time.time() - path.stat().st_mtime > ABANDONED_S:
                path.unlink()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all: a temporary file beside it, flushed, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=TEMPORARY, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~UMASK)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
