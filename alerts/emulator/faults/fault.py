"""Faults: what fails between the emulator and its client, when, and for which requests."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class FaultKind(StrEnum):
    """Kind of a fault."""

    DOWN = "down"
    """The connection is closed without a response, and the request is lost."""
    REFUSE = "refuse"
    """The socket is closed: new connections are refused, open ones are closed."""
    HANG = "hang"
    """The request is lost, and there is never a response; the connection stays open."""
    DROP = "drop"
    """The request is executed, but the connection is closed without a response."""
    SLOW = "slow"
    """The request is executed, and the response is `delay` seconds late."""
    DELAYED = "delayed"
    """202, and the write is executed `delay` seconds later; later writes overtake it."""
    UNAPPLIED = "unapplied"
    """202, but the write is never executed; its request status says so."""
    TRUNCATED = "truncated"
    """The request is executed, and half of the response's JSON is sent."""
    EMPTY = "empty"
    """The request is executed, and the response is an empty 200."""
    HTML = "html"
    """The HTML page of a proxy, with 502 unless `status` is set."""
    ERROR = "error"
    """A server error, 503 unless `status` is set."""
    UNAUTHORIZED = "unauthorized"
    """401, whatever the key."""
    RATE_LIMIT = "rate_limit"
    """429, asking for a pause until the fault ends, or of `delay` seconds if it has no end."""


class FaultError(ValueError):
    """A fault is invalid; the message states what was found and what is allowed."""


@dataclass
class Fault:
    """Fault.

    Attributes:
        kind: kind of the fault.
        share: fraction of the requests that it affects, 0 to 1.
        times: number of requests that it affects before it ends, from 1; None: no end.
        after: seconds until it begins, from 0.
        lasting: seconds from its beginning to its end, above 0; None: no end.
        delay: seconds, for `slow`, `delayed` and `rate_limit`; from 0.
        status: status of the response for `error` (500 to 599) and `html` (200 to 599).
        path: it affects only requests whose "METHOD /path" contains this.

    Raises:
        FaultError: a value is out of range; `refuse` sees no requests, so it accepts neither
            `share` nor `times` nor `path`.
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
        """Return the fault that a JSON object describes.

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
    """Return the faults that a JSON object, or a list of them, describes.

    Raises:
        FaultError: one of them is invalid; the message gives its position in a list.
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
