"""Fitted samplers as files: one safetensors file each, or the checkpoint of a job. Reading runs no code from them."""

import json
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.torch
import torch

from emogan import __version__, versions
from emogan.atomic import write_atomically
from emogan.data.alignment import ALIGNMENTS
from emogan.data.scaling import MinMaxScaler
from emogan.samplers.checkpoint import check_format, read_checkpoint
from emogan.samplers.columns import as_plain, as_type
from emogan.samplers.fitted import FittedSampler
from emogan.store import checksum, with_prefix

FOREIGN = (
    safetensors.SafetensorError, pickle.UnpicklingError, json.JSONDecodeError, RuntimeError, AttributeError, IndexError,
    KeyError, TypeError, zipfile.BadZipFile,
)  # fmt: skip


def save(fitted: FittedSampler, path: str | Path) -> None:
    """Write a fitted sampler: weights, scaling, class and feature names, settings and version.

    Raises
    ------
    ValueError
        If labels or names of columns are neither text nor numbers: a file holds no others; or the path is a folder.
    """
    names = (*(fitted.feature_names or ()), *(() if fitted.label_name is None else (fitted.label_name,)))
    for what, values in (("labels", fitted.classes.tolist()), ("names of columns", names)):
        if others := [one for one in values if not _is_plain(one)]:
            raise ValueError(
                f"expected {what} that are text or numbers, as a file holds no others, got {others[0]!r}. Fit with "
                "str(...) of them to save the sampler"
            )
    fields = {
        "identity": dict(fitted.identity), "key": fitted.key, "frame": fitted.frame,
        "classes": fitted.classes.tolist(), "classes_dtype": fitted.classes.dtype.str,
        "dtypes": [as_plain(dtype) for dtype in fitted.dtypes], "sampler": fitted.sampler,
        "feature_names": None if fitted.feature_names is None else list(fitted.feature_names),
        "modalities": {name: [part.start, part.stop] for name, part in fitted.modalities.items()},
        "origin": dict(fitted.origin), "shared": None if fitted.shared is None else dict(fitted.shared),
        "label_name": fitted.label_name,
        "label_type": None if fitted.label_type is None else as_plain(fitted.label_type),
    }  # fmt: skip
    metadata = {"emogan": __version__, "emogan_format": str(versions.SAMPLER), "fields": json.dumps(fields)}
    arrays = {f"scaler.{name}": getattr(fitted.scaler, name) for name in ("minimum", "span")}
    if fitted.alignment is not None:
        arrays |= {f"alignment.{name}": value for name, value in fitted.alignment.arrays.items()}
    plain = {name: torch.from_numpy(value) for name, value in arrays.items()}
    tensors = {name: value.contiguous() for name, value in {**fitted.tensors, **plain}.items()}
    metadata["crc32"] = checksum(tensors, metadata["fields"])
    path = Path(path).expanduser()
    if path.is_dir():
        raise ValueError(f"expected a file to write, such as {path / 'sampler.safetensors'}, got a folder")
    write_atomically(path, safetensors.torch.save(tensors, metadata=metadata))


def load(path: str | Path, *, subject: Any = None, session: Any = None, fold: Any = None) -> FittedSampler:
    """Read what `save` wrote, or one training set's GAN out of the checkpoint that a job of emogan.train wrote.

    Only tensors, numbers, text and plain containers are read, never a pickle that could run code; tensors go to the
    CPU, wherever they were trained.

    Parameters
    ----------
    path
        The file.
    subject, session, fold
        Which training set of a checkpoint; as many of them as it takes to tell it from the others.

    Raises
    ------
    FileNotFoundError
        If there is no file.
    ValueError
        If it is none of these files, damaged or from a newer EmoGAN, or the training set is not named or not there.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"{path}: expected a file that save() of a sampler wrote, or checkpoint.ckpt, got none")
    asked = {"subject": subject, "session": session, "fold": fold}
    asked = {name: value for name, value in asked.items() if value is not None}
    with path.open("rb") as file:
        archive = file.read(2) == b"PK"  # what torch.save writes is a zip archive
    try:
        fitted = read_checkpoint(path, asked) if archive else _from_file(path, asked)
        fitted.augmenter()
    except FOREIGN as error:
        raise ValueError(
            f"{path}: expected a file that save() of a sampler wrote, or checkpoint.ckpt of emogan.train, undamaged; "
            f"nothing else is read, as it might run code. {type(error).__name__}: {str(error).splitlines()[0]}"
        ) from error
    return replace(fitted, file=str(path))


def _from_file(path: Path, asked: dict[str, Any]) -> FittedSampler:
    with safetensors.safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    check_format(path, int(metadata["emogan_format"]), versions.SAMPLER, metadata["emogan"])
    if metadata["crc32"] != checksum(tensors, metadata["fields"]):
        raise RuntimeError("its content is not what was written. Copy the file again")
    if asked:
        raise ValueError(f"{path}: expected no subject, session or fold, as it holds one training set, got {asked}")
    fields = json.loads(metadata["fields"])
    scaler, shared = MinMaxScaler(**_taken(tensors, "scaler.")), fields["shared"]
    own, label_type = _taken(tensors, "alignment."), fields["label_type"]
    return FittedSampler(
        fields["identity"], tensors, scaler,
        np.array(fields["classes"], dtype=np.dtype(fields["classes_dtype"])),
        tuple(as_type(one) for one in fields["dtypes"]), fields["key"],
        None if fields["feature_names"] is None else tuple(map(_name, fields["feature_names"])), fields["frame"],
        {name: slice(*part) for name, part in fields["modalities"].items()}, fields["origin"],
        fields["sampler"], shared, ALIGNMENTS[shared["alignment"]](**own) if own else None,
        label_name=_name(fields["label_name"]), label_type=None if label_type is None else as_type(label_type),
    )  # fmt: skip


def _taken(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, npt.NDArray]:
    """The tensors with a prefix to their names, as arrays without it; the others are left."""
    return {name: tensors.pop(prefix + name).numpy() for name in with_prefix(tensors, prefix)}


def _is_plain(value: Any) -> bool:
    return all(map(_is_plain, value)) if isinstance(value, tuple) else isinstance(value, str | int | float)


def _name(value: Any) -> Any:
    """A column's name: several levels of it are a list in JSON."""
    return tuple(value) if isinstance(value, list) else value
