"""Columns, names and labels come back as the user has them, or are refused by name."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from with_trials import with_trials

import emogan
from emogan import (
    CBEGANSampler,
    CWGANSampler,
    DuplicateSampler,
    GaussianSampler,
    NoiseSampler,
    RandomEffectsSampler,
    SMOTESampler,
    TrialCBEGANSampler,
)
from emogan.samplers.columns import typed

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(60, 4))
Y = np.arange(60) % 3
TRIAL = np.arange(60) % 12  # each of one label
FRAME = pd.DataFrame(X, columns=list("abcd"))
EMOTIONS = np.array(["calm", "fear", "joy"])


def drawn_everywhere(x, y, tmp_path):
    """What `fit_resample`, `sample` and a saved sampler append, which are the same windows of a strong noise."""
    sampler = NoiseSampler(strength=3, n_aug=30, random_state=0)
    found, labels = sampler.fit_resample(x, y)
    sampler.save(tmp_path / "saved")
    more, saved = sampler.sample(30), emogan.load(tmp_path / "saved").sample(30)
    pd.testing.assert_frame_equal(more[0], saved[0])
    pd.testing.assert_frame_equal(found[:60], x.reset_index(drop=True))
    pd.testing.assert_frame_equal(found[60:].reset_index(drop=True), more[0], check_column_type=False)
    pd.testing.assert_series_equal(more[1], saved[1])
    return found[60:], labels[60:], more[1]


COLUMNS = {
    "categories of whole numbers": (pd.Categorical(Y * 5), {0, 5, 10}),
    "ordered categories": (pd.Categorical(Y / 2, categories=[1.0, 0.5, 0.0], ordered=True), {0, 0.5, 1}),
    "boolean": (pd.array(X[:, 0] > 0, dtype="boolean"), {False, True}),
    "bool": (X[:, 0] > 0, {False, True}),
    "Int8": (pd.array(Y * 60, dtype="Int8"), set(range(-128, 128))),
    "int64": (Y * 7, set(range(-300, 300))),
    "Float64": (pd.array(X[:, 0], dtype="Float64"), None),
    "sparse whole numbers": (pd.arrays.SparseArray(Y), set(range(-300, 300))),
    "objects": (np.array(X[:, 0], dtype=object), None),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_of_numbers_comes_out_in_its_own_type_and_the_given_windows_are_untouched(kind, tmp_path):
    column, possible = COLUMNS[kind]
    x = FRAME.assign(b=column)
    found, _, _ = drawn_everywhere(x, Y, tmp_path)
    assert found.dtypes.tolist() == x.dtypes.tolist()
    assert not found.isna().any(axis=None)
    assert possible is None or set(found.b.tolist()) <= possible


@pytest.mark.parametrize(
    "column",
    [
        pd.Categorical(EMOTIONS[Y]),
        EMOTIONS[Y],
        pd.array(["1,5"] * 60, dtype="string"),
        pd.date_range("2024", periods=60),
        pd.date_range("2024", periods=60, tz="UTC"),
        pd.to_timedelta(Y, "s"),
        pd.cut(X[:, 0], 3),
        X[:, 0] * 1j,
        np.array([*X[:59, 0], "n/a"], dtype=object),
    ],
    ids=lambda column: str(column.dtype),
)
def test_a_column_that_holds_no_numbers_is_refused_by_its_name(column):
    with pytest.raises(
        ValueError, match=r"expected columns of numbers, got 'when' \(.*\)\. .*drop\(columns=\['when'\]\)"
    ):
        NoiseSampler(n_aug=3).fit_resample(FRAME.assign(when=column), Y)


@pytest.mark.parametrize(
    "column", [np.where(Y, X[:, 0], np.nan), np.where(Y, 1, -np.inf), pd.array([None, *Y[1:]], dtype="Int64")]
)
def test_columns_with_missing_or_infinite_numbers_are_named(column):
    with pytest.raises(ValueError, match="got NaN or infinity in columns 'c'"):
        GaussianSampler(n_aug=3).fit(FRAME.assign(c=column), Y)


@pytest.mark.parametrize(
    "names", [[10, 20, 30, 40], [0.5, 1, 2, 3], pd.MultiIndex.from_product([["FP1", "FP2"], ["delta", "theta"]])]
)
def test_names_of_columns_of_any_kind_come_back(names, tmp_path):
    x = FRAME.set_axis(names, axis=1)
    drawn_everywhere(x, Y, tmp_path)
    sampler = NoiseSampler(n_aug=3).fit(x, Y)
    sampler.save(tmp_path / "saved")
    for one in (sampler, emogan.load(tmp_path / "saved")):
        assert one.sample(2)[0].columns.tolist() == x.columns.tolist()


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (pd.array(Y == 0, dtype="boolean"), [False, True]),
        (pd.array(EMOTIONS[Y], dtype="string"), EMOTIONS.tolist()),
        (pd.Categorical(EMOTIONS[Y]), EMOTIONS.tolist()),
        (pd.Categorical(Y * 10), [0, 10, 20]),
        (pd.array(Y, dtype="Int64"), [0, 1, 2]),
        (Y == 0, [False, True]),
    ],
    ids=lambda value: str(getattr(value, "dtype", "")),
)
def test_labels_come_back_as_the_values_that_the_user_gave(labels, expected, tmp_path):
    y = pd.Series(labels, name="emotion")
    _, appended, sampled = drawn_everywhere(FRAME, y, tmp_path)
    assert appended.dtype == sampled.dtype == y.dtype
    assert appended.name == sampled.name == "emotion"
    assert appended.tolist()[: len(expected)] == sampled.tolist()[: len(expected)] == expected
    assert {type(label) for label in sampled.tolist()} == {type(label) for label in expected}
    sampler = NoiseSampler(n_aug=3).fit(FRAME, y)
    assert sampler.sample({expected[1]: 2})[1].tolist() == expected[1:2] * 2


def test_labels_that_were_no_series_are_one_beside_a_dataframe_and_an_array_beside_an_array():
    for y in (Y, Y.tolist(), EMOTIONS[Y], pd.DataFrame({"emotion": Y})):
        labels = NoiseSampler(n_aug=3).fit(FRAME, y).sample(3)[1]
        assert isinstance(labels, pd.Series)
        assert labels.name == ("emotion" if isinstance(y, pd.DataFrame) else None)
        assert isinstance(NoiseSampler(n_aug=3).fit(X, y).sample(3)[1], np.ndarray)


@pytest.mark.parametrize("none", [None, np.nan])
@pytest.mark.parametrize("kind", [list, tuple, pd.Series, partial(np.array, dtype=object)])
def test_windows_without_a_label_are_counted_and_get_no_class(none, kind):
    with pytest.raises(ValueError, match=r"expected a label for every window, got none \(None or NaN\) for 1 of 3"):
        NoiseSampler(n_aug=3).fit(np.random.default_rng(0).random((3, 2)), kind(["a", none, "b"]))


@pytest.mark.parametrize("kind", [tuple, list, torch.tensor, np.array, pd.Series, pd.Index, lambda y: range(len(y))])
def test_labels_may_come_in_any_sequence(kind):
    sampler = NoiseSampler(n_aug=3).fit(np.random.default_rng(0).random((3, 2)), kind([0, 1, 2]))
    assert sampler.sample(3)[1].tolist() == [0, 1, 2]


@pytest.mark.parametrize("labels", [[1, "b", 2.5], np.array([1, "b", 2], dtype=object)])
def test_labels_of_numbers_and_texts_are_refused_rather_than_made_text(labels):
    with pytest.raises(ValueError, match="expected labels that are all text or all numbers, got 'b' beside 2"):
        NoiseSampler(n_aug=3).fit_resample(X, [labels[i] for i in Y])


def test_windows_without_a_label_are_counted():
    for y in (pd.Series(np.where(Y, Y, np.nan)), pd.array([None, *EMOTIONS[Y[1:]]], dtype="string")):
        with pytest.raises(ValueError, match="expected a label for every window, got none"):
            NoiseSampler(n_aug=3).fit(X, y)


def test_labels_and_names_that_a_file_cannot_hold_are_refused_when_saving(tmp_path):
    dates = pd.date_range("2024", periods=4)
    for x, y in ((FRAME, pd.Series(dates[Y])), (FRAME.set_axis(dates, axis=1), Y)):
        with pytest.raises(ValueError, match="text or numbers, as a file holds no others, got"):
            NoiseSampler().fit(x, y).save(tmp_path / "saved")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.uint64])
def test_whole_numbers_beyond_their_type_come_out_at_its_ends(dtype):
    limits = np.iinfo(dtype)
    values = np.array([-np.inf, -1e30, float(limits.min), 0.4, 0.6, float(limits.max), 1e30, np.inf])
    expected = [limits.min] * 3 + [0, 1] + [limits.max] * 3
    assert typed(values, np.dtype(dtype)).tolist() == expected
    copies, _ = DuplicateSampler(n_aug=3, random_state=0).fit_resample((X > 0).astype(dtype) * limits.max, Y)
    assert set(copies[60:].ravel().tolist()) == {0, limits.max}


def test_float_numbers_beyond_their_type_stay_finite():
    assert typed(np.array([1e6, -1e6]), np.dtype(np.float16)).tolist() == [65504, -65504]


@pytest.mark.parametrize(
    "name",
    [
        lambda j: j if j % 2 else str(j),
        lambda j: (j // 4, f"clip {j % 4}"),
        lambda j: j / 2,
        lambda j: f"clip {j:02d}",
    ],
    ids=["numbers and texts", "tuples", "fractions", "texts"],
)
@pytest.mark.parametrize("kind", [list, lambda names: pd.Series(names, dtype=object)], ids=["list", "series"])
def test_trials_are_told_by_equality_whatever_their_names_are(name, kind):
    sampler = RandomEffectsSampler(n_aug=9, random_state=0)
    expected, _ = sampler.fit_resample(X, Y, trials=TRIAL)
    found, _ = sampler.fit_resample(X, Y, trials=kind([name(int(j)) for j in TRIAL]))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.filterwarnings("ignore:.*trials hold windows of several labels")
def test_a_number_and_its_text_are_two_trials():
    names = [1, "1"]
    sampler = RandomEffectsSampler(n_aug=9, random_state=0)
    expected, _ = sampler.fit_resample(X, Y, trials=np.arange(60) % 2)
    np.testing.assert_array_equal(sampler.fit_resample(X, Y, trials=names * 30)[0], expected)


def test_groups_of_several_columns_are_refused_with_what_to_do():
    with pytest.raises(ValueError, match=r"one trial for each of 60 windows, got shape \(60, 2\)\. .* join them"):
        RandomEffectsSampler(n_aug=3).fit(X, Y, trials=pd.DataFrame({"subject": Y, "trial": TRIAL}))


ALIKE = np.repeat(X[:3], 9, axis=0)
TINY = {"n_aug": 3, "iterations": 5, "hidden": 8}


@pytest.mark.parametrize(
    "sampler",
    [
        TrialCBEGANSampler(**TINY),
        TrialCBEGANSampler(trial_strength=0, **TINY),
        CBEGANSampler(selection="density", **TINY),
        CWGANSampler(selection="classifier", **TINY),
    ],
)
def test_windows_without_spread_within_classes_are_told_as_that(sampler):
    for x in (ALIKE, np.ones((27, 4))):
        with pytest.raises(
            ValueError, match="within each of class 'calm', class 'fear', class 'joy' all windows are alike"
        ):
            sampler.fit_resample(x, np.repeat(EMOTIONS, 9), **with_trials(sampler, np.arange(27) // 3))


@pytest.mark.parametrize("sampler", [SMOTESampler(n_aug=4), GaussianSampler(n_aug=4)])
@pytest.mark.parametrize("labels", [["fear", "joy", "joy", "joy", "joy"], [30, 7, 7, 7, 7]])
def test_a_class_of_one_window_is_told_by_its_label(sampler, labels):
    expected = rf"{type(sampler).__name__} draws from at least 2 training windows .* got 1 of class {labels[0]!r}\. .*NoiseSampler"
    with pytest.raises(ValueError, match=expected):
        sampler.fit_resample(X[:5], labels)


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        (CWGANSampler(clip=-1), r"^CWGANSampler\(clip=\.\.\.\): expected a number > 0 or None, got -1$"),
        (TrialCBEGANSampler(residual=1), r"^TrialCBEGANSampler\(residual=\.\.\.\): expected True or False, got 1$"),
        (
            CBEGANSampler(hidden=[3]),
            r"^CBEGANSampler\(hidden=\.\.\.\): .*2 of them, the number in CBEGANSampler\(layers=\.\.\.\), got \[3\]",
        ),
        (NoiseSampler(strength=-1), r"^NoiseSampler\(strength=\.\.\.\): expected a number > 0, got -1$"),
        (NoiseSampler(strength=np.array([0.1])), r"^NoiseSampler\(strength=\.\.\.\): expected one value"),
    ],
)
def test_refusals_of_parameters_speak_python(sampler, message):
    with pytest.raises(ValueError, match=message):
        sampler.fit(X, Y)


def test_warnings_name_parameters_and_samplers_not_settings_of_jobs():
    with pytest.warns(UserWarning, match="label ignored in 1 of 1 generators of CBEGANSampler after training") as told:
        CBEGANSampler(random_state=0, **TINY).fit(X[:6], EMOTIONS[Y[:6]])
    text = " ".join(str(one.message) for one in told)
    assert "raise CBEGANSampler(iterations=...), or try TrialCBEGANSampler" in text
    assert "TrialCBEGANSampler(anchor=...)" in text
    assert "model" not in text
    assert {one.filename for one in told} == {__file__}, "a warning names the line that called the sampler"


def test_losses_that_are_not_finite_name_the_parameter(monkeypatch):
    monkeypatch.setattr("emogan.models.CBEGAN.iterate", lambda self, batch: torch.full((4, 1), torch.nan))
    with pytest.raises(FloatingPointError, match=r"Lower CBEGANSampler\(learning_rate=\.\.\.\)\.$"):
        CBEGANSampler(**TINY).fit(X, Y)
