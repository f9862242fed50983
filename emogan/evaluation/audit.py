"""Leakage audit: no scaler, augmenter or classifier may have seen a window that it is tested on."""

from collections.abc import Iterator, Sequence

import numpy as np

from emogan.data.features import FeatureSet
from emogan.evaluation.plan import Plan, Split


class LeakageError(ValueError):
    """A window that scores a fit was seen while fitting."""


def digests(x: np.ndarray) -> np.ndarray:
    """Windows (n, F) as bytes (n,): equal if and only if all features are."""
    x = np.ascontiguousarray(x + 0.0)  # -0.0 and 0.0 are the same value
    return x.view(np.dtype((np.void, x.dtype.itemsize * x.shape[1]))).ravel()


def audit(features: FeatureSet, plan: Plan, *, scaling_leaks: bool, equal_windows: str) -> dict:
    """Compare, for every member, what its fits saw with what they predict: by window and by content.

    The fit that is tested is charged with what its scaler and its augmenter saw; those of the inner cross-validation
    with what their classifier saw. Returns the verdict for ``run.json``. Scaling with test windows where that was asked
    for (``scaling_leaks``) is told in the verdict and does not fail the job.

    Parameters
    ----------
    equal_windows
        "refuse": windows of equal content on both sides (copies under another trial's name, for instance) fail the job
        too. "report": they are counted only.

    Raises
    ------
    LeakageError
        Naming the member, the fold and the window.
    """
    contents, equal = digests(features.x), 0
    for split in plan.splits:
        place = f"subject {split.member.subject}, session {split.member.session}, fold {split.member.fold}"
        for name, seen, held_out in _exposures(plan, split, scaling_leaks):
            both = np.intersect1d(seen, held_out)
            if len(both):
                raise LeakageError(
                    f"{place}: {len(both)} of the {len(held_out)} windows of its {name} were seen in training, the "
                    f"first of them in {features.place(both[0])}. This is a defect of the folds: please report it."
                )
            copies = np.isin(contents[held_out], contents[seen])
            equal += int(copies.sum())
            if copies.any() and equal_windows == "refuse":
                raise LeakageError(
                    f"{place}: expected windows of its {name} that occur in no training trial, got {copies.sum()} of "
                    f"{len(held_out)} with exactly the features of a training window, the first of them in "
                    f"{features.place(held_out[copies][0])}. Are trials stored twice under different names? "
                    "evaluation.equal_windows=report lets them pass and counts them."
                )
    return {
        "verdict": "LEAKS: scaled with test windows, as asked" if scaling_leaks else "no test window was seen",
        "equal_windows_on_both_sides": equal,
    }


def _exposures(plan: Plan, split: Split, scaling_leaks: bool) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Of each of a split's fits: its name, the windows seen and the windows held out."""
    tested = plan.sets[plan.fits[split.outer].training_set]
    yield "test", tested.rows if scaling_leaks else np.union1d(tested.rows, tested.scaled_by), split.member.test
    for k, (i, held_out) in enumerate(split.inner):
        fit = plan.fits[i]
        yield f"inner fold {k}", plan.sets[fit.training_set].rows[fit.kept], held_out


def audit_artificial(plan: Plan, x: np.ndarray, artificial: Sequence[np.ndarray], model: str) -> int:
    """Look for scaled artificial windows, (n, F) of each split, that are copies of test windows of x (N, F), unscaled.

    Returns how many were looked at.

    Raises
    ------
    LeakageError
        If there is one: the augmenter has seen what it could not know.
    """
    for split, drawn in zip(plan.splits, artificial, strict=True):
        data, member = plan.sets[plan.fits[split.outer].training_set], split.member
        test = digests(data.scaler.transform(x[member.test]))
        unseen = test[~np.isin(test, digests(data.x))]  # a copy of a training window gives nothing away
        copies = np.isin(digests(drawn), unseen)
        if copies.any():
            raise LeakageError(
                f"subject {member.subject}, session {member.session}, fold {member.fold}: {copies.sum()} artificial "
                f"windows of model={model} are copies of test windows. It must see training windows alone."
            )
    return sum(map(len, artificial))
