"""Promise to promote a candidate, and what became of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from breakerd.breaker.promotion.condition import Condition
from breakerd.breaker.shadow.report import PromiseReport, SettledReport, rfc3339

Ending = Literal["kept", "void", "taken back"]


@dataclass(frozen=True, slots=True)
class Promise:
    """Promise to make a candidate's settings those in force.

    Attributes:
        breaker: name of the breaker.
        digest: identity of the comparison that it is about.
        values: settings of the candidate by dotted names, as they are to be in force.
        made: wall-clock time at which it was made, in seconds since the epoch.
        due: wall-clock time from which on it is to be kept.
        condition: what must be true then.
        by: name of whoever made it; empty if none was given.
    """

    breaker: str
    digest: str
    values: Mapping[str, object] = field(hash=False)
    made: float
    due: float
    condition: Condition
    by: str = ""

    def report(self, now: float) -> PromiseReport:
        """Return it as JSON-able data."""
        return PromiseReport(
            due=rfc3339(self.due),
            due_in_seconds=round(max(0.0, self.due - now), 1),
            condition=self.condition.text,
            made=rfc3339(self.made),
            by=self.by,
        )


@dataclass(frozen=True, slots=True)
class Settled:
    """End of a promise.

    Attributes:
        breaker: name of the breaker.
        at: wall-clock time in seconds since the epoch.
        ending: what became of it.
        text: why, or what would have been different.
        by: who made it, or who took it back.
    """

    breaker: str
    at: float
    ending: Ending
    text: str
    by: str = ""

    def report(self) -> SettledReport:
        """Return it as JSON-able data."""
        return SettledReport(at=rfc3339(self.at), ending=self.ending, text=self.text, by=self.by)
