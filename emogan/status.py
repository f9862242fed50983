"""python -m emogan.status PATH [PATH ...]: which jobs below some folders are done, failed, unfinished or missing."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from emogan.command_line import let_output_be_written, path
from emogan.report.collect import Collection, collect

ASKED = ("failed", "unfinished", "missing", "unreadable")  # what keeps a sweep from being done


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the jobs and say with the exit code, 0 or 1, whether all that was asked for is done."""
    parser = argparse.ArgumentParser(prog="python -m emogan.status", description=__doc__)
    parser.add_argument("paths", metavar="PATH", nargs="+", type=path, help="folder of a job or sweep, or above them")
    parser.add_argument("--traceback", action="store_true", help="of every failed job")
    let_output_be_written()
    options = parser.parse_args(arguments)
    try:
        found = collect(options.paths)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(status(found, options.traceback))
    return int(any(problem.kind in ASKED for problem in found.problems))


def status(found: Collection, traceback: bool = False) -> str:
    """A line per job that is not done, and the counts."""
    problems = [problem for problem in found.problems if problem.kind in ASKED]
    lines = []
    for problem in problems:
        lines.append(f"{problem.kind:<11} {problem.where}: {problem.what}")
        failure = Path(problem.where) / "failed.json"
        if traceback and problem.kind == "failed" and failure.exists():
            lines.append(json.loads(failure.read_text(encoding="utf-8"))["traceback"])
    counts = {kind: sum(problem.kind == kind for problem in problems) for kind in ASKED}
    done = {str(job.folder) for job in found.jobs}
    done |= {
        problem.where for problem in found.problems if problem.kind == "superseded"
    }  # by a job that finished later
    told = [f"{len(done)} done", *(f"{count} {kind}" for kind, count in counts.items() if count)]
    return "\n".join([*lines, ", ".join(told)])


if __name__ == "__main__":
    sys.exit(main())
