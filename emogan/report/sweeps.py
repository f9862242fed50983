"""Which jobs a sweep should have: its multirun.yaml, expanded as Hydra's basic sweeper does."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError


def combinations(multirun: Path) -> list[tuple[str, ...]]:
    """Overrides of each job of a sweep, in order.

    Raises
    ------
    ValueError
        If the file is not Hydra's, the sweeper is another one or a sweep needs the configuration to be expanded (glob).
    """
    try:
        settings = OmegaConf.load(multirun).hydra
        task = list(settings.overrides.task)
        sweeper, params = settings.sweeper._target_, settings.sweeper.params or {}
    except (OSError, UnicodeDecodeError, YAMLError, AttributeError, TypeError, OmegaConfBaseException) as error:
        raise ValueError(f"expected a file written by Hydra, got {error}") from error
    if not sweeper.endswith(".BasicSweeper"):
        raise ValueError(f"expected a sweep by Hydra's basic sweeper, got {sweeper}: its missing jobs cannot be told")
    try:
        overrides = OverridesParser.create().parse_overrides([f"{k}={v}" for k, v in params.items()] + task)
        (batch,) = BasicSweeper.split_arguments(overrides, None)
    except HydraException as error:
        raise ValueError(f"its sweep cannot be expanded, so its missing jobs cannot be told: {error}") from error
    return [tuple(job) for job in batch]


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
