"""Training sets out of the padded tensors that tests write down, and batches in float64."""

import numpy as np

from emogan.data.scaling import MinMaxScaler
from emogan.data.training_set import TrainingSet


def unpadded(x, y, n=None, trial=None, scalers=None) -> list[TrainingSet]:
    """The training set of each member: windows (M, N, F) that are scaled already, labels and trials (M, N), lengths (M,)."""
    sets = []
    for m in range(len(x)):
        rows = np.arange(x.shape[1] if n is None else int(n[m]))
        number = np.zeros(len(rows), dtype=np.int64) if trial is None else np.asarray(trial[m])[rows]
        scaler = scalers[m] if scalers else MinMaxScaler(np.zeros(x.shape[2]), np.ones(x.shape[2]))
        sets.append(TrainingSet(rows, rows, scaler, np.asarray(x[m])[rows], np.asarray(y[m])[rows], number))
    return sets


def in_double(batch):
    """A batch with windows and noise in float64."""
    return batch._replace(windows=batch.windows.double(), z=batch.z.double(), u=batch.u.double())
