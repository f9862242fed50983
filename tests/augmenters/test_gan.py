"""The GANs' wrapper: training that no grouping changes by a bit, and sampling that neither grouping nor n changes."""

import json
from itertools import product

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from padded_sets import unpadded
from represented import represented

from emogan.augmenters import GANAugmenter, balanced_labels
from emogan.data.training_set import TrainingSet
from emogan.models import CBEGAN, CGAN, CVAE, CWGAN, Diffusion, RecurrentCBEGAN, TrialCBEGAN
from emogan.training.batches import MemberBatches

GANS = (CBEGAN, CWGAN, CGAN, TrialCBEGAN, CVAE, Diffusion, RecurrentCBEGAN)


def seeded(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def labels(members: int, n: int) -> torch.Tensor:
    return torch.from_numpy(balanced_labels(n, 3)).expand(members, n)


def make(gan, **settings):
    settings = {"iterations": 10, "hidden": 53, "noise_features": 21, **settings}
    if "noise_features" in gan.derived:  # it works out how much noise it takes
        noise = settings.pop("noise_features")
        own = {TrialCBEGAN: {"components": noise}, CVAE: {"latent": noise}, Diffusion: {"guidance": 0.5}}
        settings |= own.get(gan, {"trial_noise": noise, "window_noise": noise})
    return GANAugmenter(gan, name="gan", **settings)


def trials(y):
    """Six trials of about ten windows."""
    return (torch.arange(y.shape[1]) // 10).expand_as(y)


def fit(gan, windows, members, **settings):
    x, y, n = (part[members] for part in windows)
    return make(gan, **settings).fit(unpadded(x, y, n, trials(y)), [100 + m for m in members], classes=3)


@pytest.mark.parametrize(
    ("gan", "batch_size"),
    represented(product(GANS, (50, 128)), by=[*product(GANS, (50,)), (CBEGAN, 128), (RecurrentCBEGAN, 128)]),
)
def test_the_grouping_of_members_changes_no_bit(gan, batch_size, windows):
    data = windows(33)
    together = fit(gan, data, [0, 1, 2, 3, 4], batch_size=batch_size)
    drawn = together.sample(labels(5, 600), seeded(0, 1, 2, 3, 4))
    assert drawn.isfinite().all(), "padding was trained on"
    for group in ([0], [1, 2], [3, 4]):
        apart = fit(gan, data, group, batch_size=batch_size)
        for m, generator in zip(group, apart.generators(), strict=True):
            for name, value in generator.items():
                assert torch.equal(value, together.generators()[m][name]), f"{name} of member {m}"
        for name, value in apart.model.state_dict().items():
            assert torch.equal(value, together.model.state_dict()[name][group]), name
        assert torch.equal(apart.history.values, together.history.values[:, :, group])
        assert torch.equal(apart.sample(labels(len(group), 50), seeded(*group)), drawn[group, :50])


SHAPES = {
    "one of each": (1, {"hidden": 1, "batch_size": 1, "noise_features": 1}),
    "narrow": (5, {"hidden": [60, 3, 17, 50], "layers": 4, "batch_size": 33}),
    "a small batch": (41, {"hidden": [53, 101], "batch_size": 7}),
}


@pytest.mark.parametrize(
    ("gan", "shape", "threads"),
    represented(
        [*product(GANS, SHAPES, (1,)), *product(GANS, ["narrow"], (2,))],
        by=[
            *product(GANS, ["narrow"], (1,)),
            *product((CBEGAN, RecurrentCBEGAN), ["one of each", "a small batch"], (1,)),
            (CBEGAN, "narrow", 2),
        ],
    ),
)
def test_the_grouping_changes_no_bit_of_narrow_networks_and_small_batches(gan, shape, threads, windows):
    torch.set_num_threads(threads)
    features, settings = SHAPES[shape]
    data, settings = windows(features), {"iterations": 3, **settings}
    together = fit(gan, data, [0, 1, 2, 3, 4], **settings).generators()
    for group in ([3], [4, 1]):
        for m, generator in zip(group, fit(gan, data, group, **settings).generators(), strict=True):
            assert all(torch.equal(value, together[m][name]) for name, value in generator.items())


@pytest.mark.parametrize("gan", GANS)
def test_lightning_trains_as_a_plain_loop_over_the_batches(gan, windows):
    x, y, n = windows(9)
    sets, seeds = unpadded(x, y, n, trials(y)), [5, 6, 7, 8, 9]
    augmenter = make(gan).fit(sets, seeds, classes=3)
    model = make(gan).build(5, 9, 3, seeds)
    optimizers = model.configure_optimizers()
    model.optimizers, model.manual_backward = lambda: optimizers, lambda loss: loss.backward()
    batches = MemberBatches(sets, seeds, iterations=10)
    batches.feed(model)
    for i in range(10):
        assert torch.equal(model.iterate(batches.draw(i)), augmenter.history.values[i])
    for (name, value), other in zip(model.state_dict().items(), augmenter.model.state_dict().values(), strict=True):
        assert torch.equal(value, other), name


def test_training_uses_adam_with_its_defaults_and_the_given_rate(windows):
    augmenter = fit(CGAN, windows(4), [0], learning_rate=3e-4)
    for optimizer in augmenter.trainer.optimizers:
        assert type(optimizer) is torch.optim.Adam
        (group,) = optimizer.param_groups
        assert (group["lr"], group["betas"], group["eps"], group["weight_decay"]) == (3e-4, (0.9, 0.999), 1e-8, 0)


def test_members_without_seeds_have_their_numbers_as_seeds(windows):
    x, y, n = windows(4)
    default = make(CGAN).fit(unpadded(x, y, n)).generators()
    given = make(CGAN).fit(unpadded(x, y, n), range(5)).generators()
    assert all(torch.equal(a[name], b[name]) for a, b in zip(default, given, strict=True) for name in a)


def test_the_number_of_classes_is_that_of_the_labels_if_it_is_not_given(windows):
    x, y, n = windows(4)
    assert make(CGAN).fit(unpadded(x, y, n)).model.classes == 3
    assert make(CGAN).fit(unpadded(x, y, n), classes=5).model.classes == 5


def test_fitting_again_starts_afresh(windows):
    x, y, n = windows(4)
    augmenter = make(CBEGAN)
    first = augmenter.fit(unpadded(x, y, n)).generators()
    second = augmenter.fit(unpadded(x, y, n)).generators()
    assert all(torch.equal(a[name], b[name]) for a, b in zip(first, second, strict=True) for name in a)
    assert len(augmenter.history.values) == 10


@pytest.fixture(scope="module")
def fitted():
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    x, y = torch.rand(5, 40, 33, generator=generator), torch.randint(3, (5, 40), generator=generator)
    return make(CBEGAN).fit(unpadded(x, y), range(5))


@pytest.mark.parametrize("n", [1, 50, 255, 256, 257, 599])
def test_the_first_windows_do_not_depend_on_how_many_are_drawn(n, fitted):
    most = fitted.sample(labels(5, 600), seeded(0, 1, 2, 3, 4))
    assert torch.equal(fitted.sample(labels(5, n), seeded(0, 1, 2, 3, 4)), most[:, :n])


@pytest.mark.parametrize("members", [[0], [4], [1, 2], [3, 0, 2]])
def test_a_members_windows_are_the_same_bits_alone_or_in_a_group(members, fitted):
    whole = fitted.sample(labels(5, 300), seeded(0, 1, 2, 3, 4))
    generators = fitted.generators()
    part = make(CBEGAN).restore([generators[m] for m in members], features=33, classes=3)
    assert torch.equal(part.sample(labels(len(members), 300), seeded(*members)), whole[members])


def test_one_random_generator_works_as_well_as_one_per_member(fitted):
    one = fitted.sample(labels(5, 300), torch.Generator().manual_seed(3))
    assert one.shape == (5, 300, 33)
    assert torch.equal(one[:, :50], fitted.sample(labels(5, 50), torch.Generator().manual_seed(3)))
    assert not torch.equal(one[0], one[1])
    alone = make(CBEGAN).restore(fitted.generators()[:1], features=33, classes=3)
    shared = alone.sample(labels(1, 300), torch.Generator().manual_seed(3))
    assert torch.equal(shared, alone.sample(labels(1, 300), seeded(3)))


def test_a_wrong_number_of_random_generators_is_refused(fitted):
    with pytest.raises(ValueError, match="one for each of 5 members, got 4"):
        fitted.sample(labels(5, 10), seeded(0, 1, 2, 3))


def test_drawing_goes_on_from_where_the_random_generator_stands(fitted):
    generators = seeded(0, 1, 2, 3, 4)
    first, second = (fitted.sample(labels(5, 20), generators) for _ in range(2))
    assert not torch.equal(first, second)


def test_no_windows_can_be_drawn(fitted):
    assert fitted.sample(labels(5, 0), torch.Generator()).shape == (5, 0, 33)


def test_windows_are_the_generators_for_uniform_noise_and_the_labels_asked_for(fitted):
    seen = []
    hook = fitted.model.generator.register_forward_hook(
        lambda module, arguments, output: seen.append((arguments[0], output))
    )
    y = torch.randint(3, (5, 300), generator=torch.Generator().manual_seed(1))
    drawn = fitted.sample(y, seeded(0, 1, 2, 3, 4))
    hook.remove()
    given, output = (torch.cat(parts, dim=1)[:, :300] for parts in zip(*seen, strict=True))
    assert torch.equal(given[..., 21:], torch.eye(3)[y])
    z = given[..., :21]
    assert -1 <= z.min() < -0.99
    assert 0.99 < z.max() <= 1
    assert abs(z.mean()) < 0.02
    assert torch.equal(drawn, output)
    assert not drawn.requires_grad


def test_another_label_gives_another_window(fitted):
    zero = fitted.sample(torch.zeros(5, 10, dtype=torch.int64), seeded(0, 1, 2, 3, 4))
    one = fitted.sample(torch.ones(5, 10, dtype=torch.int64), seeded(0, 1, 2, 3, 4))
    assert ((zero - one).abs().amax(-1) > 0).all()


def test_generators_are_copies_of_plain_tensors(fitted):
    first, again = fitted.generators(), fitted.generators()
    assert len(first) == 5
    for value in first[2].values():
        assert type(value) is torch.Tensor
        assert not value.requires_grad
        value.zero_()
    assert all(value.any() for value in again[2].values())
    assert all(value.any() for value in fitted.generators()[2].values())


def test_identity_is_plain_and_holds_every_setting():
    augmenter = make(CBEGAN, hidden=OmegaConf.create([30, 40]), gamma=0.5, plateau_window=7)
    identity = augmenter.identity()
    assert json.loads(json.dumps(identity)) == identity
    assert identity["gan"] == "cbegan"
    assert identity["hidden"] == [30, 40]
    assert (identity["iterations"], identity["batch_size"], identity["gamma"]) == (10, 128, 0.5)
    assert (identity["plateau_window"], identity["plateau_tolerance"]) == (7, 0.01)
    assert "name" not in identity, "what the scores call it changes no number"
    assert make(CBEGAN, hidden=(30, 40)).identity() == make(CBEGAN, hidden=[30, 40]).identity()


def test_a_model_trained_on_separated_classes_draws_them_apart(windows):
    """A generator that looked away from its label could not."""
    y = torch.arange(60).expand(2, 60) % 2
    x = y[..., None].float().expand(2, 60, 3) + 0.05 * torch.randn(2, 60, 3, generator=torch.Generator().manual_seed(0))
    settings = {"iterations": 400, "learning_rate": 3e-3, "hidden": 20, "batch_size": 32, "noise_features": 4}
    augmenter = GANAugmenter(CBEGAN, name="gan", **settings).fit(unpadded(x, y))
    drawn = augmenter.sample(torch.arange(200).expand(2, 200) % 2, torch.Generator().manual_seed(0))
    for m in range(2):
        assert drawn[m, 0::2].mean().item() == pytest.approx(0, abs=0.25)
        assert drawn[m, 1::2].mean().item() == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize("gan", [CBEGAN, Diffusion])
def test_axes_are_found_and_windows_drawn_on_one_thread(gan, monkeypatch):
    found = {"svd": [], "generate": []}

    def note(owner, name):
        function = getattr(owner, name)

        def noted(*arguments, **settings):
            found[name].append(torch.get_num_threads())
            return function(*arguments, **settings)

        monkeypatch.setattr(owner, name, noted)

    note(torch.linalg, "svd")
    note(gan, "generate")
    torch.set_num_threads(2)
    x = np.random.default_rng(0).random((30, 5)).astype(np.float32)
    augmenter = make(gan, iterations=1).fit([TrainingSet.scaled(x, np.arange(30) % 3)], [0])
    found["generate"].clear()  # those of detectors in training
    augmenter.sample(labels(1, 4), torch.Generator())
    assert set(found["svd"]) == ({1} if gan is Diffusion else set())
    assert found["generate"] == [1]
    assert torch.get_num_threads() == 2
