"""The tables of the small sweep, cell by cell against numbers worked out by hand."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from emogan.report import paper_table, records, tables
from emogan.report.answer import answers
from emogan.report.figures.forest import forest
from emogan.report.sections import sections
from emogan.report.table import Grey
from emogan.sweeps.collect import Problem, collect
from emogan.training.detectors import DETECTORS
from emogan.wording import Wording


@pytest.fixture(scope="module")
def found(sweep):
    return collect([sweep])


@pytest.fixture(scope="module")
def section(found):
    (only,) = sections(found.jobs)
    return only


def cells(table):
    """The cells that are no stubs, by the stubs."""
    return {row[: table.stubs]: row[table.stubs :] for row in table.rows}


def test_the_comparison_shows_the_nested_choice_and_its_difference_to_none(section, fake):
    shown = cells(tables.comparison(section))
    # none: 0.60 + 0.02 s + 0.05 for subjects 1 to 4; cBEGAN adds 0.03 / 2 to subject 1 (50 windows chosen), and
    # 0.06 s / 2 to the others (200 chosen)
    none = np.array([0.67, 0.69, 0.71, 0.73])
    gain = np.array([0.015, 0.06, 0.09, 0.12])
    assert shown["EEG", "none"][0] == f"{100 * none.mean():.1f} ({100 * none.std(ddof=1):.1f})" == "70.0 (2.6)"
    accuracy, trials, difference, p, effect, counts, oracle, optimism, subjects = shown["EEG", "cBEGAN"]
    assert subjects == "4"
    assert accuracy == f"{100 * (none + gain).mean():.1f} ({100 * (none + gain).std(ddof=1):.1f})"
    assert trials == f"{50 * (1 + none + gain).mean():.1f} ({50 * (none + gain).std(ddof=1):.1f})"
    assert difference.split()[0] == f"+{100 * gain.mean():.1f}"
    # each of the three models has p = 2 / 16 or more, and Holm multiplies the smallest by three
    smallest = stats.wilcoxon(gain).pvalue
    assert (p, effect, counts) == (f"{3 * smallest:.3f}", f"{gain.mean() / gain.std(ddof=1):.2f}", "4/0/0")
    # the oracle takes 200 windows for everyone and adds 0.01
    best = none + 0.06 * np.arange(1, 5) / 2 + fake.OPTIMISM
    assert oracle == f"{100 * best.mean():.1f} ({100 * best.std(ddof=1):.1f})"
    assert optimism == f"+{100 * (best - none - gain).mean():.1f}"
    assert shown["EEG", "none"][-2] == f"+{100 * fake.OPTIMISM:.1f}"


def test_every_gan_is_compared_with_every_control(section):
    table = tables.against_controls(section)
    assert [head for _, head in table.columns] == ["modality", "control", "cWGAN", "cBEGAN"]
    gaussian = np.array([0.02 / 2, 0.04, 0.06, 0.08])
    cbegan = np.array([0.03 / 2, 0.06, 0.09, 0.12])
    first, second = cells(table)["EEG", "Gaussian"][1].split("\n")
    assert first.startswith(f"+{100 * (cbegan - gaussian).mean():.1f} [")
    assert second == f"p {2 * 2 / 16:.3f} · 4/0"


def test_the_paper_stands_beside_ours_in_its_own_layout(section, fake):
    table = paper_table.paper_table(section)
    shown = cells(table)
    assert table.title.startswith("Layout of the paper's Table 1: SIMULATED")
    assert [column for column in table.columns[2:]] == [
        (modality, model) for modality in ("EEG", "EEG and eye movements") for model in ("cWGAN", "cBEGAN")
    ]
    assert shown["50", "paper (real data)"][:2] == ("83.31\n10.14", "84.23\n10.20")
    ours = np.array([fake.accuracy("eeg", "cbegan", 50, s, 0) + 0.05 for s in fake.SUBJECTS])
    assert shown["50", "ours, SIMULATED: nested"][1] == f"{100 * ours.mean():.2f}\n{100 * ours.std(ddof=1):.2f}"
    assert shown["50", "ours, SIMULATED: oracle"][1].startswith(f"{100 * (ours.mean() + fake.OPTIMISM):.2f}")
    assert shown["0", "ours, SIMULATED: nested"][0] == shown["0", "ours, SIMULATED: nested"][1] == "70.00\n2.58"
    assert not [size for size, _ in shown if size == "600"]  # nothing of ours


@pytest.mark.parametrize(("dataset", "number"), [("seed_v", 2), ("synthetic_seed_v", 2), ("seed", 1), ("mine", None)])
def test_the_papers_table_is_that_of_the_data_set(tmp_path, dataset, number, fake):
    fake.write_job(tmp_path / "job", "eeg", "cbegan", dataset=dataset)
    table = paper_table.paper_table(sections(collect([tmp_path]).jobs)[0])
    assert (table and f"Table {number}:" in table.title) == (True if number else None)
    if number:
        assert any("SIMULATED" in row[1] for row in table.rows) == dataset.startswith("synthetic")


@pytest.mark.parametrize("changes", [{"folds": "trials"}, {"permute_labels": True}])
def test_other_folds_and_permuted_labels_do_not_stand_beside_the_paper(tmp_path, changes, fake):
    fake.write_job(tmp_path / "job", "eeg", "cbegan", dataset="seed", **changes)
    assert paper_table.paper_table(sections(collect([tmp_path]).jobs)[0]) is None


def test_choices_are_shares_of_the_training_sets(section):
    # training sets: 4 subjects x 2 folds; both of subject 1 take 50 windows, the others 200
    assert cells(tables.choices(section))["EEG", "cBEGAN"] == ("8", "0", "25", "75", "0.25", "1")
    assert cells(tables.choices(section))["EEG", "none"] == ("8", "100", "–", "–", "0.25", "1")


def test_of_several_settings_of_a_model_each_training_set_takes_its_own_best(tmp_path, fake):
    for name, shift in (("a", 0.0), ("b", 0.02)):
        fake.write_job(tmp_path / name, "eeg", "cbegan", shift=shift)
        path = tmp_path / name / "run.json"
        path.write_text(path.read_text().replace('"hidden": 100', f'"hidden": {len(name) + 100 * (name == "b")}'))
    path = tmp_path / "b" / "selection.csv"
    frame = pd.read_csv(path)
    frame.loc[frame.subject == 2, "accuracy_inner"] += 0.2
    frame.to_csv(path, index=False)
    (section,) = sections(collect([tmp_path]).jobs)
    chosen = section.nested.assign(folder=np.where(section.nested.job.str.contains('"hidden": 101'), "b", "a"))
    assert dict(chosen.groupby("subject").folder.first()) == {"1": "a", "2": "b", "3": "a", "4": "a"}
    assert cells(tables.choices(section))["EEG", "cBEGAN"][-1] == "2"


def test_models_scored_on_other_training_sets_are_compared_on_common_ones_and_that_is_said(tmp_path, fake):
    for model in ("none", "gaussian"):
        fake.write_job(tmp_path / model, "eeg", model)
    for file in ("scores", "selection", "confusion"):
        path = tmp_path / "gaussian" / f"{file}.csv"
        frame = pd.read_csv(path)
        frame[frame.subject > 1].to_csv(path, index=False)
    (section,) = sections(collect([tmp_path]).jobs)
    table = tables.comparison(section)
    assert "eeg: models were not all scored on the same training sets" in table.note
    assert cells(table)["EEG", "Gaussian"][2].startswith(f"+{100 * np.mean([0.04, 0.06, 0.08]):.1f}")


def test_without_a_job_of_none_the_accuracies_without_synthetic_windows_are_the_baseline(tmp_path, fake, section):
    fake.write_job(tmp_path / "job", "eeg", "gaussian")
    (alone,) = sections(collect([tmp_path]).jobs)
    for row in (("EEG", "none"), ("EEG", "Gaussian")):
        own, among_others = (cells(tables.comparison(one))[row] for one in (alone, section))
        assert own[0] == among_others[0]  # accuracy
        assert own[2].split()[0] == among_others[2].split()[0]  # difference
    assert tables.against_controls(alone) is None


def test_without_any_accuracy_at_0_synthetic_windows_there_are_no_differences(tmp_path, fake):
    fake.write_job(tmp_path / "job", "eeg", "gaussian")
    for file in ("scores", "selection", "confusion"):
        frame = pd.read_csv(tmp_path / "job" / f"{file}.csv")
        frame[frame.n_aug > 0].to_csv(tmp_path / "job" / f"{file}.csv", index=False)
    (section,) = sections(collect([tmp_path]).jobs)
    accuracy, _, *rest = cells(tables.comparison(section))["EEG", "Gaussian"]
    assert accuracy.startswith("74.")
    assert rest[:4] == ["–"] * 4
    assert "eeg: no job of model=none here" in tables.comparison(section).note
    assert answers(section)["EEG"].startswith("There is nothing to compare")
    assert forest(section) is None


def test_intervals_of_few_people_are_grey(section):
    difference = cells(tables.comparison(section))["EEG", "cBEGAN"][2]
    assert isinstance(difference, Grey)
    assert f'<td class="grey">{difference}</td>' in tables.comparison(section).html()


def test_quality_is_the_distance_from_the_reference_which_stands_above(section, fake):
    shown = cells(records.quality_table(section))
    heads = [head for _, head in records.quality_table(section).columns[2:]]
    reference = dict(zip(heads, shown["EEG", "real windows of other trials"], strict=True))
    assert reference == {"spread ratio": "0.90", "coverage": "0.90"}
    spread = np.mean([0.5 + 0.1 * s for s in fake.SUBJECTS])
    for model in ("Gaussian", "cWGAN", "cBEGAN"):
        assert shown["EEG", model] == (f"−{0.9 - spread:.2f}", "−0.65")


def test_jobs_are_listed_with_device_time_data_and_verdict(section, sweep):
    table = records.run_table(section, sweep)
    shown = cells(table)["0_eeg_none", "eeg", "none"]
    assert shown == ("all", "cpu × 2", "12", "fingerprin", "no test window was seen", "1")
    assert "(1) python 3.11, torch 2.13" in table.note


def test_a_failed_job_is_named_not_dropped(found, sweep):
    rows = records.problem_table(found.problems, sweep.parent).rows
    assert ("failed", "sweep/4_eeg_cgan", "FloatingPointError: losses are not finite") in rows
    assert records.problem_table([], sweep) is None
    assert records.problem_table([Problem("missing", str(sweep), "x")], sweep).rows == (("missing", ".", "x"),)


def test_trouble_is_counted_over_gans_once_each_with_the_range_that_was_seen(tmp_path, fake):
    def write(name, model, **findings):
        fake.write_job(tmp_path / name, "eeg", model)
        path = tmp_path / name / "run.json"
        members = [{"key": key, "findings": found} for key, found in findings.items()]
        path.write_text(json.dumps(json.loads(path.read_text()) | {"members": members}))

    write("a", "cbegan", one={"collapse": 0.04}, two={"collapse": 0.1, "k_t held at 0": 1.0}, three={}, unknown=None)
    write("b", "cwgan", four={}, five={})
    fake.write_job(tmp_path / "c", "eeg", "gaussian")
    (section,) = sections(collect([tmp_path]).jobs)
    shown = cells(records.findings_table(section))
    assert set(shown) == {
        ("EEG", "cBEGAN", "collapse"), ("EEG", "cBEGAN", "k_t held at 0"), ("EEG", "cWGAN", "none")
    }  # fmt: skip
    count, seen, advice = shown["EEG", "cBEGAN", "collapse"]
    assert count == "2 of 3"
    assert "0.04 to 0.1 of the real one" in seen.replace("\n", " ")
    assert advice.replace("\n", " ") == next(one.advice(Wording()) for one in DETECTORS if one.kind == "collapse")
    assert shown["EEG", "cBEGAN", "k_t held at 0"][0] == "1 of 3"
    assert shown["EEG", "cWGAN", "none"][0] == "0 of 2"


def test_without_gans_that_were_looked_at_there_is_no_table_of_trouble(section):
    assert records.findings_table(section) is None
