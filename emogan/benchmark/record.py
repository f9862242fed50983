"""Record: what was measured, each number with its spread, printed as it comes."""

import statistics
from collections.abc import Callable, Sequence


class Record:
    """The measured numbers of a run."""

    def __init__(self):
        self.measured: dict[str, dict] = {}  # by key: median, low and high (the extremes), number of repeats and unit
        self.ratios: dict[str, float] = {}  # the medians of the ratios alone

    def add(self, key: str, values: Sequence[float], unit: str, **notes) -> None:
        """Write down repeats of one number, and anything else to know about it."""
        found = spread(values)
        self.measured[key] = {**found, "repeats": len(values), "unit": unit, **notes}
        details = "".join(f", {name.replace('_', ' ')} {value}" for name, value in notes.items())
        print(
            f"{key:<48} {found['median']:>9.4g} [{found['low']:.4g}, {found['high']:.4g}] {unit}{details}", flush=True
        )

    def add_ratio(self, key: str, above: Sequence[float], below: Sequence[float], **notes) -> None:
        """Write down the ratios of two numbers that were measured turn by turn, pair by pair."""
        self.add(key, [a / b for a, b in zip(above, below, strict=True)], "ratio", **notes)
        self.ratios[key] = self.measured[key]["median"]


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median and extremes of repeats of one number."""
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def alternately(repeats: int, *sides: Callable[[], float]) -> list[list[float]]:
    """What each side gives in each turn, one side after the other, so that noise meets all of them."""
    turns = [[side() for side in sides] for _ in range(repeats)]
    return [list(values) for values in zip(*turns, strict=True)]
