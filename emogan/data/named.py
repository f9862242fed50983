"""Loading a data set by its name, with the settings of its file in conf/data."""

from collections.abc import Mapping
from pathlib import Path

from hydra.utils import get_method
from omegaconf import OmegaConf

from emogan.data.features import FeatureSet
from emogan.environment import config_dir
from emogan.keys import composed, unknown_key


def load(name: str, **settings) -> FeatureSet:
    """Load a data set as ``data=NAME`` of the commands does: ``load("seed_v", root=DIR, subjects=[1])``.

    Parameters
    ----------
    name
        The name of a file in conf/data, such as "seed", "faced" or "features".
    **settings
        Those of the file that are to have another value than there. ``modality`` is "eeg_eye" if not given.

    Raises
    ------
    ValueError, FileNotFoundError
        If there is no such data set or setting, one that is needed is missing, or as the loader says.
    """
    node = settings_of(name)
    for key, value in settings.items():
        if key not in node:
            raise unknown_key("", key, [key for key in node if not key.startswith("_")])
        node[key] = {**node[key], **value} if isinstance(value, Mapping) else value
    return call(node)


def settings_of(name: str) -> dict:
    """The settings of a data set's file in conf/data, ``_target_`` included.

    Raises
    ------
    ValueError
        If there is no such data set.
    """
    names = sorted(path.stem for path in Path(config_dir(), "data").glob("*.yaml"))
    if name not in names:
        raise ValueError(f"expected a data set out of {', '.join(names)}, got {name!r}")
    return OmegaConf.to_container(composed("check", f"data={name}").data, resolve=True)


def call(node: Mapping) -> FeatureSet:
    """Call the loader that a data set's settings name by ``_target_``.

    Raises
    ------
    ValueError, FileNotFoundError
        If a setting is missing, or as the loader says.
    """
    settings = {key: value for key, value in node.items() if not key.startswith("_")}
    for key, value in settings.items():
        if value == "???":
            raise ValueError(f"data.{key}: expected a value, got none")
    return get_method(node["_target_"])(**settings)
