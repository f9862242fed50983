"""Rotation: the electrodes turned about the head's axes, every band's topography read off by spherical splines."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.polynomial.legendre import legval
from scipy.spatial.transform import Rotation as Turn

from emogan.augmenters.control import Control, band_columns, resample
from emogan.checks import OneOrSeveral, above, at_most
from emogan.data.montage import positions, split_name
from emogan.wording import words

STIFFNESS, TERMS = 4, 50  # m of Perrin et al. and the length of their series; MNE's choices
# Added to the diagonal, MNE's choice: without it, what differs between neighbours is magnified beyond the cap's edge.
REGULARISATION = 1e-5


class Rotation(Control):
    """A real window as a cap turned on the head would have recorded it (Krell and Kim 2017).

    For each window one axis (x to the right, y to the nose, z up) and one sense of rotation are drawn. Each band's
    topography, in the units of the recording, is interpolated at the turned electrodes by spherical splines. The
    spline on the whole sphere is turned as it is, so its mean and its power are kept; seen by the electrodes they are
    kept as far as the topography is smooth and does not turn in or out at the edge of the cap. Eye features stay.

    Parameters
    ----------
    name
        What the scores call it.
    strength
        Angle in degrees, at most 180; a list holds values to choose from.
    """

    kind = "rotation"
    needs = ("layout",)

    def __init__(self, *, name: str, strength: OneOrSeveral[Annotated[float, above(0), at_most(180)]]):
        super().__init__(name, strength=strength)

    def fit(self, sets, seeds=None, *, layout=None):
        """See `Control.fit`.

        Raises
        ------
        ValueError
            If there are no EEG features, or their names do not tell where on the head they are.
        """
        super().fit(sets, seeds, layout=layout)
        if not (bands := band_columns(layout)):
            raise ValueError(
                f"{words().model(self.name)}: rotation needs EEG features, got "
                f"{' and '.join(layout.modalities) or 'none'}. Choose modality=eeg or eeg_eye, or another model."
            )
        try:
            self.bands = [(columns, self._maps(columns)) for columns in bands.values()]
        except ValueError as error:
            raise ValueError(
                f"{words().model(self.name)} turns EEG features named CHANNEL_BAND, such as FP1_delta, on the head: "
                f"{error}. Rename the features, or choose another model."
            ) from None
        return self

    def _maps(self, columns: Sequence[int]) -> list[np.ndarray]:
        """What each of the six rotations does to a topography on these columns' electrodes."""
        electrodes = positions([split_name(self.layout.feature_names[column])[0] for column in columns])
        angles = (self.settings["strength"], -self.settings["strength"])
        turns = [Turn.from_euler(axis, angle, degrees=True) for axis in "xyz" for angle in angles]
        return [spline_map(electrodes, turn.apply(electrodes)) for turn in turns]

    def draw(self, windows, label, n, random):
        z = resample(windows, label, n, random)
        x = windows.scaler.inverse(z)
        turn = random.integers(6, size=n)
        for columns, maps in self.bands:
            for i, turned in enumerate(maps):
                rows = np.ix_(turn == i, columns)
                x[rows] = x[rows] @ turned.T
        eeg = [column for columns, _ in self.bands for column in columns]
        z[:, eeg] = windows.scaler.transform(x)[:, eeg]
        return z


def spline_map(electrodes: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Matrix (P, C) that takes the values at C electrodes to a spherical spline's at P points.

    The spline is c_0 + sum_i c_i g(cos(point, electrode_i)), g(u) = 1/(4 pi) sum_n (2n + 1) / (n (n + 1))^m P_n(u),
    with sum_i c_i = 0 (Perrin et al. 1989, equations 1 to 3); a constant topography stays as it is.

    Parameters
    ----------
    electrodes, points : arrays (C, 3) and (P, 3), directions from the centre of the head
    """
    electrodes, points = (p / np.linalg.norm(p, axis=1, keepdims=True) for p in (electrodes, points))
    degree = np.arange(1, TERMS + 1)
    series = np.append(0, (2 * degree + 1) / (degree * (degree + 1.0)) ** STIFFNESS / (4 * np.pi))
    count = len(electrodes)
    system = np.ones((count + 1, count + 1))
    system[:count, :count] = legval(electrodes @ electrodes.T, series) + REGULARISATION * np.eye(count)
    system[count, count] = 0
    values = np.column_stack([legval(points @ electrodes.T, series), np.ones(len(points))])
    return np.linalg.solve(system.T, values.T).T[:, :count]
