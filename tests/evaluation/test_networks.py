"""Networks as classifiers: stacked as one by one, validated by whole real trials, and able to find the answer."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from emogan.evaluation import GRU, MLP, FitData
from emogan.evaluation.validation import Standardised, validation_trials

SETTINGS = {
    "dropout": 0.2, "weight_decay": [1.0, 0.01], "learning_rate": 0.01, "batch_size": 32, "max_updates": 40,
    "check_every": 5, "patience": 3, "validation": 0.25, "updates_without_validation": 20, "seed": 0,
}  # fmt: skip


def mlp(**changes) -> MLP:
    return MLP(**{"name": "mlp", "hidden": [32], **SETTINGS, **changes})


def gru(**changes) -> GRU:
    return GRU(**{"name": "gru", "hidden": 32, "stretch": 4, **SETTINGS, **changes})


def fit(seed: int, trials: int = 12, windows: int = 7, synthetic: int = 10, features: int = 5, effect=1.0) -> FitData:
    """A fit without and with synthetic windows: three classes, trials of several lengths, six of them held out."""
    random = np.random.default_rng(seed)
    trial = np.repeat(np.arange(trials + 6), random.integers(windows - 3, windows + 1, trials + 6))
    y = trial % 3
    x = (random.normal(size=(len(y), features)) + effect * np.eye(3, features)[y]).astype(np.float32)
    known = trial < trials
    y_new = np.arange(synthetic) % 3
    x_new = (random.normal(size=(synthetic, features)) + effect * np.eye(3, features)[y_new]).astype(np.float32)
    return FitData(
        x=np.concatenate([x[known], x_new]), y=np.concatenate([y[known], y_new]),
        lengths=[known.sum(), known.sum() + synthetic], x_held_out=x[~known],
        trial=np.concatenate([trial[known], trials + np.arange(synthetic) // 2]), trial_held_out=trial[~known],
        n_synthetic=synthetic,
    )  # fmt: skip


FITS = [fit(0), fit(1, trials=6, windows=4), fit(2, windows=30, synthetic=90), fit(3, trials=3, features=5)]


@pytest.mark.parametrize("make", [mlp, gru])
def test_a_fit_has_the_same_bits_whichever_others_stand_beside_it(make, monkeypatch):
    """Weights, not predictions alone: these would hide a difference."""
    weights = {}

    def watched(classifier, several):
        train = type(classifier)._train
        monkeypatch.setattr(classifier, "_train", lambda *given: kept.append(train(classifier, *given)) or kept[-1])
        kept = []
        paths = classifier.paths_of_several(several)
        (network,) = kept
        return paths, [weight.detach() for weight in network.parameters()]

    together, weights = watched(make(), FITS)
    for i, data in enumerate(FITS):
        (alone,), own = watched(make(), [data])
        for one, other in zip(own, weights, strict=True):
            assert torch.equal(one, other[4 * i : 4 * i + 4])
        for one, other in zip(alone, together[i], strict=True):
            np.testing.assert_array_equal(one.predictions, other.predictions)


@pytest.mark.parametrize("make", [mlp, gru])
def test_a_length_and_a_value_have_the_same_predictions_alone(make):
    data = FITS[0]
    for number, found in enumerate(make().paths(data)):
        for c, value in enumerate(SETTINGS["weight_decay"]):
            n = data.lengths[number]
            short = FitData(
                data.x[:n], data.y[:n], [n], data.x_held_out, data.trial[:n], data.trial_held_out, n - data.n_real
            )
            (alone,) = make(weight_decay=[value]).paths(short)
            np.testing.assert_array_equal(alone.predictions[0], found.predictions[c])


@pytest.mark.parametrize("make", [mlp, gru])
def test_another_seed_gives_another_network(make):
    data = fit(0, effect=0.3)
    first, again, other = (make(seed=seed).paths(data)[0].predictions for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("make", [mlp, gru])
def test_classes_that_differ_are_told_apart(make):
    data = fit(0, effect=6.0)
    for path in make(max_updates=80).paths(data):
        assert (path.predictions == data.trial_held_out % 3).mean() > 0.95


def ramps(seed: int, trials: int = 40, windows: int = 12) -> FitData:
    """Trials of two classes that have the same windows, in rising order in the one and in falling order in the other."""
    random = np.random.default_rng(seed)
    trial = np.repeat(np.arange(trials), windows)
    level = np.linspace(-1, 1, windows)
    x = np.concatenate([level if one % 2 else level[::-1] for one in range(trials)])[:, None]
    x = np.concatenate([x + 0.1 * random.normal(size=x.shape), random.normal(size=(len(x), 2))], axis=1)
    known = trial < trials - 10
    return FitData(
        x[known].astype(np.float32), trial[known] % 2, [known.sum()], x[~known].astype(np.float32), trial[known],
        trial[~known],
    )  # fmt: skip


def test_a_gru_learns_what_only_the_order_tells_and_an_mlp_is_at_chance():
    data = ramps(0)
    ordered, unordered = (
        (make(max_updates=120, weight_decay=[0.1]).paths(data)[0].predictions[0] == data.trial_held_out % 2).mean()
        for make in (gru, mlp)
    )
    assert ordered == 1
    assert unordered < 0.7


def test_all_windows_of_a_trial_get_one_class_from_a_gru_whatever_stands_between_them():
    data = fit(0, effect=0.5)
    mixed = np.argsort(np.random.default_rng(0).permutation(data.trial_held_out), kind="stable")
    order = np.empty(len(mixed), dtype=np.int64)
    # trials in pieces, the windows of each in their order
    order[mixed] = np.argsort(data.trial_held_out, kind="stable")
    pieces = replace(data, x_held_out=data.x_held_out[order], trial_held_out=data.trial_held_out[order])
    whole, apart = (gru().paths(one)[0].predictions for one in (data, pieces))
    for trial in np.unique(data.trial_held_out):
        assert (np.ptp(whole[:, data.trial_held_out == trial], axis=1) == 0).all()
    np.testing.assert_array_equal(apart, whole[:, order])
    assert len(np.unique(whole)) > 1


def test_validation_trials_are_whole_real_ones_and_every_class_has_one():
    trial = np.repeat(np.arange(12), 5)
    y = trial % 3
    chosen = validation_trials(y, trial, 0.25, seed=0)
    assert sorted(chosen % 3) == [0, 1, 2]
    assert not np.array_equal(chosen, validation_trials(y, trial, 0.25, seed=1))
    assert len(validation_trials(y, trial, 0.9, seed=0)) == 6, "two of each class are left to learn from"
    assert len(validation_trials(y[:40], trial[:40], 0.25, seed=0)) == 0, "a class has two trials"


def test_only_real_trials_validate_and_the_windows_are_standardised_without_them():
    data = fit(0, effect=2.0)
    found = Standardised.of(data, 0.25, seed=0)
    validating = np.unique(data.trial[found.validates])
    assert len(validating) == 3
    np.testing.assert_array_equal(found.validates, np.isin(data.trial, validating))  # whole trials
    assert not found.validates[data.n_real :].any()
    learned = found.x[: data.n_real][~found.validates[: data.n_real]].astype(np.float64)
    np.testing.assert_allclose(learned.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(learned.std(0), 1, atol=1e-5)


@pytest.mark.parametrize("make", [mlp, gru])
def test_a_validation_trial_never_leaks_into_training(make, monkeypatch):
    """What networks learn from never has one; and its windows change nothing but when training stops."""
    data = fit(0)
    validates = Standardised.of(data, SETTINGS["validation"], 0).validates
    seen = []

    class Watched(type(make())):
        def _update(self, network, optimizer, batches, members, *given):
            draw = batches.draw

            def watched(*asked):
                x, y, there = draw(*asked)
                seen.append(x[there])
                return x, y, there

            monkeypatch.setattr(batches, "draw", watched)
            super()._update(network, optimizer, batches, members, *given)
            monkeypatch.undo()

    options = {"hidden": [32]} if make is mlp else {"hidden": 32, "stretch": 4}
    Watched(name="watched", **options, **SETTINGS).paths(data)
    seen = {row.tobytes() for row in torch.cat(seen).numpy()}
    x = Standardised.of(data, SETTINGS["validation"], 0).x
    assert {row.tobytes() for row in x[~validates]} == seen
    assert not seen & {row.tobytes() for row in x[validates]}

    changed = data.x.copy()
    changed[validates] = np.random.default_rng(0).normal(size=(validates.sum(), 5))
    other = FitData(changed, data.y, data.lengths, data.x_held_out, data.trial, data.trial_held_out, data.n_synthetic)
    long = {"patience": 1000, "max_updates": 20, "check_every": 20}  # so that the only look is the last one
    for one, two in zip(make(**long).paths(data), make(**long).paths(other), strict=True):
        np.testing.assert_array_equal(one.predictions, two.predictions)


def test_training_stops_where_validation_trials_are_wrong(monkeypatch):
    """Labels of the validation trials that contradict all others: every update makes their loss larger."""
    data = fit(0, effect=3.0)
    validates = Standardised.of(data, SETTINGS["validation"], 0).validates
    y = np.where(validates, (data.y + 1) % 3, data.y)
    wrong = FitData(data.x, y, data.lengths, data.x_held_out, data.trial, data.trial_held_out, data.n_synthetic)
    updates = []
    update = MLP._update
    monkeypatch.setattr(MLP, "_update", lambda *given: updates.append(1) or update(*given))
    mlp(max_updates=500, dropout=0.0).paths(wrong)
    assert len(updates) < 100


def test_where_nothing_can_validate_training_has_a_fixed_length(monkeypatch):
    updates = []
    update = MLP._update
    monkeypatch.setattr(MLP, "_update", lambda *given: updates.append(1) or update(*given))
    mlp(updates_without_validation=18).paths(fit(0, trials=3))
    assert len(updates) == 20


def test_more_looks_between_updates_than_updates_are_refused():
    with pytest.raises(ValueError, match=r"^classifier\.check_every: expected at most .* = 40, got 80"):
        mlp(check_every=80)
    with pytest.raises(ValueError, match=r"^classifier\.batch_size: expected an integer \(a multiple of 32\), got 50"):
        mlp(batch_size=50)


def test_a_trial_read_in_stretches_is_read_as_a_whole():
    network = GRU.network(SimpleNamespace(hidden=32), 3, 5, 4)
    network.initialise([torch.Generator().manual_seed(seed) for seed in range(3)])
    x = torch.rand(3, 6, 7, 5)
    whole, last = network(x, None)
    first, state = network(x[:, :, :3], None)
    second, end = network(x[:, :, 3:], state)
    torch.testing.assert_close(torch.cat([first, second], dim=2), whole)
    torch.testing.assert_close(end, last)
