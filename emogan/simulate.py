"""python -m emogan.simulate: write simulated data as a tree of files in the format of a data set."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import hydra
from omegaconf import DictConfig

from emogan import command_line
from emogan.checks import NonNegativeInt, PositiveInt, checked, one_of
from emogan.environment import config_dir
from emogan.keys import check_keys
from emogan.simulation import people
from emogan.simulation.faced import write_faced
from emogan.simulation.mahnob import write_mahnob
from emogan.simulation.people import DISTINCT
from emogan.simulation.releases import WRITERS
from emogan.simulation.signals import write_amigos, write_deap, write_dreamer

ONE_SESSION = {  # they simulate what they write
    "faced": write_faced, "deap": write_deap, "dreamer": write_dreamer, "amigos": write_amigos, "mahnob": write_mahnob
}  # fmt: skip

HIGHEST = {"faced": 999, "deap": 99, "amigos": 99}  # numbers of people that fit into the names of the files


@checked()
def simulate(
    dataset: Annotated[str, one_of((*WRITERS, *ONE_SESSION))],
    root: str | os.PathLike,
    subjects: Annotated[Sequence[NonNegativeInt], DISTINCT] | None = None,
    sessions: Annotated[Sequence[PositiveInt], DISTINCT] | None = None,
) -> Path:
    """Write a simulated data set into a new or empty folder; returns the folder.

    Raises
    ------
    ValueError
        If the data set is unknown, has no such people or sessions, or the folder holds something.
    """
    root = Path(root).expanduser().resolve()
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise ValueError(f"expected root to be a new or empty folder, got {root}, which exists. Choose another.")
    subjects, sessions = (None if numbers is None else sorted(set(numbers)) for numbers in (subjects, sessions))
    if subjects and subjects[-1] > (highest := HIGHEST.get(dataset, subjects[-1])):
        raise ValueError(
            f"subjects: expected numbers up to {highest}, as {dataset} names its files, got {subjects[-1]}"
        )
    if dataset in ONE_SESSION:
        if sessions not in (None, [1]):
            raise ValueError(f"sessions: expected [1] or null, as {dataset} has one session a person, got {sessions}")
        summary = ONE_SESSION[dataset](root, subjects)
    else:
        features = people.load(preset=dataset, modality="eeg_eye", subjects=subjects, sessions=sessions)
        WRITERS[dataset](features, root)
        summary = features.summary()
    files = [path for path in root.rglob("*") if path.is_file()]
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    print(f"{summary}\nwrote {len(files)} files, {megabytes:.0f} MB, to {root}")
    print(f"use it with: python -m emogan.train data={dataset} {command_line.option('data.root', root)}")
    return root


@hydra.main(version_base="1.3", config_path=config_dir(), config_name="simulate")
def main(cfg: DictConfig) -> None:
    with command_line.plain_errors():
        check_keys(cfg, "simulate")
        simulate(cfg.dataset, cfg.root, cfg.subjects, cfg.sessions)


if __name__ == "__main__":
    command_line.run(main, explained="simulate")
