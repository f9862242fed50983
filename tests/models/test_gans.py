"""Stacked GANs against hand-made references."""

import pytest
import torch
from torch import nn

from emogan.augmenters import GANAugmenter, balanced_labels
from emogan.data.datamodule import MemberBatches
from emogan.models import CBEGAN, CGAN, CWGAN
from emogan.models.architecture import hidden_widths

GANS = (CBEGAN, CWGAN, CGAN)


def windows(members=5, n=60, features=33):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(members, n, features, generator=generator)
    y = torch.randint(3, (members, n), generator=generator)
    return x, y, torch.tensor([n - 2 * m for m in range(members)])


def with_plain_optimisers(gan):
    """The model outside of a Lightning trainer."""
    optimizers = gan.configure_optimizers()
    gan.optimizers = lambda: optimizers
    gan.manual_backward = lambda loss: loss.backward()
    return gan


@pytest.mark.parametrize("gan", GANS)
def test_stacked_members_equal_members_one_by_one_in_float64(gan):
    x, y, n = windows()

    def train(members):
        model = with_plain_optimisers(gan(len(members), 33, 3, hidden=20))
        model.initialise(members)
        batches = MemberBatches(
            x[members],
            y[members],
            n[members],
            members,
            batch_size=16,
            iterations=50,
            draws=model.draws,
            noise_features=100,
        )
        model.double()
        for i in range(50):
            model.iterate(batches.draw(i)._replace(**{k: getattr(batches.draw(i), k).double() for k in "xzu"}))
        return model.state_dict()

    together = train(list(range(5)))
    for m in range(5):
        for name, value in train([m]).items():
            torch.testing.assert_close(together[name][m], value[0], rtol=0, atol=1e-10)


@pytest.mark.parametrize("batch_size", [50, 128])
@pytest.mark.parametrize("gan", GANS)
def test_the_grouping_of_members_changes_no_bit(gan, batch_size):
    x, y, n = windows()

    def fit(members):
        augmenter = GANAugmenter(gan, name="a", iterations=12, batch_size=batch_size, hidden=[53, 31])
        return augmenter.fit(x[members], y[members], n[members], members, classes=3)

    together = fit([0, 1, 2, 3, 4])
    labels = torch.from_numpy(balanced_labels(600, 3)).expand(5, 600)
    drawn = together.sample(labels, [torch.Generator().manual_seed(m) for m in range(5)])
    for group in ([0], [1, 2], [3, 4]):
        apart = fit(group)
        for m, generator in zip(group, apart.generators(), strict=True):
            assert all(torch.equal(value, together.generators()[m][name]) for name, value in generator.items())
        few = apart.sample(labels[group, :50], [torch.Generator().manual_seed(m) for m in group])
        assert torch.equal(few, drawn[group, :50])


def plain(model, member):
    """The member's auto-encoder of one hidden layer each side as torch.nn.Linear layers."""
    layers = []
    for stacked in (*model.discriminator.encoder, *model.discriminator.decoder):
        if isinstance(stacked, nn.ReLU):
            continue
        weight, bias = stacked.weight_and_bias()
        layer = nn.Linear(stacked.inputs, stacked.outputs)
        layer.weight.data, layer.bias.data = weight[member].T.detach().clone(), bias[member, 0].detach().clone()
        layers.append(layer)
    return layers


def reconstruct(layers, x, y):
    label = nn.functional.one_hot(y, 3).float()
    half = len(layers) // 2
    for layer in layers[:half]:
        x = layer(torch.cat([x, label], 1) if layer is layers[0] else x).relu()
    for i, layer in enumerate(layers[half:]):
        x = layer(torch.cat([x, label], 1) if i == 0 else x)
        x = x.relu() if i < half - 1 else x
    return x


@pytest.mark.parametrize(("eta", "reduction"), [(1, "mean"), (2, "mean"), (1, "sum")])
def test_k_and_m_global_follow_equations_9_and_10(eta, reduction):
    x, y, n = windows(2)
    gamma, lambda_k = 0.6, 0.5
    settings = {"hidden": 20, "gamma": gamma, "lambda_k": lambda_k, "eta": eta, "reduction": reduction}
    model = with_plain_optimisers(CBEGAN(2, 33, 3, **settings))
    model.initialise([7, 8])
    batches = MemberBatches(x, y, n, [7, 8], batch_size=16, iterations=5, draws=1, noise_features=100)
    k = [0.0, 0.0]
    assert model.k.tolist() == k
    for i in range(5):
        batch = batches.draw(i)
        expected = []
        for m in range(2):
            with torch.no_grad():
                fake = model.generate(batch.z[0], batch.y[0])[m]
                losses = []
                for window in (batch.x[0, m], fake):
                    error = (window - reconstruct(plain(model, m), window, batch.y[0, m])).abs() ** eta
                    losses.append(float(error.mean() if reduction == "mean" else error.sum(1).mean()))
            real, artificial = losses
            k[m] = min(max(k[m] + lambda_k * (gamma * real - artificial), 0.0), 1.0)
            expected.append([real + abs(gamma * real - artificial), k[m], real, artificial])
        measured = model.iterate(batch)
        torch.testing.assert_close(measured, torch.tensor(expected).T, rtol=1e-4, atol=1e-5)


def test_the_gradient_penalty_of_a_linear_critic_is_its_closed_form():
    model = CWGAN(2, 4, 3, hidden=5)
    weight = torch.tensor([[3.0, 4.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
    model.critic = lambda x, y: (x * weight[:, None]).sum(-1)
    x, y = torch.rand(2, 6, 4), torch.zeros(2, 6, dtype=torch.int64)
    penalty = model.gradient_penalty(x, torch.rand(2, 6, 4), y, torch.rand(2, 6, 1))
    torch.testing.assert_close(penalty, torch.tensor([16.0, 0.0]))


def test_clipping_bounds_the_critic():
    x, y, n = windows(2)
    model = with_plain_optimisers(CWGAN(2, 33, 3, hidden=20, clip=0.01))
    model.initialise([0, 1])
    batches = MemberBatches(x, y, n, [0, 1], batch_size=16, iterations=1, draws=model.draws, noise_features=100)
    model.iterate(batches.draw(0))
    assert max(p.detach().abs().max().item() for p in model.discriminator.parameters()) <= 0.01


def test_batches_never_draw_padding_and_noise_lies_in_minus_one_to_one():
    x, y, _ = windows(2)
    x[0, 5:] = torch.nan
    batches = MemberBatches(x, y, torch.tensor([5, 60]), [0, 1], batch_size=64, iterations=1, draws=3, noise_features=9)
    batch = batches.draw(0)
    assert batch.x.isfinite().all()
    assert batch.z.min() < -0.9
    assert batch.z.abs().max() <= 1


@pytest.mark.parametrize("seed", range(30))
def test_drawn_architectures_stay_in_the_papers_ranges(seed):
    for widths in hidden_widths(9, 9, seed):
        assert 2 <= len(widths) <= 4
        assert all(50 <= width <= 600 for width in widths)


@pytest.mark.parametrize(
    ("gan", "setting"),
    [
        (CBEGAN, {"gamma": 2}), (CBEGAN, {"lambda_k": -1}), (CBEGAN, {"eta": 3}), (CBEGAN, {"reduction": "max"}),
        (CBEGAN, {"layers": 7}), (CBEGAN, {"hidden": 0}), (CBEGAN, {"hidden": [5, 5, 5]}), (CBEGAN, {"learning_rate": 0}),
        (CWGAN, {"penalty": -1}), (CWGAN, {"clip": 0}), (CWGAN, {"critic_steps": 0}), (CGAN, {"noise_features": 0}),
        (CGAN, {"iterations": 0}), (CGAN, {"batch_size": -1}),
    ],
)  # fmt: skip
def test_impossible_settings_are_refused_by_name(gan, setting):
    with pytest.raises(ValueError, match=f"model.{next(iter(setting))}: expected"):
        GANAugmenter(gan, name="a", **{"iterations": 1, **setting})


def test_a_member_on_a_plateau_keeps_its_weights_and_says_so():
    x, y, n = windows(2)
    augmenter = GANAugmenter(CBEGAN, name="a", iterations=40, plateau_window=5, plateau_tolerance=1.0, hidden=20)
    augmenter.fit(x, y, n)
    assert augmenter.history.stopped == [10, 10]
    assert augmenter.history.reasons()[0] == "iteration 10: plateau of the convergence measure"
    short = GANAugmenter(CBEGAN, name="a", iterations=10, hidden=20).fit(x, y, n)
    assert all(torch.equal(a, b) for a, b in zip(
        augmenter.model.state_dict().values(), short.model.state_dict().values(), strict=True
    ))  # fmt: skip
