"""One incident: what happens to it, and what should be known of it. Pure: `now` is passed in."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Final, Self

from breakerd.alerts.content.composer import Content
from breakerd.alerts.model.delivery import Delivery, Stage
from breakerd.alerts.model.limits import MESSAGE
from breakerd.alerts.model.notes import Worst, closing_note
from breakerd.alerts.model.text import duration, shorten

_NOTES_OF_EPISODES: Final = 5
"""Each re-opening is worth a note up to here, and each doubling after that."""
_LONGEST_REMINDER: Final = 6 * 3600.0
"""Seconds between two notes that it is still open, at most."""
_LOOK_EVERY: Final = 60.0
"""Seconds between two looks at what people have made of the alert."""
_PATIENCE: Final = 15.0
"""Seconds that a stage waits for such a look: a receiver that does not answer stops no page."""


class Phase(StrEnum):
    """Where an incident is."""

    ACTIVE = "active"
    """What caused it is there."""
    QUIET = "quiet"
    """What caused it is gone; it is closed if that lasts."""
    CLOSED = "closed"
    """It is over."""


@dataclass(slots=True)
class Member:
    """One breaker's part in an incident."""

    kind: str
    since: float
    well: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """How an incident is told; copied from the settings when it opens.

    Attributes:
        closes: whether the alert is closed when it is over.
        tells_missed: whether what was over before it could be told is told all the same.
        reopen_after: seconds after which an alert that people closed is opened once more, while
            its cause goes on; None: it stays closed.
        remind_after: seconds until the first note that it is still open; 0: none.
    """

    closes: bool = True
    tells_missed: bool = True
    reopen_after: float | None = None
    remind_after: float = 0.0


@dataclass(slots=True)
class Incident:
    """One stretch of trouble with one breaker, or several that opened together.

    Times are in seconds since the epoch.

    Attributes:
        id: unique.
        alias: its name at the receivers, and the key that makes sending it twice harmless.
        breaker: whose trouble began it.
        kind: the weightiest thing in it so far: "open", "memory", "latency" or "degraded".
        opened_at: when it began.
        not_before: when it may be told, held back by a cooldown.
        stages: copied from the settings when it opened, so editing them changes it no more.
        content: what the alert says.
        drill: whether it is only a drill.
        rules: how it is told.
        held: why it is not told or escalated now: a silence, a maintenance window, another
            incident; empty if nothing holds it.
        due_at: when it was first to be told; 0 if it never was.
        members: the breakers in it.
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
    rules: Rules = Rules()
    phase: Phase = Phase.ACTIVE
    stage: int = 0
    episodes: int = 1
    quiet_since: float = 0.0
    closed_at: float = 0.0
    held: str = ""
    due_at: float = 0.0
    asking_since: float = 0.0
    """Since when a stage waits to hear what people have made of the alert; 0 if none does."""
    reminders: int = 0
    worst: Worst | None = None
    """Its worst figures so far."""
    measured_at: float = 0.0
    """When its figures were last written down."""
    rejected: int = 0
    """Calls that were rejected meanwhile."""
    joined_at: float = 0.0
    """When a breaker joined it last."""
    unsaid: list[str] = field(default_factory=list)
    """Breakers that joined it, and that no note has named yet."""
    unsaid_since: float = 0.0
    notes: list[str] = field(default_factory=list)
    members: dict[str, Member] = field(default_factory=dict)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    """What each receiver knows, by its name."""

    def __post_init__(self) -> None:
        if not self.members:
            self.members = {self.breaker: Member(self.kind, self.opened_at)}
            self.joined_at = self.opened_at

    # --- what happens to it

    def advance(self, now: float, seen: Callable[[], str]) -> bool:
        """Lets time pass: raises the priority when a stage is due; True if that changed it.

        Args:
            now: seconds since the epoch.
            seen: asked what the breaker looks like now, in a sentence, if that is to be told.
        """
        if self.phase is not Phase.ACTIVE:
            return False
        reopened = self._reopen_there(now)
        if not self.told_at:
            return reopened
        return self._escalate(now, seen) or self._remind(now, seen) or reopened

    def _escalate(self, now: float, seen: Callable[[], str]) -> bool:
        due = self._due_stage(now)
        if due <= self.stage or self._waits_for_people(now, due) or self.in_hand:
            return False
        self.asking_since = 0.0
        self.stage = due
        open_for = duration(now - self.opened_at)
        self.notes.append(f"Still open after {open_for}, now {self.priority}. {seen()}")
        return True

    def _due_stage(self, now: float) -> int:
        due = [i for i, stage in enumerate(self.stages) if now >= self.not_before + stage.after]
        return due[-1] if due else 0

    def _waits_for_people(self, now: float, due: int) -> bool:
        """Whether the receivers are still to be asked what people have made of the alert."""
        if not any(d.created and self._unasked(d, due) for d in self._open_deliveries()):
            return False
        self.asking_since = self.asking_since or now
        return now < self.asking_since + _PATIENCE

    def _unasked(self, delivery: Delivery, due: int) -> bool:
        """Whether nobody has looked since that stage became due, and the alert was there."""
        due_at = self.not_before + self.stages[due].after
        return delivery.looked_at < due_at or not delivery.looked

    def _remind(self, now: float, seen: Callable[[], str]) -> bool:
        first = self.rules.remind_after
        if not first or now < self._next_reminder(first):
            return False
        while now >= self._next_reminder(first):
            self.reminders += 1
        self.notes.append(f"Still open after {duration(now - self.opened_at)}. {seen()}")
        return True

    def _next_reminder(self, first: float) -> float:
        """Each pause is twice the one before, up to a longest."""
        at, pause = self.not_before, first
        for _ in range(self.reminders + 1):
            at += min(pause, max(first, _LONGEST_REMINDER))
            pause *= 2
        return at

    def _reopen_there(self, now: float) -> bool:
        wait = self.rules.reopen_after
        if wait is None:
            return False
        closed = [
            d
            for d in self.deliveries.values()
            if d.on_manual_close_at and now >= d.on_manual_close_at + wait
        ]
        for delivery in closed:
            delivery.begin_anew(len(self.notes))
        return bool(closed)

    def join(self, now: float, breaker: str, kind: str) -> None:
        """One more breaker opened, shortly after the others: one alert for all."""
        self.members[breaker] = Member(kind, now)
        self.joined_at = now
        if self.maybe_told:
            self.unsaid_since = self.unsaid_since if self.unsaid else now
            self.unsaid.append(breaker)

    def say_joined(self, words: Callable[[list[str], int], str]) -> None:
        """Puts into a note which breakers joined since the last one.

        Args:
            words: makes the note of their names, and of how many there are in all.
        """
        self.notes.append(words(self.unsaid, len(self.members)))
        self.unsaid = []

    def quieten(self, now: float, seen: str) -> None:
        """What caused it is gone."""
        self.phase, self.quiet_since = Phase.QUIET, now
        if self._worth_a_note():
            self.notes.append(f"Well again after {duration(now - self.opened_at)}. {seen}")

    def reopen(self, seen: str) -> None:
        """What caused it is back before it was over, or before anybody was told that it is."""
        self.phase, self.closed_at = Phase.ACTIVE, 0.0
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
        self.asking_since = 0.0
        self.quiet_since = min(self.quiet_since, now)
        self.due_at, self.joined_at = min(self.due_at, now), min(self.joined_at, now)
        for member in self.members.values():
            member.since = min(member.since, now)
        for delivery in self.deliveries.values():
            delivery.rebase(now)

    def measure(self, figures: Worst) -> None:
        """Takes in the figures that its breaker has now."""
        if self.worst is not None:
            # Counted from the beginning of a process, so less than before means a new one.
            before = self.worst.rejected if figures.rejected >= self.worst.rejected else 0
            self.rejected += figures.rejected - before
            figures = replace(self.worst.merged(figures), rejected=figures.rejected)
        self.worst = figures

    def close(self, now: float, ended_by: str = "") -> None:
        """It is over; `ended_by` says what made it so, in a few words, if that is known."""
        self.phase, self.closed_at = Phase.CLOSED, now
        lasted = (self.quiet_since or now) - self.opened_at
        self.notes.append(closing_note(lasted, self.episodes, self.worst, self.rejected, ended_by))

    def tell_late(self, words: str) -> None:
        """It was over before anybody could be told: what is told now says so first."""
        message = shorten(f"[OVER] {self.content.message}", MESSAGE)
        text = f"{words}\n\n{self.content.description}"
        self.content = replace(self.content, message=message, description=text)

    # --- what is known of it

    def delivery_to(self, receiver: str) -> Delivery:
        """What that receiver knows."""
        return self.deliveries.setdefault(receiver, Delivery())

    def asks(self, now: float, delivery: Delivery) -> bool:
        """Whether it is time to ask that receiver what people have made of the alert."""
        if not self._may_ask(now, delivery):
            return False
        long_ago = now - delivery.looked_at >= _LOOK_EVERY
        # Right before it is raised, since the last attempt may have failed some time ago.
        raising = bool(self.stage) and delivery.priority != self.priority
        before = raising and not delivery.acknowledged and delivery.looked_at < now
        return long_ago or before or self.asks_to_escalate(now, delivery)

    def asks_to_escalate(self, now: float, delivery: Delivery) -> bool:
        """Whether a stage is due, and waits for nothing else."""
        if not self._may_ask(now, delivery):
            return False
        due = self._due_stage(now)
        return due > self.stage and self._unasked(delivery, due)

    def _may_ask(self, now: float, delivery: Delivery) -> bool:
        there = delivery.created and not delivery.on_manual_close_at
        return self.phase is Phase.ACTIVE and there and now >= delivery.look_again_at

    @property
    def told_at(self) -> float:
        """When a receiver last confirmed that it has the alert; 0 if none did."""
        return max((d.created_at for d in list(self.deliveries.values()) if d.created), default=0.0)

    @property
    def maybe_told(self) -> bool:
        """Whether any receiver has heard of it, or may have."""
        return any(d.created or d.tried for d in list(self.deliveries.values()))

    @property
    def in_hand(self) -> bool:
        """Whether a person has acknowledged the alert at any receiver, or closed it."""
        return any(d.in_hand for d in list(self.deliveries.values()))

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
    def dead_letters(self) -> dict[str, Delivery]:
        """The deliveries that were given up and not discarded, by receiver."""
        return {name: d for name, d in list(self.deliveries.items()) if d.dead_letter}

    def _open_deliveries(self) -> list[Delivery]:
        return [d for d in self.deliveries.values() if not (d.closed or d.dead)]

    def _worth_a_note(self) -> bool:
        n = self.episodes
        return n <= _NOTES_OF_EPISODES or n & (n - 1) == 0

    # --- as data

    def as_dict(self) -> dict[str, Any]:
        """The incident as JSON-able data."""
        data = {each.name: getattr(self, each.name) for each in fields(self)}
        return data | {
            "stages": [asdict(stage) for stage in self.stages],
            "content": self.content.as_dict(),
            "rules": asdict(self.rules),
            "worst": asdict(self.worst) if self.worst else None,
            "members": {name: [m.kind, m.since, m.well] for name, m in self.members.items()},
            "deliveries": {name: asdict(d) for name, d in list(self.deliveries.items())},
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The incident of that data; of an earlier format as well.

        Raises:
            TypeError, KeyError, ValueError: the data is not an incident's.
        """
        earlier = data.get("closes")
        rules = data.get("rules") or ({} if earlier is None else {"closes": earlier})
        return cls(
            **{
                **{name: value for name, value in data.items() if name != "closes"},
                "stages": tuple(Stage.from_dict(stage) for stage in data["stages"]),
                "content": Content.from_dict(data["content"]),
                "rules": Rules(**rules),
                "worst": Worst(**data["worst"]) if data.get("worst") else None,
                "phase": Phase(data["phase"]),
                "members": {
                    name: Member(*member) for name, member in data.get("members", {}).items()
                },
                "deliveries": {
                    name: Delivery.from_dict(delivery)
                    for name, delivery in data["deliveries"].items()
                },
            }
        )


def ordinal(number: int) -> str:
    """The number as in a row: 2nd, 3rd, 11th."""
    if 10 <= number % 100 <= 20:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
