"""Figures: panels, labels, and that what is drawn is what the frames say."""

import numpy as np
import pytest

from emogan.data.faced import EMOTIONS
from emogan.data.montage import EEG_FEATURES, HEAD_RADIUS_M, positions
from emogan.report.figures import accuracy, confusion, training, windows
from emogan.report.sections import sections
from emogan.sweeps.collect import collect


@pytest.fixture(scope="module")
def section(sweep):
    return sections(collect([sweep]).jobs)[0]


def panels(picture):
    return [axis for axis in picture.figure.axes if axis.get_visible() and axis.get_label() != "<colorbar>"]


def test_accuracy_has_a_row_per_modality_nested_and_oracle_side_by_side(section, fake):
    gans, controls = accuracy.accuracy_by_size(section)
    for picture in (gans, controls):
        assert [axis.get_title() for axis in panels(picture)] == [
            "EEG: nested", "EEG: oracle (optimistic)",
            "EEG and eye movements: nested", "EEG and eye movements: oracle (optimistic)",
        ]  # fmt: skip
        assert "SIMULATED" in picture.figure.get_suptitle()
        assert [axis.get_ylabel() for axis in panels(picture)[::2]] == ["accuracy (%)"] * 2
        assert [axis.get_xlabel() for axis in panels(picture)[2:]] == ["synthetic windows appended (n_aug)"] * 2
    drawn = {line.get_label(): line for line in panels(gans)[0].containers}
    assert list(drawn) == ["Gaussian", "cWGAN", "cBEGAN"]
    expected = [
        100 * np.mean([fake.accuracy("eeg", "cbegan", n, s, 0) + 0.05 for s in (1, 2, 3, 4)]) for n in (50, 200)
    ]
    np.testing.assert_allclose(drawn["cBEGAN"].lines[0].get_ydata(), expected)
    np.testing.assert_allclose(panels(gans)[0].lines[0].get_ydata(), 70)
    np.testing.assert_allclose(panels(gans)[1].lines[0].get_ydata(), 71)


def test_intervals_are_those_of_the_paired_difference_around_the_models_mean(section):
    chosen = section.nested[section.nested.modality == "eeg"]
    frame = accuracy.against_none(chosen, "accuracy")
    # differences of cBEGAN lie between 1.5 and 12 points, so the interval lies between these above none
    low, high = frame.loc["cbegan", ["low", "high"]] - frame.loc["none", "mean"]
    assert 1.5 < low < 100 * np.mean([0.015, 0.06, 0.09, 0.12]) < high < 12
    assert frame.loc["none", ["low", "high"]].isna().all()


def test_subjects_have_a_panel_per_model_with_a_line_per_subject_and_the_mean(section):
    eeg, both = accuracy.paired_by_subject(section)
    assert [axis.get_title() for axis in panels(eeg)] == [
        "Gaussian\n4 better, 0 worse", "cWGAN\n1 better, 3 worse", "cBEGAN\n4 better, 0 worse",
    ]  # fmt: skip
    assert [len(axis.lines) for axis in panels(both)] == [5, 5, 5]
    np.testing.assert_allclose(panels(eeg)[2].lines[0].get_ydata(), [67, 68.5])


def test_confusion_counts_windows_at_the_nested_choice(section, fake):
    table = confusion.confusion(section, "eeg", "cbegan")
    # per training set: 6 on the diagonal and 2 beside it at 50 windows (two training sets), 8 and 1 at 200 (six)
    expected = np.where(np.eye(3, dtype=bool), 2 * 6 + 6 * 8, 2 * 2 + 6 * 1)
    np.testing.assert_array_equal(table, expected)
    assert list(table.index) == list(table.columns) == list(fake.CLASSES)
    first, _ = confusion.confusion_matrices(section)
    assert [axis.get_title() for axis in panels(first)] == ["none", "Gaussian", "cWGAN", "cBEGAN"]
    assert [text.get_text() for text in panels(first)[3].texts][:2] == [f"{100 * 60 / 80:.0f}", "12"]
    assert panels(first)[0].get_ylabel() == "true emotion"
    assert {axis.get_xlabel() for axis in panels(first)} == {"predicted"}


def test_training_curves_show_the_papers_pair_with_bands_and_convergence(section):
    picture = training.training_curves(section)
    titles = [axis.get_title() for axis in panels(picture)]
    assert titles[:2] == ["EEG: cWGAN", "EEG: cBEGAN"]
    assert len(titles) == 4
    loss, measure = panels(picture)[:2]
    assert (loss.get_ylabel(), measure.get_ylabel()) == ("$D_{loss}$", "$M_{global}$")
    assert len(loss.lines[0].get_xdata()) == 400
    assert loss.lines[0].get_ydata()[-1] == pytest.approx(-2, abs=0.1)
    assert measure.lines[0].get_ydata()[-1] == pytest.approx(0.6, abs=0.02)
    assert len(loss.collections) == 1
    assert loss.texts[0].get_text() == f"converged at iteration {loss.lines[1].get_xdata()[0]}"
    assert 120 < loss.lines[1].get_xdata()[0] < 200


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "the job left no curves.csv"),
        (b"", "curves.csv cannot be read: No columns to parse from file"),
        (b"\xff\x00,", "curves.csv cannot be read: "),
        (b"step,value\n1,2\n", "curves.csv cannot be read: Usecols do not match columns"),
        (b"iteration,metric,mean,lowest,highest\n1,g_loss,2,1,3\n", "no d_loss in curves.csv"),
        (b"iteration,metric,mean,lowest,highest\n1,d_loss,high,1,3\n", "curves.csv cannot be read: "),
    ],
)  # fmt: skip
def test_a_job_without_readable_curves_is_told_in_the_figure(tmp_path, fake, content, told):
    fake.write_job(tmp_path / "job", "eeg", "cwgan")
    (tmp_path / "job" / "curves.csv").unlink()
    if content is not None:
        (tmp_path / "job" / "curves.csv").write_bytes(content)
    (loss,) = training.training_curves(sections(collect([tmp_path]).jobs)[0]).figure.axes  # and no panel of cBEGAN
    assert loss.texts[0].get_text().replace("\n", " ").startswith(told)


def test_without_a_job_of_the_papers_pair_there_are_no_curves(tmp_path, fake):
    fake.write_job(tmp_path / "job", "eeg", "gaussian")
    assert training.training_curves(sections(collect([tmp_path]).jobs)[0]) is None


def test_a_learning_curve_is_drawn_where_several_training_sizes_exist(section, tmp_path, fake):
    assert accuracy.learning_curve(section) is None
    for n in (1, None):
        for model in ("none", "cbegan"):
            fake.write_job(tmp_path / f"{n}_{model}", "eeg", model, trials_per_class=n, shift=-0.1 if n else 0.0)
    picture = accuracy.learning_curve(sections(collect([tmp_path]).jobs)[0])
    (axis,) = panels(picture)
    assert [label.get_text() for label in axis.get_xticklabels()] == ["1", "all"]
    assert axis.get_xlabel() == "training trials per class"
    np.testing.assert_allclose(axis.lines[0].get_ydata(), [60, 70])


def test_components_are_the_real_windows_own_and_have_a_panel_per_model(section):
    eeg, _ = windows.components(section)
    assert [axis.get_title() for axis in panels(eeg)] == ["Gaussian", "cWGAN", "cBEGAN"]
    found = windows.windows_of(section, "eeg")["cbegan"]
    centred = found.x_real - found.x_real.mean(0)
    share = np.linalg.svd(centred, compute_uv=False) ** 2
    assert panels(eeg)[0].get_xlabel() == f"component 1 ({share[0] / share.sum():.0%})"
    scatters = panels(eeg)[0].collections
    assert [len(scatter.get_offsets()) for scatter in scatters] == [10, 20] * 3


def test_as_many_synthetic_windows_of_each_class_are_drawn_where_they_come_class_by_class(tmp_path, fake):
    fake.write_job(tmp_path / "job", "eeg", "gaussian")
    path = tmp_path / "job" / "windows.npz"
    with np.load(path) as file:
        arrays = dict(file)
    order = np.repeat(np.argsort(arrays["y_synthetic"], kind="stable"), 10)
    arrays |= {name: arrays[name][order] for name in ("x_synthetic", "y_synthetic")}
    np.savez(path, **arrays)
    (picture,) = windows.components(sections(collect([tmp_path]).jobs)[0])
    drawn = [len(scatter.get_offsets()) for scatter in panels(picture)[0].collections]
    assert drawn == [10, windows.MOST // 3] * 3


def test_the_electrodes_of_features_are_found_in_any_order():
    shuffled = np.random.default_rng(0).permutation(EEG_FEATURES)
    info, bands, columns = windows.electrode_layout(tuple(shuffled))
    assert len(info.ch_names) == 62
    for band, row in zip(bands, columns, strict=True):
        assert [shuffled[column] for column in row] == [f"{channel}_{band}" for channel in info.ch_names]
    placed = np.array([channel["loc"][:3] for channel in info["chs"]])
    np.testing.assert_allclose(placed, HEAD_RADIUS_M * positions(info.ch_names))


@pytest.mark.parametrize("names", [("a_alpha", "b_alpha", "c_alpha", "d_alpha"), ("FP1_alpha", "FP2_beta"), ("f",)])
def test_features_that_are_not_electrodes_in_bands_have_no_topography(names):
    assert windows.electrode_layout(names) is None


def test_topographies_show_real_synthetic_and_difference_of_each_class_and_band(tmp_path, fake):
    fake.write_job(tmp_path / "job", "eeg", "gaussian")
    (section,) = sections(collect([tmp_path]).jobs)
    (picture,) = windows.topographies(section)
    maps = [axis for axis in panels(picture) if axis.images]
    assert len(maps) == 5 * 3 * 3
    assert [axis.get_title() for axis in maps[:4]] == [
        "negative\nreal", "negative\nsynthetic", "negative\ndifference", "neutral\nreal",
    ]  # fmt: skip
    assert [axis.get_ylabel() for axis in maps[::9]] == ["delta", "theta", "alpha", "beta", "gamma"]
    real, synthetic, difference = (axis.images[0] for axis in maps[:3])
    assert real.get_clim() == synthetic.get_clim() != difference.get_clim()
    assert difference.get_clim()[0] == -difference.get_clim()[1]
    bars = [axis.get_ylabel() for axis in picture.figure.axes if axis.get_label() == "<colorbar>"]
    assert sorted(bars) == ["difference"] * 5 + ["value"] * 5


def test_components_leave_out_models_of_another_training_set_by_name(tmp_path, fake):
    for model in ("gaussian", "cwgan"):
        fake.write_job(tmp_path / model, "eeg", model)
    path = tmp_path / "cwgan" / "windows.npz"
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **arrays | {"training_set": np.array("subject 2, session 1, fold 0")})
    (picture,) = windows.components(sections(collect([tmp_path]).jobs)[0])
    assert [axis.get_title() for axis in panels(picture)] == ["Gaussian"]
    assert picture.caption.endswith("Not shown, as their newest jobs hold other training sets: cwgan.")


def test_each_class_of_the_data_set_with_most_classes_has_a_colour_of_its_own():
    assert len(set(windows.CLASS_COLORS)) >= len(EMOTIONS)


def test_names_of_classes_may_hold_dollar_signs(tmp_path, fake):
    fake.write_job(tmp_path / "job", "eeg", "gaussian")
    path = tmp_path / "job" / "windows.npz"
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **arrays | {"class_names": np.array([r"$\frac{a$", "b", "c"])})
    (picture,) = windows.components(sections(collect([tmp_path]).jobs)[0])
    picture.figure.canvas.draw()
