"""What every classifier of a plan predicts and how good the synthetic windows are, kept in the store fit by fit."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning
from tqdm import tqdm

from emogan.analysis import quality
from emogan.data.donors import PooledSet
from emogan.data.features import FeatureSet
from emogan.evaluation import Classifier, protocol
from emogan.evaluation.plan import Plan
from emogan.evaluation.svm import Predictions
from emogan.store import Store, content_key, derived_seed, fingerprint
from emogan.versions import COMPUTATIONS

Result = TypeVar("Result")


def in_parallel(
    function: Callable[[int], Result], items: Iterable[int], threads: int, name: str, unit: str
) -> list[Result]:
    """Call a function with each item, in threads, and show how far it has come; results in the items' order."""
    items = list(items)
    jobs = Parallel(n_jobs=threads, prefer="threads", return_as="generator")(delayed(function)(i) for i in items)
    return list(tqdm(jobs, total=len(items), desc=name, unit=unit, mininterval=1))


def score(
    plan: Plan,
    features: FeatureSet,
    synthetic: np.ndarray,
    labels: np.ndarray,
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
    synthetic, labels
        Synthetic windows (M, n, F) of every training set and their labels (n,).
    settings
        Of the classifier, as plain values.
    keys
        Of the augmenter's fit to every training set (M,).
    store
        What it holds of the same windows, settings and n_aug is not computed again.
    """
    kept = Store(store.folder / "predictions")

    def predict(i: int) -> dict[int, Predictions]:
        one, data = plan.fits[i], plan.sets[plan.fits[i].training_set]
        x_held_out = data.scaler.transform(features.x[one.predicted])
        fields = {
            "predictions": COMPUTATIONS["predictions"], "classifier": settings,
            "data": fingerprint(data.x, data.y, one.kept, x_held_out),
        }  # fmt: skip
        augmented = fields | _augmented(plan, one.training_set, features, keys[one.training_set])
        numbers = {n: one.appended(n) for n in sizes}
        named = {n: content_key(augmented | {"n_aug": n} if n else fields) for n in sorted(set(numbers.values()))}
        found = {n: loaded for n, key in named.items() if (loaded := _load(kept, key))}
        missing = [n for n in named if n not in found]
        if missing:
            drawn = synthetic[one.training_set]
            found |= protocol.predict(data, one, x_held_out, drawn, labels, missing, classifier)
        for n in missing:
            _save(kept, named[n], found[n])
        return {n: found[number] for n, number in numbers.items()}

    order = sorted(range(len(plan.fits)), key=lambda i: -len(plan.fits[i].kept))  # the long ones first
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # solved otherwise, or counted and reported
        results = dict(zip(order, in_parallel(predict, order, threads, classifier.name, "fit"), strict=True))
    return {n: {i: results[i][n] for i in results} for n in sizes}


def _augmented(plan: Plan, i: int, features: FeatureSet, key: str) -> dict:
    """What the synthetic windows of a training set depend on beside what is in its key: controls see all of it."""
    data, aligned = plan.sets[i], {}
    if plan.learned is not None:
        learned = plan.learned[i]
        pool = learned.data
        numbers = [*learned.alignment.numbers, pool.scaler.minimum, pool.scaler.span, pool.trial]
        people = (
            [pool.group] if isinstance(pool, PooledSet) else []
        )  # whose windows they are, which `PersonEffects` sees
        aligned = {"aligned": fingerprint(*numbers, *people)}
    return aligned | {
        "augmenter": key, "context": fingerprint(data.trial, data.scaler.minimum, data.scaler.span),
        "features": list(features.feature_names),
        "modalities": {name: [part.start, part.stop] for name, part in features.modalities.items()},
    }  # fmt: skip


def _save(store: Store, key: str, found: Predictions) -> None:
    tensors = {"predictions": torch.from_numpy(found.predictions.astype(np.int16))}
    store.save(key, tensors, {"bounded_from": found.bounded_from})


def _load(store: Store, key: str) -> Predictions | None:
    record = store.load(key)
    return record and Predictions(record[0]["predictions"].numpy().astype(np.int64), record[1]["bounded_from"])


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
        record = kept.load(key)
        if record:
            return pd.DataFrame(record[1]["rows"])
        random = np.random.default_rng(derived_seed(fingerprint(data.x, data.y), "quality"))
        rows = quality.assess(data.x, data.y, data.trial, *drawn[i], features.class_names, random)
        kept.save(key, {}, {"rows": rows.to_dict("records")})
        return rows

    return in_parallel(one, range(len(drawn)), threads, "quality", "set")
