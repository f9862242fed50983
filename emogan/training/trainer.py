"""TrainerSettings: the options of `lightning.Trainer`, the loggers and the callbacks that train groups of GANs."""

import copy
import functools
import inspect
from collections.abc import Mapping, Sequence
from typing import Self

import hydra.utils
import lightning
import torch
from lightning.pytorch.callbacks import (
    Checkpoint,
    DeviceStatsMonitor,
    EarlyStopping,
    LearningRateMonitor,
    ModelSummary,
    ProgressBar,
)
from lightning.pytorch.loggers import Logger
from lightning.pytorch.plugins.environments import LightningEnvironment
from lightning.pytorch.utilities.exceptions import MisconfigurationException

from emogan.environment import quiet_lightning

DEFAULTS = {
    "accelerator": "cpu", "devices": 1, "max_epochs": 1, "precision": "32-true", "log_every_n_steps": 10,
    "enable_progress_bar": False, "enable_model_summary": False,
}  # fmt: skip
NEUTRAL = (
    "accelerator", "devices", "max_time", "profiler", "log_every_n_steps", "enable_progress_bar",
    "enable_model_summary", "enable_checkpointing", "enable_autolog_hparams", "default_root_dir", "detect_anomaly",
)  # fmt: skip
NEUTRAL_CALLBACKS = (Checkpoint, DeviceStatsMonitor, LearningRateMonitor, ModelSummary, ProgressBar)
ONE_DEVICE = "a group of GANs trains on one device. Several jobs use several: machine=laptop, machine=slurm"
ONE_EPOCH = "the length of training is model.iterations, one epoch"
BY_HAND = "GANs update their networks by themselves (manual optimisation), where Lightning offers none of this"
PRECISION = "16-mixed scales the losses of a group's GANs by one factor; 16-true and bf16-true lose small updates"
FIXED = {  # option: what it may be, and why it is nothing else
    "devices": ((1,), ONE_DEVICE),
    "num_nodes": ((1,), ONE_DEVICE),
    "strategy": (("auto", "single_device"), ONE_DEVICE),
    "max_epochs": ((1,), ONE_EPOCH),
    "min_epochs": ((None,), ONE_EPOCH),
    "max_steps": ((-1,), ONE_EPOCH),
    "min_steps": ((None,), ONE_EPOCH),
    "limit_train_batches": ((None,), ONE_EPOCH),
    "overfit_batches": ((None, 0), ONE_EPOCH),
    "fast_dev_run": ((False,), ONE_EPOCH),
    "precision": (("32-true", "bf16-mixed", "32", 32, None), PRECISION),
    "plugins": ((None,), "precision is trainer.precision, and jobs of Slurm are machine=slurm"),
    "accumulate_grad_batches": ((1,), BY_HAND),
    "gradient_clip_val": ((None,), BY_HAND),
    "gradient_clip_algorithm": ((None,), BY_HAND),
    "logger": ((None,), "loggers are a group of their own: logger=csv"),
    "callbacks": ((None,), "callbacks are a group of their own: +callbacks.NAME._target_=..."),
}


class TrainerSettings:
    """With which options, loggers and callbacks GANs are trained.

    Parameters
    ----------
    options
        Of `lightning.Trainer`, or of the subclass named by ``_target_``. What EmoGAN sets itself is refused: several
        devices for a group of GANs, or a length of training other than the GANs' iterations.
    callbacks
        Lightning callbacks by names of the user's: instances, or calls with a ``_target_``, which are made anew for
        each group of GANs.
    loggers
        Lightning loggers, which all groups share.

    Raises
    ------
    ValueError
        If an option is unknown, has an impossible value or must stay as it is; or a callback is none.
    """

    def __init__(
        self,
        options: Mapping[str, object] | None = None,
        callbacks: Mapping[str, object] | None = None,
        loggers: Sequence[Logger] = (),
    ):
        self.options = dict(options or {})
        self.callbacks = {name: call for name, call in (callbacks or {}).items() if call is not None}
        self.loggers = list(loggers)
        for name, (allowed, reason) in FIXED.items():
            value = self.options.get(name, allowed[0])
            one_device = name == "devices" and isinstance(value, list) and len(value) == 1  # [2] is the third one
            if value not in allowed and not one_device:
                choice = " or ".join(str(one) for one in allowed[:2] if one is not None) or "null"
                raise ValueError(f"trainer.{name}: expected {choice}, got {value!r}: {reason}")
        for name, call in self.callbacks.items():
            if not isinstance(call, Mapping) and _changes_training(call):
                raise ValueError(
                    f"callbacks.{name}: expected a call with a _target_, whose settings are known, got an instance of "
                    f"{type(call).__name__}. If it changes no GAN, its class says so by changes_training = False"
                )
        with quiet_lightning():
            self.trainer()  # which finds what Lightning would refuse

    def with_loggers(self, loggers: Sequence[Logger]) -> Self:
        """The same settings with other loggers."""
        other = copy.copy(self)
        other.loggers = list(loggers)
        return other

    @property
    def on_cpu(self) -> bool:
        """Whether GANs train on the CPU."""
        return self.options.get("accelerator", "cpu") == "cpu" or not torch.accelerator.is_available()

    @property
    def log_every(self) -> int:
        """Iterations between two rows of what loggers are given."""
        every = self.options.get("log_every_n_steps")
        return DEFAULTS["log_every_n_steps"] if every is None else every

    @property
    def resumable(self) -> bool:
        """Whether training may go on from a checkpoint: those hold no state of callbacks or Trainers of the user's."""
        own = self.identity
        return "callbacks" not in own and "_target_" not in own.get("trainer", {})

    @functools.cached_property
    def identity(self) -> dict:
        """What of these settings changes what a GAN learns, as plain values; empty with the default ones."""
        parameters = inspect.signature(lightning.Trainer).parameters
        usual = {name: parameter.default for name, parameter in parameters.items()} | DEFAULTS
        changed = {
            name: value for name, value in self.options.items()
            if name not in NEUTRAL and value is not None and value != usual.get(name)
        }  # fmt: skip
        if changed.get("_target_") == "lightning.Trainer":
            del changed["_target_"]
        callbacks = {
            name: call for name, call in self.callbacks.items()
            if isinstance(call, Mapping) and _changes_training(_made(call))
        }  # fmt: skip
        return ({"trainer": changed} if changed else {}) | ({"callbacks": callbacks} if callbacks else {})

    def trainer(
        self, own: Sequence[lightning.Callback] = (), group: str = "", more: Sequence[lightning.Callback] = ()
    ) -> lightning.Trainer:
        """A Trainer for a group of GANs.

        Parameters
        ----------
        own, more
            Callbacks before and behind the user's.
        group
            Put before the names of its metrics, if it is one of several.
        """
        callbacks = [_made(call) for call in self.callbacks.values()]
        for name, callback in zip(self.callbacks, callbacks, strict=True):
            if not isinstance(callback, lightning.Callback):
                raise ValueError(f"callbacks.{name}: expected a lightning.Callback, got {callback!r}")
            if isinstance(callback, EarlyStopping):
                raise ValueError(
                    f"callbacks.{name}: {type(callback).__name__} looks at the end of an epoch or of a validation, and "
                    "there is one epoch and no validation. model.plateau_window stops each GAN early"
                )
        settings = {
            **DEFAULTS, "enable_checkpointing": any(isinstance(one, Checkpoint) for one in callbacks), **self.options
        }  # fmt: skip
        kind = hydra.utils.get_class(str(settings.pop("_target_", "lightning.Trainer")))
        settings = {name: _made(value) for name, value in settings.items()}
        try:
            return kind(**{
                **settings,
                "plugins": [LightningEnvironment()],  # else Lightning requeues jobs of Slurm in its own way
                "logger": [GroupLogger(one, group) for one in self.loggers] or False,
                "callbacks": [*own, *callbacks, *more],
            })  # fmt: skip
        except (MisconfigurationException, TypeError, ValueError) as error:
            raise ValueError(f"trainer: Lightning refuses these options. {error}") from error


class GroupLogger(Logger):
    """A logger of the user's while a group of GANs trains: metrics are named after the group, if there are several.

    Hyperparameters are the job's, which logs them itself.
    """

    def __init__(self, logger: Logger, group: str):
        self.logger, self.group = logger, group

    @property
    def name(self) -> str | None:
        return self.logger.name

    @property
    def version(self) -> int | str | None:
        return self.logger.version

    @property
    def save_dir(self) -> str | None:
        return self.logger.save_dir

    @property
    def log_dir(self) -> str | None:
        return self.logger.log_dir

    @property
    def experiment(self):
        """What a callback writes to, see the logger itself."""
        return self.logger.experiment

    def log_metrics(self, metrics, step=None):
        named = {f"{self.group}/{name}" if self.group else name: value for name, value in metrics.items()}
        self.logger.log_metrics(named, step)

    def log_hyperparams(self, *args, **kwargs):
        pass

    def save(self):
        self.logger.save()


def _made(value: object) -> object:
    """What a call with a ``_target_`` gives; any other value as it is."""
    is_call = isinstance(value, Mapping) and "_target_" in value
    return hydra.utils.instantiate(value, _convert_="all") if is_call else value


def _changes_training(callback: object) -> bool:
    """Whether GANs trained with a callback may differ; a user's own denies it by ``changes_training = False``."""
    return getattr(callback, "changes_training", not isinstance(callback, NEUTRAL_CALLBACKS))
