"""Recurrent: what makes a conditional GAN one of whole trials, windows that follow one another by a GRU."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from emogan.data.sequences import in_trials, trial_lengths, trial_numbers
from emogan.models.stacked import StackedLinear, StackedMLP, in_whole_vectors
from emogan.models.stacked_gru import StackedGRU
from emogan.models.trial_start import MOST
from emogan.wording import words

ROWS, STEPS = 8, 8  # trials of each class, and windows of each, at a time: bits do not depend on how many are asked for


class TrialGenerator(nn.Module):
    """The windows of a trial from noise t of the trial and noise e_i of each window, with the label y:

        h_0 = tanh(A [t, y]),  h_i = GRU([t, y, e_i], h_{i-1}),  x_i = B([h_i, e_i])

    with an affine map A, and the layers of an MLP, B. The first of the hidden widths is the GRU's. B sees e_i too:
    what a window has of its own need not pass through the state, which the next window goes on from.
    """

    def __init__(self, members: int, features: int, classes: int, trial_noise: int, noise: int, hidden: Sequence[int]):
        super().__init__()
        self.classes, self.trial_noise = classes, trial_noise
        self.start = StackedLinear(members, trial_noise + classes, hidden[0])
        self.gru = StackedGRU(members, trial_noise + classes + noise, hidden[0])
        self.window = StackedMLP(members, [hidden[0] + noise, *hidden[1:], features])
        self.register_buffer("lengths", torch.zeros(members, classes, MOST, dtype=torch.int64))  # of trials
        self.register_buffer("counts", torch.ones(members, classes, dtype=torch.int64))  # how many trials there are
        self.lengths[..., 0] = 1

    def states(self, trial: Tensor, noise: Tensor, y: Tensor, h: Tensor | None = None) -> Tensor:
        """Noise of trials (M, N, ...) and of their windows (M, T, N, ...), labels (M, N) -> states (M, T, N, H)."""
        given = torch.cat([trial, one_hot(y, self.classes).to(trial.dtype)], dim=-1)
        if h is None:
            h = in_whole_vectors(torch.tanh, self.start(given))
        return self.gru(torch.cat([given[:, None].expand(-1, noise.shape[1], -1, -1), noise], dim=-1), h)

    def windows(self, states: Tensor, noise: Tensor) -> Tensor:
        """States (M, T, N, H) and the noise of their windows (M, T, N, ...) -> (M, T, N, F)."""
        return self.window(torch.cat([states, noise], dim=-1).flatten(1, 2)).unflatten(1, states.shape[1:3])

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """See `Recurrent.generate`."""
        trial, place = in_trials(y, self.lengths, self.counts)
        found = z.new_zeros(*y.shape, self.window[-1].outputs)
        for first in range(0, int(trial.max()) + 1 if trial.numel() else 0, ROWS):
            inside = (trial >= first) & (trial < first + ROWS)
            found = torch.where(inside[..., None], self._of_rows(z, y, trial - first, place, inside), found)
        return found

    def _of_rows(self, z: Tensor, y: Tensor, trial: Tensor, place: Tensor, inside: Tensor) -> Tensor:
        """The windows that are inside the trials 0 to ROWS - 1 of each class; the others are of no use."""
        rows, steps = self.classes * ROWS, (int((place * inside).max()) // STEPS + 1) * STEPS
        row = torch.where(inside, y * ROWS + trial, rows)
        index = torch.where(inside, place * rows + row, steps * rows)
        noise = _put(z[..., self.trial_noise :], index, steps * rows).unflatten(1, (steps, rows))
        trials = _put(z[..., : self.trial_noise], torch.where(place == 0, row, rows), rows)
        labels = torch.arange(self.classes, device=y.device).repeat_interleave(ROWS).expand(len(y), -1)
        h, windows = None, []
        for part in noise.split(STEPS, dim=1):
            states = self.states(trials, part, labels, h)
            h = states[:, -1].contiguous()
            windows.append(self.windows(states, part))
        drawn = torch.cat(windows, dim=1).flatten(1, 2)
        return drawn.gather(1, index.clamp_max(steps * rows - 1)[..., None].expand(-1, -1, drawn.shape[-1]))


def _put(values: Tensor, index: Tensor, size: int) -> Tensor:
    """(M, N, P) at places (M, N) of (M, size, P), which are 0 elsewhere; what is put at ``size`` is left out."""
    found = values.new_zeros(len(values), size + 1, values.shape[-1])
    return found.scatter(1, index[..., None].expand_as(values), values)[:, :size]


class Recurrent:
    """Has a conditional GAN generate whole trials; stands before its class among the bases of a new one.

    The generator is a `TrialGenerator`. In training it rolls out ``rollout`` windows of as many trials as there are
    stretches in a mini-batch, and the discriminator is shown ``stretch`` successive ones of each, from a random place
    on, beside real stretches: it sees how windows follow one another, and windows far from a trial's beginning too. It
    is the discriminator of the other class on stretch * F features: a stretch is short and all are of one length, so
    that a recurrent one, which takes a step for each window, would have nothing more to see.

    Recurrent generators of GANs: C-RNN-GAN (Mogren 2016) for music, RCGAN (Esteban et al. 2017) for medical series,
    with recurrent discriminators; TimeGAN (Yoon et al. 2019) adds a supervised loss in a learned space of features.

    Parameters
    ----------
    stretch
        Successive windows of a trial that the discriminator sees at once.
    rollout
        Windows of a trial that the generator generates in training; the discriminator sees a stretch of them.
    trial_noise, window_noise
        Lengths of the noise of each trial, and of each of its windows.
    """

    needs_trials = whole_trials = True
    derived = ("noise_features",)
    generator: TrialGenerator
    members: int
    features: int
    classes: int

    def plan(self, stretch: int, rollout: int, trial_noise: int, window_noise: int) -> int:
        """Take these settings; the length of the noise of a window and its trial."""
        if rollout < stretch:
            say = words().setting
            raise ValueError(
                f"{say('rollout')}: expected at least the {stretch} windows of {say('stretch')}, got {rollout}"
            )
        self.stretch, self.rollout, self.trial_noise, self.window_noise = stretch, rollout, trial_noise, window_noise
        return trial_noise + window_noise

    @property
    def batch_noise(self) -> int:
        return 1 + self.trial_noise + self.rollout * self.window_noise

    def build_generator(self, hidden: Sequence[int]) -> TrialGenerator:
        sizes = self.members, self.features, self.classes, self.trial_noise, self.window_noise
        return TrialGenerator(*sizes, hidden)

    def prepare(self, x: Tensor, y: Tensor, n: Tensor, trial: Tensor) -> Tensor:
        """Note how long the training trials are; batches consist of the windows as they are."""
        for m, length in enumerate(n.tolist()):
            found = trial_lengths(y[m, :length].numpy(), trial[m, :length].numpy(), self.classes, MOST)
            self.generator.lengths[m], self.generator.counts[m] = map(torch.from_numpy, found)
        return x

    def generate(self, z: Tensor, y: Tensor) -> Tensor:
        """Synthetic windows (M, N, F) of labels (M, N): those of a class are whole trials, one after the other.

        They are as long as the training trials in turn, and the last one ends with the windows. A trial's own noise is
        that of its first window. A window depends on those before it in its trial alone.
        """
        return self.generator(z, y)

    def synthetic_trials(self, y: Tensor) -> Tensor:
        """The trial (M, N) of each of the windows that `generate` gives for labels (M, N)."""
        lengths, counts = self.generator.lengths, self.generator.counts
        return trial_numbers(y, in_trials(y, lengths, counts)[0], self.classes)

    def imitate(self, z: Tensor, y: Tensor) -> Tensor:
        """Synthetic stretches (M, N, stretch * F) from noise (M, N, batch_noise) and labels (M, N)."""
        place = ((z[..., 0] + 1) / 2 * (self.rollout - self.stretch + 1)).long()
        index = place[:, None] + torch.arange(self.stretch, device=z.device)[:, None]
        return self._rolled_out(z[..., 1:], y, index).transpose(1, 2).flatten(2)

    def _rolled_out(self, z: Tensor, y: Tensor, places: Tensor) -> Tensor:
        """The windows (M, T, N, F) at these places (M, T, N) of trials from their noise (M, N, batch_noise - 1)."""
        noise = z[..., self.trial_noise :].unflatten(-1, (self.rollout, self.window_noise)).transpose(1, 2)
        states = self.generator.states(z[..., : self.trial_noise], noise, y)
        return self.generator.windows(
            *(one.gather(1, places[..., None].expand(-1, -1, -1, one.shape[-1])) for one in (states, noise))
        )

    @torch.no_grad()
    def windows_of_each_class(self, n: int) -> Tensor:
        """See `ConditionalGenerator.windows_of_each_class`: each window is of another trial, at places in turn."""
        z, y = self.noise_of_each_class(n, self.batch_noise - 1)
        places = (torch.arange(n, device=y.device) % self.rollout).repeat(self.classes).expand(self.members, 1, -1)
        return self._rolled_out(z, y, places)[:, 0].unflatten(1, (self.classes, n))
