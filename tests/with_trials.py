"""Trials for those samplers that take them."""

from emogan.samplers.sampler import Sampler, TrialSampler


def with_trials(sampler: Sampler, trial) -> dict:
    """What `fit`, `fit_resample` and `cross_augment` are given besides windows and labels."""
    return {"trials": trial} if isinstance(sampler, TrialSampler) else {}
