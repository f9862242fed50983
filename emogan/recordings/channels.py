"""Finding the wanted EEG channels among those of a recording, however their names are written."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from emogan.data.montage import CHANNELS
from emogan.data.table_files import some

MASTOID = re.compile(r"[AM][12](-[AM][12])?|A1\+?A2|M1\+?M2")
NO_EEG = re.compile(r"(VEO|HEO|EOG|VEOG|HEOG|ECG|EKG|EMG|GSR|RESP|TRIG|STATUS|STI|EVENT|ANNOT).*")
EOG = re.compile(r"(VEO|HEO|EOG).*")
REFERENCE = re.compile(r"-(REF|LE|AVG?|AVERAGE|[AM][12]|A1A2|M1M2)$")
FORMER = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}  # names of before 1991


class Picked(NamedTuple):
    """Places of the wanted channels, their names, places of EOG channels, and what is left out by its own name."""

    picks: list[int]
    names: tuple[str, ...]
    eog: list[int]
    extra: list[str]


def plain(name: str) -> str:
    """A channel's name in capitals without spaces, dots, a prefix such as "EEG " or a reference such as "-REF"."""
    text = re.sub(r"[\s.]+", "", name).upper()
    text = re.sub(r"^EEG[-_:]?(?=\D)", "", text)
    return text if MASTOID.fullmatch(text) else REFERENCE.sub("", text)


def pick(names: Sequence[str], wanted: str | Sequence[str], kinds: Sequence[str] | None = None) -> Picked:
    """Find channels without regard to case, spaces and prefixes; mastoids, EOG and ECG are never EEG channels.

    Parameters
    ----------
    names : of all channels of a recording
    wanted : "seed" for the 62 of the SEED data sets, "found" for all EEG channels, or a list of names
    kinds : MNE's types of the channels, if known: "eeg", "eog", "ecg", "stim", ...

    Raises
    ------
    ValueError
        Naming the wanted channels that are missing and those that the recording has beyond them.
    """
    kinds = kinds or ["eeg"] * len(names)
    plains = [plain(name) for name in names]
    eog = [i for i, name in enumerate(plains) if kinds[i] == "eog" or EOG.fullmatch(name)]
    eeg = {}
    for i, name in enumerate(plains):
        if kinds[i] != "eeg" or MASTOID.fullmatch(name) or NO_EEG.fullmatch(name):
            continue
        if name in eeg:
            raise ValueError(f"expected distinct channels, got {names[eeg[name]]!r} and {names[i]!r}")
        eeg[name] = i
    if not eeg:
        raise ValueError(f"expected EEG channels, got {some(names)}")
    if wanted == "found":
        return Picked(list(eeg.values()), tuple(eeg), eog, [])
    wanted = CHANNELS if wanted == "seed" else tuple(wanted)
    for former, present in FORMER.items():
        if former in eeg and present not in eeg:
            eeg = {present if name == former else name: i for name, i in eeg.items()}
    sought = [FORMER.get(plain(name), plain(name)) for name in wanted]
    missing = [name for name, key in zip(wanted, sought, strict=True) if key not in eeg]
    extra = [names[i] for key, i in eeg.items() if key not in sought]
    if missing:
        raise ValueError(
            f"expected the {len(wanted)} channels {some(wanted, 4)}; missing {some(missing)}; it has beyond them "
            f"{some(extra)}. Choose channels=[NAME, ...], or channels=found for all EEG channels that a recording has."
        )
    return Picked([eeg[key] for key in sought], tuple(wanted), eog, extra)
