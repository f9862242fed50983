"""Every option found in conf/ composes, fits the function that it calls and works; so do the documented commands."""

import argparse
import importlib
import importlib.util
import inspect
import itertools
import re
import shlex
import warnings
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from composed import composed
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.utils import get_method, instantiate
from omegaconf import OmegaConf
from padded_sets import unpadded
from represented import represented
from sklearn.exceptions import ConvergenceWarning

from emogan.augmenters import Augmenter, GANAugmenter, Layout, NoAugmentation
from emogan.command_line import readable
from emogan.data.features import MODALITIES, FeatureSet
from emogan.data.folds import SPLITTERS, resolve
from emogan.data.members import members
from emogan.data.montage import EEG_FEATURES
from emogan.environment import config_dir
from emogan.evaluation import FitData
from emogan.jobs.settings import check_settings, check_values, with_gan_settings
from emogan.jobs.sharing import OWN_SETTINGS
from emogan.recordings.settings import Settings
from emogan.simulation import people

CHECKOUT = Path(__file__).parents[1]
REPORTED = CHECKOUT / "emogan/report/reported.csv"
GANS = (
    "cbegan", "cgan", "cwgan", "trial_cbegan", "cvae", "svae", "diffusion", "swgan", "recurrent_cbegan", "recurrent_cwgan"
)  # fmt: skip
COMPOSED = [f"emogan.{name}" for name in ("train", "simulate", "extract", "sample", "share", "check")]  # by Hydra
PARSED = [f"emogan.{name}" for name in ("report", "status", "benchmark", "examples.leak", "examples.autocorrelation")]


def options(group: str) -> list[str]:
    return sorted(file.stem for file in Path(config_dir(), group).glob("*.yaml"))


def configure(*overrides: str, name: str = "train"):
    """The configuration that a command with these overrides has, `hydra` node included."""
    return composed(*overrides, name=name, hydra=True)


def task(cfg):
    """Without the `hydra` node, and with a folder, as the job sees it."""
    cfg = OmegaConf.masked_copy(cfg, [key for key in cfg if key != "hydra"])
    cfg.folder = "folder"
    return cfg


def settings(node) -> dict:
    """The arguments of the call that a config node stands for."""
    return {name: value for name, value in OmegaConf.to_container(node).items() if not name.startswith("_")}


def test_conf_has_the_options_that_are_promised():
    assert {"synthetic", "seed", "seed_v", "seed_iv", "features", "raw"} <= set(options("data"))
    controls = {
        "duplicate", "noise", "rotation", "recombination", "mixup", "smote", "gaussian", "random_effects"
    }  # fmt: skip
    assert {"none", *GANS, *controls} <= set(options("model"))
    assert {"nested", "paper"} <= set(options("evaluation"))
    assert {"linear_svm", "rbf_svm", "logistic_regression", "lda", "random_forest", "mlp", "gru", "trial_vote"} <= set(
        options("classifier")
    )
    assert {"quick", "grid", "random"} <= set(options("experiment"))
    assert options("machine") == ["here", "laptop", "slurm"]
    assert {"paper", "front_back", "leave_session_out", "leave_subject_out", "trials"} <= set(SPLITTERS)


def test_the_defaults_are_settings_that_a_job_accepts():
    assert check_settings(task(configure())) == [0, 50, 200, 600, 2000]


@pytest.mark.parametrize("name", options("data"))
def test_every_data_option_is_a_call_of_its_loader(name):
    cfg = task(configure(f"data={name}", "modality=eye"))
    assert cfg.data.modality == "eye"
    assert {"subjects", "sessions"} <= cfg.data.keys()
    assert OmegaConf.missing_keys(cfg) <= {"data.root", "data.path", "data.recordings", "data.trials"}
    arguments = settings(cfg.data)
    signature = inspect.signature(get_method(cfg.data._target_))
    signature.bind(**arguments)
    assert set(arguments) == set(signature.parameters), (
        "an argument that the YAML does not name has no documented default"
    )


@pytest.mark.parametrize(
    "name", [name for name in options("data") if not OmegaConf.missing_keys(configure(f"data={name}").data)]
)
def test_every_data_option_that_needs_no_files_loads_every_modality(name):
    for modality in MODALITIES:
        cfg = task(configure(f"data={name}", f"modality={modality}"))
        features = instantiate(cfg.data, _convert_="all")
        assert isinstance(features, FeatureSet)
        assert set(features.modalities) == set(modality.split("_"))


REFUSED = {  # data sets whose sessions lack classes, or have other numbers of trials of each
    "seed_ger": {"paper"}, "seed_vii": set(SPLITTERS) - {"leave_subject_out", "quarters"},
}  # fmt: skip


@pytest.mark.parametrize("preset", people.PRESETS)
@pytest.mark.parametrize("folds", ["auto", *SPLITTERS])
def test_every_kind_of_folds_splits_every_simulated_data_set_or_says_what_it_lacks(preset, folds):
    cfg = task(configure(f"data.preset={preset}", "data.subjects=[1,2]", "data.sessions=[1,2]", "modality=eye"))
    features = instantiate(cfg.data, _convert_="all")
    n_folds = 3 if preset == "seed_v" else cfg.evaluation.n_folds
    if folds in REFUSED.get(preset, ()):
        with pytest.raises(ValueError, match=r"expect(s|ed) (at least|the same number of|windows of every class)"):
            members(features, folds, n_folds)
        return
    found = members(features, resolve(folds, features), n_folds)
    assert folds != "auto" or resolve(folds, features) == (people.PRESETS[preset].own_folds or "trials")
    assert sorted({m.subject for m in found}) == [1, 2]


@pytest.mark.parametrize("name", sorted(set(options("model")) - {"person_effects"}))  # which takes several people
def test_every_model_option_fits_and_samples(name):
    cfg = task(configure(f"model={name}"))
    assert cfg.model.name == name
    if "iterations" in cfg.model:
        cfg.model.iterations = 2
    augmenter = instantiate(cfg.model, _convert_="all")
    assert isinstance(augmenter, Augmenter)
    x = torch.rand(2, 12, 5, generator=torch.Generator().manual_seed(0))
    y = torch.arange(12).expand(2, -1) % 3
    layout = Layout(EEG_FEATURES[:5], {"eeg": slice(0, 5)})
    sets = unpadded(x, y, [12, 9], torch.arange(12).expand(2, -1) // 2)
    for candidate in augmenter.candidates():
        candidate.fit(sets, [1, 2], layout=layout)
        n = 0 if isinstance(candidate, NoAugmentation) else 7
        drawn = candidate.sample(y[:, :n], torch.Generator().manual_seed(0))
        assert drawn.shape == (2, n, 5)
        assert drawn.isfinite().all()


@pytest.mark.parametrize("name", options("model"))
def test_settings_of_gans_reach_every_gan_and_no_other_model(name):
    given = {"iterations": 7, "hidden": [60, 50], "selection": "density", "plateau_tolerance": 0.5}
    cfg = task(configure(f"model={name}"))
    assert with_gan_settings(cfg).model == cfg.model, "null leaves a model its own"
    cfg.gan.update(given)
    found = with_gan_settings(cfg).model
    assert found == (OmegaConf.merge(cfg.model, given) if name in GANS else cfg.model)


def test_what_gans_may_be_given_is_what_all_of_them_have():
    shared = OmegaConf.load(Path(config_dir(), "gan.yaml")).keys() - {"_target_", "optimizer"}
    assert task(configure()).gan.keys() == shared


@pytest.mark.parametrize("name", options("classifier"))
def test_every_classifier_predicts_at_every_value_of_its_parameter(name):
    if name == "dgcnn":
        pytest.importorskip("torcheeg")
    cfg = task(configure(f"classifier={name}")).classifier
    if "max_updates" in cfg:
        cfg.max_updates = 60
    if "n_estimators" in cfg.get("estimator", {}):
        cfg.estimator.n_estimators = 20
    classifier = instantiate(cfg, _convert_="all")
    assert classifier.name == name
    random = np.random.default_rng(0)
    y = np.arange(90) % 3
    x = (random.normal(size=(90, 4)) + 3 * np.eye(4)[y]).astype(np.float32)
    names = ("FP1_delta", "FP1_theta", "FP2_delta", "FP2_theta")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        short, long = classifier.paths(FitData(x, y, [45, 60], x[60:], feature_names=names))
    assert short.predictions.shape == long.predictions.shape == (len(classifier.values), 30)
    assert ((long.predictions == y[60:]).mean(1).max()) > 0.7


def test_the_settings_of_features_of_recordings_are_one_set_wherever_they_are_given():
    names = {field.name for field in fields(Settings)}
    given = task(configure("data=raw")).data["settings"]
    command = configure(name="extract")
    assert set(given) == names
    assert {name: command[name] for name in names} == given
    assert set(command) - names == {"recordings", "trials", "out", "jobs", "pictures", "hydra"}
    Settings.of(OmegaConf.to_container(given))


def test_an_unknown_classifier_parameter_is_refused():
    with pytest.raises(HydraException, match="kernal"):
        configure("classifier=rbf_svm", "classifier.kernal=rbf")


@pytest.mark.parametrize("name", options("evaluation"))
def test_every_evaluation_is_one_that_a_job_accepts(name):
    cfg = task(configure(f"evaluation={name}"))
    check_settings(cfg)
    assert cfg.evaluation.keys() == task(configure()).evaluation.keys()


@pytest.mark.parametrize("name", options("data"))
def test_a_data_set_changes_no_setting_of_another_group(name):
    cfg, default = task(configure(f"data={name}")), task(configure())
    for one in (cfg, default):
        del one.data
    assert cfg == default


@pytest.mark.parametrize("name", options("machine"))
def test_every_machine_is_one_that_a_job_accepts_and_changes_nothing_but_where_it_runs(name):
    cfg, default = task(configure(f"machine={name}")), task(configure())
    check_settings(cfg)
    assert cfg.machine.keys() == default.machine.keys()
    for one in (cfg, default):
        del one.machine
    assert cfg == default


def test_every_machine_but_here_has_a_launcher_that_takes_its_settings():
    launchers = {name: configure(f"machine={name}").hydra.launcher for name in options("machine")}
    kinds = {name: launcher._target_.split(".")[-1] for name, launcher in launchers.items()}
    assert kinds == {"here": "BasicLauncher", "laptop": "JoblibLauncher", "slurm": "SlurmLauncher"}
    assert configure("machine=slurm", "machine.threads=3").hydra.launcher.cpus_per_task == 3


@pytest.mark.parametrize("name", GANS)
def test_every_setting_of_a_gan_stands_in_its_yaml(name):
    cfg = task(configure(f"model={name}"))
    gan = instantiate(cfg.model.gan)
    named = {
        parameter.name
        for kind in gan.__mro__
        for parameter in inspect.signature(kind.__init__).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY and kind.__module__.startswith("emogan")
    }
    named.remove("seeds")  # they are derived from the job's
    assert named - set(gan.derived) <= set(settings(cfg.model)), "a default that the YAML does not show"


# The models that rivals.yaml sweeps are nearly all of comparison.yaml's.
@pytest.mark.parametrize("name", represented(options("experiment"), by=set(options("experiment")) - {"rivals"}))
def test_every_experiment_composes_with_each_value_that_it_sweeps(name):
    cfg = configure(f"experiment={name}")
    sweep = dict(cfg.hydra.sweeper.get("params") or {})
    assert bool(sweep) == (cfg.hydra.mode is not None)
    parsed = OverridesParser.create().parse_overrides([f"{key}={values}" for key, values in sweep.items()])
    values = {key: list(override.sweep_string_iterator()) for key, override in zip(sweep, parsed, strict=True)}
    assert all(len(choices) == len(set(choices)) for choices in values.values())
    swept = {tuple(f"{k}={v if k == key else values[k][0]}" for k in sweep) for key in sweep for v in values[key]}
    swept = swept or {()}
    jobs = set()
    for overrides in swept:
        one = task(configure(f"experiment={name}", *overrides))
        check_settings(one)
        augmenter, shapes = instantiate(one.model, _convert_="all"), None
        if isinstance(augmenter, GANAugmenter):
            gan = augmenter.build(members=1, features=4, classes=3)
            shapes = str([tuple(p.shape) for p in gan.parameters()]), augmenter.training["iterations"]
        jobs.add((augmenter.name, shapes, str(one.data), one.modality))
    assert len(jobs) == len(swept), "two jobs of a sweep do the same"


@pytest.mark.parametrize(("number", "dataset", "subjects"), [(1, "seed", 9), (2, "seed_v", 16)])
def test_the_tables_are_the_papers_cells(number, dataset, subjects):
    cfg, paper = configure(f"experiment=table{number}"), pd.read_csv(REPORTED).query(f"table == {number}")
    sweep = {
        key: OverridesParser.create().parse_override(f"{key}={values}")
        for key, values in cfg.hydra.sweeper.params.items()
    }
    assert cfg.data.preset == dataset
    assert cfg.data.sessions is None
    assert sorted(cfg.n_aug) == sorted(set(paper.n_aug))
    assert set(sweep["model"].sweep_string_iterator()) == set(paper.model)
    assert set(sweep["modality"].sweep_string_iterator()) == set(paper.modality)
    assert list(itertools.chain(*sweep["data.subjects"].sweep_iterator())) == list(range(1, subjects + 1))


def test_the_grid_is_the_papers_layers_of_both_networks_by_nodes():
    params = configure("experiment=grid").hydra.sweeper.params
    assert params["model.layers"] == "2,3,4"
    assert min(map(int, params["model.hidden"].split(","))) == 50
    assert max(map(int, params["model.hidden"].split(","))) == 600


@pytest.mark.parametrize(
    ("name", "left_out"), [("comparison", {"svae", "swgan"}), ("rivals", {"rotation", "recombination"})]
)
def test_comparisons_are_of_every_model_that_needs_no_donors(name, left_out):
    compared = configure(f"experiment={name}").hydra.sweeper.params.model.split(",")
    assert set(compared) == set(options("model")) - {"donor_windows", "person_effects"} - left_out


@pytest.mark.parametrize("model", represented(GANS, by=("cwgan", "recurrent_cbegan")))
def test_experiments_that_sweep_take_any_gan(model):
    for name in ("grid", "random"):
        assert configure(f"experiment={name}", f"model={model}").model.name == model


def test_an_experiment_gives_way_to_the_command_line():
    cfg = configure("experiment=quick", "modality=eye", "n_aug=7", "model=cwgan", "data.subjects=[2]")
    assert (cfg.modality, cfg.n_aug, cfg.model.name, cfg.data.subjects) == ("eye", 7, "cwgan", [2])


def readme_commands() -> list[str]:
    """The commands of the README's fenced blocks, without prompts and comments."""
    fences = re.findall(r"^```[a-z]*\n(.*?)^```", (CHECKOUT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    lines = "\n".join(fences).replace("\\\n", " ").splitlines()
    return [line.removeprefix("$ ").strip() for line in lines]


def documented_commands() -> list[str]:
    """Those of the README and of the documentation's consoles."""
    block = re.compile(r"^\.\. code-block:: console\n\n((?:   .+\n)+)", re.MULTILINE)
    pages = [page.read_text() for page in sorted((CHECKOUT / "docs").rglob("*.rst"))]
    lines = [line.strip() for page in pages for found in block.findall(page) for line in found.splitlines()]
    lines = [line for line in lines if "--config-dir" not in line]  # test_extending.py runs those
    assert lines
    return list(dict.fromkeys([*readme_commands(), *lines]))


def test_the_readme_has_the_commands_of_the_first_screen():
    found = "\n".join(readme_commands())
    assert "make demo" in found
    assert "python -m emogan.train -m model=cbegan n_aug=50,200,2000" in found
    assert "python -m emogan.simulate" in (CHECKOUT / "README.md").read_text()


def documented(*modules: str) -> list[list[str]]:
    """The words of the documented commands of some modules, from the module on."""
    found = [re.match(r"(?:\S*python -m )?(emogan\S*.*)", command) for command in documented_commands()]
    commands = [shlex.split(command[1], comments=True) for command in found if command]
    return [words for words in commands if words[0] in modules]


def test_every_documented_command_is_tested():
    found = documented(*COMPOSED, *PARSED)
    assert len(found) == len([c for c in documented_commands() if re.match(r"(\S*python -m )?emogan", c)])
    assert {words[0] for words in found} == {*COMPOSED, *PARSED}


@pytest.mark.parametrize("words", documented(*PARSED), ids=" ".join)
def test_the_documented_options_are_known(words, monkeypatch):
    def parse_alone(parser, arguments=None, namespace=None):
        parse(parser, arguments, namespace)
        raise EOFError

    parse = argparse.ArgumentParser.parse_args
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_alone)
    module, *arguments = words
    name = f"{module}.__main__" if importlib.util.find_spec(module).submodule_search_locations else module
    with pytest.raises(EOFError):
        importlib.import_module(name).main(arguments)


@pytest.mark.parametrize("words", documented(*COMPOSED), ids=" ".join)
def test_the_documented_commands_compose(words):
    module = words[0]
    sweep = ["-m"] if "-m" in words else []
    overrides = readable([*sweep, *(word for word in words if "=" in word)])[len(sweep) :]
    parsed = OverridesParser.create().parse_overrides(overrides)
    choices = [list(o.sweep_string_iterator()) if o.is_sweep_override() else [o.get_value_string()] for o in parsed]
    for values in itertools.product(*choices):
        chosen = [f"{o.key_or_group}={value}" for o, value in zip(parsed, values, strict=True)]
        if module == "emogan.simulate":
            assert configure(*chosen, name="simulate").root == "DIR"
        elif module == "emogan.check":
            assert configure(*chosen, name="check").data.root == "DIR"
        elif module == "emogan.extract":
            cfg = configure(*chosen, name="extract")
            Settings.of(OmegaConf.to_container(OmegaConf.masked_copy(cfg, [field.name for field in fields(Settings)])))
        elif module == "emogan.sample":
            assert OmegaConf.missing_keys(task(configure(*chosen, name="sample"))).isdisjoint({"checkpoint", "out"})
        elif module == "emogan.share":
            check_values(task(configure(*chosen, name="share")), OWN_SETTINGS, "share")
        else:
            cfg = task(configure(*chosen))
            check_settings(cfg)
            get_method(cfg.data._target_)
            instantiate(cfg.model, _convert_="all")


@pytest.mark.parametrize("command", [c for c in documented_commands() if c.startswith("make ")])
def test_the_documented_targets_stand_in_the_makefile(command):
    target = shlex.split(command, comments=True)[1]
    assert re.search(rf"^{re.escape(target)}:", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
