"""Data of the chart that an alert can carry."""

from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Chart:
    """Data of the chart of the latest calls.

    Attributes:
        title: heading of the chart.
        latencies_ms: durations of the latest calls, oldest first.
        threshold_ms: threshold drawn as a line.
    """

    title: str
    latencies_ms: tuple[int, ...]
    threshold_ms: float

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build a chart from `dataclasses.asdict` data.

        Raises:
            TypeError, KeyError: the data does not describe a chart.
        """
        return cls(data["title"], tuple(data["latencies_ms"]), data["threshold_ms"])
