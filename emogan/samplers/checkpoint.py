"""checkpoint.ckpt, the fitted GANs of a job: written by emogan.train, read by `emogan.load`."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from emogan import __version__, versions
from emogan.augmenters import Augmenter, GANAugmenter
from emogan.data.features import FeatureSet
from emogan.data.scaling import MinMaxScaler
from emogan.samplers.fitted import FittedSampler
from emogan.wording import some


def checkpoint_content(
    augmenter: Augmenter,
    fits: Sequence[int],
    members: Sequence[Mapping[str, Any]],
    scalers: Sequence[MinMaxScaler],
    features: FeatureSet,
    trained: Sequence[dict],
    config: Mapping[str, Any],
) -> bytes:
    """The bytes of a checkpoint: tensors, numbers, strings and plain containers only.

    Parameters
    ----------
    augmenter
        Fitted; its members may be more.
    fits
        Of each training set of the checkpoint, the augmenter's member that was fitted to it.
    members
        Subject, session, fold and key of each training set, which its noise is drawn from.
    scalers
        The scaling of each of them.
    trained
        Both networks, k_t and the optimisers of the members that the job trained (`emogan.augmenters.fit.Fits.states`).
    config
        Of the job.
    """
    weights = augmenter.state() if isinstance(augmenter, GANAugmenter) else {}
    content = {
        "emogan": __version__,
        "format": versions.CHECKPOINT,
        "config": dict(config),
        "augmenter": augmenter.identity(),
        "class_names": list(features.class_names),
        "feature_names": list(features.feature_names),
        "modalities": {name: [part.start, part.stop] for name, part in features.modalities.items()},
        "members": [dict(member) for member in members],
        "scaler": {
            name: torch.from_numpy(np.stack([getattr(scaler, name) for scaler in scalers]))
            for name in ("minimum", "span")
        },
        "generator": {name: value[list(fits)].clone() for name, value in weights.items()},
        "trained": list(trained),
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def read_checkpoint(path: Path, asked: dict[str, Any]) -> FittedSampler:
    """The GAN of the one training set that is asked for by its subject, session and fold.

    Raises
    ------
    ValueError
        If the checkpoint is from a newer EmoGAN or holds no GAN, or the training set is not named or not there.
    """
    with zipfile.ZipFile(path) as archive:
        if (damaged := archive.testzip()) is not None:
            raise RuntimeError(f"its part {damaged} is not what was written. Copy the file again")
    with path.open("rb") as file:  # given a path, PyTorch would look at the ending of its name
        content = torch.load(file, map_location="cpu", weights_only=True)
    check_format(path, content.get("format", 1), versions.CHECKPOINT, content["emogan"])
    if not content["generator"]:
        raise ValueError(
            f"{path}: expected the checkpoint of a GAN, got {content['config']['model']['name']}, of which a job keeps "
            "nothing. Fit a sampler such as emogan.NoiseSampler instead"
        )
    m = _member(path, content["members"], asked)
    names = tuple(content["feature_names"])
    member = dict(content["members"][m])
    return FittedSampler(
        content["augmenter"], {f"generator.{name}": value[m].clone() for name, value in content["generator"].items()},
        MinMaxScaler(*(content["scaler"][name][m].numpy() for name in ("minimum", "span"))),
        np.array(content["class_names"]), (np.dtype(np.float32),) * len(names), member.pop("key"), names,
        modalities={name: slice(*part) for name, part in content["modalities"].items()}, origin=member,
    )  # fmt: skip


def check_format(path: Path, found: int, known: int, version: str) -> None:
    """Refuse a file in a newer format than this EmoGAN knows."""
    if found > known:
        raise ValueError(
            f"{path}: written by EmoGAN {version} in format {found}; this EmoGAN {__version__} reads up to {known}. "
            "Install a newer one: pip install --upgrade emogan"
        )


def _member(path: Path, members: list[dict], asked: dict[str, Any]) -> int:
    """Index of the one training set that is asked for."""
    found = [m for m, one in enumerate(members) if all(str(one[name]) == str(value) for name, value in asked.items())]
    if len(found) != 1:
        places = [", ".join(f"{name}={one[name]}" for name in ("subject", "session", "fold")) for one in members]
        raise ValueError(
            f"{path}: expected subject, session and fold of one of its {len(members)} training sets, got "
            f"{asked or 'none of them'}, which fits {len(found)}. There are: {some(places, between='; ')}"
        )
    return found[0]
