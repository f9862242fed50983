"""Simulated EEG, and recordings of it in every format."""

import mne
import numpy as np
import pytest
from scipy.io import savemat

from emogan.benchmark.simulated_cnt import write_cnt

SFREQ_HZ = 250


def simulate(channels, duration_s, sfreq_hz=SFREQ_HZ, seed=0):
    """Noise of 20 microvolt, some of it common to all channels, (C, N)."""
    random = np.random.default_rng(seed)
    n = round(duration_s * sfreq_hz)
    return 15 * random.normal(size=(len(channels), n)) + 10 * random.normal(size=n)


def write(path, names, signal, sfreq_hz=SFREQ_HZ, kinds="eeg"):
    """Write a signal in microvolt in the format that the path's suffix names."""
    suffix = path.suffix
    if suffix == ".cnt":
        write_cnt(path, names, sfreq_hz, [signal])
        return path
    if suffix == ".mat":
        savemat(path, {"abc_eeg1": signal, "abc_eeg2": signal[:, ::-1], "note": np.zeros(3)})
        return path
    raw = mne.io.RawArray(signal * 1e-6, mne.create_info(list(names), sfreq_hz, kinds), verbose="error")
    if suffix == ".fif":
        raw.save(path, verbose="error")
    else:
        mne.export.export_raw(path, raw, verbose="error")
    return path


def write_edf(
    path, signals, kind="", onsets_s=None, annotations=(), record_s=1, encoding="utf-8", announced=None, told_s=None
):  # fmt: skip
    """An .edf or .bdf file of signals (label, unit, rate in Hz, values) whose every field can be chosen.

    kind is what the header says: "", "EDF+C", "EDF+D"; announced how many records, told_s how long these are; onsets_s
    those of the records; annotations (onset, duration, text).
    """
    width, highest = (3, 2**23 - 1) if path.suffix == ".bdf" else (2, 2**15 - 1)
    signals = [(label, unit, round(rate * record_s), np.asarray(values)) for label, unit, rate, values in signals]
    records, text_bytes = len(signals[0][3]) // signals[0][2], 120 * width
    spans = [float(np.abs(values).max()) for *_, values in signals]
    spans = [float(f"{1.1 * span:.1e}") if 0 < span < 1 else max(1.0, span) for span in spans]  # in 8 letters
    columns = [
        (label, unit, -span, span, -highest - 1, highest, count)
        for (label, unit, count, _), span in zip(signals, spans, strict=True)
    ]
    if kind:
        columns.append((f"{kind[:3]} Annotations", "", -1, 1, -highest - 1, highest, text_bytes // width))
    start = [
        ("0", 8),
        ("X", 80),
        ("X", 80),
        ("01.01.20", 8),
        ("00.00.00", 8),
        (256 * (len(columns) + 1), 8),
        (kind, 44),
        (announced or records, 8),
        (told_s or record_s, 8),
        (len(columns), 4),
    ]
    fields = [
        (column[i], size)
        for i, size in ((0, 16), ("", 80), (1, 8), (2, 8), (3, 8), (4, 8), (5, 8), ("", 80), (6, 8), ("", 32))
        for column in columns
        for column in [{**dict(enumerate(column)), "": ""}]
    ]
    content = "".join(
        str(f"{value:g}" if isinstance(value, float) else value)[:size].ljust(size) for value, size in start + fields
    ).encode("latin-1")
    for r in range(records):
        for (_, _, count, values), span in zip(signals, spans, strict=True):
            numbers = (
                np.rint((values[r * count : (r + 1) * count] / span + 1) / 2 * (2 * highest + 1)).astype("<i4")
                - highest
                - 1
            )
            content += np.ascontiguousarray(numbers).view("u1").reshape(-1, 4)[:, :width].tobytes()
        if kind:
            lists = f"+{r * record_s if onsets_s is None else onsets_s[r]:.10g}\x14\x14\0".encode()
            for onset_s, duration_s, text in annotations if r == 0 else ():
                lists += f"{onset_s:+g}\x15{duration_s:g}\x14{text}\x14\0".encode(encoding)
            content += lists.ljust(text_bytes, b"\0")
    path.write_bytes(content)
    return path


@pytest.fixture(scope="session")
def edf_writer():
    return write_edf


def write_brain_vision(folder, names, sfreq_hz, signal, markers=(), units=None):
    """The three files of p1.vhdr; markers are (kind, text, onset in s, duration in s)."""
    (folder / "p1.eeg").write_bytes(signal.T.astype("<f4").tobytes())
    channels = "".join(
        f"Ch{i}={name},,1,{unit}\n"
        for i, (name, unit) in enumerate(zip(names, units or ["µV"] * len(names), strict=True), 1)
    )
    (folder / "p1.vhdr").write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n\n[Common Infos]\nCodepage=UTF-8\nDataFile=p1.eeg\n"
        f"MarkerFile=p1.vmrk\nDataFormat=BINARY\nDataOrientation=MULTIPLEXED\nNumberOfChannels={len(names)}\n"
        f"SamplingInterval={1e6 / sfreq_hz:g}\n\n[Binary Infos]\nBinaryFormat=IEEE_FLOAT_32\n\n[Channel Infos]\n{channels}",
        encoding="utf-8",
    )
    lines = ["New Segment,,1,1,0"] + [
        f"{kind},{text},{round(onset_s * sfreq_hz) + 1},{max(round(duration_s * sfreq_hz), 1)},0"
        for kind, text, onset_s, duration_s in markers
    ]
    (folder / "p1.vmrk").write_text(
        "Brain Vision Data Exchange Marker File, Version 1.0\n\n[Common Infos]\nCodepage=UTF-8\nDataFile=p1.eeg\n\n"
        "[Marker Infos]\n" + "".join(f"Mk{i}={line}\n" for i, line in enumerate(lines, 1)),
        encoding="utf-8",
    )
    return folder / "p1.vhdr"


def write_eeglab(path, names, sfreq_hz, signal, events=(), types=None):
    """An EEGLAB .set; events are (type, onset in s, duration in s), types those of the channels."""
    table = [
        (kind, onset_s * sfreq_hz + (0.5 if kind == "boundary" else 1), sfreq_hz * long_s)
        for kind, onset_s, long_s in events
    ]
    places = list(zip(names, types or ["EEG"] * len(names), strict=True))
    fields = {
        "setname": "s", "filename": path.name, "filepath": "", "nbchan": len(names), "trials": 1, "epoch": [],
        "pnts": signal.shape[1], "srate": float(sfreq_hz), "xmin": 0.0, "xmax": signal.shape[1] / sfreq_hz, "data": signal,
        "chanlocs": np.array(places, [("labels", "O"), ("type", "O")]), "icawinv": [],
        "event": np.array(table, [("type", "O"), ("latency", "O"), ("duration", "O")]),
    }  # fmt: skip
    savemat(path, {"EEG": fields}, appendmat=False)
    return path


@pytest.fixture(scope="session")
def brain_vision_writer():
    return write_brain_vision


@pytest.fixture(scope="session")
def eeglab_writer():
    return write_eeglab


@pytest.fixture(scope="session")
def names():
    """Of a cap of ten electrodes."""
    return ("FP1", "FP2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2")


@pytest.fixture(scope="session")
def recorder():
    return write


@pytest.fixture(scope="session")
def simulated():
    return simulate
