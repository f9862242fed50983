"""A class of one's own is refused before any work, by a message that names what it lacks."""

import inspect

import numpy as np
import pytest
import torch

from emogan import kinds
from emogan.augmenters import Augmenter, Control, GANAugmenter
from emogan.data.features import FeatureSet, check_loaded
from emogan.evaluation import Classifier
from emogan.jobs.settings import construct
from emogan.models import CBEGAN, CGAN, ConditionalGAN, ConditionalGenerator
from emogan.models.conditional_generator import Common, CommonAndNoise, Networks


class Without(ConditionalGAN):
    """It has nothing that a GAN needs."""


class Unnamed(CBEGAN):
    """It has all but a kind of its own."""


class Narrow(CGAN):
    """Its constructor takes nothing that all GANs take."""

    kind = "narrow"

    def __init__(self, features, classes, members=1, *, hidden=8):
        super().__init__(features, classes, members, hidden=hidden)


class UnnamedControl(Control):
    def __init__(self, *, name):
        super().__init__(name)

    def draw(self, windows, label, n, random):
        return np.zeros((n, windows.x.shape[1]))


class WithoutDraw(Control):
    kind = "without_draw"


class WithoutValues(Classifier):
    name = "without_values"

    def paths(self, x, y, lengths, x_held_out):
        return []


@pytest.mark.parametrize(
    ("gan", "message"),
    [
        (
            Without,
            r"no kind, no metrics, no convergence, no build_discriminator\(\), no iterate\(\), no realism\(\)\. Add",
        ),
        (Unnamed, r"\S*Unnamed to have all that emogan\.models\.ConditionalGenerator asks for, got no kind\. Add it"),
        (Narrow, r"without seeds, layers, architecture_seed, noise_features, learning_rate, optimizer\. Let it take"),
        (torch.nn.Linear, r"a subclass of \S*ConditionalGenerator, got <class 'torch"),
        ("CBEGAN", r"a subclass of \S*ConditionalGenerator, got 'CBEGAN'"),
    ],
)
def test_a_gan_that_lacks_something_is_refused(gan, message):
    with pytest.raises(ValueError, match=r"^model\.gan: expected .*" + message):
        GANAugmenter(gan, name="own", iterations=1)


def test_a_kind_that_another_class_has_is_refused():
    with pytest.raises(ValueError, match=r"Second\.kind: .* got 'cbegan', the kind of emogan\.models\.cbegan\.CBEGAN"):

        class Second(CBEGAN):
            kind = "cbegan"

    with pytest.raises(ValueError, match=r"Third\.kind: expected a short name, such as kind = \"my_gan\", got 3"):

        class Third(CBEGAN):
            kind = 3

    assert kinds.find("cbegan", ConditionalGenerator) is CBEGAN


def test_a_class_may_be_defined_anew_as_in_a_notebook():
    def defined(**attributes):
        return type(CGAN)("Anew", (CGAN,), {"kind": "anew", "__module__": "notebook", **attributes})

    first, second = defined(), defined()
    assert kinds.find("anew", ConditionalGAN) in (first, second)
    script = defined(__module__="__main__")
    assert script.kind == "anew"
    with pytest.raises(ValueError, match=r"the kind of notebook\.Anew"):
        defined(__module__="another")


def test_controls_classifiers_and_loaders_are_checked_when_a_job_makes_them():
    here = __name__
    for node, kind, message in (
        ({"_target_": f"{here}.UnnamedControl", "name": "own"}, Augmenter, "model=own: .* got no kind"),
        ({"_target_": f"{here}.WithoutDraw", "name": "own"}, Augmenter, "abstract class WithoutDraw .*draw"),
        ({"_target_": f"{here}.WithoutValues"}, Classifier, "got no values. Add it to the class"),
        ({"_target_": "builtins.dict"}, Classifier, r"expected an instance of a subclass of emogan\.evaluation\.Cla"),
    ):
        with pytest.raises(ValueError, match=message):
            construct(node_of(node), kind)


def node_of(node):
    from omegaconf import OmegaConf

    return OmegaConf.create({"node": node}).node


def features(**modalities):
    random = np.random.default_rng(0)
    zeros = np.zeros(8, dtype=np.int64)
    return FeatureSet(
        random.normal(size=(8, 3)),
        np.arange(8) % 2,
        np.arange(8),
        zeros,
        zeros,
        ("a", "b", "c"),
        ("calm", "joy"),
        modalities,
    )


def test_what_a_loader_returns_is_of_the_modality_that_was_asked_for():
    both = features(eeg=slice(0, 2), eye=slice(2, 3))
    for good, modality in ((both, "eeg_eye"), (features(), "eeg_eye"), (features(eye=slice(0, 3)), "eye")):
        check_loaded(good, modality)
    for bad in (both, features(), features(eeg=slice(0, 3)), features(eye=slice(0, 2))):
        with pytest.raises(
            ValueError, match=r"modality=eye to give eye features alone.*\{'eye': slice\(0, 3\)\}, got "
        ):
            check_loaded(bad, "eye")
    with pytest.raises(ValueError, match=r"data: expected a loader that returns .*FeatureSet, got ndarray"):
        check_loaded(both.x, "eye")


def test_signatures_show_what_is_handed_on_to_the_base_class():
    common = [p.name for p in inspect.signature(ConditionalGenerator).parameters.values() if p.kind is p.KEYWORD_ONLY]
    assert set(common) == set(CommonAndNoise.__annotations__)
    assert set(Common.__annotations__) == set(common) - {"noise_features"}
    assert set(Networks.__annotations__) == set(common) - {"noise_features", "learning_rate"}

    class Half(CBEGAN):
        kind, derived = "half_as_much", ("gamma",)

        def __init__(self, features, classes, members=1, *, share: float = 0.5, **settings):
            super().__init__(features, classes, members, gamma=share, **settings)

    own = ["features", "classes", "members", "share", "lambda_k", "eta", "reduction"]
    assert list(inspect.signature(Half).parameters) == [*own, *common]
    assert Half(3, 2, share=0.25, hidden=8).gamma == 0.25
