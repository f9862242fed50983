"""MemberBatches: the mini-batches and the noise of all members, iteration by iteration."""

from collections.abc import Sequence

import lightning
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from emogan.models import Batch


class MemberBatches(lightning.LightningDataModule):
    """Batches for M stacked members; a single training set is M = 1.

    What member m draws at iteration t is a function of (seeds[m], t) alone: it depends neither on the other members
    nor on earlier draws, so training can be grouped, stopped and resumed at will.

    Parameters
    ----------
    x, y
        Training windows (M, N, F) and labels (M, N), padded.
    n
        Real lengths (M,).
    seeds
        One per member.
    batch_size, iterations
        Windows per mini-batch; number of iterations.
    draws, noise_features
        Mini-batches per iteration (S) and noise length (Z), see `ConditionalGAN`.
    start
        The first iteration, if earlier ones have been trained already.
    """

    def __init__(
        self,
        x: Tensor,
        y: Tensor,
        n: Tensor,
        seeds: Sequence[int],
        *,
        batch_size: int,
        iterations: int,
        draws: int,
        noise_features: int,
        start: int = 0,
    ):
        super().__init__()
        self.x, self.y, self.n, self.seeds = x, y, n.tolist(), list(seeds)
        self.batch_size, self.iterations = batch_size, iterations
        self.draws, self.noise_features, self.start = draws, noise_features, start

    def train_dataloader(self) -> DataLoader:
        own = torch.Generator()  # else each pass over it would draw a seed for workers from the user's random state
        return DataLoader(_Iterations(self), batch_size=None, shuffle=False, generator=own)

    def draw(self, iteration: int) -> Batch:
        """The batch of one iteration: windows drawn with replacement, noise U[-1, 1]."""
        generator = torch.Generator()
        shape = (self.draws, self.batch_size)
        rows, noise, between = [], [], []
        for member, seed in enumerate(self.seeds):
            generator.manual_seed(mix(seed, iteration))
            rows.append(torch.randint(self.n[member], shape, generator=generator))
            noise.append(torch.rand((*shape, self.noise_features), generator=generator))
            between.append(torch.rand((*shape, 1), generator=generator))
        index = torch.stack(rows, dim=1)  # (S, M, B)
        member = torch.arange(len(self.seeds))[None, :, None]
        return Batch(
            x=self.x[member, index],
            y=self.y[member, index],
            z=torch.stack(noise, dim=1).mul_(2).sub_(1),
            u=torch.stack(between, dim=1),
        )


class _Iterations(Dataset):
    def __init__(self, source: MemberBatches):
        self.source = source

    def __len__(self) -> int:
        return self.source.iterations - self.source.start

    def __getitem__(self, index: int) -> Batch:
        return self.source.draw(self.source.start + index)


def mix(seed: int, iteration: int) -> int:
    """A 64-bit hash of two integers (the finaliser of splitmix64): neighbouring inputs give unrelated seeds."""
    value = (seed + 0x9E3779B97F4A7C15 * (iteration + 1)) % 2**64
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB % 2**64
    return value ^ (value >> 31)
