"""The last trip of a breaker, as one value."""

from dataclasses import dataclass

from breakerd.breaker.events.events import NO_EVIDENCE, Evidence
from breakerd.breaker.states import Reason


@dataclass(frozen=True, slots=True)
class Trip:
    """The last opening of a breaker.

    Attributes:
        at: wall-clock time in seconds since the epoch; None if it never opened.
        reason: what opened it.
        evidence: measurements that the trip was based on.
        note: the operator's words.
    """

    at: float | None = None
    reason: Reason = Reason.MANUAL
    evidence: tuple[Evidence, ...] = NO_EVIDENCE
    note: str = ""
