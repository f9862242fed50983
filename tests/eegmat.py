"""python tests/eegmat.py FOLDER OUT.csv [BLOCK_S]: the events table of rest and mental arithmetic.

FOLDER holds Subject00_1.edf (rest) and Subject00_2.edf (arithmetic), ... of PhysioNet's "EEG During Mental Arithmetic
Tasks" (Zyma et al. 2019). Of each recording comes one minute, so that both classes are equally frequent: the last of
rest and the first of arithmetic. Trials are these minutes, or blocks of BLOCK_S seconds of them for splits within a
subject.
"""

import sys
from pathlib import Path

import mne
import pandas as pd

MINUTE_S = 60.0


def table(folder: Path, block_s: float = MINUTE_S) -> pd.DataFrame:
    """Rows for ``python -m emogan.extract trials=``."""
    rows = []
    for path in sorted(folder.glob("Subject*_[12].edf")):
        subject, number = path.stem.removeprefix("Subject").split("_")
        raw = mne.io.read_raw_edf(path, verbose="error")
        begin_s = raw.n_times / raw.info["sfreq"] - MINUTE_S if number == "1" else 0.0
        for block in range(int(MINUTE_S // block_s)):
            start_s = begin_s + block * block_s
            rows.append(
                {
                    "recording": path.name,
                    "subject": int(subject),
                    "session": 1,
                    "trial": 2 * block + int(number),
                    "trial_type": "rest" if number == "1" else "arithmetic",
                    "onset": start_s,
                    "duration": block_s,
                }
            )
    return pd.DataFrame(rows)


if __name__ == "__main__":
    table(Path(sys.argv[1]), *map(float, sys.argv[3:])).to_csv(sys.argv[2], index=False)
