"""python -m emogan.sample: write labelled synthetic windows of a saved GAN as a table."""

import importlib
import io
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import hydra
import numpy as np
import numpy.typing as npt
import pandas as pd
from omegaconf import DictConfig

from emogan import command_line
from emogan.atomic import write_atomically
from emogan.checks import NonNegativeInt, PositiveInt, checked
from emogan.data.table_files import STIMULUS, SYNTHETIC
from emogan.environment import config_dir
from emogan.keys import check_keys

if TYPE_CHECKING:
    from emogan import FittedSampler


@checked()
def write_windows(
    checkpoint: str | Path,
    out: str | Path,
    n_aug: PositiveInt,
    *,
    seed: NonNegativeInt | None = None,
    subject: int | str | None = None,
    session: int | str | None = None,
    fold: NonNegativeInt | None = None,
    adapt: str | Path | None = None,
) -> Path:
    """Draw windows from a saved sampler or checkpoint (`emogan.load`), and write them as a table for `data=features`.

    Subject and session are those of the training set; every window is a trial of its own, named synthetic_1, ...,
    which no recorded trial is.

    Parameters
    ----------
    adapt
        A table of one person and session, as `emogan.data.table.load` reads it, that a shared generator is adapted to
        (`FittedSampler.adapt`); of a table of several, subject and session name the one. Columns that are none of the
        generator's features are left alone.

    Raises
    ------
    ValueError
        If the file to write is neither .npz nor .csv or exists, n_aug is no integer above 0, features of a .csv
        have the name of another column, the table holds several experiments, or as `emogan.load` and
        `FittedSampler.adapt` say.
    """
    from emogan import load  # here, so that tab completion need not wait for torch

    out = Path(out).expanduser()
    if out.suffix.lower() not in (".npz", ".csv"):
        raise ValueError(f"expected out=FILE.npz or out=FILE.csv, got {out}")
    if out.exists():
        raise ValueError(f"expected a new file to write, got {out}, which exists. Choose another out=FILE.")
    path = Path(checkpoint).expanduser()
    if adapt is None:
        fitted = load(path, subject=subject, session=session, fold=fold)
    else:
        fitted = adapted(load(path, fold=fold), adapt, subject, session)
    labels = fitted.labels(n_aug)
    x = fitted.draw(labels, seed)
    names = np.array([str(name) for name in fitted.feature_names or (f"x{i}" for i in range(x.shape[1]))])
    columns = {
        "trial": np.array([f"{SYNTHETIC}{i + 1}" for i in range(n_aug)]),
        "subject": np.array([fitted.origin.get("subject", "synthetic")] * n_aug),
        "session": np.array([fitted.origin.get("session", 1)] * n_aug),
    }
    if out.suffix.lower() == ".csv":
        content = _csv(x, names, {"label": fitted.classes[labels], **columns})
    else:
        kinds = np.full(len(names), "other" if fitted.modalities else "eeg")
        for kind, part in fitted.modalities.items():
            kinds[part] = kind
        content = _npz(
            x=x, y=labels, **columns, feature_names=names, class_names=fitted.classes.astype(str), modality=kinds
        )
    write_atomically(out, content)
    print(f"wrote {n_aug} synthetic windows of {len(names)} features to {out.absolute()}")
    if fitted.shared is not None and fitted.alignment is None:
        print("they are in the units that the donors share; adapt=TABLE brings them into those of a person")
    return out


def adapted(
    shared: "FittedSampler", path: str | Path, subject: int | str | None, session: int | str | None
) -> "FittedSampler":
    """A shared generator for the person and session of a table.

    Raises
    ------
    ValueError
        If there are several or none, or as `FittedSampler.adapt` says.
    """
    from emogan.data.table_files import find_files, read_file

    files = find_files(path)
    if len(files) > 1:
        raise ValueError(f"adapt: expected one file, got the folder {path} of {len(files)}. Name one of them")
    table = read_file(files[0])
    chosen = np.ones(len(table.x), dtype=bool)
    for column, wanted in ((table.subject, subject), (table.session, session)):
        chosen &= True if wanted is None else column.astype(str) == str(wanted)
    found = list(dict.fromkeys(zip(table.subject[chosen].tolist(), table.session[chosen].tolist(), strict=True)))
    if len(found) != 1:
        there = found or set(zip(table.subject.tolist(), table.session.tolist(), strict=True))
        places = sorted(f"subject={one} session={other}" for one, other in there)
        raise ValueError(
            f"{files[0]}: expected windows of one person and session, got {len(found)}. Name one: {'; '.join(places)}"
        )
    x = pd.DataFrame(table.x.astype(np.float32), columns=pd.Index(table.feature_names))[chosen]
    label = table.label[chosen]
    labels = label if table.class_names is None else np.array(table.class_names)[label]
    own = shared.adapt(x[[name for name in x.columns if name in (shared.feature_names or ())]], labels)
    return replace(own, origin=dict(zip(("subject", "session"), found[0], strict=True)))


def _csv(x: npt.NDArray, names: npt.NDArray, columns: dict[str, npt.NDArray]) -> bytes:
    read = [*columns, STIMULUS]  # by data=features, as no feature
    if taken := sorted(set(names) & set(read)):
        raise ValueError(
            f"expected features that are not named {', '.join(read)}, got {', '.join(taken)}. Write a .npz instead"
        )
    table = pd.concat([pd.DataFrame(columns), pd.DataFrame(x, columns=names)], axis=1)
    return bytes(table.to_csv(index=False, lineterminator="\n").encode())


def _npz(**arrays: npt.NDArray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type] # its allow_pickle is no array
    return buffer.getvalue()


@hydra.main(version_base="1.3", config_path=config_dir(), config_name="sample")
def main(cfg: DictConfig) -> None:
    with command_line.plain_errors():
        check_keys(cfg, "sample")
        for module in cfg.modules:
            importlib.import_module(module)
        write_windows(
            cfg.checkpoint, cfg.out, cfg.n_aug,
            seed=cfg.seed, subject=cfg.subject, session=cfg.session, fold=cfg.fold, adapt=cfg.adapt,
        )  # fmt: skip


if __name__ == "__main__":
    command_line.run(main, explained="sample")
