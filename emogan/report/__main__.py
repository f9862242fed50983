"""python -m emogan.report PATH [PATH ...]: a report of the jobs in and below some folders."""

import argparse
import gc
import sys
from collections.abc import Sequence
from pathlib import Path

from threadpoolctl import threadpool_limits

from emogan.command_line import let_output_be_written, path


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the report, print its main tables and what is not counted; 1 if there is nothing to report."""
    parser = argparse.ArgumentParser(prog="python -m emogan.report", description=__doc__)
    parser.add_argument(
        "paths", metavar="PATH", nargs="+", type=path, help="folder of a job or sweep, or one above them"
    )
    parser.add_argument(
        "--out", type=path, help="folder of the report; default: PATH/report for one PATH, outputs/report for several"
    )
    let_output_be_written()
    options = parser.parse_args(arguments)
    default = options.paths[0] / "report" if len(options.paths) == 1 else Path("outputs/report")
    try:
        report(options.paths, (options.out or default).resolve())
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def report(paths: Sequence[Path], out: Path) -> None:
    """Collect, write and say what was written.

    Raises
    ------
    ValueError, OSError
        If there is no finished job below the paths or the folder cannot be written.
    """
    from emogan.report import page  # here, so that --help need not wait for them
    from emogan.sweeps import collect

    collection = collect.collect(paths, skip=out)
    counted = [f"{problem.kind}: {problem.where}: {problem.what}" for problem in collection.problems]
    if not collection.jobs:
        raise ValueError("\n".join(["expected at least one finished job, found none:", *counted]))
    gc.freeze()  # statsmodels collects garbage at each call, which would search all that was imported and read
    try:
        with threadpool_limits(1):  # after the imports, which load what it limits; small matrices need no more
            chapters = page.write(collection, collect.common_folder(paths), out)
    finally:
        gc.unfreeze()
    for chapter in chapters:
        print(*(f"{modality}. {answer}" for modality, answer in chapter.answers.items()), sep="\n", end="\n\n")
        print(next(part.text() for part in chapter.parts if part.name == "comparison"), end="\n\n")
    if counted:
        print("not counted:", *counted, "", sep="\n")
    print(f"{len(collection.jobs)} jobs; report: {out / page.PAGE}")


if __name__ == "__main__":
    sys.exit(main())
