"""DataModules of the data sets: the sets that a job trains on, split by whole trials, in any Trainer."""

import csv
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType

import lightning
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from represented import represented

import emogan
from emogan import CBEGAN, ExperimentDataModule, SyntheticDataModule, TableDataModule
from emogan.analysis.agreement import agreement, spread
from emogan.data import faced, named
from emogan.data import table as tables
from emogan.data.scaling import MinMaxScaler
from emogan.data.seed import seed, seed_fra, seed_ger, seed_iv, seed_v, seed_vii
from emogan.jobs import job
from emogan.recordings import amigos, deap, dreamer, mahnob
from emogan.simulation import people

CHECKOUT = Path(__file__).parents[2]
LOADERS = {
    "SEEDDataModule": seed.load, "SEEDVDataModule": seed_v.load, "SEEDIVDataModule": seed_iv.load,
    "SEEDVIIDataModule": seed_vii.load, "SEEDFRADataModule": seed_fra.load, "SEEDGERDataModule": seed_ger.load,
    "SyntheticDataModule": people.load, "TableDataModule": tables.load, "FACEDDataModule": faced.load,
    "DEAPDataModule": deap.load, "DREAMERDataModule": dreamer.load, "AMIGOSDataModule": amigos.load,
    "MAHNOBDataModule": mahnob.load,
}  # fmt: skip


@pytest.fixture
def own(table):
    """``own(**settings)``: a DataModule of the table that the tests of jobs have."""
    return lambda **settings: TableDataModule(table, **{"folds": "trials", "n_folds": 3, **settings})


def test_training_sets_are_whole_trials_scaled_by_their_own_windows(own):
    data = own(subject=1)
    assert (data.members, data.features, data.classes) == (3, 10, 3)
    for split, one in zip(data.splits, data.batches.sets, strict=True):
        assert not set(data.feature_set.trial_ids()[split.train]) & set(data.feature_set.trial_ids()[split.test])
        assert (one.x.min(), one.x.max()) == (0, 1)
        np.testing.assert_allclose(one.scaler.inverse(one.x.astype(float)), data.feature_set.x[split.train], atol=1e-5)


def test_the_windows_are_taken_off_the_device_after_training(own, monkeypatch):
    data, freed = own(subject=1, iterations=2), []
    monkeypatch.setattr(data.batches, "teardown", freed.append)
    lightning.Trainer(max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False).fit(
        CBEGAN.for_data(data, hidden=8), data
    )
    assert freed == ["fit"]


def test_one_fold_is_one_member_and_several_experiments_are_stacked(own):
    whole, one = own(), own(subject=2, fold=1)
    assert (whole.members, one.members) == (6, 1)
    np.testing.assert_array_equal(one.batches.x[0], whole.batches.x[4])
    with pytest.raises(ValueError, match=r"expected one of the folds \[0, 1, 2\], got fold=7"):
        _ = own(fold=7).members


def test_held_out_windows_come_with_labels_and_trials_in_the_scaling_of_training(own):
    data = own(subject=1)
    for member, (split, held_out) in enumerate(zip(data.splits, data.test_dataloader(), strict=True)):
        assert held_out.member == member
        np.testing.assert_array_equal(held_out.y, data.feature_set.y[split.test])
        np.testing.assert_array_equal(held_out.trial, data.feature_set.trial_ids()[split.test])
        z = (data.feature_set.x[split.test] - data.scalers[member].minimum) / data.scalers[member].span
        np.testing.assert_allclose(held_out.x, z, rtol=1e-5, atol=1e-6)


def test_the_gan_is_the_one_that_a_job_fits_to_the_same_training_sets(own, configure, tmp_path):
    cfg = configure(tmp_path, "model=cbegan", "model.iterations=6", "model.hidden=8")
    job.run(cfg)
    fitted = json.loads((tmp_path / "job/run.json").read_text())["members"]
    data = own(seeds=[one["training_seed"] for one in fitted], iterations=6)
    model = CBEGAN.for_data(data, hidden=8)
    logger = CSVLogger(tmp_path, name="")
    lightning.Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=logger,
        log_every_n_steps=3,
        enable_progress_bar=False,
        default_root_dir=tmp_path,
    ).fit(model, data)
    checkpoint = torch.load(tmp_path / "job/checkpoint.ckpt", weights_only=True)
    for name, value in checkpoint["generator"].items():
        assert torch.equal(model.generator.state_dict()[name], value), name
    assert "m_global" in Path(logger.log_dir, "metrics.csv").read_text()


def test_predicting_gives_windows_of_every_class(own):
    data = own(subject=1)
    trainer = lightning.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False)
    (windows,) = trainer.predict(CBEGAN.for_data(data, hidden=8), data)
    assert windows.shape == (3, int(data.batches.n.max()), 10)


def test_simulated_data_need_no_files():
    data = SyntheticDataModule(preset="seed", modality="eye", subject=1, session=1, fold=2)
    assert (data.members, data.features, data.classes, data.class_names) == (
        1,
        41,
        3,
        ("negative", "neutral", "positive"),
    )


def trainer(folder, *callbacks, **options):
    quiet = dict.fromkeys(("enable_progress_bar", "enable_model_summary", "logger"), False)
    return lightning.Trainer(
        **{"max_epochs": 1, "accelerator": "cpu", "default_root_dir": folder, **quiet, **options},
        callbacks=list(callbacks),
    )


@pytest.mark.parametrize(("validation", "trials"), [(1, 1), (2, 2), (0.3, 1), (0.6, 2), (0.01, 1)])
def test_whole_training_trials_of_each_class_validate_and_are_neither_trained_on_nor_scaled_by(own, validation, trials):
    data, whole = own(validation=validation, n_folds=4), own(n_folds=4)
    number, y = data.feature_set.trial_ids(), data.feature_set.y
    for m, (split, before) in enumerate(zip(data.splits, whole.splits, strict=True)):
        held_out = data.validation_rows[m]
        np.testing.assert_array_equal(np.sort(np.concatenate([split.train, held_out])), before.train)
        np.testing.assert_array_equal(split.test, before.test)
        assert not set(number[held_out]) & set(number[split.train])
        classes = [y[number == one][0] for one in set(number[held_out])]
        assert np.bincount(classes).tolist() == [trials] * 3
        np.testing.assert_array_equal(data.batches.sets[m].rows, split.train)
        np.testing.assert_array_equal(data.scalers[m].span, MinMaxScaler.fit(data.feature_set.x[split.train]).span)


def test_validation_windows_come_in_the_scaling_of_training_and_nothing_comes_without_them(own):
    data = own(subject=1, validation=1)
    for member, (rows, held_out) in enumerate(zip(data.validation_rows, data.val_dataloader(), strict=True)):
        assert held_out.member == member
        np.testing.assert_array_equal(held_out.y, data.feature_set.y[rows])
        np.testing.assert_array_equal(held_out.trial, data.feature_set.trial_ids()[rows])
        z = (data.feature_set.x[rows] - data.scalers[member].minimum) / data.scalers[member].span
        np.testing.assert_allclose(held_out.x, z, rtol=1e-5, atol=1e-6)
    assert list(own().val_dataloader()) == []


def test_the_same_trials_validate_whoever_else_is_there(own):
    whole, alone = own(validation=1), own(subject=2, validation=1)
    for m in range(3):
        np.testing.assert_array_equal(
            whole.feature_set.x[whole.validation_rows[3 + m]], alone.feature_set.x[alone.validation_rows[m]]
        )


@pytest.mark.parametrize("folds", ["front_back", "leave_subject_out"])
def test_every_kind_of_folds_holds_trials_out(table, folds):
    data = TableDataModule(table, folds=folds, validation=1)
    for split, held_out in zip(data.splits, data.validation_rows, strict=True):
        experiments = set(data.feature_set.subject[split.train])
        assert len(set(data.feature_set.trial_ids()[held_out])) == 3 * len(experiments)
        assert set(data.feature_set.subject[held_out]) == experiments


def test_impossible_validation_is_refused(own):
    for impossible in (-1, 1.5, True, "1", None):
        with pytest.raises(ValueError, match="validation: expected an integer >= 0 or a number > 0 and < 1"):
            own(validation=impossible)
    with pytest.raises(
        ValueError, match=r"validation=3: .* got 3 of negative in subject 1, session 1, fold 0, of which 3"
    ):
        _ = own(validation=3, n_folds=4).splits
    with pytest.raises(ValueError, match="iterations: expected an integer >= 1, got 0"):
        own(iterations=0)


@pytest.mark.parametrize(
    "gan",
    represented(["CBEGAN", "CGAN", "CWGAN", "TrialCBEGAN", "CVAE", "Diffusion"], by=["CBEGAN", "TrialCBEGAN"]),
)
def test_validation_logs_how_synthetic_windows_agree_with_held_out_ones(own, gan, tmp_path):
    data, logger = own(subject=1, validation=1, iterations=12), CSVLogger(tmp_path, name="")
    model = getattr(emogan, gan).for_data(data, hidden=8)
    fitting = trainer(tmp_path, logger=logger, val_check_interval=4, log_every_n_steps=4, enable_checkpointing=False)
    fitting.fit(model, data)
    noise = torch.rand(128, model.noise_features, generator=torch.Generator().manual_seed(0)) * 2 - 1
    each = []
    for member, held_out in enumerate(data.val_dataloader()):
        drawn = torch.stack([
            model.eval()(noise.expand(3, -1, -1), torch.full((3, 128), k))[member].detach() for k in range(3)
        ])  # fmt: skip
        each.append(agreement(held_out.x, held_out.y, drawn.mean(1), spread(drawn)))
    for name in ("mean_error", "separation", "spread"):
        values = [one[name] for one in each]
        for suffix, value in (("", np.mean(values)), ("/lowest", min(values)), ("/highest", max(values))):
            assert fitting.callback_metrics[f"val_{name}{suffix}"] == pytest.approx(value, rel=1e-4)
    with open(f"{logger.log_dir}/metrics.csv") as file:
        rows = [row for row in csv.DictReader(file) if row["val_mean_error"]]
    assert [float(row["step"]) for row in rows] == [4, 8, 12]


def test_a_members_figures_do_not_depend_on_the_others(own, tmp_path):
    class Figures(lightning.Callback):
        def on_test_batch_end(self, trainer, module, outputs, batch, batch_idx):
            self.found = {**getattr(self, "found", {}), batch.member: outputs}

    def tested(**settings):
        data, figures = own(subject=1, iterations=5, **settings), Figures()
        model = CBEGAN.for_data(data, hidden=8)
        trainer(tmp_path, enable_checkpointing=False).fit(model, data)
        logged = trainer(tmp_path, figures).test(model, data, verbose=False)[0]
        return figures.found, logged

    (stack, of_stack), (single, of_single) = tested(), tested(fold=1, seeds=[1])
    assert single[0] == pytest.approx(stack[1], rel=1e-5)
    assert of_single == pytest.approx({f"test_{name}": value for name, value in single[0].items()})
    assert of_stack["test_spread/lowest"] == pytest.approx(min(one["spread"] for one in stack.values()))


def test_validating_changes_nothing_of_the_training(own, tmp_path):
    def trained(**options):
        data = own(subject=1, validation=1, iterations=6)
        model = CBEGAN.for_data(data, hidden=8)
        trainer(tmp_path, enable_checkpointing=False, **options).fit(model, data)
        return model.state_dict()

    with_it, without = trained(val_check_interval=2), trained(limit_val_batches=0)
    assert all(torch.equal(value, without[name]) for name, value in with_it.items())


def test_checkpoints_and_early_stopping_follow_the_validation_trials(own, tmp_path):
    data = own(subject=1, fold=0, validation=1, iterations=400)
    model = CBEGAN.for_data(data, hidden=8, learning_rate=0.005)
    best = ModelCheckpoint(tmp_path / "best", monitor="val_mean_error", filename="{step}")
    stopping = EarlyStopping("val_mean_error", patience=2)
    fitting = trainer(tmp_path, best, stopping, val_check_interval=20)
    fitting.fit(model, data)
    done = fitting.fit_loop.total_batch_idx + 1
    assert done < 400
    assert done % 20 == 0
    kept = CBEGAN.load_from_checkpoint(best.best_model_path, map_location="cpu", weights_only=True)
    (again,) = trainer(tmp_path).validate(kept, data, verbose=False)
    assert again["val_mean_error"] == pytest.approx(float(best.best_model_score), rel=1e-4)
    assert again["val_mean_error"] < float(fitting.callback_metrics["val_mean_error"])


def test_a_data_module_shows_its_settings_without_loading_and_its_numbers_once_loaded(table):
    data = TableDataModule("nowhere.csv", subject=3, validation=0.2)
    assert repr(data) == str(data) == "TableDataModule(path='nowhere.csv', subject=3, validation=0.2)"
    data = ExperimentDataModule(tables.load, path="x.npz", session=[1, 2], seeds=[4])
    shown = "ExperimentDataModule(loader=emogan.data.table.load, session=[1, 2], seeds=[4], path='x.npz')"
    assert repr(data) == shown
    data = TableDataModule(table, subject=1, n_folds=4)
    assert data.members == 4
    assert repr(data).endswith(", subject=1, n_folds=4): 4 members, 10 features, 3 classes")


def test_a_data_module_tells_what_its_windows_are(own):
    data = own(subject=1)
    assert data.feature_names == data.feature_set.feature_names
    assert data.class_names == ("negative", "neutral", "positive")
    assert dict(data.modalities) == {"eeg": slice(0, 6), "eye": slice(6, 10)}


@pytest.mark.parametrize("name", LOADERS)
def test_every_setting_of_a_data_set_is_in_the_signature_and_the_docstring_with_its_default(name):
    module = getattr(emogan, name)
    parameters = inspect.signature(module).parameters
    columns = {name: f"{name}_column" for name in ("subject", "session", "stimulus")}  # those of a table
    expected = {columns.get(key, key): one.default for key, one in inspect.signature(LOADERS[name]).parameters.items()}
    del expected["subjects"], expected["sessions"]
    if "settings" in expected:  # of signals, whose features are extracted
        dataset = name.removesuffix("DataModule").lower()
        expected |= {"settings": MappingProxyType({}), "cache": named.settings_of(dataset)["cache"]}
    common = inspect.signature(ExperimentDataModule).parameters
    expected |= {key: one.default for key, one in common.items() if key not in ("loader", "settings")}
    assert {key: one.default for key, one in parameters.items()} == expected
    described = re.findall(r"^([a-z_, ]+)$", module.__doc__, re.MULTILINE)
    assert {key for line in described for key in line.split(", ")} >= set(parameters)


def test_signals_are_extracted_with_the_settings_of_the_data_set_but_for_those_that_are_given(monkeypatch):
    asked = {}
    monkeypatch.setattr(named, "call", asked.update)
    with pytest.raises(ValueError, match="expected a loader that returns"):
        _ = emogan.MAHNOBDataModule("DIR", subject=3, leave_out=[1200], settings={"window_s": 2}).feature_set
    assert (asked["root"], asked["subjects"], asked["sessions"], asked["leave_out"]) == ("DIR", [3], None, [1200])
    assert asked["settings"] == {**named.settings_of("mahnob")["settings"], "window_s": 2}
    assert asked["settings"]["reference"] == "average"
    with pytest.raises(ValueError, match="jobs: expected an integer >= 1, got 0"):
        emogan.DEAPDataModule("DIR", jobs=0)


def test_columns_of_a_table_may_have_other_names(table, tmp_path):
    content = np.load(table)
    rows = [dict(zip(content["feature_names"], x, strict=True)) for x in content["x"].tolist()]
    names = {"emotion": "y", "clip": "trial", "person": "subject", "day": "session", "film": "trial"}
    with open(tmp_path / "own.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, [*names, *content["feature_names"]])
        writer.writeheader()
        for i, row in enumerate(rows):
            writer.writerow(row | {name: int(content[column][i]) for name, column in names.items()})
    data = TableDataModule(
        tmp_path / "own.csv", label="emotion", trial="clip", subject_column="person", session_column="day",
        stimulus_column="film", eye=["eye_*"], subject=2, folds="trials", n_folds=3, modality="eye",
    )  # fmt: skip
    assert (data.members, data.features, data.feature_names[0]) == (3, 4, "eye_0")
    assert np.array_equal(data.feature_set.stimulus, data.feature_set.trial)


@pytest.mark.slow
def test_the_lines_of_the_guide_run_as_printed(tmp_path):
    page = (CHECKOUT / "docs/trainer.rst").read_text()
    code = "\n".join(re.findall(r"code-block:: python\n\n((?:   .*\n|\n)+)", page))
    lines = "\n".join(line.removeprefix("   ") for line in code.splitlines())
    done = subprocess.run(
        [sys.executable, "-c", lines], cwd=tmp_path, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "test_mean_error" in done.stdout


CHOICES = ("modality", "feature", "eeg_source", "eeg_order", "preset", "classes", "target")


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        (name, setting)
        for name in LOADERS
        for setting in CHOICES
        if name != "TableDataModule" and setting in inspect.signature(getattr(emogan, name)).parameters
    ],
)
def test_a_value_that_is_no_choice_is_refused_before_anything_is_read(name, setting, tmp_path):
    root = {} if name == "SyntheticDataModule" else {"root": tmp_path}
    with pytest.raises(ValueError, match=rf"^{setting}: expected .* \| .*got 'neither'"):
        getattr(emogan, name)(**root, **{setting: "neither"})
