"""Settings of a job: refused by name where impossible, before any work."""

import errno
import logging
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import hydra
import torch
from hydra.core.config_loader import ConfigLoader
from hydra.errors import CompactHydraException
from omegaconf import DictConfig, OmegaConf, open_dict

from emogan import kinds
from emogan.atomic import write_atomically
from emogan.augmenters import Augmenter, DonorWindows, GANAugmenter, NoAugmentation, PersonEffects
from emogan.checks import (
    NonNegativeFloat,
    NonNegativeInt,
    OneOrSeveral,
    PositiveInt,
    one_of,
    refuse_impossible,
)
from emogan.data.donors import Donors
from emogan.data.features import FeatureSet, Modality
from emogan.data.folds import ACROSS_EXPERIMENTS, FoldCount, Folds, resolve
from emogan.data.members import Stimuli
from emogan.data.scaling import FitOn
from emogan.evaluation.classifiers import Exponents
from emogan.evaluation.plan import INNER
from emogan.evaluation.protocol import CHOICE
from emogan.jobs.scores import OBJECTIVES
from emogan.keys import check_keys, reason, unknown_in
from emogan.models import TrialCBEGAN
from emogan.training.trainer import TrainerSettings

log = logging.getLogger(__name__)

UNKNOWN_ARGUMENT = re.compile(r"got an unexpected keyword argument '(\w+)'")


SETTINGS = {  # the classes and functions that `data`, `model` and `classifier` name check their own
    "data.subjects": Sequence[int | str] | None,
    "data.sessions": Sequence[int | str] | None,
    "modality": Modality,
    "n_aug": OneOrSeveral[NonNegativeInt],
    "seed": NonNegativeInt,
    "quality": bool,
    "optimized_metric": Annotated[str, one_of(OBJECTIVES)],
    "scaling.fit_on": FitOn,
    "evaluation.folds": Folds,
    "evaluation.n_folds": FoldCount,
    "evaluation.stimuli": Stimuli,
    "evaluation.inner": Annotated[str, one_of(INNER)],
    "evaluation.inner_folds": FoldCount,
    "evaluation.choice": Annotated[str, one_of(CHOICE)],
    "evaluation.trials_per_class": PositiveInt | None,
    "evaluation.permute_labels": bool,
    "evaluation.equal_windows": Literal["refuse", "report"],
    "evaluation.c_exponents": Exponents,
    "evaluation.libsvm_iterations": PositiveInt,
    "machine.threads": PositiveInt | None,
    "machine.workers": PositiveInt | None,
    "machine.group_size": PositiveInt | None,
    "machine.accelerator": Literal["cpu", "gpu", "auto"],
    "machine.checkpoint_s": NonNegativeFloat | None,
    "machine.keep_checkpoints": bool,
}


def check_settings(cfg: DictConfig) -> list[int]:
    """Refuse unknown keys and values that `SETTINGS` does not allow; return all n_aug."""
    check_values(cfg, SETTINGS)
    check_gpu(cfg)
    return sorted(set(cfg.n_aug if OmegaConf.is_list(cfg.n_aug) else [cfg.n_aug]))


def check_values(cfg: DictConfig, hints: Mapping[str, Any], command: str = "train", *, complete: bool = True) -> None:
    """Refuse a configuration of a command with unknown or missing keys, or values that their annotations do not allow.

    Values may be missing in one that is not ``complete``, as a sweeper chooses them later.

    Raises
    ------
    ValueError
        Naming the key.
    """
    check_keys(cfg, command)
    missing = sorted(OmegaConf.missing_keys(cfg))
    if missing and complete:
        raise ValueError(f"{missing[0]}: expected a value, got none. Give it as {missing[0]}=...")
    refuse_impossible({name: OmegaConf.select(cfg, name) for name in hints if name not in missing}, hints)


def check_gpu(cfg: DictConfig) -> None:
    """Refuse to train on a GPU where there is none: in the job itself, which may run on another machine.

    Raises
    ------
    ValueError
        Naming the setting.
    """
    if cfg.machine.accelerator == "gpu" and not torch.accelerator.is_available():
        raise ValueError("machine.accelerator: expected cpu or auto, as torch finds no GPU here, got 'gpu'")


def check_sweep(config: DictConfig, jobs: Iterable[Sequence[str]] | None, loader: ConfigLoader) -> None:
    """Refuse a sweep if a job has an unknown or missing key or an impossible value, or if many would share a GPU.

    Parameters
    ----------
    config
        Of the sweep, with the `hydra` node.
    jobs
        Overrides of each job, None if they are not known. A job is looked at if it has a combination of options of
        groups, or a value, that no job before it has: not every combination of many values is composed. Values of
        ``model`` and ``gan`` count with the options, as these say what they may be.
    loader
        Hydra's, which composes the configurations of the jobs.

    Raises
    ------
    ValueError, ImportError
        As `check_values` and the model say, or Hydra of what it cannot compose.
    """
    looked_at, seen = [], set()
    for job in jobs or ():
        options = tuple(one for one in job if one.partition("=")[0].lstrip("+") in config.hydra.runtime.choices)
        values = {(options, one) if one.startswith(("model.", "gan.")) else one for one in job}
        if new := {options, *values} - seen:
            looked_at.append(job)
            seen |= new
    try:
        configs = [config] if jobs is None else [loader.load_sweep_config(config, list(job)) for job in looked_at]
    except CompactHydraException as error:
        raise ValueError(reason(error)) from error
    on_gpu = config.machine.accelerator != "cpu" and torch.accelerator.is_available()
    if on_gpu and config.hydra.launcher.get("n_jobs") == -1:  # as machine=laptop has it
        raise ValueError(
            "hydra.launcher.n_jobs: expected the number of jobs that share a GPU, got -1, which is one for each core. "
            "Add hydra.launcher.n_jobs=1"
        )
    for composed in configs:
        cfg = OmegaConf.masked_copy(composed, [key for key in composed if key != "hydra"])
        cfg.folder = "of a job"  # which Hydra tells the job alone
        check_values(cfg, SETTINGS, complete=jobs is not None)
        construct(with_gan_settings(cfg).model)  # it hands settings on to the GAN, which alone knows their names


def check_donors(cfg: DictConfig, donors: Donors, augmenter: Augmenter) -> None:
    """Refuse donors where nothing could learn from them.

    Raises
    ------
    ValueError
        Naming the setting.
    """
    if donors and donors.fine_tuning:
        _check_fine_tuning(donors, augmenter)
    if isinstance(augmenter, DonorWindows | PersonEffects) and not donors:
        raise ValueError(f"donors: expected others, own_sessions or both with model={augmenter.name}, got none")
    if isinstance(augmenter, PersonEffects):
        if donors.learn_from != "both":
            raise ValueError(f"donors.learn_from: expected both with model={augmenter.name}, got {donors.learn_from}")
        if donors.alignment == "covariance":
            raise ValueError(
                f"donors.alignment: expected one of single features with model={augmenter.name}, as z_score, got "
                "covariance"
            )
    if not donors:
        unused = [f"donors.{name}" for name, value in vars(donors).items() if value != vars(Donors())[name]]
        if unused:
            log.warning(
                "%s: no effect, as no donors are taken. donors=others or donors=own_sessions takes some.",
                ", ".join(unused),
            )
        return
    if missing := [f"data.{name}" for name in ("subjects", "sessions") if name not in cfg.data]:
        raise ValueError(f"donors: expected a loader of data that takes subjects and sessions, got no {missing[0]}")
    if isinstance(augmenter, NoAugmentation):
        raise ValueError(
            "model: expected one that learns from donors, got none. model=donor_windows trains the classifier on the "
            "donors' windows beside the target's own, n_aug of them"
        )
    _check_folds(cfg.evaluation.folds)


def _check_fine_tuning(donors: Donors, augmenter: Augmenter) -> None:
    if not isinstance(augmenter, GANAugmenter):
        raise ValueError(
            f"donors.fine_tuning: expected 0 with model={augmenter.name}, which is not trained by iterations, "
            f"got {donors.fine_tuning}. Choose a generator that is, as model=cbegan"
        )
    if issubclass(augmenter.gan, TrialCBEGAN):
        raise ValueError(
            f"donors.fine_tuning: expected 0 with model={augmenter.name}, which is held to the trial means at which it "
            f"starts, the donors' among them, got {donors.fine_tuning}. Choose another generator, as model=cbegan"
        )
    if window := augmenter.training["plateau_window"]:
        raise ValueError(
            "model.plateau_window: expected 0 with donors.fine_tuning, as a generator that stops early may never "
            f"reach it, got {window}"
        )


def _check_folds(folds: str) -> None:
    if folds in ACROSS_EXPERIMENTS:
        raise ValueError(
            "evaluation.folds: expected folds within an experiment, as paper, front_back or trials, with donors, got "
            f"{folds}, whose training sets are of several experiments already"
        )


def with_gan_settings(cfg: DictConfig) -> DictConfig:
    """The configuration of a job whose model, where it is a GAN, has the settings that ``gan`` gives it."""
    given = {name: value for name, value in cfg.gan.items() if value is not None}
    if not given or "gan" not in cfg.model:
        return cfg
    with open_dict(cfg):  # a GAN of one's own may leave some to their defaults
        return OmegaConf.merge(cfg, {"model": given})


def resolve_folds(cfg: DictConfig, features: FeatureSet, donors: Donors) -> DictConfig:
    """The configuration of a job on some data, with the name of the folds that `evaluation.folds=auto` stands for.

    Raises
    ------
    ValueError
        If there are donors and the data set's own folds are not within an experiment.
    """
    folds = resolve(cfg.evaluation.folds, features)
    if donors:
        _check_folds(folds)
    return OmegaConf.merge(cfg, {"evaluation": {"folds": folds}})


def trainer_settings(cfg: DictConfig) -> TrainerSettings:
    """How the GANs of a job are trained, without its loggers."""
    plain = OmegaConf.to_container(cfg, resolve=True)
    return TrainerSettings(plain["trainer"], plain.get("callbacks"))


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
            raise unknown_in(node, f"{node._get_full_key(None)}.", refused[1]) from None
        raise
    if kind is not None:
        kinds.check_instance(made, kind, node._get_full_key(None))
    return made


def check_writable(folder: Path, option: str) -> None:
    """Write and remove a megabyte, so that a full disk or a read-only place is known before training.

    ``option`` is the one that names another folder.
    """
    probe = folder / f".probe-{uuid.uuid4().hex}"
    try:
        write_atomically(probe, bytes(1 << 20))
        probe.unlink(missing_ok=True)
    except OSError as error:
        advice = "Free some space or choose" if error.errno == errno.ENOSPC else "Choose"
        raise OSError(
            error.errno, f"cannot write to {folder}: {error.strerror}. {advice} another {option}=FOLDER"
        ) from error
