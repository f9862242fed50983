"""What a job writes beside its scores: checkpoint, run.json, choices, confusions, windows, hyperparameters."""

import contextlib
import importlib.metadata
import io
import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from omegaconf import DictConfig, OmegaConf
from sklearn.metrics import confusion_matrix
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams

from emogan import __version__
from emogan.atomic import write_atomically
from emogan.augmenters import Augmenter, GANAugmenter
from emogan.augmenters.fit import Fits
from emogan.data.features import FeatureSet
from emogan.evaluation import Classifier
from emogan.evaluation.plan import Plan
from emogan.evaluation.protocol import Scores
from emogan.jobs.scores import IDENTITY, SELECTION
from emogan.samplers.checkpoint import checkpoint_content
from emogan.store import fingerprint
from emogan.training.detectors import findings
from emogan.versions import AUGMENTERS, COMPUTATIONS

EARLIER = "scores.earlier.csv"  # of the job before this one in a folder
PATTERNS = (
    "scores.csv", EARLIER, "selection.csv", "confusion.csv", "quality.csv", "curves.csv", "windows.npz",
    "checkpoint.ckpt", "run.json", "failed.json", "events.out.tfevents.*", "group_*/events.out.tfevents.*",
)  # fmt: skip
PACKAGES = ("torch", "lightning", "hydra-core", "omegaconf", "numpy", "scipy", "scikit-learn", "pandas")


def remove_earlier(folder: Path) -> None:
    """Remove what an earlier job wrote into a folder: none of it is this job's."""
    for pattern in PATTERNS:
        for path in folder.glob(pattern):
            path.unlink()


def remove_curves_of_groups(folder: Path) -> None:
    """Remove what showed groups of GANs while they trained: the curves of all members hold theirs."""
    for path in folder.glob("group_*/events.out.tfevents.*"):
        path.unlink()
        with contextlib.suppress(OSError):  # not empty
            path.parent.rmdir()


def set_scores_aside(folder: Path) -> None:
    """From here on the folder does not look done; what stands in it is not lost before a new job begins."""
    if (folder / "scores.csv").exists():
        os.replace(folder / "scores.csv", folder / EARLIER)


def restore_scores(folder: Path) -> None:
    """Mark the folder as done again, by the job that was there."""
    (folder / "failed.json").unlink(missing_ok=True)  # a refusal in between
    os.replace(folder / EARLIER, folder / "scores.csv")


def csv(table: pd.DataFrame) -> bytes:
    """A table as the bytes of a .csv file."""
    return table.to_csv(index=False, lineterminator="\n").encode()


def write_checkpoint(
    folder: Path, augmenter: Augmenter, fits: Fits, plan: Plan, features: FeatureSet, cfg: DictConfig
) -> None:
    """Write ``checkpoint.ckpt``: every training set's generator, and all else of those that this job trained."""
    members = [place(plan, i) | {"key": key} for i, key in zip(range(len(plan.splits)), fits.keys, strict=False)]
    content = checkpoint_content(
        augmenter, members, [data.scaler for data in plan.outer_sets], features, fits.states,
        OmegaConf.to_container(cfg, resolve=True),
    )  # fmt: skip
    write_atomically(folder / "checkpoint.ckpt", content)


def write_curves(folder: Path, fits: Fits) -> None:
    """Write ``curves.csv``, the metrics of training over all members, if there was anything to train."""
    if fits.curves is not None:
        write_atomically(folder / "curves.csv", csv(fits.curves))


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


def write_details(
    folder: Path, rows: pd.DataFrame, scores: dict[int, list[Scores]], plan: Plan, features: FeatureSet
) -> None:
    """Write ``selection.csv``, what was chosen and on which inner accuracy, and ``confusion.csv``, at that choice."""
    write_atomically(folder / "selection.csv", csv(rows[IDENTITY + SELECTION]))
    names, parts = features.class_names, []
    for _, group in rows.groupby("n_aug"):
        for row, split, found in zip(
            group[IDENTITY].itertuples(index=False), plan.splits, scores[group.n_aug.iloc[0]], strict=True
        ):
            predicted = found.predictions[found.chosen]
            counts = confusion_matrix(features.y[split.member.test], predicted, labels=np.arange(len(names)))
            parts += [
                (*row, label, guess, counts[i, j]) for i, label in enumerate(names) for j, guess in enumerate(names)
            ]
    confusions = pd.DataFrame(parts, columns=[*IDENTITY, "label", "predicted", "count"])
    write_atomically(folder / "confusion.csv", csv(confusions))


def with_inner_accuracy(scores: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Scores as a job returns them, with the column accuracy_inner that it wrote into ``selection.csv``, row by row."""
    selection = pd.read_csv(folder.expanduser() / "selection.csv", usecols=["accuracy_inner"])
    return scores.assign(accuracy_inner=selection.accuracy_inner)


def write_windows(
    folder: Path, drawn: Sequence[tuple[np.ndarray, np.ndarray]], plan: Plan, features: FeatureSet
) -> None:
    """Write ``windows.npz``: class means in original units, and the first member's real and artificial windows."""
    sets, classes = plan.outer_sets, range(features.n_classes)
    real = [[features.x[d.rows][d.y == k].mean(0) for k in classes] for d in sets]
    artificial = [[d.scaler.inverse(x)[y == k].mean(0) for k in classes] for d, (x, y) in zip(sets, drawn, strict=True)]
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        feature_names=np.array(features.feature_names), class_names=np.array(features.class_names),
        mean_real=np.mean(real, axis=0), mean_artificial=np.mean(artificial, axis=0),
        x_real=sets[0].x, y_real=sets[0].y, trial_real=sets[0].trial,
        x_artificial=drawn[0][0], y_artificial=drawn[0][1],
        training_set=np.array(plan.splits[0].member.place),
        **{name: np.array([part.start, part.stop]) for name, part in features.modalities.items()},
    )  # fmt: skip
    write_atomically(folder / "windows.npz", buffer.getvalue())


def write_run(
    folder: Path,
    key: str,
    seconds: dict[str, float],
    augmenter: Augmenter,
    fits: Fits,
    plan: Plan,
    features: FeatureSet,
    scores: dict[int, list[Scores]],
    classifier: Classifier,
    sizes: Sequence[int],
    audit: dict,
    cfg: DictConfig,
) -> None:
    """Write ``run.json``: versions, device, seconds per stage, data, settings, audit and what became of each member.

    key is the job's (see `emogan.jobs.identity`); features are the data as they were loaded.
    """
    bounded = {
        n: [None if s.bounded_from is None else float(classifier.values[s.bounded_from]) for s in found]
        for n, found in scores.items()
    }
    content = {
        "key": key,
        "versions": {"emogan": __version__, "python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in PACKAGES},
        "device": training_device(augmenter),
        "threads": torch.get_num_threads(),
        "seconds": seconds,
        "computed": not isinstance(augmenter, GANAugmenter)
        or (len(fits.trained) == len(set(fits.keys)) and not fits.resumed),
        "files": sorted(
            path.name for pattern in PATTERNS for path in folder.glob(pattern) if "tfevents" not in path.name
        ),
        "data": {"summary": features.summary(), "fingerprint": features.fingerprint()},
        "scaling": {"fit_on": cfg.scaling.fit_on, "leaks": cfg.scaling.fit_on == "all"},
        "plan": COMPUTATIONS["plan"],
        "computations": COMPUTATIONS | AUGMENTERS,
        "evaluation": OmegaConf.to_container(cfg.evaluation, resolve=True),
        "classifier": classifier.name,
        "classifier_settings": _settings(cfg.classifier),
        "augmenter": augmenter.identity(),
        "n_aug": list(sizes),
        "seed": cfg.seed,
        "audit": audit,
        "members": [
            place(plan, m) | {
                "key": fits.keys[m], "trained": m in fits.trained, "end": fits.ends[m],
                "figures": fits.figures[m], "findings": fits.figures[m] and findings(fits.figures[m]),
                "scaler_saw": {"windows": len(data.scaled_by), "sha256": fingerprint(features.x[data.scaled_by])},
                "augmenter_saw": {"windows": len(data.rows), "sha256": fingerprint(features.x[data.rows])},
                "bounded_from_c": {str(n): found[m] for n, found in bounded.items()},
            }
            for m, data in enumerate(plan.outer_sets)
        ],
    }  # fmt: skip
    write_atomically(folder / "run.json", json.dumps(content, indent=1).encode())


def _settings(node: DictConfig) -> dict:
    """A config node as plain values, less the seed that it may hold."""
    plain = OmegaConf.to_container(node, resolve=True)
    plain.get("estimator", {}).pop("random_state", None)
    return plain


def write_failure(folder: Path, error: BaseException, stack: str) -> None:
    """Write ``failed.json``: what ended a job before its time."""
    content = {"error": type(error).__name__, "message": str(error), "traceback": stack}
    write_atomically(folder / "failed.json", json.dumps(content, indent=1).encode())


def place(plan: Plan, split: int) -> dict:
    """Subject, session and fold of a split."""
    member = plan.splits[split].member
    return {"subject": member.subject, "session": member.session, "fold": member.fold}


def training_device(augmenter: Augmenter) -> str:
    """Where GANs were trained in this job: "cpu", "cuda:0 (NVIDIA H100)"; "cpu" where there was nothing to train."""
    trainer = getattr(augmenter, "trainer", None)
    device = trainer.strategy.root_device if trainer else torch.device("cpu")
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)
