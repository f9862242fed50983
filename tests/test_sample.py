"""python -m emogan.sample writes synthetic windows as a table that data=features reads."""

import numpy as np
import pandas as pd
import pytest
from composed import composed
from hydra.errors import CompactHydraException

import emogan
from emogan.data import table as tables
from emogan.jobs import job, sharing
from emogan.sample import main, write_windows
from emogan.simulation import people as simulated


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, configure):
    """Of a job of six cBEGANs."""
    folder = tmp_path_factory.mktemp("done")
    job.run(configure(folder, "model=cbegan", "n_aug=50", "evaluation.inner=reuse"))
    return folder / "job/checkpoint.ckpt"


@pytest.mark.parametrize("suffix", [".npz", ".csv"])
def test_the_table_is_read_as_the_windows_that_were_drawn(checkpoint, tmp_path, suffix, table):
    out = write_windows(checkpoint, tmp_path / f"synthetic{suffix}", 50, subject=2, fold=1)
    real, found = tables.load(table), tables.load(out, eye=[] if suffix == ".npz" else ["eye_*"])
    x, y = emogan.load(checkpoint, subject=2, fold=1).sample(50)
    np.testing.assert_array_equal(found.x, x)
    assert [found.class_names[k] for k in found.y] == y.tolist()
    assert (found.feature_names, found.class_names) == (real.feature_names, real.class_names)
    assert found.modalities == real.modalities
    assert set(found.subject) == {2}
    assert len(np.unique(found.trial)) == 50
    assert not set(found.trial) & set(map(str, real.trial))


def test_what_a_sampler_saved_is_written_with_its_labels_and_columns(tmp_path, frame_of_numbers):
    x, y = frame_of_numbers
    emogan.GaussianSampler(random_state=0).fit(x, y).save(tmp_path / "fitted")
    out = write_windows(tmp_path / "fitted", tmp_path / "synthetic.csv", 6, seed=4)
    found = pd.read_csv(out)
    assert found.columns.tolist() == ["label", "trial", "subject", "session", "left", "right"]
    assert found.label.tolist() == ["fear", "joy"] * 3
    expected, _ = emogan.load(tmp_path / "fitted").sample(6, random_state=4)
    pd.testing.assert_frame_equal(found[["left", "right"]], expected)


@pytest.fixture
def frame_of_numbers():
    random = np.random.default_rng(0)
    return pd.DataFrame(random.normal(size=(20, 2)), columns=["left", "right"]), np.array(["fear", "joy"] * 10)


def test_impossible_requests_are_refused_and_nothing_is_lost(tmp_path, checkpoint, frame_of_numbers):
    there = tmp_path / "there.csv"
    there.write_text("mine")
    for out, n_aug, message in (
        (there, 5, "which exists. Choose another"),
        (tmp_path / "new.txt", 5, r"expected out=FILE\.npz or out=FILE\.csv"),
        (tmp_path / "new.csv", 0, "n_aug: expected an integer >= 1, got 0"),
        (tmp_path / "new.csv", 5, "one of its 6 training sets"),
    ):
        with pytest.raises(ValueError, match=message):
            write_windows(checkpoint, out, n_aug)
    x, y = frame_of_numbers
    emogan.GaussianSampler().fit(x.rename(columns={"left": "trial"}), y).save(tmp_path / "fitted")
    with pytest.raises(ValueError, match=r"not named label, trial, .*got trial\. Write a \.npz"):
        write_windows(tmp_path / "fitted", tmp_path / "new.csv", 5)
    emogan.GaussianSampler().fit(x.rename(columns={"left": "stimulus"}), y).save(tmp_path / "fitted")
    with pytest.raises(ValueError, match=r"not named label, .*got stimulus\. Write a \.npz"):
        write_windows(tmp_path / "fitted", tmp_path / "new.csv", 5)
    assert there.read_text() == "mine"
    assert not (tmp_path / "new.csv").exists()


def test_the_command_writes_the_table_and_leaves_nothing_else(checkpoint, tmp_path, command):
    options = [f"checkpoint={checkpoint}", "out=new.csv", "n_aug=9", "subject=1", "fold=0"]
    done = command(tmp_path, *options, module="sample")
    assert done.exit_code() == 0, done.said
    assert done.said == f"wrote 9 synthetic windows of 10 features to {tmp_path / 'new.csv'}\n"
    assert {path.name for path in tmp_path.iterdir()} == {"new.csv", "said.txt"}


def test_the_command_says_what_is_wrong_in_one_sentence(checkpoint, tmp_path):
    cfg = composed(f"checkpoint={checkpoint}", f"out={tmp_path / 'new.csv'}", name="sample")
    with pytest.raises(CompactHydraException, match="one of its 6 training sets"):
        main(cfg)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A generator that learned from four simulated people, and the table of two others."""
    folder = tmp_path_factory.mktemp("shared")
    people = ["data=synthetic_seed_v", "modality=eye", "data.subjects=[1,2,3,4]"]
    tiny = ["model.iterations=20", "model.hidden=50", "machine.threads=1"]
    sharing.share(composed(*people, *tiny, f"out={folder / 'gan.safetensors'}", f"output={folder}", name="share"))
    features = simulated.load("seed_v", modality="eye", subjects=[5, 6], sessions=[1])
    frame = pd.DataFrame(features.x, columns=features.feature_names).iloc[:, ::-1]
    labels = np.array(features.class_names)[features.y]
    frame.assign(label=labels, trial=features.trial, subject=features.subject, clip="a text").to_csv(
        folder / "own.csv", index=False
    )
    return folder, features


def test_a_shared_generator_writes_windows_of_the_person_whose_table_is_given(shared, tmp_path):
    folder, features = shared
    out = write_windows(folder / "gan.safetensors", tmp_path / "new.npz", 50, adapt=folder / "own.csv", subject=6)
    found = tables.load(out)
    adapted = emogan.load(folder / "gan.safetensors").adapt(features.x[features.subject == 6])
    np.testing.assert_allclose(found.x, adapted.sample(50)[0], rtol=1e-5)
    assert found.modalities == features.modalities
    assert set(found.subject) == {6}


def test_a_table_of_several_experiments_is_refused_unless_one_is_named(shared, tmp_path):
    folder, _ = shared
    arguments = folder / "gan.safetensors", tmp_path / "new.csv", 5
    with pytest.raises(
        ValueError, match=r"one person and session, got 2\. Name one: subject=5 session=1; subject=6 session=1"
    ):
        write_windows(*arguments, adapt=folder / "own.csv")
    with pytest.raises(ValueError, match=r"got 0\. Name one: subject=5 session=1; subject=6 session=1"):
        write_windows(*arguments, adapt=folder / "own.csv", subject=7)
    emogan.GaussianSampler().fit(np.eye(4), [0, 0, 1, 1]).save(tmp_path / "own")
    with pytest.raises(ValueError, match="adapt: expected a shared generator"):
        write_windows(tmp_path / "own", tmp_path / "new.csv", 5, adapt=folder / "own.csv", subject=5)
    assert not (tmp_path / "new.csv").exists()


def test_windows_in_shared_units_are_written_with_a_word_on_it(shared, tmp_path, capsys):
    write_windows(shared[0] / "gan.safetensors", tmp_path / "new.csv", 5)
    assert (
        "in the units that the donors share; adapt=TABLE brings them into those of a person" in capsys.readouterr().out
    )
