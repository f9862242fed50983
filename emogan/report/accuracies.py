"""The numbers behind the tables, for statistics of one's own."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from emogan.analysis import statistics
from emogan.jobs.files import IDENTITY
from emogan.report.records import below
from emogan.report.sections import Section

COLUMNS = [
    "section", *IDENTITY, "trials_per_class", "settings", "chosen", "accuracy", "trial_accuracy", "macro_f1",
    "accuracy_inner", "accuracy_oracle", "folder",
]  # fmt: skip


def accuracies(sections: Iterable[Section], root: Path) -> pd.DataFrame:
    """One row per model, training set, seed and n_aug, with `COLUMNS`; rates lie in [0, 1].

    ``section`` is the label of the section. ``chosen`` is true for the row whose n_aug, settings and job the inner
    cross-validation of the training set prefers: its accuracy is the nested one. ``trials_per_class`` is empty where
    all training trials were used. ``folder`` is that of the job, relative to ``root``.
    """
    frames = []
    for section in sections:
        for _, scores in section.all_scores.groupby("trials_per_class", sort=False):
            scores = scores.reset_index(drop=True)
            chosen = statistics.choose_n_aug(scores.assign(row=scores.index)).row
            frames.append(scores.assign(section=section.label, chosen=scores.index.isin(chosen)))
    found = pd.concat(frames, ignore_index=True).replace({"trials_per_class": {np.inf: np.nan}})
    folders = {name: below(Path(name), root) for name in found.folder.unique()}
    return found.assign(folder=found.folder.map(folders))[COLUMNS]
