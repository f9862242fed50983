"""Widths of the hidden layers: given, or drawn over the whole of the paper's ranges."""

import itertools

import numpy as np
import pytest
from omegaconf import OmegaConf

from emogan.models import CBEGAN, CGAN, CWGAN
from emogan.models.architecture import hidden_widths


@pytest.mark.parametrize("layers", [2, 3, 4])
def test_one_width_serves_every_layer_of_both_networks(layers):
    assert hidden_widths(layers, 70) == ((70,) * layers, (70,) * layers)


@pytest.mark.parametrize("hidden", [[300, 70, 81], (300, 70, 81), OmegaConf.create([300, 70, 81])])
def test_any_list_gives_one_width_per_layer(hidden):
    assert hidden_widths(3, hidden) == ((300, 70, 81), (300, 70, 81))


@pytest.mark.parametrize(
    ("layers", "hidden", "message"),
    [
        (7, 100, "model.layers: expected 2, 3 or 4 hidden layers, got 7"),
        (1, 100, "model.layers: expected 2, 3 or 4 hidden layers, got 1"),
        (2.0, 100, "model.layers: expected 2, 3 or 4 hidden layers, got 2.0"),
        ("2", 100, "model.layers: expected 2, 3 or 4 hidden layers, got '2'"),
        (True, 100, "model.layers: .* got True"),
        (None, 100, "model.layers: .* got None"),
        (2, 0, "model.hidden: expected positive integers .* got 0"),
        (2, -5, "model.hidden: .* got -5"),
        (2, 100.0, "model.hidden: .* got 100.0"),
        (2, True, "model.hidden: .* got True"),
        (2, None, "model.hidden: .* got None"),
        (2, "100", "model.hidden: .* got '100'"),
        (3, "abc", "model.hidden: .* got 'abc'"),
        (2, [100, 0], r"model.hidden: .* got \[100, 0\]"),
        (2, [100, 50.5], r"model.hidden: .* got \[100, 50.5\]"),
        (2, [100], r"model.hidden: expected one width or 2 of them \(model.layers=2\), got \[100\]"),
        (2, [100, 100, 100], "model.hidden: expected one width or 2"),
        (2, [], "model.hidden: expected one width or 2"),
    ],
)
def test_impossible_layers_and_widths_are_refused_by_name(layers, hidden, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        hidden_widths(layers, hidden)


@pytest.mark.parametrize("seed", [-1, 0.5, 3.0, "abc", "3", True])
def test_an_architecture_seed_is_a_whole_number(seed):
    with pytest.raises(ValueError, match=f"model.architecture_seed: expected an integer >= 0 or null, got {seed!r}"):
        hidden_widths(2, 100, seed)


@pytest.fixture(scope="module")
def drawn():
    return [hidden_widths(2, 100, seed) for seed in range(2000)]


def test_drawn_networks_stay_in_the_papers_ranges_and_reach_their_ends(drawn):
    for networks in zip(*drawn, strict=True):  # all generators, then all discriminators
        assert {len(widths) for widths in networks} == {2, 3, 4}
        nodes = np.concatenate(networks)
        assert (nodes.min(), nodes.max()) == (50, 600)
        assert all(type(width) is int for widths in networks for width in widths)


def test_drawn_layers_and_nodes_are_uniform(drawn):
    for networks in zip(*drawn, strict=True):
        share = np.bincount([len(widths) for widths in networks])[2:] / len(networks)
        np.testing.assert_allclose(share, 1 / 3, atol=0.05)
        nodes = np.concatenate(networks)
        assert np.mean(nodes) == pytest.approx(325, abs=10)
        assert np.std(nodes) == pytest.approx(551 / 12**0.5, abs=5)


def test_generator_and_discriminator_are_drawn_apart(drawn):
    depth = np.array([[len(widths) for widths in networks] for networks in drawn])
    first = np.array([[widths[0] for widths in networks] for networks in drawn])
    for pairs in (depth, first):
        assert abs(np.corrcoef(pairs.T)[0, 1]) < 0.1
    assert len({networks for networks in drawn}) == len(drawn), "every seed should give networks of its own"


def test_the_same_seed_gives_the_same_networks_whatever_layers_and_hidden_say(drawn):
    assert hidden_widths(4, [9, 9], 17) == drawn[17]


@pytest.mark.parametrize("gan", [CBEGAN, CWGAN, CGAN])
def test_a_models_networks_have_the_drawn_widths(gan):
    generator, discriminator = hidden_widths(2, 100, 5)
    assert generator != discriminator
    model = gan(9, 3, architecture_seed=5, noise_features=7)

    def widths(network):
        return [(layer.inputs, layer.outputs) for layer in network if hasattr(layer, "packed")]

    def chain(*sizes):
        return list(itertools.pairwise(sizes))

    assert widths(model.generator) == chain(7 + 3, *generator, 9)
    if gan is CBEGAN:
        assert widths(model.discriminator.encoder) == chain(9 + 3, *discriminator)
        assert widths(model.discriminator.decoder) == chain(discriminator[-1] + 3, *discriminator[-2::-1], 9)
    else:
        assert widths(model.discriminator) == chain(9 + 3, *discriminator, 1)
