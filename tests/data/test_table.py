"""Tests of the loader of one's own tables: what is read from .npz and .csv, and what is refused and how."""

import hashlib
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from emogan.data.table import load

NAMES = ("alpha", "pupil", "theta", "blink", "pulse")
N = 24


def arrays(**changes) -> dict[str, np.ndarray]:
    """Two subjects x two sessions x two trials of three windows, as an .npz holds them; None leaves an array out."""
    content = {
        "x": np.random.default_rng(0).normal(size=(N, 5)).astype(np.float32),
        "y": np.arange(N) // 3 % 2,
        "trial": np.arange(N) // 3 % 2 + 1,
        "subject": np.arange(N) // 12 + 1,
        "session": np.arange(N) // 6 % 2 + 1,
        "feature_names": np.array(NAMES),
        **changes,
    }
    return {key: value for key, value in content.items() if value is not None}


def write_npz(path: Path, **changes) -> Path:
    np.savez(path, **arrays(**changes))
    return path


def frame(**changes) -> pd.DataFrame:
    content = arrays()
    table = pd.DataFrame(content["x"], columns=list(NAMES))
    for column, key in (("label", "y"), ("trial", "trial"), ("subject", "subject"), ("session", "session")):
        table.insert(0, column, content[key])
    return table.assign(**changes)


def write_csv(path: Path, **changes) -> Path:
    frame(**changes).to_csv(path, index=False)
    return path


def write_text(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def write_folder(folder: Path, write=write_npz, **changes) -> Path:
    """One file per subject: 1.npz, 2.npz, 10.npz with 3, 5 and 4 EEG windows a trial."""
    folder.mkdir()
    for subject, n in ((1, 3), (2, 5), (10, 4)):
        x = np.random.default_rng(subject).normal(size=(2 * n, 5))
        trial, label = np.repeat([1, 2], n), np.repeat([0, 1], n)
        columns = {"x": x, "y": label, "trial": trial, "subject": np.full(2 * n, subject), "session": None}
        write(folder / f"{subject}.npz", **columns, **changes)
    return folder


def test_an_npz_is_read_to_the_arrays_written(tmp_path):
    content = arrays()
    features = load(write_npz(tmp_path / "table.npz"))
    np.testing.assert_array_equal(features.x, content["x"])
    for key in ("y", "trial", "subject", "session"):
        np.testing.assert_array_equal(getattr(features, key), content[key])
    assert features.feature_names == NAMES
    assert features.class_names == ("0", "1")
    assert dict(features.modalities) == {"eeg": slice(0, 5)}
    assert features.dataset == "features"


def test_a_csv_is_read_to_the_values_written(tmp_path):
    from_csv, from_npz = load(write_csv(tmp_path / "table.csv")), load(write_npz(tmp_path / "table.npz"))
    assert from_csv.fingerprint() == from_npz.fingerprint()


def test_a_class_or_person_that_missing_values_would_take_away_is_not_dropped(tmp_path):
    for column, value, what in (
        ("label", 1, "class without .*, got none of 1"),
        ("subject", 2, "subject .*, got none of 2"),
    ):
        table = frame()
        table.loc[table[column] == value, "blink"] = np.nan
        with pytest.raises(ValueError, match=rf"windows of every {what}"):
            load(table, missing="drop")


@pytest.mark.parametrize("lost", [False, True])
def test_trials_that_stand_in_several_places_are_warned_about(caplog, lost):
    table = frame(subject=1)
    table["trial"] = table.trial + 2 * (np.arange(N) // 12)
    load(table.drop(columns="session") if lost else table)
    assert ("the rows of 4 of 4 trials are not together, but have other trials between them" in caplog.text) == lost
    caplog.clear()
    load(table.sort_values(["session"]).iloc[np.arange(N).reshape(-1, 3).T.ravel()])  # windows of all trials alternate
    assert "not together" not in caplog.text


def test_rows_that_are_stored_twice_are_warned_about(caplog):
    load(frame())
    assert "equal another one" not in caplog.text
    load(pd.concat([frame(), frame().iloc[:5]]))
    assert "5 of 29 windows equal another one of their trial in every feature" in caplog.text


def test_windows_that_emogan_has_drawn_are_warned_about(caplog):
    table = frame()
    load(table)
    assert "emogan.sample" not in caplog.text
    drawn = table.iloc[:2].assign(trial=["synthetic_1", "synthetic_2"])
    load(pd.concat([table.astype({"trial": str}), drawn]))
    assert "2 trials are called synthetic_..., as the windows that emogan.sample draws" in caplog.text


@pytest.mark.parametrize("extension", ["NPZ", "Csv"])
def test_extensions_may_be_in_capitals(tmp_path, extension):
    write = write_csv if extension == "Csv" else write_npz
    file = write(tmp_path / ("table." + extension.lower())).rename(tmp_path / f"table.{extension}")
    assert load(file).x.shape == (N, 5)


def test_the_name_is_what_the_scores_will_call_the_data(tmp_path):
    assert load(write_csv(tmp_path / "t.csv"), name="lab_2024").dataset == "lab_2024"


def test_columns_of_a_csv_go_by_the_names_given(tmp_path):
    other = {"label": "emotion", "trial": "clip", "subject": "who", "session": "day"}
    frame().rename(columns=other).to_csv(tmp_path / "t.csv", index=False)
    assert load(tmp_path / "t.csv", **other).fingerprint() == load(write_npz(tmp_path / "t.npz")).fingerprint()


@pytest.mark.parametrize("kind", ["npz", "csv"])
def test_a_missing_session_is_one_session(tmp_path, kind):
    if kind == "npz":
        file = write_npz(tmp_path / "t.npz", session=None)
    else:
        file = tmp_path / "t.csv"
        frame().drop(columns="session").to_csv(file, index=False)
    features = load(file)
    assert features.session.tolist() == [1] * N
    assert features.feature_names == NAMES


def test_a_column_that_is_nearly_one_of_the_four_is_no_feature(tmp_path):
    frame = pd.DataFrame({"label": [0, 1], "trial": [1, 2], "subject": [1, 1], "Session": [1, 2], "x": [0.5, 1.0]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(
        ValueError, match=r"expected the column 'session' for the session, got 'Session'.*data\.session="
    ):
        load(tmp_path / "t.csv")
    assert load(tmp_path / "t.csv", session="Session").feature_names == ("x",)


def test_features_without_names_are_numbered(tmp_path):
    assert load(write_npz(tmp_path / "t.npz", feature_names=None)).feature_names == ("x0", "x1", "x2", "x3", "x4")


def test_a_csv_with_byte_order_mark_spaces_and_blank_lines_is_read(tmp_path):
    text = frame().to_csv(index=False).replace(",", ", ")
    (tmp_path / "t.csv").write_text("\n" + text.replace("\n", "\n\n", 3), encoding="utf-8-sig")
    assert load(tmp_path / "t.csv").fingerprint() == load(write_csv(tmp_path / "plain.csv")).fingerprint()


def test_a_quoted_text_may_follow_a_space_and_hold_commas(tmp_path):
    table = frame(label=np.resize(["sad, very", "happy"], N)).rename(columns={"blink": "blink, mean"})
    text = table.to_csv(index=False).replace('"sad', ' "sad').replace('"blink', ' "blink')
    assert text.count(' "') == 1 + N // 2
    features = load(write_text(tmp_path / "t.csv", text))
    assert features.class_names == ("happy", "sad, very")
    assert "blink, mean" in features.feature_names


LABELS = {
    "numbers in numeric order": ([10, 9, -1], ("-1", "9", "10")),
    "whole floats": ([2.0, 0.0, 1.0], ("0", "1", "2")),
    "text in alphabetical order": (["sad", "happy", "10"], ("10", "happy", "sad")),
    "text with stray spaces": (["sad", "happy", "angry "], ("angry", "happy", "sad")),
}


@pytest.mark.parametrize("kind", ["npz", "csv"])
@pytest.mark.parametrize("case", LABELS)
def test_labels_are_numbered_in_sorted_order(tmp_path, kind, case):
    values, class_names = LABELS[case]
    labels = np.resize(values, N)
    file = write_npz(tmp_path / "t.npz", y=labels) if kind == "npz" else write_csv(tmp_path / "t.csv", label=labels)
    features = load(file)
    assert features.class_names == class_names
    assert [class_names[k] for k in features.y] == [str(v).removesuffix(".0").strip() for v in labels.tolist()]


def test_truth_values_as_labels_are_two_classes(tmp_path):
    features = load(write_csv(tmp_path / "t.csv", label=np.arange(N) % 2 == 0))
    assert features.class_names == ("False", "True")
    assert features.y.tolist() == [1, 0] * (N // 2)


def test_with_class_names_labels_are_their_indices(tmp_path):
    features = load(
        write_npz(tmp_path / "t.npz", y=np.resize([2, 0, 1], N), class_names=np.array(["sad", "calm", "gay"]))
    )
    assert features.class_names == ("sad", "calm", "gay")
    assert features.y.tolist() == [2, 0, 1] * (N // 3)


def test_subjects_sessions_and_trials_may_be_text(tmp_path):
    who = np.repeat(["s01", "s2"], N // 2)
    for file in (write_npz(tmp_path / "t.npz", subject=who), write_csv(tmp_path / "t.csv", subject=who)):
        assert load(file).subject.tolist() == who.tolist()


KIND = np.array(["eye", "other", "eeg", "eye", "eeg"])


def test_modalities_of_an_npz_become_neighbouring_columns_eeg_eye_other(tmp_path):
    features = load(write_npz(tmp_path / "t.npz", modality=KIND))
    order = [2, 4, 0, 3, 1]
    np.testing.assert_array_equal(features.x, arrays()["x"][:, order])
    assert features.feature_names == tuple(NAMES[i] for i in order)
    assert dict(features.modalities) == {"eeg": slice(0, 2), "eye": slice(2, 4)}


@pytest.mark.parametrize("write", [write_npz, write_csv])
@pytest.mark.parametrize("eye", [["blink", "pupil"], ["[pb][ul][pi]*"], ["blink", "pup*"]])
def test_eye_columns_are_those_named_and_the_rest_is_eeg(tmp_path, write, eye):
    features = load(write(tmp_path / ("t.npz" if write is write_npz else "t.csv")), eye=eye)
    assert features.feature_names == ("alpha", "theta", "pulse", "pupil", "blink")
    assert dict(features.modalities) == {"eeg": slice(0, 3), "eye": slice(3, 5)}


def test_a_column_name_with_brackets_is_taken_literally(tmp_path):
    table = frame().rename(columns={"blink": "Blink [ms]", "pupil": "Blink m"})
    table.to_csv(tmp_path / "t.csv", index=False)
    features = load(tmp_path / "t.csv", eye=["Blink [ms]"])
    assert features.feature_names[features.modalities["eye"]] == ("Blink [ms]",)


def test_each_modality_gives_its_columns(tmp_path):
    file = write_npz(tmp_path / "t.npz", modality=KIND)
    everything = load(file, modality="eeg_eye")
    assert everything.feature_names == ("theta", "pulse", "alpha", "blink", "pupil")
    assert load(file, modality="eeg").feature_names == ("theta", "pulse")
    assert load(file, modality="eye").feature_names == ("alpha", "blink")
    np.testing.assert_array_equal(load(file, modality="eye").x, everything.x[:, 2:4])


@pytest.mark.parametrize("kind", ["eeg", "eye", "other"])
def test_eeg_eye_is_every_column_of_a_table_of_one_kind(tmp_path, kind):
    features = load(write_npz(tmp_path / "t.npz", modality=np.array([kind] * 5)), modality="eeg_eye")
    assert features.feature_names == NAMES
    assert dict(features.modalities) == ({} if kind == "other" else {kind: slice(0, 5)})


def test_eye_of_a_table_without_eye_columns_says_how_to_mark_them(tmp_path):
    with pytest.raises(ValueError, match=r"needs eye features.*none of alpha, pupil.*data\.eye=\[COLUMN"):
        load(write_csv(tmp_path / "t.csv"), modality="eye")
    with pytest.raises(ValueError, match="modality=eeg needs eeg features"):
        load(write_csv(tmp_path / "t.csv"), modality="eeg", eye=["*"])


def test_columns_of_the_other_modality_need_not_be_usable(tmp_path):
    x = arrays()["x"].copy()
    x[:, [0, 3]] = np.nan  # the eye columns
    file = write_npz(tmp_path / "t.npz", modality=KIND, x=x)
    assert load(file, modality="eeg").feature_names == ("theta", "pulse")
    with pytest.raises(ValueError, match="alpha: no value in any row"):
        load(file, modality="eye")


def test_an_unknown_modality_names_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match=r"eeg \| eye \| eeg_eye, got 'both'"):
        load(write_csv(tmp_path / "t.csv"), modality="both")


def test_files_of_a_folder_are_joined_in_natural_order(tmp_path):
    features = load(write_folder(tmp_path / "data"))
    assert [(subject, len(rows)) for subject, _, rows in features.experiments()] == [(1, 6), (2, 10), (10, 8)]
    with np.load(tmp_path / "data" / "2.npz") as second:
        np.testing.assert_array_equal(features.x[6:16], second["x"].astype(np.float32))


def test_a_folder_may_mix_npz_and_csv_and_hold_other_files(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    table, content = frame(), arrays()
    first = table["subject"] == 1
    table[first].to_csv(folder / "1.csv", index=False)
    np.savez(folder / "2.npz", **{k: v if k == "feature_names" else v[~first] for k, v in content.items()})
    (folder / "._1.csv").write_bytes(b"\x00\x05\x16")
    (folder / "readme.txt").write_text("notes")
    (folder / "old.csv").mkdir()
    assert load(folder).fingerprint() == load(write_npz(tmp_path / "whole.npz")).fingerprint()


def test_columns_of_later_files_are_brought_into_the_order_of_the_first(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    table = frame()
    first = table["subject"] == 1
    table[first].to_csv(folder / "1.csv", index=False)
    table.loc[~first, table.columns[::-1]].to_csv(folder / "2.csv", index=False)
    assert load(folder).fingerprint() == load(write_csv(tmp_path / "whole.csv")).fingerprint()


def test_classes_are_the_union_over_files(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    table = frame(label=np.where(frame()["subject"] == 1, np.arange(N) % 2, 2 + np.arange(N) % 2))
    for subject, part in table.groupby("subject"):
        part.to_csv(folder / f"{subject}.csv", index=False)
    features = load(folder)
    assert features.class_names == ("0", "1", "2", "3")
    np.testing.assert_array_equal(features.y, table["label"])


def test_numbers_in_one_file_and_text_in_another_become_text(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for file, who in (("1.csv", 1), ("2.csv", "two")):
        write_csv(folder / file, subject=who)
    assert set(load(folder).subject.tolist()) == {"1", "two"}


def edit_second(folder: Path, **changes) -> Path:
    with np.load(folder / "2.npz") as file:
        content = dict(file) | changes
    np.savez(folder / "2.npz", **{key: value for key, value in content.items() if value is not None})
    return folder


CLIP = np.arange(N) // 3 % 4 + 3  # in the second session other clips than in the first, the same for both subjects
CLIPS = {"text": np.char.add("film_", CLIP.astype(str)), "numbers": CLIP}


@pytest.mark.parametrize("kind", CLIPS)
@pytest.mark.parametrize("suffix", ["npz", "csv"])
def test_the_stimulus_of_a_table_is_no_feature(tmp_path, suffix, kind):
    write = write_npz if suffix == "npz" else write_csv
    features = load(write(tmp_path / f"t.{suffix}", stimulus=CLIPS[kind]), drop=["blink"])
    assert features.stimulus.tolist() == CLIPS[kind].tolist()
    assert features.feature_names == ("alpha", "pupil", "theta", "pulse")
    assert features.fingerprint() != load(write(tmp_path / f"plain.{suffix}"), drop=["blink"]).fingerprint()


def test_a_table_without_a_stimulus_has_the_fingerprint_of_earlier_versions(tmp_path):
    """SHA-256 of the columns as versions without stimuli took it."""
    features = load(write_csv(tmp_path / "t.csv"))
    digest = hashlib.sha256()
    for name in ("x", "y", "trial", "session", "subject"):
        column = getattr(features, name)
        digest.update(f"{name} {column.dtype.str} {column.shape}".encode() + column.tobytes())
    digest.update(repr((NAMES, ("0", "1"), ["('eeg', slice(0, 5, None))"])).encode())
    assert features.stimulus is None
    assert features.fingerprint() == digest.hexdigest()


def test_the_stimulus_may_have_another_name_and_then_must_be_there(tmp_path):
    file = write_csv(tmp_path / "t.csv", film=CLIPS["text"])
    assert load(file, stimulus="film").stimulus.tolist() == CLIPS["text"].tolist()
    assert load(write_csv(tmp_path / "same.csv"), stimulus="trial").stimulus[:6].tolist() == [1] * 3 + [2] * 3
    with pytest.raises(ValueError, match=r"t\.csv: expected a column 'clip' for the stimulus.*data\.stimulus=COLUMN"):
        load(file, stimulus="clip")
    with pytest.raises(ValueError, match=r"film: expected numbers.*[\s\S]*or the film clip .*data\.stimulus=COLUMN"):
        load(file)
    with pytest.raises(ValueError, match=r"got 'Stimulus' beside it.*data\.stimulus=Stimulus"):
        load(write_csv(tmp_path / "t.csv", Stimulus=CLIP))


def test_a_stimulus_that_is_left_out_or_is_the_label_is_not_known(tmp_path):
    plain = load(write_csv(tmp_path / "t.csv"))
    for drop in ("stimulus", ["stim*"]):
        dropped = load(write_csv(tmp_path / "t.csv", stimulus=CLIP), drop=drop)
        assert dropped.fingerprint() == plain.fingerprint()
    frame().rename(columns={"label": "stimulus"}).to_csv(tmp_path / "t.csv", index=False)
    assert load(tmp_path / "t.csv", label="stimulus").fingerprint() == plain.fingerprint()


@pytest.mark.parametrize("suffix", ["npz", "csv"])
def test_a_stimulus_that_is_not_one_for_each_trial_names_the_file_and_the_trial(tmp_path, suffix):
    write = write_npz if suffix == "npz" else write_csv
    changed = np.where(np.arange(N) == 20, 99, CLIP)
    with pytest.raises(ValueError, match=rf"t\.{suffix}: .*stimulus per trial, got 5 and 99 in subject 2, session 2, "):
        load(write(tmp_path / f"t.{suffix}", stimulus=changed))
    with pytest.raises(ValueError, match=rf"t\.{suffix}: .*in every row of 'stimulus', got an empty cell .* in row 5"):
        load(write(tmp_path / f"t.{suffix}", stimulus=np.where(np.arange(N) == 4, np.nan, CLIP)))


def test_the_stimuli_of_several_files_are_joined_and_chosen_with_their_windows(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    table = frame(stimulus=CLIP)
    for subject, part in table.groupby("subject"):
        part.to_csv(folder / f"{subject}.csv", index=False)
    assert load(folder).fingerprint() == load(write_csv(tmp_path / "whole.csv", stimulus=CLIP)).fingerprint()
    assert load(folder, subjects=[2], sessions=[2]).stimulus.tolist() == [5, 5, 5, 6, 6, 6]
    table[table.subject == 2].assign(stimulus="V5").to_csv(folder / "2.csv", index=False)
    assert load(folder).stimulus[[0, 12]].tolist() == ["3", "V5"]


@pytest.mark.parametrize("lacking", [1, 2])
def test_files_with_and_without_a_stimulus_are_no_table(tmp_path, lacking):
    folder = tmp_path / "data"
    folder.mkdir()
    for subject, part in frame(stimulus=CLIP).groupby("subject"):
        columns = ["stimulus"] if subject == lacking else []
        part.drop(columns=columns).to_csv(folder / f"{subject}.csv", index=False)
    known = 3 - lacking
    message = rf"stimulus of all trials or of none, got one in .*{known}\.csv and none in .*{lacking}\.csv\. Add it"
    with pytest.raises(ValueError, match=message):
        load(folder)
    assert load(folder, drop=["stimulus"]).stimulus is None


FOLDERS = {
    "other features": ({"feature_names": np.array([*NAMES[:4], "noise"])}, r"same features.*only one.*noise, pulse"),
    "fewer features": (
        {"x": np.zeros((10, 2)), "feature_names": np.array(NAMES[:2])},
        "same features.*got 5 in.*and 2 in",
    ),
    "other modality": ({"modality": KIND}, r"same modality per feature.*1\.npz and .*2\.npz"),
    "other class names": ({"class_names": np.array(["a", "b"])}, r"same class_names.*got none in.*a, b in"),
    "text labels": ({"y": np.resize(["a", "b"], 10)}, "same kind of labels.*got numbers in.*text in"),
    "an experiment twice": ({"subject": np.full(10, 1)}, r"subject 1, session 1 in .*1\.npz and .*2\.npz"),
    "an experiment twice, as text": ({"subject": np.full(10, "1")}, "subject 1, session 1 in"),
}


@pytest.mark.parametrize("case", FOLDERS)
def test_files_that_do_not_belong_together_are_refused(tmp_path, case):
    changes, message = FOLDERS[case]
    with pytest.raises(ValueError, match=message):
        load(edit_second(write_folder(tmp_path / "data"), **changes))


def test_subjects_and_sessions_are_selected_as_text(tmp_path):
    file = write_csv(tmp_path / "t.csv", session=np.where(np.arange(N) // 6 % 2, "late", "early"))
    for subjects in ([2], ["2"], 2, "2"):
        features = load(file, subjects=subjects, sessions="late")
        assert [(subject, session) for subject, session, _ in features.experiments()] == [(2, "late")]
        np.testing.assert_array_equal(features.x, arrays()["x"][18:])
        assert features.subject.dtype == np.int64


def test_a_selection_is_the_same_data_as_a_table_without_the_others(tmp_path):
    content = arrays(subject=np.repeat(["s1", "much_longer"], N // 2))
    np.savez(tmp_path / "part.npz", **{k: v if k == "feature_names" else v[: N // 2] for k, v in content.items()})
    np.savez(tmp_path / "whole.npz", **content)
    assert load(tmp_path / "whole.npz", subjects=["s1"]).fingerprint() == load(tmp_path / "part.npz").fingerprint()


SELECTIONS = {
    "missing subject": ({"subjects": [1, 7, "x"]}, "data.subjects asks for 7, x; there are the subjects 1, 2"),
    "missing session": ({"sessions": [3]}, "data.sessions asks for 3; there are the sessions 1, 2"),
    "no subject": ({"subjects": []}, "data.subjects asks for none at all; there are the subjects 1, 2"),
    "session of others": ({"subjects": [1, 2], "sessions": [1, 9]}, "subject 1 has no session 9"),
}


@pytest.mark.parametrize("case", SELECTIONS)
def test_asking_for_a_missing_subject_or_session_names_what_exists(tmp_path, case):
    arguments, message = SELECTIONS[case]
    session = np.where(arrays()["subject"] == 2, [1, 9] * (N // 2), arrays()["session"])
    changes = {"session": session} if case == "session of others" else {}
    with pytest.raises(ValueError, match=message):
        load(write_csv(tmp_path / "t.csv", **changes), **arguments)


def test_a_missing_file_is_an_error_with_its_path(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"at .*none\.csv, found nothing"):
        load(tmp_path / "none.csv")


def test_another_extension_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"a \.npz, .*\.xlsx or \.parquet file, got .*t\.ods"):
        load(write_text(tmp_path / "t.ods", "a,b"))


def test_a_folder_without_tables_says_what_is_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"in the folder .*, found none\."):
        load(tmp_path)
    (tmp_path / "inner").mkdir()
    with pytest.raises(FileNotFoundError, match=r"found inner\. Point data\.path"):
        load(tmp_path)


NPZ = {
    "missing keys": ({"x": None, "trial": None}, "expected the arrays x, y, trial, subject.*missing x, trial$"),
    "misspelt key": ({"modalities": KIND}, "got x, y, .*: unknown modalities$"),
    "x of one dimension": ({"x": np.zeros(N)}, r"expected x of real numbers.*float64 \(24,\)"),
    "x without columns": ({"x": np.zeros((N, 0))}, r"expected x.*\(24, 0\)"),
    "x of text": ({"x": np.full((N, 5), "a")}, "expected x of real numbers.*<U1"),
    "short stimulus": (
        {"stimulus": np.zeros(3, int)},
        r"expected stimulus of shape \(24,\), one per row of x, got \(3,\)",
    ),
    "short y": ({"y": np.zeros(3, int)}, r"expected y of shape \(24,\), one per row of x, got \(3,\)"),
    "two-dimensional subject": ({"subject": np.zeros((N, 1), int)}, r"expected subject of shape.*got \(24, 1\)"),
    "few feature names": ({"feature_names": np.array(["a", "b"])}, "5 feature_names, one per column of x, got 2"),
    "a single name": ({"feature_names": np.array("a")}, r"feature_names as a list of names, got shape \(\)"),
    "repeated feature": ({"feature_names": np.array(["a", "b", "a", "c", "d"])}, "distinct column names, got a more"),
    "short modality": ({"modality": np.array(["eeg"])}, "modality to hold 5 of eeg, eye, other, .* got 1$"),
    "unknown modality": ({"modality": np.array(["eeg", "ecg", "eye", "eye", "eye"])}, "got 5, among them ecg"),
    "label beyond class names": (
        {"class_names": np.array(["a"])},
        r"expected y to hold their indices 0\.\.0, got 1 in row 4",
    ),
    "text label with class names": (
        {"class_names": np.array(["a", "b"]), "y": np.full(N, "a")},
        r"with class_names a, b expected y to hold their indices 0\.\.1, got a in row 1",
    ),
    "fractional label": ({"y": np.arange(N) / 2}, r"'y', got 0\.5 in row 2\. Ratings"),
    "trial with a gap": ({"trial": np.where(np.arange(N) == 4, np.nan, 1)}, "'trial', got an empty cell .* in row 5"),
    "infinite subject": ({"subject": np.full(N, np.inf)}, "'subject', got inf in row 1"),
    "pickled subject": (
        {"subject": np.array(["a", 2] * (N // 2), dtype=object)},
        "subject holds Python objects.*pickles",
    ),
    "pickled x": ({"x": np.full((N, 5), 1.0, dtype=object)}, "x holds Python objects.*Save x as an array of numbers"),
}


@pytest.mark.parametrize("case", NPZ)
def test_a_malformed_npz_is_refused_with_its_path(tmp_path, case):
    changes, message = NPZ[case]
    with pytest.raises(ValueError, match=message) as caught:
        load(write_npz(tmp_path / "table.npz", **changes))
    assert str(tmp_path / "table.npz") in str(caught.value)


def test_eye_that_contradicts_the_modality_of_the_file_is_refused(tmp_path):
    file = write_npz(tmp_path / "t.npz", modality=KIND)
    assert load(file, eye=["alpha", "blink"]).fingerprint() == load(file).fingerprint()
    with pytest.raises(ValueError, match=r"modality and data\.eye mark different columns"):
        load(file, eye=["alpha"])


def test_code_in_a_pickle_is_not_run(tmp_path):
    class Touch:
        def __reduce__(self):
            return Path.touch, (tmp_path / "run",)

    np.savez(tmp_path / "t.npz", **arrays(subject=np.array([Touch()] * N, dtype=object)))
    with pytest.raises(ValueError, match="pickles are not read"):
        load(tmp_path / "t.npz")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("part", [0, 0.9])
def test_an_npz_that_was_cut_off_is_refused(tmp_path, part):
    file = write_npz(tmp_path / "t.npz")
    file.write_bytes(file.read_bytes()[: int(part * file.stat().st_size)])
    with pytest.raises(ValueError, match=r"t\.npz: expected an .npz archive.*cut off or damaged"):
        load(file)


def test_any_changed_byte_is_refused_or_read_as_a_table(tmp_path):
    np.savez_compressed(tmp_path / "t.npz", **arrays())
    content = (tmp_path / "t.npz").read_bytes()
    random = np.random.default_rng(0)
    refused = 0
    for position in random.choice(len(content), 150, replace=False):
        changed = bytearray(content)
        changed[position] ^= 1 << int(random.integers(8))
        (tmp_path / "changed.npz").write_bytes(changed)
        try:
            load(tmp_path / "changed.npz")
        except ValueError as error:
            assert "changed.npz" in str(error)  # noqa: PT017
            refused += 1
    assert refused > 50


def test_an_npy_called_npz_is_refused(tmp_path):
    with (tmp_path / "t.npz").open("wb") as file:
        np.save(file, arrays()["x"])
    with pytest.raises(ValueError, match=r"expected an \.npz archive"):
        load(tmp_path / "t.npz")


def test_a_zip_of_something_else_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as archive:
        for key in ("x", "y", "trial", "subject"):
            archive.writestr(key, "text")
    with pytest.raises(ValueError, match=r"t\.npz: expected x of real numbers"):
        load(tmp_path / "t.npz")


HEADER = "subject,trial,label,a,b\n"
CSV = {
    "empty": ("", "expected values separated by commas, semicolons or tabs under one header line"),
    "header alone": (HEADER, "expected one row per window under the header, got no rows"),
    "no subject": (
        "trial,label,a\n1,0,2\n",
        r"a column 'subject' for the subject, got the columns trial, label, a\. Name",
    ),
    "no trial": ("subject,label,a\n1,0,2\n", r"a column 'trial'.*data\.trial=COLUMN"),
    "no label": ("subject,trial,a\n1,0,2\n", r"a column 'label'.*data\.label=COLUMN"),
    "bars": ("subject|trial|label|a\n1|1|0|2\n", "Are the columns separated by commas, semicolons or tabs"),
    "two separators": (
        "subject,trial;label\n1,1;0\n",
        r"expected one separator in the header, got comma and semicolon.*data\.separator=comma or data\.separator=semic",
    ),
    "no features": (
        "subject,trial,label\n1,1,0\n",
        "numeric columns beside label, trial, subject, session, stimulus, got none",
    ),
    "text feature": (HEADER + "1,1,0,0.5,1\n1,1,0,0.5,high\n", "b: expected numbers, got 'high' in row 2"),
    "text column": (
        HEADER + "1,1,0,V1,1\n1,1,0,V2,1\n",
        r"a: expected numbers, got 'V1' in row 1[\s\S]*'data\.drop=\[a,b\]'",
    ),
    "decimal comma": (HEADER + '1,1,0,0.5,"1,5"\n', "b: expected numbers, got '1,5' in row 1"),
    "duplicate": ("subject,trial,label,a,b,a\n1,1,0,1,2,3\n", "distinct column names, got a more than once"),
    "row numbers": (
        ",subject,trial,label,a\n0,1,1,0,2\n1,1,1,0,3\n",
        r"Unnamed: 0: pandas' name of an index[\s\S]*'data\.drop=\[\"Unnamed: 0\"\]'",
    ),
    "empty label": (HEADER + "1,1,0,0.5,1\n1,1,,0.5,1\n", "'label', got an empty cell .* in row 2"),
    "empty text": (HEADER + "s,1,0,0.5,1\n,1,0,0.5,1\n", "'subject', got an empty cell .* in row 2"),
    "rating": (HEADER + "1,1,2.5,0.5,1\n", r"'label', got 2\.5 in row 1\. Ratings on a scale"),
    "long row": (HEADER + "1,1,0,1,2\n1,1,0,1,2,3\n", "Expected 5 fields in line 3, saw 6"),
    "short row": (
        HEADER + "1,1,0,1,2\n1,1,1,2\n1,1,1,3,4\n",
        r"1 of 3 rows, which lack .* of b \(1\), first row 2 of table\.csv \(subject 1, session 1, trial 1\)",
    ),
}


@pytest.mark.parametrize("case", CSV)
def test_a_malformed_csv_is_refused_with_its_path(tmp_path, case):
    text, message = CSV[case]
    with pytest.raises(ValueError, match=message) as caught:
        load(write_text(tmp_path / "table.csv", text))
    assert str(tmp_path / "table.csv") in str(caught.value)


def test_a_session_column_that_was_asked_for_must_exist(tmp_path):
    with pytest.raises(ValueError, match=r"a column 'day' for the session.*data\.session=COLUMN"):
        load(write_csv(tmp_path / "t.csv"), session="day")


def test_a_csv_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "t.csv").write_bytes(bytes(range(256)))
    with pytest.raises(ValueError, match=r"t\.csv: expected a table as text, got binary data"):
        load(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_bytes(b"label,trial\x81,subject\n")  # a byte that Windows-1252 has no letter for
    with pytest.raises(ValueError, match=r"t\.csv: expected text in UTF-8, UTF-16 or Windows-1252"):
        load(tmp_path / "t.csv")


WRITTEN = {  # separator, decimal sign, encoding, lines before the header
    "by Excel in Germany": (";", ",", "cp1252", ""),
    "by Excel as Unicode text": ("\t", ",", "utf-16", ""),
    "as UTF-16 without a mark": (";", ".", "utf-16-le", ""),
    "as UTF-16, high bytes first": (",", ".", "utf-16-be", ""),
    "with its separator named": (";", ",", "utf-8-sig", "sep=;\n"),
    "with a separator named that the header also has": (";", ",", "utf-8", "sep=;\r\n"),
    "with tabs": ("\t", ".", "latin-1", ""),
    "with lines of a preamble": ("\t", ",", "cp1252", "## [Export]\n## Version: 3,7; of May\n"),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_tables_of_spreadsheets_are_read_to_the_values_written(tmp_path, case, caplog):
    separator, decimal, encoding, before = WRITTEN[case]
    names = {"blink": "Länge [µs]", "pulse": "a, b, c, d, e" if "header" in case else "pulse"}
    table = frame(label=np.repeat(["Überraschung", "Freude"], N // 2)).rename(columns=names).round(3)
    whole = load(write_text(tmp_path / "plain.csv", table.to_csv(index=False)))
    text = before + table.to_csv(index=False, sep=separator, decimal=decimal)
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    assert load(tmp_path / "t.csv").fingerprint() == whole.fingerprint()
    assert ("was read as Windows-1252" in caplog.text) == (encoding in ("cp1252", "latin-1"))


def test_a_header_whose_names_hold_other_separators_is_divided_where_the_known_columns_are(tmp_path):
    text = "label,trial,subject,F1;F2;F3;F4;F5\na,1,1,0.5\nb,2,1,0.25\n"
    assert load(write_text(tmp_path / "t.csv", text)).feature_names == ("F1;F2;F3;F4;F5",)


DECIMALS = {
    "a sign between thousands": (["1.234,5", "2,5"], r"a: expected numbers, got '1\.234,5' in row 1"),
    "points and commas in a column": (["1,5", "1.5"], "a: expected numbers, got '1,5' in row 1"),
    "points in another column": (["1,5", "2,5"], r"one decimal sign .* got commas in the column 'a' and '0\.5'"),
}


@pytest.mark.parametrize("case", DECIMALS)
def test_numbers_whose_decimal_sign_is_not_clear_are_refused(tmp_path, case):
    (first, second), message = DECIMALS[case]
    other = "0.5" if case == "points in another column" else "1"
    text = f"label;trial;subject;a;b\nx;1;1;{first};{other}\ny;2;1;{second};2\n"
    with pytest.raises(ValueError, match=message):
        load(write_text(tmp_path / "t.csv", text))


def test_whole_numbers_and_three_decimals_after_a_comma_are_one_column(tmp_path):
    text = "label;trial;subject;a\nx;1;1;1,234\ny;2;1;-2\n"
    assert load(write_text(tmp_path / "t.csv", text)).x[:, 0].tolist() == [np.float32(1.234), -2]


def test_an_eye_column_that_does_not_exist_names_the_features(tmp_path):
    with pytest.raises(
        ValueError, match=r"data\.eye names 'pupils', which is none of the features alpha, pupil, theta"
    ):
        load(write_csv(tmp_path / "t.csv"), eye=["pupils"])


@pytest.mark.parametrize("write", [write_npz, write_csv])
@pytest.mark.parametrize("drop", [["blink", "pulse"], ["[bp]u*", "b?i*"], "*l[is]*"])
def test_dropped_columns_are_no_features(tmp_path, write, drop):
    features = load(write(tmp_path / ("t.npz" if write is write_npz else "t.csv")), drop=drop, eye=["theta"])
    kept = [name for name in NAMES if name not in ("blink", "pulse", "pupil" if "[bp]u*" in drop else "")]
    assert sorted(features.feature_names) == sorted(kept)
    place = features.feature_names.index("alpha")
    np.testing.assert_array_equal(features.x[:, place], arrays()["x"][:, 0])
    assert features.feature_names[features.modalities["eye"]] == ("theta",)


def test_a_column_whose_name_is_a_number_is_dropped_by_it(tmp_path):
    frame().rename(columns={"pulse": "0"}).to_csv(tmp_path / "t.csv", index=False)
    assert load(tmp_path / "t.csv", drop=0).feature_names == NAMES[:4]


def test_a_column_of_text_may_be_dropped_and_one_that_only_some_files_have(tmp_path):
    folder = write_folder(tmp_path / "data", write=lambda path, **columns: write_npz(path, **columns))
    table = frame(subject=77, clip="V1")
    table.to_csv(folder / "77.csv", index=False)
    assert load(folder, drop=["clip"], subjects=[77]).x.shape == (N, 5)


def test_dropping_leaves_the_kinds_of_the_other_features(tmp_path):
    features = load(write_npz(tmp_path / "t.npz", modality=KIND), drop=["alpha", "theta"])
    assert features.feature_names == ("pulse", "blink", "pupil")
    assert dict(features.modalities) == {"eeg": slice(0, 1), "eye": slice(1, 2)}


@pytest.mark.parametrize("write", [write_npz, write_csv])
def test_dropping_what_is_no_feature_or_all_of_them_is_refused(tmp_path, write):
    file = write(tmp_path / ("t.npz" if write is write_npz else "t.csv"))
    for key in ("drop", "keep"):
        with pytest.raises(ValueError, match=rf"data\.{key} names 'Unnamed\*', which is none of the features alpha"):
            load(file, **{key: ["Unnamed*"]})
    with pytest.raises(ValueError, match=r"expected .* beside .*, got none"):
        load(file, drop="*")


@pytest.mark.parametrize("write", [write_npz, write_csv])
def test_a_value_that_is_not_finite_names_file_place_and_feature(tmp_path, write):
    x = arrays()["x"].copy()
    x[20, 3] = np.inf
    file = write_npz(tmp_path / "t.npz", x=x) if write is write_npz else write_csv(tmp_path / "t.csv", blink=x[:, 3])
    with pytest.raises(ValueError, match=r"t\.(npz|csv): .* of blink \(1\), first row 21 .*session 2, trial 1"):
        load(file)


def test_the_configuration_loads_a_table(tmp_path):
    folder = Path(__file__).parents[2] / "conf" / "data"
    cfg = OmegaConf.create({"modality": "eeg_eye", "data": OmegaConf.load(folder / "features.yaml")})
    assert OmegaConf.is_missing(cfg.data, "path")
    cfg.data.path = str(write_csv(tmp_path / "t.csv"))
    assert instantiate(cfg.data).fingerprint() == load(cfg.data.path).fingerprint()
    cfg.data.eye = ["blink"]
    cfg.data.subjects = [2]
    cfg.modality = "eye"
    features = instantiate(cfg.data)
    assert features.feature_names == ("blink",)
    assert set(features.subject.tolist()) == {2}


def test_names_that_only_look_like_numbers_are_kept_in_text(tmp_path):
    names = np.where(np.arange(N) < 12, "01", "1")
    found = load(write_csv(tmp_path / "a.csv", subject=names, trial=[f"{t}e2" for t in frame().trial]))
    assert set(found.subject.tolist()) == {"01", "1"}
    assert set(found.trial.tolist()) == {"1e2", "2e2"}
    (tmp_path / "folder").mkdir()
    for number, last in ((1, "02"), (2, "P4")):
        subjects = np.where(np.arange(N) < 12, "01", last)
        write_csv(tmp_path / "folder" / f"{number}.csv", subject=subjects, session=number)
    assert set(load(tmp_path / "folder").subject.tolist()) == {"01", "02", "P4"}
    assert set(load(write_csv(tmp_path / "b.csv", subject=names.astype(int))).subject.tolist()) == {1}
