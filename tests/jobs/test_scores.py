"""The closing table against pandas, by hand."""

import itertools

import numpy as np
import pandas as pd
import pytest

from emogan.jobs.files import COLUMNS
from emogan.jobs.scores import closing_table


@pytest.fixture
def scores():
    """Random scores of 2 subjects x 2 sessions x 3 folds at three n_aug, rows in no order."""
    random = np.random.default_rng(0)
    places = list(itertools.product((0, 50, 200), (1, 2), (1, 2), range(3)))
    frame = pd.DataFrame(places, columns=["n_aug", "subject", "session", "fold"])
    frame = frame.assign(dataset="synthetic_seed", modality="eye", model="cbegan", seed=0, c=1.0, c_oracle=2.0)
    for column in ("accuracy", "accuracy_oracle", "macro_f1", "trial_accuracy", "trial_accuracy_oracle"):
        frame[column] = random.random(len(frame))
    return frame.assign(n_train=600, n_test=200)[COLUMNS].sample(frac=1, random_state=0)


def numbers(table: str) -> dict[int, list[float]]:
    """The table's figures by n_aug: mean, standard deviation and gain of the three accuracies."""
    lines = [line.replace("(", " ").replace(")", " ").split() for line in table.splitlines()[2:-1]]
    return {int(n): [float(value) if value != "-" else np.nan for value in rest] for n, *rest in lines}


def test_the_table_has_mean_sd_and_gain_over_the_experiments_means_in_percent(scores):
    found = numbers(closing_table(scores))
    assert list(found) == [0, 50, 200]
    baseline = {}
    for n, row in found.items():
        expected = []
        for column in ("accuracy", "trial_accuracy", "accuracy_oracle"):
            of_experiments = []
            for subject, session in itertools.product((1, 2), (1, 2)):
                here = (scores.n_aug == n) & (scores.subject == subject) & (scores.session == session)
                assert here.sum() == 3
                of_experiments.append(100 * sum(scores[column][here]) / 3)
            mean = sum(of_experiments) / 4
            baseline.setdefault(column, mean)
            sd = (sum((value - mean) ** 2 for value in of_experiments) / 3) ** 0.5
            expected += [mean, sd, mean - baseline[column]]
        np.testing.assert_allclose(row, expected, atol=0.005001)


def test_experiments_count_alike_however_many_folds_they_have(scores):
    one = scores[(scores.subject == 1) & (scores.session == 1)]
    more = pd.concat([scores, one, one])
    assert closing_table(more) == closing_table(scores)


def test_a_single_experiment_has_no_spread(scores):
    table = closing_table(scores[(scores.subject == 1) & (scores.session == 2)])
    assert table.count("(  -  )") == 9
    assert "over 1 experiment" in table


def test_the_columns_of_the_table_stand_under_their_heads(scores):
    _, head, *lines, _ = closing_table(scores.assign(accuracy=1.0)).splitlines()
    assert {len(line) for line in lines} == {len(head)}


def test_the_table_says_what_it_is_of(scores):
    first = closing_table(scores).splitlines()[0]
    assert first == "synthetic_seed, eye, cbegan: percent, mean (sd) over 4 experiments"
