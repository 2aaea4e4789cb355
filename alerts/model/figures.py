"""Figures of an incident: the worst, and the counts of calls. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Self

from breakerd.alerts.model.content import AlertContext
from breakerd.breaker.runtime.status_types import Status


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
    """

    latency_ms: float = 0.0
    percentile: float = 0.95
    latency_threshold_ms: float = 0.0
    error_rate: float = 0.0
    memory_percent: float = 0.0
    in_flight: int = 0

    def merged(self, other: Self) -> "PeakFigures":
        """Return the field-wise maximum; `percentile` and threshold come from `other`."""
        return PeakFigures(
            max(self.latency_ms, other.latency_ms),
            other.percentile,
            other.latency_threshold_ms,
            max(self.error_rate, other.error_rate),
            max(self.memory_percent, other.memory_percent),
            max(self.in_flight, other.in_flight),
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
    return PeakFigures(
        latency_ms=status["current_percentile_exact_ms"] or 0.0,
        percentile=status["percentile_value"],
        latency_threshold_ms=status["latency_threshold_ms"],
        error_rate=status["error_rate"],
        memory_percent=status["memory_usage_percent"] if status["memory_known"] else 0.0,
        in_flight=status["in_flight"],
    )


def peak_of(statuses: Sequence[Status]) -> PeakFigures:
    """Return the present figures of a breaker in all its processes; at least one.

    Calls in flight are added up; of the others the highest counts.
    """
    figures = list(map(peak_figures, statuses))
    in_flight = sum(each.in_flight for each in figures)
    return replace(reduce(PeakFigures.merged, figures), in_flight=in_flight)


@dataclass(slots=True)
class CallCounts:
    """Calls of the breakers of an incident, in all processes, since each of them had trouble.

    Attributes:
        success: calls that succeeded.
        error: calls that failed.
        rejected: calls that were rejected.
        would_reject: calls that would have been rejected, were the breaker not in OBSERVE.
        totals: last totals of each breaker in each process, in this order.
        processes: number of processes that alert together; calls of those without trouble may be
            missing.
    """

    success: int = 0
    error: int = 0
    rejected: int = 0
    would_reject: int = 0
    totals: dict[str, list[int]] = field(default_factory=dict)
    processes: int = 1

    def add(self, context: AlertContext) -> None:
        """Add the calls of a breaker in a process since the last time.

        Totals start with a process. The first ones count from those at the beginning of the
        trouble there, if they are known; lower ones than before belong to a new process.
        """
        key = f"{context.process}/{context.status['name']}"
        now = call_totals(context.status)
        before = self.totals.get(key) or list(context.totals_before) or now
        if any(late < early for late, early in zip(now, before, strict=True)):
            before = [0] * len(now)
        success, error, rejected, would_reject = (
            late - early for late, early in zip(now, before, strict=True)
        )
        self.success += success
        self.error += error
        self.rejected += rejected
        self.would_reject += would_reject
        self.totals[key] = now
        self.processes = max(self.processes, context.processes)

    @property
    def where(self) -> str:
        """Words for which processes are counted: ` in 1 of 4 processes`; empty if all are."""
        counted = len({key.partition("/")[0] for key in self.totals})
        if not 0 < counted < self.processes:
            return ""
        return f" in {counted:,} of {self.processes:,} processes"

    @property
    def all(self) -> int:
        """Number of calls, rejected ones too."""
        return self.success + self.error + self.rejected


def call_totals(status: Status) -> list[int]:
    """Return the totals of a breaker that `CallCounts` adds up."""
    calls = status["calls"]
    return [calls["success"], calls["error"], calls["rejected"], status["would_reject"]]
