"""Labels, colours, markers and order of models in reports, those of a user's own included."""

import itertools
from pathlib import Path

import pytest

from emogan.environment import config_dir
from emogan.report.figures.style import LOOKS, in_order, look

OWN = ["my_gan", "lsgan", "jitter", "cycle_gan", "shuffle", "cov_vae", "diffusion", "my_control"]


def luminance(color: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.1)."""
    values = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_looks_of_unknown_models_are_told_apart():
    shown = [look(f"model_{i}") for i in range(100)]
    assert len({(one.color, one.marker) for one in shown}) == 100
    assert not {one.color.lower() for one in shown} & {one.color.lower() for one in LOOKS.values()}
    assert len({one.marker for one in shown}) > 8
    for a, b in itertools.combinations(map(look, OWN), 2):
        assert a.color != b.color


def test_an_unknown_model_looks_the_same_in_every_report():
    """Frozen: a colour that changes between versions would mislead whoever compares two pages."""
    assert (look("my_gan").color, look("my_gan").marker) == ("#40590d", "<")


def test_every_model_of_emogan_has_a_look_of_its_own():
    assert set(LOOKS) == {path.stem for path in Path(config_dir(), "model").glob("*.yaml")}
    assert len({one.color for one in LOOKS.values()}) == len(LOOKS)


def test_colours_of_emogans_models_stand_out_from_a_white_page():
    assert min(1.05 / (luminance(one.color) + 0.05) for one in LOOKS.values()) >= 3


def test_colours_of_unknown_models_stand_out_from_a_white_page():
    """3 to 1 is what WCAG 2.1 (1.4.11) asks of graphics."""
    assert min(1.05 / (luminance(look(f"model_{i}").color) + 0.05) for i in range(300)) >= 3


@pytest.mark.parametrize(
    ("model", "label"),
    [
        ("my_gan", "my GAN"), ("lsgan", "lsGAN"), ("LSGAN", "LSGAN"), ("slow_wgan", "slow wGAN"), ("own mix", "own mix"),
        ("_", "_"), ("cbegan", "cBEGAN"), ("cbegan+others_same_clips", "cBEGAN from others (same clips)"),
        ("my_gan+others+own", "my GAN from others and own trials"),
    ],
)  # fmt: skip
def test_labels_are_readable(model, label):
    assert look(model).label == label


def test_models_stand_by_their_kind_and_own_ones_behind_emogans():
    gans = ("cbegan", "cgan", "a_gan", "z_gan")
    kinds = {"none": "none", "smote": "control", "a_mix": "control"} | dict.fromkeys(gans, "gan")
    ordered = ["none", "smote", "a_mix", "cgan", "cbegan", "a_gan", "z_gan"]
    assert in_order(sorted(kinds), kinds.__getitem__) == ordered
