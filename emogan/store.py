"""The store of what need not be computed again: one safetensors file per record, found by a key made of its content."""

import contextlib
import hashlib
import json
import logging
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
from filelock import FileLock, Timeout
from torch import Tensor

from emogan.atomic import write_atomically

log = logging.getLogger(__name__)

SCHEMA = 3  # raise it whenever the same fields would give other numbers


def content_key(fields: Mapping) -> str:
    """sha256 (hex) of the fields that change a number, as canonical JSON, and of the schema version."""
    text = json.dumps({"schema": SCHEMA, **fields}, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def fingerprint(*arrays: np.ndarray) -> str:
    """sha256 (hex) of the types, shapes and bytes of some arrays."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def derived_seed(key: str, purpose: str) -> int:
    """A 63-bit seed for one purpose, from a content key: never from the order of jobs."""
    return int.from_bytes(hashlib.sha256(f"{key} {purpose}".encode()).digest()[:8], "little") >> 1


class Store:
    """Records in one folder. A record is its own marker: there whole, or not there.

    Several processes may use a store. What takes long is claimed first (see `claim`), so that one of them does it.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)

    def path(self, key: str) -> Path:
        return self.folder / f"{key}.safetensors"

    def save(self, key: str, tensors: Mapping[str, Tensor], fields: Mapping) -> None:
        """Write one record: tensors, and the plain values that go with them."""
        tensors = {name: value.contiguous() for name, value in tensors.items()}
        values = json.dumps(fields)
        metadata = {"key": key, "schema": str(SCHEMA), "sha256": _digest(tensors, values), "fields": values}
        write_atomically(self.path(key), safetensors.torch.save(tensors, metadata=metadata))

    def load(self, key: str) -> tuple[dict[str, Tensor], dict] | None:
        """The tensors and values of a record, or None if there is none.

        A record that cannot be read, is another one's or was changed is reported and set aside, never trusted.
        """
        path = self.path(key)
        try:
            path.open("rb").close()  # what keeps it from being opened at all says nothing of the record
        except FileNotFoundError:
            return None
        try:
            with safetensors.safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}
            if (metadata.get("key"), metadata.get("schema")) != (key, str(SCHEMA)):
                raise ValueError(f"it belongs to key {metadata.get('key')}, schema {metadata.get('schema')}")
            if metadata["sha256"] != _digest(tensors, metadata["fields"]):
                raise ValueError("its content is not what was written")
            return tensors, json.loads(metadata["fields"])
        except (OSError, ValueError, KeyError, safetensors.SafetensorError) as error:
            aside = path.with_suffix(f".unusable-{time.time_ns()}")
            with contextlib.suppress(FileNotFoundError):  # another job has just set it aside
                os.replace(path, aside)
            log.warning(
                "%s is not a usable record (%s); set aside as %s, it will be made anew", path, error, aside.name
            )
            return None

    def describe(self) -> Iterator[tuple[str, dict]]:
        """Key and values of every record, unverified and without its tensors."""
        for path in sorted(self.folder.glob("*.safetensors")):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError):
                with safetensors.safe_open(path, framework="pt") as file:
                    yield path.stem, json.loads(file.metadata()["fields"])

    def remove(self, key: str) -> None:
        """Remove a record, if it is there."""
        self.path(key).unlink(missing_ok=True)

    @contextlib.contextmanager
    def claim(self, key: str, timeout_s: float = 0) -> Iterator[bool]:
        """Whether this process alone works on a record now; the claim ends with the process, however that ends.

        It waits so many seconds for another process to give its claim up, or for ever (-1). On a file system without
        locks every process has the claim, and a record may be made twice.
        """
        lock = FileLock(self.folder / "claims" / f"{key}.lock", poll_interval=0.5, fallback_to_soft=False)
        lock_file = Path(lock.lock_file)
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=timeout_s)
        except Timeout:
            yield False
            return
        except (NotImplementedError, OSError) as error:
            log.warning("%s cannot be locked (%s): another process may do the same work", lock_file, error)
            yield True
            return
        try:
            yield True
        finally:
            lock_file.unlink(missing_ok=True)  # whoever waits for it finds the record, or works without need
            lock.release()


def _digest(tensors: Mapping[str, Tensor], values: str) -> str:
    names = sorted(tensors)
    text = np.frombuffer(json.dumps([names, values]).encode(), np.uint8)
    return fingerprint(text, *(tensors[name].numpy() for name in names))
