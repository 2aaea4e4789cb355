"""Escalation of an incident: stages, reminders, re-opening, and the polls these wait for. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.note import Note

_MAX_REMINDER_PAUSE: Final = 6 * 3600.0
"""Maximum number of seconds between two reminders."""
_POLL_INTERVAL: Final = 60.0
"""Seconds between two polls of the state of an alert."""
_MAX_POLL_WAIT: Final = 15.0
"""Maximum number of seconds that a stage waits for a poll, so no silent receiver blocks a page."""


@dataclass(frozen=True, slots=True)
class StageTexts:
    """Texts that a stage and a reminder need; composed only when they are due."""

    stage: Callable[[], str]
    reminder: Callable[[], str]


def advance(incident: Incident, now: float, texts: StageTexts) -> bool:
    """Apply what is due at `now`; return True if the incident has changed.

    Args:
        incident: the incident.
        now: seconds since the epoch.
        texts: compose the notes.
    """
    if incident.phase is not Phase.ACTIVE:
        return False
    reopened = _recreate_closed(incident, now)
    if not incident.notified_at:
        return reopened
    return _escalate(incident, now, texts) or _remind(incident, now, texts) or reopened


def needs_ack_poll(incident: Incident, now: float, delivery: DeliveryState) -> bool:
    """Return True if it is time to ask the receiver for the state of the alert."""
    if not _may_poll(incident, now, delivery):
        return False
    overdue = now - delivery.polled_at >= _POLL_INTERVAL
    # Poll right before the priority changes: the last attempt may have failed some time ago.
    escalating = bool(incident.stage) and delivery.priority != incident.priority
    before = escalating and not delivery.acknowledged and delivery.polled_at < now
    return overdue or before or needs_ack_poll_to_escalate(incident, now, delivery)


def needs_ack_poll_to_escalate(incident: Incident, now: float, delivery: DeliveryState) -> bool:
    """Return True if a stage is due and waits only for the state of the alert."""
    if not _may_poll(incident, now, delivery):
        return False
    due = _due_stage(incident, now)
    return due > incident.stage and _is_unpolled(incident, delivery, due)


def _may_poll(incident: Incident, now: float, delivery: DeliveryState) -> bool:
    exists = delivery.created and not delivery.closed_manually_at
    return incident.phase is Phase.ACTIVE and exists and now >= delivery.poll_again_at


def _escalate(incident: Incident, now: float, texts: StageTexts) -> bool:
    due = _due_stage(incident, now)
    if due <= incident.stage or _waits_for_poll(incident, now, due) or incident.handled:
        return False
    incident.ack_poll_since = 0.0
    incident.enter_stage(now, due, texts.stage)
    incident.revision += 1
    return True


def _due_stage(incident: Incident, now: float) -> int:
    stages = enumerate(incident.stages)
    due = [i for i, stage in stages if now >= incident.notify_at + stage.after]
    return due[-1] if due else 0


def _waits_for_poll(incident: Incident, now: float, due: int) -> bool:
    """Return True while a receiver has yet to be asked, for at most `_MAX_POLL_WAIT` seconds."""
    pending = [d for d in incident.deliveries.values() if not (d.closed or d.dead_letter_reason)]
    if not any(d.created and _is_unpolled(incident, d, due) for d in pending):
        return False
    incident.ack_poll_since = incident.ack_poll_since or now
    return now < incident.ack_poll_since + _MAX_POLL_WAIT


def _is_unpolled(incident: Incident, delivery: DeliveryState, due: int) -> bool:
    """Return True if the alert was not polled since it exists and that stage is due."""
    due_at = incident.notify_at + incident.stages[due].after
    return delivery.polled_at < due_at or not delivery.polled


def _remind(incident: Incident, now: float, texts: StageTexts) -> bool:
    first = incident.rules.remind_after
    if not first or now < _next_reminder(incident, first):
        return False
    while now >= _next_reminder(incident, first):
        incident.reminders += 1
    incident.notes.append(Note(now, texts.reminder()))
    return True


def _next_reminder(incident: Incident, first: float) -> float:
    """Return when the next reminder is due. Each pause is twice the one before, up to a limit."""
    at, pause = incident.notify_at, first
    for _ in range(incident.reminders + 1):
        at += min(pause, max(first, _MAX_REMINDER_PAUSE))
        pause *= 2
    return at


def _recreate_closed(incident: Incident, now: float) -> bool:
    """Create again what people closed at least `reopen_after` seconds ago."""
    wait = incident.rules.reopen_after
    if wait is None:
        return False
    closed = [
        d
        for d in incident.deliveries.values()
        if d.closed_manually_at and now >= d.closed_manually_at + wait
    ]
    for delivery in closed:
        delivery.recreate(len(incident.notes))
    return bool(closed)
