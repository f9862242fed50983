"""Groups of GANs as large as memory allows: the estimate against what training keeps."""

import pytest
import torch
from padded_sets import unpadded

from emogan.models import CBEGAN, CGAN, CVAE, CWGAN, Diffusion, RecurrentCBEGAN, RecurrentCWGAN, TrialCBEGAN
from emogan.training.batches import MemberBatches
from emogan.training.memory import SHARE, bytes_per_member, members_that_fit

WINDOWS, BATCH, MEMBERS = 200, 64, 3


def bytes_kept(model, source) -> int:
    """Bytes of each member that training holds at the same time: kept for ways back, parameters, moments, windows."""
    kept = {}

    def keep(value):
        storage = value.untyped_storage()
        kept[storage.data_ptr()] = value, storage.nbytes()  # held, so that no address is used again
        return value

    most = 0

    def step(losses, stepping):
        nonlocal most
        most = max(most, sum(size for _, size in kept.values()))
        kept.clear()
        for optimizer in stepping:
            optimizer.zero_grad()
        losses.sum().backward()
        for optimizer in stepping:
            optimizer.step()

    optimizers = model.configure_optimizers()
    model.update = lambda network, losses: step(losses, [optimizers[network is not model.generator]])
    model.descend = lambda losses: step(losses, optimizers)
    batch = source.draw(0)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
        model.iterate(batch)
    moments = [value for one in optimizers for state in one.state.values() for value in state.values() if value.ndim]
    others = [*model.state_dict().values(), *(p.grad for p in model.parameters() if p.grad is not None), *moments]
    others += [source.windows, batch.z, batch.u]
    return (most + sum(value.untyped_storage().nbytes() for value in others)) // model.members


@pytest.mark.parametrize("features", [33, 351])
@pytest.mark.parametrize("gan", [CBEGAN, CGAN, CWGAN, TrialCBEGAN, CVAE, Diffusion, RecurrentCBEGAN, RecurrentCWGAN])
def test_a_gan_takes_about_as_much_memory_as_estimated(gan, features):
    generator = torch.Generator().manual_seed(0)
    x, y = torch.rand(MEMBERS, WINDOWS, features, generator=generator), (torch.arange(WINDOWS) % 3).expand(MEMBERS, -1)
    source = MemberBatches(unpadded(x, y, trial=(torch.arange(WINDOWS) // 20).expand(MEMBERS, -1)), batch_size=BATCH)
    model = gan.for_data(source)
    source.feed(model)
    estimate, kept = bytes_per_member(model, BATCH, WINDOWS), bytes_kept(model, source)
    assert 0.6 * kept < estimate < 2 * kept, (estimate, kept)


def test_groups_are_as_large_as_the_free_memory_of_a_gpu(monkeypatch):
    model = CBEGAN(33, 3)
    one = bytes_per_member(model, BATCH, WINDOWS)
    for free, expected in ((0, 1), (int(7.5 * one / SHARE), 7), (100 * one / SHARE, 20)):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device, free=free: (free, 2 * free))
        assert members_that_fit(model, BATCH, WINDOWS, torch.device("cuda"), most=20) == expected
        assert members_that_fit(model, BATCH, WINDOWS, torch.device("cpu"), most=20) == 20
    assert bytes_per_member(CBEGAN(33, 3, 5), BATCH, WINDOWS) == one


def test_windows_that_all_gans_have_in_common_count_once(monkeypatch):
    model, pool = CBEGAN(33, 3), 10_000
    apart, alone = (bytes_per_member(model, BATCH, n) for n in (pool, 0))
    free = int((pool * (33 + 3) * 4 + 12.5 * (alone + 16 * pool)) / SHARE)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 2 * free))
    device = torch.device("cuda")
    assert members_that_fit(model, BATCH, pool, device, most=256, pool=pool) == 12
    assert members_that_fit(model, BATCH, pool, device, most=256) == int(SHARE * free) // apart < 12


def test_on_mps_memory_counts_too(monkeypatch):
    model = CBEGAN(33, 3)
    one = bytes_per_member(model, BATCH, WINDOWS)
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: int(10 * one / SHARE))
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: int(4.5 * one / SHARE))
    assert members_that_fit(model, BATCH, WINDOWS, torch.device("mps"), most=20) == 5
