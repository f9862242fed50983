"""A generator to share: what its file holds and what not, and how it is adapted to people it has never seen."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from composed import composed
from safetensors import safe_open
from scipy.spatial.distance import cdist

import emogan
from emogan.data import table as tables
from emogan.data.alignment import ALIGNMENTS
from emogan.data.donors import Donors, Pools
from emogan.data.training_set import TrainingSet
from emogan.jobs import sharing
from emogan.samplers import files
from emogan.store import derived_seed

PEOPLE = ["anna", "berta", "carla", "dora", "emil", "fritz"]
OTHERS = ["emil", "fritz"]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Six people x 2 sessions x 12 trials of 3 classes x 8 windows of 6 EEG and 4 eye features, in units of their own."""
    random = np.random.default_rng(0)
    person, session, trial, _ = (index.ravel() for index in np.indices((6, 2, 12, 8)))
    y = trial % 3
    x = (
        random.normal(size=(len(y), 10))
        + random.normal(size=(3, 10))[y]
        + random.normal(size=(144, 10))[person * 24 + session * 12 + trial]
    )
    x = x * random.uniform(1, 9, size=(6, 10))[person] + 50 * random.normal(size=(6, 10))[person]
    path = tmp_path_factory.mktemp("table") / "people.npz"
    np.savez(
        path, x=x, y=y, trial=trial, subject=np.array(PEOPLE)[person], session=session + 1,
        feature_names=np.array([f"{kind}_{i}" for kind, n in (("eeg", 6), ("eye", 4)) for i in range(n)]),
        class_names=np.array(["bad", "fair", "good"]), modality=np.array(["eeg"] * 6 + ["eye"] * 4),
    )  # fmt: skip
    return path


@pytest.fixture(scope="module")
def run(table, tmp_path_factory):
    """``run(*overrides)``: the path of a generator that was shared, of cBEGANs of a moment's training."""
    folder = tmp_path_factory.mktemp("shared")

    def share(*overrides, name="gan"):
        settings = [
            "data=features", f"data.path={table}", "machine.threads=1", f"store={folder / 'store'}", f"output={folder}",
            f"out={folder / name}.safetensors",
        ]  # fmt: skip
        gan = [] if any(one.startswith("model=") for one in overrides) else ["model.iterations=20", "model.hidden=50"]
        return sharing.share(composed(*settings, *gan, *overrides, name="share"))

    return share


@pytest.fixture(scope="module")
def path(run):
    return run("held_out.subjects=[emil,fritz]", "notice='Licence: CC BY-NC 4.0, name the authors.'")


@pytest.fixture(scope="module")
def features(table):
    return tables.load(table)


@pytest.fixture(scope="module")
def own(features):
    """Rows of emil's first session."""
    return np.flatnonzero((features.subject == "emil") & (features.session == 1))


def metadata(path: Path) -> dict:
    with safe_open(path, "pt") as file:
        return file.metadata()


def windows_in(path: Path, windows: np.ndarray) -> int:
    """How many windows (n, F) are found among the numbers of a file, in the order in which any of its tensors hold them."""
    with safe_open(path, "pt") as file:
        tensors = [file.get_tensor(name).numpy().astype(np.float64) for name in file.keys()]
    n, found = windows.shape[1], 0
    for tensor in tensors:
        for axis in range(tensor.ndim):
            if tensor.shape[axis] == n:
                rows = np.moveaxis(tensor, axis, -1).reshape(-1, n)
                found += int((cdist(windows, rows).min(1) < 1e-3 * np.linalg.norm(windows, axis=1)).sum())
    return found


def test_the_file_tells_what_was_learned_from_and_holds_the_card_that_lies_beside_it(path):
    assert set(metadata(path)) == {"emogan", "emogan_format", "fields", "crc32"}
    fields = json.loads(metadata(path)["fields"])
    shared = fields["shared"]
    assert {name: shared[name] for name in ("alignment", "dataset", "people", "sessions", "windows")} == {
        "alignment": "z_score", "dataset": "features", "people": 4, "sessions": 8, "windows": 768,
    }  # fmt: skip
    assert shared["training"]["seed"] == 0
    assert fields["identity"]["iterations"] == 20
    assert fields["classes"] == ["bad", "fair", "good"]
    assert fields["modalities"] == {"eeg": [0, 6], "eye": [6, 10]}
    assert path.with_suffix(".card.md").read_text() == shared["card"]
    assert shared["privacy"]["people"] == 2
    assert 0 <= shared["privacy"]["membership"]["window"]["auc"] <= 1
    assert shared["privacy"]["closest_record"]["people"] == 2
    for said in ("4 people of features", "Licence: CC BY-NC", "Membership inference", "no figure here is a guarantee"):
        assert said in " ".join(shared["card"].split())
    assert max(map(len, shared["card"].splitlines())) <= 120


def test_the_file_holds_no_window_and_no_name_of_a_donor(path, features, tmp_path):
    pools = Pools(features, Donors(others=True))
    rows = np.flatnonzero(~np.isin(features.subject, OTHERS))
    pool = pools.pool(rows)
    for windows in (features.x[rows], pools.aligned(rows), pool.x):
        assert windows_in(path, windows) == 0
    emogan.DuplicateSampler().fit(pool.x, pool.y).save(tmp_path / "duplicates")
    assert windows_in(tmp_path / "duplicates", pool.x) == len(rows), "a control's file is found to hold them all"
    with safe_open(path, "pt") as file:
        names = set(file.keys())
    assert {name for name in names if not name.startswith("generator.")} == {"scaler.minimum", "scaler.span"}
    content = path.read_bytes()
    assert not [name for name in PEOPLE if name.encode() in content]


def test_the_card_says_what_a_selection_has_learned(run):
    card = emogan.load(run("model.selection=density", name="selected")).shared["card"]
    assert "the mean of each class and one covariance of all aligned windows" in " ".join(card.split())


def test_the_card_says_that_a_diffusion_model_holds_the_principal_components(run):
    shared = emogan.load(run("model=diffusion", "donors.subjects=[anna,berta]", name="diffusion")).shared
    assert "the mean and the principal components of all aligned windows" in " ".join(shared["card"].split())


def test_without_people_held_out_the_card_says_that_nothing_was_measured(run):
    shared = emogan.load(run("donors.subjects=[anna,berta]", "donors.sessions=[2]", name="unmeasured")).shared
    assert shared["privacy"] is None
    assert (shared["people"], shared["sessions"]) == (2, 2)
    assert "Nothing was measured, as nobody was held out" in shared["card"]


def test_before_it_is_adapted_it_draws_in_the_shared_units_and_says_so(path):
    generator = emogan.load(path)
    x, y = generator.sample(9)
    assert np.abs(x).max() < 10, "z-scores"
    assert y.tolist() == ["bad", "fair", "good"] * 3
    assert re.fullmatch(
        r"FittedSampler\(cbegan trained for \d+ iterations, 10 features, classes bad, fair, good,\n  read from "
        rf"{re.escape(str(path))}, learned from 4 people of features; windows in their shared units until adapt\(X\)\)",
        repr(generator),
    )


@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_adapted_windows_are_those_that_a_job_adapts_to_the_same_target(run, features, own, alignment):
    path = run("donors.subjects=[anna,berta,carla,dora]", f"donors.alignment={alignment}", name=alignment)
    generator = emogan.load(path)
    adapted = generator.adapt(features.x[own])
    data = TrainingSet.of(features, own, own)
    donor_rows = np.flatnonzero(~np.isin(features.subject, OTHERS))
    learned = Pools(features, Donors(others=True, alignment=alignment)).learned(data, donor_rows, own)
    np.testing.assert_array_equal(generator.scaler.minimum, learned.data.scaler.minimum)
    labels = generator.labels(60)
    noise = torch.Generator().manual_seed(derived_seed(adapted.key, "sample"))
    z = generator.augmenter().sample(torch.from_numpy(labels)[None], [noise])[0].numpy()
    expected = data.scaler.inverse(learned.adapt(z))
    np.testing.assert_allclose(adapted.draw(labels), expected, rtol=1e-4, atol=1e-4 * data.scaler.span.max())
    files.save(adapted, path.with_name("again"))
    np.testing.assert_array_equal(emogan.load(path.with_name("again")).draw(labels), adapted.draw(labels))


def test_another_process_adapts_without_the_donors_and_draws_the_same(path, features, own, tmp_path):
    np.save(tmp_path / "own.npy", features.x[own])
    (tmp_path / "gan.safetensors").write_bytes(path.read_bytes())
    code = (
        "import sys, numpy, emogan\n"
        "x, y = emogan.load('gan.safetensors').adapt(numpy.load('own.npy')).sample(40)\n"
        "sys.stdout.buffer.write(x.tobytes() + ''.join(y).encode())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    x, y = emogan.load(path).adapt(features.x[own]).sample(40)
    assert done.stdout == x.tobytes() + "".join(y).encode()


def test_a_frame_gives_a_frame_of_the_same_types_whatever_the_order_of_its_columns(path, features, own):
    generator = emogan.load(path)
    frame = pd.DataFrame(features.x[own], columns=features.feature_names).astype({"eye_1": np.int32})
    labels = np.array(features.class_names)[features.y[own]]
    x, _ = generator.adapt(frame[frame.columns[::-1]], pd.Series(labels)).sample(30)
    assert x.columns.tolist() == list(features.feature_names)
    assert x.dtypes["eye_1"] == np.int32
    pd.testing.assert_frame_equal(x, generator.adapt(frame).sample(30)[0])


def test_another_person_gets_other_noise_and_the_repr_says_whose_units_they_are(path, features, own):
    generator = emogan.load(path)
    one, other = generator.adapt(features.x[own]), generator.adapt(features.x[own + 96])
    z = [a.alignment.transform(a.sample(30)[0]) for a in (one, other)]
    assert not np.allclose(*z, atol=0.01)
    assert repr(one).endswith("windows in the units of one person)")
    with pytest.raises(ValueError, match="got one that was adapted to a person already"):
        one.adapt(features.x[own])


def test_what_is_no_shared_generator_is_not_adapted(features, own):
    fitted = emogan.GaussianSampler().fit(features.x[own], features.y[own]).fitted_
    with pytest.raises(ValueError, match=r"as python -m emogan\.share writes, got a sampler of a single training set"):
        fitted.adapt(features.x[own])
    assert repr(fitted) == "FittedSampler(gaussian, 10 features, classes 0, 1, 2,\n  fitted by GaussianSampler)"


def test_windows_that_cannot_be_adapted_to_are_refused(path, features, own):
    generator, x = emogan.load(path), features.x[own]
    frame = pd.DataFrame(x, columns=features.feature_names)
    for given, message in (
        (x[:, :9], r"expected windows of shape \(windows, 10\), .*'eeg_0'.*got shape \(96, 9\)"),
        (x[0], r"got shape \(10,\)"),
        (x[:29], "expected at least 30 windows of the person, .*got 29"),
        (np.where(np.arange(10) == 3, np.nan, x), "got NaN or infinity in columns 'eeg_3'"),
        (frame.rename(columns={"eeg_0": "fp1"}), "10 features, got no 'eeg_0' and also 'fp1'"),
        (frame.assign(label=1), "got also 'label'"),
        (frame.astype({"eye_0": str}), "expected columns of numbers, got 'eye_0'"),
    ):
        with pytest.raises(ValueError, match=message):
            generator.adapt(given)
    for y, message in (
        (features.y[own], "classes bad, fair, good, and of all of them, got 0, 1, 2. Rename labels, or leave out y"),
        (np.array(["bad", "good"])[features.y[own] % 2], "got bad, good"),
        (["bad", "fair", "good"], r"one label for each of 96 windows, got shape \(3,\)"),
    ):
        with pytest.raises(ValueError, match=message):
            generator.adapt(x, y)


REFUSED = [
    (["model=gaussian"], "such as cbegan, cwgan or cgan, got gaussian, which draws from windows: its file would hold all"),
    (["model=donor_windows"], "got donor_windows, which draws from windows"),
    (["model=none"], "got none, which has no generator"),
    (["model=trial_cbegan"], "got trial_cbegan, which looks at trials: its file would hold means or lengths of single"),
    (["model=recurrent_cwgan"], "got recurrent_cwgan, which looks at trials"),
    (["model.selection=discriminator"], "model.selection: expected density, classifier or null, got discriminator"),
    (["data.per_subject=true"], "data.per_subject: expected false"),
    (["donors.subjects=[anna,emil]", "held_out.subjects=[emil,fritz]"], "held_out.subjects: expected nobody of donors.subjects, got emil"),
    (["donors.subjects=[anna]"], "donors.subjects: expected at least 2 people with windows, got 1"),
    (["held_out.subjects=[emil]"], "held_out.subjects: expected at least 2 people with windows, got 1"),
    (["donors.subjects=[anna,gustav]"], "donors.subjects: expected some of anna, berta, .*got gustav. data.subjects and donors.subjects say"),
    (["donors.sessions=[7]"], "donors.sessions: expected some of 1, 2, which were loaded, got 7"),
    (["donors.alignment=sideways"], "donors.alignment: expected none | z_score"),
    (["out=gan.bin"], "out: expected FILE.safetensors, got gan.bin"),
    (["modality=eye", "+nonsense=1"], "nonsense: expected one of the settings"),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "message"), REFUSED)
def test_what_cannot_or_must_not_be_shared_is_refused_before_anything_is_trained(run, monkeypatch, overrides, message):
    monkeypatch.setattr(sharing, "fit", lambda *_, **__: pytest.fail("a GAN was trained"))
    with pytest.raises(ValueError, match=message):
        run(*overrides, name="refused")


def test_a_file_that_exists_is_not_written_over(run, path):
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"out: expected new files, got .*which exists"):
        run("seed=1", name=path.stem)
    assert path.read_bytes() == before


def test_a_generator_that_copies_its_donors_has_a_card_that_says_so(run, monkeypatch):
    monkeypatch.setattr(sharing, "drawn_like", lambda augmenter, pool, key: pool.x)
    shared = emogan.load(run("held_out.subjects=[emil,fritz]", name="copies")).shared
    assert shared["privacy"]["membership"]["window"]["low"] > 0.95
    assert shared["privacy"]["closest_record"]["ratio"] < 0.6
    assert "The donors can be distinguished from other people better than by guessing" in " ".join(
        shared["card"].split()
    )


def test_the_cache_gives_the_same_file_again_without_training(run, path, caplog):
    with caplog.at_level("INFO"):
        again = run(
            "held_out.subjects=[emil,fritz]", "notice='Licence: CC BY-NC 4.0, name the authors.'", name="again2"
        )
    assert "1 GANs, 1 of them from" in caplog.text
    assert emogan.load(again).shared["privacy"] == emogan.load(path).shared["privacy"]
    np.testing.assert_array_equal(emogan.load(again).sample(20)[0], emogan.load(path).sample(20)[0])
