"""The cache of what need not be computed again: a safetensors file per entry, found by a key made of its content."""

import contextlib
import hashlib
import json
import logging
import os
import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
from filelock import FileLock, Timeout
from torch import Tensor

from emogan import versions
from emogan.atomic import write_atomically

log = logging.getLogger(__name__)


def content_key(fields: Mapping) -> str:
    """sha256 (hex) of the fields that change a number, as canonical JSON, and of the schema version."""
    text = json.dumps({"schema": versions.CACHE, **fields}, sort_keys=True, separators=(",", ":"), allow_nan=False)
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
    """The cache: entries in one folder, each a file that is there whole or not at all.

    Several processes may use a cache. A process locks an entry before it computes it (see `lock`), so that only one
    of them does.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder).expanduser()
        self.warned = False  # that it has no locks

    def path(self, key: str) -> Path:
        return self.folder / f"{key}.safetensors"

    def save(self, key: str, tensors: Mapping[str, Tensor], fields: Mapping) -> None:
        """Write one cache entry: tensors, and the plain values that go with them."""
        tensors = {name: value.contiguous() for name, value in tensors.items()}
        values = json.dumps(fields)
        metadata = {"key": key, "schema": str(versions.CACHE), "crc32": checksum(tensors, values), "fields": values}
        write_atomically(self.path(key), safetensors.torch.save(tensors, metadata=metadata))

    def load(self, key: str) -> tuple[dict[str, Tensor], dict] | None:
        """The tensors and values of a cache entry, or None if there is none.

        An entry that cannot be read, belongs to another key or was changed is reported and moved aside, never trusted.
        """
        path = self.path(key)
        try:
            path.open("rb").close()  # what keeps it from being opened at all says nothing of the entry
        except FileNotFoundError:
            return None
        try:
            with safetensors.safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                # copies, or the file would stay open for as long as a tensor, which Windows would not let us replace
                tensors = {name: file.get_tensor(name).clone() for name in file.keys()}
            if (metadata.get("key"), metadata.get("schema")) != (key, str(versions.CACHE)):
                raise ValueError(f"it belongs to key {metadata.get('key')}, schema {metadata.get('schema')}")
            if metadata["crc32"] != checksum(tensors, metadata["fields"]):
                raise ValueError("its content is not what was written")
            return tensors, json.loads(metadata["fields"])
        except (OSError, ValueError, KeyError, safetensors.SafetensorError) as error:
            aside = path.with_suffix(f".unusable-{time.time_ns()}")
            with contextlib.suppress(FileNotFoundError, PermissionError):  # another job has renamed it, or reads it
                os.replace(path, aside)
            log.warning(
                "%s is a corrupt cache entry (%s); it was renamed to %s and will be computed again",
                path, error, aside.name,
            )  # fmt: skip
            return None

    def describe(self) -> Iterator[tuple[str, dict]]:
        """Key and values of every cache entry, unverified and without its tensors."""
        for path in sorted(self.folder.glob("*.safetensors")):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError):
                with safetensors.safe_open(path, framework="pt") as file:
                    yield path.stem, json.loads(file.metadata()["fields"])

    def remove(self, key: str) -> None:
        """Remove a cache entry, if it is there."""
        with contextlib.suppress(PermissionError):  # Windows, while another process reads it
            self.path(key).unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self, key: str, timeout_s: float = 0) -> Iterator[bool]:
        """Whether this process alone works on a cache entry now; the lock ends with the process, however that ends.

        It waits at most ``timeout_s`` seconds for another process to release its lock, or for ever (-1). On a file
        system without locks every process has the lock, and an entry may be computed twice.
        """
        lock = FileLock(self.folder / "locks" / f"{key}.lock", poll_interval=0.5, fallback_to_soft=False)
        lock_file = Path(lock.lock_file)
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=timeout_s)
        except Timeout:
            yield False
            return
        except (NotImplementedError, OSError) as error:
            if not self.warned:
                log.warning("%s cannot be locked (%s): another process may do the same work", lock_file.parent, error)
            self.warned = True  # the file system is that of all entries
            yield True
            return
        try:
            yield True
        finally:
            # Before the release, so that whoever waits with the file open sees that it has no name any more and opens
            # it anew: after it, two processes could lock two files. Windows forbids it; there filelock does it.
            with contextlib.suppress(OSError):
                lock_file.unlink()
            lock.release()

    def can_lock(self, key: str) -> bool:
        """Whether the file system has locks."""
        with self.lock(key) as first, self.lock(key) as second:
            return not (first and second)


def with_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names have a prefix, by the rest of their names."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def checksum(tensors: Mapping[str, Tensor], values: str) -> str:
    """CRC-32 (hex) of the names, types, shapes and bytes of an entry: it finds damage, not malice."""
    layout = [[name, str(tensors[name].dtype), list(tensors[name].shape)] for name in sorted(tensors)]
    checksum = zlib.crc32(json.dumps([layout, values]).encode())
    for name in sorted(tensors):
        checksum = zlib.crc32(tensors[name].numpy().reshape(-1).view(np.uint8), checksum)
    return f"{checksum:08x}"
