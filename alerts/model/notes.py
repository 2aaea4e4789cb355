"""What happened over an incident, in figures and in words. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from breakerd.alerts.model.text import format_duration
from breakerd.breaker.events.events import Transition
from breakerd.breaker.runtime.report import Status
from breakerd.breaker.states import State

_NAMED: Final = 10
_ENDED_BY: Final = {
    "recovered": "its probes and the ramp went well",
    "reset": "somebody reset it",
    "operator": "an operator",
    "manual": "an operator",
    "memory_recovered": "memory is back below its threshold",
}
"""Reasons to close that are worth other words than their own."""


@dataclass(frozen=True, slots=True)
class PeakFigures:
    """The worst figures of an incident so far; 0 where nothing is known.

    Attributes:
        latency_ms: the percentile that is watched.
        percentile: which one, 0 to 1.
        latency_threshold_ms: what it was held against.
        error_rate: share of calls that failed, 0 to 1.
        memory_percent: of the limit.
        in_flight: calls at once.
        rejected: calls that were rejected since the process began.
    """

    latency_ms: float = 0.0
    percentile: float = 0.95
    latency_threshold_ms: float = 0.0
    error_rate: float = 0.0
    memory_percent: float = 0.0
    in_flight: int = 0
    rejected: int = 0

    def merged(self, other: Self) -> "PeakFigures":
        """The worse of both, each by itself; of what is no measure, the later."""
        return PeakFigures(
            max(self.latency_ms, other.latency_ms),
            other.percentile,
            other.latency_threshold_ms,
            max(self.error_rate, other.error_rate),
            max(self.memory_percent, other.memory_percent),
            max(self.in_flight, other.in_flight),
            max(self.rejected, other.rejected),
        )

    def sentence(self) -> str:
        """It in words; empty if nothing is known."""
        parts = []
        if self.latency_ms:
            limit = (
                f" (limit {self.latency_threshold_ms:g} ms)" if self.latency_threshold_ms else ""
            )
            parts.append(f"p{self.percentile * 100:g} {self.latency_ms:,.0f} ms{limit}")
        if self.error_rate:
            parts.append(f"{self.error_rate:.0%} errors")
        if self.memory_percent >= 1:
            parts.append(f"memory {self.memory_percent:.0f}%")
        if self.in_flight:
            parts.append(f"{self.in_flight:,} calls in flight")
        return f"PeakFigures: {', '.join(parts)}." if parts else ""

    def _limit(self) -> str:
        threshold = self.latency_threshold_ms
        return f" (limit {threshold:g} ms)" if threshold else ""


def peak_figures(status: Status) -> PeakFigures:
    """The figures that a breaker has now."""
    measured = status["window_calls"] > 0
    return PeakFigures(
        latency_ms=status["current_percentile_exact_ms"] if measured else 0.0,
        percentile=status["percentile_value"],
        latency_threshold_ms=status["latency_threshold_ms"],
        error_rate=status["error_rate"],
        memory_percent=status["memory_usage_percent"] if status["memory_known"] else 0.0,
        in_flight=status["in_flight"],
        rejected=status["calls"]["rejected"],
    )


def closing_note(
    lasted: float, episodes: int, worst: PeakFigures | None, rejected: int, ended_by: str
) -> str:
    """The last words on an incident: how long, how bad, what ended it.

    Args:
        lasted: seconds.
        episodes: how often it was open.
        worst: its worst figures; None if none are known.
        rejected: calls that were rejected meanwhile.
        ended_by: what made it well again; empty if that is not known.
    """
    times = f", {episodes} times open" if episodes > 1 else ""
    parts = [f"Over: it lasted {format_duration(lasted)}{times}."]
    if worst is not None:
        parts.append(worst.sentence())
    if rejected:
        parts.append(f"{rejected:,} calls rejected.")
    if ended_by:
        parts.append(f"Ended by: {ended_by}.")
    return " ".join(part for part in parts if part)


def closing_reason(event: Transition) -> str:
    """What made a breaker well again, in a few words."""
    words = _ENDED_BY.get(event.reason.value) or event.reason.value.replace("_", " ")
    if event.to_state in {State.DISABLED, State.OBSERVE}:
        words = f"it is switched to {event.to_state.value}"
    return f"{words} ({event.note})" if event.note else words


def joined_note(names: Sequence[str], total: int) -> str:
    """Which breakers joined an alert, and how many there are in all."""
    more = len(names) - _NAMED
    rest = f" and {more:,} more" if more > 0 else ""
    return f"Also open: {', '.join(names[:_NAMED])}{rest} ({total:,} in all)."
