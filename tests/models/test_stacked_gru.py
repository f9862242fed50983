"""Stacked GRUs against torch.nn.GRU, and the bits of a member in any company."""

import pytest
import torch
from torch import nn

from emogan.models import StackedGRU

SIZES = [(1, 1), (5, 7), (12, 40), (37, 100)]


def built(members, inputs, nodes):
    gru = StackedGRU(len(members), inputs, nodes)
    for layer in (gru.input, gru.state):
        layer.initialise([torch.Generator().manual_seed(seed) for seed in members])
    return gru


@pytest.mark.parametrize(("inputs", "nodes"), SIZES)
def test_a_stacked_gru_is_a_gru_per_member_with_its_gradients(inputs, nodes):
    gru, generator = built([1, 2, 3], inputs, nodes).double(), torch.Generator().manual_seed(0)
    x, slope = (torch.rand(3, 6, 4, size, dtype=torch.float64, generator=generator) for size in (inputs, nodes))
    h = torch.rand(3, 4, nodes, dtype=torch.float64, generator=generator, requires_grad=True)
    x.requires_grad_()
    states = gru(x, h)
    (states * slope).sum().backward()
    for m in range(3):
        alone = nn.GRU(inputs, nodes).double()
        for layer, kind in ((gru.input, "ih"), (gru.state, "hh")):
            weight, bias = layer.weight_and_bias()
            getattr(alone, f"weight_{kind}_l0").data = weight[m].T.detach().clone()
            getattr(alone, f"bias_{kind}_l0").data = bias[m, 0].detach().clone()
        given, before = x[m].detach().clone().requires_grad_(), h[m : m + 1].detach().clone().requires_grad_()
        expected, _ = alone(given, before)
        torch.testing.assert_close(states[m], expected, rtol=0, atol=1e-12)
        (expected * slope[m]).sum().backward()
        torch.testing.assert_close(x.grad[m], given.grad, rtol=0, atol=1e-12)
        torch.testing.assert_close(h.grad[m], before.grad[0], rtol=0, atol=1e-12)
        own = sum(parameter.grad.abs().sum() for parameter in alone.parameters())
        stacked = sum(layer.packed.grad[m].abs().sum() for layer in (gru.input, gru.state))
        torch.testing.assert_close(stacked, own, rtol=1e-12, atol=0)


@pytest.mark.parametrize("rows", [1, 7, 32])
@pytest.mark.parametrize(("inputs", "nodes"), SIZES)
def test_a_members_states_and_gradients_are_the_same_bits_in_any_company(inputs, nodes, rows):
    generator = torch.Generator().manual_seed(0)
    x, slope = (torch.rand(5, 6, rows, size, generator=generator) - 0.5 for size in (inputs, nodes))

    def results(members):
        gru, given = built(members, inputs, nodes), x[members].requires_grad_()
        states = gru(given, torch.zeros(len(members), rows, nodes))
        gradients = torch.autograd.grad(
            (states * slope[members]).sum(), [given, gru.input.packed, gru.state.packed]
        )  # fmt: skip
        return states, *gradients

    together = results([0, 1, 2, 3, 4])
    for members in ([0], [4], [1, 2], [4, 0, 1]):
        for whole, apart in zip(together, results(members), strict=True):
            assert torch.equal(whole[members], apart)
