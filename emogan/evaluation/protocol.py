"""What a member scores with each number of synthetic windows: every setting, the honest choice and the oracle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from emogan.data.features import FeatureSet
from emogan.data.training_set import TrainingSet
from emogan.evaluation.classifiers import Classifier, FitData
from emogan.evaluation.plan import Fit, Plan
from emogan.evaluation.svm import Predictions
from emogan.evaluation.vote import majority

CHOICE = ("own", "pooled")


@dataclass(frozen=True, eq=False)
class Scores:
    """One member's results for S candidate settings of the augmenter and C values of the classifier's parameter.

    Rates lie in [0, 1].
    """

    predictions: np.ndarray  # (S, C, n_test) labels
    accuracy: np.ndarray  # (S, C) share of the test trials' windows that are right
    trial_accuracy: np.ndarray  # (S, C) share of the test trials whose majority of windows is right, see `majority`
    inner_accuracy: np.ndarray  # (S, C) by cross-validation over the training trials, or its mean, see `pool`
    first_not_converged: int | None  # index of the first C at which any fit did not converge

    @property
    def chosen(self) -> tuple[int, int]:
        """Indices of the setting and C chosen by cross-validation over the training trials; the first of equals."""
        return _best(self.inner_accuracy)


class Synthetic(NamedTuple):
    """Synthetic windows (n, F) of a training set, their labels (n,) and the trials (n,) that they are of.

    Of all training sets, windows and trials have an axis M in front.
    """

    x: np.ndarray
    y: np.ndarray
    trial: np.ndarray

    def of_set(self, i: int) -> "Synthetic":
        """Those of one of the training sets."""
        return Synthetic(self.x[i], self.y, self.trial[i])


def fit_data(data: TrainingSet, fit: Fit, features: FeatureSet, synthetic: Synthetic) -> FitData:
    """What a fit trains a classifier on: the windows kept of its training set, and synthetic ones behind them."""
    trial = data.trial[fit.kept]
    return FitData(
        x=np.concatenate([data.x[fit.kept], synthetic.x]),
        y=np.concatenate([data.y[fit.kept], synthetic.y]),
        lengths=[len(fit.kept)],
        x_held_out=data.scaler.transform(features.x[fit.predicted]),
        trial=np.concatenate([trial, synthetic.trial + trial.max() + 1]),
        trial_held_out=np.unique(features.trial_ids()[fit.predicted], return_inverse=True)[1],
        n_synthetic=len(synthetic.y),
        feature_names=features.feature_names,
    )


def predict(
    several: Sequence[FitData], sizes: Sequence[Sequence[int]], classifier: Classifier
) -> list[dict[int, Predictions]]:
    """What a classifier predicts in several fits, each with its own numbers of synthetic windows, by that number."""
    asked = [
        replace(data, lengths=[data.n_real + n for n in numbers]) for data, numbers in zip(several, sizes, strict=True)
    ]
    paths = classifier.paths_of_several(asked)
    return [dict(zip(numbers, found, strict=True)) for numbers, found in zip(sizes, paths, strict=True)]


def gather(number: int, plan: Plan, candidates: Sequence[Mapping[int, Predictions]], features: FeatureSet) -> Scores:
    """Scores of a split, by its number, from ``candidates[s][fit]``; the features are all windows."""
    split, y = plan.splits[number], features.y

    def predictions(paths: Mapping[int, Predictions], fit: int, windows: np.ndarray) -> np.ndarray:
        return paths[fit].predictions[:, np.searchsorted(plan.fits[fit].predicted, windows)]

    test = split.member.test
    trial = features.trial_ids()[test]
    outer = np.stack([predictions(paths, split.fit, test) for paths in candidates])
    correct = sum(
        np.stack([(predictions(paths, fit, held_out) == y[held_out]).sum(1) for paths in candidates])
        for fit, held_out in split.inner
    )
    fits = [split.fit, *(fit for fit, _ in split.inner)]
    not_converged = [paths[fit].first_not_converged for paths in candidates for fit in fits]
    return Scores(
        predictions=outer,
        accuracy=(outer == y[test]).mean(-1),
        trial_accuracy=(majority(outer, trial) == majority(y[test], trial)).mean(-1),
        inner_accuracy=correct / sum(len(held_out) for _, held_out in split.inner),
        first_not_converged=min((c for c in not_converged if c is not None), default=None),
    )


def pool(found: Sequence[Scores], poolable: Sequence[Sequence[int]]) -> list[Scores]:
    """Give each split, to choose by, the mean inner accuracy over all splits that have not seen its test windows.

    A training set of few trials chooses poorly on its own; those of other experiments tell which choices are good in
    general, without a look at the split's test trials. Other folds of its own experiment do train on them, and are
    left out; so are all others where a whole subject is left out, and it chooses on its own.
    """
    return [  # rounded: equal means stay equal
        replace(own, inner_accuracy=np.mean([found[i].inner_accuracy for i in others], axis=0).round(12))
        for own, others in zip(found, poolable, strict=True)
    ]


def oracle_choice(folds: Sequence[Scores]) -> tuple[int, int]:
    """Indices of the setting and C with the highest mean test accuracy over an experiment's folds; the first of equals.

    The paper's figures may have been chosen so. It looks at the test trials: never a choice for honest use.
    """
    return _best(np.mean([scores.accuracy for scores in folds], axis=0).round(12))  # equal means stay equal


def _best(rates: np.ndarray) -> tuple[int, int]:
    setting, value = np.unravel_index(rates.argmax(), rates.shape)
    return int(setting), int(value)
