"""Settings: each kind of rule takes what it should and refuses all else by name, and every public class declares its own."""

import functools
import importlib
import inspect
import math
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Annotated, Literal, TypeVar, get_args, get_type_hints

import pytest
from hydra.utils import get_method
from omegaconf import OmegaConf

import emogan
from emogan import CBEGAN, checks, keys
from emogan.augmenters import GANAugmenter
from emogan.checks import Checked, OneOrSeveral, PositiveFloat, PositiveInt, checked, rule_of
from emogan.environment import config_dir
from emogan.jobs.settings import SETTINGS
from emogan.models import CGAN
from emogan.recordings.run import extract
from emogan.sample import write_windows
from emogan.samplers.wording import SamplerWording
from emogan.simulate import simulate
from emogan.wording import worded

NO_NUMBERS = ("abc", "1", True, None, [1], math.nan, math.inf)
RULES = {
    "integer of at least n": (PositiveInt, "an integer >= 1", (1, 7), (0, -1, 1.5, 2.0, *NO_NUMBERS)),
    "number above n": (PositiveFloat, "a number > 0", (1e-9, 3), (0, -1.0, *NO_NUMBERS)),
    "number in a range": (
        Annotated[float, checks.at_least(0), checks.below(1)], "a number >= 0 and < 1", (0, 0.99), (1, -0.1, *NO_NUMBERS)
    ),
    "closed range": (checks.UnitFloat, "a number >= 0 and <= 1", (0, 1, 0.5), (1.01, -1e-9)),
    "one of a list of names": (Literal["mean", "sum"], "mean | sum", ("sum",), ("max", "", None, 1, ["sum"])),
    "one of a list of numbers": (Literal[1, 2], "1 | 2", (1, 2), (3, True, 1.0, "1")),
    "one of a table's names": (Annotated[str, checks.one_of({"a": 1, "b": 2})], "a | b", ("a",), ("c", 1, None)),
    "truth value": (bool, "true or false", (True, False), (0, 1, "true", None)),
    "text": (str, "text", ("", "a"), (1, None, ["a"])),
    "null allowed": (PositiveInt | None, "an integer >= 1 or null", (None, 2), (0, "null")),
    "list of a thing": (Sequence[int | str], "a list of integers or text", ([], [1, "a"], (2,)), ("ab", 1, [None], [1.5])),
    "a thing or a list to choose from": (
        OneOrSeveral[PositiveFloat], "a number > 0 or a list of numbers > 0 (at least one)",
        (1, [0.1, 2], OmegaConf.create([1])), ([], [1, 0], "1", None),
    ),
    "subclass": (type[CBEGAN], "a subclass of CBEGAN", (CBEGAN,), (CGAN, 1, None)),
    "function": (Callable[[int], int] | None, "a function or null", (len, None), (1, "len")),
    "for type checkers alone": (TypeVar("T"), "anything", (1, None), ()),
    "any other class": (Mapping[str, int], "a Mapping", ({},), ([], 1)),
}  # fmt: skip


@pytest.mark.parametrize(("hint", "expected", "possible", "impossible"), RULES.values(), ids=RULES)
def test_an_annotation_says_what_a_setting_may_be(hint, expected, possible, impossible):
    rule = rule_of(hint)
    assert rule.expected == expected
    assert [value for value in possible if not rule.holds(value)] == []
    assert [value for value in impossible if rule.holds(value)] == []


@pytest.mark.parametrize(("settings", "name", "expected"), [
    ({"gamma": 2}, "gamma", "a number >= 0 and <= 1"), ({"layers": 7}, "layers", "an integer >= 2 and <= 4"),
    ({"members": 0}, "members", "an integer >= 1"), ({"iterations": 0}, "iterations", "an integer >= 1"),
])  # fmt: skip
def test_a_setting_of_a_class_or_of_its_base_is_refused_before_anything_is_built(monkeypatch, settings, name, expected):
    monkeypatch.setattr(CBEGAN, "build_generator", lambda *_: pytest.fail("networks were built"))
    build = CBEGAN if "iterations" not in settings else functools.partial(GANAugmenter, CBEGAN, name="gan")
    with pytest.raises(ValueError, match=rf"^model\.{name}: expected {expected}, got \d$"):
        build(**({"features": 4, "classes": 3} if build is CBEGAN else {}), **settings)


def test_a_function_refuses_an_argument_by_the_name_that_it_has_in_a_configuration():
    @checked("data")
    def load(rounds: PositiveInt, other=None):
        pytest.fail("it was called")

    for call in (lambda: load(0), lambda: load(other=1, rounds=0)):
        with pytest.raises(ValueError, match=r"^data\.rounds: expected an integer >= 1, got 0$"):
            call()


def test_messages_to_users_of_samplers_are_in_python_and_offer_no_lists():
    with worded(SamplerWording("NoiseSampler")):
        assert rule_of(OneOrSeveral[PositiveFloat] | None).expected == "a number > 0 or None"
        assert rule_of(bool).expected == "True or False"
        with pytest.raises(ValueError, match=r"^NoiseSampler\(gamma=\.\.\.\): expected"):
            CBEGAN(4, 3, gamma=2)


def public_classes() -> list[type]:
    for module in pkgutil.walk_packages(emogan.__path__, "emogan."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found, kinds = [], [Checked]
    while kinds:
        kinds = [one for kind in kinds for one in kind.__subclasses__() if one.__module__.startswith("emogan.")]
        found += kinds
    return sorted(set(found), key=lambda kind: kind.__qualname__)


def loaders() -> list[Callable]:
    files = sorted(Path(config_dir(), "data").glob("*.yaml"))
    return [get_method(OmegaConf.load(file)["_target_"]) for file in files if "_target_" in OmegaConf.load(file)]


@pytest.mark.parametrize(
    "kind", [*public_classes(), *loaders(), write_windows, simulate, extract], ids=lambda kind: kind.__name__
)
def test_every_setting_of_what_users_call_is_declared_and_its_default_is_possible(kind):
    call = kind.__init__ if isinstance(kind, type) else kind
    hints = get_type_hints(call, include_extras=True)
    for base in kind.__mro__ if isinstance(kind, type) else ():  # what **settings hands on is declared there
        hints = get_type_hints(base.__init__, include_extras=True) | hints if base is not object else hints
    assert isinstance(kind, type) or hasattr(kind, "__wrapped__")
    for parameter in inspect.signature(kind).parameters.values():
        if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            rule = rule_of(hints[parameter.name])
            assert parameter.default is parameter.empty or rule.holds(parameter.default), parameter
            if parameter.kind is parameter.KEYWORD_ONLY:
                alone = {*get_args(hints[parameter.name] | None)} - {NoneType}
                assert alone not in ({int}, {float}), f"{parameter}: a number without a range"


def test_every_setting_of_a_job_is_declared():
    own = keys._own("train")
    groups = {name: value for name, value in own.items() if isinstance(value, dict) and "_target_" not in value}
    groups = {name: values for name, values in groups.items() if name not in keys.NAMED_BY_USERS}
    groups.pop("gan")  # these are checked as settings of the model
    found = {f"{group}.{name}" for group, values in groups.items() for name in values}
    found |= {name for name, value in own.items() if not isinstance(value, dict)} - {"output", "store", "folder"}
    assert found == {name for name in SETTINGS if not name.startswith("data.")}
