"""Finding the wanted EEG channels among those of a recording, however their names are written."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from emogan.data.montage import CHANNELS, is_electrode
from emogan.wording import some

MASTOID = re.compile(r"[AM][12](-[AM][12])?|A1\+?A2|M1\+?M2")
NO_EEG = re.compile(  # names, in capitals, of what is recorded beside EEG
    r"(VEO|HEO|EOG|VEOG|HEOG|ECG|EKG|EMG|ERG|EXG|MEG|MCG|EDA|GSR|SCR|SCL|RESP|FLOW|NASAL|THOR|ABDO|CHEST|SNORE|SOUND|LIGHT"
    r"|PLET|PPG|BVP|PULSE|HR$|SPO2|SAO2|OSAT|TEMP|TMP|ACC|GYR|MAG|AUX|ANA\d|DC\d|PHOTO|TRIG|STATUS|STI|EVENT|MARK|ANNOT"
    r"|COUNT|BATT|PACKET|SAMPLE|TIME).*"
)
EOG = re.compile(r"(VEO|HEO|EOG).*")
SLEEP_EOG = re.compile(r"E[12]")  # of sleep laboratories; caps with numbered electrodes go on to E3
REFERENCE = re.compile(r"-(REF|LE|AVG?|AVERAGE|[AM][12]|A1A2|M1M2)$")
NUMBERED = re.compile(r"(EEG|E|CH|CHAN|CHANNEL|[A-H])?\d{1,3}")  # electrodes by number: E12 (EGI), B7 (BioSemi), EEG001
VOLTS = re.compile(r"(.*?)v(olts?)?", re.IGNORECASE)
MICROVOLTS = {  # of a unit, by its prefix; \x83\xca is the Japanese code of a mu
    "": 1e6, "m": 1e3, "milli": 1e3, "u": 1.0, "\u00b5": 1.0, "\u03bc": 1.0, "\x83\xea": 1.0, "micro": 1.0,
    "n": 1e-3, "nano": 1e-3,
}  # fmt: skip
FORMER = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}  # names of before 1991


class Signal(NamedTuple):
    """What a file says of a channel: MNE's type ("eeg", "eog", "misc", ...), unit, sampling rate, and a mark "bad"."""

    name: str
    kind: str = "eeg"
    unit: str = ""
    rate_hz: float | None = None
    is_bad: bool = False


class Picked(NamedTuple):
    """Indices and names of the wanted channels, indices of EOG channels, names of bad channels, and notes to show."""

    picks: list[int]
    names: tuple[str, ...]
    eog: list[int]
    bad: tuple[str, ...]
    notes: list[str]


def microvolts(unit: str) -> float | None:
    """Microvolt in a unit, which may be written in capitals or in UTF-8; None if it is not of volts, or megavolt."""
    try:
        unit = unit.encode("latin-1").decode("utf-8")
    except UnicodeError:
        pass  # as the norm wants it
    prefix = match[1].strip() if (match := VOLTS.fullmatch(unit)) else "?"
    return None if prefix == "M" else MICROVOLTS.get(prefix.lower())


def plain(name: str) -> str:
    """A channel's name in capitals without spaces, dots, a prefix such as "EEG " or a reference such as "-REF"."""
    text = _unprefixed(name)
    return text if MASTOID.fullmatch(text) else REFERENCE.sub("", text)


def _unprefixed(name: str) -> str:
    text = re.sub(r"[\s.]+", "", name).upper()
    return re.sub(r"^EEG[-_:]?(?=\D)", "", text)


def pick(signals: Sequence[Signal], wanted: str | Sequence[str], bad_channels: str = "leave_out") -> Picked:
    """Find channels without regard to case, spaces and prefixes; mastoids, EOG and the like are never EEG channels.

    Parameters
    ----------
    signals : all channels of a recording
    wanted
        "seed" for the 62 of the SEED data sets, a list of names, or "found" for all EEG channels. Where some of these
        are named as electrodes (10-05 positions or numbers), "found" leaves out those that are not.
    bad_channels
        "leave_out" takes no channel that the file marks bad; "keep" and "interpolate" do, EOG channels "keep" alone.

    Raises
    ------
    ValueError
        If wanted channels are missing or of different sampling rates. Says which, why, and what the recording has
        beyond them.
    """
    plains = [plain(signal.name) for signal in signals]
    eog = [i for i, name in enumerate(plains) if _is_eog(signals[i], name, plains)]
    reasons = {i: why for i in range(len(signals)) if (why := _reason(signals[i], plains[i], plains, bad_channels))}
    eeg: dict[str, int] = {}
    for i in (i for i in range(len(signals)) if i not in reasons):
        if plains[i] in eeg:
            raise ValueError(
                f"expected distinct channels, got {signals[eeg[plains[i]]].name!r} and {signals[i].name!r}"
            )
        eeg[plains[i]] = i
    if not eeg:
        raise ValueError(f"expected EEG channels, got {_by_reason(signals, reasons)}")
    if wanted == "found":
        found = _found(signals, eeg, reasons)
    else:
        found = _listed(signals, eeg, reasons, CHANNELS if wanted == "seed" else tuple(wanted))
    picks, names, notes = found
    rate_hz = _one_rate(signals, picks)
    unusable = {i: "whose sampling rate is not that of the EEG" for i in eog if signals[i].rate_hz != rate_hz}
    unusable |= {i: "marked bad in the file" for i in eog if signals[i].is_bad and bad_channels != "keep"}
    notes = [*notes, *(f"left out the EOG channel {signals[i].name}, {why}" for i, why in unusable.items())]
    references = {match[1] for i in picks if (match := REFERENCE.search(_unprefixed(signals[i].name)))}
    if len(references) > 1:
        notes = [
            *notes,
            f"its channels are named after several references ({some(sorted(references))}), kept as they are",
        ]
    bad = tuple(name for i, name in zip(picks, names, strict=True) if signals[i].is_bad)
    return Picked(picks, names, [i for i in eog if i not in unusable], bad, notes)


def _is_eog(signal: Signal, name: str, plains: Sequence[str]) -> bool:
    of_sleep = SLEEP_EOG.fullmatch(name) is not None and "E3" not in plains
    return signal.kind == "eog" or (signal.kind == "eeg" and (EOG.fullmatch(name) is not None or of_sleep))


def _reason(signal: Signal, name: str, plains: Sequence[str], bad_channels: str) -> str | None:
    """Why a channel is no EEG channel to take; None if it is one."""
    if _is_eog(signal, name, plains):
        return "EOG"
    if signal.kind != "eeg":
        return f"measured in {signal.unit}" if signal.unit else f"of type {signal.kind}"
    if MASTOID.fullmatch(name) and not (name in ("A1", "A2") and "A3" in plains):  # BioSemi's caps number A1, A2, A3
        return "mastoid or earlobe"
    if NO_EEG.fullmatch(name):
        return "not EEG by its name"
    if signal.is_bad and bad_channels == "leave_out":
        return "marked bad in the file"
    return None


def _found(signals: Sequence[Signal], eeg: dict[str, int], reasons: dict[int, str]) -> tuple:
    named = {name: i for name, i in eeg.items() if _is_named_as_electrode(name, signals[i])} or eeg
    unknown = {i: "not named as an electrode" for name, i in eeg.items() if name not in named}
    notes = [f"channels=found took {len(named)} channels: {', '.join(named)}"]
    if left := {**reasons, **unknown}:
        notes = [f"{notes[0]}; left out {_by_reason(signals, left)}"]
    return list(named.values()), tuple(named), notes


def _is_named_as_electrode(name: str, signal: Signal) -> bool:
    says_so = signal.name.upper().lstrip().startswith("EEG")
    return says_so or NUMBERED.fullmatch(name) is not None or all(map(is_electrode, name.split("-")))


def _listed(signals: Sequence[Signal], eeg: dict[str, int], reasons: dict[int, str], wanted: tuple[str, ...]) -> tuple:
    for former, present in FORMER.items():
        if former in eeg and present not in eeg:
            eeg = {present if name == former else name: i for name, i in eeg.items()}
    sought = [FORMER.get(plain(name), plain(name)) for name in wanted]
    missing = [name for name, key in zip(wanted, sought, strict=True) if key not in eeg]
    extra = [signals[i].name for key, i in eeg.items() if key not in sought]
    if missing:
        refused = {i: why for i, why in reasons.items() if plain(signals[i].name) in map(plain, missing)}
        marked = " or bad_channels=interpolate" if any("marked bad" in why for why in refused.values()) else ""
        raise ValueError(
            f"expected the {len(wanted)} channels {some(wanted, 4)}; missing {some(missing)}"
            + (f" (there are {_by_reason(signals, refused)})" if refused else "")
            + f"; it has beyond them {some(extra)}. Choose channels=[NAME, ...]{marked}, or channels=found for all EEG "
            "channels that a recording has."
        )
    notes = [f"left out the channels {', '.join(extra)}"] if extra else []
    return [eeg[key] for key in sought], tuple(wanted), notes


def _one_rate(signals: Sequence[Signal], picks: Sequence[int]) -> float | None:
    """The sampling rate that channels share."""
    by_rate: dict[float | None, list[str]] = {}
    for i in picks:
        by_rate.setdefault(signals[i].rate_hz, []).append(signals[i].name)
    if len(by_rate) > 1:
        rates = "; ".join(f"{rate_hz:g} Hz: {some(names, 4)}" for rate_hz, names in sorted(by_rate.items()))
        raise ValueError(
            f"expected EEG channels of one sampling rate, got {rates}. Choose those of one with channels=[NAME, ...]."
        )
    return next(iter(by_rate))


def _by_reason(signals: Sequence[Signal], reasons: dict[int, str]) -> str:
    """The channels that are not taken, by reason, as text."""
    groups: dict[str, list[str]] = {}
    for i, why in reasons.items():
        groups.setdefault(why, []).append(signals[i].name)
    return ", ".join(f"{some(names)} ({why})" for why, names in groups.items()) or "none"
