"""Autocorrelation of synthetic trials against that of the training trials, a line for each model."""

import pandas as pd

from emogan.report.figures.picture import WIDTH, Picture, legend, panels, style
from emogan.report.figures.style import look

REAL = "training trials"
READING = (
    "What is above 0 at large lags is what all windows of a trial share; what falls before is memory from window to "
    "window. Windows that are drawn one by one have neither: at every lag but 0 they lie at 0."
)


def autocorrelation_picture(found: pd.DataFrame, data: str) -> Picture:
    """A panel: mean over features and training sets against the lag.

    Parameters
    ----------
    found
        Columns model (or `REAL`), lag and autocorrelation, one row for each training set.
    data
        Which trials these are, for the title.
    """
    with style():
        figure, axes = panels(1, 1, 0.7 * WIDTH, 4.2, f"Autocorrelation within trials: {data}")
        axis = axes[0, 0]
        for model, own in found.groupby("model", sort=False):
            line = own.groupby("lag").autocorrelation.mean()
            if model == REAL:
                axis.plot(line.index, line, color="black", linewidth=2.5, label=REAL, zorder=3)
            else:
                mark = look(str(model))
                axis.plot(line.index, line, color=mark.color, marker=mark.marker, markersize=4, label=mark.label)
        axis.set_xlabel("lag (windows)")
        axis.set_ylabel("autocorrelation, mean over features")
        axis.grid(axis="y")
        axis.axhline(0, color="#777777", linewidth=0.8)
        legend(figure, axes)
    return Picture("autocorrelation", "Autocorrelation within trials", READING, figure)
