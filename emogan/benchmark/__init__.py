"""python -m emogan.benchmark: what stacking, the SVM path and the store save, measured side by side in one run."""

import os

# As emogan.train sets it; it must be there before torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
