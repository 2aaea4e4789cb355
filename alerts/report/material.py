"""Material of a report: what the record and the audit log have of the time of an incident."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from breakerd.alerts.model.incident import Incident
from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.record.event import RecordEvent

AROUND: Final = 900.0
"""Seconds before and after an incident that a report shows."""


@dataclass(frozen=True, slots=True)
class Material:
    """What a report is made from, beside the incident itself.

    Attributes:
        slots: slots by breaker, oldest first.
        events: what happened in that time, oldest first.
        percentiles: watched percentile of each breaker, 0 to 1.
        missing: parts that are not known, as sentences.
    """

    slots: Mapping[str, Sequence[HistorySlot]] = field(default_factory=dict)
    events: Sequence[RecordEvent] = ()
    percentiles: Mapping[str, float] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def span_of(incident: Incident, now: float) -> tuple[float, float]:
    """Return the time that a report shows, in seconds since the epoch."""
    ended = incident.closed_at or now
    return incident.opened_at - AROUND, max(incident.opened_at, min(now, ended + AROUND))
