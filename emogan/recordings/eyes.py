"""Eye tracking files of all formats, recognised by their names."""

from pathlib import Path

from emogan.recordings.eye_tables import read_begaze, read_events
from emogan.recordings.eyelink import read_eyelink
from emogan.recordings.tobii import read_tobii
from emogan.signal.eye_recording import EyeRecording

READERS = {".asc": read_eyelink, ".csv": read_events, ".tsv": read_tobii} | dict.fromkeys(
    (".xls", ".xlsx", ".txt"), read_begaze
)


def read_eyes(path: str | Path, **options) -> EyeRecording:
    """The recording in an EyeLink .asc, a BeGaze .xls, .xlsx or .txt, a Tobii .tsv, or a .csv of events.

    Options are its reader's.

    Raises
    ------
    ValueError
        If the name ends otherwise, or as the reader says: `read_eyelink`, `read_begaze`, `read_tobii`, `read_events`.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in READERS:
        raise ValueError(f"expected an eye tracking file that ends in {', '.join(READERS)}, got {path}")
    return READERS[suffix](path, **options)
