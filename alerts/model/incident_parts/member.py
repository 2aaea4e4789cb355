"""Members of an incident: the breakers in it, each with its own beginning and stages."""

from dataclasses import dataclass
from typing import Final

LOW: Final = "low"
"""Severity: informs, and is not escalated."""
ELEVATED: Final = "elevated"
"""Severity: one priority below that of an open breaker."""
DEGRADED: Final = "degraded"
"""Severity of a degraded breaker if the settings give its stages."""
PAGE: Final = "page"
"""Severity of an open breaker."""

_RANKS: Final = {LOW: 0, ELEVATED: 1, DEGRADED: 1, PAGE: 2}


def outranks(severity: str, other: str) -> bool:
    """Return True if `severity` is higher than `other`."""
    return _RANKS[severity] > _RANKS[other]


@dataclass(slots=True)
class Member:
    """Breaker that belongs to an incident. Times are in seconds since the epoch.

    Attributes:
        kind: most severe kind of alert so far.
        since: when its trouble began.
        recovered: True if the breaker is well at present.
        severity: which of the incident's stages it has at present.
        staged_from: when its stages began; later than `since` if its severity rose.
        notify_at: end of its cooldown; `since` if it has none.
        cause: signal or reason of its trouble; its cooldown is for this one.
        reason: reason as matchers of silences test it.
        held_by: what holds it back, as a sentence; empty if nothing does.
        episodes: number of times it needed attention.
    """

    kind: str
    since: float
    recovered: bool = False
    severity: str = PAGE
    staged_from: float = 0.0
    notify_at: float = 0.0
    cause: str = ""
    reason: str = ""
    held_by: str = ""
    episodes: int = 1

    def __post_init__(self) -> None:
        self.staged_from = self.staged_from or self.since
        self.notify_at = self.notify_at or self.since

    @property
    def counts(self) -> bool:
        """True if people are to be notified of it at present."""
        return not (self.recovered or self.held_by)

    def as_list(self) -> list[str | float | bool]:
        """Return the attributes in their order; fast, since an alert may have thousands."""
        return [
            self.kind, self.since, self.recovered, self.severity, self.staged_from,
            self.notify_at, self.cause, self.reason, self.held_by, self.episodes,
        ]  # fmt: skip

    def relapse(self, now: float) -> None:
        """Record that it needs attention again after it was well."""
        self.recovered, self.since = False, now
        self.episodes += 1

    def change_severity(self, now: float, severity: str) -> None:
        """Change the severity. If it rises, its stages begin at `now`."""
        if outranks(severity, self.severity):
            self.staged_from = now
        self.severity = severity

    def shift(self, now: float, ahead: float) -> None:
        """Move all times back by `ahead` seconds, and none is later than `now`."""
        self.since = min(self.since - ahead, now)
        self.staged_from = min(self.staged_from - ahead, now)
        self.notify_at -= ahead
