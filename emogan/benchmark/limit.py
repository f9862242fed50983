"""How long the matrix products alone of one training iteration take: the arithmetic limit of a machine."""

import itertools
import time
from collections import Counter
from collections.abc import Callable, Sequence

import torch


def products(gan: str, features: int, classes: int, hidden: Sequence[int], noise_features: int = 100) -> Counter:
    """Matrix products of one mini-batch in one iteration of one GAN, counted by the layer's (inputs, outputs).

    A layer takes one product forward, one back to its weights and one back to its inputs; each is 2 B inputs outputs
    floating-point operations. An outermost input needs no gradient, nor do the weights of a network that only passes
    the gradient on. Per iteration:

    - cBEGAN: D reconstructs real and artificial windows, forward and back; the artificial windows pass once more, back
      to their inputs only; G goes forward and back once.
    - cWGAN: five times, G goes forward, the critic forward and back on real and artificial windows, and the gradient
      penalty takes four products a layer: the ReLUs' signs (forward), the critic's gradient at x^ (back to the
      inputs), and that gradient's own gradient (to the weights and through the layer). ReLU has no curvature, so
      nothing returns into the forward pass. Then G forward and back, through the critic.

    A critic's last layer has a single output: a sum, not a product, and not counted.
    """
    features_in, code_in = features + classes, hidden[-1] + classes
    generator = itertools.pairwise([noise_features + classes, *hidden, features])
    if gan == "cbegan":
        encoder, decoder = [features_in, *hidden], [code_in, *reversed(hidden[:-1]), features]
        discriminator = [*itertools.pairwise(encoder), *itertools.pairwise(decoder)]
        generator_forward, each, first_less = 1, 2 * 3 + 2, 2
    elif gan == "cwgan":
        discriminator = itertools.pairwise([features_in, *hidden])
        generator_forward, each, first_less = 5 + 1, 5 * (2 * 3 + 4) + 2, 5 * 2
    else:
        raise ValueError(f"expected cbegan or cwgan, whose products are counted here, got {gan!r}")
    counts = Counter()
    for i, layer in enumerate(generator):
        counts[layer] += generator_forward + (2 if i else 1)
    for i, layer in enumerate(discriminator):
        counts[layer] += each - (0 if i else first_less)
    return counts


def operations(counts: Counter, batch_size: int) -> int:
    """Floating-point operations of some products."""
    return sum(count * 2 * batch_size * inputs * outputs for (inputs, outputs), count in counts.items())


def product_speed(members: int, rows: int, inputs: int, outputs: int, device: str, repeats: int = 20) -> float:
    """Floating-point operations per second of a stacked product, the best of several."""
    x, weight, bias = (
        torch.rand(shape, device=device)
        for shape in ((members, rows, inputs), (members, inputs, outputs), (members, 1, outputs))
    )
    seconds = min(timed(lambda: torch.baddbmm(bias, x, weight), device) for _ in range(repeats))
    return 2 * members * rows * inputs * outputs / seconds


def limit_s(counts: Counter, members: int, batch_size: int, device: str) -> float:
    """Seconds that one GAN's products of an iteration take at the speed of this machine, stacked with others'."""
    return sum(
        operations({layer: count}, batch_size) / product_speed(members, batch_size, *layer, device)
        for layer, count in counts.items()
    )


def timed(work: Callable, device: str) -> float:
    """Seconds that some work takes on a device."""
    synchronise(device)
    start = time.perf_counter()
    work()
    synchronise(device)
    return time.perf_counter() - start


def synchronise(device: str) -> None:
    """Wait for what was given to an accelerator."""
    if device != "cpu":
        torch.accelerator.synchronize()
