"""RecurrentCWGAN: a cWGAN of whole trials, whose critic sees stretches of successive windows."""

from emogan.checks import InsideUnit, PositiveInt
from emogan.models.cwgan import CWGAN
from emogan.models.recurrent import Recurrent


class RecurrentCWGAN(Recurrent, CWGAN):
    """A cWGAN (`CWGAN`) whose windows follow one another in trials, by a GRU (Cho et al. 2014).

    The generator gives the windows x_i of a trial from noise t of the trial and noise e_i of each window,

        h_0 = tanh(A [t, y]),  h_i = GRU([t, y, e_i], h_{i-1}),  x_i = B([h_i, e_i]),

    and the critic estimates the Wasserstein distance between real and synthetic stretches (x_i, ..., x_{i+T-1}) of T
    windows. See `emogan.models.recurrent.Recurrent`.
    """

    kind = "recurrent_cwgan"

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
        learning_rate: InsideUnit = 1e-3,
        **settings,
    ):
        noise = self.plan(stretch, rollout, trial_noise, window_noise)
        super().__init__(features, classes, members, noise_features=noise, learning_rate=learning_rate, **settings)
