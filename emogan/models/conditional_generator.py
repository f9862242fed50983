"""ConditionalGenerator: what all trained generators share, a LightningModule for any Trainer."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, ClassVar, NamedTuple, Self, TypedDict

import lightning
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from emogan import kinds
from emogan.analysis.agreement import agreement, spread
from emogan.checks import Checked, InsideUnit, NonNegativeInt, OneOrSeveral, PositiveInt, at_least, at_most
from emogan.docstrings import inherit_parameters
from emogan.models.architecture import LAYERS, hidden_widths
from emogan.models.stacked import StackedLinear, StackedMLP, with_label
from emogan.versions import class_revision

COMPARED = 128  # synthetic windows of each class that are compared with held-out ones
CLOSEST = 1 - 1e-6  # to -1 and 1: noise beyond becomes infinite in the normal distribution


class Batch(NamedTuple):
    """The data and noise of one iteration: S mini-batches of B windows for each of M members.

    Windows are copied where they are used, see ``x`` and ``with_synthetic``.

    Parameters
    ----------
    windows : Tensor (M N, F + K)
        All windows there are, each with its one-hot label.
    labels : Tensor (M N,)
        Their labels.
    rows : Tensor (S, M, B) or (S, M, B, T)
        Which of them the mini-batches consist of. With a fourth axis they consist of stretches of T successive windows,
        which stand where windows do, with T F features.
    z : Tensor (S, M, B, Z)
        Noise, U[-1, 1) (paper, 3.3).
    u : Tensor (S, M, B, 1)
        Uniform in [0, 1): where cWGAN's gradient penalty interpolates.
    classes : int
        Number K.
    groups : Tensor, as rows, or None
        Which rows of ``scale`` and ``shift`` the windows take; None takes windows as they are.
    scale, shift : Tensor (G, F + K) or None
        What turns a window into scale * window + shift.
    """

    windows: Tensor
    labels: Tensor
    rows: Tensor
    z: Tensor
    u: Tensor
    classes: int
    groups: Tensor | None = None
    scale: Tensor | None = None
    shift: Tensor | None = None

    @classmethod
    def of(cls, x: Tensor, y: Tensor, z: Tensor, u: Tensor, classes: int) -> Self:
        """A batch of one's own: real windows (S, M, B, F), their labels (S, M, B), noise and where to interpolate."""
        rows = torch.arange(y.numel(), device=y.device).view(y.shape)
        return cls(with_label(x, y, classes).flatten(0, 2), y.flatten(), rows, z, u, classes)

    @property
    def x(self) -> Tensor:
        """Real windows (S, M, B, F); of stretches (S, M, B, T F)."""
        return self._labelled(self.rows, self.groups)[..., : -self.classes]

    @property
    def y(self) -> Tensor:
        """Their labels (S, M, B); synthetic windows take the same labels ("y_r ~ Y_r", paper, equation 7)."""
        return self.labels[self.rows[..., 0] if self.of_stretches else self.rows]

    @property
    def of_stretches(self) -> bool:
        """Whether mini-batches consist of stretches."""
        return self.rows.ndim == 4

    def with_synthetic(self, fake: Tensor, draw: int = 0) -> Tensor:
        """One mini-batch with labels, (M, 2 B, F + K): real windows and, behind them, synthetic ones (M, B, F)."""
        rows, groups = (
            None if given is None else torch.cat([given[draw]] * 2, dim=1) for given in (self.rows, self.groups)
        )
        both = self._labelled(rows, groups)
        both[:, fake.shape[1] :, : -self.classes] = fake
        return both

    def _labelled(self, rows: Tensor, groups: Tensor | None) -> Tensor:
        windows = self.windows.index_select(0, rows.flatten())
        if groups is not None:
            windows *= self.scale.index_select(0, groups.flatten())
            windows += self.shift.index_select(0, groups.flatten())
        windows = windows.unflatten(0, rows.shape)
        if not self.of_stretches:
            return windows
        return torch.cat([windows[..., : -self.classes].flatten(-2), windows[..., 0, -self.classes :]], dim=-1)


class Networks(TypedDict, total=False):
    """Settings that a generator hands on to `ConditionalGenerator`, which describes them."""

    seeds: Sequence[int] | None
    layers: int
    hidden: int | Sequence[int]
    architecture_seed: int | None
    optimizer: Callable[[Iterable[nn.Parameter]], Optimizer] | None


class Common(Networks, total=False):
    """The same of a generator that has no learning rate of its own."""

    learning_rate: float


class CommonAndNoise(Common, total=False):
    """The same of a generator whose noise may have any length."""

    noise_features: int


class ConditionalGenerator(Checked, lightning.LightningModule, ABC):
    """A conditional generator, or a stack of M independent ones of one shape that are trained at once.

    It trains in any Lightning Trainer on the batches of `MemberBatches`, by manual optimisation.
    Nothing couples the members of a stack: their losses have shape (M,) and are summed before backward, so each
    member's gradient is its own, and Adam works element by element.

    Parameters
    ----------
    features, classes
        Numbers F and K.
    members
        Number M of generators; 1 is a single one.
    seeds
        One per member, of its weights; 0 to M - 1 if not given.
    layers, hidden
        Hidden layers of every network, 2 to 4, and nodes in each: one number, or one per layer.
    architecture_seed
        Draws the layers and nodes of every network from the paper's ranges instead.
    noise_features
        Length Z of the noise vector.
    learning_rate
        Of Adam, for every network (paper, 3.3: 0.0001).
    optimizer
        Makes the optimiser of each network from its parameters, such as ``functools.partial(torch.optim.SGD, lr=0.1)``;
        Adam with the learning rate if not given.

    Attributes
    ----------
    kind : str
        Short name of the class in files and in keys of the cache, which stays when a module is renamed. A subclass
        needs one of its own.
    metrics : tuple of str
        What is recorded per member and iteration, in the order in which `iterate` returns it.
    convergence : str
        The one of the metrics whose plateau means convergence.
    derived : tuple of str
        Arguments that a subclass works out, and does not take.
    needs_trials : bool
        Whether what it learns depends on the trials that windows come from.
    whole_trials : bool
        Whether the windows that it generates follow one another in trials.
    stretch : int
        Successive windows of a trial that mini-batches consist of, side by side; 1 for single windows.

    Raises
    ------
    ValueError
        If a setting is impossible; the message names it.
    """

    _group = "model"
    kind: ClassVar[str]
    metrics: ClassVar[tuple[str, ...]]
    convergence: ClassVar[str]
    derived: ClassVar[tuple[str, ...]] = ()
    needs_trials: ClassVar[bool] = False
    whole_trials: ClassVar[bool] = False
    stretch = 1

    def __init_subclass__(cls, **options) -> None:
        super().__init_subclass__(**options)
        kinds.register(cls, ConditionalGenerator)
        cls.__signature__ = kinds.full_signature(cls, ConditionalGenerator)
        inherit_parameters(cls, cls.__signature__.parameters)

    def __init__(
        self,
        features: PositiveInt,
        classes: PositiveInt,
        members: PositiveInt = 1,
        *,
        seeds: Sequence[int] | None = None,
        layers: Annotated[int, at_least(LAYERS[0]), at_most(LAYERS[1])] = 2,
        hidden: OneOrSeveral[PositiveInt] = 100,
        architecture_seed: NonNegativeInt | None = None,
        noise_features: PositiveInt = 100,
        learning_rate: InsideUnit = 1e-4,
        optimizer: Callable[[Iterable[nn.Parameter]], Optimizer] | None = None,
    ):
        super().__init__()
        self.save_hyperparameters(ignore=["optimizer", *self.derived])
        self.automatic_optimization = False
        self.members, self.features, self.classes = members, features, classes
        self.noise_features, self.learning_rate, self.optimizer = noise_features, learning_rate, optimizer
        self.build_networks(*hidden_widths(layers, hidden, architecture_seed))
        self.initialise(range(members) if seeds is None else seeds)
        self.iterations_trained = 0
        self.running: list[int] | None = None  # members whose metrics are logged, if some have stopped early

    @classmethod
    def for_data(cls, data, **settings) -> Self:
        """A generator, or a stack, of the shape that a DataModule's training sets have; settings are the class's."""
        return cls(data.features, data.classes, data.members, seeds=data.seeds, **settings)

    @classmethod
    def revision(cls, features: int) -> dict:
        """See `emogan.augmenters.Augmenter.revision`."""
        return class_revision(cls)

    @property
    def draws(self) -> int:
        """Mini-batches S that one iteration consumes."""
        return 1

    @property
    def batch_noise(self) -> int:
        """Length Z of the noise in training; `generate` takes ``noise_features``."""
        return self.noise_features

    def build_networks(self, hidden: Sequence[int], others: Sequence[int]) -> None:
        """Build the generator, and whatever it is trained with, of these hidden widths."""
        self.generator = self.build_generator(hidden)

    @property
    def networks(self) -> tuple[nn.Module, ...]:
        """The networks that are trained, with an optimiser each."""
        return (self.generator,)

    def build_generator(self, hidden: Sequence[int]) -> nn.Module:
        """The generator for these hidden widths."""
        return StackedMLP(self.members, [self.noise_features + self.classes, *hidden, self.features])

    @abstractmethod
    def iterate(self, batch: Batch) -> Tensor:
        """Update the networks once; return the metrics, (metrics, M)."""

    def initialise(self, seeds: Sequence[int]) -> None:
        """Draw every member's weights from its own seed."""
        if len(seeds) != self.members:
            raise ValueError(f"expected one seed for each of {self.members} members, got {len(seeds)}")
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        for layer in self.modules():
            if isinstance(layer, StackedLinear):
                layer.initialise(generators)

    def prepare(self, x: Tensor, y: Tensor, n: Tensor, trial: Tensor | None) -> Tensor:
        """Look at the training windows before training; what batches then consist of, (M, N, ...).

        x (M, N, F), y and trial (M, N) are padded, n (M,) are the real lengths.
        """
        return x

    def generate(self, z: Tensor, y: Tensor) -> Tensor:
        """Synthetic windows G(z | y): (M, N, Z) and (M, N) -> (M, N, F)."""
        return self.generator(with_label(z, y, self.classes))

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """See `generate`."""
        return self.generate(z, y)

    def imitate(self, z: Tensor, y: Tensor) -> Tensor:
        """What a discriminator sees of G(z | y) in place of a mini-batch's rows: windows as a rule, see `generate`."""
        return self.generate(z, y)

    def synthetic_trials(self, y: Tensor) -> Tensor:
        """The trial (M, N) of each of the windows that `generate` gives for labels (M, N): all different, as a rule."""
        return torch.arange(y.shape[1], device=y.device).expand_as(y)

    @torch.no_grad()
    def sample(
        self, labels: int | Tensor, generator: torch.Generator | Sequence[torch.Generator] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Synthetic windows in the scaled units of training, and their labels.

        Parameters
        ----------
        labels
            A number n of windows, shared equally among the classes, or class indices (n,) or, of each member, (M, n).
        generator
            Of the noise: one, or one for each member; PyTorch's own if not given.

        Returns
        -------
        windows, labels
            (M, n, F) and (M, n); of a single generator (n, F) and (n,), unless its labels came with an axis of members.
        """
        if isinstance(labels, int):
            if labels < 0:
                raise ValueError(f"expected a number of windows >= 0, or labels, got {labels}")
            labels = torch.arange(labels) % self.classes
        y = labels.to(self.device).expand(self.members, -1)
        generators = generator if isinstance(generator, Sequence) else [generator] * self.members
        noise = [torch.rand(y.shape[1], self.noise_features, generator=one, device="cpu") for one in generators]
        windows = self.generate((torch.stack(noise) * 2 - 1).to(self.device, self.dtype), y)
        return (windows[0], y[0]) if self.members == 1 and labels.ndim == 1 else (windows, y)

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """One iteration. Metrics are logged every ``log_every_n_steps`` iterations and at the last one.

        Each is logged by its name as the mean over the members and, of a stack, as NAME/lowest and NAME/highest.
        """
        self.latest = self.iterate(batch)
        if getattr(self.latest, "shape", None) != (len(self.metrics), self.members):
            got = f"the shape {tuple(self.latest.shape)}" if isinstance(self.latest, Tensor) else repr(self.latest)
            raise ValueError(
                f"{type(self).__name__}.iterate: expected to get back a tensor with a row for each of the metrics "
                f"{', '.join(self.metrics)} and a column for each of {self.members} members, got {got}"
            )
        self.iterations_trained += 1
        if self._trainer is not None and (
            (batch_idx + 1) % max(self.trainer.log_every_n_steps, 1) == 0 or self.trainer.is_last_batch
        ):
            self.log("step", float(self.iterations_trained))  # Lightning's own count is of the optimisers' steps
            # On the CPU: of what a progress bar shows, Lightning would wait for a GPU's numbers in every iteration
            latest = self.latest.cpu()
            if self.running is not None:
                latest = latest[:, self.running]
            self.log_members(dict(zip(self.metrics, latest, strict=True)), prog_bar=True)

    def log_members(self, metrics: Mapping[str, Tensor], **options) -> None:
        """Log metrics of the members, each (M,): the mean and, of a stack, NAME/lowest and NAME/highest."""
        self.log_dict({name: values.mean() for name, values in metrics.items()}, **options)
        if self.members > 1:
            self.log_dict({f"{name}/lowest": values.amin() for name, values in metrics.items()})
            self.log_dict({f"{name}/highest": values.amax() for name, values in metrics.items()})

    def validation_step(self, held_out: tuple[Tensor, Tensor, Tensor, int], batch_idx: int) -> dict[str, float]:
        """How well synthetic windows agree with one member's validation windows, see `emogan.analysis.agreement`.

        ``val_mean_error``, ``val_separation`` and ``val_spread`` are logged as means over the members and, of a stack,
        as NAME/lowest and NAME/highest. What the step returns are the member's own figures, for callbacks.

        Parameters
        ----------
        held_out
            Windows (n, F) in the scaled units of training, labels (n,), trials (n,) and the number of the member, as
            `emogan.training.experiment_datamodule.HeldOut`. Members follow one another.
        """
        return self._compare("val", held_out, batch_idx)

    def test_step(self, held_out: tuple[Tensor, Tensor, Tensor, int], batch_idx: int) -> dict[str, float]:
        """`validation_step` on test windows, logged as ``test_mean_error`` and so on. Choose nothing by it."""
        return self._compare("test", held_out, batch_idx)

    def _compare(self, stage: str, held_out: tuple[Tensor, Tensor, Tensor, int], batch_idx: int) -> dict[str, float]:
        x, y, _, member = held_out
        if batch_idx == 0:
            windows = self.windows_of_each_class(COMPARED).float()
            self._synthetic = windows.mean(2).cpu(), spread(windows).cpu()
        if self.trainer.state.fn == "fit":
            self.log("step", float(self.iterations_trained), batch_size=1)
        means, spreads = self._synthetic
        figures = agreement(x.cpu(), y.cpu(), means[member], spreads[member])
        for name, value in figures.items():
            self.log(f"{stage}_{name}", value, prog_bar=True, batch_size=1)
            if self.members > 1:
                self.log(f"{stage}_{name}/lowest", value, reduce_fx="min", batch_size=1)
                self.log(f"{stage}_{name}/highest", value, reduce_fx="max", batch_size=1)
        return figures

    @torch.no_grad()
    def windows_of_each_class(self, n: int) -> Tensor:
        """Synthetic windows (M, K, n, F), independent of one another within a class, to compare with real ones.

        Their noise is the same for every member, class and call.
        """
        return self.generate(*self.noise_of_each_class(n, self.noise_features)).unflatten(1, (self.classes, n))

    def noise_of_each_class(self, n: int, length: int) -> tuple[Tensor, Tensor]:
        """Noise (M, K n, length), the same for every member, class and call, and labels (M, K n)."""
        noise = torch.rand(n, length, generator=torch.Generator().manual_seed(0), device="cpu") * 2 - 1
        z = noise.repeat(self.classes, 1).expand(self.members, -1, -1).to(self.device, self.dtype)
        return z, torch.arange(self.classes, device=self.device).repeat_interleave(n).expand(self.members, -1)

    def predict_step(self, batch: Batch | Tensor, batch_idx: int) -> Tensor:
        """Synthetic windows (M, N, F) with the labels (M, N) of a batch."""
        return self.sample(batch.y[0] if isinstance(batch, Batch) else batch)[0]

    def configure_optimizers(self) -> list[Optimizer]:
        make = self.optimizer or (lambda parameters: torch.optim.Adam(parameters, lr=self.learning_rate, fused=True))
        return [make(network.parameters()) for network in self.networks]

    def descend(self, losses: Tensor) -> None:
        """One step of every network's optimiser down the members' losses (M,)."""
        optimizers = self.optimizers()  # Lightning gives a single one without its list
        optimizers = optimizers if isinstance(optimizers, list) else [optimizers]
        for optimizer in optimizers:
            optimizer.zero_grad()
        self.manual_backward(losses.sum())
        for optimizer in optimizers:
            optimizer.step()


def normal(uniform: Tensor) -> Tensor:
    """Standard normal noise from noise U[-1, 1) of the same shape."""
    return torch.erfinv(uniform.clamp(-CLOSEST, CLOSEST)) * 2**0.5
