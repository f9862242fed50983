"""cross_augment: the augmented training sets of a whole cross-validation, all GANs trained at once, stacked."""

import contextlib
import tempfile
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from emogan.samplers.fitted import whole_seed
from emogan.samplers.gans import CBEGANSampler, TrainedSampler
from emogan.samplers.sampler import Sampler, TrialSampler
from emogan.samplers.training import trial_numbers, warn_of_mixed_trials
from emogan.samplers.warn import once, warn


class AugmentedFold(NamedTuple):
    """One fold: training windows and labels with the synthetic ones behind, and the rows held out."""

    X: Any
    y: Any
    test: npt.NDArray


def cross_augment(
    X: Any,
    y: Any,
    cv: Any,
    groups: Any = None,
    sampler: Sampler | None = None,
    *,
    n_aug: int | None = None,
    random_state: Any = None,
    trials: Any = None,
) -> Iterator[AugmentedFold]:
    """Yield the augmented training set of each fold, as a loop of `fit_resample` over the folds would give it.

    On a CPU the two are the same to the last bit. Each fold's GAN is its own, scaled and trained on its training
    windows alone; those of all folds are trained at once, before the first fold is yielded.

    Parameters
    ----------
    X, y
        Windows (N, F) and labels (N,).
    cv, groups
        Folds as in scikit-learn: a number, a splitter or pairs of indices, and the groups that a splitter keeps whole.
        Windows of a trial resemble each other: choose folds by whole trials or subjects.
    sampler
        A `Sampler`; a `CBEGANSampler` with its defaults, if None.
    n_aug, random_state
        In place of the sampler's, where given.
    trials
        Trial (N,) of each window, for a sampler that learns from trials. A UserWarning says so if one trial stands in
        several of the groups, as trials of several people may have the same name, or on both sides of a fold.

    Raises
    ------
    TypeError
        If ``sampler`` is no sampler.
    ValueError
        As `fit_resample`, and if there are trials but the sampler does not learn from any.
    """
    if not isinstance(sampler, Sampler | None):
        raise TypeError(f"sampler: expected a sampler, such as CBEGANSampler(iterations=300), got {sampler!r}")
    sampler = CBEGANSampler() if sampler is None else clone(sampler)
    given = {"n_aug": n_aug, "random_state": random_state}
    sampler.set_params(**{name: value for name, value in given.items() if value is not None})
    if trials is not None and not isinstance(sampler, TrialSampler):
        raise ValueError(
            f"expected no trials=, as {type(sampler).__name__} does not learn from trials. Leave them out: folds of "
            "whole trials come from cv and groups"
        )
    folds = list(check_cv(cv, y, classifier=True).split(X, y, groups))
    if trials is not None:
        number = trial_numbers(trials, _num_samples(X))
        if groups is not None:
            warn_of_mixed_trials("cross_augment", trials, number, groups, "groups")
            number = number + (number.max() + 1) * trial_numbers(groups, len(number))
        divided = max(len(np.intersect1d(number[train], number[test])) for train, test in folds)
        if divided:
            warn(
                "divided trials",
                f"cross_augment: the training windows and the held-out ones of a fold share up to {divided} of "
                f"{len(np.unique(number))} trials, so that accuracies are too high. Choose folds of whole trials, such "
                "as cv=GroupKFold(5) and groups=trials",
            )
    seeds = [whole_seed(sampler.random_state) for _ in folds]
    reported: set[str] = set()
    with contextlib.ExitStack() as stack:
        if isinstance(sampler, TrainedSampler):
            if sampler.store is None:
                sampler.set_params(store=stack.enter_context(tempfile.TemporaryDirectory(prefix="emogan-")))
            with once(reported):
                sampler.train((_rows(train, X, y, trials) for train, _ in folds), seeds)
        for (train, test), seed in zip(folds, seeds, strict=True):
            windows, labels, own_trials = _rows(train, X, y, trials)
            one = clone(sampler).set_params(random_state=seed)
            metadata = {} if own_trials is None else {"trials": own_trials}
            with once(reported):
                x_more, y_more = one.fit_resample(windows, labels, **metadata)
            yield AugmentedFold(x_more, y_more, test)


def _rows(rows: npt.NDArray, X: Any, y: Any, trials: Any) -> tuple[Any, Any, Any]:
    own = None if trials is None else _safe_indexing(trials, rows)
    return _safe_indexing(X, rows), _safe_indexing(y, rows), own
