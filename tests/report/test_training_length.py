"""What the report shows of GANs that were trained for several lengths, against numbers worked out by hand."""

import json

import numpy as np
import pandas as pd
import pytest

from emogan.analysis.curves import CURVES, MEASURES
from emogan.analysis.statistics import mean_interval
from emogan.report import page
from emogan.report.figures import training_length as figures
from emogan.report.sections import sections
from emogan.report.training_length import training_length_table, training_series
from emogan.sweeps.collect import collect

SUBJECTS = np.arange(1, 5)
AT_LARGEST = {"cwgan": -0.03 * SUBJECTS / 2, "cbegan": 0.06 * SUBJECTS / 2}  # gain with 200 windows, see conftest


def write_length(
    folder, fake, model, iterations, *, modality="eeg", gain=0.0, shift=0.0, measurements=MEASURES, gans=1, **changes
):
    """A job of this training length.

    All sizes but 0 gain this much more, the oracle twice. The figures of measurements are those of `seen`, moved by a shift.
    """
    settings = {"iterations": iterations, **changes.pop("settings", {})}
    fake.write_job(folder, modality, model, settings=settings, **changes)
    run = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(run | {"members": [{"key": i, "findings": None} for i in range(gans)]}))
    scores = pd.read_csv(folder / "scores.csv")
    scores.loc[scores.n_aug > 0, ["accuracy", "accuracy_oracle"]] += [gain, 2 * gain]
    scores.to_csv(folder / "scores.csv", index=False)
    points = [(t, name, seen(name, t) + shift) for t in range(100, iterations + 1, 100) for name in measurements]
    losses = {"cwgan": ["d_loss"], "cbegan": ["m_global", "k"]}[model]
    points += [(t, name, float(t)) for t in range(1, iterations + 1) for name in losses]
    rows = [(t, name, mean, mean - 0.1, mean + 0.2) for t, name, mean in points]
    pd.DataFrame(rows, columns=CURVES).to_csv(folder / "curves.csv", index=False)


def seen(name: str, iteration: int) -> float:
    return {"spread": 0.2, "separation": 0.5, "mean_error": 2.0}[name] + iteration / 10_000


@pytest.fixture(scope="module")
def section(tmp_path_factory, fake):
    """cWGANs of 50, 250 and 1,200 updates, cBEGANs of two learning rates and 250 or 1,200, and one of a third rate."""
    folder = tmp_path_factory.mktemp("lengths")
    for n in (1200, 50, 250):
        write_length(folder / f"cwgan_{n}", fake, "cwgan", n, gain=n / 100_000)
    for rate in (0.001, 0.0001):
        for n in (250, 1200):
            settings = {"learning_rate": rate}
            write_length(folder / f"cbegan_{rate}_{n}", fake, "cbegan", n, shift=rate * 100, settings=settings)
    write_length(folder / "cbegan_once", fake, "cbegan", 250, settings={"learning_rate": 0.01})
    return only_section(folder)


def only_section(folder):
    (section,) = sections(collect([folder]).jobs)
    return section


def table_of(section):
    table = training_length_table(section, training_series(section))
    return {row[: table.stubs]: row[table.stubs :] for row in table.rows}


def pictures_of(section):
    return {picture.name: picture for picture in figures.pictures(section, training_series(section))}


@pytest.fixture(scope="module")
def pictures(section):
    return pictures_of(section)


def drawn(axis):
    """Lines of an axis that have a label."""
    return {line.get_label(): line for line in axis.lines if not line.get_label().startswith("_")}


def test_the_table_has_a_row_for_each_length_with_what_windows_are_like_and_gain(section):
    shown = table_of(section)
    assert list(shown) == [
        ("EEG", "cWGAN", "50"), ("EEG", "cWGAN", "250"), ("EEG", "cWGAN", "1,200"),
        ("EEG", "cBEGAN, learning rate 0.0001", "250"), ("EEG", "cBEGAN, learning rate 0.0001", "1,200"),
        ("EEG", "cBEGAN, learning rate 0.001", "250"), ("EEG", "cBEGAN, learning rate 0.001", "1,200"),
    ]  # fmt: skip
    assert shown["EEG", "cWGAN", "50"][:3] == ("–", "–", "–")
    assert shown["EEG", "cWGAN", "250"][:3] == ("0.22", "0.52", "2.02")  # at 200
    assert shown["EEG", "cBEGAN, learning rate 0.001", "1,200"][:3] == ("0.42", "0.72", "2.22")
    gain = AT_LARGEST["cwgan"] + 0.012
    low, high = mean_interval(gain)
    nested, oracle, subjects = shown["EEG", "cWGAN", "1,200"][3:]
    assert nested == f"−{-100 * gain.mean():.1f} [−{-100 * low:.1f}, −{-100 * high:.1f}]"
    assert oracle.startswith(f"−{-100 * (gain + 0.012).mean():.1f} [")
    assert subjects == "4"
    note = training_length_table(section, training_series(section)).note
    assert "EEG, cWGAN 500; " in note, "the error only rises: the first look at which five can be averaged"


def test_windows_are_drawn_over_the_longest_training_with_bands_and_a_line_at_1(pictures):
    figure = pictures["training_length"].figure
    axes = figure.axes
    assert [axis.get_title() for axis in axes] == [
        "EEG: within-class spread", "EEG: separation of class means", "EEG: error of class means"
    ]  # fmt: skip
    for axis, name in zip(axes, MEASURES, strict=True):
        assert axis.get_xscale() == "log"
        assert list(axis.lines[0].get_ydata()) == [1, 1]
        lines = drawn(axis)
        assert list(lines) == ["cWGAN", "cBEGAN, learning rate 0.0001", "cBEGAN, learning rate 0.001"]
        iterations = np.arange(100, 1201, 100)
        for label, shift in (("cWGAN", 0), ("cBEGAN, learning rate 0.001", 0.1)):
            np.testing.assert_array_equal(lines[label].get_xdata(), iterations)
            np.testing.assert_allclose(lines[label].get_ydata(), [seen(name, t) + shift for t in iterations])
        corners = axis.collections[0].get_paths()[0].vertices
        assert corners[:, 1].min() == pytest.approx(seen(name, 100) - 0.1)
        assert corners[:, 1].max() == pytest.approx(seen(name, 1200) + 0.2)
    slow, fast = list(drawn(axes[0]).values())[1:]
    assert slow.get_color() == fast.get_color() != drawn(axes[0])["cWGAN"].get_color()
    assert slow.get_linestyle() != fast.get_linestyle()
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list(drawn(axes[0]))


def test_losses_have_a_panel_for_each_measure_averaged_within_steps_of_the_axis(pictures):
    axes = pictures["training_length_losses"].figure.axes
    assert [axis.get_title() for axis in axes] == [
        r"EEG: $D_{loss}$ of cWGAN", "EEG: $M_{global}$", "EEG: $k_t$"
    ]  # fmt: skip
    assert [len(drawn(axis)) for axis in axes] == [1, 2, 2]
    line = drawn(axes[0])["cWGAN"]
    np.testing.assert_allclose(line.get_ydata(), line.get_xdata())  # the loss is the iteration
    np.testing.assert_allclose(line.get_ydata()[:5], [1, 2, 3, 4, 5])
    first = 1200 / 10 ** (1 / 2 / figures.PER_DECADE)  # around the last step that has its middle at or above 1,200
    assert len(line.get_xdata()) < 3.1 * figures.PER_DECADE
    assert first < line.get_xdata()[-1] <= 1200


def test_gains_are_those_at_the_largest_size_and_at_the_chosen_one_nested_and_by_the_oracle(pictures):
    figure = pictures["training_length_gain_eeg"].figure
    axes = figure.axes
    assert [axis.get_title() for axis in axes] == [
        "nested, n_aug=200", "oracle (optimistic), n_aug=200", "nested, n_aug chosen", "oracle (optimistic), n_aug chosen"
    ]  # fmt: skip
    assert figure.get_suptitle().startswith("EEG\n")
    more = np.array([0.0005, 0.0025, 0.012])  # of lengths 50, 250 and 1,200
    small = 0.01 * SUBJECTS / 2
    chosen = np.where(SUBJECTS == 1, small, AT_LARGEST["cwgan"])  # by inner accuracy
    largest = AT_LARGEST["cwgan"]
    best = small.mean() + 2 * more  # of 0, 50 and 200 windows on the test trials
    expected = [largest.mean() + more, largest.mean() + 2 * more, chosen.mean() + more, best]
    labels = ["cWGAN", "cBEGAN, learning rate 0.0001", "cBEGAN, learning rate 0.001"]
    assert [[bars.get_label() for bars in axis.containers] for axis in axes] == [labels] * 4
    for axis, gains in zip(axes, expected, strict=True):
        means = axis.containers[0].lines[0]
        np.testing.assert_allclose(means.get_ydata(), 100 * gains)
        np.testing.assert_allclose(means.get_xdata(), [50, 250, 1200], rtol=0.1)
    ends = axes[0].containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose(ends[2][:, 1], 100 * np.array(mean_interval(AT_LARGEST["cwgan"] + 0.012)))
    assert (axes[2].get_xlabel(), axes[2].get_ylabel()) == ("updates", "gain (points)")


@pytest.mark.slow
def test_one_length_shows_nothing_of_this(tmp_path, fake):
    for rate in (0.001, 0.0001):  # two settings, but no two lengths of one
        settings = {"learning_rate": rate}
        write_length(tmp_path / f"{rate}", fake, "cbegan", round(rate * 1e6), settings=settings)
    fake.write_job(tmp_path / "none", "eeg", "none")
    fake.write_job(tmp_path / "gaussian", "eeg", "gaussian")
    section = only_section(tmp_path)
    assert training_series(section) == []
    assert training_length_table(section, []) is None
    assert pictures_of(section) == {}
    assert not any("training_length" in part.name for part in page.chapter(1, section, tmp_path).parts)


def test_the_page_shows_figures_and_table_of_several_lengths(tmp_path, fake, monkeypatch):
    monkeypatch.setattr("matplotlib.figure.Figure.draw_without_rendering", lambda figure: None)  # it takes seconds
    for model, n in (("cwgan", 100), ("cwgan", 200), ("cbegan", 200)):
        write_length(tmp_path / f"{model}_{n}", fake, model, n)
        (tmp_path / f"{model}_{n}" / "windows.npz").unlink()  # topographies take seconds
    names = [part.name for part in page.chapter(1, only_section(tmp_path), tmp_path).parts]
    assert [name for name in names if "training_length" in name] == [
        "training_length", "training_length_losses", "training_length_gain_eeg", "training_lengths"
    ]  # fmt: skip
    assert len(names) == len(set(names))


def test_every_modality_with_several_lengths_has_a_row_of_panels_and_a_figure_of_gains(tmp_path, fake):
    for modality in ("eeg", "eeg_eye"):
        for n in (100, 200):
            write_length(tmp_path / f"{modality}_{n}", fake, "cwgan", n, modality=modality)
    found = pictures_of(only_section(tmp_path))
    assert list(found) == [
        "training_length", "training_length_losses", "training_length_gain_eeg", "training_length_gain_eeg_eye"
    ]  # fmt: skip
    titles = [axis.get_title().partition(": ")[0] for axis in found["training_length"].figure.axes]
    assert titles == ["EEG"] * 3 + ["EEG and eye movements"] * 3


def test_only_settings_that_differ_tell_a_models_lines_apart(tmp_path, fake):
    settings = [{"hidden": [60, 30], "layers": 2}, {"hidden": 100, "layers": 2}, {"hidden": 20, "layers": 2}]
    for i, own in enumerate(settings):
        for n in (100, 200):
            write_length(tmp_path / f"{i}_{n}", fake, "cbegan", n, settings=own)
    labels = [one.label for one in training_series(only_section(tmp_path))]
    assert labels == ["cBEGAN, hidden 20", "cBEGAN, hidden 100", "cBEGAN, hidden [60, 30]"]


def test_curves_that_lack_a_measure_are_told(tmp_path, fake):
    for n in (100, 200):
        write_length(tmp_path / f"{n}", fake, "cwgan", n, measurements=["spread"])
    section = only_section(tmp_path)
    spread, separation, error = pictures_of(section)["training_length"].figure.axes
    assert len(drawn(spread)) == 1
    assert [axis.texts[0].get_text() for axis in (separation, error)] == [
        "no separation in curves.csv", "no mean_error in curves.csv"
    ]  # fmt: skip
    assert table_of(section)["EEG", "cWGAN", "200"][:3] == ("0.22", "–", "–")


def test_without_readable_curves_gains_are_left(tmp_path, fake):
    for n in (100, 200):
        write_length(tmp_path / f"{n}", fake, "cwgan", n, gain=0.0075)
    (tmp_path / "100" / "curves.csv").unlink()
    (tmp_path / "200" / "curves.csv").write_text("step\n1\n")
    section = only_section(tmp_path)
    found = pictures_of(section)
    assert list(found) == ["training_length", "training_length_gain_eeg"]
    assert all(axis.texts for axis in found["training_length"].figure.axes)
    assert table_of(section)["EEG", "cWGAN", "100"][:3] == ("–", "–", "–")
    assert table_of(section)["EEG", "cWGAN", "100"][3].startswith(
        f"−{-100 * (AT_LARGEST['cwgan'].mean() + 0.0075):.1f} ["
    )


def test_jobs_of_other_subjects_and_one_length_count_as_many_times_as_they_have_gans(tmp_path, fake):
    for n in (100, 200):
        write_length(tmp_path / f"a_{n}", fake, "cwgan", n, gans=3, subjects=(1, 2, 3))
        write_length(tmp_path / f"b_{n}", fake, "cwgan", n, gans=1, subjects=(4,), shift=0.4)
    section = only_section(tmp_path)
    axis = pictures_of(section)["training_length"].figure.axes[0]
    np.testing.assert_allclose(drawn(axis)["cWGAN"].get_ydata(), np.array([0.21, 0.22]) + 0.4 / 4)
    corners = axis.collections[0].get_paths()[0].vertices
    assert corners[:, 1].min() == pytest.approx(0.21 - 0.1)
    assert corners[:, 1].max() == pytest.approx(0.22 + 0.4 + 0.2)
    assert table_of(section)["EEG", "cWGAN", "200"][-1] == "4"


def keep_sizes(folder, *sizes):
    for name in ("scores", "selection", "confusion"):
        frame = pd.read_csv(folder / f"{name}.csv")
        frame[frame.n_aug.isin(sizes)].to_csv(folder / f"{name}.csv", index=False)


def test_the_size_that_is_not_chosen_is_the_largest_that_all_jobs_have(tmp_path, fake):
    for n in (100, 200):
        write_length(tmp_path / f"{n}", fake, "cwgan", n)
    keep_sizes(tmp_path / "200", 0, 50)
    section = only_section(tmp_path)
    assert {one.n_aug for one in training_series(section)} == {50}
    assert [row[3].split()[0] for row in table_of(section).values()] == [f"+{100 * 0.01 * 2.5 / 2:.1f}"] * 2


def test_jobs_that_append_nothing_have_curves_and_no_gains(tmp_path, fake):
    for n in (100, 200):
        write_length(tmp_path / f"{n}", fake, "cwgan", n)
        keep_sizes(tmp_path / f"{n}", 0)
    section = only_section(tmp_path)
    assert list(pictures_of(section)) == ["training_length", "training_length_losses"]
    assert table_of(section)["EEG", "cWGAN", "200"] == ("0.22", "0.52", "2.02", "4")


def test_without_scores_of_its_own_without_augmentation_a_gan_is_compared_with_none(tmp_path, fake):
    for n in (100, 200):
        write_length(tmp_path / f"{n}", fake, "cwgan", n, gain=0.0225)
        keep_sizes(tmp_path / f"{n}", 50, 200)
    section = only_section(tmp_path)
    assert table_of(section)["EEG", "cWGAN", "200"][3:] == ("–", "–", "4")
    assert "training_length_gain_eeg" not in pictures_of(section)
    fake.write_job(tmp_path / "none", "eeg", "none")
    shown = table_of(only_section(tmp_path))["EEG", "cWGAN", "200"]
    assert shown[3].startswith(f"−{-100 * (AT_LARGEST['cwgan'].mean() + 0.0225):.1f} [")


def test_one_subject_has_gains_without_intervals(tmp_path, fake):
    for n in (100, 200):
        write_length(tmp_path / f"{n}", fake, "cwgan", n, subjects=(2,))
    section = only_section(tmp_path)
    assert table_of(section)["EEG", "cWGAN", "200"][3:] == ("−3.0 [–]", "−3.0 [–]", "1")
    (bars,) = pictures_of(section)["training_length_gain_eeg"].figure.axes[0].containers
    np.testing.assert_allclose([segment[:, 1] for segment in bars.lines[2][0].get_segments()], -3)
