"""SEED-GER: three classes, 8 subjects, 20 film clips a session, in German."""

import os
from typing import Annotated

from emogan.checks import checked, one_of
from emogan.data.experiments import Numbers
from emogan.data.features import FeatureSet, Modality
from emogan.data.seed import label_runs
from emogan.data.trials import SEED_GER_LABELS, SEED_GER_PRESUMED, SEED_GER_SECONDS

RELEASE = label_runs.Release(
    "seed_ger", "SEED-GER", ("Chinese", "French"), SEED_GER_LABELS, SEED_GER_SECONDS, None, SEED_GER_PRESUMED
)  # fmt: skip


@checked("data")
def load(
    root: str | os.PathLike,
    *,
    window_s: Annotated[int, one_of((4, 1))] = 4,
    modality: Modality = "eeg_eye",
    subjects: Numbers = None,
    sessions: Numbers = None,
) -> FeatureSet:
    """Load SEED-GER from a folder at, above or inside its release.

    A run of equal labels in the EEG files is a trial, or two clips of one class in a row, cut by their durations. Eye
    movement files have no labels, so eeg_used_4s must be there for them, too.

    The times of clips 2 and 19 are missing from what is public: these two take the windows that their labels have and
    no other clip, as long as the gaps in the times leave room. Classes have 6, 7 and 7 trials: the paper's folds do
    not fit.

    Parameters
    ----------
    window_s
        4 or 1. Eye movement features exist at 4 s only.

    Raises
    ------
    FileNotFoundError, ValueError
        If the folder, a file or a part of one is missing or is not what SEED-GER has there.
    """
    return label_runs.load(RELEASE, root, window_s, modality, subjects, sessions)
