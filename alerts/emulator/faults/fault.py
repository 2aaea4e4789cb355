"""One fault: what goes wrong between the emulator and its client, when, and for whom."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class FaultKind(StrEnum):
    """What goes wrong."""

    DOWN = "down"
    """The connection ends without an answer, and the request is lost."""
    REFUSE = "refuse"
    """Nobody listens: connections are refused, and those that are open end."""
    HANG = "hang"
    """The request is lost, and nothing is ever answered; the connection stays open."""
    DROP = "drop"
    """The request is taken, but the connection ends without an answer."""
    SLOW = "slow"
    """The request is taken, and the answer comes `delay` seconds late."""
    DELAYED = "delayed"
    """202, and the write is carried out only `delay` seconds later, others overtaking it."""
    UNAPPLIED = "unapplied"
    """202, but the write is never carried out, as its request status tells."""
    TRUNCATED = "truncated"
    """The request is taken, and half of the answer's JSON comes."""
    EMPTY = "empty"
    """The request is taken, and the answer is 200 with nothing in it."""
    HTML = "html"
    """The page of some proxy, with 502 unless `status` says otherwise."""
    ERROR = "error"
    """An error of the server, 503 unless `status` says otherwise."""
    UNAUTHORIZED = "unauthorized"
    """401, whatever the key."""
    RATE_LIMIT = "rate_limit"
    """429, to wait until the fault is over, or `delay` seconds if it has no end."""


class FaultError(ValueError):
    """A fault that makes no sense; says what was found and what is allowed."""


@dataclass
class Fault:
    """One fault.

    Attributes:
        kind: what goes wrong.
        share: share of the requests that it hits, 0 to 1.
        times: how many requests it hits before it is over, from 1; None for no end.
        after: seconds until it begins, from 0.
        lasting: seconds from its beginning until it is over, above 0; None for no end.
        delay: seconds, for `slow`, `delayed` and `rate_limit`; from 0.
        status: what is answered by `error` (500 to 599) and `html` (200 to 599).
        path: it hits only requests of which "METHOD /path" contains this.

    Raises:
        FaultError: something is out of its range; `refuse` knows of no requests, so it takes
            neither `share` nor `times` nor `path`.
    """

    kind: FaultKind
    share: float = 1.0
    times: int | None = None
    after: float = 0.0
    lasting: float | None = None
    delay: float = 1.0
    status: int | None = None
    path: str = ""

    def __post_init__(self) -> None:
        _check(self.kind in list(FaultKind), "kind", self.kind, f"one of {', '.join(FaultKind)}")
        self.kind = FaultKind(self.kind)
        _check(_is_number(self.share) and 0 <= self.share <= 1, "share", self.share, "0 to 1")
        _check(_is_count(self.times), "times", self.times, "an integer from 1, or null")
        _check(_is_duration(self.after), "after", self.after, "seconds from 0")
        lasting = self.lasting is None or (_is_number(self.lasting) and self.lasting > 0)
        _check(lasting, "lasting", self.lasting, "seconds above 0, or null")
        _check(_is_duration(self.delay), "delay", self.delay, "seconds from 0")
        least = 200 if self.kind is FaultKind.HTML else 500
        status = self.status is None or (_is_count(self.status) and least <= self.status <= 599)
        _check(status, "status", self.status, f"{least} to 599 for {self.kind}, or null")
        _check(isinstance(self.path, str), "path", self.path, 'text, as in "POST /v2/alerts"')
        if self.kind is FaultKind.REFUSE:
            chosen = (self.share, self.times, self.path)
            _check(chosen == (1, None, ""), "refuse", chosen, "neither share nor times nor path")

    @classmethod
    def from_json(cls, data: object) -> Self:
        """The fault that a JSON object describes.

        Raises:
            FaultError: it has unknown keys, no kind, or values out of range.
        """
        if not isinstance(data, dict) or "kind" not in data:
            raise FaultError(f'{data!r} is not a JSON object with a kind, as in {{"kind": "down"}}')
        if unknown := set(data) - set(cls.__dataclass_fields__):
            allowed = ", ".join(cls.__dataclass_fields__)
            raise FaultError(f"{', '.join(sorted(unknown))}: unknown; allowed are {allowed}")
        return cls(**data)


def schedule_from_json(data: object) -> list[Fault]:
    """The faults that a JSON object, or a list of them, describes.

    Raises:
        FaultError: one of them makes no sense; where there are several, says which.
    """
    if not isinstance(data, list):
        return [Fault.from_json(data)]
    faults = []
    for number, one in enumerate(data, start=1):
        try:
            faults.append(Fault.from_json(one))
        except FaultError as error:
            raise FaultError(f"fault {number}: {error}") from None
    return faults


def _check(right: object, name: str, found: object, allowed: str) -> None:
    if not right:
        raise FaultError(f"{name}: found {found!r}, allowed is {allowed}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_duration(value: object) -> bool:
    return isinstance(value, int | float) and _is_number(value) and value >= 0


def _is_count(value: object) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 1)
