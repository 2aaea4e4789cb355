"""What can be made to go wrong between the emulator and its client. Pure: `now` is passed in."""

import math
import random
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final, Self

from alerts.emulator.alert import Json
from alerts.emulator.exchange import Answer, Request, refused

MOST: Final = 100
"""So many faults can be in force at once."""


class FaultKind(StrEnum):
    """What goes wrong."""

    DOWN = "down"
    """The connection ends without an answer, and the request is lost."""
    DROP = "drop"
    """The request is taken, but the connection ends without an answer."""
    SLOW = "slow"
    """The request is taken, and the answer comes `delay` seconds late."""
    RATE_LIMIT = "rate_limit"
    """429, to wait until the fault is over, or `delay` seconds if it has no end."""
    UNAUTHORIZED = "unauthorized"
    """401, whatever the key."""
    ERROR = "error"
    """An error of the server, 503 unless `status` says otherwise."""
    HTML = "html"
    """The page of some proxy, with 502 unless `status` says otherwise."""
    UNAPPLIED = "unapplied"
    """202, but the write is never carried out, as its request status tells."""


class FaultError(ValueError):
    """A fault that makes no sense; says what was found and what is allowed."""


@dataclass
class Fault:
    """One fault.

    Attributes:
        kind: what goes wrong.
        share: share of the requests that it hits, 0 to 1.
        times: how many requests it hits before it is over, from 1; None for no end.
        lasting: seconds until it is over, above 0; None for no end.
        delay: seconds, for `slow` and `rate_limit`; from 0.
        status: what is answered by `error` (500 to 599) and `html` (200 to 599).
        path: it hits only requests of which "METHOD /path" contains this.

    Raises:
        FaultError: something is out of its range.
    """

    kind: FaultKind
    share: float = 1.0
    times: int | None = None
    lasting: float | None = None
    delay: float = 1.0
    status: int | None = None
    path: str = ""

    def __post_init__(self) -> None:
        _check(self.kind in list(FaultKind), "kind", self.kind, f"one of {', '.join(FaultKind)}")
        self.kind = FaultKind(self.kind)
        _check(_is_number(self.share) and 0 <= self.share <= 1, "share", self.share, "0 to 1")
        _check(_is_count(self.times), "times", self.times, "an integer from 1, or null")
        lasting = self.lasting is None or (_is_number(self.lasting) and self.lasting > 0)
        _check(lasting, "lasting", self.lasting, "seconds above 0, or null")
        _check(_is_number(self.delay) and self.delay >= 0, "delay", self.delay, "seconds from 0")
        least = 200 if self.kind is FaultKind.HTML else 500
        status = self.status is None or (_is_count(self.status) and least <= self.status <= 599)
        _check(status, "status", self.status, f"{least} to 599 for {self.kind}, or null")
        _check(isinstance(self.path, str), "path", self.path, 'text, as in "POST /v2/alerts"')

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


class Faults:
    """The faults in force. Each request meets at most one: the first that hits it."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - to be repeatable, not to be secret
        self._faults: list[tuple[Fault, float]] = []

    def add(self, fault: Fault, now: float) -> None:
        """Puts `fault` into force.

        Raises:
            FaultError: there are too many already.
        """
        self._expire(now)
        if len(self._faults) >= MOST:
            raise FaultError(f"there are {MOST} faults already; take them away first")
        end = math.inf if fault.lasting is None else now + fault.lasting
        self._faults.append((fault, end))

    def clear(self) -> None:
        """Takes all faults away."""
        self._faults.clear()

    def strike(self, request: Request, now: float) -> tuple[Fault, float] | None:
        """The fault that hits `request`, and how many seconds it still lasts; None for no fault."""
        self._expire(now)
        line = f"{request.method} {request.path}"
        for fault, end in self._faults:
            if fault.path in line and self._random.random() < fault.share:
                self._use_up(fault)
                return fault, end - now
        return None

    def as_json(self, now: float) -> list[Json]:
        """The faults in force."""
        self._expire(now)
        return [asdict(fault) for fault, _ in self._faults]

    def _use_up(self, fault: Fault) -> None:
        if fault.times is not None:
            fault.times -= 1
            if fault.times == 0:
                self._faults = [entry for entry in self._faults if entry[0] is not fault]

    def _expire(self, now: float) -> None:
        self._faults = [(fault, end) for fault, end in self._faults if end > now]


def answer_of(fault: Fault, left: float) -> Answer | None:
    """What `fault` answers instead of the API; None if the API answers, or nobody.

    Args:
        fault: what goes wrong.
        left: seconds until it is over, perhaps infinite.
    """
    if fault.kind is FaultKind.RATE_LIMIT:
        return _throttled(fault.delay if math.isinf(left) else left)
    if fault.kind is FaultKind.UNAUTHORIZED:
        return refused(401, "Could not authenticate")
    if fault.kind is FaultKind.ERROR:
        return refused(fault.status or 503, "Service is not available")
    if fault.kind is FaultKind.HTML:
        return Answer(fault.status or 502, "<html><body><h1>Bad gateway</h1></body></html>\n")
    return None


def _throttled(seconds: float) -> Answer:
    """429. Retry-After counts whole seconds, so one that is shorter has only OpsGenie's header."""
    whole = math.ceil(seconds)
    period = f"{whole}" if seconds >= 1 else f"{seconds:.3f}"
    headers = {
        "X-RateLimit-State": "THROTTLED",
        "X-RateLimit-Reason": "ACCOUNT",
        "X-RateLimit-Period-In-Sec": period,
    }
    if seconds >= 1:
        headers["Retry-After"] = period
    return refused(429, "You are making too many requests!", headers)


def _check(right: object, name: str, found: object, allowed: str) -> None:
    if not right:
        raise FaultError(f"{name}: found {found!r}, allowed is {allowed}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: object) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 1)
