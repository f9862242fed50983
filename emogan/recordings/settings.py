"""How features are made of recordings: the settings, refused by name where impossible."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Annotated, Literal

from emogan.checks import NOT_EMPTY, Checked, NonNegativeFloat, PositiveFloat, Rule, at_least, one_of
from emogan.signal.bands import BANDS


@dataclass(frozen=True)
class Settings(Checked):
    """Settings of conf/extraction.yaml, where each is explained.

    Raises
    ------
    ValueError
        Naming a setting that is impossible.
    """

    channels: Literal["seed", "found"] | Annotated[tuple[str, ...], NOT_EMPTY]
    band_pass_hz: tuple[float, float]
    sfreq_hz: PositiveFloat
    notch_hz: Annotated[float, at_least(10)] | None
    reference: Literal["recorded", "average"]
    blinks: Literal["keep", "remove"]
    bad_channels: Literal["leave_out", "interpolate", "keep"]
    bad_stretches: Literal["leave_out", "keep"]
    features: Literal["de", "psd", "dasm", "rasm", "asm", "dcau"]
    de: Literal["fft", "gaussian"]
    bands: Annotated[str, one_of(BANDS)]
    window_s: PositiveFloat
    smoothing: Literal["none", "moving_average", "lds_filter", "lds_smoother"]
    moving_average_windows: Annotated[int, at_least(1), Rule("odd", lambda windows: windows % 2 == 1)]
    lds_q: NonNegativeFloat
    lds_r: PositiveFloat
    eye_features: Literal[31, 33, 41]
    eye_statistics: Literal["trial", "window"]

    def __post_init__(self):
        limits, edges = self.band_pass_hz, [edge for band in BANDS[self.bands].values() for edge in band]
        holds = len(limits) == 2 and 0 < limits[0] <= min(edges) and max(edges) <= limits[1]
        self._need("band_pass_hz", holds, f"two frequencies around all bands, {min(edges)} to {max(edges)} Hz")
        self._need("sfreq_hz", self.sfreq_hz > 2 * limits[1], f"more than {2 * limits[1]:g}, twice the band-pass's end")
        notch = self.notch_hz is None or self.notch_hz < self.sfreq_hz / 2
        self._need("notch_hz", notch, f"null or a frequency below {self.sfreq_hz / 2:g}, half of sfreq_hz")

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
