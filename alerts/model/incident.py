"""Incident: its state and the transitions it makes. Pure: `now` is passed in.

The stages it goes through while it is active are in `escalation`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Final, Self

from breakerd.alerts.model.content import AlertContent, AlertContext
from breakerd.alerts.model.delivery import DeliveryState, receiver_type
from breakerd.alerts.model.figures import CallCounts, PeakFigures, peak_of
from breakerd.alerts.model.incident_parts.encoding import decoded, encoded, known
from breakerd.alerts.model.incident_parts.member import Member
from breakerd.alerts.model.incident_parts.rules import Rules
from breakerd.alerts.model.limits import MESSAGE
from breakerd.alerts.model.note import Hold, Note
from breakerd.alerts.model.stage import Stage
from breakerd.alerts.model.text import truncate

_MAX_HOLDS: Final = 50
"""Maximum number of holds that are remembered; the oldest are forgotten."""


class Phase(StrEnum):
    """Phase of an incident."""

    ACTIVE = "active"
    """The cause is present."""
    RESOLVING = "resolving"
    """The cause is gone. The incident closes if it stays away."""
    CLOSED = "closed"
    """The incident is over."""


@dataclass(slots=True)
class Incident:
    """Period in which one breaker, or several that opened together, needs attention.

    Times are in seconds since the epoch.

    Attributes:
        id: unique id.
        alias: deduplication key at the receivers; makes a repeated creation harmless.
        breaker: name of the breaker that caused it.
        kind: most severe kind so far: "open", "memory", "latency" or "degraded".
        opened_at: when it began.
        notify_at: earliest time of the first notification; later than `opened_at` in a cooldown.
        stages: stages of the most urgent breaker so far.
        plans: stages by severity, copied from the settings when it opened; later edits do not
            change it.
        content: content of the alert.
        drill: True if it is a drill.
        drill_ends_at: when a drill that only pages ends, whatever its breaker does; else 0.
        rules: rules of notification.
        phase: present phase.
        stage: index of the present stage.
        stage_note: note of the present stage; empty for the first.
        stage_times: when each stage was entered, with its priority.
        revision: number of the content; raised when receivers that have the alert should get the
            present one.
        composed_at: when the content was composed.
        composed_revision: revision of the content that was composed then.
        episodes: number of times it was opened.
        resolving_since: when the cause disappeared last.
        closed_at: when it closed; 0 if it has not.
        muted_by: silence, maintenance window, incident or cooldown that holds all its breakers
            back, as a sentence; empty if some breaker is free.
        holds: what has muted it, and when.
        first_due_at: when it was first due for notification; 0 if it never was.
        ack_poll_since: since when a stage waits for the state of the alert; 0 if none does.
        reminders: number of reminders so far.
        peak: peak figures so far; None if none are known.
        peak_recorded_at: when the figures were last sampled.
        counts: calls of its breakers since it opened.
        joined_at: when a breaker joined last, or when it was free again after it was held back.
        unannounced: breakers that joined and that no note has named yet.
        unannounced_since: when the first of these joined.
        flapped_at: when it recovered or came back and no message has told it yet; 0 if there is
            nothing to tell.
        flap_openings: number of times it came back since then.
        upgraded_to: more severe kind that no message has told yet; empty if there is none.
        flap_notes: number of notes that told that alone.
        merged_into: id of the incident that its breakers have joined; empty if none.
        notes: all notes so far, oldest first.
        members: breakers in it, by name.
        deliveries: state of delivery by name of receiver.
        former: highest number of priority changes at receivers that are no longer configured, by
            type of receiver.
    """

    id: str
    alias: str
    breaker: str
    kind: str
    opened_at: float
    notify_at: float
    stages: tuple[Stage, ...]
    content: AlertContent
    drill: bool = False
    plans: dict[str, tuple[Stage, ...]] = field(default_factory=dict)
    rules: Rules = Rules()  # noqa: RUF009 - frozen
    drill_ends_at: float = 0.0
    phase: Phase = Phase.ACTIVE
    stage: int = 0
    stage_note: str = ""
    stage_times: list[tuple[float, str]] = field(default_factory=list)
    revision: int = 0
    composed_at: float = 0.0
    composed_revision: int = -1
    episodes: int = 1
    resolving_since: float = 0.0
    closed_at: float = 0.0
    muted_by: str = ""
    holds: list[Hold] = field(default_factory=list)
    first_due_at: float = 0.0
    ack_poll_since: float = 0.0
    reminders: int = 0
    peak: PeakFigures | None = None
    peak_recorded_at: float = 0.0
    counts: CallCounts = field(default_factory=CallCounts)
    joined_at: float = 0.0
    unannounced: list[str] = field(default_factory=list)
    unannounced_since: float = 0.0
    flapped_at: float = 0.0
    flap_openings: int = 0
    upgraded_to: str = ""
    flap_notes: int = 0
    merged_into: str = ""
    notes: list[Note] = field(default_factory=list)
    members: dict[str, Member] = field(default_factory=dict)
    deliveries: dict[str, DeliveryState] = field(default_factory=dict)
    former: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.members:
            member = Member(self.kind, self.opened_at, notify_at=self.notify_at)
            self.members = {self.breaker: member}
            self.joined_at = self.opened_at
        if not self.stage_times:
            self.stage_times = [(self.notify_at, self.stages[0].priority)]

    # --- transitions

    def join(self, now: float, breaker: str, member: Member) -> None:
        """Add a breaker that opened shortly after the others."""
        self.members[breaker] = member
        self.joined_at = now
        self.peak_recorded_at = 0.0  # its calls count from now on
        if self.maybe_notified:
            self.unannounced_since = self.unannounced_since if self.unannounced else now
            self.unannounced.append(breaker)

    def announce_joined(self, now: float, compose: Callable[[Sequence[str], int], str]) -> None:
        """Add a note about the breakers that joined since the last such note.

        Args:
            now: seconds since the epoch.
            compose: returns the note for their names and the total number of breakers.
        """
        self.add_note(now, compose(self.unannounced, len(self.members)))
        self.unannounced = []

    def resolve(self, now: float) -> None:
        """Enter RESOLVING: the cause is gone."""
        self.phase, self.resolving_since = Phase.RESOLVING, now
        self.mark_flap(now)

    def reopen(self, now: float) -> None:
        """Enter ACTIVE again: the cause is back before the closing was delivered."""
        self.phase, self.closed_at = Phase.ACTIVE, 0.0
        self.episodes += 1
        self.flap_openings += self.maybe_notified
        self.mark_flap(now)

    def mark_flap(self, now: float) -> None:
        """Record that people are to be told of a recovery or a relapse."""
        if self.maybe_notified:
            self.flapped_at = self.flapped_at or now

    def add_note(self, now: float, text: str) -> None:
        """Add a note. It tells of recoveries and relapses that waited, too."""
        self.notes.append(Note(now, text))
        self._mark_told()

    def enter_stage(
        self, now: float, stages: tuple[Stage, ...], stage: int, compose: Callable[[], str]
    ) -> None:
        """Enter a stage; `compose` returns the text of its message."""
        self.stages, self.stage = stages, stage
        self.stage_times.append((now, self.priority))
        self.stage_note = compose()
        self._mark_told()

    def _mark_told(self) -> None:
        self.flapped_at, self.flap_openings, self.upgraded_to = 0.0, 0, ""

    def set_stage(self, since: float, stages: tuple[Stage, ...], stage: int, note: str) -> None:
        """Begin with a stage, before anybody was notified. Its text is to be composed for it."""
        self.stages, self.stage, self.stage_note = stages, stage, note
        self.stage_times = [(since, self.priority)]
        self.composed_revision = -1

    def mute(self, now: float, reason: str) -> None:
        """Record what mutes it from `now` on; empty if nothing does any more."""
        self.muted_by = reason
        if self.holds and not self.holds[-1].until:
            self.holds[-1] = replace(self.holds[-1], until=now)
        if reason:
            self.holds = [*self.holds, Hold(reason, now)][-_MAX_HOLDS:]

    def record_figures(self, facts: Sequence[AlertContext]) -> None:
        """Merge the present figures of its breakers into the peak figures and the counts."""
        for context in facts:
            self.counts.add(context)
        for name in dict.fromkeys(context.status["name"] for context in facts):
            figures = peak_of([each.status for each in facts if each.status["name"] == name])
            self.peak = self.peak.merged(figures) if self.peak else figures

    def close(self, now: float, note: str = "") -> None:
        """Enter CLOSED, with the closing note."""
        self.phase, self.closed_at = Phase.CLOSED, now
        self.add_note(now, note)

    def mark_missed(self, note: str) -> None:
        """Mark the content as late: the incident closed before anybody could be notified."""
        message = truncate(f"[OVER] {self.content.message}", MESSAGE)
        text = f"{note}\n\n{self.content.description}"
        self.content = replace(self.content, message=message, description=text)

    def clamp_times(self, now: float) -> None:
        """Adapt to a new process, whose wall clock may be behind that of the last one."""
        ahead = max(0.0, max(self.opened_at, self.resolving_since) - now)
        self.opened_at -= ahead
        self.notify_at -= ahead
        self.ack_poll_since, self.composed_revision = 0.0, -1
        self.resolving_since = min(self.resolving_since, now)
        self.first_due_at = min(self.first_due_at, now)
        self.joined_at = min(self.joined_at, now)
        for member in self.members.values():
            member.shift(now, ahead)
        for delivery in self.deliveries.values():
            delivery.clamp_times(now)

    # --- queries

    def delivery_to(self, receiver: str) -> DeliveryState:
        """Return the state of delivery to that receiver; create it if there is none."""
        if receiver not in self.deliveries:
            # A name of an alert that one of its type has used pages nobody a second time.
            used = self.former.get(receiver_type(receiver), 0)
            self.deliveries[receiver] = DeliveryState(escalations=used, most_escalations=used)
        return self.deliveries[receiver]

    def leave_receiver(self, receiver: str) -> None:
        """Record that a receiver is no longer configured, and what it has used."""
        kind, state = receiver_type(receiver), self.delivery_to(receiver)
        self.former[kind] = max(self.former.get(kind, 0), state.most_escalations)

    @property
    def notified_at(self) -> float:
        """Time at which a receiver last confirmed the creation of the alert; 0 if none did."""
        return max((d.created_at for d in list(self.deliveries.values()) if d.created), default=0.0)

    @property
    def maybe_notified(self) -> bool:
        """True if any receiver has the alert, or may have it."""
        return any(d.created or d.attempted_priority for d in list(self.deliveries.values()))

    @property
    def handled(self) -> bool:
        """True if a person has acknowledged or closed the alert at any receiver."""
        return any(d.handled for d in list(self.deliveries.values()))

    def stale(self, now: float, seconds: float) -> bool:
        """Return True if the content is to be composed anew.

        At once if its revision has changed; every few `seconds` while some receiver has yet to
        create the alert. Never that of a drill that only pages.
        """
        if self.drill_ends_at:
            return False
        if self.composed_revision != self.revision:
            return True
        pending = not self.deliveries or any(
            not (d.created or d.closed or d.dead_letter_reason) for d in self.deliveries.values()
        )
        return pending and now - self.composed_at >= seconds

    @property
    def priority(self) -> str:
        """Priority that the alert should have now."""
        return self.stages[self.stage].priority

    @property
    def escalates_at(self) -> float | None:
        """Time of the next stage; None if there is none."""
        if self.phase is not Phase.ACTIVE:
            return None
        times = (
            member.staged_from + stage.after
            for member in self.members.values()
            if member.counts
            for stage in self.stages_of(member)
            if stage.priority < self.priority
        )
        return min(times, default=None)

    def stages_of(self, member: Member) -> tuple[Stage, ...]:
        """Return the stages of one of its breakers."""
        return self.plans.get(member.severity, self.stages)

    @property
    def dead_letters(self) -> dict[str, DeliveryState]:
        """Deliveries that were given up and not discarded, by receiver."""
        return {name: d for name, d in list(self.deliveries.items()) if d.dead_letter}

    # --- serialization

    def as_dict(self) -> dict[str, Any]:
        """Return the incident as JSON-able data."""
        return encoded({each.name: getattr(self, each.name) for each in fields(self)})

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build an incident from `as_dict` data.

        Raises:
            TypeError, KeyError, ValueError: the data does not describe an incident.
        """
        return cls(**known(cls, decoded(data)) | {"phase": Phase(data["phase"])})
