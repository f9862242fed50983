"""What each trained generator costs: an update and a whole training against cBEGAN's, and drawing from it."""

import argparse
import time

import torch

from emogan.augmenters.augmenter import balanced_labels
from emogan.benchmark.record import Record, alternately
from emogan.benchmark.training import CLASSES, Case, stacked_ms, train_stacked
from emogan.environment import quieten_lightning

GENERATORS = ("cbegan", "trial_cbegan", "cgan", "cwgan", "cvae", "diffusion", "recurrent_cbegan", "recurrent_cwgan")
DRAWN = 2000  # windows, the most of the paper's Table 1


def drawing_ms(case: Case, members: int) -> float:
    """Milliseconds per GAN that drawing `DRAWN` windows takes, after a training of one iteration."""
    trained = train_stacked(case, members, 1)
    labels = torch.from_numpy(balanced_labels(DRAWN, CLASSES)).expand(members, -1)
    start = time.perf_counter()
    trained.sample(labels, [torch.Generator().manual_seed(m) for m in range(members)])
    return 1000 * (time.perf_counter() - start) / members


def measure(record: Record, options: argparse.Namespace) -> None:
    """All of them in turn, on eye movements and on both modalities, with 100 nodes and all else as configured."""
    quieten_lightning()
    for features in (33, 351):
        cases = [Case(gan, features, 100) for gan in GENERATORS]
        updates = alternately(
            options.repeats, *(lambda case=case: stacked_ms(case, options.members, options) for case in cases)
        )
        draws = alternately(options.repeats, *(lambda case=case: drawing_ms(case, options.members) for case in cases))
        trainings = [[case.iterations * ms for ms in update] for case, update in zip(cases, updates, strict=True)]
        for case, update, training, draw in zip(cases, updates, trainings, draws, strict=True):
            key = f"{case.gan}_{features}"
            record.add_ratio(f"update_vs_cbegan_{key}", update, updates[0])
            record.add_ratio(f"training_vs_cbegan_{key}", training, trainings[0], iterations=case.iterations)
            record.add_ratio(f"drawing_vs_training_{key}", draw, training, windows=DRAWN)
