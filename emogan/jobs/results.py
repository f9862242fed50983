"""What one job has computed, as it is handed from step to step and to what writes its files."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from omegaconf import DictConfig

from emogan.augmenters import Augmenter
from emogan.augmenters.fit import Fits
from emogan.data.donors import Donors
from emogan.data.features import FeatureSet
from emogan.evaluation import Classifier
from emogan.evaluation.plan import Plan
from emogan.evaluation.protocol import Scores
from emogan.evaluation.svm import Predictions
from emogan.training.history import OUT_OF_TIME


@dataclass(frozen=True, eq=False)
class Candidate:
    """One setting of the augmenter: its fits and what classifiers predict with its windows."""

    augmenter: Augmenter
    fits: Fits
    predictions: dict[int, dict[int, Predictions]]  # by n_aug, then by fit of the plan
    windows: list[tuple[np.ndarray, np.ndarray]]  # by split: like its training set in number, and labels


@dataclass(eq=False)
class Results:
    """One job: its settings, data and plan, and what came of them so far."""

    cfg: DictConfig
    folder: Path
    augmenter: Augmenter
    donors: Donors
    classifier: Classifier
    sizes: list[int]  # every n_aug that is asked for
    training: dict  # Lightning's options and callbacks that change the GANs
    key: str = ""  # content key of the job
    loaded: FeatureSet | None = None  # the data as they were loaded, with donors
    targets: np.ndarray | None = None  # the windows of what is classified
    features: FeatureSet | None = None  # the same with labels permuted, if that is asked for
    plan: Plan | None = None
    audit: dict = field(default_factory=dict)
    candidates: list[Candidate] = field(default_factory=list)
    scores: dict[int, list[Scores]] = field(default_factory=dict)  # by n_aug, then by split
    table: pd.DataFrame | None = None  # rows of scores.csv and selection.csv, with those of n_aug = 0 in any case
    seconds: dict[str, float] = field(default_factory=dict)  # by stage

    @property
    def model(self) -> str:
        """What the scores call the augmenter, with its donors."""
        return f"{self.augmenter.name}+{self.donors.label}" if self.donors else self.augmenter.name

    @property
    def fits(self) -> Fits:
        """Those of the augmenter's first setting."""
        return self.candidates[0].fits

    @property
    def out_of_time(self) -> bool:
        """Whether `trainer.max_time` ended the training of some GANs."""
        return any(end.endswith(OUT_OF_TIME) for one in self.candidates for end in one.fits.ends)

    @property
    def asked(self) -> pd.DataFrame:
        """The rows of the ``table`` of each n_aug that is asked for."""
        return self.table[self.table.n_aug.isin(self.sizes)].reset_index(drop=True)

    def place(self, split: int) -> dict:
        """Subject, session and fold of a split."""
        member = self.plan.splits[split].member
        return {"subject": member.subject, "session": member.session, "fold": member.fold}

    def chosen(self) -> list[Candidate]:
        """Of each split, the setting that was chosen at the largest n_aug."""
        return [self.candidates[found.chosen[0]] for found in self.scores[max(self.scores)]]
