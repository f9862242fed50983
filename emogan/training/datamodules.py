"""LightningDataModules of the data sets, of their simulation and of tables of one's own."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, Unpack

import pandas as pd

from emogan.checks import NonNegativeInt, OneToNine, PositiveFloat, PositiveInt, at_least, at_most, one_of
from emogan.data import faced, named, table
from emogan.data.features import FeatureSet, Modality
from emogan.data.readers import amigos, deap, dreamer, mahnob
from emogan.data.seed import multimodal, seed, seed_fra, seed_ger, seed_iv, seed_v, seed_vii
from emogan.simulation import people
from emogan.training.experiment_datamodule import ASKED, ExperimentDataModule, Shared
from emogan.wording import PythonWording, worded


class _DataSet(ExperimentDataModule):
    """What the settings mean that several data sets have.

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
    threshold
        A trial rated at this value or above is high, one rated below it is low.
    cache
        The folder that keeps the features.
    settings
        Those of conf/extraction.yaml that are to have another value than with the data set's ``data=NAME``.
    jobs
        How many people are extracted at the same time.
    per_subject
        Whether each feature is standardised within each subject.
    """


class SEEDDataModule(_DataSet):
    """SEED from a folder, loaded by `emogan.data.seed.seed.load`.

    Attributes, and what is raised, are those of `ExperimentDataModule`.

    Parameters
    ----------
    eeg_source
        "extracted": ExtractedFeatures of 15 subjects; "multimodal": SEED_Multimodal's 12 subjects with eye movements.
    """

    def __init__(
        self,
        root: str | os.PathLike,
        *,
        modality: Modality = "eeg_eye",
        feature: seed.Feature = "de_LDS",
        window_s: Annotated[int, one_of(multimodal.WINDOWS)] = 4,
        eeg_source: Literal["extracted", "multimodal"] = "extracted",
        **shared: Unpack[Shared],
    ):
        super().__init__(
            seed.load, root=root, modality=modality, feature=feature, window_s=window_s, eeg_source=eeg_source,
            **shared,
        )  # fmt: skip


class SEEDVDataModule(_DataSet):
    """SEED-V from a folder, loaded by `emogan.data.seed.seed_v.load`.

    Attributes, and what is raised, are those of `ExperimentDataModule`.

    Parameters
    ----------
    eeg_order
        How the files order the 310 EEG features: "channel_major" or "band_major".
    """

    def __init__(
        self,
        root: str | os.PathLike,
        *,
        modality: Modality = "eeg_eye",
        eeg_order: Annotated[str, one_of(seed_v.EEG_ORDERS)] = "channel_major",
        **shared: Unpack[Shared],
    ):
        super().__init__(seed_v.load, root=root, modality=modality, eeg_order=eeg_order, **shared)


class SEEDIVDataModule(_DataSet):
    """SEED-IV from a folder, loaded by `emogan.data.seed.seed_iv.load`.

    Attributes, and what is raised, are those of `ExperimentDataModule`.
    """

    def __init__(
        self,
        root: str | os.PathLike,
        *,
        modality: Modality = "eeg_eye",
        feature: seed.Feature = "de_LDS",
        **shared: Unpack[Shared],
    ):
        super().__init__(seed_iv.load, root=root, modality=modality, feature=feature, **shared)


class SEEDVIIDataModule(_DataSet):
    """SEED-VII from a folder, loaded by `emogan.data.seed.seed_vii.load`.

    Attributes, and what is raised, are those of `ExperimentDataModule`.

    Parameters
    ----------
    feature
        "de_LDS", "de" or "psd": differential entropy, smoothed by a linear dynamic system or not, or power.
    clip_statistics
        Whether to take the nine eye movement features that are the same in all windows of a clip.
    """

    def __init__(
        self,
        root: str | os.PathLike,
        *,
        modality: Modality = "eeg_eye",
        feature: Annotated[str, one_of(seed_vii.FEATURES)] = "de_LDS",
        clip_statistics: bool = True,
        **shared: Unpack[Shared],
    ):
        super().__init__(
            seed_vii.load, root=root, modality=modality, feature=feature, clip_statistics=clip_statistics, **shared,
        )  # fmt: skip


class SEEDFRADataModule(_DataSet):
    """SEED-FRA from a folder, loaded by `emogan.data.seed.seed_fra.load`.

    Attributes, and what is raised, are those of `ExperimentDataModule`.
    """

    def __init__(
        self,
        root: str | os.PathLike,
        *,
        modality: Modality = "eeg_eye",
        window_s: Annotated[int, one_of(multimodal.WINDOWS)] = 4,
        **shared: Unpack[Shared],
    ):
        super().__init__(seed_fra.load, root=root, modality=modality, window_s=window_s, **shared)


class SEEDGERDataModule(_DataSet):
    """SEED-GER from a folder, loaded by `emogan.data.seed.seed_ger.load`.

    Attributes, and what is raised, are those of `ExperimentDataModule`.
    """

    def __init__(
        self,
        root: str | os.PathLike,
        *,
        modality: Modality = "eeg_eye",
        window_s: Annotated[int, one_of(multimodal.WINDOWS)] = 4,
        **shared: Unpack[Shared],
    ):
        super().__init__(seed_ger.load, root=root, modality=modality, window_s=window_s, **shared)


class SyntheticDataModule(_DataSet):
    """Simulated data, which need no files, by `emogan.simulation.people.load`.

    Attributes, and what is raised, are those of `ExperimentDataModule`.

    Parameters
    ----------
    preset
        The data set that is simulated: "seed", "seed_v", "seed_iv", "seed_vii", "seed_fra" or "seed_ger".
    simulation_seed
        Another number simulates other subjects.
    rounds
        How often a session goes through the preset's trials, with other clips each time.
    """

    def __init__(
        self,
        preset: Annotated[str, one_of(people.PRESETS)] = "seed",
        *,
        modality: Modality = "eeg_eye",
        simulation_seed: NonNegativeInt = 0,
        rounds: PositiveInt = 1,
        **shared: Unpack[Shared],
    ):
        super().__init__(
            people.load, preset=preset, modality=modality, simulation_seed=simulation_seed, rounds=rounds, **shared,
        )  # fmt: skip


class TableDataModule(_DataSet):
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
    """

    def __init__(
        self,
        path: str | os.PathLike | list[Path] | pd.DataFrame,
        *,
        modality: Modality = "eeg_eye",
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


class FACEDDataModule(_DataSet):
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
        modality: Modality = "eeg_eye",
        classes: Annotated[str, one_of(faced.CLASSES)] = "emotion",
        **shared: Unpack[Shared],
    ):
        super().__init__(faced.load, root=root, modality=modality, classes=classes, **shared)


class AMIGOSDataModule(_DataSet):
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
    """

    def __init__(
        self,
        root: str | os.PathLike,
        *,
        modality: Modality = "eeg_eye",
        target: Annotated[str, one_of(amigos.SCALES)] = "valence",
        threshold: OneToNine = 5,
        cache: str | Path = "outputs/features/amigos",
        settings: Mapping = MappingProxyType({}),
        jobs: PositiveInt = 1,
        per_subject: bool = False,
        **shared: Unpack[Shared],
    ):
        super().__init__(
            named.load, name="amigos", root=root, modality=modality, target=target, threshold=threshold, cache=cache,
            settings=settings, jobs=jobs, per_subject=per_subject, **shared,
        )  # fmt: skip


class DEAPDataModule(_DataSet):
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
    """

    def __init__(
        self,
        root: str | os.PathLike,
        *,
        modality: Modality = "eeg_eye",
        target: Annotated[str, one_of(deap.SCALES)] = "valence",
        threshold: OneToNine = 5,
        cache: str | Path = "outputs/features/deap",
        settings: Mapping = MappingProxyType({}),
        jobs: PositiveInt = 1,
        per_subject: bool = False,
        **shared: Unpack[Shared],
    ):
        super().__init__(
            named.load, name="deap", root=root, modality=modality, target=target, threshold=threshold, cache=cache,
            settings=settings, jobs=jobs, per_subject=per_subject, **shared,
        )  # fmt: skip


class DREAMERDataModule(_DataSet):
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
    last_s
        How many seconds of each clip's end are taken; None takes the whole clip.
    """

    def __init__(
        self,
        root: str | os.PathLike,
        *,
        modality: Modality = "eeg_eye",
        target: Annotated[str, one_of(dreamer.SCALES)] = "valence",
        threshold: Annotated[float, at_least(1), at_most(5)] = 3,
        last_s: PositiveFloat | None = 60,
        cache: str | Path = "outputs/features/dreamer",
        settings: Mapping = MappingProxyType({}),
        jobs: PositiveInt = 1,
        per_subject: bool = False,
        **shared: Unpack[Shared],
    ):
        super().__init__(
            named.load, name="dreamer", root=root, modality=modality, target=target, threshold=threshold, last_s=last_s,
            cache=cache, settings=settings, jobs=jobs, per_subject=per_subject, **shared,
        )  # fmt: skip


class MAHNOBDataModule(_DataSet):
    """MAHNOB-HCI from a folder, whose features are extracted once and kept (`emogan.recordings.mahnob.load`).

    Attributes, and what is raised, are those of `ExperimentDataModule`.

    Parameters
    ----------
    root
        A folder at or above that of the session folders.
    target
        What was felt: "valence", "arousal", "control" or "predictability", which are rated; or "emotion".
    leave_out
        Numbers of session folders to leave out, such as those of damaged files.
    """

    def __init__(
        self,
        root: str | os.PathLike,
        *,
        modality: Modality = "eeg_eye",
        target: Annotated[str, one_of(mahnob.TARGETS)] = "valence",
        threshold: OneToNine = 5,
        leave_out: Sequence[NonNegativeInt] = (),
        cache: str | Path = "outputs/features/mahnob",
        settings: Mapping = MappingProxyType({}),
        jobs: PositiveInt = 1,
        per_subject: bool = False,
        **shared: Unpack[Shared],
    ):
        super().__init__(
            named.load, name="mahnob", root=root, modality=modality, target=target, threshold=threshold,
            leave_out=leave_out, cache=cache, settings=settings, jobs=jobs, per_subject=per_subject, **shared,
        )  # fmt: skip


def _table(path, *, subject_column: str, session_column: str, stimulus_column: str, **settings) -> FeatureSet:
    columns = {name: f"{name}_column" for name in ("subject", "session", "stimulus")}
    with worded(PythonWording(columns | ASKED)):
        return table.load(path, subject=subject_column, session=session_column, stimulus=stimulus_column, **settings)
