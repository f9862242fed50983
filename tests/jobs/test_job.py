"""One whole job: its files, its scores against scikit-learn, its reuse of fitted generators."""

import json
import re
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch
from composed import composed
from hydra.utils import instantiate
from represented import represented
from sklearn.model_selection import PredefinedSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler
from sklearn.svm import SVC
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from emogan.augmenters import balanced_labels
from emogan.data import table as tables
from emogan.data.members import members
from emogan.jobs import job, outputs
from emogan.store import derived_seed
from emogan.sweeps.collect import collect

COLUMNS = (  # the contract: what reads scores.csv elsewhere relies on these names in this order
    "dataset subject session fold modality model n_aug seed accuracy c accuracy_oracle c_oracle macro_f1 n_train n_test "
    "trial_accuracy trial_accuracy_oracle"
).split()
GRID = 2.0 ** np.arange(-2, 3)


@pytest.fixture(scope="module")
def done(tmp_path_factory, configure):
    """A finished job: its folder and the scores that it returned."""
    folder = tmp_path_factory.mktemp("done")
    return folder / "job", job.run(configure(folder, "quality=true"))


@pytest.fixture(scope="module")
def features(table):
    return tables.load(table)


def read_run(folder):
    return json.loads((folder / "run.json").read_text())


def trained(folder) -> list[bool]:
    return [member["trained"] for member in read_run(folder)["members"]]


def test_scores_have_a_row_per_member_and_n_aug_in_the_order_of_the_contract(done):
    folder, scores = done
    written = pd.read_csv(folder / "scores.csv")
    assert list(written.columns) == COLUMNS
    expected = [(n, s, f) for n in (50, 200) for s in (1, 2) for f in (0, 1, 2)]
    assert list(written[["n_aug", "subject", "fold"]].itertuples(index=False, name=None)) == expected
    assert set(written.dataset) == {"features"}
    assert set(written.modality) == {"eeg_eye"}
    assert set(written.model) == {"cbegan"}
    assert (written.n_train + written.n_test == 96).all()
    assert (4 * written[["trial_accuracy", "trial_accuracy_oracle"]] % 1 == 0).all(axis=None)  # four trials in a fold
    assert (
        written[["accuracy", "accuracy_oracle", "macro_f1", "trial_accuracy", "trial_accuracy_oracle"]]
        .stack()
        .between(0, 1)
        .all()
    )
    pd.testing.assert_frame_equal(written, scores, check_dtype=False, check_exact=True)


def test_a_job_leaves_the_files_of_the_contract_and_no_others(done):
    folder, _ = done
    kept = {path.name for path in folder.iterdir() if not path.name.startswith("events.out.tfevents.")}
    assert kept == {
        "scores.csv", "selection.csv", "confusion.csv", "quality.csv", "curves.csv", "windows.npz", "run.json",
        "checkpoint.ckpt", "hparams.yaml", "baseline.csv",
    }  # fmt: skip
    assert len(list((folder.parent / "store").glob("*.safetensors"))) == 18  # 6 members and their 2 inner folds each


def test_a_checkpoint_holds_all_that_training_can_go_on_from(done, features):
    checkpoint = torch.load(done[0] / "checkpoint.ckpt", weights_only=True)
    assert checkpoint["class_names"] == ["negative", "neutral", "positive"]
    assert checkpoint["feature_names"] == list(features.feature_names)
    assert checkpoint["modalities"] == {"eeg": [0, 6], "eye": [6, 10]}
    assert checkpoint["config"]["model"]["gamma"] == 0.75
    assert [(m["subject"], m["fold"]) for m in checkpoint["members"]] == [(s, f) for s in (1, 2) for f in range(3)]
    (group,) = checkpoint["trained"]
    assert group["members"] == list(range(6))
    assert group["state_dict"]["k"].shape == (6,)
    assert (group["state_dict"]["k"] > 0).all()
    assert [set(o["state"][0]) for o in group["optimizers"]] == [{"step", "exp_avg", "exp_avg_sq"}] * 2
    for m, member in enumerate(members(features, "trials", 3)):
        known = MinMaxScaler().fit(features.x[member.train].astype(np.float64))
        np.testing.assert_array_equal(checkpoint["scaler"]["minimum"][m], known.data_min_)
        np.testing.assert_array_equal(checkpoint["scaler"]["span"][m], known.data_range_)


def test_run_json_tells_versions_device_times_data_and_what_became_of_each_member(done, features):
    run = read_run(done[0])
    assert {"versions", "device", "seconds", "data", "scaling", "augmenter", "members"} <= run.keys()
    assert run["versions"]["torch"] == torch.__version__
    assert run["device"] == "cpu"
    assert run["seconds"].keys() >= {"load", "fit", "score"}
    assert run["data"]["fingerprint"] == features.fingerprint()
    assert run["scaling"] == {"fit_on": "train", "leaks": False}
    assert [m["end"] for m in run["members"]] == ["iteration 20: the last one"] * 6
    assert trained(done[0]) == [True] * 6


CURVES = [
    ("cbegan", ("m_global", "k", "loss_real", "loss_fake")),
    ("cwgan", ("d_loss", "g_loss", "wasserstein")),
    ("cgan", ("d_loss", "g_loss")),
]


@pytest.mark.parametrize(("model", "tags"), represented(CURVES, by=CURVES[:1]))
def test_curves_are_mean_lowest_and_highest_over_members_at_every_iteration(configure, tmp_path, model, tags):
    job.run(configure(tmp_path, f"model={model}", "n_aug=6", "evaluation.c_exponents=[0,0]"))
    events = EventAccumulator(str(tmp_path / "job")).Reload()
    wanted = {f"{tag}{part}" for tag in tags for part in ("", "/lowest", "/highest")}
    found = sorted(events.Tags()["scalars"])  # as TensorBoard has them
    assert {tag for tag in found if not tag.startswith("windows_appended/")} == wanted
    assert found[-2:] == ["windows_appended/accuracy", "windows_appended/accuracy_oracle"]
    table = pd.read_csv(tmp_path / "job" / "curves.csv")
    assert table.iteration.tolist() == sorted(list(range(1, 21)) * len(table.metric.unique()))
    for tag in tags:
        whole = table[table.metric == tag].set_index("iteration")
        assert (whole.lowest <= whole["mean"] + 1e-6).all()
        assert (whole["mean"] <= whole.highest + 1e-6).all()
        assert (whole.lowest < whole.highest).any()
        for part, name in (("mean", tag), ("lowest", f"{tag}/lowest"), ("highest", f"{tag}/highest")):
            logged = {event.step: event.value for event in events.Scalars(name)}
            assert logged == pytest.approx(whole[part][[10, 20]].to_dict(), rel=1e-5)


def test_the_hparams_tab_has_the_settings_and_accuracies_are_curves_over_n_aug(done):
    folder, scores = done
    events = EventAccumulator(str(folder)).Reload()
    content = events.PluginTagToContent("hparams")
    start = HParamsPluginData.FromString(content["_hparams_/session_start_info"]).session_start_info.hparams
    assert start["gamma"].number_value == 0.75
    assert start["name"].string_value == "cbegan"
    named = HParamsPluginData.FromString(content["_hparams_/experiment"]).experiment.metric_infos
    for column in ("accuracy", "accuracy_oracle"):
        curve = {event.step: event.value for event in events.Scalars(f"windows_appended/{column}")}
        assert len(curve) > 1
        assert curve == pytest.approx(scores.groupby("n_aug")[column].mean().to_dict())
    assert {info.name.tag for info in named} == {"windows_appended/accuracy", "windows_appended/accuracy_oracle"}


@pytest.mark.parametrize(
    "change",
    represented(
        ["machine.group_size=1", "machine.group_size=4", "machine.threads=2", "machine.workers=3"],
        by=["machine.group_size=4", "machine.workers=3"],
    ),
)
def test_the_same_seed_gives_the_same_bytes_however_it_is_computed(done, configure, tmp_path, change):
    job.run(configure(tmp_path, change))
    assert trained(tmp_path / "job") == [True] * 6
    assert (tmp_path / "job/scores.csv").read_bytes() == (done[0] / "scores.csv").read_bytes()


def test_another_seed_trains_other_generators_and_leaves_the_baseline_as_it_is(done, configure, tmp_path):
    shutil.copytree(done[0].parent / "store", tmp_path / "store")
    other = job.run(configure(tmp_path, "seed=1", "n_aug=[0,50,200]"))
    assert trained(tmp_path / "job") == [True] * 6
    same = done[1].drop(columns="seed")
    assert not other[other.n_aug > 0].drop(columns="seed").reset_index(drop=True).equals(same)
    baseline = job.run(configure(tmp_path, "model=none", f"folder={tmp_path / 'none'}"))
    columns = ["accuracy", "c", "accuracy_oracle", "c_oracle", "macro_f1"]
    np.testing.assert_array_equal(other[other.n_aug == 0][columns], baseline[columns])


@pytest.mark.parametrize("n", [50, 200])
def test_an_n_aug_alone_gives_its_rows_of_a_list_and_trains_nothing_again(done, configure, tmp_path, n):
    folder, scores = done
    alone = job.run(configure(folder.parent, f"n_aug={n}", f"folder={tmp_path}"))
    assert not any(trained(tmp_path))
    pd.testing.assert_frame_equal(alone, scores[scores.n_aug == n].reset_index(drop=True), check_exact=True)


def test_a_subject_scores_the_same_whoever_else_is_in_the_job(done, configure, tmp_path):
    _, scores = done
    alone = job.run(configure(tmp_path, "data.subjects=[2]"))
    assert trained(tmp_path / "job") == [True] * 3
    pd.testing.assert_frame_equal(alone, scores[scores.subject == 2].reset_index(drop=True), check_exact=True)


def test_the_order_of_n_aug_and_repeats_change_nothing(done, configure, tmp_path):
    folder, _ = done
    job.run(configure(folder.parent, "n_aug=[200,50,50]", f"folder={tmp_path}"))
    assert (tmp_path / "scores.csv").read_bytes() == (folder / "scores.csv").read_bytes()


def test_scores_of_an_earlier_job_do_not_mark_one_that_failed_as_done(configure, tmp_path, monkeypatch):
    job.run(configure(tmp_path, "model=none"))
    assert (tmp_path / "job/scores.csv").exists()
    monkeypatch.setattr(job.scoring, "score", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        job.run(configure(tmp_path, "model=none", "seed=1"))
    assert not (tmp_path / "job/scores.csv").exists()


def test_a_job_waits_for_another_one_in_its_folder(configure, tmp_path, caplog, monkeypatch):
    cfg = configure(tmp_path, "model=none")
    begun, compute = threading.Event(), job.Job._compute

    def slow(self):
        begun.set()
        time.sleep(1)
        return compute(self)

    with monkeypatch.context() as patch, ThreadPoolExecutor() as pool, caplog.at_level("INFO"):
        patch.setattr(job.Job, "_compute", slow)
        running = pool.submit(job.run, cfg)
        begun.wait(60)
        patch.setattr(job.Job, "_compute", lambda self: 1 / 0)  # never called, as the job is done by then
        other = job.run(cfg)
    pd.testing.assert_frame_equal(other, running.result())
    assert "waiting for another process, which runs a job in" in caplog.text


def test_results_are_kept_until_a_job_with_other_settings_in_their_folder_is_done(configure, tmp_path, monkeypatch):
    folder = tmp_path / "job"
    job.run(configure(tmp_path, "model=noise", "n_aug=[0,9]"))
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    with monkeypatch.context() as patch:
        patch.setattr(job.scoring, "score", lambda *_, **__: 1 / 0)
        for seed in (1, 2):
            with pytest.raises(ZeroDivisionError):
                job.run(configure(tmp_path, "model=noise", "n_aug=[0,9]", f"seed={seed}"))
    (folder / ".hydra").mkdir()  # as Hydra does, so that it is found without scores
    run = read_run(folder / "earlier_job")
    (folder / "earlier_job/run.json").write_text(json.dumps(run | {"overrides": ["model=noise", "data.path=a b.npz"]}))
    (problem,) = collect([tmp_path]).problems
    options = f"model=noise 'data.path=a b.npz' hydra.run.dir={folder}"
    assert problem.what.endswith(f"are kept, and its command restores them: {options}")
    (folder / "earlier_job/run.json").write_bytes(before["run.json"])
    job.run(configure(tmp_path, "model=noise", "n_aug=[0,9]"))
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
    job.run(configure(tmp_path, "model=noise", "n_aug=[0,9]", "seed=3"))
    assert not (folder / "earlier_job").exists()
    (found,) = collect([tmp_path]).jobs
    assert set(found.scores.seed) == {3}


@pytest.mark.parametrize("after", range(6))
def test_results_survive_a_process_that_ends_while_they_are_moved(configure, tmp_path, monkeypatch, after):
    folder, first = tmp_path / "job", ("model=noise", "n_aug=[0,9]")
    job.run(configure(tmp_path, *first))
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    move, moved = outputs._move, []

    def move_some(*paths):
        if len(moved) == after:
            raise SystemExit(143)
        moved.append(paths)
        move(*paths)

    with monkeypatch.context() as patch:
        patch.setattr(outputs, "_move", move_some)
        with pytest.raises(SystemExit):
            job.run(configure(tmp_path, *first, "seed=1"))
    with monkeypatch.context() as patch:
        patch.setattr(job.scoring, "score", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            job.run(configure(tmp_path, *first, "seed=1"))
    moved.clear()
    with monkeypatch.context() as patch:
        patch.setattr(outputs, "_move", move_some)
        with pytest.raises(SystemExit):
            job.run(configure(tmp_path, *first))
    job.run(configure(tmp_path, *first))
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
    assert not [path for path in folder.iterdir() if path.is_dir()]


def test_a_job_that_is_refused_leaves_what_an_earlier_one_wrote(configure, tmp_path):
    job.run(configure(tmp_path, "model=none"))
    before = {path.name: path.read_bytes() for path in (tmp_path / "job").iterdir() if path.is_file()}
    with pytest.raises(ValueError, match="trials_per_class"):
        job.run(configure(tmp_path, "model=none", "evaluation.trials_per_class=9"))
    assert not (tmp_path / "job/scores.csv").exists()
    job.run(configure(tmp_path, "model=none"))
    assert {path.name: path.read_bytes() for path in (tmp_path / "job").iterdir() if path.is_file()} == before


def test_choices_that_cannot_be_pooled_are_told(configure, tmp_path, caplog):
    options = "model=none", "evaluation.choice=pooled", "n_aug=0"
    job.run(configure(tmp_path / "two", *options))
    assert "choose on their own" not in caplog.text
    job.run(configure(tmp_path / "one", *options, "data.subjects=[2]"))
    assert "evaluation.choice=pooled: 3 of 3 training sets choose on their own" in caplog.text


def test_a_damaged_record_is_set_aside_and_made_anew(done, configure, tmp_path):
    shutil.copytree(done[0].parent / "store", tmp_path / "store")
    damaged = tmp_path / "store" / f"{read_run(done[0])['members'][2]['key']}.safetensors"
    whole = safetensors.torch.load(content := damaged.read_bytes())
    damaged.write_bytes(content[:-100] + bytes(100))
    job.run(configure(tmp_path))
    assert trained(tmp_path / "job") == [m == 2 for m in range(6)]
    assert len(list((tmp_path / "store").glob("*.unusable-*"))) == 1
    anew = safetensors.torch.load(damaged.read_bytes())
    assert anew.keys() == whole.keys()
    assert all(torch.equal(anew[name], whole[name]) for name in whole)
    assert (tmp_path / "job/scores.csv").read_bytes() == (done[0] / "scores.csv").read_bytes()


def scaled_sides(features, member):
    """Training and test side (x, y) of a member, scaled by scikit-learn, and the training windows' trials."""
    scaler = MinMaxScaler().fit(features.x[member.train].astype(np.float64))
    sides = [
        (scaler.transform(features.x[rows]).astype(np.float32), features.y[rows])
        for rows in (member.train, member.test)
    ]
    return *sides, features.trial[member.train]


def inner_split(y, trial, n_folds=2):
    """The r-th trial of each class, by appearance, goes to inner fold r modulo the folds."""
    fold = np.empty(len(y), dtype=int)
    for label in np.unique(y):
        for rank, number in enumerate(dict.fromkeys(trial[y == label].tolist())):
            fold[trial == number] = rank % n_folds
    return PredefinedSplit(fold)


@pytest.mark.parametrize("inner", ["refit", "reuse"])
def test_without_augmentation_both_accuracies_are_those_of_scikit_learn(configure, features, tmp_path, inner):
    scores = job.run(configure(tmp_path, "model=none", f"evaluation.inner={inner}"))
    chosen = pd.read_csv(tmp_path / "job/selection.csv")
    table = np.empty((6, len(GRID)))
    for m, member in enumerate(members(features, "trials", 3)):
        (x, y), (x_test, y_test), trial = scaled_sides(features, member)
        table[m] = [SVC(C=c, kernel="linear").fit(x, y).score(x_test, y_test) for c in GRID]
        inner_x = features.x[member.train].astype(np.float64) if inner == "refit" else x
        split = inner_split(y, trial)
        sizes = np.bincount(split.test_fold)
        rates = [np.average(cross_val_score(machine(c, inner), inner_x, y, cv=split), weights=sizes) for c in GRID]
        honest = int(np.argmax(rates))
        assert scores.c[m] == GRID[honest]
        assert scores.accuracy[m] == pytest.approx(table[m, honest])
        assert chosen.accuracy_inner[m] == pytest.approx(rates[honest])
    for i, experiment in enumerate((slice(0, 3), slice(3, 6))):
        best = int(table[experiment].mean(0).argmax())
        assert list(scores.c_oracle[experiment]) == [GRID[best]] * 3, i
        np.testing.assert_allclose(scores.accuracy_oracle[experiment], table[experiment, best])


def machine(c, inner):
    """What is fitted in an inner fold: the scaler too, or the machine alone."""
    scaling = [MinMaxScaler(), FunctionTransformer(np.float32)] if inner == "refit" else []
    return make_pipeline(*scaling, SVC(C=c, kernel="linear"))


def test_with_augmentation_the_scores_are_those_of_windows_drawn_from_the_checkpoint(done, configure, features):
    folder, scores = done
    checkpoint = torch.load(folder / "checkpoint.ckpt", weights_only=True)
    augmenter = instantiate(configure(folder).model, _convert_="all")
    generators = [{name: value[m] for name, value in checkpoint["generator"].items()} for m in range(6)]
    augmenter.restore(generators, features=10, classes=3)
    y_new = balanced_labels(50, 3)
    draws = [torch.Generator().manual_seed(derived_seed(m["key"], "sample")) for m in checkpoint["members"]]
    x_new = augmenter.sample(torch.from_numpy(y_new).expand(6, -1), draws).numpy()
    rows = scores[scores.n_aug == 50]
    for m, member in enumerate(members(features, "trials", 3)):
        (x, y), (x_test, y_test), _ = scaled_sides(features, member)
        row = rows.iloc[m]
        for c, accuracy in ((row.c, row.accuracy), (row.c_oracle, row.accuracy_oracle)):
            machine = SVC(C=c, kernel="linear").fit(np.concatenate([x, x_new[m]]), np.concatenate([y, y_new]))
            assert accuracy == pytest.approx(machine.score(x_test, y_test))


def test_the_oracle_shares_its_c_among_the_folds_of_an_experiment(done):
    assert (done[1].groupby(["n_aug", "subject", "session"]).c_oracle.nunique() == 1).all()


def test_labels_that_mean_nothing_score_chance(configure, tmp_path):
    random = np.random.default_rng(0)
    subject, trial, _ = (index.ravel() for index in np.indices((10, 12, 4)))
    labels = np.stack([random.permutation(np.arange(12) % 3) for _ in range(10)])
    x = random.normal(size=(10, 12, 8))[subject, trial] + 0.1 * random.normal(size=(len(trial), 8))
    np.savez(tmp_path / "own.npz", x=x, y=labels[subject, trial], trial=trial, subject=subject)
    scores = job.run(
        configure(tmp_path, f"data.path={tmp_path / 'own.npz'}", "n_aug=[0,60]", "evaluation.c_exponents=[0,1]")
    )
    for _, rows in scores.groupby("n_aug"):  # windows of a trial all but coincide: any leak between sides scores near 1
        assert abs(rows.accuracy.mean() - 1 / 3) < 0.1


def test_no_augmentation_has_one_baseline_whatever_n_aug_asks(configure, tmp_path):
    scores = job.run(configure(tmp_path, "model=none"))
    assert set(scores.n_aug) == {0}
    assert not list((tmp_path / "store").glob("*.safetensors"))


def test_constant_features_of_a_training_set_are_named(configure, tmp_path, table, caplog):
    content = dict(np.load(table))
    constant = 3
    held_out = members(tables.load(table), "trials", 3)[1].test
    content["x"][:, constant] = 0
    content["x"][held_out, constant] = 1  # varies in the whole, but not where fold 1 of subject 1 trains
    np.savez(tmp_path / "own.npz", **content)
    with caplog.at_level("WARNING"):
        job.run(configure(tmp_path, "model=none", f"data.path={tmp_path / 'own.npz'}", "data.subjects=[1]"))
    assert caplog.text.count("features are constant in") == 1
    assert (
        "1 of 10 features are constant in some of the 3 training sets and count as 0 there: eeg_3 (in 1)" in caplog.text
    )


def test_scaling_with_test_windows_is_told_as_leaking(configure, tmp_path, caplog):
    with caplog.at_level("WARNING"):
        job.run(configure(tmp_path, "model=none", "scaling.fit_on=all"))
    assert "LEAK" in caplog.text
    assert read_run(tmp_path / "job")["scaling"] == {"fit_on": "all", "leaks": True}


def test_fits_of_a_classifier_that_do_not_converge_are_counted(configure, tmp_path, caplog):
    short = ["classifier=logistic_regression", "classifier.estimator.max_iter=1"]
    with caplog.at_level("INFO"):
        job.run(configure(tmp_path, "model=none", *short))
    assert "logistic_regression did not converge in 6 of 6 training sets, from c = 0.001" in caplog.text
    assert {m["first_c_not_converged"]["0"] for m in read_run(tmp_path / "job")["members"]} == {0.001}


def test_a_job_ends_by_telling_what_was_found_the_table_and_where_its_files_are(configure, tmp_path, caplog):
    with caplog.at_level("INFO"):
        job.run(configure(tmp_path, "n_aug=50"))
    told = [record.getMessage() for record in caplog.records if record.name.startswith("emogan")]
    assert told[0].startswith(
        "features: 2 subjects x 1 sessions = 2 experiments, 12 trials and 96 windows each; 10 fea"
    )
    table = told[-1].splitlines()
    assert [line.split()[0] for line in table if line.split()[:1] and line.split()[0].isdigit()] == ["0", "50"]
    assert str(tmp_path / "job") in table[-1]


def test_macro_f1_is_that_of_the_classes_that_a_fold_tests(tmp_path):
    where = [f"folder={tmp_path / 'job'}", f"store={tmp_path / 'store'}", "data.subjects=[1]", "data.sessions=[1]"]
    settings = ["evaluation.folds=random_9_3_3", "evaluation.c_exponents=[0,0]", "modality=eye", "model=none"]
    scores = job.run(composed("data=synthetic_seed_v", *settings, *where))
    confusion = pd.read_csv(tmp_path / "job/confusion.csv")
    count = confusion.pivot_table(index="label", columns="predicted", values="count", sort=False).to_numpy()
    tested = count.sum(1) > 0
    assert 1 < tested.sum() < 5
    f1 = 2 * np.diag(count) / (count.sum(0) + count.sum(1))
    assert scores.macro_f1.tolist() == pytest.approx([f1[tested].mean()])


def test_a_class_that_is_not_tested_is_warned_about(configure, table, tmp_path, caplog):
    content = dict(np.load(table))
    first = content["trial"] == content["trial"][content["y"] == 2].min()
    kept = (content["y"] != 2) | first
    np.savez(tmp_path / "few.npz", **{name: v[kept] if len(v) == len(kept) else v for name, v in content.items()})
    job.run(configure(tmp_path, "model=none", f"data.path={tmp_path / 'few.npz'}", "evaluation.folds=front_back"))
    assert re.search(r"some classes are trained on but not tested: \S+ \(in \d of \d experiments\)", caplog.text)


def test_trials_that_are_numbered_anew_in_each_class_are_warned_about(configure, table, tmp_path, caplog):
    content = dict(np.load(table))
    content["trial"] = content["trial"] % 2
    np.savez(tmp_path / "mixed.npz", **content)
    job.run(configure(tmp_path, "model=none", f"data.path={tmp_path / 'mixed.npz'}", "evaluation.n_folds=2"))
    assert re.search(r"\d+ of \d+ trials hold windows of several classes.* a number of its own", caplog.text)
