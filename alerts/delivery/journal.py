"""What became of alerts at their receivers, for whoever keeps a record of it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Final

from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertStep:
    """One step of an alert at one receiver.

    Attributes:
        incident: id of the incident.
        alias: deduplication key at the receiver.
        breaker: name of the breaker that caused it.
        breakers: names of all breakers in it.
        receiver: name of the receiver.
        step: "create", "priority" (an escalation), "note", "attach" or "close", once the receiver
            has applied it; "acknowledged", "unacknowledged" or "closed_manually", what a person
            did there; "gone", "given_up", what became of it otherwise.
        priority: P1 to P5.
        stage: index of the stage that the incident has reached, from 0.
        detail: note, or error.
        drill: True if it is a drill.
    """

    incident: str
    alias: str
    breaker: str
    breakers: tuple[str, ...]
    receiver: str
    step: str
    priority: str
    stage: int
    detail: str = ""
    drill: bool = False

    def as_dict(self) -> dict[str, object]:
        """Return the step as JSON-able data."""
        return {**asdict(self), "breakers": list(self.breakers)}

    def sentence(self) -> str:
        """Return the step as one line."""
        words = _WORDS[self.step].format(receiver=self.receiver, priority=self.priority)
        return f"{words}: {self.detail}" if self.detail else words


Journal = Callable[[AlertStep], None]
"""Takes each step. Called on the thread of the receiver, with the incident log's lock held or not;
it must not wait, and raises nothing."""


@dataclass(slots=True)
class JournalHook:
    """Where all receivers of a process find the present journal."""

    tell: Journal = field(default=lambda _step: None)


def step_of(incident: Incident, receiver: str, step: str, detail: str = "") -> AlertStep:
    """Return a step of an incident at a receiver as it is told."""
    return AlertStep(
        incident=incident.id,
        alias=incident.alias,
        breaker=incident.breaker,
        breakers=tuple(incident.members),
        receiver=receiver,
        step=step,
        priority=incident.priority,
        stage=incident.stage,
        detail=detail,
        drill=incident.drill,
    )


def detail_of(step: Step) -> str:
    """Return what a step says, in short."""
    return step.note if step.kind in {StepKind.NOTE, StepKind.CLOSE, StepKind.PRIORITY} else ""


_WORDS: Final = {
    "create": "alert sent to {receiver} with priority {priority}",
    "priority": "alert escalated at {receiver} to {priority}",
    "note": "note added at {receiver}",
    "attach": "picture added at {receiver}",
    "close": "alert closed at {receiver}",
    "acknowledged": "alert acknowledged at {receiver}",
    "unacknowledged": "acknowledgement withdrawn at {receiver}",
    "closed_manually": "alert closed by a person at {receiver}",
    "gone": "alert is gone at {receiver}",
    "given_up": "alert given up by {receiver}",
}
