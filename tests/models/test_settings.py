"""Impossible settings of every GAN are refused by name, and possible ones at the ends of their ranges are not."""

import math
import re

import pytest

from emogan.augmenters import GANAugmenter
from emogan.models import CBEGAN, CGAN, CWGAN

ALL = (CBEGAN, CWGAN, CGAN)
NOT_A_NUMBER = ("abc", "1", True, None, [1], math.nan, math.inf)
NOT_AN_INTEGER = (*NOT_A_NUMBER, 1.5, 2.0)
SETTINGS = [  # GANs, setting, impossible values, what the message says is expected
    (ALL, "layers", (7, 1, 0, -2, *NOT_AN_INTEGER), "2, 3 or 4 hidden layers"),
    (ALL, "hidden", (0, -1, "abc", "20", True, None, 1.5), "positive integers"),
    (ALL, "architecture_seed", (-1, "abc", True, 1.5, math.nan), "an integer >= 0 or null"),
    (ALL, "noise_features", (0, -3, *NOT_AN_INTEGER), "an integer >= 1"),
    (ALL, "learning_rate", (0, 2, 1, -1e-4, *NOT_A_NUMBER), "a number between 0 and 1"),
    (ALL, "iterations", (0, -1, *NOT_AN_INTEGER), "an integer >= 1"),
    (ALL, "batch_size", (0, -1, *NOT_AN_INTEGER), "an integer >= 1"),
    (ALL, "plateau_window", (-1, *NOT_AN_INTEGER), "an integer >= 0"),
    (ALL, "plateau_tolerance", (-0.1, *NOT_A_NUMBER), "a number >= 0"),
    (ALL, "selection", ("best", "", 1, True, ["density"]), "null, discriminator, density, classifier"),
    (ALL, "oversample", (0, -1, *NOT_AN_INTEGER), "an integer >= 1"),
    ((CBEGAN,), "gamma", (2, -0.1, *NOT_A_NUMBER), "a number in [0, 1]"),
    ((CBEGAN,), "lambda_k", (-1, *NOT_A_NUMBER), "a number >= 0"),
    ((CBEGAN,), "eta", (3, 0, 1.5, *NOT_A_NUMBER), "1 or 2"),
    ((CBEGAN,), "reduction", ("max", "", None, 1, True), "mean or sum"),
    ((CWGAN,), "penalty", (-1, *NOT_A_NUMBER), "a number >= 0"),
    ((CWGAN,), "clip", (0, -0.01, "abc", True, math.nan, math.inf), "a positive number or null"),
    ((CWGAN,), "critic_steps", (0, -5, *NOT_AN_INTEGER), "an integer >= 1"),
    ((CGAN,), "saturating", ("abc", "false", 1, None), "true or false"),
]
CASES = [(gan, name, value, said) for gans, name, values, said in SETTINGS for gan in gans for value in values]


@pytest.mark.parametrize(("gan", "name", "value", "expected"), CASES)
def test_an_impossible_setting_is_refused_by_name_with_what_was_expected(gan, name, value, expected):
    message = re.escape(f"model.{name}: expected {expected}") + ".*" + re.escape(f"got {value!r}")
    with pytest.raises(ValueError, match=message):
        GANAugmenter(gan, **{"name": "gan", "iterations": 1, name: value})


@pytest.mark.parametrize(
    ("gan", "settings"),
    [
        (CBEGAN, {"gamma": 0, "lambda_k": 0, "eta": 2, "reduction": "sum"}),
        (CBEGAN, {"gamma": 1, "lambda_k": 5.0, "eta": 1, "layers": 4, "hidden": 1}),
        (CWGAN, {"penalty": 0, "critic_steps": 1, "clip": None}),
        (CWGAN, {"clip": 1, "noise_features": 1}),
        (CGAN, {"saturating": False, "learning_rate": 0.99, "plateau_window": 0, "plateau_tolerance": 0}),
        (CGAN, {"architecture_seed": 0, "batch_size": 1}),
    ],
)
def test_settings_at_the_ends_of_their_ranges_are_taken(gan, settings):
    identity = GANAugmenter(gan, name="gan", iterations=1, **settings).identity()
    assert {name: identity[name] for name in settings} == settings


@pytest.mark.parametrize("gan", ALL)
def test_an_unknown_setting_is_refused(gan):
    with pytest.raises(TypeError, match="gamme"):
        GANAugmenter(gan, name="gan", iterations=1, gamme=0.5)
