"""FittedSampler: an augmenter fitted on one training set, which draws labelled windows in the units of the data."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn.utils import check_random_state
from torch import Tensor

from emogan import kinds
from emogan.augmenters import Augmenter, Control, GANAugmenter, balanced_labels
from emogan.data.alignment import ALIGNMENTS, Alignment
from emogan.data.scaling import MinMaxScaler
from emogan.data.training_set import TrainingSet
from emogan.models import ConditionalGenerator
from emogan.samplers.columns import ColumnType, frame_of, own_windows, plain_type, refuse_other_classes, typed
from emogan.samplers.wording import SamplerWording
from emogan.store import derived_seed, fingerprint
from emogan.wording import worded

RandomState = int | np.random.RandomState | None


@dataclass(frozen=True, eq=False)
class FittedSampler:
    """A fitted augmenter with all that it takes to draw windows, as plain values.

    Attributes
    ----------
    identity : dict
        The augmenter's class and settings, see `Augmenter.identity`.
    tensors : dict of Tensor
        A GAN's generator and what selects its windows, or the scaled training windows of a control.
    scaler : MinMaxScaler
        Fitted on the training windows.
    classes : array (K,)
        Labels, sorted.
    dtypes : tuple of F dtypes
        Of the features, NumPy's or pandas'; whole numbers come out rounded.
    key : str
        Content key of the fit: the seed of what is drawn.
    feature_names : tuple of F names, or None
        Of any kind that a DataFrame's columns have.
    frame : bool
        Whether windows come out as a DataFrame.
    modalities, origin : mappings
        Of a job's checkpoint: columns of "eeg" and "eye"; subject, session and fold of the training set.
    sampler : str
        Class of the sampler that fitted it, by which messages call it.
    shared : mapping, or None
        Of a generator that `emogan.share` wrote: what it learned from, and the text of its card.
    alignment : Alignment, or None
        Of the person that a shared generator was adapted to.
    label_name, label_type : any, and a dtype or None
        Name and type of the labels, if a Series was fitted.
    file : str
        That it was read from, if any.
    """

    identity: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    scaler: MinMaxScaler
    classes: npt.NDArray
    dtypes: tuple[ColumnType, ...]
    key: str
    feature_names: tuple | None = None
    frame: bool = False
    modalities: Mapping[str, slice] = field(default_factory=dict)
    origin: Mapping[str, object] = field(default_factory=dict)
    sampler: str = ""
    shared: Mapping[str, Any] | None = None
    alignment: Alignment | None = None
    label_name: Any = None
    label_type: ColumnType | None = None
    file: str = ""

    def __repr__(self) -> str:
        what = str(self.identity.get("gan") or self.identity.get("control"))
        if "iterations" in self.identity:
            most = "up to " if self.identity.get("plateau_window") else ""
            what += f" trained for {most}{self.identity['iterations']} iterations"
        what += f", {len(self.dtypes)} features, classes {', '.join(map(str, self.classes.tolist()))}"
        details = [f"{name}={value}" for name, value in self.origin.items()]
        details += [f"fitted by {self.sampler}"] * bool(self.sampler) + [f"read from {self.file}"] * bool(self.file)
        if self.shared is not None:
            units = "the units of one person" if self.alignment else "their shared units until adapt(X)"
            details.append(
                f"learned from {self.shared['people']} people of {self.shared['dataset']}; windows in {units}"
            )
        return f"FittedSampler({what}" + f",\n  {', '.join(details)}" * bool(details) + ")"

    def adapt(self, X: Any, y: Any = None) -> Self:
        """A shared generator (`emogan.share`) for a person it has not learned from: it draws in that person's units.

        Windows go through the inverse of the person's alignment, which is fitted to X, without labels: take windows of
        all classes, in about the proportions that the donors had, and of one person in one session. In a
        cross-validation they must be training windows. Another person gets other noise.

        Parameters
        ----------
        X
            Windows (N, F), at least 30: an array, or a DataFrame with columns of the generator's features in any order.
            What is drawn has the types of these columns.
        y
            Labels (N,), if at hand. They must be names of the generator's classes, and of all of them; nothing is
            learned from them.

        Raises
        ------
        ValueError
            If this is no shared generator or was adapted already; if X has other features, too few windows or values
            that are no finite numbers; or if y has other classes.
        """
        if self.shared is None or self.alignment is not None:
            got = "one that was adapted to a person already" if self.shared else "a sampler of a single training set"
            raise ValueError(
                f"adapt: expected a shared generator, as python -m emogan.share writes, got {got}, whose windows are "
                "in the units of its data"
            )
        x, dtypes = own_windows(X, self.feature_names or ())
        if y is not None:
            refuse_other_classes(y, len(x), self.classes.tolist())
        return replace(
            self, alignment=ALIGNMENTS[self.shared["alignment"]].fit(x), dtypes=dtypes,
            frame=isinstance(X, pd.DataFrame), key=f"{self.key} {fingerprint(x)}",
        )  # fmt: skip

    def sample(
        self, n: int | Mapping, random_state: RandomState = None
    ) -> tuple[npt.NDArray | pd.DataFrame, npt.NDArray | pd.Series]:
        """Draw synthetic windows (n, F) and their labels (n,).

        Both are arrays; if a DataFrame was fitted, windows are a DataFrame and labels a Series, with the name and the
        type of the labels that were fitted.

        Parameters
        ----------
        n
            Windows in all, shared equally among the classes (a remainder goes to the first), or {label: windows}.
        random_state
            None draws the same windows at every call, the first of them for a smaller n: those that a job or
            `fit_resample` appends. A whole number draws others, and the same for the same number.

        Raises
        ------
        ValueError
            If n is no whole number of windows, or a label is none of `classes`.
        """
        labels = self.labels(n)
        if self.frame:
            x = self.values(labels, random_state)
            names = range(x.shape[1]) if self.feature_names is None else list(self.feature_names)
            series = pd.Series(self.classes[labels], dtype=self.label_type, name=self.label_name)
            return frame_of(x, names, self.dtypes), series
        return self.draw(labels, random_state), self.classes[labels]

    def labels(self, n: int | Mapping) -> npt.NDArray:
        """Class indices (n,) of a number of windows: in turn for a number, class by class for a mapping.

        Parameters
        ----------
        n
            As of `sample`.
        """
        if not isinstance(n, Mapping):
            return balanced_labels(_windows(n), len(self.classes))
        counts = {label: _windows(count) for label, count in n.items()}
        if unknown := [label for label in counts if label not in self.classes.tolist()]:
            raise ValueError(f"expected labels out of {self.classes.tolist()}, got {unknown}")
        return np.repeat(np.arange(len(self.classes)), [counts.get(label, 0) for label in self.classes.tolist()])

    def draw(self, labels: npt.NDArray, random_state: RandomState = None) -> npt.NDArray:
        """Synthetic windows (n, F) in the units and the common type of the features.

        Parameters
        ----------
        labels
            Class index (n,) of each window.
        random_state
            As of `sample`.
        """
        x, plain = self.values(labels, random_state), [plain_type(dtype) for dtype in self.dtypes]
        common = np.result_type(*(np.float64 if dtype.kind == "O" else dtype for dtype in plain))
        if set(self.dtypes) == {common}:
            return np.asarray(typed(x, common))
        columns = [np.asarray(typed(x[:, i], dtype)).astype(common) for i, dtype in enumerate(self.dtypes)]
        return np.stack(columns, axis=1)

    def values(self, labels: npt.NDArray, random_state: RandomState = None) -> npt.NDArray[np.float64]:
        """What `draw` gives before it is put into the features' types.

        Parameters
        ----------
        labels, random_state
            As of `draw`.
        """
        purpose = "sample" if random_state is None else f"sample {whole_seed(random_state)}"
        generator = torch.Generator().manual_seed(derived_seed(self.key, purpose))
        with worded(SamplerWording(self.sampler, self.classes.tolist())):
            z = self.augmenter().sample(torch.from_numpy(labels)[None], [generator])[0].numpy()
        x = self.scaler.inverse(z.astype(np.float64))
        return x if self.alignment is None else self.alignment.inverse(x)

    def augmenter(self) -> Augmenter:
        """The augmenter as it was fitted, of this one member.

        Raises
        ------
        ValueError
            If its class is none of EmoGAN's, nor of the modules that are imported by now: nothing is imported for it.
        """
        settings = dict(self.identity)
        if "gan" in settings:
            gan = kinds.find(settings.pop("gan"), ConditionalGenerator)
            settings.pop("optimizer", None)  # a description of it, which training alone needed
            weights = {name.removeprefix("generator."): value for name, value in self.tensors.items()}
            return GANAugmenter(gan, name=gan.__name__, **settings).restore(
                [weights], len(self.dtypes), len(self.classes)
            )
        kind = kinds.find(settings.pop("control"), Control)
        control: Control = kind(name=self.sampler or kind.__name__, **settings)
        x, y, trial = (self.tensors[f"windows.{name}"].numpy() for name in ("x", "y", "trial"))
        rows = np.arange(len(y))
        control.fit([TrainingSet(rows, rows, self.scaler, x, y, trial)])
        return control


def whole_seed(random_state: RandomState) -> int:
    """A seed >= 0: a whole number itself, else one drawn as scikit-learn draws them."""
    if isinstance(random_state, int | np.integer) and random_state >= 0:
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _windows(n: object) -> int:
    if not isinstance(n, int | np.integer) or isinstance(n, bool) or n < 0:
        raise ValueError(f"expected a whole number of windows >= 0, got {n!r}")
    return int(n)
