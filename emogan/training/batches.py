"""MemberBatches: the mini-batches and the noise of all members, iteration by iteration."""

import math
from collections.abc import Iterator, Sequence
from functools import cached_property

import lightning
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from emogan.data.donors import PooledSet
from emogan.data.scaling import MinMaxScaler
from emogan.data.sequences import padded, stretches
from emogan.data.training_set import TrainingSet
from emogan.models import Batch, ConditionalGenerator
from emogan.models.stacked import with_label
from emogan.training.counter_based import integers, keys, signed, uniform


class MemberBatches(lightning.LightningDataModule):
    """Batches of the training sets of M stacked members; a single training set is M = 1.

    What member m draws at iteration t is a function of (seeds[m], t) alone: it depends neither on the other members
    nor on earlier draws nor on the device, so training can be grouped, stopped and resumed at will. Windows are drawn
    with replacement; they lie on the device of the Trainer, and all that is drawn is computed there
    (`emogan.training.counter_based`). In a Trainer, what batches consist of and the length of the noise are those that
    the trained model asks for. A model may ask for stretches of successive windows of a trial
    (`emogan.data.sequences.stretches`): all of a member's are equally likely, and a mini-batch has as many as its
    windows give. Where sets have a `FineTuning`, one for all, what is drawn is of their first windows alone until it
    begins, and of the others alone from then on.

    Parameters
    ----------
    sets
        One per member.
    seeds
        One per member; 0 to M - 1 if not given.
    batch_size, iterations
        Windows per mini-batch; number of iterations, which is the length of the epoch.
    classes
        Number K of classes; the highest label + 1 if not given.
    start
        The first iteration, if earlier ones have been trained already.

    Attributes
    ----------
    x, y, n, trial : Tensor
        Windows (M, N, F), labels (M, N) and trials (M, N), padded, and real lengths (M,).
    """

    def __init__(
        self,
        sets: Sequence[TrainingSet],
        seeds: Sequence[int] | None = None,
        *,
        batch_size: int = 128,
        iterations: int = 3000,
        classes: int | None = None,
        start: int = 0,
    ):
        super().__init__()
        self.sets, self.seeds = list(sets), list(range(len(sets)) if seeds is None else seeds)
        self.batch_size, self.iterations, self.start = batch_size, iterations, start
        self.n = torch.tensor([len(data.y) for data in self.sets])
        self.y, self.trial = (padded([getattr(data, name) for data in self.sets]) for name in ("y", "trial"))
        first = self.sets[0]
        self.switch = first.fine_tuning.begins(iterations) if first.fine_tuning else math.inf
        self.pool = first.windows if isinstance(first, PooledSet) else None
        self.features = first.features
        self.classes = int(self.y.max()) + 1 if classes is None else classes
        self.draws, self.noise_features, self.stretch = 1, 0, 1
        if self.pool is None:
            self._serve(self.x, torch.device("cpu"))
        else:
            self._serve_pool(torch.device("cpu"))

    @property
    def members(self) -> int:
        return len(self.sets)

    @cached_property
    def x(self) -> Tensor:
        return padded([data.x for data in self.sets])

    @property
    def scalers(self) -> list[MinMaxScaler]:
        """Of each member's features, fitted on its training windows."""
        return [data.scaler for data in self.sets]

    def setup(self, stage: str) -> None:
        if stage == "fit":
            self.feed(generator_of(self.trainer), self.trainer.strategy.root_device)

    def teardown(self, stage: str) -> None:
        """Bring everything back to the CPU: nothing is left in a GPU's memory."""
        for name in ("windows", "labels", "stretches", "lengths", "firsts", "member_seeds"):
            value = getattr(self, name)
            setattr(self, name, value if value is None else value.cpu())
        self.pooled = self.pooled and tuple(one.cpu() for one in self.pooled)

    def on_exception(self, exception: BaseException) -> None:
        self.teardown("fit")

    def feed(self, model: ConditionalGenerator, device: torch.device | str = "cpu") -> None:
        """Make the batches those of a model, which may look at the training windows for it, on a device.

        Raises
        ------
        ValueError
            If the model is of another shape than the training sets.
        """
        shapes = [(one.members, one.features, one.classes) for one in (model, self)]
        if shapes[0] != shapes[1]:
            names = "members, features and classes"
            raise ValueError(f"expected a model of {shapes[1]} {names}, as the training sets have, got {shapes[0]}")
        self.draws, self.noise_features, self.stretch = model.draws, model.batch_noise, model.stretch
        if self.pool is not None and type(model).prepare is ConditionalGenerator.prepare:
            self._serve_pool(device)
        else:
            self._serve(model.prepare(self.x, self.y, self.n, self.trial), device)

    def _serve(self, windows: Tensor, device: torch.device | str) -> None:
        """Have batches consist of windows (M, N, ...), on a device."""
        self.windows = with_label(windows, self.y, self.classes).flatten(0, 1).to(device)
        self.labels, self.pooled = self.y.flatten().to(device), None
        self._serve_members(device)

    def _serve_pool(self, device: torch.device | str) -> None:
        """Have batches consist of windows that all members index, scaled as they are drawn: there is one copy."""
        y = torch.zeros(len(self.pool), dtype=torch.int64)
        groups, tables, first = [], [], 0
        for data in self.sets:
            y[torch.from_numpy(data.rows)] = torch.from_numpy(data.y)
            groups.append(data.group + first)
            first += len(data.scale)
            label = np.zeros((len(data.scale), self.classes), dtype=np.float32)
            tables.append((np.hstack([data.scale, label + 1]), np.hstack([data.shift, label])))
        self.windows = with_label(torch.from_numpy(self.pool), y, self.classes).to(device)
        self.labels = y.to(device)
        rows = padded([data.rows for data in self.sets]).flatten().to(device)
        scale, shift = (torch.from_numpy(np.concatenate(parts)).to(device) for parts in zip(*tables, strict=True))
        self.pooled = rows, padded(groups).flatten().to(device), scale, shift
        self._serve_members(device)

    def _serve_members(self, device: torch.device | str) -> None:
        longest = self.y.shape[1]
        n = torch.tensor([[part.stop - part.start for part in data.parts] for data in self.sets])
        self.stretches: Tensor | None = None
        if self.stretch > 1:
            found = [
                [part.start + stretches(data.y[part], data.trial[part], self.stretch) for part in data.parts]
                for data in self.sets
            ]
            rows = padded([np.concatenate(own) + m * longest for m, own in enumerate(found)])
            n, longest = torch.tensor([[len(part) for part in own] for own in found]), rows.shape[1]
            self.stretches = rows.flatten(0, 1).to(device)
        firsts = n.cumsum(1) - n + torch.arange(self.members)[:, None] * longest
        self.lengths = n.T.contiguous().to(device)  # (parts, M)
        self.firsts = firsts.T[..., None].to(device)  # of each part of each member
        self.member_seeds = torch.tensor([signed(seed, 64) for seed in self.seeds], device=device)

    def train_dataloader(self) -> DataLoader:
        own = torch.Generator()  # else each pass over it would draw a seed for workers from the user's random state
        return DataLoader(_Iterations(self), batch_size=None, shuffle=False, generator=own)

    def val_dataloader(self) -> "Nothing":
        """Nothing: it is the DataModules of the data sets that hold trials out."""
        return Nothing()

    def draw(self, iteration: int) -> Batch:
        """The batch of one iteration: windows, or stretches of them, drawn with replacement, noise U[-1, 1)."""
        each = max(1, self.batch_size // self.stretch)
        key, size = keys(self.member_seeds, iteration), self.draws * each
        part = int(iteration >= self.switch)
        rows = (integers(key, self.lengths[part], size) + self.firsts[part]).unflatten(1, (self.draws, -1))
        numbers = uniform(key, size * (self.noise_features + 1), skipped=size)
        numbers = numbers.unflatten(1, (self.draws, each, -1)).transpose(0, 1)
        z, u = numbers[..., 1:], (numbers[..., :1] + 1) / 2
        rows = rows.transpose(0, 1)
        if self.stretches is not None:
            rows = self.stretches[rows]
        if self.pooled is None:
            return Batch(self.windows, self.labels, rows, z, u, self.classes)
        index, groups, *affine = self.pooled
        return Batch(self.windows, self.labels, index[rows], z, u, self.classes, groups[rows], *affine)


def generator_of(trainer: lightning.Trainer | None) -> ConditionalGenerator:
    """The generator that a Trainer trains, on a single device: several would train a part of the iterations each.

    Raises
    ------
    ValueError
        Saying what was expected.
    """
    if trainer is None:
        raise ValueError(
            "expected a Trainer, which sets up a DataModule for the generator that it trains: Trainer(...).fit(model, "
            "data). Without one, data.batches.feed(model) and data.batches.draw(iteration) give the mini-batches"
        )
    if trainer.world_size > 1:
        raise ValueError(
            "expected a Trainer with one device, on which all of a stack's generators train, got "
            f"{trainer.world_size}. Write Trainer(devices=1, ...)"
        )
    model = trainer.lightning_module
    if not isinstance(model, ConditionalGenerator):
        raise ValueError(
            "expected a generator of EmoGAN or another emogan.models.ConditionalGenerator, whose mini-batches these "
            f"are, got {type(model).__name__}"
        )
    return model


class Nothing:
    """A loader without batches, where there is nothing to validate on: Lightning would warn of an empty list."""

    def __iter__(self) -> Iterator:
        return iter(())


class _Iterations(Dataset):
    def __init__(self, source: MemberBatches):
        self.source = source

    def __len__(self) -> int:
        return self.source.iterations - self.source.start

    def __getitem__(self, index: int) -> Batch:
        return self.source.draw(self.source.start + index)
