"""What the authors of the data sets say is in them, and where the data on disk differ."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from emogan.data import faced, trials
from emogan.data.features import FeatureSet
from emogan.data.readers import amigos, deap, dreamer
from emogan.wording import some

SEED_WITH_EYES = (1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14)


@dataclass(frozen=True)
class Published:
    """A data set as its authors describe it.

    Parameters
    ----------
    people : numbers of those with features of each modality
    labels, windows : class and number of windows of each trial, a tuple a session; None where they are not published
    features : numbers of features that are known of each modality; any number where a modality is not named
    incomplete : people of whom not all trials were recorded
    """

    people: Mapping[str, Sequence[int]]
    labels: Sequence[Sequence[int | None]]
    windows: Sequence[Sequence[int | None]]
    features: Mapping[str, Sequence[int]]
    incomplete: Collection[int] = ()

    def people_with(self, modality: str) -> list[int]:
        """Who has features of all parts of a modality that the data set has."""
        parts = [self.people[part] for part in modality.split("_") if part in self.people]
        return sorted(set.intersection(*map(set, parts))) if parts else []


def _seed(data: Mapping) -> Published:
    windows = {1: trials.SEED_WINDOWS_1S, 4: trials.SEED_WINDOWS_4S}[data["window_s"]]
    eeg = SEED_WITH_EYES if data["eeg_source"] == "multimodal" else range(1, 16)
    people = {"eeg": eeg, "eye": SEED_WITH_EYES}
    return Published(people, (trials.SEED_LABELS,) * 3, (windows,) * 3, {"eeg": (310,), "eye": (33, 41)})


def _seed_iv(data: Mapping) -> Published:
    windows = (trials.SEED_IV_WINDOWS_4S, *(((None,) * 24,) * 2))
    people = {"eeg": range(1, 16), "eye": range(1, 16)}
    return Published(people, trials.SEED_IV_LABELS, windows, {"eeg": (310,), "eye": (31,)})


def _seed_v(data: Mapping) -> Published:
    people = {"eeg": range(1, 17), "eye": range(1, 17)}
    return Published(people, trials.SEED_V_LABELS, trials.SEED_V_WINDOWS_4S, {"eeg": (310,), "eye": (33,)})


def _seed_vii(data: Mapping) -> Published:
    people = {"eeg": range(1, 21), "eye": range(1, 21)}
    features = {"eeg": (310,), "eye": (33 if data["clip_statistics"] else 24,)}
    return Published(people, trials.SEED_VII_LABELS, ((None,) * 20,) * 4, features)


def _of_8_people(labels: Sequence[int]) -> Published:
    """SEED-FRA or SEED-GER; their loader compares numbers of windows, which may be one off, with the clips' times."""
    people = {"eeg": range(1, 9), "eye": range(1, 9)}
    return Published(people, (labels,) * 3, ((None,) * len(labels),) * 3, {"eeg": (310,), "eye": (33,)})


def _faced(data: Mapping) -> Published:
    clips, _, seconds, _ = faced.SHAPE
    labels = faced.CLASSES[data["classes"]][1]
    return Published({"eeg": range(123)}, (labels,), ((seconds,) * clips,), {"eeg": (len(faced.FEATURES),)})


def _deap(data: Mapping) -> Published:
    labels, windows = (None,) * deap.SHAPE[0], int(deap.CLIP_S // data["settings"]["window_s"])
    columns = _eeg_columns(data["settings"], len(deap.CHANNELS))
    return Published({"eeg": range(1, 33)}, (labels,), ((windows,) * len(labels),), columns)


def _dreamer(data: Mapping) -> Published:
    labels, last_s = (None,) * dreamer.CLIPS, data["last_s"]  # no clip is shorter than 65 s
    windows = int(last_s // data["settings"]["window_s"]) if last_s is not None and last_s <= 65 else None
    columns = _eeg_columns(data["settings"], len(dreamer.CHANNELS))
    return Published({"eeg": range(1, 24)}, (labels,), ((windows,) * len(labels),), columns)


def _amigos(data: Mapping) -> Published:
    people, nothing = range(1, 41), ((None,) * amigos.CLIPS,)
    sound = [person for person in people if person not in amigos.UNSOUND]
    columns = _eeg_columns(data["settings"], len(amigos.CHANNELS))
    return Published({"eeg": sound}, nothing, nothing, columns, incomplete=people)  # who may have skipped a clip


def _mahnob(data: Mapping) -> Published:
    people = [person for person in range(1, 31) if person not in (12, 15)]
    columns = _eeg_columns(data["settings"], 32)
    nothing = ((None,) * 20,)
    return Published(
        {"eeg": people, "eye": people}, nothing, nothing, {**columns, "eye": (data["settings"]["eye_features"],)},
        incomplete=(3, 9, 16, 26),
    )  # fmt: skip


def _eeg_columns(settings: Mapping, channels: int) -> dict[str, tuple[int, ...]]:
    """The number of EEG features, if there is one for each of the five bands of each channel."""
    whole = settings["channels"] == "found" and settings["features"] in ("de", "psd")
    return {"eeg": (5 * channels,)} if whole else {}


PUBLISHED: dict[str, Callable[[Mapping], Published]] = {  # by the loader's name, of its settings
    "emogan.data.seed.seed.load": _seed,
    "emogan.data.seed.seed_iv.load": _seed_iv,
    "emogan.data.seed.seed_v.load": _seed_v,
    "emogan.data.seed.seed_vii.load": _seed_vii,
    "emogan.data.seed.seed_fra.load": lambda data: _of_8_people(trials.SEED_FRA_LABELS),
    "emogan.data.seed.seed_ger.load": lambda data: _of_8_people(trials.SEED_GER_LABELS),
    "emogan.data.faced.load": _faced,
    "emogan.recordings.deap.load": _deap,
    "emogan.recordings.dreamer.load": _dreamer,
    "emogan.recordings.amigos.load": _amigos,
    "emogan.recordings.mahnob.load": _mahnob,
}


def differences(
    features: FeatureSet, published: Published, people: Sequence[int], sessions: Sequence[int] | None = None
) -> list[str]:  # fmt: skip
    """Sentences on what is missing, or different from what was published; none if all is there as it should be.

    Parameters
    ----------
    people, sessions
        Those that should be there; None stands for all sessions.
    """
    sessions = range(1, len(published.labels) + 1) if sessions is None else sessions
    found = {(subject, session): rows for subject, session, rows in features.experiments()}
    there = {subject for subject, _ in found}
    sentences = []
    if missing := [person for person in people if person not in there]:
        sentences.append(f"people who are missing: {some(missing, 20)}")
    if others := sorted(there - set(people)):
        sentences.append(f"people that the published data set does not have: {some(others, 20)}")
    for name, part in features.modalities.items():
        count = part.stop - part.start
        if count not in (known := published.features.get(name, (count,))):
            sentences.append(f"expected {' or '.join(map(str, known))} {name} features, got {count}")
    places: dict[str, list[str]] = {}
    for person in (person for person in people if person in there):
        for session in sessions:
            place = f"subject {person}, session {session}"
            if (person, session) not in found:
                places.setdefault("no features", []).append(place)
                continue
            whole = person not in published.incomplete
            for text in _trials(features, found[person, session], published, session, whole):
                places.setdefault(text, []).append(place)
    return sentences + [f"{text}: {some(where, 4)}" for text, where in places.items()]


def _trials(
    features: FeatureSet, rows: np.ndarray, published: Published, session: int, whole: bool
) -> Iterator[str]:  # fmt: skip
    """What is otherwise in the trials of an experiment."""
    labels, windows = published.labels[session - 1], published.windows[session - 1]
    own = features.trial[rows]
    numbers, first, counts = np.unique(own, return_index=True, return_counts=True)
    if not whole and set(numbers.tolist()) <= set(range(1, len(labels) + 1)):
        return
    if numbers.tolist() != list(range(1, len(labels) + 1)):
        yield f"expected the trials 1..{len(labels)}, got {len(numbers)}: {some(numbers.tolist(), 6)}"
        return
    for what, expected, got in (
        ("label", labels, features.y[rows][first].tolist()), ("number of windows", windows, counts.tolist())
    ):  # fmt: skip
        wrong = [
            f"{trial} ({value}, not {known})"
            for trial, (known, value) in enumerate(zip_longest(expected, got), 1)
            if known not in (None, value)
        ]
        if wrong:
            yield f"another {what} than published in the trials {some(wrong, 4)}"
