"""LightningDataModules of the data sets: the training sets of an experiment's folds, and what is held out."""

import inspect
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, NamedTuple, TypedDict, Unpack

import lightning
import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from emogan.checks import (
    Checked,
    NonNegativeInt,
    OneOrSeveral,
    OneToNine,
    PositiveFloat,
    PositiveInt,
    above,
    at_least,
    at_most,
    below,
    one_of,
)
from emogan.data import faced, named, table
from emogan.data.features import FeatureSet, check_loaded
from emogan.data.folds import AUTO, FoldCount, Folds, Member, Stimuli, members, resolve, validation_windows
from emogan.data.scaling import MinMaxScaler
from emogan.data.seed import multimodal, seed, seed_fra, seed_ger, seed_iv, seed_v, seed_vii
from emogan.data.training_set import TrainingSet
from emogan.docstrings import inherit_parameters
from emogan.simulation import people
from emogan.training.batches import MemberBatches, Nothing
from emogan.wording import PythonWording, worded

Which = OneOrSeveral[int | str] | None
Held = NonNegativeInt | Annotated[float, above(0), below(1)]  # trials of each class, or a share of them
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
        subjects, sessions = _several(self.subject), _several(self.session)
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
            self.batches.feed(self.trainer.lightning_module, self.trainer.strategy.root_device)

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


class SEEDDataModule(ExperimentDataModule):
    """SEED from a folder, loaded by `emogan.data.seed.seed.load`.

    Attributes, and what is raised, are those of `ExperimentDataModule`.

    Parameters
    ----------
    root
        A folder at, above or inside the release.
    modality
        "eeg", "eye" or "eeg_eye".
    feature
        "de_LDS", "de_movingAve", "psd_LDS" or "psd_movingAve": differential entropy or power, smoothed by a linear
        dynamic system or a moving average.
    window_s
        4 or 1. Eye movement features exist at 4 s only.
    eeg_source
        "extracted": ExtractedFeatures of 15 subjects; "multimodal": SEED_Multimodal's 12 subjects with eye movements.
    """

    def __init__(
        self,
        root: str | os.PathLike,
        *,
        modality: str = "eeg_eye",
        feature: str = "de_LDS",
        window_s: Annotated[int, one_of(multimodal.WINDOWS)] = 4,
        eeg_source: str = "extracted",
        **shared: Unpack[Shared],
    ):
        super().__init__(
            seed.load, root=root, modality=modality, feature=feature, window_s=window_s, eeg_source=eeg_source,
            **shared,
        )  # fmt: skip


class SEEDVDataModule(ExperimentDataModule):
    """SEED-V from a folder, loaded by `emogan.data.seed.seed_v.load`.

    Attributes, and what is raised, are those of `ExperimentDataModule`.

    Parameters
    ----------
    root
        A folder at, above or inside the release.
    modality
        "eeg", "eye" or "eeg_eye".
    eeg_order
        How the files order the 310 EEG features: "channel_major" or "band_major".
    """

    def __init__(
        self,
        root: str | os.PathLike,
        *,
        modality: str = "eeg_eye",
        eeg_order: str = "channel_major",
        **shared: Unpack[Shared],
    ):
        super().__init__(seed_v.load, root=root, modality=modality, eeg_order=eeg_order, **shared)


class SEEDIVDataModule(ExperimentDataModule):
    """SEED-IV from a folder, loaded by `emogan.data.seed.seed_iv.load`.

    Attributes, and what is raised, are those of `ExperimentDataModule`.

    Parameters
    ----------
    root
        A folder at, above or inside the release.
    modality
        "eeg", "eye" or "eeg_eye".
    feature
        "de_LDS", "de_movingAve", "psd_LDS" or "psd_movingAve": differential entropy or power, smoothed by a linear
        dynamic system or a moving average.
    """

    def __init__(
        self,
        root: str | os.PathLike,
        *,
        modality: str = "eeg_eye",
        feature: str = "de_LDS",
        **shared: Unpack[Shared],
    ):
        super().__init__(seed_iv.load, root=root, modality=modality, feature=feature, **shared)


class SEEDVIIDataModule(ExperimentDataModule):
    """SEED-VII from a folder, loaded by `emogan.data.seed.seed_vii.load`.

    Attributes, and what is raised, are those of `ExperimentDataModule`.

    Parameters
    ----------
    root
        A folder at, above or inside the release.
    modality
        "eeg", "eye" or "eeg_eye".
    feature
        "de_LDS", "de" or "psd": differential entropy, smoothed by a linear dynamic system or not, or power.
    clip_statistics
        Whether to take the nine eye movement features that are the same in all windows of a clip.
    """

    def __init__(
        self,
        root: str | os.PathLike,
        *,
        modality: str = "eeg_eye",
        feature: str = "de_LDS",
        clip_statistics: bool = True,
        **shared: Unpack[Shared],
    ):
        super().__init__(
            seed_vii.load, root=root, modality=modality, feature=feature, clip_statistics=clip_statistics, **shared,
        )  # fmt: skip


class SEEDFRADataModule(ExperimentDataModule):
    """SEED-FRA from a folder, loaded by `emogan.data.seed.seed_fra.load`.

    Attributes, and what is raised, are those of `ExperimentDataModule`.

    Parameters
    ----------
    root
        A folder at, above or inside the release.
    modality
        "eeg", "eye" or "eeg_eye".
    window_s
        4 or 1. Eye movement features exist at 4 s only.
    """

    def __init__(
        self,
        root: str | os.PathLike,
        *,
        modality: str = "eeg_eye",
        window_s: Annotated[int, one_of(multimodal.WINDOWS)] = 4,
        **shared: Unpack[Shared],
    ):
        super().__init__(seed_fra.load, root=root, modality=modality, window_s=window_s, **shared)


class SEEDGERDataModule(ExperimentDataModule):
    """SEED-GER from a folder, loaded by `emogan.data.seed.seed_ger.load`.

    Attributes, and what is raised, are those of `ExperimentDataModule`.

    Parameters
    ----------
    root
        A folder at, above or inside the release.
    modality
        "eeg", "eye" or "eeg_eye".
    window_s
        4 or 1. Eye movement features exist at 4 s only.
    """

    def __init__(
        self,
        root: str | os.PathLike,
        *,
        modality: str = "eeg_eye",
        window_s: Annotated[int, one_of(multimodal.WINDOWS)] = 4,
        **shared: Unpack[Shared],
    ):
        super().__init__(seed_ger.load, root=root, modality=modality, window_s=window_s, **shared)


class SyntheticDataModule(ExperimentDataModule):
    """Simulated data, which need no files, by `emogan.simulation.people.load`.

    Attributes, and what is raised, are those of `ExperimentDataModule`.

    Parameters
    ----------
    preset
        The data set that is simulated: "seed", "seed_v", "seed_iv", "seed_vii", "seed_fra" or "seed_ger".
    modality
        "eeg", "eye" or "eeg_eye".
    simulation_seed
        Another number simulates other subjects.
    rounds
        How often a session goes through the preset's trials, with other clips each time.
    """

    def __init__(
        self,
        preset: str = "seed",
        *,
        modality: str = "eeg_eye",
        simulation_seed: NonNegativeInt = 0,
        rounds: PositiveInt = 1,
        **shared: Unpack[Shared],
    ):
        super().__init__(
            people.load, preset=preset, modality=modality, simulation_seed=simulation_seed, rounds=rounds, **shared,
        )  # fmt: skip


class TableDataModule(ExperimentDataModule):
    """A table of one's own, a file or a pandas DataFrame, loaded by `emogan.data.table.load`.

    Attributes, and what is raised, are those of `ExperimentDataModule`.

    Parameters
    ----------
    path
        A file, a folder of files or a list of files, each of other experiments; or a pandas DataFrame.
    modality
        "eeg", "eye", or "eeg_eye" for all columns.
    label, trial, subject_column, session_column, stimulus_column
        Names of the columns that are no features, in what is not a .npz.
    eye
        Names, or patterns such as "eye_*", of the features that are eye movement features.
    features
        Names or patterns of the only columns that are features; without any, all others are.
    drop
        Names or patterns of columns to leave out.
    keep
        Names or patterns of columns that are features although they look like numbers of trials, rows or people.
    missing
        "refuse" or "drop": what is done with rows that lack a value.
    separator, decimal
        How text is written: "comma", "semicolon", "tab" or the character, and "point" or "comma"; None finds it out.
    name
        What the data set is called.
    per_subject
        Whether each feature is standardised within each subject.
    """

    def __init__(
        self,
        path: str | os.PathLike | list[Path] | pd.DataFrame,
        *,
        modality: str = "eeg_eye",
        label: str = "label",
        trial: str = "trial",
        subject_column: str = "subject",
        session_column: str = "session",
        stimulus_column: str = "stimulus",
        eye: Sequence[str] = (),
        features: Sequence[str] = (),
        drop: Sequence[str] = (),
        keep: Sequence[str] = (),
        missing: table.Missing = "refuse",
        separator: table.Separator | None = None,
        decimal: table.Decimal | None = None,
        name: str = "features",
        per_subject: bool = False,
        **shared: Unpack[Shared],
    ):
        super().__init__(
            _table, path=path, modality=modality, label=label, trial=trial, subject_column=subject_column,
            session_column=session_column, stimulus_column=stimulus_column, eye=eye, features=features, drop=drop,
            keep=keep, missing=missing, separator=separator, decimal=decimal, name=name, per_subject=per_subject,
            **shared,
        )  # fmt: skip


class FACEDDataModule(ExperimentDataModule):
    """FACED from a folder, loaded by `emogan.data.faced.load`; EEG alone.

    Attributes, and what is raised, are those of `ExperimentDataModule`.

    Parameters
    ----------
    root
        A folder at, above or inside its EEG_Features.
    modality
        "eeg", or "eeg_eye" for all features that there are.
    classes
        "emotion" has the nine emotions; "valence" has negative, neutral and positive.
    """

    def __init__(
        self,
        root: str | os.PathLike,
        *,
        modality: str = "eeg_eye",
        classes: str = "emotion",
        **shared: Unpack[Shared],
    ):
        super().__init__(faced.load, root=root, modality=modality, classes=classes, **shared)


class AMIGOSDataModule(ExperimentDataModule):
    """AMIGOS from a folder, whose features are extracted once and kept (`emogan.recordings.amigos.load`); EEG alone.

    Attributes, and what is raised, are those of `ExperimentDataModule`.

    Parameters
    ----------
    root
        A folder at, above or inside that of the preprocessed files.
    modality
        "eeg", or "eeg_eye" for all features that there are.
    target
        What is rated: "valence", "arousal", "dominance", "liking" or "familiarity".
    threshold
        A trial rated so or above is high, one rated below is low.
    cache
        The folder that keeps the features.
    settings
        Those of conf/extraction.yaml that are to have another value than with ``data=amigos``.
    jobs
        How many people are extracted at the same time.
    per_subject
        Whether each feature is standardised within each subject.
    """

    def __init__(
        self,
        root: str | os.PathLike,
        *,
        modality: str = "eeg_eye",
        target: str = "valence",
        threshold: OneToNine = 5,
        cache: str | Path = "outputs/features/amigos",
        settings: Mapping = MappingProxyType({}),
        jobs: PositiveInt = 1,
        per_subject: bool = False,
        **shared: Unpack[Shared],
    ):
        super().__init__(
            _extracted, name="amigos", root=root, modality=modality, target=target, threshold=threshold, cache=cache,
            settings=settings, jobs=jobs, per_subject=per_subject, **shared,
        )  # fmt: skip


class DEAPDataModule(ExperimentDataModule):
    """DEAP from a folder, whose features are extracted once and kept (`emogan.recordings.deap.load`); EEG alone.

    Attributes, and what is raised, are those of `ExperimentDataModule`.

    Parameters
    ----------
    root
        A folder at, above or inside that of the preprocessed files.
    modality
        "eeg", or "eeg_eye" for all features that there are.
    target
        What is rated: "valence", "arousal", "dominance" or "liking".
    threshold
        A trial rated so or above is high, one rated below is low.
    cache
        The folder that keeps the features.
    settings
        Those of conf/extraction.yaml that are to have another value than with ``data=deap``.
    jobs
        How many people are extracted at the same time.
    per_subject
        Whether each feature is standardised within each subject.
    """

    def __init__(
        self,
        root: str | os.PathLike,
        *,
        modality: str = "eeg_eye",
        target: str = "valence",
        threshold: OneToNine = 5,
        cache: str | Path = "outputs/features/deap",
        settings: Mapping = MappingProxyType({}),
        jobs: PositiveInt = 1,
        per_subject: bool = False,
        **shared: Unpack[Shared],
    ):
        super().__init__(
            _extracted, name="deap", root=root, modality=modality, target=target, threshold=threshold, cache=cache,
            settings=settings, jobs=jobs, per_subject=per_subject, **shared,
        )  # fmt: skip


class DREAMERDataModule(ExperimentDataModule):
    """DREAMER from its file, whose features are extracted once and kept (`emogan.recordings.dreamer.load`); EEG alone.

    Attributes, and what is raised, are those of `ExperimentDataModule`.

    Parameters
    ----------
    root
        The file DREAMER.mat, or a folder at or above it.
    modality
        "eeg", or "eeg_eye" for all features that there are.
    target
        What is rated: "valence", "arousal" or "dominance".
    threshold
        A trial rated so or above is high, one rated below is low.
    last_s
        How many seconds of each clip's end are taken; None takes the whole clip.
    cache
        The folder that keeps the features.
    settings
        Those of conf/extraction.yaml that are to have another value than with ``data=dreamer``.
    jobs
        How many people are extracted at the same time.
    per_subject
        Whether each feature is standardised within each subject.
    """

    def __init__(
        self,
        root: str | os.PathLike,
        *,
        modality: str = "eeg_eye",
        target: str = "valence",
        threshold: Annotated[float, at_least(1), at_most(5)] = 3,
        last_s: PositiveFloat | None = 60,
        cache: str | Path = "outputs/features/dreamer",
        settings: Mapping = MappingProxyType({}),
        jobs: PositiveInt = 1,
        per_subject: bool = False,
        **shared: Unpack[Shared],
    ):
        super().__init__(
            _extracted, name="dreamer", root=root, modality=modality, target=target, threshold=threshold, last_s=last_s,
            cache=cache, settings=settings, jobs=jobs, per_subject=per_subject, **shared,
        )  # fmt: skip


class MAHNOBDataModule(ExperimentDataModule):
    """MAHNOB-HCI from a folder, whose features are extracted once and kept (`emogan.recordings.mahnob.load`).

    Attributes, and what is raised, are those of `ExperimentDataModule`.

    Parameters
    ----------
    root
        A folder at or above that of the session folders.
    modality
        "eeg", "eye" or "eeg_eye".
    target
        What was felt: "valence", "arousal", "control" or "predictability", which are rated; or "emotion".
    threshold
        A trial rated so or above is high, one rated below is low.
    leave_out
        Numbers of session folders to leave out, such as those of damaged files.
    cache
        The folder that keeps the features.
    settings
        Those of conf/extraction.yaml that are to have another value than with ``data=mahnob``.
    jobs
        How many people are extracted at the same time.
    per_subject
        Whether each feature is standardised within each subject.
    """

    def __init__(
        self,
        root: str | os.PathLike,
        *,
        modality: str = "eeg_eye",
        target: str = "valence",
        threshold: OneToNine = 5,
        leave_out: Sequence[NonNegativeInt] = (),
        cache: str | Path = "outputs/features/mahnob",
        settings: Mapping = MappingProxyType({}),
        jobs: PositiveInt = 1,
        per_subject: bool = False,
        **shared: Unpack[Shared],
    ):
        super().__init__(
            _extracted, name="mahnob", root=root, modality=modality, target=target, threshold=threshold,
            leave_out=leave_out, cache=cache, settings=settings, jobs=jobs, per_subject=per_subject, **shared,
        )  # fmt: skip


def _extracted(name: str, **settings) -> FeatureSet:
    """A data set of signals by its name, whose other settings of the extraction are those of conf/data."""
    return named.load(name, **settings)


def _table(path, *, subject_column: str, session_column: str, stimulus_column: str, **settings) -> FeatureSet:
    columns = {name: f"{name}_column" for name in ("subject", "session", "stimulus")}
    with worded(PythonWording(columns | ASKED)):
        return table.load(path, subject=subject_column, session=session_column, stimulus=stimulus_column, **settings)


def _several(value: Which) -> Sequence[int | str] | None:
    return value if value is None or (isinstance(value, Sequence) and not isinstance(value, str)) else [value]


def _named(value: object) -> str:
    """A loader, or data, in a few words."""
    if isinstance(value, FeatureSet | pd.DataFrame):
        return f"<{type(value).__name__} of {len(value.x if isinstance(value, FeatureSet) else value)} windows>"
    return f"{value.__module__}.{value.__qualname__}"
