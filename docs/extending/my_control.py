"""Extrapolation between two windows of a class (DeVries and Taylor 2017, Dataset augmentation in feature space)."""

from emogan.augmenters import Control


class Extrapolation(Control):
    """x + strength (x - x') of two real windows x and x' of one class."""

    kind = "extrapolation"
    least = 2  # windows of a class

    def __init__(self, *, name, strength):
        super().__init__(name, strength=strength)

    def draw(self, windows, label, n, random):
        own = windows.of_class(label)
        pairs = random.integers(len(own), size=(2, n))
        return own[pairs[0]] + self.settings["strength"] * (own[pairs[0]] - own[pairs[1]])
