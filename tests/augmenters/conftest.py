"""What the tests of the augmenters share: training windows of five members of different lengths."""

import pytest
import torch


@pytest.fixture
def windows():
    """``windows(features)``: x (5, 60, F), y (5, 60) and lengths (5,); padded windows are NaN."""

    def make(features: int = 33):
        generator = torch.Generator().manual_seed(0)
        x = torch.rand(5, 60, features, generator=generator)
        y = torch.randint(3, (5, 60), generator=generator)
        n = torch.tensor([60, 44, 60, 51, 37])
        for m in range(5):
            x[m, n[m] :] = torch.nan
        return x, y, n

    return make
