"""Settings of a job: refused by name where impossible, before any work."""

import os
import re
from pathlib import Path

import hydra
import torch
from omegaconf import DictConfig, OmegaConf

from emogan import kinds
from emogan.atomic import write_atomically
from emogan.checks import is_integer, is_number
from emogan.data.features import MODALITIES, FeatureSet
from emogan.data.folds import AUTO, SPLITTERS, resolve
from emogan.evaluation.plan import INNER
from emogan.evaluation.protocol import CHOICE
from emogan.jobs.scores import OBJECTIVES
from emogan.keys import check_keys, unknown_key

UNKNOWN_ARGUMENT = re.compile(r"got an unexpected keyword argument '(\w+)'")


def check_settings(cfg: DictConfig) -> list[int]:
    """Refuse unknown keys, and impossible values outside `data` and `model`, which check theirs; return all n_aug."""
    check_keys(cfg)
    missing = sorted(OmegaConf.missing_keys(cfg))
    if missing:
        raise ValueError(f"{missing[0]}: expected a value, got none. Give it as {missing[0]}=...")
    sizes = OmegaConf.to_container(cfg)["n_aug"]
    sizes = sizes if isinstance(sizes, list) else [sizes]
    exponents = OmegaConf.to_container(cfg)["evaluation"]["c_exponents"]
    pair = isinstance(exponents, list) and len(exponents) == 2 and all(is_integer(e) for e in exponents)
    checks = {
        "n_aug": (bool(sizes) and all(is_integer(n, 0) for n in sizes), "a whole number >= 0 or a list of them"),
        "evaluation.c_exponents": (pair and exponents[0] <= exponents[1], "two whole numbers, the lower one first"),
    }
    for name, least in {
        "seed": 0, "evaluation.n_folds": 2, "evaluation.inner_folds": 2, "evaluation.libsvm_iterations": 1
    }.items():  # fmt: skip
        checks[name] = (is_integer(OmegaConf.select(cfg, name), least), f"a whole number >= {least}")
    for name in ("machine.threads", "machine.group_size", "evaluation.trials_per_class"):
        value = OmegaConf.select(cfg, name)
        checks[name] = (value is None or is_integer(value, 1), "a whole number >= 1 or null")
    seconds = cfg.machine.checkpoint_s
    checks["machine.checkpoint_s"] = (
        seconds is None or (is_number(seconds) and seconds >= 0), "a number of seconds or null"
    )  # fmt: skip
    for name in ("evaluation.permute_labels", "quality"):
        checks[name] = (isinstance(OmegaConf.select(cfg, name), bool), "true or false")
    for name in ("data.subjects", "data.sessions"):
        value = OmegaConf.select(cfg, name)
        checks[name] = (value is None or OmegaConf.is_list(value), "a list such as [1,2] or null")
    for name, choices in {
        "modality": MODALITIES, "evaluation.folds": (AUTO, *SPLITTERS), "scaling.fit_on": ("train", "all"),
        "machine.accelerator": ("cpu", "gpu", "auto"), "evaluation.inner": INNER,
        "evaluation.equal_windows": ("refuse", "report"), "evaluation.choice": CHOICE,
        "optimized_metric": OBJECTIVES,
    }.items():  # fmt: skip
        checks[name] = (OmegaConf.select(cfg, name) in tuple(choices), " | ".join(choices))
    for name, (holds, expected) in checks.items():
        if not holds:
            raise ValueError(f"{name}: expected {expected}, got {OmegaConf.select(cfg, name)!r}")
    if cfg.machine.accelerator == "gpu" and not torch.accelerator.is_available():
        raise ValueError("machine.accelerator: expected cpu or auto, as torch finds no GPU here, got 'gpu'")
    return sorted(set(sizes))


def resolve_folds(cfg: DictConfig, features: FeatureSet) -> DictConfig:
    """The configuration of a job on some data, with the name of the folds that `evaluation.folds=auto` stands for."""
    return OmegaConf.merge(cfg, {"evaluation": {"folds": resolve(cfg.evaluation.folds, features)}})


def construct(node: DictConfig, kind: type | None = None):
    """Call what a config node names; what it finds wrong with its settings or files comes out as it was raised.

    Raises
    ------
    ValueError
        If it has an unknown setting, or is not of a class of the given kind with all that this asks for.
    """
    try:
        made = hydra.utils.instantiate(node, _convert_="all")
    except hydra.errors.InstantiationException as error:
        if isinstance(error.__cause__, ValueError | OSError | ImportError):
            raise error.__cause__ from None
        if "abstract class" in str(error.__cause__):  # Python names the methods that are missing
            raise ValueError(f"{node._get_full_key(None)}: {error.__cause__}. Add them to the class") from None
        refused = UNKNOWN_ARGUMENT.search(str(error.__cause__))
        if refused and refused[1] in node:  # by what the class hands its arguments to
            known = [name for name in node if name != refused[1] and not name.startswith("_")]
            raise unknown_key(f"{node._get_full_key(None)}.", refused[1], known) from None
        raise
    if kind is not None:
        kinds.check_instance(made, kind, node._get_full_key(None))
    return made


def check_writable(folder: Path) -> None:
    """Write and remove a megabyte, so that a full disk or a read-only place is known before training."""
    probe = folder / f".probe-{os.getpid()}"
    try:
        write_atomically(probe, bytes(1 << 20))
        probe.unlink()
    except OSError as error:
        raise OSError(
            error.errno, f"cannot write to {folder}: {error.strerror}. Free some space or choose another output=FOLDER"
        ) from error
