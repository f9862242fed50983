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
    for place, _, names in os.walk(folder):  # a store has many files: no more is done with each than look at its name
        for name in names:
            if name.startswith(".") and name.endswith(TEMPORARY):
                path = Path(place, name)
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
        _replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _replace(temporary: str, path: Path) -> None:
    """Rename, waiting for up to two seconds for another process that reads the file: Windows forbids it meanwhile."""
    for wait_s in (0.1, 0.3, 0.6, 1):
        try:
            return os.replace(temporary, path)
        except PermissionError:
            if not path.is_file():
                raise
            time.sleep(wait_s)
    return os.replace(temporary, path)
