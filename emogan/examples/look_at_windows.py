"""Look at synthetic windows before trusting them: sample quality as a table, topographies as a picture.

python -m emogan.examples.look_at_windows [FOLDER]

Each measure stands beside its reference, the same measure between two halves of the real training trials. A value
better than the reference is no merit: those windows lie closer to the trials that were seen than new trials do. The
picture, FOLDER/topographies.png, shows per band what tells the first class from the last, in real and synthetic
windows. The data are simulated.
"""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from emogan import CBEGANSampler, RandomEffectsSampler
from emogan.analysis import quality
from emogan.data.features import FeatureSet
from emogan.report.figures.windows import draw_scalp, electrode_layout
from emogan.simulation import people

SHOWN = ["spread_ratio", "correlation_distance", "mmd", "two_sample_auc", "closest_record"]


def measured(data: FeatureSet, drawn: dict[str, tuple[npt.NDArray, npt.NDArray]]) -> pd.DataFrame:
    """Means over the classes: one row per measure, a column per augmenter and the reference."""
    span = np.ptp(data.x, axis=0)
    columns: dict[str, pd.Series] = {}
    for name, (x, labels) in drawn.items():
        rows = quality.assess(
            data.x / span, data.y, data.trial, x / span, labels, data.class_names, np.random.default_rng(0)
        )
        means = rows.groupby("metric")[["value", "reference"]].mean().loc[SHOWN]
        columns |= {name: means["value"], "real against real": means["reference"]}
    return pd.DataFrame(columns)


def contrast(x: npt.NDArray, y: npt.NDArray, classes: int) -> npt.NDArray:
    """Mean of the last class less that of the first, (F,)."""
    return np.asarray(x[y == classes - 1].mean(0) - x[y == 0].mean(0))


def picture(data: FeatureSet, drawn: dict[str, tuple[npt.NDArray, npt.NDArray]]) -> Figure:
    """A row for the real windows and each augmenter, a column per band; each band has one colour scale."""
    layout = electrode_layout(data.feature_names)
    assert layout is not None  # the simulation's features are named CHANNEL_band
    info, bands, columns = layout
    rows = {"real": (data.x, data.y), **drawn}
    figure = Figure(figsize=(1.8 * len(bands), 1.8 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), len(bands))
    values = {name: contrast(x, y, data.n_classes)[columns] for name, (x, y) in rows.items()}
    for b, band in enumerate(bands):
        largest = max(np.abs(one[b]).max() for one in values.values())
        for axis, (name, one) in zip(axes[:, b], values.items(), strict=True):
            draw_scalp(axis, one[b], info, Normalize(-largest, largest), "RdBu_r", sensors=False)
            axis.set_title(f"{name}, {band}", fontsize=8)
    return figure


def main(folder: str | Path = "outputs/look_at_windows", *, iterations: int = 1000) -> pd.DataFrame:
    """Fit both augmenters to one subject's EEG, print the table and write the picture."""
    data = people.load("seed", modality="eeg", subjects=[1], sessions=[1])
    fitted = {
        "cBEGAN": CBEGANSampler(random_state=0, iterations=iterations).fit(data.x, data.y),
        "random effects": RandomEffectsSampler(random_state=0).fit(data.x, data.y, trials=data.trial),
    }
    drawn = {name: sampler.sample(len(data.y)) for name, sampler in fitted.items()}
    table = measured(data, drawn)
    print(f"means over the classes, simulated EEG\n{table.round(3)}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    picture(data, drawn).savefig(folder / "topographies.png", dpi=150)
    print(f"topographies of {data.class_names[-1]} - {data.class_names[0]}: {folder / 'topographies.png'}")
    return table


if __name__ == "__main__":
    main(*sys.argv[1:])
