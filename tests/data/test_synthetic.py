"""What the simulation promises."""

import numpy as np
import pytest
from scipy.stats import kurtosis

from emogan.data import synthetic
from emogan.data.trials import SEED_LABELS, SEED_WINDOWS_4S


@pytest.mark.parametrize(
    ("preset", "windows", "features"),
    [("seed", [842] * 3, 351), ("seed_v", [681, 541, 601], 343), ("seed_iv", None, 341)],
)
def test_presets_have_the_data_sets_sizes(preset, windows, features):
    data = synthetic.load(preset, subjects=[2])
    assert data.x.shape[1] == features
    if windows:
        assert [len(rows) for *_, rows in data.experiments()] == windows


def test_labels_and_windows_are_those_of_seed():
    data = synthetic.load(subjects=[1], sessions=[2])
    assert [data.y[data.trial == t][0] for t in range(1, 16)] == list(SEED_LABELS)
    assert [int((data.trial == t).sum()) for t in range(1, 16)] == list(SEED_WINDOWS_4S)


def test_an_experiment_does_not_depend_on_what_else_is_asked_for():
    many = synthetic.load(subjects=[3, 11], sessions=[1, 2])
    rows = (many.subject == 11) & (many.session == 2)
    np.testing.assert_array_equal(many.x[rows], synthetic.load(subjects=[11], sessions=[2]).x)
    eye = synthetic.load(subjects=[11], sessions=[2], modality="eye")
    np.testing.assert_array_equal(many.x[rows][:, 310:], eye.x)


def test_marginals_are_not_gaussian():
    data = synthetic.load(subjects=[1], sessions=[1])
    names = list(data.feature_names)
    blinks = data.x[:, names.index("blink_duration_mean_ms")]
    assert 0.05 < (blinks == 0).mean() < 0.95
    residual = data.x[:, names.index("T7_gamma")] - np.array(
        [data.x[data.trial == t, names.index("T7_gamma")].mean() for t in data.trial]
    )
    assert kurtosis(residual) > 1


@pytest.mark.parametrize("wrong", [{"preset": "sed"}, {"modality": "egg"}, {"subjects": [0]}, {"sessions": [4]}])
def test_impossible_selections_are_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        synthetic.load(**wrong)
