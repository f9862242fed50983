"""RecurrentCBEGAN: a cBEGAN of whole trials, which judges stretches of successive windows."""

from emogan.checks import InsideUnit, PositiveInt
from emogan.models.cbegan import CBEGAN
from emogan.models.recurrent import Recurrent


class RecurrentCBEGAN(Recurrent, CBEGAN):
    """A cBEGAN (`CBEGAN`) whose windows follow one another in trials, by a GRU (Cho et al. 2014).

    The generator gives the windows x_i of a trial from noise t of the trial and noise e_i of each window,

        h_0 = tanh(A [t, y]),  h_i = GRU([t, y, e_i], h_{i-1}),  x_i = B([h_i, e_i]),

    and the auto-encoder reconstructs stretches s = (x_i, ..., x_{i+T-1}) of T windows: L(s) = |s - D(s | y)|^eta in
    place of L(x) in equations 3 and 7 to 10 of Luo, Zhu and Lu 2019. See `emogan.models.recurrent.Recurrent`.
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
        learning_rate: InsideUnit = 3e-4,
        **settings,
    ):
        noise = self.plan(stretch, rollout, trial_noise, window_noise)
        super().__init__(features, classes, members, noise_features=noise, learning_rate=learning_rate, **settings)
