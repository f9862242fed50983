"""GANAugmenter: any stacked conditional GAN as an augmenter, trained by Lightning."""

import logging
from collections.abc import Sequence

import lightning
import numpy as np
import torch
from lightning.pytorch.plugins.environments import LightningEnvironment
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from emogan.augmenters.augmenter import Augmenter, per_member
from emogan.augmenters.half_trained import Resume
from emogan.augmenters.held_back import Checks, HeldBack, hold_back
from emogan.augmenters.history import History
from emogan.augmenters.isolation import ProcessSignals, default_torch
from emogan.augmenters.selection import JUDGES, Judge
from emogan.augmenters.watch import Watch
from emogan.data.datamodule import MemberBatches
from emogan.models import ConditionalGAN
from emogan.setting import check, is_integer, is_number
from emogan.wording import words

log = logging.getLogger(__name__)

SAMPLE_BLOCK = 256  # windows are generated in blocks of this many, so that a window's bits do not depend on n
JUDGE = "judge."  # before the names of a judge's tensors


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


class GANAugmenter(Augmenter):
    """Train M stacked GANs of one kind and draw from their generators.

    Parameters
    ----------
    gan
        A `ConditionalGAN` class.
    name
        What the scores call it.
    iterations, batch_size
        Training length, in updates of the generator, and windows per mini-batch.
    plateau_window, plateau_tolerance
        Stop a member once the mean of its convergence measure over the last ``plateau_window`` iterations differs from
        that over the ``plateau_window`` before by no more than the tolerance, as a fraction; 0 never stops early.
    selection, oversample
        "discriminator", "density" or "classifier" (see `emogan.augmenters.selection`): every artificial window is the
        best of ``oversample`` candidates. null takes them as they come. The judge is fitted on the windows that the GAN
        is trained on, without those held back.
    hold_back, check_every, patience
        Trials of each class that are kept from training. Every ``check_every`` iterations windows are compared with
        theirs (see `HeldBack.distance`), the best weights are kept, and a member that has not become better in
        ``patience`` checks stops. 0 trains on all trials, and keeps the last weights.
    **settings
        Of the GAN.

    Raises
    ------
    ValueError
        If a setting is impossible, already when constructed.
    """

    def __init__(
        self,
        gan: type[ConditionalGAN],
        *,
        name: str,
        iterations: int,
        batch_size: int = 128,
        plateau_window: int = 0,
        plateau_tolerance: float = 0.01,
        selection: str | None = None,
        oversample: int = 4,
        hold_back: int = 0,
        check_every: int = 50,
        patience: int = 5,
        **settings,
    ):
        for key, value, least in (
            ("iterations", iterations, 1),
            ("batch_size", batch_size, 1),
            ("plateau_window", plateau_window, 0),
            ("oversample", oversample, 1),
            ("hold_back", hold_back, 0),
            ("check_every", check_every, 1),
            ("patience", patience, 1),
        ):
            check(key, value, is_integer(value, least), f"an integer >= {least}")
        holds = is_number(plateau_tolerance) and plateau_tolerance >= 0
        check("plateau_tolerance", plateau_tolerance, holds, "a number >= 0")
        known = selection is None or (isinstance(selection, str) and selection in JUDGES)
        check("selection", selection, known, f"{words().nothing}, {', '.join(JUDGES)}")
        self.gan, self.name, self.settings = (
            gan,
            name,
            {key: list(value) if _is_list(value) else value for key, value in settings.items()},
        )
        self.training = {
            "iterations": iterations,
            "batch_size": batch_size,
            "plateau_window": plateau_window,
            "plateau_tolerance": plateau_tolerance,
        }
        self.selection = {"selection": selection, "oversample": oversample} if selection else {}
        self.checking = (
            {"hold_back": hold_back, "check_every": check_every, "patience": patience} if hold_back else {}
        )  # fmt: skip
        self.needs = ("trial",) if hold_back else ()  # arguments of fit without which it is refused, as a control's
        self.build(members=1, features=1, classes=2)

    def build(self, members: int, features: int, classes: int) -> ConditionalGAN:
        """Untrained networks for so many members, features and classes."""
        return self.gan(members, features, classes, **self.settings)

    @property
    def needs_trials(self) -> bool:
        """Whether `fit` looks at the trials of the windows."""
        return self.gan.needs_trials or bool(self.checking)

    def identity(self) -> dict:
        """Everything of this augmenter that changes what it learns or draws, as plain values."""
        gan = f"{self.gan.__module__}.{self.gan.__qualname__}"
        return {"gan": gan, **self.training, **self.selection, **self.checking, **self.settings}

    def revision(self, features: int) -> dict:
        judged = bool(self.checking) and self.selection.get("selection") in ("density", "classifier")
        return self.gan.revision(features) | ({"judge": "fitted on windows trained on"} if judged else {})

    def refuse(self, y: np.ndarray, trial: np.ndarray) -> None:
        """Raise ValueError if one member's labels (N,) and trials (N,) are too few for `fit`."""
        if self.checking:
            hold_back(y, trial, self.checking["hold_back"], seed=0)

    @default_torch()
    def fit(
        self, x, y, n, seeds=None, *,
        trial=None, layout=None, classes=None, callbacks=lambda history: [], accelerator="cpu", half_trained=None,
    ):  # fmt: skip
        """See `Augmenter.fit`.

        ``classes`` is K if not y.max() + 1; ``accelerator`` is Lightning's; ``callbacks`` gives further Lightning
        callbacks for the `History` of this fit; ``half_trained`` is a `HalfTrained` of these members to go on from.

        Raises
        ------
        ValueError
            If trials are needed and not given, or a class has too few of them to hold some back.
        KeyboardInterrupt
            If the user interrupts it: it does not end the process, as Lightning would.
        """
        seeds = range(len(x)) if seeds is None else seeds
        self.model = self.build(len(x), x.shape[-1], int(y.max()) + 1 if classes is None else classes)
        self.model.initialise(seeds)
        if self.needs_trials and trial is None:
            raise ValueError(f"{words().model(self.name)} needs fit(..., trial=...), got none")
        judge, checks = self._judge(), None
        if self.checking:
            (x, y, n, trial), checks = self._hold_back(x, y, n, trial, seeds)
        if judge:
            judge.fit(x, y, n)
        batches = MemberBatches(
            self.model.prepare(x, y, n, trial), y, n, seeds,
            batch_size=self.training["batch_size"], iterations=self.training["iterations"],
            draws=self.model.draws, noise_features=self.model.batch_noise,
            start=half_trained.iteration if half_trained else 0,
        )  # fmt: skip
        self.history = History(
            self.training["iterations"], self.training["plateau_window"], self.training["plateau_tolerance"], checks
        )
        self.watch = Watch(self.history, self.name, x, y, n, self.model.classes)
        resume = [Resume(half_trained, self.history)] if half_trained else []
        with ProcessSignals() as signals:
            self.trainer = lightning.Trainer(
                accelerator=accelerator, devices=1, max_epochs=1,
                callbacks=[signals, self.history, *resume, self.watch, *callbacks(self.history)],
                logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
                plugins=[LightningEnvironment()],
            )  # fmt: skip
            self.trainer.fit(self.model, batches)
        self.model.cpu().eval()
        self.judge = judge
        if checks:
            log.info(
                "%s: the best weights by trials held back are those of iterations %d to %d, median %d; %d of %d GANs "
                "stopped before the last",
                self.name, checks.at.min(), checks.at.max(), checks.at.median(),
                sum(at < self.training["iterations"] for at in self.history.stopped), len(x),
            )  # fmt: skip
        return self

    @default_torch()
    @torch.no_grad()
    def sample(self, y, generator):
        members, n = y.shape
        generators = per_member(generator, members)
        blocks = []
        for start in range(0, n, SAMPLE_BLOCK):
            labels = torch.zeros(members, SAMPLE_BLOCK, dtype=torch.int64)
            labels[:, : n - start] = y[:, start : start + SAMPLE_BLOCK]
            blocks.append(self._block(labels, generators))
        return torch.cat(blocks, dim=1)[:, :n] if blocks else torch.empty(members, 0, self.model.features)

    def _block(self, y: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        """Windows of one block; with a judge, each is the best of its own candidates, the first of equally good ones.

        Not the best share of a common pool: a window would then depend on how many others of its class are asked for.
        """
        best = best_score = None
        for _ in range(self.selection.get("oversample", 1)):
            noise = [torch.rand(SAMPLE_BLOCK, self.model.noise_features, generator=g) for g in generators]
            z = torch.stack(noise) * 2 - 1
            windows = self.model.generate(z, y)
            if self.judge is None:
                return windows
            score = self.judge(z, windows, y)
            if best is None:
                best, best_score = windows, score
            better = score > best_score
            best, best_score = torch.where(better[..., None], windows, best), torch.where(better, score, best_score)
        return best

    def state(self) -> dict[str, Tensor]:
        """What sampling takes: the generators and, with selection, the judges, as plain tensors (M, ...)."""
        judge = self.judge.state_dict(prefix=JUDGE) if self.judge else {}
        return {**self.model.generator.state_dict(), **judge}

    def generators(self) -> list[dict[str, Tensor]]:
        """The `state` of each member, copied."""
        weights = self.state()
        return [{name: value[m].clone() for name, value in weights.items()} for m in range(self.model.members)]

    @default_torch()
    def restore(self, generators: Sequence[dict[str, Tensor]], features: int, classes: int) -> "GANAugmenter":
        """Take what `generators` gave of several members, in this order, ready to sample."""
        self.model = self.build(len(generators), features, classes).eval()
        self.judge = self._judge()
        weights = {name: torch.stack([g[name] for g in generators]) for name in generators[0]}
        judge = {name.removeprefix(JUDGE): weights.pop(name) for name in list(weights) if name.startswith(JUDGE)}
        if self.judge:
            self.judge.load_state_dict(judge)
        self.model.generator.load_state_dict(weights)
        return self

    def _judge(self) -> Judge | None:
        """An unfitted judge of the model's windows, if one is asked for."""
        return JUDGES[self.selection["selection"]](self.model) if self.selection else None

    def _hold_back(self, x, y, n, trial, seeds) -> tuple[list[Tensor], Checks]:
        """Windows, labels, lengths and trials to train on, padded anew, and checks with the others."""
        kept, held = [], []
        for m, length in enumerate(n.tolist()):
            own = [part[m, :length].numpy() for part in (x, y, trial)]
            apart = hold_back(*own[1:], self.checking["hold_back"], seeds[m])
            held.append(HeldBack.of(*own, apart))
            kept.append([part[m, :length][torch.from_numpy(~apart)] for part in (x, y, trial)])
        x, y, trial = (pad_sequence(part, batch_first=True) for part in zip(*kept, strict=True))
        n = torch.tensor([len(part[1]) for part in kept])
        checks = Checks(held, self.model, seeds, self.checking["check_every"], self.checking["patience"])
        return [x, y, n, trial], checks
