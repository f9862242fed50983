"""DREAMER.mat: one struct of 2 GB with all people's signals and ratings, read one person after the other."""

import struct
import zlib
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from emogan.data.experiments import need_shape
from emogan.data.readers import matlab

VARIABLE, PEOPLE = "DREAMER", "Data"
CHANNELS = ("AF3", "F7", "F3", "FC5", "T7", "P7", "O1", "O2", "P8", "T8", "FC6", "F4", "F8", "AF4")
SCALES = ("valence", "arousal", "dominance")  # each rated 1, 2, 3, 4 or 5
SFREQ_HZ = 128.0
CLIPS = 18
FIELDS = ("EEG", *(f"Score{scale.title()}" for scale in SCALES))
PIECE_BYTES = 1 << 22


class Person(NamedTuple):
    """Signals (14 channels, samples) of each of 18 clips in microvolt, with an offset, and ratings (18, 3)."""

    signals: list[np.ndarray]
    ratings: np.ndarray


def count(path: Path) -> int:
    """How many people there are.

    Raises
    ------
    ValueError
        If it is not DREAMER.mat. Names the file.
    """
    return _file(path, path.stat().st_mtime_ns).count


def read(path: Path, person: int) -> Person:
    """Read a person, by number from 1; the last one is kept, and a number above it goes on from there.

    Raises
    ------
    ValueError
        If there is no such person, or the file is damaged or not DREAMER.mat. Names the file.
    """
    return _file(path, path.stat().st_mtime_ns).read(person)


@lru_cache(maxsize=1)
def _file(path: Path, changed_ns: int) -> "_File":
    return _File(path)


class _Stream:
    """The elements of the one variable of a MATLAB file of version 5 to 7.2, from front to back."""

    def __init__(self, path: Path):
        self.path, self.at, self.inflater, self.buffer = path, 0, None, bytearray()
        self.order = matlab.ORDERS.get(self.take(matlab.HEADER_BYTES)[124:])
        if self.order is None:
            raise ValueError(
                "no header of version 5; one of version 7.3 has to be saved in MATLAB with save(..., '-v7')"
            )
        kind, _ = struct.unpack(f"{self.order}II", self.take(8))
        if kind == matlab.COMPRESSED:
            self.inflater = zlib.decompressobj()
            self.buffer = bytearray(self.inflater.decompress(self.buffer, PIECE_BYTES))
            self.take(8)

    def take(self, size: int) -> bytes:
        while len(self.buffer) < size:
            tail = self.inflater.unconsumed_tail if self.inflater else b""
            if not (piece := tail or self.piece()):
                raise ValueError(f"it ends where {size - len(self.buffer)} more bytes are due")
            self.buffer += self.inflater.decompress(piece, 4 * PIECE_BYTES) if self.inflater else piece
        taken = bytes(self.buffer[:size])
        del self.buffer[:size]
        return taken

    def piece(self) -> bytes:
        with self.path.open("rb") as file:  # which is not left open for as long as people are kept
            file.seek(self.at)
            content = file.read(PIECE_BYTES)
        self.at += len(content)
        return content

    def tag(self) -> tuple[int, int, bytes | None]:
        """Kind and size of the next element, and its content if it stands in the tag."""
        kind, size = struct.unpack(f"{self.order}II", head := self.take(8))
        if kind >> 16:
            return kind & 0xFFFF, kind >> 16, head[4 : 4 + min(kind >> 16, 4)]
        return kind, size, None

    def element(self) -> bytes:
        _, size, content = self.tag()
        if size > matlab.MAX_BYTES:
            raise ValueError(f"an element of {size} bytes")
        if content is None:
            content = self.take(size)
            self.take(-size % 8)
        return content

    def skip(self) -> None:
        _, size, content = self.tag()
        size += -size % 8
        while content is None and size:
            size -= len(self.take(min(size, PIECE_BYTES)))

    def enter(self) -> tuple[int, int]:
        """Step into a matrix, behind its name: its class and number of elements."""
        flags, dimensions, _ = self.element(), self.element(), self.element()
        shape = struct.unpack(f"{self.order}{len(dimensions) // 4}i", dimensions)
        return flags[0] if self.order == "<" else flags[3], int(np.prod(shape))

    def fields(self) -> list[str]:
        (width,), names = struct.unpack(f"{self.order}i", self.element()), self.element()
        return [names[i : i + width].split(b"\0")[0].decode("latin1") for i in range(0, len(names), width)]


class _File:
    """The people of a file, of whom the last one read is kept."""

    def __init__(self, path: Path):
        self.path = path
        self._open()

    def _open(self) -> None:
        self.passed, self.last = 0, {}  # how many people were read or skipped, and what was read of the last
        try:
            self.stream = _Stream(self.path)
            if self.stream.enter() != (matlab.STRUCT, 1) or PEOPLE not in (fields := self.stream.fields()):
                raise ValueError(f"a struct with the field {PEOPLE} is due")
            for _ in range(fields.index(PEOPLE)):
                self.stream.skip()
            self.stream.tag()
            kind, self.count = self.stream.enter()
            if kind != matlab.CELL:
                raise ValueError(f"{PEOPLE} is due as a cell array")
        except Exception as error:  # of whatever kind, it is the content's doing
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> ValueError:
        return ValueError(
            f"{self.path}: expected DREAMER.mat, got {self.path.stat().st_size} bytes that cannot be read as it "
            f"({type(error).__name__}: {error}). Copy it again."
        )

    def read(self, person: int) -> Person:
        if not 1 <= person <= self.count:
            raise ValueError(f"{self.path}: expected a person out of 1..{self.count}, got {person}")
        if person < self.passed or not self.last:
            self._open()
        try:
            while self.passed < person - 1:
                self.stream.skip()
                self.passed += 1
            if self.passed < person:
                self.last = self._struct()
                self.passed = person
        except Exception as error:  # of whatever kind, it is the content's doing
            self.last = {}
            raise self._damaged(error) from error
        return self._checked(person)

    def _struct(self) -> dict:
        """What is needed of a person's struct; age, gender and heart are not."""
        self.stream.tag()
        if self.stream.enter() != (matlab.STRUCT, 1):
            raise ValueError("a struct is due for each person")
        found = {}
        for name in self.stream.fields():
            if name in FIELDS:
                found[name] = matlab.matrix(memoryview(self.stream.element()), self.stream.order)
            else:
                self.stream.skip()
        return found

    def _checked(self, person: int) -> Person:
        eeg, *scores = (self.last.get(name) for name in FIELDS)
        clips = eeg.get("stimuli") if isinstance(eeg, dict) else None
        what = f"of person {person}"
        if not isinstance(clips, list) or len(clips) != CLIPS:
            raise ValueError(f"{self.path}: expected the EEG {what} as {CLIPS} cells of stimuli, got another")
        signals = [
            need_shape(x, ("samples", len(CHANNELS)), self.path, f"EEG of clip {clip} {what}").T
            for clip, x in enumerate(clips, 1)
        ]
        named = zip(FIELDS[1:], scores, strict=True)
        ratings = np.hstack([need_shape(x, (CLIPS, 1), self.path, f"{name} {what}") for name, x in named])
        if not np.isin(ratings, range(1, 6)).all():
            raise ValueError(f"{self.path}: expected ratings 1 to 5 {what}, got {np.unique(ratings)[:8].tolist()}")
        return Person(signals, ratings)
