"""What the tests of the GANs share: training windows, their batches, and models without a Lightning trainer."""

import pytest
import torch
from padded_sets import in_double, unpadded

from emogan.models import ConditionalGenerator
from emogan.training.batches import MemberBatches

MEMBERS, WINDOWS, FEATURES, CLASSES = 3, 40, 9, 3


@pytest.fixture
def built(standalone):
    """``built(gan, **settings)``: M members in float64, each with weights of its own, ready for a plain loop."""

    def build(gan, members=range(MEMBERS), **settings) -> ConditionalGenerator:
        noise = {} if "noise_features" in gan.derived else {"noise_features": 7}
        options = {"hidden": 20, "learning_rate": 1e-3, **noise, **settings}
        model = gan(FEATURES, CLASSES, len(members), seeds=[100 + m for m in members], **options)
        return standalone(model.double())

    return build


@pytest.fixture
def batches():
    """``batches(model, iterations)``: float64 batches of the given members; padded rows are NaN."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(MEMBERS, WINDOWS, FEATURES, generator=generator)
    y = torch.randint(CLASSES, (MEMBERS, WINDOWS), generator=generator)
    n = torch.tensor([WINDOWS - 5 * m for m in range(MEMBERS)])
    for m in range(MEMBERS):
        x[m, n[m] :] = torch.nan

    def drawn(model: ConditionalGenerator, iterations: int, members=range(MEMBERS), batch_size: int = 11):
        source = MemberBatches(
            unpadded(x[list(members)], y[list(members)], n[list(members)]), list(members), batch_size=batch_size,
            iterations=iterations, classes=CLASSES,
        )  # fmt: skip
        source.feed(model)
        for batch in map(source.draw, range(iterations)):
            yield in_double(batch)

    return drawn


@pytest.fixture
def gaussian_classes():
    """One training set of three Gaussian classes; their means (3, 2) and spreads (3,)."""
    means, spreads = [[0.2, 0.2], [0.8, 0.2], [0.5, 0.9]], [0.08, 0.12, 0.16]
    y = torch.arange(600) % 3
    noise = torch.randn(600, 2, generator=torch.Generator().manual_seed(0))
    x = torch.tensor(means)[y] + torch.tensor(spreads)[y, None] * noise
    return unpadded(x[None], y[None]), means, spreads
