"""Widths of the hidden layers: given, or drawn as in the paper's random search."""

from collections.abc import Sequence

import numpy as np

from emogan.wording import words

LAYERS = (2, 4)  # "The numbers of layers are searched from 2 to 4" (paper, 3.3)
NODES = (50, 600)  # "... hidden nodes for each layer are randomly searched from 50 to 600" (paper, 3.3)


def hidden_widths(
    layers: int, hidden: int | Sequence[int], architecture_seed: int | None = None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Hidden widths of the generator and of the discriminator (cBEGAN: of its encoder; the decoder mirrors it).

    With an architecture seed, both networks' layers and nodes are drawn from the paper's ranges, and
    ``layers`` and ``hidden`` are not looked at.

    Raises
    ------
    ValueError
        If hidden has not one width per layer.
    """
    if architecture_seed is not None:
        random = np.random.default_rng(architecture_seed)
        generator, discriminator = (
            tuple(random.integers(*NODES, size=random.integers(*LAYERS, endpoint=True), endpoint=True).tolist())
            for _ in range(2)
        )
        return generator, discriminator
    widths = tuple(hidden) if isinstance(hidden, Sequence) else (hidden,) * layers
    if len(widths) != layers:
        raise ValueError(
            f"{words().setting('hidden')}: expected one width or {layers} of them, the number in "
            f"{words().setting('layers')}, got {list(widths)}"
        )
    return widths, widths
