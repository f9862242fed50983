"""Recurrent models: trials of the real lengths, the same bits however many windows are asked for, stretches, learning."""

import numpy as np
import pytest
import torch
from padded_sets import unpadded
from torch.nn.functional import one_hot

from emogan.analysis.autocorrelation import autocorrelation
from emogan.augmenters import GANAugmenter
from emogan.data.sequences import stretches
from emogan.data.training_set import TrainingSet
from emogan.models import CGAN, RecurrentCBEGAN, RecurrentCWGAN
from emogan.models.recurrent import ROWS, STEPS, Recurrent
from emogan.training.batches import MemberBatches

LENGTHS = [[3, 11, 5], [1, 20]]  # of the trials of each class


def training_set(seed=0, features=4, lengths=LENGTHS):
    random = np.random.default_rng(seed)
    each = [(c, n) for c, own in enumerate(lengths) for n in own]
    y, n = (np.array(column) for column in zip(*each, strict=True))
    trial = np.repeat(np.arange(len(n)), n)
    return TrainingSet.scaled(random.normal(size=(len(trial), features)), y[trial], trial)


@pytest.fixture(scope="module")
def fitted():
    """Two members whose trials are not of the same lengths, hardly trained."""
    sets = [training_set(), training_set(1, lengths=[[4], [2, 6, 3]])]
    return GANAugmenter(RecurrentCWGAN, name="gan", iterations=2, hidden=20, batch_size=16).fit(sets, [3, 4])


def draw(augmenter, y, seeds=(5, 6)):
    return augmenter.sample(y, [torch.Generator().manual_seed(seed) for seed in seeds])


def labels(n):
    return (torch.arange(n) % 2).expand(2, -1)


def test_windows_of_a_smaller_n_are_the_first_of_a_larger_one_to_the_last_bit(fitted):
    most = draw(fitted, labels(900))
    assert most.shape == (2, 900, 4)
    for n in (0, 1, 2, 37, 256, 257, 600):
        assert torch.equal(draw(fitted, labels(n)), most[:, :n])


def test_a_window_is_the_same_whatever_windows_of_other_classes_stand_between(fitted):
    generator, z = fitted.model.generator, torch.rand(2, 300, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    mixed = torch.randint(2, (2, 300), generator=torch.Generator().manual_seed(1))
    drawn = generator(z, mixed)
    for m in range(2):
        for c in range(2):
            own = mixed[m] == c
            sorted_out = generator(z[:, own], torch.full((2, int(own.sum())), c))
            assert torch.equal(sorted_out[m], drawn[m, own])


def test_synthetic_trials_are_as_long_as_the_real_ones_in_turn(fitted):
    trials = fitted.synthetic_trials(labels(2 * 40))
    expected = [[[3, 11, 5, 3, 11, 5, 2], [1, 20, 1, 18]], [[4] * 10, [2, 6, 3] * 3 + [2, 5]]]
    for m in range(2):
        for c in range(2):
            numbers = trials[m, c::2]
            assert torch.unique_consecutive(numbers, return_counts=True)[1].tolist() == expected[m][c]
            assert len(numbers.unique()) == len(expected[m][c])
        assert not set(trials[m, ::2].tolist()) & set(trials[m, 1::2].tolist())


def test_a_trial_is_the_networks_run_window_by_window(fitted):
    """By hand: A, the GRU and B, one window after the other, with more windows than are generated at a time."""
    generator, z = fitted.model.generator, torch.rand(2, 60, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    y = torch.ones(2, 60, dtype=torch.int64)
    drawn, trials = generator(z, y), fitted.synthetic_trials(y)
    label, own = one_hot(torch.tensor([1]), 2).float(), [i for i in range(60) if trials[0, i] == trials[0, 1]]
    assert len(own) == 20 > STEPS
    t = torch.cat([z[0, own[:1], :32], label], dim=-1)
    h = torch.tanh(generator.start(t.expand(2, 1, -1)))
    for i in own:
        e = z[0, i, 32:].expand(2, 1, -1)
        h = generator.gru(torch.cat([t.expand(2, 1, -1), e], dim=-1)[:, None], h)[:, 0]
        torch.testing.assert_close(generator.window(torch.cat([h, e], dim=-1))[0, 0], drawn[0, i])


def test_more_trials_than_are_generated_at_a_time_differ(fitted):
    y = torch.zeros(2, 4 * 2 * ROWS, dtype=torch.int64)
    trials = draw(fitted, y)[1].unflatten(0, (2 * ROWS, 4)).flatten(1)
    assert torch.cdist(trials, trials)[~torch.eye(2 * ROWS, dtype=torch.bool)].min() > 1e-4


def test_a_restored_generator_gives_the_same_trials(fitted):
    new = GANAugmenter(RecurrentCWGAN, name="gan", iterations=2, hidden=20, batch_size=16)
    new.restore(fitted.generators(), 4, 2)
    assert torch.equal(draw(new, labels(150)), draw(fitted, labels(150)))
    assert torch.equal(new.synthetic_trials(labels(150)), fitted.synthetic_trials(labels(150)))


@pytest.mark.parametrize("gan", [RecurrentCBEGAN, RecurrentCWGAN])
def test_batches_consist_of_stretches_of_the_training_trials(gan):
    sets = [training_set(), training_set(1, lengths=[[4], [2, 6, 3]])]
    source = MemberBatches(sets, [7, 8], batch_size=50)
    model = gan.for_data(source, hidden=8, stretch=3, rollout=5)
    source.feed(model)
    batch = source.draw(3)
    assert batch.x.shape == (model.draws, 2, 16, 12)
    assert batch.z.shape == (model.draws, 2, 16, 1 + 32 + 5 * 32)
    for m, data in enumerate(sets):
        allowed = {
            (int(data.y[rows[0]]), *data.x[rows].ravel().tolist()) for rows in stretches(data.y, data.trial, 3)
        }  # fmt: skip
        drawn = {(y, *x) for y, x in zip(batch.y[:, m].flatten().tolist(), batch.x[:, m].flatten(0, 1).tolist())}  # noqa: B905
        assert drawn <= allowed
    fake = model.imitate(batch.z[0], batch.y[0])
    both = batch.with_synthetic(fake)
    assert torch.equal(both[:, :16, :12], batch.x[0])
    assert torch.equal(both[:, 16:, :12], fake)
    assert torch.equal(both[..., 12:], one_hot(batch.y[0].repeat(1, 2), 2).float())


def test_every_stretch_is_drawn_about_as_often():
    data = training_set(features=1, lengths=[[6, 3], [2]])
    source = MemberBatches([data], batch_size=4000)
    source.feed(RecurrentCBEGAN.for_data(source, hidden=8, stretch=4))
    rows = torch.cat([source.draw(i).rows.flatten(0, 2) for i in range(4)])
    found, counts = rows.unique(dim=0, return_counts=True)
    assert found.tolist() == sorted(stretches(data.y, data.trial, 4).tolist())
    assert counts.min() > 0.9 * counts.float().mean()


def test_what_the_discriminator_sees_is_a_stretch_of_the_rollout_from_any_place_on():
    model = RecurrentCBEGAN(3, 2, hidden=8, stretch=2, rollout=4, trial_noise=2, window_noise=5)
    z = torch.rand(1, 400, model.batch_noise, generator=torch.Generator().manual_seed(0)) * 2 - 1
    y = torch.zeros(1, 400, dtype=torch.int64)
    states = model.generator.states(z[..., 1:3], z[..., 3:].unflatten(-1, (4, 5)).transpose(1, 2), y)
    windows = model.generator.windows(states, z[..., 3:].unflatten(-1, (4, 5)).transpose(1, 2))
    seen = model.imitate(z, y).unflatten(-1, (2, 3))
    places = [
        next(p for p in range(3) if torch.allclose(windows[0, p : p + 2, i], seen[0, i], atol=1e-6)) for i in range(400)
    ]
    assert min(places.count(p) for p in range(3)) > 100


def test_the_discriminator_of_any_gan_sees_the_whole_stretch_and_the_label():
    class RecurrentCGAN(Recurrent, CGAN):
        kind = "recurrent_cgan"

        def __init__(
            self, features, classes, members=1, *, stretch=2, rollout=4, trial_noise=2, window_noise=2, **given
        ):
            noise = self.plan(stretch, rollout, trial_noise, window_noise)
            super().__init__(features, classes, members, noise_features=noise, **given)

    augmenter = GANAugmenter(RecurrentCGAN, name="gan", iterations=2, hidden=8).fit([training_set()])
    assert augmenter.sample(torch.arange(30)[None] % 2, torch.Generator().manual_seed(0)).shape == (1, 30, 4)
    assert RecurrentCGAN(4, 2).discriminator[0].inputs == 2 * 4 + 2


def test_a_rollout_shorter_than_a_stretch_is_refused():
    with pytest.raises(ValueError, match=r"rollout: expected at least the 4 windows of \S*stretch, got 3"):
        RecurrentCBEGAN(3, 2, rollout=3)


@pytest.mark.parametrize("judge", ["discriminator", "density"])
def test_choosing_windows_one_by_one_is_refused(judge):
    with pytest.raises(
        ValueError, match=r"selection: expected null for RecurrentCWGAN, whose windows follow one another"
    ):
        GANAugmenter(RecurrentCWGAN, name="gan", iterations=1, selection=judge)


def autoregressive_trials(n=24, length=30, features=20):
    """Trials of two classes, with trial effects and residuals that have a memory of 0.8."""
    random = np.random.default_rng(0)
    y = np.arange(n) % 2
    e = random.normal(size=(n, length, features))
    for i in range(1, length):
        e[:, i] = 0.8 * e[:, i - 1] + 0.6 * e[:, i]
    x = e + 0.5 * random.normal(size=(n, 1, features)) + 1.5 * random.normal(size=(2, 1, features))[y]
    return TrainingSet.scaled(x.reshape(-1, features), np.repeat(y, length), np.repeat(np.arange(n), length))


@pytest.mark.slow
def test_long_rollouts_stay_where_the_data_are_and_windows_of_a_trial_go_together():
    """Trials five times as long as what is generated in training, and longer than any training trial."""
    data = autoregressive_trials()
    augmenter = GANAugmenter(RecurrentCWGAN, name="gan", iterations=400, hidden=64, learning_rate=2e-3).fit([data])
    generator = augmenter.model.generator
    generator.lengths[..., 0], generator.counts[:] = 45, 1
    y = torch.arange(2).repeat_interleave(45 * 64)[None]
    drawn = augmenter.sample(y, torch.Generator().manual_seed(0))[0].numpy()
    for windows, real in zip(drawn.reshape(2, 64, 45, 20), (data.x[data.y == c] for c in range(2)), strict=True):
        early, late = windows[:, 5], windows[:, 40]
        assert np.sqrt(((late.mean(0) - early.mean(0)) ** 2).mean()) < 0.5 * real.std()
        assert late.std(0).mean() == pytest.approx(early.std(0).mean(), rel=0.25)
        assert late.std(0).mean() == pytest.approx(real.std(0).mean(), rel=0.4)
    found = autocorrelation(drawn, y[0].numpy(), augmenter.synthetic_trials(y)[0].numpy()).mean(1)
    assert 0.1 < found[10] < found[1] < 0.9


def test_members_are_looked_at_by_windows_of_as_many_trials():
    x = torch.rand(2, 12, 3, generator=torch.Generator().manual_seed(0))
    y, trial = (torch.arange(12) // 6).expand(2, -1), (torch.arange(12) // 3).expand(2, -1)
    source = MemberBatches(unpadded(x, y, trial=trial))
    model = RecurrentCBEGAN.for_data(source, hidden=8, trial_noise=2, window_noise=2)
    found = model.windows_of_each_class(16)
    assert found.shape == (2, 2, 16, 3)
    model.generator.gru.input.packed.data.zero_()  # then all windows of a trial but for the noise at their end are alike
    assert len(found[0, 0].unique(dim=0)) == 16
