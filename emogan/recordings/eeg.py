"""EEG recordings: opening files of many formats through MNE, with their channels found and units of microvolt."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import mne
import numpy as np

from emogan.recordings import preprocessed
from emogan.recordings.channels import pick
from emogan.recordings.neuroscan import read_cnt

READERS = {
    ".cnt": read_cnt,
    ".edf": mne.io.read_raw_edf,
    ".bdf": mne.io.read_raw_bdf,
    ".vhdr": mne.io.read_raw_brainvision,
    ".fif": mne.io.read_raw_fif,
    ".set": mne.io.read_raw_eeglab,
}
SUFFIXES = (*READERS, preprocessed.SUFFIX)


@dataclass(frozen=True, eq=False)
class Recording:
    """An opened recording; its samples are read when they are asked for.

    Parameters
    ----------
    path, files : the file that was opened, and all that make up the recording
    n_samples, sfreq_hz : number of samples and how many a second
    picks, channels : places in the file and names of the EEG channels
    eog : places of EOG channels
    extra : EEG channels that are left out
    samples : gives the channels at some places from one sample to before another, (C, N) in microvolt
    """

    path: Path
    files: tuple[Path, ...]
    n_samples: int
    sfreq_hz: float
    picks: list[int]
    channels: tuple[str, ...]
    eog: list[int]
    extra: list[str]
    samples: Callable[[list[int], int, int], np.ndarray]

    @property
    def duration_s(self) -> float:
        return self.n_samples / self.sfreq_hz

    def read(self, start: int, stop: int, with_eog: bool = False) -> np.ndarray:
        """Samples start..stop - 1 in microvolt: EEG channels and, if wanted, EOG channels behind them.

        Raises
        ------
        ValueError
            If they cannot be read.
        """
        try:
            return self.samples(self.picks + self.eog * with_eog, start, stop)
        except Exception as error:  # of whatever kind, it is the content's doing
            raise ValueError(
                f"{self.path}: expected samples from {start / self.sfreq_hz:g} to {stop / self.sfreq_hz:g} s, got "
                f"{type(error).__name__}: {error}. Is the file copied whole?"
            ) from error


def is_eeg(path: Path) -> bool:
    """Whether a file is an EEG recording by its name."""
    return path.suffix.lower() in SUFFIXES


def open_recording(path: Path, channels: str | Sequence[str] = "seed", trial: int | str | None = None) -> Recording:
    """Open a recording of any format in `SUFFIXES`; of a preprocessed .mat file, the variable of one trial.

    Parameters
    ----------
    channels : "seed", "found" or a list, see `emogan.recordings.channels.pick`
    trial : number of the trial in a .mat file, as in ``djc_eeg1``; of other formats all is one

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, it cannot be read or has not the channels. Names the file.
    """
    if path.suffix.lower() == preprocessed.SUFFIX:
        need_file(path)
        n_samples, samples = preprocessed.open_trial(path, trial)
        names, kinds, sfreq_hz, files = preprocessed.CHANNELS, None, preprocessed.SFREQ_HZ, (path,)
    else:
        raw = open_raw(path)
        names, kinds, sfreq_hz, n_samples = raw.ch_names, raw.get_channel_types(), raw.info["sfreq"], raw.n_times
        files = tuple(sorted({path, *(Path(file) for file in raw.filenames if file is not None)}))

        def samples(picks: list[int], start: int, stop: int) -> np.ndarray:
            signal = raw.get_data(picks, start, stop, verbose="error")  # in volt
            signal *= 1e6
            return signal

    try:
        found = pick(names, channels, kinds)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return Recording(
        path, files, n_samples, float(sfreq_hz), found.picks, found.names, found.eog, found.extra, samples
    )  # fmt: skip


def open_raw(path: Path) -> mne.io.BaseRaw:
    """MNE's object for a file of continuous EEG, samples not read.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file or MNE cannot read it.
    """
    need_file(path)
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise ValueError(f"{path}: expected an EEG recording ({', '.join(SUFFIXES)}), got {suffix or 'no suffix'}")
    try:
        raw = READERS[suffix](path, verbose="error")
    except Exception as error:  # of whatever kind, it is the content's doing
        raise ValueError(
            f"{path}: expected a {suffix} recording, got {path.stat().st_size} bytes that MNE cannot read as one "
            f"({type(error).__name__}: {error}). Copy it again, with the files that belong to it."
        ) from error
    if raw.n_times < 1 or not raw.info["sfreq"] > 0:
        raise ValueError(f"{path}: expected samples, got {raw.n_times} at {raw.info['sfreq']} Hz. Copy it again.")
    return raw


def need_file(path: Path) -> None:
    """Refuse a path at which there is no file."""
    if not path.is_file():
        raise FileNotFoundError(f"expected a recording at {path}, found {'a folder' if path.exists() else 'nothing'}")
