"""Tests of the min-max scaling against scikit-learn, its inverse and its constant features."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import preprocessing

from emogan.data.scaling import MinMaxScaler, scaling_windows, standardise_within

# Differential entropy values and event statistics: magnitudes of 1e-3 to 1e4, both signs.
tables = arrays(np.float32, st.tuples(st.integers(2, 12), st.integers(1, 6)), elements=st.floats(-1e4, 1e4, width=32))


def draw(n: int = 40, n_features: int = 6, dtype=np.float64) -> np.ndarray:
    random = np.random.default_rng(0)
    return (random.normal(size=(n, n_features)) * 10.0 ** np.arange(n_features) + 20).astype(dtype)


def test_it_equals_scikit_learns_scaler_on_training_and_test_windows():
    train, test = draw()[:30], draw()[30:]
    reference = preprocessing.MinMaxScaler().fit(train)
    scaler = MinMaxScaler.fit(train)
    for x in (train, test):
        np.testing.assert_allclose(scaler.transform(x), reference.transform(x), rtol=0, atol=1e-12)
    z = np.random.default_rng(1).random((7, 6))
    np.testing.assert_allclose(scaler.inverse(z), reference.inverse_transform(z), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fitted_windows_reach_exactly_0_and_1_in_every_feature(dtype):
    z = MinMaxScaler.fit(draw(dtype=dtype)).transform(draw(dtype=dtype))
    assert (z.min(0) == 0).all()
    assert (z.max(0) == 1).all()


@settings(deadline=None)
@given(tables)
def test_any_table_is_mapped_into_the_unit_interval_and_back(x):
    scaler = MinMaxScaler.fit(x)
    z = scaler.transform(x)
    assert z.dtype == np.float32
    assert ((z >= 0) & (z <= 1)).all()
    eps = np.finfo(np.float32).eps  # z is rounded at 2^-24 of the span, x at 2^-24 of itself
    bound = eps * (np.ptp(x.astype(np.float64), axis=0) + np.abs(x).max(0)) + np.finfo(np.float32).tiny
    assert (np.abs(scaler.inverse(z).astype(np.float64) - x) <= bound).all()


def test_float32_is_scaled_as_precisely_as_float64_allows():
    x = draw(dtype=np.float32)
    exact = MinMaxScaler.fit(x.astype(np.float64)).transform(x.astype(np.float64))
    np.testing.assert_array_equal(MinMaxScaler.fit(x).transform(x), exact.astype(np.float32))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_type_of_the_input_is_kept(dtype):
    scaler = MinMaxScaler.fit(draw(dtype=np.float32))
    assert scaler.minimum.dtype == scaler.span.dtype == np.float64
    assert scaler.transform(draw(dtype=dtype)).dtype == dtype
    assert scaler.inverse(draw(dtype=dtype)).dtype == dtype


def test_whole_numbers_are_scaled_to_fractions():
    np.testing.assert_array_equal(MinMaxScaler.fit(np.array([[0], [4]])).transform(np.array([[1]])), [[0.25]])


def test_stacked_members_are_scaled_as_single_ones():
    x = draw()
    scaler = MinMaxScaler.fit(x)
    np.testing.assert_array_equal(scaler.transform(x.reshape(4, 10, 6)), scaler.transform(x).reshape(4, 10, 6))


def test_the_input_is_left_as_it_was():
    x = draw()
    scaler = MinMaxScaler.fit(x)
    scaler.inverse(scaler.transform(x))
    np.testing.assert_array_equal(x, draw())


def test_a_constant_training_feature_is_0_everywhere_and_comes_back_as_the_constant():
    train = draw(dtype=np.float32)
    train[:, [1, 4]] = [0.1, -300]
    test = draw(dtype=np.float32)
    scaler = MinMaxScaler.fit(train)
    assert scaler.constant.tolist() == [1, 4]
    for x in (train, test):
        assert (scaler.transform(x)[:, [1, 4]] == 0).all()
    drawn = scaler.inverse(np.random.default_rng(0).random((9, 6), dtype=np.float32))
    np.testing.assert_array_equal(drawn[:, [1, 4]], np.tile(np.float32([0.1, -300]), (9, 1)))


def test_a_feature_that_varies_by_rounding_alone_counts_as_constant():
    x = np.full((5, 3), 20, dtype=np.float32)
    x[2, 0] = np.nextafter(np.float32(20), np.float32(21))
    x[2, 1] = np.float32(20) + 2 * np.spacing(np.float32(20))
    scaler = MinMaxScaler.fit(x)
    assert scaler.constant.tolist() == [0, 2]
    assert (abs(scaler.transform(x + 10)[:, 0]) <= 1).all()


def test_no_feature_of_ordinary_windows_counts_as_constant():
    assert MinMaxScaler.fit(draw(dtype=np.float32)).constant.size == 0
    assert MinMaxScaler.fit(np.array([[0, 0], [1e-30, -1e-30]], dtype=np.float32)).constant.size == 0


@pytest.mark.parametrize("x", [np.zeros((0, 3)), np.zeros(3)], ids=["no windows", "one-dimensional"])
def test_fitting_without_windows_is_refused(x):
    with pytest.raises(ValueError, match="at least one window to fit the scaling on"):
        MinMaxScaler.fit(x)


def test_by_default_training_windows_alone_scale():
    train, test = np.array([4, 2, 7]), np.array([1, 9])
    np.testing.assert_array_equal(scaling_windows(train, test), [2, 4, 7])
    np.testing.assert_array_equal(scaling_windows(train, test, "all"), [1, 2, 4, 7, 9])


def test_features_are_standardised_within_each_subject():
    random = np.random.default_rng(0)
    subject = np.array(["b", "a"] * 30)
    x = random.normal(size=(60, 4)).astype(np.float32) * 3 + np.where(subject == "a", 100, -5)[:, None]
    x[:, 3] = np.where(subject == "a", 7.1, random.normal(size=60))
    found = standardise_within(x, subject)
    assert found.dtype == x.dtype
    for one in "ab":
        own = found[subject == one]
        varying = [0, 1, 2] if one == "a" else [0, 1, 2, 3]
        assert np.abs(own.mean(0)).max() < 1e-5
        assert np.abs(own[:, varying].std(0) - 1).max() < 1e-5
        alone = standardise_within(x[subject == one], subject[subject == one])
        assert np.array_equal(alone, own)  # nobody else takes part
    assert (found[subject == "a", 3] == 0).all()
