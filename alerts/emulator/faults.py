"""What can be made to go wrong between the emulator and its client."""

import random
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What goes wrong."""

    DOWN = "down"
    """The connection ends without an answer, and the request is lost."""
    DROP = "drop"
    """The request is taken, but the connection ends without an answer."""
    SLOW = "slow"
    """The answer comes `delay` seconds late."""
    RATE_LIMIT = "rate_limit"
    """429, with `delay` as the period to wait, in seconds."""
    UNAUTHORIZED = "unauthorized"
    """401, whatever the key."""
    ERROR = "error"
    """503."""
    HTML = "html"
    """A page of some proxy, with status 200."""
    UNAPPLIED = "unapplied"
    """202, but the write is never carried out, as its request status tells."""


@dataclass
class Fault:
    """One fault.

    Attributes:
        kind: what goes wrong.
        share: share of the requests that it hits, 0 to 1.
        times: how many requests it hits before it is over; None for no end.
        delay: seconds, for the kinds that have any.
    """

    kind: FaultKind
    share: float = 1.0
    times: int | None = None
    delay: float = 1.0

    def __post_init__(self) -> None:
        self.kind = FaultKind(self.kind)
        if (
            not 0 <= self.share <= 1
            or self.delay < 0
            or (self.times is not None and self.times < 1)
        ):
            raise ValueError(f"{self}: share is 0 to 1, delay from 0, times from 1 or absent")


class Faults:
    """The faults in force. Each request meets at most one: the first that hits it."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - to be repeatable, not to be secret
        self.active: list[Fault] = []

    def strike(self) -> Fault | None:
        """The fault that hits this request, if any."""
        for fault in self.active:
            if self._random.random() < fault.share:
                if fault.times is not None:
                    fault.times -= 1
                    if not fault.times:
                        self.active.remove(fault)
                return fault
        return None
