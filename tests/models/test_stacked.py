"""Stacked layers against torch.nn.Linear, the draw of their weights, and the bits of a member in any company."""

import pytest
import torch
from torch import nn

from emogan.models import CBEGAN, CGAN, CVAE, CWGAN, Diffusion, RecurrentCBEGAN
from emogan.models.stacked import LANES, NARROW, StackedLinear, StackedMLP, with_label

WIDTHS = [(1, 1), (1, 5), (3, 40), (9, 1), (33, 53), (40, 3), (50, 1), (100, 64)]


def seeded(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


@pytest.mark.parametrize("rows", [1, 40])
@pytest.mark.parametrize(("inputs", "outputs"), WIDTHS)
def test_a_stacked_layer_is_a_linear_layer_per_member_with_its_gradients(inputs, outputs, rows):
    layer = StackedLinear(3, inputs, outputs)
    layer.initialise(seeded(1, 2, 3))
    layer.double()
    x = torch.rand(3, rows, inputs, dtype=torch.float64, requires_grad=True)
    slope = torch.rand(3, rows, outputs, dtype=torch.float64)
    output = layer(x)
    assert output.shape == (3, rows, outputs)
    (output * slope).sum().backward()
    weight, bias = layer.weight_and_bias()
    for m in range(3):
        alone = nn.Linear(inputs, outputs).double()
        alone.weight.data, alone.bias.data = weight[m].T.detach().clone(), bias[m, 0].detach().clone()
        given = x[m].detach().clone().requires_grad_()
        expected = alone(given)
        torch.testing.assert_close(output[m], expected, rtol=0, atol=1e-12)
        (expected * slope[m]).sum().backward()
        torch.testing.assert_close(x.grad[m], given.grad, rtol=0, atol=1e-12)
        gradient = layer.packed.grad[m]
        assert gradient.abs().sum().item() == pytest.approx(
            alone.weight.grad.abs().sum().item() + alone.bias.grad.abs().sum().item()
        )


@pytest.mark.parametrize(("inputs", "outputs"), WIDTHS)
def test_weights_are_uniform_as_those_of_torch_and_the_rest_is_zero(inputs, outputs):
    layer = StackedLinear(2, inputs, outputs)
    layer.initialise(seeded(1, 2))
    weight, bias = layer.weight_and_bias()
    assert weight.shape == (2, inputs, outputs)
    assert bias.shape == (2, 1, outputs)
    values = torch.cat([weight.flatten(1), bias.flatten(1)], dim=1)
    bound = inputs**-0.5
    assert (values.abs() <= bound).all()
    assert not torch.equal(values[0], values[1])
    if values.shape[1] > 1000:
        assert values.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)
        assert values.mean().item() == pytest.approx(0, abs=0.05 * bound)
    assert layer.packed.abs().double().sum().item() == pytest.approx(values.abs().double().sum().item(), rel=1e-12)


@pytest.mark.parametrize("gan", [CBEGAN, CWGAN, CGAN, CVAE, Diffusion, RecurrentCBEGAN])
def test_what_widens_a_narrow_layer_remains_zero_in_training(gan, built, batches):
    model = built(gan, hidden=[5, 33])
    for batch in batches(model, 10):
        model.iterate(batch)
    layers = [layer for layer in model.modules() if isinstance(layer, StackedLinear)]
    assert any(layer.packed.shape[1] > (layer.inputs + 1) * layer.outputs for layer in layers)
    for layer in layers:
        used = sum(part.abs().sum().item() for part in layer.weight_and_bias())
        assert layer.packed.abs().sum().item() == pytest.approx(used, rel=1e-12)


def test_a_members_weights_depend_on_its_own_seed_alone():
    drawn = {}
    for seeds in ((1, 2, 3), (2,), (3, 1)):
        model = CBEGAN(9, 3, len(seeds), seeds=seeds, hidden=20)
        for m, seed in enumerate(seeds):
            state = torch.cat([value[m].flatten() for value in model.state_dict().values()])
            assert torch.equal(drawn.setdefault(seed, state), state)
    assert len({tuple(state.tolist()) for state in drawn.values()}) == 3


def test_too_few_seeds_are_refused():
    with pytest.raises(ValueError, match="expected one seed for each of 3 members, got 2"):
        CBEGAN(9, 3, 3, seeds=[1, 2])


def test_relu_stands_between_the_layers_and_not_behind_the_last():
    mlp = StackedMLP(2, [4, 3, 6, 5])
    assert [type(layer).__name__ for layer in mlp] == [
        "StackedLinear",
        "ReLU",
        "StackedLinear",
        "ReLU",
        "StackedLinear",
    ]


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("inputs", [1, 4, 6])
def test_inputs_of_another_width_are_refused(inputs, outputs):
    layer = StackedLinear(2, 5, outputs)
    with pytest.raises(ValueError, match=f"expected 5 inputs, got {inputs}"):
        layer(torch.zeros(2, 3, inputs))


def test_the_label_is_appended_as_one_hot():
    x, y = torch.rand(2, 3, 4), torch.tensor([[0, 1, 2], [2, 2, 0]])
    joined = with_label(x, y, 3)
    assert torch.equal(joined[..., :4], x)
    assert torch.equal(joined[..., 4:], torch.eye(3)[y])


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("rows", [1, 7, 50, 128])
@pytest.mark.parametrize(("inputs", "outputs"), [(3, 40), (33, 53), (50, 1), (100, 64), (6, 6), (17, 12), (103, 33)])
def test_a_members_output_and_gradients_are_the_same_bits_in_any_company(inputs, outputs, rows, threads):
    """Including narrow layers, whose products MKL adds up in an order that depends on M and on alignment."""
    torch.set_num_threads(threads)
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(5, rows, inputs, generator=generator)
    slope = torch.rand(5, rows, outputs, generator=generator) - 0.5

    def results(members):
        layer = StackedLinear(len(members), inputs, outputs)
        layer.initialise(seeded(*members))
        given = x[members].requires_grad_()
        output = layer(given)
        gradients = torch.autograd.grad((output * slope[members]).sum(), [given, layer.packed])
        return output, *gradients

    together = results([0, 1, 2, 3, 4])
    for members in ([0], [3], [4], [1, 2], [2, 3, 4], [4, 0, 1]):
        for whole, apart in zip(together, results(members), strict=True):
            assert torch.equal(whole[members], apart)


def test_narrow_layers_fill_whole_vectors():
    assert NARROW % LANES == 0
    for inputs, outputs in WIDTHS:
        assert StackedLinear(2, inputs, outputs).packed.shape[1] % LANES == 0
