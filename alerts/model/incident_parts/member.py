"""Members of an incident: the breakers in it."""

from dataclasses import dataclass


@dataclass(slots=True)
class Member:
    """Breaker that belongs to an incident.

    Attributes:
        kind: kind of alert when it joined.
        since: seconds since the epoch.
        recovered: True if the breaker is well at present.
    """

    kind: str
    since: float
    recovered: bool = False
