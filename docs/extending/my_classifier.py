"""The nearest class mean in the first principal components."""

import numpy as np

from emogan.evaluation import Classifier, Predictions


class NearestMean(Classifier):
    """How many components there are is the parameter that is chosen on training trials."""

    def __init__(self, name, components):
        self.name, self.values = name, np.array(components)

    def paths(self, data):
        return [self.path(data.x[:n], data.y[:n], data.x_held_out) for n in data.lengths]

    def path(self, x, y, x_held_out):
        centre = x.mean(0)
        axes = np.linalg.svd(x - centre, full_matrices=False)[2]
        predictions = []
        for n in self.values:
            train, held_out = (x - centre) @ axes[:n].T, (x_held_out - centre) @ axes[:n].T
            means = np.stack([train[y == label].mean(0) for label in range(y.max() + 1)])
            distances = np.square(held_out[:, None] - means).sum(-1)
            predictions.append(distances.argmin(-1))
        return Predictions(np.stack(predictions))
