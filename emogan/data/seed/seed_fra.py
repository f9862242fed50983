"""SEED-FRA: three classes, 8 subjects, 21 film clips a session, in French."""

import os
from typing import Annotated

from emogan.checks import checked, one_of
from emogan.data.experiments import Numbers
from emogan.data.features import FeatureSet, Modality
from emogan.data.seed import label_runs
from emogan.data.trials import SEED_FRA_LABELS, SEED_FRA_SECONDS

RELEASE = label_runs.Release(
    "seed_fra", "SEED-FRA", ("Chinese", "German"), SEED_FRA_LABELS, SEED_FRA_SECONDS, "paper"
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
    """Load SEED-FRA from a folder at, above or inside its release.

    A run of equal labels in the EEG files is a trial, or two clips of one class in a row, cut by their durations. Eye
    movement files have no labels, so eeg_used_4s must be there for them, too.

    Parameters
    ----------
    window_s
        4 or 1. Eye movement features exist at 4 s only.

    Raises
    ------
    FileNotFoundError, ValueError
        If the folder, a file or a part of one is missing or is not what SEED-FRA has there.
    """
    return label_runs.load(RELEASE, root, window_s, modality, subjects, sessions)
