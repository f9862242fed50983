"""A class describes its own parameters alone, and its docstring still describes all of them."""

import inspect

from emogan.docstrings import inherit_parameters


class Base:
    """The base.

    Parameters
    ----------
    first, second
        Two of them.
    third
        Of several lines,

        with a blank one.

    Raises
    ------
    ValueError
        Never.
    """


def described(docstring: str | None, bases: tuple[type, ...] = (Base,), order=("own", "first", "third")) -> str | None:
    made = type("Made", bases, {"__doc__": docstring})
    inherit_parameters(made, order)
    return made.__doc__


def test_what_the_base_says_is_put_in_the_order_of_the_parameters():
    expected = """The class.

    Parameters
    ----------
    own
        Its own.
    first, second
        Two of them.
    third
        Of several lines,

        with a blank one.

    Returns
    -------
    Nothing.
    """
    own = """The class.

    Parameters
    ----------
    own
        Its own.

    Returns
    -------
    Nothing.
    """
    assert described(own) == inspect.cleandoc(expected) + "\n"


def test_a_class_without_parameters_of_its_own_gets_the_section():
    assert described("The class.").startswith(
        "The class.\n\nParameters\n----------\nfirst, second\n    Two of them.\nthird"
    )


def test_what_the_class_itself_says_is_kept():
    found = described("The class.\n\n    Parameters\n    ----------\n    third\n        Its own words.\n    ")
    assert "    Its own words." in found
    assert "several lines" not in found


def test_a_parameter_that_the_class_does_not_have_is_left_out():
    assert "third" not in described("The class.", order=["second"])


def test_a_class_without_a_docstring_or_without_described_parameters_is_left_as_it_is():
    assert described(None) is None
    assert described("The class.\n    ", bases=(object,)) == "The class.\n    "
