"""One job: load, split, scale, fit, sample, score, write."""

import contextlib
import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from omegaconf import DictConfig, OmegaConf
from threadpoolctl import threadpool_limits

from emogan.atomic import remove_abandoned
from emogan.augmenters import Augmenter, GANAugmenter, Layout, NoAugmentation, balanced_labels
from emogan.augmenters.fit import Fits, fit_directly
from emogan.augmenters.fit import fit as fit_gans
from emogan.data.donors import Donors, among_targets
from emogan.data.features import FeatureSet, check_loaded
from emogan.data.members import members, permute_labels, thin
from emogan.environment import available_cores, quieten_lightning
from emogan.evaluation import Classifier, protocol
from emogan.evaluation.audit import audit, audit_synthetic, seen_clips
from emogan.evaluation.plan import Plan, build
from emogan.evaluation.protocol import Scores, Synthetic
from emogan.jobs import outputs, scoring
from emogan.jobs.files import COLUMNS, EARLIER, EARLIER_JOB
from emogan.jobs.identity import compare, finished, job_inputs, job_key, remember
from emogan.jobs.results import Candidate, Results
from emogan.jobs.scores import closing_table, tabulate
from emogan.jobs.settings import (
    check_donors,
    check_settings,
    check_writable,
    construct,
    resolve_folds,
    trainer_settings,
    with_gan_settings,
)
from emogan.store import Store, content_key, derived_seed
from emogan.wording import some

log = logging.getLogger(__name__)


@threadpool_limits.wrap(limits=1, user_api="blas")  # NumPy's: fits run side by side, and their bits do not vary
def run(cfg: DictConfig) -> pd.DataFrame:
    """Do the job that a configuration describes and return its scores, as written to ``scores.csv``.

    Raises
    ------
    ValueError, OSError
        If a setting is impossible, the data are not as expected, a test window would be seen in training or the outputs
        cannot be written: before any training.
    """
    return Job(cfg).run()


class Job:
    """One job: a data set, a modality and a model with its settings, for all experiments, folds and n_aug.

    Parameters
    ----------
    cfg
        The configuration of `emogan.train`, see conf/train.yaml.

    Raises
    ------
    ValueError, OSError
        If a setting is impossible or the outputs cannot be written.
    """

    def __init__(self, cfg: DictConfig):
        quieten_lightning()
        sizes = check_settings(cfg)
        cfg = with_gan_settings(cfg)
        augmenter: Augmenter = construct(cfg.model, Augmenter)
        donors = construct(cfg.donors, Donors)
        check_donors(cfg, donors, augmenter)
        self.trainer = trainer_settings(cfg)
        self.trainer.loggers = [construct(logger) for logger in cfg.logger.values() if logger]
        self.found = Results(
            cfg, Path(cfg.folder).expanduser(), augmenter, donors, construct(cfg.classifier, Classifier),
            [0] if isinstance(augmenter, NoAugmentation) else sizes, self.trainer.identity,
        )  # fmt: skip
        self.store = Store(cfg.store)
        check_writable(self.found.folder, "output")
        check_writable(self.store.folder, "store")
        remove_abandoned(self.store.folder)
        self.threads = cfg.machine.threads or available_cores()
        torch.set_num_threads(self.threads)

    def run(self) -> pd.DataFrame:
        """Do what is not done already; the scores, as written to ``scores.csv``.

        While another process runs a job in the same folder, this one waits.
        """
        key = content_key({"folder": str(self.found.folder.resolve())})
        with self.store.lock(key) as alone:
            if alone:
                return self._run()
        log.info("waiting for another process, which runs a job in %s", self.found.folder)
        with self.store.lock(key, timeout_s=-1):
            return self._run()

    def _run(self) -> pd.DataFrame:
        found = self.found
        with self._clock("load"):
            done = self._load()
        if done is not None:
            return done
        status = "failed"
        try:
            self._compute()
            status = "success"
        finally:
            outputs.close(self.trainer.loggers, status)
        if not found.out_of_time:
            remember(self.store, found.key, self.inputs, found.folder)
        outputs.write_scores(found)
        log.info("\n%s\n\nscores, checkpoint, curves: %s", closing_table(found.table), found.folder)
        return found.asked[COLUMNS]

    def _compute(self) -> None:
        """Fit, score and write all but the scores."""
        found = self.found
        offered = found.augmenter.candidates() if max(found.sizes) else found.augmenter.candidates()[:1]
        for i, augmenter in enumerate(offered):  # without synthetic windows all are one
            sizes = sorted({0, *found.sizes}) if i == 0 else [n for n in found.sizes if n]
            found.candidates.append(self._evaluate(augmenter, sizes))
        with self._clock("write"):
            found.scores = gather(found.candidates, found.plan, found.features, found.cfg.evaluation.choice)
            found.table = tabulate(found)
            outputs.write_checkpoint(found)
            outputs.write_curves(found)
            outputs.log_results(found, self.trainer.loggers)
            outputs.write_details(found)
        if not isinstance(found.augmenter, NoAugmentation):
            with self._clock("quality"):
                outputs.write_windows(found)
                if found.cfg.quality:
                    outputs.write_quality(found, self._quality())
        log_not_converged(found)
        outputs.write_run(found)

    @contextlib.contextmanager
    def _clock(self, stage: str) -> Iterator[None]:
        """Add the seconds of what is done inside to those of a stage."""
        start = time.perf_counter()
        yield
        seconds = self.found.seconds
        seconds[stage] = round(seconds.get(stage, 0) + time.perf_counter() - start, 3)

    def _load(self) -> pd.DataFrame | None:
        """Load the data and plan all fits; the scores instead, if the folder holds them already."""
        found = self.found
        outputs.undo_move(found.folder)
        outputs.mark_unfinished(found.folder)
        found.loaded = construct(with_donors(found.cfg.data, found.donors))
        check_loaded(found.loaded, found.cfg.modality)
        if found.donors:
            found.donors.check_named(found.loaded, found.cfg.data.subjects, found.cfg.data.sessions)
        found.targets = targets_of(found.loaded, found.cfg.data, found.donors)
        found.cfg = cfg = resolve_folds(found.cfg, found.loaded.take(found.targets), found.donors)
        self.inputs = job_inputs(cfg, found.loaded, found.targets, found.donors, found.training)
        self.inputs |= {"n_aug": found.sizes} | found.augmenter.revision(found.loaded.x.shape[1])
        found.key = job_key(self.inputs)
        done = finished(found.folder, found.key)
        if done is None and not (found.folder / EARLIER).exists():  # whose results would be lost
            if (done := finished(found.folder / EARLIER_JOB, found.key)) is not None:
                outputs.take_back_earlier(found.folder)
        if done is not None:
            outputs.mark_finished(found.folder)
            log.info("done already: %s", found.folder)
            return done
        if difference := compare(self.store, self.inputs):
            log.info("%s", difference)
        found.features, found.plan = prepare(found.loaded, cfg, found.targets, found.donors)
        found.audit = audit(
            found.features, found.plan,
            scaling_leaks=cfg.scaling.fit_on == "all", equal_windows=cfg.evaluation.equal_windows,
            standardised=bool(cfg.data.get("per_subject")),
        )  # fmt: skip
        outputs.set_aside_earlier(found.folder, found.key)
        return None

    def _evaluate(self, augmenter: Augmenter, sizes: Sequence[int]) -> Candidate:
        """Fit one setting of the augmenter to all training sets, and score with each n_aug of its windows."""
        found, cfg = self.found, self.found.cfg
        with self._clock("fit"):
            fits = self._fit(augmenter)
        with self._clock("score"):
            synthetic = sample(augmenter, fits, max(sizes), found.features.n_classes, found.plan)
            audit_synthetic(found.plan, found.features.x, synthetic.x[found.plan.of_splits], augmenter.name)
            predictions = scoring.score(
                found.plan, found.features, synthetic, sizes, found.classifier,
                settings=OmegaConf.to_container(cfg.classifier, resolve=True), keys=fits.keys, store=self.store,
                threads=self.threads,
            )  # fmt: skip
        with self._clock("quality"):
            alike = isinstance(augmenter, NoAugmentation)
            windows = [] if alike else draw_like_training(augmenter, fits, found.plan)
        return Candidate(augmenter, fits, predictions, windows)

    def _fit(self, augmenter: Augmenter) -> Fits:
        """Fit the augmenter to every training set: GANs through the cache, others directly."""
        plan, features, machine = self.found.plan, self.found.features, self.found.cfg.machine
        seeds = [self.found.cfg.seed] * len(plan.sets)
        if isinstance(augmenter, GANAugmenter):
            return fit_gans(
                augmenter, plan.learning_sets, features.n_classes, seeds, self.store, trainer=self.trainer,
                kept=plan.of_splits, group_size=machine.group_size, workers=self._workers(),
                checkpoint_s=machine.checkpoint_s, keep_checkpoints=machine.keep_checkpoints, progress=True,
            )  # fmt: skip
        layout = Layout(features.feature_names, features.modalities)
        return fit_directly(augmenter, plan.learning_sets, layout, features.n_classes, seeds)

    def _workers(self) -> int:
        """How many processes train GANs: one for each core that the job may use, unless they train on a GPU."""
        return self.found.cfg.machine.workers or (self.threads if self.trainer.on_cpu else 1)

    def _quality(self) -> list[pd.DataFrame]:
        """Sample quality of every split's synthetic windows."""
        found, chosen = self.found, self.found.chosen()
        return scoring.assess(
            found.plan, found.features, [one.windows[i] for i, one in enumerate(chosen)],
            [one.fits.keys[i] for i, one in zip(found.plan.of_splits, chosen, strict=True)], self.store, self.threads,
        )  # fmt: skip


def with_donors(data: DictConfig, donors: Donors) -> DictConfig:
    """What loads the data: the experiments that are asked for, and their donors."""
    return OmegaConf.merge(data, donors.widened(data.subjects, data.sessions)) if donors else data


def targets_of(features: FeatureSet, data: DictConfig, donors: Donors) -> np.ndarray:
    """Windows of the experiments that are classified: all that were loaded, but for donors that are nothing else."""
    return among_targets(features, data.subjects, data.sessions) if donors else np.arange(len(features.y))


def prepare(features: FeatureSet, cfg: DictConfig, targets: np.ndarray, donors: Donors) -> tuple[FeatureSet, Plan]:
    """The data, with labels permuted if asked, and all fits planned; warns of what makes scores less than they seem."""
    if cfg.evaluation.permute_labels:
        features = permute_labels(features, cfg.seed)
    chosen = features.take(targets)
    log.info("%s\ncolumns: %s", chosen.summary(), chosen.describe_columns())
    if donors:
        log.info("donors are taken from %s", features.summary())
    if mixed := chosen.mixed_trials():
        log.warning("%s", mixed)
    wanted = cfg.evaluation.trials_per_class
    splits = members(chosen, cfg.evaluation.folds, cfg.evaluation.n_folds, cfg.evaluation.stimuli)
    splits = [replace(split, train=targets[split.train], test=targets[split.test]) for split in splits]
    if wanted is not None:
        splits = [thin(features, split, wanted, cfg.seed) for split in splits]
    plan = build(
        features, splits,
        inner=cfg.evaluation.inner, n_inner_folds=cfg.evaluation.inner_folds, fit_on=cfg.scaling.fit_on,
        stimuli=cfg.evaluation.stimuli, donors=donors,
    )  # fmt: skip
    _warn_of_plan(plan, features)
    if cfg.scaling.fit_on == "all":
        log.warning(
            "scaling.fit_on=all: test windows helped to scale the features; these scores LEAK and are optimistic"
        )
    return features, plan


def _warn_of_plan(plan: Plan, features: FeatureSet) -> None:
    tested: dict[tuple, set[int]] = {}
    for split in plan.splits:
        place = split.member.subject, split.member.session
        tested.setdefault(place, set()).update(np.unique(features.y[split.member.test]).tolist())
    lacking = Counter(k for found in tested.values() for k in set(range(features.n_classes)) - found)
    if lacking:
        log.warning(
            "some classes are trained on but not tested: %s. The accuracy there is that of fewer classes",
            some(f"{features.class_names[k]} (in {n} of {len(tested)} experiments)" for k, n in lacking.items()),
        )  # fmt: skip
    if constant := Counter(column for data in plan.outer_sets for column in data.scaler.constant):
        named = [f"{features.feature_names[column]} (in {n})" for column, n in constant.most_common()]
        log.warning(
            "%d of %d features are constant in some of the %d training sets and count as 0 there: %s",
            len(constant), len(features.feature_names), len(plan.splits), some(named),
        )  # fmt: skip
    if plan.halved:
        log.warning(
            "a class has a single training trial in %d of %d training sets: the classifier's parameter is chosen there "
            "by cross-validation over halves of trials",
            plan.halved, len(plan.splits),
        )  # fmt: skip
    if plan.clips_shared:
        log.warning(
            "%d of %d training sets show too few clips to validate on others: the classifier's parameter is chosen "
            "there on clips that are trained on. The test windows show none of them",
            plan.clips_shared, len(plan.splits),
        )  # fmt: skip
    if shown := seen_clips(features, plan):
        log.warning(
            "%d test windows show film clips that the training set shows too: a classifier may recognise the clip, not "
            "the emotion. evaluation.stimuli=unseen tests on new clips alone", shown,
        )  # fmt: skip


def sample(augmenter: Augmenter, fits: Fits, n: int, classes: int, plan: Plan) -> Synthetic:
    """n synthetic windows of every training set; smaller n are the first of them."""
    labels = balanced_labels(n, classes)
    y = torch.from_numpy(labels).expand(len(fits.keys), n)
    drawn = plan.adapt(augmenter.sample(y, generators(fits, plan, "sample")))
    return Synthetic(drawn, labels, augmenter.synthetic_trials(y).numpy())


def generators(fits: Fits, plan: Plan, purpose: str) -> list[torch.Generator]:
    """Of the noise of each training set."""
    keys = [plan.noise_key(i, key) for i, key in enumerate(fits.keys)]
    return [torch.Generator().manual_seed(derived_seed(key, purpose)) for key in keys]


def draw_like_training(augmenter: Augmenter, fits: Fits, plan: Plan) -> list[tuple[np.ndarray, np.ndarray]]:
    """For every split, windows to look at and their labels: as many of each class as its training set has."""
    y = torch.zeros(len(plan.sets), max(len(data.y) for data in plan.outer_sets), dtype=torch.int64)
    for i in plan.of_splits:  # windows of the other sets are thrown away
        y[i, : len(plan.sets[i].y)] = torch.from_numpy(np.sort(plan.sets[i].y))
    drawn = plan.adapt(augmenter.sample(y, generators(fits, plan, "look")))
    return [(drawn[i, : len(plan.sets[i].y)].copy(), np.sort(plan.sets[i].y)) for i in plan.of_splits]


def gather(candidates: Sequence[Candidate], plan: Plan, features: FeatureSet, choice: str) -> dict[int, list[Scores]]:
    """Scores of every split by n_aug."""
    scores = {
        n: [
            protocol.gather(i, plan, [one.predictions[n] for one in candidates if n in one.predictions], features)
            for i in range(len(plan.splits))
        ]
        for n in candidates[0].predictions
    }
    if choice != "pooled":
        return scores
    if alone := sum(len(splits) == 1 for splits in plan.poolable):
        log.warning(
            "evaluation.choice=pooled: %d of %d training sets choose on their own, as all others have seen their test "
            "windows", alone, len(plan.splits),
        )  # fmt: skip
    # All n_aug by the same training sets: else their inner accuracies could not be compared
    return {n: protocol.pool(found, plan.poolable) for n, found in scores.items()}


def log_not_converged(found: Results) -> None:
    """Log in how many training sets the classifier did not converge, and from which value of its parameter on."""
    for n, scores in found.scores.items():
        met = [found.classifier.values[c] for s in scores if (c := s.first_not_converged) is not None]
        if met:
            log.info(
                "n_aug=%d: %s did not converge in %d of %d training sets, from c = %g on at the earliest",
                n, found.classifier.name, len(met), len(scores), min(met),
            )  # fmt: skip
