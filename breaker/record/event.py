"""What happened to a breaker or its process, as the record keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

TRANSITION: Final = "transition"
SIGNAL: Final = "signal"
RECOVERY: Final = "recovery"
SETTINGS: Final = "settings"
ACT: Final = "act"
ALERT: Final = "alert"
RELOAD: Final = "reload"
CANDIDATE: Final = "candidate"
KINDS: Final = (TRANSITION, SIGNAL, RECOVERY, SETTINGS, ACT, ALERT, RELOAD, CANDIDATE)
"""Kinds of events: a change of state (suppressed ones too), a signal that crossed its threshold,
a step of the ramp, settings that took effect, an operator's act, a step of an alert, a reload of
the file, what the candidate in a breaker's shadow would have done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordEvent:
    """One event.

    Attributes:
        time: seconds since the epoch, on the clock of the slots.
        breaker: name of the breaker; None where it concerns the process as a whole.
        kind: one of `KINDS`.
        text: one sentence or line for people, without its time.
        data: JSON-able details; `type` names the kind more exactly.
        host: name of the host.
        process: the process that recorded it, as HOST:PID.
        id: number in the record, growing; 0 until it is stored.
    """

    time: float
    breaker: str | None
    kind: str
    text: str
    data: Mapping[str, object] = field(default_factory=dict)
    host: str = ""
    process: str = ""
    id: int = 0

    def to_dict(self) -> dict[str, object]:
        """Return the event as JSON-able data, with the names of its attributes."""
        return {
            "id": self.id,
            "time": self.time,
            "breaker": self.breaker,
            "kind": self.kind,
            "text": self.text,
            "data": dict(self.data),
            "host": self.host,
            "process": self.process,
        }
