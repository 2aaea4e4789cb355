"""A picture of the last minutes before an incident, for receivers that take one.

Drawn with matplotlib, which is the extra `plot`; without it alerts go out all the same.
"""

import io
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Chart:
    """What the picture shows.

    Attributes:
        title: what it is of.
        latencies_ms: of the latest calls, oldest first.
        threshold_ms: what they are held against.
    """

    title: str
    latencies_ms: tuple[int, ...]
    threshold_ms: float

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The chart of that data.

        Raises:
            TypeError, KeyError: the data is not a chart's.
        """
        return cls(data["title"], tuple(data["latencies_ms"]), data["threshold_ms"])


def can_draw() -> bool:
    """Whether there is something to draw with."""
    return find_spec("matplotlib") is not None


def draw(chart: Chart) -> bytes:
    """The picture, as PNG of 800 by 300 points. Thread-safe."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - slow to import, and an extra

    figure = Figure(figsize=(8, 3), dpi=100, layout="constrained")
    axes = figure.subplots()
    calls = range(-len(chart.latencies_ms) + 1, 1)
    axes.plot(calls, chart.latencies_ms, color="#3b6fb6", marker=".", linewidth=1)
    axes.axhline(chart.threshold_ms, color="#c0392b", linestyle="--", linewidth=1)
    axes.annotate(
        f"threshold {chart.threshold_ms:g} ms",
        (calls[0], chart.threshold_ms),
        color="#c0392b",
        fontsize="small",
        va="bottom",
    )
    axes.set_title(chart.title, fontsize="medium")
    axes.set_xlabel("calls before the alert")
    axes.set_ylabel("ms")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()
