"""Numbers do not change without a version: keys of the cache would no longer tell one result from another."""

import json

import golden
import numpy as np
import pytest
from golden import COMPUTE, CONTROLS, FILE, GANS, VERSIONS, changed, digest, verdict

from emogan import versions
from emogan.augmenters import GANAugmenter
from emogan.augmenters.fit import member_key
from emogan.models import CBEGAN

GOLDEN = json.loads(FILE.read_text())


@pytest.mark.parametrize("name", VERSIONS)
def test_no_numbers_change_without_a_version(name):
    assert (message := verdict(name, GOLDEN)) is None, message


def test_every_gan_and_control_has_a_version_and_every_version_a_computation():
    assert set(versions.AUGMENTERS) == set(GANS) | set(CONTROLS)
    assert set(VERSIONS) == set(COMPUTE)
    assert {name: list(kept) for name, kept in GOLDEN.items()} == {name: [str(n)] for name, n in VERSIONS.items()}


@pytest.mark.parametrize("change", ["one value of many", "all by a thousandth", "their order", "one more"])
def test_a_digest_tells_small_changes(change):
    x = np.random.default_rng(0).normal(size=2000)
    other = {
        "one value of many": np.where(np.arange(2000) == 700, x + 0.1, x),
        "all by a thousandth": x * 1.001,
        "their order": np.roll(x, 1),
        "one more": np.append(x, 0),
    }[change]
    assert changed(digest({"x": other}), digest({"x": x})) == ["x"]
    assert not changed(digest({"x": x * (1 + 1e-6)}), digest({"x": x}))
    assert changed(digest({"n": np.arange(9)}), digest({"n": np.arange(9)[::-1].copy()})) == ["n"]


def test_the_message_names_the_version_and_the_command(monkeypatch):
    monkeypatch.setitem(COMPUTE, "noise", lambda: {"windows": np.ones(3)})
    message = verdict("noise", GOLDEN)
    assert "raise emogan.versions.AUGMENTERS['noise'] to 2" in message
    assert golden.COMMAND in message


def test_a_changed_digest_is_written_only_after_its_version_was_raised(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(golden, "FILE", tmp_path / "golden.json")
    monkeypatch.setattr(golden, "VERSIONS", {"noise": 1})
    monkeypatch.setitem(COMPUTE, "noise", lambda: {"windows": np.ones(3)})
    assert golden.main() == 0
    first = golden.FILE.read_text()
    monkeypatch.setitem(COMPUTE, "noise", lambda: {"windows": np.zeros(3)})
    assert golden.main() == 1
    assert golden.FILE.read_text() == first
    assert "gives other numbers than before" in capsys.readouterr().out
    monkeypatch.setattr(golden, "VERSIONS", {"noise": 2})
    assert golden.main() == 0
    assert list(json.loads(golden.FILE.read_text())["noise"]) == ["2"]


def test_a_raised_version_changes_the_keys_of_its_kind_and_of_no_other(monkeypatch):
    data = golden.training_sets(golden.windows())[0]

    def keys():
        return {
            kind: member_key(GANAugmenter(gan, name=kind, iterations=1), data, 3, 0) for kind, gan in GANS.items()
        } | {"selected": member_key(GANAugmenter(CBEGAN, name="a", iterations=1, selection="density"), data, 3, 0)}

    class Own(CBEGAN):
        kind = "own"

    own = member_key(GANAugmenter(Own, name="a", iterations=1), data, 3, 0)
    monkeypatch.setitem(versions.AUGMENTERS, "cbegan", 98)
    assert member_key(GANAugmenter(Own, name="a", iterations=1), data, 3, 0) != own, "it derives from a cBEGAN"
    before = keys()
    monkeypatch.setitem(versions.AUGMENTERS, "cwgan", 99)
    assert {kind for kind, key in keys().items() if key != before[kind]} == {"cwgan"}
    monkeypatch.setitem(versions.COMPUTATIONS, "selection", 99)
    assert {kind for kind, key in keys().items() if key != before[kind]} == {"cwgan", "selected"}
