"""MAHNOB-HCI: EEG and eye movements of people who watched 20 film clips and rated them; features of both signals."""

import json
import logging
import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np

from emogan.atomic import write_atomically
from emogan.checks import NonNegativeInt, OneToNine, PositiveInt, checked, one_of
from emogan.data.experiments import Source, as_list, choose
from emogan.data.features import FeatureSet, Modality
from emogan.data.readers.mahnob import EMOTIONS, RATED, TARGETS, Session, find_sessions
from emogan.recordings import edf, rated, tobii
from emogan.recordings.events_table import Row
from emogan.signal.eye import need_pupil
from emogan.wording import naming, some

log = logging.getLogger(__name__)

FARTHEST_S = 2.0  # by which the clip may be longer in one recording than in the other


@checked("data")
def load(
    root: str | os.PathLike,
    *,
    cache: str | Path,
    settings: Mapping,
    target: Annotated[str, one_of(TARGETS)] = "valence",
    threshold: OneToNine = 5,
    leave_out: Sequence[NonNegativeInt] = (),
    jobs: PositiveInt = 1,
    per_subject: bool = False,
    modality: Modality = "eeg_eye",
    subjects: rated.Numbers = None,
    sessions: rated.Numbers = None,
) -> FeatureSet:
    """Load MAHNOB-HCI from a folder at or above that of its session folders.

    A trial is a session folder with a felt emotion, numbered as its files are, 1 to 20; other folders are no trials.
    The clip lasts from the first trigger to the second in the EEG, and between MovieStart and MovieEnd in the eye
    tracker's table. Sessions that lack a recording, or whose pupils were not seen for over 2 s, are left out by name.

    Parameters
    ----------
    cache, settings, jobs, per_subject
        As of `emogan.recordings.load.load`.
    target
        What was felt: "valence", "arousal", "control" or "predictability", which are rated; or "emotion".
    threshold
        A trial rated so or above is high, one rated below is low.
    leave_out
        Numbers of session folders to leave out, such as those of damaged files.

    Raises
    ------
    FileNotFoundError, ValueError
        If there are no sessions, or a file is damaged or is not MAHNOB-HCI's.
    """
    found = find_sessions(root, leave_out)
    kinds, folder = modality.split("_"), next(iter(found.values())).folder.parent
    here = {
        kind: Source(folder, {(s.subject, 1): s.folder for s in found.values() if kind in s.files}) for kind in kinds
    }
    people = {subject for subject, _ in choose(here, as_list(subjects), as_list(sessions))}
    own = [s for place, s in sorted(found.items()) if place[0] in people]
    relabel = (
        _emotions if target == "emotion" else partial(rated.two_classes, target, [*RATED].index(target), threshold)
    )
    return rated.load(
        f"mahnob_{target}", folder, _rows(own, kinds, Path(cache) / "clips.json"), relabel,
        kept_as=f"mahnob, {modality}, {sorted(leave_out)}", cache=cache, settings=settings, jobs=jobs,
        per_subject=per_subject,
    )  # fmt: skip


def _rows(sessions: Sequence[Session], kinds: Sequence[str], kept: Path) -> list[Row]:
    """A row for each recording of each session; where clips begin and end is kept in a file, for the next job."""
    rows, lacking, unseen, damaged, problems = [], [], [], [], []
    known = _known(kept)
    before = len(known)
    for session in sessions:
        if missing := [kind for kind in kinds if kind not in session.files]:
            lacking.append(f"{session.folder.name} ({' and '.join(missing)})")
            continue
        try:
            spans = {kind: _span(kind, session.files[kind], known) for kind in kinds}
        except (ValueError, OSError) as error:
            problems.append(str(error))
            continue
        damaged += [f"{session.folder.name} ({some(span.damaged, 8)})" for span in spans.values() if span.damaged]
        if any(span.unseen for span in spans.values()):
            unseen.append(session.folder.name)
            continue
        seconds = [span.end_s - span.start_s for span in spans.values()]
        if max(seconds) - min(seconds) > FARTHEST_S:
            problems.append(f"{session.folder}: expected a clip that lasts as long in both recordings, got {seconds} s")
        for kind, span in spans.items():
            place = len(rows) + 1, session.files[kind], session.subject, 1, session.trial, rated.text(session.ratings)
            rows.append(Row(*place, span.start_s, span.start_s + min(seconds), stimulus=session.clip))
    if len(known) > before:
        write_atomically(kept, json.dumps(known).encode())
    if problems:
        advice = "Copy these again, or leave them out with data.leave_out=[NUMBER]"
        raise ValueError("\n".join([f"expected whole recordings of MAHNOB-HCI. {advice}:", *problems]))
    for names, why in ((lacking, "which lack a recording"), (unseen, "whose pupils were not seen for more than 2 s")):
        if names:
            log.warning("left out %d of %d sessions, %s: %s", len(names), len(sessions), why, some(names, 20))
    if damaged:
        log.warning("passed over damaged lines in the tables of %d sessions: %s", len(damaged), some(damaged, 20))
    if not rows:
        raise ValueError(f"expected a session with whole recordings, got none of {len(sessions)}: all were left out")
    return rows


class Span(NamedTuple):
    """When a clip begins and ends in a recording, damaged lines, and whether the pupils were not seen for too long."""

    start_s: float
    end_s: float
    damaged: Sequence[int] = ()
    unseen: bool = False


def _known(kept: Path) -> dict[str, list]:
    """Spans that earlier jobs found, by name, size and time of change of their file."""
    try:
        return json.loads(kept.read_bytes())
    except (OSError, ValueError):  # they are found again
        return {}


def _span(kind: str, path: Path, known: dict[str, list]) -> Span:
    stat = path.stat()
    key = f"{path.name} {stat.st_size} {stat.st_mtime_ns}"
    if key not in known:
        known[key] = list(SPANS[kind](path))
    return Span(*known[key])


def _triggers(path: Path) -> Span:
    """When the clip begins and ends in the EEG, by the triggers of the channel Status."""
    with naming(path):
        codes, rate_hz = edf.read_status(path, edf.read_header(path))
        rises = np.flatnonzero(np.diff(codes) > 0) + 1
        if len(rises) < 2:
            raise ValueError(
                f"expected two triggers, when the clip begins and ends, got {len(rises)} in {len(codes) / rate_hz:.0f} "
                "s. Was the recording cut off?"
            )
        return Span(float(rises[0] / rate_hz), float(rises[1] / rate_hz))


def _movie(path: Path) -> Span:
    """When the clip begins and ends in the eye tracker's table."""
    samples = tobii.read_samples(path)
    with naming(path):
        start_s, end_s = tobii.movie(samples)
        recording = tobii.recording(samples)
    try:
        need_pupil(recording, start_s, end_s)
    except ValueError:
        return Span(start_s, end_s, samples.damaged, unseen=True)
    return Span(start_s, end_s, samples.damaged)


SPANS = {"eeg": _triggers, "eye": _movie}


def _emotions(features: FeatureSet) -> FeatureSet:
    """Windows labelled by the emotion that was felt, of those that anyone felt."""
    number = np.array([int(name.split()[-1]) for name in features.class_names])[features.y]
    felt, y = np.unique(number, return_inverse=True)
    return rated.relabelled(features, y, [EMOTIONS[k] for k in felt])
