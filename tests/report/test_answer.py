"""The report's sentences and its forest plot."""

import json

import numpy as np
import pytest

from emogan.report.answer import answers
from emogan.report.figures.forest import GREY, forest
from emogan.report.sections import sections
from emogan.sweeps.collect import collect

MANY = tuple(range(1, 13))


@pytest.fixture
def section(tmp_path, fake):
    """A section of jobs of some models with accuracies shifted in some of them, over some people."""

    def make(models, subjects=MANY, **changes):
        for model, shift in models.items():
            fake.write_job(tmp_path / model, "eeg", model, subjects=subjects, shift=shift - 0.35, **changes)
        return sections(collect([tmp_path]).jobs)[0]

    return make


def test_a_model_that_gains_for_everyone_helps_and_the_size_and_the_people_are_said(section):
    text = answers(section({"none": 0.0, "gaussian": 0.0, "cwgan": 0.0}))["EEG"]
    # Gaussian, 0.04 s / 2 for subjects 2 to 12 and 0.02 / 2 for subject 1
    gain = np.mean([0.01, *(0.02 * s for s in range(2, 13))])
    assert text.startswith(f"No GAN is shown to help. A control does: Gaussian adds {100 * gain:.1f} points [")
    assert "over twelve people, p = " in text
    assert "Accuracy is lost with cWGAN (−" in text
    assert "show little" not in text


def test_a_single_gan_that_helps_is_named(section):
    text = answers(section({"none": 0.0, "cbegan": 0.0, "cwgan": 0.0}))["EEG"]
    assert text.startswith("One of two models helps: cBEGAN adds ")


def test_of_several_that_help_the_best_is_named(section):
    text = answers(section({"none": 0.0, "gaussian": 0.0, "cbegan": 0.0}))["EEG"]
    assert text.startswith("Two of two models help: the best of them, cBEGAN, adds ")


def test_few_people_are_not_shown_to_gain_and_show_little(section):
    text = answers(section({"none": 0.0, "gaussian": 0.0, "cbegan": 0.0}, subjects=(1, 2, 3, 4)))["EEG"]
    assert text.startswith("None of two models is shown to help: the best, cBEGAN, adds ")
    assert text.endswith("over four people, p = 0.250. Fewer than ten people show little.")


def test_one_person_says_nothing_of_others(section):
    text = answers(section({"none": 0.0, "cbegan": 0.0}, subjects=(2,)))["EEG"]
    assert text.startswith("With one person nothing can be said of others. There cBEGAN adds 6.0 points.")


def test_what_was_learned_with_the_tested_clips_is_spoken_of_apart(tmp_path, section, fake):
    section({"none": 0.0, "cwgan": 0.0})
    fake.write_job(tmp_path / "donors", "eeg", "cbegan", subjects=MANY, shift=-0.35)
    for path in (tmp_path / "donors").glob("*.csv"):
        path.write_text(path.read_text().replace("cbegan", "cbegan+others_same_clips"))
    text = answers(sections(collect([tmp_path]).jobs)[0])["EEG"]
    assert "helps" not in text
    assert "With donors who watched the tested film clips cBEGAN from others adds " in text


@pytest.mark.parametrize(("collapsed", "said"), [(2, True), (1, False)])
def test_what_is_said_of_gans_that_collapsed_says_so(tmp_path, section, collapsed, said):
    section({"none": 0.0, "cbegan": 0.0})
    path = tmp_path / "cbegan" / "run.json"
    findings = [{"collapse": 0.1}] * collapsed + [{}] * (3 - collapsed)
    members = [{"key": str(i), "findings": found} for i, found in enumerate(findings)]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"members": members}))
    text = answers(sections(collect([tmp_path]).jobs)[0])["EEG"]
    assert ("Most GANs have collapsed (2 of 3 of cBEGAN)" in text) == said


def test_permuted_labels_leave_nothing_to_gain(section):
    text = answers(section({"none": 0.0, "cbegan": 0.0}, permute_labels=True))["EEG"]
    assert text.endswith("The labels are permuted, so no model may help here.")


@pytest.mark.parametrize(("subjects", "grey"), [(MANY, False), ((1, 2, 3, 4), True)])
def test_the_forest_plot_has_a_row_per_model_at_its_gain_and_greys_few_people(section, subjects, grey):
    picture = forest(section({"none": 0.0, "gaussian": 0.0, "cbegan": 0.0}, subjects=subjects))
    (axis,) = picture.figure.axes
    assert [label.get_text() for label in axis.get_yticklabels()] == ["cBEGAN", "Gaussian"]  # by gain
    gain = 100 * np.mean([0.01, *(0.02 * s for s in subjects[1:])])
    marker = axis.lines[-1]
    np.testing.assert_allclose(marker.get_xydata(), [[gain, 1]])
    assert (marker.get_markeredgecolor() == GREY) == grey
    assert axis.texts[-1].get_text().endswith(f"n = {len(subjects)}")
    assert axis.get_ylim()[0] > axis.get_ylim()[1]  # the largest gain is at the top


def test_a_model_of_one_person_does_not_hide_what_holds_of_many(tmp_path, section, fake):
    section({"none": 0.0, "gaussian": 0.0})
    fake.write_job(tmp_path / "one", "eeg", "cbegan", subjects=(12,))
    text = answers(sections(collect([tmp_path]).jobs)[0])["EEG"]
    assert text.startswith("Gaussian helps: it adds")
