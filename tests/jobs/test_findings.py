"""What a whole job finds wrong with its GANs: in its log, in run.json and again when they come from the store."""

import json

import pytest

from emogan.jobs import job
from emogan.training.detectors import findings


def members(folder):
    """What became of each GAN of a job, by run.json."""
    return json.loads((folder / "job/run.json").read_text())["members"]


def test_run_json_tells_figures_and_findings_of_every_gan_trained_or_from_the_store(configure, tmp_path, caplog):
    overrides = "model=cbegan", "evaluation.inner=reuse"
    job.run(configure(tmp_path, *overrides, "n_aug=50"))
    trained = members(tmp_path)
    assert len(trained) == 6
    for member in trained:
        assert member["findings"] == findings(member["figures"])
        assert {"collapse", "label ignored"} <= set(member["findings"])  # 20 iterations are too few
    caplog.clear()
    job.run(configure(tmp_path, *overrides, "n_aug=200"))
    assert not any(member["trained"] for member in members(tmp_path))
    assert [member["findings"] for member in members(tmp_path)] == [member["findings"] for member in trained]
    assert "collapse in 6 of 6 generators of cbegan from the store" in caplog.text


def test_what_has_nothing_to_train_has_no_findings(configure, tmp_path):
    job.run(configure(tmp_path, "model=duplicate", "n_aug=50"))
    assert all(member["findings"] is None for member in members(tmp_path))


@pytest.mark.slow
def test_the_papers_cbegan_collapses_and_the_one_that_starts_from_trials_does_not(configure, tmp_path, caplog):
    overrides = "evaluation.inner=reuse", "n_aug=50"
    job.run(configure(tmp_path / "a", "model=cbegan", *overrides, "model.iterations=1000", "model.hidden=100"))
    assert all(0.1 < member["findings"]["collapse"] < 0.4 for member in members(tmp_path / "a"))
    assert "collapse in 6 of 6 generators of cbegan" in caplog.text
    caplog.clear()
    job.run(configure(tmp_path / "b", "model=trial_cbegan", *overrides))
    for member in members(tmp_path / "b"):
        assert not {"collapse", "label ignored", "exploding generator", "frozen generator"} & set(member["findings"])
        assert 0.8 < member["figures"]["spread"] < 1.2
    assert "generators of trial_cbegan" not in caplog.text
