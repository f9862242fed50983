"""Mini-batches and noise of 256 GANs: counter-based and all at once, against a generator and a loop over members."""

import argparse
import time
from collections.abc import Callable

import torch
from torch import Tensor

from emogan.benchmark.record import Record, alternately
from emogan.benchmark.training import CLASSES, training_sets
from emogan.models.stacked import with_label
from emogan.training.batches import MemberBatches

MEMBERS, FEATURES, NOISE = 256, 351, 100


class LoopBatches:
    """Batches as they are drawn with a `torch.Generator` for each member and iteration.

    Parameters
    ----------
    x, y
        Windows (M, N, F) and labels (M, N).
    batch_size, noise_features
        Windows per mini-batch, and length of the noise.
    """

    def __init__(self, x: Tensor, y: Tensor, batch_size: int, noise_features: int):
        self.x, self.y, self.batch_size, self.noise_features = x, y, batch_size, noise_features

    def draw(self, iteration: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Windows (M, B, F), labels (M, B), noise U[-1, 1] (M, B, Z) and U[0, 1] (M, B, 1) of one iteration."""
        generator, size = torch.Generator(), self.batch_size
        rows, noise, between = [], [], []
        for member in range(len(self.x)):
            generator.manual_seed(hash((member, iteration)) % 2**63)
            rows.append(torch.randint(self.x.shape[1], (size,), generator=generator))
            noise.append(torch.rand((size, self.noise_features), generator=generator))
            between.append(torch.rand((size, 1), generator=generator))
        index, member = torch.stack(rows), torch.arange(len(self.x))[:, None]
        return self.x[member, index], self.y[member, index], torch.stack(noise).mul_(2).sub_(1), torch.stack(between)


def sources(members: int, features: int) -> tuple[LoopBatches, MemberBatches]:
    """Both on the same windows."""
    source = MemberBatches(training_sets(members, features), classes=CLASSES)
    source.noise_features = NOISE
    return LoopBatches(source.x, source.y, source.batch_size, NOISE), source


def cpu_ms(work: Callable) -> float:
    """Milliseconds of one core that some work takes, whatever else the machine does meanwhile."""
    start = time.thread_time()
    work()
    return 1000 * (time.thread_time() - start)


def measure(record: Record, options: argparse.Namespace) -> None:
    """What is drawn for an iteration, and all up to the discriminator's input, turn by turn on one core."""
    torch.set_num_threads(1)
    loop, source = sources(MEMBERS, FEATURES)
    fake = torch.rand(MEMBERS, source.batch_size, FEATURES)

    def input_of_loop() -> Tensor:
        x, y, *_ = loop.draw(1)
        return with_label(torch.cat([x, fake], dim=1), y.repeat(1, 2), CLASSES)

    sides = [
        lambda: loop.draw(1),
        lambda: source.draw(1),
        input_of_loop,
        lambda: source.draw(1).with_synthetic(fake),
    ]
    for side in sides:
        side()
    key, repeats = f"{MEMBERS}_{FEATURES}", 4 * options.repeats
    looped, drawn, looped_input, drawn_input = alternately(repeats, *(lambda side=side: cpu_ms(side) for side in sides))
    record.add(f"draw_loop_ms_{key}", looped, "ms of one core, windows copied")
    record.add(f"draw_ms_{key}", drawn, "ms of one core")
    record.add_ratio(f"draw_vs_loop_{key}", looped, drawn)
    record.add_ratio(f"input_vs_loop_{key}", looped_input, drawn_input)
