"""Paired statistics against SciPy, statsmodels, enumeration and hand-made tables."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from emogan.analysis import statistics
from emogan.analysis.statistics import MODEL, choose_n_aug, compare, holm, mean_interval, oracle_n_aug, paired


def table(*rows: dict) -> pd.DataFrame:
    """Scores with what a test does not care about filled in."""
    default = {
        "dataset": "made", "subject": 1, "session": 1, "fold": 0, "modality": "eeg", "model": "none", "n_aug": 0,
        "seed": 0, "accuracy": 0.5, "accuracy_oracle": 0.5, "accuracy_inner": 0.5,
    }  # fmt: skip
    return pd.DataFrame([default | row for row in rows])


def random_table(models=("none", "noise", "cbegan"), sizes=(0, 50, 200), random=None) -> pd.DataFrame:
    """Six subjects x 2 sessions x 3 folds of random scores; `none` at n_aug = 0 alone."""
    random = random or np.random.default_rng(0)
    return table(
        *(
            {
                "model": model, "n_aug": n, "subject": subject, "session": session, "fold": fold,
                "accuracy": random.random(), "accuracy_oracle": random.random(), "accuracy_inner": random.random(),
            }
            for model in models
            for n in (sizes if model != "none" else (0,))
            for subject, session, fold in itertools.product(range(1, 7), (1, 2), range(3))
        )
    )  # fmt: skip


def test_sessions_count_equally_though_one_has_more_folds():
    scores = table(
        {"session": 1, "fold": 0, "accuracy": 0.2}, {"session": 1, "fold": 1, "accuracy": 0.4},
        {"session": 2, "fold": 0, "accuracy": 0.9},
    )  # fmt: skip
    assert statistics.experiment_means(scores).accuracy.tolist() == pytest.approx([0.3, 0.9])
    assert statistics.subject_means(scores).accuracy.tolist() == pytest.approx([0.6])


def test_seeds_are_averaged_and_do_not_count_as_experiments():
    scores = table({"seed": 0, "accuracy": 0.2}, {"seed": 1, "accuracy": 0.6})
    described = statistics.describe(scores)
    assert described["mean"].tolist() == pytest.approx([0.4])
    assert described.experiments.tolist() == [1]
    assert np.isnan(described.sd[0])


def test_folds_count_equally_though_one_has_more_seeds():
    scores = table(
        {"fold": 0, "seed": 0, "accuracy": 0.2}, {"fold": 0, "seed": 1, "accuracy": 0.4},
        {"fold": 1, "seed": 0, "accuracy": 0.9},
    )  # fmt: skip
    assert statistics.experiment_means(scores).accuracy.tolist() == pytest.approx([0.6])


def test_description_is_mean_and_sample_deviation_over_experiments_of_means_over_folds():
    scores = random_table()
    for _, row in statistics.describe(scores).iterrows():
        mine = scores[(scores.model == row.model) & (scores.n_aug == row.n_aug)]
        values = [
            mine.accuracy[(mine.subject == subject) & (mine.session == session)].mean()
            for subject, session in itertools.product(range(1, 7), (1, 2))
        ]
        assert row["mean"] == pytest.approx(np.mean(values))
        assert row.sd == pytest.approx(np.std(values, ddof=1))
        assert row.experiments == 12


def test_averaging_over_n_aug_by_mistake_is_refused():
    with pytest.raises(ValueError, match="got several with dataset=made, modality=eeg, model=noise, subject=1"):
        statistics.experiment_means(random_table(), by=MODEL)


def test_text_and_number_may_both_name_subjects():
    scores = table({"subject": 2, "accuracy": 0.2}, {"subject": "all", "accuracy": 0.4})
    assert statistics.subject_means(scores).subject.tolist() == [2, "all"]


@pytest.mark.parametrize("n", [4, 9, 14])
def test_p_value_is_the_share_of_sign_patterns_at_least_as_extreme_ties_and_zeros_included(n):
    difference = np.random.default_rng(n).integers(-2, 5, n) / 10
    kept = difference[difference != 0]
    ranks = stats.rankdata(np.abs(kept))
    patterns = np.array(list(itertools.product([-1, 1], repeat=len(kept))))
    extreme = np.abs(patterns @ ranks) >= np.abs(np.sign(kept) @ ranks) - 1e-9
    assert paired(difference + 0.5, np.full(n, 0.5)).p == pytest.approx(extreme.mean())


def test_the_effect_size_and_counts_are_those_of_a_loop():
    random = np.random.default_rng(3)
    a, b = random.integers(0, 8, (2, 20)) / 10
    result = paired(a, b)
    d = np.round(a - b, 12)
    assert result.d_z == pytest.approx(stats.ttest_rel(a, b).statistic / np.sqrt(20))
    assert (result.better, result.worse, result.equal) == (sum(d > 0), sum(d < 0), sum(d == 0))
    assert result.equal > 0
    assert (result.subjects, result.difference) == (20, pytest.approx(d.mean()))


def test_a_pair_that_differs_by_rounding_alone_is_equal():
    result = paired(np.array([0.1 + 0.2, 0.5]), np.array([0.3, 0.5]))
    assert (result.equal, result.p, result.low, result.high) == (2, 1.0, 0, 0)


def test_equal_differences_give_an_interval_of_one_value_and_no_d_z():
    result = paired(np.array([0.6, 0.7, 0.8]), np.array([0.5, 0.6, 0.7]))
    assert (result.low, result.high) == (pytest.approx(0.1), pytest.approx(0.1))
    assert np.isnan(result.d_z)
    assert result.p == pytest.approx(0.25)  # two of the eight sign patterns


def test_one_subject_has_a_difference_but_no_inference():
    result = paired(np.array([0.6]), np.array([0.5]))
    assert (result.difference, result.better) == (pytest.approx(0.1), 1)
    assert np.isnan([result.low, result.high, result.p, result.d_z]).all()


@pytest.mark.parametrize(
    ("a", "b", "says"),
    [([1, 2], [1], "shapes"), ([], [], "shapes"), ([[1]], [[1]], "shapes"), ([1, np.nan], [1, 2], "NaN")],
)
def test_unpaired_values_are_refused(a, b, says):
    with pytest.raises(ValueError, match=says):
        paired(np.array(a), np.array(b))


def test_interval_is_scipys_bias_corrected_one_and_depends_on_the_seed_alone():
    values = np.random.default_rng(1).exponential(size=25)
    low, high = mean_interval(values, seed=3)
    expected = stats.bootstrap((values,), np.mean, n_resamples=200_000, batch=20_000, rng=np.random.default_rng(9))
    np.testing.assert_allclose((low, high), expected.confidence_interval, atol=0.03)
    plain = stats.bootstrap((values,), np.mean, method="percentile", rng=np.random.default_rng(9))
    assert high > plain.confidence_interval.high + 0.05
    assert mean_interval(values, seed=3) == (low, high)
    assert mean_interval(values, seed=4) != (low, high)


@pytest.mark.parametrize("n", [2, 3])
def test_interval_of_very_few_values_is_finite_and_within_them(n):
    low, high = mean_interval(np.arange(n))
    assert 0 <= low < high <= n - 1


def test_holm_is_the_step_down_rule_and_passes_over_missing_values():
    p = np.array([0.01, np.nan, 0.04, 0.03, np.nan])
    np.testing.assert_allclose(holm(p), [0.03, np.nan, 0.06, 0.06, np.nan])  # 3 x 0.01, 2 x 0.03, then at least that
    assert np.isnan(holm(np.array([np.nan]))).all()


def test_comparison_is_paired_by_subject_and_corrected_within_one_reference():
    scores = choose_n_aug(random_table())
    result = compare(scores, ["none", "noise"])
    assert list(zip(result.reference, result.model, strict=True)) == [
        ("none", "noise"), ("none", "cbegan"), ("noise", "none"), ("noise", "cbegan"),
    ]  # fmt: skip
    by_subject = statistics.subject_means(scores, by=MODEL).pivot(index="subject", columns="model", values="accuracy")
    for _, row in result.iterrows():
        a, b = by_subject[row.model], by_subject[row.reference]
        assert row.difference == pytest.approx((a - b).mean())
        assert row.p == pytest.approx(stats.wilcoxon(a, b).pvalue)
    for _, family in result.groupby("reference"):
        np.testing.assert_allclose(family.p_holm, holm(family.p.to_numpy()))
        assert len(family) == 2


def test_comparison_weighs_sessions_equally_though_one_has_more_folds():
    places = [{"session": 1, "fold": 0}, {"session": 2, "fold": 0}, {"session": 2, "fold": 1}]
    rows = [place | {"accuracy": 0.0} for place in places]
    rows += [place | {"model": "cgan", "accuracy": gain} for place, gain in zip(places, (0.6, 0.1, 0.3), strict=True)]
    result = compare(table(*rows))
    assert result.difference.tolist() == pytest.approx([0.4])
    assert result.subjects.tolist() == [1]
    assert result[["p", "p_holm"]].isna().all(axis=None)  # one subject allows for no test


def test_models_to_compare_set_the_size_of_the_family():
    result = compare(choose_n_aug(random_table()), ["none", "noise"], models=["cbegan"])
    assert result.model.tolist() == ["cbegan", "cbegan"]
    np.testing.assert_array_equal(result.p_holm, result.p)


def test_modalities_and_datasets_are_compared_apart():
    scores = choose_n_aug(random_table())
    other = choose_n_aug(random_table(random=np.random.default_rng(1))).assign(modality="eye")
    both = compare(pd.concat([scores, other], ignore_index=True))
    pd.testing.assert_frame_equal(both[both.modality == "eeg"], compare(scores))
    pd.testing.assert_frame_equal(both[both.modality == "eye"].reset_index(drop=True), compare(other))


def test_a_subject_that_one_model_lacks_is_named_and_left_out_only_on_request():
    scores = choose_n_aug(random_table())
    lacking = scores[~((scores.model == "cbegan") & (scores.subject == 5))]
    with pytest.raises(ValueError, match="cbegan has no score for subject 5, session 1, fold 0") as error:
        compare(lacking)
    assert "noise" not in str(error.value)
    result = compare(lacking, common_only=True).set_index("model")
    assert result.subjects.to_dict() == {"noise": 6, "cbegan": 5}
    without = compare(scores[scores.subject != 5]).set_index("model")
    assert result.difference["cbegan"] == pytest.approx(without.difference["cbegan"])


def test_a_fold_that_the_reference_lacks_is_an_error_too():
    scores = choose_n_aug(random_table())
    lacking = scores[~((scores.model == "none") & (scores.subject == 2) & (scores.fold == 1))]
    with pytest.raises(ValueError, match="none has no score for subject 2, session 1, fold 1; subject 2, session 2"):
        compare(lacking)


def test_models_without_a_common_training_set_cannot_be_compared():
    scores = table({"model": "none", "subject": 1}, {"model": "noise", "subject": 2})
    with pytest.raises(ValueError, match="no training set in common"):
        compare(scores, common_only=True)


def test_an_absent_reference_is_named():
    with pytest.raises(ValueError, match=r"no scores of mixup on made, eeg: there are \['none', 'noise', 'cbegan'\]"):
        compare(choose_n_aug(random_table()), ["none", "mixup"])


def test_comparison_refuses_several_n_aug():
    with pytest.raises(ValueError, match="Choose n_aug first"):
        compare(random_table())


def test_each_training_set_gets_the_n_aug_of_its_own_highest_inner_accuracy():
    scores = random_table()
    chosen = choose_n_aug(scores).set_index(["model", "subject", "session", "fold"])
    assert len(chosen) == 3 * 36
    for place, candidates in scores.groupby(["model", "subject", "session", "fold"]):
        assert chosen.loc[place].accuracy == candidates.loc[candidates.accuracy_inner.idxmax()].accuracy


def test_nested_choice_does_not_see_the_test_trials():
    scores = random_table()
    random = np.random.default_rng(1)
    blind = scores.assign(accuracy=random.random(len(scores)), accuracy_oracle=random.random(len(scores)))
    assert choose_n_aug(blind).n_aug.tolist() == choose_n_aug(scores).n_aug.tolist()


def test_of_equal_inner_accuracies_the_smallest_n_aug_wins_then_the_first_job():
    rows = [{"n_aug": n, "job": job, "model": "cgan"} for n in (200, 50) for job in ("b", "a")]
    chosen = choose_n_aug(table(*rows))
    assert (chosen.n_aug.tolist(), chosen.job.tolist()) == ([50], ["b"])
    oracle = oracle_n_aug(table(*rows))
    assert (oracle.n_aug.tolist(), oracle.job.tolist()) == ([50], ["b"])


def test_settings_of_one_model_compete_within_each_training_set():
    scores = table(
        {"job": "narrow", "fold": 0, "accuracy_inner": 0.6, "accuracy": 0.1},
        {"job": "narrow", "fold": 1, "accuracy_inner": 0.4, "accuracy": 0.2},
        {"job": "wide", "fold": 0, "accuracy_inner": 0.5, "accuracy": 0.3},
        {"job": "wide", "fold": 1, "accuracy_inner": 0.5, "accuracy": 0.4},
    )
    assert choose_n_aug(scores).accuracy.tolist() == [0.1, 0.4]
    with pytest.raises(ValueError, match="name their jobs in a column `job`"):
        choose_n_aug(scores.drop(columns="job"))


def test_oracle_takes_one_setting_per_experiment_with_the_best_mean_over_its_folds():
    scores = table(
        *(
            {"model": "cgan", "n_aug": n, "session": session, "fold": fold, "accuracy_oracle": value}
            for (session, n), values in {(1, 50): (0.9, 0.2), (1, 200): (0.5, 0.7), (2, 50): (0.8, 0.8), (2, 200): (0, 1)}.items()
            for fold, value in enumerate(values)
        )
    )  # fmt: skip
    oracle = oracle_n_aug(scores)
    assert oracle.sort_values(["session", "fold"]).n_aug.tolist() == [200, 200, 50, 50]
    assert list(oracle.columns) == list(scores.columns)


def test_oracle_means_that_differ_by_rounding_alone_are_equal():
    values = {50: (0.1, 0.2, 0.3), 200: (0.3, 0.2, 0.1)}  # summed to 0.19999999999999998 and 0.20000000000000004
    rows = [
        {"model": "cgan", "n_aug": n, "fold": fold, "accuracy_oracle": value}
        for n in values
        for fold, value in enumerate(values[n])
    ]
    assert set(oracle_n_aug(table(*rows)).n_aug) == {50}


def test_a_missing_inner_accuracy_is_an_error():
    with pytest.raises(ValueError, match="accuracy_inner in every row, it is missing for cgan"):
        choose_n_aug(table({"accuracy_inner": 0.5}, {"model": "cgan", "accuracy_inner": np.nan}))


def test_a_maximum_over_sizes_of_pure_noise_is_optimistic_by_its_expectation():
    random = np.random.default_rng(0)
    sizes = (0, 50, 200, 600)
    rows = [
        {"model": "cgan", "n_aug": n, "subject": subject, "accuracy": value, "accuracy_oracle": value}
        for subject in range(200)
        for n, value in zip(sizes, random.random(len(sizes)), strict=True)
    ]
    optimism = statistics.selection_optimism(table(*rows))
    assert len(optimism) == 200
    assert optimism.optimism.mean() == pytest.approx(4 / 5 - 1 / 2, abs=0.05)  # highest of four uniform values
