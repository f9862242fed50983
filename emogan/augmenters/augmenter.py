"""Augmenter: fit on the training windows of M members, then sample labelled synthetic windows."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from emogan.checks import Checked
from emogan.data.training_set import TrainingSet
from emogan.wording import words


@dataclass(frozen=True)
class Layout:
    """What the columns of the windows are.

    Parameters
    ----------
    feature_names
        Of all F columns.
    modalities
        Columns of "eeg" and "eye".
    """

    feature_names: tuple[str, ...]
    modalities: Mapping[str, slice]


class Augmenter(Checked, ABC):
    """The one interface of GANs and controls.

    An augmenter sees only training windows that were scaled with training statistics. Members are independent: what
    one of them gives depends on its own windows and seed alone.
    """

    _group = "model"
    name: str  # what the scores call it

    @abstractmethod
    def identity(self) -> dict:
        """Everything of this augmenter that changes what it gives, as plain values."""

    def revision(self, features: int) -> dict:
        """What has changed since earlier versions in what it gives for this number of features, for keys of the cache.

        Empty where it gives the same numbers as ever: what was fitted then is found again.
        """
        return {}

    def candidates(self) -> list["Augmenter"]:
        """One augmenter for each value of a setting that was given as a list to choose from; itself if none was."""
        return [self]

    @abstractmethod
    def fit(
        self, sets: Sequence[TrainingSet], seeds: Sequence[int] | None = None, *, layout: Layout | None = None
    ) -> "Augmenter":
        """Fit all members.

        Parameters
        ----------
        sets
            One training set a member.
        seeds
            One seed per member; 0..M-1 if not given.
        layout
            Names and modalities of the features, for augmenters that look at them.
        """

    @abstractmethod
    def sample(self, y: Tensor, generator: torch.Generator | Sequence[torch.Generator]) -> Tensor:
        """Synthetic windows (M, n, F) with the labels y (M, n), drawn with one generator or with one per member."""

    def synthetic_trials(self, y: Tensor) -> Tensor:
        """The trial (M, n) that each synthetic window with the labels y (M, n) is of, a number within its member.

        Windows of a trial are in the order of time. As windows are drawn one by one here, each is a trial of its own;
        a generator that draws whole trials says which they are. A smaller n gives the first of these, as in `sample`.
        """
        return torch.arange(y.shape[1]).expand_as(y)


class NoAugmentation(Augmenter):
    """`model=none`: appends nothing.

    Parameters
    ----------
    name
        What the scores call it.
    """

    def __init__(self, name: str = "none"):
        self.name = name

    def identity(self):
        return {"augmenter": "none"}

    def fit(self, sets, seeds=None, *, layout=None):
        self.features = sets[0].x.shape[1]
        return self

    def sample(self, y, generator):
        if y.shape[1]:
            raise ValueError(f"{words().model(self.name)} appends nothing: n_aug must be 0, got {y.shape[1]}")
        return torch.empty(y.shape[0], 0, self.features)


def balanced_labels(n: int, n_classes: int) -> np.ndarray:
    """Labels (n,) shared equally among the classes, a remainder going to the first classes.

    They go round the classes, so those of a smaller n are the first of those of a larger one.
    """
    return np.arange(n) % n_classes


def per_member(generator: torch.Generator | Sequence[torch.Generator], members: int) -> list[torch.Generator]:
    """One generator for each of M members: the given ones, or M times the given one."""
    if isinstance(generator, torch.Generator):
        return [generator] * members
    if len(generator) != members:
        raise ValueError(f"expected one generator or one for each of {members} members, got {len(generator)}")
    return list(generator)


def plain_settings(settings: Mapping[str, object], owner: type) -> dict[str, object]:
    """Settings of a class as plain values, of which equal ones have equal keys.

    Several values are a list, whatever sequence they came in, and 1 is 1.0 where the class has a float as its default.
    """
    defaults = {name: one.default for name, one in inspect.signature(owner).parameters.items()}

    def plain(name: str, value: object) -> object:
        if isinstance(value, Sequence) and not isinstance(value, str):
            return [plain(name, one) for one in value]
        whole = isinstance(value, int) and not isinstance(value, bool)
        return float(value) if whole and isinstance(defaults.get(name), float) else value

    return {name: plain(name, value) for name, value in settings.items()}
