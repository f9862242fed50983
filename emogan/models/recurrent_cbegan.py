"""RecurrentCBEGAN: a cBEGAN of whole trials, which judges stretches of successive windows."""

from typing import Annotated

from emogan.checks import PositiveInt, above, below
from emogan.models.cbegan import CBEGAN
from emogan.models.recurrent import Recurrent


class RecurrentCBEGAN(Recurrent, CBEGAN):
    """A cBEGAN (`CBEGAN`) whose windows follow one another in trials, by a GRU (Cho et al. 2014).

    The generator gives the windows x_i of a trial from noise t of the trial and noise e_i of each window,

        h_0 = tanh(A [t, y]),  h_i = GRU([t, y, e_i], h_{i-1}),  x_i = B([h_i, e_i]),

    and the auto-encoder reconstructs stretches s = (x_i, ..., x_{i+T-1}) of T windows: L(s) = |s - D(s | y)|^eta in
    place of L(x) in equations 3 and 7 to 10 of Luo, Zhu and Lu 2019. See `emogan.models.recurrent.Recurrent`.

    Parameters
    ----------
    features, classes
        Numbers F and K.
    members
        Number M of generators; 1 is a single one.
    stretch
        Successive windows of a trial that the discriminator sees at once.
    rollout
        Windows of a trial that the generator generates in training; the discriminator sees a stretch of them.
    trial_noise, window_noise
        Lengths of the noise of each trial, and of each of its windows.
    gamma
        Equilibrium E[L(G(z))] / E[L(x)], in [0, 1] (6).
    lambda_k
        Step of k_t.
    eta
        1 or 2.
    reduction
        "mean" or "sum" of |x - D(x)|^eta over the features; the sum moves k_t faster by the factor F.
    seeds
        One per member, of its weights; 0 to M - 1 if not given.
    layers, hidden
        Hidden layers of every network, 2 to 4, and nodes in each: one number, or one per layer.
    architecture_seed
        Draws the layers and nodes of every network from the paper's ranges instead.
    learning_rate
        Of Adam, for every network (paper, 3.3: 0.0001).
    optimizer
        Makes the optimiser of each network from its parameters, such as ``functools.partial(torch.optim.SGD, lr=0.1)``;
        Adam with the learning rate if not given.
    """

    kind = "recurrent_cbegan"

    def __init__(
        self,
        features: int,
        classes: int,
        members: int = 1,
        *,
        stretch: PositiveInt = 4,
        rollout: PositiveInt = 8,
        trial_noise: PositiveInt = 32,
        window_noise: PositiveInt = 32,
        learning_rate: Annotated[float, above(0), below(1)] = 3e-4,
        **settings,
    ):
        noise = self.plan(stretch, rollout, trial_noise, window_noise)
        super().__init__(features, classes, members, noise_features=noise, learning_rate=learning_rate, **settings)
