"""EyeLink recordings, .asc files as edf2asc writes them, read through MNE."""

import itertools
import tempfile
from pathlib import Path

import numpy as np

from emogan.data.text_tables import find_encoding
from emogan.signal.eye_recording import EyeRecording

EVENTS = ("EFIX", "ESACC", "EBLINK")
UNKNOWN = str(2**32 - 1)  # the tracker's onset of an event whose beginning it lost, as in a blink


def read_eyelink(path: str | Path, samples: str | Path | None = None, eye: str | None = None) -> EyeRecording:
    """Pupil, fixations, saccades and blinks of one eye; times in seconds since the recording began.

    The tracker gives one size per pupil, an area or a diameter in its own unit (the file's line PUPIL says which): it
    stands for both X and Y. Dispersion is largest minus smallest gaze position during a fixation, px. Saccades are all
    those that the tracker found: one that spans a blink has the blink's duration too.

    Parameters
    ----------
    path
        File with events, and samples unless they are given.
    samples
        File with the samples that edf2asc wrote apart from the events (its option -s).
    eye
        "left" or "right"; the one whose pupil was seen in more samples if not given.

    Raises
    ------
    ValueError
        If the file holds no samples or none of gaze in px, its sampling rate changes, or that eye was not recorded.
    """
    try:
        return _recording(path, samples, eye)
    except OSError:
        raise
    except Exception as error:  # of whatever kind, it is the content's doing
        message = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise ValueError(message if str(path) in message else f"{path}: {message}") from error


def _recording(path, samples, eye: str | None) -> EyeRecording:
    lines, zero_ms, first_ms = _complete(path, samples)
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.asc"
        whole.write_text("\n".join(line for line in lines if not line.startswith(EVENTS)) + "\n", encoding="utf-8")
        raw = _raw(whole, path)
    eye = _eye(raw, eye, path)
    channels = [f"{kind}_{eye}" for kind in ("xpos", "ypos", "pupil")]
    gaze_x, gaze_y, pupil = raw.get_data(channels)
    pupil = np.where(pupil > 0, pupil, np.nan)
    fixations, saccades, blinks = (_events(lines, kind, eye) for kind in EVENTS)
    fixation_s, saccade_s, blink_s = ((found[:, :2] - [zero_ms, 0.0]) / 1000 for found in (fixations, saccades, blinks))
    time_s = raw.times + (first_ms - zero_ms) / 1000
    dispersion = np.array([_dispersion(time_s, gaze_x, gaze_y, *fixation) for fixation in fixation_s])
    return EyeRecording(
        time_s, np.stack([pupil, pupil], axis=1), fixation_s, saccade_s, blink_s, dispersion.reshape(-1, 2),
        saccades[:, 2], (_blocks(lines, 1000 / raw.info["sfreq"]) - zero_ms) / 1000,
    )  # fmt: skip


def _complete(path, samples) -> tuple[list[str], float, float]:
    """Lines that MNE reads: blocks from START to END that hold samples, one at every step of the clock.

    With them, when the first block of the file and the first sample begin, in ms of the tracker's clock.
    """
    lines = _onsets(_read(path))
    if samples is not None:
        lines = _interleave(lines, [line for line in _read(samples) if line[:1].isdigit()])
    if units := {line.split()[1] for line in lines if line.startswith("SAMPLES")} - {"GAZE"}:
        raise ValueError(f"{path}: expected gaze in px (SAMPLES GAZE), got {', '.join(units)}: convert the .edf again")
    rates_hz = sorted({rate for line in lines if (rate := _rate_hz(line))})
    if len(rates_hz) > 1:
        raise ValueError(
            f"{path}: expected one sampling rate, got blocks of {' and '.join(f'{rate:g}' for rate in rates_hz)} Hz. "
            "Convert the blocks of each rate to a file of their own"
        )
    starts = [i for i, line in enumerate(lines) if line.startswith("START")]
    blocks = [lines[begin:end] for begin, end in itertools.pairwise([*starts, None])]
    sampled = [block for block in blocks if any(line[:1].isdigit() for line in block)]
    if not sampled:
        raise ValueError(
            f"{path} holds no samples between START and END. Give the samples that edf2asc wrote to another file as "
            "samples=, or convert the .edf again without its option -e"
        )
    first_ms = _time_ms(next(line for line in sampled[0] if line[:1].isdigit()))
    whole = [line for block in sampled for line in _whole(block, 1000 / rates_hz[0] if rates_hz else None)]
    return [*lines[: starts[0]], *whole], _time_ms(blocks[0][0]), first_ms


def _rate_hz(line: str) -> float | None:
    """Of a line such as ``SAMPLES GAZE LEFT RATE 500.00 TRACKING CR``."""
    words = line.split()
    return float(words[words.index("RATE") + 1]) if words[:1] == ["SAMPLES"] and "RATE" in words else None


def _time_ms(line: str) -> float:
    """Of a sample, or of a line such as ``START 500000 LEFT``."""
    words = line.split()
    try:
        return float(words[0] if line[:1].isdigit() else words[1])
    except (IndexError, ValueError):
        raise ValueError(f"expected a time in ms of the tracker's clock, got the line {line!r}") from None


def _whole(block: list[str], step_ms: float | None) -> list[str]:
    """A block with an END, and a line without values for every sample that is missing between two others."""
    whole, last = [], None
    for line in block:
        if line[:1].isdigit():
            if last is not None and _time_ms(line) == _time_ms(last):
                continue  # written twice
            if last is not None and step_ms:
                missing = round((_time_ms(line) - _time_ms(last)) / step_ms) - 1
                empty = "\t".join("." if _is_number(word) else word for word in line.split()[1:])
                whole += [f"{_time_ms(last) + step_ms * (i + 1):.12g}\t{empty}" for i in range(missing)]
            last = line
        whole.append(line)
    if not any(line.startswith("END") for line in block):
        whole.append(f"END\t{last.split()[0]}\tSAMPLES\tEVENTS\tRES\t0\t0")
    return whole


def _is_number(word: str) -> bool:
    return word.lstrip("-")[:1].isdigit()


def _read(path) -> list[str]:
    return Path(path).read_text(encoding=find_encoding(Path(path)), errors="replace").splitlines()


def _onsets(lines: list[str]) -> list[str]:
    """The lines, in which the end of an event without a known onset gets the onset of the line that began the event."""
    begun, repaired = {}, []
    for line in lines:
        if line.startswith(("SFIX", "SSACC", "SBLINK")):
            words = line.split()
            begun["".join(words[:2])[1:]] = words[-1]
        elif line.startswith(EVENTS) and UNKNOWN in line:
            event, eye, _, end, _, *rest = line.split()
            onset = begun.get(f"{event}{eye}"[1:], end)
            line = "\t".join([f"{event} {eye}", onset, end, f"{float(end) - float(onset):.12g}", *rest])
        repaired.append(line)
    return repaired


def _interleave(events: list[str], samples: list[str]) -> list[str]:
    """Samples put before the END of the block that they were recorded in, those after the last END at the end."""
    merged, times, begun = [], np.array([float(line.split()[0]) for line in samples]), 0
    for line in events:
        if line.startswith("END"):
            ended = int(np.searchsorted(times, float(line.split()[1]), side="right"))
            merged += samples[begun:ended]
            begun = ended
        merged.append(line)
        if line.startswith("EVENTS"):  # edf2asc leaves this line to the file with samples
            merged.append(line.replace("EVENTS", "SAMPLES", 1))
    return merged + samples[begun:]


def _raw(whole: Path, path):
    import mne  # here: it takes a second to import

    try:
        return mne.io.read_raw_eyelink(whole, create_annotations=False, find_overlaps=False, verbose="error")
    except (IndexError, KeyError, RuntimeError, ValueError) as error:
        raise ValueError(
            f"{path} cannot be read as an EyeLink recording: {error}. Expected the lines START, SAMPLES, EVENTS and "
            "END that edf2asc writes"
        ) from error


def _eye(raw, eye: str | None, path) -> str:
    recorded = [name for name in ("left", "right") if f"pupil_{name}" in raw.ch_names]
    if eye is None and recorded:
        return max(recorded, key=lambda name: int((raw.get_data(f"pupil_{name}") > 0).sum()))
    if eye not in recorded:
        raise ValueError(f"{path} holds the eyes {', '.join(recorded) or 'none with a pupil'}, not {eye}")
    return eye


def _events(lines: list[str], kind: str, eye: str) -> np.ndarray:
    """Onset and duration in ms, and amplitude in degrees (NaN where not known), of one eye's events in order of onset.

    ESACC eye, onset, end, duration, start x, y, end x, y, amplitude, peak velocity; the others begin alike (EyeLink
    user manual, "ASC files").
    """
    found = []
    for line in lines:
        words = line.split()
        if words[:2] == [kind, eye[0].upper()]:
            try:
                amplitude = words[9] if kind == "ESACC" and len(words) > 9 else "."
                found.append([float(words[2]), float(words[4]), np.nan if amplitude == "." else float(amplitude)])
            except (IndexError, ValueError):
                raise ValueError(f"expected onset, end and duration of an event, got the line {line!r}") from None
    return np.array(sorted(found), dtype=float).reshape(-1, 3)


def _blocks(lines: list[str], step_ms: float) -> np.ndarray:
    """When blocks begin and end (n, 2), in ms of the tracker's clock; those without a pause between them are one."""
    found: list[list[float]] = []
    for line in lines:
        if line.startswith("START"):
            begin_ms = _time_ms(line)
            if not found or begin_ms > found[-1][1] + step_ms:
                found.append([begin_ms, begin_ms])
        elif found and line[:1].isdigit():
            found[-1][1] = _time_ms(line) + step_ms
    return np.array(found)


def _dispersion(time_s, gaze_x, gaze_y, onset_s: float, duration_s: float) -> tuple[float, float]:
    during = slice(*np.searchsorted(time_s, [onset_s - 1e-6, onset_s + duration_s - 1e-6]))
    seen = np.isfinite(gaze_x[during])
    if not seen.any():
        return 0.0, 0.0
    return np.ptp(gaze_x[during][seen]), np.ptp(gaze_y[during][seen])
