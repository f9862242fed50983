"""The store: round trips, writes that are whole or not at all, and records that must not be trusted."""

import errno
import hashlib
import json
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from emogan import store as stores
from emogan import versions
from emogan.atomic import TEMPORARY, remove_abandoned, write_atomically
from emogan.store import Store, content_key, derived_seed, fingerprint

FIELDS = {"augmenter": {"gan": "CBEGAN", "hidden": [30, 40], "gamma": 0.75}, "data": "abc", "classes": 3, "seed": 0}
KEY = content_key(FIELDS)


def tensors():
    generator = torch.Generator().manual_seed(0)
    return {
        "generator.0.packed": torch.rand(7, generator=generator),
        "history.k": torch.rand(2, 3, generator=generator),
        "whole": torch.arange(5),
    }


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "outputs" / "store")


@pytest.fixture
def saved(store):
    store.save(KEY, tensors(), {"end": "iteration 10: the last one"})
    return store


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def assert_set_aside(store, caplog, reason=""):
    """Loading gives nothing, says so and why, and leaves the bytes under another name, where a new record may go."""
    content = store.path(KEY).read_bytes()
    with caplog.at_level(logging.WARNING, logger="emogan.store"):
        assert store.load(KEY) is None
    (record,) = [r for r in caplog.records if r.name == "emogan.store"]
    assert record.levelno == logging.WARNING
    assert str(store.path(KEY)) in record.getMessage()
    assert reason in record.getMessage()
    caplog.clear()
    assert not store.path(KEY).exists()
    (aside,) = store.folder.iterdir()
    assert aside.name in record.getMessage()
    assert aside.read_bytes() == content
    assert store.load(KEY) is None, "what was set aside is not found again"
    assert not caplog.records
    store.save(KEY, tensors(), {"end": "anew"})
    assert store.load(KEY)[1] == {"end": "anew"}


def test_what_is_saved_is_loaded_bit_by_bit(saved):
    loaded, fields = saved.load(KEY)
    assert fields == {"end": "iteration 10: the last one"}
    assert loaded.keys() == tensors().keys()
    for name, value in tensors().items():
        assert loaded[name].dtype == value.dtype
        assert torch.equal(loaded[name], value)


def test_a_record_is_one_plain_safetensors_file_and_nothing_beside_it(saved):
    assert files(saved.folder) == [f"{KEY}.safetensors"]
    assert safetensors.torch.load_file(saved.path(KEY)).keys() == tensors().keys()


def test_what_was_never_saved_is_not_found_and_not_warned_of(store, caplog):
    assert store.load(KEY) is None
    assert not caplog.records
    assert not store.folder.exists(), "looking creates nothing"


def test_saving_again_replaces_the_record(saved):
    saved.save(KEY, {"other": torch.ones(2)}, {"end": "again"})
    loaded, fields = saved.load(KEY)
    assert list(loaded) == ["other"]
    assert fields == {"end": "again"}
    assert files(saved.folder) == [f"{KEY}.safetensors"]


def test_tensors_that_are_views_or_not_contiguous_are_saved(store):
    whole = torch.arange(12.0).reshape(3, 4)
    store.save(KEY, {"columns": whole.T, "a": whole[0], "b": whole[1]}, {})
    loaded, _ = store.load(KEY)
    assert torch.equal(loaded["columns"], whole.T)
    assert torch.equal(loaded["a"], whole[0])
    assert torch.equal(loaded["b"], whole[1])


@pytest.mark.parametrize("length", [0, 8, 100, -1])
def test_an_empty_or_truncated_record_is_set_aside(length, saved, caplog):
    path = saved.path(KEY)
    path.write_bytes(path.read_bytes()[:length])
    assert_set_aside(saved, caplog)


@pytest.mark.parametrize("content", [b"not a record", bytes(400)])
def test_a_file_of_another_kind_is_set_aside(content, store, caplog):
    store.folder.mkdir(parents=True)
    store.path(KEY).write_bytes(content)
    assert_set_aside(store, caplog)


def test_a_safetensors_file_from_elsewhere_is_set_aside(store, caplog):
    store.folder.mkdir(parents=True)
    safetensors.torch.save_file(tensors(), store.path(KEY))
    assert_set_aside(store, caplog)


def test_another_keys_record_under_this_name_is_set_aside(saved, caplog):
    other = content_key({**FIELDS, "seed": 1})
    saved.save(other, tensors(), {})
    os.replace(saved.path(other), saved.path(KEY))
    assert_set_aside(saved, caplog, reason=f"it belongs to key {other}")


def test_a_record_of_another_schema_is_set_aside(store, caplog, monkeypatch):
    monkeypatch.setattr(versions, "CACHE", versions.CACHE + 1)
    store.save(KEY, tensors(), {})
    monkeypatch.undo()
    assert_set_aside(store, caplog, reason=f"schema {versions.CACHE + 1}")


def test_no_changed_byte_goes_unnoticed(saved, caplog):
    """Neither in the tensors, nor in their names, shapes and types, nor in the values that go with them."""
    path = saved.path(KEY)
    content = path.read_bytes()
    caplog.set_level(logging.CRITICAL)
    for i in range(len(content)):
        for flip in (0x01, 0x20, 0x80):
            changed = bytearray(content)
            changed[i] ^= flip
            path.write_bytes(changed)
            assert saved.load(KEY) is None, (
                f"byte {i} of {len(content)} changed by {flip}: {bytes(changed[i - 20 : i + 20])}"
            )
    path.write_bytes(content)
    assert saved.load(KEY) is not None


def test_a_record_that_another_job_has_already_set_aside_is_no_error(saved, caplog, monkeypatch):
    path = saved.path(KEY)
    path.write_bytes(b"broken")
    replace = os.replace

    def raced(source, target):
        replace(source, f"{target}-other")
        replace(source, target)

    monkeypatch.setattr(os, "replace", raced)
    assert saved.load(KEY) is None


@pytest.fixture
def full_disk(monkeypatch):
    def fsync(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)


def test_a_write_that_fails_leaves_nothing_behind(store, full_disk):
    with pytest.raises(OSError, match="No space left") as error:
        store.save(KEY, tensors(), {})
    assert error.value.errno == errno.ENOSPC
    assert files(store.folder) == []


def test_a_write_that_fails_leaves_the_former_file_as_it_was(tmp_path, full_disk):
    path = tmp_path / "scores.csv"
    path.write_bytes(b"former")
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert files(tmp_path) == ["scores.csv"]
    assert path.read_bytes() == b"former"


@pytest.mark.parametrize("function", ["replace", "chmod"])
@pytest.mark.parametrize("error", [OSError(errno.EIO, "input/output error"), KeyboardInterrupt()])
def test_a_write_that_ends_before_its_rename_leaves_nothing_behind(tmp_path, monkeypatch, function, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(os, function, fail)
    with pytest.raises(type(error)):
        write_atomically(tmp_path / "a", b"new")
    assert files(tmp_path) == []


def test_nothing_stands_under_the_final_name_before_all_is_flushed(tmp_path, monkeypatch):
    path, seen, fsync = tmp_path / "a", [], os.fsync

    def look(handle):
        assert not path.exists()
        (temporary,) = tmp_path.iterdir()  # in the same folder, so that the rename is atomic
        seen.append(temporary.read_bytes())
        fsync(handle)

    monkeypatch.setattr(os, "fsync", look)
    write_atomically(path, b"content")
    assert seen == [b"content"]
    assert path.read_bytes() == b"content"
    assert files(tmp_path) == ["a"]


def test_a_files_mode_is_that_of_any_new_file(tmp_path):
    write_atomically(tmp_path / "a", b"")
    (tmp_path / "b").touch()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_a_key_is_the_sha256_of_canonical_json():
    text = json.dumps({"a": [1, 2.5], "b": None, "schema": versions.CACHE}, separators=(",", ":"))
    assert content_key({"b": None, "a": (1, 2.5)}) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1}, {"classes": 4}, {"data": "abd"}, {"further": None}, {"augmenter": {}},
        {"augmenter": FIELDS["augmenter"] | {"gamma": 0.7500000001}}, {"augmenter": FIELDS["augmenter"] | {"hidden": [40, 30]}},
    ],
)  # fmt: skip
def test_a_key_depends_on_every_field(change):
    assert content_key({**FIELDS, **change}) != KEY


def test_a_key_depends_on_no_field_being_left_out_and_on_the_schema(monkeypatch):
    without = [content_key({k: v for k, v in FIELDS.items() if k != name}) for name in FIELDS]
    assert len({KEY, *without}) == len(FIELDS) + 1
    monkeypatch.setattr(versions, "CACHE", versions.CACHE + 1)
    assert content_key(FIELDS) != KEY


def test_a_key_does_not_depend_on_the_order_of_fields():
    augmenter = dict(reversed(FIELDS["augmenter"].items()))
    assert content_key(dict(reversed({**FIELDS, "augmenter": augmenter}.items()))) == KEY


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_field_that_json_cannot_tell_apart_is_refused(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        content_key({"gamma": value})


def test_a_fingerprint_depends_on_values_types_and_shapes_but_not_on_memory_order():
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    same = fingerprint(x)
    assert fingerprint(np.asfortranarray(x)) == fingerprint(x.copy()) == same
    changed = x.copy()
    changed[1, 2] = np.nextafter(changed[1, 2], np.float32(9))
    others = [changed, x.T, x.reshape(3, 2), x.astype(np.float64), x.view(np.int32), -x]
    assert len({same, *map(fingerprint, others)}) == len(others) + 1
    assert fingerprint(x, x) != same
    assert fingerprint(x[:1], x[1:]) != same


def test_derived_seeds_differ_by_purpose_and_by_key_and_fit_a_random_generator():
    seeds = [derived_seed(key, purpose) for key in (KEY, "a", "b") for purpose in ("train", "sample", "")]
    assert len(set(seeds)) == len(seeds)
    assert len({seed % 2**32 for seed in seeds}) == len(seeds)
    assert seeds[0] == derived_seed(KEY, "train")
    for seed in seeds:
        assert 0 <= seed < 2**63
        torch.Generator().manual_seed(seed)


def test_what_killed_writers_left_is_removed_after_a_day(saved):
    old, new = (saved.folder / "predictions" / f".{name}.safetensors.k3{TEMPORARY}" for name in ("old", "new"))
    for path in (old, new):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half")
    others = [saved.folder / name for name in (".gitkeep", ".env", ".extracting.lock")]
    for path in others:
        path.touch()
    for path in (old, saved.path(KEY), *others):
        os.utime(path, (0, 0))
    remove_abandoned(saved.folder)
    assert all(path.exists() for path in others), "a user's own files"
    assert not old.exists()
    assert new.exists()
    assert saved.load(KEY)


def test_a_lock_is_held_by_one_at_a_time(store):
    with store.lock(KEY) as first, store.lock(KEY) as second, store.lock("0" * 64) as other:
        assert (first, second, other) == (True, False, True)
    with store.lock(KEY) as again:
        assert again
    assert store.can_lock(KEY)


def test_of_many_that_want_a_lock_at_once_one_holds_it_and_no_lock_files_are_left(store):
    inside, most = [], []

    def work(number: int) -> None:
        for _ in range(30):
            locked = False
            while not locked:
                with store.lock(KEY) as locked:
                    if locked:
                        inside.append(number)
                        most.append(len(inside))
                        inside.remove(number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert len(most) == 120
    assert max(most) == 1
    assert list((store.folder / "locks").iterdir()) == []


def test_a_lock_file_that_cannot_be_removed_while_it_is_open_does_not_matter(store, monkeypatch):
    unlink = stores.Path.unlink

    def as_on_windows(path, missing_ok=False):
        handles = (f"/proc/self/fd/{handle}" for handle in os.listdir("/proc/self/fd"))
        if path.exists() and any(os.path.exists(handle) and os.path.samefile(handle, path) for handle in handles):
            raise PermissionError(errno.EACCES, "in use by another process", str(path))
        unlink(path, missing_ok)

    monkeypatch.setattr(stores.Path, "unlink", as_on_windows)
    for _ in range(2):
        with store.lock(KEY) as locked, store.lock(KEY) as other:
            assert (locked, other) == (True, False)


def test_loaded_tensors_do_not_keep_the_file_open(saved):
    tensors, _ = saved.load(KEY)
    assert tensors
    assert str(saved.path(KEY)) not in Path("/proc/self/maps").read_text(encoding="utf-8")


def test_a_file_that_another_process_reads_is_replaced_as_soon_as_it_may_be(tmp_path, monkeypatch):
    write_atomically(tmp_path / "a", b"old")
    replace, waited = os.replace, []

    def as_on_windows(*paths):
        if len(waited) < 2:
            raise PermissionError(errno.EACCES, "in use by another process")
        replace(*paths)

    monkeypatch.setattr(os, "replace", as_on_windows)
    monkeypatch.setattr("time.sleep", waited.append)
    write_atomically(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert len(waited) == 2
    assert files(tmp_path) == ["a"]


def test_where_files_cannot_be_locked_everybody_has_the_lock_and_is_told(store, monkeypatch, caplog):
    def unsupported(self, **_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(stores.FileLock, "acquire", unsupported)
    with store.lock(KEY) as first, store.lock(KEY) as second:
        assert (first, second) == (True, True)
    assert caplog.text.count("cannot be locked") == 1, "it is so for all entries"
    assert not store.can_lock(KEY)


def test_a_record_that_cannot_be_opened_is_not_taken_for_a_bad_one(saved, monkeypatch):
    def exhausted(*_, **__):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patch:
        patch.setattr(stores.Path, "open", exhausted)
        with pytest.raises(OSError, match="Too many open files"):
            saved.load(KEY)
    assert saved.load(KEY)
