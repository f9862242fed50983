"""Kinds, the short names by which files and the cache know GANs and controls; what a class must have to be used."""

import inspect
from collections.abc import Iterator
from typing import Any


def register(cls: type[Any], base: type[Any]) -> None:
    """Register a new subclass by its kind. A subclass that states no kind does not inherit that of its base class.

    Raises
    ------
    ValueError
        If its kind is no text, or the kind of another class.
    """
    kind = vars(cls).get("kind", "")
    cls.kind = ""  # also of a class that is refused below, which Python may keep for a while
    if not isinstance(kind, str):
        raise ValueError(f'{qualified(cls)}.kind: expected a short name, such as kind = "my_gan", got {kind!r}')
    for other in subclasses(base):
        if kind and other.kind == kind and not _are_one(cls, other):
            raise ValueError(
                f"{qualified(cls)}.kind: expected a name of its own, got {kind!r}, the kind of {qualified(other)}. "
                "Files and the cache would take one for the other: choose another"
            )
    cls.kind = kind


def find(kind: object, base: type[Any]) -> type[Any]:
    """The class of a kind, out of the subclasses of a base that are imported by now: nothing is imported for it.

    Raises
    ------
    ValueError
        If there is none.
    """
    for cls in subclasses(base):
        if kind == cls.kind:
            return cls
    raise ValueError(
        f"expected a {base.__name__} of kind {kind!r}, got none in this EmoGAN nor in the modules that are imported. "
        f'If it is your own, the class with kind = "{kind}", import its module first (python -m emogan.sample: '
        "modules=[MODULE]); else a newer EmoGAN may have it"
    )


def check_class(made: object, base: type[Any], what: str) -> None:
    """Refuse what is no subclass of a base class, or lacks methods or attributes that the base declares.

    Parameters
    ----------
    what
        How the message calls it, such as "model.gan".

    Raises
    ------
    ValueError
        Naming what is missing.
    """
    if not (isinstance(made, type) and issubclass(made, base)):
        raise ValueError(f"{what}: expected a subclass of {public(base)}, got {made!r}")
    _refuse_missing(made, made, base, what)


def check_instance(made: object, base: type[Any], what: str) -> None:
    """As `check_class`, for an object that was made of a class."""
    if not isinstance(made, base):
        raise ValueError(f"{what}: expected an instance of a subclass of {public(base)}, got {made!r}")
    _refuse_missing(made, type(made), base, what)


def _refuse_missing(made: object, cls: type[Any], base: type[Any], what: str) -> None:
    values = {name: getattr(made, name, None) for name in inspect.get_annotations(base)}
    missing = [name for name, value in values.items() if value is None or (isinstance(value, str) and not value)]
    missing += [f"{name}()" for name in sorted(getattr(cls, "__abstractmethods__", ()))]
    if missing:
        raise ValueError(
            f"{what}: expected {qualified(cls)} to have all that {public(base)} asks for, "
            f"got no {', no '.join(missing)}. "
            f"Add {'it' if len(missing) == 1 else 'them'} to the class"
        )


def check_arguments(cls: type[Any], base: type[Any], what: str) -> None:
    """Refuse a class whose constructor lacks arguments that its base's takes, but for those in ``cls.derived``.

    Raises
    ------
    ValueError
        Naming the arguments.
    """
    own, needed = inspect.signature(cls).parameters, inspect.signature(base).parameters
    missing = [name for name in needed if name not in own and name not in cls.derived]
    if missing and not any(parameter.kind is parameter.VAR_KEYWORD for parameter in own.values()):
        raise ValueError(
            f"{what}: expected {qualified(cls)} to take what {public(base)} takes, got a constructor without "
            f"{', '.join(missing)}. Let it take **settings and hand them to super().__init__"
        )


def full_signature(cls: type[Any], base: type[Any]) -> inspect.Signature:
    """A class's signature with what ``**settings`` hands on to the class that it derives from written out.

    Arguments in ``cls.derived`` are left out; ``base`` is the class whose subclasses hand them on.
    """
    own = list(inspect.signature(cls.__init__).parameters.values())[1:]
    if not own or own[-1].kind is not inspect.Parameter.VAR_KEYWORD:
        return inspect.Signature(own)
    known = {parameter.name for parameter in own} | set(cls.derived)
    parent = next(one for one in cls.__mro__[1:] if issubclass(one, base))
    inherited = [
        parameter for parameter in inspect.signature(parent).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.name not in known
    ]  # fmt: skip
    return inspect.Signature([*own[:-1], *inherited])


def subclasses(base: type[Any]) -> Iterator[type[Any]]:
    """All classes that derive from a base, however far."""
    for cls in base.__subclasses__():
        yield cls
        yield from subclasses(cls)


def qualified(cls: type[Any]) -> str:
    """A class by its module and name."""
    return f"{cls.__module__}.{cls.__qualname__}"


def public(base: type[Any]) -> str:
    """One of EmoGAN's base classes as it is imported: from the package that its module is in."""
    return f"{base.__module__.rpartition('.')[0]}.{base.__name__}"


def _are_one(cls: type[Any], other: type[Any]) -> bool:
    """Whether one is the other, defined anew: in a notebook, or as a script that is imported as a module too."""
    modules = {cls.__module__, other.__module__}
    return cls.__qualname__ == other.__qualname__ and (len(modules) == 1 or "__main__" in modules)
