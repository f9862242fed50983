"""Columns that tell the trial, the label, the row or the person are no features; measurements of all kinds are."""

import os
import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from composed import composed
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from emogan.data.bookkeeping import find
from emogan.data.table import load
from emogan.data.table_files import option

SHAPES = {  # subjects, sessions, trials, windows of a trial, classes
    "one subject": (1, 1, 16, 12, 2),
    "few trials": (1, 1, 4, 6, 2),
    "four subjects": (4, 1, 16, 5, 2),
    "sessions": (3, 3, 15, 10, 3),
    "one window a trial": (20, 1, 8, 1, 4),
}


def rows(subjects=4, sessions=1, trials=16, windows=5, classes=2) -> pd.DataFrame:
    """A row per window; `nth` counts the trials of all, `clip_shown` is what they show, in another order to each subject."""
    order = np.random.default_rng(1)
    table = pd.MultiIndex.from_product(
        [range(1, subjects + 1), range(1, sessions + 1), range(1, trials + 1), range(windows)],
        names=["subject", "session", "trial", "window"],
    ).to_frame(index=False)
    table["nth"] = np.arange(len(table)) // windows
    shown = np.concatenate([order.permutation(trials) for _ in range(subjects * sessions)])
    table["clip_shown"] = shown[table.nth]
    return table.assign(label="class " + (table.clip_shown % classes).astype(str))


def judged(table: pd.DataFrame, **columns) -> dict[str, bool]:
    """Whether it is certain, of each column found beside six of noise."""
    noise = np.random.default_rng(0).normal(size=(len(table), 6))
    x = np.column_stack([noise, *(np.asarray(values, dtype=float) for values in columns.values())])
    ids = (table[name].to_numpy() for name in ("label", "trial", "subject", "session"))
    return {finding.column: finding.certain for finding in find([*"abcdef", *columns], x, *ids)}


def per_trial(table, draw) -> np.ndarray:
    """A value for each trial, in all of its windows."""
    return np.asarray(draw(np.random.default_rng(2), table.nth.max() + 1))[table.nth]


def coded(table) -> np.ndarray:
    return table.label.factorize(sort=True)[0]


BOOKS = {  # names that say nothing, but for those that need to
    "row numbers": lambda table: {"q": np.arange(len(table))},
    "row numbers from the last": lambda table: {"q": -np.arange(len(table))},
    "row numbers with gaps": lambda table: {"q": np.cumsum(1 + np.arange(len(table)) % 3)},
    "the label as 0 and 1": lambda table: {"q": coded(table)},
    "the label from 1": lambda table: {"q": coded(table) + 1},
    "a label in one column for each class": lambda table: {"q": coded(table) == 0, "r": coded(table) == 1},
    "the label, told by its name": lambda table: {"label_id": coded(table) * 7 - 3},
    "another label": lambda table: {"emotion": per_trial(table, lambda draw, n: draw.integers(0, 5, n))},
    "trials throughout": lambda table: {"q": table.nth + 1},
    "the clip, told by its name": lambda table: {"clipNo": table.clip_shown + 1},
    "ratings": lambda table: {"valence_rating": per_trial(table, lambda draw, n: draw.integers(1, 10, n))},
    "ratings on a line": lambda table: {"Arousal": per_trial(table, lambda draw, n: draw.uniform(1, 9, n))},
    "a time of day": lambda table: {"timestamp": 1.7e9 + np.arange(len(table)) * 4.01},
    "folds": lambda table: {"fold": table.nth % 4},
    "pandas' index": lambda table: {"Unnamed: 0": np.random.default_rng(0).permutation(len(table))},
}
WINDOWS = {  # of several windows a trial
    "windows of a trial": lambda table: {"q": table.window},
    "seconds since its start": lambda table: {"q": table.window * 0.5 + 0.25},
    "seconds as 32-bit numbers": lambda table: {"q": (1000 + table.window * 0.1).astype(np.float32)},
}
SUBJECTS = {  # of several subjects
    "age": lambda table: {"age": 20 + table.subject % 3},
    "age, however it is called": lambda table: {"q": 20 + table.subject % 3},
    "height": lambda table: {"q": 1.6 + table.subject / 7},
    "the subject again": lambda table: {"subject_id": table.subject},
    "a norm of each clip": lambda table: {"q": np.random.default_rng(3).normal(size=99)[table.trial]},
    "windows of a subject": lambda table: {"q": table.groupby(["subject", "session"]).cumcount()},
}


@pytest.mark.parametrize("case", BOOKS | WINDOWS | SUBJECTS)
def test_bookkeeping_is_certain_in_every_table_that_can_hold_it(case):
    for name, (subjects, *_, windows, _) in SHAPES.items():
        if (case in WINDOWS and windows == 1) or (case in SUBJECTS and subjects == 1):
            continue
        table = rows(*SHAPES[name])
        columns = (BOOKS | WINDOWS | SUBJECTS)[case](table)
        assert judged(table, **columns) == dict.fromkeys(columns, True), name


@pytest.mark.parametrize("shape", ["four subjects", "sessions"])
def test_numbers_of_the_clips_are_certain_in_whichever_order_each_subject_saw_them(shape):
    assert judged(rows(*SHAPES[shape]), q=rows(*SHAPES[shape]).clip_shown * 3 + 5) == {"q": True}


def test_a_rating_that_the_label_was_cut_from_is_certain_if_whole_and_suspicious_if_not():
    table = rows()
    rating = 1 + 5 * coded(table) + per_trial(table, lambda draw, n: draw.integers(0, 4, n))
    assert judged(table, q=rating, r=rating + np.pi * table.nth / 1000) == {"q": True, "r": False}


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if SHAPES[shape][3] > 1])
def test_a_whole_number_for_each_trial_without_a_telling_name_is_suspicious(shape):
    table = rows(*SHAPES[shape])
    assert judged(table, q=per_trial(table, lambda draw, n: 3 * draw.integers(0, 40, n) + 100)) == {"q": False}


@pytest.mark.parametrize("shape", SHAPES)
def test_shuffled_rows_hide_nothing(shape):
    table = rows(*SHAPES[shape])
    columns = {"q": np.arange(len(table)), "r": coded(table), "time_s": table.window * 4.0, "clip_no": table.clip_shown}
    shuffle = np.random.default_rng(4).permutation(len(table))
    table, columns = table.iloc[shuffle], {name: np.asarray(column)[shuffle] for name, column in columns.items()}
    found = judged(table.reset_index(drop=True), **columns)
    assert found.pop("q") == (SHAPES[shape][3] > 1)  # ranks of a measured feature are 1, 2, 3, ... too
    assert found == {name: True for name in columns if name != "q" and np.ptp(columns[name]) > 0}


MEASURED = {
    "counts": lambda draw, n, trial: draw.poisson(3, n),
    "large counts": lambda draw, n, trial: draw.poisson(30_000, n),
    "yes or no": lambda draw, n, trial: draw.integers(0, 2, n),
    "seldom": lambda draw, n, trial: draw.uniform(size=n) < 0.05,
    "mostly nothing": lambda draw, n, trial: draw.normal(size=n) * (draw.uniform(size=n) < 0.1),
    "shares": lambda draw, n, trial: draw.integers(0, 9, n) / 9,
    "smoothed": lambda draw, n, trial: np.cumsum(draw.normal(size=n)),
    "drifting": lambda draw, n, trial: np.cumsum(draw.normal(0.2, 0.5, n)),
    "slowly drifting, in tenths": lambda draw, n, trial: np.round(
        33 + 2 * np.arange(n) / n + draw.normal(0, 0.1, n), 1
    ),
    "at another level in each trial": lambda draw, n, trial: 5 * draw.normal(size=n)[trial] + draw.normal(size=n),
}


@pytest.mark.parametrize("case", MEASURED)
def test_measured_features_are_passed_without_a_word(case):
    for name, shape in SHAPES.items():
        table = rows(*shape)
        for seed in range(6):
            column = MEASURED[case](np.random.default_rng([seed, 5]), len(table), table.nth)
            assert judged(table, blink_no_of_ms=column, FP1_time=column, fixation_time_s=column) == {}, name


@pytest.mark.parametrize("shape", SHAPES)
def test_features_that_are_given_by_trial_are_passed_without_a_word(shape):
    table = rows(*SHAPES[shape])
    for seed in range(6):
        draw = np.random.default_rng([seed, 6])
        measured = {f"eye_{i}": draw.normal(size=table.nth.max() + 1)[table.nth] for i in range(9)}
        counts = {"fixation_count": draw.poisson(20, table.nth.max() + 1)[table.nth]}
        assert judged(table, **measured, **counts) == {}


def written(path: Path, table: pd.DataFrame, **columns) -> Path:
    noise = np.random.default_rng(0).normal(size=(len(table), 2))
    table = table[["label", "trial", "subject", "session"]].assign(a=noise[:, 0], b=noise[:, 1], **columns)
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        names = ["a", "b", *columns]
        ids = {name: table[name].to_numpy() for name in ("trial", "subject", "session")}
        np.savez(path, x=table[names], y=table.label.to_numpy(dtype=str), feature_names=np.array(names), **ids)
    return path


def pasted(message: str, key: str = "drop") -> list[str]:
    """The setting in a message, as a shell gives it to the program."""
    return shlex.split(re.search(rf"""'data\.{key}=(?:[^']|'"'"')*'""", message)[0])


def configured(path, *overrides):
    cfg = composed("data=features", f"data.path={path}", "modality=eeg", *overrides)
    settings = OmegaConf.to_container(cfg.data, resolve=True)
    assert settings.pop("_target_") == "emogan.data.table.load"
    return load(**settings)


@pytest.mark.parametrize("suffix", [".csv", ".npz"])
def test_the_line_of_the_refusal_leaves_out_all_that_is_no_feature(tmp_path, suffix):
    table = rows()
    columns = {
        "Unnamed: 0": np.arange(len(table)),
        "it's": coded(table),
        "clip_no": table.clip_shown,
        "age": table.subject,
    }
    path = written(tmp_path / f"t{suffix}", table, **columns)
    with pytest.raises(ValueError, match=r"Unnamed: 0: .*\n  it's: one value for each label\n  clip_no: ") as refused:
        configured(path)
    assert configured(path, *pasted(str(refused.value))).feature_names == ("a", "b")
    for only, names in ((["data.keep=age", "data.drop=['Unn*','it\\'s',clip_no]"], ("a", "b", "age")),
                        (pasted(str(refused.value), "keep"), ("a", "b", *columns))):  # fmt: skip
        assert configured(path, *only).feature_names == names


def test_text_is_left_out_by_the_same_line(tmp_path):
    table = rows()
    path = written(tmp_path / "t.csv", table, video="V" + table.clip_shown.astype(str), window=table.window)
    with pytest.raises(ValueError, match=r"video: .* got 'V\d+' in row 1.*\n  window: counts") as refused:
        configured(path)
    assert configured(path, *pasted(str(refused.value))).feature_names == ("a", "b")
    assert "data.stimulus=COLUMN" in str(refused.value)
    assert configured(path, "data.stimulus=video", "data.drop=[window]").feature_names == ("a", "b")


@pytest.mark.parametrize("suffix", [".csv", ".npz"])
def test_a_column_named_stimulus_is_the_stimulus_and_as_a_feature_it_is_refused(tmp_path, suffix):
    table = rows()
    path = written(tmp_path / f"t{suffix}", table, stimulus=table.clip_shown)
    if suffix == ".csv":
        assert configured(path).stimulus.tolist() == table.clip_shown.tolist()
    else:  # there the stimulus is an array of its own
        with pytest.raises(ValueError, match="\n  stimulus: the same values in the trials of each subject"):
            configured(path)


def test_what_is_suspicious_is_a_warning_that_either_line_ends(tmp_path, caplog):
    table = rows()
    path = written(tmp_path / "t.csv", table, points=per_trial(table, lambda draw, n: draw.integers(3, 90, n)))
    assert configured(path).feature_names == ("a", "b", "points")
    assert "points: one value for each trial" in caplog.text
    lines = {key: pasted(caplog.text, key) for key in ("drop", "keep")}
    caplog.clear()
    assert configured(path, *lines["drop"]).feature_names == ("a", "b")
    assert configured(path, *lines["keep"]).feature_names == ("a", "b", "points")
    assert not caplog.text


def test_what_is_constant_in_each_file_is_seen_across_the_files_of_a_folder(tmp_path):
    table = rows()
    for subject, part in table.groupby("subject"):
        written(tmp_path / f"{subject}.csv", part, baseline=0.1 * subject)
    with pytest.raises(ValueError, match="baseline: one value for each subject"):
        load(tmp_path)


@pytest.mark.parametrize(
    "names",
    [["clip_no", "Unnamed: 0"], ["null", "1", "01", "1.5", "true"], ['a"b', "it's"], ["end\\", '\\"x', "a\\b"],
     ["Blink [ms]", "a=b", "x,y", "a:b", "Größe", "$a", "*", "{x}", "(s)", " "]],
)  # fmt: skip
def test_an_option_is_read_as_the_names_it_was_written_of(names):
    (argument,) = shlex.split(option("drop", names))
    (override,) = OverridesParser.create().parse_overrides([argument])
    assert [str(name) for name in override.value()] == names


@pytest.mark.real_data
@pytest.mark.skipif("EMOGAN_REAL_DATA" not in os.environ, reason="EMOGAN_REAL_DATA names no folder of recordings")
def test_the_window_of_a_real_table_is_told_from_its_features_and_its_stimulus_is_known(caplog):
    path = Path(os.environ["EMOGAN_REAL_DATA"]) / "ceap" / "eye_head.csv"
    with pytest.raises(ValueError, match=r"'data\.drop=") as refused:
        configured(path)
    assert pasted(str(refused.value)) == ["data.drop=[window]"]
    features = configured(path, *pasted(str(refused.value)))
    assert features.x.shape[1] == 23
    assert features.stimulus[::9].tolist() == [f"V{number}" for number in range(1, 9)] * 32  # 8 films, 9 windows each
    before = configured(path, "data.drop=[stimulus,window]")  # as the message said before stimuli were known
    assert (before.stimulus, before.feature_names) == (None, features.feature_names)
    assert not caplog.text
