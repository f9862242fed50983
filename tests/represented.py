"""Parameter sets of which some stand for all: code that kinds share is tested with those that differ in it."""

from collections.abc import Iterable

import pytest


def represented(values: Iterable, *, by: Iterable) -> list:
    """All values as parameter sets; those that are not in ``by`` are left to make test-slow."""
    values, by = list(values), list(by)
    assert all(value in values for value in by), "what stands for the others is one of them"
    sets = [value if isinstance(value, tuple) else (value,) for value in values]
    return [
        pytest.param(*parts, marks=() if value in by else pytest.mark.slow)
        for value, parts in zip(values, sets, strict=True)
    ]
