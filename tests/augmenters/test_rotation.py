"""Rotation: splines against MNE's, smooth topographies against formulas, and what stays as it was."""

import mne
import numpy as np
import pytest
import torch
from padded_sets import unpadded

from emogan.augmenters import Layout, Rotation, balanced_labels
from emogan.augmenters.rotation import spline_map
from emogan.data.montage import CHANNELS, positions
from emogan.data.scaling import MinMaxScaler
from emogan.simulation import people

TURNS = [(axis, sign) for axis in "xyz" for sign in (1, -1)]


def turned(points: np.ndarray, axis: str, degrees: float) -> np.ndarray:
    """Points turned about an axis by the right hand rule, written out."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    result = points.copy()
    result[:, i], result[:, j] = c * points[:, i] - s * points[:, j], s * points[:, i] + c * points[:, j]
    return result


def draw(x: np.ndarray, names, modalities, strength: float, minimum, span, n: int = 60) -> np.ndarray:
    """Rotate windows x (N, F) of one class, given and returned in the units of the recording."""
    layout = Layout(tuple(names), modalities)
    z, y = ((x - minimum) / span).astype(np.float32), np.zeros((1, len(x)), dtype=np.int64)
    sets = unpadded(z[None], y, scalers=[MinMaxScaler(minimum, span)])
    control = Rotation(name="rotation", strength=strength).fit(sets, layout=layout)
    drawn = control.sample(torch.from_numpy(balanced_labels(n, 1))[None], torch.Generator().manual_seed(0))
    return drawn[0].numpy() * np.where(np.isinf(span), 0, span) + minimum


def test_splines_are_those_of_mne():
    bad = ["FP1", "CZ", "P7", "O2"]
    data = np.random.default_rng(0).normal(size=(62, 5))
    info = mne.create_info(list(CHANNELS), 100.0, "eeg")
    places = dict(zip(CHANNELS, 0.09 * positions(), strict=True))
    info.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"))
    info["bads"] = bad
    raw = mne.io.RawArray(data, info, verbose="error")
    expected = raw.interpolate_bads(reset_bads=False, origin=(0, 0, 0), verbose="error").get_data(bad)
    good = [i for i, channel in enumerate(CHANNELS) if channel not in bad]
    np.testing.assert_allclose(spline_map(positions()[good], positions(bad)) @ data[good], expected, atol=1e-6)


def test_rotated_windows_are_smooth_fields_seen_from_turned_electrodes():
    """Two bands, each a polynomial of degree 2 on the sphere: every window equals its formula for one of six turns."""
    random = np.random.default_rng(0)
    forms = [(20 + i, random.normal(size=3), random.normal(size=(3, 3))) for i in range(2)]

    def field(form, points):
        constant, slope, curvature = form
        return constant + points @ slope + np.einsum("pi,ij,pj->p", points, curvature, points)

    names = [f"{channel}_{band}" for channel in CHANNELS for band in ("alpha", "beta")]
    window = np.column_stack([field(form, positions()) for form in forms]).ravel()
    minimum, span = random.random(124) + window - 2, random.random(124) * 5 + 1
    drawn = draw(np.stack([window, window + 8]), names, {"eeg": slice(0, 124)}, 18, minimum, span)
    drawn -= 8 * (drawn.mean(1) > window.mean() + 4)[:, None]
    expected = np.stack(
        [
            np.column_stack([field(form, turned(positions(), axis, sign * 18)) for form in forms]).ravel()
            for axis, sign in TURNS
        ]
    )
    error = np.abs(drawn[:, None] - expected).max(2)
    assert error.min(1).max() < 0.1, "where a turn leads beyond the cap, splines can but continue smoothly"
    assert np.median(np.abs(drawn[:, None] - expected).mean(2).min(1)) < 0.01
    assert set(error.argmin(1)) == set(range(6))
    assert np.abs(drawn - window).max(1).min() > 0.3


def test_total_power_of_simulated_windows_is_kept_on_the_cap():
    features = people.load("seed", modality="eeg", subjects=[1], sessions=[1])
    x = features.x[:40].astype(np.float64)
    minimum, span = x.min(0), np.ptp(x, axis=0)
    drawn = draw(x, features.feature_names, features.modalities, 18, minimum, span, 600).reshape(600, 62, 5)
    x = x.reshape(40, 62, 5)
    np.testing.assert_allclose(drawn.mean((0, 1)), x.mean((0, 1)), atol=0.1)  # of 17 to 22
    assert np.sum(drawn**2) / 600 == pytest.approx(np.sum(x**2) / 40, rel=0.01)
    assert drawn.var(1).mean() == pytest.approx(x.var(1).mean(), rel=0.1)  # power of what varies over the head


def test_eye_features_and_constant_ones_stay_and_columns_may_stand_in_any_order():
    random = np.random.default_rng(0)
    names = ["pupil", "blink", *(f"{channel}_{band}" for band in ("alpha", "beta") for channel in reversed(CHANNELS))]
    x = random.normal(size=(5, 126)) + 20
    x[:, 7] = 19.5  # an EEG feature that does not vary in training
    minimum, span = x.min(0), np.ptp(x, axis=0)
    span[7] = np.inf
    drawn = draw(x, names, {"eye": slice(0, 2), "eeg": slice(2, 126)}, 9, minimum, span)
    assert (drawn[:, 7] == 19.5).all()
    source = np.abs(drawn[:, None, :2] - x[:, :2]).max(2)
    assert source.min(1).max() < 1e-6
    maps = [spline_map(positions(), turned(positions(), axis, sign * 9))[::-1, ::-1] for axis, sign in TURNS]
    for window, real in zip(drawn, x[source.argmin(1)], strict=True):
        expected = np.stack([np.concatenate([turn @ real[2:64], turn @ real[64:]]) for turn in maps])
        errors = np.abs(np.delete(window[2:] - expected, 5, axis=1)).max(1)
        assert errors.min() < 1e-4


@pytest.mark.parametrize(
    ("names", "modalities", "message"),
    [
        (["pupil_x", "blink_x"], {"eye": slice(0, 2)}, "rotation needs EEG features, got eye. Choose modality=eeg or"),
        (["eeg_0", "FP1_0"], {"eeg": slice(0, 2)}, r"named CHANNEL_BAND, such as FP1_delta.* got eeg\. Rename"),
    ],
)
def test_features_that_have_no_place_on_the_head_are_refused(names, modalities, message):
    with pytest.raises(ValueError, match=message):
        draw(np.ones((3, 2)), names, modalities, 18, np.zeros(2), np.ones(2))
