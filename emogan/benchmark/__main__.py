"""python -m emogan.benchmark: measure, print a table as it grows, and write outputs/benchmark.json."""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

from emogan.atomic import write_atomically
from emogan.benchmark.machine import machine
from emogan.benchmark.sections import SECTIONS, end_on_sigterm, run

FULL = {"repeats": 5, "members": 16, "plain_gans": 4, "iterations": 12, "warm_up": 3, "svm_budget_s": 120.0}
QUICK = {"repeats": 2, "members": 2, "plain_gans": 1, "iterations": 2, "warm_up": 1, "svm_budget_s": 1.0}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the sections one after the other, each in a process of its own, and keep what was measured so far."""
    options = parse(arguments)
    asked = {name: value for name, value in vars(options).items() if name != "out"}
    content = {"machine": machine(), "options": asked, "seconds": {}, "measured": {}}
    for section in options.only:
        print(f"\n{section}", flush=True)
        start = time.perf_counter()
        record = run(section, options)
        content["seconds"][section] = round(time.perf_counter() - start, 1)
        content["measured"] |= record.measured
        content |= record.ratios
        write_atomically(options.out, json.dumps(content, indent=1).encode())
    print(f"\nwritten to {options.out}")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options; what is not given is as for a full or a quick run."""
    parser = argparse.ArgumentParser(
        prog="python -m emogan.benchmark", description="Measure what stacking, the SVM path and the store save."
    )
    parser.add_argument(
        "--only", nargs="+", choices=SECTIONS, default=SECTIONS, metavar="SECTION", help=" ".join(SECTIONS)
    )
    parser.add_argument("--quick", action="store_true", help="few repeats and iterations: a look, no measurement")
    parser.add_argument("--out", type=Path, default=Path("outputs/benchmark.json"), metavar="FILE")
    parser.add_argument("--repeats", type=int, help=f"of every measurement; {FULL['repeats']}")
    parser.add_argument("--svm-budget-s", type=float, help=f"seconds of a plain loop of SVMs; {FULL['svm_budget_s']:g}")
    parser.set_defaults(**FULL)
    options = parser.parse_args(arguments)
    if options.quick:
        parser.set_defaults(**QUICK)
        options = parser.parse_args(arguments)
    for name in FULL:
        if getattr(options, name) <= 0:
            parser.error(f"--{name.replace('_', '-')}: expected a number above 0, got {getattr(options, name)}")
    return options


if __name__ == "__main__":
    end_on_sigterm()
    main()
