"""accuracies.csv: the numbers behind the report's tables."""

import pandas as pd
import pytest

from emogan.report.__main__ import main


@pytest.fixture(scope="module")
def written(tmp_path_factory, fake):
    """accuracies.csv of two models, one of them with fewer training trials too."""
    folder = tmp_path_factory.mktemp("outputs")
    for model in ("none", "cbegan"):
        fake.write_job(folder / model, "eeg", model)
    fake.write_job(folder / "few", "eeg", "cbegan", trials_per_class=2, shift=-0.1)
    assert main([str(folder)]) == 0
    return pd.read_csv(folder / "report" / "accuracies.csv")


def test_each_row_of_each_job_is_there_and_the_chosen_ones_are_marked(written, fake):
    all_trials = written[written.trials_per_class.isna()]
    assert all_trials.section.str.startswith("SIMULATED").all()
    cbegan = all_trials[all_trials.model == "cbegan"].set_index(["subject", "fold", "n_aug"])
    assert sorted(cbegan.index) == sorted((s, f, n) for s in fake.SUBJECTS for f in fake.FOLDS for n in fake.SIZES)
    for (subject, fold, n), row in cbegan.iterrows():
        assert row.accuracy == pytest.approx(fake.accuracy("eeg", "cbegan", n, subject, fold), abs=1e-6)
        assert row.chosen == (n == (50 if subject == 1 else 200))
        assert row.folder == "cbegan"
    assert all_trials[all_trials.model == "none"].chosen.all()


def test_smaller_training_sets_make_choices_of_their_own(written, fake):
    few = written[(written.trials_per_class == 2) & (written.model == "cbegan")]
    assert len(few) == len(fake.SUBJECTS) * len(fake.FOLDS) * len(fake.SIZES)
    assert few.chosen.sum() == len(fake.SUBJECTS) * len(fake.FOLDS)
    none = written[(written.trials_per_class == 2) & (written.model == "none")]  # what was scored with n_aug = 0
    assert list(none.accuracy) == list(few.accuracy[few.n_aug == 0])
    assert set(none.folder) == {"few"}
