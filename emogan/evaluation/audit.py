"""Leakage audit: no scaler, augmenter or classifier may have seen a window that it is tested on."""

from collections.abc import Iterator, Sequence

import numpy as np

from emogan.data.donors import Pools
from emogan.data.features import FeatureSet
from emogan.data.scaling import MinMaxScaler
from emogan.data.training_set import TrainingSet
from emogan.evaluation.plan import Plan, Split


class LeakageError(ValueError):
    """A window that scores a fit was seen while fitting."""


def contents(x: np.ndarray) -> np.ndarray:
    """Number (n,) of each window of x (n, F) by content: equal if and only if all features are."""
    x = np.ascontiguousarray(x + 0.0)  # -0.0 and 0.0 are the same value
    digests = x.view(np.dtype((np.void, x.dtype.itemsize * x.shape[1]))).ravel()
    return np.unique(digests, return_inverse=True)[1]


def audit(
    features: FeatureSet, plan: Plan, *, scaling_leaks: bool, equal_windows: str, standardised: bool = False
) -> dict:
    """Compare, for every member, what its fits saw with what they predict: by window and by content.

    A fit saw the windows of its training set and those that scaled it. What it must not have seen are the windows that
    it validates and, whether it is tested or helps to choose, the member's test windows. With inner="reuse" an inner
    fit is charged with what its classifier saw. Returns the verdict for ``run.json``; scaling with test windows where
    that was asked for (``scaling_leaks``) is noted there and does not fail the job.

    Parameters
    ----------
    equal_windows
        "refuse": windows of equal content on both sides (copies under another trial's name, for instance) fail the job
        too. "report": test windows that have such copies are counted in the verdict.
    standardised
        Whether features were standardised within subjects as they were loaded: the verdict says so.

    Raises
    ------
    LeakageError
        Naming the member, the fold and the window.
    """
    content, copied = contents(features.x), set()
    for data in plan.sets:
        _check_scaling(features, data)
    for split in plan.splits:
        place = split.member.place
        for name, seen, held_out in _exposures(plan, split, scaling_leaks):
            both = np.intersect1d(seen, held_out)
            if len(both):
                raise LeakageError(
                    f"{place}: {len(both)} of the {len(held_out)} windows held out from its {name} were seen there, "
                    f"the first of them in {features.place(both[0])}. This is a defect of the folds: please report it."
                )
            copies = held_out[np.isin(content[held_out], content[seen])]
            copied |= set(copies.tolist()) & set(split.member.test.tolist())
            if len(copies) and equal_windows == "refuse":
                raise LeakageError(
                    f"{place}: expected windows held out from its {name} that occur in no training trial, got "
                    f"{len(copies)} of {len(held_out)} with exactly the features of a training window, the first of "
                    f"them in {features.place(copies[0])}. Are trials stored twice under different names? "
                    "evaluation.equal_windows=report lets them pass and counts them."
                )
    if plan.learned is not None:
        _check_clips(features, plan)
        _check_alignment(features, plan)
    leaks = ["scaled with test windows, as asked"] if scaling_leaks else []
    leaks += [f"{len(copied)} test windows occur in training, as allowed"] if copied else []
    verdict = f"LEAKS: {'; '.join(leaks)}" if leaks else "no test window was seen"
    if standardised:
        verdict += "; all of a subject's windows, without labels, standardised its features"
    if plan.donors and plan.donors.transductive:
        verdict += "; test windows, without labels, took part in the alignment, as asked"
    if clips := seen_clips(features, plan):
        verdict += f"; {clips} test windows show clips that were trained on"
    return {
        "verdict": verdict,
        "test_windows_that_occur_in_training": len(copied),
        "test_windows_of_clips_that_occur_in_training": clips,
    }


def seen_clips(features: FeatureSet, plan: Plan) -> int | None:
    """How many test windows show a film clip that their training set shows too; None if clips are not known."""
    if (shown := features.stimulus) is None:
        return None
    count = 0
    for split in plan.splits:
        i = plan.fits[split.fit].training_set
        seen = np.union1d(split.member.train, plan.learning_sets[i].rows)
        count += int(np.isin(shown[split.member.test], shown[seen]).sum())
    return count


def _check_scaling(features: FeatureSet, data: TrainingSet) -> None:
    """That a set's windows are scaled by what it says that scaled them."""
    scaler = MinMaxScaler.fit(features.x[data.scaled_by])
    if not np.array_equal(scaler.transform(features.x[data.rows]), data.x):
        raise LeakageError(
            "a training set is scaled by other windows than it says. This is a defect: please report it."
        )


def _check_clips(features: FeatureSet, plan: Plan) -> None:
    """That donors show no clip that is held out from them, unless that was asked for."""
    shown = features.stimulus
    for split in plan.splits if plan.donors.stimuli == "unseen" else ():
        for name, i, validated in _validated(split):
            own = plan.sets[plan.fits[i].training_set].rows
            clips = plan.donors.held_out_clips(features, own, split.member.test, validated)
            seen = np.setdiff1d(plan.learned[plan.fits[i].training_set].data.rows, own)
            both = np.intersect1d(shown[seen], clips)
            if len(both):
                raise LeakageError(
                    f"{split.member.place}: donors have windows of the film clip {both[0]}, which is held out from the "
                    f"{name}. This is a defect of the choice of donors: please report it."
                )


def _check_alignment(features: FeatureSet, plan: Plan) -> None:
    """That what is learned from donors is aligned by the windows that are said to be."""
    pools = Pools(features, plan.donors)
    for data, learned in zip(plan.sets, plan.learned, strict=True):
        rows = learned.data.rows
        again = pools.learned(data, rows[~np.isin(rows, data.rows)], learned.aligned_by)
        pairs = zip(again.alignment.numbers, learned.alignment.numbers, strict=True)
        same = again.data.fingerprint == learned.data.fingerprint and again.data.fine_tuning == learned.data.fine_tuning
        if not same or not all(np.array_equal(*pair) for pair in pairs):
            raise LeakageError("donors are aligned by other windows than they say. This is a defect: please report it.")


def _validated(split: Split) -> Iterator[tuple[str, int, np.ndarray]]:
    """Of each of a split's fits: its name, its index and the windows that it validates."""
    yield "test", split.fit, np.array([], dtype=np.int64)
    for k, (fit, validated) in enumerate(split.inner):
        yield f"inner fold {k}", fit, validated


def _exposures(plan: Plan, split: Split, scaling_leaks: bool) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Of each of a split's fits: its name, the windows seen and the windows held out."""
    own = plan.fits[split.fit].training_set
    for name, i, validated in _validated(split):
        fit, held_out = plan.fits[i], np.union1d(validated, split.member.test)
        data = plan.sets[fit.training_set]
        reused = i != split.fit and fit.training_set == own
        seen = data.rows[fit.kept] if reused else data.rows if scaling_leaks else np.union1d(data.rows, data.scaled_by)
        yield name, seen, held_out
        if plan.learned is not None:
            learned = plan.learned[fit.training_set]
            yield f"{name} (donors)", learned.data.rows, held_out
            if not plan.donors.transductive:
                yield f"{name} (alignment)", learned.aligned_by, held_out


def audit_synthetic(plan: Plan, x: np.ndarray, synthetic: Sequence[np.ndarray], model: str) -> None:
    """Look for scaled synthetic windows, (n, F) of each split, that are copies of test windows of x (N, F), unscaled.

    Raises
    ------
    LeakageError
        If there is one: the augmenter has seen what it could not know.
    """
    for split, data, drawn in zip(plan.splits, plan.outer_sets, synthetic, strict=True):
        member, test = split.member, data.scaler.transform(x[split.member.test])
        real, tested, made = np.split(
            contents(np.concatenate([data.x, test, drawn])), np.cumsum([len(data.x), len(test)])
        )
        unseen = tested[~np.isin(tested, real)]  # a copy of a training window gives nothing away
        copies = np.isin(made, unseen)
        if copies.any():
            raise LeakageError(
                f"{member.place}: {copies.sum()} synthetic windows of model={model} are copies of test windows. It "
                "must see training windows alone."
            )
