"""Names, order, colours and markers of models: the same in every table and figure."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """How a model appears. Colours are of Okabe and Ito's and Tol's palettes; the marker tells what colour may not."""

    label: str
    color: str
    marker: str


LOOKS = {
    "none": Look("none", "#333333", "o"),
    "duplicate": Look("duplicate", "#777777", "s"),
    "noise": Look("noise", "#999933", "^"),
    "rotation": Look("rotation", "#332288", "v"),
    "recombination": Look("recombination", "#AA4499", "<"),
    "mixup": Look("mixup", "#882255", ">"),
    "smote": Look("SMOTE", "#56B4E9", "P"),
    "gaussian": Look("Gaussian", "#E69F00", "D"),
    "random_effects": Look("random effects", "#44AA99", "X"),
    "cgan": Look("cGAN", "#009E73", "d"),
    "cwgan": Look("cWGAN", "#0072B2", "s"),
    "cbegan": Look("cBEGAN", "#D55E00", "o"),
    "trial_cbegan": Look("trial cBEGAN", "#CC79A7", "H"),
}
OTHERS = (("#6699CC", "p"), ("#997700", "h"), ("#661100", "*"), ("#117733", "8"))  # of models that are not in LOOKS


def look(model: str) -> Look:
    """The look of a model; one of the user's own is drawn with a colour made from its name."""
    return LOOKS.get(model) or Look(model, *OTHERS[sum(model.encode()) % len(OTHERS)])


def in_order(models: Iterable[str]) -> list[str]:
    """none, controls, GANs, then those that are not in LOOKS by name."""
    names = list(LOOKS)
    return sorted(models, key=lambda model: (names.index(model) if model in LOOKS else len(names), model))
