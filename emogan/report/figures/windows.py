"""Figures of windows: topographies of class means, and real and synthetic windows in the plane of two components."""

from collections.abc import Iterator

import mne
import numpy as np
from matplotlib.colors import Normalize
from sklearn.decomposition import PCA

from emogan.data.montage import HEAD_RADIUS_M, located, split_name
from emogan.report.figures.picture import Picture, one_panel_each, panels, style
from emogan.report.figures.style import look
from emogan.report.sections import MODALITIES, Section
from emogan.sweeps.windows import Windows, load_windows

CENTRE = (0.0, 0.0, -0.02, HEAD_RADIUS_M)  # seen from a little lower, the cap's lower rows lie on the head's outline
LEGEND_COLUMN = 1.45  # inches
MOST = 300  # synthetic windows drawn in a panel: more hide the real ones
CLASS_COLORS = (  # as many as FACED has emotions
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#999933", "#332288", "#882255",
)  # fmt: skip


def windows_of(section: Section, modality: str) -> dict[str, Windows]:
    """windows.npz of the newest job of each model that figures show."""
    jobs = {model: section.newest(modality, model) for model in section.shown(modality)}
    return {model: load_windows(job.folder) for model, job in jobs.items() if (job.folder / "windows.npz").exists()}


def components(section: Section) -> Iterator[Picture]:
    """One figure per modality with a panel per model: principal components of the real windows, and both in them."""
    for modality in section.modalities:
        found = {model: one for model, one in windows_of(section, modality).items() if len(one.x_real) > 2}
        if found:
            label, first = MODALITIES[modality], next(iter(found.values()))
            others = [model for model, one in found.items() if one.training_set != first.training_set]
            found = {model: one for model, one in found.items() if model not in others}
            caption = (
                f"One training set ({first.training_set}), scaled. The components are those of the real windows, so "
                "the plane is the same for all models; in brackets, their share of the real variance. At most "
                f"{MOST} synthetic windows are drawn."
            )
            if others:
                caption += f" Not shown, as their newest jobs hold other training sets: {', '.join(others)}."
            figure = _component_panels(found, f"{label}\n{section.label}")
            yield Picture(f"components_{modality}", f"Real and synthetic windows: {label}", caption, figure)


def _component_panels(found: dict[str, Windows], label: str):
    with style():
        figure, axes, shown = one_panel_each(len(found), 4.2, 3.4, label, sharex=True, sharey=True)
        plane = PCA(2).fit(next(iter(found.values())).x_real)
        for axis, (model, one) in zip(shown, found.items(), strict=True):
            real, synthetic = plane.transform(one.x_real), plane.transform(one.x_synthetic)
            for k, name in enumerate(one.class_names):
                ours = synthetic[one.y_synthetic == k][: MOST // len(one.class_names)]
                options = {"s": 16, "color": CLASS_COLORS[k % len(CLASS_COLORS)]}
                axis.scatter(*real[one.y_real == k].T, alpha=0.3, linewidths=0, label=f"{name}, real", **options)
                axis.scatter(*ours.T, marker="x", linewidths=0.8, label=f"{name}, synthetic", **options)
            axis.set_title(look(model).label)
        first, second = plane.explained_variance_ratio_
        for axis in shown[-axes.shape[1] :]:
            axis.set_xlabel(f"component 1 ({first:.0%})")
        for axis in axes[:, 0]:
            axis.set_ylabel(f"component 2 ({second:.0%})")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside lower center", markerscale=1.3, columnspacing=1, handletextpad=0.2,
            ncols=min(len(one.class_names), int(figure.get_figwidth() // LEGEND_COLUMN)),
        )  # fmt: skip
    return figure


def topographies(section: Section) -> Iterator[Picture]:
    """One figure per modality with EEG and shown model: a row per band, real | synthetic | difference per class."""
    for modality in section.modalities:
        for model, one in windows_of(section, modality).items():
            if not np.isfinite(one.mean_synthetic).all():  # fewer synthetic windows than classes
                continue
            if one.eeg is not None and (layout := electrode_layout(one.feature_names[one.eeg])):
                label = f"{look(model).label}, {MODALITIES[modality]}"
                figure = _scalps(one, *layout, f"{label}\n{section.label}")
                caption = (
                    "Class means of the EEG features, averaged over all training sets of the job that finished last, "
                    "in the units of the data. Real and synthetic share a band's colour scale; differences have one "
                    "with zero in white."
                )
                yield Picture(f"scalp_{modality}_{model}", f"Topographies: {label}", caption, figure)


def electrode_layout(names: tuple[str, ...]) -> tuple[mne.Info, list[str], np.ndarray] | None:
    """Electrodes, bands and the columns (bands, channels) of features named CHANNEL_band; None if they are not."""
    place = {split_name(name): column for column, name in enumerate(names)}
    channels, bands = (list(dict.fromkeys(part)) for part in zip(*place, strict=True))
    if len(place) != len(names) or len(names) != len(channels) * len(bands) or len(channels) < 4:
        return None
    try:
        info = located(channels, 1.0)
    except ValueError:
        return None
    return info, bands, np.array([[place[channel, band] for channel in channels] for band in bands])


def draw_scalp(axis, values: np.ndarray, info: mne.Info, scale: Normalize, colors: str, **options):
    """A map of the values at the electrodes (C,), whose image is returned."""
    image, _ = mne.viz.plot_topomap(
        values, info, axes=axis, show=False, cmap=colors, cnorm=scale, contours=0, sphere=CENTRE, **options
    )
    axis.xaxis.set_visible(False)
    return image


def _scalps(one: Windows, info: mne.Info, bands: list[str], columns: np.ndarray, label: str):
    real, synthetic = one.mean_real[:, one.eeg][:, columns], one.mean_synthetic[:, one.eeg][:, columns]
    classes = len(one.class_names)
    with style():
        width = min(1.15, 13.5 / (3 * classes))
        figure, axes = panels(len(bands), 3 * classes, width, width + 0.05, label)
        for b, band in enumerate(bands):
            values, change = np.stack([real[:, b], synthetic[:, b]]), synthetic[:, b] - real[:, b]
            scale, largest = Normalize(values.min(), values.max()), np.abs(change).max() or 1.0
            for k in range(classes):
                maps = ((values[0, k], scale, "viridis"), (values[1, k], scale, "viridis"))
                maps += ((change[k], Normalize(-largest, largest), "RdBu_r"),)
                for axis, (data, norm, colors) in zip(axes[b, 3 * k : 3 * k + 3], maps, strict=True):
                    image = draw_scalp(axis, data, info, norm, colors, sensors=False)
                    if colors == "viridis":
                        shared = image
            for bar, name in ((image, "difference"), (shared, "value")):
                figure.colorbar(bar, ax=axes[b].tolist(), label=name, pad=0.01, fraction=0.02, aspect=12)
            axes[b, 0].set_ylabel(band)
            for axis in axes[b]:
                axis.yaxis.set_visible(axis is axes[b, 0])
        for k, name in enumerate(one.class_names):
            for axis, head in zip(axes[0, 3 * k : 3 * k + 3], ("real", "synthetic", "difference"), strict=True):
                axis.set_title(f"{name}\n{head}")
    return figure
