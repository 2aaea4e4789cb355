"""Incident: its state and the transitions it makes. Pure: `now` is passed in.

The stages it goes through while it is active are in `escalation`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Final, Self

from breakerd.alerts.model.content import AlertContent, AlertContext
from breakerd.alerts.model.delivery import DeliveryState, receiver_type
from breakerd.alerts.model.figures import CallCounts, PeakFigures, peak_figures
from breakerd.alerts.model.incident_parts.encoding import decoded, encoded
from breakerd.alerts.model.incident_parts.member import Member
from breakerd.alerts.model.incident_parts.rules import Rules
from breakerd.alerts.model.limits import MESSAGE
from breakerd.alerts.model.note import Hold, Note
from breakerd.alerts.model.stage import Stage
from breakerd.alerts.model.text import truncate

_EPISODES_WITH_NOTE: Final = 5
"""Number of episodes that each get a note; after that, each doubling of their number does."""


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
        stages: copied from the settings when it opened; later edits do not change it.
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
        muted_by: silence, maintenance window or incident that mutes it, as a sentence; empty if
            it is not muted.
        holds: what has muted it, and when.
        first_due_at: when it was first due for notification; 0 if it never was.
        ack_poll_since: since when a stage waits for the state of the alert; 0 if none does.
        reminders: number of reminders so far.
        peak: peak figures so far; None if none are known.
        peak_recorded_at: when the figures were last sampled.
        counts: calls of its breakers since it opened.
        joined_at: when a breaker joined last.
        unannounced: breakers that joined and that no note has named yet.
        unannounced_since: when the first of these joined.
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
    notes: list[Note] = field(default_factory=list)
    members: dict[str, Member] = field(default_factory=dict)
    deliveries: dict[str, DeliveryState] = field(default_factory=dict)
    former: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.members:
            self.members = {self.breaker: Member(self.kind, self.opened_at)}
            self.joined_at = self.opened_at
        if not self.stage_times:
            self.stage_times = [(self.notify_at, self.stages[0].priority)]

    # --- transitions

    def join(self, now: float, breaker: str, kind: str) -> None:
        """Add a breaker that opened shortly after the others."""
        self.members[breaker] = Member(kind, now)
        self.joined_at = now
        if self.maybe_notified:
            self.unannounced_since = self.unannounced_since if self.unannounced else now
            self.unannounced.append(breaker)

    def announce_joined(self, now: float, compose: Callable[[Sequence[str], int], str]) -> None:
        """Add a note about the breakers that joined since the last such note.

        Args:
            now: seconds since the epoch.
            compose: returns the note for their names and the total number of breakers.
        """
        self.notes.append(Note(now, compose(self.unannounced, len(self.members))))
        self.unannounced = []

    def resolve(self, now: float, note: str) -> None:
        """Enter RESOLVING: the cause is gone."""
        self.phase, self.resolving_since = Phase.RESOLVING, now
        if self._gets_note():
            self.notes.append(Note(now, note))

    def reopen(self, now: float, compose: Callable[[], str]) -> None:
        """Enter ACTIVE again: the cause is back before the closing was delivered."""
        self.phase, self.closed_at = Phase.ACTIVE, 0.0
        self.episodes += 1
        if self._gets_note():
            self.notes.append(Note(now, compose()))

    def upgrade(
        self,
        now: float,
        kind: str,
        notify_at: float,
        note: str,
        stages: tuple[Stage, ...] | None = None,
    ) -> None:
        """Change to a more severe kind, which may be delivered from `notify_at` on.

        If `stages` are given, they replace the present ones and count from `notify_at`.
        """
        self.kind = kind
        if stages is not None:
            self.stages, self.stage, self.notify_at = stages, 0, notify_at
        elif not self.maybe_notified:
            self.notify_at = min(self.notify_at, notify_at)
        self.notes.append(Note(now, note))

    def enter_stage(self, now: float, stage: int, compose: Callable[[], str]) -> None:
        """Enter a stage; `compose` returns its note."""
        self.stage = stage
        self.stage_times.append((now, self.priority))
        self.stage_note = compose()

    def mute(self, now: float, reason: str) -> None:
        """Record what mutes it from `now` on; empty if nothing does any more."""
        self.muted_by = reason
        if self.holds and not self.holds[-1].until:
            self.holds[-1] = replace(self.holds[-1], until=now)
        if reason:
            self.holds.append(Hold(reason, now))

    def record_figures(self, facts: Sequence[AlertContext]) -> None:
        """Merge the present figures of its breakers into the peak figures and the counts."""
        for context in facts:
            figures = peak_figures(context.status)
            self.peak = self.peak.merged(figures) if self.peak else figures
            self.counts.add(f"{context.process}/{context.status['name']}", context.status["calls"])

    def close(self, now: float, note: str = "") -> None:
        """Enter CLOSED, with the closing note."""
        self.phase, self.closed_at = Phase.CLOSED, now
        self.notes.append(Note(now, note))

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
            member.since = min(member.since, now)
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
        later = self.stages[self.stage + 1 :]
        return self.notify_at + later[0].after if later and self.phase is Phase.ACTIVE else None

    @property
    def dead_letters(self) -> dict[str, DeliveryState]:
        """Deliveries that were given up and not discarded, by receiver."""
        return {name: d for name, d in list(self.deliveries.items()) if d.dead_letter}

    def _gets_note(self) -> bool:
        n = self.episodes
        return n <= _EPISODES_WITH_NOTE or n & (n - 1) == 0

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
        return cls(**decoded(data) | {"phase": Phase(data["phase"])})
