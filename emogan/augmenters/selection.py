"""Selection: a judge scores several candidates for each synthetic window, and the best one is kept.

A judge knows a member's training windows only. It compares candidates of the same label, so what is common to a class
does not matter. Selection reduces diversity: the windows kept lie closer together than those of the generator, and
have more of what the judge rewards than real windows have. The scores and `quality.csv` show whether it is worth it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from emogan.augmenters.discriminant import discriminant, refuse_equal_windows, whitening
from emogan.data.training_set import TrainingSet
from emogan.models import ConditionalGAN, ConditionalGenerator
from emogan.models.stacked import StackedLinear
from emogan.store import with_prefix


class Judge(nn.Module, ABC):
    """Scores candidates of the M members of a model; what it has learned is its state, members first."""

    needs_distinct_windows = True  # in each training set, to learn from

    @abstractmethod
    def fit(self, sets: Sequence[TrainingSet]) -> None:
        """Look at the training sets (M,)."""

    @abstractmethod
    def forward(self, z: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Scores (M, N), the higher the better, of windows x (M, N, F) = G(z | y) with labels y (M, N)."""


class ByDiscriminator(Judge):
    """The realism of a window by the GAN's own discriminator (`ConditionalGAN.realism`).

    Discriminator rejection sampling (Azadi et al. 2019) uses this score too, for probabilities of acceptance.
    """

    needs_distinct_windows = False

    def __init__(self, model: ConditionalGAN):
        super().__init__()
        self.discriminator, self.realism = model.discriminator, model.realism

    def fit(self, sets):
        """It has been trained already."""

    def forward(self, z, x, y):
        return self.realism(z, y)


class ByDensity(Judge):
    """Log density, less what all candidates share, of the class's Gaussian: -|(x - m_y) W|^2 (`discriminant`).

    It is a Gaussian, because distances to the nearest real windows would favour copies of these. Distances are taken
    after the whitening W: in the features' own units the few directions of large variance decide, whereas windows are
    recognised as synthetic, and classes are separated, along the many directions of small variance.
    """

    def __init__(self, model: ConditionalGenerator):
        super().__init__()
        self.register_buffer("means", torch.zeros(model.members, model.classes, model.features))
        self.white = StackedLinear(model.members, model.features, model.features).requires_grad_(False)

    def fit(self, sets):
        weight, _ = self.white.weight_and_bias()
        for m, data in enumerate(sets):
            found = discriminant(data.x, data.y)
            self.means[m, found.classes_] = torch.from_numpy(found.means_).float()
            weight[m] = torch.from_numpy(whitening(found.covariance_))

    def forward(self, z, x, y):
        means = torch.gather(self.means, 1, y[..., None].expand(-1, -1, x.shape[-1]))
        return -self.white(x - means).square().sum(-1)


class ByClassifier(Judge):
    """Log probability of the wanted label less that of the likeliest other one, by linear discriminant analysis."""

    def __init__(self, model: ConditionalGenerator):
        super().__init__()
        self.classes = model.classes
        self.logits = StackedLinear(model.members, model.features, model.classes).requires_grad_(False)

    def fit(self, sets):
        weight, bias = self.logits.weight_and_bias()
        bias.fill_(-torch.inf)  # of classes without training windows
        for m, data in enumerate(sets):
            found = discriminant(data.x, data.y)
            slopes, offsets = found.coef_, found.intercept_
            if len(found.classes_) == 2:  # they are the second class's, against the first
                slopes, offsets = (np.concatenate([np.zeros_like(part), part]) for part in (slopes, offsets))
            weight[m, :, found.classes_] = torch.from_numpy(slopes.T).float()
            bias[m, 0, found.classes_] = torch.from_numpy(offsets).float()

    def forward(self, z, x, y):
        logits, wanted = self.logits(x), nn.functional.one_hot(y, self.classes).bool()
        others = logits.masked_fill(wanted, -torch.inf).amax(-1)
        return torch.gather(logits, 2, y[..., None]).squeeze(-1) - others


JUDGES = {"discriminator": ByDiscriminator, "density": ByDensity, "classifier": ByClassifier}


class Selection:
    """Makes each window the best of several candidates, by one of the `JUDGES`.

    Parameters
    ----------
    kind
        "discriminator", "density" or "classifier".
    candidates
        Number of candidates for each window.
    """

    PREFIX = "judge."  # of the names of a judge's tensors

    def __init__(self, kind: str, candidates: int):
        self.kind, self.candidates = kind, candidates

    def identity(self) -> dict:
        """Its settings, which change what is drawn."""
        return {"selection": self.kind, "oversample": self.candidates}

    def check(self, sets: Sequence[TrainingSet]) -> None:
        """Raise a ValueError if the judge cannot learn from the training sets (M,)."""
        if JUDGES[self.kind].needs_distinct_windows:
            for data in sets:
                refuse_equal_windows(data.x, data.y)

    def fit(self, model: ConditionalGenerator, sets: Sequence[TrainingSet]) -> None:
        """Have the judge of a model's windows look at the training sets (M,)."""
        self.judge = JUDGES[self.kind](model)
        self.judge.fit(sets)

    def let_go(self) -> None:
        """Forget the judge, which may refer to a model of no further use."""
        vars(self).pop("judge", None)

    def best_of(self, draw: Callable[[], tuple[Tensor, Tensor]], y: Tensor) -> Tensor:
        """The best windows (M, N, F) for labels y (M, N), the first of equally good ones; draw gives noise and windows.

        Each is the best of its own candidates, not one of the best of a common pool: a window would then depend on how
        many others of its class are asked for.
        """
        z, best = draw()
        best_score = self.judge(z, best, y)
        for _ in range(self.candidates - 1):
            z, windows = draw()
            score = self.judge(z, windows, y)
            better = score > best_score
            best, best_score = torch.where(better[..., None], windows, best), torch.where(better, score, best_score)
        return best

    def state(self) -> dict[str, Tensor]:
        """What the judge has learned, members first."""
        return self.judge.state_dict(prefix=self.PREFIX)

    def restore(self, model: ConditionalGenerator, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Take what `state` gave, for the judge of a model's windows; the other tensors are returned."""
        self.judge = JUDGES[self.kind](model)
        self.judge.load_state_dict(with_prefix(tensors, self.PREFIX))
        return {name: value for name, value in tensors.items() if not name.startswith(self.PREFIX)}
