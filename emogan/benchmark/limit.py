"""How long the matrix products alone of one training iteration take: the arithmetic limit of a machine."""

import time
from collections import Counter
from collections.abc import Callable, Mapping

import lightning
import torch
from torch.utils.flop_counter import FlopCounterMode, bmm_flop


class Products(lightning.Callback):
    """Counts the matrix products of the iterations of stacked GANs.

    Attributes
    ----------
    counts : Counter
        Products of one GAN by their shape: rows, inner and columns of a product (rows, inner) x (inner, columns).
    """

    def __init__(self):
        self.counts: Counter[tuple[int, int, int]] = Counter()
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


def product_s(members: int, rows: int, inner: int, columns: int, device: str, repeats: int = 20) -> float:
    """Seconds that a stacked product takes, the best of several."""
    left, right = (torch.rand(shape, device=device) for shape in ((members, rows, inner), (members, inner, columns)))
    return min(timed(lambda: torch.bmm(left, right), device) for _ in range(repeats))


def limit_s(counts: Mapping[tuple[int, int, int], int], members: int, device: str) -> float:
    """Seconds that one GAN's products of an iteration take at the speed of this machine, stacked with others'."""
    return sum(count * product_s(members, *shape, device) for shape, count in counts.items()) / members


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
