"""What a sweep ends with: the models side by side, with the numbers of the report."""

import re

import pytest

from emogan.report import tables
from emogan.report.overview import overview
from emogan.report.sections import sections
from emogan.sweeps.collect import collect


def rows(text: str) -> dict[str, list[str]]:
    """Cells behind the model's name, by model; of one modality."""
    split = [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]
    start = next(i for i, cells in enumerate(split) if cells[0] == "modality")
    found = [cells if cells[0].startswith(("EEG", "Eye")) else ["", *cells] for cells in split[start + 1 : -2]]
    return {cells[1]: cells[2:] for cells in found}


def test_accuracies_and_gains_are_those_of_the_report(sweep):
    folders = [sweep / f"{i}_eeg_{model}" for i, model in enumerate(("none", "gaussian", "cwgan", "cbegan"))]
    shown = rows(overview(folders))
    (section,) = sections(collect(folders).jobs)
    compared = {row[1]: row[2:] for row in tables.comparison(section).rows}
    assert list(shown) == list(compared) == ["none", "Gaussian", "cWGAN", "cBEGAN"]
    for model, (without, chosen, gain, subjects) in shown.items():
        assert without == "70.0"
        assert chosen == compared[model][0].split()[0]
        assert gain == compared[model][2]
        assert subjects == "4"
    assert shown["cBEGAN"][2].startswith("+7.1 [")


def test_without_a_job_of_none_gains_are_over_the_models_own_scores_without_windows(sweep):
    alone = rows(overview([sweep / "3_eeg_cbegan", sweep / "2_eeg_cwgan"]))
    assert alone["cBEGAN"] == rows(overview([sweep / "3_eeg_cbegan", sweep / "0_eeg_none"]))["cBEGAN"]


def test_settings_of_a_model_share_a_row_and_equal_jobs_count_once(tmp_path, fake):
    for number, settings in enumerate(({"hidden": 50}, {"hidden": 100}, {"hidden": 100})):
        fake.write_job(tmp_path / str(number), "eeg", "cbegan", settings=settings)
    fake.write_job(tmp_path / "none", "eeg", "none")
    assert list(rows(overview([tmp_path / name for name in ("0", "1", "2", "none")]))) == ["none", "cBEGAN"]


@pytest.mark.parametrize("fewest", [4, 5])
def test_few_subjects_are_said_to_support_no_claim(sweep, monkeypatch, fewest):
    monkeypatch.setattr("emogan.report.overview.FEWEST", fewest)
    text = overview([sweep / "0_eeg_none", sweep / "3_eeg_cbegan"])
    assert ("Fewer than 5 subjects" in text) == (fewest == 5)
    assert text.startswith("SIMULATED")
