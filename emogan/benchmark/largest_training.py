"""A training of as many GANs as the largest job holds, alone in its process: its peak memory is the section's."""

import argparse

from emogan.benchmark.record import Record
from emogan.benchmark.training import Case, stacked_ms
from emogan.environment import quieten_lightning


def measure(record: Record, options: argparse.Namespace) -> None:
    """Train 135 cBEGANs on both modalities with 300 hidden nodes; a few iterations hold as much as all."""
    quieten_lightning()
    few = argparse.Namespace(warm_up=1, iterations=3)
    stacked_ms(Case("cbegan", 351, 300, options.layers), 135, few)
