"""Whoever looks at a public class finds all of its parameters there."""

import inspect

import pytest
from numpydoc.docscrape import NumpyDocString

import emogan
import emogan.augmenters
import emogan.evaluation
import emogan.models
from emogan.samplers.sampler import Sampler

PLACES = (emogan, emogan.models, emogan.augmenters, emogan.evaluation)
PUBLIC = {
    name: getattr(place, name) for place in PLACES for name in place.__all__
    if inspect.isclass(getattr(place, name))
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


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_parameter_is_described_in_the_words_of_the_class_that_it_comes_from(name):
    own = described(PUBLIC[name])
    for base in PUBLIC[name].__mro__[1:]:
        if base in (Sampler, *PUBLIC.values()) and base is not emogan.ExperimentDataModule:  # their defaults differ
            assert {key: own[key] for key in described(base) if key in own} == {
                key: words for key, words in described(base).items() if key in own
            }


def described(kind: type) -> dict[str, list[str]]:
    return {entry.name: entry.desc for entry in NumpyDocString(inspect.cleandoc(kind.__doc__))["Parameters"]}
