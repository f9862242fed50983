"""How long the matrix products alone of one training iteration take: the arithmetic limit of a machine."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial

import lightning
import torch
from torch.utils.flop_counter import FlopCounterMode, bmm_flop

REPEATS = 20  # of each product


class Products(lightning.Callback):
    """Counts one GAN's matrix products (rows, inner) x (inner, columns) in the iterations of stacked GANs."""

    def __init__(self):
        self.counts: Counter[tuple[int, int, int]] = Counter()  # by rows, inner and columns
        counted = dict.fromkeys([torch.ops.aten.bmm, torch.ops.aten.baddbmm], self._count)
        self.counter = FlopCounterMode(display=False, custom_mapping=counted)

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        self.counter.__enter__()

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        self.counter.__exit__(None, None, None)

    def _count(self, *shapes, **_) -> int:
        left, right = shapes[-2:]  # what baddbmm adds to the product stands before them
        self.counts[*left[1:], right[-1]] += 1
        return bmm_flop(left, right)


def limit_s(counts: Mapping[tuple[int, int, int], int], members: int, device: str) -> float:
    """Seconds that one GAN's products of an iteration take, stacked with others', each the best of several."""
    seconds = 0.0
    for (rows, inner, columns), count in counts.items():
        left, right = (torch.rand(members, *shape, device=device) for shape in ((rows, inner), (inner, columns)))
        seconds += count * min(timed(partial(torch.bmm, left, right), device) for _ in range(REPEATS))
    return seconds / members


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
