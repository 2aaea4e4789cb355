"""Settings of a host that differ from those that an operator has set for all hosts."""

from dataclasses import dataclass
from typing import Final, Protocol

from breakerd.breaker.fleet.asked_change import AskedChange

EDITED: Final = "this host's file has a value of its own"
TAKING: Final = "it is being taken"
_WAITS: Final = "the hub is away: the other hosts get it when it is back"


@dataclass(frozen=True, slots=True)
class Drift:
    """One setting of this host that differs from the fleet's.

    Attributes:
        key: the setting, as in the file: `breakers.payments.wait_time`.
        own: value on this host; None: it is not set.
        fleet: value that was set for all hosts; None: it was removed.
        by: who set that; empty if it is not known.
        at: when that was, in seconds since the epoch by the hub's clock.
        since: when this process first saw that they differ, by the same clock.
        reason: why this host has not taken it.
    """

    key: str
    own: object
    fleet: object
    by: str
    at: float
    since: float
    reason: str


@dataclass(frozen=True, slots=True)
class Published:
    """Progress of a change of settings in the fleet, at the time of the question.

    Attributes:
        shared: True if any of it is for all hosts.
        done: True if the hub has that.
        applied: processes that have the same settings as this one.
        waiting: processes that have those of this one before the change.
        kept: keys that are this host's alone, since hosts do not share them.
    """

    shared: bool
    done: bool
    applied: int = 0
    waiting: int = 0
    kept: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return it as one line: `published to the fleet: applied 3, waiting 1`."""
        own = f"on this host only: {', '.join(self.kept)}" if self.kept else ""
        if not self.shared:
            return own
        counts = f": applied {self.applied}, waiting {self.waiting}" if self.applied else ""
        told = f"published to the fleet{counts}" if self.done else _WAITS
        return f"{told}; {own}" if own else told


class SharedSettings(Protocol):
    """Settings that the hosts of a fleet share."""

    def drift(self) -> list[Drift]:
        """Return what differs on this host, in the order of the keys."""
        ...

    def published(self, asked: AskedChange, timeout: float) -> Published | None:
        """Return how far a change has come, after at most `timeout` seconds.

        None if nothing was changed, or if all processes read one file.
        """
        ...
