"""How well a GAN's synthetic windows agree with held-out real ones, class by class."""

import torch
from torch import Tensor


def spread(x: Tensor) -> Tensor:
    """Root of the trace of the covariance of windows (..., n, F): how far they lie from their mean."""
    return x.var(-2).sum(-1).sqrt()


def scatter(means: Tensor) -> Tensor:
    """Root mean square distance of class means (K, F) from their mean: how far classes lie apart."""
    return (means - means.mean(0)).square().sum(-1).mean().sqrt()


def agreement(x: Tensor, y: Tensor, means: Tensor, spreads: Tensor) -> dict[str, float]:
    """Figures of one GAN's synthetic windows beside real ones that it was not trained on.

    Parameters
    ----------
    x, y
        Real windows (n, F) in scaled units and their labels (n,) in 0..K-1.
    means, spreads
        Mean (K, F) and `spread` (K,) of the synthetic windows of each class.

    Returns
    -------
    dict
        Only those that the real windows determine; classes without real windows count nowhere.

        mean_error
            Root mean square distance of the synthetic from the real class means, over the `scatter` of the real ones:
            0 is perfect, and at 1 the error is as large as what tells the classes apart.
        separation
            `scatter` of the synthetic class means over that of the real ones: 0 where the label is ignored.
        spread
            Within-class `spread` of the synthetic windows over that of the real ones, of the class in which it is
            lowest: near 0 after mode collapse.
    """
    x, means, spreads = x.double(), means.double(), spreads.double()
    present = y.unique()
    real = torch.stack([x[y == k].mean(0) for k in present])
    apart, figures = scatter(real), {}
    if apart > 0:
        error = (means[present] - real).square().sum(-1).mean().sqrt()
        figures = {"mean_error": error / apart, "separation": scatter(means[present]) / apart}
    counts = torch.bincount(y, minlength=len(means))
    within = {k: spread(x[y == k]) for k in range(len(means)) if counts[k] > 1}
    if ratios := [spreads[k] / own for k, own in within.items() if own > 0]:
        figures["spread"] = torch.stack(ratios).min()
    return {name: float(value) for name, value in figures.items()}
