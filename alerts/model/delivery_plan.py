"""Plan of a delivery: which request brings a receiver up to date. Pure.

The incident holds what the receiver should know at `now`, the delivery state what it has confirmed.
The next step closes the gap between the two, so no decision depends on a received event.
"""

from typing import Final

from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.receiver import ReceiverPolicy
from breakerd.alerts.model.step import Step, StepKind

ANYONE: Final = ReceiverPolicy("")
"""Policy of a receiver that is notified of everything."""

_MISSED_PRIORITY: Final = "P5"
"""Priority of an incident that closed before the receiver could be notified: it wakes nobody."""
_NOTHING_DELIVERED: Final = DeliveryState()
_TEXTS: Final = {"message", "description"}
"""Parts of the content that an update replaces. Others are added to, and may be too many."""


def is_behind(incident: Incident, policy: ReceiverPolicy, now: float) -> bool:
    """Return True if the receiver does not know all it should at `now`."""
    delivery = incident.deliveries.get(policy.name, _NOTHING_DELIVERED)
    if delivery.accepted_step is not None:
        return True
    return next_step(incident, now, delivery, policy) is not None


def is_settled(incident: Incident, policies: tuple[ReceiverPolicy, ...] = ()) -> bool:
    """Return True if the incident is closed and nothing is left to deliver.

    Counts the receivers of `policies`, and those that already know of the incident.
    """
    if incident.phase is not Phase.CLOSED or incident.dead_letters:
        return False
    notified = [ReceiverPolicy(name) for name in incident.deliveries]
    every = {policy.name: policy for policy in (*notified, *policies)}
    return not any(is_behind(incident, policy, incident.closed_at) for policy in every.values())


def next_step(
    incident: Incident, now: float, confirmed: DeliveryState, policy: ReceiverPolicy = ANYONE
) -> Step | None:
    """Return the next request to the receiver, or None if it is up to date."""
    if confirmed.closed or confirmed.closed_manually_at:
        return None
    if not confirmed.created:
        # A creation that may have arrived unconfirmed must not stay open.
        return _create(incident, now, confirmed, policy) or (
            _close(incident, confirmed) if confirmed.attempted_priority else None
        )
    if confirmed.dead_letter_reason:
        refuses_close = confirmed.dead_letter_step == StepKind.CLOSE
        return None if refuses_close else _close(incident, confirmed)
    if policy.closes_only:
        return _close(incident, confirmed)
    escalation = _escalate(incident, confirmed, policy)
    at_once = confirmed.update_failures or policy.whole
    return (
        # Whoever is paged by a new priority reads the new text, unless that cannot be sent.
        (escalation if at_once else None)
        or _update(incident, now, confirmed, policy)
        or escalation
        or _note(incident, confirmed, policy)
        or _attach(incident, confirmed, policy)
        or _close(incident, confirmed)
    )


def _create(
    incident: Incident, now: float, confirmed: DeliveryState, policy: ReceiverPolicy
) -> Step | None:
    ended = confirmed.dead_letter_reason or confirmed.superseded or policy.closes_only
    if ended or not policy.accepts(incident.priority) or not _takes_part(incident, now, policy):
        return None
    if incident.phase is Phase.CLOSED:
        missed = incident.rules.notify_missed and incident.first_due_at
        return (
            Step(
                StepKind.CREATE,
                _MISSED_PRIORITY,
                number=confirmed.reopenings,
                revision=_revision(incident),
            )
            if missed
            else None
        )
    due = incident.phase is Phase.ACTIVE and now >= incident.notify_at and not incident.muted_by
    if not due or (incident.stage and incident.handled):
        return None
    return Step(
        StepKind.CREATE,
        incident.priority,
        number=confirmed.reopenings,
        responders=_responders_so_far(incident),
        revision=_revision(incident),
    )


def _responders_so_far(incident: Incident) -> tuple[str, ...]:
    """Return the responders of the present stage and of all before it, each once."""
    stages = incident.stages[: incident.stage + 1]
    return tuple(dict.fromkeys(each for stage in stages for each in stage.responders))


def _revision(incident: Incident) -> int:
    """Return the revision that the present content has; the next may not be composed yet."""
    return max(0, incident.composed_revision)


def _takes_part(incident: Incident, now: float, policy: ReceiverPolicy) -> bool:
    """Return True for a regular receiver, and for a fallback that must step in."""
    if policy.fallback_after is None:
        return True
    notified = any(d.created and not d.fallback for d in incident.deliveries.values())
    overdue = incident.first_due_at and now >= incident.first_due_at + policy.fallback_after
    return bool(overdue) and not notified


def _escalate(incident: Incident, confirmed: DeliveryState, policy: ReceiverPolicy) -> Step | None:
    if confirmed.priority == incident.priority or incident.phase is Phase.CLOSED:
        return None
    if incident.stage and incident.handled:
        return None
    stage = incident.stages[incident.stage]
    # A change that is sent again keeps its number.
    number = confirmed.escalations + (confirmed.escalated_to != stage.priority)
    return Step(
        StepKind.PRIORITY,
        priority=stage.priority,
        note=incident.stage_note,
        number=number,
        responders=stage.responders,
        # A receiver whose text is updated by a step of its own has not got it with this one.
        revision=0 if policy.updates and not policy.whole else _revision(incident),
    )


def _update(
    incident: Incident, now: float, confirmed: DeliveryState, policy: ReceiverPolicy
) -> Step | None:
    """Return the update to a newer content; None if it would change nothing."""
    if not policy.updates or confirmed.reduced or incident.phase is Phase.CLOSED:
        return None
    revision = _revision(incident)
    if confirmed.revision >= revision or now < confirmed.update_retry_at:
        return None
    digests = incident.content.digests()
    changed = (part for part in digests if confirmed.content.get(part) != digests[part])
    # What the alert has too many of must not keep the text from it.
    parts = tuple(p for p in changed if p in _TEXTS or not confirmed.update_failures)
    if not parts:
        return None
    return Step(StepKind.UPDATE, priority=confirmed.priority, revision=revision, parts=parts)


def _note(incident: Incident, confirmed: DeliveryState, policy: ReceiverPolicy) -> Step | None:
    # The closing request carries the last note. A receiver notified late gets no other note.
    if not policy.notes or _is_late(incident, confirmed):
        return None
    if confirmed.notes >= len(incident.notes) - _is_to_close(incident, confirmed):
        return None
    number = confirmed.notes
    return Step(StepKind.NOTE, note=incident.notes[number].text, number=number)


def _attach(incident: Incident, confirmed: DeliveryState, policy: ReceiverPolicy) -> Step | None:
    wanted = policy.attaches and incident.phase is not Phase.CLOSED and not confirmed.attached
    return Step(StepKind.ATTACH) if wanted and incident.content.has_picture else None


def _close(incident: Incident, confirmed: DeliveryState) -> Step | None:
    if not _is_to_close(incident, confirmed):
        return None
    return Step(StepKind.CLOSE, note=incident.notes[-1].text, number=confirmed.most_escalations)


def _is_to_close(incident: Incident, confirmed: DeliveryState) -> bool:
    """Return True if breakerd closes the alert. One created late is never left for people."""
    return incident.phase is Phase.CLOSED and (
        incident.rules.auto_close or _is_late(incident, confirmed)
    )


def _is_late(incident: Incident, confirmed: DeliveryState) -> bool:
    """Return True if the alert was created only after the incident closed."""
    late = confirmed.created and confirmed.created_at >= incident.closed_at
    return incident.phase is Phase.CLOSED and late
