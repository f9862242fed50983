"""A generator to share: trained on many people at once, for those who do not have their recordings."""

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from omegaconf import DictConfig
from threadpoolctl import threadpool_limits

from emogan.analysis.privacy import closest_record, membership
from emogan.atomic import remove_abandoned, write_atomically
from emogan.augmenters import Augmenter, Control, GANAugmenter
from emogan.augmenters.fit import fit
from emogan.checks import one_of
from emogan.data.alignment import ALIGNMENTS
from emogan.data.donors import Donors, Pools, Which, among, check_named
from emogan.data.features import FeatureSet, check_loaded
from emogan.data.training_set import TrainingSet
from emogan.environment import available_cores, quieten_lightning
from emogan.jobs.card import card_text
from emogan.jobs.settings import SETTINGS, check_gpu, check_values, check_writable, construct, trainer_settings
from emogan.samplers import files
from emogan.samplers.fitted import FittedSampler
from emogan.store import Store, derived_seed

log = logging.getLogger(__name__)

OWN_SETTINGS = {
    **{
        name: SETTINGS[name]
        for name in SETTINGS
        if name.startswith(("data.", "machine.")) or name in ("modality", "seed")
    },
    "out": str,
    "donors.subjects": Which,
    "donors.sessions": Which,
    "donors.alignment": Annotated[str, one_of(ALIGNMENTS)],
    "held_out.subjects": Which,
    "notice": str | None,
}
LEAST = 2  # people on either side: with one, what all have in common would be that person's


@threadpool_limits.wrap(limits=1, user_api="blas")
def share(cfg: DictConfig) -> Path:
    """Train a generator on all donors, measure what it reveals of them, and write its file and its card.

    Raises
    ------
    ValueError, OSError
        If a setting is impossible, the file would hold what must not be given away, or it cannot be written: before
        any training.
    """
    quieten_lightning()
    check_values(cfg, OWN_SETTINGS, "share")
    check_gpu(cfg)
    augmenter = construct(cfg.model, Augmenter)
    check_shareable(augmenter)
    if cfg.data.get("per_subject"):
        raise ValueError("data.per_subject: expected false, as donors.alignment makes people comparable, got true")
    trainer, store, out = trainer_settings(cfg), Store(cfg.store), Path(cfg.out).expanduser()
    card = out.with_suffix(".card.md")
    if out.suffix != ".safetensors":
        raise ValueError(f"out: expected FILE.safetensors, got {out}")
    for path in (out, card):
        if path.exists():
            raise ValueError(f"out: expected new files, got {path}, which exists. Choose another out=FILE.safetensors")
    check_writable(out.parent, "out")
    check_writable(store.folder, "store")
    remove_abandoned(store.folder)
    torch.set_num_threads(cfg.machine.threads or available_cores())

    features = construct(cfg.data)
    check_loaded(features, cfg.modality)
    donor_rows, held_out = people(features, cfg.donors.subjects, cfg.donors.sessions, cfg.held_out.subjects)
    donors = features.take(donor_rows)  # which refuses donors without windows of some class
    log.info("donors: %s", donors.summary())
    pools = Pools(features, Donors(others=True, alignment=cfg.donors.alignment))
    pool = pools.pool(donor_rows)
    fits = fit(
        augmenter, [pool], features.n_classes, [cfg.seed], store, trainer=trainer,
        checkpoint_s=cfg.machine.checkpoint_s, keep_checkpoints=cfg.machine.keep_checkpoints, progress=True,
    )  # fmt: skip

    privacy = None
    if len(held_out):
        strangers = pool.scaler.transform(pools.aligned(held_out))
        synthetic = drawn_like(augmenter, pool, fits.keys[0])
        privacy = measure(synthetic, pool.x, donors.subject, strangers, features.subject[held_out], fits.keys[0])
    shared = {
        "alignment": cfg.donors.alignment, "dataset": features.dataset, "people": len(np.unique(donors.subject)),
        "sessions": len(list(donors.experiments())), "windows": len(donors.y),
        "training": {"seed": cfg.seed, "end": fits.ends[0], **trainer.identity},
        "notice": cfg.notice, "privacy": privacy,
    }  # fmt: skip
    fitted = FittedSampler(
        augmenter.identity(), {f"generator.{name}": value for name, value in fits.generators[0].items()}, pool.scaler,
        np.array(features.class_names), (np.dtype(np.float32),) * len(features.feature_names), fits.keys[0],
        features.feature_names, modalities=features.modalities, shared=shared,
    )  # fmt: skip
    shared["card"] = card_text(out.name, fitted)
    write_atomically(card, shared["card"].encode())
    files.save(fitted, out)
    log.info("%s\nwrote %s and %s", shared["card"], out.absolute(), card.name)
    return out


def check_shareable(augmenter: Augmenter) -> None:
    """Refuse a model whose file would hold windows of donors, or what belongs to a single one of them.

    Raises
    ------
    ValueError
        With the reason.
    """
    reason = None
    if isinstance(augmenter, Control):
        reason = "which draws from windows: its file would hold all real windows of the donors"
    elif not isinstance(augmenter, GANAugmenter):
        reason = "which has no generator"
    elif augmenter.needs_trials:
        reason = "which looks at trials: its file would hold means or lengths of single trials, and so of single people"
    if reason:
        raise ValueError(
            f"model: expected a GAN that keeps nothing of single people, such as cbegan, cwgan or cgan, got "
            f"{augmenter.name}, {reason}"
        )
    if isinstance(augmenter, GANAugmenter) and augmenter.identity().get("selection") == "discriminator":
        raise ValueError(
            "model.selection: expected density, classifier or null, got discriminator: the file would hold the "
            "discriminator, which has learned to tell the donors' windows from others"
        )


def people(features: FeatureSet, subjects: Which, sessions: Which, held_out: Which) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the donors' windows, and of those of the people who are held out; none if nobody is.

    Raises
    ------
    ValueError
        If people or sessions are named that were not loaded, somebody is on both sides, or a side has too few people.
    """
    check_named(features, {"donors.subjects": subjects, "donors.sessions": sessions, "held_out.subjects": held_out})
    strangers = among(features.subject, held_out or [])
    ours = ~strangers if subjects is None else among(features.subject, subjects)
    if (both := np.unique(features.subject[ours & strangers])).size:
        raise ValueError(
            f"held_out.subjects: expected nobody of donors.subjects, got {', '.join(map(str, both.tolist()))}"
        )
    watched = among(features.session, sessions)
    found = np.flatnonzero(ours & watched), np.flatnonzero(strangers & watched)
    for name, rows, needed in (("donors", found[0], True), ("held_out", found[1], bool(held_out))):
        if needed and (n := len(np.unique(features.subject[rows]))) < LEAST:
            raise ValueError(f"{name}.subjects: expected at least {LEAST} people with windows, got {n}")
    return found


def drawn_like(augmenter: Augmenter, pool: TrainingSet, key: str) -> np.ndarray:
    """Synthetic windows (n, F) in the pool's scaled units, as many of each class as the pool has."""
    generator = torch.Generator().manual_seed(derived_seed(key, "privacy"))
    return augmenter.sample(torch.from_numpy(np.sort(pool.y))[None], [generator])[0].numpy()


def measure(
    synthetic: np.ndarray, x: np.ndarray, donor: np.ndarray, strangers: np.ndarray, stranger: np.ndarray, key: str
) -> dict:
    """What synthetic windows reveal of donors, as plain values; arguments as of `membership`."""
    random = np.random.default_rng(derived_seed(key, "held out"))
    return {
        "people": len(np.unique(stranger)), "windows": len(stranger),
        "closest_record": asdict(closest_record(synthetic, x, donor, strangers, stranger, random)),
        "membership": asdict(membership(synthetic, x, donor, strangers, stranger, random)),
    }  # fmt: skip
