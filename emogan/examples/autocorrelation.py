"""Do synthetic windows follow one another as real ones do? Their autocorrelation within trials, as a figure.

python -m emogan.examples.autocorrelation [--models NAME ...] [--subjects 1] [--preset seed] [--iterations N]

Each model is fitted, with the settings of its file in conf/model/, to the training trials of the first fold of every
person, and draws as many windows of each class as these have. Models that draw whole trials say which window is of
which trial; all others draw every window on its own. autocorrelation.png, in the folder that --output names, draws the
mean over features and people against the lag, and autocorrelation.csv has it person by person. A table tells how far
each model is off. The data are eye movements of simulated people.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from emogan.analysis.agreement import agreement, spread
from emogan.analysis.autocorrelation import autocorrelation
from emogan.augmenters import Augmenter, GANAugmenter
from emogan.data.features import FeatureSet
from emogan.data.members import members
from emogan.data.training_set import TrainingSet
from emogan.environment import quiet_lightning
from emogan.jobs.settings import construct
from emogan.keys import composed
from emogan.report.figures.autocorrelation import REAL, autocorrelation_picture
from emogan.simulation import people

MODELS = ("random_effects", "trial_bootstrap", "autoregressive", "recurrent_cwgan")
REPEATS = 5  # draws of the training set's size: few trials of a class give rough figures


def augmenter(model: str, iterations: int | None) -> Augmenter:
    """A model with the settings of its file; of several strengths the last."""
    cfg = composed("train", f"model={model}").model
    if iterations is not None and "iterations" in cfg:
        cfg.iterations = iterations
    made: Augmenter = construct(cfg, Augmenter)
    return made.candidates()[-1]


def training_sets(features: FeatureSet) -> list[TrainingSet]:
    """The training windows of the first fold of every experiment."""
    return [TrainingSet.of(features, one.train, one.train) for one in members(features) if one.fold == 0]


def drawn(fitted: Augmenter, sets: Sequence[TrainingSet]) -> list[list[tuple[npt.NDArray, npt.NDArray, npt.NDArray]]]:
    """For every training set, as many windows of each class as it has, their labels and trials, several times."""
    y = torch.zeros(len(sets), max(len(data.y) for data in sets), dtype=torch.int64)
    for m, data in enumerate(sets):
        y[m, : len(data.y)] = torch.from_numpy(np.sort(data.y))
    trials = fitted.synthetic_trials(y)
    found: list[list[tuple[npt.NDArray, npt.NDArray, npt.NDArray]]] = [[] for _ in sets]
    for repeat in range(REPEATS):
        x = fitted.sample(y, [torch.Generator().manual_seed(1000 * repeat + m) for m in range(len(sets))])
        for m, data in enumerate(sets):
            n = len(data.y)
            found[m].append((x[m, :n].numpy(), y[m, :n].numpy(), trials[m, :n].numpy()))
    return found


def of_lags(model: str, curves: Sequence[npt.NDArray]) -> pd.DataFrame:
    """A row for each training set and lag."""
    frames = [pd.DataFrame({"model": model, "lag": range(len(one)), "autocorrelation": one}) for one in curves]
    return pd.concat(frames, keys=range(len(curves)), names=["training_set"]).reset_index("training_set")


def measured(model: str, fitted: Augmenter, sets: Sequence[TrainingSet]) -> tuple[pd.DataFrame, dict[str, float]]:
    """Autocorrelation of what a model draws, and its means over training sets of what else it is like."""
    curves, others = [], []
    for data, several in zip(sets, drawn(fitted, sets), strict=True):
        curves.append(np.mean([over_features(*one) for one in several], axis=0))
        x, y, _ = (np.concatenate(part) for part in zip(*several, strict=True))
        of_class = [torch.from_numpy(x[y == c]) for c in range(int(y.max()) + 1)]
        means, spreads = (torch.stack([one(windows) for windows in of_class]) for one in (lambda w: w.mean(0), spread))
        others.append(agreement(torch.from_numpy(data.x), torch.from_numpy(data.y), means, spreads))
    return of_lags(model, curves), pd.DataFrame(others).mean().to_dict()


def over_features(x: npt.NDArray, y: npt.NDArray, trial: npt.NDArray) -> npt.NDArray[np.float64]:
    """Autocorrelation, mean over features; 0 at a lag that no trial has."""
    found = autocorrelation(x, y, trial)
    found[np.isnan(found).all(1)] = 0
    return np.asarray(np.nanmean(found, axis=1))


def main(arguments: Sequence[str] | None = None) -> pd.DataFrame:
    """Fit, draw and measure; a row per model: how far it is off, and what an update of a GAN took."""
    parser = argparse.ArgumentParser(prog="python -m emogan.examples.autocorrelation")
    parser.add_argument("--models", nargs="+", default=MODELS, metavar="NAME", help=" ".join(MODELS))
    parser.add_argument("--subjects", type=int, nargs="+", default=[1], metavar="N", help="people; 1")
    parser.add_argument("--preset", choices=people.PRESETS, default="seed", help="which data set is simulated; seed")
    parser.add_argument("--iterations", type=int, metavar="N", help="updates of every GAN; those of the model")
    parser.add_argument("--output", type=Path, default=Path("outputs/autocorrelation"), metavar="FOLDER")
    options = parser.parse_args(arguments)
    features = people.load(options.preset, modality="eye", subjects=options.subjects, sessions=[1])
    sets = training_sets(features)
    real = of_lags(REAL, [over_features(data.x, data.y, data.trial) for data in sets])
    found, rows = [real], {}
    for model in options.models:
        fitted, start = augmenter(model, options.iterations), time.process_time()
        with quiet_lightning():
            fitted.fit(sets)
        took = time.process_time() - start
        own, others = measured(model, fitted, sets)
        off = own.autocorrelation.to_numpy() - real.autocorrelation.to_numpy()
        others["autocorrelation_error"] = float(np.sqrt(np.mean(off[own.lag > 0] ** 2)))
        if isinstance(fitted, GANAugmenter):
            others["ms_per_update"] = 1000 * took / fitted.training["iterations"] / len(sets)
        found.append(own)
        rows[model] = others
    table, data = pd.DataFrame(rows).T, f"simulated {options.preset}, eye movements, people {options.subjects}"
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "autocorrelation.png").write_bytes(autocorrelation_picture(pd.concat(found), data).png)
    pd.concat(found).to_csv(options.output / "autocorrelation.csv", index=False)
    print(
        f"{data}\nspread, separation, mean_error: of the class means, in parts of the real ones; CPU time of an update"
    )
    print(table.to_string(float_format="{:.2f}".format, na_rep=""))
    print(f"figure: {options.output / 'autocorrelation.png'}, points: {options.output / 'autocorrelation.csv'}")
    return table


if __name__ == "__main__":
    main()
