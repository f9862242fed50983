"""What settings may be, and how a model's are refused by name where impossible."""

import math

from emogan.wording import words


def check(name: str, value: object, holds: bool, expected: str) -> None:
    """Refuse an impossible model setting by name."""
    if not holds:
        raise ValueError(f"{words().setting(name)}: expected {expected}, got {value!r}")


def is_integer(value: object, least: float = -math.inf) -> bool:
    """An integer of at least so much; a truth value is none."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def is_number(value: object) -> bool:
    """A finite number; a truth value or text is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
