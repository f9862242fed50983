"""Counter-based random numbers: published outputs, uniformity, and independence of seeds, iterations and positions."""

import numpy as np
import pytest
import torch
from scipy import stats

from emogan.training import counter_based
from emogan.training.counter_based import finalise, integers, keys, signed, uniform, words

SEEDS = torch.arange(64)


def mix(seed: int, iteration: int) -> int:
    """One key as an unsigned integer."""
    return keys(torch.tensor([signed(seed, 64)]), iteration).item() % 2**64


@pytest.fixture(scope="module")
def drawn():
    """Words (members, iterations, positions) as unsigned integers, of neighbouring seeds and iterations."""
    positions = torch.arange(4096, dtype=torch.int32)
    table = torch.stack([words(keys(SEEDS, t), positions) for t in range(32)], dim=1)
    return table.numpy().view(np.uint32)


def assert_uniform(values, cells):
    assert stats.chisquare(np.bincount(values.ravel(), minlength=cells)).pvalue > 1e-3


def test_keys_are_the_published_splitmix64():
    """Outputs of the reference implementation (Vigna 2015) for state 1234567: its t-th output is the key of t."""
    expected = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    assert [mix(1234567, t) for t in range(5)] == expected


def test_words_are_finalised_as_in_the_published_murmurhash3():
    """MurmurHash3_x86_32 of an empty key is the finaliser of its seed; and as unsigned arithmetic has it."""
    seeds = torch.tensor([0, 1, -1], dtype=torch.int32)
    assert [value % 2**32 for value in finalise(seeds, seeds.clone()).tolist()] == [0, 0x514E28B7, 0x81F16F39]
    found = words(torch.tensor([signed(0x123456789ABCDEF0, 64)]), torch.tensor([0, 1, 40000], dtype=torch.int32))
    for position, word in zip((0, 1, 40000), found[0].tolist(), strict=True):
        value = (0x12345679 * position + 0x9ABCDEF0) % 2**32
        value = (value ^ value >> 16) * 0x85EBCA6B % 2**32
        value = (value ^ value >> 13) * 0xC2B2AE35 % 2**32
        assert word % 2**32 == value ^ value >> 16


def test_neighbouring_seeds_and_iterations_differ_in_half_of_the_bits_of_their_keys():
    flips = [
        (mix(seed, t) ^ mix(other, at)).bit_count()
        for seed in range(30)
        for t in range(30)
        for other, at in ((seed + 1, t), (seed, t + 1))
    ]
    assert np.mean(flips) == pytest.approx(32, abs=0.5)
    assert min(flips) > 8
    assert mix(2**63 - 1, 10**9) != mix(2**63 - 2, 10**9)


@pytest.mark.parametrize("bits", [0, 8, 16])
def test_every_part_of_the_words_is_uniform(drawn, bits):
    assert_uniform(drawn >> bits & 65535, 65536)


@pytest.mark.parametrize("bits", [0, 8, 16, 24])
@pytest.mark.parametrize("axis", [0, 1, 2], ids=["members", "iterations", "positions"])
def test_neighbours_are_independent(drawn, axis, bits):
    part = (drawn >> bits & 255).astype(np.int64)
    first, second = (np.take(part, range(i, part.shape[axis] - 1 + i), axis) for i in range(2))
    assert_uniform(first * 256 + second, 65536)


@pytest.mark.parametrize("axis", [0, 1, 2], ids=["members", "iterations", "positions"])
def test_words_are_as_far_apart_as_birthdays(drawn, axis):
    """Spacings of n sorted words that recur number Poisson of n^3 / (4 x 2^32) (Marsaglia and Tsang 2002)."""
    n = 2048
    rows = np.moveaxis(drawn, axis, -1).reshape(-1)[: 500 * n].reshape(-1, n).astype(np.int64)
    spacings = np.sort(np.diff(np.sort(rows), axis=1), axis=1)
    recurring = (np.diff(spacings, axis=1) == 0).sum()
    expected = len(rows) * n**3 / (4 * 2**32)
    assert abs(recurring - expected) < 4 * expected**0.5


def test_noise_is_uniform_in_every_coordinate_and_uncorrelated_across_them():
    z = uniform(keys(SEEDS, 5), 256 * 30, skipped=0).view(64, 256, 30)
    assert z.min() == -1
    assert 0.999 < z.max() < 1
    assert stats.kstest(z.flatten()[:100_000].numpy(), stats.uniform(-1, 2).cdf).pvalue > 1e-3
    for pooled in (z.flatten(0, 1), z.flatten(1).T, z.transpose(1, 2).flatten(0, 1)):  # coordinates, members, windows
        products = pooled.T.double() @ pooled.double() * 3 / len(pooled)
        assert (products - torch.eye(len(products))).abs().max() < 5 / len(pooled) ** 0.5


@pytest.mark.parametrize("bound", [2, 7, 674])
def test_integers_are_uniform_below_a_bound_of_each_member(bound):
    found = integers(keys(SEEDS, 0), torch.where(SEEDS % 2 == 0, bound, 2**31), 20_000)
    assert found.min() >= 0
    assert_uniform(found[::2].numpy(), bound)
    assert_uniform(found[1::2].numpy() >> 21, 1024)


def test_a_number_depends_on_its_key_and_position_alone(monkeypatch):
    key = keys(SEEDS, 9)
    whole = uniform(key, 1000, skipped=10)
    assert torch.equal(uniform(key[3:5], 1000, skipped=10), whole[3:5])
    assert torch.equal(uniform(key, 998, skipped=11), whole[:, 2:])
    monkeypatch.setattr(counter_based, "BLOCK", 3000)
    assert torch.equal(uniform(key, 1000, skipped=10), whole)


def test_every_device_gives_the_same_numbers(device):
    below = torch.full((64,), 674)
    for iteration in (0, 10**6):
        key, other = keys(SEEDS, iteration), keys(SEEDS.to(device), iteration)
        assert torch.equal(other.cpu(), key)
        assert torch.equal(uniform(other, 999, skipped=7).cpu(), uniform(key, 999, skipped=7))
        assert torch.equal(integers(other, below.to(device), 99).cpu(), integers(key, below, 99))
