"""Fitting members in groups: what is trained, kept and taken from the store."""

import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from records import assert_same_records
from represented import represented

from emogan.augmenters import GANAugmenter
from emogan.augmenters import fit as fitting
from emogan.data.scaling import MinMaxScaler
from emogan.data.training_set import FineTuning, TrainingSet
from emogan.models import CBEGAN, CGAN, CVAE, CWGAN, Diffusion, RecurrentCBEGAN, TrialCBEGAN
from emogan.store import Store
from emogan.training.checkpoint import Checkpoints


def make_set(seed: int, n: int) -> TrainingSet:
    random = np.random.default_rng(seed)
    x = random.random((n, 7)).astype(np.float32)
    rows = np.arange(n)
    return TrainingSet(rows, rows, MinMaxScaler(np.zeros(7), np.ones(7)), x, rows % 3, rows // 4)


@pytest.fixture
def sets():
    """Training sets of five members of different sizes."""
    return [make_set(m, n) for m, n in enumerate((31, 40, 57, 64, 33))]


def make_augmenter(gan=CBEGAN, **settings):
    return GANAugmenter(gan, name="gan", **{"iterations": 5, "hidden": 20, "batch_size": 16, **settings})


def fit(sets, store, augmenter=None, *, seed=0, kept=None, **options):
    return fitting.fit(
        augmenter or make_augmenter(), sets, 3, [seed] * len(sets), store, kept=range(kept or len(sets)), **options
    )


@pytest.mark.parametrize(
    "gan",
    represented(
        [CBEGAN, CWGAN, CGAN, TrialCBEGAN, CVAE, Diffusion, RecurrentCBEGAN], by=[CBEGAN, TrialCBEGAN, RecurrentCBEGAN]
    ),
)
def test_group_size_changes_no_bit_of_any_record(sets, tmp_path, gan):
    at_once = Store(tmp_path / "once")
    keys = fit(sets[:3], at_once, make_augmenter(gan)).keys
    for size in (1, 2):
        grouped = Store(tmp_path / f"groups_of_{size}")
        assert fit(sets[:3], grouped, make_augmenter(gan), group_size=size).keys == keys
        assert_same_records(grouped, at_once, keys)


def test_only_members_that_the_store_lacks_are_trained(sets, tmp_path):
    store = Store(tmp_path)
    assert fit(sets[1:3], store).trained == [0, 1]
    fits = fit(sets, store)
    assert fits.trained == [0, 3, 4]
    assert [group["members"] for group in fits.states] == [[0, 3, 4]]
    assert fit(sets, store).trained == []
    assert len(list(tmp_path.glob("*.safetensors"))) == 5


def test_whole_networks_are_kept_of_the_first_members_alone(sets, tmp_path):
    (whole,) = fit(sets, Store(tmp_path / "whole")).states
    parts = fit(sets, Store(tmp_path / "parts"), group_size=2, kept=3).states
    assert [part["members"] for part in parts] == [[0, 1], [2]]
    for part in parts:
        rows = part["members"]
        assert all(torch.equal(value, whole["state_dict"][name][rows]) for name, value in part["state_dict"].items())
        for one, other in zip(part["optimizers"], whole["optimizers"], strict=True):
            for i, state in one["state"].items():
                assert torch.equal(state["exp_avg"], other["state"][i]["exp_avg"][rows])
                assert torch.equal(state["step"], other["state"][i]["step"])


def test_generators_come_back_from_the_store_in_the_members_order(sets, tmp_path):
    trained, restored = make_augmenter(), make_augmenter()
    fit(sets, Store(tmp_path), trained)
    fits = fit([sets[i] for i in (3, 0, 4)], Store(tmp_path), restored)
    assert fits.trained == []
    assert restored.sample(torch.zeros(3, 20, dtype=torch.int64), torch.Generator()).shape == (3, 20, 7)
    for there, here in ((3, 0), (0, 1), (4, 2)):
        one, other = trained.generators()[there], restored.generators()[here]
        assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("gan", "selection"),
    represented(
        product([CBEGAN, TrialCBEGAN], ["discriminator", "density", "classifier"]),
        by=[(CBEGAN, "classifier"), (TrialCBEGAN, "discriminator"), (TrialCBEGAN, "density")],
    ),
)
def test_windows_are_selected_from_the_store_as_from_a_new_gan(sets, tmp_path, gan, selection):
    new, restored = (make_augmenter(gan, selection=selection) for _ in range(2))
    fits = fit(sets, Store(tmp_path), new)
    directly = make_augmenter(gan, selection=selection)
    directly.fit(sets, fits.seeds, classes=3)
    assert fit(sets[:2], Store(tmp_path), restored).trained == []
    y = torch.arange(300).expand(5, -1) % 3
    drawn = directly.sample(y, [torch.Generator().manual_seed(m) for m in range(5)])
    for augmenter, members in ((new, range(5)), (restored, range(2))):
        again = augmenter.sample(y[list(members)], [torch.Generator().manual_seed(m) for m in members])
        assert torch.equal(again, drawn[list(members)])


@pytest.mark.parametrize(("selection", "trained"), [("density", []), ("classifier", []), ("discriminator", [0, 1])])
def test_windows_are_selected_from_the_generators_that_are_there_already(sets, tmp_path, selection, trained):
    plain, selecting = make_augmenter(), make_augmenter(selection=selection)
    before = fit(sets[:2], Store(tmp_path), plain)
    fits = fit(sets[:2], Store(tmp_path), selecting)
    assert fits.trained == trained
    assert set(fits.keys).isdisjoint(before.keys), "what is drawn has keys of its own"
    assert (fits.seeds == before.seeds) == (trained == [])
    assert fit(sets[:2], Store(tmp_path), make_augmenter(selection=selection, oversample=2)).trained == trained


@pytest.mark.parametrize("selection", ["density", "classifier"])
def test_windows_from_which_a_selection_cannot_learn_are_refused_before_anything_is_trained(sets, tmp_path, selection):
    store, alike = Store(tmp_path), sets[1]
    alike.x[:] = alike.y[:, None]
    with pytest.raises(ValueError, match="expected windows that differ within a class"):
        fit(sets[:2], store, make_augmenter(selection=selection))
    assert not list(tmp_path.rglob("*.safetensors"))


def test_the_augmenter_that_selects_knows_where_its_generators_were_trained(sets, tmp_path):
    augmenter = make_augmenter(selection="density")
    fit(sets[:1], Store(tmp_path), augmenter)
    assert augmenter.trainer.strategy.root_device.type == "cpu"


@pytest.mark.parametrize("selection", [None, "density", "discriminator"])
def test_a_fit_that_is_let_go_leaves_no_model_behind(sets, selection):
    augmenter = make_augmenter(selection=selection)
    model = weakref.ref(augmenter.fit(sets[:1]).model)
    augmenter.let_go()
    assert model() is None


def test_equal_members_are_trained_once(sets, tmp_path):
    fits = fit([sets[0], sets[1], sets[0]], Store(tmp_path))
    assert fits.trained == [0, 1]
    assert fits.keys[0] == fits.keys[2]
    assert len(list(tmp_path.glob("*.safetensors"))) == 2


def test_a_key_depends_on_all_that_changes_the_generator_and_on_nothing_else(sets):
    def key(augmenter=None, data=sets[0], classes=3, seed=0):
        return fitting.member_key(augmenter or make_augmenter(), data, classes, seed)

    moved = replace(sets[0], x=sets[0].x + np.float32(1e-6))
    others = [
        key(seed=1), key(classes=4), key(data=moved), key(data=replace(sets[0], y=sets[0].y[::-1])), key(data=sets[1]),
        key(make_augmenter(CWGAN)), key(make_augmenter(hidden=21)), key(make_augmenter(layers=3)),
        key(make_augmenter(iterations=6)), key(make_augmenter(batch_size=17)), key(make_augmenter(gamma=0.5)),
        key(make_augmenter(learning_rate=0.001)), key(make_augmenter(architecture_seed=1)),
        key(make_augmenter(plateau_window=5)), key(make_augmenter(eta=2)), key(make_augmenter(reduction="sum")),
    ]  # fmt: skip
    assert len({key(), *others}) == 1 + len(others)
    renamed = GANAugmenter(CBEGAN, name="other", iterations=5, hidden=20, batch_size=16)
    elsewhere = replace(sets[0], rows=sets[0].rows + 9, trial=sets[0].trial + 1)
    assert key(renamed) == key(data=elsewhere) == key()
    assert key(make_augmenter(gamma=1)) == key(make_augmenter(gamma=1.0)) != key(make_augmenter(gamma=0.5))


@pytest.mark.parametrize(("workers", "threads"), [(1, 2), (2, 1)])
def test_a_single_gan_trains_on_one_thread_where_several_would_have_workers(
    sets, tmp_path, monkeypatch, workers, threads
):
    found, train = [], GANAugmenter.fit

    def noted(self, *arguments, **settings):
        found.append(torch.get_num_threads())
        return train(self, *arguments, **settings)

    torch.set_num_threads(2)
    monkeypatch.setattr(GANAugmenter, "fit", noted)
    fit(sets[:1], Store(tmp_path), workers=workers)
    assert found == [threads]
    assert torch.get_num_threads() == 2


def test_an_optimiser_whose_state_members_would_share_is_refused_at_once(sets, tmp_path):
    augmenter = make_augmenter(optimizer=torch.optim.Adafactor, iterations=10**6)
    with pytest.raises(ValueError, match=r"optimizer: expected one that keeps a value for each weight.*got Adafactor"):
        fit(sets[:2], Store(tmp_path), augmenter)


def test_what_a_group_has_finished_is_kept_when_a_later_one_fails(sets, tmp_path, monkeypatch):
    augmenter, whole_fit = make_augmenter(), GANAugmenter.fit

    def failing(self, sets, *arguments, **options):
        if len(sets) == 1:
            raise FloatingPointError("the last group, of one member, fails")
        return whole_fit(self, sets, *arguments, **options)

    monkeypatch.setattr(GANAugmenter, "fit", failing)
    with pytest.raises(FloatingPointError):
        fit(sets, Store(tmp_path), augmenter, group_size=2)
    monkeypatch.undo()
    assert fit(sets, Store(tmp_path)).trained == [4]


def test_every_end_tells_iteration_and_reason(sets, tmp_path):
    settings = {"iterations": 200, "plateau_window": 20, "plateau_tolerance": 0.2, "learning_rate": 0.01}
    ends = fit(sets, Store(tmp_path), make_augmenter(**settings)).ends
    assert all("plateau" in end for end in ends)
    again = fit(sets, Store(tmp_path), make_augmenter(**settings))
    assert again.trained == []
    assert again.ends == ends


def cut_off(sets, store, augmenter, after: int, monkeypatch, **options):
    """Fit, and be killed at the given checkpoint of a group."""
    write, written = Checkpoints.write, []

    def killing(self, keys, courses, state):
        write(self, keys, courses, state)
        written.append(state.iteration)
        if len(written) == after:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "write", killing)
        with pytest.raises(KeyboardInterrupt):
            fit(sets, store, augmenter, checkpoint_s=0, **options)


@pytest.mark.parametrize("group_size", [None, 1, 2])
def test_a_group_that_was_cut_off_goes_on_to_the_same_records_in_any_grouping(
    sets, tmp_path, monkeypatch, caplog, group_size
):
    whole, store = Store(tmp_path / "whole"), Store(tmp_path / "cut")
    keys = fit(sets, whole, make_augmenter(iterations=20)).keys
    cut_off(sets, store, make_augmenter(iterations=20), 7, monkeypatch)
    assert not any(store.load(key) for key in keys)
    with caplog.at_level("INFO"):
        fits = fit([sets[m] for m in (4, 2, 1)], store, make_augmenter(iterations=20), group_size=group_size)
    assert "resuming from iteration 7" in caplog.text
    assert fits.trained == [0, 1, 2]
    assert list(Checkpoints(store).furthest()), "the two others are still to be done"
    fit(sets, store, make_augmenter(iterations=20))
    assert not Checkpoints(store).furthest()
    assert_same_records(store, whole, keys)


def test_a_longer_training_goes_on_from_a_shorter_one_whose_checkpoint_was_kept(sets, tmp_path, caplog, frequent_looks):
    whole, store = Store(tmp_path / "whole"), Store(tmp_path / "longer")
    keys = fit(sets, whole, make_augmenter(iterations=23)).keys
    fit(sets[:3], store, make_augmenter(iterations=12), keep_checkpoints=True)
    fit(sets[:3], store, make_augmenter(iterations=5), keep_checkpoints=True)
    assert "resuming" not in caplog.text, "the shorter one cannot go on from the longer one"
    with caplog.at_level("INFO"):
        fits = fit(sets, store, make_augmenter(iterations=23), group_size=2)
    assert "resuming from iteration 12" in caplog.text
    assert fits.trained == [0, 1, 2, 3, 4]
    assert_same_records(store, whole, keys)


def test_members_of_different_saves_are_not_mixed(sets, tmp_path, monkeypatch):
    whole, store = Store(tmp_path / "whole"), Store(tmp_path / "cut")
    augmenter = make_augmenter(iterations=20)
    keys = fit(sets, whole, augmenter).keys
    cut_off(sets[:2], store, augmenter, 3, monkeypatch)
    cut_off(sets[2:4], store, augmenter, 11, monkeypatch)
    fits = fit(sets, store, augmenter)
    assert sorted(group["members"] for group in fits.states) == [[0, 1], [2, 3], [4]]
    assert_same_records(store, whole, keys)


def test_a_save_that_is_damaged_is_set_aside_and_training_begins_anew(sets, tmp_path, monkeypatch, caplog):
    whole, store = Store(tmp_path / "whole"), Store(tmp_path / "cut")
    augmenter = make_augmenter(iterations=20)
    keys = fit(sets, whole, augmenter).keys
    cut_off(sets, store, augmenter, 5, monkeypatch)
    (save,) = (store.folder / "checkpoints").glob("*.safetensors")
    save.write_bytes(save.read_bytes()[:-8] + bytes(8))
    fit(sets, store, augmenter)
    assert "a corrupt cache entry" in caplog.text
    assert_same_records(store, whole, keys)


def test_members_that_another_process_trains_are_left_to_it_and_taken_from_the_store(sets, tmp_path, caplog):
    whole, store = Store(tmp_path / "whole"), Store(tmp_path / "shared")
    keys = fit(sets, whole).keys
    with caplog.at_level("INFO"), ThreadPoolExecutor(1) as pool:
        with store.lock(keys[1]) as locked, store.lock(keys[3]):
            assert locked
            ours = pool.submit(fit, sets, store)
            while "waiting for another process, which trains 2 of these GANs" not in caplog.text:
                assert not ours.done(), ours.result()
                time.sleep(0.01)
            for key in (keys[1], keys[3]):
                store.save(key, *whole.load(key))
        assert ours.result().trained == [0, 2, 4]
    assert_same_records(store, whole, keys)


def test_members_whose_process_died_are_trained_here(sets, tmp_path, caplog):
    store = Store(tmp_path)
    key = fitting.member_key(make_augmenter(), sets[0], 3, 0)
    with caplog.at_level("INFO"), ThreadPoolExecutor(1) as pool:
        with store.lock(key):
            ours = pool.submit(fit, sets[:2], store)
            while "waiting for another process" not in caplog.text:
                assert not ours.done(), ours.result()
                time.sleep(0.01)
        assert ours.result().trained == [0, 1]


def test_gans_from_the_store_speak_up_as_those_just_trained(sets, tmp_path, caplog):
    trained = fit(sets[:3], Store(tmp_path))
    assert "collapse in 3 of 3 generators of gan after training" in caplog.text
    caplog.clear()
    again = fit([*sets, sets[0]], Store(tmp_path))  # an equal one is one GAN
    assert caplog.text.count("collapse in") == 1
    assert "collapse in 5 of 5 generators of gan after training or from the store" in caplog.text
    caplog.clear()
    fit(sets, Store(tmp_path))
    assert "collapse in 5 of 5 generators of gan from the store" in caplog.text
    assert again.figures[:3] == trained.figures
    assert again.figures[5] == again.figures[0]


def fine_tuned(sets, share=0.5, first=20):
    return [replace(data, fine_tuning=FineTuning(first, share)) for data in sets]


@pytest.mark.parametrize("gan", [CBEGAN, CWGAN, CVAE, Diffusion, RecurrentCBEGAN])
def test_fine_tuning_that_was_cut_off_before_it_began_goes_on_to_the_same_records(sets, tmp_path, monkeypatch, gan):
    whole, store, sets = Store(tmp_path / "whole"), Store(tmp_path / "cut"), fine_tuned(sets[:3])
    keys = fit(sets, whole, make_augmenter(gan, iterations=20)).keys
    cut_off(sets, store, make_augmenter(gan, iterations=20), 7, monkeypatch)
    fits = fit(sets, store, make_augmenter(gan, iterations=20), group_size=2)
    assert fits.resumed
    assert_same_records(store, whole, keys)


def test_fine_tuned_generators_have_keys_of_their_own_by_the_split_and_the_share(sets, tmp_path):
    def key(data):
        return fitting.member_key(make_augmenter(iterations=20), data, 3, 0)

    tuned = [fine_tuned(sets[1:2], share, first)[0] for share, first in ((0.5, 20), (0.25, 20), (0.5, 21))]
    assert len({key(data) for data in (sets[1], *tuned)}) == 4
    assert key(replace(tuned[0], fine_tuning=None)) == key(sets[1])
    trained = [fit([data], Store(tmp_path), make_augmenter(iterations=20)).generators[0] for data in (sets[1], *tuned)]
    assert len({tuple(own["0.packed"].flatten().tolist()) for own in trained}) == 4


def test_a_longer_training_goes_on_from_a_shorter_one_only_if_fine_tuning_begins_at_the_same_iteration(sets, tmp_path):
    store = Store(tmp_path)
    fit(fine_tuned(sets[:1]), store, make_augmenter(iterations=20), keep_checkpoints=True)
    assert not fit(fine_tuned(sets[:1]), store, make_augmenter(iterations=40)).resumed
    longer = fine_tuned(sets[:1], share=0.75)
    fits = fit(longer, store, make_augmenter(iterations=40))
    assert fits.resumed
    assert_same_records(
        store, whole := Store(tmp_path / "whole"), fit(longer, whole, make_augmenter(iterations=40)).keys
    )


def test_what_is_wrong_with_fine_tuned_generators_and_what_selects_among_their_windows_is_of_the_windows_at_the_end(
    sets,
):
    (tuned,), own = fine_tuned(sets[1:2]), sets[1]
    last = TrainingSet(own.rows[20:], own.rows, own.scaler, own.x[20:], own.y[20:], own.trial[20:])
    augmenters = [make_augmenter(selection="density").fit([data], [3]) for data in (tuned, last)]
    for one, other in zip(*(augmenter.diagnostics.real for augmenter in augmenters), strict=True):
        assert torch.equal(one, other)
    assert torch.equal(*(augmenter.selection.judge.means for augmenter in augmenters))
