"""Figures of a feature file that was made of recordings: topographies and spectra, for the user to check by eye."""

import json
from pathlib import Path

import numpy as np
from matplotlib.colors import Normalize

from emogan.atomic import write_atomically
from emogan.report.figures.picture import panels, saved, style
from emogan.report.figures.windows import CLASS_COLORS, draw_scalp, electrode_layout

MEDIAN_LINE = {"color": "black", "linewidth": 1.2}


def write_pictures(path: Path) -> list[Path]:
    """Draw {subject}_{session}_topographies.png and ..._spectra.png beside a file of EEG features; returns them.

    Nothing is drawn of eye movements alone, nor topographies of features that belong to no single electrode.
    """
    with np.load(path, allow_pickle=False) as stored:
        content = {name: stored[name] for name in stored.files}
    if "spectrum" not in content:
        return []
    figures = {"spectra": _spectra(content, path.stem), "topographies": _topographies(content, path.stem)}
    written = []
    for name, figure in figures.items():
        if figure is not None:
            written.append(path.with_name(f"{path.stem}_{name}.png"))
            write_atomically(written[-1], saved(figure, "png", metadata={"Software": None}))
    return written


def _classes(content: dict) -> dict[str, np.ndarray]:
    names = content.get("class_names")
    labels = np.unique(content["y"])
    return {str(label if names is None else names[label]): content["y"] == label for label in labels}


def _topographies(content: dict, title: str):
    """A map of each band's mean over the windows of each class, with one colour scale a band."""
    eeg = content["modality"] == "eeg"
    layout = electrode_layout(tuple(content["feature_names"][eeg].tolist()))
    if layout is None:
        return None
    info, bands, columns = layout
    means = {name: content["x"][rows][:, eeg][:, columns].mean(0) for name, rows in _classes(content).items()}
    unit = content["units"][eeg][0]
    with style():
        figure, axes = panels(len(means), len(bands), 1.5, 1.55, f"{title}: mean over windows, {unit}")
        for b, band in enumerate(bands):
            values = np.stack([mean[b] for mean in means.values()])
            scale = Normalize(values.min(), values.max())
            for axis, (name, mean) in zip(axes[:, b], means.items(), strict=True):
                image = draw_scalp(axis, mean[b], info, scale, "viridis")
                axis.set_ylabel(name if b == 0 else "")
            axes[0, b].set_title(band)
            figure.colorbar(image, ax=axes[:, b].tolist(), location="bottom", pad=0.02, fraction=0.05, aspect=12)
    return figure


def _spectra(content: dict, title: str):
    """A panel per class with the mean spectrum of every channel and their median."""
    trials = list(dict.fromkeys(content["trial"].tolist()))  # as the spectra are ordered
    of_trial = dict(zip(content["trial"].tolist(), content["y"].tolist(), strict=True))
    frequency_hz, classes = content["frequency_hz"], _classes(content)
    band_pass_hz = json.loads(str(content["settings"]))["band_pass_hz"]
    with style():
        title = f"{title}: spectra of {len(content['channels'])} channels"
        figure, axes = panels(1, len(classes), 3.2, 2.8, title, sharey=True)
        for axis, (name, rows), color in zip(axes[0], classes.items(), CLASS_COLORS * 9, strict=False):
            label = content["y"][rows][0].item()
            own = [of_trial[trial] == label for trial in trials]
            decibel = 10 * np.log10(content["spectrum"][own].mean(0))
            axis.plot(frequency_hz, decibel.T, color=color, alpha=0.35, linewidth=0.7)
            axis.plot(frequency_hz, np.median(decibel, axis=0), **MEDIAN_LINE)
            for edge_hz in band_pass_hz:
                axis.axvline(edge_hz, color="#999999", linewidth=0.6, linestyle=":")
            axis.set_title(f"{name} ({sum(own)} trials)")
            axis.set_xlabel("frequency (Hz)")
        axes[0, 0].set_ylabel("power (dB of µV²/Hz)")
    return figure
