"""Samplers append exact counts in the units of the data, see the given windows alone and obey random_state."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from composed import composed
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import Pipeline, make_pipeline
from omegaconf import OmegaConf
from represented import represented
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVC, LinearSVC
from with_trials import with_trials

import emogan
from emogan import (
    CBEGANSampler,
    ControlSampler,
    DuplicateSampler,
    GANSampler,
    GaussianSampler,
    MixupSampler,
    NoiseSampler,
    RandomEffectsSampler,
    TrialCBEGANSampler,
)
from emogan.augmenters import Gaussian, Rotation
from emogan.environment import config_dir
from emogan.models import TrialCBEGAN
from emogan.samplers.gans import TrainedSampler
from emogan.samplers.sampler import Sampler, TrialSampler

KINDS = sorted(name for name in emogan.__all__ if re.fullmatch(r"(?!GAN|Control|Fitted).+Sampler", name))

WITHOUT_TRIALS = [name for name in KINDS if not issubclass(getattr(emogan, name), TrialSampler)]


# Kinds share nearly all of their code. These differ in it: GANs of single windows and of trials, and two controls.
FIRST = ["CBEGANSampler", "RecurrentCBEGANSampler", "RandomEffectsSampler", "SMOTESampler"]


@pytest.fixture(params=represented(KINDS, by=FIRST))
def sampler(request, tiny):
    """One sampler of each kind."""
    kind = getattr(emogan, request.param)
    return kind(random_state=0, **(tiny if issubclass(kind, TrainedSampler) else {}))


def appended(found, windows):
    """What stands behind the real windows, which have not changed."""
    (x, y), n = found, len(windows[0])
    np.testing.assert_array_equal(x[:n], windows[0])
    np.testing.assert_array_equal(y[:n], windows[1])
    return x[n:], y[n:]


def test_n_aug_windows_are_appended_in_all_shared_equally_a_remainder_to_the_first_classes(sampler, windows):
    x, y, trial = windows
    for n_aug in (0, 1, 8):
        drawn, labels = appended(
            sampler.set_params(n_aug=n_aug).fit_resample(x, y, **with_trials(sampler, trial)), windows
        )
        expected = {"calm": (n_aug + 2) // 3, "fear": (n_aug + 1) // 3, "joy": n_aug // 3}
        assert Counter(labels.tolist()) == {label: count for label, count in expected.items() if count}
        assert sampler.sampling_strategy_ == expected
        assert drawn.shape == (n_aug, 5)
        assert drawn.dtype == x.dtype
        assert np.isfinite(drawn).all()


@pytest.mark.parametrize(
    "strategy",
    ["auto", "minority", "not minority", "not majority", "all", {"calm": 40, "joy": 33}, lambda y: {"fear": 50}],
)
def test_sampling_strategy_gives_the_counts_that_it_gives_imbalanced_learns_own_sampler(windows, strategy):
    x, y, _ = (column[8:] for column in windows)
    _, expected = RandomOverSampler(sampling_strategy=strategy, random_state=0).fit_resample(x, y)
    _, found = NoiseSampler(sampling_strategy=strategy).fit_resample(x, y)
    assert Counter(found.tolist()) == Counter(expected.tolist())


def test_a_ratio_is_for_two_classes(windows):
    x, y, _ = windows
    two = np.flatnonzero(y != "joy")[9:]
    _, found = DuplicateSampler(sampling_strategy=1.0).fit_resample(x[two], y[two])
    assert len(set(Counter(found.tolist()).values())) == 1
    with pytest.raises(ValueError, match="binary"):
        DuplicateSampler(sampling_strategy=0.9).fit_resample(x, y)


def test_sample_draws_exact_counts(sampler, windows):
    x, y, trial = windows
    sampler.fit(x, y, **with_trials(sampler, trial))
    for n, counts in ((7, [3, 2, 2]), ({"joy": 4}, [0, 0, 4]), ({"fear": 1, "calm": 2}, [2, 1, 0])):
        drawn, labels = sampler.sample(n)
        assert [list(labels).count(label) for label in ("calm", "fear", "joy")] == counts
        assert drawn.shape == (sum(counts), 5)


def test_the_same_windows_come_with_the_same_random_state_and_others_with_another(sampler, windows):
    x, y, trial = windows
    sampler.set_params(n_aug=30)
    first, _ = sampler.fit_resample(x, y, **with_trials(sampler, trial))
    again, _ = clone(sampler).fit_resample(x, y, **with_trials(sampler, trial))
    other, _ = clone(sampler).set_params(random_state=1).fit_resample(x, y, **with_trials(sampler, trial))
    fewer, _ = clone(sampler).set_params(n_aug=7).fit_resample(x, y, **with_trials(sampler, trial))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(fewer, first[:97])
    np.testing.assert_array_equal(sampler.sample(30)[0], first[90:])
    np.testing.assert_array_equal(sampler.sample(30, random_state=5)[0], sampler.sample(30, random_state=5)[0])
    assert not np.array_equal(sampler.sample(30, random_state=5)[0], first[90:])


def test_a_random_state_that_draws_gives_others_every_time(windows):
    x, y, _ = windows
    state = np.random.RandomState(0)
    found = [NoiseSampler(n_aug=9, random_state=state).fit_resample(x, y)[0] for _ in range(2)]
    again = NoiseSampler(n_aug=9, random_state=np.random.RandomState(0)).fit_resample(x, y)[0]
    assert not np.array_equal(*found)
    np.testing.assert_array_equal(found[0], again)


def test_what_is_drawn_scales_with_the_units_of_the_data(sampler, windows):
    """A power of two changes no digit, so neither does it of what is drawn."""
    x, y, trial = windows
    sampler.set_params(n_aug=12)
    drawn, _ = sampler.fit_resample(x, y, **with_trials(sampler, trial))
    np.testing.assert_array_equal(sampler.fit_resample(x * 1024, y, **with_trials(sampler, trial))[0], drawn * 1024)


def test_labels_of_any_kind_come_out_as_they_went_in(sampler, windows):
    x, y, trial = windows
    sampler.set_params(n_aug=6)
    text, _ = sampler.fit_resample(x, y, **with_trials(sampler, trial))
    numbers = {"calm": 7, "fear": 11, "joy": 30}
    for kind in (np.int8, np.uint64, np.float32, object):
        labels = np.array([numbers[one] for one in y], dtype=int if kind is object else kind)
        labels = np.array([str(one) for one in y], dtype=object) if kind is object else labels
        drawn, found = sampler.fit_resample(x, labels, **with_trials(sampler, trial))
        assert found.dtype == labels.dtype
        assert found[90:].tolist() == labels[[0, 5, 10, 0, 5, 10]].tolist()
        np.testing.assert_array_equal(drawn, text)


def test_a_dataframe_keeps_its_columns_and_their_types_and_whole_numbers_are_rounded(sampler, frame, windows):
    x, y = frame
    found, labels = sampler.set_params(n_aug=60).fit_resample(x, y, **with_trials(sampler, windows[2]))
    assert found.columns.tolist() == x.columns.tolist()
    assert found.dtypes.tolist() == x.dtypes.tolist()
    assert labels.name == "emotion"
    more, _ = sampler.sample(60)
    pd.testing.assert_frame_equal(more, found[90:].reset_index(drop=True))
    exact = clone(sampler).fit_resample(x.astype({"blinks": np.float32}), y, **with_trials(sampler, windows[2]))[0]
    np.testing.assert_array_equal(found.blinks, exact.blinks.round())


def test_a_dataframe_without_names_comes_out_as_one(windows):
    x, y, _ = windows
    found, _ = NoiseSampler(n_aug=3, random_state=0).fit(pd.DataFrame(x), y).sample(3)
    assert found.columns.tolist() == [0, 1, 2, 3, 4]


def test_whole_numbers_stay_within_their_type():
    x = np.array([[0, 0], [255, 1], [3, 0], [250, 1]] * 5, dtype=np.uint8)
    drawn, _ = NoiseSampler(strength=1.0, n_aug=100, random_state=0).fit_resample(x, x[:, 1])
    assert drawn.dtype == np.uint8
    assert {0, 255} <= set(drawn[20:, 0].tolist()), "beyond the ends they would come out at the other one"
    flags, _ = NoiseSampler(strength=1.0, n_aug=100, random_state=0).fit_resample(x > 100, x[:, 1])
    assert flags.dtype == bool


def test_in_a_pipeline_nothing_but_the_training_windows_is_seen(windows):
    x, y, _ = windows
    grid = Pipeline([("augment", DuplicateSampler(n_aug=30, random_state=0)), ("svm", LinearSVC())])
    grid.fit(x[:60], y[:60])
    seen = grid.named_steps["augment"].fitted_
    np.testing.assert_array_equal(seen.scaler.minimum, x[:60].min(0))
    drawn, labels = seen.sample(30)
    for one, label in zip(drawn, labels, strict=True):
        assert np.isclose(x[:60][y[:60] == label], one, rtol=1e-5, atol=1e-6).all(1).any()


def test_nothing_is_trained_where_nothing_is_to_be_appended(windows, tiny):
    x, y, _ = windows
    sampler = CBEGANSampler(n_aug=0, **tiny)
    sampler.fit_resample(x, y)
    assert not hasattr(sampler, "fitted_")
    with pytest.raises(NotFittedError):
        sampler.sample(3)


def test_a_constant_feature_keeps_its_value(sampler, windows):
    x, y, trial = windows
    x = x.copy()
    x[:, 3] = 4.25
    drawn, _ = sampler.set_params(n_aug=9).fit_resample(x, y, **with_trials(sampler, trial))
    np.testing.assert_array_equal(drawn[:, 3], np.float32(4.25))


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        (CBEGANSampler(gamma=2), r"CBEGANSampler\(gamma=\.\.\.\): expected a number >= 0 and <= 1, got 2"),
        (CBEGANSampler(accelerator="tpu"), "accelerator"),
        (NoiseSampler(strength=[0.1, 0.2]), r"NoiseSampler\(strength=\.\.\.\): expected one value.*GridSearchCV"),
        (MixupSampler(n_aug=-1), "n_aug"),
        (MixupSampler(n_aug=3, sampling_strategy="all"), "expected n_aug or sampling_strategy"),
        (
            RandomEffectsSampler(),
            r"RandomEffectsSampler learns from trials: expected trials=.*enable_metadata_routing=True",
        ),
        (TrialCBEGANSampler(), r"TrialCBEGANSampler learns from trials: expected trials=, the trial of each window"),
        (GANSampler(gan=TrialCBEGAN, iterations=1), "GANSampler learns from trials: expected trials="),
    ],
)
def test_impossible_parameters_are_refused_by_name(sampler, message, windows):
    for call in (sampler.fit, sampler.fit_resample):
        with pytest.raises(ValueError, match=message):
            call(windows[0][8:], windows[1][8:])


def test_a_window_without_a_trial_is_refused(windows):
    x, y = windows[:2]
    trials = np.where(np.arange(len(y)) == 3, np.nan, np.arange(len(y)) // 4)
    with pytest.raises(ValueError, match="expected the trial of each window in trials, got none for 1"):
        RandomEffectsSampler().fit(x, y, trials=trials)


def test_wrong_requests_for_windows_are_refused(windows):
    x, y, trial = windows
    sampler = GaussianSampler().fit(x, y)
    for n, message in ((-1, "whole number of windows"), (2.0, "whole number"), ({"anger": 3}, r"got \['anger'\]")):
        with pytest.raises(ValueError, match=message):
            sampler.sample(n)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        RandomEffectsSampler(n_aug=3).fit_resample(x, y, trials=trial[:-1])


def test_grids_of_numpy_numbers_are_taken(windows, tiny):
    sampler = CBEGANSampler(n_aug=np.int64(6), **{name: np.int64(value) for name, value in tiny.items()})
    assert len(sampler.fit_resample(*windows[:2])[0]) == 96


def grid(sampler, n_aug=(0, 30)):
    steps = Pipeline([("augment", sampler), ("svm", LinearSVC(max_iter=20_000))])
    return GridSearchCV(steps, {"augment__n_aug": n_aug, "svm__C": [0.01, 0.1]}, cv=GroupKFold(3), error_score="raise")


def test_a_grid_over_n_aug_and_c_runs_in_a_pipeline_and_trains_each_gan_once(windows, tiny, tmp_path):
    x, y, trial = windows
    search = grid(CBEGANSampler(random_state=0, store=tmp_path, **tiny), n_aug=[0, 30, 60])
    search.fit((x - x.mean(0)) / x.std(0), y, groups=trial // 3)
    assert search.cv_results_["mean_test_score"].max() > 0.5
    by_size = {n: search.cv_results_["mean_test_score"][2 * i : 2 * i + 2] for i, n in enumerate([0, 30, 60])}
    assert not np.array_equal(by_size[0], by_size[30])
    trained = len(list(tmp_path.glob("*.safetensors")))
    assert trained == (3 if search.best_params_["augment__n_aug"] == 0 else 4), "a GAN a fold, and one of all windows"


@pytest.mark.parametrize("name", ["trials", "clips"])
def test_trials_reach_a_sampler_in_a_grid_by_metadata_routing(name, windows):
    x, y, trial = windows
    x, folds = (x - x.mean(0)) / x.std(0), trial // 3
    with config_context(enable_metadata_routing=True):
        sampler = RandomEffectsSampler(random_state=0)
        if name != "trials":
            sampler.set_fit_resample_request(trials=name)
        search = grid(sampler, n_aug=[30]).fit(x, y, groups=folds, **{name: trial})
    score = search.cv_results_["mean_test_score"][1]
    found = []
    for train, test in GroupKFold(3).split(x, y, folds):
        more = RandomEffectsSampler(n_aug=30, random_state=0).fit_resample(x[train], y[train], trials=trial[train])
        found.append(LinearSVC(C=0.1, max_iter=20_000).fit(*more).score(x[test], y[test]))
    assert score == pytest.approx(np.mean(found))


@pytest.mark.parametrize("sampler", represented(WITHOUT_TRIALS, by=["CBEGANSampler", "SMOTESampler"]), indirect=True)
def test_samplers_that_do_not_learn_from_trials_run_in_a_grid_with_metadata_routing(sampler, windows):
    x, y, trial = windows
    found = []
    for routing in (False, True):
        steps = make_pipeline(clone(sampler).set_params(n_aug=30), MinMaxScaler(), SVC(kernel="linear"))
        search = GridSearchCV(steps, {"svc__C": [0.1, 1]}, cv=GroupKFold(3), error_score="raise")
        with config_context(enable_metadata_routing=routing):
            found.append(search.fit(x, y, groups=trial // 3).cv_results_["mean_test_score"])
    np.testing.assert_array_equal(*found)


def test_samplers_that_do_not_learn_from_trials_take_none(windows):
    x, y, trial = windows
    for call in (NoiseSampler().fit, CBEGANSampler(n_aug=3).fit_resample):
        with pytest.raises(TypeError, match="unexpected keyword argument 'trials'"):
            call(x, y, trials=trial)


@pytest.mark.parametrize("sampler", [RandomEffectsSampler(n_aug=3), ControlSampler(control=Gaussian, n_aug=3)])
def test_a_trial_of_several_labels_is_warned_about_by_its_name(sampler, windows):
    x, y, trial = windows
    names = [f"clip {one // 2}" if one < 2 else f"clip {one}" for one in trial]
    expected = (
        rf"^{type(sampler).__name__}: 1 of 17 trials hold windows of several labels, such as trial 'clip 0' of 'calm' "
        r"and 'fear'\. Give trials of different people and sessions different names, such as df\.subject \+ '/'"
    )
    for call in (sampler.fit, sampler.fit_resample):
        with pytest.warns(UserWarning, match=expected) as told:
            call(x, y, trials=names)
        assert [one.filename for one in told] == [__file__]


def test_balanced_data_are_returned_with_a_warning_that_says_what_to_type(windows):
    x, y, _ = windows
    expected = r"^NoiseSampler has appended nothing: sampling_strategy='auto' .*, such as NoiseSampler\(n_aug=200\)$"
    with pytest.warns(UserWarning, match=expected) as told:
        found, labels = NoiseSampler().fit_resample(x, y)
    assert [one.filename for one in told] == [__file__]
    np.testing.assert_array_equal(found, x)
    np.testing.assert_array_equal(labels, y)
    NoiseSampler(n_aug=0).fit_resample(x, y)  # asked for, as in a grid: no warning, which would be an error here


@pytest.mark.parametrize("n_aug", [0, 7])
def test_synthetic_rows_are_told_by_a_mask(sampler, n_aug, frame, windows):
    x, y = frame
    found, labels = sampler.set_params(n_aug=n_aug).fit_resample(x, y, **with_trials(sampler, windows[2]))
    assert sampler.synthetic_.dtype == bool
    assert len(sampler.synthetic_) == len(found)
    pd.testing.assert_frame_equal(found[~sampler.synthetic_], x)
    pd.testing.assert_series_equal(labels[~sampler.synthetic_], y)
    assert sampler.synthetic_.sum() == n_aug


@cache
def models() -> dict[str, dict]:
    """Every model's config by the name of what it trains or calls."""
    names = {file.stem for file in Path(config_dir(), "model").glob("*.yaml")} - {"svae", "swgan"}  # which select
    configs = [OmegaConf.to_container(composed(f"model={name}").model) for name in names]
    return {(cfg["gan"]["path"] if "gan" in cfg else cfg["_target_"]).split(".")[-1]: cfg for cfg in configs}


def of(kind: type[Sampler]) -> str:
    """What a sampler trains or calls."""
    return (kind.gan if issubclass(kind, TrainedSampler) else kind.control).__name__


def test_every_model_has_a_sampler_but_those_that_look_at_electrodes_or_people():
    assert {of(getattr(emogan, name)) for name in KINDS} == set(models()) - {
        "NoAugmentation", "Rotation", "Recombination", "DonorWindows", "PersonEffects"
    }  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_settings_and_defaults_are_those_of_the_models_yaml(name):
    kind = getattr(emogan, name)
    own = {key: value for key, value in kind().get_params().items() if key not in Sampler._get_param_names()}
    if issubclass(kind, TrainedSampler):
        assert (own.pop("accelerator"), own.pop("store")) == ("cpu", None)
    cfg = {key: value for key, value in models()[of(kind)].items() if key not in ("_target_", "gan", "name")}
    assert own.keys() == cfg.keys()
    for key, value in own.items():
        assert value == cfg[key] or value in cfg[key], "of several to choose from, a sampler has one"


def test_gans_are_trained_without_a_word_but_for_what_is_wrong_with_them(windows, tiny, capfd, caplog):
    with pytest.warns(UserWarning, match="label ignored in 1 of 1 generators of CBEGANSampler"):
        CBEGANSampler(n_aug=3, **tiny).fit_resample(*windows[:2])
    said = capfd.readouterr()
    assert said.out + said.err + caplog.text == ""


@pytest.mark.parametrize("kind", ["array", "frame"])
def test_labels_with_a_column_for_each_class_keep_their_columns(windows, kind):
    x, y, _ = windows
    codes = np.unique(y, return_inverse=True)[1]
    wide = np.eye(codes.max() + 2, dtype=np.int64)[codes]  # of the last class there are no windows
    given = pd.DataFrame(wide, columns=[f"class {k}" for k in range(wide.shape[1])]) if kind == "frame" else wide
    _, found = NoiseSampler(n_aug=4, random_state=0).fit_resample(x, given)
    assert type(found) is type(given)
    found = np.asarray(found)
    assert found.dtype == wide.dtype
    np.testing.assert_array_equal(found[: len(y)], wide)
    np.testing.assert_array_equal(found[len(y) :].sum(1), np.ones(4))


class Frame(np.ndarray):
    """A table of another package than pandas."""

    def to_pandas(self):
        return pd.DataFrame(np.asarray(self))


def test_tables_of_other_packages_are_refused_with_what_to_do(windows):
    x, y, _ = windows
    for given in ((x.view(Frame), y), (x, y.view(Frame))):
        with pytest.raises(
            TypeError, match=r"expected arrays or pandas' .*'s Frame\. Convert it with its to_pandas\(\)"
        ):
            NoiseSampler(n_aug=4).fit_resample(*given)


def test_a_control_that_looks_at_electrodes_has_no_sampler(windows):
    with pytest.raises(ValueError, match=r"ControlSampler\(control=\.\.\.\).* got Rotation, which needs .* electrode"):
        ControlSampler(control=Rotation, n_aug=4).fit(*windows[:2])
