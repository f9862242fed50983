"""Sampler: an augmenter as an over-sampler of imbalanced-learn, which scales, fits, draws and appends."""

import inspect
import numbers
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from sklearn.utils._param_validation import Interval
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from emogan.augmenters import Augmenter
from emogan.augmenters.fit import member_key
from emogan.data.training_set import TrainingSet
from emogan.docstrings import inherit_parameters
from emogan.samplers.columns import (
    as_python,
    frame_of,
    labels_of,
    name_and_type,
    number_columns,
    refuse_other_frames,
    typed,
)
from emogan.samplers.files import save
from emogan.samplers.fitted import FittedSampler, RandomState, whole_seed
from emogan.samplers.training import refuse_missing_trials, trial_numbers, warn_of_mixed_trials
from emogan.samplers.warn import once, warn
from emogan.samplers.wording import SamplerWording
from emogan.wording import worded

try:
    from imblearn.over_sampling.base import BaseOverSampler
    from imblearn.utils import check_sampling_strategy
    from imblearn.utils._validation import ArraysTransformer
except ImportError as error:
    raise ImportError("EmoGAN's samplers need imbalanced-learn: pip install 'emogan[imblearn]'") from error


@dataclass(kw_only=True, eq=False, repr=False)
class Sampler(BaseOverSampler):
    """Fits an augmenter to the windows it is given and appends synthetic ones.

    Windows are scaled to [0, 1] by the extremes of those given, so that in a pipeline inside a cross-validation
    nothing is seen of the windows held out. Synthetic windows come out in the units and the type of the given ones
    (whole numbers are rounded, and numbers that are categories of a DataFrame's column become the nearest category);
    arrays, lists, sparse matrices and DataFrames come out as they went in. Labels may be of any kind.

    Parameters
    ----------
    sampling_strategy
        As in imbalanced-learn: "auto" fills all classes up to the largest; also "minority", "not minority", "not
        majority", "all", a mapping {label: windows afterwards}, for two classes the ratio afterwards, or a function of
        y that gives such a mapping.
    n_aug
        Windows appended in all, shared equally among the classes (a remainder goes to the first). It takes the place
        of sampling_strategy.
    random_state
        With a whole number the same windows are appended in every run; a smaller n_aug appends the first of these.

    Attributes
    ----------
    fitted_ : FittedSampler
        What was fitted last; `fit_resample` fits only if something is to be appended.
    sampling_strategy_ : dict
        Windows appended, by label.
    synthetic_ : array of bool
        Of each row that `fit_resample` returned last, whether it is synthetic.
    """

    sampling_strategy: str | float | Mapping | Callable = "auto"
    n_aug: int | None = None
    random_state: RandomState = None

    _parameter_constraints: ClassVar[dict] = {
        **BaseOverSampler._parameter_constraints,
        "n_aug": [Interval(numbers.Integral, 0, None, closed="left"), None],
    }

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        names = (name for base in reversed(cls.__mro__) for name in inspect.get_annotations(base))
        inherit_parameters(cls, names, *cls._described_by())

    @classmethod
    def _described_by(cls) -> tuple[type, ...]:
        """Classes that describe parameters which a sampler hands on to them."""
        return ()

    @abstractmethod
    def _augmenter(self, settings: dict[str, Any]) -> Augmenter:
        """The augmenter with these settings: what the class has as parameters beside those of every sampler."""

    @abstractmethod
    def _tensors(self, augmenter: Augmenter, data: TrainingSet, classes: int, seed: int) -> dict[str, Tensor]:
        """What is left of fitting an augmenter to a training set, see `FittedSampler`."""

    def fit(self, X: Any, y: Any) -> Self:
        """Fit without appending anything, for `sample` and `save`.

        Parameters
        ----------
        X, y
            Windows (N, F) and labels (N,).

        Raises
        ------
        ValueError
            If a setting is impossible, there are fewer than two classes, or windows are not finite numbers. Columns of
            a DataFrame, classes and parameters are named.
        KeyboardInterrupt
            If it is interrupted; nothing is fitted then.
        """
        return self._fit(X, y, None)

    def fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Append synthetic windows and their labels behind those given; errors as of `fit`.

        The given windows of a DataFrame come out untouched, whatever the types of its columns. A UserWarning says so if
        nothing is appended although n_aug was not given.

        Parameters
        ----------
        X, y
            Windows (N, F) and labels (N,).
        """
        return self._resample(X, y, None)

    def sample(
        self, n: int | Mapping, random_state: RandomState = None
    ) -> tuple[npt.NDArray | pd.DataFrame, npt.NDArray | pd.Series]:
        """Draw synthetic windows (n, F) and their labels (n,): a DataFrame and a Series if a DataFrame was fitted.

        Parameters
        ----------
        n
            Windows in all, shared equally among the classes (a remainder goes to the first), or {label: windows}.
        random_state
            None draws the same windows at every call, the first of them for a smaller n: those that `fit_resample`
            appends. A whole number draws others, and the same for the same number.
        """
        check_is_fitted(self, "fitted_")
        return self.fitted_.sample(n, random_state)

    def save(self, path: str | Path) -> None:
        """Write what was fitted into one file, which `emogan.load` reads.

        Parameters
        ----------
        path
            The file to write.
        """
        check_is_fitted(self, "fitted_")
        save(self.fitted_, path)

    def _checked(self, X: Any, y: Any) -> tuple[npt.NDArray, npt.NDArray, bool]:
        """Windows and labels as arrays, and whether y had a column for each class.

        What is wrong with them or with this sampler's parameters is said.
        """
        self._validate_params()
        refuse_other_frames(X, y)
        self._label_name, self._label_type = name_and_type(y)
        labels = labels_of(y)
        check_classification_targets(labels)
        X, y, one_vs_all = self._check_X_y(X, labels)
        self.sampling_strategy_ = self._asked(y)
        return X, y, one_vs_all

    def _prepared(self, X: npt.NDArray, y: npt.NDArray, trials: Any) -> tuple[Augmenter, TrainingSet, npt.NDArray]:
        """The augmenter, and the scaled windows and classes that it is to be fitted on."""
        augmenter = self._constructed()
        if trials is None:
            refuse_missing_trials(type(self).__name__, augmenter)
            number = None
        else:
            number = trial_numbers(trials, len(X))
            warn_of_mixed_trials(type(self).__name__, trials, number, y, "labels")
        classes, index = np.unique(y, return_inverse=True)
        return augmenter, TrainingSet.scaled(X, index, number), classes

    def _fit(self, X: Any, y: Any, trials: Any) -> Self:
        X, y, _ = self._checked(X, y)
        self.fitted_ = self._fitted(X, y, trials)
        return self

    def _resample(self, X: Any, y: Any, trials: Any) -> tuple[Any, Any]:
        x, labels, one_vs_all = self._checked(X, y)
        drawn, more = self._drawn(x, labels, trials)
        found = np.concatenate([labels, more])
        self.synthetic_ = np.arange(len(found)) >= len(labels)
        if one_vs_all:  # a column for each class, of which some may have no windows
            found = np.eye(np.shape(y)[1], dtype=np.asarray(y).dtype)[found]
        return _appended(X, x, drawn), ArraysTransformer(x, y).transform(x, found)[1]

    def _fit_resample(self, X: npt.NDArray, y: npt.NDArray) -> tuple[npt.NDArray, npt.NDArray]:
        drawn, labels = self._drawn(X, y, None)
        return np.concatenate([X, typed(drawn, X.dtype)]), np.concatenate([y, labels])

    def _drawn(self, X: npt.NDArray, y: npt.NDArray, trials: Any) -> tuple[npt.NDArray, npt.NDArray]:
        """The windows to append, float64, and their labels."""
        if not any(self.sampling_strategy_.values()):
            if self.n_aug is None:
                name, strategy = type(self).__name__, self.sampling_strategy
                warn(
                    "nothing appended",
                    f"{name} has appended nothing: sampling_strategy={strategy!r} asks for no more windows of these "
                    f"classes than there are. Tell it how many to append, such as {name}(n_aug=200)",
                )
            return np.empty((0, X.shape[1])), y[:0]
        self.fitted_ = self._fitted(X, y, trials)
        labels = self.fitted_.labels(self.sampling_strategy_ if self.n_aug is None else self.n_aug)
        return self.fitted_.values(labels), self.fitted_.classes[labels]

    def _check_X_y(self, X: Any, y: Any, accept_sparse: Any = None) -> tuple[npt.NDArray, npt.NDArray, bool]:
        """Checked arrays; what the columns are is kept for what is drawn."""
        frame = isinstance(X, pd.DataFrame)
        x, y, one_vs_all = super()._check_X_y(number_columns(X) if frame else X, y, accept_sparse)
        x = x.toarray() if sparse.issparse(x) else x
        self._columns = tuple(X.columns.tolist()) if frame else None
        self._dtypes = tuple(X.dtypes) if frame else (x.dtype,) * x.shape[1]
        return x, y, one_vs_all

    def _asked(self, y: npt.NDArray) -> dict:
        """Windows to append, by label."""
        asked: dict = check_sampling_strategy(self.sampling_strategy, y, self._sampling_type)
        if self.n_aug is None:
            return asked
        if self.sampling_strategy != "auto":
            raise ValueError(
                "expected n_aug or sampling_strategy, which both tell how many windows to append, got n_aug="
                f"{self.n_aug} and sampling_strategy={self.sampling_strategy!r}"
            )
        share, left = divmod(self.n_aug, len(classes := np.unique(y)))
        return {label: share + (i < left) for i, label in enumerate(classes)}

    def _constructed(self) -> Augmenter:
        shared = Sampler._get_param_names()
        settings = {name: as_python(one) for name, one in self.get_params(deep=False).items() if name not in shared}
        with worded(SamplerWording(type(self).__name__)):
            return self._augmenter(settings)

    def _fitted(self, X: npt.NDArray, y: npt.NDArray, trials: Any) -> FittedSampler:
        with once():
            augmenter, data, classes = self._prepared(X, y, trials)
            seed = whole_seed(self.random_state)
            with worded(SamplerWording(type(self).__name__, classes.tolist())):
                tensors = self._tensors(augmenter, data, len(classes), seed)
        return FittedSampler(
            augmenter.identity(), tensors, data.scaler, classes, self._dtypes,
            member_key(augmenter, data, len(classes), seed), self._columns, self._columns is not None,
            sampler=type(self).__name__, label_name=self._label_name, label_type=self._label_type,
        )  # fmt: skip


@dataclass(kw_only=True, eq=False, repr=False)
class TrialSampler(Sampler):
    """A sampler that may learn from trials: ``fit`` and ``fit_resample`` take the trial of each window.

    Pipelines pass it on by scikit-learn's metadata routing, where it is requested unless the user chose otherwise.
    """

    __metadata_request__fit: ClassVar[dict] = {"trials": False}  # pipelines call fit_resample: one request is enough
    __metadata_request__fit_resample: ClassVar[dict] = {"trials": True}

    def fit(self, X: Any, y: Any, *, trials: Any = None) -> Self:
        """Fit without appending anything, for `sample` and `save`; errors as of `Sampler.fit`.

        Parameters
        ----------
        X, y
            Windows (N, F) and labels (N,).
        trials
            Trial (N,) of each window. Different trials have different names, also those of different sessions and
            people; a UserWarning says so if a trial holds windows of several labels.
        """
        return self._fit(X, y, trials)

    def fit_resample(self, X: Any, y: Any, *, trials: Any = None) -> tuple[Any, Any]:
        """Append synthetic windows and their labels behind those given, see `Sampler.fit_resample`.

        Parameters
        ----------
        X, y, trials
            As of `fit`.
        """
        return self._resample(X, y, trials)


def with_settings(
    sampler: Sampler, parameters: Mapping[str, Any], settings: Mapping[str, Any] | None
) -> dict[str, Any]:
    """All settings of a sampler's augmenter: some of its parameters, and its ``settings``, which are none of these."""
    own = sampler.get_params(deep=False)
    for name in settings or {}:
        if name in own:
            kind = type(sampler).__name__
            raise ValueError(
                f"{kind}(settings=...): expected none of the sampler's own parameters, got {name}. Give it as "
                f"{kind}({name}=...)"
            )
    return {**parameters, **{name: as_python(value) for name, value in (settings or {}).items()}}


def _appended(given: Any, x: npt.NDArray, drawn: npt.NDArray) -> Any:
    """Windows as they were given, checked ones x (N, F) of them, with drawn ones (n, F) behind."""
    if isinstance(given, pd.DataFrame):
        return pd.concat([given, frame_of(drawn, given.columns, tuple(given.dtypes))], ignore_index=True)
    found = np.concatenate([x, typed(drawn, x.dtype)])
    if sparse.issparse(given):
        return type(given)(found)
    return found.tolist() if isinstance(given, list) else found
