"""What happened over an incident, in words. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from breaker import Status


@dataclass(frozen=True, slots=True)
class Worst:
    """The worst figures of an incident so far."""

    latency_ms: float = 0.0
    latency_threshold_ms: float = 0.0
    error_rate: float = 0.0
    memory_percent: float = 0.0
    in_flight: int = 0

    def merged(self, other: Self) -> "Worst":
        """The worse of both, each by itself."""
        return Worst(
            max(self.latency_ms, other.latency_ms),
            max(self.latency_threshold_ms, other.latency_threshold_ms),
            max(self.error_rate, other.error_rate),
            max(self.memory_percent, other.memory_percent),
            max(self.in_flight, other.in_flight),
        )


def worst_of(status: Status) -> Worst:
    """The figures that a breaker has now."""
    return Worst(
        status["current_percentile_exact_ms"],
        status["latency_threshold_ms"],
        status["error_rate"],
        status["memory_usage_percent"] if status["memory_known"] else 0.0,
        status["in_flight"],
    )


def group_note(names: Sequence[str], total: int) -> str:
    """Which breakers joined an alert, and how many there are in all."""
    shown, more = ", ".join(names[:10]), len(names) - 10
    rest = f" and {more:,} more" if more > 0 else ""
    return f"Also open: {shown}{rest} ({total:,} in all)."
