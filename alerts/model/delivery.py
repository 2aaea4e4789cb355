"""What one receiver has confirmed of an incident. Pure data."""

from dataclasses import dataclass
from typing import Any, Self

from breakerd.alerts.model.step import Step, StepKind


@dataclass(slots=True)
class DeliveryState:
    """What the receiver has confirmed, and what is under way. Times are seconds since the epoch.

    Attributes:
        created: whether the alert exists there.
        created_at: when that was confirmed.
        tried: the priority of a creation that may have arrived without our knowing.
        priority: the priority it has there.
        raised: how many changes of the priority were asked for.
        escalated_to: what the last of them was to make of it.
        notes: how many of the incident's notes it has.
        attached: whether it has the picture, or will not get it.
        closed: whether it is closed there, or nothing is left to close.
        request_id: request that was accepted and not confirmed yet.
        pending: the step it belongs to.
        accepted_at: when it was accepted.
        unconfirmed_step: the step that was sent last, and may have been carried out without our knowing.
        attempts: failed attempts in a row.
        not_before: when to try again.
        minimal: whether the receiver refused the full form.
        dead: why it was given up; empty if it was not.
        dead_letter_step: what the receiver will not do.
        discarded: who wants to hear no more of what was given up, and why; empty if nobody.
        superseded: whether a later incident of the same breaker tells it all.
        polled_at: when it was last asked what people have made of the alert.
        looked: whether it was, since it is there.
        reopenings: how often it was opened once more, after people had closed it.
        poll_again_at: when to ask again, after there was no answer.
        acknowledged: whether somebody has acknowledged it.
        closed_manually_at: when it was seen that somebody had closed it; 0 if nobody has.
        fallback: whether it is told only because no other was.
    """

    created: bool = False
    created_at: float = 0.0
    attempted_priority: str = ""
    priority: str = ""
    escalations: int = 0
    escalated_to: str = ""
    notes: int = 0
    attached: bool = False
    closed: bool = False
    request_id: str = ""
    accepted_step: Step | None = None
    accepted_at: float = 0.0
    unconfirmed_step: Step | None = None
    attempts: int = 0
    retry_at: float = 0.0
    reduced: bool = False
    dead_letter_reason: str = ""
    dead_letter_step: str = ""
    discarded: str = ""
    superseded: bool = False
    polled_at: float = 0.0
    polled: bool = False
    reopenings: int = 0
    poll_again_at: float = 0.0
    acknowledged: bool = False
    closed_manually_at: float = 0.0
    fallback: bool = False

    def confirm(self, now: float, step: Step) -> None:
        """The receiver has carried out `step`."""
        if step.kind is StepKind.CREATE:
            # Had an earlier attempt arrived, this one changed nothing about its priority.
            self.created, self.created_at = True, now
            self.polled_at, self.polled = now, False
            self.priority = self.attempted_priority or step.priority
        elif step.kind is StepKind.PRIORITY:
            self.priority = step.priority
        elif step.kind is StepKind.NOTE:
            self.notes = max(self.notes, step.number + 1)
        elif step.kind is StepKind.ATTACH:
            self.attached = True
        else:
            self.closed = True
        self.clear_pending()
        self.attempts = 0

    def clear_pending(self) -> None:
        """Nothing is under way any more."""
        self.request_id, self.accepted_step, self.unconfirmed_step = "", None, None

    def mark_missing(self) -> None:
        """The alert is not there any more: a person deleted it, or it is another account."""
        self.clear_pending()
        self.created, self.attempted_priority, self.notes, self.escalations = False, "", 0, 0
        self.escalated_to, self.attached, self.acknowledged = "", False, False

    def recreate(self, notes: int) -> None:
        """People closed it, and it is to be opened once more, without its first `notes` notes."""
        self.mark_missing()
        self.closed_manually_at, self.notes = 0.0, notes
        self.reopenings += 1

    def requeue(self) -> None:
        """What was given up is tried again, in its full form."""
        self.dead_letter_reason = self.dead_letter_step = self.discarded = ""
        self.closed = self.reduced = False
        self.attempts, self.retry_at = 0, 0.0

    def clamp_times(self, now: float) -> None:
        """Nothing has happened later than `now`, and all may be tried at once."""
        self.retry_at = self.poll_again_at = 0.0
        self.accepted_at, self.created_at = min(self.accepted_at, now), min(self.created_at, now)
        self.polled_at = min(self.polled_at, now)
        self.closed_manually_at = min(self.closed_manually_at, now)

    @property
    def handled(self) -> bool:
        """Whether a person has acknowledged it, or closed it."""
        return self.acknowledged or bool(self.closed_manually_at)

    @property
    def dead_letter(self) -> bool:
        """Whether it was given up, and nobody has said that this is all right."""
        return bool(self.dead_letter_reason) and not self.discarded and not self.closed

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The delivery of that data.

        Raises:
            TypeError, KeyError, ValueError: the data is not a delivery's.
        """
        steps = {
            name: Step.from_dict(data[name]) if data.get(name) else None
            for name in ("pending", "unconfirmed_step")
        }
        return cls(**{**data, **steps})
