"""Scoring the gain in accuracy from augmentation on held-out trials."""

from emogan.evaluation.classifiers import Classifier, Estimator, FitData, LinearSVM, TrialVote
from emogan.evaluation.dgcnn import DGCNN
from emogan.evaluation.networks import GRU, MLP, StackedNetwork
from emogan.evaluation.svm import Predictions
from emogan.evaluation.validation import Network

__all__ = [
    "DGCNN",
    "GRU",
    "MLP",
    "Classifier",
    "Estimator",
    "FitData",
    "LinearSVM",
    "Network",
    "Predictions",
    "StackedNetwork",
    "TrialVote",
]
