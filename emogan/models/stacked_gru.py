"""StackedGRU: M independent gated recurrent units of one shape (Cho et al. 2014)."""

import torch
from torch import Tensor, nn

from emogan.models.stacked import StackedLinear, in_whole_vectors


class StackedGRU(nn.Module):
    """M independent GRUs, as torch.nn.GRU with one layer, whose state h of H nodes is moved by inputs x.

    With the gates r = s(W_r x + U_r h) and u = s(W_u x + U_u h), s the logistic function,

        n = tanh(W_n x + r * (U_n h)),  h' = (1 - u) n + u h

    (Cho et al. 2014, equations 5 to 8, with the reset gate behind the product as in torch.nn.GRU; each product has a
    bias).

    Parameters
    ----------
    members, inputs, nodes
        Numbers M of GRUs, of inputs, and H of nodes.
    """

    def __init__(self, members: int, inputs: int, nodes: int):
        super().__init__()
        self.nodes = nodes
        # r, u and n beside one another, as torch.nn.GRU has them
        self.input = StackedLinear(members, inputs, 3 * nodes)
        self.state = StackedLinear(members, nodes, 3 * nodes)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        """Inputs (M, T, N, inputs) of T steps and the state before them (M, N, H) -> the states (M, T, N, H)."""
        given, states = self.input(x.flatten(1, 2)).unflatten(1, x.shape[1:3]), []
        for own in given.unbind(1):
            old, gates = self.state(h), 2 * self.nodes
            r, u = in_whole_vectors(torch.sigmoid, own[..., :gates] + old[..., :gates]).chunk(2, dim=-1)
            n = in_whole_vectors(torch.tanh, own[..., gates:] + r * old[..., gates:])
            h = n + u * (h - n)
            states.append(h)
        return torch.stack(states, dim=1)
