"""Widths of the hidden layers: given, or drawn as in the paper's random search."""

from collections.abc import Sequence

import numpy as np

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
        If layers is not 2, 3 or 4, or hidden is neither a positive integer nor one per layer.
    """
    if architecture_seed is not None:
        if not isinstance(architecture_seed, int) or architecture_seed < 0:
            raise ValueError(f"model.architecture_seed: expected an integer >= 0 or null, got {architecture_seed!r}")
        random = np.random.default_rng(architecture_seed)
        generator, discriminator = (
            tuple(random.integers(*NODES, size=random.integers(*LAYERS, endpoint=True), endpoint=True).tolist())
            for _ in range(2)
        )
        return generator, discriminator
    if layers not in range(LAYERS[0], LAYERS[1] + 1):
        raise ValueError(f"model.layers: expected 2, 3 or 4 hidden layers, got {layers!r}")
    widths = (hidden,) * layers if isinstance(hidden, int) else tuple(hidden)
    if len(widths) != layers:
        raise ValueError(
            f"model.hidden: expected one width or {layers} of them (model.layers={layers}), got {list(widths)}"
        )
    if any(not isinstance(width, int) or isinstance(width, bool) or width < 1 for width in widths):
        raise ValueError(f"model.hidden: expected positive integers (the paper: 50 to 600), got {hidden!r}")
    return widths, widths
