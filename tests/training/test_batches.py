"""The members' batches: drawn from real rows only, a function of seed and iteration alone."""

import numpy as np
import pytest
import torch
from padded_sets import unpadded
from scipy import stats
from torch.utils.data import DataLoader

from emogan.augmenters import GANAugmenter
from emogan.data.donors import PooledSet
from emogan.data.scaling import MinMaxScaler
from emogan.data.sequences import stretches
from emogan.data.training_set import FineTuning, TrainingSet
from emogan.models import CBEGAN, CWGAN, Batch, RecurrentCBEGAN, TrialCBEGAN
from emogan.training.batches import MemberBatches

MEMBERS, WINDOWS, FEATURES = 4, 30, 5
N = (30, 1, 17, 24)


@pytest.fixture
def source():
    """``source(members, ...)``: batches of windows whose values tell their member and row."""
    x = torch.full((MEMBERS, WINDOWS, FEATURES), torch.nan)
    y = torch.full((MEMBERS, WINDOWS), -1)
    for m, n in enumerate(N):
        x[m, :n] = (100 * m + torch.arange(n))[:, None] + torch.arange(FEATURES) / 10
        y[m, :n] = torch.arange(n) % 3

    def build(members=(0, 1, 2, 3), seeds=(7, 8, 9, 10), noise_features=3, **settings):
        options = {"batch_size": 6, "iterations": 20, **settings}
        members = list(members)
        batches = MemberBatches(
            unpadded(x[members], y[members], torch.tensor(N)[members]), [seeds[m] for m in members], **options
        )
        batches.draws, batches.noise_features = 2, noise_features
        return batches

    return build


def parts(batch):
    return [batch.x, batch.y, batch.z, batch.u]


def assert_equal(batch, other):
    assert all(torch.equal(a, b) for a, b in zip(parts(batch), parts(other), strict=True))


def test_batches_have_the_shapes_of_the_contract(source):
    batch = source().draw(0)
    assert batch.x.shape == (2, 4, 6, FEATURES)
    assert batch.y.shape == (2, 4, 6)
    assert batch.z.shape == (2, 4, 6, 3)
    assert batch.u.shape == (2, 4, 6, 1)
    assert batch.y.dtype == torch.int64
    assert batch.x.dtype == batch.z.dtype == batch.u.dtype == torch.float32


def test_only_real_rows_are_drawn_each_with_its_own_label_and_all_of_them(source):
    seen = [set() for _ in N]
    batches = source(batch_size=40)
    for i in range(20):
        batch = batches.draw(i)
        for m in range(MEMBERS):
            rows = (batch.x[:, m, :, 0] - 100 * m).flatten()
            assert ((rows >= 0) & (rows < N[m])).all(), "padding, or another member's window, was drawn"
            expected = (100 * m + rows[:, None]) + torch.arange(FEATURES) / 10
            torch.testing.assert_close(batch.x[:, m].flatten(0, 1), expected)
            assert torch.equal(batch.y[:, m].flatten(), rows.long() % 3)
            seen[m] |= set(rows.long().tolist())
    assert seen == [set(range(n)) for n in N]


def test_rows_are_drawn_evenly(source):
    batches = source(batch_size=128)
    rows = torch.cat([batches.draw(i).x[:, 3, :, 0].flatten() - 300 for i in range(40)]).long()
    assert stats.chisquare(np.bincount(rows, minlength=24)).pvalue > 1e-3


def test_noise_is_uniform_between_minus_one_and_one(source):
    batches = source(batch_size=100, noise_features=20)
    z = torch.cat([batches.draw(i).z.flatten() for i in range(5)]).numpy()
    assert z.min() >= -1
    assert z.max() <= 1
    assert stats.kstest(z, stats.uniform(-1, 2).cdf).pvalue > 1e-3


def test_interpolation_shares_are_uniform_between_zero_and_one(source):
    batches = source(batch_size=500)
    u = torch.cat([batches.draw(i).u.flatten() for i in range(5)]).numpy()
    assert u.min() >= 0
    assert u.max() < 1
    assert stats.kstest(u, "uniform").pvalue > 1e-3


def test_a_batch_is_a_function_of_seed_and_iteration_alone(source):
    first, again = source(), source()
    for i in (3, 0, 19, 3, 7):  # in any order, and twice
        assert_equal(first.draw(i), again.draw(i))
    torch.manual_seed(1)
    batch = first.draw(5)
    torch.manual_seed(2)
    assert_equal(batch, first.draw(5))
    assert_equal(batch, source(iterations=1000).draw(5))


def test_drawing_leaves_the_global_random_state_alone(source):
    before = torch.get_rng_state()
    source().draw(0)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_members_batch_does_not_depend_on_its_neighbours(source):
    whole = source().draw(4)
    for members in ([0], [2], [3, 1], [2, 3, 0]):
        part = source(members).draw(4)
        for value, own in zip(parts(whole), parts(part), strict=True):
            assert torch.equal(value[:, members], own)


def test_members_seeds_and_iterations_differ_in_what_they_draw(source):
    batches = source(seeds=(7, 7, 8, 9))
    z = [batches.draw(i).z[:, m] for i in range(5) for m in range(MEMBERS)]
    different = {tuple(noise.flatten().tolist()) for noise in z}
    assert len(different) == 5 * 3, "members 0 and 1 have one seed, all others draw of their own"


def test_the_loader_serves_every_iteration_once_and_in_order(source):
    batches = source(iterations=7)
    loader = batches.train_dataloader()
    assert isinstance(loader, DataLoader)
    served = list(loader)
    assert len(served) == len(loader) == 7
    for i, batch in enumerate(served):
        assert_equal(batch, batches.draw(i))


def test_real_and_synthetic_windows_stand_together_with_their_labels(source):
    batch = source().draw(3)
    fake = torch.rand(4, 6, FEATURES)
    labels = torch.nn.functional.one_hot(batch.y[1], 3)
    expected = torch.cat([torch.cat([windows, labels], dim=-1) for windows in (batch.x[1], fake)], dim=1)
    assert torch.equal(batch.with_synthetic(fake, 1), expected)


def test_a_batch_of_ones_own_is_taken_as_it_is():
    x, y = torch.rand(2, 3, 4, FEATURES), torch.randint(3, (2, 3, 4))
    z, u = torch.rand(2, 3, 4, 7), torch.rand(2, 3, 4, 1)
    batch = Batch.of(x, y, z, u, 3)
    for part, own in zip(parts(batch), (x, y, z, u), strict=True):
        assert torch.equal(part, own)


def test_batches_become_those_that_a_model_asks_for(source):
    batches = source()
    batches.feed(CWGAN(FEATURES, 3, MEMBERS, noise_features=7, critic_steps=2))
    batch = batches.draw(0)
    assert batch.x.shape == (3, MEMBERS, 6, FEATURES)
    assert batch.z.shape == (3, MEMBERS, 6, 7)


@pytest.mark.parametrize("shape", [(FEATURES, 3, 1), (FEATURES + 1, 3, MEMBERS), (FEATURES, 2, MEMBERS)])
def test_a_model_of_another_shape_is_refused(source, shape):
    with pytest.raises(ValueError, match=r"expected a model of \(4, 5, 3\) members, features and classes"):
        source().feed(CBEGAN(*shape))


def test_padding_keeps_every_window_and_its_label(source):
    batches = source()
    for m, data in enumerate(batches.sets):
        assert batches.n[m] == len(data.y) == N[m]
        np.testing.assert_array_equal(batches.x[m, : N[m]], data.x)
        np.testing.assert_array_equal(batches.y[m, : N[m]], data.y)
        assert not batches.x[m, N[m] :].any()


def pooled_sets(first: tuple[int, ...] | None = None) -> list[PooledSet]:
    """Three sets of different sizes that index the same 50 windows of two experiments.

    With ``first``, half of the iterations train on the first ``first`` windows of each set, the rest on its others.
    """
    random = np.random.default_rng(0)
    windows = random.normal(size=(50, 4)).astype(np.float32)
    y = np.arange(50) % 3
    sets = []
    for m, n in enumerate((20, 31, 12)):
        fine_tuning = FineTuning(first[m], 0.5) if first else None
        rows = np.sort(random.permutation(50)[:n])
        group = (rows >= 25).astype(np.int64)
        scale, shift = (random.random((2, 4)).astype(np.float32) for _ in range(2))
        scaler = MinMaxScaler(np.zeros(4), np.ones(4))
        sets.append(PooledSet(windows, rows, y[rows], rows // 5, group, scale, shift, scaler, None, fine_tuning))
    return sets


def copies(sets: list[PooledSet]) -> list[TrainingSet]:
    """The same sets, each with windows of its own."""
    return [TrainingSet(s.rows, s.rows, s.scaler, s.x, s.y, s.trial, s.fine_tuning) for s in sets]


@pytest.mark.parametrize("first", [None, (5, 30, 11)])
def test_windows_that_members_share_are_drawn_as_if_each_had_its_own(first):
    sets = pooled_sets(first)
    pooled, whole = (
        MemberBatches(one, [7, 8, 9], batch_size=16, iterations=8) for one in (sets, copies(sets))
    )  # fmt: skip
    assert len(pooled.windows) == 50
    assert len(whole.windows) == 3 * 31
    fake = torch.rand(3, 16, 4)
    for iteration in (0, 5):
        one, other = pooled.draw(iteration), whole.draw(iteration)
        assert torch.equal(one.x, other.x)
        assert torch.equal(one.y, other.y)
        assert torch.equal(one.z, other.z)
        assert torch.equal(one.with_synthetic(fake), other.with_synthetic(fake))


@pytest.mark.parametrize("gan", [CBEGAN, CWGAN, TrialCBEGAN])
def test_a_gan_learns_the_same_from_shared_windows(gan):
    sets = pooled_sets()
    settings = {"name": "gan", "iterations": 3, "hidden": 8, "batch_size": 16}
    drawn = []
    for given in (sets, copies(sets)):
        augmenter = GANAugmenter(gan, **settings).fit(given, [7, 8, 9])
        drawn.append(augmenter.sample(torch.arange(6).expand(3, -1) % 3, torch.Generator().manual_seed(0)))
    assert torch.equal(*drawn)


@pytest.mark.parametrize("gan", [CBEGAN, CWGAN])
def test_shared_windows_lie_on_the_device_of_the_model(gan):
    source = MemberBatches(pooled_sets(), [7, 8, 9], batch_size=16)
    source.feed(gan(4, 3, 3), "meta")
    batch = source.draw(0)
    assert {part.device.type for part in (*batch, batch.x, batch.y) if isinstance(part, torch.Tensor)} == {"meta"}
    assert batch.with_synthetic(torch.empty(3, 16, 4, device="meta")).shape == (3, 32, 7)


def positions(batches: MemberBatches, member: int, iterations: range) -> set[int]:
    """The positions in a member's set of the windows that are drawn at some iterations."""
    drawn = torch.cat([batches.draw(i).rows[:, member].flatten() for i in iterations])
    return set((drawn - member * batches.y.shape[1]).tolist())


def test_fine_tuning_draws_the_first_windows_until_it_begins_and_the_others_alone_from_then_on():
    first, sizes = (5, 30, 11), (20, 31, 12)
    batches = MemberBatches(copies(pooled_sets(first)), [7, 8, 9], batch_size=32, iterations=20)
    for m in range(3):
        assert positions(batches, m, range(10)) == set(range(first[m]))
        assert positions(batches, m, range(10, 20)) == set(range(first[m], sizes[m]))


@pytest.mark.parametrize(("share", "iterations", "begins"), [(0.2, 3000, 2400), (0.5, 5, 2), (0.1, 17, 15)])
def test_fine_tuning_begins_where_its_share_of_the_iterations_is_left(share, iterations, begins):
    assert FineTuning(4, share).begins(iterations) == begins


def test_what_a_fine_tuned_member_draws_depends_neither_on_its_neighbours_nor_on_earlier_draws():
    sets = pooled_sets((5, 30, 11))
    whole = MemberBatches(sets, [7, 8, 9], batch_size=16, iterations=8)
    for members in ([0], [2, 1]):
        part = MemberBatches(
            [sets[m] for m in members], [7 + m for m in members], batch_size=16, iterations=8, start=4
        )  # fmt: skip
        for i in (4, 3, 7):
            for value, own in zip(parts(whole.draw(i)), parts(part.draw(i)), strict=True):
                assert torch.equal(value[:, members], own)


def test_stretches_are_of_the_first_windows_until_fine_tuning_begins_and_of_the_others_from_then_on():
    x, y = np.arange(30, dtype=np.float32)[:, None], np.repeat([0, 1, 0, 1, 1], 6)
    rows, scaler = np.arange(30), MinMaxScaler(np.zeros(1), np.ones(1))
    data = TrainingSet(rows, rows, scaler, x, y, rows // 6, FineTuning(12, 0.5))
    source = MemberBatches([data], batch_size=200, iterations=10)
    source.feed(RecurrentCBEGAN.for_data(source, hidden=8, stretch=4))
    for part, iterations in ((slice(0, 12), range(5)), (slice(12, 30), range(5, 10))):
        drawn = {tuple(own) for i in iterations for own in source.draw(i).rows.flatten(0, 2).tolist()}
        expected = part.start + stretches(y[part], rows[part] // 6, 4)
        assert drawn == {tuple(own) for own in expected.tolist()}


class Elsewhere:
    """A fake tensor on a GPU."""

    def cpu(self):
        return torch.empty(0)


@pytest.mark.parametrize("gan", [CBEGAN, RecurrentCBEGAN])
def test_nothing_is_left_on_a_device_after_training_even_if_that_failed(gan):
    sets = pooled_sets()
    source = MemberBatches(sets if gan is CBEGAN else copies(sets), [7, 8, 9], batch_size=16)
    source.feed(gan(4, 3, 3), "meta")
    placed = [name for name, value in vars(source).items() if getattr(value, "is_meta", False)]
    assert {"windows", "labels", "lengths", "firsts", "member_seeds"} <= set(placed)
    for name in placed:
        setattr(source, name, Elsewhere())
    if source.pooled:
        source.pooled = tuple(Elsewhere() for _ in source.pooled)
    source.on_exception(RuntimeError())
    assert not [part for part in (*vars(source).values(), *(source.pooled or ())) if isinstance(part, Elsewhere)]
