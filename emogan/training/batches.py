"""MemberBatches: the mini-batches and the noise of all members, iteration by iteration."""

from collections.abc import Iterator, Sequence

import lightning
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from emogan.data.scaling import MinMaxScaler
from emogan.data.training_set import TrainingSet
from emogan.models import Batch, ConditionalGAN
from emogan.models.stacked import with_label
from emogan.training.counter_based import integers, keys, signed, uniform


class MemberBatches(lightning.LightningDataModule):
    """Batches of the training sets of M stacked members; a single training set is M = 1.

    What member m draws at iteration t is a function of (seeds[m], t) alone: it depends neither on the other members
    nor on earlier draws nor on the device, so training can be grouped, stopped and resumed at will. Windows are drawn
    with replacement; they lie on the device of the Trainer, and all that is drawn is computed there
    (`emogan.training.counter_based`). In a Trainer, what batches consist of and the length of the noise are those that
    the trained model asks for.

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
        self.x, self.y, self.n, self.trial = padded(self.sets)
        self.classes = int(self.y.max()) + 1 if classes is None else classes
        self.draws, self.noise_features = 1, 0
        self._serve(self.x, torch.device("cpu"))

    @property
    def members(self) -> int:
        return len(self.sets)

    @property
    def features(self) -> int:
        return self.x.shape[-1]

    @property
    def scalers(self) -> list[MinMaxScaler]:
        """Of each member's features, fitted on its training windows."""
        return [data.scaler for data in self.sets]

    def setup(self, stage: str) -> None:
        if stage == "fit":
            self.feed(self.trainer.lightning_module, self.trainer.strategy.root_device)

    def teardown(self, stage: str) -> None:
        self.windows, self.labels = self.windows.cpu(), self.labels.cpu()  # not left in a GPU's memory

    def feed(self, model: ConditionalGAN, device: torch.device | str = "cpu") -> None:
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
        self.draws, self.noise_features = model.draws, model.batch_noise
        self._serve(model.prepare(self.x, self.y, self.n, self.trial), device)

    def _serve(self, windows: Tensor, device: torch.device | str) -> None:
        """Have batches consist of windows (M, N, ...), on a device."""
        self.windows = with_label(windows, self.y, self.classes).flatten(0, 1).to(device)
        self.labels, self.lengths = self.y.flatten().to(device), self.n.to(device)
        self.firsts = torch.arange(self.members, device=device)[:, None] * windows.shape[1]  # rows of the members
        self.member_seeds = torch.tensor([signed(seed, 64) for seed in self.seeds], device=device)

    def train_dataloader(self) -> DataLoader:
        own = torch.Generator()  # else each pass over it would draw a seed for workers from the user's random state
        return DataLoader(_Iterations(self), batch_size=None, shuffle=False, generator=own)

    def val_dataloader(self) -> "Nothing":
        """Nothing: it is the DataModules of the data sets that hold trials out."""
        return Nothing()

    def draw(self, iteration: int) -> Batch:
        """The batch of one iteration: windows drawn with replacement, noise U[-1, 1)."""
        key, size = keys(self.member_seeds, iteration), self.draws * self.batch_size
        rows = (integers(key, self.lengths, size) + self.firsts).unflatten(1, (self.draws, -1))
        numbers = uniform(key, size * (self.noise_features + 1), skipped=size)
        numbers = numbers.unflatten(1, (self.draws, self.batch_size, -1)).transpose(0, 1)
        z, u = numbers[..., 1:], (numbers[..., :1] + 1) / 2
        return Batch(self.windows, self.labels, rows.transpose(0, 1), z, u, self.classes)


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


def padded(sets: Sequence[TrainingSet]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Windows of several training sets, stacked: x (M, N, F), y (M, N), real lengths n (M,) and trials (M, N)."""
    n = [len(data.y) for data in sets]
    x = torch.zeros(len(sets), max(n), sets[0].x.shape[1])
    y, trial = (torch.zeros(len(sets), max(n), dtype=torch.int64) for _ in range(2))
    for m, data in enumerate(sets):
        x[m, : n[m]] = torch.from_numpy(data.x)
        y[m, : n[m]] = torch.from_numpy(data.y)
        trial[m, : n[m]] = torch.from_numpy(data.trial)
    return x, y, torch.tensor(n), trial
