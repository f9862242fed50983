"""Events tables are read, and an error names the row that it is in by its number."""

import math
from pathlib import Path

import pandas as pd
import pytest

from emogan.recordings.events_table import COLUMNS, EventsTable, Row, problems, read_table

GOOD = ("1_1.cnt", 1, 1, 1, "happy", 0.0, 60.0)


def written(path, *rows, columns=COLUMNS):
    pd.DataFrame(rows, columns=columns).to_csv(path, index=False)
    return path


def table(tmp_path, *rows, columns=COLUMNS):
    return read_table(written(tmp_path / "trials.csv", *rows, columns=columns), tmp_path)


def test_a_table_is_read_as_it_is_written(tmp_path):
    found = table(tmp_path, GOOD, ("1_1.cnt", 1, 1, 2, "sad", 70.5, None), ("2_1.mat", 2, 1, 1, "sad", None, 30))
    assert found.rows == (
        Row(1, tmp_path / "1_1.cnt", 1, 1, 1, "happy", 0.0, 60.0),
        Row(2, tmp_path / "1_1.cnt", 1, 1, 2, "sad", 70.5, math.inf),
        Row(3, tmp_path / "2_1.mat", 2, 1, 1, "sad", 0.0, 30.0),
    )
    assert {key: len(rows) for key, rows in found.experiments().items()} == {(1, 1): 2, (2, 1): 1}
    assert problems(found, 4) == {}


@pytest.mark.parametrize(
    ("separator", "decimal", "encoding"), [(";", ",", "cp1252"), ("\t", ",", "utf-16"), (";", ".", "utf-8")]
)
def test_a_table_of_a_spreadsheet_is_read_to_the_same_rows(tmp_path, separator, decimal, encoding):
    table = pd.DataFrame(
        [("Gerät 1.cnt", 1, 1, 1, "Ärger", 0.25, None), ("Gerät 1.cnt", 1, 1, 2, "Freude", 70.5, 90)], columns=COLUMNS
    )
    (tmp_path / "t.csv").write_bytes(table.to_csv(index=False, sep=separator, decimal=decimal).encode(encoding))
    assert read_table(tmp_path / "t.csv", tmp_path).rows == (
        Row(1, tmp_path / "Gerät 1.cnt", 1, 1, 1, "Ärger", 0.25, math.inf),
        Row(2, tmp_path / "Gerät 1.cnt", 1, 1, 2, "Freude", 70.5, 160.5),
    )


def test_seconds_with_two_decimal_signs_are_refused(tmp_path):
    text = ";".join(COLUMNS) + "\na.cnt;1;1;1;x;0,5;60\na.cnt;1;1;2;x;70.5;90\n"
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ValueError, match="expected seconds in onset, got '0,5' in row 1"):
        read_table(tmp_path / "t.csv", tmp_path)


def test_eye_recordings_may_say_their_sheet_and_where_their_samples_are(tmp_path):
    columns = (*COLUMNS, "sheet", "samples")
    found = table(tmp_path, (*GOOD, None, None), ("1.xlsx", *GOOD[1:], 3, None), ("2.asc", 2, *GOOD[2:], None, "s.asc"),
                  columns=columns)  # fmt: skip
    assert [(row.sheet, row.samples) for row in found.rows] == [(None, None), (3, None), (None, tmp_path / "s.asc")]
    assert [row.is_eeg for row in found.rows] == [True, False, False]


@pytest.mark.parametrize(
    ("columns", "cells", "stimuli"),
    [
        (["stimulus"], [["V1"], ["V2"]], ["V1", "V2"]),
        (["stimulus"], [[3], [4.0]], [3, 4]),
        (["stim_file"], [["a.mp4"], ["b.mp4"]], ["a.mp4", "b.mp4"]),
        (["stim_file", "stimulus"], [["a.mp4", "V1"], ["b.mp4", "V2"]], ["V1", "V2"]),
        (["stimulus", "stim_file"], [[None, "a.mp4"], [None, "b.mp4"]], ["a.mp4", "b.mp4"]),
        (["stim_file"], [["n/a"], ["n/a"]], [None, None]),
        ([], [[], []], [None, None]),
    ],
)
def test_the_stimulus_of_a_trial_is_known_by_either_name(tmp_path, columns, cells, stimuli):
    rows = [(*GOOD, *cells[0]), ("1_1.cnt", 1, 1, 2, "sad", 70, 90, *cells[1])]
    found = table(tmp_path, *rows, columns=(*COLUMNS, *columns))
    assert [row.stimulus for row in found.rows] == stimuli


def test_the_stimulus_of_some_trials_alone_is_refused(tmp_path):
    rows = [(*GOOD, "V1"), ("1_1.cnt", 1, 1, 2, "sad", 70, 90, None)]
    with pytest.raises(ValueError, match=r"trials\.csv: .* in every row of 'stim_file', got an empty cell .* in row 2"):
        table(tmp_path, *rows, columns=(*COLUMNS, "stim_file"))


def test_both_recordings_of_a_trial_have_its_stimulus(tmp_path):
    rows = [(*GOOD, "V1"), ("1_1.asc", *GOOD[1:], "V2")]
    found = problems(table(tmp_path, *rows, columns=(*COLUMNS, "stimulus")), 4)
    assert len(found[1, 1]) == 1
    assert "row 2 (1_1.asc, trial 1, 0 to 60 s): expected the stimulus V1 as in row 1 " in found[1, 1][0]
    assert found[1, 1][0].endswith("got V2")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (("1_1.cnt", 1, 1, 2, "sad", -1, 71), r"row 2 .*expected an onset of 0 s or later"),
        (("1_1.cnt", 1, 1, 2, "sad", 70, 0), r"row 2 .*the trial is empty"),
        (("1_1.cnt", 1, 1, 2, "sad", 80, -10), r"row 2 .*the trial is empty"),
        (("1_1.cnt", 1, 1, 2, "sad", 70, 3), r"row 2 .*at least one window of 4 s"),
        (("1_1.cnt", 1, 1, 2, "sad", 59, 11), r"row 2 .*do not overlap, got one that begins within row 1 "),
        (("1_1.cnt", 1, 1, 2, "sad", 10, 10), r"row 2 .*do not overlap, got one that begins within row 1 "),
        (("1_1.cnt", 1, 1, 1, "happy", 70, 80), r"row 2 .*expected each trial once, got it in row 1 "),
        (("1_1.asc", 1, 1, 1, "sad", 0, 60), r"row 2 .*expected the label happy as in row 1 .*got sad"),
        (("1_1.asc", 1, 1, 2, "sad", 0, 60), r"row 1 .*expected an eye tracking recording of this trial too"),
    ],
)
def test_an_impossible_row_is_a_problem_of_its_experiment_alone(tmp_path, row, problem):
    found = problems(table(tmp_path, GOOD, row, ("2_1.cnt", 2, 1, 1, "sad", 0, 60)), 4)
    assert set(found) == {(1, 1)}
    assert any(pd.Series(text).str.contains(problem).all() for text in found[1, 1]), found


def test_an_overlap_of_two_experiments_in_a_recording_is_a_problem_of_both(tmp_path):
    found = problems(table(tmp_path, GOOD, ("1_1.cnt", 2, 1, 1, "sad", 30, 90)), 4)
    assert set(found) == {(1, 1), (2, 1)}


def test_trials_of_a_mat_file_do_not_overlap_though_all_begin_at_0():
    rows = tuple(Row(i, Path("1.mat"), 1, 1, i, 0, 0.0, math.inf) for i in (1, 2))
    assert problems(EventsTable(rows), 4) == {}


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        ([GOOD[:-1]], COLUMNS[:-1], r"expected the columns recording, .*missing duration"),
        ([GOOD, ("1_1.cnt", 1, 1, 2, "sad", "ten", 90)], COLUMNS, r"expected seconds in onset, got 'ten' in row 2"),
        (
            [GOOD, ("1_1.cnt", None, 1, 2, "sad", 70, 90)],
            COLUMNS,
            r"in every row of 'subject', got an empty cell .*row 2",
        ),
        ([], COLUMNS, r"got no rows"),
    ],
)
def test_a_file_that_is_no_events_table_is_refused(tmp_path, rows, columns, message):
    with pytest.raises(ValueError, match=message):
        table(tmp_path, *rows, columns=columns)


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"expected an events table at .*seed_v"):
        read_table(tmp_path / "trials.csv", tmp_path)


def test_a_table_of_bids_is_separated_by_tabs_and_may_say_na(tmp_path):
    text = "\t".join(COLUMNS) + "\n1_1.cnt\t1\t1\t1\tsad\tn/a\t60\n1_1.cnt\t1\t1\t2\tsad\t70.5\tn/a\n"
    (tmp_path / "events.tsv").write_text(text)
    found = read_table(tmp_path / "events.tsv", tmp_path)
    assert [(row.start_s, row.end_s) for row in found.rows] == [(0.0, 60.0), (70.5, math.inf)]
