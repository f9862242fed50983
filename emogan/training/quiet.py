"""Lightning without what it says of its services, of worker processes, of Slurm and to its own developers."""

import contextlib
import logging
import warnings
from collections.abc import Iterator


def quieten_lightning() -> None:
    """Leave it out from now on."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message="The .srun. command is available")
    warnings.filterwarnings("ignore", message=".*does not have many workers")
    warnings.filterwarnings("ignore", message=".*treespec, LeafSpec", category=FutureWarning)


@contextlib.contextmanager
def quiet_lightning() -> Iterator[None]:
    """Leave it out for a while: in a user's own process, what is said and what is not is the user's to choose."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    with warnings.catch_warnings():
        quieten_lightning()
        try:
            yield
        finally:
            logger.setLevel(level)
