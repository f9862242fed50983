"""GANSampler and ControlSampler make an over-sampler of any class, without another class."""

import pickle
import re

import numpy as np
import pytest
from imblearn.pipeline import Pipeline
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.svm import LinearSVC
from with_trials import with_trials

import emogan
from emogan import CBEGANSampler, ControlSampler, GANSampler, NoiseSampler, TrialCBEGANSampler
from emogan.augmenters import Control, Noise
from emogan.models import CBEGAN, CGAN, TrialCBEGAN
from emogan.samplers.gans import TrainedSampler


class Half(CBEGAN):
    """A cBEGAN that calls its gamma a share."""

    kind, derived = "half", ("gamma",)

    def __init__(self, features, classes, members=1, *, share: float = 0.5, **settings):
        super().__init__(features, classes, members, gamma=share, **settings)


class Shift(Control):
    """Real windows, moved by a constant."""

    kind = "shift"

    def __init__(self, *, name: str, by: float):
        super().__init__(name, by=by)

    def draw(self, windows, label, n, random):
        own = windows.of_class(label)
        return own[random.integers(len(own), size=n)] + self.settings["by"]


@pytest.fixture(params=["GAN", "control"])
def sampler(request, tiny):
    if request.param == "GAN":
        return GANSampler(gan=Half, settings={"share": 0.25}, n_aug=6, random_state=0, **tiny)
    return ControlSampler(control=Shift, settings={"by": 0.5}, n_aug=6, random_state=0)


@pytest.mark.parametrize(
    ("general", "named", "settings"),
    [
        (GANSampler(gan=CBEGAN), CBEGANSampler(), {"gamma": 0.5}),
        (GANSampler(gan=TrialCBEGAN), TrialCBEGANSampler(), {"components": 3}),
        (ControlSampler(control=Noise), NoiseSampler(), {"strength": 0.2}),
    ],
)
def test_windows_are_those_of_the_sampler_that_is_named_after_the_class(general, named, settings, windows, tiny):
    x, y, trial = windows
    shared = {"n_aug": 6, "random_state": 0, **(tiny if isinstance(named, TrainedSampler) else {})}
    found, _ = general.set_params(settings=settings, **shared).fit_resample(x, y, **with_trials(general, trial))
    expected, _ = named.set_params(**settings, **shared).fit_resample(x, y, **with_trials(named, trial))
    np.testing.assert_array_equal(found, expected)
    assert general.fitted_.key == named.fitted_.key


def test_parameters_are_read_set_cloned_shown_and_pickled(sampler, windows):
    x, y, _ = windows
    first, _ = sampler.fit_resample(x, y)
    for again in (clone(sampler), pickle.loads(pickle.dumps(sampler)), type(sampler)(**sampler.get_params())):
        assert again.get_params() == sampler.get_params()
        np.testing.assert_array_equal(again.fit_resample(x, y)[0], first)
    for shown in (r"(gan|control)=<class '\S+\.(Half|Shift)'>", r"settings=\{'\w+': 0\.\d+\}", "n_aug=6"):
        assert re.search(shown, repr(sampler))
    other = {name: 0.125 for name in sampler.settings}
    assert sampler.set_params(settings=other).get_params()["settings"] == other
    assert not np.array_equal(sampler.fit_resample(x, y)[0], first)


def test_a_grid_takes_settings_of_the_class(sampler, windows):
    x, y, _ = windows
    values = [{name: value for name in sampler.settings} for value in (0.25, 0.75)]
    steps = Pipeline([("augment", sampler), ("svm", LinearSVC(max_iter=20_000))])
    search = GridSearchCV(steps, {"augment__settings": values}, cv=2, error_score="raise")
    assert search.fit((x - x.mean(0)) / x.std(0), y).best_params_["augment__settings"] in values


def test_cross_augment_takes_it(sampler, windows):
    x, y, _ = windows
    for fold in emogan.cross_augment(x, y, 2, sampler=sampler):
        rows = np.setdiff1d(np.arange(len(x)), fold.test)
        np.testing.assert_array_equal(fold.X, clone(sampler).fit_resample(x[rows], y[rows])[0])


def test_a_saved_file_is_read_where_the_class_is_imported_and_else_refused_by_its_kind(
    sampler, windows, tmp_path, monkeypatch
):
    x, y, _ = windows
    sampler.fit(x, y).save(tmp_path / "own")
    np.testing.assert_array_equal(emogan.load(tmp_path / "own").sample(9)[0], sampler.sample(9)[0])
    kind = Half if isinstance(sampler, GANSampler) else Shift
    was = kind.kind
    monkeypatch.setattr(kind, "kind", "another")  # as if its module had not been imported
    with pytest.raises(ValueError, match=rf"of kind '{was}', got none .*kind = \"{was}\", import its module first"):
        emogan.load(tmp_path / "own")


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        (
            GANSampler(gan=Noise),
            r"^GANSampler\(gan=\.\.\.\): expected a subclass of \S*ConditionalGenerator, got <class",
        ),
        (
            GANSampler(gan=CGAN, settings={"hidden": 8}),
            r"^GANSampler\(settings=\.\.\.\): .* got hidden\. Give it as GANSampler\(hidden=",
        ),
        (GANSampler(gan=CGAN, settings=3), "'settings' parameter of GANSampler"),
        (
            ControlSampler(control=Half),
            r"^ControlSampler\(control=\.\.\.\): expected a subclass of emogan\.augmenters\.Control",
        ),
        (ControlSampler(control=Shift, settings={"by": [1, 2]}), r"^ControlSampler\(by=\.\.\.\): expected one value"),
    ],
)
def test_what_is_impossible_is_refused_by_name(sampler, message, windows):
    with pytest.raises(ValueError, match=message):
        sampler.fit(*windows[:2])


def test_an_unknown_setting_is_refused(windows):
    with pytest.raises(TypeError, match="shore"):
        GANSampler(gan=Half, settings={"shore": 0.5}).fit(*windows[:2])
