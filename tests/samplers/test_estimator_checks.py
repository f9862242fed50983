"""scikit-learn's and imbalanced-learn's own checks of estimators pass for every sampler."""

import numpy as np
import pytest
from imblearn.utils import estimator_checks as imblearn_checks
from sklearn.utils import estimator_checks as sklearn_checks

import emogan
from emogan import (
    AutoregressiveSampler,
    ControlSampler,
    GANSampler,
    RandomEffectsSampler,
    RecurrentCBEGANSampler,
    TrialBootstrapSampler,
    TrialCBEGANSampler,
)
from emogan.augmenters import Noise
from emogan.models import CGAN
from emogan.samplers.gans import TrainedSampler
from emogan.samplers.sampler import Sampler

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*trials hold windows of several labels", "ignore:.*Sampler has appended nothing"
)

# No check is expected to fail. What does not apply as it stands, and why:
#
# - scikit-learn skips its check of array API input itself, where the environment variable SCIPY_ARRAY_API is not set.
# - Neither library gives `trials`, which some samplers cannot do without: they are checked with trials of four windows,
#   by the classes below, which may well be of several labels.
# - imbalanced-learn's check_param_validation asks for scikit-learn's own words about every parameter. Settings of the
#   augmenters are refused in EmoGAN's words (see test_sampler.py), so it is called on a sampler that has none.


class TrialsOfFourWindows:
    """A sampler for callers that know of no trials."""

    def fit(self, X, y, *, trials=None):
        return super().fit(X, y, trials=np.arange(np.shape(X)[0]) // 4)

    def fit_resample(self, X, y, *, trials=None):
        return super().fit_resample(X, y, trials=np.arange(np.shape(X)[0]) // 4)


class RandomEffectsOfFourSampler(TrialsOfFourWindows, RandomEffectsSampler):
    """RandomEffectsSampler with trials."""


class TrialCBEGANOfFourSampler(TrialsOfFourWindows, TrialCBEGANSampler):
    """TrialCBEGANSampler with trials."""


class TrialBootstrapOfFourSampler(TrialsOfFourWindows, TrialBootstrapSampler):
    """TrialBootstrapSampler with trials."""


class AutoregressiveOfFourSampler(TrialsOfFourWindows, AutoregressiveSampler):
    """AutoregressiveSampler with trials."""


class RecurrentCBEGANOfFourSampler(TrialsOfFourWindows, RecurrentCBEGANSampler):
    """RecurrentCBEGANSampler with trials."""


WITH_TRIALS = {kind.__mro__[2]: kind for kind in TrialsOfFourWindows.__subclasses__()}


LEFT_OUT = ("FittedSampler", "GANSampler", "ControlSampler", "RecurrentCWGANSampler")


def samplers() -> list[Sampler]:
    """One of each kind, GANs with few iterations; of the recurrent ones that which trains faster."""
    names = [name for name in emogan.__all__ if name.endswith("Sampler")]
    kinds = [getattr(emogan, name) for name in names if name not in LEFT_OUT]
    kinds = [WITH_TRIALS.get(kind, kind) for kind in kinds]
    tiny = {"iterations": 2, "hidden": 8, "batch_size": 16}
    named = [kind(random_state=0, **(tiny if issubclass(kind, TrainedSampler) else {})) for kind in kinds]
    of_any_class = [
        GANSampler(gan=CGAN, settings={"saturating": False}, random_state=0, **tiny),
        ControlSampler(control=Noise, settings={"strength": 0.1}, random_state=0),
    ]
    return named + of_any_class


# Samplers share nearly all of their code: these stand for the others, whose checks take minutes.
FIRST = ("CBEGANSampler", "RandomEffectsOfFourSampler", "DuplicateSampler", "ControlSampler")


def some(first: bool) -> list[Sampler]:
    return [sampler for sampler in samplers() if (type(sampler).__name__ in FIRST) == first]


@sklearn_checks.parametrize_with_checks(some(first=True))
def test_scikit_learns_checks_pass(estimator, check):
    check(estimator)


@pytest.mark.slow
@sklearn_checks.parametrize_with_checks(some(first=False))
def test_scikit_learns_checks_pass_for_the_others(estimator, check):
    check(estimator)


def imblearns() -> list:
    """imbalanced-learn's own decorator hands pytest a generator, of which pytest 9 warns."""
    return [
        pytest.param(
            estimator, check, id=f"{type(sampler).__name__}-{check.func.__name__}", marks=() if first else pytest.mark.slow
        )
        for first in (True, False)
        for sampler in some(first)
        for estimator, check in imblearn_checks.estimator_checks_generator(sampler)
    ]  # fmt: skip


@pytest.mark.parametrize(("estimator", "check"), imblearns())
def test_imbalanced_learns_checks_pass(estimator, check):
    check(estimator)


@pytest.mark.parametrize("sampler", samplers(), ids=lambda sampler: type(sampler).__name__)
def test_names_of_a_dataframes_columns_are_kept(sampler):
    imblearn_checks.check_dataframe_column_names_consistency(type(sampler).__name__, sampler)


def test_parameters_of_every_sampler_are_refused_in_scikit_learns_words():
    imblearn_checks.check_param_validation("DuplicateSampler", emogan.DuplicateSampler())
