"""What every classifier of a plan predicts and how good the synthetic windows are, kept in the store fit by fit."""

import itertools
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning

from emogan.analysis import quality
from emogan.data.donors import PooledSet
from emogan.data.features import FeatureSet
from emogan.evaluation import Classifier, FitData, protocol
from emogan.evaluation.plan import Plan
from emogan.evaluation.protocol import Synthetic
from emogan.evaluation.svm import Predictions
from emogan.store import Store, content_key, derived_seed, fingerprint
from emogan.training.progress import progress_bar
from emogan.versions import COMPUTATIONS

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int, name: str, unit: str
) -> list[Result]:
    """Call a function with each item, in threads, and show how far it has come; results in the items' order."""
    items = list(items)
    jobs = Parallel(n_jobs=threads, prefer="threads", return_as="generator")(delayed(function)(i) for i in items)
    found = []
    with progress_bar(name, len(items), unit) as bar:
        for result in jobs:
            found.append(result)
            bar.update()
    return found


def score(
    plan: Plan,
    features: FeatureSet,
    synthetic: Synthetic,
    sizes: Sequence[int],
    classifier: Classifier,
    *,
    settings: dict,
    keys: Sequence[str],
    store: Store,
    threads: int,
) -> dict[int, dict[int, Predictions]]:
    """What every fit of the plan predicts, by n_aug and fit.

    Parameters
    ----------
    synthetic
        Windows of every training set.
    settings
        Of the classifier, as plain values.
    keys
        Of the augmenter's fit to every training set (M,).
    store
        What it holds of the same windows, settings and n_aug is not computed again.
    """
    kept = Store(store.folder / "predictions")

    def look(i: int) -> tuple[FitData, dict[int, str]]:
        """The windows of a fit, and the keys of its predictions by number of synthetic windows."""
        one, of_set = plan.fits[i], plan.fits[i].training_set
        data, own = plan.sets[of_set], protocol.fit_data(plan.sets[of_set], one, features, synthetic.of_set(of_set))
        fields = {
            "predictions": COMPUTATIONS["predictions"], "classifier": settings,
            "data": fingerprint(data.x, data.y, one.kept, own.x_held_out),
        }  # fmt: skip
        augmented = _augmented(plan, of_set, features, keys[of_set])
        return own, {
            n: content_key(fields | _context(classifier, own, n) | (augmented | {"n_aug": n} if n else {}))
            for n in sorted({one.appended(n) for n in sizes})
        }

    def predict(group: Sequence[int]) -> list[dict[int, Predictions]]:
        looked = [look(i) for i in group]
        found = [{n: loaded for n, key in named.items() if (loaded := _load(kept, key))} for _, named in looked]
        missing = {k: new for k, (_, named) in enumerate(looked) if (new := [n for n in named if n not in found[k]])}
        computed = protocol.predict([looked[k][0] for k in missing], list(missing.values()), classifier)
        for k, paths in zip(missing, computed, strict=True):
            for n, one in paths.items():
                _save(kept, looked[k][1][n], one)
            found[k] |= paths
        return [{n: found[k][plan.fits[i].appended(n)] for n in sizes} for k, i in enumerate(group)]

    order = sorted(range(len(plan.fits)), key=lambda i: -len(plan.fits[i].kept))  # the long ones first
    groups = [order[i : i + classifier.at_once] for i in range(0, len(order), classifier.at_once)]
    alone = classifier.at_once == 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # solved otherwise, or counted and reported
        # stacked fits have PyTorch's own threads
        results = in_parallel(predict, groups, threads if alone else 1, classifier.name, "fit" if alone else "stack")
    by_fit = dict(zip(order, itertools.chain(*results), strict=True))
    return {n: {i: by_fit[i][n] for i in by_fit} for n in sizes}


def _context(classifier: Classifier, data: FitData, n: int) -> dict:
    """What predictions depend on beside the windows, where n synthetic ones are appended."""
    if not classifier.uses_trials:
        return {}
    trials = fingerprint(data.trial[: data.n_real + n], data.trial_held_out)
    return {"trials": trials, "feature_names": list(data.feature_names)}


def _augmented(plan: Plan, i: int, features: FeatureSet, key: str) -> dict:
    """What the synthetic windows of a training set depend on beside what is in its key: controls see all of it."""
    data, aligned = plan.sets[i], {}
    if plan.learned is not None:
        learned = plan.learned[i]
        pool = learned.data
        numbers = [*learned.alignment.numbers, pool.scaler.minimum, pool.scaler.span, pool.trial]
        # `PersonEffects` sees whose windows they are
        people = [pool.group] if isinstance(pool, PooledSet) else []
        aligned = {"aligned": fingerprint(*numbers, *people)}
    return aligned | {
        "augmenter": key, "context": fingerprint(data.trial, data.scaler.minimum, data.scaler.span),
        "features": list(features.feature_names),
        "modalities": {name: [part.start, part.stop] for name, part in features.modalities.items()},
    }  # fmt: skip


def _save(store: Store, key: str, found: Predictions) -> None:
    tensors = {"predictions": torch.from_numpy(found.predictions.astype(np.int16))}
    store.save(key, tensors, {"bounded_from": found.first_not_converged})


def _load(store: Store, key: str) -> Predictions | None:
    entry = store.load(key)
    return entry and Predictions(entry[0]["predictions"].numpy().astype(np.int64), entry[1]["bounded_from"])


def assess(
    plan: Plan,
    features: FeatureSet,
    drawn: Sequence[tuple[np.ndarray, np.ndarray]],
    keys: Sequence[str],
    store: Store,
    threads: int,
) -> list[pd.DataFrame]:
    """Sample quality of every split's synthetic windows, one row per class and metric.

    Parameters
    ----------
    drawn
        Windows and labels of every split.
    keys
        Of the fits that they were drawn from.
    store
        What it holds of the same windows is not computed again.
    """
    kept = Store(store.folder / "quality")

    def one(i: int) -> pd.DataFrame:
        data = plan.outer_sets[i]
        key = content_key({
            "quality": COMPUTATIONS["quality"], "data": fingerprint(data.x, data.y),
            "classes": list(features.class_names),
            **_augmented(plan, plan.of_splits[i], features, keys[i]),
        })  # fmt: skip
        if entry := kept.load(key):
            return pd.DataFrame(entry[1]["rows"])
        random = np.random.default_rng(derived_seed(fingerprint(data.x, data.y), "quality"))
        rows = quality.assess(data.x, data.y, data.trial, *drawn[i], features.class_names, random)
        kept.save(key, {}, {"rows": rows.to_dict("records")})
        return rows

    return in_parallel(one, range(len(drawn)), threads, "quality", "set")
