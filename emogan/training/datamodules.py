"""LightningDataModules of the data sets: training sets of an experiment's folds, and what is held out."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import lightning
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from emogan.data import table
from emogan.data.features import FeatureSet
from emogan.data.folds import AUTO, Member, members, resolve
from emogan.data.scaling import MinMaxScaler
from emogan.data.seed import seed, seed_iv, seed_v
from emogan.data.training_set import TrainingSet
from emogan.simulation import people
from emogan.training.batches import MemberBatches


class HeldOut(NamedTuple):
    """Windows of one member that it does not train on, in the scaling of its training windows."""

    x: Tensor  # (n, F)
    y: Tensor  # (n,) labels in 0..K-1
    trial: Tensor  # (n,) numbers of the trials that they come from
    member: int


class ExperimentDataModule(lightning.LightningDataModule):
    """The training sets of the folds of one experiment, or of several, for a `ConditionalGAN` in any Trainer.

    Folds are split by whole trials, and each training set is scaled by its own windows alone. A GAN trains one member
    on each training set (`emogan.models.ConditionalGAN.for_data`). An epoch is the whole training.

    Parameters
    ----------
    loader
        Gives a `FeatureSet`, such as `emogan.data.table.load`; it is called when the data are first needed.
    subject, session
        The experiment; a list of several, or None for all that the loader gives.
    fold
        One fold, counted from 0; None stacks all of them.
    folds, n_folds
        How trials are split: "auto", "paper", "front_back", "leave_session_out", "leave_subject_out" or "trials", and
        the number of folds of "trials" (`emogan.data.folds`).
    batch_size, iterations
        Windows per mini-batch; number of iterations.
    seeds
        One per member, of weights and batches; 0 to M - 1 if not given.
    **settings
        Of the loader.

    Raises
    ------
    ValueError, FileNotFoundError
        When the data are first needed: if there is no such experiment or fold, or as the loader says.
    """

    def __init__(
        self,
        loader: Callable[..., FeatureSet],
        *,
        subject: int | str | Sequence[int | str] | None = None,
        session: int | str | Sequence[int | str] | None = None,
        fold: int | None = None,
        folds: str = AUTO,
        n_folds: int = 5,
        batch_size: int = 128,
        iterations: int = 1000,
        seeds: Sequence[int] | None = None,
        **settings,
    ):
        super().__init__()
        self.loader, self.settings = loader, settings | {"subjects": _several(subject), "sessions": _several(session)}
        self.fold, self.folds, self.n_folds = fold, folds, n_folds
        self.batch_size, self.iterations, self.given_seeds = batch_size, iterations, seeds

    @cached_property
    def feature_set(self) -> FeatureSet:
        """All windows, unscaled."""
        return self.loader(**self.settings)

    @cached_property
    def splits(self) -> list[Member]:
        """Training and test windows of each member, as rows of the `feature_set`."""
        found = members(self.feature_set, resolve(self.folds, self.feature_set), self.n_folds)
        chosen = [split for split in found if self.fold in (None, split.fold)]
        if not chosen:
            there = sorted({split.fold for split in found})
            raise ValueError(f"expected one of the folds {there}, got fold={self.fold!r}. None takes all of them.")
        return chosen

    @cached_property
    def batches(self) -> MemberBatches:
        """What a GAN trains on."""
        sets = [TrainingSet.of(self.feature_set, split.train, split.train) for split in self.splits]
        return MemberBatches(
            sets, self.given_seeds, batch_size=self.batch_size, iterations=self.iterations, classes=self.classes
        )

    @property
    def members(self) -> int:
        return len(self.splits)

    @property
    def features(self) -> int:
        return self.feature_set.x.shape[1]

    @property
    def classes(self) -> int:
        return self.feature_set.n_classes

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.feature_set.class_names

    @property
    def seeds(self) -> list[int]:
        return self.batches.seeds

    @property
    def scalers(self) -> list[MinMaxScaler]:
        """Of each member; `inverse` brings its windows back into the units of the data."""
        return self.batches.scalers

    def setup(self, stage: str) -> None:
        if stage == "fit":
            self.batches.feed(self.trainer.lightning_module, self.trainer.strategy.root_device)

    def train_dataloader(self) -> DataLoader:
        """Mini-batches with noise, see `MemberBatches`."""
        return self.batches.train_dataloader()

    def test_dataloader(self) -> DataLoader:
        """The test windows of each member, one `HeldOut` a member. Choose nothing on them."""
        return DataLoader(list(self._held_out()), batch_size=None)

    def predict_dataloader(self) -> DataLoader:
        """The labels (M, n) of all members' training windows in turn: windows for them are what a GAN predicts."""
        n = int(self.batches.n.max())
        return DataLoader([torch.arange(n).expand(self.members, -1) % self.classes], batch_size=None)

    def _held_out(self) -> Iterator[HeldOut]:
        trials = self.feature_set.trial_ids()
        for member, split in enumerate(self.splits):
            x = self.scalers[member].transform(self.feature_set.x[split.test])
            y, trial = self.feature_set.y[split.test], trials[split.test]
            yield HeldOut(torch.from_numpy(x), torch.from_numpy(y), torch.from_numpy(np.asarray(trial)), member)


class SEEDDataModule(ExperimentDataModule):
    """SEED from a folder at, above or inside its release; settings of `ExperimentDataModule` and `seed.load`."""

    def __init__(self, root, **settings):
        super().__init__(seed.load, root=root, **settings)


class SEEDVDataModule(ExperimentDataModule):
    """SEED-V from a folder at, above or inside its release; settings of `ExperimentDataModule` and `seed_v.load`."""

    def __init__(self, root, **settings):
        super().__init__(seed_v.load, root=root, **settings)


class SEEDIVDataModule(ExperimentDataModule):
    """SEED-IV from a folder at, above or inside its release; settings of `ExperimentDataModule` and `seed_iv.load`."""

    def __init__(self, root, **settings):
        super().__init__(seed_iv.load, root=root, **settings)


class SyntheticDataModule(ExperimentDataModule):
    """Simulated data, which need no files; settings of `ExperimentDataModule` and `emogan.simulation.people.load`."""

    def __init__(self, preset: str = "seed", **settings):
        super().__init__(people.load, preset=preset, **settings)


class TableDataModule(ExperimentDataModule):
    """A table of one's own, .csv or .npz; settings of `ExperimentDataModule` and `emogan.data.table.load`."""

    def __init__(self, path, **settings):
        super().__init__(table.load, path=path, **settings)


def _several(value):
    return value if value is None or (isinstance(value, Sequence) and not isinstance(value, str)) else [value]
