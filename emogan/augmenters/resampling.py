"""Controls that resample the real windows of a class: duplicates, noise, recombination, mixup and SMOTE."""

import importlib.util

import numpy as np

from emogan.augmenters.augmenter import Layout
from emogan.augmenters.control import Control, band_columns, resample
from emogan.checks import OneOrSeveral, PositiveFloat, PositiveInt
from emogan.wording import words


class Duplicate(Control):
    """Real windows, drawn with replacement: what a larger training set alone gains.

    Parameters
    ----------
    name
        What the scores call it.
    """

    kind = "duplicate"

    def __init__(self, *, name: str):
        super().__init__(name)

    def draw(self, windows, label, n, random):
        return resample(windows, label, n, random)


class DonorWindows(Duplicate):
    """Real windows of the donors, in random order and each once before any comes again: what generators must beat.

    How many are appended is the weight of the donors against the target's own windows.

    Parameters
    ----------
    name
        What the scores call it.
    """

    kind = "donor_windows"
    in_blocks = False

    def draw(self, windows, label, n, random):
        own = windows.of_class(label)
        order = [random.permutation(len(own)) for _ in range(-(-n // len(own)))]
        return own[np.concatenate(order)[:n]]


class Noise(Control):
    """A real window x plus noise, x + e with e ~ N(0, strength^2) in every feature (Wang et al. 2018).

    Parameters
    ----------
    name
        What the scores call it.
    strength
        Standard deviation in units of the scaled features, whose training windows span [0, 1]; a list holds values to
        choose from.
    """

    kind = "noise"

    def __init__(self, *, name: str, strength: OneOrSeveral[PositiveFloat]):
        super().__init__(name, strength=strength)

    def draw(self, windows, label, n, random):
        real = resample(windows, label, n, random)
        return real + self.settings["strength"] * random.standard_normal(real.shape)


class Recombination(Control):
    """Each block of features from another real window of the class, drawn at random (Lotte 2015).

    Blocks are the bands of the EEG features, the eye features, and together the columns that are neither. They come
    from as many windows as there are blocks, if the class has that many.

    Parameters
    ----------
    name
        What the scores call it.
    """

    kind = "recombination"
    needs = ("layout",)

    def __init__(self, *, name: str):
        super().__init__(name)

    def fit(self, sets, seeds=None, *, layout=None):
        """See `Control.fit`.

        Raises
        ------
        ValueError
            If there is one block only: nothing to recombine.
        """
        super().fit(sets, seeds, layout=layout)
        self.blocks = feature_blocks(layout)
        if len(self.blocks) < 2:
            raise ValueError(
                f"{words().model(self.name)} recombines blocks of features and needs two at least, got one: EEG bands, "
                "from names such as FP1_delta, and the eye features are blocks. Choose another model for these."
            )
        return self

    def draw(self, windows, label, n, random):
        own = windows.of_class(label)
        order = random.permuted(np.tile(np.arange(len(own)), (n, 1)), axis=1)
        drawn = np.empty((n, own.shape[1]))
        for i, columns in enumerate(self.blocks):
            drawn[:, columns] = own[order[:, i % len(own)]][:, columns]
        return drawn


def feature_blocks(layout: Layout) -> list[list[int]]:
    """Columns of each EEG band, of the eye features and of what is neither."""
    columns = range(len(layout.feature_names))
    blocks = [*band_columns(layout).values(), list(columns[layout.modalities.get("eye", slice(0))])]
    others = sorted(set(columns).difference(*blocks))
    return [block for block in [*blocks, others] if block]


class Mixup(Control):
    """Mixtures of two real windows of one class, l x_i + (1 - l) x_j with l ~ Beta(strength, strength).

    Zhang et al. 2018, equation 1, kept within the class so that labels need no mixing.

    Parameters
    ----------
    name
        What the scores call it.
    strength
        Parameter of the Beta distribution, > 0; a list holds values to choose from.
    """

    kind = "mixup"

    def __init__(self, *, name: str, strength: OneOrSeveral[PositiveFloat]):
        super().__init__(name, strength=strength)

    def draw(self, windows, label, n, random):
        share = random.beta(self.settings["strength"], self.settings["strength"], size=(n, 1))
        return share * resample(windows, label, n, random) + (1 - share) * resample(windows, label, n, random)


class Smote(Control):
    """A point between a real window and one of its nearest neighbours in the class (Chawla et al. 2002).

    Parameters
    ----------
    name
        What the scores call it.
    k_neighbors
        How many neighbours there are to choose from; all other windows of a class that has fewer. A list holds values
        to choose from.

    Raises
    ------
    ImportError
        If imbalanced-learn, whose SMOTE this is, is not installed.
    """

    kind = "smote"
    least = 2

    def __init__(self, *, name: str, k_neighbors: OneOrSeveral[PositiveInt]):
        super().__init__(name, k_neighbors=k_neighbors)
        if importlib.util.find_spec("imblearn") is None:
            raise ImportError(f"{words().model(name)} needs imbalanced-learn: pip install 'emogan[imblearn]'")

    def draw(self, windows, label, n, random):
        from imblearn.over_sampling import SMOTE  # an extra: only who asks for it needs it

        own = windows.y == label
        smote = SMOTE(
            sampling_strategy={1: int(own.sum()) + n},
            k_neighbors=min(self.settings["k_neighbors"], int(own.sum()) - 1),
            random_state=int(random.integers(2**31)),
        )
        x, _ = smote.fit_resample(windows.x.astype(np.float64), own.astype(int))
        return x[len(own) :]  # synthetic windows stand behind the real ones
