"""python -m emogan.train: train GANs, append their artificial windows, score the gain on held-out trials."""

import os
import signal
import sys

import hydra
from hydra.errors import CompactHydraException
from omegaconf import DictConfig

from emogan.paths import config_dir

# Waiting OpenMP threads sleep: spinning ones slow everything tenfold where processes outnumber cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def run(cfg: DictConfig):
    """Do one job (see `emogan.job.run`); a SIGTERM ends it with exit code 143.

    What it says of bad input comes out as that sentence alone; HYDRA_FULL_ERROR=1 adds the stack.
    """
    from emogan import job  # here, so that tab completion need not wait for torch

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        return job.run(cfg)
    except (ValueError, OSError) as error:
        raise CompactHydraException(str(error)) from error


@hydra.main(version_base="1.3", config_path=config_dir(), config_name="train")
def main(cfg: DictConfig) -> None:
    __import__("emogan.train").train.run(cfg)


if __name__ == "__main__":
    main()
