"""The leak, shown: GANs that have seen the test trials beside the same GANs trained as they should be.

python -m emogan.examples.leak [--subjects 1 2] [--model cbegan] [--iterations N] [--root SEED] [--output FOLDER]

For each fold two GANs are trained: one on all trials of the experiment, which nobody should do, since the test trials
are among them, and one on the training trials of the fold alone. The windows of each are appended to the training
windows of the fold, and the same linear SVM is tested on the test trials. Settings, number of updates and scaling (by
the training windows) are the same, so that the GANs differ only in the trials that they have seen. FOLDER/leak.png
draws both curves beside the paper's rows (Luo, Zhu and Lu 2019, Table 1), and FOLDER/leak.csv has the points. Then
EmoGAN's audit looks at both kinds of GANs. The data are eye movements of simulated people, or those of SEED in --root.
"""

import argparse
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from emogan import CBEGANSampler, CGANSampler, CWGANSampler
from emogan.analysis import statistics
from emogan.augmenters import GANAugmenter, balanced_labels
from emogan.augmenters.fit import fit
from emogan.data.features import FeatureSet
from emogan.data.members import Member, members
from emogan.data.seed import seed
from emogan.data.training_set import TrainingSet
from emogan.environment import quiet_lightning
from emogan.evaluation import FitData, LinearSVM
from emogan.evaluation.audit import LeakageError, audit
from emogan.evaluation.plan import Fit, Plan, Split
from emogan.report.figures.picture import WIDTH, Picture, panels, style
from emogan.report.figures.style import look
from emogan.report.paper_table import reported
from emogan.simulation import people

MODELS = {"cbegan": CBEGANSampler, "cwgan": CWGANSampler, "cgan": CGANSampler}
N_AUG = (0, 50, 200, 600, 2000)
SVM = LinearSVM("linear SVM", c_exponents=(-2, -2), libsvm_iterations=1_000_000)  # one C: nothing is chosen
ALL, TRAINING, PAPER = "all trials (a leak)", "training trials", "paper"
READING = (
    "The paper does not say which trials its GANs were trained on. Where accuracy rises with GANs that have seen the "
    "test trials, and not with the others, a leak is one possible reading of its rising rows. Another is that training "
    "trials alone suffice with its data and settings, which are not those used here."
)


def training_sets(features: FeatureSet, folds: Sequence[Member], trained_on: str) -> list[TrainingSet]:
    """What the GAN of each fold is trained on, scaled by the fold's training windows in either case."""
    rows = [np.union1d(one.train, one.test) if trained_on == ALL else one.train for one in folds]
    return [TrainingSet.of(features, own, one.train) for own, one in zip(rows, folds, strict=True)]


def accuracies(features: FeatureSet, folds: Sequence[Member], augmenter: GANAugmenter) -> pd.DataFrame:
    """One row per fold, kind of GAN and number of windows that were appended to the fold's training windows."""
    plain, leaking = (training_sets(features, folds, kind) for kind in (TRAINING, ALL))
    with quiet_lightning():
        fit(augmenter, [*plain, *leaking], features.n_classes, [0] * 2 * len(folds), progress=True)
    labels = balanced_labels(max(N_AUG), features.n_classes)
    generators = [torch.Generator().manual_seed(m) for m in range(2 * len(folds))]
    drawn = augmenter.sample(torch.from_numpy(labels).expand(len(generators), -1), generators).numpy()
    rows = []
    for number, (one, data) in enumerate(zip(folds, plain, strict=True)):
        test = data.scaler.transform(features.x[one.test])
        for kind, windows in ((TRAINING, drawn[number]), (ALL, drawn[number + len(folds)])):
            x, y = np.concatenate([data.x, windows]), np.concatenate([data.y, labels])
            found = SVM.paths(FitData(x, y, [len(data.y) + n for n in N_AUG], test))
            rows += [
                (kind, n, one.subject, one.session, one.fold, 0, (path.predictions[0] == features.y[one.test]).mean())
                for n, path in zip(N_AUG, found, strict=True)
            ]
    return pd.DataFrame(rows, columns=["trained_on", "n_aug", "subject", "session", "fold", "seed", "accuracy"])


def points(scores: pd.DataFrame, model: str) -> pd.DataFrame:
    """Mean accuracy over people, and the mean gain with its bootstrap interval; behind them the paper's rows."""
    means = statistics.subject_means(scores, by=("trained_on", "n_aug"))
    wide = means.pivot(index="subject", columns=["trained_on", "n_aug"], values="accuracy")
    rows = []
    for kind in (ALL, TRAINING):
        for n in N_AUG:
            gain = statistics.paired(wide[kind, n], wide[kind, 0])
            rows.append((kind, n, wide[kind, n].mean(), gain.difference, gain.low, gain.high))
    paper = reported().query("dataset == 'seed' and modality == 'eye'")
    none = paper.loc[paper.model == "none", "mean"].item()
    own = paper[(paper.model == model) & paper.n_aug.isin(N_AUG)]
    if len(own):  # it has no cGAN
        rows += [
            (PAPER, n, mean, mean - none, np.nan, np.nan)
            for n, mean in ((0, none), *zip(own.n_aug, own["mean"], strict=True))
        ]
    return pd.DataFrame(rows, columns=["trained_on", "n_aug", "accuracy", "gain", "low", "high"])


def picture(found: pd.DataFrame, model: str, data: str) -> Picture:
    """Accuracy and gain against the number of appended windows, a line for each kind of GAN and for the paper."""
    caption = (
        f"{data}; linear SVM with C = {SVM.values[0]:g}, tested on the test trials of each fold. Solid: every GAN has "
        "seen all trials, the test trials among them, which nobody should do. Dashed: every GAN has seen the training "
        "trials of its fold alone. Bars: bootstrap 95 % interval of the mean gain over people, far too narrow below "
        f"six. {'Dotted: Luo, Zhu and Lu (2019), Table 1, real data. ' * (PAPER in set(found.trained_on))}{READING}"
    )
    own, mark = look(model), look(model).marker
    looks = {
        ALL: {"color": own.color, "marker": mark, "linestyle": "-", "label": f"{own.label}, {ALL}"},
        TRAINING: {"color": own.color, "marker": mark, "linestyle": "--", "label": f"{own.label}, {TRAINING}"},
        PAPER: {"color": look("none").color, "marker": "x", "linestyle": ":", "label": f"{own.label}, {PAPER}"},
    }
    with style():
        figure, axes = panels(1, 2, WIDTH / 2, 3.6, f"{own.label}s trained on all trials and on training trials")
        left, right = axes[0]
        for (kind, rows), shift in zip(found.groupby("trained_on", sort=False), (-0.04, 0.04, 0), strict=False):
            at = np.searchsorted(N_AUG, rows.n_aug) + shift
            fill = {"markerfacecolor": "white"} if kind == TRAINING else {}
            bars = 100 * np.abs(rows[["low", "high"]].sub(rows.gain, axis=0)).fillna(0).T
            left.plot(at, 100 * rows.accuracy, **looks[kind], **fill)
            right.errorbar(at, 100 * rows.gain, yerr=bars, capsize=3, elinewidth=1, **looks[kind], **fill)
        left.set_title("accuracy (%)")
        right.set_title("gain over no synthetic windows (points)")
        left.legend()
        for axis in axes[0]:
            axis.set_xticks(range(len(N_AUG)), N_AUG)
            axis.set_xlabel("synthetic windows appended (n_aug)")
            axis.grid(axis="y")
        figure.supxlabel(textwrap.fill(caption, 165), fontsize=8, ha="left", x=0.01)
    return Picture("leak", "The leak, shown", caption, figure)


def verdict(features: FeatureSet, folds: Sequence[Member], sets: Sequence[TrainingSet]) -> str:
    """What the audit says of a plan with these training sets, as it says it of every job's."""
    kept = (np.flatnonzero(np.isin(data.rows, one.train)) for data, one in zip(sets, folds, strict=True))
    fits = [Fit(i, own, one.test, 1.0) for i, (own, one) in enumerate(zip(kept, folds, strict=True))]
    plan = Plan(list(sets), fits, [Split(one, i, ()) for i, one in enumerate(folds)], halved=0)
    try:
        return str(audit(features, plan, scaling_leaks=False, equal_windows="refuse")["verdict"])
    except LeakageError as error:
        return f"LeakageError: {error}"


def prepared(arguments: Sequence[str] | None) -> tuple[FeatureSet, GANAugmenter, Path]:
    """The windows, the GAN and the folder that the options ask for; exits with a sentence if one is impossible."""
    parser = argparse.ArgumentParser(prog="python -m emogan.examples.leak", description="Show what a leak looks like.")
    parser.add_argument("--subjects", type=int, nargs="+", default=[1, 2], metavar="N", help="people; 1 2")
    parser.add_argument("--model", choices=MODELS, default="cbegan", help="kind of GAN; cbegan")
    parser.add_argument("--iterations", type=int, metavar="N", help="updates of the generator; those of the model")
    parser.add_argument("--root", metavar="FOLDER", help="your copy of SEED instead of simulated people")
    parser.add_argument("--output", type=Path, default=Path("outputs/leak"), metavar="FOLDER", help="outputs/leak")
    options = parser.parse_args(arguments)
    sampler = MODELS[options.model]
    iterations = sampler.iterations if options.iterations is None else options.iterations
    asked = {"modality": "eye", "subjects": options.subjects, "sessions": [1]}
    try:
        augmenter = GANAugmenter(sampler.gan, name=options.model, iterations=iterations)
        features = people.load("seed", **asked) if options.root is None else seed.load(options.root, **asked)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    try:
        options.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--output: expected a folder that can be written to, got {options.output} ({error.strerror})")
    return features, augmenter, options.output


def main(arguments: Sequence[str] | None = None) -> pd.DataFrame:
    """The points of the figure: rates, one row per kind of GAN and number of windows."""
    features, augmenter, folder = prepared(arguments)
    folds = members(features)
    found = points(accuracies(features, folds, augmenter), augmenter.name)
    subjects = ", ".join(map(str, dict.fromkeys(features.subject.tolist())))
    simulated = "SIMULATED" if features.dataset.startswith("synthetic_") else "real"
    data = f"{simulated} eye movements, {features.dataset}, session 1 of subjects {subjects}"
    drawn = picture(found, augmenter.name, data)
    (folder / "leak.png").write_bytes(drawn.png)
    found.to_csv(folder / "leak.csv", index=False)
    percent = found.assign(**{name: 100 * found[name] for name in ("accuracy", "gain", "low", "high")})
    print(f"{augmenter.name}, {augmenter.training['iterations']} updates; {data}")
    print("accuracy in percent; gain in points, mean over people, and its bootstrap 95 % interval from low to high")
    print(percent.to_string(index=False, float_format="{:.1f}".format, na_rep=""))
    for kind in (TRAINING, ALL):
        says = verdict(features, folds, training_sets(features, folds, kind))
        print(f"\nEmoGAN's audit of GANs trained on {kind}:\n{textwrap.fill(says, 120)}")
    print("(Here the leak was put in on purpose: there is nothing to report.)")
    print(f"\n{textwrap.fill(READING, 120)}\n\nfigure: {folder / 'leak.png'}, points: {folder / 'leak.csv'}")
    return found


if __name__ == "__main__":
    main()
