"""python -m emogan.simulate: write simulated features as a tree of files in the format of a SEED data set."""

import os
from pathlib import Path
from typing import Annotated

import hydra
from hydra.errors import CompactHydraException
from omegaconf import DictConfig

from emogan import command_line
from emogan.checks import checked, one_of
from emogan.environment import config_dir
from emogan.keys import check_keys
from emogan.simulation import people
from emogan.simulation.people import Numbers
from emogan.simulation.releases import WRITERS


@checked()
def simulate(
    dataset: Annotated[str, one_of(WRITERS)],
    root: str | os.PathLike,
    subjects: Numbers | None = None,
    sessions: Numbers | None = None,
) -> Path:
    """Write a simulated data set into a new or empty folder; returns the folder.

    Raises
    ------
    ValueError
        If the data set is unknown or the folder holds something.
    """
    root = Path(root).expanduser().resolve()
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise ValueError(f"expected root to be a new or empty folder, got {root}, which exists. Choose another.")
    subjects, sessions = (None if numbers is None else sorted(set(numbers)) for numbers in (subjects, sessions))
    features = people.load(preset=dataset, modality="eeg_eye", subjects=subjects, sessions=sessions)
    WRITERS[dataset](features, root)
    files = [path for path in root.rglob("*") if path.is_file()]
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    print(f"{features.summary()}\nwrote {len(files)} files, {megabytes:.0f} MB, to {root}")
    print(f"use it with: python -m emogan.train data={dataset} {command_line.option('data.root', root)}")
    return root


@hydra.main(version_base="1.3", config_path=config_dir(), config_name="simulate")
def main(cfg: DictConfig) -> None:
    try:
        check_keys(cfg, "simulate")
        simulate(cfg.dataset, cfg.root, cfg.subjects, cfg.sessions)
    except (ValueError, OSError) as error:
        raise CompactHydraException(str(error)) from error


if __name__ == "__main__":
    command_line.run(main)
