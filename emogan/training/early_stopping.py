"""MemberEarlyStopping: early stopping of each member on a plateau of its convergence measure."""

import lightning
from torch import Tensor

from emogan.training.history import History


class MemberEarlyStopping(lightning.Callback):
    """Stops a member once its convergence measure has reached a plateau; it keeps the weights of that iteration.

    The mean of the measure over the last ``window`` iterations is compared with that over the ``window`` before; they
    differ by no more than the tolerance, as a fraction. The rule looks at a member's own curve only, so it does not
    depend on its neighbours. Training ends once all members have stopped. It stands behind the `History` among the
    callbacks.

    Parameters
    ----------
    history
        Of this training.
    window, tolerance
        Iterations, 0 for no early stopping, and fraction.

    Attributes
    ----------
    kept : dict
        By member that has stopped: the weights it keeps.
    """

    def __init__(self, history: History, window: int, tolerance: float):
        self.history, self.window, self.tolerance = history, window, tolerance
        self.kept: dict[int, dict[str, Tensor]] = {}

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        done = self.history.done
        if not self.window or done % self.window or done < 2 * self.window:
            return
        for member in self._settled(module):
            self.kept[member] = {name: value[member].clone() for name, value in module.state_dict().items()}
            self.history.plateaued[member], self.history.stopped[member] = True, done
        module.running = self.history.running() or module.running
        if not self.history.running():
            trainer.should_stop = True

    def on_train_end(self, trainer, module):
        state = module.state_dict()
        for member, kept in self.kept.items():
            for name, value in kept.items():
                state[name][member] = value

    def _settled(self, module) -> list[int]:
        history = self.history
        measure = history.values[
            history.done - 2 * self.window : history.done, history.metrics.index(module.convergence)
        ]
        # member by member in memory: sums over the columns of a table round differently for another number of columns
        before, last = measure.T.contiguous().unflatten(1, (2, self.window)).mean(-1).unbind(1)
        settled = ((last - before).abs() <= self.tolerance * before.abs()).tolist()
        return [m for m in history.running() if settled[m]]
