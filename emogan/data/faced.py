"""FACED: nine emotions, 28 film clips and 123 people; differential entropy of EEG in windows of 1 s, as pickles."""

import os
import re
from pathlib import Path
from typing import Annotated

import numpy as np

from emogan.checks import checked, one_of
from emogan.data.experiments import Numbers, Source, feature_set, need_eeg, need_shape
from emogan.data.features import FeatureSet, Modality
from emogan.data.file_tree import find_folder, numbered, person_files
from emogan.data.montage import BANDS
from emogan.data.readers import unpickle

CHANNELS = tuple(  # of the 32 in the files; the last two, A2 and A1, are references and are left out
    """
    FP1 FP2 FZ F3 F4 F7 F8 FC1 FC2 FC5 FC6 CZ C3 C4 T7 T8 CP1 CP2 CP5 CP6 PZ P3 P4 P7 P8 PO3 PO4 OZ O1 O2
    """.split()
)
FEATURES = tuple(f"{channel}_{band}" for channel in CHANNELS for band in BANDS)
SHAPE = (28, 32, 30, 5)  # clips, channels, seconds (the last 30 of each clip), bands
EMOTIONS = ("anger", "disgust", "fear", "sadness", "neutral", "amusement", "inspiration", "joy", "tenderness")
EMOTION = tuple(np.repeat(range(9), (3, 3, 3, 3, 4, 3, 3, 3, 3)).tolist())  # of each clip
CLASSES = {  # names, and the class of each clip
    "emotion": (EMOTIONS, EMOTION),
    "valence": (("negative", "neutral", "positive"), tuple((k > 3) + (k > 4) for k in EMOTION)),
}
NAME = re.compile(r"sub(\d{3})\.pkl(?:\.pkl)?")  # the release has sub000.pkl.pkl; some programs rename its files


@checked("data")
def load(
    root: str | os.PathLike,
    *,
    classes: Annotated[str, one_of(CLASSES)] = "emotion",
    modality: Modality = "eeg_eye",
    subjects: Numbers = None,
    sessions: Numbers = None,
) -> FeatureSet:
    """Load FACED from a folder at, above or inside its EEG_Features.

    A subject is the number in a file's name, from 0; the one session is 1. A trial is numbered as its clip, 1 to 28, as
    the files have them in this order and do not tell in which they were shown.

    Parameters
    ----------
    classes
        "emotion" has the nine emotions; "valence" has negative, neutral and positive, and the scores call the data set
        faced_valence.

    Raises
    ------
    FileNotFoundError, ValueError
        If the folder, a file or a part of one is missing or is not what FACED has there, or if eye movement features
        are asked for, of which there are none.
    """
    need_eeg(modality, "FACED")
    names, labels = CLASSES[classes]
    folder = find_folder(root, ("DE",), NAME, "sub000.pkl.pkl")
    files = numbered((int(match[1]), 1, path) for match, path in person_files(folder, NAME))
    eeg = Source(folder, files, lambda path, session: (_clips(path), labels), names=FEATURES)
    name = "faced" if classes == "emotion" else f"faced_{classes}"
    return feature_set(name, names, {"eeg": eeg}, subjects, sessions, same_clips=True, own_folds="one_of_each")


def _clips(path: Path) -> list[np.ndarray]:
    """Windows (30, 150) of each clip, channel-major."""
    stored = need_shape(unpickle.load_pickle(path), SHAPE, path, "DE of 28 clips, 32 channels, 30 s and 5 bands")
    return [clip[: len(CHANNELS)].transpose(1, 0, 2).reshape(clip.shape[1], -1) for clip in stored]
