"""Sampler: an augmenter as an over-sampler of imbalanced-learn, which scales, fits, draws and appends."""

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
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils._param_validation import Interval
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from emogan.augmenters import Augmenter
from emogan.evaluation.plan import TrainingSet
from emogan.fitting import member_key
from emogan.samplers.files import save
from emogan.samplers.fitted import FittedSampler, RandomState, whole_seed
from emogan.samplers.training import training_set

try:
    from imblearn.over_sampling.base import BaseOverSampler
    from imblearn.utils import check_sampling_strategy
except ImportError as error:
    raise ImportError("EmoGAN's samplers need imbalanced-learn: pip install 'emogan[imblearn]'") from error


@dataclass(kw_only=True, eq=False, repr=False)
class Sampler(BaseOverSampler):
    """Fits an augmenter to the windows it is given and appends artificial ones.

    Windows are scaled to [0, 1] by the extremes of those given, so that in a pipeline inside a cross-validation
    nothing is seen of the windows held out. Artificial windows come out in the units and the type of the given ones
    (whole numbers are rounded); arrays, lists, sparse matrices and DataFrames come out as they went in. Labels may be
    of any kind.

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
        With a whole number the same windows are appended in every run; fewer are the first of more.

    Attributes
    ----------
    fitted_ : FittedSampler
        What was fitted last; `fit_resample` fits only if something is to be appended.
    sampling_strategy_ : dict
        Windows appended, by label.
    """

    sampling_strategy: str | float | Mapping | Callable = "auto"
    n_aug: int | None = None
    random_state: RandomState = None

    _parameter_constraints: ClassVar[dict] = {
        **BaseOverSampler._parameter_constraints,
        "n_aug": [Interval(numbers.Integral, 0, None, closed="left"), None],
    }

    __metadata_request__fit: ClassVar[dict] = {"groups": False}  # pipelines call fit_resample: one request is enough

    @abstractmethod
    def _augmenter(self, settings: dict[str, Any]) -> Augmenter:
        """The augmenter with these settings: what the class has as parameters beside those of every sampler."""

    @abstractmethod
    def _tensors(self, augmenter: Augmenter, data: TrainingSet, classes: int, seed: int) -> dict[str, Tensor]:
        """What is left of fitting an augmenter to a training set, see `FittedSampler`."""

    def fit(self, X: Any, y: Any, *, groups: Any = None) -> Self:
        """Fit without appending anything, for `sample` and `save`.

        Parameters
        ----------
        X, y
            Windows (N, F) and labels (N,).
        groups
            Trial (N,) of each window, for augmenters that look at trials; other trials have other names, also those of
            another session or person.

        Raises
        ------
        ValueError
            If a setting is impossible, there are fewer than two classes, or windows are not finite numbers.
        """
        X, y = self.checked(X, y)
        self.fitted_ = self._fitted(X, y, groups)
        return self

    def fit_resample(self, X: Any, y: Any, *, groups: Any = None) -> tuple[Any, Any]:
        """Windows and labels with the artificial ones appended behind; arguments and errors as of `fit`."""
        x, y = super().fit_resample(X, y, groups=groups)
        return (type(X)(x) if sparse.issparse(X) else x), y

    def sample(
        self, n: int | Mapping, random_state: RandomState = None
    ) -> tuple[npt.NDArray | pd.DataFrame, npt.NDArray]:
        """Artificial windows and their labels, see `FittedSampler.sample`."""
        check_is_fitted(self, "fitted_")
        return self.fitted_.sample(n, random_state)

    def save(self, path: str | Path) -> None:
        """Write what was fitted into one file, which `emogan.load` reads."""
        check_is_fitted(self, "fitted_")
        save(self.fitted_, path)

    def checked(self, X: Any, y: Any) -> tuple[npt.NDArray, npt.NDArray]:
        """Windows and labels as arrays; what is wrong with them or with this sampler's parameters is said."""
        self._validate_params()
        check_classification_targets(y)
        X, y, _ = self._check_X_y(X, y)
        self.sampling_strategy_ = self._appended(y)
        return X, y

    def prepared(self, X: npt.NDArray, y: npt.NDArray, groups: Any) -> tuple[Augmenter, TrainingSet, npt.NDArray]:
        """The augmenter, and the scaled windows and classes that it is to be fitted on."""
        augmenter = self._constructed()
        if groups is not None:
            groups = column_or_1d(groups)
            check_consistent_length(X, groups)
            if pd.isna(groups).any():
                raise ValueError(f"expected the trial of each window in groups, got none for {pd.isna(groups).sum()}")
        elif "trial" in getattr(augmenter, "needs", ()):
            raise ValueError(
                f"{type(self).__name__} looks at trials: expected groups=, the trial of each window, got none. In a "
                "pipeline they come by scikit-learn's metadata routing: set_config(enable_metadata_routing=True), "
                'set_fit_resample_request(groups="trials") of the sampler and fit(X, y, trials=...) of the pipeline'
            )
        return augmenter, *training_set(X, y, groups)

    def _fit_resample(self, X: npt.NDArray, y: npt.NDArray, groups: Any = None) -> tuple[npt.NDArray, npt.NDArray]:
        self.sampling_strategy_ = self._appended(y)
        if not any(self.sampling_strategy_.values()):
            return X, y
        self.fitted_ = self._fitted(X, y, groups)
        labels = self.fitted_.labels(self.sampling_strategy_ if self.n_aug is None else self.n_aug)
        drawn = self.fitted_.draw(labels).astype(X.dtype)
        return np.concatenate([X, drawn]), np.concatenate([y, self.fitted_.classes[labels]])

    def _check_X_y(self, X: Any, y: Any, accept_sparse: Any = None) -> tuple[npt.NDArray, npt.NDArray, bool]:
        """Checked arrays; what type the columns had is kept for what is drawn."""
        x, y, one_vs_all = super()._check_X_y(X, y, accept_sparse)
        x = x.toarray() if sparse.issparse(x) else x
        self._frame = isinstance(X, pd.DataFrame)
        self._dtypes = tuple(_plain(one, x.dtype) for one in X.dtypes) if self._frame else (x.dtype,) * x.shape[1]
        return x, y, one_vs_all

    def _appended(self, y: npt.NDArray) -> dict:
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
        settings = {name: _simple(one) for name, one in self.get_params(deep=False).items() if name not in shared}
        try:
            return self._augmenter(settings)
        except ValueError as error:
            raise ValueError(str(error).replace("model.", f"{type(self).__name__}.", 1)) from None

    def _fitted(self, X: npt.NDArray, y: npt.NDArray, groups: Any) -> FittedSampler:
        augmenter, data, classes = self.prepared(X, y, groups)
        seed = whole_seed(self.random_state)
        names = getattr(self, "feature_names_in_", None)
        return FittedSampler(
            augmenter.identity(), self._tensors(augmenter, data, len(classes), seed), data.scaler, classes,
            self._dtypes, member_key(augmenter, data, len(classes), seed),
            None if names is None else tuple(names), self._frame,
        )  # fmt: skip


def _plain(dtype: Any, common: np.dtype) -> np.dtype:
    """NumPy's type of a DataFrame's column; the common one for columns of objects."""
    found = np.dtype(getattr(dtype, "numpy_dtype", getattr(dtype, "subtype", dtype)))
    return found if found.kind in "biuf" else common


def _simple(value: Any) -> Any:
    """NumPy's numbers, as grids hold them, as Python's."""
    return value.item() if isinstance(value, np.generic) else value
