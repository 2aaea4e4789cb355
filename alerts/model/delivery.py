"""State of delivery of one incident to one receiver. Pure data."""

from dataclasses import dataclass, field
from typing import Any, Final, Self

from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.step import Step, StepKind

_MAX_TAGS: Final = 60
"""Maximum number of tags that are remembered of an alert; it may have twenty."""


@dataclass(slots=True)
class DeliveryState:
    """State that a receiver has confirmed of an incident, and its request that is under way.

    Times are in seconds since the epoch.

    Attributes:
        created: True if the alert exists at the receiver.
        created_at: when the creation was confirmed.
        attempted_priority: priority of a creation that may have arrived unconfirmed.
        priority: priority of the alert at the receiver.
        escalations: number of priority changes that were requested.
        escalated_to: priority of the last requested change.
        most_escalations: highest number of priority changes so far; it counts also what was
            requested before the alert was created again.
        told: times at which a priority was confirmed, each with the priority: first the creation,
            then each change.
        revision: revision of the content that the receiver has.
        content: digest of each part of the content that the receiver has.
        sent: digest of each part that was sent last; the receiver may have it or not.
        tags: tags that the alert may have.
        update_failures: failed updates in a row.
        update_retry_at: earliest time of the next update.
        notes: number of the incident's notes that were delivered.
        attached: True if the chart was delivered, or will not be.
        closed: True if the alert is closed at the receiver, or nothing is left to close.
        closed_at: when the receiver confirmed the closing; 0 if it has not.
        request_id: id of a request that was accepted and is not confirmed yet.
        accepted_step: step of that request.
        accepted_at: when that request was accepted.
        unconfirmed_step: step that was sent last, and may have been applied without an answer.
        attempts: failed attempts in a row.
        retry_at: earliest time of the next attempt.
        last_problem: error of the last failed attempt; empty if none has failed.
        last_problem_at: when that attempt failed.
        reduced: True if the receiver rejected the full content.
        dead_letter_reason: reason why the receiver rejects it; empty if delivery continues.
        dead_letter_step: step that the receiver rejects.
        discarded: who discarded the dead letter and why; empty if nobody did.
        superseded: True if a later incident of the same breaker is delivered in its place.
        polled_at: when the state of the alert was last requested.
        polled: True if it was requested since the alert exists.
        reopenings: number of times the alert was re-created after people closed it.
        poll_again_at: earliest time of the next poll, after one without an answer.
        acknowledged: True if somebody has acknowledged the alert.
        acknowledgements: times at which a poll first showed that it was acknowledged (True), or
            that the acknowledgement was withdrawn (False).
        closed_manually_at: when a poll first showed that somebody closed it; 0 if nobody did.
        fallback: True if the receiver was notified only as a fallback.
        reference: where the receiver finds the alert again, in its own words; empty if it needs no
            such thing, or has no alert.
    """

    created: bool = False
    created_at: float = 0.0
    attempted_priority: str = ""
    priority: str = ""
    escalations: int = 0
    escalated_to: str = ""
    most_escalations: int = 0
    told: list[tuple[float, str]] = field(default_factory=list)
    revision: int = 0
    content: dict[str, str] = field(default_factory=dict)
    sent: dict[str, str] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    update_failures: int = 0
    update_retry_at: float = 0.0
    notes: int = 0
    attached: bool = False
    closed: bool = False
    closed_at: float = 0.0
    request_id: str = ""
    accepted_step: Step | None = None
    accepted_at: float = 0.0
    unconfirmed_step: Step | None = None
    attempts: int = 0
    retry_at: float = 0.0
    last_problem: str = ""
    last_problem_at: float = 0.0
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
    acknowledgements: list[tuple[float, bool]] = field(default_factory=list)
    closed_manually_at: float = 0.0
    fallback: bool = False
    reference: str = ""

    def begin(self, step: Step, content: AlertContent, notes: int, *, whole: bool = False) -> None:
        """Record that `step` is about to be sent: it may be applied without an answer.

        Args:
            step: the step.
            content: the content that a creation or an update carries.
            notes: number of the incident's notes, which a new alert gets no more.
            whole: True if each request carries the whole alert, see `ReceiverPolicy`.
        """
        self.unconfirmed_step = step
        if step.kind is StepKind.CREATE:
            if whole:
                self.attempted_priority = ""  # nothing is left of what an earlier attempt said
            self._begin_creation(step, content, notes)
        elif step.kind is StepKind.PRIORITY:
            self.escalations, self.escalated_to = step.number, step.priority
            self.most_escalations = max(self.most_escalations, step.number)
            if whole:
                self.content, self.sent = {}, content.digests()
        elif step.kind is StepKind.UPDATE:
            digests = content.digests()
            self.sent = {part: digests[part] for part in step.parts}
            self.content = {k: v for k, v in self.content.items() if k not in step.parts}
            self._remember_tags(content.tags if "tags" in step.parts else [])

    def _begin_creation(self, step: Step, content: AlertContent, notes: int) -> None:
        digests = content.digests()
        self._remember_tags(content.tags)
        if not self.attempted_priority:
            self.attempted_priority, self.revision = step.priority, step.revision
            self.sent, self.notes = digests, max(self.notes, notes)
        elif self.sent != digests:
            # The alert has the content of this attempt, or of an earlier one.
            self.sent = {}

    def _remember_tags(self, tags: list[str]) -> None:
        self.tags = list(dict.fromkeys([*self.tags, *tags]))[-_MAX_TAGS:]

    def confirm(self, now: float, step: Step) -> None:
        """Record that the receiver has applied `step`."""
        if step.kind is StepKind.CREATE:
            self._confirm_creation(now, step)
        elif step.kind is StepKind.PRIORITY:
            self.priority = step.priority
            self.revision = max(self.revision, step.revision)
            if step.revision:
                self.content, self.sent = {**self.content, **self.sent}, {}
            self.told.append((now, self.priority))
        elif step.kind is StepKind.UPDATE:
            self.revision = max(self.revision, step.revision)
            self.content, self.sent = {**self.content, **self.sent}, {}
            self.update_failures, self.update_retry_at = 0, 0.0
        elif step.kind is StepKind.NOTE:
            self.notes = max(self.notes, step.number + 1)
        elif step.kind is StepKind.ATTACH:
            self.attached = True
        else:
            self.closed, self.closed_at = True, now
        self.clear_pending()
        self.attempts = 0

    def _confirm_creation(self, now: float, step: Step) -> None:
        # If an earlier attempt arrived, this one changed neither the priority nor the content.
        earlier = bool(self.attempted_priority)
        self.revision = min(self.revision, step.revision) if earlier else step.revision
        self.priority = self.attempted_priority or step.priority
        self.created, self.created_at = True, now
        self.polled_at, self.polled = now, False
        self.content, self.sent = self.sent, {}
        self.told.append((now, self.priority))

    def skip_update(self, step: Step) -> None:
        """Give an update up; the next revision of the content is sent again."""
        self.revision = max(self.revision, step.revision)
        self.clear_pending()

    def clear_pending(self) -> None:
        """Forget the request that is under way."""
        self.request_id, self.accepted_step, self.unconfirmed_step = "", None, None

    def mark_missing(self) -> None:
        """Record that the alert is gone: a person deleted it, or the account has changed."""
        self.clear_pending()
        self.created, self.attempted_priority, self.notes, self.escalations = False, "", 0, 0
        self.revision, self.content, self.sent, self.tags = 0, {}, {}, []
        self.update_failures, self.update_retry_at = 0, 0.0
        self.escalated_to, self.attached, self.acknowledged = "", False, False
        self.reference = ""

    def recreate(self, notes: int) -> None:
        """Prepare to re-create an alert that people closed, without its first `notes` notes."""
        self.mark_missing()
        self.closed_manually_at, self.notes = 0.0, notes
        self.reopenings += 1

    def requeue(self) -> None:
        """Try a dead letter again, with the full content."""
        self.dead_letter_reason = self.dead_letter_step = self.discarded = ""
        self.closed = self.reduced = False
        self.attempts, self.retry_at = 0, 0.0

    def clamp_times(self, now: float) -> None:
        """Move times after `now` to `now`, and allow an attempt at once."""
        self.retry_at = self.poll_again_at = self.update_retry_at = 0.0
        self.accepted_at, self.created_at = min(self.accepted_at, now), min(self.created_at, now)
        self.polled_at = min(self.polled_at, now)
        self.closed_at = min(self.closed_at, now)
        self.last_problem_at = min(self.last_problem_at, now)
        self.closed_manually_at = min(self.closed_manually_at, now)

    @property
    def handled(self) -> bool:
        """True if a person has acknowledged or closed the alert."""
        return self.acknowledged or bool(self.closed_manually_at)

    @property
    def maybe_open(self) -> bool:
        """True if the receiver may have an alert that breakerd has to close."""
        exists = self.created or bool(self.attempted_priority)
        refused = self.dead_letter_step == StepKind.CLOSE
        return exists and not (self.closed or self.closed_manually_at or refused)

    @property
    def dead_letter(self) -> bool:
        """True if delivery was given up and nobody has discarded it."""
        return bool(self.dead_letter_reason) and not self.discarded and not self.closed

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build a delivery state from `dataclasses.asdict` data.

        Raises:
            TypeError, KeyError, ValueError: the data does not describe a delivery state.
        """
        steps = {
            name: Step.from_dict(data[name]) if data.get(name) else None
            for name in ("accepted_step", "unconfirmed_step")
        }
        told = [(at, priority) for at, priority in data.get("told", ())]
        acknowledgements = [(at, found) for at, found in data.get("acknowledgements", ())]
        # Earlier versions did not keep the highest number.
        most = data.get("most_escalations", data.get("escalations", 0))
        lists = {"told": told, "acknowledgements": acknowledgements}
        return cls(**{**data, **steps, **lists, "most_escalations": most})


def receiver_type(receiver: str) -> str:
    """Return the type of a receiver by its name: `jsm` of `jsm` and of `jsm.trial`."""
    return receiver.partition(".")[0]
