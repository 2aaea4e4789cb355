"""Escalation of an incident: stages, reminders, re-opening, and the polls these wait for. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.incident_parts.member import ELEVATED, LOW, PAGE, Member
from breakerd.alerts.model.stage import Stage

_MAX_REMINDER_PAUSE: Final = 6 * 3600.0
"""Maximum number of seconds between two reminders."""
_FIRST_PAUSE: Final = 60.0
"""Seconds from the last message to the first note about recoveries and relapses alone."""
_FLAP_PAUSE: Final = 300.0
"""Seconds from the last message to the second such note; each later pause is twice as long."""
_OPEN: Final = "open"
_SPREAD_TIME: Final = 5.0
"""Maximum number of seconds in which an outage reaches all processes."""
_NO_BLIP: Final = 60.0
"""Seconds after which trouble that people were told of is no blip: opening raises it at once."""
_POLL_INTERVAL: Final = 60.0
"""Seconds between two polls of the state of an alert."""
_MAX_POLL_WAIT: Final = 15.0
"""Maximum number of seconds that a stage waits for a poll, so no silent receiver blocks a page."""


@dataclass(frozen=True, slots=True)
class StageTexts:
    """Texts that a stage and a reminder need; composed only when they are due."""

    stage: Callable[[], str]
    reminder: Callable[[], str]


@dataclass(frozen=True, slots=True)
class DueStage:
    """Stage that an incident should be in.

    Attributes:
        stages: stages of the breaker that has the most urgent one.
        index: index of the stage among them.
        since: when it was due, in seconds since the epoch.
    """

    stages: tuple[Stage, ...]
    index: int
    since: float

    @property
    def priority(self) -> str:
        """Priority of the stage."""
        return self.stages[self.index].priority


def advance(incident: Incident, now: float, texts: StageTexts) -> bool:
    """Apply what is due at `now`; return True if the incident has changed.

    Before a receiver has the alert, the stage follows the time without a message.

    Args:
        incident: the incident.
        now: seconds since the epoch.
        texts: compose the notes.
    """
    if incident.phase is not Phase.ACTIVE:
        return False
    reopened = _recreate_closed(incident, now)
    if not incident.notified_at:
        return _follow(incident, now, texts) or reopened
    return escalate(incident, now, texts.stage) or _remind(incident, now, texts) or reopened


def escalate(incident: Incident, now: float, compose: Callable[[], str]) -> bool:
    """Enter the stage that is due, if it is more urgent; return True if it is entered.

    A breaker whose trouble becomes more severe begins with its first stage at once, also if
    somebody has acknowledged the alert. Later stages wait for that.
    """
    due = _due_stage(incident, now)
    if due is None or due.priority >= incident.priority:
        return False
    if due.index and (_waits_for_poll(incident, now, due) or incident.handled):
        return False
    _enter(incident, now, due, compose)
    return True


def escalate_opened(incident: Incident, now: float, compose: Callable[[], str]) -> bool:
    """Enter the stage of a degraded breaker that has just opened; return True if one is entered.

    Opening is a blip if it comes alone, so it begins with the first stage. After trouble that
    people were told of a minute ago or more it is none: it enters the second stage, or the next
    one if the alert has that already. It skips no priority, nor does it if somebody has the alert
    in hand.
    """
    stages = incident.plans.get(PAGE, incident.stages)
    highest = int(min(incident.priority, stages[0].priority)[1:]) - 1
    fitting = [
        i
        for i, stage in enumerate(stages)
        if i and highest <= int(stage.priority[1:]) < int(incident.priority[1:])
    ]
    told = incident.notified_at and now - incident.notified_at >= _NO_BLIP
    if not (told and fitting) or incident.handled:
        return escalate(incident, now, compose)
    _enter(incident, now, DueStage(stages, fitting[0], now), compose)
    return True


def first_notice_at(incident: Incident) -> float:
    """Return when people are first notified, in seconds since the epoch.

    What is less severe than an open breaker waits for `degraded_after`, so that what gets worse
    meanwhile is told once, and what is over by then not at all. A breaker that is open in a few of
    many processes waits a moment, since an outage reaches them one after the other.
    """
    times = [_first_notice_of(m, incident) for m in incident.members.values() if m.counts]
    return min(times, default=incident.notify_at)


def _first_notice_of(member: Member, incident: Incident) -> float:
    wait = incident.rules.degraded_after
    if member.kind == _OPEN and member.severity != PAGE:
        return max(member.notify_at, member.since + min(wait, _SPREAD_TIME))
    if member.severity == LOW:
        return max(member.notify_at, incident.opened_at + wait)
    if member.severity == ELEVATED:
        # Once it has lasted, at its own second stage, and not twice in a row.
        return max(member.notify_at, min(member.staged_from, incident.opened_at + wait) + wait)
    return member.notify_at


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
    later = due is not None and due.index and due.priority < incident.priority
    return bool(later) and due is not None and _is_unpolled(delivery, due)


def _may_poll(incident: Incident, now: float, delivery: DeliveryState) -> bool:
    exists = delivery.created and not delivery.closed_manually_at
    return incident.phase is Phase.ACTIVE and exists and now >= delivery.poll_again_at


def _enter(incident: Incident, now: float, due: DueStage, compose: Callable[[], str]) -> None:
    incident.ack_poll_since = 0.0
    incident.enter_stage(now, due.stages, due.index, compose)
    incident.revision += 1


def _follow(incident: Incident, now: float, texts: StageTexts) -> bool:
    """Have an incident that nobody was notified of begin with the stage that is due."""
    due = _due_stage(incident, now)
    if due is None or (due.stages, due.index) == (incident.stages, incident.stage):
        return False
    # Somebody may have been notified: by a request without an answer, or before it was closed.
    again = any(delivery.reopenings for delivery in incident.deliveries.values())
    if (again or incident.maybe_notified) and due.priority >= incident.priority:
        return False
    incident.set_stage(due.since, due.stages, due.index, "")
    if due.index and incident.maybe_notified:
        incident.stage_note = texts.stage()
    return True


def _due_stage(incident: Incident, now: float) -> DueStage | None:
    """Return the most urgent stage that is due for a breaker; None if there is no such breaker.

    It does not count those that are well or held back.
    """
    begins: dict[str, float] = {}
    for member in incident.members.values():
        if member.counts:
            begun = begins.get(member.severity, member.staged_from)
            begins[member.severity] = min(begun, member.staged_from)
    due = (
        _most_urgent(incident.plans.get(severity, incident.stages), begun, now)
        for severity, begun in begins.items()
    )
    return min(due, key=lambda each: each.priority, default=None)


def _most_urgent(stages: tuple[Stage, ...], begun: float, now: float) -> DueStage:
    """Return the most urgent of the stages that are due, the first of several."""
    due = [i for i, stage in enumerate(stages) if now >= begun + stage.after] or [0]
    index = min(due, key=lambda i: stages[i].priority)
    return DueStage(stages, index, begun + stages[index].after)


def _waits_for_poll(incident: Incident, now: float, due: DueStage) -> bool:
    """Return True while a receiver has yet to be asked, for at most `_MAX_POLL_WAIT` seconds."""
    pending = [d for d in incident.deliveries.values() if not (d.closed or d.dead_letter_reason)]
    if not any(d.created and _is_unpolled(d, due) for d in pending):
        return False
    incident.ack_poll_since = incident.ack_poll_since or now
    return now < incident.ack_poll_since + _MAX_POLL_WAIT


def _is_unpolled(delivery: DeliveryState, due: DueStage) -> bool:
    """Return True if the alert was not polled since it exists and that stage is due."""
    return delivery.polled_at < due.since or not delivery.polled


def _remind(incident: Incident, now: float, texts: StageTexts) -> bool:
    first = incident.rules.remind_after
    if not first or now < _next_reminder(incident, first):
        return False
    while now >= _next_reminder(incident, first):
        incident.reminders += 1
    incident.add_note(now, texts.reminder())
    return True


def _next_reminder(incident: Incident, first: float) -> float:
    """Return when the next reminder is due. Each pause is twice the one before, up to a limit."""
    at, pause = incident.first_due_at or incident.notify_at, first
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


# --- recoveries and relapses


def flap_note_due(incident: Incident, now: float) -> bool:
    """Return True if a note is due that tells of recoveries, relapses and a worse kind alone.

    A worse kind is told at once. The others wait for the next message. If none leaves, the first
    such note leaves a minute after the last message, the next one five minutes after it, and each
    later one after twice as long. While it is well for less than a minute, the next message may be
    the closing; while a stage waits only for the state of the alert, it is that stage.
    """
    if not (incident.flapped_at or incident.upgraded_to):
        return False
    if now < incident.ack_poll_since + _MAX_POLL_WAIT and _stage_is_due(incident, now):
        return False
    if incident.phase is Phase.RESOLVING and now < incident.resolving_since + _FIRST_PAUSE:
        return False
    noted = incident.notes[-1].at if incident.notes else 0.0
    if incident.upgraded_to:
        return True
    last = max(incident.notified_at, incident.stage_times[-1][0], noted)
    number = incident.flap_notes
    pause = min(_FLAP_PAUSE * 2 ** (number - 1), _MAX_REMINDER_PAUSE) if number else _FIRST_PAUSE
    return now >= last + pause


def _stage_is_due(incident: Incident, now: float) -> bool:
    due = _due_stage(incident, now)
    return due is not None and due.priority < incident.priority and not incident.handled
