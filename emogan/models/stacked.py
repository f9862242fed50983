"""Stacked layers: M independent networks of one shape, evaluated by one batched matrix product per layer.

A member's numbers are the same bits whichever members stand beside it. Three things see to that: vectorised kernels
treat the last few elements of a tensor apart, so each member's parameters fill whole vectors (`LANES`); narrow matrix
products go to routines that add in an order which depends on M and on where a member lies in memory, so they are
widened by zeros (`NARROW`); and a product with a single column is written as a sum.
"""

import itertools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot, pad

LANES = 32  # float32 numbers in two of the widest vector registers in use (AVX-512): PyTorch's loops take two at a time
NARROW = 32  # rows, inputs and outputs of a product are at least this many; MKL 2024.2 shows M's trace up to 16


class StackedLinear(nn.Module):
    """M independent affine maps: output[m] = x[m] @ weight[m] + bias[m], (M, N, inputs) -> (M, N, outputs).

    The parameters are one tensor (M, P): each row holds a member's weight, its bias and zeros up to a multiple of
    `LANES`. Narrow weights and biases are widened by zeros too, which meet zeros only and therefore remain zero.

    Parameters
    ----------
    members, inputs, outputs
        Numbers M of maps, and of features before and behind each.
    """

    def __init__(self, members: int, inputs: int, outputs: int):
        super().__init__()
        self.inputs, self.outputs = inputs, outputs
        self.wide = max(inputs, NARROW), outputs if outputs == 1 else max(outputs, NARROW)
        used = (self.wide[0] + 1) * self.wide[1]
        self.sizes = [self.wide[0] * self.wide[1], self.wide[1], -used % LANES]
        self.packed = nn.Parameter(torch.zeros(members, sum(self.sizes)))

    def extra_repr(self) -> str:
        return f"members={len(self.packed)}, inputs={self.inputs}, outputs={self.outputs}"

    def widened(self) -> tuple[Tensor, Tensor]:
        """Views of the parameters, weight and bias, with the zeros that widen them."""
        weight, bias, _ = self.packed.split(self.sizes, dim=1)
        return weight.unflatten(1, self.wide), bias.unsqueeze(1)

    def weight_and_bias(self) -> tuple[Tensor, Tensor]:
        """Views (M, inputs, outputs) and (M, 1, outputs) of the parameters."""
        weight, bias = self.widened()
        return weight[:, : self.inputs, : self.outputs], bias[..., : self.outputs]

    @torch.no_grad()
    def initialise(self, generators: Sequence[torch.Generator]) -> None:
        """Draw each member's weights from its own generator: U(-b, b), b = 1 / sqrt(inputs), as torch.nn.Linear."""
        for weight, bias, generator in zip(*self.weight_and_bias(), generators, strict=True):
            uniform = torch.rand((self.inputs + 1, self.outputs), generator=generator, device="cpu")
            uniform = (2 * uniform - 1) * self.inputs**-0.5
            weight.copy_(uniform[:-1])
            bias.copy_(uniform[-1:])

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1] != self.inputs:  # what follows would widen it by zeros, or cut it
            raise ValueError(f"expected {self.inputs} inputs, got {x.shape[-1]}")
        if self.outputs == 1:
            weight, bias = self.weight_and_bias()
            return (x * weight.transpose(1, 2)).sum(-1, keepdim=True) + bias
        weight, bias = self.widened()
        return torch.baddbmm(bias, _widen(x, self.wide[0]), weight)[:, : x.shape[1], : self.outputs]

    def backward_product(self, slope: Tensor) -> Tensor:
        """slope[m] @ weight[m].T, (M, N, outputs) -> (M, N, inputs): a gradient's way back through the layer."""
        weight, _ = self.widened()
        product = torch.bmm(_widen(slope, self.wide[1]), weight.transpose(1, 2))
        return product[:, : slope.shape[1], : self.inputs]


def _widen(x: Tensor, columns: int) -> Tensor:
    """(M, N, F) with zeros up to a number of columns and to `NARROW` rows."""
    missing = columns - x.shape[2], max(0, NARROW - x.shape[1])
    return pad(x, (0, missing[0], 0, missing[1])) if any(missing) else x


class StackedMLP(nn.Sequential):
    """Stacked linear layers of the given widths with ReLU between them (none after the last).

    Parameters
    ----------
    members
        Number M of networks.
    widths
        Number of inputs, of nodes in each hidden layer, and of outputs.
    """

    def __init__(self, members: int, widths: Sequence[int]):
        layers: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise(widths):
            layers += [StackedLinear(members, inputs, outputs), nn.ReLU()]
        super().__init__(*layers[:-1])


@torch.no_grad()
def follow(average: nn.Module, latest: nn.Module, decay: float) -> None:
    """Move averaged weights towards the latest ones: to decay * average + (1 - decay) * latest."""
    for averaged, new in zip(average.parameters(), latest.parameters(), strict=True):
        averaged.lerp_(new, 1 - decay)


def input_gradient(network: StackedMLP, x: Tensor) -> Tensor:
    """Gradient of a single-output network's output with respect to its inputs x: (M, N, inputs) -> (M, N, inputs).

    It can be differentiated with respect to the weights. ReLU has no curvature, so the forward pass tells only which
    units are on; autograd would send zeros back through it, a fifth of a critic's arithmetic.
    """
    *hidden, last = (layer for layer in network if isinstance(layer, StackedLinear))
    on = []
    with torch.no_grad():
        for layer in hidden:
            x = layer(x).relu_()
            on.append(x > 0)
    slope = last.weight_and_bias()[0].transpose(1, 2).expand(-1, x.shape[1], -1)
    for layer, passed in zip(reversed(hidden), reversed(on), strict=True):
        slope = layer.backward_product(slope * passed)
    return slope


def with_label(x: Tensor, y: Tensor, n_classes: int) -> Tensor:
    """Append the one-hot label: (M, N, F) and (M, N) -> (M, N, F + K)."""
    return torch.cat([x, one_hot(y, n_classes).to(x.dtype)], dim=-1)


def in_whole_vectors(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """function(x), element by element, of (M, ...), with whole vectors for every member."""
    flat = x.flatten(1)
    missing = -flat.shape[1] % LANES
    return function(pad(flat, (0, missing)) if missing else flat)[:, : flat.shape[1]].unflatten(1, x.shape[1:])


def softplus(x: Tensor) -> Tensor:
    """log(1 + exp(x)) of (M, N), with whole vectors for every member."""
    return in_whole_vectors(nn.functional.softplus, x)


def class_sums(x: Tensor, mask: Tensor) -> Tensor:
    """Sums over the windows of each class: (M, N, P) and the one-hot labels (M, N, K) -> (M, K, P)."""
    classes, features = mask.shape[-1], x.shape[-1]
    mask = pad(mask, (0, max(0, NARROW - classes)))
    return (mask.transpose(1, 2) @ pad(x, (0, max(0, NARROW - features))))[:, :classes, :features]


def of_class(values: Tensor, mask: Tensor) -> Tensor:
    """What each class has, given to its windows: (M, K, P) and the one-hot labels (M, N, K) -> (M, N, P).

    It is a product, as the gradient of an indexed read is summed in no fixed order on a GPU.
    """
    classes, features = values.shape[1:]
    missing = max(0, NARROW - classes)
    return (pad(mask, (0, missing)) @ pad(values, (0, max(0, NARROW - features), 0, missing)))[..., :features]
