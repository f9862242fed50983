"""python -m emogan.status PATH [PATH ...]: which jobs below some folders are done, failed, unfinished or missing."""

import argparse
import sys
from collections.abc import Sequence

from emogan.command_line import let_output_be_written, path
from emogan.sweeps.collect import collect
from emogan.sweeps.dismissal import dismiss
from emogan.sweeps.summary import ASKED, summary


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the jobs and say with the exit code, 0 or 1, whether all that was asked for is done or dismissed."""
    parser = argparse.ArgumentParser(prog="python -m emogan.status", description=__doc__)
    parser.add_argument("paths", metavar="PATH", nargs="+", type=path, help="folder of a job or sweep, or above them")
    parser.add_argument("--traceback", action="store_true", help="print the whole traceback of every failed job")
    parser.add_argument(
        "--dismiss", metavar="JOB", action="append", default=[],
        help="count this unfinished or failed job as no longer wanted; remove its dismissed.txt to undo this",
    )  # fmt: skip
    let_output_be_written()
    options = parser.parse_args(arguments)
    try:
        found = collect(options.paths)
        for job in options.dismiss:
            dismiss(found, job)
        found = collect(options.paths) if options.dismiss else found
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(summary(found, options.traceback))
    return int(any(problem.kind in ASKED for problem in found.problems))


if __name__ == "__main__":
    sys.exit(main())
