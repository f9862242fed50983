"""Tests of FeatureSet: what it refuses, what it keeps and how it counts."""

import copy
import dataclasses
import pickle

import numpy as np
import pytest

from emogan.data.features import FeatureSet, concatenate


def build(**changes) -> FeatureSet:
    """Two subjects x two sessions x two trials of three windows, 2 EEG + 2 eye + 1 other feature, some replaced."""
    n = 24
    fields = {
        "x": np.random.default_rng(0).normal(size=(n, 5)),
        "y": np.arange(n) // 3 % 2,
        "trial": np.arange(n) // 3 % 2 + 1,
        "session": np.arange(n) // 6 % 2 + 1,
        "subject": np.arange(n) // 12 + 1,
        "feature_names": ("a", "b", "pupil", "blink", "pulse"),
        "class_names": ("sad", "happy"),
        "modalities": {"eeg": slice(0, 2), "eye": slice(2, 4)},
        "dataset": "mine",
    }
    return FeatureSet(**(fields | changes))


def replaced(array, index, value) -> np.ndarray:
    array = np.array(array)
    array[index] = value
    return array


def test_columns_have_the_types_of_the_contract():
    features = build()
    assert features.x.dtype == np.float32
    assert features.x.flags.c_contiguous
    for name in ("y", "trial", "session", "subject"):
        assert getattr(features, name).dtype == np.int64
    assert build(subject=["s1"] * 12 + ["s22"] * 12).subject.dtype == np.dtype("<U3")
    assert build(subject=np.array(["s1"] * 24, dtype=object)).subject.dtype == np.dtype("<U2")


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int8, np.int64])
def test_any_real_number_type_is_accepted(dtype):
    x = np.tile(np.array([[-100], [100]], dtype=dtype), (12, 5))
    np.testing.assert_array_equal(build(x=x).x, x.astype(np.float32))


def test_largest_float32_values_raise_no_warning():
    largest = np.finfo(np.float32).max
    assert np.ptp(build(x=np.tile(np.array([[-largest], [largest]]), (12, 5))).x.astype(np.float64)) > largest


def test_the_arrays_are_read_only_and_the_callers_stay_writeable():
    x, y = np.random.default_rng(0).normal(size=(24, 5)).astype(np.float32), np.arange(24) % 2
    features = build(x=x, y=y)
    for name in ("x", "y", "trial", "session", "subject"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(features, name)[0] = getattr(features, name)[1]
    before = features.x[0, 0]
    x[0, 0] += 1
    y[0] += 1
    assert features.x[0, 0] == before
    assert features.y[0] == 0


def test_the_fields_and_modalities_cannot_be_replaced():
    features = build()
    with pytest.raises(dataclasses.FrozenInstanceError):
        features.x = features.x
    with pytest.raises(TypeError):
        features.modalities["eeg"] = slice(0, 1)


def test_it_can_be_pickled_and_copied_for_worker_processes():
    features = build()
    for other in (pickle.loads(pickle.dumps(features)), copy.deepcopy(features), dataclasses.replace(features)):
        assert other.fingerprint() == features.fingerprint()
        assert other.dataset == "mine"
        assert not other.x.flags.writeable


def test_it_can_be_compared_and_hashed_as_an_object():
    features = build()
    assert features == features
    assert features != build()
    assert {features: 1}[features] == 1


BAD = {
    "one-dimensional x": ({"x": np.zeros(24)}, r"shape \(windows, features\).*got \(24,\)"),
    "no windows": ({"x": np.zeros((0, 5))}, r"neither empty, .* got \(0, 5\)"),
    "no features": ({"x": np.zeros((24, 0))}, r"neither empty, .* got \(24, 0\)"),
    "text as features": ({"x": np.full((24, 5), "a")}, r"real numbers, got \(24, 5\) of dtype <U1"),
    "fractional labels": ({"y": np.zeros(24)}, "integer labels 0..K-1, got dtype float64"),
    "text labels": ({"y": np.full(24, "sad")}, "integer labels 0..K-1, got dtype <U3"),
    "short y": ({"y": np.zeros(23, int)}, r"one y per window, \(24,\), got \(23,\)"),
    "two-dimensional subject": ({"subject": np.zeros((24, 1), int)}, r"one subject per window.*got \(24, 1\)"),
    "fractional trial": ({"trial": np.arange(24.0)}, "whole numbers or text as trial, got dtype float64"),
    "subject with a gap": (
        {"subject": np.array(["a"] * 23 + [None])},
        "whole numbers or text as subject, got dtype obj",
    ),
    "repeated feature": (
        {"feature_names": ("a", "b", "a", "c", "b")},
        "distinct feature names, got a, b more than once",
    ),
    "repeated class": ({"class_names": ("sad", "sad")}, "distinct class names, got sad more than once"),
    "few feature names": ({"feature_names": ("a", "b")}, "expected 5 feature names, got 2"),
    "unknown modality": ({"modalities": {"emg": slice(0, 1)}}, "slices of 5 columns for 'eeg' and 'eye', got 'emg'"),
    "slice too long": ({"modalities": {"eeg": slice(0, 6)}}, r"slices of 5 columns.*slice\(0, 6"),
    "strided slice": ({"modalities": {"eeg": slice(0, 4, 2)}}, "slices of 5 columns"),
    "list of columns": ({"modalities": {"eeg": [0, 1]}}, "slices of 5 columns"),
    "overlap": ({"modalities": {"eye": slice(1, 4), "eeg": slice(0, 2)}}, "separate columns for 'eeg' and 'eye'"),
}


@pytest.mark.parametrize("case", BAD)
def test_malformed_input_is_refused_with_what_came(case):
    changes, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        build(**changes)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
def test_a_value_that_is_not_finite_in_float32_names_its_place_and_feature(value):
    x = build().x.astype(np.float64)
    x[20, 3] = x[21, 3] = x[21, 4] = value
    with pytest.raises(
        ValueError, match=r"subject 2, session 2, trial 1, feature blink \(3 such values in 2 windows\)"
    ):
        build(x=x)


@pytest.mark.parametrize("label", [-1, 2])
def test_an_unknown_label_names_its_place(label):
    y = replaced(build().y, 20, label)
    with pytest.raises(ValueError, match=rf"labels 0..1 \(sad, happy\), got {label} in subject 2, session 2, trial 1"):
        build(y=y)


def test_a_named_class_without_windows_is_refused():
    with pytest.raises(ValueError, match="'angry': 0"):
        build(class_names=("sad", "happy", "angry"))


def test_a_single_class_is_refused():
    with pytest.raises(ValueError, match="at least two classes"):
        build(y=np.zeros(24, int), class_names=("sad",))


def test_a_feature_that_is_constant_over_all_windows_is_refused():
    x = build().x.copy()
    x[:, [1, 4]] = 20
    with pytest.raises(ValueError, match=r"got 2 constant over all 24 windows: b, pulse\. Leave these columns out"):
        build(x=x)


@pytest.mark.parametrize(("offset", "spread"), [(20, 1e-12), (20, 1e-6), (0, 1e-50), (1e8, 1.0)])
def test_a_feature_of_which_single_precision_keeps_little_is_refused(offset, spread):
    x = build().x.astype(np.float64)
    x[:, 1] = offset + spread * np.arange(24)
    with pytest.raises(ValueError, match=r"got 1 of whose variation float32, .*, loses more than 1/100: b\. Subtract"):
        build(x=x)


@pytest.mark.parametrize(("offset", "spread"), [(20, 1e-4), (0, 1e-30), (1e6, 1.0), (2**23, 1.0)])
def test_a_feature_that_single_precision_holds_is_accepted(offset, spread):
    x = build().x.astype(np.float64)
    x[:, 1] = offset + spread * (np.arange(24) % 3)
    np.testing.assert_allclose(build(x=x).take(np.arange(20)).x[:, 1] - offset, x[:20, 1] - offset, atol=spread / 50)


def test_a_value_beyond_single_precision_is_refused_as_such():
    x = build().x.astype(np.float64)
    x[3, 1] = 1e39
    with pytest.raises(ValueError, match=r"expected features within \+-3\.4e38 \(float32\), got 1e\+39"):
        build(x=x)


def test_a_feature_that_differs_in_a_single_window_is_accepted():
    x = build().x.copy()
    x[:, 1] = 0
    x[7, 1] = 1e-30
    build(x=x)


def test_trials_are_numbered_by_subject_session_and_trial():
    np.testing.assert_array_equal(build().trial_ids(), np.arange(24) // 3)


def test_trial_numbers_follow_the_rows_when_they_are_shuffled():
    order = np.random.default_rng(3).permutation(24)
    sorted_set = build()
    shuffled = build(**{key: getattr(sorted_set, key)[order] for key in ("x", "y", "trial", "session", "subject")})
    ids, expected = shuffled.trial_ids(), sorted_set.trial_ids()[order]
    np.testing.assert_array_equal(ids[:, None] == ids, expected[:, None] == expected)
    assert list(dict.fromkeys(ids.tolist())) == list(range(8))


def test_experiments_cover_every_window_once_in_order_of_appearance():
    found = list(build(subject=["b"] * 12 + ["a"] * 12).experiments())
    assert [experiment[:2] for experiment in found] == [("b", 1), ("b", 2), ("a", 1), ("a", 2)]
    np.testing.assert_array_equal(np.concatenate([rows for *_, rows in found]), np.arange(24))
    assert type(found[0][1]) is int


def test_the_summary_counts_what_is_there():
    assert build().summary() == (
        "mine: 2 subjects x 2 sessions = 4 experiments, 2 trials and 6 windows each; 5 features "
        "(2 eeg + 2 eye + 1 other); 2 classes (sad, happy)"
    )
    assert repr(build()) == f"FeatureSet({build().summary()})"


def test_the_summary_gives_ranges_where_experiments_differ():
    full = build()
    fewer = build(**{key: getattr(full, key)[:17] for key in ("x", "y", "trial", "session", "subject")})
    assert "2 subjects x 1-2 sessions = 3 experiments, 2 trials and 5-6 windows each" in fewer.summary()


CHANGES = {
    "x": lambda f: {"x": replaced(f.x, (3, 2), f.x[3, 2] + 1)},
    "y": lambda f: {"y": replaced(f.y, 3, 0)},
    "trial": lambda f: {"trial": replaced(f.trial, 3, 9)},
    "session": lambda f: {"session": replaced(f.session, 3, 9)},
    "subject": lambda f: {"subject": replaced(f.subject, 3, 9)},
    "subject as text": lambda f: {"subject": f.subject.astype(str)},
    "feature names": lambda f: {"feature_names": tuple("abcde")},
    "class names": lambda f: {"class_names": ("happy", "sad")},
    "modalities": lambda f: {"modalities": {"eeg": slice(0, 4)}},
    "swapped columns": lambda f: {"x": f.x[:, ::-1]},
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_fingerprint_changes_with_every_part_of_the_data(change):
    features = build()
    assert build(**CHANGES[change](features)).fingerprint() != features.fingerprint()


def test_the_fingerprint_is_the_same_for_the_same_data_however_stored():
    features = build(subject=["s"] * 24)
    same = build(
        x=np.asfortranarray(features.x, dtype=np.float64),
        y=features.y.astype(np.uint8),
        trial=features.trial.astype(np.int32),
        subject=np.array(["s"] * 24, dtype="<U40"),
        modalities={"eye": slice(np.int64(2), 4, 1), "eeg": slice(0, 2)},
    )
    assert same.fingerprint() == features.fingerprint()


def test_concatenate_joins_column_by_column():
    found = concatenate([{"x": np.zeros((2, 3)), "y": np.zeros(2)}, {"y": np.ones(1), "x": np.ones((1, 3))}])
    np.testing.assert_array_equal(found["x"], [[0, 0, 0], [0, 0, 0], [1, 1, 1]])
    np.testing.assert_array_equal(found["y"], [0, 0, 1])


def test_a_trial_shows_one_stimulus():
    clip = np.arange(24) // 3 % 2 + 7
    assert build(stimulus=clip).stimulus.tolist() == clip.tolist()
    assert build().stimulus is None
    assert not build(stimulus=clip).stimulus.flags.writeable
    with pytest.raises(ValueError, match="one stimulus per trial, got 7 and 9 in subject 1, session 1, trial 1"):
        build(stimulus=replaced(clip, 2, 9))
    with pytest.raises(ValueError, match="one stimulus per window"):
        build(stimulus=clip[1:])
    with pytest.raises(ValueError, match="whole numbers or text as stimulus"):
        build(stimulus=clip + 0.5)


def test_the_fingerprint_tells_stimuli_apart_and_is_as_ever_without_them():
    clip = np.arange(24) // 3 % 2 + 7
    assert build(stimulus=clip).fingerprint() not in (build().fingerprint(), build(stimulus=clip + 1).fingerprint())
    assert pickle.loads(pickle.dumps(build(stimulus=clip))).fingerprint() == build(stimulus=clip).fingerprint()


@pytest.mark.parametrize("stimulus", [None, np.arange(24) // 3 + 10], ids=["no clips", "clips"])
def test_a_frame_has_a_row_for_each_window_with_where_it_comes_from(stimulus):
    features = build(stimulus=stimulus).take(np.array([4, 3, 0, 5, 23]))
    x, y, metadata = features.frame()
    np.testing.assert_array_equal(x, features.x)
    assert y.tolist() == ["happy", "happy", "sad", "happy", "happy"]
    assert list(metadata) == ["subject", "session", "trial", "stimulus", "window"]
    assert metadata.trial.tolist() == [2, 2, 1, 2, 2]
    assert metadata.window.tolist() == [1, 2, 1, 3, 1]
    assert metadata.subject.tolist() == [1, 1, 1, 1, 2]
    assert metadata.stimulus.tolist() == ([None] * 5 if stimulus is None else [11, 11, 10, 11, 17])
