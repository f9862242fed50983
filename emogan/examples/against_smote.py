"""cBEGAN against SMOTE, noise and nothing, honestly: the same folds, windows, classifier and way of choosing C for all.

python -m emogan.examples.against_smote

C is chosen by cross-validation over the training trials of each fold, with an augmenter fitted anew on each inner
training set: no window takes part in what it is tested by. The unit is the subject: folds of one subject share
windows, so their differences are averaged before anything is compared, and three subjects show no more than a
tendency. The data are simulated; cBEGANs are trained for 500 iterations, a sixth of what is configured, to save time.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVC

from emogan import CBEGANSampler, NoiseSampler, SMOTESampler, cross_augment
from emogan.samplers.sampler import Sampler
from emogan.simulation import people

SUBJECTS, N_AUG = (1, 2, 3), 200
VALUES_OF_C = (0.01, 0.1, 1.0, 10.0)
Fold = tuple[npt.NDArray, npt.NDArray]


def nested_folds(y: npt.NDArray, trial: npt.NDArray, outer: int = 3, inside: int = 2) -> list[list[Fold]]:
    """Outer folds, each with its inner folds behind it; rows of the whole table."""
    nested = []
    for train, test in StratifiedGroupKFold(outer).split(y, y, trial):
        inner = StratifiedGroupKFold(inside).split(y[train], y[train], trial[train])
        nested.append([(train, test), *((train[a], train[b]) for a, b in inner)])
    return nested


def accuracy(x: npt.NDArray, y: npt.NDArray, nested: list[list[Fold]], sampler: Sampler) -> float:
    """Mean accuracy over the outer folds, each with the C that is best in its inner folds."""
    folds = [fold for group in nested for fold in group]
    augmented = cross_augment(x, y, folds, sampler=sampler)
    table = []
    for x_train, y_train, test in augmented:
        models = [make_pipeline(MinMaxScaler(), SVC(kernel="linear", C=c)).fit(x_train, y_train) for c in VALUES_OF_C]
        table.append([model.score(x[test], y[test]) for model in models])
    scores = np.reshape(table, (len(nested), -1, len(VALUES_OF_C)))
    chosen = scores[:, 1:].mean(1).argmax(1)
    return float(np.mean([outer[0, c] for outer, c in zip(scores, chosen, strict=True)]))


def main(*, iterations: int = 500) -> pd.DataFrame:
    """One row per subject and a column per sampler."""
    samplers = {
        "none": NoiseSampler(n_aug=0),
        "noise": NoiseSampler(n_aug=N_AUG, random_state=0),
        "SMOTE": SMOTESampler(n_aug=N_AUG, random_state=0),
        "cBEGAN": CBEGANSampler(n_aug=N_AUG, random_state=0, iterations=iterations),
    }
    rows = []
    for subject in SUBJECTS:
        data = people.load("seed", modality="eye", subjects=[subject], sessions=[1])
        nested = nested_folds(data.y, data.trial)
        rows.append([accuracy(data.x, data.y, nested, sampler) for sampler in samplers.values()])
    found = 100 * pd.DataFrame(rows, index=pd.Index(SUBJECTS, name="subject"), columns=list(samplers))
    print(f"accuracy in percent, {N_AUG} windows appended, simulated eye movements\n{found.round(1)}")
    for name in list(samplers)[1:]:
        gain = found[name] - found["none"]
        print(f"{name} - none: {gain.mean():+.1f} (sd over {len(gain)} subjects {gain.std():.1f})")
    return found


if __name__ == "__main__":
    main()
