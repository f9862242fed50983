"""What synthetic windows give away of people: copies are found out, independent windows are not."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.metrics import roc_auc_score

from emogan.analysis.privacy import closest, closest_record, membership

PEOPLE, EACH = 12, 60


def population(seed: int, people: int = PEOPLE) -> tuple[np.ndarray, np.ndarray]:
    """Windows (n, 8) of people who differ a little, and whose they are."""
    random = np.random.default_rng(seed)
    person = np.repeat(np.arange(people), EACH)
    return random.normal(size=(len(person), 8)) + 0.3 * random.normal(size=(people, 8))[person], person


@pytest.fixture
def random():
    return np.random.default_rng(0)


def test_the_closest_window_is_found_as_a_table_of_all_distances_finds_it():
    x, others = population(0)[0][:50], population(1)[0]
    np.testing.assert_allclose(closest(x, others), cdist(x, others).min(1))
    assert (closest(others[:9].astype(np.float32), others.astype(np.float32) + 0) == 0).all()


def test_a_generator_that_copies_its_training_windows_is_found_out(random):
    (donors, donor), (strangers, stranger) = population(0), population(1)
    found = membership(donors, donors, donor, strangers, stranger, random)
    assert found.window.auc > 0.99
    assert found.window.low > 0.99
    assert found.person.auc == 1
    record = closest_record(donors, donors, donor, strangers, stranger, random)
    assert (record.donors, record.ratio, record.people) == (0, 0, PEOPLE)


def test_a_generator_that_copies_with_some_noise_is_found_out_too(random):
    (donors, donor), (strangers, stranger) = population(0), population(1)
    noisy = donors + 0.5 * random.normal(size=donors.shape)
    found = membership(noisy, donors, donor, strangers, stranger, random)
    assert found.window.auc > 0.7
    assert found.window.low > 0.5
    assert closest_record(noisy, donors, donor, strangers, stranger, random).ratio < 0.9


def test_windows_of_other_people_of_the_same_population_give_nothing_away():
    areas, ratios, covered = [], [], 0
    for seed in range(10):
        random = np.random.default_rng(seed)
        (donors, donor), (strangers, stranger), (synthetic, _) = (population(3 * seed + i) for i in range(3))
        found = membership(synthetic, donors, donor, strangers, stranger, random)
        areas.append(found.window.auc)
        covered += found.window.low <= 0.5 <= found.window.high
        ratios.append(closest_record(synthetic, donors, donor, strangers, stranger, random).ratio)
    assert abs(np.mean(areas) - 0.5) < 0.02
    assert abs(np.mean(ratios) - 1) < 0.03
    assert covered >= 8


def test_the_area_is_that_of_the_roc_curve_where_people_have_equally_many_windows(random):
    (donors, donor), (strangers, stranger) = population(0), population(1, people=5)
    synthetic = donors + random.normal(size=donors.shape)
    distances = np.concatenate([closest(donors, synthetic), closest(strangers, synthetic)])
    expected = roc_auc_score(np.repeat([1, 0], [len(donors), len(strangers)]), -distances)
    np.testing.assert_allclose(membership(synthetic, donors, donor, strangers, stranger, random).window.auc, expected)


def test_ties_count_half_and_people_count_alike_however_many_windows_they_have(random):
    synthetic, donor = np.zeros((3, 1)), np.repeat(["a", "b"], [1, 99])
    donors = np.where(donor == "a", 0.0, 5.0)[:, None]
    found = membership(synthetic, donors, donor, np.ones((4, 1)), np.repeat([1, 2], 2), random)
    assert found.window.auc == 0.5, "a is told with certainty, b is taken for a stranger"
    assert (found.window.low, found.window.high) == (0, 1)
    assert (
        membership(synthetic, donors[:, :1] * 0, donor, np.zeros((4, 1)), np.repeat([1, 2], 2), random).window.auc
        == 0.5
    )


def test_equally_many_donors_and_others_are_compared(random):
    (donors, donor), (strangers, stranger) = population(0, people=40), population(1, people=4)
    synthetic, _ = population(2)
    record = closest_record(synthetic, donors, donor, strangers, stranger, random)
    assert record.people == 4
    assert abs(record.ratio - 1) < 0.1
    assert np.median(closest(synthetic, donors)) / record.held_out < 0.85, "all donors' windows would seem too close"


def test_a_ratio_to_nothing_is_none(random):
    x, person = np.zeros((4, 2)), np.repeat([1, 2], 2)
    assert closest_record(x, x, person, x, person, random).ratio is None
