"""Names, order, colours and markers of models: the same in every table and figure."""

import colorsys
import hashlib
import re
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """How a model appears. Most colours are of Okabe and Ito's and Tol's palettes, the pale ones darker; markers help
    those who cannot tell them apart."""

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
    "smote": Look("SMOTE", "#4A86F0", "P"),
    "gaussian": Look("Gaussian", "#C08000", "D"),
    "random_effects": Look("random effects", "#2E9383", "X"),
    "trial_bootstrap": Look("trial bootstrap", "#AA7733", "p"),
    "autoregressive": Look("autoregressive", "#7A6A9A", "d"),
    "donor_windows": Look("donor windows", "#DD1155", "P"),
    "person_effects": Look("person effects", "#005F6B", "X"),
    "cgan": Look("cGAN", "#009E73", "d"),
    "cwgan": Look("cWGAN", "#0072B2", "s"),
    "cbegan": Look("cBEGAN", "#D55E00", "o"),
    "trial_cbegan": Look("trial cBEGAN", "#CC79A7", "H"),
    "cvae": Look("cVAE", "#117733", "p"),
    "diffusion": Look("diffusion", "#661100", "*"),
    "svae": Look("sVAE", "#4F9A10", "p"),
    "swgan": Look("sWGAN", "#9955EE", "s"),
    "recurrent_cbegan": Look("recurrent cBEGAN", "#CC6677", "h"),
    "recurrent_cwgan": Look("recurrent cWGAN", "#2233BB", "8"),
}
MARKERS = "ovs^D<P>Xdph*8H"  # of models that are not in LOOKS


def look(model: str) -> Look:
    """The look of a model; one that is not in LOOKS has a label, a colour and a marker made of its name alone."""
    return LOOKS.get(model) or _look_of_name(model)


def _look_of_name(model: str) -> Look:
    """Underscores are spaces and "gan" is GAN; a hash of the name gives the colour, dark enough for a white page.

    A model that learns from donors, as cbegan+others, is called as the model alone, with the donors behind it.
    """
    name, _, donors = model.partition("+")
    label = LOOKS[name].label if name in LOOKS else re.sub(r"gan\b", "GAN", name.replace("_", " ").strip())
    label = (f"{label} from {donors_in_words(donors)}" if donors else label) or model
    hue, light, marker = struct.unpack("<IHH", hashlib.sha256(model.encode()).digest()[:8])
    rgb = colorsys.hls_to_rgb(hue / 2**32, (0.2, 0.27, 0.34)[light % 3], 0.75)
    color = "#" + "".join(f"{round(255 * value):02x}" for value in rgb)
    return Look(label, color, MARKERS[marker % len(MARKERS)])


def donors_in_words(donors: str) -> str:
    """What stands behind the + of a model's name, as others_same_clips+own, in words."""
    clips = " (same clips)" if "_same_clips" in donors else ""
    whom, tuned, _ = donors.replace("_same_clips", "").partition("+fine_tuned")
    words = " and ".join({"own": "own trials"}.get(part, part.replace("_", " ")) for part in whom.split("+"))
    return words + (", fine-tuned on own trials" if tuned else "") + clips


def in_order(models: Iterable[str], kind: Callable[[str], str]) -> list[str]:
    """none, controls, GANs by their kind; within a kind EmoGAN's own as in LOOKS, then all others by name."""
    names, kinds = list(LOOKS), ("none", "control", "gan")
    return sorted(
        models,
        key=lambda model: (kinds.index(kind(model)), names.index(model) if model in LOOKS else len(names), model),
    )
