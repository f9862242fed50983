"""Neural networks as classifiers: those of all fits, lengths and values of the parameter are trained side by side."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

import numpy as np
import torch
from torch import Tensor, nn

from emogan.checks import NOT_EMPTY, BelowOne, PositiveInt, Rule
from emogan.data.sequences import padded
from emogan.evaluation.classifiers import FitData
from emogan.evaluation.svm import Predictions
from emogan.evaluation.validation import Network, Standardised
from emogan.models.stacked import LANES, StackedLinear, StackedMLP
from emogan.models.stacked_gru import StackedGRU

WholeVectors = Annotated[int, Rule(f"(a multiple of {LANES})", lambda value: value > 0 and value % LANES == 0)]
Drop = Callable[[int, int], Tensor]  # rows and nodes: what the nodes of each row are multiplied by, for all members


class StackedNetwork(Network):
    """Networks that are trained at once, stacked, and each as if it were alone, see `Network`.

    They start with the same weights and have the same random numbers, which come from the seed.

    Parameters
    ----------
    dropout
        Share of the hidden nodes that an update leaves out.
    batch_size
        Windows of each update, or stretches of trials; a multiple of 32 where networks are stacked.
    **settings
        Those of the class that it derives from.
    """

    at_once = 8
    reads_trials = False  # or window by window
    stretch = 1  # windows in turn of a trial that are read at once

    def __init__(self, dropout: BelowOne, batch_size: WholeVectors, **settings):
        super().__init__(batch_size=batch_size, **settings)
        self.dropout = dropout

    @abstractmethod
    def network(self, members: int, features: int, classes: int) -> nn.Module:
        """Networks with `initialise`: (x (M, B, L, F), state, drop) gives logits (M, B, L, K) and the next state."""

    def paths(self, data):
        return self.paths_of_several([data])[0]

    def paths_of_several(self, several):
        found: list[list[Predictions]] = [[] for _ in several]
        shapes = [(data.x.shape[1], int(data.y.max()) + 1) for data in several]
        for shape in dict.fromkeys(shapes):  # of a job's fits it is one
            alike = [i for i, own in enumerate(shapes) if own == shape]
            for i, paths in zip(alike, self._paths([several[i] for i in alike], *shape), strict=True):
                found[i] = paths
        return found

    def _paths(self, several: Sequence[FitData], features: int, classes: int) -> list[list[Predictions]]:
        parts = [Standardised.of(data, self.validation, self.seed) for data in several]
        network = self._train(several, parts, features, classes)
        rows = [self._sequences(data.trial_held_out) for data in several]
        of = _member_of(several, len(self.values))
        classes_of = self._decide(network, padded([part.x_held_out for part in parts]), of, self._index(rows)).numpy()
        found, member = [], 0
        for i, data in enumerate(several):
            labels = np.empty((len(data.lengths) * len(self.values), len(data.x_held_out)), dtype=np.int64)
            for s, windows in enumerate(rows[i]):
                labels[:, windows] = classes_of[member : member + len(labels), s, None]
            found.append([Predictions(own) for own in labels.reshape(len(data.lengths), len(self.values), -1)])
            member += len(labels)
        return found

    def _train(self, several: Sequence[FitData], parts: Sequence[Standardised], features: int, classes: int):
        """Networks of all members, with the weights that were best."""
        pools = [
            pool
            for data, part in zip(several, parts, strict=True) for n in data.lengths
            for pool in [self._sequences(data.trial, np.flatnonzero(~part.validates[:n]))] * len(self.values)
        ]  # fmt: skip
        batches = _Batches(several, parts, pools, len(self.values))
        validating = [
            self._sequences(data.trial, np.flatnonzero(part.validates))
            for data, part in zip(several, parts, strict=True)
        ]
        index = self._index(validating)
        decay = torch.tensor([v for data in several for _ in data.lengths for v in self.values])
        members, can_validate = torch.arange(len(pools)), torch.tensor([bool(rows) for rows in validating])[batches.of]
        network = self.network(len(pools), features, classes)
        network.initialise([torch.Generator().manual_seed(self.seed) for _ in pools])
        weights = list(network.parameters())
        optimizer = torch.optim.Adam(weights, self.learning_rate)
        best = [weight.detach().clone() for weight in weights]
        lowest, waited = torch.full([len(pools)], torch.inf), torch.zeros(len(pools), dtype=torch.int64)
        generator = torch.Generator().manual_seed(self.seed)
        for update in range(1, self.max_updates + 1):
            self._update(network, optimizer, batches, members, decay[members], generator)
            if update % self.check_every:
                continue
            loss = self._loss(network, batches, batches.of[members], index)
            loss = torch.where(can_validate[members], loss, -float(update))
            better = loss < lowest[members]
            for kept, weight in zip(best, weights, strict=True):
                kept[members[better]] = weight.detach()[better]
            lowest[members] = torch.minimum(loss, lowest[members])
            waited[members] = torch.where(better, 0, waited[members] + 1)
            waits = waited[members] < self.patience
            going = torch.where(can_validate[members], waits, update < self.updates_without_validation)
            if not going.all():
                members = members[going]
                _keep(optimizer, going)
            if not len(members):
                break
        for kept, weight in zip(best, weights, strict=True):
            weight.data = kept
        return network

    def _update(self, network, optimizer, batches: "_Batches", members: Tensor, decay: Tensor, generator) -> None:
        start = torch.rand(self.batch_size, dtype=torch.float64, generator=generator)
        x, y, there = batches.draw(members, start, self.stretch)
        logits, _ = network(x, None, self._drop(generator))
        loss = (_cross_entropy(logits, y) * there).flatten(1).sum(1) / there.flatten(1).sum(1)
        optimizer.zero_grad()
        loss.sum().backward()
        with torch.no_grad():
            for weight in network.parameters():
                weight.mul_(1 - self.learning_rate * decay[:, None])
        optimizer.step()

    def _drop(self, generator: torch.Generator) -> Drop:
        def drop(rows: int, nodes: int) -> Tensor:
            kept = torch.rand(rows, nodes, generator=generator) >= self.dropout
            return kept / (1 - self.dropout)

        return drop

    def _sequences(self, trial: np.ndarray, windows: np.ndarray | None = None) -> list[np.ndarray]:
        """Windows, all if not given, in the sequences that are read: trial by trial, or each of them alone."""
        windows = np.arange(len(trial)) if windows is None else windows
        if not self.reads_trials:
            return list(windows[:, None])
        in_turn = windows[np.argsort(trial[windows], kind="stable")]
        return np.split(in_turn, np.flatnonzero(np.diff(trial[in_turn])) + 1) if len(windows) else []

    def _index(self, rows: Sequence[Sequence[np.ndarray]]) -> Tensor:
        """The windows (fits, S, T) of the sequences of each fit, -1 where there is none.

        S and T are filled up to whole batches and stretches, so that every product has one shape: else the bits of a
        member would depend on the sizes of its neighbours.
        """
        longest = max((len(windows) for own in rows for windows in own), default=1)
        shape = -(-max(map(len, rows)) // self.batch_size) * self.batch_size, -(-longest // self.stretch) * self.stretch
        index = torch.full((len(rows), *shape), -1)
        for i, own in enumerate(rows):
            for s, windows in enumerate(own):
                index[i, s, : len(windows)] = torch.from_numpy(windows)
        return index

    @torch.no_grad()
    def _read(self, network, x: Tensor, of: Tensor, index: Tensor) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Of each batch of sequences and each stretch of it: its start, its windows (M, B, L) and logits."""
        for first in range(0, index.shape[1], self.batch_size):
            state = None
            for start in range(0, index.shape[2], self.stretch):
                windows = index[of, first : first + self.batch_size, start : start + self.stretch]
                logits, state = network(x[of[:, None, None], windows.clamp(min=0)], state)
                yield first, windows, logits

    def _loss(self, network, batches: "_Batches", of: Tensor, index: Tensor) -> Tensor:
        """Mean cross-entropy (M,) of the windows that validate."""
        total = torch.zeros(len(of))
        for _, windows, logits in self._read(network, batches.x, of, index):
            loss = _cross_entropy(logits, batches.y[of[:, None, None], windows.clamp(min=0)])
            total += (loss * (windows >= 0)).flatten(1).sum(1)
        return total / (index[of] >= 0).flatten(1).sum(1).clamp(min=1)

    def _decide(self, network, x: Tensor, of: Tensor, index: Tensor) -> Tensor:
        """The class (M, S) of each sequence: that with the highest mean log-probability over its windows."""
        totals: dict[int, Tensor] = {}
        for first, windows, logits in self._read(network, x, of, index):
            part = (logits.log_softmax(-1) * (windows >= 0)[..., None]).sum(2)
            totals[first] = totals.get(first, 0) + part
        return torch.cat(list(totals.values()), dim=1).argmax(-1)


class MLP(StackedNetwork):
    """Multi-layer perceptron that reads window by window, see `StackedNetwork`.

    Parameters
    ----------
    hidden
        Number of nodes of each hidden layer.
    **settings
        Those of the class that it derives from.
    """

    def __init__(self, hidden: Annotated[Sequence[PositiveInt], NOT_EMPTY], **settings):
        super().__init__(**settings)
        self.hidden = hidden

    def network(self, members, features, classes):
        return _Perceptron(members, [features, *self.hidden, classes])


class GRU(StackedNetwork):
    """Gated recurrent unit that reads the windows of a trial in their order, see `StackedNetwork`.

    It is causal, and has an opinion after every window; the trial's class, which all of its windows get, is that with
    the highest mean log-probability over the whole trial. It learns from stretches of trials, each from a random window
    on, every opinion being compared with the label of its window.

    Parameters
    ----------
    hidden
        Number of nodes, a multiple of 32.
    stretch
        Windows in turn that it learns from at once, at most.
    **settings
        Those of the class that it derives from.
    """

    reads_trials = True

    def __init__(self, hidden: WholeVectors, stretch: PositiveInt, **settings):
        super().__init__(**settings)
        self.hidden, self.stretch = hidden, stretch

    def network(self, members, features, classes):
        return _Recurrent(members, features, self.hidden, classes)


class _Perceptron(nn.Module):
    """M perceptrons for stretches of single windows."""

    def __init__(self, members: int, widths: Sequence[int]):
        super().__init__()
        self.layers = StackedMLP(members, widths)

    def initialise(self, generators: Sequence[torch.Generator]) -> None:
        for layer in self.layers:
            if isinstance(layer, StackedLinear):
                layer.initialise(generators)

    def forward(self, x: Tensor, state: None, drop: Drop | None = None) -> tuple[Tensor, None]:
        x = x.squeeze(2)
        for layer in self.layers:
            x = layer(x)
            if drop is not None and isinstance(layer, nn.ReLU):
                x = x * drop(*x.shape[1:])
        return x.unsqueeze(2), None


class _Recurrent(nn.Module):
    """M gated recurrent units with a linear layer behind."""

    def __init__(self, members: int, features: int, hidden: int, classes: int):
        super().__init__()
        self.gru = StackedGRU(members, features, hidden)
        self.head = StackedLinear(members, hidden, classes)

    def initialise(self, generators: Sequence[torch.Generator]) -> None:
        for layer in (self.gru.input, self.gru.state, self.head):
            layer.initialise(generators)

    def forward(self, x: Tensor, state: Tensor | None, drop: Drop | None = None) -> tuple[Tensor, Tensor]:
        members, batch = x.shape[:2]
        h = x.new_zeros(members, batch, self.gru.nodes) if state is None else state
        states = self.gru(x.transpose(1, 2), h)
        out = states.flatten(1, 2)
        if drop is not None:
            out = out * drop(*out.shape[1:])
        return self.head(out).unflatten(1, states.shape[1:3]).transpose(1, 2), states[:, -1].contiguous()


class _Batches:
    """The windows that each member learns from, ``pools`` of sequences, and random stretches of them."""

    def __init__(self, several: Sequence[FitData], parts: Sequence[Standardised], pools, values: int):
        self.x = padded([part.x for part in parts])
        self.y = padded([data.y for data in several])
        self.of = _member_of(several, values)
        self.windows = padded([np.concatenate(pool) for pool in pools])
        lengths = [np.array([len(windows) for windows in pool]) for pool in pools]
        self.ends = padded([np.repeat(np.cumsum(own), own) for own in lengths])  # of the sequence of each window
        self.sizes = torch.tensor([own.sum() for own in lengths])

    def draw(self, members: Tensor, start: Tensor, length: int) -> tuple[Tensor, Tensor, Tensor]:
        """Windows (M, B, L, F) from a random one on, given numbers (B,) in [0, 1); labels, and whether it is there."""
        first = (start * self.sizes[members, None]).long()
        positions, end = first[..., None] + torch.arange(length), self.ends[members[:, None], first][..., None]
        there = positions < end
        windows = self.windows[members[:, None, None], torch.where(there, positions, first[..., None])]
        of = self.of[members][:, None, None]
        return self.x[of, windows], self.y[of, windows], there


def _member_of(several: Sequence[FitData], values: int) -> Tensor:
    """The fit (M,) of each member: members are fits, in each of these lengths, and in each of these values."""
    return torch.arange(len(several)).repeat_interleave(torch.tensor([len(one.lengths) * values for one in several]))


def _cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """Of each window: (M, B, L, K) and (M, B, L) -> (M, B, L)."""
    return -logits.log_softmax(-1).gather(-1, y[..., None]).squeeze(-1)


def _keep(optimizer: torch.optim.Optimizer, kept: Tensor) -> None:
    """Let some members' weights, and what Adam knows of them, be all that there is."""
    for weight in optimizer.param_groups[0]["params"]:
        weight.data, weight.grad = weight.data[kept], None
        for name in ("exp_avg", "exp_avg_sq"):
            optimizer.state[weight][name] = optimizer.state[weight][name][kept]
