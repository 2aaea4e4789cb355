"""What a receiver is to be asked next, so that it knows of an incident all it should. Pure.

The incident says what should be known at `now`, the delivery what is. The next step is whatever
makes them equal, so nothing depends on an event having been seen.
"""

from typing import Final

from breakerd.alerts.model.delivery import Delivery, Receiver, Step, StepKind
from breakerd.alerts.model.incident import Incident, Phase

ANYONE: Final = Receiver("")
"""A receiver that is told everything."""

_TOLD_LATE: Final = "P5"
"""The priority of what was over before it could be told: nobody is to get up for it."""
_NOTHING_TOLD: Final = Delivery()


def owes(incident: Incident, receiver: Receiver, now: float) -> bool:
    """Whether that receiver does not know all it should by now."""
    delivery = incident.deliveries.get(receiver.name, _NOTHING_TOLD)
    return delivery.pending is not None or next_step(incident, now, delivery, receiver) is not None


def is_told(incident: Incident, receivers: tuple[Receiver, ...] = ()) -> bool:
    """Whether it is over, and nothing is left to be told to `receivers` nor to any that knows."""
    if incident.phase is not Phase.CLOSED or incident.dead_letters:
        return False
    knowing = [Receiver(name) for name in incident.deliveries]
    every = {receiver.name: receiver for receiver in (*knowing, *receivers)}
    return not any(owes(incident, receiver, incident.closed_at) for receiver in every.values())


def next_step(
    incident: Incident, now: float, confirmed: Delivery, receiver: Receiver = ANYONE
) -> Step | None:
    """What that receiver is to be asked next; None if it knows all it should."""
    if confirmed.closed or confirmed.on_manual_close_at:
        return None
    if not confirmed.created:
        # What may have arrived without our knowing must not stay open.
        return _opening(incident, now, confirmed, receiver) or (
            _closing(incident, confirmed) if confirmed.tried else None
        )
    if confirmed.dead:
        return None if confirmed.dead_step == StepKind.CLOSE else _closing(incident, confirmed)
    return (
        _raising(incident, confirmed)
        or _next_note(incident, confirmed)
        or _picture(incident, confirmed, receiver)
        or _closing(incident, confirmed)
    )


def _opening(
    incident: Incident, now: float, confirmed: Delivery, receiver: Receiver
) -> Step | None:
    refused = confirmed.dead or confirmed.superseded or not receiver.minds(incident.priority)
    if refused or not _turn_of(incident, now, receiver):
        return None
    if incident.phase is Phase.CLOSED:
        late = incident.rules.tells_missed and incident.due_at
        return Step(StepKind.CREATE, _TOLD_LATE, number=confirmed.renewals) if late else None
    telling = incident.phase is Phase.ACTIVE and now >= incident.not_before and not incident.held
    if not telling or (incident.stage and incident.in_hand):
        return None
    responders = incident.stages[incident.stage].responders
    return Step(
        StepKind.CREATE, incident.priority, number=confirmed.renewals, responders=responders
    )


def _turn_of(incident: Incident, now: float, receiver: Receiver) -> bool:
    """Whether a receiver that stands in for others has to."""
    if receiver.fallback_after is None:
        return True
    told = any(d.created and not d.fallback for d in incident.deliveries.values())
    return bool(incident.due_at) and now >= incident.due_at + receiver.fallback_after and not told


def _raising(incident: Incident, confirmed: Delivery) -> Step | None:
    if confirmed.priority == incident.priority or incident.phase is Phase.CLOSED:
        return None
    if incident.stage and incident.in_hand:
        return None
    stage = incident.stages[incident.stage]
    # Sent again, it is the same change.
    number = confirmed.raised + (confirmed.raised_to != stage.priority)
    return Step(
        StepKind.PRIORITY, priority=stage.priority, number=number, responders=stage.responders
    )


def _next_note(incident: Incident, confirmed: Delivery) -> Step | None:
    # The last note goes with the closing itself, and says it all to who hears of it only then.
    if _is_late(incident, confirmed) or confirmed.notes >= len(incident.notes) - _closes(
        incident, confirmed
    ):
        return None
    number = confirmed.notes
    return Step(StepKind.NOTE, note=incident.notes[number], number=number)


def _picture(incident: Incident, confirmed: Delivery, receiver: Receiver) -> Step | None:
    wanted = receiver.attaches and incident.phase is not Phase.CLOSED and not confirmed.attached
    return Step(StepKind.ATTACH) if wanted and incident.content.has_picture else None


def _closing(incident: Incident, confirmed: Delivery) -> Step | None:
    if not _closes(incident, confirmed):
        return None
    return Step(StepKind.CLOSE, note=incident.notes[-1], number=confirmed.raised)


def _closes(incident: Incident, confirmed: Delivery) -> bool:
    """What is told only after it was over is never left open for people to close."""
    return incident.phase is Phase.CLOSED and (
        incident.rules.closes or _is_late(incident, confirmed)
    )


def _is_late(incident: Incident, confirmed: Delivery) -> bool:
    """Whether it heard of it only when it was over."""
    late = confirmed.created and confirmed.created_at >= incident.closed_at
    return incident.phase is Phase.CLOSED and late
