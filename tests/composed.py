"""Configurations as Hydra composes them, each choice of options composed once: that takes a quarter of a second."""

import copy
from functools import cache
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from emogan.environment import config_dir


@cache
def _of_options(name: str, options: tuple[str, ...]) -> DictConfig:
    with initialize_config_dir(config_dir(), version_base="1.3"):
        return compose(name, list(options), return_hydra_config=True)


def _is_plain(override: Override) -> bool:
    """Whether it neither adds nor deletes a key."""
    return override.type == OverrideType.CHANGE and override.package is None and not override.is_sweep_override()


def _is_value(override: Override) -> bool:
    """Whether it sets a value, which Hydra does after all else, by `OmegaConf.update`, and chooses no option."""
    return not override.key_or_group.startswith("hydra") and not Path(config_dir(), override.key_or_group).is_dir()


def composed(*overrides: str, name: str = "train", hydra: bool = False) -> DictConfig:
    """The configuration that a command with these overrides has; with its `hydra` node on request."""
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    values = [override for override in parsed if _is_value(override)] if all(map(_is_plain, parsed)) else []
    options = tuple(text for text, override in zip(overrides, parsed, strict=True) if override not in values)
    cfg = copy.deepcopy(_of_options(name, options))
    try:
        for override in values:
            OmegaConf.update(cfg, override.key_or_group, override.value(), merge=True)
    except OmegaConfBaseException:
        return _of_options(name, overrides)  # which Hydra refuses in its own words
    if not hydra:
        with open_dict(cfg):
            del cfg["hydra"]
    return cfg
