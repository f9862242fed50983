"""Tables of eye tracking events: CSV, and BeGaze's as .xlsx, .xls and text."""

import struct
import sys

import numpy as np
import pandas as pd
import pytest

from emogan.recordings.eye_tables import BEGAZE, COLUMNS
from emogan.recordings.eyes import read_eyes
from emogan.signal.eye import eye_features

FIXATIONS = [  # onset and duration in ms, dispersion x and y, pupil x and y
    (0, 350, 12.0, 8.0, 14.2, 13.1), (400, 700, 30.5, 22.0, 14.6, 13.4), (1150, 290, 9.0, 11.0, 14.9, 13.9),
    (1700, 900, 18.0, 14.0, 14.4, 13.3), (2650, 1290, 21.0, 9.0, 14.1, 13.0),
]  # fmt: skip
SACCADES = [(350, 50, 3.25), (1100, 50, 12.0), (2600, 50, 0.75)]  # onset, duration, degrees
BLINKS = [(1450, 240)]
EVENTS = {"fixation": FIXATIONS, "saccade": SACCADES, "blink": BLINKS}
SPREADSHEETS = [".xlsx", ".xls", ".txt"]


def begaze(events=EVENTS):
    """The tables of each kind of event side by side, as cells with None where a table has ended."""
    sides = [pd.DataFrame(rows, columns=BEGAZE[event]) for event, rows in events.items()]
    return pd.concat([side.astype(object) for side in sides], axis=1).replace(np.nan, None)


def write_begaze(table, path):
    if path.suffix == ".xlsx":
        table.to_excel(path, index=False, sheet_name="trial 1")
    elif path.suffix == ".txt":
        table.to_csv(path, sep="\t", index=False, na_rep="-")
    else:
        path.write_bytes(excel_2(table))
    return path


def excel_2(table) -> bytes:
    """The simplest .xls there is, of Excel 2: records of cells with a number or a text of code page 1252."""

    def record(kind, data):
        return struct.pack("<HH", kind, len(data)) + data

    def cell(row, column, value):
        place = struct.pack("<HH3x", row, column)
        if isinstance(value, str):
            text = value.encode("cp1252")
            return record(0x0004, place + bytes([len(text)]) + text)
        return b"" if value is None else record(0x0003, place + struct.pack("<d", value))

    rows = [list(table.columns), *table.to_numpy().tolist()]
    cells = [cell(r, c, value) for r, row in enumerate(rows) for c, value in enumerate(row)]
    page = record(0x0042, struct.pack("<H", 1252))
    return record(0x0009, struct.pack("<HH", 0x0007, 0x0010)) + page + b"".join(cells) + record(0x000A, b"")


def plain(events=EVENTS):
    """One row per event, in seconds, columns without meaning for a kind of event left empty."""
    tables = [pd.DataFrame(rows, columns=COLUMNS[event]).assign(event=event) for event, rows in events.items()]
    table = pd.concat(tables, ignore_index=True)
    table[["onset_s", "duration_s"]] = table[["onset_s", "duration_s"]] / 1000
    return table.sort_values("onset_s")


def assert_recorded(recording):
    for event, rows in EVENTS.items():
        times = np.array([row[:2] for row in rows]) / 1000
        np.testing.assert_allclose(getattr(recording, f"{event}_s"), times)
    np.testing.assert_allclose(recording.dispersion, [row[2:4] for row in FIXATIONS])
    np.testing.assert_allclose(recording.amplitude_deg, [row[2] for row in SACCADES])
    for onset, duration, *_, x, y in FIXATIONS:
        during = (recording.time_s > onset / 1000) & (recording.time_s < (onset + duration) / 1000)
        assert during.sum() >= duration / 1000 * 60 - 2
        np.testing.assert_array_equal(recording.pupil[during], np.tile([x, y], (during.sum(), 1)))
    assert np.isnan(recording.pupil[(recording.time_s > 1.445) & (recording.time_s < 1.695)]).all()
    assert np.isfinite(eye_features(recording, 0, 4)).all()


@pytest.mark.parametrize("suffix", SPREADSHEETS)
def test_a_begaze_table_gives_its_events_and_the_pupil_of_each_fixation(suffix, tmp_path):
    assert_recorded(read_eyes(write_begaze(begaze(), tmp_path / f"1_1{suffix}")))


WRITTEN = {  # suffix, separator, decimal sign, encoding, lines before the header
    "Windows-1252": (".txt", "\t", ".", "cp1252", ""),
    "UTF-16": (".txt", "\t", ",", "utf-16", ""),
    "UTF-8 with a mark": (".txt", "\t", ".", "utf-8-sig", ""),
    "a preamble": (".txt", "\t", ",", "cp1252", "## [BeGaze]\n## Version:\t3.7\n\n"),
    "semicolons": (".txt", ";", ",", "utf-8", ""),
    "text by the name of a spreadsheet": (".xls", "\t", ".", "cp1252", ""),
    "Unicode text by the name of a spreadsheet": (".xls", "\t", ",", "utf-16", "## [BeGaze]\n"),
    "text by the name of a newer spreadsheet": (".xlsx", "\t", ".", "utf-8", ""),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_begaze_tables_are_read_however_their_text_is_written(case, tmp_path):
    suffix, separator, decimal, encoding, before = WRITTEN[case]
    text = begaze().astype(float).to_csv(index=False, sep=separator, decimal=decimal, na_rep="-")
    path = tmp_path / f"1_1{suffix}"
    path.write_bytes((before + text).encode(encoding))
    assert_recorded(read_eyes(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html><table></table></html>", "got HTML or XML under this name. Open it in Excel or LibreOffice"),
        (b"\xef\xbb\xbf \r\n<?xml version='1.0'?>", "got HTML or XML"),
        ("\ufeff<table>".encode("utf-16"), "got HTML or XML"),
        (b"PK\x03\x04" + bytes(200), "cut off or damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "1_1"),
        (bytes(range(256)) * 4, "1_1"),
        (b"", "1_1"),
    ],
)
@pytest.mark.parametrize("suffix", [".xls", ".xlsx"])
def test_a_spreadsheet_that_is_none_is_refused_by_its_name(suffix, content, message, tmp_path):
    path = tmp_path / f"1_1{suffix}"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as refused:
        read_eyes(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("sheet", [3, "trial 2"])
def test_a_sheet_that_is_missing_names_those_there_are(sheet, tmp_path):
    path = write_begaze(begaze(), tmp_path / "1_1.xlsx")
    with pytest.raises(ValueError, match=r"1_1\.xlsx: expected a sheet (4|trial 2), got trial 1"):
        read_eyes(path, sheet=sheet)


def test_begaze_tables_below_one_another_give_the_same_events(tmp_path):
    below = pd.concat([pd.DataFrame(rows, columns=BEGAZE[event]) for event, rows in EVENTS.items()])
    assert_recorded(read_eyes(write_begaze(below, tmp_path / "1_1.xlsx")))


def test_a_sheet_is_one_trial(tmp_path):
    path = tmp_path / "1_1.xlsx"
    with pd.ExcelWriter(path) as book:
        begaze({"fixation": FIXATIONS[:2], "saccade": SACCADES[:1], "blink": BLINKS}).to_excel(book, sheet_name="1")
        begaze().to_excel(book, sheet_name="2")
    assert len(read_eyes(path).fixation_s) == 2
    assert_recorded(read_eyes(path, sheet=1))
    assert_recorded(read_eyes(path, sheet="2"))


def test_a_plain_csv_gives_its_events_and_the_pupil_of_each_fixation(tmp_path):
    path = tmp_path / "events.csv"
    plain().to_csv(path, index=False)
    assert_recorded(read_eyes(path))


@pytest.mark.parametrize(
    ("separator", "decimal", "encoding"), [(";", ",", "cp1252"), ("\t", ".", "utf-16"), (";", ".", "utf-8-sig")]
)
def test_a_csv_of_events_may_come_from_a_spreadsheet(separator, decimal, encoding, tmp_path):
    path = tmp_path / "events.csv"
    table = plain().assign(Größe=1.5)  # a column of no interest
    path.write_bytes(table.to_csv(index=False, sep=separator, decimal=decimal).encode(encoding))
    assert_recorded(read_eyes(path))


def test_a_trial_without_saccades_and_blinks_needs_none_of_their_columns(tmp_path):
    path = tmp_path / "events.csv"
    plain({"fixation": FIXATIONS}).to_csv(path, index=False)
    recording = read_eyes(path)
    assert recording.saccade_s.shape == recording.blink_s.shape == (0, 2)
    assert np.isfinite(eye_features(recording, 0, 4)).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns="event"), "expected a column event, got onset_s"),
        (lambda table: table.assign(event="look"), "expected events fixation, saccade, blink, got look"),
        (lambda table: table.drop(columns="pupil_y"), "expected the column pupil_y of its fixations"),
        (lambda table: table.drop(columns="amplitude_deg"), "expected the column amplitude_deg of its saccades"),
        (
            lambda table: table.replace({"pupil_x": {14.2: "big"}}),
            r"numbers in the columns of its fixations, got 'big' in 'pupil_x', row 1",
        ),
        (
            lambda table: table.astype({"pupil_y": str}).replace({"pupil_y": {"13.4": "13,4"}}),
            r"got '13,4' in 'pupil_y', row ",
        ),
        (lambda table: table[table.event != "fixation"], "expected a fixation"),
        (lambda table: table[::-1], "fixations in order of time"),
        (lambda table: table.assign(duration_s=table.duration_s * 1000), "milliseconds"),
    ],
)
def test_a_csv_that_lacks_something_is_refused(change, message, tmp_path):
    path = tmp_path / "events.csv"
    change(plain()).to_csv(path, index=False)
    with pytest.raises(ValueError, match=message) as refused:
        read_eyes(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("suffix", SPREADSHEETS)
@pytest.mark.parametrize("event", BEGAZE)
def test_missing_columns_of_a_begaze_table_are_named(suffix, event, tmp_path):
    for column in BEGAZE[event]:
        path = write_begaze(begaze().drop(columns=column), tmp_path / f"1_1{suffix}")
        with pytest.raises(ValueError, match="expected the column") as refused:
            read_eyes(path)
        assert column in str(refused.value).split(";")[0]


def test_a_spreadsheet_without_its_extra_says_what_to_install(tmp_path, monkeypatch):
    path = write_begaze(begaze(), tmp_path / "1_1.xlsx")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ImportError, match=r"1_1.xlsx needs .*pip install 'emogan\[begaze\]'"):
        read_eyes(path)


def test_files_of_other_kinds_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"ends in .asc, .csv, .tsv, .xls, .xlsx, .txt, got .*1_1.edf"):
        read_eyes(tmp_path / "1_1.edf")


@pytest.mark.parametrize("name", ["Eye L/R", "eye"])
def test_events_of_both_eyes_in_one_table_are_refused(tmp_path, name):
    both = plain().assign(**{name: ["Left", "Right"] * 4 + ["Left"]})
    both.to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(ValueError, match=rf"a\.csv: expected events of one eye, got Left, Right in the column {name}"):
        read_eyes(tmp_path / "a.csv")
    both.assign(**{name: "Left"}).to_csv(tmp_path / "a.csv", index=False)
    assert_recorded(read_eyes(tmp_path / "a.csv"))
