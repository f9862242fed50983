"""Whoever looks at a public class or function finds all of its parameters there."""

import inspect
from collections.abc import Callable

import pytest
from numpydoc.docscrape import NumpyDocString

import emogan
import emogan.augmenters
import emogan.evaluation
import emogan.models
from emogan.samplers.controls import FormulaSampler
from emogan.samplers.gans import TrainedSampler
from emogan.samplers.sampler import Sampler, TrialSampler

PLACES = (emogan, emogan.models, emogan.augmenters, emogan.evaluation)
NAMED = {name: getattr(place, name) for place in PLACES for name in place.__all__}
PUBLIC = {name: value for name, value in NAMED.items() if inspect.isclass(value)}
CALLS = {name: getattr(emogan, name) for name in emogan.__all__ if inspect.isfunction(getattr(emogan, name))}
CALLS |= {
    f"{kind.__name__}.{name}": getattr(kind, name)
    for kind in (*PUBLIC.values(), Sampler, TrialSampler) if issubclass(kind, Sampler | emogan.FittedSampler)
    for name, value in vars(kind).items() if inspect.isfunction(value) and not name.startswith("_")
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_the_docstring_of_a_public_class_names_every_parameter_of_its_signature(name):
    docstring = NumpyDocString(inspect.cleandoc(PUBLIC[name].__doc__))
    entries = [entry.name for section in ("Parameters", "Attributes") for entry in docstring[section]]
    named = [one.strip().lstrip("*") for entry in entries for one in entry.split(",")]
    parameters = list(inspect.signature(PUBLIC[name]).parameters)
    parameters = [] if "__init__" not in vars(PUBLIC[name]) and parameters == ["args", "settings"] else parameters
    assert [parameter for parameter in parameters if parameter not in named] == []
    described = [one for entry in docstring["Parameters"] for one in entry.name.split(",")]
    assert [one for one in described if one.strip().lstrip("*") not in parameters] == []


@pytest.mark.parametrize("name", sorted(CALLS))
def test_the_docstring_of_a_public_function_or_of_a_samplers_method_names_every_parameter(name):
    named = [one.strip().lstrip("*") for entry in described(CALLS[name]) for one in entry.split(",")]
    assert named == [one for one in inspect.signature(CALLS[name]).parameters if one != "self"]


@pytest.mark.parametrize("name", sorted(NAMED))
def test_every_parameter_that_is_named_is_described(name):
    assert [entry for entry, words in described(NAMED[name]).items() if not "".join(words).strip()] == []


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_parameter_is_described_in_the_words_of_the_class_that_it_comes_from(name):
    own = described(PUBLIC[name])
    for base in (*PUBLIC[name].__mro__[1:], *family(PUBLIC[name])):
        if base in (Sampler, *PUBLIC.values()) and base is not emogan.ExperimentDataModule:  # their defaults differ
            assert {key: own[key] for key in described(base) if key in own} == {
                key: words for key, words in described(base).items() if key in own
            }


def family(kind: type) -> list[type]:
    """The sampler of any class that has the parameters of those named after a class."""
    families = {TrainedSampler: emogan.GANSampler, FormulaSampler: emogan.ControlSampler}
    return [general for base, general in families.items() if issubclass(kind, base)]


def described(documented: type | Callable) -> dict[str, list[str]]:
    """Parameters by the names in the docstring, several of which may stand together."""
    return {entry.name: entry.desc for entry in NumpyDocString(inspect.cleandoc(documented.__doc__))["Parameters"]}
