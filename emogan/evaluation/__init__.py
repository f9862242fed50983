"""Scoring what augmentation buys on held-out trials."""

from emogan.evaluation.classifiers import Classifier, Estimator, LinearSVM
from emogan.evaluation.svm import Predictions

__all__ = ["Classifier", "Estimator", "LinearSVM", "Predictions"]
