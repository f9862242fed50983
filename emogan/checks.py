"""What settings may be: their annotations say it, and `Checked` and `checked` refuse all else by name.

``gamma: UnitFloat = 0.75``, ``clip: PositiveFloat | None = None`` and ``reduction: Literal["mean", "sum"] = "mean"``
are all that a class or function has to declare.
"""

import functools
import inspect
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from operator import ge, gt, le, lt
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

from emogan.wording import words

T = TypeVar("T")
P = ParamSpec("P")


class Rule(NamedTuple):
    """What a value has to be, in words and as a test; in ``Annotated[int, at_least(1)]`` it narrows a type."""

    expected: str
    holds: Callable[[Any], bool]

    def __repr__(self) -> str:
        return self.expected


def _bound(sign: str, holds: Callable[[float, float], bool]) -> Callable[[float], Rule]:
    return lambda limit: Rule(f"{sign} {limit}", lambda value: holds(value, limit))


at_least, at_most, above, below = _bound(">=", ge), _bound("<=", le), _bound(">", gt), _bound("<", lt)


def one_of(choices: Collection) -> Rule:
    """One of these, of the same type: 1 is neither True nor 1.0."""
    return Rule(
        " | ".join(map(str, choices)), lambda value: any(type(value) is type(c) and value == c for c in choices)
    )


NOT_EMPTY = Rule("(at least one)", bool)
PositiveInt = Annotated[int, at_least(1)]
NonNegativeInt = Annotated[int, at_least(0)]
PositiveFloat = Annotated[float, above(0)]
OneToNine = Annotated[float, at_least(1), at_most(9)]  # the scale that films are rated on
NonNegativeFloat = Annotated[float, at_least(0)]
UnitFloat = Annotated[float, at_least(0), at_most(1)]
BelowOne = Annotated[float, at_least(0), below(1)]
InsideUnit = Annotated[float, above(0), below(1)]
OneOrSeveral = T | Annotated[Sequence[T], NOT_EMPTY]


def rule_of(hint: Any) -> Rule:
    """The rule that an annotation stands for, in the `words` in use."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _narrowed(arguments[0], hint.__metadata__)
    if origin is Literal:
        return one_of(arguments)
    if origin in (Union, UnionType):
        return _any_of(arguments)
    if origin in (Sequence, tuple, list):
        return _list_of(rule_of(arguments[0]))
    if origin is type:
        return Rule(
            f"a subclass of {arguments[0].__name__}",
            lambda value: isinstance(value, type) and issubclass(value, arguments[0]),
        )
    plain = {
        int: Rule("an integer", lambda value: isinstance(value, int) and not isinstance(value, bool)),
        float: Rule("a number", _is_number),
        bool: Rule(words().truth, lambda value: isinstance(value, bool)),
        str: Rule("text", lambda value: isinstance(value, str)),
        NoneType: Rule(words().nothing, lambda value: value is None),
        Callable: Rule("a function", callable),
        Any: Rule("anything", lambda value: True),
    }
    kind = origin or hint
    if kind not in plain and (not isinstance(kind, type) or getattr(kind, "_is_protocol", False)):
        kind = Any  # a type for type checkers alone
    return plain[kind] if kind in plain else Rule(f"a {kind.__name__}", lambda value: isinstance(value, kind))


def _is_number(value: object) -> bool:
    """A finite number; a truth value or text is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _narrowed(kind: Any, metadata: Sequence) -> Rule:
    base, rules = rule_of(kind), [rule for rule in metadata if isinstance(rule, Rule)]
    expected = " and ".join(rule.expected for rule in rules)
    return Rule(
        expected if kind is str else f"{base.expected} {expected}",
        lambda value: base.holds(value) and all(rule.holds(value) for rule in rules),
    )


def _any_of(hints: Sequence) -> Rule:
    rules = [rule_of(hint) for hint in hints]
    named = [rule.expected for rule in rules if words().lists or not rule.expected.startswith("a list")]
    return Rule(" or ".join(named), lambda value: any(rule.holds(value) for rule in rules))


def _list_of(each: Rule) -> Rule:
    return Rule(
        "a list of " + re.sub(r"\ban? (\w+)", r"\1s", each.expected),
        lambda value: isinstance(value, Sequence) and not isinstance(value, str) and all(map(each.holds, value)),
    )


def refuse_impossible(values: Mapping[str, Any], hints: Mapping[str, Any], group: str = "") -> None:
    """Refuse by name the first value that its annotation does not allow; values without annotation are taken.

    Raises
    ------
    ValueError
        Naming the setting, what was expected and what came.
    """
    for name, value in values.items():
        if name in hints and not (rule := rule_of(hints[name])).holds(value):
            own = {"model": words().setting, "data": words().data}.get(group)
            full = own(name) if own else f"{group}.{name}".lstrip(".")
            raise ValueError(f"{full}: expected {rule.expected}, got {value!r}")


class Checked:
    """A class whose settings are checked, those of its bases included, before its constructor does anything.

    ``_group`` is what stands before the settings' names in messages, as in a configuration.
    """

    _group = ""

    def __new__(cls, *args: Any, **settings: Any):
        given = inspect.signature(cls).bind_partial(*args, **settings)
        for kind in cls.__mro__:
            if issubclass(kind, Checked) and "__init__" in vars(kind):
                hints = get_type_hints(kind.__init__, include_extras=True)
                refuse_impossible({**given.arguments, **given.kwargs}, hints, cls._group)
        return super().__new__(cls)


def checked(group: str = "") -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate a function whose arguments are to be checked before it does anything, see `Checked`."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        hints, signature = get_type_hints(function, include_extras=True), inspect.signature(function)

        @functools.wraps(function)
        def call(*args: P.args, **settings: P.kwargs) -> T:
            refuse_impossible(signature.bind_partial(*args, **settings).arguments, hints, group)
            return function(*args, **settings)

        return call

    return decorate
