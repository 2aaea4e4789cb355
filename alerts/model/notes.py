"""Figures and texts of the notes on an alert. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from breakerd.alerts.model.text import format_duration
from breakerd.breaker.events.events import Transition
from breakerd.breaker.runtime.status_types import Status
from breakerd.breaker.states import State

_MAX_NAMED: Final = 10
"""Maximum number of breakers that a note names."""
_CLOSING_REASONS: Final = {
    "recovered": "its probes and the ramp went well",
    "reset": "somebody reset it",
    "operator": "an operator",
    "manual": "an operator",
    "memory_recovered": "memory is back below its threshold",
}
"""Text for the reasons to close whose own name is not clear enough."""


@dataclass(frozen=True, slots=True)
class PeakFigures:
    """Peak figures of an incident; 0 where nothing is known.

    Attributes:
        latency_ms: watched percentile of the latency.
        percentile: which percentile, 0 to 1.
        latency_threshold_ms: threshold of that percentile.
        error_rate: share of calls that failed, 0 to 1.
        memory_percent: percentage of the memory limit in use.
        in_flight: calls in flight.
        rejected: calls rejected since the process started.
    """

    latency_ms: float = 0.0
    percentile: float = 0.95
    latency_threshold_ms: float = 0.0
    error_rate: float = 0.0
    memory_percent: float = 0.0
    in_flight: int = 0
    rejected: int = 0

    def merged(self, other: Self) -> "PeakFigures":
        """Return the field-wise maximum; `percentile` and threshold come from `other`."""
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
        """Return the figures as a sentence; empty if nothing is known."""
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
        return f"Worst: {', '.join(parts)}." if parts else ""


def peak_figures(status: Status) -> PeakFigures:
    """Return the present figures of a breaker."""
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
    lasted: float, episodes: int, peak: PeakFigures | None, rejected: int, reason: str
) -> str:
    """Return the last note of an incident.

    Args:
        lasted: duration in seconds.
        episodes: number of times it was opened.
        peak: peak figures; None if none are known.
        rejected: number of calls rejected during the incident.
        reason: what ended it; empty if unknown.
    """
    times = f", {episodes} times open" if episodes > 1 else ""
    parts = [f"Over: it lasted {format_duration(lasted)}{times}."]
    if peak is not None:
        parts.append(peak.sentence())
    if rejected:
        parts.append(f"{rejected:,} calls rejected.")
    if reason:
        parts.append(f"Ended by: {reason}.")
    return " ".join(part for part in parts if part)


def closing_reason(event: Transition) -> str:
    """Return in a few words what ended the trouble of a breaker."""
    text = _CLOSING_REASONS.get(event.reason.value) or event.reason.value.replace("_", " ")
    if event.to_state in {State.DISABLED, State.OBSERVE}:
        text = f"it is switched to {event.to_state.value}"
    return f"{text} ({event.note})" if event.note else text


def joined_note(names: Sequence[str], total: int) -> str:
    """Return the note that names the breakers that joined, and the total number of breakers."""
    more = len(names) - _MAX_NAMED
    rest = f" and {more:,} more" if more > 0 else ""
    return f"Also open: {', '.join(names[:_MAX_NAMED])}{rest} ({total:,} in all)."
