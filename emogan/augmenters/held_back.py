"""Trials that a GAN does not learn from, and the weights whose windows are most like theirs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial.distance import cdist, pdist

from emogan.augmenters.discriminant import discriminant, white_axes
from emogan.data.datamodule import mix
from emogan.models import ConditionalGAN
from emogan.wording import words

PER_CLASS = 128  # artificial windows in a check
NOISE = -1  # the iteration whose batch they would be: none


def hold_back(y: np.ndarray, trial: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Which windows (N,) belong to the trials of one member, so many of each class at random, that are held back.

    A trial is of the class that most of its windows are of.

    Raises
    ------
    ValueError
        If a class would be left without a trial.
    """
    trials = np.unique(trial)
    labels = np.array([np.bincount(y[trial == one]).argmax() for one in trials])
    random, chosen = np.random.default_rng(seed), []
    for label in np.unique(y):
        own = trials[labels == label]
        if len(own) <= count:
            setting = words().setting("hold_back")
            raise ValueError(
                f"{setting}={count} needs at least {count + 1} training trials of every class, got {len(own)} of "
                f"{words().label(label)} (inner folds have fewer). Lower {setting}, or give more trials."
            )
        chosen.extend(random.permutation(own)[:count])
    return np.isin(trial, chosen)


def energy_distance(real: np.ndarray, artificial: np.ndarray) -> float:
    """2 E|X - Y| - E|X - X'| - E|Y - Y'|, without bias (Székely and Rizzo 2013): (n, F) and (m, F).

    About 0 for equal distributions, and then also negative.
    """
    within = [pdist(x).mean() if len(x) > 1 else 0.0 for x in (real, artificial)]
    return float(2 * cdist(real, artificial).mean() - sum(within))


@dataclass(frozen=True, eq=False)
class HeldBack:
    """The held-back windows of one member, x (n, F) and y (n,), of so many trials, and the axes to compare them in."""

    x: np.ndarray
    y: np.ndarray
    trials: int
    white: np.ndarray  # (F, F), see `white_axes`

    @classmethod
    def of(cls, x: np.ndarray, y: np.ndarray, trial: np.ndarray, held: np.ndarray) -> "HeldBack":
        """From a member's windows and which of them are held back; the others tell the axes."""
        white = white_axes(discriminant(x[~held], y[~held]).covariance_)
        return cls(x[held] @ white, y[held], len(np.unique(trial[held])), white)

    def distance(self, x: np.ndarray, y: np.ndarray) -> float:
        """Energy distance of artificial windows (n, F) with labels (n,), mean over classes.

        It is a proper score (Gneiting and Raftery 2007): over many new trials none is lower than that of windows which
        are distributed as theirs, though each held-back trial has an effect of its own. White axes make it the same for
        features in any units, and for all their combinations: in the features' own units the few directions of large
        variance would hide what is wrong along those of small variance, along which classes are told apart.
        """
        x = x.astype(np.float64) @ self.white
        return float(np.mean([energy_distance(self.x[self.y == k], x[y == k]) for k in np.unique(self.y)]))


class Checks:
    """Which of a member's weights are best so far, and whether it is worth going on.

    Parameters
    ----------
    held
        Of every member.
    seeds
        One per member: of the noise, which is the same in all checks.
    every, patience
        Iterations between checks, and how many without improvement a member waits for.

    Attributes
    ----------
    best : Tensor (M,)
        Lowest distance so far.
    at : Tensor (M,)
        The iteration that had it; 0 for none.
    """

    def __init__(
        self, held: Sequence[HeldBack], model: ConditionalGAN, seeds: Sequence[int], every: int, patience: int
    ):
        self.held, self.every, self.patience = held, every, patience
        self.y = torch.arange(PER_CLASS * model.classes).expand(len(held), -1) % model.classes
        shape = self.y.shape[1], model.noise_features
        generators = [torch.Generator().manual_seed(mix(seed, NOISE)) for seed in seeds]
        self.z = torch.stack([torch.rand(shape, generator=generator) for generator in generators]) * 2 - 1
        self.best = torch.full((len(held),), torch.inf, dtype=torch.float64)
        self.at = torch.zeros(len(held), dtype=torch.int64)

    @torch.no_grad()
    def look(self, model: ConditionalGAN, members: Sequence[int], iteration: int) -> tuple[list[int], list[int]]:
        """Check some members: those of them that are better than ever, and those that have not been for too long.

        One that has never had finite windows goes on: `History` reports it.
        """
        better: list[int] = []
        if members:
            windows = model.generate(self.z.to(model.device), self.y.to(model.device)).cpu().numpy()
        for m in members:
            distance = self.held[m].distance(windows[m], self.y[m].numpy())
            if distance < self.best[m]:
                self.best[m], self.at[m] = distance, iteration
                better.append(m)
        waited = iteration - self.at
        return better, [m for m in members if self.at[m] and waited[m] >= self.patience * self.every]

    def told(self, member: int, stopped: int) -> str:
        """Which weights a member has, and why, once it has stopped at an iteration."""
        return (
            f"iteration {self.at[member]}: best of {-(-stopped // self.every)} checks by energy distance "
            f"{self.best[member]:.3g} on {self.held[member].trials} held-back trials"
        )
