"""Tests of loading a data set by its name."""

import pytest

import emogan.data
from emogan.simulate import simulate
from emogan.simulation import people


def test_a_data_set_is_loaded_by_name_with_the_settings_of_its_file_and_those_given(tmp_path):
    root = simulate("seed_v", tmp_path / "tree", subjects=[1, 2], sessions=[1])
    found = emogan.data.load("seed_v", root=root, subjects=[2])
    assert found.fingerprint() == people.load("seed_v", subjects=[2], sessions=[1]).fingerprint()
    eye = emogan.data.load("seed_v", root=str(root), subjects=[2], modality="eye")
    assert dict(eye.modalities) == {"eye": slice(0, 33)}
    X, y, metadata = eye.frame()
    assert X.shape == (681, 33)
    assert y[0] == "happy"
    assert metadata.loc[0].tolist() == [2, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("seed_6", {}, r"expected a data set out of .*faced, features, .*seed_v, .*got 'seed_6'"),
        ("seed_v", {}, r"data\.root: expected a value, got none"),
        ("seed_v", {"root": ".", "subject": 1}, r"expected one of the settings root, .*Did you mean subjects\?"),
        ("synthetic", {"preset": "seed_6"}, r"data\.preset: expected seed \|"),
    ],
)
def test_what_does_not_exist_is_refused_by_name(name, settings, message):
    with pytest.raises(ValueError, match=message):
        emogan.data.load(name, **settings)
