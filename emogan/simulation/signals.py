"""Simulated signals and ratings of DEAP, DREAMER and AMIGOS, in their file formats."""

import struct
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from scipy.io import savemat
from scipy.signal import lfilter

from emogan.atomic import write_atomically
from emogan.data.readers import amigos, deap, dreamer
from emogan.simulation.releases import mark_simulated

PEOPLE = (1, 2, 3)  # a file of DEAP takes 103 MB
OFFSET_UV = 4200.0  # of the amplifier with which DREAMER was recorded


def simulate_deap(subject: int) -> deap.Person:
    """Signals whose fast part is stronger the higher a clip's arousal is rated; ratings with two decimals."""
    random = np.random.default_rng([40, subject])
    liked = np.random.default_rng(40).uniform(1, 9, (deap.SHAPE[0], 4))  # by everyone
    ratings = np.clip(liked + random.normal(0, 1.5, liked.shape), 1, 9).round(2)
    ratings[:2] = 5  # on the threshold that is usual
    return deap.Person(_signals(random, deap.SHAPE, ratings[:, 1] / 9), ratings)


def simulate_dreamer(subject: int) -> dreamer.Person:
    """Signals with an offset, of clips of 65 to 70 s; whole ratings."""
    random = np.random.default_rng([23, subject])
    liked = np.random.default_rng(23).uniform(0.5, 5.5, (dreamer.CLIPS, 3))
    ratings = np.clip(liked + random.normal(0, 0.7, liked.shape), 1, 5).round()
    lengths = np.random.default_rng(23).integers(65 * 128, 70 * 128, dreamer.CLIPS)
    signals = [
        OFFSET_UV + _signals(random, (1, len(dreamer.CHANNELS), length), rating)[0]
        for length, rating in zip(lengths, ratings[:, 1:2] / 5, strict=True)
    ]
    return dreamer.Person(signals, ratings)


def simulate_amigos(subject: int) -> amigos.Person:
    """Signals of short clips of 55 to 60 s and 5 s before; one clip is not there of each person."""
    random = np.random.default_rng([41, subject])
    liked = np.random.default_rng(41).uniform(1, 9, (amigos.CLIPS, len(amigos.SCALES)))
    ratings = np.clip(liked + random.normal(0, 1, liked.shape), 1, 9).round(2)
    clips = [clip for clip in range(1, amigos.CLIPS + 1) if clip != 3 + subject % 5]
    signals = {
        clip: _signals(random, (1, len(amigos.CHANNELS), 128 * (60 + clip % 6)), ratings[clip - 1, :1] / 9)[0]
        for clip in clips
    }
    return amigos.Person(signals, {clip: ratings[clip - 1] for clip in clips})


def write_deap(root: Path, subjects: Sequence[int] | None = None) -> str:
    """Write data_preprocessed_python/s{subject}.dat; returns a sentence on what was simulated."""
    subjects, folder = PEOPLE if subjects is None else subjects, root / "data_preprocessed_python"
    for subject in subjects:
        person = simulate_deap(subject)
        content = python_2_pickle({"labels": person.ratings, "data": person.signals})
        write_atomically(folder / f"s{subject:02d}.dat", content)
    mark_simulated(folder)
    return f"synthetic_deap: {len(subjects)} people x 40 clips of 60 s, 32 EEG channels at 128 Hz, rated on 4 scales"


def write_dreamer(root: Path, subjects: Sequence[int] | None = None) -> str:
    """Write DREAMER.mat, of the people 1 to n; returns a sentence on what was simulated.

    Raises
    ------
    ValueError
        If the people are others, whom the file could not number.
    """
    subjects = PEOPLE if subjects is None else subjects
    if list(subjects) != list(range(1, len(subjects) + 1)):
        raise ValueError(f"subjects: expected 1, 2, ..., as DREAMER.mat numbers people by their place, got {subjects}")
    people = np.empty((1, len(subjects)), dtype=object)
    for i, subject in enumerate(subjects):
        person, random = simulate_dreamer(subject), np.random.default_rng([24, subject])
        eeg = [signal.T for signal in person.signals]
        scores = {f"Score{scale.title()}": person.ratings[:, [k]] for k, scale in enumerate(dreamer.SCALES)}
        heart = [random.normal(size=(2 * len(signal), 2)) for signal in eeg]
        people[0, i] = {
            "Age": "22", "Gender": "male",
            "EEG": {"baseline": _cells([signal[:7808] for signal in eeg]), "stimuli": _cells(eeg)},
            "ECG": {"baseline": _cells([signal[:15616] for signal in heart]), "stimuli": _cells(heart)}, **scores,
        }  # fmt: skip
    content = {
        "Data": people, "EEG_SamplingRate": 128.0, "ECG_SamplingRate": 256.0,
        "EEG_Electrodes": _cells(list(dreamer.CHANNELS)).T, "noOfSubjects": float(len(subjects)),
        "noOfVideoSequences": float(dreamer.CLIPS), "Disclaimer": "simulated",
    }  # fmt: skip
    buffer = BytesIO()
    savemat(buffer, {dreamer.VARIABLE: content}, do_compression=True)
    write_atomically(root / "DREAMER.mat", buffer.getvalue())
    mark_simulated(root)
    return f"synthetic_dreamer: {len(subjects)} people x 18 clips, 14 EEG channels at 128 Hz, rated on 3 scales"


def write_amigos(root: Path, subjects: Sequence[int] | None = None) -> str:
    """Write data_preprocessed/Data_Preprocessed_P{subject}.mat; returns a sentence on what was simulated."""
    subjects, folder = PEOPLE if subjects is None else subjects, root / "data_preprocessed"
    for subject in subjects:
        person, random = simulate_amigos(subject), np.random.default_rng([42, subject])
        signals, ratings = [np.empty((0, 0))] * amigos.CLIPS, [np.empty((0, 0))] * amigos.CLIPS
        for clip, signal in person.signals.items():
            beside = random.normal(size=(signal.shape[1], amigos.COLUMNS - len(amigos.CHANNELS)))
            signals[clip - 1] = np.hstack([signal.T, beside])
            emotions = random.integers(0, 2, amigos.RATINGS - len(amigos.SCALES))
            ratings[clip - 1] = np.hstack([person.ratings[clip], emotions])[None]
        signals += [np.zeros((1280, amigos.COLUMNS))] * amigos.LONG_CLIPS
        ratings += [np.full((1, amigos.RATINGS), 5.0)] * amigos.LONG_CLIPS
        content = dict(zip(amigos.VARIABLES, (_cells(signals).T, _cells(ratings).T), strict=True))
        buffer = BytesIO()
        savemat(buffer, content, do_compression=True)
        write_atomically(folder / f"Data_Preprocessed_P{subject:02d}.mat", buffer.getvalue())
    mark_simulated(folder)
    return f"synthetic_amigos: {len(subjects)} people x 15 clips, 14 EEG channels at 128 Hz, rated on 5 scales"


def _signals(random: np.random.Generator, shape: tuple[int, int, int], strength: np.ndarray) -> np.ndarray:
    """Noise of about 10 microvolt whose power falls with the frequency, and fast noise by each clip's strength."""
    white = random.standard_normal(shape)
    slow = lfilter([3.0], [1.0, -0.95], white, axis=-1)
    return slow + 6 * strength.reshape(-1, 1, 1) * white


def _cells(values: Sequence) -> np.ndarray:
    cells = np.empty((len(values), 1), dtype=object)
    cells[:, 0] = values
    return cells


def python_2_pickle(arrays: Mapping[str, np.ndarray]) -> bytes:
    """A dict of arrays of float64 as cPickle of Python 2 writes it with protocol 2, which no later Python does."""
    parts = [b"\x80\x02}("]
    for name, array in arrays.items():
        shape = b"(" + b"".join(b"J" + struct.pack("<i", n) for n in array.shape) + b"t"
        content = array.astype("<f8").tobytes()
        parts += [
            b"U", bytes([len(name)]), name.encode(),
            b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01", shape,
            b"cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89",
            b"T", struct.pack("<i", len(content)), content, b"tb",
        ]  # fmt: skip
    return b"".join([*parts, b"u."])
