"""Collection of the material of a report from the record of the host and from this process."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from breakerd.alerts.content.summary import Recall
from breakerd.alerts.incidents.recall import completed
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.text import format_time
from breakerd.alerts.report.gather import MAX_SECTIONS
from breakerd.alerts.report.material import AROUND, Material, span_of
from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.record.event import RecordEvent
from breakerd.breaker.record.reader import RecordReader
from breakerd.breaker.record.rows import RecordError

_MAX_EVENTS = 5000
"""Maximum number of events that are read."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the material of a report comes from.

    Attributes:
        record: the record of the host; None if none is kept.
        recall: recalls the calls of this process.
        percentile: returns the watched percentile of a breaker, 0 to 1.
        acts: what operators did, where no record has it.
    """

    record: RecordReader | None
    recall: Recall
    percentile: Callable[[str], float]
    acts: Sequence[RecordEvent] = ()


def collect(incident: Incident, sources: Sources, now: float) -> Material:
    """Return what is known of the time of an incident. What cannot be read is named in it."""
    names = list(incident.members)[:MAX_SECTIONS]
    start, end = span_of(incident, now)
    percentiles = {name: sources.percentile(name) for name in names}
    missing = list(_not_yet(incident, now))
    acts = [each for each in sources.acts if start <= each.time <= end]
    record = sources.record
    if record is None:
        missing.append(
            "the record: `[history] enabled` is false, so calls are those of the last hour in this "
            "process, and changes of state and settings are not listed"
        )
        own = {name: sources.recall(name, start, end) for name in names}
        return Material(own, acts, percentiles, (*missing, *_gaps(own, start, now)))
    try:
        slots = {
            name: completed(record.slots(name, start, end), sources.recall, name, (start, end))
            for name in names
        }
        events = record.events(start, end + 1, limit=_MAX_EVENTS)
    except RecordError as error:
        missing.append(f"calls, changes of state and acts: {error}")
        return Material({}, acts, percentiles, tuple(missing))
    if not any(each.kind == "act" for each in events):
        events = sorted([*events, *acts], key=lambda each: each.time)
    return Material(slots, events, percentiles, (*missing, *_gaps(slots, start, now)))


def _not_yet(incident: Incident, now: float) -> Iterator[str]:
    if not incident.closed_at:
        yield "its end: it is in progress"
    elif now < incident.closed_at + AROUND:
        yield f"the time after {format_time(now, now)} UTC: it had not passed yet"


def _gaps(slots: Mapping[str, Sequence[HistorySlot]], start: float, now: float) -> Iterator[str]:
    """Yield which breakers have no calls on record, or only from later on."""
    for name, found in slots.items():
        if not found:
            yield f"calls of {name}: none are recorded for this time"
        elif found[0].start > start + AROUND:
            begun = format_time(found[0].start, now)
            yield f"calls of {name} before {begun} UTC: none are recorded"
