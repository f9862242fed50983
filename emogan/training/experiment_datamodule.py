"""A LightningDataModule of any experiment: the training sets of its folds, and what is held out."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple, TypedDict, Unpack

import lightning
import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from emogan.checks import Checked, InsideUnit, NonNegativeInt, OneOrSeveral, PositiveInt
from emogan.data import table
from emogan.data.experiments import as_list
from emogan.data.features import FeatureSet, check_loaded
from emogan.data.folds import AUTO, FoldCount, Folds, resolve
from emogan.data.members import Member, Stimuli, members, validation_windows
from emogan.data.scaling import MinMaxScaler
from emogan.data.training_set import TrainingSet
from emogan.docstrings import inherit_parameters
from emogan.training.batches import MemberBatches, Nothing, generator_of
from emogan.wording import PythonWording, worded

Which = OneOrSeveral[int | str] | None
Held = NonNegativeInt | InsideUnit  # trials of each class, or a share of them
ASKED = {"subjects": "subject", "sessions": "session"}  # how a DataModule calls these settings
OWN = ("subject", "session", "fold", "folds", "n_folds", "stimuli", "validation", "batch_size", "iterations")


class HeldOut(NamedTuple):
    """Windows of one member that it does not train on, in the scaling of its training windows."""

    x: Tensor  # (n, F)
    y: Tensor  # (n,) labels in 0..K-1
    trial: Tensor  # (n,) numbers of the trials that they come from
    member: int


class Shared(TypedDict, total=False):
    """The settings that the DataModules of all data sets have, as `ExperimentDataModule` describes them."""

    subject: Which
    session: Which
    fold: int | None
    folds: str
    n_folds: int
    stimuli: str
    validation: int | float
    batch_size: int
    iterations: int
    seeds: Sequence[int] | None


def _parameters(kind: type) -> list[inspect.Parameter]:
    """Those of a class's own constructor, without self."""
    return [*inspect.signature(vars(kind).get("__init__", lambda self: None)).parameters.values()][1:]


class ExperimentDataModule(Checked, lightning.LightningDataModule):
    """The training sets of the folds of one experiment, or of several, for a `ConditionalGenerator` in any Trainer.

    Folds are split by whole trials, and each training set is scaled by its own windows alone. A GAN trains one member
    on each training set (`emogan.models.ConditionalGenerator.for_data`). An epoch is the whole training; a Trainer with
    ``val_check_interval=100`` validates every 100 iterations of it. Data are loaded when they are first needed.

    Parameters
    ----------
    loader
        Gives a `FeatureSet`, such as `emogan.data.table.load`; it takes ``subjects`` and ``sessions``. Or a
        `FeatureSet` itself, such as `emogan.table` returns.
    subject, session
        The experiment: one subject in one session. A list takes several, None all that the loader gives.
    fold
        One fold, counted from 0; None stacks all of them.
    folds
        How trials are split: "auto" (the data set's own folds, else "trials"), "paper", "one_of_each", "front_back",
        "leave_session_out", "leave_subject_out", "trials", "quarters" or "random_9_3_3" (`emogan.data.folds`).
    n_folds
        Number of folds of "trials", and of groups of clips where stimuli="unseen" needs them.
    stimuli
        "unseen" takes windows of the clips that are tested out of the training sets; "any" leaves them there.
    validation
        Training trials of each class and experiment that are held out to validate on: a number of them, or a share
        between 0 and 1. They are neither trained on nor used for scaling. 0 holds none out.
    batch_size
        Windows per mini-batch.
    iterations
        Length of the training, in updates of the generator.
    seeds
        One per member, of weights and batches; 0 to M - 1 if not given.
    **settings
        Of the loader.

    Attributes
    ----------
    members : int
        Number M of training sets: experiments times folds.
    features, classes : int
        Numbers F and K.
    feature_names, class_names : tuple of str
        Lengths F and K.
    modalities : mapping of str to slice
        Columns of "eeg" and "eye".
    scalers : list of MinMaxScaler
        Length M; each holds ``minimum`` and ``span`` (F,). ``inverse`` takes windows back into the units of the data.
    seeds : list of int
        Length M.
    feature_set : FeatureSet
        All windows (N, F), unscaled, with labels, trials, sessions and subjects (N,).
    splits : list of Member
        Length M: subject, session and fold, and the rows of the `feature_set` that are trained on and tested.
    validation_rows : list of arrays
        Length M: the rows of the `feature_set` that are validated on, of none of which a split trains.
    batches : MemberBatches
        What a GAN trains on: windows (M, N, F), labels and trials (M, N), padded, and lengths (M,).

    Raises
    ------
    ValueError, FileNotFoundError
        If a setting is impossible; and when the data are first needed, if there is no such experiment or fold, if
        validation would leave no training trial of a class, or as the loader says.
    """

    def __init_subclass__(cls) -> None:
        """Show the shared settings in the signature and the docstring of the DataModule of a data set."""
        super().__init_subclass__()
        if not any(one.annotation == Unpack[Shared] for one in _parameters(cls)):
            return
        shared = [one for one in _parameters(ExperimentDataModule) if one.name in Shared.__annotations__]
        own = [one for one in _parameters(cls) if one.kind is not inspect.Parameter.VAR_KEYWORD]
        cls.__signature__ = inspect.Signature([*own, *shared])
        inherit_parameters(cls, cls.__signature__.parameters)

    def __init__(
        self,
        loader: Callable[..., FeatureSet] | FeatureSet,
        *,
        subject: Which = None,
        session: Which = None,
        fold: NonNegativeInt | None = None,
        folds: Folds = AUTO,
        n_folds: FoldCount = 5,
        stimuli: Stimuli = "any",
        validation: Held = 0,
        batch_size: PositiveInt = 128,
        iterations: PositiveInt = 3000,
        seeds: Sequence[int] | None = None,
        **settings,
    ):
        super().__init__()
        if isinstance(loader, FeatureSet) and settings:
            raise ValueError(f"expected a loader that takes {', '.join(settings)}, got a FeatureSet, which is loaded")
        self.loader, self.settings, self.subject, self.session = loader, settings, subject, session
        self.fold, self.folds, self.n_folds, self.stimuli, self.validation = fold, folds, n_folds, stimuli, validation
        self.batch_size, self.iterations, self.given_seeds = batch_size, iterations, seeds

    @cached_property
    def feature_set(self) -> FeatureSet:
        subjects, sessions = as_list(self.subject), as_list(self.session)
        if isinstance(self.loader, FeatureSet):
            with worded(PythonWording(ASKED)):
                whole = self.loader
                return whole.take(table.select(whole.dataset, whole.subject, whole.session, subjects, sessions))
        found = self.loader(**self.settings, subjects=subjects, sessions=sessions)
        check_loaded(found, self.settings.get("modality", "eeg_eye"))
        return found

    @cached_property
    def splits(self) -> list[Member]:
        return [
            replace(split, train=np.setdiff1d(split.train, held_out))
            for split, held_out in zip(self._folds, self.validation_rows, strict=True)
        ]

    @cached_property
    def validation_rows(self) -> list[np.ndarray]:
        if not self.validation:
            return [np.empty(0, dtype=np.int64)] * len(self._folds)
        return [validation_windows(self.feature_set, split, self.validation) for split in self._folds]

    @cached_property
    def _folds(self) -> list[Member]:
        """Training and test windows before any are held out to validate on."""
        found = members(self.feature_set, resolve(self.folds, self.feature_set), self.n_folds, self.stimuli)
        chosen = [split for split in found if self.fold in (None, split.fold)]
        if not chosen:
            there = sorted({split.fold for split in found})
            raise ValueError(f"expected one of the folds {there}, got fold={self.fold!r}. None takes all of them.")
        return chosen

    @cached_property
    def batches(self) -> MemberBatches:
        sets = [TrainingSet.of(self.feature_set, split.train, split.train) for split in self.splits]
        return MemberBatches(
            sets, self.given_seeds, batch_size=self.batch_size, iterations=self.iterations, classes=self.classes
        )

    @property
    def members(self) -> int:
        return len(self._folds)

    @property
    def features(self) -> int:
        return self.feature_set.x.shape[1]

    @property
    def classes(self) -> int:
        return self.feature_set.n_classes

    @property
    def feature_names(self) -> tuple[str, ...]:
        return self.feature_set.feature_names

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.feature_set.class_names

    @property
    def modalities(self) -> Mapping[str, slice]:
        return self.feature_set.modalities

    @property
    def seeds(self) -> list[int]:
        return self.batches.seeds

    @property
    def scalers(self) -> list[MinMaxScaler]:
        return self.batches.scalers

    def setup(self, stage: str) -> None:
        if stage == "fit":
            self.batches.feed(generator_of(self.trainer), self.trainer.strategy.root_device)

    def teardown(self, stage: str) -> None:
        if stage == "fit":
            self.batches.teardown(stage)

    def on_exception(self, exception: BaseException) -> None:
        self.batches.on_exception(exception)

    def train_dataloader(self) -> DataLoader:
        """Mini-batches with noise, one `emogan.models.Batch` an iteration."""
        return self.batches.train_dataloader()

    def val_dataloader(self) -> DataLoader | Nothing:
        """The validation windows of each member, one `HeldOut` a member; nothing without ``validation``."""
        return DataLoader(list(self._held_out(self.validation_rows)), batch_size=None) if self.validation else Nothing()

    def test_dataloader(self) -> DataLoader:
        """The test windows of each member, one `HeldOut` a member. Choose nothing on them."""
        return DataLoader(list(self._held_out([split.test for split in self.splits])), batch_size=None)

    def predict_dataloader(self) -> DataLoader:
        """The labels (M, n) of all members' training windows in turn: windows for them are what a GAN predicts."""
        n = int(self.batches.n.max())
        return DataLoader([torch.arange(n).expand(self.members, -1) % self.classes], batch_size=None)

    def _held_out(self, rows: Sequence[np.ndarray]) -> Iterator[HeldOut]:
        features, trials = self.feature_set, self.feature_set.trial_ids()
        for member, own in enumerate(rows):
            x = self.scalers[member].transform(features.x[own])
            yield HeldOut(torch.from_numpy(x), torch.from_numpy(features.y[own]), torch.from_numpy(trials[own]), member)

    def __repr__(self) -> str:
        """The settings that are not the defaults and, once the data are loaded, their numbers."""
        parameters = inspect.signature(type(self)).parameters
        own = {name: getattr(self, name) for name in OWN} | {"seeds": self.given_seeds}
        loader = {"loader": _named(self.loader)} if "loader" in parameters else {}
        values = {
            name: _named(value) if isinstance(value, pd.DataFrame) else repr(value)
            for name, value in {**self.settings, **own}.items()
        } | loader
        order = [name for name in dict.fromkeys([*parameters, *values]) if name in values]
        usual = {name: repr(parameter.default) for name, parameter in parameters.items()}
        shown = ", ".join(f"{name}={values[name]}" for name in order if values[name] != usual.get(name))
        text = f"{type(self).__name__}({shown})"
        if "_folds" in vars(self):
            text += f": {self.members} members, {self.features} features, {self.classes} classes"
        return text

    def __str__(self) -> str:
        return repr(self)  # Lightning's own would load the data


def _named(value: object) -> str:
    """A loader, or data, in a few words."""
    if isinstance(value, FeatureSet | pd.DataFrame):
        return f"<{type(value).__name__} of {len(value.x if isinstance(value, FeatureSet) else value)} windows>"
    return f"{value.__module__}.{value.__qualname__}"
