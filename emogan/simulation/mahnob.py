"""Simulated sessions of MAHNOB-HCI: EEG as BioSemi's .bdf, eyes as Tobii's .tsv, and what was felt as .xml."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter

from emogan.atomic import write_atomically
from emogan.data.readers import deap
from emogan.data.readers.mahnob import RATED
from emogan.recordings.tobii import COLUMNS, EVENT
from emogan.simulation.releases import mark_simulated

PEOPLE = (1, 2)  # a person takes 70 MB
CLIPS = (  # the release's films
    *("69.avi", "55.avi", "58.avi", "earworm_f.avi", "53.avi", "80.avi", "52.avi", "79.avi", "73.avi", "90.avi"),
    *("107.avi", "146.avi", "30.avi", "138.avi", "newyork_f.avi", "111.avi", "detroit_f.avi", "cats_f.avi"),
    *("dallas_f.avi", "funny_f.avi"),
)
AROUND_S = 30.0  # that are recorded before and after a clip
EEG_HZ, EYE_HZ = 256, 60
BESIDE = (*(f"EXG{i}" for i in range(1, 9)), "GSR1", "GSR2", "Erg1", "Erg2", "Resp", "Temp")
LARGEST_UV, HIGHEST = 262144, 2**23
FOLDER_NUMBERS = 130  # of each person
TSV = (  # as Tobii Studio names them
    *(
        "Timestamp",
        "DateTimeStamp",
        "DateTimeStampStartOffset",
        "Number",
        "GazePointXLeft",
        "GazePointYLeft",
        "CamXLeft",
    ),
    *("CamYLeft", "DistanceLeft", "PupilLeft", "ValidityLeft", "GazePointXRight", "GazePointYRight", "CamXRight"),
    *("CamYRight", "DistanceRight", "PupilRight", "ValidityRight", "FixationIndex", "GazePointX", "GazePointY", EVENT),
    *("EventKey", "Data1", "Data2", "Descriptor", "StimuliName", "StimuliID"),
)


class Simulated(NamedTuple):
    """A session: EEG (32, N) in microvolt, and of the eyes the gaze (T, 2) in px, NaN in blinks, and pupil (T,) in mm.

    The clip lasts `seconds`, from `AROUND_S` on in the EEG and in the eyes.
    """

    clip: str
    ratings: tuple[int, ...]
    seconds: int
    eeg: np.ndarray
    gaze: np.ndarray
    pupil: np.ndarray


def simulate(subject: int, trial: int) -> Simulated:
    """A session; the more aroused a person feels, the stronger is the fast EEG and the wider the pupil."""
    random = np.random.default_rng([27, subject, trial])
    order = np.random.default_rng([27, subject]).permutation(len(CLIPS))
    clip = int(order[trial - 1])
    liked = np.random.default_rng(27).uniform(1, 9, (len(CLIPS), len(RATED)))[clip]
    ratings = np.clip(liked + random.normal(0, 1, len(RATED)), 1, 9).round().astype(int)
    seconds = 34 + clip % 5
    length_s = seconds + 2 * int(AROUND_S)
    white = random.standard_normal((len(deap.CHANNELS), length_s * EEG_HZ))
    eeg = lfilter([3.0], [1.0, -0.95], white, axis=-1) + ratings[1] * white
    gaze = _gaze(random, length_s * EYE_HZ)
    pupil = 3 + 0.1 * ratings[1] + 2 * gaussian_filter1d(random.normal(0, 1, len(gaze)), EYE_HZ)
    emotion = int(clip * 13 // len(CLIPS))
    return Simulated(CLIPS[clip], (*ratings.tolist(), emotion), seconds, eeg, gaze, pupil)


def _gaze(random: np.random.Generator, count: int) -> np.ndarray:
    """Fixations of 200 ms and more; between them saccades of 1 to 4 samples or, after some, blinks of 100 to 250 ms."""
    parts, at = [], random.uniform((300, 300), (900, 700))
    while sum(map(len, parts)) < count:
        parts.append(at + random.uniform(-4, 4, (12 + int(random.exponential(8)), 2)))
        to = random.uniform((100, 100), (1180, 900))
        while np.abs(to - at).sum() < 300:
            to = random.uniform((100, 100), (1180, 900))
        if random.random() < 0.1:
            parts.append(np.full((random.integers(6, 15), 2), np.nan))
        else:
            parts.append(at + np.linspace(0, 1, random.integers(3, 7))[1:-1, None] * (to - at))
        at = to
    return np.concatenate(parts)[:count]


def write_mahnob(root: Path, subjects: Sequence[int] | None = None, trials: Sequence[int] = range(1, 21)) -> str:
    """Write Sessions/{number}/ with a session.xml, a .bdf and a .tsv each; returns a sentence on what was simulated."""
    subjects = PEOPLE if subjects is None else subjects
    for subject in subjects:
        for trial in trials:
            session = simulate(subject, trial)
            number = FOLDER_NUMBERS * (subject - 1) + 2 * trial
            folder, random = root / "Sessions" / str(number), np.random.default_rng([28, subject, trial])
            write_atomically(folder / f"Part_{subject}_S_Trial{trial}_emotion.bdf", bdf(session, random))
            write_atomically(folder / f"P{subject}-Rec1-All-Data-New_Section_{2 * trial}.tsv", tsv(session))
            felt = dict(zip((*RATED.values(), "feltEmo"), session.ratings, strict=True))
            write_atomically(folder / "session.xml", xml(subject, number, 2 * trial, session, felt))
        number = FOLDER_NUMBERS * (subject - 1) + 42  # of pictures, whose tags were judged
        write_atomically(root / "Sessions" / str(number) / "session.xml", xml(subject, number, 42, session, {}))
    mark_simulated(root / "Sessions")
    clips = f"{len(subjects)} people x {len(trials)} clips"
    return f"synthetic_mahnob: {clips}, EEG at {EEG_HZ} Hz and eyes at {EYE_HZ} Hz, rated on 4 scales"


def xml(subject: int, number: int, cut: int, session: Simulated, felt: dict[str, int]) -> bytes:
    """A session.xml."""
    named = {
        **felt, "cutLenSec": session.seconds, "cutNr": cut, "isStim": 1, "mediaFile": session.clip, "sessionId": number
    }  # fmt: skip
    attributes = " ".join(f"{name}={quoteattr(str(value))}" for name, value in named.items())
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    return f'{head}\n<session {attributes}>\n<subject id="{subject}" gender="f"/>\n</session>\n'.encode()


def bdf(session: Simulated, random: np.random.Generator) -> bytes:
    """A recording of 47 channels as BioSemi writes it: 24 bits a number, records of 1 s."""
    labels = [*(_cased(name) for name in deap.CHANNELS), *BESIDE, "Status"]
    records = session.eeg.shape[1] // EEG_HZ
    numbers = np.zeros((len(labels), session.eeg.shape[1]), dtype=np.int32)
    numbers[: len(session.eeg)] = np.rint(session.eeg * (HIGHEST / LARGEST_UV))
    numbers[len(session.eeg) : -1] = random.integers(-20000, 20000, (len(BESIDE), 1))
    begin, end = round(AROUND_S * EEG_HZ), round((AROUND_S + session.seconds) * EEG_HZ)
    numbers[-1, [begin, begin + 1, end, end + 1]] = 16, 16, 16, 16  # two samples long
    numbers[-1] += 0x200000  # the amplifier's own flags
    units = ["uV"] * (len(labels) - 1) + ["Boolean"]
    count = len(labels)
    columns = [
        (labels, 16), (["active electrode"] * count, 80), (units, 8), ([-LARGEST_UV] * count, 8),
        ([LARGEST_UV - 1] * count, 8), ([-HIGHEST] * count, 8), ([HIGHEST - 1] * count, 8), ([""] * count, 80),
        ([EEG_HZ] * count, 8), (["Reserved"] * count, 32),
    ]  # fmt: skip
    start = [("simulated", 80), ("", 80), ("01.01.10", 8), ("00.00.00", 8), (256 * (count + 1), 8), ("24BIT", 44)]
    start += [(records, 8), (1, 8), (count, 4)]
    fields = [*start, *((value, size) for values, size in columns for value in values)]
    header = b"\xffBIOSEMI" + "".join(str(value)[:size].ljust(size) for value, size in fields).encode("latin-1")
    by_record = numbers.reshape(count, records, EEG_HZ).transpose(1, 0, 2)
    return header + np.ascontiguousarray(by_record.astype("<i4")).view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


def _cased(name: str) -> str:
    """As BioSemi writes it: Fp1, Oz, FC5."""
    return name.replace("FP", "Fp").replace("Z", "z")


def tsv(session: Simulated) -> bytes:
    """Tobii Studio's table: lines that describe the file, the names of the columns, samples and events."""
    lines = ["System Properties:", "Operating System:\tMicrosoft Windows XP", "Recording date:\tsimulated"]
    lines += [""] * (23 - len(lines)) + ["\t".join(TSV)]
    events = {AROUND_S: "MovieStart", AROUND_S + session.seconds: "MovieEnd", AROUND_S + 5.2: "KeyPress"}
    written = set()
    for i, ((x, y), pupil) in enumerate(zip(session.gaze.tolist(), session.pupil.tolist(), strict=True)):
        milliseconds = 1000 + round(1000 * i / EYE_HZ)
        for event in [name for time_s, name in events.items() if time_s * EYE_HZ <= i and name not in written]:
            written.add(event)
            lines.append(_line(Timestamp=milliseconds, Event=event))
        cells = {"Timestamp": milliseconds, "Number": i + 1}
        for eye in ("Left", "Right"):
            seen = x == x
            values = (f"{x:.3f}", f"{y:.3f}", 640, f"{pupil:.4f}", 0) if seen else (-1, -1, -1, -1, 4)
            cells |= {f"{name}{eye}": value for name, value in zip(EYES, values, strict=True)}
        lines.append(_line(**cells))
    return "\r\n".join([*lines, ""]).encode()


EYES = tuple(name.removesuffix("Left") for name in COLUMNS[1:6])


def _line(**cells: object) -> str:
    return "\t".join(str(cells.get(name, "")) for name in TSV)
