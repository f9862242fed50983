"""Tables as people have them: the line that a refusal or a warning prints gives the scores of the cleaned table."""

import gzip
import re
import shlex
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from composed import composed
from omegaconf import OmegaConf

import emogan
from emogan import ExperimentDataModule, TableDataModule
from emogan.data.table import load
from emogan.data.table_files import FORMATS
from emogan.jobs import job

FEATURES = ["FP1_delta", "FP1_theta", "O1_beta", "pupil_x"]
WINDOWS = 5


def clean(subjects=(1, 2), trials=tuple(range(1, 10))) -> pd.DataFrame:
    """Two subjects x 9 trials of three emotions x 5 windows of four features."""
    table = pd.MultiIndex.from_product(
        [subjects, trials, range(WINDOWS)], names=["subject", "trial", "w"]
    ).to_frame(index=False).drop(columns="w")  # fmt: skip
    random, emotion = np.random.default_rng(0), np.arange(len(table)) // WINDOWS % 3
    table["label"] = np.array(["fear", "joy", "sad"])[emotion]
    x = random.normal(size=(len(table), 4)) + random.normal(size=(3, 4))[emotion]
    return table.join(pd.DataFrame(x.round(4), columns=FEATURES))


def write(table: pd.DataFrame, path, **options):
    """A table in the format that the file's name tells."""
    if path.suffix == ".xlsx":
        table.to_excel(path, index=False)
    elif path.suffix == ".parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, **{"index": False, "sep": "\t" if ".tsv" in path.name else ",", **options})
    return path


def configured(path, *typed):
    cfg = composed("data=features", f"data.path={path}", *typed)
    settings = OmegaConf.to_container(cfg.data, resolve=True)
    assert settings.pop("_target_") == "emogan.data.table.load"
    return load(**settings)


def line(message: str, key: str) -> list[str]:
    """The setting that a message tells to type, as a shell gives it to the program."""
    return shlex.split(re.search(rf"""'data\.{key}=[^']*'|data\.{key}=\w+""", message)[0])


def per_trial(draw) -> np.ndarray:
    return np.repeat(draw(np.random.default_rng(1), 18), WINDOWS)


COLUMNS = {  # columns that a table has beside its features
    "Unnamed: 0": np.arange(90),
    "rating": per_trial(lambda random, n: random.integers(1, 9, n)),
    "clip_no": np.repeat(np.tile(np.arange(9), 2), WINDOWS),
    "age": np.repeat([21, 34], 45),
    "gender": np.repeat([1, 0], 45),
    "onset_s": np.tile(np.arange(5) * 4.0, 18),
    "session_no": np.repeat(np.tile([1, 2, 3], 6), WINDOWS),
    "comment": ["none"] * 90,
    "empty": [np.nan] * 90,
    "version": [3] * 90,
}
DOUBTFUL = {
    "valid": np.random.default_rng(2).uniform(size=90) < 0.8,
    "points": per_trial(lambda random, n: random.integers(3, 90, n)),
    "emotion": np.random.default_rng(2).integers(0, 3, 90),
    "arousal": np.random.default_rng(2).integers(1, 9, 90),
}


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_that_is_no_feature_is_refused_with_the_line_that_leaves_it_out(tmp_path, column):
    reference = configured(write(clean(), tmp_path / "clean.csv"))
    path = write(clean().assign(**{column: COLUMNS[column]}), tmp_path / "t.csv")
    with pytest.raises(ValueError, match=rf"\n  {column}: ") as refused:
        configured(path)
    assert configured(path, *line(str(refused.value), "drop")).fingerprint() == reference.fingerprint()


@pytest.mark.parametrize("column", DOUBTFUL)
def test_a_doubtful_column_is_named_in_a_warning_with_the_line_that_leaves_it_out(tmp_path, column, caplog):
    reference = configured(write(clean(), tmp_path / "clean.csv"))
    path = write(clean().assign(**{column: DOUBTFUL[column]}), tmp_path / "t.csv")
    assert configured(path).feature_names == (*FEATURES, column)
    assert f"\n  {column}: " in caplog.text
    assert configured(path, *line(caplog.text, "drop")).fingerprint() == reference.fingerprint()
    caplog.clear()
    assert configured(path, f"data.keep=[{column}]").feature_names == (*FEATURES, column)
    assert not caplog.text


def test_a_job_on_a_table_of_a_german_spreadsheet_gives_the_scores_of_the_cleaned_table(tmp_path, caplog):
    def scores(path, name, *typed):
        cfg = composed(
            "data=features", f"data.path={path}", "model=none", "evaluation.n_folds=3", "evaluation.inner_folds=2",
            "evaluation.c_exponents=[-2,2]", f"folder={tmp_path / name}", f"store={tmp_path / 'store'}", *typed,
        )  # fmt: skip
        return job.run(cfg)

    eye = 'data.eye=["pupil*"]'
    people = clean(["S01", "S02"], [f"clip_{letter}" for letter in "abcdefghi"])
    reference = scores(write(people, tmp_path / "clean.csv"), "clean", eye)
    assert set(reference.subject) == {"S01", "S02"}
    columns = COLUMNS | {"valid": DOUBTFUL["valid"]}
    path = write(people.assign(**columns), tmp_path / "t.csv", sep=";", decimal=",")
    with pytest.raises(ValueError, match="Leave them out") as refused:
        scores(path, "job", eye)
    typed = line(str(refused.value), "drop")
    caplog.set_level("INFO")  # with the column of truth values, which is a warning
    scores(path, "job", eye, *typed)
    assert "4 EEG features (FP1_delta, FP1_theta, O1_beta, ...); 1 eye movement features (pupil_x)" in caplog.text
    (warned,) = [one.getMessage() for one in caplog.records if one.levelname == "WARNING" and "If so" in one.msg]
    both = typed[0].removesuffix("]") + "," + line(warned, "drop")[0].removeprefix("data.drop=[")
    pd.testing.assert_frame_equal(scores(path, "job", eye, both), reference)
    only = f"data.features=[{','.join(FEATURES)}]"
    pd.testing.assert_frame_equal(scores(path, "only", eye, only), reference)
    reference_of_one = scores(tmp_path / "clean.csv", "one", eye, "data.subjects=[S02]")
    assert set(reference_of_one.subject) == {"S02"}


@pytest.mark.parametrize("suffix", FORMATS[1:])
@pytest.mark.parametrize("subjects", [(1, 2), ("S01", "S02")])
def test_every_format_gives_the_same_data(tmp_path, suffix, subjects):
    table = clean(subjects)
    reference = emogan.table(table)
    assert configured(write(table, tmp_path / f"t{suffix}")).fingerprint() == reference.fingerprint()
    assert reference.class_names == ("fear", "joy", "sad")
    assert reference.subject[0] == subjects[0]


def test_a_folder_may_hold_files_of_several_formats(tmp_path):
    for subject, suffix in ((1, ".xlsx"), (2, ".tsv.gz")):
        write(clean().query("subject == @subject"), tmp_path / f"{subject}{suffix}")
    (tmp_path / "~$1.xlsx").write_bytes(b"Excel's lock")
    assert load(tmp_path).fingerprint() == emogan.table(clean()).fingerprint()


@pytest.mark.parametrize(("suffix", "package"), [(".xlsx", "openpyxl"), (".parquet", "pyarrow")])
def test_without_a_package_the_extra_is_named(tmp_path, monkeypatch, suffix, package):
    path = write(clean(), tmp_path / f"t{suffix}")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"t\{suffix} needs a package that reads it: pip install 'emogan\[tables\]'"):
        load(path)


@pytest.mark.parametrize("suffix", [".csv.gz", ".tsv.gz", ".xlsx", ".parquet"])
def test_a_file_that_was_cut_off_is_refused_by_name(tmp_path, suffix):
    path = write(clean(), tmp_path / f"t{suffix}")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=rf"t\{suffix}: "):
        load(path)


def test_a_workbook_of_several_tables_or_none_is_refused_and_empty_sheets_are_passed_over(tmp_path):
    path = tmp_path / "t.xlsx"
    for names, empty in ((["a", "b"], []), ([], ["c"]), (["a"], ["c"])):
        with pd.ExcelWriter(path) as book:
            for name in names + empty:
                (clean() if name in names else pd.DataFrame()).to_excel(book, sheet_name=name, index=False)
        if len(names) == 1:
            assert load(path).fingerprint() == emogan.table(clean()).fingerprint()
        else:
            with pytest.raises(ValueError, match=rf"one sheet that is not empty, got {len(names)}"):
                load(path)


def test_repeated_names_and_a_header_below_the_first_row_of_a_workbook_are_refused(tmp_path):
    path = write(clean().rename(columns={"O1_beta": "pupil_x"}), tmp_path / "t.xlsx")
    with pytest.raises(ValueError, match="distinct column names, got pupil_x more than once"):
        load(path)
    clean().assign(**{"": 1}).to_excel(path, index=False)  # a column without a name
    with pytest.raises(ValueError, match="\n  Unnamed: 7: the same value"):
        load(path)
    clean().to_excel(path, index=False, startrow=2)
    with pytest.raises(ValueError, match="names of the columns have to stand in the first row"):
        load(path)


SEPARATORS = {"semicolon": ";", "tab": "\t", "comma": ",", "|": "|"}


@pytest.mark.parametrize("separator", SEPARATORS)
def test_a_separator_may_be_given(tmp_path, separator):
    path = write(clean(), tmp_path / "t.csv", sep=SEPARATORS[separator])
    reference = emogan.table(clean()).fingerprint()
    assert configured(path, f'data.separator="{separator}"').fingerprint() == reference
    assert load(path, separator=SEPARATORS[separator]).fingerprint() == reference


def test_a_header_that_two_separators_fit_is_refused_with_the_options_that_decide(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("subject,trial;label\n1,1;joy\n")
    with pytest.raises(ValueError, match=r"comma and semicolon: .*data\.separator=comma or data\.separator=semicolon"):
        configured(path)
    for typed, columns in (("comma", "subject, trial;label"), ("semicolon", "subject,trial, label")):
        with pytest.raises(ValueError, match=f"got the columns {columns}\\."):
            configured(path, f"data.separator={typed}")


def test_a_comma_that_may_stand_between_thousands_is_refused_with_the_option_that_reads_it(tmp_path):
    table = clean().assign(power=1 + np.random.default_rng(0).integers(100, 999, 90) / 1000)
    path = write(table[["subject", "trial", "label", "power"]], tmp_path / "t.tsv", decimal=",", float_format="%.3f")
    with pytest.raises(ValueError, match=r"got '1,\d{3}' in the column 'power'") as refused:
        configured(path)
    features = configured(path, *line(str(refused.value), "decimal"))
    assert features.x[:, 0].tolist() == table.power.astype(np.float32).tolist()


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_quoted_decimal_commas_are_refused_with_the_option_that_reads_them(tmp_path, suffix):
    text = clean().assign(pupil_x=clean().pupil_x.map("{:.4f}".format).str.replace(".", ","))
    path = write(text, tmp_path / f"t{suffix}")
    with pytest.raises(ValueError, match=r"pupil_x: expected numbers, got '\S+,\d+' in row 1") as refused:
        configured(path)
    if suffix == ".csv":  # its other columns have decimal points
        path = write(clean().astype(dict.fromkeys(FEATURES, float)), tmp_path / f"t{suffix}", decimal=",")
    features = configured(path, *line(str(refused.value), "decimal"))
    assert features.fingerprint() == emogan.table(clean()).fingerprint()


def lacking() -> tuple[pd.DataFrame, np.ndarray]:
    """A table that lacks a label, a trial and five values, and which of its rows are whole."""
    table = clean(["S01", "S02"])
    table.loc[[3, 4, 50], "pupil_x"] = np.nan
    table.loc[7, "O1_beta"] = np.inf
    table.loc[11, "label"] = None
    table["trial"] = table.trial.astype("Int64")
    table.loc[12, "trial"] = pd.NA
    return table, ~np.isin(np.arange(90), [3, 4, 7, 11, 12, 50])


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".npz"])
def test_rows_that_lack_values_are_refused_or_dropped_on_request(tmp_path, suffix, caplog):
    table, whole = lacking()
    reference = emogan.table(clean(["S01", "S02"])[whole])
    path = tmp_path / f"t{suffix}"
    if suffix == ".npz":
        table.loc[11, "label"] = clean().label[11]
        whole[11] = True
        reference = emogan.table(clean(["S01", "S02"])[whole])
        columns = {name: table[name].to_numpy() for name in ("trial", "subject")}
        np.savez(
            path, x=table[FEATURES], y=table.label.to_numpy(str), feature_names=np.array(FEATURES),
            trial=table.trial.to_numpy(float, na_value=np.nan), subject=columns["subject"].astype(str),
        )  # fmt: skip
    else:
        write(table, path)
    with pytest.raises(ValueError, match=r"empty cell \(or NA\) in row 1[23]\..*data\.missing=drop") as refused:
        configured(path)
    assert configured(path, *line(str(refused.value), "missing")).fingerprint() == reference.fingerprint()
    assert f"left out {1 if suffix == '.npz' else 2} of 90 rows, which have no " in caplog.text
    assert "left out 4 of 8" in caplog.text
    assert "2 of 5 in subject S01, session 1, trial 1" in caplog.text


def test_missing_values_are_refused_with_their_rows_columns_and_both_lines(tmp_path):
    table, _ = lacking()
    path = write(table.dropna(subset=["label", "trial"]), tmp_path / "t.csv")
    with pytest.raises(ValueError, match=r"got 4 of 88 rows.* of O1_beta \(1\), pupil_x \(3\), first row 4 of t\.csv"
                       r" \(subject S01, session 1, trial 1\); row 5 ") as refused:  # fmt: skip
        configured(path)
    assert configured(path, *line(str(refused.value), "drop")).feature_names == ("FP1_delta", "FP1_theta")
    assert len(configured(path, *line(str(refused.value), "missing")).y) == 84


def test_rows_of_features_that_are_not_used_may_lack_values(tmp_path, caplog):
    path = write(clean().assign(pupil_x=np.where(np.arange(90) < 3, np.nan, 0) + clean().pupil_x), tmp_path / "t.csv")
    assert len(configured(path, "data.eye=[pupil_x]", "modality=eeg", "data.missing=drop").y) == 90
    assert len(configured(path, "data.features=['FP1_*']").y) == 90
    assert not caplog.text


def test_a_column_of_numbers_of_clips_is_found_although_it_lacks_some(tmp_path):
    path = write(clean().assign(q=np.where(np.arange(90) == 3, np.nan, COLUMNS["clip_no"])), tmp_path / "t.csv")
    with pytest.raises(ValueError, match="\n  q: counts the trials"):
        configured(path, "data.missing=drop")


def test_only_the_features_that_are_named_are_features(tmp_path):
    path = write(clean().assign(clip_no=1, note="a"), tmp_path / "t.csv")
    features = configured(path, "data.features=['FP1_*',pupil_x]", "data.drop=['*theta']", "data.eye=[pupil_x]")
    assert features.feature_names == ("FP1_delta", "pupil_x")
    assert dict(features.modalities) == {"eeg": slice(0, 1), "eye": slice(1, 2)}
    with pytest.raises(ValueError, match=r"data\.features names 'FP2_\*', which is none of the features FP1_delta"):
        configured(path, "data.features=['FP2_*']")
    with pytest.raises(ValueError, match="\n  clip_no: "):
        configured(path, "data.features=['FP1_*',clip_no]")


IDS = {
    "text": lambda ids: ids.astype(str).radd("S0"),
    "categories": lambda ids: ids.astype(str).astype("category"),
    "categories that are numbers": lambda ids: ids.astype("category"),
    "whole numbers that may be missing": lambda ids: ids.astype("Int64"),
    "objects": lambda ids: ids.astype(object),
    "truth values": lambda ids: ids == 1,
    "dates": lambda ids: pd.Timestamp("2024-05-01") + pd.to_timedelta(ids, unit="D"),
}
SHOWN = {"text": "S01", "truth values": "True", "dates": "2024-05-02", "categories": "1"}


@pytest.mark.parametrize("kind", IDS)
@pytest.mark.parametrize("column", ["subject", "session", "trial", "stimulus", "label"])
def test_identifiers_of_every_type_are_whole_numbers_or_text(tmp_path, kind, column):
    table = clean().assign(session=1)
    ids = (table.trial % 2 if kind == "truth values" or column == "label" else table.trial).rename("ids")
    ids = table.subject if column in ("subject", "session") else ids
    table = table.assign(**{column: IDS[kind](ids)})
    if kind == "truth values" and column == "trial":  # two trials of several labels
        table["label"] = np.where(table.trial, "joy", "fear")
    features = emogan.table(table)
    wanted = SHOWN.get(kind, 1)
    values = np.array(features.class_names)[features.y] if column == "label" else getattr(features, column)
    assert str(wanted) in values.astype(str).tolist()
    assert values.dtype.kind == ("U" if kind in SHOWN or column == "label" else "i")
    path = write(table.astype({column: str}) if kind == "objects" else table, tmp_path / "t.parquet")
    assert {str(one) for one in np.unique(getattr(load(path), column if column != "label" else "class_names"))} == {
        str(one) for one in (features.class_names if column == "label" else np.unique(values))
    }
    if column in ("subject", "session"):
        assert len(emogan.table(table, **{f"{column}s": [wanted]}).y) == (values == wanted).sum()


def test_an_identifier_that_is_empty_text_is_missing():
    with pytest.raises(ValueError, match=r"'subject', got an empty cell .* in row 1\. Fill it in, .*missing=drop"):
        emogan.table(clean().assign(subject=" "))


def test_a_dataframe_is_a_table_like_a_file_and_messages_are_in_python(tmp_path):
    table = clean().assign(rating=COLUMNS["rating"]).rename(columns={"label": "emotion", "trial": "clip"})
    path = write(table, tmp_path / "t.csv")
    with pytest.raises(ValueError, match=r"Leave them out with drop=\['rating'\]"):
        emogan.table(table, label="emotion", trial="clip")
    with pytest.raises(ValueError, match=r"Name the right one with label=COLUMN"):
        emogan.table(table, trial="clip")
    with pytest.raises(ValueError, match=r"^missing: expected refuse \| drop, got 'no'"):
        emogan.table(table, missing="no")
    settings = {"label": "emotion", "trial": "clip", "eye": ["pupil*"], "drop": ["rating"]}
    features = emogan.table(table, **settings)
    assert (
        features.fingerprint() == load(path, **settings).fingerprint() == emogan.table(path, **settings).fingerprint()
    )
    assert dict(features.modalities) == {"eeg": slice(0, 3), "eye": slice(3, 4)}
    assert emogan.table(table.set_index(["subject", "clip"]), **settings).fingerprint() == features.fingerprint()
    assert table.columns.tolist() == [*clean().rename(columns={"label": "emotion", "trial": "clip"}), "rating"]


def test_data_modules_take_a_dataframe_and_what_is_made_of_it():
    own = TableDataModule(clean(), subject=2, n_folds=3, eye=["pupil*"])
    made = ExperimentDataModule(emogan.table(clean(), eye=["pupil*"]), subject=2, n_folds=3)
    assert own.members == made.members == 3
    assert own.feature_set.fingerprint() == made.feature_set.fingerprint()
    assert repr(own).startswith("TableDataModule(path=<DataFrame of 90 windows>, eye=['pupil*'], subject=2, n_folds=3)")
    assert repr(made).startswith("ExperimentDataModule(loader=<FeatureSet of 90 windows>, subject=2, n_folds=3)")
    with pytest.raises(ValueError, match="subject asks for 3; there are the subjects 1, 2"):
        _ = ExperimentDataModule(emogan.table(clean()), subject=3).members
    with pytest.raises(ValueError, match="expected a loader that takes eye, got a FeatureSet"):
        ExperimentDataModule(emogan.table(clean()), eye=["pupil*"])
    with pytest.raises(ValueError, match="Name the right one with subject_column=COLUMN"):
        _ = TableDataModule(clean().rename(columns={"subject": "who"})).members


def test_a_loader_of_ones_own_that_passes_over_the_modality_is_refused_by_a_data_module():
    def mine(modality, subjects, sessions):
        return emogan.table(clean(), eye=["pupil*"], subjects=subjects, sessions=sessions)

    with pytest.raises(ValueError, match="expected modality=eye to give eye features alone"):
        _ = ExperimentDataModule(mine, modality="eye").members
    assert ExperimentDataModule(mine, modality="eeg_eye").features == 4


def test_a_compressed_table_may_be_of_any_encoding(tmp_path):
    table = clean().rename(columns={"pupil_x": "Größe"})
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(table.to_csv(index=False, sep=";", decimal=",").encode("utf-16")))
    assert load(tmp_path / "t.csv.gz").fingerprint() == emogan.table(table).fingerprint()


def test_the_lines_of_the_documentation_make_a_dataframe_a_data_module(tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / "docs/data.rst").read_text(encoding="utf-8")
    blocks = re.findall(r"\.\. code-block:: python\n\n((?:   .+\n|\n)+)", page)
    (code,) = (block for block in blocks if "windows.csv" in block)
    table = clean(["S01", "S02"]).assign(rating=COLUMNS["rating"])
    names = {"label": "emotion", "trial": "clip", "subject": "person", "pupil_x": "pupil_size"}
    write(table.rename(columns=names), tmp_path / "windows.csv")
    monkeypatch.chdir(tmp_path)
    found: dict = {}
    exec(textwrap.dedent(code), found)
    assert found["data"].members == 3
    assert found["model"].features == 4
    assert found["own"].feature_names[found["own"].modalities["eye"]] == ("pupil_size",)
    assert len(np.unique(found["groups"])) == 18
