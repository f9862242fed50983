"""A small sweep as jobs leave it: 2 modalities x 4 models, one failed job and one missing, with known numbers."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from emogan.analysis.curves import CURVES
from emogan.data.montage import EEG_FEATURES
from emogan.jobs.files import COLUMNS

KEY = COLUMNS[:8]
MODALITIES, MODELS, SIZES = ("eeg", "eeg_eye"), ("none", "gaussian", "cwgan", "cbegan"), (0, 50, 200)
SUBJECTS, FOLDS, CLASSES = (1, 2, 3, 4), (0, 1), ("negative", "neutral", "positive")
BASE = {"eeg": 0.60, "eeg_eye": 0.65}
GAIN = {
    "none": {0: 0.0}, "gaussian": {0: 0.0, 50: 0.02, 200: 0.04}, "cwgan": {0: 0.0, 50: 0.01, 200: -0.03},
    "cbegan": {0: 0.0, 50: 0.03, 200: 0.06},
}  # fmt: skip
OPTIMISM = 0.01  # of the oracle's C


def accuracy(modality: str, model: str, n_aug: int, subject: int, fold: int) -> float:
    """Subject s lies 0.02 s above the base and gains s / 2 times as much as the model's gain; fold 1 lies 0.1 above 0."""
    return BASE[modality] + 0.02 * subject + 0.1 * fold + GAIN[model][n_aug] * subject / 2


def inner_accuracy(model: str, n_aug: int, subject: int) -> float:
    """Inner validation prefers 50 windows for subject 1 and 200 for all others, where there are such sizes."""
    return 0.5 + (0.1 if n_aug == (50 if subject == 1 else 200) and model != "none" else 0.0)


def write_job(folder: Path, modality: str, model: str, *, seed: int = 0, dataset: str = "synthetic_seed", **changes):
    """Write a finished job.

    ``changes`` are values of run.json's evaluation, or shift=... to move all accuracies, subjects=... for a block, or
    settings=... of a GAN.
    """
    settings = changes.pop("settings", {})
    subjects = changes.pop("subjects", SUBJECTS)
    shift, fingerprint = changes.pop("shift", 0.0), changes.pop("fingerprint", f"fingerprint of {dataset} {modality}")
    random = np.random.default_rng(0)
    (folder / ".hydra").mkdir(parents=True)
    overrides = [f"modality={modality}", f"model={model}", "n_aug=[0,50,200]"]
    (folder / ".hydra" / "overrides.yaml").write_text("".join(f"- {text}\n" for text in overrides))
    (folder / ".hydra" / "config.yaml").write_text("data:\n  preset: seed\n  modality: ${modality}\n")
    with (folder / ".hydra" / "config.yaml").open("a") as file:
        file.write(f"  subjects: {'null' if subjects is SUBJECTS else list(subjects)}\n")
    evaluation = {
        "folds": "paper", "n_folds": 5, "stimuli": "any", "inner": "refit", "inner_folds": 4, "c_exponents": [-10, 10],
        "trials_per_class": None, "permute_labels": False, **changes,
    }  # fmt: skip
    gan = {"gan": f"emogan.models.{model}", "hidden": 100, **settings} if "gan" in model else {"augmenter": model}
    run = {
        "versions": {"python": "3.11", "torch": "2.13"}, "device": "cpu", "threads": 2,
        "seconds": {"load": 1.0, "fit": 10.5}, "data": {
            "summary": f"{dataset}: 4 subjects", "fingerprint": fingerprint,
            "experiments": {f"{subject}, 1": fingerprint for subject in subjects},
        },
        "scaling": {"fit_on": "train", "leaks": False}, "augmenter": gan, "evaluation": evaluation,
        "classifier": "linear_svm", "n_aug": [0, 50, 200], "audit": {"verdict": "no test window was seen"}, "members": [],
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(run))
    scores, selection, confusion, quality = [], [], [], []
    for n in GAIN[model]:
        for subject in subjects:
            for fold in FOLDS:
                place = (dataset, subject, 1, fold, modality, model, n, seed)
                value = accuracy(modality, model, n, subject, fold) + shift
                scores.append(
                    (*place, value, 0.25, value + OPTIMISM, 1.0, value - 0.02, 60, 30, (value + 1) / 2, value)
                )
                selection.append((*place, inner_accuracy(model, n, subject), "{}", "{}"))
                confusion += [
                    (*place, a, b, (6 + n // 100 if a == b else 2 - n // 200)) for a in CLASSES for b in CLASSES
                ]
    for subject in subjects:
        for fold in FOLDS:
            for name in CLASSES:
                for metric, value in (("spread_ratio", 0.5 + 0.1 * subject), ("coverage", 0.25)):
                    quality.append((dataset, subject, 1, fold, modality, model, name, metric, value, 0.9))
    write = {
        "selection": (selection, [*KEY, "accuracy_inner", "settings", "settings_oracle"]),
        "confusion": (confusion, [*KEY, "label", "predicted", "count"]), "scores": (scores, COLUMNS),
    }  # fmt: skip
    if model != "none":
        write["quality"] = quality, [*COLUMNS[:4], "modality", "model", "class", "metric", "value", "reference"]
        write_windows(folder, modality, random)
    for name, (rows, columns) in write.items():
        pd.DataFrame(rows, columns=columns).to_csv(folder / f"{name}.csv", index=False)
    if "gan" in model:
        write_curves(folder, model, random)


def write_windows(folder: Path, modality: str, random: np.random.Generator) -> None:
    names = [*EEG_FEATURES, *(["pupil", "blink"] if modality == "eeg_eye" else [])]
    ranges = {"eeg": [0, 310]} | ({"eye": [310, 312]} if modality == "eeg_eye" else {})
    centres = random.normal(size=(3, len(names)))
    y, synthetic = np.arange(30) % 3, np.arange(60) % 3
    np.savez(
        folder / "windows.npz", **{name: np.array(columns) for name, columns in ranges.items()},
        feature_names=np.array(names), class_names=np.array(CLASSES), training_set=np.array("subject 1, session 1, fold 0"),
        mean_real=20 + centres, mean_synthetic=20 + centres + random.normal(size=centres.shape) / 5,
        x_real=centres[y] + random.normal(size=(30, len(names))), y_real=y, trial_real=np.arange(30) // 5,
        x_synthetic=centres[synthetic] + random.normal(size=(60, len(names))) / 2, y_synthetic=synthetic,
    )  # fmt: skip


ENDS = {"cwgan": {"d_loss": (-8.0, -2.0), "g_loss": (0.0, 1.0)}, "cbegan": {"m_global": (2.0, 0.6), "k": (0.0, 0.1)}}


def write_curves(folder: Path, model: str, random: np.random.Generator) -> None:
    """Curves that go from a first to a last value with a time constant of 40 of 400 iterations."""
    rows = []
    for name, (first, last) in ENDS.get(model, {}).items():
        for t in range(400):
            value = last + (first - last) * np.exp(-t / 40) + random.normal() * abs(last - first) / 500
            rows.append((t + 1, name, value, value - 0.2, value + 0.3))
    pd.DataFrame(rows, columns=CURVES).to_csv(folder / "curves.csv", index=False)


def write_sweep(folder: Path, dataset: str = "synthetic_seed") -> Path:
    """All jobs of the sweep: that of cgan on eeg failed, that on eeg_eye never started."""
    models = (*MODELS, "cgan")
    for number, (modality, model) in enumerate((a, b) for a in MODALITIES for b in models):
        job = folder / f"{number}_{modality}_{model}"
        if model != "cgan":
            write_job(job, modality, model, dataset=dataset)
        elif modality == "eeg":
            (job / ".hydra").mkdir(parents=True)
            (job / ".hydra" / "overrides.yaml").write_text("- modality=eeg\n- model=cgan\n- n_aug=[0,50,200]\n")
            failure = {"error": "FloatingPointError", "message": "losses are not finite", "traceback": "..."}
            (job / "failed.json").write_text(json.dumps(failure))
    task = [f"modality={','.join(MODALITIES)}", f"model={','.join(models)}", "n_aug=[0,50,200]"]
    lines = "".join(f"    - {text}\n" for text in task)
    (folder / "multirun.yaml").write_text(
        "hydra:\n  sweeper:\n    _target_: hydra._internal.core_plugins.basic_sweeper.BasicSweeper\n    params: null\n"
        f"  overrides:\n    hydra: []\n    task:\n{lines}"
    )
    return folder


@pytest.fixture(scope="session")
def fake():
    """This module: how fake jobs are written, and their numbers."""
    return sys.modules[__name__]


@pytest.fixture(scope="session")
def sweep(tmp_path_factory):
    """The folder of the whole small sweep; to be read only."""
    return write_sweep(tmp_path_factory.mktemp("outputs") / "sweep")
