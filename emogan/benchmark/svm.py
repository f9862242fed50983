"""The linear SVM over all C and n_aug against a plain loop over scikit-learn's SVC, on one core each."""

import argparse
import time
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from omegaconf import OmegaConf
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from emogan.augmenters import balanced_labels
from emogan.benchmark.record import Record
from emogan.data.members import members
from emogan.data.training_set import TrainingSet
from emogan.environment import config_dir
from emogan.evaluation import FitData, LinearSVM
from emogan.jobs.settings import construct
from emogan.simulation import people

SIZES = (0, 50, 200, 600, 2000)  # synthetic windows appended
WRONG = 0.3  # of the labels of overlapping synthetic windows
LONG = 2  # passes of the plain loop where each takes the whole time budget


class Windows(NamedTuple):
    """A training set with synthetic windows behind the real ones, and its test windows."""

    x: np.ndarray
    y: np.ndarray
    n_real: int
    x_test: np.ndarray
    y_test: np.ndarray

    @property
    def lengths(self) -> list[int]:
        return [self.n_real + n for n in SIZES]


class Comparison(NamedTuple):
    """What a plain loop and our path took on one training set, and how far their predictions agree."""

    plain_s: float
    ours_s: float
    highest: int  # exponent of the last C of both
    agreement: float
    accuracy_difference: float  # mean over C and lengths


def easy(fold: int) -> Windows:
    """A fold of a simulated SEED experiment; synthetic windows come from a Gaussian per class."""
    features = people.load("seed", modality="eeg_eye", subjects=[1], sessions=[1], simulation_seed=0)
    folds = members(features, "paper", 5)
    train, test = folds[fold % len(folds)].train, folds[fold % len(folds)].test
    data = TrainingSet.scaled(features.x[train], features.y[train])
    gaussian = construct(_config("model/gaussian")).fit([data])
    labels = balanced_labels(max(SIZES), features.n_classes)
    drawn = gaussian.sample(torch.from_numpy(labels)[None], torch.Generator().manual_seed(fold))[0].numpy()
    return Windows(
        np.concatenate([data.x, drawn]), np.concatenate([data.y, labels]), len(data.y),
        data.scaler.transform(features.x[test]), features.y[test],
    )  # fmt: skip


def overlapping(fold: int) -> Windows:
    """The same windows, of whose synthetic ones many are labelled as one of the other classes."""
    data, random = easy(fold), np.random.default_rng(fold)
    y, classes = data.y.copy(), data.y.max() + 1
    wrong = data.n_real + np.flatnonzero(random.random(len(y) - data.n_real) < WRONG)
    y[wrong] = (y[wrong] + random.integers(1, classes, len(wrong))) % classes
    return data._replace(y=y)


def linear_svm(high: int | None = None) -> LinearSVM:
    """The classifier as configured, up to C = 2^high."""
    cfg = OmegaConf.create({"evaluation": _config("evaluation/nested"), "classifier": _config("classifier/linear_svm")})
    if high is not None:
        cfg.evaluation.c_exponents[1] = high
    return construct(cfg.classifier)


def _config(name: str):
    return OmegaConf.load(Path(config_dir()) / f"{name}.yaml")


def plain_loop(data: Windows, budget_s: float) -> tuple[np.ndarray, float]:
    """Test predictions of SVC (C, lengths, test windows), for rising C while the next fits in the budget; seconds."""
    predictions, seconds, last = [], 0.0, 0.0
    for c in linear_svm().values:
        if seconds + 2 * last > budget_s:  # a larger C takes longer, often twice as long
            break
        start = time.perf_counter()
        machines = [SVC(kernel="linear", C=c).fit(data.x[:n], data.y[:n]) for n in data.lengths]
        predictions.append([machine.predict(data.x_test) for machine in machines])
        last = time.perf_counter() - start
        seconds += last
    return np.array(predictions), seconds


def compare(data: Windows, budget_s: float) -> Comparison:
    """The plain loop, then ours on the same C and lengths."""
    expected, plain_s = plain_loop(data, budget_s)
    highest = round(np.log2(linear_svm().values[len(expected) - 1]))
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        paths = linear_svm(highest).paths(FitData(data.x, data.y, data.lengths, data.x_test))
    ours_s = time.perf_counter() - start
    found = np.stack([path.predictions for path in paths], axis=1)
    accuracies = [(predictions == data.y_test).mean(-1) for predictions in (found, expected)]
    difference = float(np.abs(accuracies[0] - accuracies[1]).mean())
    return Comparison(plain_s, ours_s, highest, float((found == expected).mean()), difference)


@threadpool_limits.wrap(limits=1)
def measure(record: Record, options: argparse.Namespace) -> None:
    """Fold by fold: both sides of a pair see the same windows.

    Where the plain loop's time ran out before the last C, the ratio is a lower bound: it grows with C.
    """
    whole = round(np.log2(linear_svm().values[-1]))
    for make, repeats in ((easy, options.repeats), (overlapping, min(LONG, options.repeats))):
        name = make.__name__
        folds = [compare(make(fold), options.svm_budget_s) for fold in range(repeats)]
        plain_s, ours_s, highest, agreement, difference = map(list, zip(*folds, strict=True))
        reached = {"up_to_c": f"2^{min(highest)}"}
        record.add(f"svm_sklearn_s_{name}", plain_s, "s", **reached)
        record.add(f"svm_ours_s_{name}", ours_s, "s", **reached)
        record.add(f"svm_agreement_{name}", agreement, "share of test predictions")
        record.add(f"svm_accuracy_difference_{name}", difference, "mean over C and n_aug")
        record.add_ratio(f"svm_vs_sklearn_{name}", plain_s, ours_s, **reached, lower_bound=min(highest) < whole)
