"""What one of M stacked GANs costs, for more and more of them."""

import argparse

from emogan.benchmark.record import Record, alternately
from emogan.benchmark.training import Case, devices, stacked_ms
from emogan.environment import quieten_lightning

MEMBERS = (1, 4, 16, 64, 135)  # 135: 9 subjects x 3 sessions x 5 folds of SEED


def measure(record: Record, options: argparse.Namespace) -> None:
    """Time per member of cBEGANs on eye movements, and on both modalities."""
    quieten_lightning()
    for device in devices():
        ratios = []
        for features in (33, 351):
            case = Case("cbegan", features, 100, device=device)
            turns = [lambda case=case, members=members: stacked_ms(case, members, options) for members in MEMBERS]
            per_member = dict(zip(MEMBERS, alternately(options.repeats, *turns), strict=True))
            for members, values in per_member.items():
                record.add(f"stacked_ms_{case.key}_m{members}", values, "ms per iteration and GAN")
            ratios.append(f"time_per_member_135_vs_16_{case.key}")
            record.add_ratio(ratios[-1], per_member[135], per_member[16])
        worst = max(record.ratios[key] for key in ratios)
        record.add_ratio("time_per_member_135_vs_16" + "_gpu" * (device != "cpu"), [worst], [1.0])
