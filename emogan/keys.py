"""Keys of a configuration: one that does not exist, or that was deleted though it is needed, is refused by name."""

import functools
import inspect
import pkgutil
from collections.abc import Collection, Mapping
from difflib import get_close_matches

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import create_config_search_path
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from emogan.environment import config_dir

HYDRA = "hydra"  # the node of a configuration that is not the command's
TARGET, PARTIAL, ARGUMENTS = "_target_", "_partial_", "_args_"
OF_HYDRA = (TARGET, PARTIAL, ARGUMENTS, "_convert_", "_recursive_")  # what a call holds beside its arguments
MODEL = "model"  # the group whose options are of the model alone
NAMED_BY_USERS = ("logger", "callbacks")  # groups of calls whose names users choose


def check_keys(cfg: DictConfig, command: str = "train") -> None:
    """Refuse a configuration whose keys are not those of a command's own, conf/COMMAND.yaml.

    A node with a `_target_` may have the arguments that its class or function takes, and needs those without a default.

    Raises
    ------
    ValueError
        Naming the key, the keys that exist and the one that was probably meant.
    """
    _check({key: value for key, value in OmegaConf.to_container(cfg).items() if key != HYDRA}, _own(command), "")


def reason(error: Exception) -> str:
    """The message of an error of Hydra; for a key that does not exist, the message that `check_keys` gives."""
    cause = error.__cause__
    if isinstance(cause, ConfigKeyError | ConfigAttributeError) and isinstance(cause.parent_node, DictConfig):
        return str(unknown_in(cause.parent_node, cause.full_key.removesuffix(cause.key), cause.key))
    return f"{error}\n{cause}" if isinstance(cause, OmegaConfBaseException) else str(error)


def composed(command: str, *overrides: str) -> DictConfig:
    """A command's configuration, in a command of Hydra too, where hydra.compose would refuse to run."""
    loader = ConfigLoaderImpl(create_config_search_path(config_dir()))
    return loader.load_configuration(command, list(overrides), RunMode.RUN)


@functools.cache
def _own(command: str) -> dict:
    """The configuration of a command without any override."""
    return {key: value for key, value in OmegaConf.to_container(composed(command)).items() if key != HYDRA}


def _check(node: Mapping, own: Mapping, name: str) -> None:
    _refuse_unknown(node, own, name)
    for key, expected in own.items():
        full = f"{name}{key}"
        _need(key in node, full)
        if key in NAMED_BY_USERS:
            if not isinstance(node[key], Mapping | None):
                raise ValueError(f"{full}: expected names, each with a class to call, got {node[key]!r}")
            for entry, call in (node[key] or {}).items():
                _need(call is None or (isinstance(call, Mapping) and TARGET in call), f"{full}.{entry}.{TARGET}")
            _check_calls(node[key], full)
        elif isinstance(expected, Mapping):
            if not isinstance(node[key], Mapping):
                raise ValueError(f"{full}: expected the settings {', '.join(expected)}, got {node[key]!r}")
            if TARGET not in expected:
                _check(node[key], expected, f"{full}.")
            else:
                _need(TARGET in node[key], f"{full}.{TARGET}")
                _check_calls(node[key], full)
        elif isinstance(node[key], Mapping):
            raise ValueError(f"{full}: expected a value or a list of them, got {node[key]}")


def _check_calls(node: object, name: str) -> None:
    """Check the arguments of every call in a node: each has those that it needs, and none that it does not take."""
    if isinstance(node, list):
        node = dict(enumerate(node))
    if not isinstance(node, Mapping):
        return
    parameters = _parameters(node[TARGET]) if TARGET in node else None
    if parameters is not None:
        named = [p for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
        for parameter in named if not (node.get(PARTIAL) or ARGUMENTS in node) else ():
            _need(parameter.name in node or parameter.default is not parameter.empty, f"{name}.{parameter.name}")
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            of = node.get("name") if name == MODEL else None
            _refuse_unknown([key for key in node if key not in OF_HYDRA], [p.name for p in named], f"{name}.", of)
    for key, value in node.items():
        _check_calls(value, f"{name}.{key}")


def _parameters(target: object) -> list[inspect.Parameter] | None:
    """Those of a class or function by its dotted name; None if it is not found, which calling it will tell."""
    try:
        return list(inspect.signature(pkgutil.resolve_name(str(target))).parameters.values())
    except (ImportError, AttributeError, ValueError, TypeError):
        return None


def _need(holds: bool, name: str) -> None:
    if not holds:
        raise ValueError(f"{name}: expected a value, got none. Give it as {name}=...")


def _refuse_unknown(given: Collection[str], known: Collection[str], name: str, model: object = None) -> None:
    for key in given:
        if key not in known:
            raise unknown_key(name, key, known, model)


def unknown_in(node: DictConfig, name: str, key: str) -> ValueError:
    """The error that names a key which a node of a configuration cannot have; ``name`` is as in `unknown_key`."""
    known = [own for own in node if own not in (key, HYDRA, *OF_HYDRA)]
    if name != f"{MODEL}.":
        return unknown_key(name, key, known)
    gans = OmegaConf.select(node._get_root(), "gan") or {}
    more = f". gan.{key}=... is for those models of a sweep that are GANs" if key in gans else ""
    return ValueError(f"{unknown_key(name, key, known, node.get('name'))}{more}")


def unknown_key(name: str, key: object, known: Collection[str], model: object = None) -> ValueError:
    """The error that names a key which does not exist.

    ``name`` is that of its node, with a dot at the end; ``model`` is the name of the model that the node is of.
    """
    close = get_close_matches(str(key), known, 1)
    meant = f". Did you mean {name}{close[0]}?" if close else ""
    if model is not None:
        options = [one for one in known if one not in ("gan", "name")]  # which say what it is
        listed = f"its options are {', '.join(options)}" if options else "it has none"
        return ValueError(f"{name}{key}: model={model} has no option {key}; {listed}{meant}")
    return ValueError(f"{name}{key}: expected one of the settings {', '.join(known)}, got {key}{meant}")
