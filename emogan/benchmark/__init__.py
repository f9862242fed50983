"""python -m emogan.benchmark: what stacking, the SVM path and the store save, measured side by side in one run."""

from emogan.environment import let_waiting_threads_sleep

let_waiting_threads_sleep()  # as emogan.train
