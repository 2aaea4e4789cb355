"""What one receiver has confirmed of an incident, and what it can be asked. Pure data."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Stage:
    """From `after` seconds on, the alert has `priority`, and `responders` are told as well.

    Each of `responders` is `team:NAME`, `user:NAME`, `escalation:NAME` or `schedule:NAME`.
    """

    after: float
    priority: str
    responders: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The stage of that data.

        Raises:
            TypeError: the data is not a stage's.
        """
        return cls(**{**data, "responders": tuple(data.get("responders", ()))})


class StepKind(StrEnum):
    """What the receiver is to be asked."""

    CREATE = "create"
    PRIORITY = "priority"
    NOTE = "note"
    ATTACH = "attach"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Step:
    """What a receiver is to be asked next.

    Attributes:
        kind: what to do.
        priority: for CREATE and PRIORITY.
        note: for NOTE, and for CLOSE the words that go with it.
        number: which of the notes, from 0; for CREATE how often it was there before; for PRIORITY
            which change of it, from 1; for CLOSE how many such changes there were. A receiver that
            cannot change the priority of an alert makes one more alert for each.
        responders: for CREATE and PRIORITY whom to tell beside the team, see `Stage`.
    """

    kind: StepKind
    priority: str = ""
    note: str = ""
    number: int = 0
    responders: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The step of that data.

        Raises:
            TypeError, KeyError, ValueError: the data is not a step's.
        """
        responders = tuple(data.get("responders", ()))
        return cls(**{**data, "kind": StepKind(data["kind"]), "responders": responders})


@dataclass(frozen=True, slots=True)
class Receiver:
    """What of a receiver decides whether and when it is told.

    Attributes:
        name: as in metrics.
        min_priority: it hears only of incidents that are at least this urgent.
        attaches: whether it takes pictures.
        fallback_after: None for one that is always told; else it is told only of incidents that no
            other has confirmed this many seconds after they were due.
    """

    name: str
    min_priority: str = "P5"
    attaches: bool = False
    fallback_after: float | None = None

    def minds(self, priority: str) -> bool:
        """Whether that priority is urgent enough: P1 is the most urgent."""
        return priority <= self.min_priority


@dataclass(slots=True)
class Delivery:
    """What the receiver has confirmed, and what is under way. Times are seconds since the epoch.

    Attributes:
        created: whether the alert exists there.
        created_at: when that was confirmed.
        tried: the priority of a creation that may have arrived without our knowing.
        priority: the priority it has there.
        raised: how many changes of the priority were asked for.
        raised_to: what the last of them was to make of it.
        notes: how many of the incident's notes it has.
        attached: whether it has the picture, or will not get it.
        closed: whether it is closed there, or nothing is left to close.
        request_id: request that was accepted and not confirmed yet.
        pending: the step it belongs to.
        asked_at: when it was accepted.
        doubtful: the step that was sent last, and may have been carried out without our knowing.
        attempts: failed attempts in a row.
        not_before: when to try again.
        minimal: whether the receiver refused the full form.
        dead: why it was given up; empty if it was not.
        dead_step: what the receiver will not do.
        discarded: who wants to hear no more of what was given up, and why; empty if nobody.
        superseded: whether a later incident of the same breaker tells it all.
        looked_at: when it was last asked what people have made of the alert.
        looked: whether it was, since it is there.
        renewals: how often it was opened once more, after people had closed it.
        look_again_at: when to ask again, after there was no answer.
        acknowledged: whether somebody has acknowledged it.
        on_manual_close_at: when it was seen that somebody had closed it; 0 if nobody has.
        fallback: whether it is told only because no other was.
    """

    created: bool = False
    created_at: float = 0.0
    tried: str = ""
    priority: str = ""
    raised: int = 0
    raised_to: str = ""
    notes: int = 0
    attached: bool = False
    closed: bool = False
    request_id: str = ""
    pending: Step | None = None
    asked_at: float = 0.0
    doubtful: Step | None = None
    attempts: int = 0
    not_before: float = 0.0
    minimal: bool = False
    dead: str = ""
    dead_step: str = ""
    discarded: str = ""
    superseded: bool = False
    looked_at: float = 0.0
    looked: bool = False
    renewals: int = 0
    look_again_at: float = 0.0
    acknowledged: bool = False
    on_manual_close_at: float = 0.0
    fallback: bool = False

    def confirm(self, now: float, step: Step) -> None:
        """The receiver has carried out `step`."""
        if step.kind is StepKind.CREATE:
            # Had an earlier attempt arrived, this one changed nothing about its priority.
            self.created, self.created_at = True, now
            self.looked_at, self.looked = now, False
            self.priority = self.tried or step.priority
        elif step.kind is StepKind.PRIORITY:
            self.priority = step.priority
        elif step.kind is StepKind.NOTE:
            self.notes = max(self.notes, step.number + 1)
        elif step.kind is StepKind.ATTACH:
            self.attached = True
        else:
            self.closed = True
        self.settle()
        self.attempts = 0

    def settle(self) -> None:
        """Nothing is under way any more."""
        self.request_id, self.pending, self.doubtful = "", None, None

    def lose(self) -> None:
        """The alert is not there any more: a person deleted it, or it is another account."""
        self.settle()
        self.created, self.tried, self.notes, self.raised = False, "", 0, 0
        self.raised_to, self.attached, self.acknowledged = "", False, False

    def begin_anew(self, notes: int) -> None:
        """People closed it, and it is to be opened once more, without its first `notes` notes."""
        self.lose()
        self.on_manual_close_at, self.notes = 0.0, notes
        self.renewals += 1

    def revive(self) -> None:
        """What was given up is tried again, in its full form."""
        self.dead = self.dead_step = self.discarded = ""
        self.closed = self.minimal = False
        self.attempts, self.not_before = 0, 0.0

    def rebase(self, now: float) -> None:
        """Nothing has happened later than `now`, and all may be tried at once."""
        self.not_before = self.look_again_at = 0.0
        self.asked_at, self.created_at = min(self.asked_at, now), min(self.created_at, now)
        self.looked_at = min(self.looked_at, now)
        self.on_manual_close_at = min(self.on_manual_close_at, now)

    @property
    def in_hand(self) -> bool:
        """Whether a person has acknowledged it, or closed it."""
        return self.acknowledged or bool(self.on_manual_close_at)

    @property
    def dead_letter(self) -> bool:
        """Whether it was given up, and nobody has said that this is all right."""
        return bool(self.dead) and not self.discarded and not self.closed

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The delivery of that data.

        Raises:
            TypeError, KeyError, ValueError: the data is not a delivery's.
        """
        steps = {
            name: Step.from_dict(data[name]) if data.get(name) else None
            for name in ("pending", "doubtful")
        }
        return cls(**{**data, **steps})
