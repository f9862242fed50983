"""GANs as LightningModules: any Trainer, logger and callback, checkpoints that load without running code, sampling."""

import csv
from functools import partial
from itertools import product
from types import SimpleNamespace

import lightning
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from padded_sets import unpadded
from represented import represented

from emogan import SyntheticDataModule
from emogan.augmenters import GANAugmenter
from emogan.models import CBEGAN, CGAN, CVAE, CWGAN, Diffusion, RecurrentCBEGAN, TrialCBEGAN
from emogan.training.batches import MemberBatches

GANS = (CBEGAN, CWGAN, CGAN, TrialCBEGAN, CVAE, Diffusion, RecurrentCBEGAN)


def batches(members=1, iterations=12):
    generator = torch.Generator().manual_seed(0)
    x, y = torch.rand(members, 40, 5, generator=generator), torch.randint(3, (members, 40), generator=generator)
    return MemberBatches(
        unpadded(x, y, trial=torch.arange(40).expand(members, -1) // 8), batch_size=8, iterations=iterations
    )


def train(model, data, folder, **options):
    quiet = dict.fromkeys(("enable_progress_bar", "enable_model_summary", "logger", "enable_checkpointing"), False)
    trainer = lightning.Trainer(
        **{"max_epochs": 1, "accelerator": "cpu", "default_root_dir": folder, **quiet, **options}
    )
    trainer.fit(model, data)
    return trainer


@pytest.mark.parametrize("gan", GANS)
def test_weights_are_drawn_when_a_gan_is_made_from_each_members_own_seed(gan):
    whole, second = gan(5, 3, 2, hidden=8), gan(5, 3, seeds=[1], hidden=8)
    assert all(parameter.abs().sum() > 0 for network in whole.networks for parameter in network.parameters())
    for name, value in whole.state_dict().items():
        assert torch.equal(value[1:], second.state_dict()[name]), name


@pytest.mark.parametrize(
    ("gan", "members"),
    represented(product(GANS, (1, 3)), by=[(CBEGAN, 1), (CWGAN, 3), (TrialCBEGAN, 3), (RecurrentCBEGAN, 3)]),
)
def test_a_plain_trainer_gives_the_gan_that_the_augmenter_gives(gan, members, tmp_path):
    data = batches(members)
    model = gan.for_data(data, hidden=8)
    before = [parameter.clone() for parameter in model.generator.parameters()]
    trainer = train(model, data, tmp_path)
    assert not all(torch.equal(*pair) for pair in zip(before, model.generator.parameters(), strict=True))
    augmenter = GANAugmenter(gan, name="gan", iterations=12, batch_size=8, hidden=8).fit(data.sets, classes=3)
    for name, value in augmenter.model.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name
    last = augmenter.history.values[-1]
    for name, values in zip(gan.metrics, last, strict=True):
        assert trainer.callback_metrics[name] == pytest.approx(values.mean().item())
        if members > 1:
            assert trainer.callback_metrics[f"{name}/lowest"] == pytest.approx(values.min().item())
            assert trainer.callback_metrics[f"{name}/highest"] == pytest.approx(values.max().item())


@pytest.mark.parametrize("gan", represented(GANS, by=[CBEGAN, RecurrentCBEGAN]))
def test_every_logger_gets_every_metric_at_the_steps_that_the_trainer_logs(gan, tmp_path):
    data, logger = batches(2), CSVLogger(tmp_path, name="")
    train(gan.for_data(data, hidden=8), data, tmp_path, logger=logger, log_every_n_steps=4)
    with open(f"{logger.log_dir}/metrics.csv") as file:
        rows = [row for row in csv.DictReader(file) if row[gan.metrics[0]]]
    assert [int(row["step"]) for row in rows] == [4, 8, 12], "iterations, not steps of the optimisers"
    assert {*gan.metrics, f"{gan.metrics[0]}/lowest", f"{gan.metrics[0]}/highest"} <= set(rows[0])
    assert all(np.isfinite(float(row[name])) for row in rows for name in gan.metrics)


@pytest.mark.parametrize("gan", represented(GANS, by=[CBEGAN, RecurrentCBEGAN]))
def test_the_checkpoint_of_a_callback_is_read_without_running_code_and_draws_the_same(gan, tmp_path):
    data = batches()
    model = gan.for_data(data, hidden=[8, 9])
    best = ModelCheckpoint(tmp_path, monitor=gan.metrics[0], save_on_train_epoch_end=True)
    train(model, data, tmp_path, callbacks=[best], enable_checkpointing=True)
    again = gan.load_from_checkpoint(best.best_model_path, map_location="cpu", weights_only=True)
    generators = [torch.Generator().manual_seed(5) for _ in range(2)]
    (one, labels), (other, _) = (each.sample(7, own) for each, own in zip((model, again), generators, strict=True))
    assert torch.equal(one, other)
    assert (one.shape, labels.tolist()) == ((7, 5), [0, 1, 2, 0, 1, 2, 0])


def test_a_stack_samples_for_every_member_and_predicts_the_labels_asked_for():
    model = CBEGAN(5, 3, 2, hidden=8)
    windows, labels = model.sample(4, torch.Generator().manual_seed(0))
    assert (windows.shape, labels.tolist()) == ((2, 4, 5), [[0, 1, 2, 0]] * 2)
    assert torch.equal(model(torch.zeros(2, 4, 100), labels), model.generate(torch.zeros(2, 4, 100), labels))
    asked = torch.tensor([[2, 1], [0, 0]])
    assert model.sample(asked)[1].tolist() == asked.tolist()
    single = CBEGAN(5, 3, hidden=8)
    assert single.sample(torch.tensor([1, 1]))[0].shape == (2, 5)
    trainer = lightning.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False)
    (drawn,) = trainer.predict(model, torch.utils.data.DataLoader([asked], batch_size=None))
    assert drawn.shape == (2, 2, 5)


def test_early_stopping_ends_training_on_a_metric(tmp_path):
    data = batches(iterations=4)
    stopping = EarlyStopping("m_global", patience=1, mode="max", check_on_train_epoch_end=True)
    train(CBEGAN.for_data(data, hidden=8), data, tmp_path, callbacks=[stopping], max_epochs=30)
    assert stopping.stopped_epoch < 29


def test_the_optimiser_is_an_argument_and_stands_in_the_identity():
    sgd = partial(torch.optim.SGD, lr=0.1)
    model = CGAN(5, 3, hidden=8, optimizer=sgd)
    assert [type(one) for one in model.configure_optimizers()] == [torch.optim.SGD] * 2
    identity = GANAugmenter(CGAN, name="gan", iterations=1, optimizer=sgd).identity()
    assert identity["optimizer"] == {"function": "torch.optim.sgd.SGD", "arguments": [], "lr": 0.1}
    assert "optimizer" not in GANAugmenter(CGAN, name="gan", iterations=1, optimizer=None).identity()


def test_a_gan_shows_its_members_inputs_and_outputs():
    assert "StackedLinear(members=2, inputs=8, outputs=5)" in repr(CBEGAN(5, 3, 2, hidden=8))


def test_what_is_no_gan_is_refused():
    with pytest.raises(ValueError, match=r"subclass of ConditionalGenerator, got <class 'dict'>"):
        GANAugmenter(dict, name="gan", iterations=1)


class Talkative(CBEGAN):
    """Returns a row more than it has metrics."""

    kind = "talkative"

    def iterate(self, batch):
        return torch.cat([super().iterate(batch), torch.zeros(1, self.members)])


def test_rows_without_a_metric_are_refused_by_the_name_of_the_class(tmp_path):
    with pytest.raises(ValueError, match=r"Talkative.iterate: expected to .* m_global.* got the shape \(5, 2\)"):
        train(Talkative(5, 3, 2, hidden=8), batches(2), tmp_path)


def test_an_iteration_that_gives_nothing_back_is_refused(tmp_path):
    class Silent(CBEGAN):
        kind = "silent"

        def iterate(self, batch):
            super().iterate(batch)

    with pytest.raises(ValueError, match=r"Silent.iterate: expected to get back a tensor .*, got None"):
        train(Silent(5, 3, 2, hidden=8), batches(2), tmp_path)


def test_a_datamodule_without_a_trainer_or_with_a_module_of_another_kind_says_what_it_is_for():
    with pytest.raises(ValueError, match=r"expected a Trainer, which sets up a DataModule .* data\.batches\.feed"):
        SyntheticDataModule(modality="eye", subject=1, session=1).setup("fit")
    with pytest.raises(ValueError, match=r"expected one of the folds .*, got fold=99"):
        SyntheticDataModule(modality="eye", subject=1, session=1, fold=99).setup("fit")
    data = batches(2)
    data.trainer = SimpleNamespace(world_size=1, lightning_module=torch.nn.Linear(1, 1))
    with pytest.raises(ValueError, match=r"expected a generator of EmoGAN .* got Linear"):
        data.setup("fit")


def test_a_trainer_of_several_devices_is_refused_before_it_trains_each_part_of_the_time():
    data = batches(2)
    data.trainer = SimpleNamespace(world_size=2)
    with pytest.raises(ValueError, match=r"expected a Trainer with one device, .* got 2\. Write Trainer\(devices=1"):
        data.setup("fit")
