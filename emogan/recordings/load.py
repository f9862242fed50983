"""Recordings as a data set: features are extracted when they are asked for, and kept."""

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path

from emogan.checks import PositiveInt, checked
from emogan.data import table
from emogan.data.features import FeatureSet, Modality
from emogan.data.table_files import Listed
from emogan.recordings.events_table import EventsTable
from emogan.recordings.run import extract
from emogan.recordings.settings import Settings
from emogan.wording import some

log = logging.getLogger(__name__)


@checked("data")
def load(
    recordings: str | Path,
    trials: str | Path,
    *,
    cache: str | Path,
    settings: Mapping,
    jobs: PositiveInt = 1,
    name: str = "recordings",
    drop: Listed = (),
    per_subject: bool = False,
    modality: Modality = "eeg_eye",
    subjects: Listed = None,
    sessions: Listed = None,
) -> FeatureSet:
    """Features of recordings, see `emogan.recordings.run.extract`; what lies in the folder `cache` is not made again.

    There each combination of recordings, trials and settings has a folder, so that jobs side by side may differ. The
    other arguments are those of `emogan.data.table.load`.

    Raises
    ------
    FileNotFoundError, ValueError
        As both say, and if an experiment failed: the others' features are kept.
    """
    files = kept_files(recordings, trials, str(trials), cache, settings, jobs)
    return table.load(
        files, name=name, drop=drop, per_subject=per_subject, modality=modality, subjects=subjects, sessions=sessions
    )


def kept_files(
    recordings: str | Path, trials: str | Path | EventsTable, name: str, cache: str | Path, settings: Mapping, jobs: int
) -> list[Path]:
    """Feature files of recordings, taken from the cache or extracted into it.

    The files of each combination of recordings, name of the trials and settings have a folder of their own there.

    Raises
    ------
    FileNotFoundError, ValueError
        As `emogan.recordings.run.extract` says, and if an experiment failed: the others' features are kept.
    """
    asked = json.dumps([str(recordings), name, Settings.of(settings).plain()], sort_keys=True)
    folder = Path(cache) / hashlib.sha256(asked.encode()).hexdigest()[:12]
    outcome = extract(recordings, trials, folder, settings, jobs)
    for note, names in outcome.notes.items():
        log.info("%s: %s", some(names, 3), note)
    if outcome.failed or not outcome.files:
        raise ValueError(f"expected features of all recordings: {outcome}\nWhat is done is kept in {folder}.")
    return outcome.files
