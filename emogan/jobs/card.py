"""The card of a shared generator: what the file holds and what it reveals of its donors."""

import re
import textwrap
from typing import Any

from emogan import __version__
from emogan.samplers.fitted import FittedSampler

FEWEST = 6  # people on either side, for intervals over people to mean something
CARD = """\
# {name}

A generator ({kind}, EmoGAN {version}) that has learned from {people} people of {dataset}, in {sessions} sessions with
{windows} windows of {features} features ({modalities}). It draws windows of the classes {classes}. The windows of each
person and session were aligned first ({alignment}); `emogan.load("{name}").adapt(X)` takes what is drawn into the units
of the person whose windows X are.
{notice}
## What the file holds

The weights of the generator, the names of features and classes, the settings of the training, and of each feature the
lowest and the highest value among all aligned windows, each of which is one donor's in one window.{selection} It holds
no window and nothing else that belongs to a single person.

## What it gives away

{measured}
"""
NOT_MEASURED = """\
Nothing was measured, as nobody was held out (held_out.subjects): how much the file gives away of its donors is not
known."""
MEASURED = """\
As many synthetic windows as the donors have were compared with the donors' windows and with {windows} windows of
{people} people of the same data from whom the generator has not learned, by Euclidean distance in the units that it
learned in.

- Distance to the closest record: the median distance from a synthetic window to the closest one of {compared} people
  is {donors:.3f} for donors and {held_out:.3f} for the others, a ratio of {ratio}. It is about 1 if the generator knows
  no more of the donors than of other people, and small if it copies windows.
- Membership inference: whoever has a window and guesses whether it is a donor's by its distance to the closest
  synthetic window succeeds with an area under the ROC curve of {window}; with all windows of a person, {person} (95 %
  intervals over people). 0.5 is guessing, 1 is certainty.

{verdict} This holds for this attack alone: one that looks at the generator's weights may tell more, a person with
unusual windows may be recognised more easily than most, and no figure here is a guarantee, which would take
differential privacy in training."""
WHITENED = (
    " It also holds the mean and the principal components of all aligned windows, from which their covariance follows "
    "(of fewer windows than features, the space that they span), and the class means along those of small variance."
)
SELECTIONS = {
    "density": " For the choice of windows (model.selection=density) it also holds the mean of each class and one "
    "covariance of all aligned windows.",
    "classifier": " For the choice of windows (model.selection=classifier) it also holds the weights of a linear "
    "discriminant analysis of all aligned windows.",
}
DISTINGUISHED = """\
The donors can be distinguished from other people better than by guessing: whoever has a person's windows can learn
something about whether that person took part."""
TOO_FEW = """\
There are fewer than six people on one side, for which these intervals are too narrow: this may be chance."""
NOT_DISTINGUISHED = """\
The donors could not be distinguished from other people better than by guessing, as far as this number of people can
show."""


def card_text(name: str, fitted: FittedSampler) -> str:
    """The card of a shared generator whose file has this name, as Markdown."""
    shared = fitted.shared or {}
    privacy, notice = shared["privacy"], shared["notice"]
    text = CARD.format(
        name=name, kind=fitted.identity["gan"], version=__version__, features=len(fitted.dtypes),
        modalities=" and ".join(fitted.modalities) or "of no known kind",
        classes=", ".join(map(str, fitted.classes.tolist())),
        measured=_measured(privacy, shared["people"]) if privacy else NOT_MEASURED,
        **{one: f"{shared[one]:,}" for one in ("people", "sessions", "windows")},
        **{one: shared[one] for one in ("dataset", "alignment")}, notice=f"\n{notice}\n" if notice else "",
        selection=WHITENED * ("generator.colour.packed" in fitted.tensors)
        + SELECTIONS.get(fitted.identity.get("selection"), ""),
    )  # fmt: skip
    return "\n".join(_wrapped(block) for block in re.split(r"\n(?=\n|- )", text)) + "\n"


def _wrapped(block: str) -> str:
    """A paragraph or an item of a list in lines of 120 characters; what stands before it is kept."""
    lead = block[: len(block) - len(block.lstrip("\n"))]
    return lead + textwrap.fill(" ".join(block.split()), 120, subsequent_indent="  " * block.startswith("- "))


def _measured(privacy: dict[str, Any], donors: int) -> str:
    closest, areas = privacy["closest_record"], privacy["membership"]
    ratio = "no meaning" if closest["ratio"] is None else f"{closest['ratio']:.2f}"
    areas_text = {name: f"{area['auc']:.2f} [{area['low']:.2f}, {area['high']:.2f}]" for name, area in areas.items()}
    distinguished = any(area["low"] > 0.5 for area in areas.values())
    verdict = DISTINGUISHED if distinguished else NOT_DISTINGUISHED
    few = min(privacy["people"], donors) < FEWEST
    return MEASURED.format(
        windows=f"{privacy['windows']:,}", people=privacy["people"], compared=closest["people"], ratio=ratio,
        donors=closest["donors"], held_out=closest["held_out"],
        verdict=f"{verdict} {TOO_FEW}" if few else verdict, **areas_text,
    )  # fmt: skip
