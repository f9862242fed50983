"""Scoring what augmentation buys on held-out trials."""

from emogan.evaluation.classifiers import Classifier, Estimator, LinearSVM

__all__ = ["Classifier", "Estimator", "LinearSVM"]
