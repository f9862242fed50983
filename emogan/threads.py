"""PyTorch's threads."""

import contextlib
from collections.abc import Iterator

import torch

from emogan.environment import shared


@shared
@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Have PyTorch compute on one thread in the with block: how sums are rounded depends on the number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
