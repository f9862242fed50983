"""One job: load, split, scale, fit, sample, score, write."""

import contextlib
import importlib.metadata
import io
import json
import logging
import math
import os
import platform
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import hydra
import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed
from omegaconf import DictConfig, OmegaConf
from threadpoolctl import threadpool_limits
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams
from tqdm import tqdm

from emogan import fitting
from emogan.augmenters import Augmenter, GANAugmenter, NoAugmentation, balanced_labels
from emogan.data.features import MODALITIES, FeatureSet
from emogan.data.folds import SPLITTERS, Member, members
from emogan.data.scaling import MinMaxScaler, fit_scaler
from emogan.evaluation import protocol
from emogan.evaluation.protocol import Scores, TrainingSet
from emogan.results import COLUMNS, closing_table
from emogan.store import Store, derived_seed, write_atomically

log = logging.getLogger(__name__)


@dataclass
class Cell:
    """One training set: where it comes from, its scaler and its scaled windows."""

    member: Member
    scaler: MinMaxScaler
    data: TrainingSet


def run(cfg: DictConfig) -> pd.DataFrame:
    """Do the job that a configuration describes and return its scores, as written to ``scores.csv``.

    Raises
    ------
    ValueError, OSError
        If a setting is impossible, the data are not as expected or the outputs cannot be written: before any training.
    """
    quieten_lightning()
    clock = Clock()
    sizes = check_settings(cfg)
    augmenter: Augmenter = construct(cfg.model)
    sizes = [0] if isinstance(augmenter, NoAugmentation) else sizes
    folder, store = Path(cfg.folder), Store(cfg.store)
    for place in (folder, store.folder):
        check_writable(place)
    (folder / "scores.csv").unlink(missing_ok=True)  # it marks a job as done, and this one is not
    torch.set_num_threads(cfg.machine.threads or available_cores())

    with clock("load"):
        features: FeatureSet = construct(cfg.data)
        log.info("%s", features.summary())
        cells = split_and_scale(features, cfg)
    with clock("fit"):
        fits = fit(augmenter, cells, features.n_classes, cfg, folder, store)
    with clock("score"):
        artificial, labels = sample(augmenter, fits, max(sizes), features.n_classes)
        scores = score(cells, artificial, labels, sorted({0, *sizes}), cfg)
    with clock("write"):
        rows = tabulate(scores, cells, features, augmenter.name, cfg)
        write_checkpoint(folder, augmenter, fits, cells, features, cfg)
        write_hparams(folder, rows[rows.n_aug.isin(sizes)], cfg)
    report_bounds(scores, c_grid(cfg))
    write_run(folder, clock, augmenter, fits, cells, features, scores, cfg)
    asked = rows[rows.n_aug.isin(sizes)].reset_index(drop=True)
    write_atomically(folder / "scores.csv", asked.to_csv(index=False, lineterminator="\n").encode())
    log.info("\n%s\n\nscores, checkpoint, curves: %s", closing_table(rows), folder)
    return asked


def check_settings(cfg: DictConfig) -> list[int]:
    """Refuse impossible values outside `data` and `model`, which check their own; return the values of n_aug."""
    missing = sorted(OmegaConf.missing_keys(cfg))
    if missing:
        raise ValueError(f"{missing[0]}: expected a value, got none. Give it as {missing[0]}=...")
    sizes = OmegaConf.to_container(cfg)["n_aug"]
    sizes = sizes if isinstance(sizes, list) else [sizes]
    exponents = OmegaConf.to_container(cfg)["evaluation"]["c_exponents"]
    pair = isinstance(exponents, list) and len(exponents) == 2 and all(whole(e) for e in exponents)
    checks = {
        "n_aug": (bool(sizes) and all(whole(n, 0) for n in sizes), "a whole number >= 0 or a list of them"),
        "evaluation.c_exponents": (pair and exponents[0] <= exponents[1], "two whole numbers, the lower one first"),
    }
    for name, least in {
        "seed": 0, "evaluation.n_folds": 2, "evaluation.inner_folds": 2, "evaluation.max_iterations": 1
    }.items():  # fmt: skip
        checks[name] = (whole(OmegaConf.select(cfg, name), least), f"a whole number >= {least}")
    for name in ("machine.threads", "machine.group_size"):
        value = OmegaConf.select(cfg, name)
        checks[name] = (value is None or whole(value, 1), "a whole number >= 1 or null")
    for name in ("data.subjects", "data.sessions"):
        value = OmegaConf.select(cfg, name)
        checks[name] = (value is None or OmegaConf.is_list(value), "a list such as [1,2] or null")
    for name, choices in {
        "modality": MODALITIES, "evaluation.folds": SPLITTERS, "scaling.fit_on": ("train", "all"),
        "machine.accelerator": ("cpu", "gpu", "auto"),
    }.items():  # fmt: skip
        checks[name] = (OmegaConf.select(cfg, name) in tuple(choices), " | ".join(choices))
    for name, (holds, expected) in checks.items():
        if not holds:
            raise ValueError(f"{name}: expected {expected}, got {OmegaConf.select(cfg, name)!r}")
    if cfg.machine.accelerator == "gpu" and not torch.accelerator.is_available():
        raise ValueError("machine.accelerator: expected cpu or auto, as torch finds no GPU here, got 'gpu'")
    return sorted(set(sizes))


def whole(value: object, least: float = -math.inf) -> bool:
    """Whether a value is a whole number (true and false are not) and not below another."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def construct(node: DictConfig):
    """Call what a config node names; what it finds wrong with its settings or files comes out as it was raised."""
    try:
        return hydra.utils.instantiate(node, _convert_="all")
    except hydra.errors.InstantiationException as error:
        if isinstance(error.__cause__, ValueError | OSError):
            raise error.__cause__ from None
        raise


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


def split_and_scale(features: FeatureSet, cfg: DictConfig) -> list[Cell]:
    """One cell per fold of each experiment, scaled with training statistics and fit for choosing C."""
    trials, cells, constant = features.trial_ids(), [], {}
    for member in members(features, cfg.evaluation.folds, cfg.evaluation.n_folds):
        scaler = fit_scaler(features.x, member.train, cfg.scaling.fit_on, member.test)
        for column in scaler.constant:
            constant.setdefault(features.feature_names[column], []).append(member)
        train, test = member.train, member.test
        data = TrainingSet(
            scaler.transform(features.x[train]), features.y[train], trials[train],
            scaler.transform(features.x[test]), features.y[test],
        )  # fmt: skip
        try:
            protocol.inner_folds(data.y, data.trial, cfg.evaluation.inner_folds)
        except ValueError as error:
            raise ValueError(
                f"subject {member.subject}, session {member.session}, fold {member.fold}: {error}"
            ) from None
        cells.append(Cell(member, scaler, data))
    for name, where in constant.items():
        log.warning(
            "feature %s is constant in %d of %d training sets and counts as 0 there", name, len(where), len(cells)
        )
    if cfg.scaling.fit_on == "all":
        log.warning(
            "scaling.fit_on=all: test windows helped to scale the features; these scores LEAK and are optimistic"
        )
    return cells


def fit(augmenter: Augmenter, cells: list[Cell], classes: int, cfg: DictConfig, folder: Path, store: Store):
    """Fit the augmenter to every cell: GANs through the store, others directly."""
    sets = [cell.data for cell in cells]

    @contextlib.contextmanager
    def writer(name: str) -> Iterator[SummaryWriter]:
        with SummaryWriter(str(folder / name)) as opened:
            yield opened

    if isinstance(augmenter, GANAugmenter):
        return fitting.fit(
            augmenter, sets, classes, cfg.seed, store,
            group_size=cfg.machine.group_size, accelerator=cfg.machine.accelerator, writer=writer,
        )  # fmt: skip
    keys = [fitting.member_key(augmenter, data, classes, cfg.seed) for data in sets]
    augmenter.fit(*fitting.pad(sets), [derived_seed(key, "train") for key in keys])
    return fitting.Fits(keys, ["nothing to train"] * len(keys))


def sample(augmenter: Augmenter, fits: fitting.Fits, n: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """n artificial windows (M, n, F) of every member and their labels (n,); smaller n are the first of them."""
    labels = balanced_labels(n, classes)
    generators = [torch.Generator().manual_seed(derived_seed(key, "sample")) for key in fits.keys]
    y = torch.from_numpy(labels).expand(len(fits.keys), n)
    return augmenter.sample(y, generators).numpy(), labels


def c_grid(cfg: DictConfig) -> np.ndarray:
    low, high = cfg.evaluation.c_exponents
    return 2.0 ** np.arange(low, high + 1)


def score(
    cells: Sequence[Cell], artificial: np.ndarray, labels: np.ndarray, sizes: Sequence[int], cfg: DictConfig
) -> dict[int, list[Scores]]:
    """Scores of every cell by n_aug."""
    workers = cfg.machine.threads or available_cores()
    tasks = [(m, n) for n in sorted(sizes, reverse=True) for m in range(len(cells))]  # the long ones first
    options = {
        "c_values": c_grid(cfg),
        "n_inner_folds": cfg.evaluation.inner_folds,
        "max_iterations": cfg.evaluation.max_iterations,
    }
    with threadpool_limits(1):  # the fits themselves run side by side; libsvm releases the interpreter's lock
        jobs = Parallel(n_jobs=workers, prefer="threads", return_as="generator")(
            delayed(protocol.score)(cells[m].data, artificial[m, :n], labels[:n], **options) for m, n in tasks
        )
        results = dict(zip(tasks, tqdm(jobs, total=len(tasks), desc="SVM", unit="set", mininterval=1), strict=True))
    return {n: [results[m, n] for m in range(len(cells))] for n in sizes}


def tabulate(
    scores: dict[int, list[Scores]], cells: Sequence[Cell], features: FeatureSet, model: str, cfg: DictConfig
) -> pd.DataFrame:
    """One row per n_aug and member; the oracle's C is common to the folds of an experiment."""
    grid, rows = c_grid(cfg), []
    for n, found in scores.items():
        experiments: dict[tuple, list[Scores]] = {}
        for cell, result in zip(cells, found, strict=True):
            experiments.setdefault((cell.member.subject, cell.member.session), []).append(result)
        oracle = {place: protocol.oracle_choice(results) for place, results in experiments.items()}
        for cell, result in zip(cells, found, strict=True):
            place = cell.member.subject, cell.member.session
            rows.append((
                features.dataset, *place, cell.member.fold, cfg.modality, model, n, cfg.seed,
                result.accuracy[result.chosen], grid[result.chosen],
                result.accuracy[oracle[place]], grid[oracle[place]],
                result.macro_f1[result.chosen], len(cell.data.y), len(cell.data.y_test),
            ))  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


def report_bounds(scores: dict[int, list[Scores]], grid: np.ndarray) -> None:
    """Say how many SVM paths met the iteration bound, and from which C on."""
    for n, found in scores.items():
        met = [grid[s.bounded_from] for s in found if s.bounded_from is not None]
        if met:
            log.info(
                "n_aug=%d: the SVM met its iteration bound in %d of %d training sets, from C = %g on at the earliest",
                n, len(met), len(found), min(met),
            )  # fmt: skip


def write_checkpoint(folder: Path, augmenter, fits, cells, features: FeatureSet, cfg: DictConfig) -> None:
    """Write ``checkpoint.ckpt``: tensors, numbers, strings and plain containers only."""
    content = {
        "emogan": importlib.metadata.version("emogan"),
        "config": OmegaConf.to_container(cfg, resolve=True),
        "augmenter": augmenter.identity(),
        "class_names": list(features.class_names),
        "feature_names": list(features.feature_names),
        "modalities": {name: [part.start, part.stop] for name, part in features.modalities.items()},
        "members": [
            {"subject": c.member.subject, "session": c.member.session, "fold": c.member.fold, "key": key}
            for c, key in zip(cells, fits.keys, strict=True)
        ],
        "scaler": {
            "minimum": torch.from_numpy(np.stack([c.scaler.minimum for c in cells])),
            "span": torch.from_numpy(np.stack([c.scaler.span for c in cells])),
        },
        # every member's generator; both networks, k_t and the optimisers of those that this job trained
        "generator": augmenter.model.generator.state_dict() if isinstance(augmenter, GANAugmenter) else {},
        "trained": fits.states,
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_atomically(folder / "checkpoint.ckpt", buffer.getvalue())


def write_hparams(folder: Path, rows: pd.DataFrame, cfg: DictConfig) -> None:
    """Hyperparameters and final accuracies for TensorBoard's HParams tab."""
    settings = {"dataset": rows.dataset[rows.index[0]], "modality": cfg.modality, "seed": cfg.seed}
    for name, value in OmegaConf.to_container(cfg.model, resolve=True).items():
        if not isinstance(value, dict):
            settings[name.replace("_target_", "class")] = value if isinstance(value, int | float | str) else str(value)
    means = rows.groupby("n_aug")[["accuracy", "accuracy_oracle"]].mean()
    metrics = {f"{column}/n_aug_{n}": means.loc[n, column] for n in means.index for column in means}
    with SummaryWriter(str(folder)) as writer:
        for summary in hparams(settings, metrics):
            writer.file_writer.add_summary(summary)
        for name, value in metrics.items():
            writer.add_scalar(name, value)


def write_run(folder, clock, augmenter, fits, cells, features: FeatureSet, scores, cfg: DictConfig) -> None:
    """Write ``run.json``: versions, device, seconds per stage, data fingerprint and what became of each member."""
    grid = c_grid(cfg)
    bounded = {
        n: [None if s.bounded_from is None else grid[s.bounded_from] for s in found] for n, found in scores.items()
    }
    packages = ("emogan", "torch", "lightning", "hydra-core", "omegaconf", "numpy", "scipy", "scikit-learn", "pandas")
    content = {
        "versions": {"python": platform.python_version()} | {p: importlib.metadata.version(p) for p in packages},
        "device": training_device(augmenter),
        "threads": torch.get_num_threads(),
        "seconds": clock.seconds,
        "data": {"summary": features.summary(), "fingerprint": features.fingerprint()},
        "scaling": {"fit_on": cfg.scaling.fit_on, "leaks": cfg.scaling.fit_on == "all"},
        "augmenter": augmenter.identity(),
        "members": [
            {
                "subject": c.member.subject, "session": c.member.session, "fold": c.member.fold, "key": fits.keys[m],
                "trained": m in fits.trained, "end": fits.ends[m],
                "svm_bounded_from_c": {str(n): found[m] for n, found in bounded.items()},
            }
            for m, c in enumerate(cells)
        ],
    }  # fmt: skip
    write_atomically(folder / "run.json", json.dumps(content, indent=1).encode())


def training_device(augmenter: Augmenter) -> str:
    """Where GANs were trained in this job: "cpu", "cuda:0 (NVIDIA H100)"; "cpu" where there was nothing to train."""
    trainer = getattr(augmenter, "trainer", None)
    device = trainer.strategy.root_device if trainer else torch.device("cpu")
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)


class Clock:
    """Seconds per stage."""

    def __init__(self):
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[stage] = round(time.perf_counter() - start, 3)


def available_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def quieten_lightning() -> None:
    """Leave out what Lightning says of its services, of worker processes and to its own developers."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=".*does not have many workers")
    warnings.filterwarnings("ignore", message=".*treespec, LeafSpec", category=FutureWarning)
