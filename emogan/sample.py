"""python -m emogan.sample: write labelled synthetic windows of a saved GAN as a table."""

import importlib
import io
from pathlib import Path

import hydra
import numpy as np
import numpy.typing as npt
import pandas as pd
from hydra.errors import CompactHydraException
from omegaconf import DictConfig

from emogan import command_line
from emogan.checks import NonNegativeInt, PositiveInt, checked
from emogan.data.table_files import STIMULUS
from emogan.environment import config_dir
from emogan.keys import check_keys


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
) -> Path:
    """Draw windows with what `emogan.load` reads and write the .npz or .csv that `data=features` reads.

    Subject and session are those of the training set; every window is a trial of its own, named synthetic_1, ...,
    which no recorded trial is.

    Raises
    ------
    ValueError
        If the file to write is neither .npz nor .csv or exists, n_aug is no integer above 0, features of a .csv
        have the name of another column, or as `emogan.load` says.
    """
    from emogan import load  # here, so that tab completion need not wait for torch
    from emogan.store import write_atomically

    out = Path(out).expanduser()
    if out.suffix.lower() not in (".npz", ".csv"):
        raise ValueError(f"expected out=FILE.npz or out=FILE.csv, got {out}")
    if out.exists():
        raise ValueError(f"expected a new file to write, got {out}, which exists. Choose another out=FILE.")
    fitted = load(Path(checkpoint).expanduser(), subject=subject, session=session, fold=fold)
    labels = fitted.labels(n_aug)
    x = fitted.draw(labels, seed)
    names = np.array([str(name) for name in fitted.feature_names or (f"x{i}" for i in range(x.shape[1]))])
    columns = {
        "trial": np.array([f"synthetic_{i + 1}" for i in range(n_aug)]),
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
    return out


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
    try:
        check_keys(cfg, "sample")
        for module in cfg.modules:
            importlib.import_module(module)
        write_windows(
            cfg.checkpoint, cfg.out, cfg.n_aug,
            seed=cfg.seed, subject=cfg.subject, session=cfg.session, fold=cfg.fold,
        )  # fmt: skip
    except (ValueError, OSError, ImportError) as error:
        raise CompactHydraException(str(error)) from error


if __name__ == "__main__":
    command_line.run(main)
