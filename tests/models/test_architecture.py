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


@pytest.mark.parametrize("hidden", [[100], [100, 100, 100]])
def test_a_list_of_another_length_than_there_are_layers_is_refused_by_name(hidden):
    expected = r"^model\.hidden: expected one width or 2 of them, the number in model\.layers, got \["
    with pytest.raises(ValueError, match=expected):
        hidden_widths(2, hidden)


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
