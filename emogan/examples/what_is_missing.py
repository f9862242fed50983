"""What does a training set lack, and how much of it could an augmenter know? A simulation answers.

python -m emogan.examples.what_is_missing

Windows are appended that no augmenter can draw, made of other trials of the same person and session:

- new trials: their windows as they are, the most that augmentation could be worth;
- true spread: the same, moved to the training windows' class means: as drawn by a perfect model of how trials and
  windows of a class differ, which knows no more of the class itself than the training trials say;
- true means: training windows, moved to the class means of the other trials;

and windows of random effects, which know the training trials alone. C is chosen within the training trials, by the mean
over all training sets that have no test trial among theirs, where inner training sets get windows in proportion.
"""

import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import MinMaxScaler

from emogan import RandomEffectsSampler
from emogan.evaluation import FitData, LinearSVM
from emogan.examples.against_smote import nested_folds
from emogan.simulation import people

FOLDS = 5
ROUNDS = 5  # of clips in the simulated session: the first is the experiment, the others are what it lacks
KINDS = ("none", "new trials", "true spread", "true means", "random effects")
SVM = LinearSVM("linear SVM", c_exponents=(-10, 2), libsvm_iterations=1000)
Windows = tuple[npt.NDArray, ...]  # x (n, F), y (n,) and trial (n,)


def class_means(x: npt.NDArray, y: npt.NDArray) -> npt.NDArray:
    """Means (K, F) of the windows (n, F) of each class."""
    return np.stack([x[y == k].mean(0) for k in range(y.max() + 1)])


def windows(kind: str, n: int, own: Windows, other: Windows, seed: int) -> Windows:
    """n windows to append: x (n, F) and y (n,); own are the training windows and other those they lack."""
    (x, y, trial), (x_other, y_other, _) = own, other
    random = np.random.default_rng(seed)
    if kind == "random effects":
        return RandomEffectsSampler(random_state=seed).fit(x, y, trials=trial).sample(n)
    labels = np.arange(n) % (y.max() + 1)
    source, source_y = (x, y) if kind == "true means" else (x_other, y_other)
    drawn = source[[random.choice(np.flatnonzero(source_y == k)) for k in labels]]
    apart = class_means(x, y) - class_means(x_other, y_other)
    moved = {"new trials": 0, "true spread": 1, "true means": -1}[kind]
    return drawn + moved * apart[labels], labels


def rates(own: Windows, other: Windows, kind: str, n_aug: int) -> npt.NDArray:
    """Shares (5, 2, C) of one person's windows that are predicted right in each fold: on test trials, and inside."""
    x, y, trial = own
    found = np.zeros((FOLDS, 2, len(SVM.values)))
    for fold, nested in enumerate(nested_folds(y, trial, FOLDS, FOLDS - 1)):
        outer, *inner = nested
        for (rows, held_out), of, which in [(outer, len(outer[1]), 0), *((one, len(outer[0]), 1) for one in inner)]:
            scaler = MinMaxScaler().fit(x[rows])
            x_train, y_train = scaler.transform(x[rows]), y[rows]
            if kind != "none":
                n = round(n_aug * len(rows) / len(outer[0]))
                more = windows(kind, n, (x_train, y_train, trial[rows]), (scaler.transform(other[0]), *other[1:]), fold)
                x_train, y_train = (np.concatenate(pair) for pair in zip((x_train, y_train), more, strict=True))
            (path,) = SVM.paths(FitData(x_train, y_train, [len(x_train)], scaler.transform(x[held_out])))
            found[fold, which] += (path.predictions == y[held_out]).sum(1) / of
    return found


def main(
    *, preset: str = "seed", modality: str = "eye", subjects: Sequence[int] = (1, 2, 3), n_aug: int = 600
) -> pd.DataFrame:
    """Accuracy in percent, one row per person and a column per kind of windows."""
    warnings.simplefilter("ignore", ConvergenceWarning)  # of libsvm; what it leaves unsolved is solved otherwise
    table = np.zeros((len(subjects), len(KINDS), FOLDS, 2, len(SVM.values)))
    for i, subject in enumerate(subjects):
        many = people.load(preset, modality=modality, subjects=[subject], sessions=[1], rounds=ROUNDS)
        first = many.trial <= many.trial.max() // ROUNDS
        own, other = ((many.x[part], many.y[part], many.trial[part]) for part in (first, ~first))
        table[i] = [rates(own, other, kind, n_aug) for kind in KINDS]
    test, inner = table[..., 0, :], table[..., 1, :]
    others = inner.sum((0, 2)) - inner.sum(2)  # of the other people, all of whose trials are others
    chosen = (others[:, :, None] + inner).round(9).argmax(-1)
    accuracy = np.take_along_axis(test, chosen[..., None], -1)[..., 0].mean(-1)
    found = 100 * pd.DataFrame(accuracy, index=pd.Index(subjects, name="subject"), columns=list(KINDS))
    print(f"accuracy in percent, {n_aug} windows appended, simulated {preset}, {modality}\n{found.round(1)}")
    for kind in KINDS[1:]:
        gain = found[kind] - found["none"]
        print(f"{kind} - none: {gain.mean():+.1f} (standard error over {len(gain)} people {gain.sem():.1f})")
    return found


if __name__ == "__main__":
    main()
