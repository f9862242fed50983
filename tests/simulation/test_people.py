"""What the simulation promises: sizes, independence of the selection, structure, and the paper's accuracies."""

import warnings

import numpy as np
import pytest
from scipy.stats import kurtosis, skew
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import SVC

from emogan.data import folds, trials
from emogan.data.eye_names import EYE_EVENTS, EYE_FEATURES_31, EYE_FEATURES_33, EYE_FEATURES_41
from emogan.data.montage import BANDS, CHANNELS, positions
from emogan.simulation import people

# Tables 1 and 2 of the paper, 0 appended windows: mean and standard deviation over experiments.
PAPER = {
    ("seed", "eeg"): (0.8190, 0.1074),
    ("seed", "eye"): (0.7715, 0.1327),
    ("seed", "eeg_eye"): (0.8573, 0.0879),
    ("seed_v", "eeg"): (0.5434, 0.1525),
    ("seed_v", "eye"): (0.4862, 0.1432),
    ("seed_v", "eeg_eye"): (0.5946, 0.1603),
}


@pytest.fixture(scope="module")
def data():
    return people.load(subjects=[1, 2, 3], sessions=[1, 2])


def columns(data, *names):
    return data.x[:, [data.feature_names.index(name) for name in names]].astype(float)


def within_trials(data, x):
    """Each trial's windows less their mean."""
    return [part - part.mean(0) for part in (x[data.trial_ids() == i] for i in range(data.trial_ids().max() + 1))]


def accuracy_oracle(x, y, splits, c_values):
    """Scikit-learn, fit by fit, of a linear SVM at each fold's C that is best on average over the folds."""
    accuracy = np.zeros((len(splits), len(c_values)))
    for i, (train, test) in enumerate(splits):
        low, high = x[train].min(0), x[train].max(0)
        scaled = (x - low) / np.where(high > low, high - low, 1)
        a, b = scaled[train], scaled[test]
        gram, gram_test = a @ a.T, b @ a.T
        for j, c in enumerate(c_values):
            machine = SVC(C=c, kernel="precomputed", max_iter=20000, cache_size=500).fit(gram, y[train])
            accuracy[i, j:] = (machine.predict(gram_test) == y[test]).mean()
            if np.abs(machine.dual_coef_).max() < c:  # a hard margin: larger C give the same
                break
    return accuracy.mean(0).max()


def test_trial_tables_have_the_published_totals():
    assert sum(trials.SEED_WINDOWS_4S) == 842
    assert sum(trials.SEED_WINDOWS_4S[:9]) == 499  # SEED_Multimodal's train_data
    assert [sum(windows) for windows in trials.SEED_V_WINDOWS_4S] == [681, 541, 601]
    assert len(trials.SEED_IV_WINDOWS_4S) == 24
    for labels, classes in ((trials.SEED_V_LABELS, 5), (trials.SEED_IV_LABELS, 4)):
        for session in labels:
            assert np.ptp(np.bincount(session, minlength=classes)) == 0


def test_eye_features_are_33_31_or_41_with_the_event_statistics_last_in_the_31():
    assert (len(EYE_FEATURES_33), len(EYE_FEATURES_31), len(EYE_FEATURES_41)) == (33, 31, 41)
    assert EYE_FEATURES_31[22:] == EYE_EVENTS  # rows 23-31 of SEED-IV's files
    assert set(EYE_FEATURES_31) < set(EYE_FEATURES_33) < set(EYE_FEATURES_41)


@pytest.mark.parametrize(
    ("preset", "labels", "windows", "features", "classes"),
    [
        ("seed", (trials.SEED_LABELS,) * 3, (trials.SEED_WINDOWS_4S,) * 3, 351, trials.SEED_CLASSES),
        ("seed_v", trials.SEED_V_LABELS, trials.SEED_V_WINDOWS_4S, 343, trials.SEED_V_CLASSES),
        ("seed_iv", trials.SEED_IV_LABELS, (trials.SEED_IV_WINDOWS_4S,) * 3, 341, trials.SEED_IV_CLASSES),
        ("seed_fra", (trials.SEED_FRA_LABELS,) * 3, (trials.SEED_FRA_WINDOWS_4S,) * 3, 343, trials.SEED_CLASSES),
        ("seed_ger", (trials.SEED_GER_LABELS,) * 3, (trials.SEED_GER_WINDOWS_4S,) * 3, 343, trials.SEED_CLASSES),
        ("seed_vii", trials.SEED_VII_LABELS, people.SEED_VII_WINDOWS, 343, trials.SEED_VII_CLASSES),
    ],
)
def test_presets_have_the_labels_windows_and_features_of_their_data_sets(preset, labels, windows, features, classes):
    data = people.load(preset, subjects=[2])
    assert data.dataset == f"synthetic_{preset}"
    assert data.class_names == classes
    assert data.x.shape[1] == features
    assert dict(data.modalities) == {"eeg": slice(0, 310), "eye": slice(310, features)}
    for _, session, rows in data.experiments():
        trial, first, counts = np.unique(data.trial[rows], return_index=True, return_counts=True)
        assert trial.tolist() == list(range(1, len(labels[session - 1]) + 1))
        assert data.y[rows][first].tolist() == list(labels[session - 1])
        assert counts.tolist() == list(windows[session - 1])
        assert (np.diff(data.trial[rows]) >= 0).all()


def test_the_default_numbers_of_experiments_are_the_papers():
    assert len(list(people.load("seed", modality="eye").experiments())) == 27
    assert len(list(people.load("seed_v", modality="eye").experiments())) == 48


def test_seed_vii_has_twenty_subjects_four_sessions_and_eighty_clips():
    data = people.load("seed_vii", modality="eye")
    assert [place[:2] for place in data.experiments()] == [(i, k) for i in range(1, 21) for k in range(1, 5)]
    np.testing.assert_array_equal(data.stimulus, data.trial + 20 * (data.session - 1))
    assert 3490 <= len(data.y) / 20 <= 3525  # as many as the release has
    assert len(np.unique(np.concatenate([data.x[data.trial_ids() == i][:1] for i in range(80)]), axis=0)) == 80


def test_an_experiment_does_not_depend_on_what_else_is_asked_for():
    many = people.load(subjects=[40, 3], sessions=[1, 2])
    assert many.subject[0] == 3  # rows are in order whatever the order asked for
    alone = people.load(subjects=[40], sessions=[2])
    np.testing.assert_array_equal(many.x[(many.subject == 40) & (many.session == 2)], alone.x)
    for modality, part in alone.modalities.items():
        one = people.load(subjects=[40], sessions=[2], modality=modality)
        np.testing.assert_array_equal(one.x, alone.x[:, part])
        np.testing.assert_array_equal(one.trial_ids(), alone.trial_ids())
        assert one.feature_names == alone.feature_names[part]
        assert dict(one.modalities) == {modality: slice(0, part.stop - part.start)}


def test_the_same_request_gives_the_same_data_and_another_seed_other_data():
    first, again = people.load(subjects=[1], sessions=[1]), people.load(subjects=[1], sessions=[1])
    other = people.load(subjects=[1], sessions=[1], simulation_seed=1)
    assert first.fingerprint() == again.fingerprint()
    assert not np.isclose(first.x, other.x).any(0).all()


def test_any_number_of_sessions_can_be_had_and_the_clips_come_again():
    data = people.load("seed_v", subjects=[1], sessions=[1, 4, 5], modality="eye")
    first, fourth, fifth = (data.y[data.session == session] for session in (1, 4, 5))
    np.testing.assert_array_equal(first, fourth)
    assert (len(first), len(fifth)) == (681, 541)
    assert not np.allclose(data.x[data.session == 1], data.x[data.session == 4])


@pytest.mark.parametrize(("preset", "count"), [("seed", 0), ("seed_v", 15), ("seed_iv", 24)])
def test_sessions_show_the_clips_of_the_data_set_and_from_the_fourth_on_the_same_again(preset, count):
    data = people.load(preset, subjects=[1, 2], sessions=range(1, 8), modality="eye")
    np.testing.assert_array_equal(data.stimulus, data.trial + count * ((data.session - 1) % 3))


@pytest.mark.parametrize(("preset", "count"), [("seed", 0), ("seed_v", 45)])
def test_further_rounds_show_further_clips(preset, count):
    data = people.load(preset, subjects=[1], sessions=[1, 2, 5], modality="eye", rounds=3)
    assert np.unique(data.trial).tolist() == list(range(1, 46))
    np.testing.assert_array_equal(data.stimulus, data.trial + count * ((data.session - 1) % 3))


def test_further_rounds_of_clips_are_further_trials_of_the_same_classes_and_lengths():
    once, more = (people.load("seed", modality="eye", subjects=[2], sessions=[1], rounds=r) for r in (1, 3))
    assert np.unique(more.trial).tolist() == list(range(1, 46))
    for r in range(3):
        part = (more.trial - 1) // 15 == r
        assert np.array_equal(more.y[part], once.y)
        assert np.array_equal(more.trial[part] - 15 * r, once.trial)
    first, second = ((more.trial - 1) // 15 == r for r in range(2))
    assert not np.isclose(more.x[first], more.x[second]).all(1).any()


def test_subjects_that_come_twice_are_refused():
    with pytest.raises(
        ValueError, match=r"^data\.subjects: expected a list of integers >= 1 \(distinct, at least one\)"
    ):
        people.load(subjects=[1, 1])


def test_values_have_the_scale_of_seeds_files_and_of_eye_trackers(data):
    low, high = np.quantile(data.x[:, data.modalities["eeg"]], (0.001, 0.999))
    assert 8 < low < 14 < 22 < high < 30
    for name, low, high in (
        ("pupil_x_mean", 5, 40),
        ("fixation_duration_mean_ms", 80, 900),
        ("saccade_duration_mean_ms", 15, 120),
        ("saccade_amplitude_mean_deg", 0.3, 20),
        ("blink_frequency_hz", 0.01, 1.5),
    ):
        assert low < np.median(columns(data, name)) < high
    durations = columns(data, *(name for name in data.feature_names if name.endswith(("_ms", "_deg", "_hz", "_sd"))))
    assert durations.min() >= 0


def test_neighbouring_channels_are_almost_copies_and_distant_ones_are_not(data):
    distance = np.linalg.norm(positions()[:, None] - positions()[None], axis=2)
    for band in BANDS[:4]:  # gamma is full of muscle, which is local
        x = np.concatenate(within_trials(data, columns(data, *(f"{channel}_{band}" for channel in CHANNELS))))
        correlation = np.corrcoef(x.T)
        assert np.median(correlation[(distance > 0) & (distance < 0.4)]) > 0.85
        assert np.median(correlation[distance > 1.5]) < 0.6


def test_eeg_moves_smoothly_within_a_trial_and_jumps_between_trials(data):
    x = data.x[:, data.modalities["eeg"]].astype(float)
    within = within_trials(data, x)
    lag = sum((part[1:] * part[:-1]).sum(0) for part in within) / sum((part**2).sum(0) for part in within)
    assert np.median(lag) > 0.75
    rows = (data.subject == 1) & (data.session == 1)
    means = np.array([x[rows & (data.trial == t)].mean(0) for t in range(1, 16)])
    assert np.median(means.std(0) / np.concatenate(within).std(0)) > 1.5


def test_event_statistics_are_constant_within_a_trial_and_others_are_not(data):
    events = np.array([name in EYE_EVENTS for name in data.feature_names])
    spread = np.array([np.ptp(data.x[data.trial_ids() == i], axis=0) for i in range(data.trial_ids().max() + 1)])
    assert (spread[:, events] == 0).all()
    assert (spread[:, ~events] > 0).mean() > 0.99  # a trial may pass without two blinks in any window


def test_marginals_are_not_gaussian(data):
    for name in ("pupil_x_sd", "dispersion_x_mean", "fixation_duration_mean_ms", "saccade_amplitude_mean_deg"):
        assert skew(columns(data, name)[:, 0]) > 0.7, name  # durations and amplitudes: log-normal and the like
    pupil = np.concatenate(within_trials(data, columns(data, "pupil_x_de_04_06")))[:, 0]
    assert skew(pupil) < -0.4  # log of chi square
    blinks = (columns(data, "blink_duration_mean_ms", "blink_duration_sd_ms") == 0).mean(0)
    assert 0.3 < blinks[0] < blinks[1] < 0.97  # no blink in many windows, fewer than two in more
    for name, least in (("FPZ_delta", 1.0), ("T7_gamma", 3.0), ("T8_beta", 1.0)):
        residual = np.concatenate(within_trials(data, columns(data, name)))[:, 0]
        assert skew(residual) > 0.3, name  # artefacts only add
        assert kurtosis(residual) > least, name


def test_blinks_are_frontal_and_seen_by_both_modalities(data):
    blinked = columns(data, "blink_duration_mean_ms")[:, 0] > 0
    delta = np.concatenate(within_trials(data, columns(data, "FPZ_delta", "OZ_delta")))
    order = np.argsort(data.trial_ids(), kind="stable")
    frontal, occipital = delta[blinked[order]].mean(0) - delta[~blinked[order]].mean(0)
    assert frontal > 0.1
    assert frontal > 5 * abs(occipital)


def test_classes_differ_in_shape_and_not_only_in_mean():
    data = people.load(subjects=range(1, 9), sessions=[1, 2], modality="eeg")
    x = columns(data, *(f"{channel}_alpha" for channel in CHANNELS)).mean(1)
    parts = within_trials(data, x)
    label = np.array([data.y[data.trial_ids() == i][0] for i in range(len(parts))])
    spread = np.array([part.std() for part in parts])
    negative, neutral, positive = (np.median(spread[label == c]) for c in range(3))
    assert neutral < 0.9 * negative
    assert neutral < 0.9 * positive
    pooled = [
        np.concatenate([part / part.std() for part, c in zip(parts, label, strict=True) if c == k]) for k in (0, 2)
    ]
    assert skew(pooled[1]) < skew(pooled[0]) - 0.2  # bursts of positive arousal press alpha down


def test_a_linear_svm_beats_chance_on_the_labels_and_not_on_permuted_ones():
    data = people.load(subjects=[1, 2, 3], sessions=[1])
    generator, true, permuted = np.random.default_rng(0), [], []
    for _, _, rows in data.experiments():
        part = people.FeatureSet(
            data.x[rows], data.y[rows], data.trial[rows], data.session[rows], data.subject[rows],
            data.feature_names, data.class_names, data.modalities,
        )  # fmt: skip
        splits, x = list(folds.paper(part)), part.x.astype(float)
        true.append(accuracy_oracle(x, part.y, splits, [1.0]))
        for _ in range(4):  # labels change hands within each fold, so that every fold keeps a trial of every class
            y = part.y.copy()
            for _, test in splits:
                y[test] = generator.permutation(3)[part.y[test]]
            permuted.append(accuracy_oracle(x, y, splits, [1.0]))
    assert np.mean(true) > 0.6
    assert np.mean(permuted) < 0.48  # chance is 0.33


@pytest.mark.slow
@pytest.mark.parametrize(("preset", "modality"), PAPER)
def test_accuracy_without_augmentation_is_the_papers(preset, modality):
    data = people.load(preset, modality=modality)
    splits, accuracy = list(folds.paper(data)), []
    x = data.x.astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for _, _, rows in data.experiments():
            start, stop = rows[0], rows[-1] + 1
            own = [(a - start, b - start) for a, b in splits if start <= b[0] < stop]
            accuracy.append(accuracy_oracle(x[rows], data.y[rows], own, 2.0 ** np.arange(-10, 11)))
    mean, spread = PAPER[preset, modality]
    assert np.mean(accuracy) == pytest.approx(mean, abs=0.03)
    assert np.std(accuracy, ddof=1) == pytest.approx(spread, abs=0.05)
