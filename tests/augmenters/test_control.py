"""One contract for all controls, as conf/ names them: shapes, prefixes, independent members, padding, candidates."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from padded_sets import unpadded

from emogan.augmenters import Control, Layout, balanced_labels
from emogan.augmenters.control import BLOCK
from emogan.data.montage import EEG_FEATURES
from emogan.data.scaling import MinMaxScaler
from emogan.environment import config_dir

CONFIGS = {file.stem: OmegaConf.load(file) for file in sorted(Path(config_dir(), "model").glob("*.yaml"))}
OTHERS = "NoAugmentation", "PersonEffects"  # which need no windows, or those of several people
CONTROLS = [name for name, cfg in CONFIGS.items() if "_target_" in cfg and not cfg._target_.endswith(OTHERS)]
EEG, EYE = 20, 3
FEATURES = EEG + EYE


def control(name: str) -> Control:
    return instantiate(CONFIGS[name], _convert_="all").candidates()[-1]


@pytest.fixture(params=CONTROLS)
def name(request):
    return request.param


@pytest.fixture
def data(windows):
    """Arguments of fit for five members: four channels x five bands and three eye features; padding is senseless."""
    x, y, n = windows(FEATURES)
    generator = torch.Generator().manual_seed(1)
    trial = torch.randint(4, y.shape, generator=generator) * 3 + y
    for m in range(5):
        y[m, n[m] :] = trial[m, n[m] :] = 99
    parts = torch.rand(2, 5, FEATURES, generator=generator).double().numpy()
    scalers = [MinMaxScaler(10 + low, 1 + span) for low, span in zip(*parts, strict=True)]
    names = EEG_FEATURES[:EEG] + tuple(f"eye_{i}" for i in range(EYE))
    return x, y, n, trial, scalers, Layout(names, {"eeg": slice(0, EEG), "eye": slice(EEG, FEATURES)})


def fit(control: Control, data, members=range(5)) -> Control:
    *parts, layout = data
    return control.fit([unpadded(*parts)[m] for m in members], layout=layout)


def labels(members: int, n: int) -> torch.Tensor:
    return torch.from_numpy(balanced_labels(n, 3)).expand(members, -1)


def seeded(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def test_all_controls_are_found():
    assert {
        "duplicate", "noise", "rotation", "recombination", "mixup", "smote", "gaussian", "random_effects"
    } <= set(CONTROLS)  # fmt: skip


def test_windows_have_the_asked_shape_and_are_finite(name, data):
    fitted = fit(control(name), data)
    assert fitted.name == name
    for n in (0, 1, 7):
        drawn = fitted.sample(labels(5, n), torch.Generator().manual_seed(0))
        assert drawn.shape == (5, n, FEATURES)
        assert drawn.dtype == torch.float32
        assert drawn.isfinite().all()


def test_fewer_windows_are_the_first_of_more(name, data):
    fitted = fit(control(name), data)
    most = fitted.sample(labels(5, 3 * BLOCK + 30), seeded(0, 1, 2, 3, 4))
    for n in (1, 50, 200, 3 * BLOCK, 3 * BLOCK + 1):
        assert torch.equal(fitted.sample(labels(5, n), seeded(0, 1, 2, 3, 4)), most[:, :n])


def test_windows_of_different_blocks_classes_and_members_differ(name, data):
    x, y, n, trial, scalers, layout = data
    y[0, :60] = torch.arange(60) % 2
    x[0, 1:60:2] = x[0, :60:2]  # two equal classes
    same = (torch.stack([part[0]] * 2) for part in (x, y, n, trial))
    asked = torch.arange(4 * BLOCK).expand(2, -1) % 2
    drawn = fit(control(name), (*same, scalers[:1] * 2, layout), range(2)).sample(asked, seeded(0, 1))
    assert not torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0, ::2], drawn[0, 1::2])
    assert not torch.equal(drawn[0, : 2 * BLOCK : 2], drawn[0, 2 * BLOCK :: 2])


def test_the_same_generators_give_the_same_bytes_and_others_do_not(name, data):
    fitted, again = fit(control(name), data), fit(control(name), data)
    drawn = fitted.sample(labels(5, 90), seeded(0, 1, 2, 3, 4))
    assert torch.equal(again.sample(labels(5, 90), seeded(0, 1, 2, 3, 4)), drawn)
    assert not torch.equal(fitted.sample(labels(5, 90), seeded(5, 6, 7, 8, 9)), drawn)


def test_a_members_windows_do_not_depend_on_the_others(name, data):
    together = fit(control(name), data).sample(labels(5, 90), seeded(0, 1, 2, 3, 4))
    for group in ([3], [4, 1]):
        apart = fit(control(name), data, group).sample(labels(len(group), 90), seeded(*group))
        assert torch.equal(apart, together[group])


def test_padding_is_never_looked_at(name, data):
    drawn = fit(control(name), data).sample(labels(5, 90), seeded(0, 1, 2, 3, 4))
    x, y, n, trial, *_ = data
    for m in range(5):
        x[m, n[m] :], y[m, n[m] :], trial[m, n[m] :] = 1e6, 0, 0
    assert torch.equal(fit(control(name), data).sample(labels(5, 90), seeded(0, 1, 2, 3, 4)), drawn)


def test_a_class_that_is_drawn_alone_is_the_same(name, data):
    fitted = fit(control(name), data)
    all_classes = fitted.sample(labels(5, 90), seeded(0, 1, 2, 3, 4))
    alone = fitted.sample(torch.full((5, 30), 2), seeded(0, 1, 2, 3, 4))
    assert torch.equal(alone, all_classes[:, 2::3])


def test_features_that_do_not_vary_keep_their_value(name, data):
    x, scalers = data[0], data[4]
    x[:, :, [2, 21]] = 0
    x[1, :, 5] = 0.25  # constant in training windows that others were scaled with
    for scaler in scalers:
        scaler.span[[2, 21]] = np.inf
    drawn = fit(control(name), data).sample(labels(5, 90), torch.Generator().manual_seed(0))
    assert (drawn[:, :, [2, 21]] == 0).all()
    assert (drawn[1, :, 5] == 0.25).all()
    assert drawn.isfinite().all()


def test_what_the_caller_does_to_its_windows_afterwards_changes_nothing(name, data):
    fitted = fit(control(name), data)
    drawn = fitted.sample(labels(5, 30), seeded(0, 1, 2, 3, 4))
    for part in data[:4]:
        part.zero_()
    assert torch.equal(fitted.sample(labels(5, 30), seeded(0, 1, 2, 3, 4)), drawn)


def test_a_class_without_training_windows_is_refused(name, data):
    fitted = fit(control(name), data)
    with pytest.raises(ValueError, match=f"model={name} draws from at least . training windows .* got 0 of class 7"):
        fitted.sample(torch.full((5, 2), 7), torch.Generator())


def test_a_list_of_settings_makes_one_candidate_each(name, data):
    chosen = control(name)
    settings = {key: [value, value] for key, value in chosen.settings.items()}
    several = type(chosen)(name="other", **settings)
    if not settings:
        assert several.candidates() == [several]
        return
    candidates = several.candidates()
    assert [(one.name, one.settings) for one in candidates] == [("other", chosen.settings)] * 2
    assert candidates[0].candidates() == [candidates[0]]
    (key,) = settings
    for call in (lambda: fit(several, data), lambda: several.sample(labels(5, 3), torch.Generator())):
        with pytest.raises(ValueError, match=rf"model.{key}: expected one value to fit with, got \[.*candidates"):
            call()


def test_candidates_are_told_apart_by_their_identity():
    candidates = instantiate(CONFIGS["noise"], _convert_="all").candidates()
    assert [one.identity() for one in candidates] == [
        {"control": "noise", "strength": strength} for strength in (0.05, 0.1, 0.2)
    ]


@pytest.mark.parametrize(("name", "need"), [("rotation", "layout"), ("recombination", "layout")])
def test_what_a_control_needs_and_was_not_given_is_named(name, need, data):
    with pytest.raises(ValueError, match=rf"model={name} needs fit\(..., {need}=...\), got none"):
        control(name).fit(unpadded(*data[:3]))
