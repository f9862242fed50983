"""What a job writes beside its scores: checkpoint, run.json, choices, confusions, windows, hyperparameters."""

import contextlib
import importlib.metadata
import io
import json
import logging
import os
import platform
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from hydra.core.hydra_config import HydraConfig
from lightning.pytorch.loggers import Logger, TensorBoardLogger, WandbLogger
from omegaconf import DictConfig, OmegaConf
from sklearn.metrics import confusion_matrix

from emogan import __version__
from emogan.atomic import write_atomically
from emogan.augmenters import GANAugmenter
from emogan.data.features import FeatureSet
from emogan.evaluation.plan import Plan
from emogan.jobs.files import COLUMNS, DISMISSED, EARLIER, EARLIER_JOB, FILES, IDENTITY, MOVING, PATTERNS
from emogan.jobs.results import Results
from emogan.samplers.checkpoint import checkpoint_content
from emogan.store import fingerprint
from emogan.training.detectors import findings
from emogan.versions import AUGMENTERS, COMPUTATIONS

log = logging.getLogger(__name__)

OVER_N_AUG = "windows_appended/"  # TensorBoard sorts by name: behind the metrics of all GANs
PACKAGES = ("torch", "lightning", "hydra-core", "omegaconf", "numpy", "scipy", "scikit-learn", "pandas")


def set_aside_earlier(folder: Path, key: str) -> None:
    """Move what an earlier job wrote to `EARLIER_JOB`, if it was finished and another than that of this key.

    Else it is removed, as it is not this job's, or this job's before it resumes.
    """
    if not (folder / EARLIER).exists() or _key(folder) == key:
        for path in _written(folder):
            path.unlink()
        return
    log.warning(
        "%s holds the results of an earlier job. They are kept in its folder %s until this job is done. To keep them "
        "for good, stop this job and give it a folder of its own with hydra.run.dir=FOLDER", folder, EARLIER_JOB,
    )  # fmt: skip
    for path in _written(folder):
        _move(path, folder / MOVING / path.relative_to(folder))
    remove_earlier_job(folder)
    os.replace(folder / MOVING, folder / EARLIER_JOB)


def take_back_earlier(folder: Path) -> None:
    """Move what an earlier job wrote back from `EARLIER_JOB`."""
    for path in _written(folder):
        path.unlink()
    os.replace(folder / EARLIER_JOB, folder / MOVING)
    undo_move(folder)


def undo_move(folder: Path) -> None:
    """Move back what is in `MOVING`, in which a process may have ended."""
    for path in _written(folder / MOVING):
        _move(path, folder / path.relative_to(folder / MOVING))
    shutil.rmtree(folder / MOVING, ignore_errors=True)


def _key(folder: Path) -> str | None:
    """The content key of the job that wrote into a folder, if it can be read."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return json.loads((folder / "run.json").read_text(encoding="utf-8"))["key"]
    return None


def remove_earlier_job(folder: Path) -> None:
    """Remove the results of an earlier job that were kept, if there are any."""
    shutil.rmtree(folder / EARLIER_JOB, ignore_errors=True)


def _written(folder: Path) -> list[Path]:
    """The files that a job has written into a folder."""
    return [path for pattern in PATTERNS for path in folder.glob(pattern) if path.is_file()]


def _move(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(path, target)


def mark_unfinished(folder: Path) -> None:
    """Rename an earlier job's scores.csv to `EARLIER`, so that the folder no longer counts as done; nothing is lost."""
    if (folder / "scores.csv").exists():
        os.replace(folder / "scores.csv", folder / EARLIER)


def mark_finished(folder: Path) -> None:
    """Mark the folder as done again, by the job that was there."""
    for name in ("failed.json", DISMISSED):  # of a refusal in between
        (folder / name).unlink(missing_ok=True)
    os.replace(folder / EARLIER, folder / "scores.csv")


def csv(table: pd.DataFrame) -> bytes:
    """A table as the bytes of a .csv file."""
    return table.to_csv(index=False, lineterminator="\n").encode()


def write_checkpoint(found: Results) -> None:
    """Write ``checkpoint.ckpt``: every training set's generator, and all else of those that this job trained."""
    own, plan = found.plan.of_splits, found.plan
    scalers = [data.scaler for data in plan.outer_sets]
    if plan.learned is not None:
        scalers = [plan.learned[i].scaler for i in own]
        if None in scalers:
            log.info("no checkpoint.ckpt: with donors.alignment=covariance windows are in the donors' shared units")
            return
    keys = [plan.noise_key(i, found.fits.keys[i]) for i in own]
    members = [found.place(split) | {"key": key} for split, key in enumerate(keys)]
    content = checkpoint_content(
        found.augmenter, own, members, scalers, found.features,
        found.fits.states, OmegaConf.to_container(found.cfg, resolve=True),
    )  # fmt: skip
    write_atomically(found.folder / "checkpoint.ckpt", content)


def write_curves(found: Results) -> None:
    """Write ``curves.csv``, the metrics of training over all members, if there was anything to train."""
    if found.fits.curves is not None:
        write_atomically(found.folder / "curves.csv", csv(found.fits.curves))


def log_results(found: Results, loggers: Sequence[Logger]) -> None:
    """Log the hyperparameters and the final accuracies.

    TensorBoard shows accuracies as curves over n_aug, and those at the largest n_aug in its HParams tab.
    """
    cfg, rows = found.cfg, found.asked
    settings = {"dataset": found.features.dataset, "modality": cfg.modality, "seed": cfg.seed}
    for name, value in OmegaConf.to_container(cfg.model, resolve=True).items():
        if not isinstance(value, dict):
            settings[name.replace("_target_", "class")] = value if isinstance(value, int | float | str) else str(value)
    means = rows.groupby("n_aug")[["accuracy", "accuracy_oracle"]].mean()
    last = 0 if found.fits.curves is None else int(found.fits.curves.iteration.max())
    for logger in loggers:
        if isinstance(logger, TensorBoardLogger):
            Path(logger.log_dir, "hparams.yaml").unlink(missing_ok=True)  # of the training alone, and empty
            *fewer, most = [
                (int(n), {OVER_N_AUG + column: float(row[column]) for column in means}) for n, row in means.iterrows()
            ]
            for n, metrics in fewer:
                logger.log_metrics(metrics, n)
            logger.log_hyperparams(settings, most[1], most[0])
        else:
            logger.log_hyperparams(settings)
            logger.log_metrics(
                {f"{column}/n_aug_{n}": float(means.loc[n, column]) for n in means.index for column in means}, last
            )
        logger.save()


def close(loggers: Sequence[Logger], status: str) -> None:
    """Have loggers write all that they were given; status is "success" or "failed"."""
    for logger in loggers:
        logger.finalize(status)
        if isinstance(logger, WandbLogger):
            logger.experiment.finish()  # else the next job of a sweep would log into the same run


def write_scores(found: Results) -> None:
    """Write ``scores.csv``, which marks the job as done."""
    (found.folder / DISMISSED).unlink(missing_ok=True)
    write_atomically(found.folder / "scores.csv", csv(found.asked[COLUMNS]))
    if not found.out_of_time:
        remove_earlier_job(found.folder)


def write_details(found: Results) -> None:
    """Write ``selection.csv``, what was chosen and on which inner accuracy, and ``confusion.csv``, at that choice.

    Where n_aug = 0 is not asked for, ``baseline.csv`` has its rows, so that the gain is known all the same.
    """
    features = found.features
    write_atomically(found.folder / "selection.csv", csv(found.asked[FILES["selection"]]))
    if 0 not in found.sizes:
        write_atomically(found.folder / "baseline.csv", csv(found.table[found.table.n_aug == 0]))
    names, parts = features.class_names, []
    for n, group in found.table.groupby("n_aug"):
        for row, split, scores in zip(
            group[IDENTITY].itertuples(index=False), found.plan.splits, found.scores[n], strict=True
        ):
            predicted = scores.predictions[scores.chosen]
            counts = confusion_matrix(features.y[split.member.test], predicted, labels=np.arange(len(names)))
            parts += [
                (*row, label, guess, counts[i, j]) for i, label in enumerate(names) for j, guess in enumerate(names)
            ]
    confusions = pd.DataFrame(parts, columns=FILES["confusion"])
    write_atomically(found.folder / "confusion.csv", csv(confusions))


def with_inner_accuracy(scores: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Scores as a job returns them, with the column accuracy_inner that it wrote into ``selection.csv``, row by row."""
    selection = pd.read_csv(folder.expanduser() / "selection.csv", usecols=["accuracy_inner"])
    return scores.assign(accuracy_inner=selection.accuracy_inner)


def write_windows(found: Results) -> None:
    """Write ``windows.npz``: class means in original units, and the first member's real and synthetic windows."""
    sets, features, classes = found.plan.outer_sets, found.features, range(found.features.n_classes)
    drawn = [one.windows[i] for i, one in enumerate(found.chosen())]
    real = [[features.x[d.rows][d.y == k].mean(0) for k in classes] for d in sets]
    synthetic = [[d.scaler.inverse(x)[y == k].mean(0) for k in classes] for d, (x, y) in zip(sets, drawn, strict=True)]
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        feature_names=np.array(features.feature_names), class_names=np.array(features.class_names),
        mean_real=np.mean(real, axis=0), mean_synthetic=np.mean(synthetic, axis=0),
        x_real=sets[0].x, y_real=sets[0].y, trial_real=sets[0].trial,
        x_synthetic=drawn[0][0], y_synthetic=drawn[0][1],
        training_set=np.array(found.plan.splits[0].member.place),
        **{name: np.array([part.start, part.stop]) for name, part in features.modalities.items()},
    )  # fmt: skip
    write_atomically(found.folder / "windows.npz", buffer.getvalue())


def write_quality(found: Results, quality: Sequence[pd.DataFrame]) -> None:
    """Write ``quality.csv``: sample quality of every split's synthetic windows, with the place of each."""
    place = {"dataset": found.features.dataset, "modality": found.cfg.modality, "model": found.model}
    tables = pd.concat([rows.assign(**place, **found.place(i)) for i, rows in enumerate(quality)])
    write_atomically(found.folder / "quality.csv", csv(tables[FILES["quality"]]))


def write_run(found: Results) -> None:
    """Write ``run.json``: versions, device, seconds per stage, data, settings, audit and what became of each member."""
    cfg, fits, targets = found.cfg, found.fits, found.loaded.take(found.targets)
    not_converged = {
        n: [None if (c := s.first_not_converged) is None else float(found.classifier.values[c]) for s in scores]
        for n, scores in found.scores.items()
    }
    content = {
        "key": found.key,
        "overrides": list(HydraConfig.get().overrides.task) if HydraConfig.initialized() else [],
        "versions": {"emogan": __version__, "python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in PACKAGES},
        "device": fits.device,
        "threads": torch.get_num_threads(),
        "seconds": found.seconds,
        "computed": not isinstance(found.augmenter, GANAugmenter)
        or (len(fits.trained) == len(set(fits.keys)) and not fits.resumed),
        "files": sorted(
            path.relative_to(found.folder).as_posix() for path in _written(found.folder) if "tfevents" not in path.name
        ),
        "data": {
            "summary": targets.summary(), "fingerprint": targets.fingerprint(),
            "experiments": _experiments(targets),
        },
        "scaling": {"fit_on": cfg.scaling.fit_on, "leaks": cfg.scaling.fit_on == "all"},
        "plan": COMPUTATIONS["plan"],
        "computations": COMPUTATIONS | AUGMENTERS,
        "evaluation": OmegaConf.to_container(cfg.evaluation, resolve=True),
        "classifier": found.classifier.name,
        "classifier_settings": _settings(cfg.classifier),
        "augmenter": found.augmenter.identity() | found.training
        | ({"max_time": str(cfg.trainer.max_time)} if found.out_of_time else {}),
        **({"donors": found.donors.identity() | _donors_found(found.loaded, found.plan)} if found.donors else {}),
        "resumed": fits.resumed,
        "n_aug": found.sizes,
        "seed": cfg.seed,
        "audit": found.audit,
        "members": [_member(found, split, not_converged) for split in range(len(found.plan.splits))],
    }  # fmt: skip
    write_atomically(found.folder / "run.json", json.dumps(content, indent=1).encode())


def _member(found: Results, split: int, not_converged: dict[int, list]) -> dict:
    """What became of a training set's generator, and what it and the scaler saw."""
    m, fits, x = found.plan.of_splits[split], found.fits, found.features.x
    data, seen = found.plan.sets[m], found.plan.learning_sets[m]
    return found.place(split) | {
        "key": fits.keys[m], "training_seed": fits.seeds[m], "trained": m in fits.trained, "end": fits.ends[m],
        "figures": fits.figures[m], "findings": fits.figures[m] and findings(fits.figures[m]),
        "scaler_saw": {"windows": len(data.scaled_by), "sha256": fingerprint(x[data.scaled_by])},
        "augmenter_saw": {"windows": len(seen.rows), "sha256": fingerprint(x[seen.rows])},
        "first_c_not_converged": {str(n): values[split] for n, values in not_converged.items()},
    }  # fmt: skip


def _experiments(features: FeatureSet) -> dict[str, str]:
    """A fingerprint of the windows, trials and classes of each experiment, whichever others are there."""
    found = {}
    for subject, session, rows in features.experiments():
        names = [f"{features.trial[row]} {features.class_names[features.y[row]]}" for row in rows]
        text = np.frombuffer("\n".join(names).encode(), np.uint8)
        found[f"{subject}, {session}"] = fingerprint(features.x[rows], text)
    return found


def _donors_found(features: FeatureSet, plan: Plan) -> dict:
    """What the donors were taken from, and the largest number of other people that a target's generators learn from."""
    people = [
        len(np.setdiff1d(features.subject[seen.rows], features.subject[own.rows]))
        for seen, own in zip(plan.learning_sets, plan.sets, strict=True)
    ]
    return {"data": features.summary(), "people": max(people)}


def _settings(node: DictConfig) -> dict:
    """A config node as plain values, less the seeds that it may hold."""
    return _without_seeds(OmegaConf.to_container(node, resolve=True))


def _without_seeds(settings: dict) -> dict:
    return {
        name: _without_seeds(value) if isinstance(value, dict) else value
        for name, value in settings.items() if name not in ("seed", "random_state")
    }  # fmt: skip


def write_failure(folder: Path, error: BaseException, stack: str) -> None:
    """Write ``failed.json``: what ended a job before its time."""
    content = {"error": type(error).__name__, "message": str(error), "traceback": stack}
    write_atomically(folder / "failed.json", json.dumps(content, indent=1).encode())
