"""Donors: whose windows are learned from, without what is held out, and the way into the target's units."""

from dataclasses import replace

import numpy as np
import pytest

from emogan.data.alignment import ALIGNMENTS
from emogan.data.donors import Donors, PooledSet, Pools, among_targets
from emogan.data.features import FeatureSet
from emogan.data.scaling import MinMaxScaler
from emogan.data.training_set import FineTuning, TrainingSet


@pytest.fixture
def features() -> FeatureSet:
    """3 people x 2 sessions x 6 trials of 4 windows, 2 classes in turn; the same clips in all, named by the trial."""
    subject, session, trial, _ = (i.ravel() + 1 for i in np.indices((3, 2, 6, 4)))
    x = np.random.default_rng(0).normal(size=(len(trial), 3)) + 10 * subject[:, None]
    return FeatureSet(x, trial % 2, trial, session, subject, ("a", "b", "c"), ("x", "y"), stimulus=trial)


def target(features, subject=1, session=1, tested=(1, 2)):
    own = (features.subject == subject) & (features.session == session)
    held_out = own & np.isin(features.trial, tested)
    return np.flatnonzero(own & ~held_out), np.flatnonzero(held_out)


def places(features, rows):
    return sorted({*zip(features.subject[rows].tolist(), features.session[rows].tolist(), strict=True)})


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"others": True}, [(2, 1), (3, 1)]),
        ({"others": True, "subjects": [1, 2]}, [(2, 1)]),
        ({"others": True, "subjects": ["3"]}, [(3, 1)]),
        ({"others": True, "sessions": [1, 2]}, [(2, 1), (2, 2), (3, 1), (3, 2)]),
        ({"own_sessions": True}, [(1, 2)]),
        ({"others": True, "own_sessions": True}, [(1, 2), (2, 1), (3, 1)]),
    ],
)
def test_donors_are_whom_the_settings_name_and_never_the_target(features, settings, expected):
    own, held_out = target(features)
    rows = Donors(**settings).rows(features, own, held_out, held_out)
    assert places(features, rows) == expected
    assert set(features.stimulus[rows].tolist()) == {3, 4, 5, 6}
    same = Donors(**settings, stimuli="any").rows(features, own, held_out, held_out)
    assert places(features, same) == expected
    assert set(features.stimulus[same].tolist()) == set(range(1, 7))


def test_what_no_donor_has_is_named(features):
    own, held_out = target(features, tested=(1, 3, 5))
    with pytest.raises(ValueError, match=r"every class for subject 1, session 1, got 24 windows and none of y. Add"):
        Donors(others=True).rows(features, own, held_out, held_out)
    with pytest.raises(ValueError, match="got 0 windows and none of x, y"):
        Donors(others=True, subjects=[1]).rows(features, own, held_out, held_out)
    with pytest.raises(ValueError, match=r"donors.stimuli=unseen: expected trials whose film clips are known"):
        Donors(others=True).rows(replace(features, stimulus=None), own, held_out, held_out)
    with pytest.raises(ValueError, match=r"donors.alignment: expected none | z_score"):
        Donors(alignment="sideways")


def test_clips_that_are_tested_are_never_shown_and_those_that_validate_unless_they_are_trained_on(features):
    own, tested = target(features)
    half, other = own[::2], own[1::2]  # of the same trials
    rows = Donors(others=True).rows(features, half, tested, other)
    assert set(features.stimulus[rows].tolist()) == {3, 4, 5, 6}
    kept, validated = own[features.trial[own] > 4], own[features.trial[own] <= 4]
    rows = Donors(others=True).rows(features, kept, tested, validated)
    assert set(features.stimulus[rows].tolist()) == {5, 6}
    again = np.append(kept, np.flatnonzero((features.subject == 1) & (features.session == 2) & (features.trial == 1)))
    rows = Donors(others=True).rows(features, again, tested, validated)  # which trains on a clip that is tested
    assert set(features.stimulus[rows].tolist()) == {5, 6}


def test_what_is_loaded_holds_targets_and_donors():
    assert Donors(others=True).widened([1], [1]) == {"subjects": None, "sessions": [1]}
    assert Donors(others=True, subjects=[1, 2]).widened([3], [1]) == {"subjects": [3, 1, 2], "sessions": [1]}
    assert Donors(own_sessions=True).widened([3], [1]) == {"subjects": [3], "sessions": None}
    assert Donors(own_sessions=True, sessions=[2]).widened([3], [1]) == {"subjects": [3], "sessions": [1, 2]}
    assert Donors(others=True, subjects=[1]).widened(None, None) == {"subjects": None, "sessions": None}


def test_targets_are_found_among_what_was_loaded(features):
    rows = among_targets(features, [2], 1)
    assert places(features, rows) == [(2, 1)]
    assert len(among_targets(features, None, None)) == len(features.y)


def test_each_donor_is_aligned_by_its_own_windows_and_brought_into_the_targets_units(features):
    own, held_out = target(features)
    donors = Donors(others=True)
    data = TrainingSet.of(features, own, own)
    rows = donors.rows(features, own, held_out, held_out)
    learned = Pools(features, donors).learned(data, rows, own)
    np.testing.assert_allclose(learned.data.x.min(0), 0, atol=1e-6)
    np.testing.assert_allclose(learned.data.x.max(0), 1, atol=1e-6)
    np.testing.assert_array_equal(learned.data.y, features.y[rows])
    adapted = data.scaler.inverse(learned.adapt(learned.data.x))
    for subject in (2, 3):
        part = adapted[features.subject[rows] == subject]
        np.testing.assert_allclose(part.mean(0), features.x[own].mean(0), rtol=1e-5)
        np.testing.assert_allclose(part.std(0), features.x[own].std(0), rtol=1e-5)


@pytest.mark.parametrize("alignment", ["none", "z_score", "min_max"])
def test_one_scaling_takes_what_is_drawn_into_the_targets_units(features, alignment):
    x = features.x.copy()
    x[features.subject == 1, 2] = 4  # constant for the target
    x[features.subject != 1, 1] = 6 if alignment != "none" else x[features.subject != 1, 1]  # constant for the donors
    features = replace(features, x=x)
    own, held_out = target(features)
    donors = Donors(others=True, alignment=alignment)
    data = TrainingSet.of(features, own, own)
    learned = Pools(features, donors).learned(data, donors.rows(features, own, held_out, held_out), own)
    drawn = np.random.default_rng(1).random((9, 3)).astype(np.float32)
    expected = data.scaler.inverse(learned.adapt(drawn))
    found = learned.scaler.inverse(drawn)
    varied = [0, 1] if alignment == "none" else [0, 1, 2]  # unaligned donors know nothing of the target's constant
    np.testing.assert_allclose(found[:, varied], expected[:, varied], rtol=1e-4)


def test_a_map_of_all_features_at_once_is_no_scaling(features):
    own, held_out = target(features)
    donors = Donors(others=True, alignment="covariance")
    data = TrainingSet.of(features, own, own)
    learned = Pools(features, donors).learned(data, donors.rows(features, own, held_out, held_out), own)
    assert learned.scaler is None
    assert np.isfinite(learned.adapt(learned.data.x)).all()


def test_targets_with_equal_donors_share_them(features):
    donors = Donors(others=True, subjects=[3])
    pools = Pools(features, donors)
    found = []
    for subject in (1, 2):
        own, held_out = target(features, subject)
        data = TrainingSet.of(features, own, own)
        found.append(pools.learned(data, donors.rows(features, own, held_out, held_out), own))
    assert found[0].data is found[1].data
    assert not np.array_equal(found[0].adapt(found[0].data.x), found[1].adapt(found[1].data.x))


def test_a_generator_may_learn_from_the_targets_own_windows_too(features):
    own, held_out = target(features)
    donors = Donors(others=True, learn_from="both")
    data = TrainingSet.of(features, own, own)
    rows = donors.rows(features, own, held_out, held_out)
    learned = Pools(features, donors).learned(data, rows, own)
    np.testing.assert_array_equal(learned.data.rows, [*rows, *own])
    np.testing.assert_allclose(learned.adapt(learned.data.x[len(rows) :]), data.x, atol=1e-5)


@pytest.mark.parametrize("learn_from", ["donors", "both"])
@pytest.mark.parametrize("alignment", ["none", "z_score", "min_max"])
def test_windows_that_are_scaled_as_they_are_drawn_are_those_of_a_set_that_was_scaled_before(
    features, alignment, learn_from
):
    features = replace(features, x=features.x * np.float32([1e-3, 1, 1e4]) + np.float32([0, 5, 1e5]))
    own, held_out = target(features)
    donors = Donors(others=True, alignment=alignment, learn_from=learn_from)
    data = TrainingSet.of(features, own, own)
    learned = Pools(features, donors).learned(data, donors.rows(features, own, held_out, held_out), own)
    pool, kind, experiment = learned.data, ALIGNMENTS[alignment], features.experiment_ids()
    z = np.empty((len(pool.rows), 3), dtype=np.float32)
    for one in np.unique(experiment[pool.rows]):
        part = pool.rows[experiment[pool.rows] == one]
        z[experiment[pool.rows] == one] = kind.fit(features.x[part]).transform(features.x[part])
    scaler = MinMaxScaler.fit(z)
    np.testing.assert_allclose(pool.x, scaler.transform(z), atol=1e-5)
    np.testing.assert_allclose(pool.scaler.minimum, scaler.minimum, rtol=1e-5, atol=1e-7)
    assert isinstance(pool, PooledSet)


@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_a_generator_is_fine_tuned_on_the_targets_own_windows_behind_those_of_the_donors(features, alignment):
    own, held_out = target(features)
    donors = Donors(others=True, alignment=alignment, fine_tuning=0.25)
    data = TrainingSet.of(features, own, own)
    rows = donors.rows(features, own, held_out, held_out)
    learned = Pools(features, donors).learned(data, rows, own)
    assert learned.data.fine_tuning == FineTuning(len(rows), 0.25)
    first, last = learned.data.parts
    np.testing.assert_array_equal(learned.data.rows[first], rows)
    np.testing.assert_array_equal(learned.data.rows[last], own)
    ending = learned.data.ending
    np.testing.assert_array_equal(ending.y, data.y)
    np.testing.assert_allclose(learned.adapt(ending.x), data.x, atol=1e-5)
    both = Donors(others=True, alignment=alignment, learn_from="both")
    pooled = Pools(features, both).learned(data, rows, own).data
    assert pooled.fingerprint == learned.data.fingerprint
    assert pooled.ending is pooled


def test_fine_tuning_is_a_setting_of_its_own_and_its_default_none():
    assert Donors(others=True, fine_tuning=0).identity() == Donors(others=True).identity()
    assert "fine_tuning" not in Donors(others=True).identity()
    assert Donors(others=True, fine_tuning=0.2).identity()["fine_tuning"] == 0.2
    assert Donors(others=True, stimuli="any", fine_tuning=0.2).label == "others_same_clips+fine_tuned"
    with pytest.raises(ValueError, match=r"donors.learn_from: expected donors with donors.fine_tuning.*got both"):
        Donors(others=True, learn_from="both", fine_tuning=0.2)
    with pytest.raises(ValueError, match=r"donors.fine_tuning: expected a number >= 0 and < 1, got 1"):
        Donors(others=True, fine_tuning=1)
