"""The dynamical graph convolutional network (DGCNN) of Song et al. 2018 as a classifier, as TorchEEG has it."""

import threading
from collections.abc import Callable, Sequence
from copy import deepcopy

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from emogan.checks import PositiveInt
from emogan.data.montage import split_name
from emogan.evaluation.svm import Predictions
from emogan.evaluation.validation import Network, Standardised

SEEDING = threading.Lock()  # of PyTorch's only generator of first weights, which fits side by side would share


class DGCNN(Network):
    """A graph network over electrodes, whose links it learns, for features of the same bands at every electrode.

    Song et al. 2018, EEG emotion recognition using dynamical graph convolutional neural networks. See `Network` for
    how it is trained, each by itself.

    Parameters
    ----------
    order
        Number of terms of the Chebyshev polynomials, which reach as many links far, less one.
    hidden
        Number of nodes at each electrode.
    **settings
        Those of the class that it derives from.

    Raises
    ------
    ImportError
        If TorchEEG is not installed.
    """

    def __init__(self, order: PositiveInt, hidden: PositiveInt, **settings):
        super().__init__(**settings)
        self.build = _torcheeg(self.name)
        self.order, self.hidden = order, hidden

    def paths(self, data):
        columns = torch.from_numpy(electrodes_and_bands(data.feature_names, self.name))
        part = Standardised.of(data, self.validation, self.seed)
        x, x_held_out = (torch.from_numpy(windows)[:, columns] for windows in (part.x, part.x_held_out))
        y, validates = torch.from_numpy(data.y), torch.from_numpy(part.validates)
        found = []
        for n in data.lengths:
            learned = torch.arange(n)[~validates[:n]]
            networks = [self._train(x, y, learned, validates, float(decay)) for decay in self.values]
            with torch.no_grad():
                predicted = [network(x_held_out).argmax(-1).numpy() for network in networks]
            found.append(Predictions(np.stack(predicted)))
        return found

    def _train(self, x: Tensor, y: Tensor, learned: Tensor, validates: Tensor, decay: float) -> nn.Module:
        """The network with the weights that were best on the windows that validate, for predictions."""
        with SEEDING, torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            network = self.build(
                in_channels=x.shape[2], num_electrodes=x.shape[1], num_layers=self.order, hid_channels=self.hidden,
                num_classes=int(y.max()) + 1,
            )  # fmt: skip
        optimizer = torch.optim.AdamW(network.parameters(), self.learning_rate, weight_decay=decay)
        generator = torch.Generator().manual_seed(self.seed)
        can_validate = bool(validates.any())
        length = self.max_updates if can_validate else min(self.max_updates, self.updates_without_validation)
        lowest, waited, best = float("inf"), 0, None
        for update in range(1, length + 1):
            rows = learned[torch.randint(len(learned), (self.batch_size,), generator=generator)]
            optimizer.zero_grad()
            cross_entropy(network.train()(x[rows]), y[rows]).backward()
            optimizer.step()
            if can_validate and update % self.check_every == 0:
                with torch.no_grad():
                    loss = cross_entropy(network.eval()(x[validates]), y[validates]).item()
                waited = 0 if loss < lowest else waited + 1
                if loss < lowest:
                    lowest, best = loss, deepcopy(network.state_dict())
                elif waited == self.patience:
                    break
        if best is not None:
            network.load_state_dict(best)
        return network.eval()


def electrodes_and_bands(names: Sequence[str], name: str) -> np.ndarray:
    """The column (electrodes, bands) of each feature, as FP1_delta, in the order in which they come.

    Raises
    ------
    ValueError
        If some features are none of an electrode and a band, or electrodes have other bands.
    """
    places = [split_name(feature) for feature in names]
    electrodes = list(dict.fromkeys(electrode for electrode, _ in places))
    bands = list(dict.fromkeys(band for _, band in places))
    column = {place: i for i, place in enumerate(places)}
    if not names or "" in bands or len(column) != len(electrodes) * len(bands):
        raise ValueError(
            f"classifier={name}: expected features of the same bands at every electrode, such as FP1_delta, got "
            f"{len(names)} features, {', '.join(names[:2])} ... {', '.join(names[-2:])}. Take modality=eeg"
        )
    return np.array([[column[electrode, band] for band in bands] for electrode in electrodes])


def _torcheeg(name: str) -> Callable[..., nn.Module]:
    try:
        from torcheeg.models import DGCNN as network
    except ImportError as error:
        raise ImportError(f"classifier={name} needs TorchEEG: pip install 'emogan[torcheeg]' ({error})") from error
    return network
