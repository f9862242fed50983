"""One job: load, split, scale, fit, sample, score, write."""

import contextlib
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from omegaconf import DictConfig, OmegaConf
from threadpoolctl import threadpool_limits
from torch.utils.tensorboard import SummaryWriter

from emogan.atomic import remove_abandoned, write_atomically
from emogan.augmenters import Augmenter, GANAugmenter, Layout, NoAugmentation, balanced_labels
from emogan.augmenters.fit import Fits, fit_directly
from emogan.augmenters.fit import fit as fit_gans
from emogan.data.features import FeatureSet, check_loaded
from emogan.data.folds import members, permute_labels, thin
from emogan.environment import available_cores, quieten_lightning
from emogan.evaluation import Classifier, protocol
from emogan.evaluation.audit import audit, audit_artificial
from emogan.evaluation.plan import Plan, build
from emogan.evaluation.protocol import Scores
from emogan.evaluation.svm import Predictions
from emogan.jobs import outputs, scoring
from emogan.jobs.identity import compare, finished, job_inputs, job_key, remember
from emogan.jobs.scores import COLUMNS, closing_table, tabulate
from emogan.jobs.settings import check_settings, check_writable, construct, resolve_folds
from emogan.store import Store, derived_seed

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Candidate:
    """One setting of the augmenter: its fits and what classifiers predict with its windows."""

    settings: dict
    fits: Fits
    predictions: dict[int, dict[int, Predictions]]  # by n_aug, then by fit of the plan
    drawn: list[tuple[np.ndarray, np.ndarray]]  # by split: windows and labels to look at, see `draw_like_training`


@threadpool_limits.wrap(limits=1, user_api="blas")  # NumPy's: fits run side by side, and their bits do not vary
def run(cfg: DictConfig) -> pd.DataFrame:
    """Do the job that a configuration describes and return its scores, as written to ``scores.csv``.

    Raises
    ------
    ValueError, OSError
        If a setting is impossible, the data are not as expected, a test window would be seen in training or the outputs
        cannot be written: before any training.
    """
    quieten_lightning()
    clock = Clock()
    sizes = check_settings(cfg)
    augmenter: Augmenter = construct(cfg.model, Augmenter)
    classifier: Classifier = construct(cfg.classifier, Classifier)
    sizes = [0] if isinstance(augmenter, NoAugmentation) else sizes
    folder, store = Path(cfg.folder).expanduser(), Store(cfg.store)
    for place in (folder, store.folder):
        check_writable(place)
    remove_abandoned(store.folder)
    torch.set_num_threads(threads(cfg))

    with clock("load"):
        outputs.set_scores_aside(folder)
        loaded: FeatureSet = construct(cfg.data)
        check_loaded(loaded, cfg.modality)
        cfg = resolve_folds(cfg, loaded)
        inputs = job_inputs(cfg, loaded) | augmenter.revision(loaded.x.shape[1])
        key = job_key(inputs)
        if (done := finished(folder, key)) is not None:
            outputs.restore_scores(folder)
            log.info("done already: %s", folder)
            return done
        if told := compare(store, inputs):
            log.info("%s", told)
        features, plan = prepare(loaded, cfg)
        verdict = audit(
            features, plan,
            scaling_leaks=cfg.scaling.fit_on == "all", equal_windows=cfg.evaluation.equal_windows,
            standardised=bool(cfg.data.get("per_subject")),
        )  # fmt: skip
        outputs.remove_earlier(folder)
    offered = augmenter.candidates() if max(sizes) else augmenter.candidates()[:1]
    candidates = [  # without artificial windows all are one
        evaluate(one, plan, features, [0, *sizes] if i == 0 else [n for n in sizes if n], classifier, cfg, clock)
        for i, one in enumerate(offered)
    ]
    fits = candidates[0].fits
    with clock("write"):
        scores = gather(candidates, plan, features, cfg.evaluation.choice)
        table = tabulate(
            scores, plan, features, classifier, [one.settings for one in candidates], augmenter.name, cfg
        )  # fmt: skip
        asked = table[table.n_aug.isin(sizes)].reset_index(drop=True)
        outputs.write_checkpoint(folder, augmenter, fits, plan, features, cfg)
        outputs.write_curves(folder, fits)
        outputs.write_hparams(folder, asked, cfg)
        outputs.write_details(folder, asked, scores, plan, features)
    if not isinstance(augmenter, NoAugmentation):
        with clock("quality"):
            chosen = [candidates[found.chosen[0]] for found in scores[max(scores)]]
            drawn = [one.drawn[i] for i, one in enumerate(chosen)]
            outputs.write_windows(folder, drawn, plan, features)
            if cfg.quality:
                keys = [one.fits.keys[i] for i, one in enumerate(chosen)]
                found = quality_table(drawn, keys, plan, features, augmenter.name, store, cfg)
                write_atomically(folder / "quality.csv", outputs.csv(found))
    report_bounds(scores, classifier)
    outputs.write_run(
        folder, key, clock.seconds, augmenter, fits, plan, loaded, scores, classifier, sizes, verdict, cfg
    )  # fmt: skip
    remember(store, key, inputs, folder)
    write_atomically(folder / "scores.csv", outputs.csv(asked[COLUMNS]))
    log.info("\n%s\n\nscores, checkpoint, curves: %s", closing_table(table), folder)
    return asked[COLUMNS]


def prepare(features: FeatureSet, cfg: DictConfig) -> tuple[FeatureSet, Plan]:
    """The data, with labels permuted if asked, and all fits planned; warns of what makes them less than they seem."""
    if cfg.evaluation.permute_labels:
        features = permute_labels(features, cfg.seed)
    log.info("%s", features.summary())
    found, wanted = members(features, cfg.evaluation.folds, cfg.evaluation.n_folds), cfg.evaluation.trials_per_class
    if wanted is not None:
        found = [thin(features, member, wanted, cfg.seed) for member in found]
    plan = build(
        features, found,
        inner=cfg.evaluation.inner, n_inner_folds=cfg.evaluation.inner_folds, fit_on=cfg.scaling.fit_on,
    )  # fmt: skip
    constant = [column for data in plan.outer_sets for column in data.scaler.constant]
    for column in dict.fromkeys(constant):
        log.warning(
            "feature %s is constant in %d of %d training sets and counts as 0 there",
            features.feature_names[column], constant.count(column), len(plan.splits),
        )  # fmt: skip
    if plan.halved:
        log.warning(
            "a class has a single training trial in %d of %d training sets: halves of trials, not whole ones, choose "
            "the classifier's parameter there",
            plan.halved, len(plan.splits),
        )  # fmt: skip
    if cfg.scaling.fit_on == "all":
        log.warning(
            "scaling.fit_on=all: test windows helped to scale the features; these scores LEAK and are optimistic"
        )
    return features, plan


def evaluate(
    augmenter: Augmenter,
    plan: Plan,
    features: FeatureSet,
    sizes: Sequence[int],
    classifier: Classifier,
    cfg: DictConfig,
    clock: "Clock",
) -> Candidate:
    """Fit one setting of the augmenter to all training sets and score classifiers with so many of its windows."""
    sizes = sorted(set(sizes))
    with clock("fit"):
        fits = fit(augmenter, plan, features, cfg)
    with clock("score"):
        artificial, labels = sample(augmenter, fits, max(sizes), features.n_classes)
        audit_artificial(plan, features.x, artificial[: len(plan.splits)], augmenter.name)
        predictions = scoring.score(
            plan, features, artificial, labels, sizes, classifier,
            settings=OmegaConf.to_container(cfg.classifier, resolve=True), keys=fits.keys, store=Store(cfg.store),
            threads=threads(cfg),
        )  # fmt: skip
    with clock("quality"):
        drawn = [] if isinstance(augmenter, NoAugmentation) else draw_like_training(augmenter, fits, plan)
    return Candidate(augmenter.identity(), fits, predictions, drawn)


def fit(augmenter: Augmenter, plan: Plan, features: FeatureSet, cfg: DictConfig) -> Fits:
    """Fit the augmenter to every training set: GANs through the store, others directly."""
    folder = Path(cfg.folder).expanduser()

    @contextlib.contextmanager
    def writer(name: str) -> Iterator[SummaryWriter]:
        with SummaryWriter(str(folder / name)) as opened:
            yield opened

    seeds = [cfg.seed] * len(plan.sets)
    if isinstance(augmenter, GANAugmenter):
        fits = fit_gans(
            augmenter, plan.sets, features.n_classes, seeds, Store(cfg.store), kept=len(plan.splits),
            group_size=cfg.machine.group_size, accelerator=cfg.machine.accelerator,
            checkpoint_s=cfg.machine.checkpoint_s, writer=writer,
        )  # fmt: skip
        outputs.remove_curves_of_groups(folder)
        return fits
    layout = Layout(features.feature_names, features.modalities)
    return fit_directly(augmenter, plan.sets, layout, features.n_classes, seeds)


def sample(augmenter: Augmenter, fits: Fits, n: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """n artificial windows (M, n, F) of every training set and their labels (n,); smaller n are the first of them."""
    labels = balanced_labels(n, classes)
    generators = [torch.Generator().manual_seed(derived_seed(key, "sample")) for key in fits.keys]
    y = torch.from_numpy(labels).expand(len(fits.keys), n)
    return augmenter.sample(y, generators).numpy(), labels


def draw_like_training(augmenter: Augmenter, fits: Fits, plan: Plan) -> list[tuple[np.ndarray, np.ndarray]]:
    """For every split, windows to look at and their labels: as many of each class as its training set has."""
    y = torch.zeros(len(plan.sets), max(len(data.y) for data in plan.outer_sets), dtype=torch.int64)
    for row, data in zip(y, plan.outer_sets, strict=False):  # the other sets' windows are thrown away
        row[: len(data.y)] = torch.from_numpy(np.sort(data.y))
    generators = [torch.Generator().manual_seed(derived_seed(key, "look")) for key in fits.keys]
    drawn = augmenter.sample(y, generators).numpy()
    return [(x[: len(data.y)].copy(), np.sort(data.y)) for x, data in zip(drawn, plan.outer_sets, strict=False)]


def gather(candidates: Sequence[Candidate], plan: Plan, features: FeatureSet, choice: str) -> dict[int, list[Scores]]:
    """Scores of every split by n_aug."""
    scores = {
        n: [
            protocol.gather(i, plan, [one.predictions[n] for one in candidates if n in one.predictions], features.y)
            for i in range(len(plan.splits))
        ]
        for n in candidates[0].predictions
    }
    if choice != "pooled":
        return scores
    if alone := protocol.alone(plan):
        log.warning(
            "evaluation.choice=pooled: %d of %d training sets choose on their own, as all others train on their test "
            "windows", alone, len(plan.splits),
        )  # fmt: skip
    return {n: protocol.pool(found, plan) for n, found in scores.items()}


def quality_table(
    drawn, keys: Sequence[str], plan: Plan, features: FeatureSet, model: str, store: Store, cfg: DictConfig
) -> pd.DataFrame:
    """Sample quality of every split's artificial windows, with the place of each."""
    place = {"dataset": features.dataset, "modality": cfg.modality, "model": model}
    tables = [
        rows.assign(**place, **outputs.place(plan, i))
        for i, rows in enumerate(scoring.assess(plan, features, drawn, keys, store, threads(cfg)))
    ]
    return pd.concat(tables)[
        ["dataset", "subject", "session", "fold", "modality", "model", "class", "metric", "value", "reference"]
    ]


def report_bounds(scores: dict[int, list[Scores]], classifier: Classifier) -> None:
    """Say in how many training sets the classifier did not converge, and from which value on."""
    for n, found in scores.items():
        met = [classifier.values[s.bounded_from] for s in found if s.bounded_from is not None]
        if met:
            log.info(
                "n_aug=%d: %s did not converge in %d of %d training sets, from c = %g on at the earliest",
                n, classifier.name, len(met), len(found), min(met),
            )  # fmt: skip


class Clock:
    """Seconds per stage, added up."""

    def __init__(self):
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[stage] = round(self.seconds.get(stage, 0) + time.perf_counter() - start, 3)


def threads(cfg: DictConfig) -> int:
    """As many as asked for, or as there are cores."""
    return cfg.machine.threads or available_cores()
