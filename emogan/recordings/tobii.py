"""Tobii Studio's table of all samples, .tsv: gaze, pupils and events of both eyes, as MAHNOB-HCI has it."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from emogan.data.text_tables import find_encoding
from emogan.signal.eye_recording import EyeRecording
from emogan.signal.gaze import events
from emogan.wording import naming, some

NUMBERS = ("GazePointX{}", "GazePointY{}", "Distance{}", "Pupil{}", "Validity{}")  # of each eye
COLUMNS = ("Timestamp", *(name.format(eye) for eye in ("Left", "Right") for name in NUMBERS))
EVENT = "Event"
HEADER_LINES = 60  # of which the last names the columns: 24 in most files, 18 in some
WORST_VALIDITY = 1  # 0 is certain, 4 is not found
NOWHERE = -1.0  # both coordinates of an eye that is not found; others below 0 are beyond the screen's left or top
LARGEST_PUPIL_MM = 9.0
MOST_DAMAGED = 0.01  # of all lines
USUAL_DISTANCE_MM = 600.0
PIXEL_MM = 0.27  # presumed: the screen's size is not in the files. It scales amplitudes of saccades, all by one factor
FIXATION_DEG = 1.0  # within which a fixation's gaze stays


class Samples(NamedTuple):
    """Samples (n, columns) in the order of `COLUMNS` without the time, when each and each event was, damaged lines."""

    time_s: np.ndarray
    values: np.ndarray
    events: list[tuple[float, str]]
    damaged: list[int]


def read_samples(path: str | Path) -> Samples:
    """All samples; lines that are damaged are passed over.

    Raises
    ------
    ValueError
        If it is no such table, has no samples, or more than 1 % of its lines are damaged. Names the file.
    """
    lines = Path(path).read_text(encoding=find_encoding(Path(path)), errors="replace").splitlines()
    with naming(path):
        header, names = next(
            ((i, line.split("\t")) for i, line in enumerate(lines[:HEADER_LINES]) if COLUMNS[-2] in line.split("\t")),
            (0, []),
        )
        if missing := [name for name in (*COLUMNS, EVENT) if name not in names]:
            raise ValueError(
                f"expected Tobii's table of samples with the columns {some(COLUMNS, 4)} and {EVENT}, missing "
                f"{some(missing)}. Is it a file of all data, copied whole?"
            )
        places, event = [names.index(name) for name in COLUMNS], names.index(EVENT)
        found, events, damaged = [], [], []
        for number, line in enumerate(lines[header + 1 :], header + 2):
            cells = line.split("\t")
            try:
                if len(cells) > len(names) + 1:  # some have a tab at the end
                    raise ValueError
                cells += [""] * (len(names) - len(cells))
                row = [float(cells[i].replace(",", ".") or "nan") for i in places]
            except ValueError:
                damaged.append(number)
                continue
            if cells[event]:
                events.append((row[0], cells[event]))
            elif not math.isnan(row[5]):  # the validity, which lines without a sample leave empty
                found.append(row)
        if len(found) < 2 or len(damaged) > MOST_DAMAGED * len(lines):
            raise ValueError(
                f"expected lines of {len(names)} columns with numbers, got {len(found)} such lines and {len(damaged)} "
                f"others, as {some(damaged, 8)}. Copy it again"
            )
    values = np.array(found)
    zero = values[0, 0]
    return Samples((values[:, 0] - zero) / 1000, values[:, 1:], [((t - zero) / 1000, e) for t, e in events], damaged)


def movie(samples: Samples) -> tuple[float, float]:
    """Start and end, in s, of the film clip that was shown.

    Raises
    ------
    ValueError
        If the events MovieStart and MovieEnd do not tell it.
    """
    starts, ends = ([t for t, event in samples.events if event == name] for name in ("MovieStart", "MovieEnd"))
    if not starts or not ends or ends[0] <= starts[0]:
        raise ValueError(
            f"expected the events MovieStart and MovieEnd, got {len(starts)} and {len(ends)} of them in "
            f"{samples.time_s[-1]:.0f} s. Was the recording cut off?"
        )
    return starts[0], ends[0]


def read_tobii(path: str | Path) -> EyeRecording:
    """The mean of both eyes, or the one that was seen; times in seconds since the first sample, pupils in mm.

    Fixations, saccades and blinks are found in the gaze (`emogan.signal.gaze`), as degrees by the eyes' median distance
    from the screen.

    Raises
    ------
    ValueError
        As `read_samples`, or `EyeRecording`, says.
    """
    samples = read_samples(path)
    with naming(path):
        return recording(samples)


def recording(samples: Samples) -> EyeRecording:
    """The recording of samples, see `read_tobii`."""
    x, y, distance_mm, pupil_mm, validity = samples.values.reshape(-1, 2, len(NUMBERS)).transpose(2, 0, 1)
    valid = (validity <= WORST_VALIDITY) & (pupil_mm > 0) & (pupil_mm < LARGEST_PUPIL_MM)
    pupil = _mean(pupil_mm, valid)
    located = valid & ~((x == NOWHERE) & (y == NOWHERE))
    gaze = np.stack([_mean(x, located), _mean(y, located)], axis=1)
    distances_mm = distance_mm[valid & (distance_mm > 0)]
    far_mm = float(np.median(distances_mm)) if len(distances_mm) else USUAL_DISTANCE_MM
    found = events(samples.time_s, gaze, far_mm * math.tan(math.radians(FIXATION_DEG)) / PIXEL_MM)
    amplitude_deg = np.degrees(np.arctan2(found.amplitude * PIXEL_MM, far_mm))
    end_s = samples.time_s[-1] + np.median(np.diff(samples.time_s))
    ends_s = [end_s, *(time_s for time_s, _ in samples.events)]
    return EyeRecording(
        samples.time_s, np.stack([pupil, pupil], axis=1), found.fixation_s, found.saccade_s, found.blink_s,
        found.dispersion, amplitude_deg, ((min(0.0, *ends_s), max(ends_s)),),
    )  # fmt: skip


def _mean(values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Mean (n,) of the eyes (n, 2) that are valid, NaN where none is."""
    count = valid.sum(1)
    return np.where(count > 0, np.where(valid, values, 0.0).sum(1) / np.maximum(count, 1), np.nan)
