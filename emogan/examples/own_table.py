"""A table of your own to an augmented classifier: how many windows to append is chosen together with the SVM's C.

python -m emogan.examples.own_table [TABLE.csv [COLUMN ...]]

A table has a row per window, as data=features reads it: features in the units of the recording, the emotion in the
column "label", the film clip in "trial", the person in "subject" and, if there are several, "session"; COLUMNs are no
features and left out. Windows of a trial resemble each other, so a trial is on one side of every split, whole. n_aug=0
is among the choices: augmentation that does not help is not used. Without a table, one subject is simulated.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from imblearn.pipeline import Pipeline
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVC

from emogan import CBEGANSampler
from emogan.data import table
from emogan.data.features import FeatureSet
from emogan.simulation import people


def read(path: str | Path | None, drop: Sequence[str]) -> FeatureSet:
    """A table, or eye movement features of one simulated subject: 842 windows in 15 trials of three emotions."""
    if path is None:
        return people.load("seed", modality="eye", subjects=[1], sessions=[1])
    return table.load(path, drop=drop)


def main(path: str | Path | None = None, drop: Sequence[str] = (), *, iterations: int | None = None) -> GridSearchCV:
    """Choose on four fifths of the trials, test once on the others.

    The example trains for 1,000 updates to save time; with a table of yours, for the 3,000 that are the default.
    """
    iterations = iterations or (1000 if path is None else CBEGANSampler.iterations)
    features = read(path, drop)
    x, y = pd.DataFrame(features.x, columns=list(features.feature_names)), np.array(features.class_names)[features.y]
    trial = features.trial_ids()  # trial 1 of two people is not one trial
    train, test = next(StratifiedGroupKFold(5).split(x, y, trial))
    with tempfile.TemporaryDirectory() as store:  # every GAN is trained once, whatever n_aug and C
        steps = Pipeline([
            ("augment", CBEGANSampler(iterations=iterations, random_state=0, store=store)),
            ("scale", MinMaxScaler()),
            ("svm", SVC(kernel="linear")),
        ])  # fmt: skip
        grid = {"augment__n_aug": [0, 50, 200, 600], "svm__C": [0.01, 0.1, 1, 10]}
        search = GridSearchCV(steps, grid, cv=StratifiedGroupKFold(4))
        search.fit(x.iloc[train], y[train], groups=trial[train])
    found = pd.DataFrame(search.cv_results_).groupby("param_augment__n_aug")["mean_test_score"].max()
    print("n_aug: best accuracy in cross-validation over the training trials")
    print(found.map("{:.3f}".format).to_string(header=False))
    print(f"chosen: n_aug={search.best_params_['augment__n_aug']}, C={search.best_params_['svm__C']}")
    print(f"accuracy on the trials held out: {search.score(x.iloc[test], y[test]):.3f}")
    return search


if __name__ == "__main__":
    main(next(iter(sys.argv[1:]), None), sys.argv[2:])
