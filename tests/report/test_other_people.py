"""What the report says of donors and film clips."""

import json

import pytest

from emogan.report.other_people import donor_curve, other_people
from emogan.report.sections import sections
from emogan.sweeps.collect import collect


def write(fake, folder, model, shift=0.0, people=None, seen=0, **changes):
    """A job of a model, with donors if its name has a +, whose audit saw some test windows of clips trained on."""
    kind = model.partition("+")[0]
    fake.write_job(folder, "eeg", kind, shift=shift - 0.2, **changes)
    for path in folder.glob("*.csv"):
        path.write_text(path.read_text().replace(f",{kind},", f",{model},"))
    run = json.loads((folder / "run.json").read_text())
    run["audit"] = {"verdict": "no test window was seen", "test_windows_of_clips_that_occur_in_training": seen}
    if "+" in model:
        run["donors"] = {"others": True, "subjects": list(range(people or 4)), "people": people or 4, "data": "x"}
    (folder / "run.json").write_text(json.dumps(run))


def rows(table):
    return {row[1:3]: row[3:] for row in table.rows}


def test_arms_are_rows_and_new_and_same_clips_are_columns(tmp_path, fake):
    write(fake, tmp_path / "none", "none")
    write(fake, tmp_path / "new", "cbegan+others")
    write(fake, tmp_path / "same", "cbegan+others_same_clips", shift=0.1, seen=30)
    write(fake, tmp_path / "tuned", "cbegan+others+fine_tuned", shift=-0.1)
    write(fake, tmp_path / "own", "gaussian+own_sessions")
    (section,) = sections(collect([tmp_path]).jobs)
    table = other_people(section)
    assert [head for _, head in table.columns[3:]] == ["accuracy", "difference [95 %]"] * 2
    assert [group for group, _ in table.columns[3:]] == ["new clips"] * 2 + ["same clips"] * 2
    shown = rows(table)
    tuned = "others, fine-tuned on own trials", "cBEGAN"
    assert list(shown) == [("own trials", "none"), ("others", "cBEGAN"), tuned, ("own sessions", "Gaussian")]
    assert shown["own trials", "none"] == ("50.0 (2.6)", "–", "–", "–")
    accuracy, gain, accuracy_same, gain_same = shown["others", "cBEGAN"]
    assert float(accuracy_same.split()[0]) == pytest.approx(float(accuracy.split()[0]) + 10)
    assert float(gain_same.split()[0]) == pytest.approx(float(gain.split()[0]) + 10)
    assert shown["own sessions", "Gaussian"][2:] == ("–", "–")


def test_sections_that_differ_in_the_clips_of_the_folds_alone_stand_side_by_side(tmp_path, fake):
    for model in ("none", "gaussian"):
        write(fake, tmp_path / f"any {model}", model, shift=0.2, seen=30, stimuli="any")
        write(fake, tmp_path / f"unseen {model}", model, stimuli="unseen")
    found = sections(collect([tmp_path]).jobs)
    assert len(found) == 2
    for section in found:
        shown = rows(other_people(section))
        assert shown["own trials", "none"] == ("50.0 (2.6)", "–", "70.0 (2.6)", "–")
        assert shown["own trials", "Gaussian"][1] == shown["own trials", "Gaussian"][3]  # each against its own none


def test_without_donors_and_without_a_twin_there_is_no_such_table(sweep):
    (section,) = sections(collect([sweep]).jobs)
    assert other_people(section) is None
    assert donor_curve(section) is None


def test_more_donors_are_drawn_by_their_number(tmp_path, fake):
    write(fake, tmp_path / "none", "none")
    for people, shift in ((2, 0.0), (8, 0.05)):
        write(fake, tmp_path / str(people), "gaussian+others", shift, people)
    (section,) = sections(collect([tmp_path]).jobs)  # both count: they are settings of one model
    assert len(section.jobs) == 3
    (axis,) = donor_curve(section).figure.axes
    assert [label.get_text() for label in axis.get_xticklabels()] == ["2", "8"]
    low, high = axis.containers[0].lines[0].get_ydata()
    assert high - low == pytest.approx(5)


def test_jobs_of_the_same_donors_are_drawn_where_each_of_them_counted(tmp_path, fake):
    write(fake, tmp_path / "none", "none")
    for people, subjects in ((5, (3, 4)), (2, (1, 2))):
        write(fake, tmp_path / str(people), "gaussian+others", people=people, subjects=subjects)
        run = json.loads((tmp_path / str(people) / "run.json").read_text())
        run["donors"]["subjects"] = None  # all others, of whom some have no such session
        (tmp_path / str(people) / "run.json").write_text(json.dumps(run))
    (section,) = sections(collect([tmp_path]).jobs)
    (axis,) = donor_curve(section).figure.axes
    assert [label.get_text() for label in axis.get_xticklabels()] == ["2", "5"]
