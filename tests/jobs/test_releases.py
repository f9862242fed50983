"""Jobs on simulated trees of releases, from their files to the scores."""

import json

import pytest
from composed import composed

from emogan.jobs import job
from emogan.simulate import simulate

SMALL = [
    "modality=eye", "model=gaussian", "n_aug=[0,42]", "evaluation.inner_folds=2", "evaluation.c_exponents=[-6,-6]",
    "quality=false", "machine.threads=1",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "overrides", "folds", "members"),
    [
        ("seed_vii", ["data.sessions=[1,2]", "data.clip_statistics=false"], "quarters", [("all", f) for f in range(4)]),
        ("seed_fra", ["data.sessions=[2]"], "paper", [(2, f) for f in range(7)]),
        ("seed_ger", ["data.sessions=[3]", "evaluation.n_folds=3"], "trials", [(3, f) for f in range(3)]),
    ],
)
def test_a_release_goes_from_its_files_to_scores_by_its_own_folds(tmp_path, name, overrides, folds, members):
    simulate(name, tmp_path / "tree", subjects=[4])
    places = [f"data.root={tmp_path / 'tree'}", f"folder={tmp_path / 'job'}", f"store={tmp_path / 'store'}"]
    scores = job.run(composed(*SMALL, f"data={name}", *places, *overrides))
    assert set(scores.dataset) == {f"synthetic_{name}"}
    found = scores[scores.n_aug == 42]
    assert list(zip(found.session, found.fold, strict=True)) == members
    assert scores.accuracy.between(0, 1).all()
    assert json.loads((tmp_path / "job" / "run.json").read_text())["evaluation"]["folds"] == folds
