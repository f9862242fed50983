"""Which jobs are done, failed, unfinished or missing, as text."""

import json
from pathlib import Path

from emogan.sweeps.collect import Collection

ASKED = ("failed", "unfinished", "missing", "unreadable")  # what keeps a sweep from being done


def summary(found: Collection, traceback: bool = False) -> str:
    """A line per job that is not done or was dismissed, and the counts."""
    listed = (*ASKED, "dismissed")
    problems = [problem for problem in found.problems if problem.kind in listed]
    lines = []
    for problem in problems:
        lines.append(f"{problem.kind:<11} {problem.where}: {problem.what}")
        failure = Path(problem.where) / "failed.json"
        if traceback and problem.kind == "failed" and failure.exists():
            lines.append(json.loads(failure.read_text(encoding="utf-8"))["traceback"])
    counts = {kind: sum(problem.kind == kind for problem in problems) for kind in listed}
    done = {str(job.folder) for job in found.jobs}
    # A job is superseded by one that finished later
    done |= {problem.where for problem in found.problems if problem.kind == "superseded"}
    summary = [f"{len(done)} done", *(f"{count} {kind}" for kind, count in counts.items() if count)]
    return "\n".join([*lines, ", ".join(summary)])
