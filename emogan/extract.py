"""python -m emogan.extract: features of recordings, one file per subject and session, as data=features reads them."""

import logging
import sys

import hydra
from omegaconf import DictConfig, OmegaConf

from emogan import command_line
from emogan.checks import refuse_impossible
from emogan.environment import config_dir
from emogan.keys import check_keys


def run(cfg: DictConfig) -> int:
    """Extract features, print a summary and draw the pictures; returns 1 if an experiment failed, else 0.

    An error of the settings or the events table is shown as its message alone; HYDRA_FULL_ERROR=1 adds the traceback.
    """
    from emogan.recordings.run import extract  # here, so that tab completion need not wait for MNE

    with command_line.plain_errors():
        check_keys(cfg, "extract")
        values = OmegaConf.to_container(cfg, throw_on_missing=True)
        own = {name: values.pop(name) for name in ("recordings", "trials", "out", "jobs", "pictures")}
        draws = own.pop("pictures")
        refuse_impossible({"pictures": draws}, {"pictures": bool})
        outcome = extract(**own, settings=values)
    if draws:
        from emogan.report.figures.recordings import write_pictures

        for path in outcome.files:
            write_pictures(path)
    print(outcome)
    if outcome.files:
        path = command_line.option("data.path", outcome.files[0].parent)
        print(f"use them with: python -m emogan.train data=features {path}")
    return int(bool(outcome.failed))


@hydra.main(version_base="1.3", config_path=config_dir(), config_name="extract")
def main(cfg: DictConfig) -> None:
    if code := run(cfg):
        sys.exit(code)


if __name__ == "__main__":
    logging.captureWarnings(True)
    command_line.run(main, explained="extract")
