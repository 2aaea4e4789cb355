"""One incident: what should be known of it out there, and what is. Pure: `now` is passed in.

`Incident` says what the receiver should hold at `now`; `Delivery` what it has confirmed. The next
step of a delivery is whatever makes them equal, so nothing depends on an event having been seen.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final, Self

from alerts.content import Content, duration

_NOTES_OF_EPISODES: Final = 5
"""Each re-opening is worth a note up to here, and each doubling after that."""


class Phase(StrEnum):
    """Where an incident is."""

    ACTIVE = "active"
    """What caused it is there."""
    QUIET = "quiet"
    """What caused it is gone; it is closed if that lasts."""
    CLOSED = "closed"
    """It is over."""


@dataclass(frozen=True, slots=True)
class Stage:
    """From `after` seconds on, the alert has `priority`, and `responders` are told as well.

    Each of `responders` is `team:NAME`, `user:NAME`, `escalation:NAME` or `schedule:NAME`.
    """

    after: float
    priority: str
    responders: tuple[str, ...] = ()


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
        number: which of the notes, from 0; for PRIORITY which change of it, from 1; for CLOSE how
            many such changes there were. A receiver that cannot change the priority of an alert
            makes one more alert for each.
        responders: for CREATE and PRIORITY whom to tell beside the team, see `Stage`.
    """

    kind: StepKind
    priority: str = ""
    note: str = ""
    number: int = 0
    responders: tuple[str, ...] = ()


@dataclass(slots=True)
class Delivery:
    """What the receiver has confirmed, and what is under way.

    Attributes:
        created: whether the alert exists there.
        created_at: when that was confirmed.
        tried: the priority of a creation that may have arrived without our knowing.
        priority: the priority it has there.
        notes: how many of the incident's notes it has.
        closed: whether it is closed there, or nothing is left to close.
        request_id: request that was accepted and not confirmed yet.
        pending: the step it belongs to.
        asked_at: when it was accepted.
        attempts: failed attempts in a row.
        not_before: when to try again.
        minimal: whether the receiver refused the full form.
        dead: why it was given up; empty if it was not.
    """

    created: bool = False
    created_at: float = 0.0
    tried: str = ""
    priority: str = ""
    notes: int = 0
    closed: bool = False
    request_id: str = ""
    pending: Step | None = None
    asked_at: float = 0.0
    attempts: int = 0
    not_before: float = 0.0
    minimal: bool = False
    dead: str = ""

    def confirm(self, now: float, step: Step) -> None:
        """The receiver has carried out `step`."""
        if step.kind is StepKind.CREATE:
            # Had an earlier attempt arrived, this one changed nothing about its priority.
            self.created, self.created_at = True, now
            self.priority = self.tried or step.priority
        elif step.kind is StepKind.PRIORITY:
            self.priority = step.priority
        elif step.kind is StepKind.NOTE:
            self.notes = max(self.notes, step.number + 1)
        else:
            self.closed = True
        self.settle()
        self.attempts = 0

    def settle(self) -> None:
        """Nothing is under way any more."""
        self.request_id, self.pending = "", None

    def lose(self) -> None:
        """The alert is not there any more: a person deleted it, or it is another account."""
        self.settle()
        self.created, self.tried, self.notes = False, "", 0

    def rebase(self, now: float) -> None:
        """Nothing has happened later than `now`, and all may be tried at once."""
        self.not_before = 0.0
        self.asked_at, self.created_at = min(self.asked_at, now), min(self.created_at, now)


@dataclass(slots=True)
class Incident:
    """One stretch of trouble with one breaker; times are in seconds since the epoch.

    Attributes:
        id: unique.
        alias: its name at the receiver, and the key that makes sending it twice harmless.
        breaker: whose trouble it is.
        kind: the weightiest thing in it so far: "open", "memory", "latency" or "trouble".
        opened_at: when it began.
        not_before: when it may be told, held back by a cooldown.
        stages: copied from the settings when it opened, so editing them changes it no more.
        content: what the alert says.
        drill: whether it is only a drill.
        closes: whether the alert is closed when it is over.
    """

    id: str
    alias: str
    breaker: str
    kind: str
    opened_at: float
    not_before: float
    stages: tuple[Stage, ...]
    content: Content
    drill: bool = False
    closes: bool = True
    phase: Phase = Phase.ACTIVE
    stage: int = 0
    episodes: int = 1
    quiet_since: float = 0.0
    closed_at: float = 0.0
    notes: list[str] = field(default_factory=list)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    """What each receiver knows, by its name."""

    # --- what happens to it

    def advance(self, now: float, seen: Callable[[], str]) -> bool:
        """Lets time pass: raises the priority when a stage is due; True if that changed it.

        Args:
            now: seconds since the epoch.
            seen: asked what the breaker looks like now, in a sentence, if that is to be told.
        """
        if self.phase is not Phase.ACTIVE or not self.told_at:
            return False
        due = [i for i, stage in enumerate(self.stages) if now >= self.not_before + stage.after]
        stage = due[-1] if due else 0
        if stage <= self.stage:
            return False
        self.stage = stage
        open_for = duration(now - self.opened_at)
        self.notes.append(f"Still open after {open_for}, now {self.priority}. {seen()}")
        return True

    def quieten(self, now: float, seen: str) -> None:
        """What caused it is gone."""
        self.phase, self.quiet_since = Phase.QUIET, now
        if self._worth_a_note():
            self.notes.append(f"Well again after {duration(now - self.opened_at)}. {seen}")

    def reopen(self, seen: str) -> None:
        """What caused it is back before it was over: one incident, one more episode."""
        self.phase = Phase.ACTIVE
        self.episodes += 1
        if self._worth_a_note():
            self.notes.append(f"Open again, for the {ordinal(self.episodes)} time. {seen}")

    def worsen(
        self, kind: str, not_before: float, why: str, stages: tuple[Stage, ...] | None = None
    ) -> None:
        """What was a threshold only is weightier now; it may be told from `not_before` on.

        With `stages`, these replace its own, and are counted from then.
        """
        self.kind = kind
        if stages is not None:
            self.stages, self.stage, self.not_before = stages, 0, not_before
        elif not self.maybe_told:
            self.not_before = min(self.not_before, not_before)
        self.notes.append(f"Now {kind}: {why}")

    def rebase(self, now: float) -> None:
        """Takes it up in a new process, whose wall clock may be behind the last one's."""
        ahead = max(0.0, max(self.opened_at, self.quiet_since) - now)
        self.opened_at -= ahead
        self.not_before -= ahead
        self.quiet_since = min(self.quiet_since, now)
        for delivery in self.deliveries.values():
            delivery.rebase(now)

    def close(self, now: float) -> None:
        """It is over."""
        self.phase, self.closed_at = Phase.CLOSED, now
        lasted = duration((self.quiet_since or now) - self.opened_at)
        times = f", {self.episodes} times open" if self.episodes > 1 else ""
        self.notes.append(f"Over: it lasted {lasted}{times}.")

    # --- what a receiver should know

    def delivery_to(self, receiver: str) -> Delivery:
        """What that receiver knows."""
        return self.deliveries.setdefault(receiver, Delivery())

    def owes(self, receiver: str, now: float) -> bool:
        """Whether that receiver does not know all it should by now."""
        delivery = self.deliveries.get(receiver, _NOTHING_TOLD)
        return delivery.pending is not None or self.next_step(now, delivery) is not None

    @property
    def told_at(self) -> float:
        """When a receiver last confirmed that it has the alert; 0 if none did."""
        return max((d.created_at for d in list(self.deliveries.values()) if d.created), default=0.0)

    @property
    def maybe_told(self) -> bool:
        """Whether any receiver has heard of it, or may have."""
        return any(d.created or d.tried for d in list(self.deliveries.values()))

    @property
    def priority(self) -> str:
        """The priority that the alert should have."""
        return self.stages[self.stage].priority

    @property
    def escalates_at(self) -> float | None:
        """When the next stage is due, if there is one."""
        later = self.stages[self.stage + 1 :]
        return self.not_before + later[0].after if later and self.phase is Phase.ACTIVE else None

    @property
    def done(self) -> bool:
        """Whether nothing is left to be told."""
        return self.phase is Phase.CLOSED and not any(
            delivery.pending or self.next_step(self.closed_at, delivery)
            for delivery in self.deliveries.values()
        )

    def next_step(self, now: float, confirmed: Delivery) -> Step | None:
        """What that receiver is to be asked next; None if it knows all it should."""
        if confirmed.closed:
            return None
        closing = self.phase is Phase.CLOSED and self.closes
        close = Step(StepKind.CLOSE, note=self.notes[-1]) if closing else None
        if not confirmed.created:
            # What was over before it was told is not told any more. Yet what may have arrived
            # without our knowing must not stay open.
            return self._opening(now, confirmed) or (close if confirmed.tried else None)
        if confirmed.dead:
            return close
        if confirmed.priority != self.priority and self.phase is not Phase.CLOSED:
            return Step(StepKind.PRIORITY, priority=self.priority)
        # The last note goes with the closing itself.
        if confirmed.notes < len(self.notes) - closing:
            number = confirmed.notes
            return Step(StepKind.NOTE, note=self.notes[number], number=number)
        return close

    def _opening(self, now: float, confirmed: Delivery) -> Step | None:
        telling = self.phase is Phase.ACTIVE and now >= self.not_before and not confirmed.dead
        return Step(StepKind.CREATE, priority=self.priority) if telling else None

    def _worth_a_note(self) -> bool:
        n = self.episodes
        return n <= _NOTES_OF_EPISODES or n & (n - 1) == 0

    # --- as data

    def as_dict(self) -> dict[str, Any]:
        """The incident as JSON-able data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The incident of that data.

        Raises:
            TypeError, KeyError, ValueError: the data is not an incident's.
        """
        return cls(
            **{
                **data,
                "stages": tuple(_stage(stage) for stage in data["stages"]),
                "content": Content.from_dict(data["content"]),
                "phase": Phase(data["phase"]),
                "deliveries": {
                    name: _delivery(delivery) for name, delivery in data["deliveries"].items()
                },
            }
        )


_NOTHING_TOLD: Final = Delivery()


def _stage(data: dict[str, Any]) -> Stage:
    return Stage(**{**data, "responders": tuple(data.get("responders", ()))})


def _delivery(data: dict[str, Any]) -> Delivery:
    return Delivery(**{**data, "pending": _step(data["pending"]) if data["pending"] else None})


def _step(data: dict[str, Any]) -> Step:
    responders = tuple(data.get("responders", ()))
    return Step(**{**data, "kind": StepKind(data["kind"]), "responders": responders})


def ordinal(number: int) -> str:
    """The number as in a row: 2nd, 3rd, 11th."""
    if 10 <= number % 100 <= 20:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
