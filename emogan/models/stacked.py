"""Stacked layers: M independent networks of one shape, evaluated by one batched matrix product per layer.

A member's numbers are the same bits whichever members stand beside it. Two things see to that: vectorised kernels
treat the last few elements of a tensor apart, so each member's parameters fill whole vectors (`LANES`); and a matrix
product with a single column may go to another routine for M = 1, so it is written as a sum.
"""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot, pad

LANES = 16  # float32 numbers in the widest vector register in use (AVX-512)


class StackedLinear(nn.Module):
    """M independent affine maps: output[m] = x[m] @ weight[m] + bias[m], (M, N, inputs) -> (M, N, outputs).

    The parameters are one tensor (M, P): each row holds a member's weight (inputs x outputs), its bias (outputs) and
    zeros up to a multiple of `LANES`.
    """

    def __init__(self, members: int, inputs: int, outputs: int):
        super().__init__()
        self.inputs, self.outputs = inputs, outputs
        used = inputs * outputs + outputs
        self.sizes = [inputs * outputs, outputs, -used % LANES]
        self.packed = nn.Parameter(torch.zeros(members, sum(self.sizes)))

    def weight_and_bias(self) -> tuple[Tensor, Tensor]:
        """Views (M, inputs, outputs) and (M, 1, outputs) of the parameters."""
        weight, bias, _ = self.packed.split(self.sizes, dim=1)
        return weight.unflatten(1, (self.inputs, self.outputs)), bias.unsqueeze(1)

    @torch.no_grad()
    def initialise(self, generators: Sequence[torch.Generator]) -> None:
        """Draw each member's weights from its own generator: U(-b, b), b = 1 / sqrt(inputs), as torch.nn.Linear."""
        for member, generator in zip(self.packed, generators, strict=True):
            uniform = torch.rand(sum(self.sizes[:2]), generator=generator)
            member[: len(uniform)] = (2 * uniform - 1) * self.inputs**-0.5

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.weight_and_bias()
        if self.outputs == 1:
            return (x * weight.transpose(1, 2)).sum(-1, keepdim=True) + bias
        return torch.baddbmm(bias, x, weight)


class StackedMLP(nn.Sequential):
    """Stacked linear layers of the given widths with ReLU between them (none after the last)."""

    def __init__(self, members: int, widths: Sequence[int]):
        layers: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise(widths):
            layers += [StackedLinear(members, inputs, outputs), nn.ReLU()]
        super().__init__(*layers[:-1])


def with_label(x: Tensor, y: Tensor, n_classes: int) -> Tensor:
    """Append the one-hot label: (M, N, F) and (M, N) -> (M, N, F + K)."""
    return torch.cat([x, one_hot(y, n_classes).to(x.dtype)], dim=-1)


def softplus(x: Tensor) -> Tensor:
    """log(1 + exp(x)) of (M, N), with whole vectors for every member."""
    n = x.shape[-1]
    return nn.functional.softplus(pad(x, (0, -n % LANES)))[..., :n]
