"""How long it took until an incident was noticed, paged, acknowledged and over. Pure."""

from collections.abc import Iterator, Sequence

from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.report.report import Timing
from breakerd.breaker.history.slot import HistorySlot

_LONG_BEFORE = 900.0
"""Seconds before an incident in which the beginning of the trouble is looked for."""
_BAD_SHARE = 0.05
"""Share of failed calls from which a slot is bad."""
_LOG = "log"
"""Receiver that pages nobody."""

_BEGAN = (
    "first of the slots right before the incident without a good one between, in which the watched "
    "percentile was above its threshold or at least 5% of the calls failed or were late"
)
_NOTICED = "the first breaker opened or crossed a threshold"
_PAGED = "the first receiver confirmed the alert"
_ACKNOWLEDGED = "a receiver first told that somebody has acknowledged or closed the alert"
_WELL = "the last breaker was well again, and stayed so"
_CLOSED = "it had been well for as long as resolve_after says, and the alert was closed"


def timings(incident: Incident, slots: Sequence[HistorySlot], percentile: float) -> list[Timing]:
    """Return the timings of an incident.

    Args:
        incident: the incident.
        slots: slots of its first breaker, oldest first; empty if unknown.
        percentile: watched percentile of it, 0 to 1.
    """
    began = _began(incident, slots, percentile)
    remark = "" if slots else "no calls are recorded before it: counted from when it was noticed"
    found = [Timing("began", began, 0.0, _BEGAN, remark)]
    for name, at, definition, note in _moments(incident):
        seconds = None if at is None else max(0.0, at - began)
        found.append(Timing(name, at, seconds, definition, note))
    return found


def well_at(incident: Incident) -> float | None:
    """Return when the last breaker was well again; None while one is not."""
    if incident.phase is Phase.ACTIVE:
        return None
    return incident.resolving_since or incident.closed_at or None


def paged_at(incident: Incident) -> float | None:
    """Return when the first receiver that pages people confirmed the alert; None if none did."""
    told = [
        state.told[0][0]
        for name, state in incident.deliveries.items()
        if state.told and name != _LOG
    ]
    return min(told, default=None)


def acknowledged_at(incident: Incident) -> float | None:
    """Return when it was first seen that a person took the alert on; None if nobody did."""
    found = [
        at
        for state in incident.deliveries.values()
        for at, acknowledged in state.acknowledgements
        if acknowledged
    ]
    closed = [each.closed_manually_at for each in incident.deliveries.values()]
    return min([*found, *filter(None, closed)], default=None)


def _moments(incident: Incident) -> Iterator[tuple[str, float | None, str, str]]:
    """Yield name, time, definition and remark of each."""
    yield "noticed", incident.opened_at, _NOTICED, ""
    paged, handled = paged_at(incident), acknowledged_at(incident)
    yield "paged", paged, _PAGED, "" if paged is not None else _not_paged(incident)
    asked = "receivers are asked once a minute and before each stage"
    yield "acknowledged", handled, _ACKNOWLEDGED, asked if handled else "nobody has, so far"
    well = well_at(incident)
    yield "well", well, _WELL, "" if well is not None else "it is not"
    closed = incident.closed_at or None
    yield "closed", closed, _CLOSED, "" if closed is not None else "it is in progress"


def _not_paged(incident: Incident) -> str:
    if incident.muted_by:
        return f"held back: {incident.muted_by}"
    return "no receiver that pages people has confirmed it"


def _began(incident: Incident, slots: Sequence[HistorySlot], percentile: float) -> float:
    """Return the beginning of the bad slots right before the incident, else its own."""
    opened = incident.opened_at
    began = opened
    for slot in reversed(slots):
        if slot.start >= opened:
            continue
        if slot.end <= opened - _LONG_BEFORE or not _is_bad(slot, percentile):
            break
        began = slot.start
    return began


def _is_bad(slot: HistorySlot, percentile: float) -> bool:
    value = slot.durations.percentile(percentile)
    slow = value is not None and slot.threshold is not None and value > slot.threshold
    return slow or (slot.error_rate or 0.0) >= _BAD_SHARE
