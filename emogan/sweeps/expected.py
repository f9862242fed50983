"""Which jobs a sweep should have: its multirun.yaml, expanded as Hydra's basic sweeper does."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError


def is_basic(settings: DictConfig) -> bool:
    """Whether a sweep is Hydra's basic sweeper's; any other may choose its next jobs by the results of earlier ones."""
    return settings.sweeper._target_.endswith(".BasicSweeper")


def combinations(multirun: Path) -> list[tuple[str, ...]] | None:
    """Overrides of each job of the sweep that wrote a multirun.yaml, in order; None if they are not known beforehand.

    Raises
    ------
    ValueError
        If the file is not Hydra's or its sweep cannot be expanded, see `expand`.
    """
    try:
        settings = OmegaConf.load(multirun).hydra
        list(settings.overrides.task), settings.sweeper._target_
    except (OSError, UnicodeDecodeError, YAMLError, AttributeError, TypeError, OmegaConfBaseException) as error:
        raise ValueError(f"expected a file written by Hydra, got {error}") from error
    return expand(settings)


def expand(settings: DictConfig, loader: ConfigLoader | None = None) -> list[tuple[str, ...]] | None:
    """Overrides of each job of a sweep, in order; None if the sweeper is not the basic one, see `is_basic`.

    ``settings`` are a configuration's `hydra`.

    Raises
    ------
    ValueError
        If the basic sweeper does not know a kind of sweep, or it is over a glob, which needs a loader.
    """
    if not is_basic(settings):
        return None
    task = [f"{key}={value}" for key, value in (settings.sweeper.params or {}).items()] + list(settings.overrides.task)
    try:
        (batch,) = BasicSweeper.split_arguments(OverridesParser.create(loader).parse_overrides(task), None)
    except HydraException as error:
        raise ValueError(f"its sweep cannot be expanded, so its missing jobs are not known: {error}") from error
    return [tuple(job) for job in batch]


def refuse_shared_folders(subdir: str, jobs: Iterable[tuple[str, ...]] | None) -> None:
    """Refuse a sweep two of whose jobs would write into one folder; ``subdir`` is hydra.sweep.subdir, not resolved.

    ``jobs`` are the overrides of each; None, if they are not known, asks for a number in the folders' names.

    Raises
    ------
    ValueError
        If two jobs differ, or may differ, in nothing that names their folders.
    """
    names = re.findall(r"\$\{(?:hydra:)?([\w.]+)\}", subdir)
    if any(name.endswith("job.num") for name in names):
        return
    if jobs is None:
        raise ValueError(
            f"two jobs of this sweep could share a folder, {subdir}. Give 'hydra.sweep.subdir=${{hydra.job.num}}'"
        )

    def names_folder(override: str) -> bool:
        key = override.partition("=")[0].lstrip("+~")
        return any(name == key or name.startswith(f"{key}.") or name.endswith(f".{key}") for name in names)

    known: dict[frozenset, tuple[str, ...]] = {}
    for job in jobs:
        other = known.setdefault(frozenset(filter(names_folder, job)), job)
        if other is not job:
            differ = ", ".join(one for one in job if one not in other)
            raise ValueError(
                f"two jobs of this sweep would share a folder: {differ or 'equal ones'} is not in its name, {subdir}. "
                "Give hydra.sweep.subdir=..., or a sweep of its own to each value"
            )


def missing(expected: Iterable[tuple[str, ...]], found: Iterable[Iterable[str]]) -> list[tuple[str, ...]]:
    """Those expected combinations of overrides that no job found has, in order."""
    left = Counter(frozenset(overrides) for overrides in found)
    absent = []
    for overrides in expected:
        if left[frozenset(overrides)]:
            left[frozenset(overrides)] -= 1
        else:
            absent.append(overrides)
    return absent
