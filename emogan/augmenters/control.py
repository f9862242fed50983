"""Control: the base of what draws synthetic windows from a member's own training windows without a GAN."""

import itertools
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch

from emogan import kinds
from emogan.augmenters.augmenter import Augmenter, Layout, per_member, plain_settings
from emogan.data.montage import split_name
from emogan.data.training_set import TrainingSet
from emogan.training.isolation import default_torch
from emogan.versions import class_revision
from emogan.wording import words

BLOCK = 256  # windows of a class are drawn in blocks of this many, so that a window's bits do not depend on n


class Control(Augmenter):
    """What a GAN has to beat: a member's synthetic windows come from its own windows by a formula.

    The i-th synthetic window of a class depends on the member's windows, its generator, the class and i alone, so that
    a smaller number gives the first of these windows. Features that do not vary in a member's training windows keep
    their value. Synthetic windows may leave [0, 1], as test windows do.

    Parameters
    ----------
    name
        What the scores call it.
    **settings
        Plain values; a list holds the values to choose from (see `candidates`).

    Attributes
    ----------
    kind : str
        Short name of the class in files and in keys of the cache, which stays when a module is renamed. A subclass
        needs one of its own.
    needs : sequence of str
        What it looks at besides windows and labels: "trial", "layout".
    least : int
        Training windows of a class that it takes to draw others.
    """

    kind: ClassVar[str]
    needs: Sequence[str] = ()
    least = 1
    in_blocks = True  # False has `draw` give all windows at once, where a block would not know of the others

    def __init_subclass__(cls, **options) -> None:
        super().__init_subclass__(**options)
        kinds.register(cls, Control)

    def __init__(self, name: str, **settings):
        self.name = name
        self.settings = plain_settings(settings, type(self))
        kinds.check_instance(self, Control, words().model(name))

    def identity(self):
        return {"control": self.kind, **self.settings}

    def revision(self, features):
        return class_revision(type(self))

    def candidates(self):
        open_settings = {key: value for key, value in self.settings.items() if isinstance(value, list)}
        if not open_settings:
            return [self]
        return [
            type(self)(name=self.name, **self.settings | dict(zip(open_settings, values, strict=True)))
            for values in itertools.product(*open_settings.values())
        ]

    def fit(self, sets, seeds=None, *, layout=None):
        """See `Augmenter.fit`.

        Raises
        ------
        ValueError
            If a setting is still a list, or the layout that this control needs was not given.
        """
        self._refuse_lists()
        if "layout" in self.needs and layout is None:
            raise ValueError(f"{words().model(self.name)} needs fit(..., layout=...), got none")
        self.layout, self.features, self.members = layout, sets[0].x.shape[1], list(sets)
        return self

    @default_torch()
    def sample(self, y, generator):
        """See `Augmenter.sample`.

        Raises
        ------
        ValueError
            If a setting is still a list, or a member has too few training windows of a class.
        """
        self._refuse_lists()
        drawn = torch.empty(*y.shape, self.features)
        generators = per_member(generator, len(y))
        for m, (windows, one) in enumerate(zip(self.members, generators, strict=True)):
            seed = int(torch.randint(2**62, (), generator=one))
            for label in y[m].unique().tolist():
                places = y[m] == label
                drawn[m, places] = torch.from_numpy(self._draw_class(windows, label, int(places.sum()), seed)).float()
        return drawn

    @abstractmethod
    def draw(self, windows: TrainingSet, label: int, n: int, random: np.random.Generator) -> np.ndarray:
        """Synthetic windows (n, F) of one class in scaled units, float64."""

    def _draw_class(self, windows: TrainingSet, label: int, n: int, seed: int) -> np.ndarray:
        count = int((windows.y == label).sum())
        if count < self.least:
            say = words()
            raise ValueError(
                f"{say.model(self.name)} draws from at least {self.least} training windows of a class, got {count} of "
                f"{say.label(label)}. Take more windows of it, or {say.model('noise')}, which draws from a single one."
            )
        drawn = self._draw_first(windows, label, n, seed)
        constant = windows.x.min(0) == windows.x.max(0)
        drawn[:, constant] = windows.x[0, constant]
        return drawn

    def _draw_first(self, windows: TrainingSet, label: int, n: int, seed: int) -> np.ndarray:
        """The first n windows of a class."""
        if not self.in_blocks:
            return self.draw(windows, label, n, np.random.default_rng([seed, label]))
        sequences = [np.random.SeedSequence(seed, spawn_key=(label, block)) for block in range(-(-n // BLOCK))]
        blocks = [self.draw(windows, label, BLOCK, np.random.default_rng(sequence)) for sequence in sequences]
        return np.concatenate(blocks)[:n]

    def _refuse_lists(self) -> None:
        for key, value in self.settings.items():
            if isinstance(value, list):
                raise ValueError(
                    f"{words().setting(key)}: expected one value to fit with, got {value}: take one of candidates()"
                )


def resample(windows: TrainingSet, label: int, n: int, random: np.random.Generator) -> np.ndarray:
    """Windows (n, F) of one class, drawn with replacement."""
    own = windows.of_class(label)
    return own[random.integers(len(own), size=n)]


def band_columns(layout: Layout) -> dict[str, list[int]]:
    """Columns of each EEG band, in order; none without EEG features."""
    eeg = layout.modalities.get("eeg", slice(0))
    columns: dict[str, list[int]] = {}
    for column in range(len(layout.feature_names))[eeg]:
        columns.setdefault(split_name(layout.feature_names[column])[1], []).append(column)
    return columns
