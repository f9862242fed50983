"""When the samples of a recording were taken: pieces without a break, and the stretches that are marked bad."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from emogan.signal.windows import TOLERANCE_S
from emogan.wording import some

BREAK = re.compile(r"((bad|edge)[ _])?boundary|edge(_.*)?|new segment.*|discontinuity|dc reset", re.IGNORECASE)
SKIP = re.compile(r"bad_acq_skip", re.IGNORECASE)  # MNE's word for samples that were never recorded
BAD = re.compile(r"bad.*", re.IGNORECASE)  # MNE's words for stretches to leave out begin so
COMMENT = "Comment/"  # BrainVision's prefix of texts that a program or a person wrote


class Marker(NamedTuple):
    """What a file says of a stretch of time, in seconds since its first sample."""

    onset_s: float
    duration_s: float
    text: str

    @property
    def end_s(self) -> float:
        return self.onset_s + self.duration_s

    @property
    def is_break(self) -> bool:
        """Whether the samples before and after it do not follow one another."""
        return self.is_skip or self._is(BREAK)

    @property
    def is_skip(self) -> bool:
        """Whether it stands for samples that were never recorded."""
        return self._is(SKIP)

    @property
    def is_bad(self) -> bool:
        """Whether it is a stretch to leave out."""
        return not self.is_break and self._is(BAD)

    def _is(self, kind: re.Pattern) -> bool:
        return kind.fullmatch(self.text.removeprefix(COMMENT)) is not None


class Piece(NamedTuple):
    """Samples first..stop - 1, recorded without a break; the first of them at start_s, after a break of some kind."""

    first: int
    stop: int
    start_s: float
    after: str = ""


@dataclass(frozen=True)
class Timeline:
    """Which sample was taken when.

    Parameters
    ----------
    sfreq_hz : samples a second
    pieces : in order of time
    bad : stretches marked bad
    unmeasured : markers of bad stretches that do not say how long these are

    Raises
    ------
    ValueError
        If there is no piece.
    """

    sfreq_hz: float
    pieces: tuple[Piece, ...]
    bad: tuple[Marker, ...] = ()
    unmeasured: tuple[Marker, ...] = ()

    def __post_init__(self):
        if not self.pieces:
            raise ValueError("expected samples, got a file that says of all of them that they were not recorded")

    @property
    def duration_s(self) -> float:
        """End of the last piece, in seconds since the first sample."""
        return self._end_s(self.pieces[-1])

    def _end_s(self, piece: Piece) -> float:
        return piece.start_s + (piece.stop - piece.first) / self.sfreq_hz

    def locate(self, start_s: float, end_s: float) -> tuple[int, int, Piece]:
        """Samples first..last - 1 of a trial, and the piece that holds them; an infinite end is the recording's.

        Raises
        ------
        ValueError
            If nothing was recorded then, the recording ends before the trial, or a break lies within the trial.
        """
        half_sample_s, end_s = 0.5 / self.sfreq_hz, min(end_s, self.duration_s) if math.isinf(end_s) else end_s
        begins_s = self.pieces[0].start_s
        if start_s < begins_s - half_sample_s or max(start_s, end_s) > self.duration_s + half_sample_s:
            raise ValueError(
                f"expected a trial within the recording, which lasts from {begins_s:g} to {self.duration_s:g} s. Is it "
                "whole? Correct the trial's times, or leave it out."
            )
        at = max(i for i, piece in enumerate(self.pieces) if i == 0 or piece.start_s <= start_s + half_sample_s)
        piece = self.pieces[at]
        if end_s > self._end_s(piece) + half_sample_s:
            following = self.pieces[at + 1]
            raise ValueError(
                f"expected a trial without a break, got {following.after} at {self._end_s(piece):g} s of the "
                "recording. Correct its times, make two trials of it, or leave it out."
            )
        first, last = (piece.first + round((time_s - piece.start_s) * self.sfreq_hz) for time_s in (start_s, end_s))
        return first, last, piece

    def bad_windows(self, start_s: float, count: int, window_s: float) -> np.ndarray:
        """Which of the count windows (W,) that follow one another from start_s touch a stretch marked bad."""
        onset_s = start_s + window_s * np.arange(count)[:, None]
        begin_s, end_s = np.array([(marker.onset_s, marker.end_s) for marker in self.bad], dtype=float).reshape(-1, 2).T
        return ((onset_s < end_s - TOLERANCE_S) & (onset_s + window_s > begin_s + TOLERANCE_S)).any(1)

    def bad_samples(self, piece: Piece) -> np.ndarray:
        """Which of the samples of a piece (N,) were taken during a stretch marked bad, with those at its edges."""
        bad = np.zeros(piece.stop - piece.first, dtype=bool)
        for marker in self.bad:
            begin = math.floor((marker.onset_s - TOLERANCE_S - piece.start_s) * self.sfreq_hz)
            end = math.ceil((marker.end_s + TOLERANCE_S - piece.start_s) * self.sfreq_hz)
            bad[max(begin, 0) : max(end, 0)] = True
        return bad

    def notes(self) -> list[str]:
        """Sentences on the breaks, and on markers of bad stretches that have no effect."""
        notes = []
        ends_s = [0.0, *map(self._end_s, self.pieces)]  # of what came before each piece
        if breaks := [(end_s, piece) for end_s, piece in zip(ends_s, self.pieces, strict=False) if piece.after]:
            places = some([f"{piece.after} at {end_s:g} s" for end_s, piece in breaks], 5)
            paused = any(piece.start_s > end_s for end_s, piece in breaks)
            meaning = "times include the pauses" if paused else "times count the samples that are there"
            notes.append(f"not continuous: {places}; {meaning}, and no trial may lie across a break")
        if self.unmeasured:
            places = some([f"{marker.text} at {marker.onset_s:g} s" for marker in self.unmeasured], 4)
            notes.append(f"markers of bad stretches without a duration leave out nothing: {places}")
        return notes


def timeline(sfreq_hz: float, pieces: Sequence[Piece], markers: Iterable[Marker]) -> Timeline:
    """The timeline of pieces that markers of breaks divide further."""
    pieces, markers = list(pieces), sorted(markers)
    for marker in (marker for marker in markers if marker.is_break):
        lost_s = marker.duration_s if marker.is_skip else 0.0
        pieces = [part for piece in pieces for part in _divided(piece, marker, lost_s, sfreq_hz)]
    bad = [marker for marker in markers if marker.is_bad]
    unmeasured = tuple(marker for marker in bad if not marker.duration_s > 0)
    return Timeline(sfreq_hz, tuple(pieces), tuple(marker for marker in bad if marker.duration_s > 0), unmeasured)


def _divided(piece: Piece, marker: Marker, lost_s: float, sfreq_hz: float) -> list[Piece]:
    """A piece before and after a break, or the piece if the break does not lie in it; what was lost is in neither."""
    first = piece.first + math.ceil((marker.onset_s - piece.start_s) * sfreq_hz - 1e-6)
    again = first + round(lost_s * sfreq_hz)
    if again <= piece.first or first >= piece.stop:
        return [piece]
    what = f"samples that were not recorded, {lost_s:g} s," if lost_s else repr(marker.text)
    parts = [
        piece._replace(stop=max(first, piece.first)),
        Piece(again, piece.stop, piece.start_s + (again - piece.first) / sfreq_hz, what),
    ]
    return [part for part in parts if part.stop > part.first]
