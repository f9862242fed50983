"""How features are made of recordings: the settings, refused by name where impossible."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from emogan.checks import is_number
from emogan.signal.bands import BANDS

CHOICES = {
    "reference": ("recorded", "average"),
    "blinks": ("keep", "remove"),
    "bad_channels": ("leave_out", "interpolate", "keep"),
    "bad_stretches": ("leave_out", "keep"),
    "features": ("de", "psd", "dasm", "rasm", "asm", "dcau"),
    "de": ("fft", "gaussian"),
    "bands": tuple(BANDS),
    "smoothing": ("none", "moving_average", "lds_filter", "lds_smoother"),
    "eye_features": (31, 33, 41),
    "eye_statistics": ("trial", "window"),
}


@dataclass(frozen=True)
class Settings:
    """Settings of conf/extraction.yaml, where each is explained.

    Raises
    ------
    ValueError
        Naming a setting that is impossible.
    """

    channels: str | tuple[str, ...]
    band_pass_hz: tuple[float, float]
    sfreq_hz: float
    notch_hz: float | None
    reference: str
    blinks: str
    bad_channels: str
    bad_stretches: str
    features: str
    de: str
    bands: str
    window_s: float
    smoothing: str
    moving_average_windows: int
    lds_q: float
    lds_r: float
    eye_features: int
    eye_statistics: str

    def __post_init__(self):
        for name, choices in CHOICES.items():
            self._need(name, getattr(self, name) in choices, " | ".join(map(str, choices)))
        for name in ("sfreq_hz", "window_s", "lds_r"):
            self._need(name, is_number(getattr(self, name)) and getattr(self, name) > 0, "a number above 0")
        self._need("lds_q", is_number(self.lds_q) and self.lds_q >= 0, "a number of 0 or more")
        windows = self.moving_average_windows
        odd = isinstance(windows, int) and windows > 0 and windows % 2 == 1
        self._need("moving_average_windows", odd, "an odd number above 0")
        listed = isinstance(self.channels, tuple) and all(isinstance(one, str) for one in self.channels)
        named = self.channels in ("seed", "found") or (listed and len(self.channels) > 0)
        self._need("channels", named, "seed | found | a list of names")
        self._check_frequencies()

    def _check_frequencies(self) -> None:
        limits, edges = self.band_pass_hz, [edge for band in BANDS[self.bands].values() for edge in band]
        pair = isinstance(limits, tuple) and len(limits) == 2 and all(map(is_number, limits))
        holds = pair and 0 < limits[0] <= min(edges) and max(edges) <= limits[1]
        self._need("band_pass_hz", holds, f"two frequencies around all bands, {min(edges)} to {max(edges)} Hz")
        self._need("sfreq_hz", self.sfreq_hz > 2 * limits[1], f"more than {2 * limits[1]:g}, twice the band-pass's end")
        notch = self.notch_hz is None or (is_number(self.notch_hz) and 10 <= self.notch_hz < self.sfreq_hz / 2)
        self._need("notch_hz", notch, "null or a frequency such as 50")

    def _need(self, name: str, holds: bool, expected: str) -> None:
        if not holds:
            raise ValueError(f"{name}: expected {expected}, got {getattr(self, name)!r}")

    @classmethod
    def of(cls, values: Mapping) -> "Settings":
        """Settings from a mapping that names all of them and nothing else; lists may stand for tuples."""
        names = [field.name for field in fields(cls)]
        for name in sorted(set(values) ^ set(names)):
            state = "unknown" if name in values else "missing"
            raise ValueError(f"{name}: expected the settings {', '.join(names)}; this one is {state}")
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})

    def plain(self) -> dict:
        """As plain values for JSON."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
